/* tiny - a bert model of a few kilobytes, made in memory, sound or damaged in one
 * named way. The tests of infer/ that need a whole model file use it. */
#ifndef TESTS_INFER_TINY_H
#define TESTS_INFER_TINY_H

#include "infer/gguf_write.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define TINY_WORD "\xe2\x96\x81" /* U+2581, the start of a word */

/* Ids 0 to 4 are special; the rest are pieces for the tests to find by name. */
static const char *const tiny_tokens[] = {
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    TINY_WORD "[unused0]",
    "[unused1]",
    TINY_WORD "hello",
    TINY_WORD "world",
    TINY_WORD "un",
    "aff",
    "able",
    "a",
    "b",
    "c",
    TINY_WORD "a",
    TINY_WORD "b",
    TINY_WORD "c",
    TINY_WORD "[",
    TINY_WORD "]",
    TINY_WORD "sep",
    TINY_WORD "!",
    TINY_WORD ",",
    TINY_WORD ";",
    TINY_WORD "1",
    "1",
    TINY_WORD "\xe6\x97\xa5", /* an ideograph */
    TINY_WORD "\xe1\x84\x92",
    "\xe1\x85\xa1",
    "\xe1\x86\xab",       /* letters of Hangul */
    TINY_WORD "\xc3\x9f", /* sharp s */
    TINY_WORD "\xe2\x82\xac",
    TINY_WORD "\xe2\x80\x94", /* euro, em dash */
    /* marks with width, which have an order: U+1D165 U+302E, U+1D166 U+1D165, and
     * U+302E before "b" and before sharp s */
    "\xf0\x9d\x85\xa5\xe3\x80\xae",
    "\xf0\x9d\x85\xa6\xf0\x9d\x85\xa5",
    "\xe3\x80\xae\x62",
    "\xe3\x80\xae\xc3\x9f",
};

enum { TINY_TOKENS = sizeof tiny_tokens / sizeof *tiny_tokens };

struct tiny { /* NULL and 0: nothing special */
    const char *architecture;
    uint32_t layers, width, heads, ffn, context, pooling;
    uint32_t tokens, token_types, special_id, type_count; /* special_id: of [MASK] */
    float epsilon;
    bool causal;
    enum gguf_type matrix;
    const char *leave_out;    /* a key or a tensor that is not written */
    const char *as_signed;    /* a number key that is written as an array of I32 */
    const char *swapped;      /* a matrix whose dimensions change places */
    const char *extra_tensor; /* one more, a vector */
    const char *doubled;      /* a tensor that is described twice */
    bool tokens_are_numbers;
};

static inline struct tiny tiny_default(void)
{
    return (struct tiny){.architecture = "bert",
                         .layers = 2,
                         .width = 32,
                         .heads = 2,
                         .ffn = 64,
                         .context = 16,
                         .pooling = 1,
                         .tokens = TINY_TOKENS,
                         .token_types = TINY_TOKENS,
                         .special_id = 4,
                         .type_count = 2,
                         .epsilon = 1e-12f,
                         .matrix = GGUF_F32};
}

static inline bool tiny_is(const char *chosen, const char *name)
{
    return chosen != NULL && strcmp(chosen, name) == 0;
}

static inline void tiny_number(struct gguf_writer *w, const struct tiny *t,
                               const char *key, uint32_t value)
{
    if (tiny_is(t->leave_out, key))
        return;
    if (tiny_is(t->as_signed, key)) {
        gguf_write_array(w, key, GGUF_I32, 1);
        gguf_write_element_i32(w, (int32_t)value);
        return;
    }
    gguf_write_u32(w, key, value);
}

static inline void tiny_keys(struct gguf_writer *w, const struct tiny *t)
{
    if (!tiny_is(t->leave_out, "general.architecture"))
        gguf_write_string(w, "general.architecture", t->architecture,
                          strlen(t->architecture));
    gguf_write_string(w, "general.name", "tiny\x1b", 5);
    gguf_write_string(w, "general.license", "cc0-1.0", 7);
    tiny_number(w, t, "bert.block_count", t->layers);
    tiny_number(w, t, "bert.context_length", t->context);
    tiny_number(w, t, "bert.embedding_length", t->width);
    tiny_number(w, t, "bert.feed_forward_length", t->ffn);
    tiny_number(w, t, "bert.attention.head_count", t->heads);
    if (!tiny_is(t->leave_out, "bert.attention.layer_norm_epsilon"))
        gguf_write_f32(w, "bert.attention.layer_norm_epsilon", t->epsilon);
    gguf_write_bool(w, "bert.attention.causal", t->causal);
    tiny_number(w, t, "bert.pooling_type", t->pooling);
}

static inline void tiny_vocabulary(struct gguf_writer *w, const struct tiny *t)
{
    gguf_write_string(w, "tokenizer.ggml.model", "bert", 4);
    gguf_write_array(w, "tokenizer.ggml.tokens",
                     t->tokens_are_numbers ? GGUF_I32 : GGUF_STRING, t->tokens);
    for (uint32_t i = 0; i < t->tokens; i++)
        if (t->tokens_are_numbers)
            gguf_write_element_i32(w, (int32_t)i);
        else
            gguf_write_element_string(w, tiny_tokens[i], strlen(tiny_tokens[i]));
    gguf_write_array(w, "tokenizer.ggml.token_type", GGUF_I32, t->token_types);
    for (uint32_t i = 0; i < t->token_types; i++)
        gguf_write_element_i32(w, i < 5 ? 3 : 1);
    tiny_number(w, t, "tokenizer.ggml.token_type_count", t->type_count);
    tiny_number(w, t, "tokenizer.ggml.unknown_token_id", 1);
    tiny_number(w, t, "tokenizer.ggml.cls_token_id", 2);
    tiny_number(w, t, "tokenizer.ggml.seperator_token_id", 3);
    tiny_number(w, t, "tokenizer.ggml.mask_token_id", t->special_id);
}

/* Describe a tensor; rows 0: a vector. */
static inline void tiny_tensor(struct gguf_writer *w, const struct tiny *t,
                               const char *name, uint32_t length, uint32_t rows)
{
    uint64_t dim[2] = {length, rows};
    enum gguf_type type = rows == 0 ? GGUF_F32 : t->matrix;

    if (tiny_is(t->leave_out, name))
        return;
    if (tiny_is(t->swapped, name)) {
        dim[0] = rows;
        dim[1] = length;
    }
    if (strcmp(name, "position_embd.weight") == 0 ||
        strcmp(name, "token_types.weight") == 0)
        type = GGUF_F32;
    gguf_write_tensor(w, name, type, rows == 0 ? 1 : 2, dim);
    if (tiny_is(t->doubled, name))
        gguf_write_tensor(w, name, type, rows == 0 ? 1 : 2, dim);
}

static inline void tiny_layer(struct gguf_writer *w, const struct tiny *t,
                              uint32_t layer)
{
    const struct {
        const char *name;
        uint32_t length, rows;
    } part[] = {
        {"attn_q", t->width, t->width},    {"attn_k", t->width, t->width},
        {"attn_v", t->width, t->width},    {"attn_output", t->width, t->width},
        {"attn_output_norm", t->width, 0}, {"ffn_up", t->width, t->ffn},
        {"ffn_down", t->ffn, t->width},    {"layer_output_norm", t->width, 0},
    };
    char name[80];

    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        uint32_t out = part[i].rows == 0 ? part[i].length : part[i].rows;

        snprintf(name, sizeof name, "blk.%u.%s.weight", layer, part[i].name);
        tiny_tensor(w, t, name, part[i].length, part[i].rows);
        snprintf(name, sizeof name, "blk.%u.%s.bias", layer, part[i].name);
        tiny_tensor(w, t, name, out, 0);
    }
}

static inline void tiny_tensors(struct gguf_writer *w, const struct tiny *t)
{
    tiny_tensor(w, t, "token_embd.weight", t->width, TINY_TOKENS);
    tiny_tensor(w, t, "position_embd.weight", t->width, t->context);
    tiny_tensor(w, t, "token_types.weight", t->width, 2);
    tiny_tensor(w, t, "token_embd_norm.weight", t->width, 0);
    tiny_tensor(w, t, "token_embd_norm.bias", t->width, 0);
    for (uint32_t layer = 0; layer < t->layers && layer < 2; layer++)
        tiny_layer(w, t, layer);
    if (t->extra_tensor != NULL)
        gguf_write_tensor(w, t->extra_tensor, GGUF_F32, 1, (uint64_t[]){t->width});
}

/* The file's bytes, to be freed. All weights are 0. */
static inline char *tiny_bytes(const struct tiny *t, size_t *count)
{
    struct gguf_writer w = {0};
    char *bytes = NULL, zero[32] = {0};
    FILE *file = open_memstream(&bytes, count);

    assert_non_null(file);
    tiny_keys(&w, t);
    tiny_vocabulary(&w, t);
    tiny_tensors(&w, t);
    gguf_write_head(&w, file);
    while (w.status == 0 && w.written < w.described)
        gguf_write_data(&w, file, zero, sizeof zero);
    assert_int_equal(gguf_write_end(&w, file), 0);
    fclose(file);
    return bytes;
}

#endif
