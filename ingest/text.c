/* text - what a document says, made plain.
 *
 *     bytes -> characters -> filter -> compose -> lines -> bytes
 *              U+FFFD for    controls  NFC, one   spaces,
 *              bad UTF-8     out       starter    hyphens,
 *                                      at a time  blank lines
 *
 * Each stage hands single characters to the next, so a section is read once and
 * nothing but the result is kept. The rules:
 *
 *   - CR LF, CR, NEL, VT, FF and the Unicode line and paragraph separators are line
 *     feeds; every kind of space, and TAB, is a space. One space stands for a run of
 *     them, none at the ends of a line; at most two blank lines follow each other,
 *     none at the start; what is not empty ends in exactly one line feed.
 *   - Other control characters (C0, DEL, C1) go, so no escape sequence survives.
 *     So do bidirectional embeddings, overrides and isolates, which only arrange
 *     (the text is in logical order; the marks LRM and RLM stay), the byte order
 *     mark, interlinear annotation marks and the invisible tag characters.
 *   - Noncharacters and bytes that are not UTF-8 become U+FFFD, which is kept.
 *   - The soft hyphen goes, and at the end of a line takes the line feed with it.
 *   - A hyphen between letters at the end of a line joins the lines. Whether it
 *     goes is the caller's to say, who sees the page (enum text_hyphens); it stays
 *     after "non" and its like, and before or after a capital or a digit.
 *
 * NFC is composed one starter at a time. After 30 combining marks on one character
 * U+034F is put in, as the Stream-Safe Text Format does (Unicode Annex 15, section
 * 13), so that no document makes us sort a million of them. */
#include "ingest/text.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

enum {
    REPLACEMENT = 0xFFFD,
    SOFT_HYPHEN = 0xAD,
    HYPHEN = 0x2010,
    GRAPHEME_JOINER = 0x34F,
    FIRST_COMBINING = 0x300, /* below it everything is a starter and is NFC */
    MARKS_MAX = 30,
    BLANK_LINES_MAX = 2
};

static void put(struct text *text, uint32_t c, enum text_why why);
static void filter(struct text *text, uint32_t c, enum text_why why);
static void flush_segment(struct text *text);
static void write_inner(struct text *text, const char *ascii, size_t count,
                        enum text_why why);

/* ---- the way in ----------------------------------------------------------------- */

void text_free(struct text *text)
{
    free(text->bytes);
    free(text->hidden);
    memset(text, 0, sizeof *text);
}

void text_start(struct text *text, enum text_hyphens hyphens, size_t bytes_max)
{
    struct text fresh = {
        .bytes = text->bytes,
        .capacity = text->capacity,
        .hidden = text->hidden,
        .hidden_capacity = text->hidden_capacity,
        .bytes_max = bytes_max,
        .hyphens = hyphens,
    };

    *text = fresh;
}

/* Most of what is written is words of ASCII, which no stage changes. Between its
 * first character, before which white space may wait, and its last, with which a
 * mark may combine, a word goes straight to the end. */
static size_t add_word(struct text *text, const char *word, size_t bytes,
                       enum text_why why)
{
    size_t count = 0;

    while (count < bytes && word[count] > ' ' && word[count] < 0x7F)
        count++;
    if (count < 3)
        return 0;
    filter(text, (uint8_t)word[0], why);
    flush_segment(text);
    write_inner(text, word + 1, count - 2, why);
    filter(text, (uint8_t)word[count - 1], why);
    return count;
}

void text_add(struct text *text, const char *utf8, size_t bytes, enum text_why why)
{
    const char *end = utf8 + bytes;

    while (utf8 < end && !text->overflow && !text->no_memory) {
        size_t word = add_word(text, utf8, (size_t)(end - utf8), why);
        utf8 += word;
        if (word == 0)
            filter(text, text_decode(&utf8, end), why);
    }
}

void text_finish(struct text *text)
{
    flush_segment(text);
    if (text->used > 0) {
        text->lines_waiting = 0;
        text->space_waiting = false;
        put(text, '\n', TEXT_VISIBLE);
        put(text, 0, TEXT_VISIBLE);
    }
}

char *text_line(const char *utf8, size_t bytes_max)
{
    struct text text = {0};
    char *line = NULL;

    text_start(&text, TEXT_HYPHENS_BREAK, bytes_max);
    text_add(&text, utf8, strlen(utf8), TEXT_VISIBLE);
    flush_segment(&text);
    for (size_t i = 0; i < text.used; i++)
        if (text.bytes[i] == '\n')
            text.bytes[i] = ' ';
    if (!text.no_memory)
        line = text.used ? strndup(text.bytes, text.used) : strdup("");
    text_free(&text);
    return line;
}

/* ---- characters ------------------------------------------------------------------ */

/* How many bytes a sequence has that starts with lead, and its smallest value. */
static int sequence_bytes(uint8_t lead, uint32_t *smallest)
{
    static const uint32_t smallest_of[] = {0, 0, 0x80, 0x800, 0x10000};
    int bytes = lead < 0x80    ? 1
                : lead < 0xC2  ? 0
                : lead < 0xE0  ? 2
                : lead < 0xF0  ? 3
                : lead <= 0xF4 ? 4
                               : 0;

    *smallest = smallest_of[bytes];
    return bytes;
}

/* Surrogates are read as three bytes, so that one bad character counts as one. */
uint32_t text_decode(const char **at, const char *end)
{
    const uint8_t *from = (const uint8_t *)*at;
    uint32_t smallest, c = from[0];
    int bytes = sequence_bytes(from[0], &smallest);

    if (bytes == 1) {
        *at += 1;
        return c;
    }
    if (bytes == 0 || end - *at < bytes) {
        *at += 1;
        return REPLACEMENT;
    }
    c &= 0x7Fu >> bytes;
    for (int i = 1; i < bytes; i++) {
        if ((from[i] & 0xC0) != 0x80) {
            *at += 1;
            return REPLACEMENT;
        }
        c = c << 6 | (from[i] & 0x3F);
    }
    *at += bytes;
    return c < smallest || c > 0x10FFFF || U_IS_SURROGATE(c) ? REPLACEMENT : c;
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c <= 0x9F);
}

bool text_is_plain(const char *utf8, size_t bytes, bool lines)
{
    const char *end = utf8 + bytes;

    while (utf8 < end) {
        const char *at = utf8;
        uint32_t c = text_decode(&utf8, end);
        if (is_control(c) && !(c == '\n' && lines))
            return false;
        if (c == REPLACEMENT && (utf8 - at != 3 || memcmp(at, "\xEF\xBF\xBD", 3) != 0))
            return false;
    }
    return true;
}

/* ---- filter ---------------------------------------------------------------------- */

static bool is_line_end(uint32_t c)
{
    return (c >= 0x0A && c <= 0x0D) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

/* Characters that only arrange or hide: see the rules above. */
static bool is_arranger(uint32_t c)
{
    return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) ||
           c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) ||
           (c >= 0xE0000 && c <= 0xE007F);
}

static bool is_private(uint32_t c)
{
    return (c >= 0xE000 && c <= 0xF8FF) || c >= 0xF0000;
}

static void append_to_segment(struct text *text, uint32_t c, enum text_why why)
{
    if (text->segment_count == 0)
        text->segment_why = why;
    text->segment[text->segment_count++] = (int32_t)c;
}

/* Hold c back until the next starter shows that nothing more combines with it. */
static void compose(struct text *text, uint32_t c, enum text_why why)
{
    static const UNormalizer2 *nfc;
    UErrorCode status = U_ZERO_ERROR;

    if (!nfc)
        nfc = unorm2_getNFCInstance(&status);
    if (c < FIRST_COMBINING || unorm2_hasBoundaryBefore(nfc, (UChar32)c)) {
        flush_segment(text);
    } else if (text->segment_count >= MARKS_MAX) {
        flush_segment(text);
        append_to_segment(text, GRAPHEME_JOINER, why);
    }
    append_to_segment(text, c, why);
}

static void filter(struct text *text, uint32_t c, enum text_why why)
{
    bool after_return = text->carriage_return;

    text->carriage_return = c == '\r';
    if (c > ' ' && c < 0x7F) {
        compose(text, c, why);
    } else if (is_line_end(c)) {
        if (c != '\n' || !after_return)
            compose(text, '\n', why);
    } else if (c == '\t') {
        compose(text, ' ', why);
    } else if (is_control(c)) {
        text->marks++;
        text->broken++;
    } else if (U_IS_UNICODE_NONCHAR(c)) {
        compose(text, REPLACEMENT, why);
    } else if (!is_arranger(c)) {
        compose(text, u_charType((UChar32)c) == U_SPACE_SEPARATOR ? ' ' : c, why);
    }
}

/* ---- compose --------------------------------------------------------------------- */

static bool is_composed_alone(uint32_t c)
{
    return c < FIRST_COMBINING ||
           u_getIntPropertyValue((UChar32)c, UCHAR_NFC_QUICK_CHECK) == UNORM_YES;
}

static void flush_segment(struct text *text)
{
    UChar from[2 * TEXT_SEGMENT_MAX], to[8 * TEXT_SEGMENT_MAX];
    UChar32 composed[8 * TEXT_SEGMENT_MAX];
    UErrorCode status = U_ZERO_ERROR;
    size_t count = text->segment_count;
    int32_t from_count = 0, to_count, composed_count = 0;

    text->segment_count = 0;
    if (count == 0)
        return;
    if (count == 1 && is_composed_alone((uint32_t)text->segment[0])) {
        put(text, (uint32_t)text->segment[0], text->segment_why);
        return;
    }
    u_strFromUTF32WithSub(from, 2 * TEXT_SEGMENT_MAX, &from_count, text->segment,
                          (int32_t)count, REPLACEMENT, NULL, &status);
    to_count = unorm2_normalize(unorm2_getNFCInstance(&status), from, from_count, to,
                                8 * TEXT_SEGMENT_MAX, &status);
    u_strToUTF32WithSub(composed, 8 * TEXT_SEGMENT_MAX, &composed_count, to, to_count,
                        REPLACEMENT, NULL, &status);
    for (int32_t i = 0; U_SUCCESS(status) && i < composed_count; i++)
        put(text, (uint32_t)composed[i], text->segment_why);
}

/* ---- lines ------------------------------------------------------------------------
 */

static bool is_letter(uint32_t c)
{
    if (c < 0x80)
        return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    return u_isalpha((UChar32)c);
}

static bool is_small_letter(uint32_t c)
{
    if (c < 0x80)
        return c >= 'a' && c <= 'z';
    return u_islower((UChar32)c) || (u_isalpha((UChar32)c) && !u_isupper((UChar32)c));
}

static void count_character(struct text *text, uint32_t c, enum text_why why)
{
    if (why == TEXT_OFF_PAGE) {
        text->letters_off_page += is_letter(c);
        return;
    }
    text->marks++;
    if (is_letter(c) && !is_private(c))
        text->letters++;
    else if (c == REPLACEMENT || is_private(c))
        text->broken++;
}

static bool reserve(struct text *text, size_t more)
{
    size_t capacity = text->capacity ? text->capacity : 4096;

    if (more > text->bytes_max - text->used) {
        text->overflow = true;
        return false;
    }
    if (text->used + more <= text->capacity)
        return true;
    while (capacity < text->used + more)
        capacity *= 2;
    char *bytes = realloc(text->bytes, capacity);
    if (!bytes) {
        text->no_memory = true;
        return false;
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

static bool reserve_hidden(struct text *text)
{
    size_t capacity = text->hidden_capacity ? 2 * text->hidden_capacity : 64;

    if (text->hidden_count < text->hidden_capacity)
        return true;
    struct text_hidden *hidden = realloc(text->hidden, capacity * sizeof *hidden);
    if (!hidden) {
        text->no_memory = true;
        return false;
    }
    text->hidden = hidden;
    text->hidden_capacity = capacity;
    return true;
}

/* The bytes written last, from start on, are hidden; a range that ends where they
 * begin grows instead. */
static void hide(struct text *text, size_t start, enum text_why why)
{
    struct text_hidden *last =
        text->hidden_count > 0 ? &text->hidden[text->hidden_count - 1] : NULL;

    if (last && last->end == start && last->why == why)
        last->end = text->used;
    else if (reserve_hidden(text))
        text->hidden[text->hidden_count++] =
            (struct text_hidden){.start = start, .end = text->used, .why = why};
}

static size_t encode(uint32_t c, char to[4])
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t bytes = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = bytes; i-- > 1; c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3F));
    to[0] = (char)(0xF00u >> bytes | c);
    return bytes;
}

static void write_character(struct text *text, uint32_t c, enum text_why why)
{
    size_t start = text->used;
    char utf8[4];
    size_t bytes = encode(c, utf8);

    if (!reserve(text, bytes))
        return;
    memcpy(text->bytes + start, utf8, bytes);
    text->used += bytes;
    text->before_last = text->last;
    text->last = c;
    if (why != TEXT_VISIBLE)
        hide(text, start, why);
}

/* At least one character of a word of ASCII that has been begun. */
static void write_inner(struct text *text, const char *ascii, size_t count,
                        enum text_why why)
{
    size_t start = text->used;

    if (!reserve(text, count))
        return;
    memcpy(text->bytes + start, ascii, count);
    text->used += count;
    for (size_t i = 0; i < count; i++)
        count_character(text, (uint8_t)ascii[i], why);
    text->before_last = count > 1 ? (uint8_t)ascii[count - 2] : text->last;
    text->last = (uint8_t)ascii[count - 1];
    if (why != TEXT_VISIBLE)
        hide(text, start, why);
}

static bool is_hyphen(uint32_t c)
{
    return c == '-' || c == HYPHEN;
}

/* Words whose hyphen belongs to them wherever the line ends. */
static bool keeps_hyphen(const struct text *text, size_t end)
{
    static const char *const prefix[] = {"non", "self", "cross", "well", "co"};
    size_t start = end;

    while (start > 0 && end - start < 8 && text->bytes[start - 1] >= 'a' &&
           text->bytes[start - 1] <= 'z')
        start--;
    for (size_t i = 0; i < sizeof prefix / sizeof prefix[0]; i++)
        if (end - start == strlen(prefix[i]) &&
            memcmp(text->bytes + start, prefix[i], end - start) == 0)
            return true;
    return false;
}

static void drop_hyphen(struct text *text)
{
    size_t end = text->used - (text->last == HYPHEN ? 3 : 1);

    if (!is_small_letter(text->before_last) || keeps_hyphen(text, end))
        return;
    text->used = end;
    text->last = text->before_last;
    if (text->hidden_count > 0 && text->hidden[text->hidden_count - 1].end > end)
        text->hidden[text->hidden_count - 1].end = end;
}

/* A line feed stands before c, in the middle of a word: join the two halves. */
static bool joins_lines(struct text *text, uint32_t c)
{
    if (text->lines_waiting != 1 || text->used == 0)
        return false;
    if (text->soft_hyphen)
        return is_letter(c);
    if (text->hyphens == TEXT_HYPHENS_BREAK || !is_hyphen(text->last) ||
        !is_letter(text->before_last) || !is_letter(c))
        return false;
    if (text->hyphens == TEXT_HYPHENS_DROP && is_small_letter(c))
        drop_hyphen(text);
    return true;
}

/* White space is written only when something follows it, and then belongs to the
 * hidden range that goes on across it. */
static void write_waiting(struct text *text, uint32_t c, enum text_why why)
{
    enum text_why gap_why = why == text->last_why ? why : TEXT_VISIBLE;
    size_t lines = text->lines_waiting;

    if (text->used == 0 || joins_lines(text, c)) {
        lines = 0;
    } else if (lines > 0) {
        lines = lines <= BLANK_LINES_MAX ? lines : BLANK_LINES_MAX + 1;
    } else if (text->space_waiting) {
        write_character(text, ' ', gap_why);
    }
    while (lines-- > 0)
        write_character(text, '\n', gap_why);
    text->lines_waiting = 0;
    text->space_waiting = false;
    text->soft_hyphen = false;
}

/* The last stage. A zero asks only for the white space that waits. */
static void put(struct text *text, uint32_t c, enum text_why why)
{
    if (c == '\n') {
        text->lines_waiting++;
    } else if (c == ' ') {
        text->space_waiting = true;
    } else if (c == SOFT_HYPHEN) {
        text->soft_hyphen = true;
    } else {
        if (text->lines_waiting || text->space_waiting || text->soft_hyphen)
            write_waiting(text, c, why);
        if (c == 0)
            return;
        count_character(text, c, why);
        write_character(text, c, why);
        text->last_why = why;
    }
}
