/* tokenizer_wordpiece - text into the word pieces of a BERT vocabulary.
 *
 *     bytes -> characters -> clean -> decompose -> lower case -> words -> pieces
 *
 * The steps and their order are those of the publishers' reference (the "BERT
 * normaliser" with accents stripped, and longest-match-first WordPiece); other
 * engines differ from it in the points marked *.
 *
 *   clean      tab, newline, return are spaces; every other control, format and
 *              private character, U+FFFD and invalid bytes vanish and join their
 *              neighbours *; space, line and paragraph separators are spaces; an
 *              ideograph is a word of its own.
 *   decompose  canonically (NFD, also Hangul into its letters *), then marks
 *              without width (Mn) vanish; Mc and Me stay *.
 *   lower case every character on its own.
 *   words      end at spaces; punctuation (the 32 of ASCII and category P) is a
 *              word of its own.
 *   pieces     the longest entry first; a word of more than 100 characters * or
 *              with a part that no entry matches is one [UNK] as a whole.
 *
 * The reference's categories are those of Unicode 8: what came later is a letter.
 * ICU says when a character came; the few characters whose category changed since
 * stand in a table. Everything streams through one word's buffer: no character is
 * looked at twice, ASCII without asking ICU, and nothing is allocated but ids. */
#include "infer/tokenizer.h"
#include "infer/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>

struct mark { /* a combining character that waits for its place */
    UChar32 character;
    uint8_t class;
};

struct wordpiece {
    struct trie *initial;    /* pieces that start a word */
    struct trie *continuing; /* pieces inside a word */
};

struct words { /* one call's state */
    const struct tokenizer *tokenizer;
    const UNormalizer2 *nfd;
    struct infer_tokens *out;
    int status;
    size_t characters; /* of the word so far; counts on beyond the maximum */
    size_t bytes;
    char text[TOKENIZER_WORD_BYTES_MAX];
    size_t mark_count;
    struct mark mark[TOKENIZER_WORD_CHARACTERS_MAX];
};

/* ---- characters ----------------------------------------------------------------- */

enum kind {
    LETTER = 'a',
    SPACE = ' ',
    PUNCTUATION = '!',
    NOTHING = 'x',
    IDEOGRAPH = 'i'
};

/* General categories as a set of bits. */
enum {
    REMOVED = U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK,
    SEPARATOR = U_GC_ZS_MASK | U_GC_ZL_MASK | U_GC_ZP_MASK
};

static bool is_ideograph(UChar32 c)
{
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) ||
           (c >= 0x20000 && c <= 0x2a6df) || (c >= 0x2a700 && c <= 0x2b73f) ||
           (c >= 0x2b740 && c <= 0x2b81f) || (c >= 0x2b920 && c <= 0x2ceaf) ||
           (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

/* Characters of Unicode 8 that were put into another category later. */
static const struct {
    UChar32 character;
    uint32_t category;
} recategorised[] = {
    {0x166d, U_GC_PO_MASK}, /* Canadian syllabics chi sign, now So */
    {0x1734, U_GC_MN_MASK}, /* Hanunoo pamudpod, now Mc */
    {0x1885, U_GC_LO_MASK}, /* Mongolian baluda, now Mn */
    {0x1886, U_GC_LO_MASK}, /* Mongolian three baluda, now Mn */
    {0xa9bd, U_GC_MC_MASK}, /* Javanese keret, now Mn */
    {0x111c9, U_GC_PO_MASK} /* Sharada sandhi mark, now Mn */
};

/* The general category in Unicode 8 as a bit; 0 for what came later. */
static uint32_t category(UChar32 c)
{
    UVersionInfo age;

    for (size_t i = 0; i < sizeof recategorised / sizeof *recategorised; i++)
        if (recategorised[i].character == c)
            return recategorised[i].category;
    u_charAge(c, age);
    return age[0] <= 8 ? U_GET_GC_MASK(c) : 0;
}

/* What a character of the text is before it is decomposed. */
static enum kind kind_of_input(UChar32 c)
{
    uint32_t bit;

    if (c == UTF8_INVALID || c == 0xfffd)
        return NOTHING;
    if (is_ideograph(c))
        return IDEOGRAPH;
    bit = category(c);
    if (bit & REMOVED)
        return NOTHING;
    return bit & SEPARATOR ? SPACE : LETTER;
}

/* The ASCII characters in rows of sixteen, by their kind. */
static const char ascii_kind[128 + 1] = "xxxxxxxxx  xx xx"
                                        "xxxxxxxxxxxxxxxx"
                                        " !!!!!!!!!!!!!!!"
                                        "aaaaaaaaaa!!!!!!"
                                        "!aaaaaaaaaaaaaaa"
                                        "aaaaaaaaaaa!!!!!"
                                        "!aaaaaaaaaaaaaaa"
                                        "aaaaaaaaaaa!!!!x";

/* What a character is after it was decomposed. */
static enum kind kind_of_part(UChar32 c)
{
    uint32_t bit;

    if (c < 0x80)
        return (enum kind)ascii_kind[c];
    bit = category(c);
    if (bit & U_GC_MN_MASK)
        return NOTHING;
    return bit & U_GC_P_MASK ? PUNCTUATION : LETTER;
}

/* ---- words ---------------------------------------------------------------------- */

static void push(struct words *w, int32_t id)
{
    w->out->id[w->out->count++] = id;
}

/* Longest match first, or one unknown token for all of it. */
static void push_pieces(struct words *w)
{
    const struct wordpiece *pieces = w->tokenizer->own;
    const struct trie *trie = pieces->initial;
    size_t start = w->out->count, matched = 0;

    for (size_t at = 0; at < w->bytes; at += matched) {
        int32_t id = trie_longest(trie, w->text + at, w->bytes - at, &matched);

        if (id < 0) {
            w->out->count = start;
            push(w, w->tokenizer->unknown);
            return;
        }
        push(w, id);
        trie = pieces->continuing;
    }
}

static void append(struct words *w, UChar32 c)
{
    if (w->characters++ < TOKENIZER_WORD_CHARACTERS_MAX)
        w->bytes += utf8_put(w->text + w->bytes, c);
}

static void append_marks(struct words *w)
{
    for (size_t i = 0; i < w->mark_count; i++)
        append(w, w->mark[i].character);
    w->mark_count = 0;
}

static void end_word(struct words *w)
{
    append_marks(w);
    if (w->characters == 0)
        return;
    if (tokenizer_reserve(w->out, w->bytes + 1) != 0)
        w->status = INFER_ENOMEM;
    else if (w->characters > TOKENIZER_WORD_CHARACTERS_MAX)
        push(w, w->tokenizer->unknown);
    else
        push_pieces(w);
    w->characters = 0;
    w->bytes = 0;
}

/* Combining characters stand in the order of their class, equal ones in the order
 * of the text. Beyond the longest word their order no longer matters. */
static void add_mark(struct words *w, UChar32 c, uint8_t class)
{
    size_t i = w->mark_count;

    if (i == TOKENIZER_WORD_CHARACTERS_MAX) {
        w->characters = TOKENIZER_WORD_CHARACTERS_MAX + 1;
        return;
    }
    for (; i > 0 && w->mark[i - 1].class > class; i--)
        w->mark[i] = w->mark[i - 1];
    w->mark[i] = (struct mark){c, class};
    w->mark_count++;
}

/* One character that is decomposed already. */
static void add_part(struct words *w, UChar32 c)
{
    enum kind kind = kind_of_part(c);
    uint8_t class = c < 0x80 ? 0 : u_getCombiningClass(c);

    if (class == 0)
        append_marks(w);
    if (kind == PUNCTUATION) {
        end_word(w);
        append(w, c);
        end_word(w);
    } else if (kind == LETTER && class != 0) {
        add_mark(w, c, class);
    } else if (kind == LETTER) {
        append(w, u_tolower(c));
    }
}

static void add_decomposed(struct words *w, UChar32 c)
{
    UErrorCode failed = U_ZERO_ERROR;
    UChar part[32];
    int32_t count = unorm2_getDecomposition(w->nfd, c, part, 32, &failed), i = 0;
    UChar32 each;

    if (count < 0 || U_FAILURE(failed)) {
        add_part(w, c);
        return;
    }
    while (i < count) {
        each = part[i++];
        if (each >= 0xd800 && each < 0xdc00 && i < count)
            each = ((each - 0xd800) << 10) + (part[i++] - 0xdc00) + 0x10000;
        add_part(w, each);
    }
}

static void add_character(struct words *w, UChar32 c)
{
    enum kind kind = kind_of_input(c);

    if (kind == SPACE || kind == IDEOGRAPH)
        end_word(w);
    if (kind == LETTER || kind == IDEOGRAPH)
        add_decomposed(w, c);
    if (kind == IDEOGRAPH)
        end_word(w);
}

static void add_ascii(struct words *w, char c)
{
    enum kind kind = (enum kind)ascii_kind[(uint8_t)c];

    if (kind == NOTHING)
        return;
    if (kind != LETTER)
        end_word(w);
    if (kind == SPACE)
        return;
    if (w->mark_count > 0)
        append_marks(w);
    if (w->characters++ < TOKENIZER_WORD_CHARACTERS_MAX)
        w->text[w->bytes++] = c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
    if (kind == PUNCTUATION)
        end_word(w);
}

static int wordpiece_encode(struct tokenizer_run *run, const char *text,
                            size_t text_bytes)
{
    UErrorCode failed = U_ZERO_ERROR;
    struct words w;
    size_t at = 0;

    w.tokenizer = run->tokenizer;
    w.nfd = unorm2_getNFDInstance(&failed);
    w.out = run->out;
    w.characters = w.bytes = w.mark_count = 0;
    w.status = U_FAILURE(failed) ? INFER_ENOMEM : 0;
    while (w.status == 0 && at < text_bytes) {
        if ((uint8_t)text[at] < 0x80) {
            add_ascii(&w, text[at++]);
            continue;
        }
        add_character(&w, utf8_next(text, text_bytes, &at));
    }
    if (w.status == 0)
        end_word(&w);
    return w.status;
}

/* ---- the vocabulary ------------------------------------------------------------- */

static const char word_start[] = "\xe2\x96\x81"; /* U+2581 */

static bool is_utf8(const char *text, size_t bytes)
{
    size_t at = 0;

    while (at < bytes)
        if (utf8_next(text, bytes, &at) == UTF8_INVALID)
            return false;
    return true;
}

/* The entry of an ordinary token in one of the tries; false where it belongs to the
 * other or to none. Pieces longer than a word can be, empty ones and those that are
 * not UTF-8 match nothing. */
static bool make_entry(const struct token *token, bool initial, struct trie_entry *out)
{
    const size_t mark = sizeof word_start - 1;
    bool starts = token->bytes >= mark && memcmp(token->text, word_start, mark) == 0;

    if (token->type != TOKEN_NORMAL || starts != initial)
        return false;
    out->text = starts ? token->text + mark : token->text;
    out->bytes = starts ? token->bytes - (uint32_t)mark : token->bytes;
    return out->bytes > 0 && out->bytes <= TOKENIZER_WORD_BYTES_MAX &&
           is_utf8(out->text, out->bytes);
}

static struct trie *build_trie(const struct vocabulary *v, bool initial)
{
    struct trie_entry *entry = calloc(v->count, sizeof *entry);
    struct trie *trie = NULL;
    size_t count = 0;

    for (uint32_t i = 0; entry != NULL && i < v->count; i++) {
        entry[count].id = (int32_t)i;
        if (make_entry(&v->token[i], initial, &entry[count]))
            count++;
    }
    if (entry != NULL)
        trie = trie_build(entry, count);
    free(entry);
    return trie;
}

/* The token by an id, or else by its name. */
static int find_special(const struct tokenizer *t, int32_t id, const char *name,
                        int32_t *out, struct infer_error *err)
{
    *out = id >= 0 ? id : vocabulary_find_special(&t->vocabulary, name);
    if (*out < 0)
        return infer_fail(err, INFER_EFORMAT, "the file names no %s token", name);
    return 0;
}

static int wordpiece_open(struct tokenizer *t, const struct gguf *file,
                          struct infer_error *err)
{
    struct wordpiece *own = calloc(1, sizeof *own);
    int status;

    (void)file;
    t->own = own;
    if (own == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for a tokenizer");
    own->initial = build_trie(&t->vocabulary, true);
    own->continuing = build_trie(&t->vocabulary, false);
    if (own->initial == NULL || own->continuing == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for %u tokens", t->count);
    status = find_special(t, t->unknown, "[UNK]", &t->unknown, err);
    if (status == 0)
        status =
            find_special(t, t->cls >= 0 ? t->cls : t->bos, "[CLS]", &t->opening, err);
    if (status == 0)
        status =
            find_special(t, t->sep >= 0 ? t->sep : t->eos, "[SEP]", &t->closing, err);
    return status;
}

static void wordpiece_close(struct tokenizer *t)
{
    struct wordpiece *own = t->own;

    if (own == NULL)
        return;
    trie_free(own->initial);
    trie_free(own->continuing);
    free(own);
}

const struct tokenizer_kind tokenizer_wordpiece = {.name = "bert",
                                                   .form = VOCABULARY_WORDPIECE,
                                                   .open = wordpiece_open,
                                                   .encode = wordpiece_encode,
                                                   .close = wordpiece_close,
                                                   .any_bytes = true};
