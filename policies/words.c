/* words - what an error says, and how it shows what was found.
 *
 * A policy may come from anywhere, and its errors end on a terminal: what is
 * quoted of it is cut and freed of control characters first. Suggestions ("did
 * you mean ...") take the choice with the smallest edit distance, when that is
 * small for the length of the word. */
#include "policies/loader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { WORD_BYTES_MAX = 64 };

int policy_fail(struct policy_error *err, int status, int line, const char *format, ...)
{
    va_list arguments;

    if (!err)
        return status;
    err->status = status;
    err->line = line;
    va_start(arguments, format);
    vsnprintf(err->text, sizeof err->text, format, arguments);
    va_end(arguments);
    return status;
}

/* ---- quoting ---- */

static uint32_t utf8_decode(const unsigned char *byte, size_t count)
{
    static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = byte[0] & first_bits[count];

    for (size_t i = 1; i < count; i++)
        code = code << 6 | (byte[i] & 0x3f);
    return code;
}

static size_t utf8_claim(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t policy_utf8_bytes(const char *text, size_t text_bytes)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *byte = (const unsigned char *)text;
    size_t count = text_bytes ? utf8_claim(byte[0]) : 0;
    uint32_t code;

    if (count == 0 || count > text_bytes)
        return 0;
    for (size_t i = 1; i < count; i++)
        if ((byte[i] & 0xc0) != 0x80)
            return 0;
    code = utf8_decode(byte, count);
    if (code < least[count] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return 0;
    return count;
}

static bool is_control(const char *text, size_t count)
{
    uint32_t code = utf8_decode((const unsigned char *)text, count);

    return code < 0x20 || (code >= 0x7f && code < 0xa0) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

void policy_words_clean(char *out, size_t size, const char *text)
{
    size_t left = strlen(text), used = 0;

    while (left) {
        size_t count = policy_utf8_bytes(text, left);
        size_t step = count ? count : 1;

        if (used + step + sizeof "..." > size) {
            memcpy(out + used, "...", 3);
            used += 3;
            break;
        }
        if (count == 0 || is_control(text, count))
            out[used++] = '?';
        else
            memcpy(out + used, text, count), used += count;
        text += step;
        left -= step;
    }
    out[used] = '\0';
}

struct policy_quote policy_quote_of(const char *text)
{
    struct policy_quote quote;

    policy_words_clean(quote.text, sizeof quote.text, text);
    return quote;
}

/* ---- lists ---- */

void policy_words_add(struct policy_words *words, const char *word)
{
    static const char more[] = ", ...";
    size_t room = sizeof words->text - words->bytes - sizeof more;

    if (words->full)
        return;
    words->full = strlen(word) + 2 > room;
    if (words->full)
        memcpy(words->text + words->bytes, more, sizeof more);
    else
        words->bytes += (size_t)sprintf(words->text + words->bytes, "%s%s",
                                        words->bytes ? ", " : "", word);
}

/* Levenshtein's distance, one row of the table at a time. */
static size_t distance(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    size_t row[WORD_BYTES_MAX + 1];

    for (size_t j = 0; j <= b_bytes; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_bytes; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_bytes; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b_bytes];
}

const char *policy_words_nearest(const char *word, const char *const *choice,
                                 size_t count)
{
    size_t bytes = strlen(word), limit = bytes < 4 ? 1 : 1 + bytes / 4;
    const char *nearest = NULL;

    if (bytes > WORD_BYTES_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t choice_bytes = strlen(choice[i]);
        size_t far;

        if (choice_bytes > WORD_BYTES_MAX)
            continue;
        far = distance(word, bytes, choice[i], choice_bytes);
        if (far <= limit && far > 0) {
            limit = far - 1;
            nearest = choice[i];
        }
    }
    return nearest;
}
