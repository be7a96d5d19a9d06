/* ground_cut - what a model wrote, sentence by sentence.
 *
 *     "## Summary\n1. **The term is five years.** It ends in May.\n"
 *     "Summary" "The term is five years." "It ends in May."
 *
 * Sentences end where those of documents do, and at every line's end. What is put
 * around them to be seen goes: list marks, heading marks, stars, a pair of quotation
 * marks around the whole. What is left of a line of marks alone is no sentence. */
#include "pipeline/ground_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>

enum { LIST_NUMBER_BYTES_MAX = 3 };

/* Those that open stand before those that close. */
static const char *const quotation[][2] = {
    {"\"", "\""},
    {"'", "'"},
    {"\xe2\x80\x9c", "\xe2\x80\x9d"},
    {"\xe2\x80\x98", "\xe2\x80\x99"},
    {"\xc2\xab", "\xc2\xbb"},
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void trim(const char *text, struct ground_piece *piece)
{
    while (piece->bytes > 0 && is_space(text[piece->at])) {
        piece->at++;
        piece->bytes--;
    }
    while (piece->bytes > 0 && is_space(text[piece->at + piece->bytes - 1]))
        piece->bytes--;
}

/* Take bytes from the front. */
static void skip(const char *text, struct ground_piece *piece, size_t bytes)
{
    piece->at += bytes;
    piece->bytes -= bytes;
    trim(text, piece);
}

static bool begins(const char *text, const struct ground_piece *piece, const char *with)
{
    size_t bytes = strlen(with);
    return piece->bytes >= bytes && memcmp(text + piece->at, with, bytes) == 0;
}

static bool ends(const char *text, const struct ground_piece *piece, const char *with)
{
    size_t bytes = strlen(with);
    return piece->bytes >= bytes &&
           memcmp(text + piece->at + piece->bytes - bytes, with, bytes) == 0;
}

/* "- ", "* ", "# ", a bullet: how many bytes. */
static size_t list_mark(const char *text, const struct ground_piece *piece)
{
    static const char *const bullets[] = {"\xe2\x80\xa2", "\xe2\x80\x93",
                                          "\xe2\x80\x94", "\xe2\x97\xa6",
                                          "\xe2\x96\xaa", "\xc2\xb7"};
    const char *from = text + piece->at;
    size_t marks = 0;
    for (size_t i = 0; i < sizeof(bullets) / sizeof(bullets[0]); i++)
        if (begins(text, piece, bullets[i]))
            return strlen(bullets[i]);
    while (marks < piece->bytes && strchr("-*#>+", from[marks]))
        marks++;
    return marks < piece->bytes && !is_space(from[marks]) ? 0 : marks;
}

/* "1. ", "(2) ", "a) ": how many bytes. */
static size_t list_number(const char *text, const struct ground_piece *piece)
{
    const char *from = text + piece->at;
    size_t open = piece->bytes > 0 && from[0] == '(', at = open, digits = 0;
    while (at < piece->bytes && digits < LIST_NUMBER_BYTES_MAX &&
           u_isdigit((unsigned char)from[at])) {
        at++;
        digits++;
    }
    bool letter =
        digits == 0 && at < piece->bytes && u_isalpha((unsigned char)from[at]);
    at += letter;
    if (digits + letter == 0 || at + 1 >= piece->bytes || !is_space(from[at + 1]))
        return 0;
    return from[at] == ')' || (from[at] == '.' && !letter && !open) ? at + 1 : 0;
}

/* Stars and underscores around a word or a sentence. */
static void strip_stars(const char *text, struct ground_piece *piece)
{
    size_t stars = 0;
    while (stars < piece->bytes && strchr("*_", text[piece->at + stars]))
        stars++;
    skip(text, piece, stars);
    while (piece->bytes > 0 && strchr("*_", text[piece->at + piece->bytes - 1]))
        piece->bytes--;
    trim(text, piece);
}

static void strip_quotation(const char *text, struct ground_piece *piece)
{
    for (size_t i = 0; i < sizeof(quotation) / sizeof(quotation[0]); i++) {
        const char *open = quotation[i][0], *close = quotation[i][1];
        size_t bytes = strlen(open);
        if (piece->bytes <= 2 * bytes || !begins(text, piece, open) ||
            !ends(text, piece, close))
            continue;
        struct ground_piece inside = {piece->at + bytes,
                                      piece->bytes - bytes - strlen(close)};
        if (!memmem(text + inside.at, inside.bytes, open, bytes))
            *piece = inside;
        return;
    }
}

static bool holds_letter(const char *text, const struct ground_piece *piece)
{
    for (size_t i = 0; i < piece->bytes;) {
        UChar32 c = text_character(text + piece->at, piece->bytes, &i);
        if (c >= 0 && u_isalpha(c))
            return true;
    }
    return false;
}

/* One sentence without what is put around it; false: nothing is left. */
static bool strip(const char *text, struct ground_piece *piece)
{
    size_t mark;
    trim(text, piece);
    while ((mark = list_mark(text, piece)) > 0 || (mark = list_number(text, piece)) > 0)
        skip(text, piece, mark);
    strip_stars(text, piece);
    strip_quotation(text, piece);
    trim(text, piece);
    return holds_letter(text, piece);
}

size_t ground_cut(const char *text, size_t bytes, struct ground_piece *out, size_t max)
{
    const struct ingest_document none = {.section_count = 0};
    unsigned char *end = calloc(bytes / 8 + 1, 1);
    char *copy = malloc(bytes + 1);
    struct pipeline_span span = {.bytes = bytes};
    struct pipeline_text whole = {
        .text = copy, .text_bytes = bytes, .span = &span, .span_count = bytes > 0};
    size_t count = 0, from = 0;
    bool cut = end && copy;
    if (cut) {
        memcpy(copy, text, bytes);
        copy[bytes] = '\0';
        cut = sentence_ends(&whole, &none, end, NULL) == PIPELINE_OK;
    }
    for (size_t i = 0; i < bytes && count < max; i++) {
        bool is_end = i + 1 == bytes || (cut && (end[i / 8] >> (i % 8) & 1));
        if (!is_end)
            continue;
        out[count] = (struct ground_piece){from, i + 1 - from};
        count += strip(text, &out[count]);
        from = i + 1;
    }
    free(end);
    free(copy);
    return count;
}
