/* tiny_decoder - a language model of some megabytes, made in memory from a seed: any
 * family, any type of weights, sound or wrong in one named way. The same bytes on
 * every machine. */
#ifndef TESTS_INFER_TINY_DECODER_H
#define TESTS_INFER_TINY_DECODER_H

#include "infer/gguf_write.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TINY_VOCABULARY = 300, TINY_WIDTH = 256, TINY_FFN = 512, TINY_CONTEXT = 512 };

/* Bottlenecks and heads of latent attention; rows of every type's blocks. */
enum { TINY_RANK = 256, TINY_PLAIN = 256, TINY_TURNED = 32, TINY_LATENT_VALUE = 128 };

struct tiny_decoder { /* NULL, 0 and false: nothing special */
    const char *architecture;
    enum gguf_type type; /* of the matrices */
    uint32_t layers, heads, kv_heads, key_size;
    uint32_t window, experts, experts_used, shared;
    bool biases, head_norms, post_norms, fused, latent, untied;
    const char *leave_out; /* a tensor, or a key without its architecture */
    const char *swapped;   /* a matrix whose first two dimensions change places */
    const char *extra;     /* one more tensor, a vector */
    const char *key;       /* a key that says something else, or one more: */
    uint32_t value;        /* this number, */
    const char *text;      /* or this text */
};

/* ---- numbers ------------------------------------------------------------------ */

static inline uint32_t tiny_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* Within +-most, a multiple of a power of two. */
static inline float tiny_float(uint64_t *state, float most)
{
    return ((float)(tiny_random(state) % 8192) - 4096) * (most / 4096);
}

/* Where a block of each type keeps its halves; the rest may be any bytes. */
static inline void tiny_block(unsigned char *block, enum gguf_type type,
                              uint64_t *state)
{
    static const struct {
        enum gguf_type type;
        int at, also; /* -1: none */
        uint16_t scale;
    } halves[] = {
        {GGUF_Q4_0, 0, -1, 0x2000},   {GGUF_Q4_1, 0, 2, 0x2000},
        {GGUF_Q5_0, 0, -1, 0x1c00},   {GGUF_Q5_1, 0, 2, 0x1c00},
        {GGUF_Q8_0, 0, -1, 0x1000},   {GGUF_Q2_K, 80, 82, 0x1400},
        {GGUF_Q3_K, 108, -1, 0x0c00}, {GGUF_Q4_K, 0, 2, 0x0c00},
        {GGUF_Q5_K, 0, 2, 0x0800},    {GGUF_Q6_K, 208, -1, 0x0200},
        {GGUF_IQ4_NL, 0, -1, 0x1000}, {GGUF_IQ4_XS, 0, -1, 0x0600},
    };

    for (size_t i = 0; i < gguf_block_bytes(type); i++)
        block[i] = (unsigned char)tiny_random(state);
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        const int place[2] = {halves[i].at, halves[i].also};
        for (int k = 0; halves[i].type == type && k < 2; k++) {
            uint16_t half = (uint16_t)(halves[i].scale + tiny_random(state) % 256);
            half = (uint16_t)(half | (k == 1 && place[1] == 2 ? 0x8000 : 0));
            if (place[k] >= 0)
                memcpy(block + place[k], &half, sizeof half);
        }
    }
}

/* One block of a tensor; vectors hold numbers about 1. */
static inline void tiny_value(unsigned char *block, const struct gguf_tensor *t,
                              uint64_t *state)
{
    const float value =
        t->rows == 1 ? 1 + tiny_float(state, 0.25f) : tiny_float(state, 0.09f);
    uint32_t bits, exponent;

    memcpy(&bits, &value, sizeof bits);
    if (t->type == GGUF_F32) {
        memcpy(block, &value, sizeof value);
    } else if (t->type == GGUF_BF16) {
        memcpy(block, (unsigned char *)&bits + 2, 2);
    } else if (t->type == GGUF_F16) {
        bits = tiny_random(state) & 0x83ff;
        exponent = 6 + tiny_random(state) % 5;
        memcpy(block, &(uint16_t){(uint16_t)(bits | exponent << 10)}, 2);
    } else {
        tiny_block(block, t->type, state);
    }
}

static inline void tiny_values(FILE *file, struct gguf_writer *w,
                               const struct gguf_tensor *t, uint64_t *state)
{
    static unsigned char some[64 * 256];
    const size_t block_bytes = gguf_block_bytes(t->type);
    const uint64_t blocks = t->dim[0] * t->rows / gguf_block_values(t->type);

    for (uint64_t i = 0; i < blocks; i += 64) {
        const size_t count = blocks - i < 64 ? (size_t)(blocks - i) : 64;
        for (size_t k = 0; k < count; k++)
            tiny_value(some + k * block_bytes, t, state);
        gguf_write_data(w, file, some, count * block_bytes);
    }
    gguf_write_pad(w, file);
}

/* ---- tensors ------------------------------------------------------------------ */

struct tiny_list {
    const struct tiny_decoder *d;
    struct gguf_tensor tensor[128];
    char name[128][64];
    size_t count;
};

static inline bool tiny_is(const char *chosen, const char *name)
{
    return chosen != NULL && strcmp(chosen, name) == 0;
}

/* rows 0: a vector; depth 0: a matrix. layer -1: of the model. */
static inline void tiny_add(struct tiny_list *list, int layer, const char *name,
                            enum gguf_type type, uint64_t length, uint64_t rows,
                            uint64_t depth)
{
    struct gguf_tensor *t = &list->tensor[list->count];
    char *own = list->name[list->count];

    assert_true(list->count < 128);
    if (layer < 0)
        snprintf(own, 64, "%s", name);
    else
        snprintf(own, 64, "blk.%d.%s", layer, name);
    if (tiny_is(list->d->leave_out, own))
        return;
    *t = (struct gguf_tensor){.name = own,
                              .type = rows ? type : GGUF_F32,
                              .dims = rows == 0    ? 1
                                      : depth == 0 ? 2
                                                   : 3,
                              .dim = {length, rows ? rows : 1, depth ? depth : 1, 1},
                              .rows = (rows ? rows : 1) * (depth ? depth : 1)};
    if (tiny_is(list->d->swapped, own)) {
        t->dim[0] = rows;
        t->dim[1] = length;
        t->rows = length * t->dim[2];
    }
    list->count++;
}

static inline void tiny_add_experts(struct tiny_list *list, int i)
{
    const struct tiny_decoder *d = list->d;
    const enum gguf_type t = d->type;
    const uint64_t shared = (uint64_t)d->shared * TINY_FFN;

    tiny_add(list, i, "ffn_gate_inp.weight", GGUF_F32, TINY_WIDTH, d->experts, 0);
    tiny_add(list, i, "ffn_gate_exps.weight", t, TINY_WIDTH, TINY_FFN, d->experts);
    tiny_add(list, i, "ffn_up_exps.weight", t, TINY_WIDTH, TINY_FFN, d->experts);
    tiny_add(list, i, "ffn_down_exps.weight", t, TINY_FFN, TINY_WIDTH, d->experts);
    if (d->shared == 0)
        return;
    tiny_add(list, i, "ffn_gate_shexp.weight", t, TINY_WIDTH, shared, 0);
    tiny_add(list, i, "ffn_up_shexp.weight", t, TINY_WIDTH, shared, 0);
    tiny_add(list, i, "ffn_down_shexp.weight", t, shared, TINY_WIDTH, 0);
}

static inline void tiny_add_feed(struct tiny_list *list, int i)
{
    const struct tiny_decoder *d = list->d;

    tiny_add(list, i, "ffn_norm.weight", GGUF_F32, TINY_WIDTH, 0, 0);
    if (d->post_norms)
        tiny_add(list, i, "post_ffw_norm.weight", GGUF_F32, TINY_WIDTH, 0, 0);
    if (d->experts != 0) {
        tiny_add_experts(list, i);
        return;
    }
    if (!d->fused)
        tiny_add(list, i, "ffn_gate.weight", d->type, TINY_WIDTH, TINY_FFN, 0);
    tiny_add(list, i, "ffn_up.weight", d->type, TINY_WIDTH,
             d->fused ? 2 * TINY_FFN : TINY_FFN, 0);
    tiny_add(list, i, "ffn_down.weight", d->type, TINY_FFN, TINY_WIDTH, 0);
}

static inline void tiny_add_latent(struct tiny_list *list, int i)
{
    const enum gguf_type t = list->d->type;
    const uint64_t heads = list->d->heads, key = TINY_PLAIN + TINY_TURNED;

    tiny_add(list, i, "attn_q_a.weight", t, TINY_WIDTH, TINY_RANK, 0);
    tiny_add(list, i, "attn_q_a_norm.weight", GGUF_F32, TINY_RANK, 0, 0);
    tiny_add(list, i, "attn_q_b.weight", t, TINY_RANK, heads * key, 0);
    tiny_add(list, i, "attn_kv_a_mqa.weight", t, TINY_WIDTH, TINY_RANK + TINY_TURNED,
             0);
    tiny_add(list, i, "attn_kv_a_norm.weight", GGUF_F32, TINY_RANK, 0, 0);
    tiny_add(list, i, "attn_k_b.weight", t, TINY_PLAIN, TINY_RANK, heads);
    tiny_add(list, i, "attn_v_b.weight", t, TINY_RANK, TINY_LATENT_VALUE, heads);
    tiny_add(list, i, "attn_output.weight", t, heads * TINY_LATENT_VALUE, TINY_WIDTH,
             0);
}

static inline void tiny_add_heads(struct tiny_list *list, int i)
{
    const struct tiny_decoder *d = list->d;
    const uint64_t q = (uint64_t)d->heads * d->key_size;
    const uint64_t kv = (uint64_t)d->kv_heads * d->key_size;

    if (d->fused) {
        tiny_add(list, i, "attn_qkv.weight", d->type, TINY_WIDTH, q + 2 * kv, 0);
    } else {
        tiny_add(list, i, "attn_q.weight", d->type, TINY_WIDTH, q, 0);
        tiny_add(list, i, "attn_k.weight", d->type, TINY_WIDTH, kv, 0);
        tiny_add(list, i, "attn_v.weight", d->type, TINY_WIDTH, kv, 0);
    }
    tiny_add(list, i, "attn_output.weight", d->type, q, TINY_WIDTH, 0);
    if (d->biases) {
        tiny_add(list, i, "attn_q.bias", GGUF_F32, q, 0, 0);
        tiny_add(list, i, "attn_k.bias", GGUF_F32, kv, 0, 0);
        tiny_add(list, i, "attn_v.bias", GGUF_F32, kv, 0, 0);
    }
    if (d->head_norms) {
        tiny_add(list, i, "attn_q_norm.weight", GGUF_F32, d->key_size, 0, 0);
        tiny_add(list, i, "attn_k_norm.weight", GGUF_F32, d->key_size, 0, 0);
    }
}

static inline void tiny_add_all(struct tiny_list *list)
{
    const struct tiny_decoder *d = list->d;

    tiny_add(list, -1, "token_embd.weight", d->type, TINY_WIDTH, TINY_VOCABULARY, 0);
    for (int i = 0; i < (int)d->layers; i++) {
        tiny_add(list, i, "attn_norm.weight", GGUF_F32, TINY_WIDTH, 0, 0);
        if (d->latent)
            tiny_add_latent(list, i);
        else
            tiny_add_heads(list, i);
        if (d->post_norms)
            tiny_add(list, i, "post_attention_norm.weight", GGUF_F32, TINY_WIDTH, 0, 0);
        tiny_add_feed(list, i);
    }
    tiny_add(list, -1, "output_norm.weight", GGUF_F32, TINY_WIDTH, 0, 0);
    if (d->untied)
        tiny_add(list, -1, "output.weight", d->type, TINY_WIDTH, TINY_VOCABULARY, 0);
    if (d->extra != NULL)
        tiny_add(list, -1, d->extra, GGUF_F32, TINY_WIDTH, 0, 0);
}

/* ---- keys --------------------------------------------------------------------- */

static inline const char *tiny_key(const struct tiny_decoder *d, const char *key)
{
    static char name[96];

    snprintf(name, sizeof name, "%s.%s", d->architecture, key);
    return name;
}

/* 0: the file does not say. */
static inline void tiny_count(struct gguf_writer *w, const struct tiny_decoder *d,
                              const char *key, uint32_t value)
{
    if (value != 0 && !tiny_is(d->leave_out, key) && !tiny_is(d->key, key))
        gguf_write_u32(w, tiny_key(d, key), value);
}

/* Three special tokens, all bytes, and pieces of one letter and more. */
static inline void tiny_write_vocabulary(struct gguf_writer *w)
{
    char name[16];

    gguf_write_string(w, "tokenizer.ggml.model", "llama", 5);
    gguf_write_array(w, "tokenizer.ggml.tokens", GGUF_STRING, TINY_VOCABULARY);
    for (int i = 0; i < TINY_VOCABULARY; i++) {
        static const char *const special[] = {"<unk>", "<s>", "</s>"};
        if (i < 3)
            snprintf(name, sizeof name, "%s", special[i]);
        else if (i < 259)
            snprintf(name, sizeof name, "<0x%02X>", (unsigned)(i - 3));
        else
            snprintf(name, sizeof name, "%c%c", 'a' + (i - 259) % 26,
                     'a' + (i - 259) / 26);
        gguf_write_element_string(w, name, strlen(name));
    }
    gguf_write_array(w, "tokenizer.ggml.scores", GGUF_FLOAT32, TINY_VOCABULARY);
    for (int i = 0; i < TINY_VOCABULARY; i++)
        gguf_write_element_i32(w, 0); /* 0.0 */
    gguf_write_array(w, "tokenizer.ggml.token_type", GGUF_I32, TINY_VOCABULARY);
    for (int i = 0; i < TINY_VOCABULARY; i++)
        gguf_write_element_i32(w, i == 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1);
    gguf_write_u32(w, "tokenizer.ggml.bos_token_id", 1);
    gguf_write_u32(w, "tokenizer.ggml.eos_token_id", 2);
}

static inline void tiny_write_latent(struct gguf_writer *w,
                                     const struct tiny_decoder *d)
{
    tiny_count(w, d, "attention.key_length_mla", TINY_PLAIN + TINY_TURNED);
    tiny_count(w, d, "attention.value_length_mla", TINY_LATENT_VALUE);
    tiny_count(w, d, "attention.kv_lora_rank", TINY_RANK);
    tiny_count(w, d, "attention.q_lora_rank", TINY_RANK);
    tiny_count(w, d, "rope.dimension_count", TINY_TURNED);
}

static inline void tiny_write_keys(struct gguf_writer *w, const struct tiny_decoder *d)
{
    const char *const epsilon = "attention.layer_norm_rms_epsilon";

    gguf_write_string(w, "general.architecture", d->architecture,
                      strlen(d->architecture));
    tiny_count(w, d, "block_count", d->layers);
    tiny_count(w, d, "context_length", TINY_CONTEXT);
    tiny_count(w, d, "embedding_length", TINY_WIDTH);
    tiny_count(w, d, "feed_forward_length", TINY_FFN);
    tiny_count(w, d, "attention.head_count", d->heads);
    tiny_count(w, d, "attention.head_count_kv", d->latent ? 1 : d->kv_heads);
    tiny_count(w, d, "attention.key_length", d->key_size);
    tiny_count(w, d, "attention.value_length", d->key_size);
    tiny_count(w, d, "attention.sliding_window", d->window);
    tiny_count(w, d, "expert_count", d->experts);
    tiny_count(w, d, "expert_used_count", d->experts_used);
    tiny_count(w, d, "expert_shared_count", d->shared);
    if (d->latent)
        tiny_write_latent(w, d);
    if (!tiny_is(d->leave_out, epsilon) && !tiny_is(d->key, epsilon))
        gguf_write_f32(w, tiny_key(d, epsilon), 1e-5f);
    if (d->key != NULL && d->text != NULL)
        gguf_write_string(w, tiny_key(d, d->key), d->text, strlen(d->text));
    else if (d->key != NULL)
        gguf_write_u32(w, tiny_key(d, d->key), d->value);
    tiny_write_vocabulary(w);
}

/* ---- the file ----------------------------------------------------------------- */

/* To be freed. */
static inline char *tiny_bytes(const struct tiny_decoder *d, size_t *count)
{
    static struct tiny_list list;
    struct gguf_writer w = {0};
    uint64_t state = 20261121;
    char *bytes = NULL;
    FILE *file = open_memstream(&bytes, count);

    assert_non_null(file);
    tiny_write_keys(&w, d);
    list.d = d;
    list.count = 0;
    tiny_add_all(&list);
    for (size_t i = 0; i < list.count; i++)
        gguf_write_tensor(&w, list.tensor[i].name, list.tensor[i].type,
                          list.tensor[i].dims, list.tensor[i].dim);
    gguf_write_head(&w, file);
    for (size_t i = 0; i < list.count; i++)
        tiny_values(file, &w, &list.tensor[i], &state);
    assert_int_equal(gguf_write_end(&w, file), 0);
    fclose(file);
    return bytes;
}

static inline int tiny_open(struct infer_model **out, const struct tiny_decoder *d,
                            struct infer_error *err)
{
    size_t count;
    char *bytes = tiny_bytes(d, &count);
    int status = model_open_memory(out, bytes, count, err);

    free(bytes);
    return status;
}

/* To be closed by infer_model_close(). */
static inline struct infer_model *tiny_model(const struct tiny_decoder *d)
{
    struct infer_model *model = NULL;
    struct infer_error err = {0};

    if (tiny_open(&model, d, &err) != 0)
        fail_msg("%s %s: %s", d->architecture, gguf_type_name(d->type), err.text);
    return model;
}

#endif
