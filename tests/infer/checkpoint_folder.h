/* checkpoint_folder - a Hugging Face checkpoint of a few kilobytes, made in a folder
 * of its own under /tmp, sound or changed in one named way. */
#ifndef TESTS_INFER_CHECKPOINT_FOLDER_H
#define TESTS_INFER_CHECKPOINT_FOLDER_H

#include "infer/model.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WIDTH = 32, FFN = 64, CONTEXT = 8, TOKENS = 8 };

static const char config_json[] =
    "{\"model_type\":\"bert\",\"hidden_act\":\"gelu\",\"hidden_size\":32,"
    "\"intermediate_size\":64,\"layer_norm_eps\":1e-12,\"max_position_embeddings\":8,"
    "\"num_attention_heads\":2,\"num_hidden_layers\":1,\"type_vocab_size\":2,"
    "\"vocab_size\":8,\"position_embedding_type\":\"absolute\",\"is_decoder\":false}";
static const char pooling_json[] =
    "{\"word_embedding_dimension\":32,\"pooling_mode_cls_token\":false,"
    "\"pooling_mode_mean_tokens\":true,\"pooling_mode_max_tokens\":false}";
static const char modules_json[] =
    "[{\"type\":\"sentence_transformers.models.Transformer\"},"
    "{\"type\":\"sentence_transformers.models.Pooling\"},"
    "{\"type\":\"sentence_transformers.models.Normalize\"}]";
static const char tokenizer_json[] =
    "{\"added_tokens\":[{\"id\":2,\"content\":\"[CLS]\"}],"
    "\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,"
    "\"handle_chinese_chars\":true,\"strip_accents\":null,\"lowercase\":true},"
    "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
    "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\","
    "\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100,"
    "\"vocab\":{\"[PAD]\":0,\"[UNK]\":1,\"[CLS]\":2,\"[SEP]\":3,\"[MASK]\":4,"
    "\"[unused0]\":5,\"hello\":6,\"##s\":7}}}";
static const char vocab_txt[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n[unused0]\nhello\r\n##s\n";
static const char readme_md[] = "---\nlanguage: en\nlicense: \"cc0-1.0\"\n---\n\n"
                                "Text.\n\n# tiny-sentences\n";

static const struct {
    const char *name, *text;
} text_files[] = {
    {"config.json", config_json},
    {"1_Pooling/config.json", pooling_json},
    {"modules.json", modules_json},
    {"tokenizer.json", tokenizer_json},
    {"vocab.txt", vocab_txt},
    {"README.md", readme_md},
    {"tokenizer_config.json", "{\"do_lower_case\":true}"},
};

enum { TEXT_FILES = sizeof text_files / sizeof *text_files };

/* What a test changes in the folder. */
struct change {
    const char *file;        /* a text file that is changed, or left out: */
    const char *from, *into; /* ... this part of it becomes that; NULL: left out */
    const char *dtype;       /* of the weights; NULL: "F32" */
    const char *renamed;     /* a tensor that gets the name "other.weight" */
    const char *prefix;      /* before every tensor's name */
    float spoiled;           /* the first value of every tensor, when not 0 */
    float shrunk;            /* a factor for every value, when not 0 */
};

struct folder {
    char path[64], out[80];
};

static const struct {
    const char *name;
    uint32_t rows, length; /* rows 0: a vector */
} tensors[] = {
    {"embeddings.position_ids", 1, CONTEXT},
    {"embeddings.LayerNorm.bias", 0, WIDTH},
    {"embeddings.LayerNorm.weight", 0, WIDTH},
    {"embeddings.position_embeddings.weight", CONTEXT, WIDTH},
    {"embeddings.token_type_embeddings.weight", 2, WIDTH},
    {"embeddings.word_embeddings.weight", TOKENS, WIDTH},
    {"encoder.layer.0.attention.output.LayerNorm.bias", 0, WIDTH},
    {"encoder.layer.0.attention.output.LayerNorm.weight", 0, WIDTH},
    {"encoder.layer.0.attention.output.dense.bias", 0, WIDTH},
    {"encoder.layer.0.attention.output.dense.weight", WIDTH, WIDTH},
    {"encoder.layer.0.attention.self.key.bias", 0, WIDTH},
    {"encoder.layer.0.attention.self.key.weight", WIDTH, WIDTH},
    {"encoder.layer.0.attention.self.query.bias", 0, WIDTH},
    {"encoder.layer.0.attention.self.query.weight", WIDTH, WIDTH},
    {"encoder.layer.0.attention.self.value.bias", 0, WIDTH},
    {"encoder.layer.0.attention.self.value.weight", WIDTH, WIDTH},
    {"encoder.layer.0.intermediate.dense.bias", 0, FFN},
    {"encoder.layer.0.intermediate.dense.weight", FFN, WIDTH},
    {"encoder.layer.0.output.LayerNorm.bias", 0, WIDTH},
    {"encoder.layer.0.output.LayerNorm.weight", 0, WIDTH},
    {"encoder.layer.0.output.dense.bias", 0, WIDTH},
    {"encoder.layer.0.output.dense.weight", WIDTH, FFN},
    {"pooler.dense.weight", WIDTH, WIDTH},
};

enum { TENSORS = sizeof tensors / sizeof *tensors, WORDS = 5 };

/* Sixty-fourths up to 127/64: exact in F16 and BF16 too. */
static inline float weight(size_t tensor, size_t i)
{
    return (float)((int)((i * 37 + tensor * 11) % 255) - 127) / 64;
}

static inline size_t values_of(size_t tensor)
{
    return tensors[tensor].length * (tensors[tensor].rows ? tensors[tensor].rows : 1);
}

/* ---- making it ---------------------------------------------------------------
 */

static inline uint16_t top_half(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)(bits >> 16);
}

/* Exact for the weights of this test. */
static inline uint16_t half_of(float value)
{
    int exponent;
    float fraction = frexpf(fabsf(value), &exponent);
    unsigned sign = signbit(value) ? 0x8000 : 0;

    if (value == 0)
        return 0;
    return (uint16_t)(sign | (unsigned)(exponent + 14) << 10 |
                      ((unsigned)(fraction * 2048) & 0x3ff));
}

static inline void write_value(FILE *file, float value, const char *dtype)
{
    uint16_t half = strcmp(dtype, "F16") == 0 ? half_of(value) : top_half(value);

    if (strcmp(dtype, "F32") == 0)
        fwrite(&value, sizeof value, 1, file);
    else
        fwrite(&half, sizeof half, 1, file);
}

static inline float chosen(size_t tensor, size_t i, const struct change *change)
{
    float value = i == 0 && change->spoiled != 0 ? change->spoiled : weight(tensor, i);

    return change->shrunk != 0 ? value * change->shrunk : value;
}

static inline void describe(FILE *head, size_t i, size_t *at, size_t each,
                            const struct change *change)
{
    const char *dtype = change->dtype != NULL ? change->dtype : "F32";
    bool renamed = change->renamed && strcmp(change->renamed, tensors[i].name) == 0;
    size_t bytes = values_of(i) * each;

    fprintf(head, "%s\"%s%s\":{\"dtype\":\"%s\",\"shape\":[", i > 0 ? "," : "",
            change->prefix != NULL ? change->prefix : "",
            renamed ? "other.weight" : tensors[i].name, dtype);
    if (tensors[i].rows > 0)
        fprintf(head, "%u,", tensors[i].rows);
    fprintf(head, "%u],\"data_offsets\":[%zu,%zu]}", tensors[i].length, *at,
            *at + bytes);
    *at += bytes;
}

static inline void write_weights(const struct folder *f, const struct change *change)
{
    const char *dtype = change->dtype != NULL ? change->dtype : "F32";
    size_t each = strcmp(dtype, "F32") == 0 ? 4 : 2, at = 0, bytes;
    char path[128], *text = NULL;
    FILE *head = open_memstream(&text, &bytes), *file;
    uint64_t length;

    fputc('{', head);
    for (size_t i = 0; i < TENSORS; i++)
        describe(head, i, &at, each, change);
    fputc('}', head);
    fclose(head);
    snprintf(path, sizeof path, "%s/model.safetensors", f->path);
    file = fopen(path, "wb");
    length = bytes;
    fwrite(&length, sizeof length, 1, file);
    fwrite(text, 1, bytes, file);
    for (size_t i = 0; i < TENSORS; i++)
        for (size_t k = 0; k < values_of(i); k++)
            write_value(file, chosen(i, k, change), dtype);
    fclose(file);
    free(text);
}

static inline void write_text(const struct folder *f, size_t i,
                              const struct change *change)
{
    const char *text = text_files[i].text, *part;
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", f->path, text_files[i].name);
    if (change->file == NULL || strcmp(change->file, text_files[i].name) != 0) {
        file = fopen(path, "wb");
        fputs(text, file);
        fclose(file);
    } else if (change->from != NULL) {
        part = strstr(text, change->from);
        assert_non_null(part);
        file = fopen(path, "wb");
        fprintf(file, "%.*s%s%s", (int)(part - text), text, change->into,
                part + strlen(change->from));
        fclose(file);
    }
}

static inline struct folder make_folder(const struct change *change)
{
    struct folder f = {"/tmp/import-test-XXXXXX", ""};
    char path[128];

    assert_non_null(mkdtemp(f.path));
    snprintf(f.out, sizeof f.out, "%s/out.gguf", f.path);
    snprintf(path, sizeof path, "%s/1_Pooling", f.path);
    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < TEXT_FILES; i++)
        write_text(&f, i, change);
    write_weights(&f, change);
    return f;
}

static inline void remove_folder(const struct folder *f)
{
    char path[128];

    for (size_t i = 0; i < TEXT_FILES; i++) {
        snprintf(path, sizeof path, "%s/%s", f->path, text_files[i].name);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/1_Pooling", f->path);
    rmdir(path);
    snprintf(path, sizeof path, "%s/model.safetensors", f->path);
    unlink(path);
    unlink(f->out);
    assert_int_equal(rmdir(f->path), 0); /* nothing else was left in it */
}

static inline void import_and_open(const struct change *change, const char *type,
                                   struct infer_model **out)
{
    struct folder f = make_folder(change);
    struct infer_error err = {0};

    if (infer_import(f.path, f.out, type, &err) != 0 ||
        infer_model_open(out, f.out, &err) != 0)
        fail_msg("%s", err.text);
    remove_folder(&f);
}

/* Expect a refusal with this word in its text, and no file. */
static inline void expect_refusal(const struct change *change, const char *type,
                                  int wanted, const char *word)
{
    struct folder f = make_folder(change);
    struct infer_error err = {0};
    int status = infer_import(f.path, f.out, type, &err);

    if (status != wanted || strstr(err.text, word) == NULL)
        fail_msg("status %d, wanted %d about \"%s\": %s", status, wanted, word,
                 err.text);
    assert_int_equal(access(f.out, F_OK), -1);
    remove_folder(&f);
}

#endif
