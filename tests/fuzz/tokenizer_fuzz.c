/* tokenizer_fuzz - any bytes become ids of a vocabulary, the same ones again, and text.
 *
 *     tests/fuzz/run.sh 60 tokenizer
 *
 * The first byte holds the flags and chooses the vocabulary, a row of a table here;
 * the rest is the text. Checked besides memory: ids lie in the vocabulary, special
 * tokens stand where they belong, and what was UTF-8 comes back from a vocabulary
 * that has all bytes. Of word pieces: capitals of ASCII change nothing, and cutting
 * the text at a space cuts the ids there. Built with -DCANARY it fails on purpose at
 * a word of two pieces. */
#include "infer/gguf_write.h"
#include "infer/tokenizer.h"
#include "infer/utf8.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define W "\xe2\x96\x81" /* U+2581, the space of SentencePiece */
#define G "\xc4\xa0"     /* U+0120, the space of byte-level BPE */

/* ---- the vocabularies ---------------------------------------------------------- */

static const char *const words[] = {
    /* of "bert" */
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

static const char *const pieces[] = {
    /* of "llama" and "t5", the likeliest last */
    "<unk>", "<s>",      "</s>",  W,      "a",   "b",    "e",  "t",
    "h",     "\xc3\xa9", W W,     "aa",   "ab",  "he",   "th", "\xe6\x97\xa5",
    W "t",   W "th",     W "the", "\n\n", W "a", "aaaa",
};

static const char *const merges[] = {
    /* of "gpt2"; what they make are tokens, too */
    "t h",    "th e",
    G " the", "a a",
    "aa aa",  "\xc3\x83 \xc2\xa9",
    "1 2",    G " a",
    ". .",    "\xc4\x8a \xc4\x8a",
    "I '",    "' s",
};

enum {
    WORDS = sizeof words / sizeof *words,
    PIECES = sizeof pieces / sizeof *pieces,
    MERGES = sizeof merges / sizeof *merges,
    WORD_SPECIALS = 5,
    PIECE_SPECIALS = 3,
    BYTES = 256,
    TOKENS_MAX = BYTES + 64,
    TOKEN_BYTES_MAX = 32
};

struct list { /* of tokens, while it is made */
    size_t count;
    int32_t type[TOKENS_MAX];
    char text[TOKENS_MAX][TOKEN_BYTES_MAX];
};

static void add(struct list *list, const char *text, int32_t type)
{
    snprintf(list->text[list->count], TOKEN_BYTES_MAX, "%s", text);
    list->type[list->count++] = type;
}

static void list_words(struct list *list)
{
    for (size_t i = 0; i < WORDS; i++)
        add(list, words[i], i < WORD_SPECIALS ? TOKEN_CONTROL : TOKEN_NORMAL);
}

static void list_pieces(struct list *list)
{
    for (size_t i = 0; i < PIECES; i++)
        add(list, pieces[i],
            i == 0               ? TOKEN_UNKNOWN
            : i < PIECE_SPECIALS ? TOKEN_CONTROL
                                 : TOKEN_NORMAL);
    add(list, "<table>", TOKEN_USER_DEFINED);
    for (int i = 0; i < BYTES; i++) {
        char text[8];
        snprintf(text, sizeof text, "<0x%02X>", i);
        add(list, text, TOKEN_BYTE);
    }
}

/* The character that stands for a byte: itself if it prints, or one from U+0100 on. */
static void list_alphabet(struct list *list)
{
    unsigned next = 0x100;

    for (unsigned i = 0; i < BYTES; i++) {
        bool prints = (i > 0x20 && i < 0x7f) || (i > 0xa0 && i != 0xad);
        unsigned c = prints ? i : next++;
        char text[3] = {(char)c, 0, 0};
        if (c >= 0x80) {
            text[0] = (char)(0xc0 | c >> 6);
            text[1] = (char)(0x80 | (c & 0x3f));
        }
        add(list, text, TOKEN_NORMAL);
    }
}

static void list_merges(struct list *list)
{
    add(list, "<|end|>", TOKEN_CONTROL);
    list_alphabet(list);
    for (size_t i = 0; i < MERGES; i++) {
        const char *space = strchr(merges[i], ' ');
        char text[TOKEN_BYTES_MAX];
        snprintf(text, sizeof text, "%.*s%s", (int)(space - merges[i]), merges[i],
                 space + 1);
        add(list, text, TOKEN_NORMAL);
    }
}

static const struct vocabulary_row {
    const char *model, *pre;
    void (*list)(struct list *list);
    bool merges, all_bytes, word_pieces;
    int first, last; /* ids around a text with special tokens; -1: none */
} rows[] = {
    {"bert", NULL, list_words, false, false, true, 2, 3},
    {"gpt2", "gpt-2", list_merges, true, true, false, -1, -1},
    {"gpt2", "llama-bpe", list_merges, true, true, false, 0, -1},
    {"gpt2", "qwen2", list_merges, true, true, false, -1, -1},
    {"llama", NULL, list_pieces, false, true, false, 1, -1},
    {"t5", NULL, list_pieces, false, false, false, -1, 2},
};

enum { ROWS = sizeof rows / sizeof *rows };

static void write_keys(struct gguf_writer *w, const struct vocabulary_row *row)
{
    gguf_write_string(w, "tokenizer.ggml.model", row->model, strlen(row->model));
    if (row->pre)
        gguf_write_string(w, "tokenizer.ggml.pre", row->pre, strlen(row->pre));
    if (!row->word_pieces) {
        bool bpe = row->merges;
        gguf_write_u32(w, "tokenizer.ggml.bos_token_id", bpe ? 0 : 1);
        gguf_write_u32(w, "tokenizer.ggml.eos_token_id", bpe ? 0 : 2);
    }
    if (!row->word_pieces && !row->merges)
        gguf_write_u32(w, "tokenizer.ggml.unknown_token_id", 0);
    if (!row->merges)
        return;
    gguf_write_array(w, "tokenizer.ggml.merges", GGUF_STRING, MERGES);
    for (size_t i = 0; i < MERGES; i++)
        gguf_write_element_string(w, merges[i], strlen(merges[i]));
}

static void write_tokens(struct gguf_writer *w, const struct list *list)
{
    gguf_write_array(w, "tokenizer.ggml.tokens", GGUF_STRING, list->count);
    for (size_t i = 0; i < list->count; i++)
        gguf_write_element_string(w, list->text[i], strlen(list->text[i]));
    gguf_write_array(w, "tokenizer.ggml.token_type", GGUF_I32, list->count);
    for (size_t i = 0; i < list->count; i++)
        gguf_write_element_i32(w, list->type[i]);
    gguf_write_array(w, "tokenizer.ggml.scores", GGUF_FLOAT32, list->count);
    for (size_t i = 0; i < list->count; i++) {
        float score = (float)i / 4 - 90;
        int32_t bits;
        memcpy(&bits, &score, sizeof bits);
        gguf_write_element_i32(w, bits);
    }
}

static struct tokenizer *open_tokenizer(const struct vocabulary_row *row)
{
    static struct list list;
    struct gguf_writer w = {0};
    struct tokenizer *tokenizer;
    struct infer_error err = {0};
    struct gguf *file;
    char *bytes = NULL;
    size_t count;
    FILE *stream = open_memstream(&bytes, &count);

    list.count = 0;
    row->list(&list);
    write_keys(&w, row);
    write_tokens(&w, &list);
    gguf_write_head(&w, stream);
    if (gguf_write_end(&w, stream) != 0 || fclose(stream) != 0 ||
        gguf_open_memory(&file, bytes, count, NULL) != 0)
        abort();
    if (tokenizer_open(&tokenizer, file, &err) != 0) {
        fprintf(stderr, "%s: %s\n", row->model, err.text);
        abort();
    }
    gguf_close(file);
    free(bytes);
    return tokenizer;
}

/* ---- what must hold -------------------------------------------------------------- */

static void encode(const struct tokenizer *t, const char *text, size_t bytes,
                   unsigned flags, struct infer_tokens *out)
{
    if (tokenizer_encode(t, text, bytes, flags, out, NULL) != 0)
        abort();
    for (size_t i = 0; i < out->count; i++)
        if (out->id[i] < 0 || (uint32_t)out->id[i] >= t->count)
            abort();
}

static void check_ends(const struct vocabulary_row *row, const struct infer_tokens *ids)
{
    size_t least = (row->first >= 0 ? 1u : 0u) + (row->last >= 0 ? 1u : 0u);

    if (ids->count < least || (row->first >= 0 && ids->id[0] != row->first) ||
        (row->last >= 0 && ids->id[ids->count - 1] != row->last))
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

static bool is_utf8(const char *text, size_t bytes)
{
    for (size_t at = 0; at < bytes;)
        if (utf8_next(text, bytes, &at) == UTF8_INVALID)
            return false;
    return true;
}

/* To SentencePiece a U+2581 in the text is a space from the start. */
static bool comes_back(const struct vocabulary_row *row, const char *text, size_t bytes)
{
    if (!row->all_bytes || !is_utf8(text, bytes))
        return false;
    return row->merges || memmem(text, bytes, W, strlen(W)) == NULL;
}

/* Ids become text, and what was UTF-8 the text that it was. */
static void check_decoded(const struct vocabulary_row *row, const struct tokenizer *t,
                          const char *text, size_t bytes,
                          const struct infer_tokens *ids)
{
    struct infer_text back = {0};

    if (tokenizer_decode(t, ids->id, ids->count, 0, &back, NULL) != 0)
        abort();
    if (comes_back(row, text, bytes) &&
        (back.bytes != bytes || (bytes > 0 && memcmp(back.text, text, bytes) != 0)))
        abort();
    infer_text_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct tokenizer *opened[ROWS];
    struct infer_tokens ids = {0}, again = {0};
    const char *text = (const char *)data + 1;
    unsigned flags;

    if (bytes == 0)
        return 0;
    size_t chosen = data[0] / 8 % ROWS;
    const struct vocabulary_row *row = &rows[chosen];
    if (opened[chosen] == NULL)
        opened[chosen] = open_tokenizer(row);
    const struct tokenizer *t = opened[chosen];
    flags = data[0] & (INFER_ADD_SPECIAL | INFER_PARSE_SPECIAL);
    encode(t, text, bytes - 1, flags, &ids);
    if (flags & INFER_ADD_SPECIAL)
        check_ends(row, &ids);
    encode(t, text, bytes - 1, flags, &again);
    expect_same(&ids, &again);
    encode(t, text, bytes - 1, 0, &again);
    check_decoded(row, t, text, bytes - 1, &again);
    if (row->word_pieces)
        check_plain(t, text, bytes - 1, &again);
#ifdef CANARY
    for (size_t i = 0; i + 1 < ids.count; i++) /* a word of two pieces */
        if (row->word_pieces && ids.id[i] == 8 && ids.id[i + 1] == 11)
            abort();
#endif
    infer_tokens_free(&ids);
    infer_tokens_free(&again);
    return 0;
}
