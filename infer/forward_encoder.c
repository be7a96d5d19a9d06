/* forward_encoder - BERT: tokens in, one normalised vector a sequence out.
 *
 * The sequences of a pass lie one below the other as rows, without padding:
 *
 *     x     row 0    [CLS] of sequence 0        x_stride floats
 *           ...
 *           row n    [CLS] of sequence 1
 *
 * Everything but attention looks at one row, so rows go through the layers in
 * bites of FORMAT_TILE_ROWS, whose intermediate values stay in the cache. As
 * Devlin et al. 2018 have it (post-norm, GELU by erf), for each layer:
 *
 *     qkv = x W + b;  a = attention(qkv);  x = norm(x + a O + b)
 *     x = norm(x + gelu(x U + b) D + b)
 *
 * Nothing here depends on which rows share a bite, so nothing depends on the
 * batch. */
#include "infer/forward_encoder.h"

#include <math.h>
#include <string.h>

#include "infer/attention.h"
#include "infer/rope.h"

static const void *tensor_row(const struct gguf_tensor *tensor, size_t row)
{
    return (const char *)tensor->data + row * (size_t)(tensor->bytes / tensor->rows);
}

static void embed_tokens(const struct infer_session *s, struct workspace *w, float *x,
                         const struct infer_sequence *sequence)
{
    const struct infer_model *m = s->model;

    for (size_t i = 0; i < sequence->count; i++, x += s->x_stride) {
        s->token_format->read(x, tensor_row(m->token_embd, (size_t)sequence->id[i]),
                              m->width);
        if (m->position_embd)
            s->position_format->read(w->position, tensor_row(m->position_embd, i),
                                     m->width);
        s->ops->add_norm(x, m->position_embd ? w->position : s->zeros, s->token_type,
                         s->embd_norm, s->embd_norm_bias, m->width, m->norm_epsilon);
    }
}

/* n floats become integers at column of the row that starts at q, with a scale for
 * each block and two sums where the format reads sums. */
static void quantise(const struct infer_session *s, const struct matrix *m, int16_t *q,
                     size_t column, float *scale, float *sum, const float *x, size_t n)
{
    const bool sums = format_sums(m->format);

    if (m->kernel->activations == ACTIVATION_INT16) {
        s->ops->quantise(q + column, scale, x, n, s->limit);
        if (sums)
            s->ops->sums(sum, q + column, n);
    } else if (m->kernel->activations == ACTIVATION_BYTE) {
        s->ops->quantise_bytes((uint8_t *)q + column, scale, x, n);
        if (sums)
            s->ops->sums_bytes(sum, (uint8_t *)q + column, n);
    }
}

/* Make the rows ready for a product: integers where the kernel wants them. */
static struct activations prepare(const struct infer_session *s, struct workspace *w,
                                  const struct matrix *m, const float *x,
                                  size_t x_stride, size_t rows)
{
    const size_t blocks = m->depth / OPS_BLOCK;
    for (size_t i = 0; i < rows; i++)
        quantise(s, m, w->q, i * s->x_stride, w->scale + i * blocks,
                 w->sum + 2 * i * blocks, x + i * x_stride, m->depth);
    return (struct activations){.x = x,
                                .q = w->q,
                                .scale = w->scale,
                                .sum = w->sum,
                                .x_stride = x_stride,
                                .q_stride = s->x_stride,
                                .scale_stride = blocks};
}

static void project(const struct infer_session *s, const struct matrix *m,
                    const struct activations *a, const float *bias, float *out,
                    size_t rows)
{
    const size_t stride = 3 * s->x_stride;

    matrix_multiply(m, out, stride, a, rows, 0, m->panels);
    for (size_t i = 0; bias && i < rows; i++)
        s->ops->add(out + i * stride, bias, m->rows);
}

static void project_qkv(const struct infer_session *s, struct workspace *w,
                        const struct session_layer *l, const float *x, float *qkv,
                        size_t rows)
{
    const struct matrix *m[] = {&l->q, &l->k, &l->v};
    const float *bias[] = {l->q_bias, l->k_bias, l->v_bias};
    struct activations a = {0};

    for (size_t i = 0; i < 3; i++) {
        if (i == 0 || m[i]->kernel != m[i - 1]->kernel ||
            m[i]->format != m[i - 1]->format)
            a = prepare(s, w, m[i], x, s->x_stride, rows);
        project(s, m[i], &a, bias[i], qkv + i * s->x_stride, rows);
    }
}

/* Turn queries and keys by their position, where positions are not embedded. */
static void turn(const struct infer_session *s, struct workspace *w, float *qkv,
                 size_t tokens)
{
    const struct rope *rope = s->model->rope;

    for (size_t i = 0; i < tokens; i++, qkv += 3 * s->x_stride) {
        rope_turns(rope, (uint32_t)i, w->position);
        for (size_t h = 0; h < s->model->heads; h++) {
            rope_apply(rope, w->position, qkv + h * rope->dims);
            rope_apply(rope, w->position, qkv + s->x_stride + h * rope->dims);
        }
    }
}

static void attend(const struct infer_session *s, struct workspace *w, float *qkv,
                   size_t tokens)
{
    const size_t head_size = s->model->width / s->model->heads;

    if (s->model->rope)
        turn(s, w, qkv, tokens);

    for (size_t h = 0; h < s->model->heads; h++) {
        const struct attention head = {.ops = s->ops,
                                       .q = qkv + h * head_size,
                                       .k = qkv + s->x_stride + h * head_size,
                                       .v = qkv + 2 * s->x_stride + h * head_size,
                                       .stride = 3 * s->x_stride,
                                       .tokens = tokens,
                                       .head_size = head_size,
                                       .scratch = w->scratch};
        attention_run(&head);
    }
}

static void close_attention(const struct infer_session *s, struct workspace *w,
                            const struct session_layer *l, float *x, const float *qkv,
                            size_t rows)
{
    struct activations a = prepare(s, w, &l->o, qkv, 3 * s->x_stride, rows);

    matrix_multiply(&l->o, w->c, s->c_stride, &a, rows, 0, l->o.panels);
    for (size_t i = 0; i < rows; i++)
        s->ops->add_norm(x + i * s->x_stride, w->c + i * s->c_stride, l->o_bias,
                         l->attn_norm, l->attn_norm_bias, s->model->width,
                         s->model->norm_epsilon);
}

/* The inner rows, a slice of columns at a time so that the slice is still in the
 * cache when it is bent and quantised. */
static void feed_inner(const struct infer_session *s, struct workspace *w,
                       const struct session_layer *l, const struct activations *a,
                       size_t rows)
{
    const size_t slice = s->c_stride / PANEL_ROWS;
    const size_t blocks = l->down.depth / OPS_BLOCK;
    const bool integers = l->down.kernel->activations != ACTIVATION_FLOAT;

    for (size_t first = 0; first < l->up.panels; first += slice) {
        size_t panels = l->up.panels - first < slice ? l->up.panels - first : slice;
        size_t column = first * PANEL_ROWS, n = panels * PANEL_ROWS;
        float *c = integers ? w->c : w->inner + column;
        size_t stride = integers ? s->c_stride : s->inner_stride;

        matrix_multiply(l->gate.kernel ? &l->gate : &l->up, c, stride, a, rows, first,
                        panels);
        if (l->gate.kernel)
            matrix_multiply(&l->up, w->gated, s->c_stride, a, rows, first, panels);
        for (size_t i = 0; i < rows; i++) {
            size_t block = i * blocks + column / OPS_BLOCK;
            if (l->gate.kernel)
                s->ops->swiglu(c + i * stride, w->gated + i * s->c_stride, n);
            else
                s->ops->gelu(c + i * stride, l->up_bias + column, n);
            if (integers)
                quantise(s, &l->down, w->inner_q, i * s->inner_q_stride + column,
                         w->inner_scale + block, w->inner_sum + 2 * block,
                         c + i * stride, n);
        }
    }
}

static void feed_forward(const struct infer_session *s, struct workspace *w,
                         const struct session_layer *l, float *x, size_t rows)
{
    struct activations a = prepare(s, w, &l->up, x, s->x_stride, rows);
    const struct activations inner = {.x = w->inner,
                                      .q = w->inner_q,
                                      .scale = w->inner_scale,
                                      .sum = w->inner_sum,
                                      .x_stride = s->inner_stride,
                                      .q_stride = s->inner_q_stride,
                                      .scale_stride = l->down.depth / OPS_BLOCK};

    feed_inner(s, w, l, &a, rows);
    matrix_multiply(&l->down, w->c, s->c_stride, &inner, rows, 0, l->down.panels);
    for (size_t i = 0; i < rows; i++)
        s->ops->add_norm(x + i * s->x_stride, w->c + i * s->c_stride, l->down_bias,
                         l->out_norm, l->out_norm_bias, s->model->width,
                         s->model->norm_epsilon);
}

static size_t bite(size_t done, size_t rows)
{
    return rows - done < FORMAT_TILE_ROWS ? rows - done : FORMAT_TILE_ROWS;
}

static void run_layer(const struct infer_session *s, struct workspace *w,
                      const struct session_layer *l,
                      const struct infer_sequence *sequence, size_t count, size_t rows)
{
    const size_t qkv_stride = 3 * s->x_stride;

    for (size_t i = 0; i < rows; i += FORMAT_TILE_ROWS)
        project_qkv(s, w, l, w->x + i * s->x_stride, w->qkv + i * qkv_stride,
                    bite(i, rows));

    for (size_t i = 0, row = 0; i < count; row += sequence[i].count, i++)
        attend(s, w, w->qkv + row * qkv_stride, sequence[i].count);

    for (size_t i = 0; i < rows; i += FORMAT_TILE_ROWS) {
        float *x = w->x + i * s->x_stride;
        close_attention(s, w, l, x, w->qkv + i * qkv_stride, bite(i, rows));
        feed_forward(s, w, l, x, bite(i, rows));
    }
}

/* The mean is left as a sum: what follows divides by the length anyway. */
static bool pool(const struct infer_session *s, const float *x, size_t rows, float *out)
{
    const size_t width = s->model->width;

    memcpy(out, x, width * sizeof *out);
    for (size_t i = 1; i < rows && s->model->pooling == MODEL_POOL_MEAN; i++)
        s->ops->add(out, x + i * s->x_stride, width);

    float squares = s->ops->sum_squares(out, width);
    if (squares > 0)
        s->ops->scale(out, 1.0f / sqrtf(squares), width);
    return isfinite(squares);
}

size_t encoder_forward(const struct infer_session *s, struct workspace *w,
                       const struct infer_sequence *sequence, size_t count, float *out)
{
    size_t rows = 0;

    for (size_t i = 0; i < count; rows += sequence[i].count, i++)
        embed_tokens(s, w, w->x + rows * s->x_stride, sequence + i);
    for (uint32_t i = 0; i < s->model->layers; i++)
        run_layer(s, w, s->layer + i, sequence, count, rows);

    const float *x = w->x;
    for (size_t i = 0; i < count; i++) {
        if (!pool(s, x, sequence[i].count, out + i * s->model->width))
            return i;
        x += sequence[i].count * s->x_stride;
    }
    return count;
}
