/* run - the story of a run.
 *
 *     inputs ──► load and hash ──► done before, or met already? ──► a line, or nothing
 *                     │
 *                     ▼
 *                a parser lane (a process of its own, many side by side)
 *                     │  sections, or the outcome that it could not be read
 *                     ▼
 *                  chunks ──► batch ──► vectors (all cores, inside infer)
 *                                          │
 *                                          ▼
 *                 classify ─ summarise ─ detect ─ decide ──► rows and event, committed
 *
 * The main thread does all of this. While the model works, the lanes parse ahead,
 * each one document; their pipes are the queue. A batch goes to the model when it
 * is large enough or when nothing else can be done. Documents are committed one by
 * one, so a run that is cut off anywhere has lost only what was not yet committed,
 * and the next run does exactly that.
 *
 * Two files with the same bytes are read once: the second waits until the first
 * is committed and then becomes a reference to it. A reference of an earlier run is
 * looked at when all else is done, since what it refers to may be done anew. */
#include "pipeline/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH_TOKENS = 16384,  /* enough to fill all cores for a while */
    BATCH_DOCUMENTS = 512, /* so that results of tiny documents appear too */
    ASK_TOKENS = 16384     /* of documents that a language model is asked of together */
};

struct copy { /* an input that an earlier run found to be a copy */
    size_t input;
    struct store_digest digest;
};

struct run {
    const struct pipeline *asked;
    struct reference *reference;
    struct work **parsing; /* by lane; NULL: idle */
    struct batch batch;
    size_t next;      /* input to load next */
    size_t *deferred; /* inputs with the bytes of a document under way; */
    size_t deferred_count, deferred_next; /* taken when all others have been met */
    struct copy *copy;
    size_t copy_count, copy_capacity, copy_next;
    struct pipeline_progress *now;
    struct pipeline_error *err;
};

/* ---- the end of one document ---------------------------------------------------- */

static void run_tell(struct run *run, const char *path)
{
    run->now->path = path;
    if (run->asked->report)
        run->asked->report(run->asked->report_arg, run->now);
}

static void progress_count(struct pipeline_progress *now, const struct work *work)
{
    now->done++;
    now->failed += outcome_is_failure(work_outcome(work));
    for (size_t i = 0; i < work->answer_count; i++)
        if (work->answer[i].undecided) {
            now->undecided++;
            break;
        }
    if (work->document && work->document->metadata.pages > 0)
        now->pages += (uint64_t)work->document->metadata.pages;
}

/* There is no memory for this document: let it end as model_limit, with the bytes that
 * were extracted and nothing more. False when it needs none already. */
static bool work_forgo(struct work *work)
{
    struct pipeline_text *empty = calloc(1, sizeof(*empty));
    if (!work->document || (work->text && !work->text->chunk_count) || !empty ||
        !(empty->text = strdup(""))) {
        free(empty);
        return false;
    }
    for (size_t i = 0; i < work->document->section_count; i++)
        empty->extracted_bytes += work->document->section[i].text_bytes;
    work_starve(work);
    pipeline_text_free(work->text);
    work->text = empty;
    return true;
}

/* Decide, commit, forget. Takes the work. */
static int run_finish(struct run *run, struct work *work)
{
    work_decide(work, run->asked->policy);
    int status = work_record(work, run->asked, run->err);
    if (status == PIPELINE_ENOMEM && work_forgo(work)) {
        work_decide(work, run->asked->policy);
        status = work_record(work, run->asked, run->err);
    }
    if (status == PIPELINE_OK) {
        progress_count(run->now, work);
        run_tell(run, work->path);
    }
    work_free(work);
    return status;
}

/* ---- load: from a path to a lane at work ---------------------------------------- */

/* Is a document with these bytes between its lane and its commit? */
static bool run_has_under_way(const struct run *run, const struct store_digest *digest)
{
    for (int lane = 0; lane < run->asked->lanes; lane++)
        if (run->parsing[lane] &&
            memcmp(&run->parsing[lane]->digest, digest, sizeof(*digest)) == 0)
            return true;
    for (size_t i = 0; i < run->batch.count; i++)
        if (memcmp(&run->batch.work[i]->digest, digest, sizeof(*digest)) == 0)
            return true;
    return false;
}

/* The path with the folder it lies in resolved; the caller frees it. The last part
 * stays as it is: a link is a place of its own. */
static char *real_place(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : NULL;
    char *real = folder ? realpath(folder, NULL) : NULL;
    char *place = NULL;
    if (real && asprintf(&place, "%s/%s", real, slash + 1) < 0)
        place = NULL;
    free(folder);
    free(real);
    return place;
}

/* Is this the very file, reached through another link? */
static bool same_place(const char *a, const char *b)
{
    char *place_a = real_place(a), *place_b = real_place(b);
    bool same = place_a && place_b && strcmp(place_a, place_b) == 0;
    free(place_a);
    free(place_b);
    return same;
}

/* May the original's results speak for a copy? Not when other bytes have come to
 * stand at its path: its row will be superseded. A path that is gone keeps its row. */
static bool original_stands(const struct store_found *found,
                            const struct store_digest *digest)
{
    struct store_digest now;
    return store_digest_file(found->path, &now, NULL) != 0 ||
           memcmp(&now, digest, sizeof(now)) == 0;
}

enum step { STEP_PARSE, STEP_RECORD, STEP_SKIP, STEP_LATER, STEP_LAST };

static void run_skip(struct run *run, const char *path, const struct store_found *found)
{
    run->now->skipped++;
    run->now->failed += outcome_is_failure(found->outcome);
    run->now->undecided += found->undecided;
    run_tell(run, path);
}

/* What a document calls for of which this was found. */
static enum step step_find(struct run *run, struct work *work,
                           const struct store_found *found)
{
    bool again = found_calls_again(run->asked, found);
    bool elsewhere = found->kind == STORE_FOUND_ELSEWHERE && !again &&
                     original_stands(found, &work->digest);
    bool first_time = run->deferred_next == 0;
    if (found->kind == STORE_FOUND_HERE && first_time &&
        strcmp(found->outcome, "duplicate") == 0)
        return STEP_LAST;
    if ((found->kind == STORE_FOUND_HERE && !again) ||
        (elsewhere && same_place(found->path, work->path)))
        return STEP_SKIP;
    if (work->has_digest && run_has_under_way(run, &work->digest))
        return STEP_LATER;
    if (elsewhere)
        work->same = *found;
    work->tried_before = found->kind == STORE_FOUND_HERE && !run->asked->retry_failed;
    return elsewhere || !work->has_digest ? STEP_RECORD : STEP_PARSE;
}

static int run_find(struct run *run, const char *path,
                    const struct store_digest *digest, struct store_found *found)
{
    struct store_error why;
    return store_find(run->asked->store, run->asked->run_id, path, digest, found,
                      &why) == STORE_OK
               ? PIPELINE_OK
               : pipeline_fail(run->err, PIPELINE_ESTORE, "%s", why.text);
}

static int load_decide(struct run *run, struct work *work, enum step *step)
{
    struct store_found found;
    int status =
        run_find(run, work->path, work->has_digest ? &work->digest : NULL, &found);
    if (status != PIPELINE_OK)
        return status;
    *step = step_find(run, work, &found);
    if (*step == STEP_SKIP)
        run_skip(run, work->path, &found);
    return PIPELINE_OK;
}

static int work_load(struct run *run, struct work *work, int lane)
{
    int status = pipeline_load(run->asked->parser, lane, work->path,
                               run->asked->policy->file_bytes_max, &work->file,
                               &work->digest, run->err);
    work->has_digest = status == PIPELINE_OK && work->file.outcome == INGEST_READ;
    return status;
}

static int work_start(struct run *run, struct work *work, int lane)
{
    struct ingest_request request;
    struct ingest_error why;
    pipeline_request(run->asked->policy, run->asked->password,
                     run->asked->password_count, &request);
    if (ingest_start(run->asked->parser, lane, &request, (size_t)lane, &why) != 0)
        return pipeline_fail(run->err, PIPELINE_EPARSER, "%s", why.text);
    run->parsing[lane] = work;
    return PIPELINE_OK;
}

static int run_set_aside(struct run *run, const struct work *work)
{
    if (run->copy_count == run->copy_capacity) {
        size_t capacity = run->copy_capacity ? run->copy_capacity * 2 : 256;
        struct copy *bigger = realloc(run->copy, capacity * sizeof(*bigger));
        if (!bigger)
            return pipeline_fail(run->err, PIPELINE_ENOMEM, "no memory for %zu copies",
                                 capacity);
        run->copy = bigger;
        run->copy_capacity = capacity;
    }
    run->copy[run->copy_count++] =
        (struct copy){.input = work->input, .digest = work->digest};
    return PIPELINE_OK;
}

static int run_take(struct run *run, size_t input, int lane)
{
    struct work *work = calloc(1, sizeof(*work));
    if (!work)
        return pipeline_fail(run->err, PIPELINE_ENOMEM, "no memory for a document");
    work->input = input;
    work->path = run->asked->inputs->path[input];
    enum step step = STEP_SKIP;
    int status = work_load(run, work, lane);
    if (status == PIPELINE_OK)
        status = load_decide(run, work, &step);
    if (status == PIPELINE_OK && step == STEP_PARSE) {
        status = work_start(run, work, lane);
        if (status == PIPELINE_OK)
            return PIPELINE_OK;
    }
    if (status == PIPELINE_OK && step == STEP_RECORD)
        return run_finish(run, work);
    if (status == PIPELINE_OK && step == STEP_LATER)
        run->deferred[run->deferred_count++] = input;
    if (status == PIPELINE_OK && step == STEP_LAST)
        status = run_set_aside(run, work);
    work_free(work);
    return status;
}

static bool run_parses(const struct run *run)
{
    for (int lane = 0; lane < run->asked->lanes; lane++)
        if (run->parsing[lane])
            return true;
    return false;
}

/* All originals are settled: does this copy still refer to one? */
static int run_settle(struct run *run, const struct copy *copy)
{
    struct store_found found;
    const char *path = run->asked->inputs->path[copy->input];
    int status = run_find(run, path, &copy->digest, &found);
    if (status != PIPELINE_OK)
        return status;
    if (found.kind == STORE_FOUND_HERE && !found_calls_again(run->asked, &found))
        run_skip(run, path, &found);
    else
        run->deferred[run->deferred_count++] = copy->input;
    return PIPELINE_OK;
}

/* The next input, if there is one now: those put off come when nothing is under way
 * any more, and copies of earlier runs after them. */
static int run_next_input(struct run *run, size_t *input, bool *got)
{
    int status = PIPELINE_OK;
    *got = run->next < run->asked->inputs->count;
    if (*got)
        *input = run->next++;
    if (*got || run_parses(run) || run->batch.count)
        return PIPELINE_OK;
    while (status == PIPELINE_OK && run->deferred_next == run->deferred_count &&
           run->copy_next < run->copy_count && !pipeline_must_stop(run->asked))
        status = run_settle(run, &run->copy[run->copy_next++]);
    *got = status == PIPELINE_OK && run->deferred_next < run->deferred_count;
    if (*got)
        *input = run->deferred[run->deferred_next++];
    return status;
}

static int run_feed(struct run *run)
{
    int lane;
    size_t input;
    int status = PIPELINE_OK;
    bool got = true;
    while (status == PIPELINE_OK && got && !pipeline_must_stop(run->asked) &&
           (lane = ingest_idle_lane(run->asked->parser)) >= 0) {
        status = run_next_input(run, &input, &got);
        if (status == PIPELINE_OK && got)
            status = run_take(run, input, lane);
    }
    return status;
}

/* ---- collect: from a finished lane to the batch --------------------------------- */

static int work_chunk(struct run *run, struct work *work)
{
    const struct policy *policy = run->asked->policy;
    if (work->document->section_count == 0)
        return PIPELINE_OK;
    return pipeline_chunk(&work->text, work->document, run->asked->model,
                          policy->chunk_tokens_max, policy->hidden_text, run->err);
}

/* Its vectors would not fit beside those of others; it ends as model_limit, since
 * what was cut was not seen. */
static bool work_is_too_long(const struct work *work)
{
    return work->text && work->text->sentence_count > PIPELINE_SENTENCES_MAX;
}

/* What no password opened, then or now, is recorded already. */
static bool work_stays_locked(const struct work *work)
{
    return work->tried_before && work->document->outcome == INGEST_ENCRYPTED;
}

/* A document that needs no model, or cannot have it. */
static int run_finish_early(struct run *run, struct work *work)
{
    if (!work_stays_locked(work))
        return run_finish(run, work);
    struct store_found found = {.outcome = "encrypted"};
    run_skip(run, work->path, &found);
    work_free(work);
    return PIPELINE_OK;
}

static int run_collect(struct run *run, int timeout_ms, bool *got)
{
    struct ingest_document *document;
    struct ingest_error why;
    size_t lane;
    int status = ingest_collect(run->asked->parser, timeout_ms, &document, &lane, &why);
    *got = status == INGEST_OK;
    if (status == INGEST_NOTHING)
        return PIPELINE_OK;
    if (status != INGEST_OK)
        return pipeline_fail(run->err, PIPELINE_EPARSER, "%s", why.text);
    struct work *work = run->parsing[lane];
    run->parsing[lane] = NULL;
    work->document = document;
    status = work_chunk(run, work);
    if (status == PIPELINE_ENOMEM && work_forgo(work))
        status = PIPELINE_OK;
    if (status == PIPELINE_OK && (work_is_blank(work) || work_is_too_long(work)))
        return run_finish_early(run, work);
    if (status == PIPELINE_OK)
        status = batch_add(&run->batch, work, run->err);
    if (status != PIPELINE_OK)
        work_free(work);
    return status;
}

/* ---- flush: the batch through the model ----------------------------------------- */

/* What the encoder has to say of a document. */
static int run_read(struct run *run, struct work *work)
{
    const struct pipeline *asked = run->asked;
    if (!work->chunk_vector)
        return PIPELINE_OK;
    int status = work_classify(work, asked, run->reference, run->err);
    if (status == PIPELINE_OK)
        status = work_summarize(work, asked, run->err);
    if (status == PIPELINE_OK)
        status = work_detect(work, asked, run->reference, run->err);
    if (status != PIPELINE_ENOMEM)
        return status;
    work_starve(work);
    return PIPELINE_OK;
}

/* A step of the language model, of documents together; when memory is short, of each
 * by itself, and one that is too large even so goes without any answer. */
static int run_ask(struct run *run,
                   int (*step)(struct work *const *work, size_t count,
                               const struct pipeline *run, bool *whole,
                               struct pipeline_error *err),
                   struct work *const *work, size_t count, bool *whole)
{
    int status = step(work, count, run->asked, whole, run->err);
    if (status != PIPELINE_ENOMEM)
        return status;
    status = PIPELINE_OK;
    if (count == 1)
        work_starve(work[0]);
    for (size_t i = 0; count > 1 && i < count && status == PIPELINE_OK && *whole; i++)
        status = run_ask(run, step, work + i, 1, whole);
    return status;
}

/* Documents through all that is asked of them, to their rows. Takes the works; those
 * that are not done when the run is to stop are done by the next one. */
static int run_answer(struct run *run, struct work *const *work, size_t count)
{
    bool whole = true;
    size_t i = 0;
    int status = PIPELINE_OK;
    for (size_t j = 0; j < count && status == PIPELINE_OK; j++)
        status = run_read(run, work[j]);
    if (status == PIPELINE_OK && run->asked->decoder)
        status = run_ask(run, works_ask, work, count, &whole);
    if (status == PIPELINE_OK && run->asked->decoder && whole)
        status = run_ask(run, works_write, work, count, &whole);
    while (status == PIPELINE_OK && whole && i < count)
        status = run_finish(run, work[i++]);
    for (; i < count; i++)
        work_free(work[i]);
    return status;
}

static size_t work_tokens(const struct work *work)
{
    size_t tokens = 0;
    for (size_t i = 0; i < work->text->chunk_count; i++)
        tokens += work->text->chunk[i].tokens;
    return tokens;
}

/* How many documents, from the first, are asked together: with the encoder alone each
 * by itself, since it has seen them together. */
static size_t run_slice(const struct run *run, struct work *const *work, size_t count)
{
    size_t tokens = 0, i = 0;
    while (i < count && (i == 0 || (run->asked->decoder && tokens < ASK_TOKENS)))
        tokens += work_tokens(work[i++]);
    return i;
}

static int run_flush(struct run *run)
{
    struct batch *batch = &run->batch;
    size_t whole = 0, i = 0;
    run->now->tokens += batch->tokens;
    int status = batch_embed(batch, run->asked, &whole, run->err);
    while (status == PIPELINE_OK && i < whole &&
           !(i > 0 && run->asked->decoder && pipeline_must_stop(run->asked))) {
        size_t count = run_slice(run, batch->work + i, whole - i);
        status = run_answer(run, batch->work + i, count);
        i += count;
    }
    for (; i < batch->count; i++)
        work_free(batch->work[i]);
    batch->count = 0;
    batch->tokens = 0;
    return status;
}

static bool run_batch_is_full(const struct run *run)
{
    size_t most = BATCH_TOKENS;
    if (run->asked->decoder) /* each token counts twice for the encoder, once here */
        most = 2 * (size_t)ASK_TOKENS;
    return run->batch.tokens >= most || run->batch.count >= BATCH_DOCUMENTS;
}

/* ---- the story ------------------------------------------------------------------ */

static int run_tell_story(struct run *run)
{
    for (;;) {
        bool got = false;
        int status = run_feed(run);
        if (status == PIPELINE_OK && run_parses(run) && !pipeline_must_stop(run->asked))
            status = run_collect(run, run->batch.count ? 0 : WAIT_MS, &got);
        bool idle = !got && run->batch.count > 0;
        if (status == PIPELINE_OK && (idle || run_batch_is_full(run)))
            status = run_flush(run);
        if (status != PIPELINE_OK || pipeline_must_stop(run->asked))
            return status;
        bool more = run->next < run->asked->inputs->count ||
                    run->deferred_next < run->deferred_count ||
                    run->copy_next < run->copy_count;
        if (!more && !run_parses(run) && run->batch.count == 0)
            return PIPELINE_OK;
    }
}

static int run_open(struct run *run)
{
    const struct pipeline *asked = run->asked;
    run->parsing = calloc((size_t)asked->lanes, sizeof(*run->parsing));
    run->deferred = calloc(asked->inputs->count + 1, sizeof(*run->deferred));
    if (!run->parsing || !run->deferred)
        return pipeline_fail(run->err, PIPELINE_ENOMEM, "no memory for %zu inputs",
                             asked->inputs->count);
    return reference_open(&run->reference, asked, run->err);
}

static void run_close(struct run *run)
{
    for (int lane = 0; run->parsing && lane < run->asked->lanes; lane++)
        work_free(run->parsing[lane]);
    for (size_t i = 0; i < run->batch.count; i++)
        work_free(run->batch.work[i]);
    free(run->batch.work);
    free(run->parsing);
    free(run->deferred);
    free(run->copy);
    reference_free(run->reference);
}

int pipeline_run(const struct pipeline *asked, enum pipeline_end *end,
                 struct pipeline_progress *total, struct pipeline_error *err)
{
    *total = (struct pipeline_progress){.total = asked->inputs->count};
    *end = PIPELINE_COMPLETE;
    struct run run = {.asked = asked, .now = total, .err = err};
    int status = run_open(&run);
    if (status == PIPELINE_OK)
        status = run_tell_story(&run);
    size_t met = total->done + total->skipped;
    if (status == PIPELINE_OK && met < total->total)
        *end = pipeline_why_stopped(asked);
    run_close(&run);
    return status;
}
