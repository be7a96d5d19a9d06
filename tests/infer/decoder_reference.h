/* decoder_reference - a causal language model as its formulas stand in the papers: in
 * double, token by token and head by head, without a cache, from F32 tensors. Slow and
 * plain on purpose; tests compare the engine with it. */
#ifndef TESTS_INFER_DECODER_REFERENCE_H
#define TESTS_INFER_DECODER_REFERENCE_H

#include "tests/infer/tiny_decoder.h"

#include "infer/decoder.h"

#include <math.h>

enum { REFERENCE_TOKENS = 40, REFERENCE_WIDEST = 1024 };

struct reference {
    const struct infer_model *model;
    const struct decoder_model *d;
    size_t tokens;
    double x[REFERENCE_TOKENS][TINY_WIDTH]; /* the stream */
    double q[REFERENCE_TOKENS][REFERENCE_WIDEST], k[REFERENCE_TOKENS][REFERENCE_WIDEST],
        v[REFERENCE_TOKENS][REFERENCE_WIDEST];
};

/* ---- parts -------------------------------------------------------------------- */

/* Rows first to first + rows of a matrix times x. */
static inline void reference_multiply(const struct gguf_tensor *t, size_t first,
                                      size_t rows, const double *x, double *out)
{
    const float *w = (const float *)t->data + first * t->dim[0];

    assert_int_equal(t->type, GGUF_F32);
    for (size_t r = 0; r < rows; r++, w += t->dim[0]) {
        out[r] = 0;
        for (size_t i = 0; i < t->dim[0]; i++)
            out[r] += (double)w[i] * x[i];
    }
}

static inline void reference_add(const struct gguf_tensor *t, double *x)
{
    for (size_t i = 0; t != NULL && i < t->dim[0]; i++)
        x[i] += (double)((const float *)t->data)[i];
}

/* By root mean square, times the weights; no tensor: nothing happens. */
static inline void reference_norm(const struct gguf_tensor *t, double epsilon,
                                  const double *x, double *out)
{
    double squares = 0;

    for (size_t i = 0; t != NULL && i < t->dim[0]; i++)
        squares += x[i] * x[i];
    for (size_t i = 0; t != NULL && i < t->dim[0]; i++)
        out[i] = x[i] / sqrt(squares / (double)t->dim[0] + epsilon) *
                 (double)((const float *)t->data)[i];
}

/* All bases here are 10000. */
static inline void reference_turn(const struct rope *rope, size_t position, double *x)
{
    const size_t pairs = rope->dims / 2;

    for (size_t i = 0; i < pairs; i++) {
        const double angle =
            (double)position * pow(10000, -2.0 * (double)i / rope->dims);
        double *a = x + (rope->halves ? i : 2 * i);
        double *b = x + (rope->halves ? i + pairs : 2 * i + 1), old = *a;
        *a = old * cos(angle) - *b * sin(angle);
        *b = old * sin(angle) + *b * cos(angle);
    }
}

static inline double reference_cap(double x, double cap)
{
    return cap == 0 ? x : cap * tanh(x / cap);
}

/* ---- attention ---------------------------------------------------------------- */

static inline void reference_heads(struct reference *r, const struct decoder_tensors *l,
                                   size_t t, const double *h)
{
    const struct decoder_model *d = r->d;
    const size_t q = (size_t)d->heads * d->key_size,
                 k = (size_t)d->kv_heads * d->key_size;
    const double epsilon = (double)d->norm_epsilon;

    reference_multiply(l->qkv ? l->qkv : l->q, 0, q, h, r->q[t]);
    reference_multiply(l->qkv ? l->qkv : l->k, l->qkv ? q : 0, k, h, r->k[t]);
    reference_multiply(l->qkv ? l->qkv : l->v, l->qkv ? q + k : 0, k, h, r->v[t]);
    reference_add(l->q_bias, r->q[t]);
    reference_add(l->k_bias, r->k[t]);
    reference_add(l->v_bias, r->v[t]);
    for (size_t i = 0; i < d->heads; i++) {
        double *x = r->q[t] + i * d->key_size;
        reference_norm(l->q_norm, epsilon, x, x);
        reference_turn(&d->rope, t, x);
    }
    for (size_t i = 0; i < d->kv_heads; i++) {
        double *x = r->k[t] + i * d->key_size;
        reference_norm(l->k_norm, epsilon, x, x);
        reference_turn(&d->rope, t, x);
    }
}

/* Through the bottleneck: each head gets whole keys and values of its own. */
static inline void reference_latent(struct reference *r,
                                    const struct decoder_tensors *l, size_t t,
                                    const double *h)
{
    const struct decoder_model *d = r->d;
    const size_t key = d->key_size, plain = d->plain_size, value = d->latent_value_size;
    const double epsilon = (double)d->norm_epsilon;
    const float *k_b = l->k_b->data;
    double narrow[REFERENCE_WIDEST];

    reference_multiply(l->q_a, 0, d->q_rank, h, narrow);
    reference_norm(l->q_a_norm, epsilon, narrow, narrow);
    reference_multiply(l->q_b, 0, d->heads * key, narrow, r->q[t]);
    reference_multiply(l->kv_a, 0, d->kv_rank + d->rope.dims, h, narrow);
    reference_norm(l->kv_a_norm, epsilon, narrow, narrow);
    reference_turn(&d->rope, t, narrow + d->kv_rank);
    for (size_t i = 0; i < d->heads; i++) {
        double *k = r->k[t] + i * key;
        reference_turn(&d->rope, t, r->q[t] + i * key + plain);
        memset(k, 0, plain * sizeof *k);
        for (size_t rank = 0; rank < d->kv_rank; rank++, k_b += plain)
            for (size_t j = 0; j < plain; j++)
                k[j] += (double)k_b[j] * narrow[rank];
        memcpy(k + plain, narrow + d->kv_rank, d->rope.dims * sizeof *k);
        reference_multiply(l->v_b, i * value, value, narrow, r->v[t] + i * value);
    }
}

/* Head i of token t over the tokens it sees. */
static inline void reference_attend(const struct reference *r, uint32_t layer, size_t t,
                                    size_t i, double *out)
{
    const struct decoder_model *d = r->d;
    const size_t own = d->latent ? i : i / (d->heads / d->kv_heads);
    const size_t key = d->key_size,
                 value = d->latent ? d->latent_value_size : d->value_size;
    const size_t window = decoder_is_windowed(d, layer) ? d->window : t + 1;
    const size_t first = t + 1 > window ? t + 1 - window : 0;
    double weight[REFERENCE_TOKENS], sum = 0;

    for (size_t s = first; s <= t; s++) {
        double score = 0;
        for (size_t j = 0; j < key; j++)
            score += r->q[t][i * key + j] * r->k[s][own * key + j];
        weight[s] = exp(reference_cap(score * (double)d->attention_scale,
                                      (double)d->attention_cap));
        sum += weight[s];
    }
    for (size_t j = 0; j < value; j++) {
        out[j] = 0;
        for (size_t s = first; s <= t; s++)
            out[j] += weight[s] / sum * r->v[s][own * value + j];
    }
}

/* ---- feed-forward ------------------------------------------------------------- */

static inline double reference_bend(const struct decoder_model *d, double x)
{
    if (d->gate == DECODER_SWIGLU)
        return x / (1 + exp(-x));
    return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
}

/* out += weight * down(gate(h) * up(h)), of part number part of the tensors. */
static inline void reference_feed(const struct decoder_model *d,
                                  const struct gguf_tensor *gate,
                                  const struct gguf_tensor *up,
                                  const struct gguf_tensor *down, size_t part,
                                  const double *h, double weight, double *out)
{
    const size_t ffn = down->dim[0];
    double a[REFERENCE_WIDEST], b[REFERENCE_WIDEST], c[TINY_WIDTH];

    reference_multiply(gate ? gate : up, part * ffn, ffn, h, a);
    reference_multiply(up, (part + (gate == NULL)) * ffn, ffn, h, b);
    for (size_t i = 0; i < ffn; i++)
        a[i] = reference_bend(d, a[i]) * b[i];
    reference_multiply(down, part * TINY_WIDTH, TINY_WIDTH, a, c);
    for (size_t i = 0; i < TINY_WIDTH; i++)
        out[i] += weight * c[i];
}

static inline void reference_experts(const struct decoder_model *d,
                                     const struct decoder_tensors *l, const double *h,
                                     double *out)
{
    double score[DECODER_EXPERTS_MAX], all = 0, kept = 0;
    size_t chosen[DECODER_EXPERTS_MAX];

    reference_multiply(l->router, 0, d->experts, h, score);
    for (size_t e = 0; e < d->experts; e++)
        all += score[e] = exp(score[e]);
    for (size_t i = 0; i < d->experts_used; i++) {
        chosen[i] = 0;
        for (size_t e = 1; e < d->experts; e++)
            chosen[i] = score[e] > score[chosen[i]] ? e : chosen[i];
        const double found = score[chosen[i]];
        kept += found;
        score[chosen[i]] = -found; /* taken, and remembered */
    }
    for (size_t i = 0; i < d->experts_used; i++)
        reference_feed(d, l->experts_gate, l->experts_up, l->experts_down, chosen[i], h,
                       -score[chosen[i]] / (d->routing_normalised ? kept : all), out);
    if (l->shared_down != NULL)
        reference_feed(d, l->shared_gate, l->shared_up, l->shared_down, 0, h, 1, out);
}

/* ---- the whole ---------------------------------------------------------------- */

static inline void reference_layer(struct reference *r, uint32_t layer)
{
    const struct decoder_model *d = r->d;
    const struct decoder_tensors *l = d->layer + layer;
    const size_t value = d->latent ? d->latent_value_size : d->value_size;
    const double epsilon = (double)d->norm_epsilon;
    double h[TINY_WIDTH], found[REFERENCE_WIDEST];

    for (size_t t = 0; t < r->tokens; t++) {
        reference_norm(l->attn_norm, epsilon, r->x[t], h);
        (d->latent ? reference_latent : reference_heads)(r, l, t, h);
    }
    for (size_t t = 0; t < r->tokens; t++) {
        double c[TINY_WIDTH];
        for (size_t i = 0; i < d->heads; i++)
            reference_attend(r, layer, t, i, found + i * value);
        reference_multiply(l->o, 0, TINY_WIDTH, found, c);
        reference_norm(l->post_attn_norm, epsilon, c, c);
        for (size_t i = 0; i < TINY_WIDTH; i++)
            r->x[t][i] += c[i];
        reference_norm(l->ffn_norm, epsilon, r->x[t], h);
        memset(c, 0, sizeof c);
        if (l->router != NULL)
            reference_experts(d, l, h, c);
        else
            reference_feed(d, l->gate, l->up, l->down, 0, h, 1, c);
        reference_norm(l->post_ffn_norm, epsilon, c, c);
        for (size_t i = 0; i < TINY_WIDTH; i++)
            r->x[t][i] += c[i];
    }
}

/* The logits after the last token. */
static inline void reference_logits(const struct infer_model *model,
                                    const struct infer_sequence *sequence,
                                    double *logits)
{
    static struct reference r;
    const struct decoder_model *d = model->decoder;
    const float *embedding = model->token_embd->data;
    double h[TINY_WIDTH];

    assert_true(sequence->count <= REFERENCE_TOKENS);
    r.model = model;
    r.d = d;
    r.tokens = sequence->count;
    for (size_t t = 0; t < r.tokens; t++)
        for (size_t i = 0; i < TINY_WIDTH; i++)
            r.x[t][i] = (double)embedding[(size_t)sequence->id[t] * TINY_WIDTH + i] *
                        (double)d->embedding_scale;
    for (uint32_t i = 0; i < d->layers; i++)
        reference_layer(&r, i);
    reference_norm(d->output_norm, (double)d->norm_epsilon, r.x[r.tokens - 1], h);
    reference_multiply(d->output, 0, TINY_VOCABULARY, h, logits);
    for (size_t i = 0; i < TINY_VOCABULARY; i++)
        logits[i] = reference_cap(logits[i], (double)d->final_cap);
}

#endif
