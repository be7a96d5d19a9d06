/* generate - logits after many prompts, and their continuations.
 *
 * A continuation is its prompt's strand going on: each token drawn becomes the next
 * run of one. Nothing here knows of batches; schedule.c makes the passes. */
#include "infer/sample.h"
#include "infer/schedule.h"
#include "infer/tokenizer.h"

#include <stdlib.h>
#include <string.h>

/* ---- logits -----------------------------------------------------------------------
 */

struct logits_work {
    const struct ops *ops;
    const struct infer_sequence *sequence;
    size_t count, next, overflowed; /* overflowed: the first, or count */
    size_t vocabulary;
    float *out;
};

static bool logits_start(void *context, struct strand *strand)
{
    struct logits_work *w = context;

    if (w->next == w->count)
        return false;
    strand->index = w->next;
    strand->id = w->sequence[w->next].id;
    strand->count = strand->reserve = (uint32_t)w->sequence[w->next].count;
    strand->wanted = strand->count - 1;
    w->next++;
    return true;
}

static void logits_take(void *context, struct strand *strand, uint32_t token,
                        const float *logits)
{
    struct logits_work *w = context;

    (void)token;
    if (sample_greedy(w->ops, logits, (uint32_t)w->vocabulary) < 0 &&
        strand->index < w->overflowed)
        w->overflowed = strand->index;
    memcpy(w->out + strand->index * w->vocabulary, logits,
           w->vocabulary * sizeof *logits);
}

static bool logits_more(void *context, struct strand *strand)
{
    (void)context;
    (void)strand;
    return false;
}

static int overflow(size_t index, struct infer_error *err)
{
    return infer_fail(err, INFER_EFORMAT,
                      "sequence %zu: the model's numbers overflow, its logits are not "
                      "finite",
                      index);
}

int infer_logits(struct infer_session *s, const struct infer_sequence *sequence,
                 size_t count, float *out, struct infer_error *err)
{
    struct logits_work w = {.ops = s->ops,
                            .sequence = sequence,
                            .count = count,
                            .overflowed = count,
                            .vocabulary = s->model->vocabulary,
                            .out = out};
    const struct work work = {&w, logits_start, logits_take, logits_more};
    int status = schedule_check(s, sequence, count, 0, err);

    if (status != 0 || count == 0)
        return status;
    status =
        schedule_run(s, &work, sequence[0].id, schedule_prefix(sequence, count), err);
    return status == 0 && w.overflowed < count ? overflow(w.overflowed, err) : status;
}

/* ---- continuations ----------------------------------------------------------------
 */

struct text_work {
    const struct infer_model *model;
    const struct ops *ops;
    const struct infer_sequence *prompt;
    const struct infer_sampling *sampling;
    size_t count, next, overflowed;
    struct infer_tokens *out;
    struct sample_entry *room;
    bool no_memory;
};

static bool text_start(void *context, struct strand *strand)
{
    struct text_work *w = context;

    if (w->next == w->count || w->sampling->tokens == 0)
        return false;
    strand->index = w->next;
    strand->id = w->prompt[w->next].id;
    strand->count = (uint32_t)w->prompt[w->next].count;
    strand->reserve = strand->count + w->sampling->tokens;
    strand->wanted = strand->count - 1;
    w->next++;
    return true;
}

static void text_take(void *context, struct strand *strand, uint32_t token,
                      const float *logits)
{
    struct text_work *w = context;
    struct infer_tokens *out = w->out + strand->index;
    int32_t id;

    (void)token;
    id = w->sampling->temperature > 0
             ? sample_draw(w->ops, w->sampling, logits, w->model->vocabulary,
                           out->count, w->room)
             : sample_greedy(w->ops, logits, w->model->vocabulary);
    if (id < 0 && strand->index < w->overflowed)
        w->overflowed = strand->index;
    if (id < 0)
        return;
    if (tokenizer_reserve(out, 1) != 0)
        w->no_memory = true;
    else
        out->id[out->count++] = id;
}

static bool text_more(void *context, struct strand *strand)
{
    struct text_work *w = context;
    const struct infer_tokens *out = w->out + strand->index;
    int32_t last;

    if (w->no_memory || w->overflowed <= strand->index || out->count == 0)
        return false;
    last = out->id[out->count - 1];
    if (out->count >= w->sampling->tokens ||
        (!w->sampling->ignore_eos && tokenizer_is_end(w->model->tokenizer, last)))
        return false;
    strand->own = last;
    strand->id = &strand->own;
    strand->base = strand->wanted = strand->count++;
    return true;
}

static int check_sampling(const struct infer_sampling *s, struct infer_error *err)
{
    if (!(s->temperature >= 0 && s->temperature <= 100))
        return infer_fail(err, INFER_EINVALID, "temperature %g: allowed are 0 to 100",
                          (double)s->temperature);
    if (!(s->top_p > 0 && s->top_p <= 1))
        return infer_fail(err, INFER_EINVALID,
                          "top-p %g: allowed is more than 0 and at most 1",
                          (double)s->top_p);
    if (!(s->min_p >= 0 && s->min_p <= 1))
        return infer_fail(err, INFER_EINVALID, "min-p %g: allowed are 0 to 1",
                          (double)s->min_p);
    return 0;
}

int infer_generate(struct infer_session *s, const struct infer_sequence *prompt,
                   size_t count, const struct infer_sampling *sampling,
                   struct infer_tokens *out, struct infer_error *err)
{
    struct text_work w = {.model = s->model,
                          .ops = s->ops,
                          .prompt = prompt,
                          .sampling = sampling,
                          .count = count,
                          .overflowed = count,
                          .out = out};
    const struct work work = {&w, text_start, text_take, text_more};
    int status = check_sampling(sampling, err);

    if (status == 0)
        status = schedule_check(s, prompt, count, sampling->tokens, err);
    if (status != 0 || count == 0)
        return status;
    if (sampling->temperature > 0) {
        w.room = calloc(s->model->vocabulary, sizeof *w.room);
        if (!w.room)
            return infer_fail(err, INFER_ENOMEM, "no memory for %u candidates",
                              s->model->vocabulary);
    }
    status = schedule_run(s, &work, prompt[0].id, schedule_prefix(prompt, count), err);
    free(w.room);
    if (status == 0 && w.no_memory)
        status = infer_fail(err, INFER_ENOMEM, "no memory for the new tokens");
    return status == 0 && w.overflowed < count ? overflow(w.overflowed, err) : status;
}
