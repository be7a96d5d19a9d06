/* command - sentences of a document that try to instruct whoever reads it.
 *
 * Text is data: nobody here obeys it. But an encoder's vector takes in every sentence,
 * a language model may take one for an order, and a label that rests on such a sentence
 * is the author's, not the reader's. So they are found, and every task is answered
 * twice: with all text, and with the text that is left without them.
 *
 *     chunk      [ s0  s1  s2 ][ s3  s4 ][ s5 ]        s1, s5 are commanding
 *     plain      [ s0  s2     ][ s3  s4 ]              embedded again, kept, gone
 *
 * What is found depends on the document and the policy alone. The sentences are folded
 * and laid one after the other, and each is searched together with the beginning of
 * what follows, so that an order broken over two sentences is found as well; all
 * sentences that a match touches are commanding. */
#include "pipeline/internal.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(POLICY_FOLDING == 1, "fold.c folds as the shipped patterns expect");

enum { BEYOND_BYTES = 96 }; /* of what follows a sentence are searched with it */

struct hunt {
    struct work *work;
    const struct policy_detector *detector;
    struct fold fold;
    size_t *at; /* where sentence i begins in the folded text; one more: its end */
    struct pipeline_error *err;
};

static const struct policy_detector *command_detector(const struct policy *policy)
{
    for (size_t i = 0; i < policy->detector_count; i++)
        if (policy->detector[i].kind == POLICY_DETECTOR_COMMAND)
            return &policy->detector[i];
    return NULL;
}

static int hunt_fold(struct hunt *hunt)
{
    const struct pipeline_text *text = hunt->work->text;
    int status = PIPELINE_OK;
    for (size_t i = 0; i < text->sentence_count && status == PIPELINE_OK; i++) {
        hunt->at[i] = hunt->fold.bytes;
        status = fold_sentence(&hunt->fold, text->text + text->sentence[i].at,
                               text->sentence[i].bytes, hunt->err);
    }
    hunt->at[text->sentence_count] = hunt->fold.bytes;
    return status;
}

/* Where the search of sentence i ends, between characters. */
static size_t window_end(const struct hunt *hunt, size_t i)
{
    size_t end = hunt->at[i + 1] + BEYOND_BYTES;
    if (end >= hunt->fold.bytes)
        return hunt->fold.bytes;
    while (((unsigned char)hunt->fold.text[end] & 0xC0) == 0x80)
        end--;
    return end;
}

static void mark(struct hunt *hunt, size_t first, const struct policy_match *match)
{
    struct work *work = hunt->work;
    for (size_t i = first; i < work->text->sentence_count && hunt->at[i] < match->end;
         i++)
        if (hunt->at[i + 1] > match->start)
            work->commanding[i] = true;
}

static int hunt_search(struct hunt *hunt)
{
    struct work *work = hunt->work;
    for (size_t i = 0; i < work->text->sentence_count; i++) {
        struct policy_match match;
        struct policy_error why;
        int found = policy_detect(hunt->detector, hunt->fold.text, window_end(hunt, i),
                                  hunt->at[i], &match, &why);
        if (found == POLICY_ELIMIT) /* goes on: only this sentence was too much */
            work->searched_partly = hunt->detector->name;
        else if (found < 0)
            return pipeline_fail(hunt->err, PIPELINE_EINPUT, "%s", why.text);
        else if (found == 1)
            mark(hunt, i, &match);
    }
    return PIPELINE_OK;
}

static bool any(const bool *flag, size_t count)
{
    return memchr(flag, true, count) != NULL;
}

int work_find_commands(struct work *work, const struct policy *policy,
                       struct pipeline_error *err)
{
    size_t count = work->text->sentence_count;
    struct hunt hunt = {.work = work, .detector = command_detector(policy), .err = err};
    if (!hunt.detector)
        return PIPELINE_OK;
    hunt.at = calloc(count + 1, sizeof(*hunt.at));
    work->commanding = calloc(count + 1, sizeof(*work->commanding));
    int status = hunt.at && work->commanding
                     ? hunt_fold(&hunt)
                     : pipeline_fail(err, PIPELINE_ENOMEM, "no memory for sentences");
    if (status == PIPELINE_OK)
        status = hunt_search(&hunt);
    if (status == PIPELINE_OK && !any(work->commanding, count)) {
        free(work->commanding);
        work->commanding = NULL;
    }
    free(hunt.at);
    fold_free(&hunt.fold);
    return status;
}

bool work_is_command(const struct work *work, size_t sentence)
{
    return work->commanding && work->commanding[sentence];
}

/* ---- the text without them ------------------------------------------------------ */

static bool chunk_is_touched(const struct work *work, size_t i)
{
    const struct pipeline_chunk *chunk = &work->text->chunk[i];
    return any(work->commanding + chunk->first_sentence, chunk->sentence_count);
}

size_t work_plain_chunk(const struct work *work, size_t i, char *out)
{
    const struct pipeline_text *text = work->text;
    const struct pipeline_chunk *chunk = &text->chunk[i];
    size_t bytes = 0;
    for (size_t j = 0; j < chunk->sentence_count; j++) {
        size_t which = chunk->first_sentence + j;
        const struct pipeline_sentence *sentence = &text->sentence[which];
        if (!work_is_command(work, which)) {
            memcpy(out + bytes, text->text + sentence->at, sentence->bytes);
            bytes += sentence->bytes;
        } else if (bytes > 0) {
            out[bytes++] = '\n'; /* words on both sides stay apart */
        }
    }
    return text_is_blank(out, bytes) ? 0 : bytes;
}

/* ---- asked again ---------------------------------------------------------------- */

/* Its sentences are tokens of a chunk that fits the model; so are fewer of them. */
static int text_embed(const struct pipeline *run, const char *text, size_t bytes,
                      float *out, struct pipeline_error *err)
{
    struct infer_tokens ids = {0};
    struct infer_error why;
    int status = infer_tokenize(run->model, text, bytes, INFER_ADD_SPECIAL, &ids, &why);
    struct infer_sequence one = {ids.id, ids.count};
    if (status == 0)
        status = infer_embed(run->session, &one, 1, out, &why);
    infer_tokens_free(&ids);
    return status == 0 ? PIPELINE_OK
                       : pipeline_fail(err, PIPELINE_EINFER, "%s", why.text);
}

/* The vector of what is left of chunk i, if anything is. */
static int chunk_embed(struct plain_chunks *out, const struct work *work,
                       const struct pipeline *run, size_t i, char *scratch,
                       struct pipeline_error *err)
{
    float *row = out->vector + out->count * out->width;
    if (!chunk_is_touched(work, i)) {
        memcpy(row, work->chunk_vector + i * out->width, out->width * sizeof(*row));
        out->count++;
        return PIPELINE_OK;
    }
    size_t bytes = work_plain_chunk(work, i, scratch);
    out->count += bytes > 0;
    return bytes > 0 ? text_embed(run, scratch, bytes, row, err) : PIPELINE_OK;
}

int plain_embed(struct plain_chunks *out, const struct work *work,
                const struct pipeline *run, struct pipeline_error *err)
{
    struct infer_model_info info;
    infer_model_info(run->model, &info);
    size_t chunks = work->text->chunk_count;
    char *scratch = malloc(work->text->text_bytes + 1);
    *out = (struct plain_chunks){.width = info.width};
    out->vector = calloc(chunks * info.width + 1, sizeof(*out->vector));
    int status = PIPELINE_OK;
    if (!scratch || !out->vector)
        status =
            pipeline_fail(err, PIPELINE_ENOMEM, "no memory for %zu vectors", chunks);
    for (size_t i = 0; i < chunks && status == PIPELINE_OK; i++)
        status = chunk_embed(out, work, run, i, scratch, err);
    free(scratch);
    return status;
}

void plain_free(struct plain_chunks *plain)
{
    free(plain->vector);
}
