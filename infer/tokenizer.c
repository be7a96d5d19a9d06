/* tokenizer - the vocabulary of a GGUF file, and the special tokens around a text.
 *
 * A WordPiece vocabulary in GGUF: "word" is stored as U+2581 "word", a piece inside
 * a word as it is, special tokens ("[CLS]") as they are, marked by their type.
 * Newer files put U+2581 before "[unused7]" too, older ones do not; both mean the
 * same, since "[" never is part of a word.
 *
 * An id found in a key is compared with the size of the vocabulary before anything
 * is looked up with it. Text is data: "[SEP]" in a text is five letters in brackets
 * unless the caller asks for INFER_PARSE_SPECIAL. */
#include "infer/tokenizer.h"
#include "infer/utf8.h"

#include <stdlib.h>
#include <string.h>

enum token_type { /* tokenizer.ggml.token_type */
                  TOKEN_NORMAL = 1,
                  TOKEN_UNKNOWN = 2,
                  TOKEN_CONTROL = 3,
                  TOKEN_USER_DEFINED = 4,
                  TOKEN_UNUSED = 5,
                  TOKEN_BYTE = 6
};

static const char word_start[] = "\xe2\x96\x81"; /* U+2581 */

/* ---- the vocabulary ------------------------------------------------------------- */

enum part { SPECIAL, INITIAL, CONTINUING, NO_PART };

static bool is_utf8(struct gguf_string text)
{
    size_t at = 0;

    while (at < text.bytes)
        if (utf8_next(text.text, text.bytes, &at) == UTF8_INVALID)
            return false;
    return true;
}

/* Which trie a token goes into; takes U+2581 off *token. Pieces longer than a word
 * can be, empty ones and those that are not UTF-8 match nothing: into none. */
static enum part part_of(struct gguf_string *token, uint32_t type)
{
    const size_t mark = sizeof word_start - 1;
    enum part part = type == TOKEN_NORMAL ? CONTINUING : NO_PART;

    if (type == TOKEN_CONTROL || type == TOKEN_UNKNOWN || type == TOKEN_USER_DEFINED) {
        part = SPECIAL;
    } else if (token->bytes >= mark && memcmp(token->text, word_start, mark) == 0) {
        part = part == CONTINUING ? INITIAL : NO_PART;
        token->text += mark;
        token->bytes -= mark;
    }
    if (token->bytes == 0 || token->bytes > TOKENIZER_WORD_BYTES_MAX ||
        !is_utf8(*token))
        return NO_PART;
    return part;
}

static struct trie *build_part(const struct gguf_key *tokens,
                               const struct gguf_key *types, enum part part)
{
    struct trie_entry *entry = calloc(tokens->count, sizeof *entry);
    struct trie *trie = NULL;
    size_t count = 0, at = 0;

    for (uint32_t i = 0; entry != NULL && i < tokens->count; i++) {
        struct gguf_string token = gguf_array_next(tokens, &at);

        if (part_of(&token, gguf_array_u32(types, i)) == part)
            entry[count++] =
                (struct trie_entry){token.text, (uint32_t)token.bytes, (int32_t)i};
    }
    if (entry != NULL)
        trie = trie_build(entry, count);
    free(entry);
    return trie;
}

static int build_tries(struct tokenizer *t, const struct gguf_key *tokens,
                       const struct gguf_key *types, struct infer_error *err)
{
    t->special = build_part(tokens, types, SPECIAL);
    t->initial = build_part(tokens, types, INITIAL);
    t->continuing = build_part(tokens, types, CONTINUING);
    if (t->special == NULL || t->initial == NULL || t->continuing == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for %u tokens", t->count);
    return 0;
}

static int check_types(const struct tokenizer *t, const struct gguf_key *types,
                       struct infer_error *err)
{
    if (types->count != t->count)
        return infer_fail(err, INFER_EFORMAT,
                          "tokenizer.ggml.token_type has %llu entries, "
                          "tokenizer.ggml.tokens has %u",
                          (unsigned long long)types->count, t->count);
    for (uint32_t i = 0; i < t->count; i++)
        if (gguf_array_u32(types, i) < TOKEN_NORMAL ||
            gguf_array_u32(types, i) > TOKEN_BYTE)
            return infer_fail(
                err, INFER_EFORMAT,
                "tokenizer.ggml.token_type of token %u is %d, allowed are "
                "%d to %d",
                i, (int)gguf_array_u32(types, i), TOKEN_NORMAL, TOKEN_BYTE);
    return 0;
}

static int read_vocabulary(struct tokenizer *t, const struct gguf *file,
                           struct infer_error *err)
{
    const struct gguf_key *tokens = NULL, *types = NULL;
    int status =
        gguf_get_array(file, "tokenizer.ggml.tokens", GGUF_STRING, &tokens, err);

    if (status == 0)
        status =
            gguf_get_array(file, "tokenizer.ggml.token_type", GGUF_I32, &types, err);
    if (status != 0)
        return status;
    if (tokens->count < 1 || tokens->count > TOKENIZER_TOKENS_MAX)
        return infer_fail(err, INFER_EFORMAT,
                          "tokenizer.ggml.tokens has %llu entries, allowed are 1 to %d",
                          (unsigned long long)tokens->count, TOKENIZER_TOKENS_MAX);
    t->count = (uint32_t)tokens->count;
    status = check_types(t, types, err);
    return status != 0 ? status : build_tries(t, tokens, types, err);
}

/* ---- special tokens ------------------------------------------------------------- */

static int read_id(const struct tokenizer *t, const struct gguf *file, const char *key,
                   int32_t *out, struct infer_error *err)
{
    uint32_t id = 0;
    int status = gguf_get_u32(file, key, &id, err);

    if (status == 0 && id >= t->count)
        status =
            infer_fail(err, INFER_EFORMAT, "%s is %u, the vocabulary has %u tokens",
                       key, id, t->count);
    if (status == 0)
        *out = (int32_t)id;
    return status;
}

/* The token's id by the first of two keys that the file has, or by its name. */
static int find_special(const struct tokenizer *t, const struct gguf *file,
                        const char *const key[2], const char *name, int32_t *out,
                        struct infer_error *err)
{
    size_t bytes = strlen(name), matched = 0;

    for (int i = 0; i < 2; i++)
        if (gguf_find(file, key[i]) != NULL)
            return read_id(t, file, key[i], out, err);
    *out = trie_longest(t->special, name, bytes, &matched);
    if (*out < 0 || matched != bytes)
        return infer_fail(err, INFER_EFORMAT,
                          "the file names no %s token: %s is missing", name, key[0]);
    return 0;
}

static int read_specials(struct tokenizer *t, const struct gguf *file,
                         struct infer_error *err)
{
    static const char *const keys[] = {
        "tokenizer.ggml.bos_token_id",     "tokenizer.ggml.eos_token_id",
        "tokenizer.ggml.unknown_token_id", "tokenizer.ggml.seperator_token_id",
        "tokenizer.ggml.padding_token_id", "tokenizer.ggml.cls_token_id",
        "tokenizer.ggml.mask_token_id",
    };
    static const char *const unknown[2] = {"tokenizer.ggml.unknown_token_id",
                                           "tokenizer.ggml.unknown_token_id"};
    static const char *const opening[2] = {"tokenizer.ggml.cls_token_id",
                                           "tokenizer.ggml.bos_token_id"};
    static const char *const closing[2] = {"tokenizer.ggml.seperator_token_id",
                                           "tokenizer.ggml.eos_token_id"};
    int32_t ignored;
    int status = 0;

    for (size_t i = 0; status == 0 && i < sizeof keys / sizeof *keys; i++)
        if (gguf_find(file, keys[i]) != NULL)
            status = read_id(t, file, keys[i], &ignored, err);
    if (status == 0)
        status = find_special(t, file, unknown, "[UNK]", &t->unknown, err);
    if (status == 0)
        status = find_special(t, file, opening, "[CLS]", &t->opening, err);
    if (status == 0)
        status = find_special(t, file, closing, "[SEP]", &t->closing, err);
    return status;
}

/* ---- open and close ------------------------------------------------------------- */

static int check_model(const struct gguf *file, struct infer_error *err)
{
    struct gguf_string model = {"", 0};
    int status = gguf_get_string(file, "tokenizer.ggml.model", &model, err);

    if (status == 0 && (model.bytes != 4 || memcmp(model.text, "bert", 4) != 0))
        status = infer_fail(err, INFER_EUNSUPPORTED,
                            "tokenizer.ggml.model is \"%.*s\", supported is bert",
                            (int)(model.bytes < 40 ? model.bytes : 40), model.text);
    return status;
}

int tokenizer_open(struct tokenizer **out, const struct gguf *file,
                   struct infer_error *err)
{
    struct tokenizer *t = calloc(1, sizeof *t);
    int status = check_model(file, err);

    *out = NULL;
    if (status == 0 && t == NULL)
        status = infer_fail(err, INFER_ENOMEM, "no memory for a tokenizer");
    if (status == 0)
        status = read_vocabulary(t, file, err);
    if (status == 0)
        status = read_specials(t, file, err);
    if (status != 0)
        tokenizer_close(t);
    else
        *out = t;
    return status;
}

void tokenizer_close(struct tokenizer *t)
{
    if (t == NULL)
        return;
    trie_free(t->special);
    trie_free(t->initial);
    trie_free(t->continuing);
    free(t);
}

/* ---- text to ids ---------------------------------------------------------------- */

int tokenizer_reserve(struct infer_tokens *tokens, size_t more)
{
    size_t needed, capacity = tokens->capacity < 64 ? 64 : tokens->capacity;
    int32_t *grown;

    if (__builtin_add_overflow(tokens->count, more, &needed) ||
        needed > SIZE_MAX / 2 / sizeof *grown)
        return INFER_ENOMEM;
    if (needed <= tokens->capacity)
        return 0;
    while (capacity < needed)
        capacity *= 2;
    grown = realloc(tokens->id, capacity * sizeof *grown);
    if (grown == NULL)
        return INFER_ENOMEM;
    tokens->id = grown;
    tokens->capacity = capacity;
    return 0;
}

static int push(struct infer_tokens *out, int32_t id)
{
    if (tokenizer_reserve(out, 1) != 0)
        return INFER_ENOMEM;
    out->id[out->count++] = id;
    return 0;
}

/* Cut the text at special tokens written out in it; what lies between is plain. */
static int encode_parsing(const struct tokenizer *t, const char *text, size_t bytes,
                          struct infer_tokens *out)
{
    size_t start = 0, at = 0, matched = 0;
    int status = 0;

    while (status == 0 && at < bytes) {
        int32_t id = trie_longest(t->special, text + at, bytes - at, &matched);

        if (id < 0) {
            at++;
            continue;
        }
        status = wordpiece_encode(t, text + start, at - start, out);
        if (status == 0)
            status = push(out, id);
        at += matched;
        start = at;
    }
    return status != 0 ? status : wordpiece_encode(t, text + start, bytes - start, out);
}

int tokenizer_encode(const struct tokenizer *t, const char *text, size_t text_bytes,
                     unsigned flags, struct infer_tokens *out, struct infer_error *err)
{
    int status = 0;

    out->count = 0;
    if (flags & ~(unsigned)(INFER_ADD_SPECIAL | INFER_PARSE_SPECIAL))
        return infer_fail(err, INFER_EINVALID, "token flags 0x%x are not known", flags);
    if (flags & INFER_ADD_SPECIAL)
        status = push(out, t->opening);
    if (status == 0 && (flags & INFER_PARSE_SPECIAL))
        status = encode_parsing(t, text, text_bytes, out);
    else if (status == 0)
        status = wordpiece_encode(t, text, text_bytes, out);
    if (status == 0 && (flags & INFER_ADD_SPECIAL))
        status = push(out, t->closing);
    if (status != 0) {
        out->count = 0;
        return infer_fail(err, status, "no memory for the tokens of %zu bytes",
                          text_bytes);
    }
    return 0;
}

int infer_tokenize(const struct infer_model *model, const char *text, size_t text_bytes,
                   unsigned flags, struct infer_tokens *out, struct infer_error *err)
{
    return tokenizer_encode(model->tokenizer, text, text_bytes, flags, out, err);
}

void infer_tokens_free(struct infer_tokens *tokens)
{
    free(tokens->id);
    *tokens = (struct infer_tokens){0};
}

bool infer_tokens_cut(const struct infer_model *model, struct infer_tokens *tokens,
                      size_t max)
{
    if (tokens->count <= max)
        return false;
    if (max > 0 && tokens->id[tokens->count - 1] == model->tokenizer->closing)
        tokens->id[max - 1] = model->tokenizer->closing;
    tokens->count = max;
    return true;
}
