/* import - a Hugging Face checkpoint becomes one GGUF file.
 *
 *     checkpoint.c   what the JSON files and the vocabulary say, or a refusal
 *     safetensors.c  the weights
 *     here           which tensor becomes which, the keys, the number format
 *     gguf_write.c   the bytes
 *
 * The tensors wanted stand in two tables, with the sizes they must have as places
 * in struct checkpoint. A tensor of the checkpoint that is neither wanted nor known
 * to play no part in an embedding is refused by name: it belongs to a model of
 * another kind. Everything is checked before the first byte is written, and the
 * file gets its name only when it is whole and on the disk. */
#include "infer/checkpoint.h"
#include "infer/gguf_write.h"
#include "infer/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

struct job { /* one tensor to write */
    const struct safetensors_tensor *source;
    char name[GGUF_NAME_BYTES_MAX + 1];
    enum gguf_type type;
    uint32_t dims;
    uint64_t dim[2]; /* row length, rows */
};

struct import {
    struct checkpoint checkpoint;
    struct safetensors *weights;
    const char *prefix; /* "bert." where the checkpoint has it */
    enum gguf_type type;
    struct job *job;
    size_t job_count;
    bool *taken; /* of the weights, by their place in the file */
    float *row;
    uint8_t *packed;
};

/* ---- which tensor becomes which ------------------------------------------------- */

static uint32_t size_at(const struct checkpoint *c, size_t offset)
{
    uint32_t size;

    memcpy(&size, (const char *)c + offset, sizeof size);
    return size;
}

static int check_source(const struct job *job, const char *name,
                        struct infer_error *err)
{
    const struct safetensors_tensor *t = job->source;
    bool same;

    if (t == NULL)
        return infer_fail(err, INFER_EFORMAT, "model.safetensors: %s is missing", name);
    if (t->type == SAFETENSORS_OTHER)
        return infer_fail(err, INFER_EUNSUPPORTED,
                          "model.safetensors: %s is stored as %s; F32, F16 and BF16 "
                          "are read",
                          name, t->type_name);
    same = t->dims == job->dims && t->dim[t->dims - 1] == job->dim[0] &&
           (t->dims == 1 || t->dim[0] == job->dim[1]);
    if (!same)
        return infer_fail(err, INFER_EFORMAT,
                          "model.safetensors: %s has %u dimensions and %llu values, "
                          "config.json asks for %llu x %llu",
                          name, t->dims, (unsigned long long)t->values,
                          (unsigned long long)job->dim[1],
                          (unsigned long long)job->dim[0]);
    if (job->dim[0] % gguf_block_values(job->type) != 0)
        return infer_fail(err, INFER_EUNSUPPORTED,
                          "%s has rows of %llu values; %s needs a multiple of %u: "
                          "import as F32",
                          name, (unsigned long long)job->dim[0],
                          gguf_type_name(job->type), gguf_block_values(job->type));
    return 0;
}

/* from and to are the full names on both sides. */
static int add_job(struct import *im, const struct slot *slot, const char *from,
                   const char *to, struct infer_error *err)
{
    const struct checkpoint *c = &im->checkpoint;
    struct job *job = &im->job[im->job_count++];
    int status;

    job->source = safetensors_find(im->weights, from);
    snprintf(job->name, sizeof job->name, "%s", to);
    job->type = slot->matrix ? im->type : GGUF_F32;
    job->dims = slot->rows == VECTOR ? 1 : 2;
    job->dim[0] = size_at(c, slot->columns);
    job->dim[1] = slot->rows == VECTOR ? 1 : size_at(c, slot->rows);
    status = check_source(job, from, err);
    if (status == 0)
        im->taken[job->source - safetensors_at(im->weights, 0)] = true;
    return status;
}

static int check_rest(const struct import *im, struct infer_error *err)
{
    for (size_t i = 0; i < safetensors_count(im->weights); i++) {
        const char *name = safetensors_at(im->weights, i)->name;
        size_t prefix = strlen(im->prefix);
        bool unused = im->taken[i];

        if (strncmp(name, im->prefix, prefix) != 0)
            prefix = 0;
        for (size_t k = 0; !unused && k < COUNT(unused_prefixes); k++)
            unused = strncmp(name + prefix, unused_prefixes[k],
                             strlen(unused_prefixes[k])) == 0;
        if (!unused)
            return infer_fail(err, INFER_EUNSUPPORTED,
                              "model.safetensors: %.100s has no place in a bert "
                              "encoder of this config.json",
                              name);
    }
    return 0;
}

static int plan_layer(struct import *im, uint32_t layer, struct infer_error *err)
{
    char from[128], to[GGUF_NAME_BYTES_MAX + 1];
    int status = 0;

    for (size_t i = 0; status == 0 && i < COUNT(layer_slots); i++) {
        snprintf(from, sizeof from, "%sencoder.layer.%u.%s", im->prefix, layer,
                 layer_slots[i].from);
        snprintf(to, sizeof to, "blk.%u.%s", layer, layer_slots[i].to);
        status = add_job(im, &layer_slots[i], from, to, err);
    }
    return status;
}

static int plan_jobs(struct import *im, struct infer_error *err)
{
    size_t count = safetensors_count(im->weights);
    char from[128];
    int status = 0;

    if (im->checkpoint.layers > count / COUNT(layer_slots))
        return infer_fail(err, INFER_EFORMAT,
                          "model.safetensors: %zu tensors are too few for %u layers",
                          count, im->checkpoint.layers);
    im->job =
        calloc(COUNT(embedding_slots) + im->checkpoint.layers * COUNT(layer_slots),
               sizeof *im->job);
    im->taken = calloc(count + 1, sizeof *im->taken);
    if (im->job == NULL || im->taken == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for %zu tensors", count);
    im->prefix = safetensors_find(im->weights, "bert.embeddings.word_embeddings.weight")
                     ? "bert."
                     : "";
    for (size_t i = 0; status == 0 && i < COUNT(embedding_slots); i++) {
        snprintf(from, sizeof from, "%s%s", im->prefix, embedding_slots[i].from);
        status = add_job(im, &embedding_slots[i], from, embedding_slots[i].to, err);
    }
    for (uint32_t layer = 0; status == 0 && layer < im->checkpoint.layers; layer++)
        status = plan_layer(im, layer, err);
    return status != 0 ? status : check_rest(im, err);
}

/* ---- keys ----------------------------------------------------------------------- */

static void write_model_keys(struct gguf_writer *w, const struct import *im)
{
    const struct checkpoint *c = &im->checkpoint;

    gguf_write_string(w, "general.architecture", "bert", 4);
    gguf_write_string(w, "general.type", "model", 5);
    if (c->name[0] != '\0')
        gguf_write_string(w, "general.name", c->name, strlen(c->name));
    if (c->license[0] != '\0')
        gguf_write_string(w, "general.license", c->license, strlen(c->license));
    gguf_write_u32(w, "bert.block_count", c->layers);
    gguf_write_u32(w, "bert.context_length", c->context);
    gguf_write_u32(w, "bert.embedding_length", c->width);
    gguf_write_u32(w, "bert.feed_forward_length", c->ffn);
    gguf_write_u32(w, "bert.attention.head_count", c->heads);
    gguf_write_f32(w, "bert.attention.layer_norm_epsilon", c->norm_epsilon);
    gguf_write_bool(w, "bert.attention.causal", false);
    gguf_write_u32(w, "bert.pooling_type", c->pooling);
    gguf_write_u32(w, "general.file_type", im->type == GGUF_Q8_0 ? 7 : 0);
    gguf_write_u32(w, "general.quantization_version", 2);
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

/* ---- numbers -------------------------------------------------------------------- */

static float float_from_bits(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static float float_from_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, magnitude = half & 0x7fff;
    float value;

    if (magnitude < 0x400) /* subnormal: units of 2^-24 */
        value = (float)magnitude * 0x1p-24f;
    else if (magnitude < 0x7c00)
        value = float_from_bits((magnitude << 13) + (112u << 23));
    else
        value = float_from_bits(0x7f800000u | (magnitude & 0x3ff) << 13);
    return sign != 0 ? -value : value;
}

/* Round a positive number below 65,520 to the nearest half, ties to even. */
static uint16_t half_from_float(float value)
{
    uint32_t bits;

    if (value < 0x1p-14f) { /* 0.5 has an ulp of 2^-24, the unit of subnormals */
        value += 0.5f;
        memcpy(&bits, &value, sizeof bits);
        return (uint16_t)(bits - 0x3f000000u);
    }
    memcpy(&bits, &value, sizeof bits);
    bits += 0xfff + (bits >> 13 & 1);
    return (uint16_t)((bits >> 13) - (112u << 10));
}

static float read_value(const struct safetensors_tensor *t, uint64_t i)
{
    float value;
    uint16_t half;

    if (t->type == SAFETENSORS_F32) {
        memcpy(&value, t->data + i * sizeof value, sizeof value);
        return value;
    }
    memcpy(&half, t->data + i * sizeof half, sizeof half);
    return t->type == SAFETENSORS_F16 ? float_from_half(half)
                                      : float_from_bits((uint32_t)half << 16);
}

/* One block of Q8_0: an F16 scale and 32 signed bytes. The scale is the largest
 * magnitude over 127; values are divided by it before it is rounded to F16, and
 * round half away from zero. */
static void pack_q8_0(const float *x, uint8_t *block)
{
    float largest = 0, scale, inverse;
    uint16_t half;

    for (size_t i = 0; i < 32; i++)
        largest = fmaxf(largest, fabsf(x[i]));
    scale = largest / 127;
    inverse = scale > 0 ? 1 / scale : 0;
    if (isinf(inverse)) /* smaller than any F16: the block is zero */
        inverse = 0;
    half = half_from_float(scale);
    memcpy(block, &half, sizeof half);
    for (size_t i = 0; i < 32; i++)
        block[2 + i] = (uint8_t)(int8_t)roundf(x[i] * inverse);
}

/* The largest magnitude whose scale still is a finite F16. */
static const float q8_0_largest = 65504.0f * 127;

static int read_row(struct import *im, const struct job *job, uint64_t row,
                    struct infer_error *err)
{
    float allowed = job->type == GGUF_Q8_0 ? q8_0_largest : 0x1.fffffep127f;

    for (uint64_t i = 0; i < job->dim[0]; i++) {
        im->row[i] = read_value(job->source, row * job->dim[0] + i);
        if (!(fabsf(im->row[i]) <= allowed))
            return infer_fail(err, INFER_EUNSUPPORTED,
                              "%s holds %g, which %s cannot store", job->source->name,
                              (double)im->row[i], gguf_type_name(job->type));
    }
    return 0;
}

static int write_job(struct import *im, struct gguf_writer *w, FILE *file,
                     const struct job *job, struct infer_error *err)
{
    size_t blocks = job->dim[0] / 32;
    int status = 0;

    for (uint64_t row = 0; status == 0 && row < job->dim[1]; row++) {
        status = read_row(im, job, row, err);
        if (status != 0)
            break;
        if (job->type == GGUF_F32) {
            gguf_write_data(w, file, im->row, job->dim[0] * sizeof *im->row);
            continue;
        }
        for (size_t i = 0; i < blocks; i++)
            pack_q8_0(im->row + i * 32, im->packed + i * 34);
        gguf_write_data(w, file, im->packed, blocks * 34);
    }
    gguf_write_pad(w, file);
    return status;
}

/* ---- the file ------------------------------------------------------------------- */

static int write_file(struct import *im, FILE *file, struct infer_error *err)
{
    struct gguf_writer w = {0};
    size_t widest = im->checkpoint.width > im->checkpoint.ffn ? im->checkpoint.width
                                                              : im->checkpoint.ffn;
    int status, ended;

    im->row = calloc(widest, sizeof *im->row);
    im->packed = calloc(widest / 32 + 1, 34);
    if (im->row == NULL || im->packed == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for a row of %zu", widest);
    write_model_keys(&w, im);
    status = write_tokenizer_keys(&w, &im->checkpoint, err);
    for (size_t i = 0; i < im->job_count; i++)
        gguf_write_tensor(&w, im->job[i].name, im->job[i].type, im->job[i].dims,
                          im->job[i].dim);
    if (status == 0)
        gguf_write_head(&w, file);
    for (size_t i = 0; status == 0 && i < im->job_count; i++)
        status = write_job(im, &w, file, &im->job[i], err);
    ended = gguf_write_end(&w, file);
    if (status == 0 && ended != 0)
        status = infer_fail(err, ended, "writing the model: %s",
                            ended == INFER_EIO ? strerror(errno) : "no memory");
    return status;
}

/* Write beside the goal, then give the file its name. */
static int write_beside(struct import *im, const char *part, const char *out_path,
                        struct infer_error *err)
{
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    int status;

    if (file == NULL) {
        status = infer_fail(err, INFER_EIO, "%.150s: %s", part, strerror(errno));
        if (fd >= 0)
            close(fd);
        return status;
    }
    status = write_file(im, file, err);
    if (status == 0 && fsync(fd) != 0)
        status = infer_fail(err, INFER_EIO, "%.150s: %s", part, strerror(errno));
    if (fclose(file) != 0 && status == 0)
        status = infer_fail(err, INFER_EIO, "%.150s: %s", part, strerror(errno));
    if (status == 0 && rename(part, out_path) != 0)
        status = infer_fail(err, INFER_EIO, "%.150s: %s", out_path, strerror(errno));
    if (status != 0)
        unlink(part);
    return status;
}

static int open_weights(struct import *im, const char *folder, struct infer_error *err)
{
    char *path;
    int status;

    if (asprintf(&path, "%s/model.safetensors", folder) < 0)
        return infer_fail(err, INFER_ENOMEM, "no memory for a path");
    status = safetensors_open(&im->weights, path, err);
    free(path);
    return status;
}

static int parse_type(const char *word, enum gguf_type *out, struct infer_error *err)
{
    if (strcmp(word, "F32") == 0)
        *out = GGUF_F32;
    else if (strcmp(word, "Q8_0") == 0)
        *out = GGUF_Q8_0;
    else
        return infer_fail(err, INFER_EINVALID,
                          "type \"%.40s\", allowed are F32 and Q8_0", word);
    return 0;
}

int infer_import(const char *folder, const char *out_path, const char *type,
                 struct infer_error *err)
{
    struct import im = {0};
    char *part = NULL;
    int status = parse_type(type, &im.type, err);

    if (status == 0)
        status = checkpoint_open(&im.checkpoint, folder, err);
    if (status == 0)
        status = open_weights(&im, folder, err);
    if (status == 0)
        status = plan_jobs(&im, err);
    if (status == 0 && asprintf(&part, "%s.part-%ld", out_path, (long)getpid()) < 0) {
        part = NULL;
        status = infer_fail(err, INFER_ENOMEM, "no memory for a path");
    }
    if (status == 0)
        status = write_beside(&im, part, out_path, err);
    free(part);
    free(im.packed);
    free(im.row);
    free(im.taken);
    free(im.job);
    safetensors_close(im.weights);
    checkpoint_close(&im.checkpoint);
    return status;
}
