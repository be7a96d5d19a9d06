/* attention - one head of one sequence, every token seeing every token.
 *
 * Both products go through the float tile, so each score is one FMA chain over
 * the head's dimensions and each output one chain over the keys, in order:
 *
 *     keys     packed once per head into panels of 16 keys: panel[d][16]
 *     scores   84 queries x keys, rows padded to whole panels
 *     softmax  in place, not divided by its sum
 *     values   read where they lie, row by row; the quotient comes at the end
 *
 * A query's result depends on its own sequence alone; keys are never split. */
#include "infer/attention.h"

#include <math.h>
#include <string.h>

#include "infer/quant/f32.h"

static size_t padded(size_t n)
{
    return (n + PANEL_ROWS - 1) / PANEL_ROWS * PANEL_ROWS;
}

size_t attention_scratch(size_t tokens, size_t head_size)
{
    return padded(tokens) * (head_size + ATTENTION_QUERIES) +
           ATTENTION_QUERIES * padded(head_size);
}

static void pack_keys(const struct attention *a, float *keys)
{
    for (size_t i = 0; i < a->tokens; i += PANEL_ROWS) {
        size_t rows = a->tokens - i < PANEL_ROWS ? a->tokens - i : PANEL_ROWS;
        f32_panel(keys + i * a->head_size, a->k + i * a->stride, a->stride, rows,
                  a->head_size);
    }
}

/* Queries first to first + count, count at most ATTENTION_QUERIES. */
static void run_block(const struct attention *a, const float *keys, float *scores,
                      float *out, size_t first, size_t count)
{
    const float log2_e = 0x1.715476p0f;
    const float factor = log2_e / sqrtf((float)a->head_size);
    const size_t keys_padded = padded(a->tokens), out_stride = padded(a->head_size);
    float *q = a->q + first * a->stride;
    float sum[ATTENTION_QUERIES];
    struct f32_product product = {.c = scores,
                                  .c_stride = keys_padded,
                                  .a = q,
                                  .a_stride = a->stride,
                                  .b = keys,
                                  .b_step = PANEL_ROWS,
                                  .b_panel = PANEL_ROWS * a->head_size,
                                  .rows = count,
                                  .panels = keys_padded / PANEL_ROWS,
                                  .depth = a->head_size};
    a->ops->product(&product);
    for (size_t i = 0; i < count; i++)
        sum[i] = a->ops->softmax(scores + i * keys_padded, a->tokens, factor);

    product = (struct f32_product){.c = out,
                                   .c_stride = out_stride,
                                   .a = scores,
                                   .a_stride = keys_padded,
                                   .b = a->v,
                                   .b_step = a->stride,
                                   .b_panel = PANEL_ROWS,
                                   .rows = count,
                                   .panels = out_stride / PANEL_ROWS,
                                   .depth = a->tokens};
    a->ops->product(&product);
    for (size_t i = 0; i < count; i++) {
        a->ops->scale(out + i * out_stride, 1.0f / sum[i], a->head_size);
        memcpy(q + i * a->stride, out + i * out_stride, a->head_size * sizeof *q);
    }
}

void attention_run(const struct attention *a)
{
    float *keys = a->scratch;
    float *scores = keys + padded(a->tokens) * a->head_size;
    float *out = scores + padded(a->tokens) * ATTENTION_QUERIES;

    pack_keys(a, keys);
    for (size_t i = 0; i < a->tokens; i += ATTENTION_QUERIES) {
        size_t left = a->tokens - i;
        run_block(a, keys, scores, out, i,
                  left < ATTENTION_QUERIES ? left : ATTENTION_QUERIES);
    }
}
