/* fold - text as its reader takes it, whatever its letters are made of.
 *
 *     "I\u200Bgn\u043Er\u0435  ALL \uFF30revious\n1nstructions"
 *     "ignore all previous instructions"
 *
 * A sentence that tries to instruct a reader can be written so that no plain search
 * finds it: in full-width or circled letters, in letters of other scripts that look
 * Latin, with characters of no width between them, letter by letter, with digits for
 * letters. Folding undoes that, one character after the other:
 *
 *   - what has no width goes (Default_Ignorable, format and control characters), but
 *     the tag characters, an invisible alphabet, are spelt out behind the sentence;
 *   - compatibility decomposition (UAX 15), and the marks that it leaves go;
 *   - look-alikes become the Latin letter, then upper case becomes lower;
 *   - white space of any kind and length is one space; a word broken at a line's end
 *     with a hyphen is one word again;
 *   - letters that stand alone, evenly spaced, are one word: "i g n o r e", "i.g.n";
 *   - digits in a word of letters are the letters they stand for.
 *
 * The folded text is for searching only; nobody is shown it. The look-alikes are a
 * small list, those of the letters of European scripts, not all that Unicode knows. */
#include "pipeline/internal.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf8.h>

enum {
    DECOMPOSED_MAX = 32, /* UTF-16 units; the longest has 18 (UAX 15, 9) */
    ALONE_GAP_MAX = 3,   /* characters between letters that stand alone */
    LEET_LETTERS_MIN = 3,
    TAG_FIRST = 0xE0020,
    TAG_LAST = 0xE007E,
    TAG_BASE = 0xE0000
};

/* Sorted by the first character. */
static const struct look_alike {
    UChar32 from;
    const char *to; /* of from, from + 1 ...; a blank: nothing alike */
} look_alikes[] = {
    {0x00AB, "\""},
    {0x00BB, "\""},
    {0x00D8, "o"},
    {0x00F8, "o"},
    {0x0110, "dd"},
    {0x0126, "hh"},
    {0x0131, "i"},
    {0x0141, "ll"},
    {0x0180, "b"},
    {0x0192, "f"},
    {0x01C0, "l"},
    {0x0251, "a"},
    {0x0261, "gg"},
    {0x0269, "ii"},
    {0x0274, "n"},
    {0x0280, "r"},
    {0x028F, "y"},
    {0x0299, "b"},
    {0x029C, "h"},
    {0x029F, "l"},
    {0x02BC, "'"},
    {0x0391, "ab  ezh ik mn o p  ty x"}, /* Greek; its capitals look otherwise */
    {0x03B1, "aby e n ik uv o p  tu x w"},
    {0x0405, "si j"}, /* Cyrillic */
    {0x0410, "a b  e    k mho pcty x"},
    {0x0430, "a br e    k mhonpcty x"},
    {0x0455, "si j"},
    {0x04AE, "yy"},
    {0x04BA, "hh"},
    {0x04C0, "l"},
    {0x04CF, "l"},
    {0x0500, "dd"},
    {0x051A, "qqww"},
    {0x0566, "q"}, /* Armenian */
    {0x0570, "h"},
    {0x0578, "n"},
    {0x057D, "u"},
    {0x0581, "g"},
    {0x0585, "o"},
    {0x1D00, "a"}, /* small capitals */
    {0x1D04, "cd"},
    {0x1D07, "e"},
    {0x1D0A, "jk"},
    {0x1D0D, "m"},
    {0x1D0F, "o"},
    {0x1D18, "p"},
    {0x1D1B, "tu"},
    {0x1D20, "vwz"},
    {0x2010, "------"},
    {0x2018, "''''\"\"\""},
    {0x2032, "'\""},
    {0x2039, "<>"},
    {0x2044, "/"},
    {0x2212, "-"},
    {0x2223, "|"},
    {0x3008, "<>"},
    {0xA730, "fs"},
    {0x1F150, "abcdefghijklmnopqrstuvwxyz"}, /* white on black */
    {0x1F170, "abcdefghijklmnopqrstuvwxyz"},
    {0x1F1E6, "abcdefghijklmnopqrstuvwxyz"},
};

static UChar32 look_alike(UChar32 c)
{
    size_t low = 0, high = sizeof(look_alikes) / sizeof(look_alikes[0]);
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (look_alikes[middle].from <= c)
            low = middle;
        else
            high = middle;
    }
    const struct look_alike *row = &look_alikes[low];
    if (c < row->from || (size_t)(c - row->from) >= strlen(row->to))
        return c;
    char to = row->to[c - row->from];
    return to == ' ' ? c : (UChar32)to;
}

/* ---- words ---------------------------------------------------------------------- */

static bool fold_reserve(struct fold *fold, size_t more)
{
    if (fold->bytes + more <= fold->capacity)
        return true;
    size_t capacity = (fold->bytes + more) * 2;
    char *bigger = realloc(fold->text, capacity);
    if (!bigger)
        return false;
    fold->text = bigger;
    fold->capacity = capacity;
    return true;
}

static char leet(char c)
{
    static const char digit[] = "013457", letter[] = "oieast";
    const char *at = memchr(digit, c, sizeof(digit) - 1);
    return at ? letter[at - digit] : c;
}

/* The letters before this one stood alone too, as far from each other. */
static bool stands_in_line(const struct fold *fold)
{
    size_t most = fold->line_gap ? fold->line_gap : ALONE_GAP_MAX;
    return fold->after_alone && fold->gap > 0 && fold->gap <= most;
}

static void word_end(struct fold *fold)
{
    char *word = fold->text + fold->word_at;
    size_t bytes = fold->bytes - fold->word_at;
    if (fold->letters + fold->digits == 0)
        return;
    for (size_t i = 0; fold->letters >= LEET_LETTERS_MIN && i < bytes; i++)
        word[i] = leet(word[i]);
    bool alone = fold->letters == 1 && fold->digits == 0;
    if (alone && stands_in_line(fold)) {
        memmove(fold->text + fold->word_end, word, bytes);
        fold->bytes = fold->word_end + bytes;
        fold->line_gap = fold->gap;
    } else {
        fold->line_gap = 0;
    }
    fold->after_alone = alone;
    fold->word_end = fold->bytes;
    fold->letters = fold->digits = fold->gap = 0;
}

static void put(struct fold *fold, UChar32 c)
{
    uint8_t *out = (uint8_t *)fold->text;
    uint32_t code = (uint32_t)c;
    U8_APPEND_UNSAFE(out, fold->bytes, code);
}

static void put_space(struct fold *fold, UChar32 c)
{
    word_end(fold);
    char last = fold->bytes > fold->begin ? fold->text[fold->bytes - 1] : ' ';
    fold->gap++;
    if (c == '\n' && last == '-' && fold->gap == 2)
        fold->bytes--; /* a word broken at the line's end */
    else if (last != ' ')
        put(fold, ' ');
}

/* One character that is decomposed; room for it is there. */
static void put_character(struct fold *fold, UChar32 c)
{
    c = u_foldCase(look_alike(c), U_FOLD_CASE_DEFAULT);
    bool letter = u_isalpha(c), digit = u_isdigit(c);
    if (!letter && !digit) {
        word_end(fold);
        fold->gap++;
    } else if (fold->letters + fold->digits == 0) {
        fold->word_at = fold->bytes;
    }
    fold->letters += letter;
    fold->digits += digit;
    put(fold, c);
}

/* ---- characters ----------------------------------------------------------------- */

static bool is_mark(UChar32 c)
{
    return (U_GET_GC_MASK(c) & (U_GC_MN_MASK | U_GC_ME_MASK)) != 0;
}

static bool has_no_width(UChar32 c)
{
    return u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) ||
           (U_GET_GC_MASK(c) & (U_GC_CF_MASK | U_GC_CC_MASK)) != 0;
}

static void put_decomposed(struct fold *fold, UChar32 c)
{
    if (u_isUWhiteSpace(c) || c == 0x2800) /* a Braille cell without dots */
        put_space(fold, c);
    else if (!is_mark(c) && !has_no_width(c))
        put_character(fold, c);
}

static bool fold_character(struct fold *fold, const UNormalizer2 *nfkd, UChar32 c)
{
    UChar unit[DECOMPOSED_MAX];
    UChar32 part[DECOMPOSED_MAX];
    int32_t parts = 0;
    UErrorCode why = U_ZERO_ERROR;
    if (!fold_reserve(fold, DECOMPOSED_MAX * U8_MAX_LENGTH))
        return false;
    int32_t count =
        c < 0x80 ? -1 : unorm2_getDecomposition(nfkd, c, unit, DECOMPOSED_MAX, &why);
    if (count < 0 || U_FAILURE(why))
        put_decomposed(fold, c);
    else
        u_strToUTF32(part, DECOMPOSED_MAX, &parts, unit, count, &why);
    for (int32_t i = 0; i < parts; i++)
        put_decomposed(fold, part[i]);
    return true;
}

static bool is_tag(UChar32 c)
{
    return c >= TAG_FIRST && c <= TAG_LAST;
}

/* Either the text without its tag characters, or these as what they stand for. */
static bool fold_pass(struct fold *fold, const UNormalizer2 *nfkd, const char *text,
                      size_t bytes, bool tags, size_t *tag_count)
{
    bool room = true;
    for (size_t i = 0; i < bytes && room;) {
        UChar32 c = text_character(text, bytes, &i);
        *tag_count += is_tag(c);
        if (c >= 0 && is_tag(c) == tags)
            room = fold_character(fold, nfkd, tags ? c - TAG_BASE : c);
    }
    word_end(fold);
    fold->after_alone = false;
    return room;
}

int fold_sentence(struct fold *fold, const char *text, size_t bytes,
                  struct pipeline_error *err)
{
    UErrorCode why = U_ZERO_ERROR;
    const UNormalizer2 *nfkd = unorm2_getNFKDInstance(&why);
    size_t tags = 0, counted = 0;
    if (U_FAILURE(why))
        return pipeline_fail(err, PIPELINE_EINPUT, "ICU cannot normalise: %s",
                             u_errorName(why));
    fold->begin = fold->bytes;
    bool room = fold_pass(fold, nfkd, text, bytes, false, &tags);
    if (room && tags > 0 && fold_reserve(fold, 1)) {
        put_space(fold, ' ');
        room = fold_pass(fold, nfkd, text, bytes, true, &counted);
    }
    if (!room || !fold_reserve(fold, 1))
        return pipeline_fail(err, PIPELINE_ENOMEM, "no memory for folded text");
    while (fold->bytes > fold->begin && fold->text[fold->bytes - 1] == ' ')
        fold->bytes--;
    put(fold, '\n');
    return PIPELINE_OK;
}

void fold_free(struct fold *fold)
{
    free(fold->text);
}
