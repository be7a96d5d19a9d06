/* bert - a small BERT made of numbers from a seed, for tests of infer/.
 *
 * The tensors lie in ordinary memory and no file stands behind them. Weights are
 * multiples of powers of two, so that they are the same on every machine; of a
 * quantised type the blocks are made directly, scales included. */
#ifndef TESTS_INFER_BERT_H
#define TESTS_INFER_BERT_H

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "infer/model.h"

struct bert_shape {
    uint32_t layers, width, heads, ffn, context, vocabulary;
    enum gguf_type type; /* of the matrices and the token embedding */
    enum model_pooling pooling;
};

struct bert_fixture {
    struct infer_model model;
    struct gguf_tensor tensor[160];
    struct bert_layer layer[8];
    size_t tensors;
    uint64_t state;
};

/* 64-bit numbers of a fixed sequence (xorshift64*). */
static inline uint64_t bert_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull;
}

/* Within +-most. */
static inline float bert_random_float(uint64_t *state, float most)
{
    int32_t part = (int32_t)(bert_random(state) >> 40) - (1 << 23);
    return (float)part * 0x1p-23f * most;
}

/* FNV-1a over the bytes. */
static inline uint64_t bert_digest(const void *bytes, size_t count)
{
    const unsigned char *b = bytes;
    uint64_t digest = 0xcbf29ce484222325ull;

    for (size_t i = 0; i < count; i++)
        digest = (digest ^ b[i]) * 0x100000001b3ull;
    return digest;
}

static inline void put_half(unsigned char *to, uint16_t half)
{
    to[0] = (unsigned char)half;
    to[1] = (unsigned char)(half >> 8);
}

/* One block of the type, values of about +-2^-3. */
static inline void put_block(unsigned char *to, enum gguf_type type, uint64_t *state)
{
    float value = bert_random_float(state, 0.125f);
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    switch (type) {
    case GGUF_F32:
        memcpy(to, &value, sizeof value);
        break;
    case GGUF_BF16:
        put_half(to, (uint16_t)(bits >> 16));
        break;
    case GGUF_F16: /* any sign and fraction, exponents of 2^-10 to 2^-3 */
        put_half(to, (uint16_t)((bert_random(state) & 0x83ff) |
                                (5 + bert_random(state) % 8) << 10));
        break;
    case GGUF_Q8_0: /* a scale of about 2^-10, then 32 bytes */
        put_half(to, (uint16_t)(0x1400 + bert_random(state) % 0x400));
        for (size_t i = 0; i < 32; i++)
            to[2 + i] = (unsigned char)bert_random(state);
        break;
    default:
        memset(to, 0, gguf_block_bytes(type));
    }
}

static inline const struct gguf_tensor *add(struct bert_fixture *b, const char *name,
                                            enum gguf_type type, uint64_t columns,
                                            uint64_t rows)
{
    struct gguf_tensor *t = &b->tensor[b->tensors++];
    const uint64_t blocks = columns / gguf_block_values(type) * rows;
    const size_t block_bytes = gguf_block_bytes(type);
    unsigned char *data = malloc(blocks * block_bytes);

    assert(data && b->tensors <= sizeof b->tensor / sizeof *b->tensor);
    *t = (struct gguf_tensor){.name = name,
                              .type = type,
                              .dims = rows > 1 ? 2 : 1,
                              .dim = {columns, rows, 1, 1},
                              .rows = rows,
                              .data = data,
                              .bytes = blocks * block_bytes};
    for (uint64_t i = 0; i < blocks; i++)
        put_block(data + i * block_bytes, type, &b->state);
    return t;
}

static inline const struct gguf_tensor *
add_vector(struct bert_fixture *b, const char *name, uint64_t columns, float base)
{
    const struct gguf_tensor *t = add(b, name, GGUF_F32, columns, 1);
    float *values = (float *)(uintptr_t)t->data;

    for (uint64_t i = 0; i < columns; i++)
        values[i] += base;
    return t;
}

static inline void build_layer(struct bert_fixture *b, struct bert_layer *l,
                               const struct bert_shape *s)
{
    const uint64_t width = s->width, ffn = s->ffn;

    l->q = add(b, "attn_q.weight", s->type, width, width);
    l->k = add(b, "attn_k.weight", s->type, width, width);
    l->v = add(b, "attn_v.weight", s->type, width, width);
    l->o = add(b, "attn_output.weight", s->type, width, width);
    l->up = add(b, "ffn_up.weight", s->type, width, ffn);
    l->down = add(b, "ffn_down.weight", s->type, ffn, width);
    l->q_bias = add_vector(b, "attn_q.bias", width, 0);
    l->k_bias = add_vector(b, "attn_k.bias", width, 0);
    l->v_bias = add_vector(b, "attn_v.bias", width, 0);
    l->o_bias = add_vector(b, "attn_output.bias", width, 0);
    l->up_bias = add_vector(b, "ffn_up.bias", ffn, 0);
    l->down_bias = add_vector(b, "ffn_down.bias", width, 0);
    l->attn_norm = add_vector(b, "attn_output_norm.weight", width, 1);
    l->attn_norm_bias = add_vector(b, "attn_output_norm.bias", width, 0);
    l->out_norm = add_vector(b, "layer_output_norm.weight", width, 1);
    l->out_norm_bias = add_vector(b, "layer_output_norm.bias", width, 0);
}

static inline void bert_build(struct bert_fixture *b, const struct bert_shape *s)
{
    struct infer_model *m = &b->model;

    assert(s->layers <= sizeof b->layer / sizeof *b->layer);
    *b = (struct bert_fixture){.state = 88172645463325252ull};
    *m = (struct infer_model){.architecture = "bert",
                              .name = "",
                              .layers = s->layers,
                              .width = s->width,
                              .heads = s->heads,
                              .ffn = s->ffn,
                              .context = s->context,
                              .vocabulary = s->vocabulary,
                              .norm_epsilon = 1e-12f,
                              .pooling = s->pooling};
    m->token_embd = add(b, "token_embd.weight", s->type, s->width, s->vocabulary);
    m->position_embd = add(b, "position_embd.weight", GGUF_F32, s->width, s->context);
    m->token_types = add(b, "token_types.weight", GGUF_F32, s->width, 2);
    m->embd_norm = add_vector(b, "token_embd_norm.weight", s->width, 1);
    m->embd_norm_bias = add_vector(b, "token_embd_norm.bias", s->width, 0);
    for (uint32_t i = 0; i < s->layers; i++)
        build_layer(b, &b->layer[i], s);
    m->layer = b->layer;
}

static inline void bert_free(struct bert_fixture *b)
{
    for (size_t i = 0; i < b->tensors; i++)
        free((void *)(uintptr_t)b->tensor[i].data);
}

static inline void bert_ids(int32_t *id, size_t count, uint32_t vocabulary,
                            uint64_t seed)
{
    for (size_t i = 0; i < count; i++)
        id[i] = (int32_t)(bert_random(&seed) % vocabulary);
}

/* count sequences of ragged lengths up to most, one after the other in id. */
static inline void bert_sequences(struct infer_sequence *sequence, size_t count,
                                  const int32_t *id, size_t most)
{
    uint64_t state = 42;

    for (size_t i = 0; i < count; i++) {
        sequence[i] = (struct infer_sequence){id, 1 + bert_random(&state) % most};
        id += sequence[i].count;
    }
}

static inline double half_value(const unsigned char *b)
{
    int half = b[0] | b[1] << 8, exponent = half >> 10 & 31, part = half & 1023;
    double size = exponent ? ldexp(1024 + part, exponent - 25) : ldexp(part, -24);

    if (exponent == 31)
        size = part ? NAN : INFINITY;
    return half & 0x8000 ? -size : size;
}

static inline double value_at(const unsigned char *row, enum gguf_type type, uint64_t i)
{
    uint32_t bits;
    float value = 0;

    switch (type) {
    case GGUF_F32:
        memcpy(&value, row + 4 * i, sizeof value);
        return (double)value;
    case GGUF_BF16:
        bits = (uint32_t)row[2 * i] << 16 | (uint32_t)row[2 * i + 1] << 24;
        memcpy(&value, &bits, sizeof value);
        return (double)value;
    case GGUF_F16:
        return half_value(row + 2 * i);
    default: /* Q8_0 */
        row += i / 32 * 34;
        return half_value(row) * (int8_t)row[2 + i % 32];
    }
}

/* The tensor as doubles, by the letter of the format and no code of infer/quant. */
static inline double *bert_values(const struct gguf_tensor *t)
{
    const uint64_t columns = t->dim[0], row_bytes = t->bytes / t->rows;
    double *values = malloc(t->rows * columns * sizeof *values);

    assert(values);
    for (uint64_t i = 0; i < t->rows * columns; i++)
        values[i] = value_at((const unsigned char *)t->data + i / columns * row_bytes,
                             t->type, i % columns);
    return values;
}

#endif
