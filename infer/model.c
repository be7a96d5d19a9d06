/* model - what a GGUF file must hold to be a model that can run.
 *
 * gguf.c has checked the container. Here the architecture's keys are read, each
 * with the values it may take, and every tensor is looked up by name and compared
 * with the shape the keys ask for. The tensors wanted stand in tables with the
 * place in the struct where each one goes. A tensor that no table names is refused,
 * not ignored: it belongs to a model that computes something else.
 *
 * Which number formats can be multiplied is asked when a session is opened; here
 * only vectors and the tables added to embeddings are held to plain floats.
 *
 * The file must not be changed while it is open: a mapped file that shrinks ends
 * the program. */
#include "infer/model.h"
#include "infer/gguf.h"
#include "infer/tokenizer.h"
#include "infer/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH_MAX = 65536, CONTEXT_MAX = 1 << 20 };

/* ---- tensors of the architecture "bert" ----------------------------------------- */

enum extent { NONE, WIDTH, FFN, CONTEXT, VOCABULARY, ANY };

struct slot {
    const char *name;
    size_t place;             /* in struct infer_model, or in struct bert_layer */
    enum extent length, rows; /* rows NONE: a vector */
    bool plain;               /* must be F32 or F16; vectors must be F32 */
};

#define IN_MODEL(field) offsetof(struct infer_model, field)
#define IN_LAYER(field) offsetof(struct bert_layer, field)
#define COUNT(table)    (sizeof(table) / sizeof *(table))

static const struct slot model_slots[] = {
    {"token_embd.weight", IN_MODEL(token_embd), WIDTH, VOCABULARY, false},
    {"position_embd.weight", IN_MODEL(position_embd), WIDTH, CONTEXT, true},
    {"token_types.weight", IN_MODEL(token_types), WIDTH, ANY, true},
    {"token_embd_norm.weight", IN_MODEL(embd_norm), WIDTH, NONE, true},
    {"token_embd_norm.bias", IN_MODEL(embd_norm_bias), WIDTH, NONE, true},
};

static const struct slot layer_slots[] = {
    {"attn_q.weight", IN_LAYER(q), WIDTH, WIDTH, false},
    {"attn_q.bias", IN_LAYER(q_bias), WIDTH, NONE, true},
    {"attn_k.weight", IN_LAYER(k), WIDTH, WIDTH, false},
    {"attn_k.bias", IN_LAYER(k_bias), WIDTH, NONE, true},
    {"attn_v.weight", IN_LAYER(v), WIDTH, WIDTH, false},
    {"attn_v.bias", IN_LAYER(v_bias), WIDTH, NONE, true},
    {"attn_output.weight", IN_LAYER(o), WIDTH, WIDTH, false},
    {"attn_output.bias", IN_LAYER(o_bias), WIDTH, NONE, true},
    {"attn_output_norm.weight", IN_LAYER(attn_norm), WIDTH, NONE, true},
    {"attn_output_norm.bias", IN_LAYER(attn_norm_bias), WIDTH, NONE, true},
    {"ffn_up.weight", IN_LAYER(up), WIDTH, FFN, false},
    {"ffn_up.bias", IN_LAYER(up_bias), FFN, NONE, true},
    {"ffn_down.weight", IN_LAYER(down), FFN, WIDTH, false},
    {"ffn_down.bias", IN_LAYER(down_bias), WIDTH, NONE, true},
    {"layer_output_norm.weight", IN_LAYER(out_norm), WIDTH, NONE, true},
    {"layer_output_norm.bias", IN_LAYER(out_norm_bias), WIDTH, NONE, true},
};

static uint64_t extent_of(const struct infer_model *m, enum extent extent)
{
    const uint32_t size[] = {[NONE] = 1,
                             [WIDTH] = m->width,
                             [FFN] = m->ffn,
                             [CONTEXT] = m->context,
                             [VOCABULARY] = m->vocabulary};

    return size[extent];
}

static int check_shape(const struct infer_model *m, const struct gguf_tensor *t,
                       const struct slot *slot, struct infer_error *err)
{
    uint64_t length = extent_of(m, slot->length);
    uint64_t rows = slot->rows == ANY ? t->rows : extent_of(m, slot->rows);
    uint32_t dims = slot->rows == NONE ? 1 : 2;

    if (t->dims != dims || t->dim[0] != length || t->rows != rows)
        return infer_fail(err, INFER_EFORMAT,
                          "tensor %s has %u dimensions and %llu x %llu values, the "
                          "file's keys ask for %u and %llu x %llu",
                          t->name, t->dims, (unsigned long long)t->dim[0],
                          (unsigned long long)t->rows, dims, (unsigned long long)length,
                          (unsigned long long)rows);
    if (slot->plain && t->type != GGUF_F32 && !(dims == 2 && t->type == GGUF_F16))
        return infer_fail(err, INFER_EUNSUPPORTED,
                          "tensor %s is stored as %s, supported is F32%s", t->name,
                          gguf_type_name(t->type), dims == 2 ? " or F16" : "");
    return 0;
}

/* Find one tensor, check it and store it at its place in base. */
static int take_tensor(const struct infer_model *m, const char *name,
                       const struct slot *slot, void *base, struct infer_error *err)
{
    const struct gguf_tensor *t = gguf_tensor_find(m->file, name);

    if (t == NULL)
        return infer_fail(err, INFER_EFORMAT, "tensor %s is missing", name);
    memcpy((char *)base + slot->place, &t, sizeof t);
    return check_shape(m, t, slot, err);
}

static int take_layer(struct infer_model *m, uint32_t layer, struct infer_error *err)
{
    char name[GGUF_NAME_BYTES_MAX + 1];
    int status = 0;

    for (size_t i = 0; status == 0 && i < COUNT(layer_slots); i++) {
        snprintf(name, sizeof name, "blk.%u.%s", layer, layer_slots[i].name);
        status = take_tensor(m, name, &layer_slots[i], &m->layer[layer], err);
    }
    return status;
}

static bool is_wanted(const struct infer_model *m, const char *name)
{
    unsigned layer;
    int rest = 0;

    for (size_t i = 0; i < COUNT(model_slots); i++)
        if (strcmp(name, model_slots[i].name) == 0)
            return true;
    if (sscanf(name, "blk.%u.%n", &layer, &rest) != 1 || rest == 0 ||
        layer >= m->layers)
        return false;
    for (size_t i = 0; i < COUNT(layer_slots); i++)
        if (strcmp(name + rest, layer_slots[i].name) == 0)
            return true;
    return false;
}

static int check_rest(const struct infer_model *m, struct infer_error *err)
{
    size_t wanted = COUNT(model_slots) + m->layers * COUNT(layer_slots);

    for (size_t i = 0; i < gguf_tensor_count(m->file); i++)
        if (!is_wanted(m, gguf_tensor_at(m->file, i)->name))
            return infer_fail(err, INFER_EUNSUPPORTED,
                              "tensor %s has no place in a bert model of %u layers",
                              gguf_tensor_at(m->file, i)->name, m->layers);
    if (gguf_tensor_count(m->file) != wanted)
        return infer_fail(err, INFER_EFORMAT, "%zu tensors, a bert model has %zu",
                          gguf_tensor_count(m->file), wanted);
    return 0;
}

/* ---- keys ----------------------------------------------------------------------- */

static int read_size(const struct gguf *file, const char *key, uint32_t max,
                     uint32_t *out, struct infer_error *err)
{
    int status = gguf_get_u32(file, key, out, err);

    if (status == 0 && (*out < 1 || *out > max))
        status = infer_fail(err, INFER_EFORMAT, "%s is %u, allowed are 1 to %u", key,
                            *out, max);
    return status;
}

static int read_sizes(struct infer_model *m, struct infer_error *err)
{
    const struct {
        const char *key;
        uint32_t max, *place;
    } size[] = {
        {"bert.block_count", GGUF_TENSORS_MAX, &m->layers},
        {"bert.embedding_length", WIDTH_MAX, &m->width},
        {"bert.attention.head_count", WIDTH_MAX, &m->heads},
        {"bert.feed_forward_length", WIDTH_MAX, &m->ffn},
        {"bert.context_length", CONTEXT_MAX, &m->context},
    };
    int status = 0;

    for (size_t i = 0; status == 0 && i < COUNT(size); i++)
        status = read_size(m->file, size[i].key, size[i].max, size[i].place, err);
    if (status == 0 && m->width % m->heads != 0)
        status = infer_fail(err, INFER_EFORMAT,
                            "bert.attention.head_count is %u, which does not divide "
                            "bert.embedding_length %u",
                            m->heads, m->width);
    if (status == 0 && m->layers > gguf_tensor_count(m->file) / COUNT(layer_slots))
        status = infer_fail(err, INFER_EFORMAT,
                            "bert.block_count is %u, the file has %zu tensors and a "
                            "layer needs %zu",
                            m->layers, gguf_tensor_count(m->file), COUNT(layer_slots));
    return status;
}

static int read_epsilon(struct infer_model *m, struct infer_error *err)
{
    static const char key[] = "bert.attention.layer_norm_epsilon";
    int status = gguf_get_f32(m->file, key, &m->norm_epsilon, err);

    if (status == 0 && !(m->norm_epsilon > 0 && m->norm_epsilon < 1))
        status = infer_fail(err, INFER_EFORMAT,
                            "%s is %g, allowed is more than 0 and less than 1", key,
                            (double)m->norm_epsilon);
    return status;
}

static int read_pooling(struct infer_model *m, struct infer_error *err)
{
    static const char key[] = "bert.pooling_type";
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
static int read_causal(const struct infer_model *m, struct infer_error *err)
{
    static const char key[] = "bert.attention.causal";
    bool causal = false;
    int status =
        gguf_find(m->file, key) ? gguf_get_bool(m->file, key, &causal, err) : 0;

    if (status == 0 && causal)
        status =
            infer_fail(err, INFER_EUNSUPPORTED, "%s is true, supported is false", key);
    return status;
}

static int read_tokenizer(struct infer_model *m, struct infer_error *err)
{
    int status = tokenizer_open(&m->tokenizer, m->file, err);

    if (status == 0)
        m->vocabulary = m->tokenizer->count;
    return status;
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

/* ---- texts a user may be shown -------------------------------------------------- */

/* Control characters and bytes that are no UTF-8 become '?'. */
static void make_plain(char *text)
{
    size_t bytes = strlen(text), at = 0;

    while (at < bytes) {
        size_t start = at;
        int32_t c = utf8_next(text, bytes, &at);

        if (c == UTF8_INVALID || c < 0x20 || (c >= 0x7f && c < 0xa0))
            memset(text + start, '?', at - start);
    }
}

/* A copy of a key's text, made plain; NULL when the file has none. */
static int copy_text(const struct gguf *file, const char *key, const char **out,
                     struct infer_error *err)
{
    struct gguf_string found = {"", 0};
    char *copy;
    int status;

    *out = NULL;
    if (gguf_find(file, key) == NULL)
        return 0;
    status = gguf_get_string(file, key, &found, err);
    if (status != 0)
        return status;
    copy = strndup(found.text, found.bytes);
    if (copy == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for %s", key);
    make_plain(copy);
    *out = copy;
    return 0;
}

static int read_texts(struct infer_model *m, struct infer_error *err)
{
    int status = copy_text(m->file, "general.name", &m->name, err);

    if (status == 0)
        status = copy_text(m->file, "general.license", &m->license, err);
    return status;
}

/* ---- open and close ------------------------------------------------------------- */

static int check_architecture(struct infer_model *m, struct infer_error *err)
{
    struct gguf_string found = {"", 0};
    int status = gguf_get_string(m->file, "general.architecture", &found, err);

    if (status == 0 && (found.bytes != 4 || memcmp(found.text, "bert", 4) != 0))
        status = infer_fail(err, INFER_EUNSUPPORTED,
                            "general.architecture is \"%.*s\", supported is bert",
                            (int)(found.bytes < 40 ? found.bytes : 40), found.text);
    m->architecture = "bert";
    return status;
}

static int take_tensors(struct infer_model *m, struct infer_error *err)
{
    int status = 0;

    m->layer = calloc(m->layers, sizeof *m->layer);
    if (m->layer == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for %u layers", m->layers);
    for (size_t i = 0; status == 0 && i < COUNT(model_slots); i++)
        status = take_tensor(m, model_slots[i].name, &model_slots[i], m, err);
    for (uint32_t layer = 0; status == 0 && layer < m->layers; layer++)
        status = take_layer(m, layer, err);
    for (size_t i = 0; i < gguf_tensor_count(m->file); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(m->file, i);

        m->parameters += t->dim[0] * t->rows;
    }
    return status;
}

/* Takes the file over, whatever comes of it. */
static int read_model(struct infer_model **out, struct gguf *file,
                      struct infer_error *err)
{
    struct infer_model *m = calloc(1, sizeof *m);
    int status;

    *out = NULL;
    if (m == NULL) {
        gguf_close(file);
        return infer_fail(err, INFER_ENOMEM, "no memory for a model");
    }
    m->file = file;
    m->file_bytes = gguf_file_bytes(file);
    status = check_architecture(m, err);
    if (status == 0)
        status = read_texts(m, err);
    if (status == 0)
        status = read_sizes(m, err);
    if (status == 0)
        status = read_epsilon(m, err);
    if (status == 0)
        status = read_causal(m, err);
    if (status == 0)
        status = read_pooling(m, err);
    if (status == 0)
        status = read_tokenizer(m, err);
    if (status == 0)
        status = take_tensors(m, err);
    if (status == 0)
        status = check_token_types(m, err);
    if (status == 0)
        status = check_rest(m, err);
    if (status != 0)
        infer_model_close(m);
    else
        *out = m;
    return status;
}

int infer_model_open(struct infer_model **out, const char *path,
                     struct infer_error *err)
{
    struct gguf *file;
    int status = gguf_open(&file, path, err);

    *out = NULL;
    return status != 0 ? status : read_model(out, file, err);
}

int model_open_memory(struct infer_model **out, const void *bytes, size_t count,
                      struct infer_error *err)
{
    struct gguf *file;
    int status = gguf_open_memory(&file, bytes, count, err);

    *out = NULL;
    return status != 0 ? status : read_model(out, file, err);
}

void infer_model_close(struct infer_model *m)
{
    if (m == NULL)
        return;
    tokenizer_close(m->tokenizer);
    free(m->layer);
    free((void *)(uintptr_t)m->name);
    free((void *)(uintptr_t)m->license);
    gguf_close(m->file);
    free(m);
}

/* ---- telling about it ----------------------------------------------------------- */

static void count_type(struct infer_model_info *info, const char *name)
{
    size_t i = 0;

    while (i < info->type_count && strcmp(info->types[i].name, name) != 0)
        i++;
    if (i == INFER_TYPES_MAX)
        return;
    if (i == info->type_count)
        info->types[info->type_count++].name = name;
    info->types[i].tensors++;
}

void infer_model_info(const struct infer_model *m, struct infer_model_info *out)
{
    *out = (struct infer_model_info){
        .architecture = m->architecture,
        .name = m->name != NULL ? m->name : "",
        .license = m->license,
        .parameters = m->parameters,
        .file_bytes = m->file_bytes,
        .context_tokens = m->context,
        .width = m->width,
        .layers = m->layers,
        .vocabulary_tokens = m->vocabulary,
    };
    for (size_t i = 0; i < gguf_tensor_count(m->file); i++)
        count_type(out, gguf_type_name(gguf_tensor_at(m->file, i)->type));
}
