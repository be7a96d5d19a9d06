/* decoder - what the file of a causal language model says, inside infer/ only.
 *
 * One struct serves every family. Families differ in which tensors a layer has, in
 * a few numbers, and in nothing else; model_decoder.c reads them and checks each
 * one, so that whoever holds a struct decoder_model may index it without asking. */
#ifndef INFER_DECODER_H
#define INFER_DECODER_H

#include "infer/model.h"
#include "infer/rope.h"

enum {
    DECODER_EXPERTS_MAX = 1024,
    DECODER_HEAD_SIZE_MAX = 1024,
    DECODER_HEADS_MAX = 1024
};

enum decoder_gate { DECODER_SWIGLU, DECODER_GEGLU };

enum decoder_routing { /* how experts' scores become probabilities; GGUF's numbers */
                       DECODER_SOFTMAX = 1,
                       DECODER_SIGMOID = 2
};

/* Tensors of a layer; NULL where the family has none. Shapes are rows x length. */
struct decoder_tensors {
    const struct gguf_tensor *attn_norm;
    const struct gguf_tensor *q, *k, *v, *o; /* heads x key, ... */
    const struct gguf_tensor *qkv;           /* or q, k and v in one */
    const struct gguf_tensor *q_bias, *k_bias, *v_bias, *o_bias;
    const struct gguf_tensor *q_norm, *k_norm; /* of each head */
    const struct gguf_tensor *post_attn_norm;  /* before it joins the stream */
    const struct gguf_tensor *ffn_norm;
    const struct gguf_tensor *gate, *up,
        *down; /* ffn x width; up holds both if no gate */
    const struct gguf_tensor *post_ffn_norm;
    /* mixture of experts: gate, up and down of each expert one after the other */
    const struct gguf_tensor *router, *router_bias;
    const struct gguf_tensor *experts_gate, *experts_up, *experts_down;
    const struct gguf_tensor *shared_gate, *shared_up, *shared_down;
    /* latent attention (DeepSeek-V2, section 2.1) */
    const struct gguf_tensor *q_a, *q_a_norm, *q_b; /* or q alone */
    const struct gguf_tensor *kv_a, *kv_a_norm, *k_b, *v_b;
};

struct decoder_model {
    uint32_t width, layers, context, vocabulary;
    uint32_t heads, kv_heads, key_size, value_size; /* of a head */
    uint32_t ffn;
    float norm_epsilon, embedding_scale, attention_scale;
    float attention_cap, final_cap; /* 0: none */
    enum decoder_gate gate;
    uint32_t window;        /* keys a windowed layer sees, itself included; 0: all */
    uint32_t window_period; /* every so manieth layer sees all; 0: none does */
    struct rope rope, window_rope;

    uint32_t experts, experts_used, expert_ffn, shared_ffn; /* 0: no experts */
    uint32_t dense_layers;                                  /* leading ones */
    uint32_t expert_groups, expert_groups_used;             /* 0: no groups */
    enum decoder_routing routing;
    bool routing_normalised;
    float routing_scale;

    bool latent;                /* latent attention */
    uint32_t q_rank, kv_rank;   /* q_rank 0: queries are not compressed */
    uint32_t plain_size;        /* dimensions of a head's query without position */
    uint32_t latent_value_size; /* of a head's value, after v_b */

    const struct gguf_tensor *output_norm, *output; /* output may be token_embd */
    struct decoder_tensors *layer;
};

/* Is layer i one that sees a window only? */
static inline bool decoder_is_windowed(const struct decoder_model *d, uint32_t i)
{
    return d->window != 0 && (d->window_period == 0 || (i + 1) % d->window_period != 0);
}

/* Is layer i a mixture of experts? */
static inline bool decoder_has_experts(const struct decoder_model *d, uint32_t i)
{
    return d->experts != 0 && i >= d->dense_layers;
}

/* Floats of a key and of a value as the cache keeps them, for one KV head. */
static inline uint32_t decoder_cached_key(const struct decoder_model *d)
{
    return d->latent ? d->kv_rank + d->rope.dims : d->key_size;
}

static inline uint32_t decoder_cached_value(const struct decoder_model *d)
{
    return d->latent ? d->kv_rank : d->value_size;
}

/* Is architecture one that decoder_read() knows? */
bool decoder_knows(const char *architecture);

/* "llama, qwen2, ...", for messages */
const char *decoder_architectures(void);

/* Read keys and tensors of m->file, whose architecture, vocabulary and token_embd
 * have been read. m->decoder is set and released by decoder_free(). */
int decoder_read(struct infer_model *m, struct infer_error *err);
void decoder_free(struct decoder_model *decoder); /* NULL is allowed */

#endif
