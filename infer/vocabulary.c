/* vocabulary - what the tokens of a file stand for, and a table to find them by.
 *
 *     file     "Ġthe"  "▁the"  "<0x0A>"  "<|im_end|>"
 *     token    " the"  " the"  "\n"      "<|im_end|>"     text, bytes, type
 *     slot     hash of the bytes -> id, of plain tokens only
 *
 * Undoing the file's spelling once, here, makes text and vocabulary speak the same
 * bytes: encoders look up the text as it lies there, and decoding is copying.
 * Control tokens, the unknown token and byte tokens are not in the table, so no
 * sequence of plain text can be put together to one of them.
 *
 * The file is hostile: a vocabulary made so that its tokens fall into one place of
 * the table is refused after VOCABULARY_PROBES_MAX probes. Chance does not do that
 * to a table that is at most half full. Two plain tokens for the same bytes are
 * refused; an empty token stands for nothing and matches nothing. */
#include "infer/vocabulary.h"
#include "infer/utf8.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char space_mark[] = "\xe2\x96\x81"; /* U+2581 */

/* ---- hashing -------------------------------------------------------------------- */

uint64_t vocabulary_mix(uint64_t value)
{
    value = (value ^ (value >> 32)) * 0xd6e8feb86659fd93ull;
    value = (value ^ (value >> 32)) * 0xd6e8feb86659fd93ull;
    return value ^ (value >> 32);
}

/* The 0 to 7 bytes at text as a number. */
static uint64_t load_tail(const char *text, size_t bytes)
{
    uint32_t low, high;

    if (bytes >= 4) {
        memcpy(&low, text, sizeof low);
        memcpy(&high, text + bytes - 4, sizeof high);
        return (uint64_t)high << 32 | low;
    }
    if (bytes == 0)
        return 0;
    return (uint64_t)(uint8_t)text[0] << 16 | (uint64_t)(uint8_t)text[bytes / 2] << 8 |
           (uint8_t)text[bytes - 1];
}

uint64_t vocabulary_hash(const char *text, size_t bytes)
{
    uint64_t state = vocabulary_mix(bytes + 0x9e3779b97f4a7c15ull), word;

    for (; bytes >= 8; text += 8, bytes -= 8) {
        memcpy(&word, text, sizeof word);
        state = vocabulary_mix(state ^ word);
    }
    return vocabulary_mix(state ^ load_tail(text, bytes));
}

int32_t vocabulary_find(const struct vocabulary *v, const char *text, size_t bytes)
{
    uint64_t key = bytes <= v->longest ? vocabulary_hash(text, bytes) : 0;
    uint32_t tag = (uint32_t)(key >> 32);

    if (bytes > v->longest)
        return -1;
    for (uint32_t at = (uint32_t)key & v->slot_mask; v->slot[at].id >= 0;
         at = (at + 1) & v->slot_mask) {
        const struct token *token = &v->token[v->slot[at].id];

        if (v->slot[at].tag == tag && token->bytes == bytes &&
            memcmp(token->text, text, bytes) == 0)
            return v->slot[at].id;
    }
    return -1;
}

int32_t vocabulary_find_special(const struct vocabulary *v, const char *name)
{
    size_t bytes = strlen(name);

    for (uint32_t i = 0; i < v->count; i++) {
        const struct token *token = &v->token[i];
        bool special = token->type == TOKEN_CONTROL || token->type == TOKEN_UNKNOWN ||
                       token->type == TOKEN_USER_DEFINED;

        if (special && token->bytes == bytes && memcmp(token->text, name, bytes) == 0)
            return (int32_t)i;
    }
    return -1;
}

/* ---- spelling ------------------------------------------------------------------- */

/* GPT-2 writes a byte that prints as the character of that number, and the other 68
 * in ascending order as U+0100 and on. */
static bool is_printed(int32_t c)
{
    return (c >= 0x21 && c <= 0x7e) || (c >= 0xa1 && c <= 0xac) ||
           (c >= 0xae && c <= 0xff);
}

static int32_t byte_of_character(int32_t c)
{
    int32_t left = c - 0x100;

    if (is_printed(c))
        return c;
    if (left < 0 || left >= 68)
        return -1;
    if (left <= 0x20) /* 00 .. 20 */
        return left;
    return left <= 0x42 ? left - 0x21 + 0x7f : 0xad; /* 7f .. a0, and ad */
}

bool vocabulary_unmap(struct gguf_string text, char *out, size_t *bytes)
{
    size_t at = 0;

    *bytes = 0;
    while (at < text.bytes) {
        int32_t byte = byte_of_character(utf8_next(text.text, text.bytes, &at));

        if (byte < 0)
            return false;
        out[(*bytes)++] = (char)byte;
    }
    return true;
}

/* Copy with U+2581 as a space; returns the bytes written. */
static size_t copy_spaced(struct gguf_string text, char *out)
{
    const size_t mark = sizeof space_mark - 1;
    size_t bytes = 0;

    for (size_t at = 0; at < text.bytes;) {
        if (text.bytes - at >= mark && memcmp(text.text + at, space_mark, mark) == 0) {
            out[bytes++] = ' ';
            at += mark;
        } else {
            out[bytes++] = text.text[at++];
        }
    }
    return bytes;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "<0x0A>" as a number, -1 for anything else. */
static int byte_of_name(struct gguf_string text)
{
    int high, low;

    if (text.bytes != 6 || memcmp(text.text, "<0x", 3) != 0 || text.text[5] != '>')
        return -1;
    high = digit_value(text.text[3]);
    low = digit_value(text.text[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* ---- reading -------------------------------------------------------------------- */

static int read_byte_token(struct vocabulary *v, uint32_t id, struct gguf_string text,
                           char *out, struct infer_error *err)
{
    int byte = byte_of_name(text);

    if (byte < 0)
        return infer_fail(err, INFER_EFORMAT,
                          "token %u is a byte and is written \"%.*s\", not <0x00> to "
                          "<0xFF>",
                          id, (int)(text.bytes < 20 ? text.bytes : 20), text.text);
    if (v->byte_id[byte] >= 0)
        return infer_fail(err, INFER_EFORMAT, "tokens %d and %u are both the byte %d",
                          v->byte_id[byte], id, byte);
    v->byte_id[byte] = (int32_t)id;
    v->token[id].bytes = 1;
    *out = (char)byte;
    return 0;
}

/* "<|im_end|>": a name between bars. */
static bool is_named_in_bars(struct gguf_string text)
{
    if (text.bytes < 5 || memcmp(text.text, "<|", 2) != 0 ||
        memcmp(text.text + text.bytes - 2, "|>", 2) != 0)
        return false;
    for (size_t i = 2; i < text.bytes - 2; i++)
        if (!isalnum((unsigned char)text.text[i]) && text.text[i] != '_')
            return false;
    return true;
}

/* Put the bytes that a token stands for into the arena. Files exist that call chat
 * markup normal: it is control, or no caller could write it and a text might. */
static int read_token(struct vocabulary *v, uint32_t id, struct gguf_string text,
                      enum vocabulary_form form, char *out, struct infer_error *err)
{
    struct token *token = &v->token[id];
    size_t bytes = text.bytes;
    bool plain;

    if (token->type == TOKEN_NORMAL && is_named_in_bars(text))
        token->type = TOKEN_CONTROL;
    plain = token->type == TOKEN_NORMAL || token->type == TOKEN_UNUSED;
    token->text = out;
    token->plain = plain && text.bytes > 0;
    if (token->type == TOKEN_BYTE && form == VOCABULARY_PIECES)
        return read_byte_token(v, id, text, out, err);
    if (plain && form == VOCABULARY_BYTES && vocabulary_unmap(text, out, &bytes)) {
        token->bytes = (uint32_t)bytes;
        return 0;
    }
    if (form == VOCABULARY_PIECES && (plain || token->type == TOKEN_USER_DEFINED)) {
        token->bytes = (uint32_t)copy_spaced(text, out);
        token->plain = text.bytes > 0;
        return 0;
    }
    if (text.bytes > 0)
        memcpy(out, text.text, text.bytes);
    token->bytes = (uint32_t)text.bytes;
    if (form == VOCABULARY_BYTES)
        token->plain = false; /* not of the alphabet: nothing merges to it */
    return 0;
}

static int read_tokens(struct vocabulary *v, const struct gguf_key *tokens,
                       enum vocabulary_form form, struct infer_error *err)
{
    size_t at = 0;
    char *out;
    int status = 0;

    v->arena = malloc(tokens->bytes + 1); /* no token grows */
    if (v->arena == NULL || tokens->bytes >= UINT32_MAX)
        return infer_fail(err, INFER_ENOMEM, "no memory for %zu bytes of vocabulary",
                          tokens->bytes);
    out = v->arena;
    for (uint32_t i = 0; status == 0 && i < v->count; i++) {
        struct gguf_string text = gguf_array_next(tokens, &at);

        if (text.bytes > VOCABULARY_TOKEN_BYTES_MAX)
            return infer_fail(err, INFER_EFORMAT,
                              "token %u has %zu bytes, allowed are %d", i, text.bytes,
                              VOCABULARY_TOKEN_BYTES_MAX);
        status = read_token(v, i, text, form, out, err);
        out += v->token[i].bytes;
    }
    return status;
}

static int read_types(struct vocabulary *v, const struct gguf *file,
                      struct infer_error *err)
{
    static const char key[] = "tokenizer.ggml.token_type";
    const struct gguf_key *types = NULL;
    int status = gguf_get_array(file, key, GGUF_I32, &types, err);

    if (status != 0)
        return status;
    if (types->count != v->count)
        return infer_fail(err, INFER_EFORMAT,
                          "%s has %llu entries, tokenizer.ggml.tokens has %u", key,
                          (unsigned long long)types->count, v->count);
    for (uint32_t i = 0; i < v->count; i++) {
        uint32_t type = gguf_array_u32(types, i);

        if (type < TOKEN_NORMAL || type > TOKEN_BYTE)
            return infer_fail(err, INFER_EFORMAT,
                              "%s of token %u is %d, allowed are %d to %d", key, i,
                              (int)type, TOKEN_NORMAL, TOKEN_BYTE);
        v->token[i].type = (uint8_t)type;
    }
    return 0;
}

/* A number that falls as the score rises; -0 and 0 are one score. */
static uint32_t rank_of_score(float score)
{
    uint32_t bits;

    score += 0.0f;
    memcpy(&bits, &score, sizeof bits);
    return bits >> 31 ? bits : ~(bits | 0x80000000u);
}

static int read_scores(struct vocabulary *v, const struct gguf *file,
                       struct infer_error *err)
{
    static const char key[] = "tokenizer.ggml.scores";
    const struct gguf_key *scores = NULL;
    int status = gguf_get_array(file, key, GGUF_FLOAT32, &scores, err);

    if (status != 0)
        return status;
    if (scores->count != v->count)
        return infer_fail(err, INFER_EFORMAT,
                          "%s has %llu entries, tokenizer.ggml.tokens has %u", key,
                          (unsigned long long)scores->count, v->count);
    for (uint32_t i = 0; i < v->count; i++) {
        uint32_t bits = gguf_array_u32(scores, i);

        memcpy(&v->token[i].score, &bits, sizeof bits);
        if (!isfinite(v->token[i].score))
            return infer_fail(err, INFER_EFORMAT, "%s of token %u is no finite number",
                              key, i);
        v->token[i].rank = rank_of_score(v->token[i].score);
    }
    return 0;
}

/* ---- the table ------------------------------------------------------------------ */

static int insert(struct vocabulary *v, int32_t id, struct infer_error *err)
{
    const struct token *token = &v->token[id];
    uint64_t key = vocabulary_hash(token->text, token->bytes);
    uint32_t tag = (uint32_t)(key >> 32), at = (uint32_t)key & v->slot_mask;

    for (int probe = 0; probe < VOCABULARY_PROBES_MAX; probe++) {
        const struct token *other;

        if (v->slot[at].id < 0) {
            v->slot[at] = (struct vocabulary_slot){tag, id};
            return 0;
        }
        other = &v->token[v->slot[at].id];
        if (v->slot[at].tag == tag && other->bytes == token->bytes &&
            memcmp(other->text, token->text, token->bytes) == 0)
            return infer_fail(
                err, INFER_EFORMAT,
                "tokens %d and %d of the vocabulary are the same, \"%.*s\"",
                v->slot[at].id, id, (int)(token->bytes < 40 ? token->bytes : 40),
                token->text);
        at = (at + 1) & v->slot_mask;
    }
    return infer_fail(err, INFER_EFORMAT,
                      "token %d cannot be put into a table: more than %d others are in "
                      "its place",
                      id, VOCABULARY_PROBES_MAX);
}

static bool goes_on_at_space(const struct token *token)
{
    for (uint32_t i = 1; i < token->bytes; i++)
        if (token->text[i] == ' ' && token->text[i - 1] != ' ')
            return true;
    return false;
}

static int build_table(struct vocabulary *v, enum vocabulary_form form,
                       struct infer_error *err)
{
    uint32_t size = 16;
    int status = 0;

    while (size < 2 * v->count)
        size *= 2;
    v->slot = malloc(size * sizeof *v->slot);
    if (v->slot == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for %u tokens", v->count);
    for (uint32_t i = 0; i < size; i++)
        v->slot[i].id = -1;
    v->slot_mask = size - 1;
    v->splits_at_spaces = true;
    for (uint32_t i = 0; status == 0 && i < v->count; i++) {
        const struct token *token = &v->token[i];

        if (!token->plain)
            continue;
        status = insert(v, (int32_t)i, err);
        if (token->bytes > v->longest)
            v->longest = token->bytes;
        if (goes_on_at_space(token))
            v->splits_at_spaces = false;
        if (token->bytes == 1 && form == VOCABULARY_BYTES)
            v->byte_id[(uint8_t)token->text[0]] = (int32_t)i;
    }
    return status;
}

/* ---- open and close ------------------------------------------------------------- */

int vocabulary_open(struct vocabulary *v, const struct gguf *file,
                    enum vocabulary_form form, struct infer_error *err)
{
    const struct gguf_key *tokens = NULL;
    int status =
        gguf_get_array(file, "tokenizer.ggml.tokens", GGUF_STRING, &tokens, err);

    if (status != 0)
        return status;
    if (tokens->count < 1 || tokens->count > VOCABULARY_TOKENS_MAX)
        return infer_fail(err, INFER_EFORMAT,
                          "tokenizer.ggml.tokens has %llu entries, allowed are 1 to %d",
                          (unsigned long long)tokens->count, VOCABULARY_TOKENS_MAX);
    v->count = (uint32_t)tokens->count;
    memset(v->byte_id, 0xff, sizeof v->byte_id);
    v->token = calloc(v->count, sizeof *v->token);
    if (v->token == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for %u tokens", v->count);
    status = read_types(v, file, err);
    if (status == 0)
        status = read_tokens(v, tokens, form, err);
    if (status == 0 && form == VOCABULARY_PIECES)
        status = read_scores(v, file, err);
    if (status == 0 && form != VOCABULARY_WORDPIECE)
        status = build_table(v, form, err);
    return status;
}

void vocabulary_close(struct vocabulary *v)
{
    free(v->slot);
    free(v->arena);
    free(v->token);
    *v = (struct vocabulary){0};
}
