/* tokenizer_decode - ids to the text they stand for.
 *
 * The vocabulary holds the bytes of every token, so decoding is copying, but for the
 * space that SentencePiece puts before a text and before what follows a special
 * token: it is left out again, so that text comes back byte for byte. A text that
 * continues another one keeps it.
 *
 * Byte tokens may end inside a character; whoever prints token by token joins them.
 * Of WordPiece, which drops case, accents and spaces, the words come back, one space
 * between them. */
#include "infer/tokenizer.h"

#include <stdlib.h>
#include <string.h>

static int append(struct infer_text *out, const char *text, size_t bytes)
{
    size_t needed, capacity = out->capacity < 64 ? 64 : out->capacity;
    char *grown;

    if (__builtin_add_overflow(out->bytes, bytes, &needed) || needed >= SIZE_MAX / 4)
        return INFER_ENOMEM;
    if (needed + 1 > out->capacity) {
        while (capacity < needed + 1)
            capacity *= 2;
        grown = realloc(out->text, capacity);
        if (grown == NULL)
            return INFER_ENOMEM;
        out->text = grown;
        out->capacity = capacity;
    }
    if (bytes > 0)
        memcpy(out->text + out->bytes, text, bytes);
    out->bytes = needed;
    out->text[needed] = '\0';
    return 0;
}

static int append_wordpiece(struct infer_text *out, const struct token *token,
                            bool at_start)
{
    static const char mark[] = "\xe2\x96\x81"; /* U+2581 */
    const size_t bytes = sizeof mark - 1;
    int status;

    if (token->bytes < bytes || memcmp(token->text, mark, bytes) != 0)
        return append(out, token->text, token->bytes);
    status = at_start ? 0 : append(out, " ", 1);
    return status != 0 ? status
                       : append(out, token->text + bytes, token->bytes - bytes);
}

/* Append a plain token. */
static int append_plain(const struct tokenizer *t, struct infer_text *out,
                        const struct token *token, bool at_start)
{
    bool drop = at_start && t->space_prefix && token->bytes > 0 &&
                token->type != TOKEN_BYTE && token->text[0] == ' ';

    if (t->kind->form == VOCABULARY_WORDPIECE)
        return append_wordpiece(out, token, at_start);
    return append(out, token->text + drop, token->bytes - drop);
}

/* What is unknown was text once: it does not vanish. */
static int append_special(struct infer_text *out, const struct token *token,
                          unsigned flags)
{
    if (token->type == TOKEN_USER_DEFINED && !tokenizer_is_markup(token))
        return append(out, token->text, token->bytes);
    if (flags & INFER_TEXT_SPECIAL)
        return append(out, token->text, token->bytes);
    return token->type == TOKEN_UNKNOWN ? append(out, "\xef\xbf\xbd", 3) : 0;
}

static int check_call(const struct tokenizer *t, const int32_t *id, size_t count,
                      unsigned flags, struct infer_error *err)
{
    if (flags & ~(unsigned)(INFER_TEXT_SPECIAL | INFER_TEXT_CONTINUES))
        return infer_fail(err, INFER_EINVALID, "text flags 0x%x are not known", flags);
    for (size_t i = 0; i < count; i++)
        if (id[i] < 0 || (uint32_t)id[i] >= t->count)
            return infer_fail(err, INFER_EINVALID,
                              "token %zu is %d, the vocabulary has %u tokens", i, id[i],
                              t->count);
    return 0;
}

int tokenizer_decode(const struct tokenizer *t, const int32_t *id, size_t count,
                     unsigned flags, struct infer_text *out, struct infer_error *err)
{
    bool at_start = !(flags & INFER_TEXT_CONTINUES);
    size_t start = out->bytes;
    int status = check_call(t, id, count, flags, err);

    if (status != 0)
        return status;
    status = append(out, "", 0);
    for (size_t i = 0; status == 0 && i < count; i++) {
        const struct token *token = &t->vocabulary.token[id[i]];
        bool special = token->type == TOKEN_CONTROL || token->type == TOKEN_UNKNOWN ||
                       token->type == TOKEN_USER_DEFINED;

        status = special ? append_special(out, token, flags)
                         : append_plain(t, out, token, at_start);
        at_start =
            t->kind->form == VOCABULARY_WORDPIECE ? out->bytes == start : special;
    }
    if (status != 0) {
        out->bytes = start;
        return infer_fail(err, status, "no memory for the text of %zu tokens", count);
    }
    return 0;
}

int infer_detokenize(const struct infer_model *model, const int32_t *id, size_t count,
                     unsigned flags, struct infer_text *out, struct infer_error *err)
{
    return tokenizer_decode(model->tokenizer, id, count, flags, out, err);
}

void infer_text_free(struct infer_text *text)
{
    free(text->text);
    *text = (struct infer_text){0};
}
