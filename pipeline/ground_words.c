/* ground_words - what the words of a sentence need and what they give.
 *
 * A claim's word needs a key, a source's word gives one or more: a date gives its
 * month and its year too, an amount of money its number. Names are content words that
 * begin with a capital where no sentence begins. Behind a word that denies ("not",
 * "without", "non-") the next three content words are denied, the nearest most of
 * all; "not later than" and "no more than" measure and deny nothing. */
#include "pipeline/ground_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DENIED_MAX = 3,
    NON_BYTES_MIN = 8, /* "nonprofit", but not "nonce" */
    DATE_BYTES = 48,
    SPEAKER_WORDS_MAX = 3
};

/* ---- growing -------------------------------------------------------------------- */

static struct word *word_add(struct words *words, const struct piece *piece)
{
    if (words->count == words->capacity) {
        size_t capacity = words->capacity ? words->capacity * 2 : 128;
        struct word *bigger = realloc(words->word, capacity * sizeof(*bigger));
        if (!bigger)
            return NULL;
        words->word = bigger;
        words->capacity = capacity;
    }
    struct word *word = &words->word[words->count++];
    *word = (struct word){.at = piece->at,
                          .bytes = piece->bytes,
                          .need = {KEY_NONE, KEY_NONE},
                          .plain = KEY_NONE};
    return word;
}

/* What the newest word gives. */
static bool gift_add(struct words *words, int32_t key)
{
    if (words->gift_count == words->gift_capacity) {
        size_t capacity = words->gift_capacity ? words->gift_capacity * 2 : 256;
        struct gift *bigger = realloc(words->gift, capacity * sizeof(*bigger));
        if (!bigger)
            return false;
        words->gift = bigger;
        words->gift_capacity = capacity;
    }
    words->gift[words->gift_count++] = (struct gift){key, words->count - 1};
    return key != KEY_NONE;
}

/* ---- one word ------------------------------------------------------------------- */

struct reader {
    struct words *words;
    struct lexicon *lexicon;
    size_t sentence;
    bool opens; /* something begins: a capital is no name */
    bool quoted;
    bool clause; /* a comma came since the last word */
};

/* A word of the lexicon, giving and needing the key. */
static bool put_content(struct reader *reader, struct word *word, char *text,
                        size_t bytes)
{
    word->plain = lexicon_key(reader->lexicon, text, bytes);
    bytes = stem_cut(text, bytes);
    int32_t key = lexicon_key(reader->lexicon, text, bytes);
    word->kind = WORD_CONTENT;
    word->need[0] = key;
    return word->plain != KEY_NONE && gift_add(reader->words, key);
}

/* Is the newest word the unit of a number, "5 mg"? */
static bool follows_number(const struct words *words)
{
    return words->count > 1 && words->word[words->count - 2].kind == WORD_NUMBER;
}

/* "don't" denies, "I'm" is I, "the" is nothing. */
static bool put_word(struct reader *reader, const struct piece *piece)
{
    char text[KEY_BYTES_MAX + 8]; /* an irregular form may be shorter than its stem */
    struct word *word = word_add(reader->words, piece);
    if (!word)
        return false;
    strcpy(text, piece->folded);
    size_t bytes = strlen(text), apart = strcspn(text, "'");
    word->sentence = reader->sentence;
    word->quoted = reader->quoted;
    word->denies = word_denies(text);
    word->person = piece->upper ? PERSON_NONE : word_person(text);
    word->initial = piece->capital;
    word->capital = piece->capital && !reader->opens;
    bool ours = piece->upper && strcmp(text, "us") == 0;
    char tail = text[apart];
    text[apart] = '\0';
    bool small = bytes < 3 && !piece->capital && (unsigned char)text[0] < 0x80;
    bool empty =
        !ours && (word_is_empty(text) || (small && !follows_number(reader->words)));
    text[apart] = tail;
    if (!word->denies && !empty)
        return put_content(reader, word, text, bytes);
    word->capital = false;
    word->plain = lexicon_key(reader->lexicon, text, bytes);
    return word->plain != KEY_NONE;
}

/* "nonexclusive" as "non-exclusive". */
static bool put_non(struct reader *reader, const struct piece *piece)
{
    struct piece half = *piece;
    strcpy(half.folded, "non");
    half.bytes = half.folded_bytes = 3;
    if (!put_word(reader, &half))
        return false;
    half = *piece;
    half.at += 3;
    half.bytes -= 3;
    half.folded_bytes -= 3;
    memmove(half.folded, piece->folded + 3, half.folded_bytes + 1);
    half.capital = false;
    return put_word(reader, &half);
}

/* "U.S.", "J. K.": letters with full stops between them; how many pieces. */
static size_t initials(const struct pieces *pieces, size_t i, struct piece *out)
{
    size_t from = i, letters = 0;
    *out = pieces->piece[i];
    out->folded_bytes = 0;
    while (i + 1 < pieces->count && pieces->piece[i].kind == PIECE_WORD &&
           pieces->piece[i].folded_bytes == 1 && piece_is_mark(pieces, i + 1, '.') &&
           !pieces->piece[i + 1].spaced && (letters == 0 || !pieces->piece[i].spaced) &&
           letters < KEY_BYTES_MAX) {
        out->folded[letters++] = pieces->piece[i].folded[0];
        i += 2;
    }
    if (letters < 2)
        return 0;
    out->folded[letters] = '\0';
    out->folded_bytes = letters;
    out->upper = out->capital;
    out->bytes = pieces->piece[i - 1].at + pieces->piece[i - 1].bytes - out->at;
    return i - from;
}

/* ---- numbers and dates ---------------------------------------------------------- */

static struct word *put_span(struct reader *reader, size_t i, size_t count)
{
    const struct piece *first = &reader->words->pieces.piece[i],
                       *last = first + count - 1;
    struct word *word = word_add(reader->words, first);
    if (!word)
        return NULL;
    word->bytes = last->at + last->bytes - first->at;
    word->sentence = reader->sentence;
    word->quoted = reader->quoted;
    return word;
}

static bool put_number(struct reader *reader, size_t i, size_t count,
                       const struct number *number)
{
    char text[NUMBER_BYTES + 1];
    struct word *word = put_span(reader, i, count);
    if (!word)
        return false;
    word->kind = number->plain_one ? WORD_EMPTY : WORD_NUMBER;
    for (size_t n = 0; n < number->readings; n++) {
        snprintf(text, sizeof(text), "#%s", number->value[n]);
        int32_t plain = lexicon_key(reader->lexicon, text, strlen(text));
        text[0] = number->kind;
        int32_t key = lexicon_key(reader->lexicon, text, strlen(text));
        word->need[n] = number->plain_one ? KEY_NONE : key;
        if (n == 0)
            word->plain = key;
        if (!gift_add(reader->words, key) ||
            (plain != key && !gift_add(reader->words, plain)))
            return false;
    }
    return true;
}

static int32_t date_key(struct reader *reader, int year, int month, int day)
{
    char text[DATE_BYTES];
    if (year && day)
        snprintf(text, sizeof(text), "@%d-%02d-%02d", year, month, day);
    else if (year)
        snprintf(text, sizeof(text), "@%d-%02d", year, month);
    else if (day)
        snprintf(text, sizeof(text), "@--%02d-%02d", month, day);
    else
        snprintf(text, sizeof(text), "@--%02d", month);
    return lexicon_key(reader->lexicon, text, strlen(text));
}

static bool give_plain(struct reader *reader, int value)
{
    char text[DATE_BYTES];
    snprintf(text, sizeof(text), "#%d", value);
    return value == 0 ||
           gift_add(reader->words, lexicon_key(reader->lexicon, text, strlen(text)));
}

/* A date gives all that one may say of it. */
static bool put_date(struct reader *reader, size_t i, size_t count,
                     const struct date *date)
{
    struct word *word = put_span(reader, i, count);
    if (!word)
        return false;
    word->kind = WORD_DATE;
    for (size_t n = 0; n < date->readings; n++) {
        int year = date->year[n], month = date->month[n], day = date->day[n];
        word->need[n] = date_key(reader, year, month, day);
        bool room = gift_add(reader->words, word->need[n]) &&
                    gift_add(reader->words, date_key(reader, 0, month, 0)) &&
                    give_plain(reader, year) && give_plain(reader, day);
        if (room && year && day)
            room = gift_add(reader->words, date_key(reader, year, month, 0)) &&
                   gift_add(reader->words, date_key(reader, 0, month, day));
        if (!room)
            return false;
    }
    word->plain = word->need[0];
    return true;
}

/* ---- sentences ------------------------------------------------------------------ */

/* Scripts without spaces are read two characters at a time. */
static bool put_ideographs(struct reader *reader, size_t i)
{
    const struct pieces *pieces = &reader->words->pieces;
    struct piece two = pieces->piece[i];
    const struct piece *next = &pieces->piece[i + 1];
    bool pair = i + 1 < pieces->count && next->kind == PIECE_IDEOGRAPH && !next->spaced;
    bool after = i > 0 && pieces->piece[i - 1].kind == PIECE_IDEOGRAPH && !two.spaced;
    if (!pair && after)
        return true; /* in a pair already */
    if (pair && two.folded_bytes + next->folded_bytes <= KEY_BYTES_MAX) {
        strcpy(two.folded + two.folded_bytes, next->folded);
        two.folded_bytes += next->folded_bytes;
        two.bytes = next->at + next->bytes - two.at;
    }
    struct word *word = word_add(reader->words, &two);
    if (!word)
        return false;
    word->sentence = reader->sentence;
    return put_content(reader, word, two.folded, two.folded_bytes);
}

static void put_mark(struct reader *reader, const struct piece *piece)
{
    static const int32_t openers[] = {':', '"',    '(',    '[', '-',
                                      '*', 0x2022, 0x201C, 0xAB};
    for (size_t i = 0; i < sizeof(openers) / sizeof(openers[0]); i++)
        reader->opens = reader->opens || piece->mark == openers[i];
    reader->clause = reader->clause || piece->mark == ',' || piece->mark == ';';
    if (piece->mark == '"')
        reader->quoted = !reader->quoted;
    else if (piece->mark == 0x201C || piece->mark == 0x201D)
        reader->quoted = piece->mark == 0x201C;
}

/* Read what begins with piece i; *more: the pieces it takes. */
static bool put_next(struct reader *reader, size_t i, size_t *more)
{
    struct pieces *pieces = &reader->words->pieces;
    const struct piece *piece = &pieces->piece[i];
    struct number number;
    struct date date;
    struct piece letters;
    *more = 1;
    if (piece->kind == PIECE_IDEOGRAPH)
        return put_ideographs(reader, i);
    size_t count = date_read(pieces, i, &date);
    if (count > 0) {
        *more = count;
        return put_date(reader, i, count, &date);
    }
    if ((count = number_read(pieces, i, &number)) > 0) {
        *more = count;
        return put_number(reader, i, count, &number);
    }
    if (piece->kind != PIECE_WORD || piece->folded_bytes == 0)
        return true;
    if ((count = initials(pieces, i, &letters)) > 0) {
        *more = count;
        return put_word(reader, &letters);
    }
    if (strncmp(piece->folded, "non", 3) == 0 && piece->folded_bytes >= NON_BYTES_MIN &&
        !word_is_empty(piece->folded))
        return put_non(reader, piece);
    return put_word(reader, piece);
}

static bool reads(const struct words *words, const struct lexicon *lexicon, size_t i,
                  const char *const *list, size_t count)
{
    for (size_t n = 0; i < words->count && n < count; n++)
        if (words->word[i].plain != KEY_NONE &&
            strcmp(lexicon_text(lexicon, words->word[i].plain), list[n]) == 0)
            return true;
    return false;
}

/* "not only", "no later than". */
static bool only_measures(const struct words *words, const struct lexicon *lexicon,
                          size_t i)
{
    static const char *const measures[] = {"later",   "more",    "less",   "fewer",
                                           "greater", "earlier", "longer", "sooner"};
    static const char *const only[] = {"only"}, *const than[] = {"than"};
    return reads(words, lexicon, i + 1, only, 1) ||
           (reads(words, lexicon, i + 1, measures,
                  sizeof(measures) / sizeof(measures[0])) &&
            reads(words, lexicon, i + 2, than, 1));
}

static void deny(struct words *words, const struct lexicon *lexicon, size_t from)
{
    unsigned distance = 0; /* 0: nothing is denied */
    for (size_t i = from; i < words->count; i++) {
        struct word *word = &words->word[i];
        if (word->denies && only_measures(words, lexicon, i))
            word->denies = false;
        if (word->denies)
            distance = 1;
        else if (distance > 0 && word->kind == WORD_CONTENT)
            word->denied = distance++;
        if (distance > DENIED_MAX)
            distance = 0;
    }
}

bool words_read(struct words *words, struct lexicon *lexicon, const char *text,
                size_t bytes, size_t sentence)
{
    struct reader reader = {words, lexicon, sentence, true, false, false};
    size_t from = words->count, more;
    if (!pieces_read(&words->pieces, text, bytes))
        return false;
    for (size_t i = 0; i < words->pieces.count; i += more) {
        const struct piece *piece = &words->pieces.piece[i];
        size_t before = words->count;
        if (!put_next(&reader, i, &more))
            return false;
        if (words->count > before) {
            words->word[before].clause = reader.clause;
            reader.clause = false;
        }
        reader.opens = piece->kind == PIECE_MARK && reader.opens;
        if (piece->kind == PIECE_MARK)
            put_mark(&reader, piece);
    }
    deny(words, lexicon, from);
    return true;
}

int32_t words_speaker(const struct words *words, struct lexicon *lexicon, bool *room)
{
    const struct pieces *pieces = &words->pieces;
    char text[KEY_BYTES_MAX + 1];
    size_t bytes = 0, i = 0;
    for (; i < SPEAKER_WORDS_MAX && i < pieces->count; i++) {
        const struct piece *piece = &pieces->piece[i];
        if (piece->kind == PIECE_MARK || bytes + piece->folded_bytes > KEY_BYTES_MAX)
            break;
        memcpy(text + bytes, piece->folded, piece->folded_bytes);
        bytes += piece->folded_bytes;
    }
    bool speaks = i > 0 && i + 1 < pieces->count && piece_is_mark(pieces, i, ':') &&
                  pieces->piece[0].capital && pieces->piece[i + 1].spaced;
    int32_t key = speaks ? lexicon_key(lexicon, text, bytes) : KEY_NONE;
    *room = *room && (!speaks || key != KEY_NONE);
    return key;
}

void words_clear(struct words *words)
{
    words->count = words->gift_count = 0;
}

void words_free(struct words *words)
{
    free(words->word);
    free(words->gift);
    pieces_free(&words->pieces);
    *words = (struct words){0};
}
