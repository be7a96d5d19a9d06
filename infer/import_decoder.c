/* import_decoder - which tensor of a language model becomes which.
 *
 * Families stand in one table, tensors in another, with shapes in terms of the sizes
 * of config.json. Three things are not copied as they lie: a Llama's queries and keys,
 * whose rotary pairs lie half a head apart in the checkpoint and side by side in the
 * file; the experts of a layer, which become one tensor; and the matrix that widens
 * latent keys and values, which is cut into one for the keys, turned, and one for the
 * values. A tensor that has no place is refused by name.
 *
 * Names and order of rows are those of llama.cpp's GGUF files. */
#include "infer/import.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* ---- families ------------------------------------------------------------------- */

enum {
    LLAMA = IMPORT_SPLIT | IMPORT_PAIRED | IMPORT_PLAIN_NORM,
    QWEN = IMPORT_SPLIT | IMPORT_PLAIN_NORM,
    GEMMA = IMPORT_SPLIT | IMPORT_POST_NORM,
    DEEPSEEK = IMPORT_LATENT | IMPORT_PLAIN_NORM | IMPORT_EXPERTS | IMPORT_SHARED
};

static const char silu[] = "silu", gelu[] = "gelu_pytorch_tanh";

static const struct import_family families[] = {
    {"llama", "llama", LLAMA, silu, 0, false},
    {"mistral", "llama", LLAMA, silu, 0, true},
    {"mixtral", "llama", LLAMA | IMPORT_MIXTRAL, silu, 0, true},
    {"qwen2", "qwen2", QWEN, silu, 0, false},
    {"qwen3", "qwen3", QWEN | IMPORT_HEAD_NORM, silu, 0, false},
    {"qwen3_moe", "qwen3moe", QWEN | IMPORT_HEAD_NORM | IMPORT_EXPERTS, silu, 0, false},
    {"gemma2", "gemma2", GEMMA, gelu, 2, true},
    {"gemma3_text", "gemma3", GEMMA | IMPORT_HEAD_NORM, gelu, 6, true},
    {"gemma3", "gemma3", GEMMA | IMPORT_HEAD_NORM, gelu, 6, true},
    {"phi3", "phi3", IMPORT_FUSED | IMPORT_PLAIN_NORM, silu, 0, true},
    {"deepseek_v2", "deepseek2", DEEPSEEK, silu, 0, false},
};

const struct import_family *import_family(const char *model_type)
{
    for (size_t i = 0; i < COUNT(families); i++)
        if (strcmp(families[i].model_type, model_type) == 0)
            return families + i;
    return NULL;
}

const char *import_model_types(void)
{
    return "bert, llama, mistral, mixtral, qwen2, qwen3, qwen3_moe, gemma2, gemma3, "
           "phi3, deepseek_v2";
}

json_t *import_settings(const struct import *im)
{
    json_t *text = json_object_get(im->config, "text_config");

    return json_is_object(text) ? text : im->config;
}

/* Gemma 3's text_config leaves out what its publisher took for granted. */
static int fill_settings(struct import *im, struct infer_error *err)
{
    static const char granted[] =
        "{\"vocab_size\":262208,\"hidden_size\":2304,\"intermediate_size\":9216,"
        "\"num_hidden_layers\":26,\"num_attention_heads\":8,"
        "\"num_key_value_heads\":4,\"head_dim\":256,"
        "\"max_position_embeddings\":131072,\"rms_norm_eps\":1e-6,"
        "\"rope_theta\":1000000.0,\"query_pre_attn_scalar\":256,"
        "\"sliding_window\":4096,\"hidden_activation\":\"gelu_pytorch_tanh\"}";
    json_t *settings = import_settings(im), *others;
    int status = 0;

    if (settings == im->config)
        return 0;
    others = json_loads(granted, 0, NULL);
    if (others == NULL || json_object_update_missing(settings, others) != 0)
        status = infer_fail(err, INFER_ENOMEM, "no memory for settings");
    json_decref(others);
    return status;
}

/* ---- tensors -------------------------------------------------------------------- */

enum extent {
    NONE, /* rows: one dimension */
    WIDTH,
    VOCABULARY,
    HEAD,
    Q_ROWS,
    K_ROWS,
    QKV_ROWS,
    VALUES, /* what attention gives, all heads */
    FFN,
    FFN_TWICE,
    EXPERT_COUNT,
    EXPERT_FFN,
    SHARED_FFN,
    Q_RANK,
    KV_RANK,
    KV_A_ROWS,
    EXTENTS
};

enum habit {
    MATRIX = 1, /* stored in the type asked for, else F32 */
    OPTIONAL = 2,
    PAIRED = 4,   /* rows of heads, by pairs if the family wants it */
    LESS_ONE = 8, /* 1 is added where the family stores norms less one */
    STACKED = 16  /* one for each expert, %u in the name */
};

struct slot {
    const char *from, *to;
    enum extent rows, columns;
    unsigned habits;
    unsigned when; /* features that must all be there */
};

static const struct slot layer_slots[] = {
    {"input_layernorm.weight", "attn_norm.weight", NONE, WIDTH, LESS_ONE, 0},
    {"self_attn.q_proj.weight", "attn_q.weight", Q_ROWS, WIDTH, MATRIX | PAIRED,
     IMPORT_SPLIT},
    {"self_attn.q_proj.bias", "attn_q.bias", NONE, Q_ROWS, OPTIONAL | PAIRED,
     IMPORT_SPLIT},
    {"self_attn.k_proj.weight", "attn_k.weight", K_ROWS, WIDTH, MATRIX | PAIRED,
     IMPORT_SPLIT},
    {"self_attn.k_proj.bias", "attn_k.bias", NONE, K_ROWS, OPTIONAL | PAIRED,
     IMPORT_SPLIT},
    {"self_attn.v_proj.weight", "attn_v.weight", K_ROWS, WIDTH, MATRIX, IMPORT_SPLIT},
    {"self_attn.v_proj.bias", "attn_v.bias", NONE, K_ROWS, OPTIONAL, IMPORT_SPLIT},
    {"self_attn.q_norm.weight", "attn_q_norm.weight", NONE, HEAD, LESS_ONE,
     IMPORT_HEAD_NORM},
    {"self_attn.k_norm.weight", "attn_k_norm.weight", NONE, HEAD, LESS_ONE,
     IMPORT_HEAD_NORM},
    {"self_attn.qkv_proj.weight", "attn_qkv.weight", QKV_ROWS, WIDTH, MATRIX,
     IMPORT_FUSED},
    {"self_attn.q_proj.weight", "attn_q.weight", Q_ROWS, WIDTH, MATRIX,
     IMPORT_LATENT | IMPORT_PLAIN_QUERY},
    {"self_attn.q_a_proj.weight", "attn_q_a.weight", Q_RANK, WIDTH, MATRIX,
     IMPORT_LATENT | IMPORT_LATENT_QUERY},
    {"self_attn.q_a_layernorm.weight", "attn_q_a_norm.weight", NONE, Q_RANK, 0,
     IMPORT_LATENT | IMPORT_LATENT_QUERY},
    {"self_attn.q_b_proj.weight", "attn_q_b.weight", Q_ROWS, Q_RANK, MATRIX,
     IMPORT_LATENT | IMPORT_LATENT_QUERY},
    {"self_attn.kv_a_proj_with_mqa.weight", "attn_kv_a_mqa.weight", KV_A_ROWS, WIDTH,
     MATRIX, IMPORT_LATENT},
    {"self_attn.kv_a_layernorm.weight", "attn_kv_a_norm.weight", NONE, KV_RANK, 0,
     IMPORT_LATENT},
    {"self_attn.o_proj.weight", "attn_output.weight", WIDTH, VALUES, MATRIX, 0},
    {"self_attn.o_proj.bias", "attn_output.bias", NONE, WIDTH, OPTIONAL, 0},
    {"post_attention_layernorm.weight", "ffn_norm.weight", NONE, WIDTH, 0,
     IMPORT_PLAIN_NORM},
    {"post_attention_layernorm.weight", "post_attention_norm.weight", NONE, WIDTH,
     LESS_ONE, IMPORT_POST_NORM},
    {"pre_feedforward_layernorm.weight", "ffn_norm.weight", NONE, WIDTH, LESS_ONE,
     IMPORT_POST_NORM},
    {"post_feedforward_layernorm.weight", "post_ffw_norm.weight", NONE, WIDTH, LESS_ONE,
     IMPORT_POST_NORM},
    {"mlp.gate_proj.weight", "ffn_gate.weight", FFN, WIDTH, MATRIX,
     IMPORT_DENSE | IMPORT_GATE},
    {"mlp.up_proj.weight", "ffn_up.weight", FFN, WIDTH, MATRIX,
     IMPORT_DENSE | IMPORT_GATE},
    {"mlp.gate_up_proj.weight", "ffn_up.weight", FFN_TWICE, WIDTH, MATRIX,
     IMPORT_DENSE | IMPORT_FUSED},
    {"mlp.down_proj.weight", "ffn_down.weight", WIDTH, FFN, MATRIX, IMPORT_DENSE},
    {"block_sparse_moe.gate.weight", "ffn_gate_inp.weight", EXPERT_COUNT, WIDTH, 0,
     IMPORT_MIXTRAL},
    {"block_sparse_moe.experts.%u.w1.weight", "ffn_gate_exps.weight", EXPERT_FFN, WIDTH,
     MATRIX | STACKED, IMPORT_MIXTRAL},
    {"block_sparse_moe.experts.%u.w3.weight", "ffn_up_exps.weight", EXPERT_FFN, WIDTH,
     MATRIX | STACKED, IMPORT_MIXTRAL},
    {"block_sparse_moe.experts.%u.w2.weight", "ffn_down_exps.weight", WIDTH, EXPERT_FFN,
     MATRIX | STACKED, IMPORT_MIXTRAL},
    {"mlp.gate.weight", "ffn_gate_inp.weight", EXPERT_COUNT, WIDTH, 0, IMPORT_EXPERTS},
    {"mlp.experts.%u.gate_proj.weight", "ffn_gate_exps.weight", EXPERT_FFN, WIDTH,
     MATRIX | STACKED, IMPORT_EXPERTS},
    {"mlp.experts.%u.up_proj.weight", "ffn_up_exps.weight", EXPERT_FFN, WIDTH,
     MATRIX | STACKED, IMPORT_EXPERTS},
    {"mlp.experts.%u.down_proj.weight", "ffn_down_exps.weight", WIDTH, EXPERT_FFN,
     MATRIX | STACKED, IMPORT_EXPERTS},
    {"mlp.shared_experts.gate_proj.weight", "ffn_gate_shexp.weight", SHARED_FFN, WIDTH,
     MATRIX, IMPORT_EXPERTS | IMPORT_SHARED},
    {"mlp.shared_experts.up_proj.weight", "ffn_up_shexp.weight", SHARED_FFN, WIDTH,
     MATRIX, IMPORT_EXPERTS | IMPORT_SHARED},
    {"mlp.shared_experts.down_proj.weight", "ffn_down_shexp.weight", WIDTH, SHARED_FFN,
     MATRIX, IMPORT_EXPERTS | IMPORT_SHARED},
};

/* Parts of a checkpoint that no text depends on: tables the library could make
 * itself, and what sees pictures. */
static const char *const unused_parts[] = {
    "rotary_emb.inv_freq",
    "vision_tower.",
    "multi_modal_projector.",
};

struct plan {
    struct import *im;
    const struct import_family *family;
    const struct import_sizes *sizes;
    uint64_t extent[EXTENTS];
    unsigned features; /* of the layer */
    const char *prefix;
};

static void set_extents(struct plan *p)
{
    const struct import_sizes *s = p->sizes;
    const uint64_t values = s->kv_rank ? s->value : s->head;
    const uint64_t key = s->kv_rank ? (uint64_t)s->plain + s->turned : s->head;
    const uint64_t extent[EXTENTS] = {
        [WIDTH] = s->width,
        [VOCABULARY] = s->vocabulary,
        [HEAD] = s->head,
        [Q_ROWS] = s->heads * key,
        [K_ROWS] = (uint64_t)s->kv_heads * s->head,
        [QKV_ROWS] = (s->heads + 2 * (uint64_t)s->kv_heads) * s->head,
        [VALUES] = s->heads * values,
        [FFN] = s->ffn,
        [FFN_TWICE] = 2 * (uint64_t)s->ffn,
        [EXPERT_COUNT] = s->experts,
        [EXPERT_FFN] = s->expert_ffn,
        [SHARED_FFN] = (uint64_t)s->shared * s->expert_ffn,
        [Q_RANK] = s->q_rank,
        [KV_RANK] = s->kv_rank,
        [KV_A_ROWS] = (uint64_t)s->kv_rank + s->turned,
    };

    memcpy(p->extent, extent, sizeof extent);
}

/* ---- planning ------------------------------------------------------------------- */

/* One source for each expert; from holds a %u. */
static int take_parts(const struct plan *p, struct import_job *job, const char *from,
                      struct infer_error *err)
{
    const char *mark = strstr(from, "%u");
    char name[160];
    int status = 0;

    job->part = calloc(p->sizes->experts, sizeof *job->part);
    if (job->part == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for %u experts",
                          p->sizes->experts);
    job->dims = 3;
    job->dim[2] = p->sizes->experts;
    for (uint32_t e = 0; status == 0 && e < p->sizes->experts; e++) {
        const struct import_source source = {name, job->dim[1], job->dim[0]};

        snprintf(name, sizeof name, "%.*s%u%s", (int)(mark - from), from, e, mark + 2);
        status = import_take(p->im, &source, &job->part[e], err);
    }
    return status;
}

/* from is the tensor's full name in the checkpoint, to the one in the file. */
static int add_job(const struct plan *p, const struct slot *slot, const char *from,
                   const char *to, struct infer_error *err)
{
    const struct import_source source = {from, p->extent[slot->rows],
                                         p->extent[slot->columns]};
    const unsigned features = p->family->features;
    struct import_job *job;
    int status;

    if ((slot->habits & OPTIONAL) && !shards_has(p->im->weights, from))
        return 0;
    job = import_add(p->im, to, err);
    if (job == NULL)
        return INFER_ENOMEM;
    job->type = slot->habits & MATRIX ? p->im->type : GGUF_F32;
    job->dims = slot->rows == NONE ? 1 : 2;
    job->dim[0] = source.columns;
    job->dim[1] = slot->rows == NONE ? 1 : source.rows;
    if ((slot->habits & PAIRED) && (features & IMPORT_PAIRED))
        job->head = p->sizes->head;
    if ((slot->habits & LESS_ONE) && (features & IMPORT_POST_NORM))
        job->more = 1;
    status = slot->habits & STACKED ? take_parts(p, job, from, err)
                                    : import_take(p->im, &source, &job->source, err);
    return status != 0 ? status : import_check_job(job, err);
}

/* The matrix that widens latent keys and values: of each head plain rows for the key,
 * then value rows. The key's part is multiplied with queries, so it is turned. */
static int add_latent(const struct plan *p, uint32_t layer, struct infer_error *err)
{
    const struct import_sizes *s = p->sizes;
    const uint64_t step = (uint64_t)s->plain + s->value;
    const struct safetensors_tensor *source;
    char from[160], to[2][GGUF_NAME_BYTES_MAX + 1];
    int status;

    snprintf(from, sizeof from, "%slayers.%u.self_attn.kv_b_proj.weight", p->prefix,
             layer);
    status =
        import_take(p->im, &(struct import_source){from, s->heads * step, s->kv_rank},
                    &source, err);
    for (int i = 0; status == 0 && i < 2; i++) {
        struct import_job *job;

        snprintf(to[i], sizeof to[i], "blk.%u.attn_%c_b.weight", layer, "kv"[i]);
        job = import_add(p->im, to[i], err);
        if (job == NULL)
            return INFER_ENOMEM;
        job->type = p->im->type;
        job->dims = 3;
        job->dim[0] = i == 0 ? s->plain : s->kv_rank;
        job->dim[1] = i == 0 ? s->kv_rank : s->value;
        job->dim[2] = s->heads;
        job->source = source;
        job->first = i == 0 ? 0 : s->plain;
        job->stride = step;
        job->turned = i == 0;
        status = import_check_job(job, err);
    }
    return status;
}

static int add_layer(struct plan *p, uint32_t layer, struct infer_error *err)
{
    const struct import_sizes *s = p->sizes;
    const bool dense = s->experts == 0 || layer < s->dense_layers;
    char from[160], to[GGUF_NAME_BYTES_MAX + 1];
    int status = 0;

    p->features =
        p->family->features | (s->q_rank ? IMPORT_LATENT_QUERY : IMPORT_PLAIN_QUERY);
    if (s->shared == 0)
        p->features &= ~(unsigned)IMPORT_SHARED;
    if (dense)
        p->features &= ~(unsigned)(IMPORT_EXPERTS | IMPORT_MIXTRAL);
    if (dense)
        p->features |= IMPORT_DENSE;
    if (!(p->features & IMPORT_FUSED))
        p->features |= IMPORT_GATE;
    for (size_t i = 0; status == 0 && i < COUNT(layer_slots); i++) {
        const struct slot *slot = &layer_slots[i];

        if ((slot->when & p->features) != slot->when)
            continue;
        snprintf(from, sizeof from, "%slayers.%u.%s", p->prefix, layer, slot->from);
        snprintf(to, sizeof to, "blk.%u.%s", layer, slot->to);
        status = add_job(p, slot, from, to, err);
    }
    if (status == 0 && (p->features & IMPORT_LATENT))
        status = add_latent(p, layer, err);
    return status;
}

/* Where the text model's tensors stand among those that see pictures. */
static const char *find_prefix(const struct import *im)
{
    static const char *const prefixes[] = {"model.", "language_model.model.",
                                           "model.language_model."};
    char name[64];

    for (size_t i = 0; i < COUNT(prefixes); i++) {
        snprintf(name, sizeof name, "%sembed_tokens.weight", prefixes[i]);
        if (shards_has(im->weights, name))
            return prefixes[i];
    }
    return prefixes[0];
}

/* The matrix of the output: the embedding's own where the config ties them, whatever
 * the checkpoint holds besides. */
static int add_output(const struct plan *p, struct infer_error *err)
{
    static const char *const names[] = {"lm_head.weight",
                                        "language_model.lm_head.weight"};
    static const struct slot slot = {"", "", VOCABULARY, WIDTH, MATRIX, 0};
    const bool gemma = (p->family->features & IMPORT_POST_NORM) != 0;
    const json_t *tie = json_object_get(import_settings(p->im), "tie_word_embeddings");
    const bool tied = tie == NULL ? gemma : json_is_true(tie);

    for (size_t i = 0; i < COUNT(names); i++) {
        if (!shards_has(p->im->weights, names[i]))
            continue;
        if (!tied)
            return add_job(p, &slot, names[i], "output.weight", err);
        shards_take(p->im->weights, names[i]);
    }
    return tied ? 0
                : infer_fail(err, INFER_EFORMAT,
                             "model.safetensors: lm_head.weight is missing, and "
                             "tie_word_embeddings is not true");
}

static int check_rest(const struct import *im, struct infer_error *err)
{
    for (size_t i = 0; i < shards_count(im->weights); i++) {
        const char *name = shards_name(im->weights, i);
        bool unused = !shards_unused(im->weights, i);

        for (size_t k = 0; !unused && k < COUNT(unused_parts); k++)
            unused = strstr(name, unused_parts[k]) != NULL;
        if (!unused)
            return infer_fail(err, INFER_EUNSUPPORTED,
                              "model.safetensors: %.120s has no place in a model of "
                              "this config.json",
                              name);
    }
    return 0;
}

static int plan_tensors(struct plan *p, struct infer_error *err)
{
    static const struct slot embedding = {"", "", VOCABULARY, WIDTH, MATRIX, 0};
    static const struct slot norm = {"", "", NONE, WIDTH, LESS_ONE, 0};
    const size_t count = shards_count(p->im->weights);
    char from[160];
    int status;

    if (p->sizes->layers > count)
        return infer_fail(err, INFER_EFORMAT,
                          "model.safetensors: %zu tensors are too few for %u layers",
                          count, p->sizes->layers);
    p->prefix = find_prefix(p->im);
    set_extents(p);
    snprintf(from, sizeof from, "%sembed_tokens.weight", p->prefix);
    status = add_job(p, &embedding, from, "token_embd.weight", err);
    for (uint32_t i = 0; status == 0 && i < p->sizes->layers; i++)
        status = add_layer(p, i, err);
    snprintf(from, sizeof from, "%snorm.weight", p->prefix);
    if (status == 0)
        status = add_job(p, &norm, from, "output_norm.weight", err);
    if (status == 0)
        status = add_output(p, err);
    return status != 0 ? status : check_rest(p->im, err);
}

/* ---- the model ------------------------------------------------------------------ */

/* A name that the folder itself gives: the card's, or what the config was saved as.
 * Phi-3's vocabulary is read by it (its special tokens swallow white space). */
static void choose_name(const struct import *im, struct checkpoint_card *card)
{
    const char *path = json_string_value(json_object_get(im->config, "_name_or_path"));
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    const char *last = slash != NULL ? slash + 1 : path;
    const char *type = json_string_value(json_object_get(im->config, "model_type"));

    if (card->name[0] == '\0' && last != NULL)
        snprintf(card->name, sizeof card->name, "%s", last);
    if (strcmp(type, "phi3") == 0 && strcasestr(card->name, "phi") == NULL) {
        memmove(card->name + 6, card->name, sizeof card->name - 7);
        memcpy(card->name, "Phi-3 ", 6);
        card->name[sizeof card->name - 1] = '\0';
    }
}

int import_decoder(struct import *im, struct infer_error *err)
{
    const json_t *model_type = json_object_get(im->config, "model_type");
    const struct import_family *family = import_family(json_string_value(model_type));
    struct import_sizes sizes = {0};
    struct plan plan = {.im = im, .family = family, .sizes = &sizes};
    struct checkpoint_card card;
    int status = checkpoint_card(&card, im->folder, err);

    if (status != 0)
        return status;
    choose_name(im, &card);
    import_general_keys(im, family->architecture, &card);
    if (family->window_period == 6 && (status = fill_settings(im, err)) != 0)
        return status;
    if ((status = import_config(im, family, &sizes, err)) != 0 ||
        (status = shards_open(&im->weights, im->folder, err)) != 0 ||
        (status = plan_tensors(&plan, err)) != 0 ||
        (status = import_rope(im, family, &sizes, err)) != 0)
        return status;
    import_type_keys(im);
    return import_words(im, &sizes, err);
}
