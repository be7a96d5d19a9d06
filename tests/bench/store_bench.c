/* store_bench - how many documents a second the store commits.
 *
 *     store_bench FILE
 *
 * Documents of a contract's size (40 chunks of 1,000 bytes, 25 scores, evidence, a
 * summary) go into a new database at FILE, each in a transaction of its own with its
 * audit event, as in a run; then the log is verified. FILE should lie on the disk
 * that is meant: a commit waits for it. */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DOCUMENTS = 300, CHUNKS = 40, CHUNK_BYTES = 1000, LABELS = 25, QUOTES = 5 };

struct sample {
    struct store_document document;
    struct store_section section;
    struct store_chunk chunk[CHUNKS];
    struct store_score score[LABELS];
    struct store_quote evidence[QUOTES];
    struct store_task task;
    struct store_sentence sentence[QUOTES];
    char label[LABELS][16], path[32];
    char text[CHUNKS * CHUNK_BYTES];
};

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(int status, const struct store_error *err)
{
    if (status == STORE_OK)
        return;
    fprintf(stderr, "store_bench: %s\n", err->text);
    exit(2);
}

/* Words of two to nine letters, the same in every run of the program. */
static void fill_text(struct sample *s, uint64_t *random)
{
    size_t word = 0;
    for (size_t i = 0; i < sizeof(s->text); i++) {
        *random = *random * 6364136223846793005u + 1442695040888963407u;
        s->text[i] = word == 0 || i % CHUNK_BYTES == CHUNK_BYTES - 1
                         ? ' '
                         : (char)('a' + (*random >> 33) % 26);
        word = word == 0 ? 2 + (*random >> 40) % 8 : word - 1;
    }
}

static void fill_rows(struct sample *s)
{
    s->section = (struct store_section){1, "page", "1", "", sizeof(s->text)};
    for (int i = 0; i < CHUNKS; i++)
        s->chunk[i] = (struct store_chunk){
            .chunk = i + 1,
            .range = {1, i * CHUNK_BYTES, 1, (i + 1) * CHUNK_BYTES},
            .tokens = 220,
            .text = s->text + i * CHUNK_BYTES,
            .text_bytes = CHUNK_BYTES};
    for (int i = 0; i < LABELS; i++) {
        snprintf(s->label[i], sizeof(s->label[i]), "label_%d", i);
        s->score[i] = (struct store_score){s->label[i], 0.5 - i / 100.0, 1.0 / LABELS};
    }
    for (int i = 0; i < QUOTES; i++) {
        s->evidence[i] = (struct store_quote){
            .range = {1, i * CHUNK_BYTES, 1, i * CHUNK_BYTES + 100},
            .chunk = i + 1,
            .offset = 0,
            .bytes = 100,
            .weight = 0.5};
        s->sentence[i] =
            (struct store_sentence){.kind = "verbatim", .quote = s->evidence[i]};
    }
    s->task = (struct store_task){.task = "type",
                                  .label = s->label[0],
                                  .runner_up = s->label[1],
                                  .answered_by = "encoder",
                                  .probability = 1.0 / LABELS,
                                  .score = s->score,
                                  .score_count = LABELS,
                                  .evidence = s->evidence,
                                  .evidence_count = QUOTES};
}

static void fill_document(struct sample *s, int number)
{
    snprintf(s->path, sizeof(s->path), "contract-%d.pdf", number);
    s->document = (struct store_document){.path = s->path,
                                          .has_digest = true,
                                          .bytes = 100000,
                                          .media_type = "application/pdf",
                                          .dialect = "pdf",
                                          .pages = 12,
                                          .outcome = "ok",
                                          .reason = "",
                                          .extracted_bytes = sizeof(s->text),
                                          .chunked_bytes = sizeof(s->text),
                                          .seen_bytes = sizeof(s->text),
                                          .decision = "file",
                                          .section = &s->section,
                                          .section_count = 1,
                                          .chunk = s->chunk,
                                          .chunk_count = CHUNKS,
                                          .task = &s->task,
                                          .task_count = 1,
                                          .sentence = s->sentence,
                                          .sentence_count = QUOTES};
    store_digest_of(s->path, strlen(s->path), &s->document.digest);
}

static void fill_store(struct store *store, struct sample *s)
{
    struct store_error err;
    struct store_run run = {.identity = {.policy_name = "bench",
                                         .policy_title = "Bench",
                                         .settings = "none"},
                            .program_version = "0",
                            .operator_name = "0",
                            .host = "host",
                            .kernel = "kernel",
                            .facts = "{}"};
    struct store_run_end end = {"complete", DOCUMENTS, DOCUMENTS, 0};
    int64_t run_id;
    uint64_t random = 1;
    must(store_run_begin(store, &run, &run_id, &err), &err);
    fill_rows(s);
    for (int i = 0; i < DOCUMENTS; i++) {
        fill_text(s, &random);
        fill_document(s, i);
        must(store_commit(store, run_id, &s->document, NULL, &err), &err);
    }
    must(store_run_end(store, run_id, &end, &err), &err);
}

int main(int argc, char **argv)
{
    static struct sample sample;
    struct store_error err;
    struct store_audit audit;
    struct store *store;
    if (argc != 2) {
        fputs("usage: store_bench FILE\n", stderr);
        return 2;
    }
    must(store_open(&store, argv[1], STORE_RUN, &err), &err);
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    fill_store(store, &sample);
    wall = seconds(CLOCK_MONOTONIC) - wall;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("%d documents of %d KB committed: %.0f a second, %.0f a CPU-second\n",
           DOCUMENTS, CHUNKS * CHUNK_BYTES / 1000, DOCUMENTS / wall, DOCUMENTS / cpu);
    wall = seconds(CLOCK_MONOTONIC);
    store_verify(store, &audit);
    wall = seconds(CLOCK_MONOTONIC) - wall;
    printf("the log and all rows verified (%s): %.0f documents a second\n",
           store_verdict_name(audit.verdict), DOCUMENTS / wall);
    must(store_close(store, &err), &err);
    return 0;
}
