/* model_encoder - what the file of a BERT-like encoder must hold.
 *
 * Two families: bert, whose positions are learned and whose feed-forward is bent by
 * a GELU, and nomic-bert, whose positions are rotary and whose feed-forward has a
 * gate. Neither masks anything: every token sees every token. */
#include "infer/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "infer/keys.h"
#include "infer/rope.h"
#include "infer/slot.h"

enum { WIDTH_MAX = 65536, CONTEXT_MAX = 1 << 20 };

/* ---- tensors -------------------------------------------------------------------- */

enum extent { WIDTH = 1, WIDTH_THRICE, FFN, CONTEXT, VOCABULARY, EXTENTS };

enum feature { LEARNED = 1, ROTARY = 2 };

#define IN_MODEL(field) offsetof(struct infer_model, field)
#define IN_LAYER(field) offsetof(struct bert_layer, field)
#define COUNT(table)    (sizeof(table) / sizeof *(table))

static const struct slot model_slots[] = {
    {"token_embd.weight", IN_MODEL(token_embd), .dims = {WIDTH, VOCABULARY}},
    {"position_embd.weight", IN_MODEL(position_embd), .dims = {WIDTH, CONTEXT},
     .plain = true, .when = LEARNED},
    {"token_types.weight", IN_MODEL(token_types), .dims = {WIDTH, SLOT_ANY},
     .plain = true},
    {"token_embd_norm.weight", IN_MODEL(embd_norm), .dims = {WIDTH}},
    {"token_embd_norm.bias", IN_MODEL(embd_norm_bias), .dims = {WIDTH}},
};

static const struct slot layer_slots[] = {
    {"attn_q.weight", IN_LAYER(q), .dims = {WIDTH, WIDTH}, .when = LEARNED},
    {"attn_q.bias", IN_LAYER(q_bias), .dims = {WIDTH}, .when = LEARNED},
    {"attn_k.weight", IN_LAYER(k), .dims = {WIDTH, WIDTH}, .when = LEARNED},
    {"attn_k.bias", IN_LAYER(k_bias), .dims = {WIDTH}, .when = LEARNED},
    {"attn_v.weight", IN_LAYER(v), .dims = {WIDTH, WIDTH}, .when = LEARNED},
    {"attn_v.bias", IN_LAYER(v_bias), .dims = {WIDTH}, .when = LEARNED},
    {"attn_qkv.weight", IN_LAYER(qkv), .dims = {WIDTH, WIDTH_THRICE}, .when = ROTARY},
    {"attn_output.weight", IN_LAYER(o), .dims = {WIDTH, WIDTH}},
    {"attn_output.bias", IN_LAYER(o_bias), .dims = {WIDTH}, .when = LEARNED},
    {"attn_output_norm.weight", IN_LAYER(attn_norm), .dims = {WIDTH}},
    {"attn_output_norm.bias", IN_LAYER(attn_norm_bias), .dims = {WIDTH}},
    {"ffn_gate.weight", IN_LAYER(gate), .dims = {WIDTH, FFN}, .when = ROTARY},
    {"ffn_up.weight", IN_LAYER(up), .dims = {WIDTH, FFN}},
    {"ffn_up.bias", IN_LAYER(up_bias), .dims = {FFN}, .when = LEARNED},
    {"ffn_down.weight", IN_LAYER(down), .dims = {FFN, WIDTH}},
    {"ffn_down.bias", IN_LAYER(down_bias), .dims = {WIDTH}, .when = LEARNED},
    {"layer_output_norm.weight", IN_LAYER(out_norm), .dims = {WIDTH}},
    {"layer_output_norm.bias", IN_LAYER(out_norm_bias), .dims = {WIDTH}},
};

static int take_layers(struct infer_model *m, struct slots *slots,
                       struct infer_error *err)
{
    char prefix[32];
    int status = 0;

    m->layer = calloc(m->layers, sizeof *m->layer);
    if (m->layer == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for %u layers", m->layers);
    for (uint32_t i = 0; status == 0 && i < m->layers; i++) {
        snprintf(prefix, sizeof prefix, "blk.%u.", i);
        status = slots_take(slots, prefix, layer_slots, COUNT(layer_slots),
                            m->layer + i, err);
    }
    return status;
}

static int take_tensors(struct infer_model *m, unsigned feature,
                        struct infer_error *err)
{
    const uint64_t extent[EXTENTS] = {[WIDTH] = m->width,
                                      [WIDTH_THRICE] = 3 * (uint64_t)m->width,
                                      [FFN] = m->ffn,
                                      [CONTEXT] = m->context,
                                      [VOCABULARY] = m->vocabulary};
    struct slots slots = {.file = m->file,
                          .architecture = m->architecture,
                          .extent = extent,
                          .features = feature};
    int status = slots_open(&slots, err);

    if (status == 0)
        status = slots_take(&slots, "", model_slots, COUNT(model_slots), m, err);
    if (status == 0)
        status = take_layers(m, &slots, err);
    if (status == 0)
        status = slots_check_rest(&slots, err);
    slots_close(&slots);
    return status;
}

/* ---- keys ----------------------------------------------------------------------- */

static int read_sizes(struct infer_model *m, struct keys *k, struct infer_error *err)
{
    const size_t tensors = gguf_tensor_count(m->file);
    const struct {
        const char *key;
        uint32_t max, *place;
    } size[] = {
        {"block_count", GGUF_TENSORS_MAX, &m->layers},
        {"embedding_length", WIDTH_MAX, &m->width},
        {"attention.head_count", WIDTH_MAX, &m->heads},
        {"feed_forward_length", WIDTH_MAX, &m->ffn},
        {"context_length", CONTEXT_MAX, &m->context},
    };
    int status = 0;

    for (size_t i = 0; status == 0 && i < COUNT(size); i++)
        status = keys_count(k, size[i].key, size[i].max, 0, size[i].place, err);
    if (status == 0 && m->width % m->heads != 0)
        status = infer_fail(err, INFER_EFORMAT,
                            "%s.attention.head_count is %u, which does not divide "
                            "embedding_length %u",
                            m->architecture, m->heads, m->width);
    if (status == 0 && m->layers > tensors)
        status = infer_fail(err, INFER_EFORMAT,
                            "%s.block_count is %u, the file has %zu tensors in all",
                            m->architecture, m->layers, tensors);
    return status;
}

static int read_pooling(struct infer_model *m, struct keys *k, struct infer_error *err)
{
    const char *key = keys_name(k, "pooling_type");
    uint32_t pooling = 0;
    int status =
        gguf_find(m->file, key) ? gguf_get_u32(m->file, key, &pooling, err) : 0;

    if (status == 0 && pooling != MODEL_POOL_MEAN && pooling != MODEL_POOL_CLS)
        status = infer_fail(err, INFER_EUNSUPPORTED,
                            "%s is %s%u, supported are 1 (mean) and 2 ([CLS])", key,
                            gguf_find(m->file, key) ? "" : "missing: ", pooling);
    m->pooling = (enum model_pooling)pooling;
    return status;
}

/* The attention of an encoder sees the whole text. */
static int read_causal(struct keys *k, struct infer_error *err)
{
    bool causal = false;
    int status = keys_flag(k, "attention.causal", false, &causal, err);

    if (status == 0 && causal)
        status = infer_fail(err, INFER_EUNSUPPORTED, "%s is true, supported is false",
                            k->name);
    return status;
}

static int read_positions(struct infer_model *m, struct keys *k,
                          struct infer_error *err)
{
    struct rope_stretch stretch = {.factor = 1, .magnitude = 1};
    int status = keys_real(k, "rope.freq_base", 1e12, 10000, &stretch.base, err);

    m->rope = calloc(1, sizeof *m->rope);
    if (status != 0 || m->rope == NULL)
        return status != 0 ? status : infer_fail(err, INFER_ENOMEM, "no memory");
    if (stretch.base <= 1 || m->width / m->heads % 2 != 0)
        return infer_fail(err, INFER_EFORMAT,
                          "%s is %g with heads of %u: it must be more than 1, heads "
                          "even",
                          k->name, stretch.base, m->width / m->heads);
    m->rope->dims = m->width / m->heads;
    m->rope->halves = true;
    return rope_open(m->rope, &stretch, err);
}

static int check_token_types(const struct infer_model *m, struct infer_error *err)
{
    static const char key[] = "tokenizer.ggml.token_type_count";
    uint32_t types = 0;

    if (gguf_find(m->file, key) == NULL)
        return 0;
    if (gguf_get_u32(m->file, key, &types, err) != 0)
        return INFER_EFORMAT;
    if (types != m->token_types->rows)
        return infer_fail(err, INFER_EFORMAT,
                          "%s is %u, token_types.weight has %llu rows", key, types,
                          (unsigned long long)m->token_types->rows);
    return 0;
}

bool encoder_knows(const char *architecture)
{
    return strcmp(architecture, "bert") == 0 || strcmp(architecture, "nomic-bert") == 0;
}

int encoder_read(struct infer_model *m, struct infer_error *err)
{
    const bool rotary = strcmp(m->architecture, "nomic-bert") == 0;
    struct keys keys = {.file = m->file, .architecture = m->architecture};
    int status = read_sizes(m, &keys, err);

    if (status == 0)
        status = keys_float(&keys, "attention.layer_norm_epsilon", 1, 0,
                            &m->norm_epsilon, err);
    if (status == 0)
        status = read_causal(&keys, err);
    if (status == 0)
        status = read_pooling(m, &keys, err);
    if (status == 0 && rotary)
        status = read_positions(m, &keys, err);
    if (status == 0)
        status = take_tensors(m, rotary ? ROTARY : LEARNED, err);
    return status != 0 ? status : check_token_types(m, err);
}

void encoder_free(struct infer_model *m)
{
    if (m->rope != NULL)
        rope_close(m->rope);
    free(m->rope);
    free(m->layer);
}
