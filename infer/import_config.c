/* import_config - the sizes of a language model, from config.json to keys of the file.
 *
 * Most settings have one value in nearly every model of a family and change the result
 * when they have another. Each of these is looked at; a value that is not computed
 * here is refused by key and value. Where newer and older files say the same thing by
 * different keys, both are read. */
#include "infer/import.h"

#include <math.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

static const char file[] = "config.json";

/* ---- numbers -------------------------------------------------------------------- */

static bool is_absent(const json_t *value)
{
    return value == NULL || json_is_null(value);
}

int import_count(const json_t *settings, const char *key, uint32_t least,
                 bool may_be_absent, uint32_t *out, struct infer_error *err)
{
    const json_t *value = json_object_get(settings, key);
    json_int_t number = json_integer_value(value);

    if (may_be_absent && is_absent(value))
        return 0;
    if (!json_is_integer(value) || number < (json_int_t)least ||
        number > CHECKPOINT_NUMBER_MAX)
        return infer_fail(
            err, INFER_EFORMAT, "config.json: %s is %s%lld, allowed are %u to %d", key,
            json_is_integer(value) ? "" : "no whole number: ", (long long)number, least,
            CHECKPOINT_NUMBER_MAX);
    *out = (uint32_t)number;
    return 0;
}

int import_real(const json_t *settings, const char *key, bool may_be_absent,
                double *out, struct infer_error *err)
{
    const json_t *value = json_object_get(settings, key);
    double number = json_number_value(value);

    if (may_be_absent && is_absent(value))
        return 0;
    if (!json_is_number(value) || !(number > 0 && number < 1e12))
        return infer_fail(err, INFER_EFORMAT,
                          "config.json: %s is %g, allowed is more than 0 and less "
                          "than 1e12",
                          key, number);
    *out = number;
    return 0;
}

static void write_count(struct import *im, const struct import_family *family,
                        const char *key, uint32_t value)
{
    char name[96];

    snprintf(name, sizeof name, "%s.%s", family->architecture, key);
    gguf_write_u32(&im->out, name, value);
}

static void write_real(struct import *im, const struct import_family *family,
                       const char *key, double value)
{
    char name[96];

    snprintf(name, sizeof name, "%s.%s", family->architecture, key);
    gguf_write_f32(&im->out, name, (float)value);
}

static void write_flag(struct import *im, const struct import_family *family,
                       const char *key, bool value)
{
    char name[96];

    snprintf(name, sizeof name, "%s.%s", family->architecture, key);
    gguf_write_bool(&im->out, name, value);
}

/* ---- sizes of every family ------------------------------------------------------ */

static int read_sizes(const json_t *settings, struct import_sizes *s,
                      struct infer_error *err)
{
    const struct {
        const char *key;
        uint32_t *place;
        bool optional;
    } size[] = {
        {"num_hidden_layers", &s->layers, false},
        {"hidden_size", &s->width, false},
        {"max_position_embeddings", &s->context, false},
        {"intermediate_size", &s->ffn, false},
        {"num_attention_heads", &s->heads, false},
        {"num_key_value_heads", &s->kv_heads, true},
        {"vocab_size", &s->vocabulary, false},
        {"head_dim", &s->head, true},
    };
    int status = 0;

    for (size_t i = 0; status == 0 && i < COUNT(size); i++)
        status = import_count(settings, size[i].key, 1, size[i].optional, size[i].place,
                              err);
    if (status != 0)
        return status;
    s->kv_heads = s->kv_heads != 0 ? s->kv_heads : s->heads;
    if (s->head == 0 && s->width % s->heads != 0)
        return infer_fail(err, INFER_EFORMAT,
                          "config.json: hidden_size %u is no multiple of "
                          "num_attention_heads %u",
                          s->width, s->heads);
    s->head = s->head != 0 ? s->head : s->width / s->heads;
    if (s->head % 2 != 0)
        return infer_fail(err, INFER_EFORMAT, "config.json: heads of %u, which is odd",
                          s->head);
    s->rotary = s->head;
    return 0;
}

static int write_sizes(struct import *im, const struct import_family *family,
                       const struct import_sizes *s, struct infer_error *err)
{
    const bool latent = s->kv_rank != 0;
    double epsilon = 0;
    int status = import_real(import_settings(im), "rms_norm_eps", false, &epsilon, err);

    write_count(im, family, "block_count", s->layers);
    write_count(im, family, "context_length", s->context);
    write_count(im, family, "embedding_length", s->width);
    write_count(im, family, "feed_forward_length", s->ffn);
    write_count(im, family, "attention.head_count", s->heads);
    write_count(im, family, "attention.head_count_kv", latent ? 1 : s->kv_heads);
    write_real(im, family, "attention.layer_norm_rms_epsilon", epsilon);
    write_count(im, family, "attention.key_length",
                latent ? s->kv_rank + s->turned : s->head);
    write_count(im, family, "attention.value_length", latent ? s->kv_rank : s->head);
    write_count(im, family, "rope.dimension_count", s->rotary);
    write_count(im, family, "vocab_size", s->vocabulary);
    return status;
}

/* ---- settings that must be as they are ------------------------------------------ */

/* A number that must be this one, or absent or null. */
static int need_number(const json_t *settings, const char *key, double wanted,
                       struct infer_error *err)
{
    const json_t *value = json_object_get(settings, key);
    char text[32];

    if (is_absent(value) ||
        (json_is_number(value) && json_number_value(value) == wanted))
        return 0;
    snprintf(text, sizeof text, "%.9g", wanted);
    return checkpoint_refuse(err, file, key, value, text);
}

static int check_activation(const json_t *settings, const struct import_family *family,
                            struct infer_error *err)
{
    const char *key = json_object_get(settings, "hidden_activation") != NULL
                          ? "hidden_activation"
                          : "hidden_act";

    return checkpoint_word(settings, file, key, family->activation, false, err);
}

/* "layer_types" of newer files: which layers see a window. */
static int check_layer_types(const json_t *settings, const struct import_family *family,
                             struct infer_error *err)
{
    const json_t *types = json_object_get(settings, "layer_types"), *type;
    const bool all = family->window && family->window_period == 0 &&
                     !is_absent(json_object_get(settings, "sliding_window"));
    size_t i;

    json_array_foreach(types, i, type)
    {
        const bool windowed =
            all || (family->window_period != 0 && (i + 1) % family->window_period != 0);
        const char *wanted = windowed ? "sliding_attention" : "full_attention";
        const char *found = json_string_value(type);

        if (found == NULL || strcmp(found, wanted) != 0)
            return checkpoint_refuse(err, file, "an entry of layer_types", type,
                                     wanted);
    }
    return 0;
}

static int check_settings(const json_t *settings, const struct import_family *family,
                          struct infer_error *err)
{
    const json_t *packed = json_object_get(settings, "quantization_config");
    int status = check_activation(settings, family, err);

    if (status == 0 && !is_absent(packed))
        return checkpoint_refuse(err, file, "quantization_config", packed,
                                 "a checkpoint of floats");
    if (status == 0)
        status = checkpoint_flag(settings, file, "use_sliding_window", false, err);
    if (status == 0)
        status =
            checkpoint_flag(settings, file, "use_bidirectional_attention", false, err);
    if (status == 0)
        status = checkpoint_flag(settings, file, "use_mrope", false, err);
    return status != 0 ? status : check_layer_types(settings, family, err);
}

static int write_window(struct import *im, const struct import_family *family,
                        struct infer_error *err)
{
    uint32_t window = 0;
    int status = 0;

    if (family->window)
        status =
            import_count(import_settings(im), "sliding_window", 1, true, &window, err);
    if (window != 0)
        write_count(im, family, "attention.sliding_window", window);
    return status;
}

/* ---- Gemma ---------------------------------------------------------------------- */

/* A soft cap that Gemma 2 has and Gemma 3 must not have. */
static int write_cap(struct import *im, const struct import_family *family,
                     const char *key, const char *to, struct infer_error *err)
{
    const bool two = strcmp(family->architecture, "gemma2") == 0;
    const json_t *value = json_object_get(import_settings(im), key);
    double cap = 0;
    int status;

    if (!two)
        return is_absent(value) ? 0 : checkpoint_refuse(err, file, key, value, "null");
    status = import_real(import_settings(im), key, false, &cap, err);
    write_real(im, family, to, cap);
    return status;
}

/* Queries are scaled by a number of their own, which the file cannot say: engines know
 * it by the family, and by the number of layers of its largest model. */
static int config_gemma(struct import *im, const struct import_family *family,
                        const struct import_sizes *s, struct infer_error *err)
{
    const uint32_t largest = strcmp(family->architecture, "gemma2") == 0 ? 46 : 62;
    const uint32_t scalar = s->layers == largest ? s->width / s->heads : s->head;
    int status = need_number(import_settings(im), "query_pre_attn_scalar", scalar, err);

    if (status == 0)
        status = write_cap(im, family, "attn_logit_softcapping",
                           "attn_logit_softcapping", err);
    if (status == 0)
        status = write_cap(im, family, "final_logit_softcapping",
                           "final_logit_softcapping", err);
    return status;
}

/* ---- experts -------------------------------------------------------------------- */

static int config_mixtral(struct import *im, const struct import_family *family,
                          struct import_sizes *s, struct infer_error *err)
{
    const json_t *settings = import_settings(im);
    uint32_t used = 0;
    int status;

    if ((status = import_count(settings, "num_local_experts", 1, false, &s->experts,
                               err)) != 0 ||
        (status =
             import_count(settings, "num_experts_per_tok", 1, false, &used, err)) != 0)
        return status;
    s->expert_ffn = s->ffn;
    write_count(im, family, "expert_count", s->experts);
    write_count(im, family, "expert_used_count", used);
    return 0;
}

static int config_qwen3moe(struct import *im, const struct import_family *family,
                           struct import_sizes *s, struct infer_error *err)
{
    const json_t *settings = import_settings(im);
    const json_t *dense = json_object_get(settings, "mlp_only_layers");
    const char *key = json_object_get(settings, "num_experts") != NULL
                          ? "num_experts"
                          : "num_local_experts";
    uint32_t used = 0;
    int status;

    if (json_array_size(dense) > 0)
        return checkpoint_refuse(err, file, "mlp_only_layers", dense, "[]");
    if ((status = need_number(settings, "decoder_sparse_step", 1, err)) != 0 ||
        (status = import_count(settings, key, 1, false, &s->experts, err)) != 0 ||
        (status = import_count(settings, "num_experts_per_tok", 1, false, &used,
                               err)) != 0 ||
        (status = import_count(settings, "moe_intermediate_size", 1, false,
                               &s->expert_ffn, err)) != 0)
        return status;
    write_count(im, family, "expert_count", s->experts);
    write_count(im, family, "expert_used_count", used);
    write_count(im, family, "expert_feed_forward_length", s->expert_ffn);
    write_flag(im, family, "expert_weights_norm",
               json_is_true(json_object_get(settings, "norm_topk_prob")));
    return 0;
}

/* ---- DeepSeek-V2 ---------------------------------------------------------------- */

static int read_latent(const json_t *settings, struct import_sizes *s,
                       struct infer_error *err)
{
    const struct {
        const char *key;
        uint32_t *place, least;
        bool optional;
    } size[] = {
        {"q_lora_rank", &s->q_rank, 1, true},
        {"kv_lora_rank", &s->kv_rank, 1, false},
        {"qk_nope_head_dim", &s->plain, 1, false},
        {"qk_rope_head_dim", &s->turned, 2, false},
        {"v_head_dim", &s->value, 1, false},
        {"n_routed_experts", &s->experts, 1, true},
    };
    int status = 0;

    for (size_t i = 0; status == 0 && i < COUNT(size); i++)
        status = import_count(settings, size[i].key, size[i].least, size[i].optional,
                              size[i].place, err);
    s->rotary = s->turned;
    return status;
}

static int write_deepseek_experts(struct import *im, const struct import_family *family,
                                  struct import_sizes *s, struct infer_error *err)
{
    const json_t *settings = import_settings(im);
    double scale = 1;
    uint32_t used = 0;
    int status;

    if ((status = checkpoint_word(settings, file, "topk_method", "greedy", true,
                                  err)) != 0 ||
        (status = checkpoint_word(settings, file, "scoring_func", "softmax", true,
                                  err)) != 0 ||
        (status = checkpoint_flag(settings, file, "norm_topk_prob", false, err)) != 0 ||
        (status = need_number(settings, "moe_layer_freq", 1, err)) != 0 ||
        (status = import_count(settings, "num_experts_per_tok", 1, false, &used,
                               err)) != 0 ||
        (status = import_count(settings, "moe_intermediate_size", 1, false,
                               &s->expert_ffn, err)) != 0 ||
        (status = import_count(settings, "n_shared_experts", 0, true, &s->shared,
                               err)) != 0 ||
        (status = import_count(settings, "first_k_dense_replace", 0, true,
                               &s->dense_layers, err)) != 0 ||
        (status = import_real(settings, "routed_scaling_factor", true, &scale, err)) !=
            0)
        return status;
    write_count(im, family, "expert_count", s->experts);
    write_count(im, family, "expert_used_count", used);
    write_count(im, family, "expert_feed_forward_length", s->expert_ffn);
    write_count(im, family, "expert_shared_count", s->shared);
    write_count(im, family, "leading_dense_block_count", s->dense_layers);
    write_count(im, family, "expert_gating_func", 1);
    write_real(im, family, "expert_weights_scale", scale);
    write_flag(im, family, "expert_weights_norm", false);
    return 0;
}

static int config_deepseek(struct import *im, const struct import_family *family,
                           struct import_sizes *s, struct infer_error *err)
{
    int status = read_latent(import_settings(im), s, err);

    if (status != 0)
        return status;
    write_count(im, family, "attention.key_length_mla", s->plain + s->turned);
    write_count(im, family, "attention.value_length_mla", s->value);
    write_count(im, family, "attention.kv_lora_rank", s->kv_rank);
    if (s->q_rank != 0)
        write_count(im, family, "attention.q_lora_rank", s->q_rank);
    return s->experts != 0 ? write_deepseek_experts(im, family, s, err) : 0;
}

/* Phi turns a part of each head. */
static int config_phi(struct import *im, struct import_sizes *s,
                      struct infer_error *err)
{
    const json_t *settings = import_settings(im);
    const json_t *rope = json_object_get(settings, "rope_parameters");
    double part = 1;
    int status = import_real(settings, "partial_rotary_factor", true, &part, err);

    if (status == 0 && is_absent(json_object_get(settings, "partial_rotary_factor")))
        status = import_real(rope, "partial_rotary_factor", true, &part, err);
    s->rotary = (uint32_t)(s->head * (part < 1 ? part : 1));
    return status;
}

/* ---- the model ------------------------------------------------------------------ */

int import_config(struct import *im, const struct import_family *family,
                  struct import_sizes *s, struct infer_error *err)
{
    const json_t *settings = import_settings(im);
    int status = check_settings(settings, family, err);

    if (status == 0)
        status = read_sizes(settings, s, err);
    if (status == 0 && (family->features & IMPORT_POST_NORM))
        status = config_gemma(im, family, s, err);
    if (status == 0 && (family->features & IMPORT_MIXTRAL))
        status = config_mixtral(im, family, s, err);
    if (status == 0 && (family->features & IMPORT_LATENT))
        status = config_deepseek(im, family, s, err);
    else if (status == 0 && (family->features & IMPORT_EXPERTS))
        status = config_qwen3moe(im, family, s, err);
    if (status == 0 && (family->features & IMPORT_FUSED))
        status = config_phi(im, s, err);
    if (status == 0)
        status = write_sizes(im, family, s, err);
    return status != 0 ? status : write_window(im, family, err);
}
