/* import_bert - which tensor of a bert encoder becomes which, and its keys.
 *
 * The tensors wanted stand in two tables, with the sizes they must have as places in
 * struct checkpoint. A tensor that is neither wanted nor known to play no part in an
 * embedding is refused by name: it belongs to a model of another kind. */
#include "infer/checkpoint.h"
#include "infer/import.h"

#include <stdlib.h>
#include <string.h>

struct slot {
    const char *from, *to;
    size_t rows, columns; /* offsets into struct checkpoint; or VECTOR */
    bool matrix;          /* stored in the type asked for, else F32 */
};

#define AT(field) offsetof(struct checkpoint, field)
enum { VECTOR = sizeof(struct checkpoint) }; /* no place: one row, one dimension */

static const struct slot embedding_slots[] = {
    {"embeddings.word_embeddings.weight", "token_embd.weight", AT(vocabulary),
     AT(width), true},
    {"embeddings.position_embeddings.weight", "position_embd.weight", AT(context),
     AT(width), false},
    {"embeddings.token_type_embeddings.weight", "token_types.weight", AT(types),
     AT(width), false},
    {"embeddings.LayerNorm.weight", "token_embd_norm.weight", VECTOR, AT(width), false},
    {"embeddings.LayerNorm.bias", "token_embd_norm.bias", VECTOR, AT(width), false},
};

static const struct slot layer_slots[] = {
    {"attention.self.query.weight", "attn_q.weight", AT(width), AT(width), true},
    {"attention.self.query.bias", "attn_q.bias", VECTOR, AT(width), false},
    {"attention.self.key.weight", "attn_k.weight", AT(width), AT(width), true},
    {"attention.self.key.bias", "attn_k.bias", VECTOR, AT(width), false},
    {"attention.self.value.weight", "attn_v.weight", AT(width), AT(width), true},
    {"attention.self.value.bias", "attn_v.bias", VECTOR, AT(width), false},
    {"attention.output.dense.weight", "attn_output.weight", AT(width), AT(width), true},
    {"attention.output.dense.bias", "attn_output.bias", VECTOR, AT(width), false},
    {"attention.output.LayerNorm.weight", "attn_output_norm.weight", VECTOR, AT(width),
     false},
    {"attention.output.LayerNorm.bias", "attn_output_norm.bias", VECTOR, AT(width),
     false},
    {"intermediate.dense.weight", "ffn_up.weight", AT(ffn), AT(width), true},
    {"intermediate.dense.bias", "ffn_up.bias", VECTOR, AT(ffn), false},
    {"output.dense.weight", "ffn_down.weight", AT(width), AT(ffn), true},
    {"output.dense.bias", "ffn_down.bias", VECTOR, AT(width), false},
    {"output.LayerNorm.weight", "layer_output_norm.weight", VECTOR, AT(width), false},
    {"output.LayerNorm.bias", "layer_output_norm.bias", VECTOR, AT(width), false},
};

/* Parts of a checkpoint that no embedding depends on: numbering that the library
 * could make itself, and heads for training. */
static const char *const unused_prefixes[] = {
    "embeddings.position_ids",
    "embeddings.token_type_ids",
    "pooler.",
    "cls.",
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* ---- which tensor becomes which ------------------------------------------------- */

static uint32_t size_at(const struct checkpoint *c, size_t offset)
{
    uint32_t size;

    memcpy(&size, (const char *)c + offset, sizeof size);
    return size;
}

/* from and to are the full names on both sides. */
static int add_job(struct import *im, const struct checkpoint *c,
                   const struct slot *slot, const char *from, const char *to,
                   struct infer_error *err)
{
    const bool vector = slot->rows == VECTOR;
    struct import_source source = {from, vector ? 0 : size_at(c, slot->rows),
                                   size_at(c, slot->columns)};
    struct import_job *job = import_add(im, to, err);
    int status;

    if (job == NULL)
        return INFER_ENOMEM;
    job->type = slot->matrix ? im->type : GGUF_F32;
    job->dims = vector ? 1 : 2;
    job->dim[0] = source.columns;
    job->dim[1] = vector ? 1 : source.rows;
    status = import_take(im, &source, &job->source, err);
    return status != 0 ? status : import_check_job(job, err);
}

static int check_rest(const struct import *im, const char *prefix,
                      struct infer_error *err)
{
    for (size_t i = 0; i < shards_count(im->weights); i++) {
        const char *name = shards_name(im->weights, i);
        size_t skip = strncmp(name, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0;
        bool unused = !shards_unused(im->weights, i);

        for (size_t k = 0; !unused && k < COUNT(unused_prefixes); k++)
            unused = strncmp(name + skip, unused_prefixes[k],
                             strlen(unused_prefixes[k])) == 0;
        if (!unused)
            return infer_fail(err, INFER_EUNSUPPORTED,
                              "model.safetensors: %.100s has no place in a bert "
                              "encoder of this config.json",
                              name);
    }
    return 0;
}

static int plan_layer(struct import *im, const struct checkpoint *c, const char *prefix,
                      uint32_t layer, struct infer_error *err)
{
    char from[128], to[GGUF_NAME_BYTES_MAX + 1];
    int status = 0;

    for (size_t i = 0; status == 0 && i < COUNT(layer_slots); i++) {
        snprintf(from, sizeof from, "%sencoder.layer.%u.%s", prefix, layer,
                 layer_slots[i].from);
        snprintf(to, sizeof to, "blk.%u.%s", layer, layer_slots[i].to);
        status = add_job(im, c, &layer_slots[i], from, to, err);
    }
    return status;
}

static int plan_jobs(struct import *im, const struct checkpoint *c,
                     struct infer_error *err)
{
    const bool prefixed =
        shards_has(im->weights, "bert.embeddings.word_embeddings.weight");
    const char *prefix = prefixed ? "bert." : "";
    size_t count = shards_count(im->weights);
    char from[128];
    int status = 0;

    if (c->layers > count / COUNT(layer_slots))
        return infer_fail(err, INFER_EFORMAT,
                          "model.safetensors: %zu tensors are too few for %u layers",
                          count, c->layers);
    for (size_t i = 0; status == 0 && i < COUNT(embedding_slots); i++) {
        snprintf(from, sizeof from, "%s%s", prefix, embedding_slots[i].from);
        status = add_job(im, c, &embedding_slots[i], from, embedding_slots[i].to, err);
    }
    for (uint32_t layer = 0; status == 0 && layer < c->layers; layer++)
        status = plan_layer(im, c, prefix, layer, err);
    return status != 0 ? status : check_rest(im, prefix, err);
}

/* ---- keys ----------------------------------------------------------------------- */

static void write_model_keys(struct gguf_writer *w, const struct checkpoint *c)
{
    gguf_write_u32(w, "bert.block_count", c->layers);
    gguf_write_u32(w, "bert.context_length", c->context);
    gguf_write_u32(w, "bert.embedding_length", c->width);
    gguf_write_u32(w, "bert.feed_forward_length", c->ffn);
    gguf_write_u32(w, "bert.attention.head_count", c->heads);
    gguf_write_f32(w, "bert.attention.layer_norm_epsilon", c->norm_epsilon);
    gguf_write_bool(w, "bert.attention.causal", false);
    gguf_write_u32(w, "bert.pooling_type", c->pooling);
}

static const struct {
    const char *token;
    const char *key[2];
    bool optional;
} special_tokens[] = {
    {"[UNK]", {"tokenizer.ggml.unknown_token_id", NULL}, false},
    {"[SEP]",
     {"tokenizer.ggml.seperator_token_id", "tokenizer.ggml.eos_token_id"},
     false},
    {"[PAD]", {"tokenizer.ggml.padding_token_id", NULL}, false},
    {"[CLS]", {"tokenizer.ggml.cls_token_id", "tokenizer.ggml.bos_token_id"}, false},
    {"[MASK]", {"tokenizer.ggml.mask_token_id", NULL}, true},
};

static bool is_special(struct gguf_string token)
{
    for (size_t i = 0; i < COUNT(special_tokens); i++)
        if (token.bytes == strlen(special_tokens[i].token) &&
            memcmp(token.text, special_tokens[i].token, token.bytes) == 0)
            return true;
    return false;
}

/* "##piece" is stored as "piece", "word" as U+2581 "word", a special token as it is. */
static int write_token(struct gguf_writer *w, struct gguf_string token, char **spelling)
{
    char *grown;

    if (is_special(token)) {
        gguf_write_element_string(w, token.text, token.bytes);
    } else if (token.bytes > 2 && memcmp(token.text, "##", 2) == 0) {
        gguf_write_element_string(w, token.text + 2, token.bytes - 2);
    } else {
        grown = realloc(*spelling, token.bytes + 3);
        if (grown == NULL)
            return INFER_ENOMEM;
        *spelling = grown;
        memcpy(grown, "\xe2\x96\x81", 3);
        memcpy(grown + 3, token.text, token.bytes);
        gguf_write_element_string(w, grown, token.bytes + 3);
    }
    return 0;
}

static int write_special_ids(struct gguf_writer *w, const struct checkpoint *c,
                             struct infer_error *err)
{
    for (size_t i = 0; i < COUNT(special_tokens); i++) {
        int64_t id = checkpoint_token(c, special_tokens[i].token);

        if (id < 0 && special_tokens[i].optional)
            continue;
        if (id < 0)
            return infer_fail(err, INFER_EUNSUPPORTED, "the vocabulary holds no %s",
                              special_tokens[i].token);
        for (size_t k = 0; k < 2; k++)
            if (special_tokens[i].key[k] != NULL)
                gguf_write_u32(w, special_tokens[i].key[k], (uint32_t)id);
    }
    return 0;
}

static int write_tokenizer_keys(struct gguf_writer *w, const struct checkpoint *c,
                                struct infer_error *err)
{
    char *spelling = NULL;
    int status = 0;

    gguf_write_string(w, "tokenizer.ggml.model", "bert", 4);
    gguf_write_string(w, "tokenizer.ggml.pre", "default", 7);
    gguf_write_u32(w, "tokenizer.ggml.token_type_count", c->types);
    gguf_write_array(w, "tokenizer.ggml.tokens", GGUF_STRING, c->vocabulary);
    for (uint32_t i = 0; status == 0 && i < c->vocabulary; i++)
        status = write_token(w, c->token[i], &spelling);
    free(spelling);
    if (status != 0)
        return infer_fail(err, status, "no memory for a token");
    gguf_write_array(w, "tokenizer.ggml.token_type", GGUF_I32, c->vocabulary);
    for (uint32_t i = 0; i < c->vocabulary; i++)
        gguf_write_element_i32(w, is_special(c->token[i]) ? 3 : 1);
    return write_special_ids(w, c, err);
}

int import_bert(struct import *im, struct infer_error *err)
{
    struct checkpoint c;
    int status = checkpoint_open(&c, im->folder, err);

    if (status != 0)
        return status;
    status = shards_open(&im->weights, im->folder, err);
    if (status == 0)
        status = plan_jobs(im, &c, err);
    if (status == 0) {
        import_general_keys(im, "bert", &c.card);
        write_model_keys(&im->out, &c);
        import_type_keys(im);
        status = write_tokenizer_keys(&im->out, &c, err);
    }
    checkpoint_close(&c);
    return status;
}
