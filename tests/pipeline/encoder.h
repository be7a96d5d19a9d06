/* encoder - a bert model small enough to be made in each test program.
 *
 * A checkpoint folder is written with weights from a fixed sequence, imported and
 * opened; so the tests of pipeline/ need neither a download nor infer's insides. The
 * vocabulary holds the letters, so that any ASCII word can be spelt, and the common
 * words below, so that sentences do not become long. One thin layer leaves an
 * embedding near the mean of its words: texts that share words are alike. */
#ifndef TESTS_PIPELINE_ENCODER_H
#define TESTS_PIPELINE_ENCODER_H

#include "infer/infer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENCODER_WIDTH = 32, ENCODER_FFN = 32, ENCODER_CONTEXT = 128 };

static const char *const encoder_words[] = {
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "the",
    "of",
    "and",
    "to",
    "in",
    "this",
    "that",
    "shall",
    "is",
    "by",
    "party",
    "parties",
    "agreement",
    "license",
    "licensor",
    "licensee",
    "software",
    "supply",
    "supplier",
    "buyer",
    "goods",
    "deliver",
    "orders",
    "royalty",
    "fees",
    "term",
    "terminate",
    "notice",
    "days",
    "governed",
    "law",
    "laws",
    "state",
    "privilege",
    "counsel",
    "attorney",
    "client",
    "advice",
    "red",
    "blue",
    "rose",
    "sky",
    "sea",
    "blood",
    "door",
    "colour",
    "like",
    "with",
    "each",
    "sentence",
    "says",
    "something",
    "about",
    "it",
    "not",
    "a",
    "b",
    "c",
    "d",
    "e",
    "f",
    "g",
    "h",
    "i",
    "j",
    "k",
    "l",
    "m",
    "n",
    "o",
    "p",
    "q",
    "r",
    "s",
    "t",
    "u",
    "v",
    "w",
    "x",
    "y",
    "z",
    "##a",
    "##b",
    "##c",
    "##d",
    "##e",
    "##f",
    "##g",
    "##h",
    "##i",
    "##j",
    "##k",
    "##l",
    "##m",
    "##n",
    "##o",
    "##p",
    "##q",
    "##r",
    "##s",
    "##t",
    "##u",
    "##v",
    "##w",
    "##x",
    "##y",
    "##z",
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "##0",
    "##1",
    "##2",
    "##3",
    "##4",
    "##5",
    "##6",
    "##7",
    "##8",
    "##9",
    ".",
    ",",
    ";",
    ":",
    "(",
    ")",
    "!",
    "?",
    "'",
    "\"",
    "-",
    "$",
    "%",
    "&",
    "\xe2\x80\x9c",
    "\xe2\x80\x9d",
    "\xe6\x97\xa5",
};
enum { ENCODER_WORDS = sizeof(encoder_words) / sizeof(encoder_words[0]) };

struct encoder {
    struct infer_model *model;
    struct infer_session *session;
};

/* ---- the checkpoint ------------------------------------------------------------- */

static const struct encoder_tensor {
    const char *name;
    int rows, length; /* rows 0: a vector */
    float scale, shift;
} encoder_tensors[] = {
#define LAYER "encoder.layer.0."
    {"embeddings.word_embeddings.weight", ENCODER_WORDS, ENCODER_WIDTH, 1, 0},
    {"embeddings.position_embeddings.weight", ENCODER_CONTEXT, ENCODER_WIDTH, 0.05f, 0},
    {"embeddings.token_type_embeddings.weight", 2, ENCODER_WIDTH, 0.05f, 0},
    {"embeddings.LayerNorm.weight", 0, ENCODER_WIDTH, 0, 1},
    {"embeddings.LayerNorm.bias", 0, ENCODER_WIDTH, 0, 0},
    {LAYER "attention.self.query.weight", ENCODER_WIDTH, ENCODER_WIDTH, 0.1f, 0},
    {LAYER "attention.self.query.bias", 0, ENCODER_WIDTH, 0, 0},
    {LAYER "attention.self.key.weight", ENCODER_WIDTH, ENCODER_WIDTH, 0.1f, 0},
    {LAYER "attention.self.key.bias", 0, ENCODER_WIDTH, 0, 0},
    {LAYER "attention.self.value.weight", ENCODER_WIDTH, ENCODER_WIDTH, 0.1f, 0},
    {LAYER "attention.self.value.bias", 0, ENCODER_WIDTH, 0, 0},
    {LAYER "attention.output.dense.weight", ENCODER_WIDTH, ENCODER_WIDTH, 0.1f, 0},
    {LAYER "attention.output.dense.bias", 0, ENCODER_WIDTH, 0, 0},
    {LAYER "attention.output.LayerNorm.weight", 0, ENCODER_WIDTH, 0, 1},
    {LAYER "attention.output.LayerNorm.bias", 0, ENCODER_WIDTH, 0, 0},
    {LAYER "intermediate.dense.weight", ENCODER_FFN, ENCODER_WIDTH, 0.1f, 0},
    {LAYER "intermediate.dense.bias", 0, ENCODER_FFN, 0, 0},
    {LAYER "output.dense.weight", ENCODER_WIDTH, ENCODER_FFN, 0.1f, 0},
    {LAYER "output.dense.bias", 0, ENCODER_WIDTH, 0, 0},
    {LAYER "output.LayerNorm.weight", 0, ENCODER_WIDTH, 0, 1},
    {LAYER "output.LayerNorm.bias", 0, ENCODER_WIDTH, 0, 0},
#undef LAYER
};
enum { ENCODER_TENSORS = sizeof(encoder_tensors) / sizeof(encoder_tensors[0]) };

static inline size_t encoder_values(const struct encoder_tensor *t)
{
    return (size_t)t->length * (size_t)(t->rows ? t->rows : 1);
}

static inline FILE *encoder_file(const char *folder, const char *name)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file)
        abort();
    return file;
}

static inline void encoder_write_weights(const char *folder)
{
    char *head = NULL;
    size_t head_bytes = 0, at = 0;
    FILE *text = open_memstream(&head, &head_bytes);
    for (size_t i = 0; i < ENCODER_TENSORS; i++) {
        const struct encoder_tensor *t = &encoder_tensors[i];
        size_t bytes = encoder_values(t) * sizeof(float);
        fprintf(text, "%c\"%s\":{\"dtype\":\"F32\",\"shape\":[", i ? ',' : '{',
                t->name);
        if (t->rows)
            fprintf(text, "%d,", t->rows);
        fprintf(text, "%d],\"data_offsets\":[%zu,%zu]}", t->length, at, at + bytes);
        at += bytes;
    }
    fputc('}', text);
    fclose(text);
    uint64_t length = head_bytes, random = 1;
    FILE *file = encoder_file(folder, "model.safetensors");
    fwrite(&length, sizeof(length), 1, file);
    fwrite(head, 1, head_bytes, file);
    for (size_t i = 0; i < ENCODER_TENSORS; i++)
        for (size_t k = 0; k < encoder_values(&encoder_tensors[i]); k++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            float unit = (float)(int32_t)(random >> 32) / 2147483648.0f;
            float value = unit * encoder_tensors[i].scale + encoder_tensors[i].shift;
            fwrite(&value, sizeof(value), 1, file);
        }
    fclose(file);
    free(head);
}

static inline void encoder_write_config(const char *folder)
{
    FILE *file = encoder_file(folder, "config.json");
    fprintf(file,
            "{\"model_type\":\"bert\",\"hidden_act\":\"gelu\",\"hidden_size\":%d,"
            "\"intermediate_size\":%d,\"layer_norm_eps\":1e-12,"
            "\"max_position_embeddings\":%d,\"num_attention_heads\":2,"
            "\"num_hidden_layers\":1,\"type_vocab_size\":2,\"vocab_size\":%d}",
            ENCODER_WIDTH, ENCODER_FFN, ENCODER_CONTEXT, ENCODER_WORDS);
    fclose(file);
    file = encoder_file(folder, "1_Pooling/config.json");
    fputs("{\"pooling_mode_mean_tokens\":true}", file);
    fclose(file);
    file = encoder_file(folder, "modules.json");
    fputs("[{\"type\":\"sentence_transformers.models.Transformer\"},"
          "{\"type\":\"sentence_transformers.models.Pooling\"},"
          "{\"type\":\"sentence_transformers.models.Normalize\"}]",
          file);
    fclose(file);
    file = encoder_file(folder, "vocab.txt");
    for (size_t i = 0; i < ENCODER_WORDS; i++)
        fprintf(file, "%s\n", encoder_words[i]);
    fclose(file);
}

/* ---- the model ------------------------------------------------------------------ */

/* Make it at path; the checkpoint folder beside it goes away again. */
static inline void encoder_make(const char *path)
{
    static const char *const files[] = {"config.json", "1_Pooling/config.json",
                                        "modules.json", "vocab.txt",
                                        "model.safetensors"};
    struct infer_error err = {0, ""};
    char folder[] = P_tmpdir "/cloister-encoder-XXXXXX", name[160];
    if (!mkdtemp(folder))
        abort();
    snprintf(name, sizeof(name), "%s/1_Pooling", folder);
    if (mkdir(name, 0700) != 0)
        abort();
    encoder_write_config(folder);
    encoder_write_weights(folder);
    if (infer_import(folder, path, "F32", &err) != 0) {
        fprintf(stderr, "encoder: %s\n", err.text);
        abort();
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(name, sizeof(name), "%s/%s", folder, files[i]);
        unlink(name);
    }
    snprintf(name, sizeof(name), "%s/1_Pooling", folder);
    rmdir(name);
    rmdir(folder);
}

static inline struct infer_session *encoder_session(const struct infer_model *model,
                                                    int threads, uint32_t sequences)
{
    struct infer_session *session;
    struct infer_error err = {0, ""};
    struct infer_options options = infer_options_default();
    options.threads = threads;
    options.batch_tokens = 256;
    options.batch_sequences = sequences;
    if (infer_session_open(&session, model, &options, &err) != 0) {
        fprintf(stderr, "encoder: %s\n", err.text);
        abort();
    }
    return session;
}

/* The model's file is unlinked as soon as it is mapped. */
static inline struct encoder encoder_open(void)
{
    struct encoder encoder;
    struct infer_error err = {0, ""};
    char path[] = P_tmpdir "/cloister-encoder-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0)
        abort();
    close(fd);
    encoder_make(path);
    if (infer_model_open(&encoder.model, path, &err) != 0) {
        fprintf(stderr, "encoder: %s\n", err.text);
        abort();
    }
    unlink(path);
    encoder.session = encoder_session(encoder.model, 1, 0);
    return encoder;
}

static inline void encoder_close(struct encoder *encoder)
{
    infer_session_close(encoder->session);
    infer_model_close(encoder->model);
}

#endif
