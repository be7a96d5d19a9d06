/* plan - what a run would do, without doing it.
 *
 * Every input is read and hashed, because what is done is known by its bytes. A few
 * of the documents to do, spread evenly, are then parsed and embedded for real; the
 * rest is taken to cost as much a byte. That is a guess, and called one. */
#include "pipeline/internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SAMPLES = 6, SAMPLE_BYTES_MAX = 4 << 20 };

struct planner {
    const struct pipeline *run;
    size_t *to_do;   /* inputs */
    uint64_t *bytes; /* of each */
    struct store_digest *digest;
    struct pipeline_plan *plan;
    double untried; /* seconds, of passages that a language model was not tried on */
    struct pipeline_error *err;
};

static int plan_load(struct planner *planner, size_t input, struct ingest_file *file,
                     struct store_digest *digest)
{
    return pipeline_load(planner->run->parser, 0, planner->run->inputs->path[input],
                         planner->run->policy->file_bytes_max, file, digest,
                         planner->err);
}

static bool done_before(const struct planner *planner, const struct store_found *found)
{
    return found->kind == STORE_FOUND_HERE && !found_calls_again(planner->run, found);
}

static void plan_count(struct planner *planner, size_t input,
                       const struct ingest_file *file,
                       const struct store_digest *digest,
                       const struct store_found *found)
{
    struct pipeline_plan *plan = planner->plan;
    if (done_before(planner, found)) {
        plan->done_before++;
    } else if (file->outcome != INGEST_READ) {
        plan->unreadable++;
    } else if (found->kind == STORE_FOUND_ELSEWHERE) {
        plan->copies++;
    } else {
        planner->to_do[plan->to_do] = input;
        planner->digest[plan->to_do] = *digest;
        planner->bytes[plan->to_do++] = file->bytes;
        plan->bytes += file->bytes;
    }
}

static int plan_input(struct planner *planner, size_t input)
{
    struct ingest_file file;
    struct store_digest digest;
    struct store_found found = {.kind = STORE_FOUND_NOTHING};
    struct store_error why;
    int status = plan_load(planner, input, &file, &digest);
    if (status != PIPELINE_OK)
        return status;
    if (planner->run->store &&
        store_find(planner->run->store, planner->run->run_id,
                   planner->run->inputs->path[input],
                   file.outcome == INGEST_READ ? &digest : NULL, &found, &why) != 0)
        return pipeline_fail(planner->err, PIPELINE_ESTORE, "%s", why.text);
    plan_count(planner, input, &file, &digest, &found);
    return PIPELINE_OK;
}

static int by_digest(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct store_digest));
}

/* Files among those to do that have the bytes of another one. Sorts the digests. */
static void plan_copies(struct planner *planner)
{
    struct pipeline_plan *plan = planner->plan;
    size_t count = plan->to_do;
    qsort(planner->digest, count, sizeof(*planner->digest), by_digest);
    for (size_t i = 1; i < count; i++)
        if (by_digest(&planner->digest[i - 1], &planner->digest[i]) == 0) {
            plan->copies++;
            plan->to_do--;
        }
}

/* To be asked before each file that is looked at or timed. */
static bool plan_goes_on(struct planner *planner, int status)
{
    if (status == PIPELINE_OK && pipeline_must_stop(planner->run))
        planner->plan->end = pipeline_why_stopped(planner->run);
    return status == PIPELINE_OK && planner->plan->end == PIPELINE_COMPLETE;
}

/* ---- the clock ------------------------------------------------------------------ */

static double clock_seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Parse what the lane holds; no document when the plan is to stop first. */
static int sample_parse(struct planner *planner, struct work *work)
{
    struct ingest_request request;
    struct ingest_error why;
    struct ingest_parser *parser = planner->run->parser;
    size_t tag;
    pipeline_request(planner->run->policy, planner->run->password,
                     planner->run->password_count, &request);
    int status = ingest_start(parser, 0, &request, 0, &why);
    if (status == INGEST_OK)
        do
            status = ingest_collect(parser, WAIT_MS, &work->document, &tag, &why);
        while (status == INGEST_NOTHING && !pipeline_must_stop(planner->run));
    return status >= 0 ? PIPELINE_OK
                       : pipeline_fail(planner->err, PIPELINE_EPARSER, "%s", why.text);
}

/* A language model takes its time: a few passages tell how long it takes for all. */
static int sample_rehearse(struct planner *planner, struct work *work,
                           int (*step)(struct work *work, const struct pipeline *run,
                                       struct rehearsal *out,
                                       struct pipeline_error *err))
{
    struct rehearsal done;
    double began = clock_seconds();
    int status = step(work, planner->run, &done, planner->err);
    if (status == PIPELINE_OK && done.tried > 0)
        planner->untried += (clock_seconds() - began) *
                            ((double)done.passages / (double)done.tried - 1.0);
    return status;
}

static int sample_ask(struct planner *planner, struct work *work)
{
    int status = sample_rehearse(planner, work, work_rehearse_asking);
    return status == PIPELINE_OK ? sample_rehearse(planner, work, work_rehearse_writing)
                                 : status;
}

/* Parse and embed one document as a run would; *work is freed by the caller. */
static int sample_work(struct planner *planner, size_t input, struct work *work)
{
    const struct policy *policy = planner->run->policy;
    int status = plan_load(planner, input, &work->file, &work->digest);
    if (status == PIPELINE_OK && work->file.outcome == INGEST_READ)
        status = sample_parse(planner, work);
    if (status != PIPELINE_OK || !work->document || work->document->section_count == 0)
        return status;
    status =
        pipeline_chunk(&work->text, work->document, planner->run->model,
                       policy->chunk_tokens_max, policy->hidden_text, planner->err);
    if (status == PIPELINE_OK && work->text->chunk_count > 0) {
        struct batch batch = {.work = &work, .count = 1, .capacity = 1};
        size_t whole;
        status = batch_embed(&batch, planner->run, &whole, planner->err);
        if (status == PIPELINE_OK && planner->run->decoder)
            status = sample_ask(planner, work);
    }
    return status;
}

static int plan_time(struct planner *planner)
{
    struct pipeline_plan *plan = planner->plan;
    uint64_t bytes = 0;
    size_t step = plan->to_do / SAMPLES + 1;
    int status = PIPELINE_OK;
    double began = clock_seconds();
    for (size_t i = step / 2; i < plan->to_do && plan_goes_on(planner, status);
         i += step) {
        if (planner->bytes[i] > SAMPLE_BYTES_MAX)
            continue;
        struct work *work = calloc(1, sizeof(*work));
        if (!work)
            return pipeline_fail(planner->err, PIPELINE_ENOMEM, "no memory");
        status = sample_work(planner, planner->to_do[i], work);
        work_free(work);
        bytes += planner->bytes[i];
        plan->sampled++;
    }
    if (plan_goes_on(planner, status) && bytes > 0)
        plan->seconds = (clock_seconds() - began + planner->untried) / (double)bytes *
                        (double)plan->bytes;
    return status;
}

int pipeline_plan(const struct pipeline *run, struct pipeline_plan *out,
                  struct pipeline_error *err)
{
    *out = (struct pipeline_plan){.total = run->inputs->count};
    struct planner planner = {
        .run = run,
        .to_do = calloc(run->inputs->count + 1, sizeof(size_t)),
        .bytes = calloc(run->inputs->count + 1, sizeof(uint64_t)),
        .digest = calloc(run->inputs->count + 1, sizeof(struct store_digest)),
        .plan = out,
        .err = err,
    };
    int status = PIPELINE_OK;
    if (!planner.to_do || !planner.bytes || !planner.digest)
        status = pipeline_fail(err, PIPELINE_ENOMEM, "no memory for %zu inputs",
                               run->inputs->count);
    for (size_t i = 0; i < run->inputs->count && plan_goes_on(&planner, status); i++)
        status = plan_input(&planner, i);
    if (status == PIPELINE_OK)
        status = plan_time(&planner);
    plan_copies(&planner);
    free(planner.to_do);
    free(planner.bytes);
    free(planner.digest);
    return status;
}
