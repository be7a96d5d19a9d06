/* tokenizer_unigram - SentencePiece's unigram model ("t5" in GGUF).
 *
 *     text -> normalised -> the cut into tokens whose scores sum up highest -> ids
 *
 * (Kudo, "Subword Regularization", 2018; the best cut by Viterbi's algorithm.) From
 * left to right every place keeps the best way to get there:
 *
 *     place   0     1     2     3
 *     best    0    -3.1  -2.5  -7.0        sum of scores
 *     from    -     0     0     2          where its last token starts
 *
 * A character that is no token costs ten more than the worst score, and is its bytes
 * <0xC3> <0xB6> where the vocabulary has those, or unknown, a run of unknown ones
 * being one token. Normalising is a table in the file (charsmap.c) and, where the
 * file asks for it, one space for several and none at the ends.
 *
 * Where no token goes on at a space after another character, each word is cut alone,
 * which gives the same ids. */
#include "infer/charsmap.h"
#include "infer/tokenizer.h"
#include "infer/utf8.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum { UNKNOWN = -1, NOWHERE = -2 };

struct place {
    double best;
    uint32_t from;
    int32_t id; /* of the token that ends here; UNKNOWN; NOWHERE: not reached */
};

struct unigram {
    struct trie *pieces;
    struct charsmap *map; /* NULL: the text is taken as it is */
    bool merges_spaces;
    double unknown_score;
};

/* ---- reading --------------------------------------------------------------------- */

/* User-defined tokens are cut out before, and those that are chat markup never match
 * plain text. */
static bool is_piece(const struct token *token)
{
    return token->type == TOKEN_NORMAL && token->bytes > 0;
}

static int build_pieces(struct unigram *own, const struct vocabulary *v,
                        struct infer_error *err)
{
    struct trie_entry *entry = calloc(v->count, sizeof *entry);
    double worst = 0;
    size_t count = 0;

    for (uint32_t i = 0; entry != NULL && i < v->count; i++) {
        const struct token *token = &v->token[i];

        if (!is_piece(token))
            continue;
        if (count == 0 || (double)token->score < worst)
            worst = (double)token->score;
        entry[count++] = (struct trie_entry){token->text, token->bytes, (int32_t)i};
    }
    if (entry != NULL)
        own->pieces = trie_build(entry, count);
    free(entry);
    own->unknown_score = worst - 10;
    if (own->pieces == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for %u tokens", v->count);
    return 0;
}

static int read_charsmap(struct unigram *own, const struct gguf *file,
                         struct infer_error *err)
{
    static const char key[] = "tokenizer.ggml.precompiled_charsmap";
    const struct gguf_key *found = gguf_find(file, key);

    if (found == NULL)
        return 0;
    if (!found->is_array || (found->type != GGUF_U8 && found->type != GGUF_I8))
        return infer_fail(err, INFER_EFORMAT, "%s is no array of bytes", key);
    return found->bytes == 0 ? 0
                             : charsmap_open(&own->map, found->data, found->bytes, err);
}

static int unigram_open(struct tokenizer *t, const struct gguf *file,
                        struct infer_error *err)
{
    struct unigram *own = calloc(1, sizeof *own);
    int status;

    t->own = own;
    t->space_prefix = true;
    t->closing = t->eos;
    if (own == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for a tokenizer");
    if (t->unknown < 0)
        return infer_fail(err, INFER_EFORMAT,
                          "the file names no token for what is unknown");
    status = build_pieces(own, &t->vocabulary, err);
    if (status == 0)
        status = read_charsmap(own, file, err);
    if (status == 0)
        status = tokenizer_read_bool(file, "tokenizer.ggml.add_space_prefix",
                                     &t->space_prefix, err);
    if (status == 0)
        status = tokenizer_read_bool(file, "tokenizer.ggml.remove_extra_whitespaces",
                                     &own->merges_spaces, err);
    return status;
}

static void unigram_close(struct tokenizer *t)
{
    struct unigram *own = t->own;

    if (own == NULL)
        return;
    trie_free(own->pieces);
    charsmap_close(own->map);
    free(own);
}

/* ---- normalising ----------------------------------------------------------------- */

struct buffer {
    char *text;
    size_t bytes, capacity;
    bool prefix;          /* it begins with a space of its own */
    bool ends_with_space; /* also where nothing is there yet */
};

static int append(struct buffer *out, const char *text, size_t bytes)
{
    size_t capacity = out->capacity < 256 ? 256 : out->capacity;
    char *grown;

    while (capacity - out->bytes < bytes)
        capacity *= 2;
    if (capacity > out->capacity) {
        grown = realloc(out->text, capacity);
        if (grown == NULL)
            return INFER_ENOMEM;
        out->text = grown;
        out->capacity = capacity;
    }
    memcpy(out->text + out->bytes, text, bytes);
    out->bytes += bytes;
    return 0;
}

/* Append normalised text, which for a merging model begins with no space and has none
 * twice. */
static int append_normalised(const struct unigram *own, struct buffer *out,
                             const char *text, size_t bytes)
{
    int status = 0;

    for (size_t i = 0; status == 0 && i < bytes; i++) {
        bool space = text[i] == ' ';

        if (space && own->merges_spaces && out->ends_with_space)
            continue;
        if (out->bytes == 0 && out->prefix)
            status = append(out, " ", 1);
        if (status == 0)
            status = append(out, text + i, 1);
        out->ends_with_space = space;
    }
    return status;
}

/* U+2581, which in the vocabulary is a space but does not merge with others. */
static int append_mark(struct buffer *out)
{
    int status = append(out, "  ", out->bytes == 0 && out->prefix ? 2 : 1);

    out->ends_with_space = false;
    return status;
}

static int normalise(const struct unigram *own, const char *text, size_t bytes,
                     struct buffer *out)
{
    int status = 0;

    for (size_t at = 0, matched; status == 0 && at < bytes;) {
        const char *to = NULL;

        if (own->map != NULL)
            to = charsmap_find(own->map, text + at, bytes - at, &matched);
        if (to != NULL) {
            status = append_normalised(own, out, to, strlen(to));
            at += matched;
            continue;
        }
        matched = at;
        if (utf8_next(text, bytes, &at) == 0x2581)
            status = append_mark(out);
        else
            status = append_normalised(own, out, text + matched, at - matched);
    }
    while (own->merges_spaces && out->bytes > 0 && out->text[out->bytes - 1] == ' ')
        out->bytes--;
    return status;
}

/* ---- the best cut ---------------------------------------------------------------- */

static void reach(struct place *place, uint32_t from, size_t to, double score,
                  int32_t id)
{
    if (place[to].id != NOWHERE && score <= place[to].best)
        return;
    place[to] = (struct place){score, from, id};
}

static void leave(const struct tokenizer *t, const char *word, size_t bytes, size_t at,
                  struct place *place)
{
    const struct unigram *own = t->own;
    double so_far = place[at].best;
    size_t character = at;
    uint32_t node = 0;
    bool whole = false;

    utf8_next(word, bytes, &character);
    for (size_t i = at; i < bytes; i++) {
        int32_t id = trie_step(own->pieces, &node, (uint8_t)word[i]);

        if (node == 0)
            break;
        if (id < 0)
            continue;
        reach(place, (uint32_t)at, i + 1,
              so_far + (double)t->vocabulary.token[id].score, id);
        whole = whole || i + 1 == character;
    }
    if (!whole)
        reach(place, (uint32_t)at, character, so_far + own->unknown_score, UNKNOWN);
}

static void push_unknown(const struct tokenizer *t, const char *text, size_t bytes,
                         bool after_unknown, struct infer_tokens *out)
{
    bool has_bytes = true;

    for (size_t i = 0; i < bytes; i++)
        has_bytes = has_bytes && t->vocabulary.byte_id[(uint8_t)text[i]] >= 0;
    if (!has_bytes && !after_unknown)
        out->id[out->count++] = t->unknown;
    for (size_t i = 0; has_bytes && i < bytes; i++)
        out->id[out->count++] = t->vocabulary.byte_id[(uint8_t)text[i]];
}

/* Turn the chain that leads back from the end into one that leads forward. */
static void turn_round(struct place *place, size_t bytes)
{
    uint32_t to = (uint32_t)bytes, from;

    for (size_t at = bytes; at > 0; at = from) {
        from = place[at].from;
        place[at].from = to; /* where the token after this place ends */
        to = (uint32_t)at;
    }
    place[0].from = to;
}

static int cut_word(const struct tokenizer_run *run, const char *word, size_t bytes,
                    struct place *place)
{
    const struct tokenizer *t = run->tokenizer;
    struct infer_tokens *out = run->out;

    if (tokenizer_reserve(out, bytes) != 0)
        return INFER_ENOMEM;
    place[0] = (struct place){0, 0, UNKNOWN};
    for (size_t i = 1; i <= bytes; i++)
        place[i].id = NOWHERE;
    for (size_t i = 0; i < bytes; i++)
        if (place[i].id != NOWHERE)
            leave(t, word, bytes, i, place);
    turn_round(place, bytes);
    for (size_t at = 0, to; at < bytes; at = to) {
        to = place[at].from;
        if (place[to].id >= 0)
            out->id[out->count++] = place[to].id;
        else
            push_unknown(t, word + at, to - at,
                         out->count > 0 && out->id[out->count - 1] == t->unknown, out);
    }
    return 0;
}

static size_t end_of_word(const struct vocabulary *v, const struct buffer *text,
                          size_t start)
{
    size_t at = start;

    if (!v->splits_at_spaces)
        return text->bytes;
    while (at < text->bytes && text->text[at] == ' ')
        at++;
    while (at < text->bytes && text->text[at] != ' ')
        at++;
    return at;
}

static int unigram_encode(struct tokenizer_run *run, const char *text, size_t bytes)
{
    const struct vocabulary *v = &run->tokenizer->vocabulary;
    const struct unigram *own = run->tokenizer->own;
    struct buffer normal = {.prefix = run->tokenizer->space_prefix && run->at_start,
                            .ends_with_space = true};
    struct place *place = NULL;
    size_t room = 0;
    int status = normalise(own, text, bytes, &normal);

    if (status == 0 && normal.bytes >= UINT32_MAX)
        status = INFER_ENOMEM;
    for (size_t at = 0, end; status == 0 && at < normal.bytes; at = end) {
        end = end_of_word(v, &normal, at);
        if (end - at >= room) {
            room = 2 * (end - at) + 64;
            free(place);
            place = calloc(room, sizeof *place);
        }
        status = place == NULL ? INFER_ENOMEM
                               : cut_word(run, normal.text + at, end - at, place);
    }
    free(place);
    free(normal.text);
    return status;
}

const struct tokenizer_kind tokenizer_unigram = {.name = "t5",
                                                 .form = VOCABULARY_PIECES,
                                                 .open = unigram_open,
                                                 .encode = unigram_encode,
                                                 .close = unigram_close};
