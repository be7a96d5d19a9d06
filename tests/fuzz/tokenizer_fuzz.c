/* tokenizer_fuzz - any bytes become ids of the vocabulary, and the same ones again.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -I. -D_GNU_SOURCE \
 *         tests/fuzz/tokenizer_fuzz.c infer/{model,gguf*,tokenizer*}.c \
 *         infer/{trie,utf8,error,mapping}.c -licuuc -o tokenizer_fuzz
 *     mkdir -p corpus && ./tokenizer_fuzz -dict=tests/fuzz/tokenizer.dict \
 *         -max_total_time=60 corpus
 *
 * The first byte holds the flags, the rest is the text. Checked besides memory: ids
 * lie in the vocabulary, special tokens stand where they belong, capitals of ASCII
 * change nothing, and cutting the text at a space cuts the ids there. Built with
 * -DCANARY it fails on purpose at one word of three pieces. */
#include "infer/gguf_write.h"
#include "infer/tokenizer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define W "\xe2\x96\x81"

static const char *const tokens[] = {
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    W "a",
    W "b",
    W "the",
    W "un",
    "a",
    "b",
    "aff",
    "able",
    W "[",
    W "]",
    W "sep",
    W "!",
    W ",",
    W ";",
    W "1",
    "1",
    W "\xe6\x97\xa5",
    W "\xe1\x84\x92",
    "\xe1\x85\xa1",
    W "e",
    "\xe1\x86\xab",
    W "\xc3\x9f",
    "e",
    W "\xe2\x80\x94",
    W "\xe2\x82\xac",
};

enum { COUNT = sizeof tokens / sizeof *tokens, SPECIALS = 5, CLS = 2, SEP = 3 };

static struct tokenizer *open_tokenizer(void)
{
    struct gguf_writer w = {0};
    struct tokenizer *tokenizer;
    struct gguf *file;
    char *bytes = NULL;
    size_t count;
    FILE *stream = open_memstream(&bytes, &count);

    gguf_write_string(&w, "tokenizer.ggml.model", "bert", 4);
    gguf_write_array(&w, "tokenizer.ggml.tokens", GGUF_STRING, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        gguf_write_element_string(&w, tokens[i], strlen(tokens[i]));
    gguf_write_array(&w, "tokenizer.ggml.token_type", GGUF_I32, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        gguf_write_element_i32(&w, i < SPECIALS ? 3 : 1);
    gguf_write_head(&w, stream);
    if (gguf_write_end(&w, stream) != 0 || fclose(stream) != 0 ||
        gguf_open_memory(&file, bytes, count, NULL) != 0 ||
        tokenizer_open(&tokenizer, file, NULL) != 0)
        abort();
    gguf_close(file);
    free(bytes);
    return tokenizer;
}

static void encode(const struct tokenizer *t, const char *text, size_t bytes,
                   unsigned flags, struct infer_tokens *out)
{
    if (tokenizer_encode(t, text, bytes, flags, out, NULL) != 0)
        abort();
    for (size_t i = 0; i < out->count; i++)
        if (out->id[i] < 0 || out->id[i] >= COUNT)
            abort();
}

static void check_ends(const struct infer_tokens *ids, unsigned flags)
{
    bool both = ids->count >= 2 && ids->id[0] == CLS && ids->id[ids->count - 1] == SEP;

    if ((flags & INFER_ADD_SPECIAL) && !both)
        abort();
}

static void expect_same(const struct infer_tokens *a, const struct infer_tokens *b)
{
    if (a->count != b->count ||
        (a->count > 0 && memcmp(a->id, b->id, a->count * sizeof *a->id) != 0))
        abort();
}

/* Plain text in capitals, and in two parts around a space. */
static void check_plain(const struct tokenizer *t, const char *text, size_t bytes,
                        const struct infer_tokens *whole)
{
    struct infer_tokens left = {0}, right = {0};
    const char *space = memchr(text, ' ', bytes);
    size_t half = space != NULL ? (size_t)(space - text) : bytes;
    char *loud = malloc(bytes + 1);

    for (size_t i = 0; i < bytes; i++)
        loud[i] = (unsigned char)text[i] < 0x80 ? (char)toupper(text[i]) : text[i];
    encode(t, loud, bytes, 0, &left);
    expect_same(&left, whole);
    encode(t, text, half, 0, &left);
    encode(t, text + half, bytes - half, 0, &right);
    if (left.count + right.count != whole->count)
        abort();
    free(loud);
    infer_tokens_free(&left);
    infer_tokens_free(&right);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct tokenizer *t;
    struct infer_tokens ids = {0}, again = {0};
    const char *text = (const char *)data + 1;
    unsigned flags;

    if (bytes == 0)
        return 0;
    if (t == NULL)
        t = open_tokenizer();
    flags = data[0] & (INFER_ADD_SPECIAL | INFER_PARSE_SPECIAL);
    encode(t, text, bytes - 1, flags, &ids);
    check_ends(&ids, flags);
    encode(t, text, bytes - 1, flags, &again);
    expect_same(&ids, &again);
    encode(t, text, bytes - 1, 0, &again);
    check_plain(t, text, bytes - 1, &again);
#ifdef CANARY
    for (size_t i = 0; i + 2 < ids.count; i++)
        if (ids.id[i] == 8 && ids.id[i + 1] == 11 && ids.id[i + 2] == 12)
            abort();
#endif
    infer_tokens_free(&ids);
    infer_tokens_free(&again);
    return 0;
}
