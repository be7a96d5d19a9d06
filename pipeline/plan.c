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
    return found->kind == STORE_FOUND_HERE &&
           !(planner->run->retry_failed && outcome_is_failure(found->outcome));
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

/* ---- the clock ------------------------------------------------------------------ */

/* Parse and embed one document as a run would; *work is freed by the caller. */
static int sample_work(struct planner *planner, size_t input, struct work *work)
{
    struct ingest_request request;
    struct ingest_error why;
    const struct policy *policy = planner->run->policy;
    size_t tag;
    int status = plan_load(planner, input, &work->file, &work->digest);
    if (status != PIPELINE_OK)
        return status;
    pipeline_request(policy, planner->run->password, planner->run->password_count,
                     &request);
    if (ingest_start(planner->run->parser, 0, &request, 0, &why) != 0 ||
        ingest_collect(planner->run->parser, -1, &work->document, &tag, &why) != 0)
        return pipeline_fail(planner->err, PIPELINE_EPARSER, "%s", why.text);
    if (work->document->section_count == 0)
        return PIPELINE_OK;
    status =
        pipeline_chunk(&work->text, work->document, planner->run->model,
                       policy->chunk_tokens_max, policy->hidden_to_model, planner->err);
    if (status == PIPELINE_OK && work->text->chunk_count > 0) {
        struct batch batch = {.work = &work, .count = 1, .capacity = 1};
        size_t whole;
        status = batch_embed(&batch, planner->run, &whole, planner->err);
    }
    return status;
}

static double clock_seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int plan_time(struct planner *planner)
{
    struct pipeline_plan *plan = planner->plan;
    uint64_t bytes = 0;
    size_t step = plan->to_do / SAMPLES + 1;
    int status = PIPELINE_OK;
    double began = clock_seconds();
    for (size_t i = step / 2; i < plan->to_do && status == PIPELINE_OK; i += step) {
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
    if (bytes > 0)
        plan->seconds = (clock_seconds() - began) / (double)bytes * (double)plan->bytes;
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
    for (size_t i = 0; i < run->inputs->count && status == PIPELINE_OK; i++)
        status = plan_input(&planner, i);
    if (status == PIPELINE_OK)
        status = plan_time(&planner);
    plan_copies(&planner);
    free(planner.to_do);
    free(planner.bytes);
    free(planner.digest);
    return status;
}
