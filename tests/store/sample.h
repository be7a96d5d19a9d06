/* sample.h - a folder of its own for each test, and documents to put into a store. */
#ifndef TESTS_STORE_SAMPLE_H
#define TESTS_STORE_SAMPLE_H

#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct sample_folder {
    char folder[64], db[80], report[96];
};

static inline int sample_setup(void **state)
{
    struct sample_folder *at = calloc(1, sizeof(*at));

    assert_non_null(at);
    strcpy(at->folder, P_tmpdir "/cloister-store-XXXXXX");
    assert_non_null(mkdtemp(at->folder));
    snprintf(at->db, sizeof(at->db), "%s/c.db", at->folder);
    snprintf(at->report, sizeof(at->report), "%s/c.report.html", at->folder);
    *state = at;
    return 0;
}

static inline int sample_teardown(void **state)
{
    struct sample_folder *at = *state;
    static const char *const suffix[] = {"",         "-wal",  "-shm",
                                         "-journal", ".copy", ".copy-journal"};
    char path[128];

    for (size_t i = 0; i < COUNT(suffix); i++) {
        snprintf(path, sizeof(path), "%s%s", at->db, suffix[i]);
        unlink(path);
    }
    unlink(at->report);
    assert_int_equal(rmdir(at->folder), 0);
    free(at);
    return 0;
}

#define assert_ok(call)                                                   \
    do {                                                                  \
        struct store_error sample_err = {0, ""};                          \
        int sample_status = (call);                                       \
        if (sample_status != STORE_OK)                                    \
            fail_msg("%s: %d %s", #call, sample_status, sample_err.text); \
    } while (0)
#define ERR &sample_err

static inline struct store_run sample_run(void)
{
    static const char *const input[] = {"contracts", "more\xff"};
    struct store_run run = {
        .identity = {.policy_name = "contracts",
                     .policy_title = "Contracts",
                     .policy_revision = 3,
                     .encoder_name = "all-minilm-l6-v2.q8_0.gguf",
                     .arithmetic_version = 1,
                     .settings = "activations=16 float=exact"},
        .program_version = "0.1.0",
        .operator_name = "1000 (mara)",
        .host = "reading-room",
        .kernel = "Linux 6.1",
        .input = input,
        .input_count = COUNT(input),
        .facts = "{\"isa\": \"avx2\", \"threads\": 2}",
    };

    store_digest_of("policy", 6, &run.identity.policy);
    store_digest_of("encoder", 7, &run.identity.encoder);
    store_digest_of("program", 7, &run.program);
    return run;
}

static inline void sample_copy(const char *from, const char *to)
{
    char data[65536];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    size_t got;

    assert_non_null(in);
    assert_non_null(out);
    while ((got = fread(data, 1, sizeof(data), in)) > 0)
        assert_int_equal(fwrite(data, 1, got, out), got);
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

/* A document with something in every table. Its words depend on word. */
struct sample_document {
    struct store_document document;
    struct store_section section[2];
    struct store_hidden hidden[1];
    struct store_chunk chunk[2];
    struct store_score score[3];
    struct store_quote evidence[2];
    struct store_task task[2];
    struct store_sentence sentence[2];
    struct store_dropped dropped[2];
    struct store_finding finding[2];
    char text[2][200];
};

static inline void sample_chunks(struct sample_document *out, const char *word)
{
    snprintf(out->text[0], sizeof(out->text[0]),
             "This License Agreement on %s is made between the parties.\n", word);
    snprintf(out->text[1], sizeof(out->text[1]),
             "The na\xc3\xafve licensee pays royalties for %s, call 555-0100.\n", word);
    for (int64_t i = 0; i < 2; i++)
        out->chunk[i] = (struct store_chunk){
            .chunk = i + 1,
            .range = {i + 1, 0, i + 1, (int64_t)strlen(out->text[i])},
            .tokens = 12 + i,
            .text = out->text[i],
            .text_bytes = strlen(out->text[i])};
    out->document.chunk = out->chunk;
    out->document.chunk_count = 2;
}

static inline void sample_answers(struct sample_document *out)
{
    out->evidence[0] = (struct store_quote){
        .range = {1, 5, 1, 22}, .chunk = 1, .offset = 5, .bytes = 17, .weight = 0.75};
    out->evidence[1] = (struct store_quote){
        .range = {2, 4, 2, 10}, .chunk = 2, .offset = 4, .bytes = 6, .weight = 0.5};
    out->score[0] = (struct store_score){"license", 0.9, 0.625};
    out->score[1] = (struct store_score){"distributor", 0.6, 0.25};
    out->score[2] = (struct store_score){"supply", 0.3, 0.125};
    out->task[0] = (struct store_task){.task = "contract_type",
                                       .label = "license",
                                       .runner_up = "distributor",
                                       .answered_by = "encoder",
                                       .probability = 0.625,
                                       .score = out->score,
                                       .score_count = 3,
                                       .evidence = out->evidence,
                                       .evidence_count = 2};
    out->task[1] = (struct store_task){.task = "signed",
                                       .label = "no",
                                       .runner_up = "yes",
                                       .answered_by = "model",
                                       .prior = "0123abcd",
                                       .first_label = "yes",
                                       .first_probability = 0.375,
                                       .probability = 0.5,
                                       .undecided = true,
                                       .commanded = true,
                                       .plain_label = "yes",
                                       .plain_probability = 0.75,
                                       .plain_undecided = false};
    out->sentence[0] =
        (struct store_sentence){.kind = "verbatim", .quote = out->evidence[0]};
    out->sentence[1] = (struct store_sentence){.kind = "written",
                                               .written = "Someone na\xc3\xafve pays.",
                                               .quote = out->evidence[1]};
    out->dropped[0] = (struct store_dropped){"number", "777", "They owe 777 dollars."};
    out->dropped[1] = (struct store_dropped){"repeats", "", "Someone pays."};
    out->finding[0] = (struct store_finding){
        .detector = "royalty", .score = 0.5, .quote = out->evidence[1]};
    out->finding[1] = (struct store_finding){.detector = "telephone",
                                             .score = 1,
                                             .masked = "999-9999",
                                             .quote = out->evidence[1]};
    out->document.task = out->task;
    out->document.task_count = 2;
    out->document.sentence = out->sentence;
    out->document.sentence_count = 2;
    out->document.dropped = out->dropped;
    out->document.dropped_count = 2;
    out->document.summary_reason = "1 of 3 written sentences stood";
    out->document.finding = out->finding;
    out->document.finding_count = 2;
}

static inline void sample_document(struct sample_document *out, const char *path,
                                   const char *word)
{
    memset(out, 0, sizeof(*out));
    out->section[0] = (struct store_section){1, "page", "i", "", 60};
    out->section[1] = (struct store_section){2, "page", "ii", "Royalties", 70};
    out->hidden[0] = (struct store_hidden){2, 60, 70, "tiny", "ignore all"};
    out->document = (struct store_document){.path = path,
                                            .has_digest = true,
                                            .bytes = 4096,
                                            .modified_ns = 1700000000123456789,
                                            .media_type = "application/pdf",
                                            .dialect = "pdf",
                                            .metadata = "{\"title\":\"Agreement\"}",
                                            .pages = 2,
                                            .outcome = "ok",
                                            .reason = "",
                                            .extracted_bytes = 130,
                                            .hidden_bytes = 10,
                                            .chunked_bytes = 120,
                                            .seen_bytes = 120,
                                            .decision = "file",
                                            .parse_ms = 12,
                                            .section = out->section,
                                            .section_count = 2,
                                            .hidden = out->hidden,
                                            .hidden_count = 1};
    store_digest_of(word, strlen(word), &out->document.digest);
    sample_chunks(out, word);
    sample_answers(out);
}

/* A store with one finished run over the paths given, each with its path as word. */
static inline void sample_store(const char *db, const char *const *path, size_t count)
{
    struct store_run run = sample_run();
    struct store_run_end end = {"complete", count, count, 0};
    struct store *store;
    int64_t run_id, id;

    assert_ok(store_open(&store, db, STORE_RUN, ERR));
    assert_ok(store_run_begin(store, &run, &run_id, ERR));
    for (size_t i = 0; i < count; i++) {
        struct sample_document document;
        sample_document(&document, path[i], path[i]);
        assert_ok(store_commit(store, run_id, &document.document, &id, ERR));
    }
    assert_ok(store_run_end(store, run_id, &end, ERR));
    assert_ok(store_close(store, ERR));
}

#endif
