/* ground_pieces - a sentence as words, numbers and marks.
 *
 *     "L\u2019\u00C9tat pays 1,000.50 (net)."
 *     word "l'etat"  word "pays"  number "1,000.50"  mark (  word "net"  mark )  mark .
 *
 * As UAX 29 has words, with three differences that make two texts comparable: no case
 * and no accents (UAX 15, compatibility decomposition); a word broken with a hyphen at
 * a line's end is one word; characters of scripts that do without spaces stand alone,
 * for a dictionary would cut them otherwise here than there. Bytes that are no UTF-8
 * part words as spaces do. */
#include "pipeline/ground_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>
#include <unicode/utf8.h>

enum {
    DECOMPOSED_MAX = 32, /* UTF-16 units; the longest has 18 (UAX 15, 9) */
    APOSTROPHE = 0x2019,
    HYPHEN = 0x2010,
    HANGUL_FIRST = 0xAC00,
    HANGUL_LAST = 0xD7A3
};

struct scan { /* a text and where it is read */
    const char *text;
    size_t bytes, at;
    const UNormalizer2 *nfkd;
};

static UChar32 scan_peek(const struct scan *scan, size_t *after)
{
    *after = scan->at;
    return *after < scan->bytes ? text_character(scan->text, scan->bytes, after) : -1;
}

/* ---- characters ----------------------------------------------------------------- */

static bool is_ignored(UChar32 c)
{
    return c >= 0x80 && (u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) ||
                         u_charType(c) == U_FORMAT_CHAR);
}

static bool is_mark_of_letter(UChar32 c)
{
    return c >= 0x80 && (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0;
}

static bool is_apostrophe(UChar32 c)
{
    return c == '\'' || c == APOSTROPHE || c == 0x02BC || c == 0x2018;
}

/* Written without spaces between words. */
static bool is_spaceless(UChar32 c)
{
    UErrorCode why = U_ZERO_ERROR;
    if (c < 0x0E00)
        return false;
    if (u_getIntPropertyValue(c, UCHAR_LINE_BREAK) == U_LB_COMPLEX_CONTEXT)
        return true;
    UScriptCode script = uscript_getScript(c, &why);
    return script == USCRIPT_HAN || script == USCRIPT_HIRAGANA ||
           script == USCRIPT_KATAKANA;
}

/* Accents of any script's letters; a vowel sign is more than an accent. */
static bool is_accent(UChar32 c)
{
    UErrorCode why = U_ZERO_ERROR;
    return is_mark_of_letter(c) && uscript_getScript(c, &why) == USCRIPT_INHERITED;
}

static void put_folded(struct piece *piece, UChar32 c)
{
    uint8_t unit[U8_MAX_LENGTH];
    size_t count = 0;
    if (is_accent(c) || is_ignored(c))
        return;
    c = is_apostrophe(c) ? '\'' : u_foldCase(c, U_FOLD_CASE_DEFAULT);
    uint32_t code = (uint32_t)c;
    U8_APPEND_UNSAFE(unit, count, code);
    if (piece->folded_bytes + count > KEY_BYTES_MAX)
        return;
    memcpy(piece->folded + piece->folded_bytes, unit, count);
    piece->folded_bytes += count;
}

static void fold_into(struct piece *piece, const UNormalizer2 *nfkd, UChar32 c)
{
    UChar unit[DECOMPOSED_MAX];
    UChar32 part[DECOMPOSED_MAX];
    int32_t parts = 0, count = -1;
    UErrorCode why = U_ZERO_ERROR;
    if (c >= 0x80 && (c < HANGUL_FIRST || c > HANGUL_LAST))
        count = unorm2_getDecomposition(nfkd, c, unit, DECOMPOSED_MAX, &why);
    if (count < 0 || U_FAILURE(why)) {
        put_folded(piece, c);
        return;
    }
    u_strToUTF32(part, DECOMPOSED_MAX, &parts, unit, count, &why);
    for (int32_t i = 0; i < parts; i++)
        put_folded(piece, part[i]);
}

/* ---- words ---------------------------------------------------------------------- */

/* A hyphen, the line's end, and the word goes on in small letters: where it does. */
static size_t broken_word(const struct scan *scan, UChar32 c, size_t after)
{
    if ((c != '-' && c != HYPHEN && c != 0xAD) || after >= scan->bytes ||
        scan->text[after] != '\n')
        return 0;
    struct scan next = *scan;
    next.at = after + 1;
    while (next.at < next.bytes && scan->text[next.at] == ' ')
        next.at++;
    size_t unused, goes_on = next.at;
    return u_islower(scan_peek(&next, &unused)) ? goes_on : 0;
}

static bool letter_follows(const struct scan *scan, size_t at)
{
    size_t unused;
    struct scan next = *scan;
    next.at = at;
    return u_isalpha(scan_peek(&next, &unused));
}

static void word_scan(struct scan *scan, struct piece *piece)
{
    size_t after, letters = 0, small = 0;
    for (UChar32 c; (c = scan_peek(scan, &after)) >= 0; scan->at = after) {
        size_t goes_on = broken_word(scan, c, after);
        if (goes_on > 0) {
            after = goes_on;
            continue;
        }
        bool joins = is_ignored(c) || is_mark_of_letter(c) ||
                     (is_apostrophe(c) && letter_follows(scan, after));
        if (!joins && (!u_isalpha(c) || is_spaceless(c)))
            break;
        letters += u_isalpha(c) != 0;
        small += u_isalpha(c) && !u_isupper(c);
        fold_into(piece, scan->nfkd, c);
    }
    piece->upper = letters > 1 && small == 0;
}

/* ---- numbers -------------------------------------------------------------------- */

/* May stand between the digits of a number. */
static char separator(UChar32 c)
{
    bool space = c == 0xA0 || c == 0x202F || c == 0x2009;
    return c == '.' || c == 0x066B     ? '.'
           : c == ',' || c == 0x066C   ? ','
           : is_apostrophe(c) || space ? '\''
                                       : 0;
}

static void number_scan(struct scan *scan, struct piece *piece)
{
    size_t after, next_after;
    for (UChar32 c; (c = scan_peek(scan, &after)) >= 0; scan->at = after) {
        struct scan next = *scan;
        next.at = after;
        char put = u_isdigit(c) ? (char)('0' + u_charDigitValue(c)) : separator(c);
        if (!put || (!u_isdigit(c) && !u_isdigit(scan_peek(&next, &next_after))))
            return;
        if (piece->folded_bytes < KEY_BYTES_MAX)
            piece->folded[piece->folded_bytes++] = put;
    }
}

/* ---- pieces --------------------------------------------------------------------- */

static bool skip_space(struct scan *scan)
{
    size_t after, from = scan->at;
    UChar32 c;
    while (scan->at < scan->bytes) {
        c = scan_peek(scan, &after);
        if (c >= 0 && !u_isUWhiteSpace(c) && !is_ignored(c))
            break;
        scan->at = after;
    }
    return scan->at > from;
}

static void piece_scan(struct scan *scan, struct piece *piece)
{
    size_t after;
    UChar32 c = scan_peek(scan, &after);
    piece->at = scan->at;
    piece->capital = u_isupper(c) || u_istitle(c);
    if (is_spaceless(c) && (u_isalpha(c) || is_mark_of_letter(c))) {
        piece->kind = PIECE_IDEOGRAPH;
        fold_into(piece, scan->nfkd, c);
        scan->at = after;
    } else if (u_isalpha(c)) {
        piece->kind = PIECE_WORD;
        word_scan(scan, piece);
    } else if (u_isdigit(c)) {
        piece->kind = PIECE_NUMBER;
        number_scan(scan, piece);
    } else {
        piece->kind = PIECE_MARK;
        piece->mark = c;
        scan->at = after;
    }
    piece->bytes = scan->at - piece->at;
    piece->folded[piece->folded_bytes] = '\0';
}

static bool pieces_reserve(struct pieces *pieces)
{
    if (pieces->count < pieces->capacity)
        return true;
    size_t capacity = pieces->capacity ? pieces->capacity * 2 : 128;
    struct piece *bigger = realloc(pieces->piece, capacity * sizeof(*bigger));
    if (!bigger)
        return false;
    pieces->piece = bigger;
    pieces->capacity = capacity;
    return true;
}

bool pieces_read(struct pieces *pieces, const char *text, size_t bytes)
{
    UErrorCode why = U_ZERO_ERROR;
    struct scan scan = {text, bytes, 0, unorm2_getNFKDInstance(&why)};
    pieces->count = 0;
    if (U_FAILURE(why))
        return false; /* ICU's own data is gone: as good as no memory */
    for (;;) {
        bool spaced = skip_space(&scan);
        if (scan.at >= scan.bytes)
            return true;
        if (!pieces_reserve(pieces))
            return false;
        struct piece *piece = &pieces->piece[pieces->count++];
        memset(piece, 0, sizeof(*piece));
        piece->spaced = spaced;
        piece_scan(&scan, piece);
    }
}

bool piece_is_word(const struct pieces *pieces, size_t i, const char *word)
{
    return i < pieces->count && pieces->piece[i].kind == PIECE_WORD &&
           is_same(pieces->piece[i].folded, word);
}

bool piece_is_mark(const struct pieces *pieces, size_t i, int32_t mark)
{
    return i < pieces->count && pieces->piece[i].kind == PIECE_MARK &&
           pieces->piece[i].mark == mark;
}

void pieces_free(struct pieces *pieces)
{
    free(pieces->piece);
    *pieces = (struct pieces){0};
}
