/* forward_decoder - a causal language model: tokens in, the stream's rows out.
 *
 * For each layer, as Vaswani et al. 2017 have it with what came since (pre-norm by
 * root mean square, rotary positions, grouped heads, gated feed-forward):
 *
 *     h = norm(x);  q, k, v = h Q, h K, h V, turned by their position
 *     x = x + attention(q, cache with k and v) O
 *     h = norm(x);  x = x + (gate(h G) * (h U)) D
 *
 * Families add biases, norms of heads, norms before the sums, a feed-forward of
 * experts or attention through a bottleneck; each is a branch on what the layer has.
 *
 * One parallel region spans the pass. Every step below is shared out by all threads,
 * who meet at its end: rows, panels of a matrix, or heads of a sequence. What is
 * shared out never splits a sum, so neither the threads nor the other rows of the
 * pass are in any bit of the result. */
#include <omp.h>

#include "infer/experts.h"
#include "infer/generator.h"
#include "infer/past.h"

#include <string.h>

enum { PANELS_AT_ONCE = 8 }; /* an even number: tiles are two panels wide */

struct pass {
    struct infer_session *s;
    struct generator *g;
    const struct decoder_model *d;
    struct pass_piece *piece;
    size_t pieces, rows, blocks; /* blocks: of attention's work */
};

static struct generator_thread *mine(const struct pass *p)
{
    return p->g->thread + omp_get_thread_num();
}

/* ---- steps over rows and panels ---------------------------------------------------
 */

/* Add what an adapter has to say, once the product is whole. */
static void adapt(const struct pass *p, const struct low_rank *low,
                  const struct operand *in, float *out, size_t stride)
{
    const size_t threads = (size_t)p->s->options.threads;
    const size_t share = p->rows / threads + 1;
    const size_t rows = share < LOW_RANK_ROWS ? share : LOW_RANK_ROWS;

#pragma omp barrier
#pragma omp for schedule(static) nowait
    for (size_t first = 0; first < p->rows; first += rows)
        low_rank_add(low, p->s->ops, &mine(p)->low_rank, in, first,
                     p->rows - first < rows ? p->rows - first : rows,
                     out + first * stride, stride);
}

/* Rows first to first + count of an operand times the matrix; no meeting at the end. */
static void multiply(const struct pass *p, const struct matrix *m,
                     const struct operand *in, float *out, size_t stride)
{
    const size_t chunks = (m->panels + PANELS_AT_ONCE - 1) / PANELS_AT_ONCE;
    const struct activations a = operand_rows(in, m, 0);

#pragma omp for schedule(dynamic, 1) nowait
    for (size_t i = 0; i < chunks; i++) {
        size_t first = i * PANELS_AT_ONCE, left = m->panels - first;
        matrix_multiply(m, out + first * PANEL_ROWS, stride, &a, p->rows, first,
                        left < PANELS_AT_ONCE ? left : PANELS_AT_ONCE);
    }
    if (m->low_rank)
        adapt(p, m->low_rank, in, out, stride);
}

/* One row into an operand, by way of the thread's own padded row. */
static void put(const struct pass *p, struct operand *to, size_t row, const float *x,
                size_t n)
{
    float *own = mine(p)->row;

    memcpy(own, x, n * sizeof *x);
    memset(own + n, 0, (to->width - n) * sizeof *x);
    operand_put(to, row, own);
}

/* The heads of one row, size floats each and step apart, side by side. */
static void put_heads(const struct pass *p, struct operand *to, size_t row,
                      const float *x, size_t size, size_t step)
{
    const size_t heads = p->d->heads;
    float *own = mine(p)->row;

    for (size_t h = 0; h < heads; h++)
        memcpy(own + h * size, x + h * step, size * sizeof *x);
    memset(own + heads * size, 0, (to->width - heads * size) * sizeof *x);
    operand_put(to, row, own);
}

static void put_norm(const struct pass *p, struct operand *to, size_t row,
                     const float *x, const float *weight, size_t n)
{
    float *own = mine(p)->row;

    p->s->ops->rms_norm(own, x, weight, n, p->d->norm_epsilon);
    memset(own + n, 0, (to->width - n) * sizeof *x);
    operand_put(to, row, own);
}

static void norm_stream(const struct pass *p, const float *weight)
{
    const struct generator *g = p->g;

#pragma omp for schedule(static)
    for (size_t r = 0; r < p->rows; r++)
        put_norm(p, &p->g->in, r, g->x + r * g->width_stride, weight, p->d->width);
}

/* x = x + c, which is normalised first where the family says so. */
static void join(const struct pass *p, const float *bias, const float *post_norm)
{
    const struct generator *g = p->g;
    const struct ops *ops = p->s->ops;
    const size_t n = p->d->width;

#pragma omp for schedule(static)
    for (size_t r = 0; r < p->rows; r++) {
        float *x = g->x + r * g->width_stride, *c = g->c + r * g->width_stride;
        if (bias)
            ops->add(c, bias, n);
        if (post_norm)
            ops->rms_norm(c, c, post_norm, n, p->d->norm_epsilon);
        ops->add(x, c, n);
    }
}

/* ---- attention --------------------------------------------------------------------
 */

static const float *turns_of(const struct pass *p, uint32_t layer, size_t row)
{
    const float *turns =
        decoder_is_windowed(p->d, layer) ? p->g->window_turns : p->g->turns;

    return turns + row * p->d->rope.dims;
}

/* Bias, norm and turn the heads of one row, in place. */
static void finish_heads(const struct pass *p, uint32_t layer, size_t row, float *x,
                         size_t heads, const float *bias, const float *norm)
{
    const struct decoder_model *d = p->d;
    const struct rope *rope =
        decoder_is_windowed(d, layer) ? &d->window_rope : &d->rope;

    if (bias)
        p->s->ops->add(x, bias, heads * d->key_size);
    for (size_t h = 0; h < heads; h++, x += d->key_size) {
        if (norm)
            p->s->ops->rms_norm(x, x, norm, d->key_size, d->norm_epsilon);
        rope_apply(rope, turns_of(p, layer, row), x);
    }
}

static void keep(const struct pass *p, uint32_t layer, size_t row, const float *keys,
                 const float *values)
{
    const struct kv *kv = &p->g->kv;
    const struct kv_sequence *s = p->piece[p->g->piece[row]].kv;

    for (uint32_t h = 0; h < kv->heads; h++)
        kv_store(kv, s, layer, h, p->g->slot[row], keys + h * kv->key_size,
                 values + h * kv->value_size, mine(p)->kv_room);
}

static void project(const struct pass *p, uint32_t layer)
{
    struct generator *g = p->g;
    const struct generator_layer *l = g->layer + layer;
    const struct decoder_model *d = p->d;

    multiply(p, &l->q, &g->in, g->qkv, g->qkv_stride);
    multiply(p, &l->k, &g->in, g->qkv + g->key_at, g->qkv_stride);
    multiply(p, &l->v, &g->in, g->qkv + g->value_at, g->qkv_stride);
#pragma omp barrier
#pragma omp for schedule(static)
    for (size_t r = 0; r < p->rows; r++) {
        float *q = g->qkv + r * g->qkv_stride, *k = q + g->key_at, *v = q + g->value_at;
        finish_heads(p, layer, r, q, d->heads, l->q_bias, l->q_norm);
        finish_heads(p, layer, r, k, d->kv_heads, l->k_bias, l->k_norm);
        if (l->v_bias)
            p->s->ops->add(v, l->v_bias, (size_t)d->kv_heads * d->value_size);
        keep(p, layer, r, k, v);
    }
}

/* Some heads of the rows from row on. */
static void attend_heads(const struct pass *p, struct cached_attention *a, size_t row,
                         uint32_t first_head, uint32_t heads, const float *queries,
                         size_t q_stride)
{
    const struct generator *g = p->g;

    for (uint32_t h = first_head; h < first_head + heads; h++) {
        a->q = queries + row * q_stride + h * g->query_step;
        a->out = g->attended + row * g->attended_stride + h * a->value_size;
        attention_cached(a);
    }
}

/* The queries of one group of heads, rows row to row + count of one sequence. Where
 * rows go one by one, the heads of the group go together. */
static void attend_block(const struct pass *p, uint32_t layer, uint32_t head,
                         size_t row, size_t count, const float *queries,
                         size_t q_stride)
{
    const struct generator *g = p->g;
    const struct decoder_model *d = p->d;
    const struct generator_thread *t = mine(p);
    const struct pass_piece *piece = p->piece + g->piece[row];
    const uint32_t group = d->heads / d->kv_heads;
    const bool tree = piece->parent != NULL, one = tree || count == 1;
    const struct past past = {.kv = &g->kv,
                              .layer = layer,
                              .head = head,
                              .keys = t->keys,
                              .values = t->values,
                              .window = decoder_is_windowed(d, layer) ? d->window : 0};
    struct cached_attention a = {
        .ops = p->s->ops,
        .keys = t->keys,
        .values = t->values,
        .key_size = g->kv.key_size,
        .value_size = g->kv.value_size,
        .q_stride = one ? g->query_step : q_stride,
        .out_stride = one ? g->kv.value_size : g->attended_stride,
        .rows = one ? group : count,
        .step = one ? 0 : 1,
        .window = past.window,
        .scale = d->attention_scale,
        .cap = d->attention_cap,
        .scores = t->scores,
        .score_stride = g->score_stride,
        .room = t->out,
        .room_stride = g->out_stride,
    };

    a.first =
        past_load(&past, piece, g->position[row], (uint32_t)(row - piece->row + count));
    for (size_t i = 0; i < (tree ? count : 1); i++) {
        a.position = g->position[row + i];
        if (tree)
            past_follow(&past, piece, (uint32_t)(row - piece->row + i));
        attend_heads(p, &a, row + i, head * group, one ? 1 : group, queries, q_stride);
    }
}

static void attend(const struct pass *p, uint32_t layer, const float *queries,
                   size_t q_stride)
{
    const struct generator *g = p->g;

#pragma omp for schedule(dynamic, 1) collapse(2)
    for (size_t b = 0; b < p->blocks; b++)
        for (uint32_t h = 0; h < p->d->kv_heads; h++) {
            const struct pass_piece *piece = p->piece + g->block_piece[b];
            size_t left = piece->row + piece->count - g->block_row[b];
            attend_block(p, layer, h, g->block_row[b],
                         left < GENERATOR_QUERIES ? left : GENERATOR_QUERIES, queries,
                         q_stride);
        }
}

/* What attention found, through the output matrix, joins the stream. */
static void close_attention(const struct pass *p, uint32_t layer, const float *found,
                            size_t stride, size_t size, size_t step)
{
    struct generator *g = p->g;
    const struct generator_layer *l = g->layer + layer;

#pragma omp for schedule(static)
    for (size_t r = 0; r < p->rows; r++)
        put_heads(p, &p->g->out, r, found + r * stride, size, step);
    multiply(p, &l->o, &g->out, g->c, g->width_stride);
#pragma omp barrier
    join(p, l->o_bias, l->post_attn_norm);
}

/* ---- attention through a bottleneck -----------------------------------------------
 */

/* Queries: compressed and widened again, or projected as usual. */
static void project_latent_queries(const struct pass *p,
                                   const struct generator_layer *l)
{
    struct generator *g = p->g;
    const struct decoder_model *d = p->d;

    multiply(p, &l->latent.kv_a, &g->in, g->qkv + g->key_at, g->qkv_stride);
    if (d->q_rank == 0) {
        multiply(p, &l->q, &g->in, g->qkv, g->qkv_stride);
#pragma omp barrier
        return;
    }
    multiply(p, &l->latent.q_a, &g->in, g->c, g->width_stride);
#pragma omp barrier
#pragma omp for schedule(static)
    for (size_t r = 0; r < p->rows; r++)
        put_norm(p, &p->g->query, r, g->c + r * g->width_stride, l->latent.q_a_norm,
                 d->q_rank);
    multiply(p, &l->latent.q_b, &g->query, g->qkv, g->qkv_stride);
#pragma omp barrier
}

/* Each head's rows, which lie one below the other in the operand, times its own
 * matrix; heads of a row lie step floats apart. */
static void multiply_heads(const struct pass *p, const struct matrix *part,
                           const struct operand *in, float *out, size_t stride,
                           size_t step)
{
#pragma omp for schedule(dynamic, 1)
    for (uint32_t h = 0; h < p->d->heads; h++) {
        const struct activations a = operand_rows(in, part + h, h * p->rows);
        matrix_multiply(part + h, out + h * step, stride, &a, p->rows, 0,
                        part[h].panels);
        if (part[h].low_rank)
            low_rank_add(part[h].low_rank, p->s->ops, &mine(p)->low_rank, in,
                         h * p->rows, p->rows, out + h * step, stride);
    }
}

static void project_latent(const struct pass *p, uint32_t layer)
{
    struct generator *g = p->g;
    const struct generator_layer *l = g->layer + layer;
    const struct decoder_model *d = p->d;

    project_latent_queries(p, l);
#pragma omp for schedule(static)
    for (size_t r = 0; r < p->rows; r++) {
        float *q = g->qkv + r * g->qkv_stride, *k = q + g->key_at;
        p->s->ops->rms_norm(k, k, l->latent.kv_a_norm, d->kv_rank, d->norm_epsilon);
        rope_apply(&d->rope, turns_of(p, layer, r), k + d->kv_rank);
        keep(p, layer, r, k, k);
        for (size_t h = 0; h < d->heads; h++, q += d->key_size) {
            put(p, &p->g->plain, h * p->rows + r, q, d->plain_size);
            rope_apply(&d->rope, turns_of(p, layer, r), q + d->plain_size);
        }
    }
    multiply_heads(p, l->latent.k_b, &g->plain, g->latent_q, g->latent_q_stride,
                   g->query_step);
    /* whole panels have been written: the turned part comes after them */
#pragma omp for schedule(static)
    for (size_t r = 0; r < p->rows; r++)
        for (size_t h = 0; h < d->heads; h++)
            memcpy(g->latent_q + r * g->latent_q_stride + h * g->query_step +
                       d->kv_rank,
                   g->qkv + r * g->qkv_stride + h * d->key_size + d->plain_size,
                   d->rope.dims * sizeof *g->qkv);
}

/* Each head's mix of latent values becomes its values through v_b. */
static void close_latent(const struct pass *p, uint32_t layer)
{
    struct generator *g = p->g;
    const struct decoder_model *d = p->d;

#pragma omp for schedule(static)
    for (size_t r = 0; r < p->rows; r++)
        for (size_t h = 0; h < d->heads; h++)
            put(p, &p->g->found, h * p->rows + r,
                g->attended + r * g->attended_stride + h * d->kv_rank, d->kv_rank);
    multiply_heads(p, g->layer[layer].latent.v_b, &g->found, g->latent_out,
                   g->latent_out_stride, g->latent_step);
    close_attention(p, layer, g->latent_out, g->latent_out_stride, d->latent_value_size,
                    g->latent_step);
}

/* ---- feed-forward -----------------------------------------------------------------
 */

static void bend(const struct pass *p, float *gate, const float *up, size_t n)
{
    if (p->d->gate == DECODER_GEGLU)
        p->s->ops->geglu(gate, up, n);
    else
        p->s->ops->swiglu(gate, up, n);
}

/* c = (gate(in G) * (in U)) D */
static void feed(const struct pass *p, const struct matrix *gate,
                 const struct matrix *up, const struct matrix *down,
                 struct operand *inner)
{
    struct generator *g = p->g;

    multiply(p, gate, &g->in, g->gate, g->ffn_stride);
    multiply(p, up, &g->in, g->up, g->ffn_stride);
#pragma omp barrier
#pragma omp for schedule(static)
    for (size_t r = 0; r < p->rows; r++) {
        float *row = g->gate + r * g->ffn_stride;
        bend(p, row, g->up + r * g->ffn_stride, gate->rows);
        put(p, inner, r, row, gate->rows);
    }
    multiply(p, down, inner, g->c, g->width_stride);
#pragma omp barrier
}

static void feed_experts(const struct pass *p, uint32_t layer)
{
    struct generator *g = p->g;
    const struct generator_layer *l = g->layer + layer;
    const struct decoder_model *d = p->d;

    multiply(p, &l->router, &g->in, g->router, g->router_stride);
#pragma omp barrier
#pragma omp for schedule(static)
    for (size_t r = 0; r < p->rows; r++)
        experts_choose(d, p->s->ops, g->router + r * g->router_stride, l->router_bias,
                       g->chosen + r * d->experts_used,
                       g->chosen_weight + r * d->experts_used);
#pragma omp for schedule(dynamic, 1)
    for (uint32_t e = 0; e < d->experts; e++)
        experts_run(g, mine(p), &l->experts, e, p->rows);
    if (d->shared_ffn)
        feed(p, &l->shared_gate, &l->shared_up, &l->shared_down, &g->shared_inner);
#pragma omp for schedule(static)
    for (size_t r = 0; r < p->rows; r++)
        experts_mix(g, r, d->shared_ffn != 0);
}

/* ---- the pass ---------------------------------------------------------------------
 */

static void embed(const struct pass *p)
{
    const struct infer_session *s = p->s;
    const struct gguf_tensor *t = s->model->token_embd;
    const size_t row_bytes = (size_t)(t->bytes / t->rows);
    struct generator *g = p->g;

#pragma omp for schedule(static)
    for (size_t r = 0; r < p->rows; r++) {
        const struct pass_piece *piece = p->piece + g->piece[r];
        size_t id = (size_t)piece->id[r - piece->row];
        float *x = g->x + r * g->width_stride;
        s->token_format->read(x, (const char *)t->data + id * row_bytes, p->d->width);
        if (p->d->embedding_scale != 1)
            s->ops->scale(x, p->d->embedding_scale, p->d->width);
        rope_turns(&p->d->rope, g->position[r], g->turns + r * p->d->rope.dims);
        if (p->d->window)
            rope_turns(&p->d->window_rope, g->position[r],
                       g->window_turns + r * p->d->rope.dims);
    }
}

static void run_layer(const struct pass *p, uint32_t layer)
{
    struct generator *g = p->g;
    const struct generator_layer *l = g->layer + layer;
    const struct decoder_model *d = p->d;

    norm_stream(p, l->attn_norm);
    if (d->latent) {
        project_latent(p, layer);
        attend(p, layer, g->latent_q, g->latent_q_stride);
        close_latent(p, layer);
    } else {
        project(p, layer);
        attend(p, layer, g->qkv, g->qkv_stride);
        close_attention(p, layer, g->attended, g->attended_stride, d->value_size,
                        d->value_size);
    }
    norm_stream(p, l->ffn_norm);
    if (decoder_has_experts(d, layer))
        feed_experts(p, layer);
    else
        feed(p, &l->gate, &l->up, &l->down, &g->inner);
    join(p, NULL, l->post_ffn_norm);
}

static uint32_t depth_of(const struct pass_piece *piece, uint32_t node)
{
    uint32_t depth = 0;

    for (int32_t up = piece->parent[node]; up >= 0; up = piece->parent[up])
        depth++;
    return depth;
}

/* Which row is whose and stands where, and attention's work in blocks of one
 * sequence's rows. */
static void set_rows(struct pass *p)
{
    struct generator *g = p->g;

    for (size_t i = 0; i < p->pieces; i++) {
        struct pass_piece *piece = p->piece + i;
        piece->row = (uint32_t)p->rows;
        for (uint32_t t = 0; t < piece->count; t++, p->rows++) {
            const uint32_t at = piece->first + t;
            g->piece[p->rows] = (uint32_t)i;
            g->slot[p->rows] = piece->position + at;
            g->position[p->rows] =
                piece->position + (piece->parent ? depth_of(piece, at) : at);
            if (t % GENERATOR_QUERIES != 0)
                continue;
            g->block_piece[p->blocks] = (uint32_t)i;
            g->block_row[p->blocks++] = (uint32_t)p->rows;
        }
    }
}

void decoder_forward(struct infer_session *s, struct pass_piece *piece, size_t count)
{
    struct pass p = {.s = s,
                     .g = s->generator,
                     .d = s->model->decoder,
                     .piece = piece,
                     .pieces = count};

    set_rows(&p);
#pragma omp parallel num_threads(s->options.threads)
    {
        embed(&p);
        for (uint32_t i = 0; i < p.d->layers; i++)
            run_layer(&p, i);
    }
}

void decoder_logits(struct infer_session *s, const uint32_t *row, size_t count)
{
    struct generator *g = s->generator;
    const struct decoder_model *d = s->model->decoder;
    const struct pass p = {.s = s, .g = g, .d = d, .rows = count};

#pragma omp parallel num_threads(s->options.threads)
    {
#pragma omp for schedule(static)
        for (size_t i = 0; i < count; i++)
            put_norm(&p, &g->in, i, g->x + row[i] * g->width_stride, g->output_norm,
                     d->width);
        multiply(&p, &g->head, &g->in, g->logits, g->vocabulary_stride);
#pragma omp barrier
        if (d->final_cap != 0) {
#pragma omp for schedule(static)
            for (size_t i = 0; i < count; i++)
                s->ops->soften(g->logits + i * g->vocabulary_stride, 1 / d->final_cap,
                               d->final_cap, d->vocabulary);
        }
    }
}
