/* model_decoder - what the file of a causal language model must hold.
 *
 * Families stand in one table: which tensors their layers have, how rotary pairs
 * lie, which gate the feed-forward has. Numbers come from the file's keys, each with
 * the values it may take; tensors from tables of slots, with shapes in terms of these
 * numbers. A family, a scaling or a tensor that is not named here is refused: a model
 * computed almost right is worse than none.
 *
 * Names and keys are those of llama.cpp's GGUF files. */
#include "infer/decoder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "infer/keys.h"
#include "infer/precise.h"
#include "infer/slot.h"

enum { SIZE_MAX_WIDTH = 65536, CONTEXT_MAX = 1 << 24, FFN_MAX = 1 << 20 };

/* ---- families ------------------------------------------------------------------- */

enum feature {
    SPLIT = 1,       /* q, k and v apart */
    FUSED = 2,       /* q, k and v in one matrix */
    BIASED = 4,      /* q, k and v must have biases */
    HEAD_NORM = 8,   /* queries and keys are normalised head by head */
    POST_NORM = 16,  /* what joins the stream is normalised first */
    FUSED_GATE = 32, /* gate and up in one matrix */
    LATENT = 64,
    LATENT_QUERY = 128, /* queries are compressed too */
    PLAIN_QUERY = 256,
    DENSE = 512, /* of a layer */
    DENSE_GATE = 1024,
    EXPERTS = 2048,
    SHARED = 4096
};

struct family {
    const char *name;
    unsigned features;
    bool halves; /* rotary pairs lie half a head apart */
    enum decoder_gate gate;
};

static const struct family families[] = {
    {"llama", SPLIT, false, DECODER_SWIGLU},
    {"qwen2", SPLIT | BIASED, true, DECODER_SWIGLU},
    {"qwen3", SPLIT | HEAD_NORM, true, DECODER_SWIGLU},
    {"qwen3moe", SPLIT | HEAD_NORM, true, DECODER_SWIGLU},
    {"gemma2", SPLIT | POST_NORM, true, DECODER_GEGLU},
    {"gemma3", SPLIT | POST_NORM | HEAD_NORM, true, DECODER_GEGLU},
    {"phi3", FUSED | FUSED_GATE, true, DECODER_SWIGLU},
    {"deepseek2", LATENT, false, DECODER_SWIGLU},
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static const struct family *family_find(const char *name)
{
    for (size_t i = 0; i < COUNT(families); i++)
        if (strcmp(families[i].name, name) == 0)
            return families + i;
    return NULL;
}

bool decoder_knows(const char *architecture)
{
    return family_find(architecture) != NULL;
}

const char *decoder_architectures(void)
{
    return "llama, qwen2, qwen3, qwen3moe, gemma2, gemma3, phi3, deepseek2";
}

/* ---- tensors -------------------------------------------------------------------- */

enum extent {
    WIDTH = 1,
    VOCABULARY,
    Q_ROWS,
    K_ROWS,
    V_ROWS,
    QKV_ROWS,
    O_LENGTH,
    KEY,
    FFN,
    FFN_TWICE,
    EXPERT_COUNT,
    EXPERT_FFN,
    SHARED_FFN,
    PAIRS,
    Q_RANK,
    KV_RANK,
    KV_A_ROWS,
    PLAIN,
    HEADS,
    LATENT_VALUE,
    EXTENTS
};

#define IN_MODEL(field) offsetof(struct decoder_model, field)
#define IN_LAYER(field) offsetof(struct decoder_tensors, field)

static const struct slot model_slots[] = {
    {"output_norm.weight", IN_MODEL(output_norm), .dims = {WIDTH}},
    {"output.weight", IN_MODEL(output), .dims = {WIDTH, VOCABULARY}, .optional = true},
};

static const struct slot layer_slots[] = {
    {"attn_norm.weight", IN_LAYER(attn_norm), .dims = {WIDTH}},
    {"attn_q.weight", IN_LAYER(q), .dims = {WIDTH, Q_ROWS}, .when = SPLIT},
    {"attn_k.weight", IN_LAYER(k), .dims = {WIDTH, K_ROWS}, .when = SPLIT},
    {"attn_v.weight", IN_LAYER(v), .dims = {WIDTH, V_ROWS}, .when = SPLIT},
    {"attn_q.bias", IN_LAYER(q_bias), .dims = {Q_ROWS}, .optional = true,
     .when = SPLIT},
    {"attn_k.bias", IN_LAYER(k_bias), .dims = {K_ROWS}, .optional = true,
     .when = SPLIT},
    {"attn_v.bias", IN_LAYER(v_bias), .dims = {V_ROWS}, .optional = true,
     .when = SPLIT},
    {"attn_q.bias", IN_LAYER(q_bias), .dims = {Q_ROWS}, .when = BIASED},
    {"attn_k.bias", IN_LAYER(k_bias), .dims = {K_ROWS}, .when = BIASED},
    {"attn_v.bias", IN_LAYER(v_bias), .dims = {V_ROWS}, .when = BIASED},
    {"attn_qkv.weight", IN_LAYER(qkv), .dims = {WIDTH, QKV_ROWS}, .when = FUSED},
    {"attn_q_norm.weight", IN_LAYER(q_norm), .dims = {KEY}, .when = HEAD_NORM},
    {"attn_k_norm.weight", IN_LAYER(k_norm), .dims = {KEY}, .when = HEAD_NORM},
    {"attn_output.weight", IN_LAYER(o), .dims = {O_LENGTH, WIDTH}},
    {"attn_output.bias", IN_LAYER(o_bias), .dims = {WIDTH}, .optional = true},
    {"post_attention_norm.weight", IN_LAYER(post_attn_norm), .dims = {WIDTH},
     .when = POST_NORM},
    {"ffn_norm.weight", IN_LAYER(ffn_norm), .dims = {WIDTH}},
    {"post_ffw_norm.weight", IN_LAYER(post_ffn_norm), .dims = {WIDTH},
     .when = POST_NORM},
    {"ffn_gate.weight", IN_LAYER(gate), .dims = {WIDTH, FFN},
     .when = DENSE | DENSE_GATE},
    {"ffn_up.weight", IN_LAYER(up), .dims = {WIDTH, FFN}, .when = DENSE | DENSE_GATE},
    {"ffn_up.weight", IN_LAYER(up), .dims = {WIDTH, FFN_TWICE},
     .when = DENSE | FUSED_GATE},
    {"ffn_down.weight", IN_LAYER(down), .dims = {FFN, WIDTH}, .when = DENSE},
    {"ffn_gate_inp.weight", IN_LAYER(router), .dims = {WIDTH, EXPERT_COUNT},
     .when = EXPERTS},
    {"exp_probs_b.bias", IN_LAYER(router_bias), .dims = {EXPERT_COUNT},
     .optional = true, .when = EXPERTS},
    {"ffn_gate_exps.weight", IN_LAYER(experts_gate),
     .dims = {WIDTH, EXPERT_FFN, EXPERT_COUNT}, .when = EXPERTS},
    {"ffn_up_exps.weight", IN_LAYER(experts_up),
     .dims = {WIDTH, EXPERT_FFN, EXPERT_COUNT}, .when = EXPERTS},
    {"ffn_down_exps.weight", IN_LAYER(experts_down),
     .dims = {EXPERT_FFN, WIDTH, EXPERT_COUNT}, .when = EXPERTS},
    {"ffn_gate_shexp.weight", IN_LAYER(shared_gate), .dims = {WIDTH, SHARED_FFN},
     .when = EXPERTS | SHARED},
    {"ffn_up_shexp.weight", IN_LAYER(shared_up), .dims = {WIDTH, SHARED_FFN},
     .when = EXPERTS | SHARED},
    {"ffn_down_shexp.weight", IN_LAYER(shared_down), .dims = {SHARED_FFN, WIDTH},
     .when = EXPERTS | SHARED},
    {"attn_q.weight", IN_LAYER(q), .dims = {WIDTH, Q_ROWS},
     .when = LATENT | PLAIN_QUERY},
    {"attn_q_a.weight", IN_LAYER(q_a), .dims = {WIDTH, Q_RANK},
     .when = LATENT | LATENT_QUERY},
    {"attn_q_a_norm.weight", IN_LAYER(q_a_norm), .dims = {Q_RANK},
     .when = LATENT | LATENT_QUERY},
    {"attn_q_b.weight", IN_LAYER(q_b), .dims = {Q_RANK, Q_ROWS},
     .when = LATENT | LATENT_QUERY},
    {"attn_kv_a_mqa.weight", IN_LAYER(kv_a), .dims = {WIDTH, KV_A_ROWS},
     .when = LATENT},
    {"attn_kv_a_norm.weight", IN_LAYER(kv_a_norm), .dims = {KV_RANK}, .when = LATENT},
    {"attn_k_b.weight", IN_LAYER(k_b), .dims = {PLAIN, KV_RANK, HEADS}, .when = LATENT},
    {"attn_v_b.weight", IN_LAYER(v_b), .dims = {KV_RANK, LATENT_VALUE, HEADS},
     .when = LATENT},
};

struct divisors { /* of rotary frequencies */
    const struct gguf_tensor *all, *shorter, *longer;
};

static const struct slot divisor_slots[] = {
    {"rope_freqs.weight", offsetof(struct divisors, all), .dims = {PAIRS},
     .optional = true},
    {"rope_factors_short.weight", offsetof(struct divisors, shorter), .dims = {PAIRS},
     .optional = true},
    {"rope_factors_long.weight", offsetof(struct divisors, longer), .dims = {PAIRS},
     .optional = true},
};

static void set_extents(const struct decoder_model *d, uint64_t extent[EXTENTS])
{
    const uint64_t heads = d->heads, kv = d->kv_heads;

    memset(extent, 0, EXTENTS * sizeof *extent);
    extent[WIDTH] = d->width;
    extent[VOCABULARY] = d->vocabulary;
    extent[Q_ROWS] = heads * d->key_size;
    extent[K_ROWS] = kv * d->key_size;
    extent[V_ROWS] = kv * d->value_size;
    extent[QKV_ROWS] = extent[Q_ROWS] + extent[K_ROWS] + extent[V_ROWS];
    extent[O_LENGTH] = heads * (d->latent ? d->latent_value_size : d->value_size);
    extent[KEY] = d->key_size;
    extent[FFN] = d->ffn;
    extent[FFN_TWICE] = 2 * (uint64_t)d->ffn;
    extent[EXPERT_COUNT] = d->experts;
    extent[EXPERT_FFN] = d->expert_ffn;
    extent[SHARED_FFN] = d->shared_ffn;
    extent[PAIRS] = d->rope.dims / 2;
    extent[Q_RANK] = d->q_rank;
    extent[KV_RANK] = d->kv_rank;
    extent[KV_A_ROWS] = (uint64_t)d->kv_rank + d->rope.dims;
    extent[PLAIN] = d->plain_size;
    extent[HEADS] = d->heads;
    extent[LATENT_VALUE] = d->latent_value_size;
}

static unsigned layer_features(const struct decoder_model *d,
                               const struct family *family, uint32_t i)
{
    unsigned f = family->features;

    f |= f & FUSED_GATE ? 0 : DENSE_GATE;
    f |= decoder_has_experts(d, i) ? EXPERTS : DENSE;
    f |= d->shared_ffn ? SHARED : 0;
    return f | (d->q_rank ? LATENT_QUERY : PLAIN_QUERY);
}

static int take_layers(struct decoder_model *d, const struct family *family,
                       struct slots *slots, struct infer_error *err)
{
    char prefix[32];
    int status = 0;

    d->layer = calloc(d->layers, sizeof *d->layer);
    if (!d->layer)
        return infer_fail(err, INFER_ENOMEM, "no memory for %u layers", d->layers);
    for (uint32_t i = 0; status == 0 && i < d->layers; i++) {
        snprintf(prefix, sizeof prefix, "blk.%u.", i);
        slots->features = layer_features(d, family, i);
        status = slots_take(slots, prefix, layer_slots, COUNT(layer_slots),
                            d->layer + i, err);
    }
    return status;
}

/* ---- keys ----------------------------------------------------------------------- */

static int read_sizes(struct decoder_model *d, struct keys *k, struct infer_error *err)
{
    const size_t tensors = gguf_tensor_count(k->file);
    int status;

    if ((status = keys_count(k, "embedding_length", SIZE_MAX_WIDTH, 0, &d->width,
                             err)) != 0 ||
        (status = keys_count(k, "block_count", GGUF_TENSORS_MAX, 0, &d->layers, err)) !=
            0 ||
        (status = keys_count(k, "context_length", CONTEXT_MAX, 0, &d->context, err)) !=
            0 ||
        (status = keys_count(k, "feed_forward_length", FFN_MAX, 0, &d->ffn, err)) !=
            0 ||
        (status = keys_count(k, "attention.head_count", DECODER_HEADS_MAX, 0, &d->heads,
                             err)) != 0 ||
        (status = keys_count(k, "attention.head_count_kv", DECODER_HEADS_MAX, d->heads,
                             &d->kv_heads, err)) != 0 ||
        (status = keys_float(k, "attention.layer_norm_rms_epsilon", 1, 0,
                             &d->norm_epsilon, err)) != 0)
        return status;
    if (d->layers > tensors)
        return infer_fail(err, INFER_EFORMAT,
                          "%s.block_count is %u, the file has %zu tensors in all",
                          k->architecture, d->layers, tensors);
    if (d->heads % d->kv_heads != 0)
        return infer_fail(err, INFER_EFORMAT,
                          "%s.attention.head_count_kv is %u, which does not divide "
                          "attention.head_count %u",
                          k->architecture, d->kv_heads, d->heads);
    return 0;
}

static int read_heads(struct decoder_model *d, struct keys *k, struct infer_error *err)
{
    uint32_t even = d->width % d->heads == 0 ? d->width / d->heads : 0;
    int status;

    if ((status = keys_count(k, "attention.key_length", DECODER_HEAD_SIZE_MAX, even,
                             &d->key_size, err)) != 0 ||
        (status = keys_count(k, "attention.value_length", DECODER_HEAD_SIZE_MAX, even,
                             &d->value_size, err)) != 0)
        return status;
    if (d->latent) {
        if ((status = keys_count(k, "attention.key_length_mla", DECODER_HEAD_SIZE_MAX,
                                 0, &d->key_size, err)) != 0 ||
            (status = keys_count(k, "attention.value_length_mla", DECODER_HEAD_SIZE_MAX,
                                 0, &d->latent_value_size, err)) != 0 ||
            (status = keys_count(k, "attention.kv_lora_rank", SIZE_MAX_WIDTH, 0,
                                 &d->kv_rank, err)) != 0 ||
            (status = keys_optional(k, "attention.q_lora_rank", SIZE_MAX_WIDTH,
                                    &d->q_rank, err)) != 0)
            return status;
    }
    status = keys_count(k, "rope.dimension_count", d->key_size, d->key_size,
                        &d->rope.dims, err);
    if (status == 0 && d->rope.dims % 2 != 0)
        status = infer_fail(err, INFER_EFORMAT, "%s is %u, which is odd", k->name,
                            d->rope.dims);
    if (status == 0 && d->latent && d->rope.dims >= d->key_size)
        status = infer_fail(err, INFER_EFORMAT,
                            "%s is %u, allowed is less than the key's length %u",
                            k->name, d->rope.dims, d->key_size);
    if (status == 0 && d->latent && d->kv_heads != 1)
        status = infer_fail(err, INFER_EUNSUPPORTED,
                            "%s.attention.head_count_kv is %u: latent attention is "
                            "served with 1 (a newer conversion of the model has it)",
                            k->architecture, d->kv_heads);
    if (status == 0 && d->q_rank > d->width)
        status = infer_fail(err, INFER_EUNSUPPORTED,
                            "%s.attention.q_lora_rank is %u, served are ranks up to "
                            "the width %u",
                            k->architecture, d->q_rank, d->width);
    d->plain_size = d->latent ? d->key_size - d->rope.dims : 0;
    return status;
}

static int read_experts(struct decoder_model *d, struct keys *k,
                        struct infer_error *err)
{
    const bool latent = d->latent;
    uint32_t shared = 0, routing = 0;
    int status;

    if ((status = keys_optional(k, "expert_count", DECODER_EXPERTS_MAX, &d->experts,
                                err)) != 0 ||
        d->experts == 0)
        return status;
    if ((status = keys_count(k, "expert_used_count", d->experts, 0, &d->experts_used,
                             err)) != 0 ||
        (status = keys_count(k, "expert_feed_forward_length", FFN_MAX, d->ffn,
                             &d->expert_ffn, err)) != 0 ||
        (status = keys_optional(k, "expert_shared_count", DECODER_EXPERTS_MAX, &shared,
                                err)) != 0 ||
        (status = keys_optional(k, "leading_dense_block_count", d->layers,
                                &d->dense_layers, err)) != 0 ||
        (status = keys_optional(k, "expert_gating_func", DECODER_SIGMOID, &routing,
                                err)) != 0 ||
        (status = keys_optional(k, "expert_group_count", d->experts, &d->expert_groups,
                                err)) != 0 ||
        (status = keys_optional(k, "expert_group_used_count", d->experts,
                                &d->expert_groups_used, err)) != 0 ||
        (status = keys_flag(k, "expert_weights_norm", !latent, &d->routing_normalised,
                            err)) != 0 ||
        (status = keys_float(k, "expert_weights_scale", 1e6, 1, &d->routing_scale,
                             err)) != 0)
        return status;
    d->shared_ffn = shared * d->expert_ffn;
    d->routing = routing == 0 ? DECODER_SOFTMAX : (enum decoder_routing)routing;
    if (d->expert_groups <= 1)
        d->expert_groups = d->expert_groups_used = 0;
    else if (d->experts % d->expert_groups != 0 || d->expert_groups_used == 0 ||
             d->expert_groups_used > d->expert_groups ||
             d->experts / d->expert_groups * d->expert_groups_used < d->experts_used)
        return infer_fail(err, INFER_EFORMAT,
                          "%u experts in %u groups, %u groups used: %u experts cannot "
                          "be chosen so",
                          d->experts, d->expert_groups, d->expert_groups_used,
                          d->experts_used);
    return 0;
}

static int read_window(struct decoder_model *d, struct keys *k, struct infer_error *err)
{
    int status =
        keys_optional(k, "attention.sliding_window", CONTEXT_MAX, &d->window, err);

    if (strcmp(k->architecture, "gemma2") == 0)
        d->window_period = 2;
    else if (strcmp(k->architecture, "gemma3") == 0)
        d->window_period = 6;
    if (d->window >= d->context)
        d->window = 0;
    return status;
}

/* What Gemma does besides: a stretched embedding, soft caps, and in its largest
 * models a query scale of its own. */
static int read_gemma(struct decoder_model *d, struct keys *k, struct infer_error *err)
{
    const bool two = strcmp(k->architecture, "gemma2") == 0;
    const uint32_t largest = two ? 46 : 62;
    int status = 0;

    d->embedding_scale = sqrtf((float)d->width);
    if (d->layers == largest)
        d->attention_scale = 1.0f / sqrtf((float)(d->width / d->heads));
    if (two)
        status =
            keys_float(k, "attn_logit_softcapping", 1e6, 50, &d->attention_cap, err);
    if (two && status == 0)
        status = keys_float(k, "final_logit_softcapping", 1e6, 30, &d->final_cap, err);
    return status;
}

/* ---- rotary embedding -------------------------------------------------------------
 */

/* Of frequencies: an angle stays one that a sine can be taken of. */
#define DIVISOR_LEAST 0.1

static int take_divisors(const struct decoder_model *d, const struct gguf_tensor *t,
                         struct rope_stretch *stretch, struct infer_error *err)
{
    stretch->divisors = t ? t->data : NULL;
    for (uint32_t i = 0; t && i < d->rope.dims / 2; i++)
        if (!(stretch->divisors[i] >= (float)DIVISOR_LEAST &&
              isfinite(stretch->divisors[i])))
            return infer_fail(err, INFER_EFORMAT,
                              "tensor %s: value %u is %g, allowed are numbers from %g",
                              t->name, i, (double)stretch->divisors[i], DIVISOR_LEAST);
    return 0;
}

static int read_yarn(struct decoder_model *d, struct keys *k, struct rope_stretch *s,
                     struct infer_error *err)
{
    double multiplier = 0, times;
    int status;

    s->yarn = true;
    if ((status = keys_real(k, "rope.scaling.yarn_beta_fast", 1e6, 32, &s->beta_fast,
                            err)) != 0 ||
        (status = keys_real(k, "rope.scaling.yarn_beta_slow", 1e6, 1, &s->beta_slow,
                            err)) != 0)
        return status;
    if (!d->latent)
        return 0;
    /* DeepSeek puts the growth with the factor into the scale of the scores. */
    if (gguf_find(k->file, keys_name(k, "rope.scaling.yarn_log_multiplier")))
        status =
            keys_real(k, "rope.scaling.yarn_log_multiplier", 10, 0, &multiplier, err);
    times = 1 + multiplier * precise_log(s->factor);
    d->attention_scale = (float)(times * times / sqrt((double)d->key_size));
    s->magnitude /= 1 + 0.1 * precise_log(s->factor);
    return status;
}

static bool is_word(struct gguf_string s, const char *word)
{
    return s.bytes == strlen(word) && memcmp(s.text, word, s.bytes) == 0;
}

static int read_scaling(struct decoder_model *d, struct keys *k,
                        const struct divisors *divisors, struct rope_stretch *s,
                        struct infer_error *err)
{
    struct gguf_string type = {"none", 4};
    uint32_t original = 0;
    int status = 0;

    if (gguf_find(k->file, keys_name(k, "rope.scaling.type")))
        status = gguf_get_string(k->file, k->name, &type, err);
    if (status != 0 ||
        (status = keys_count(k, "rope.scaling.original_context_length", CONTEXT_MAX,
                             d->context, &original, err)) != 0 ||
        (status =
             keys_real(k, "rope.scaling.attn_factor", 1e3, 1, &s->magnitude, err)) != 0)
        return status;
    s->original = original;
    if (divisors->longer || divisors->shorter)
        return take_divisors(
            d, d->context > original ? divisors->longer : divisors->shorter, s, err);
    if ((status = take_divisors(d, divisors->all, s, err)) != 0 ||
        is_word(type, "none"))
        return status;
    status = keys_real(k, "rope.scaling.factor", 1e6, 1, &s->factor, err);
    if (status == 0 && s->factor < DIVISOR_LEAST)
        status = infer_fail(err, INFER_EFORMAT, "%s is %g, allowed are %g to 1e6",
                            k->name, s->factor, DIVISOR_LEAST);
    if (status != 0)
        return status;
    if (is_word(type, "yarn"))
        return read_yarn(d, k, s, err);
    if (!is_word(type, "linear"))
        status = infer_fail(err, INFER_EUNSUPPORTED,
                            "%s.rope.scaling.type is \"%.*s\", supported are none, "
                            "linear, yarn",
                            k->architecture, (int)(type.bytes < 40 ? type.bytes : 40),
                            type.text);
    return status;
}

static int read_rope(struct decoder_model *d, struct keys *k,
                     const struct family *family, const struct divisors *divisors,
                     struct infer_error *err)
{
    struct rope_stretch stretch = {.factor = 1, .magnitude = 1};
    struct rope_stretch local = {.factor = 1, .magnitude = 1};
    const bool gemma3 = strcmp(k->architecture, "gemma3") == 0;
    int status;

    d->rope.halves = family->halves;
    d->window_rope = d->rope;
    if ((status = keys_real(k, "rope.freq_base", 1e12, 10000, &stretch.base, err)) !=
            0 ||
        (status = keys_real(k, "rope.freq_base_swa", 1e12,
                            gemma3 ? 10000 : stretch.base, &local.base, err)) != 0 ||
        (status = read_scaling(d, k, divisors, &stretch, err)) != 0)
        return status;
    if (!gemma3) {
        local = stretch;
    }
    if (stretch.base <= 1 || local.base <= 1)
        return infer_fail(err, INFER_EFORMAT,
                          "%s.rope.freq_base is %g, allowed is more than 1",
                          k->architecture, stretch.base);
    status = rope_open(&d->rope, &stretch, err);
    return status != 0 ? status : rope_open(&d->window_rope, &local, err);
}

/* ---- reading --------------------------------------------------------------------- */

static int read_numbers(struct decoder_model *d, struct keys *k,
                        struct infer_error *err)
{
    int status;

    if ((status = read_sizes(d, k, err)) != 0 || (status = read_heads(d, k, err)) != 0)
        return status;
    d->embedding_scale = 1;
    d->attention_scale = 1.0f / sqrtf((float)d->key_size);
    if ((status = read_experts(d, k, err)) != 0 ||
        (status = read_window(d, k, err)) != 0)
        return status;
    return strncmp(k->architecture, "gemma", 5) == 0 ? read_gemma(d, k, err) : 0;
}

int decoder_read(struct infer_model *m, struct infer_error *err)
{
    const struct family *family = family_find(m->architecture);
    struct keys keys = {.file = m->file, .architecture = m->architecture};
    struct decoder_model *d = m->decoder = calloc(1, sizeof *d);
    struct divisors divisors = {0};
    uint64_t extent[EXTENTS];
    struct slots slots = {
        .file = m->file, .architecture = m->architecture, .extent = extent};
    int status;

    if (!d)
        return infer_fail(err, INFER_ENOMEM, "no memory for a model");
    d->gate = family->gate;
    d->latent = (family->features & LATENT) != 0;
    d->vocabulary = m->vocabulary;
    if ((status = read_numbers(d, &keys, err)) != 0)
        return status;
    set_extents(d, extent);
    if ((status = slots_open(&slots, err)) != 0)
        return status;
    static const struct slot embedding[] = {
        {"token_embd.weight", offsetof(struct infer_model, token_embd),
         .dims = {WIDTH, VOCABULARY}},
    };
    if ((status = slots_take(&slots, "", embedding, 1, m, err)) == 0 &&
        (status = slots_take(&slots, "", model_slots, COUNT(model_slots), d, err)) ==
            0 &&
        (status = slots_take(&slots, "", divisor_slots, COUNT(divisor_slots), &divisors,
                             err)) == 0 &&
        (status = take_layers(d, family, &slots, err)) == 0 &&
        (status = slots_check_rest(&slots, err)) == 0)
        status = read_rope(d, &keys, family, &divisors, err);
    slots_close(&slots);
    if (!d->output)
        d->output = m->token_embd;
    m->width = d->width;
    m->layers = d->layers;
    m->context = d->context;
    return status;
}

void decoder_free(struct decoder_model *d)
{
    if (!d)
        return;
    rope_close(&d->rope);
    rope_close(&d->window_rope);
    free(d->layer);
    free(d);
}
