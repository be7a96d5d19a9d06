/* vocab - a GGUF file of a vocabulary and nothing else, made in memory, for the tests
 * of tokenizers. */
#ifndef TESTS_INFER_VOCAB_H
#define TESTS_INFER_VOCAB_H

#include "infer/gguf_write.h"
#include "infer/tokenizer.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

struct vocab_token {
    const char *text;
    int32_t type;
    float score;
};

struct vocab { /* NULL and 0: the key is not written */
    const char *model, *pre, *name;
    const struct vocab_token *token;
    size_t tokens;
    const char *const *merge; /* ends with NULL */
    size_t types, scores;     /* how many are written; 0: as many as tokens */
    struct {
        const char *key;
        uint32_t value;
    } number[8];
    struct {
        const char *key;
        bool value;
    } flag[4];
    const char *charsmap; /* written as bytes */
    size_t charsmap_bytes;
    const char *chat_template;
};

/* The writer has no elements of one byte: they are appended to its keys. */
static inline void vocab_write_bytes(struct gguf_writer *w, const char *bytes,
                                     size_t count)
{
    gguf_write_array(w, "tokenizer.ggml.precompiled_charsmap", GGUF_U8, count);
    w->keys.bytes = realloc(w->keys.bytes, w->keys.count + count);
    assert_non_null(w->keys.bytes);
    memcpy(w->keys.bytes + w->keys.count, bytes, count);
    w->keys.count += count;
    w->keys.capacity = w->keys.count;
}

static inline void vocab_write_arrays(struct gguf_writer *w, const struct vocab *v)
{
    size_t types = v->types != 0 ? v->types : v->tokens, merges = 0;
    size_t scores = v->scores != 0 ? v->scores : v->tokens;

    gguf_write_array(w, "tokenizer.ggml.tokens", GGUF_STRING, v->tokens);
    for (size_t i = 0; i < v->tokens; i++)
        gguf_write_element_string(w, v->token[i].text, strlen(v->token[i].text));
    gguf_write_array(w, "tokenizer.ggml.token_type", GGUF_I32, types);
    for (size_t i = 0; i < types; i++)
        gguf_write_element_i32(w, i < v->tokens ? v->token[i].type : TOKEN_NORMAL);
    gguf_write_array(w, "tokenizer.ggml.scores", GGUF_FLOAT32, scores);
    for (size_t i = 0; i < scores; i++) {
        float score = i < v->tokens ? v->token[i].score : 0;
        int32_t bits;

        memcpy(&bits, &score, sizeof bits);
        gguf_write_element_i32(w, bits);
    }
    if (v->charsmap != NULL)
        vocab_write_bytes(w, v->charsmap, v->charsmap_bytes);
    if (v->merge == NULL)
        return;
    while (v->merge[merges] != NULL)
        merges++;
    gguf_write_array(w, "tokenizer.ggml.merges", GGUF_STRING, merges);
    for (size_t i = 0; i < merges; i++)
        gguf_write_element_string(w, v->merge[i], strlen(v->merge[i]));
}

static inline void vocab_write_keys(struct gguf_writer *w, const struct vocab *v)
{
    gguf_write_string(w, "tokenizer.ggml.model", v->model, strlen(v->model));
    if (v->pre != NULL)
        gguf_write_string(w, "tokenizer.ggml.pre", v->pre, strlen(v->pre));
    if (v->name != NULL)
        gguf_write_string(w, "general.name", v->name, strlen(v->name));
    if (v->chat_template != NULL)
        gguf_write_string(w, "tokenizer.chat_template", v->chat_template,
                          strlen(v->chat_template));
    for (size_t i = 0; i < 8 && v->number[i].key != NULL; i++)
        gguf_write_u32(w, v->number[i].key, v->number[i].value);
    for (size_t i = 0; i < 4 && v->flag[i].key != NULL; i++)
        gguf_write_bool(w, v->flag[i].key, v->flag[i].value);
}

static inline struct gguf *vocab_file(const struct vocab *v)
{
    struct gguf_writer w = {0};
    struct gguf *file = NULL;
    char *bytes = NULL;
    size_t count;
    FILE *stream = open_memstream(&bytes, &count);

    vocab_write_keys(&w, v);
    vocab_write_arrays(&w, v);
    gguf_write_head(&w, stream);
    assert_int_equal(gguf_write_end(&w, stream), 0);
    fclose(stream);
    assert_int_equal(gguf_open_memory(&file, bytes, count, NULL), 0);
    free(bytes);
    return file;
}

/* The tokenizer, or NULL with *err filled. */
static inline struct tokenizer *vocab_open(const struct vocab *v,
                                           struct infer_error *err)
{
    struct gguf *file = vocab_file(v);
    struct tokenizer *tokenizer = NULL;
    int status = tokenizer_open(&tokenizer, file, err);

    gguf_close(file);
    assert_int_equal(status == 0, tokenizer != NULL);
    return tokenizer;
}

static inline void vocab_refuses(const struct vocab *v, int status, const char *says)
{
    struct infer_error err = {0};
    struct tokenizer *tokenizer = vocab_open(v, &err);

    assert_null(tokenizer);
    if (err.status != status || strstr(err.text, says) == NULL)
        fail_msg("status %d, \"%s\" does not say \"%s\"", err.status, err.text, says);
}

/* The ids of a text, as the tokens are written in the vocabulary, with | between. */
static inline void vocab_expect(const struct tokenizer *t, const struct vocab *v,
                                const char *text, unsigned flags, const char *wanted)
{
    struct infer_tokens ids = {0};
    char got[1024] = "";

    assert_int_equal(tokenizer_encode(t, text, strlen(text), flags, &ids, NULL), 0);
    for (size_t i = 0; i < ids.count; i++) {
        assert_true(strlen(got) + strlen(v->token[ids.id[i]].text) + 2 < sizeof got);
        strcat(got, i == 0 ? "" : "|");
        strcat(got, v->token[ids.id[i]].text);
    }
    assert_string_equal(got, wanted);
    infer_tokens_free(&ids);
}

/* A text comes back byte for byte. */
static inline void vocab_round_trip(const struct tokenizer *t, const char *text,
                                    size_t bytes)
{
    struct infer_tokens ids = {0};
    struct infer_text back = {0};

    assert_int_equal(tokenizer_encode(t, text, bytes, 0, &ids, NULL), 0);
    assert_int_equal(tokenizer_decode(t, ids.id, ids.count, 0, &back, NULL), 0);
    assert_int_equal(back.bytes, bytes);
    assert_memory_equal(back.text, text, bytes);
    infer_tokens_free(&ids);
    infer_text_free(&back);
}

#endif
