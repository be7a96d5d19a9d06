/* attention_cached - queries of one head over the keys and values of the past.
 *
 * Each score is one FMA chain over the head's dimensions and each output one chain
 * over the keys in order, so a row's bits do not depend on the rows beside it, on how
 * many keys stand behind its own, or on how its sequence was cut into pieces:
 *
 *     keys      first ........ lo ........... own | later rows' keys
 *     scores    not seen: 0    seen: softmax      | 0
 *
 * Sums run in the sixteen lanes of ops.h by the key's position, and first is a
 * multiple of sixteen, so that a key always falls into the same lane. A weight of
 * exactly zero changes no sum. */
#include "infer/generator.h"

#include <math.h>
#include <string.h>

#include "infer/quant/f32.h"

static size_t padded(size_t n)
{
    return arena_padded(n, PANEL_ROWS);
}

/* The first key that a row at this position sees, counted from a->first. */
static size_t first_seen(const struct cached_attention *a, uint32_t position)
{
    if (a->window == 0 || position + 1 <= a->window + a->first)
        return 0;
    return position + 1 - a->window - a->first;
}

/* Weights of one row, not divided by their sum, which is returned. */
static float weigh(const struct cached_attention *a, float *score, size_t all,
                   uint32_t position)
{
    const size_t own = position + 1 - a->first, lo = first_seen(a, position);
    const size_t start = lo / PANEL_ROWS * PANEL_ROWS;
    float factor = a->scale, sum;

    if (a->cap != 0) {
        a->ops->soften(score, a->scale / a->cap, a->cap, own);
        factor = 1;
    }
    for (size_t i = start; i < lo; i++)
        score[i] = -INFINITY;
    sum = a->ops->softmax(score + start, own - start, factor * OPS_LOG2_E);
    memset(score, 0, lo * sizeof *score);
    memset(score + padded(own), 0, (all - padded(own)) * sizeof *score);
    return sum;
}

void attention_cached(const struct cached_attention *a)
{
    const uint32_t last = a->position + (uint32_t)(a->rows - 1) * a->step;
    const size_t keys = last + 1 - a->first, all = padded(keys);
    struct f32_product product = {.c = a->scores,
                                  .c_stride = a->score_stride,
                                  .a = a->q,
                                  .a_stride = a->q_stride,
                                  .b = a->keys,
                                  .b_step = PANEL_ROWS,
                                  .b_panel = PANEL_ROWS * a->key_size,
                                  .rows = a->rows,
                                  .panels = all / PANEL_ROWS,
                                  .depth = a->key_size};
    float sum[DECODER_HEADS_MAX];

    a->ops->product(&product);
    for (size_t i = 0; i < a->rows; i++)
        sum[i] = weigh(a, a->scores + i * a->score_stride, all,
                       a->position + (uint32_t)i * a->step);

    product = (struct f32_product){.c = a->room,
                                   .c_stride = a->room_stride,
                                   .a = a->scores,
                                   .a_stride = a->score_stride,
                                   .b = a->values,
                                   .b_step = a->value_size,
                                   .b_panel = PANEL_ROWS,
                                   .rows = a->rows,
                                   .panels = padded(a->value_size) / PANEL_ROWS,
                                   .depth = keys};
    a->ops->product(&product);
    for (size_t i = 0; i < a->rows; i++) {
        float *from = a->room + i * a->room_stride;
        a->ops->scale(from, 1.0f / sum[i], a->value_size);
        memcpy(a->out + i * a->out_stride, from, a->value_size * sizeof *from);
    }
}
