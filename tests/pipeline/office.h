/* office - a folder of documents, a store and parsers for one test of a run.
 *
 * cloister-parse is the one of the build under test, in the folder OUT names. */
#ifndef TESTS_PIPELINE_OFFICE_H
#define TESTS_PIPELINE_OFFICE_H

#include "tests/pipeline/sample.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static struct encoder encoder;
static struct policy *words;

static inline int office_suite(void **state)
{
    struct policy_error err;
    (void)state;
    signal(SIGPIPE, SIG_IGN); /* as cloister does: a dead parser is an error code */
    encoder = encoder_open();
    return policy_load(&words, "tests/data/pipeline/words.xml", &err);
}

static inline int office_suite_end(void **state)
{
    (void)state;
    policy_free(words);
    encoder_close(&encoder);
    return 0;
}

/* ---- a folder, a store and parsers for each test -------------------------------- */

#define SUPPLY  "The supplier shall deliver the goods to the buyer by orders in days."
#define LICENSE "The licensor and the licensee of the software say royalty and fees."
#define COLOUR  "The red rose is not like the blue sea, the red door and the sky."

enum { LANES = 2 };

struct office {
    char root[64], db[80];
    struct pipeline_inputs inputs;
    struct pipeline run;
    struct pipeline_progress total;
    enum pipeline_end end;
    size_t reports;
    volatile sig_atomic_t cancel;
    size_t cancel_after; /* so many reports; 0: never */
};

static inline const char *at(const struct office *o, const char *name)
{
    static char path[4][200];
    static size_t next;
    char *out = path[next++ % COUNT(path)];
    snprintf(out, sizeof(path[0]), "%s/%s", o->root, name);
    return out;
}

static inline void make_file(const struct office *o, const char *name, const char *text)
{
    FILE *file = fopen(at(o, name), "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static inline void make_document(const struct office *o, const char *name,
                                 const char *title, const char *sentence)
{
    char text[1000];
    snprintf(
        text, sizeof(text),
        "<?xml version=\"1.0\"?>\n<doc><title>%s</title><p>%s</p><p>%s</p></doc>\n",
        title, sentence, sentence);
    make_file(o, name, text);
}

static inline void parser_open(struct office *o)
{
    const char *out = getenv("OUT");
    char program[300];
    struct ingest_parser_options options = {.program = program, .lanes = LANES};
    struct ingest_error err;
    snprintf(program, sizeof(program), "%s/bin/cloister-parse",
             out ? out : "build/release");
    if (ingest_parser_open(&o->run.parser, &options, &err) != 0)
        fail_msg("%s: %s", program, err.text);
}

static inline int office_open(void **state)
{
    struct office *o = calloc(1, sizeof(*o));
    struct store_error why;
    assert_non_null(o);
    strcpy(o->root, P_tmpdir "/cloister-run-XXXXXX");
    assert_non_null(mkdtemp(o->root));
    snprintf(o->db, sizeof(o->db), "%s/.c.db", o->root);
    o->run = (struct pipeline){.policy = words,
                               .model = encoder.model,
                               .session = encoder.session,
                               .lanes = LANES,
                               .inputs = &o->inputs,
                               .cancel = &o->cancel};
    parser_open(o);
    if (store_open(&o->run.store, o->db, STORE_RUN, &why) != 0)
        fail_msg("%s", why.text);
    *state = o;
    return 0;
}

static inline int office_close(void **state)
{
    struct office *o = *state;
    struct store_audit audit;
    struct store_error why;
    char command[100];
    store_verify(o->run.store, &audit);
    if (audit.verdict != STORE_INTACT)
        fail_msg("%s", audit.why);
    ingest_parser_close(o->run.parser);
    assert_int_equal(store_close(o->run.store, &why), 0);
    pipeline_inputs_free(&o->inputs);
    snprintf(command, sizeof(command), "rm -rf '%s'", o->root);
    assert_int_equal(system(command), 0);
    free(o);
    return 0;
}

static inline void begin(struct office *o)
{
    struct store_error why;
    struct store_run run = {
        .identity = {.policy_name = words->name,
                     .policy_title = words->title,
                     .policy_revision = words->revision,
                     .encoder_name = "tiny",
                     .arithmetic_version = INFER_ARITHMETIC_VERSION,
                     .settings = "none"},
        .program_version = "0",
        .operator_name = "0",
        .host = "host",
        .kernel = "kernel",
        .facts = "{}",
    };
    store_digest_of(words->canonical, words->canonical_bytes, &run.identity.policy);
    if (store_run_begin(o->run.store, &run, &o->run.run_id, &why) != 0)
        fail_msg("%s", why.text);
}

static inline void count_report(void *arg, const struct pipeline_progress *now)
{
    struct office *o = arg;
    assert_int_equal(now->total, o->inputs.count);
    o->reports++;
    assert_int_equal(now->done + now->skipped, o->reports);
    if (o->cancel_after && o->reports == o->cancel_after)
        o->cancel = 1;
}

/* One run over all of the folder. */
static inline void run(struct office *o)
{
    struct store_error why;
    pipeline_inputs_free(&o->inputs);
    assert_ok(pipeline_inputs_add(&o->inputs, o->root, ERR));
    pipeline_inputs_finish(&o->inputs);
    begin(o);
    o->reports = 0;
    o->run.report = count_report;
    o->run.report_arg = o;
    assert_ok(pipeline_run(&o->run, &o->end, &o->total, ERR));
    struct store_run_end end = {.why =
                                    o->end == PIPELINE_COMPLETE ? "complete" : "signal",
                                .documents = o->total.done + o->total.skipped,
                                .done = o->total.done,
                                .skipped = o->total.skipped};
    if (store_run_end(o->run.store, o->run.run_id, &end, &why) != 0)
        fail_msg("%s", why.text);
}

static inline void assert_total(const struct office *o, size_t done, size_t skipped,
                                size_t failed)
{
    assert_int_equal(o->end, PIPELINE_COMPLETE);
    assert_int_equal(o->total.total, done + skipped);
    assert_int_equal(o->total.done, done);
    assert_int_equal(o->total.skipped, skipped);
    assert_int_equal(o->total.failed, failed);
}

static inline void make_three(const struct office *o)
{
    make_document(o, "a.xml", "Supply of goods", SUPPLY);
    make_document(o, "b.xml", "License of software", LICENSE);
    make_document(o, "c.xml", "Red and blue", COLOUR);
}

#endif
