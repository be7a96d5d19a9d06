/* tokenizer_spm - SentencePiece's byte pair encoding ("llama" in GGUF).
 *
 *     "Hello wörld" -> " Hello wörld" -> characters -> merged by score -> ids
 *
 * Two neighbours join where the vocabulary has a token for both together; the best
 * score goes first, of equal ones the leftmost. A character that is no token and
 * joined nothing is its bytes <0xC3> <0xB6>, where the vocabulary has those, or
 * unknown, a run of unknown ones being one token.
 *
 * A space is put before a text and before what follows a special token, unless the
 * file says otherwise. U+2581 in a text is a space, which it is in the file.
 *
 * Where no token of the vocabulary goes on at a space after another character,
 * nothing merges across the beginning of a word: then each word is merged alone,
 * with the same ids as the whole and the memory of one word. */
#include "infer/memo.h"
#include "infer/merge.h"
#include "infer/tokenizer.h"
#include "infer/utf8.h"

#include <stdlib.h>
#include <string.h>

/* ---- reading --------------------------------------------------------------------- */

static int spm_open(struct tokenizer *t, const struct gguf *file,
                    struct infer_error *err)
{
    int missing = -1;

    t->space_prefix = true;
    t->opening = t->bos;
    for (int i = 0; i < 256 && missing < 0; i++)
        if (t->vocabulary.byte_id[i] < 0)
            missing = i;
    if (missing >= 0 && t->unknown < 0)
        return infer_fail(
            err, INFER_EFORMAT,
            "the vocabulary has neither a token for the byte <0x%02X> nor "
            "one for what is unknown",
            (unsigned)missing);
    return tokenizer_read_bool(file, "tokenizer.ggml.add_space_prefix",
                               &t->space_prefix, err);
}

/* ---- text to ids ----------------------------------------------------------------- */

static bool find_joined(const void *context, const char *text,
                        const struct merge_symbol *left,
                        const struct merge_symbol *right, uint32_t *rank, int32_t *id)
{
    const struct vocabulary *v = context;

    *id = vocabulary_find(v, text + left->start, (size_t)left->bytes + right->bytes);
    if (*id < 0)
        return false;
    *rank = v->token[*id].rank;
    return true;
}

static void push_unknown(const struct tokenizer *t, struct infer_tokens *out)
{
    if (out->count == 0 || out->id[out->count - 1] != t->unknown)
        out->id[out->count++] = t->unknown;
}

/* Room for all bytes of the symbol has been made. */
static void push_symbol(const struct tokenizer_run *run, const char *text,
                        const struct merge_symbol *symbol)
{
    const struct tokenizer *t = run->tokenizer;
    const struct vocabulary *v = &t->vocabulary;
    struct infer_tokens *out = run->out;

    if (symbol->id >= 0) {
        out->id[out->count++] = symbol->id;
        return;
    }
    for (uint32_t i = 0; i < symbol->bytes; i++)
        if (v->byte_id[(uint8_t)text[symbol->start + i]] < 0) {
            push_unknown(t, out);
            return;
        }
    for (uint32_t i = 0; i < symbol->bytes; i++)
        out->id[out->count++] = v->byte_id[(uint8_t)text[symbol->start + i]];
}

/* A run of unknown tokens is one, so that what such a word has depends on the text
 * before it. */
static bool holds(const struct infer_tokens *out, size_t from, int32_t id)
{
    for (size_t i = from; i < out->count; i++)
        if (out->id[i] == id)
            return true;
    return from > 0 && out->count == from;
}

struct work { /* what the words of one text share */
    struct merger merger;
    struct memo *memo;
};

static int merge_word(const struct tokenizer_run *run, struct work *work,
                      const char *word, size_t bytes)
{
    const struct vocabulary *v = &run->tokenizer->vocabulary;
    struct infer_tokens *out = run->out;
    struct merger *merger = &work->merger;
    size_t at = 0, start, before = out->count;

    if (merger_begin(merger, bytes) != 0)
        return INFER_ENOMEM;
    while (at < bytes) {
        start = at;
        utf8_next(word, bytes, &at);
        merger_add(merger, start, at - start,
                   vocabulary_find(v, word + start, at - start));
    }
    merger_run(merger, find_joined, v, word);
    for (uint32_t i = 0; i != MERGE_NONE; i = merger->symbol[i].next)
        push_symbol(run, word, &merger->symbol[i]);
    if (run->tokenizer->unknown < 0 || !holds(out, before, run->tokenizer->unknown))
        memo_keep(work->memo, word, bytes, out->id + before, out->count - before);
    return 0;
}

static int encode_word(const struct tokenizer_run *run, struct work *work,
                       const char *word, size_t bytes)
{
    if (tokenizer_reserve(run->out, bytes) != 0)
        return INFER_ENOMEM;
    if (memo_find(work->memo, word, bytes, run->out))
        return 0;
    return merge_word(run, work, word, bytes);
}

/* The end of the word that begins at start: before the next space that follows
 * something else, or everything. */
static size_t end_of_word(const struct vocabulary *v, const char *text, size_t bytes,
                          size_t start)
{
    size_t at = start;

    if (!v->splits_at_spaces)
        return bytes;
    while (at < bytes && text[at] == ' ')
        at++;
    while (at < bytes && text[at] != ' ')
        at++;
    return at;
}

/* The text with a space before it and U+2581 as a space; NULL without memory. */
static char *prepare(const struct tokenizer_run *run, const char *text, size_t *bytes)
{
    static const char mark[] = "\xe2\x96\x81";
    char *copy = malloc(*bytes + 1), *to = copy;
    const char *end = text + *bytes, *found;

    if (copy == NULL)
        return NULL;
    if (run->tokenizer->space_prefix && run->at_start)
        *to++ = ' ';
    while ((found = memmem(text, (size_t)(end - text), mark, 3)) != NULL) {
        to = mempcpy(to, text, (size_t)(found - text));
        *to++ = ' ';
        text = found + 3;
    }
    to = mempcpy(to, text, (size_t)(end - text));
    *bytes = (size_t)(to - copy);
    return copy;
}

static int spm_encode(struct tokenizer_run *run, const char *text, size_t bytes)
{
    const struct vocabulary *v = &run->tokenizer->vocabulary;
    char *prepared = prepare(run, text, &bytes);
    struct work work = {.memo = memo_open(bytes)};
    int status = prepared == NULL ? INFER_ENOMEM : 0;

    for (size_t at = 0, end; status == 0 && at < bytes; at = end) {
        end = end_of_word(v, prepared, bytes, at);
        status = encode_word(run, &work, prepared + at, end - at);
    }
    merger_free(&work.merger);
    memo_close(work.memo);
    free(prepared);
    return status;
}

const struct tokenizer_kind tokenizer_spm = {
    .name = "llama", .form = VOCABULARY_PIECES, .open = spm_open, .encode = spm_encode};
