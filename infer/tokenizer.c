/* tokenizer - the kinds of vocabulary, and the special tokens around and in a text.
 *
 *     parts    |<|im_start|>user\n|  text of a document </s>  |<|im_end|>|
 *     markup   |yes               |  no                       |yes       |
 *     runs     [special] "user\n     text of a document </s>"  [special]
 *
 * A text is cut at its special tokens, the leftmost first and of those the longest.
 * What lies between is plain and goes to the kind in one run, across the ends of
 * parts: a document's text then gets the ids that it would have had in the template,
 * but nothing in it is a special token. */
#include "infer/tokenizer.h"
#include "infer/utf8.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- open and close ------------------------------------------------------------- */

static const struct tokenizer_kind *const kinds[] = {
    &tokenizer_wordpiece, &tokenizer_bpe, &tokenizer_spm, &tokenizer_unigram};

enum { KINDS = sizeof kinds / sizeof *kinds };

static int find_kind(const struct gguf *file, const struct tokenizer_kind **out,
                     struct infer_error *err)
{
    struct gguf_string model = {"", 0};
    int status = gguf_get_string(file, "tokenizer.ggml.model", &model, err);

    for (size_t i = 0; status == 0 && i < KINDS; i++)
        if (strlen(kinds[i]->name) == model.bytes &&
            memcmp(kinds[i]->name, model.text, model.bytes) == 0) {
            *out = kinds[i];
            return 0;
        }
    if (status == 0)
        status =
            infer_fail(err, INFER_EUNSUPPORTED,
                       "tokenizer.ggml.model is \"%.*s\", supported are bert, gpt2, "
                       "llama and t5",
                       (int)(model.bytes < 40 ? model.bytes : 40), model.text);
    return status;
}

/* Phi-3's special tokens swallow the white space that follows, which the file does
 * not say but by the model's name. */
static bool strips_right(const struct gguf *file)
{
    struct gguf_string name = {"", 0};

    if (gguf_find(file, "general.name") == NULL ||
        gguf_get_string(file, "general.name", &name, NULL) != 0)
        return false;
    for (size_t at = 0; at < name.bytes; at++)
        for (int i = 0; i < 2; i++) {
            const char *wanted = i == 0 ? "phi3" : "phi-3";
            size_t bytes = strlen(wanted);

            if (name.bytes - at >= bytes &&
                strncasecmp(name.text + at, wanted, bytes) == 0)
                return true;
        }
    return false;
}

int tokenizer_open(struct tokenizer **out, const struct gguf *file,
                   struct infer_error *err)
{
    const struct tokenizer_kind *kind = NULL;
    int status = find_kind(file, &kind, err);
    struct tokenizer *t;

    *out = NULL;
    if (status != 0)
        return status;
    t = calloc(1, sizeof *t);
    if (t == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for a tokenizer");
    t->kind = kind;
    status = vocabulary_open(&t->vocabulary, file, kind->form, err);
    t->count = t->vocabulary.count;
    if (status == 0)
        status = tokenizer_read_ids(t, file, err);
    if (status == 0)
        status = kind->open(t, file, err);
    if (status == 0)
        status = tokenizer_read_special(t, file, err);
    t->strips_right = kind == &tokenizer_spm && strips_right(file);
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
    if (t->kind->close != NULL)
        t->kind->close(t);
    trie_free(t->special);
    trie_free(t->literal);
    vocabulary_close(&t->vocabulary);
    free(t);
}

/* ---- ids ------------------------------------------------------------------------- */

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

int tokenizer_push(struct infer_tokens *out, int32_t id)
{
    if (tokenizer_reserve(out, 1) != 0)
        return INFER_ENOMEM;
    out->id[out->count++] = id;
    return 0;
}

/* ---- one text out of parts ------------------------------------------------------- */

struct joined {
    char *text;   /* well-formed, unless the kind takes any bytes */
    char *owned;  /* to be freed */
    size_t bytes; /* of all */
    size_t *end;  /* of each part */
};

static bool is_utf8(const char *text, size_t bytes)
{
    size_t at = 0;

    while (at < bytes) {
        if ((uint8_t)text[at] < 0x80)
            at++;
        else if (utf8_next(text, bytes, &at) == UTF8_INVALID)
            return false;
    }
    return true;
}

/* Copy with U+FFFD for every invalid sequence; returns the bytes written, at most
 * three times those read. */
static size_t copy_valid(char *out, const char *text, size_t bytes)
{
    size_t at = 0, start, count = 0;

    while (at < bytes) {
        start = at;
        if (utf8_next(text, bytes, &at) == UTF8_INVALID) {
            count += utf8_put(out + count, 0xfffd);
        } else {
            memcpy(out + count, text + start, at - start);
            count += at - start;
        }
    }
    return count;
}

static int join_parts(const struct tokenizer *t, const struct infer_part *part,
                      size_t count, struct joined *out)
{
    bool valid = true;
    size_t total = 0, at = 0;

    for (size_t i = 0; i < count; i++) {
        total += part[i].text_bytes;
        valid =
            valid && (t->kind->any_bytes || is_utf8(part[i].text, part[i].text_bytes));
    }
    out->end = calloc(count, sizeof *out->end);
    if (valid && count == 1 && out->end != NULL) {
        *out = (struct joined){(char *)part[0].text, NULL, total, out->end};
        out->end[0] = total;
        return 0;
    }
    out->text = out->owned = malloc((valid ? total : 3 * total) + 1);
    if (out->end == NULL || out->owned == NULL)
        return INFER_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const struct infer_part *p = &part[i];

        if (valid)
            at = (size_t)((char *)mempcpy(out->owned + at, p->text, p->text_bytes) -
                          out->owned);
        else
            at += copy_valid(out->owned + at, p->text, p->text_bytes);
        out->end[i] = at;
    }
    out->bytes = at;
    return 0;
}

/* ---- text to ids ----------------------------------------------------------------- */

static int encode_plain(struct tokenizer_run *run, const char *text, size_t bytes)
{
    int status;

    if (bytes == 0)
        return 0;
    status = run->tokenizer->kind->encode(run, text, bytes);
    run->at_start = false;
    return status;
}

static size_t skip_space(const struct tokenizer *t, int32_t id, const char *text,
                         size_t at, size_t end)
{
    static const char *const kept[] = {"<unk>", "<s>", "<|endoftext|>"};
    const struct token *token = &t->vocabulary.token[id];

    if (!t->strips_right)
        return at;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (token->bytes == strlen(kept[i]) &&
            memcmp(token->text, kept[i], token->bytes) == 0)
            return at;
    while (at < end && isspace((unsigned char)text[at]))
        at++;
    return at;
}

/* Cut the text at the special tokens that count in it. */
static int encode_text(struct tokenizer_run *run, const struct joined *text,
                       const struct infer_part *part, size_t count)
{
    const struct tokenizer *t = run->tokenizer;
    size_t start = 0, at = 0, i = 0, matched = 0;
    int status = 0;

    while (status == 0 && at < text->bytes) {
        int32_t id;

        while (i + 1 < count && at >= text->end[i])
            i++;
        id = trie_longest(part[i].markup ? t->special : t->literal, text->text + at,
                          (part[i].markup ? text->end[i] : text->bytes) - at, &matched);
        if (id < 0) {
            at++;
            continue;
        }
        status = encode_plain(run, text->text + start, at - start);
        if (status == 0)
            status = tokenizer_push(run->out, id);
        run->at_start = true;
        at = skip_space(t, id, text->text, at + matched, text->end[i]);
        start = at;
    }
    return status != 0 ? status
                       : encode_plain(run, text->text + start, text->bytes - start);
}

static int check_call(const struct infer_part *part, size_t count, unsigned flags,
                      unsigned allowed, struct infer_error *err)
{
    size_t total = 0;

    if (flags & ~allowed)
        return infer_fail(err, INFER_EINVALID, "token flags 0x%x are not known", flags);
    for (size_t i = 0; i < count; i++)
        if (__builtin_add_overflow(total, part[i].text_bytes, &total) ||
            total > TOKENIZER_TEXT_BYTES_MAX)
            return infer_fail(
                err, INFER_ELIMIT,
                "a text of more than %d bytes cannot be tokenised at once",
                TOKENIZER_TEXT_BYTES_MAX);
    return 0;
}

static int encode_parts(const struct tokenizer *t, const struct infer_part *part,
                        size_t count, unsigned flags, struct infer_tokens *out,
                        struct infer_error *err)
{
    struct tokenizer_run run = {t, out, !(flags & INFER_CONTINUES)};
    struct joined text = {0};
    int status = join_parts(t, part, count, &text);

    if (status == 0 && (flags & INFER_ADD_SPECIAL) && t->opening >= 0)
        status = tokenizer_push(out, t->opening);
    if (status == 0)
        status = encode_text(&run, &text, part, count);
    if (status == 0 && (flags & INFER_ADD_SPECIAL) && t->closing >= 0)
        status = tokenizer_push(out, t->closing);
    free(text.owned);
    free(text.end);
    if (status != 0) {
        out->count = 0;
        return infer_fail(err, status, "no memory for the tokens of a text");
    }
    return 0;
}

int tokenizer_encode_parts(const struct tokenizer *t, const struct infer_part *part,
                           size_t count, unsigned flags, struct infer_tokens *out,
                           struct infer_error *err)
{
    static const struct infer_part nothing = {"", 0, false};
    int status =
        check_call(part, count, flags, INFER_ADD_SPECIAL | INFER_CONTINUES, err);

    out->count = 0;
    if (status != 0)
        return status;
    return count == 0 ? encode_parts(t, &nothing, 1, flags, out, err)
                      : encode_parts(t, part, count, flags, out, err);
}

int tokenizer_encode(const struct tokenizer *t, const char *text, size_t text_bytes,
                     unsigned flags, struct infer_tokens *out, struct infer_error *err)
{
    struct infer_part part = {text, text_bytes, (flags & INFER_PARSE_SPECIAL) != 0};
    int status =
        check_call(&part, 1, flags,
                   INFER_ADD_SPECIAL | INFER_PARSE_SPECIAL | INFER_CONTINUES, err);

    out->count = 0;
    return status != 0 ? status : encode_parts(t, &part, 1, flags, out, err);
}

/* ---- for callers of the library ---------------------------------------------------
 */

int infer_tokenize(const struct infer_model *model, const char *text, size_t text_bytes,
                   unsigned flags, struct infer_tokens *out, struct infer_error *err)
{
    return tokenizer_encode(model->tokenizer, text, text_bytes, flags, out, err);
}

int infer_tokenize_parts(const struct infer_model *model, const struct infer_part *part,
                         size_t count, unsigned flags, struct infer_tokens *out,
                         struct infer_error *err)
{
    return tokenizer_encode_parts(model->tokenizer, part, count, flags, out, err);
}

void infer_tokens_free(struct infer_tokens *tokens)
{
    free(tokens->id);
    *tokens = (struct infer_tokens){0};
}

bool infer_tokens_cut(const struct infer_model *model, struct infer_tokens *tokens,
                      size_t max)
{
    int32_t closing = model->tokenizer->closing;

    if (tokens->count <= max)
        return false;
    if (max > 0 && closing >= 0 && tokens->id[tokens->count - 1] == closing)
        tokens->id[max - 1] = closing;
    tokens->count = max;
    return true;
}

int32_t infer_token_bos(const struct infer_model *model)
{
    return model->tokenizer->bos;
}

bool infer_token_is_end(const struct infer_model *model, int32_t id)
{
    return tokenizer_is_end(model->tokenizer, id);
}

int32_t infer_token_find(const struct infer_model *model, const char *name)
{
    return vocabulary_find_special(&model->tokenizer->vocabulary, name);
}
