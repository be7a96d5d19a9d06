/* detect - where a pattern detector finds something, and how a finding is masked.
 *
 * Text is hostile, and a backtracking matcher can be made to take quadratic or
 * exponential time. Two things bound it. A pattern that takes too many steps from
 * one place ends the search with POLICY_ELIMIT. And the text is searched through a
 * window, so that no place costs more than a scan to the window's end:
 *
 *     text  ......|== a match starts here ==|.. and may end here ..|............
 *                 from          + STEP_BYTES           + REACH_BYTES
 *
 * What stands before the window is visible to look-behind. */
#include "policies/loader.h"

#include <stdio.h>
#include <string.h>

enum {
    STEP_BYTES = 2048,
    REACH_BYTES = 1024,
    STEPS_MAX = 20000, /* of the matcher, from one place */
    DEPTH_MAX = 5000,
    HEAP_KIB_MAX = 4096
};

struct search {
    const struct policy_detector *detector;
    const char *text;
    size_t text_bytes;
    pcre2_match_data *data;
    pcre2_match_context *context;
    struct policy_error *err;
};

/* ---- one pattern ---- */

static int fail_match(const struct search *search, int code)
{
    const char *name = search->detector->name;

    if (code == PCRE2_ERROR_NOMEMORY)
        return policy_fail(search->err, POLICY_ENOMEM, 0, "out of memory");
    if (code == PCRE2_ERROR_BADUTFOFFSET ||
        (code <= PCRE2_ERROR_UTF8_ERR1 && code >= PCRE2_ERROR_UTF8_ERR21))
        return policy_fail(search->err, POLICY_EINVALID, 0,
                           "detector %s was given text that is not UTF-8", name);
    return policy_fail(
        search->err, POLICY_ELIMIT, 0,
        "detector %s gave up after %d steps from one place; simplify its "
        "patterns",
        name, STEPS_MAX);
}

static size_t boundary(const struct search *search, size_t at)
{
    if (at >= search->text_bytes)
        return search->text_bytes;
    while (at < search->text_bytes && ((unsigned char)search->text[at] & 0xc0) == 0x80)
        at++;
    return at;
}

/* The first match that starts in from..until: 1, 0 or a negative status. */
static int find(const struct search *search, const struct policy_pattern *pattern,
                size_t from, size_t until, struct policy_match *out)
{
    while (from < search->text_bytes && from <= until) {
        size_t limit = boundary(search, from + STEP_BYTES);
        size_t end = boundary(search, limit + REACH_BYTES);
        const size_t *place;
        int code;

        pcre2_set_offset_limit(search->context, limit < until ? limit : until);
        code =
            pcre2_match(pattern->code, (const unsigned char *)search->text, end, from,
                        PCRE2_NOTEMPTY | (end < search->text_bytes ? PCRE2_NOTEOL : 0),
                        search->data, search->context);
        if (code < 0 && code != PCRE2_ERROR_NOMATCH)
            return fail_match(search, code);
        place = pcre2_get_ovector_pointer(search->data);
        if (code != PCRE2_ERROR_NOMATCH && place[0] >= from && place[1] > place[0]) {
            *out = (struct policy_match){place[0], place[1]};
            return 1;
        }
        from = limit;
    }
    return 0;
}

/* ---- is a match a finding? ---- */

/* ISO/IEC 7812-1, annex B: from the right, every second digit doubled. */
static bool luhn_passes(const char *text, size_t text_bytes)
{
    unsigned sum = 0, digits = 0;

    for (size_t i = text_bytes; i-- > 0;) {
        unsigned digit = (unsigned char)text[i] - '0';
        if (digit > 9)
            continue;
        if (digits++ % 2)
            digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
        sum += digit;
    }
    return digits >= 2 && sum % 10 == 0;
}

static int exclude_fits(const struct search *search, const struct policy_match *match)
{
    const unsigned char *text = (const unsigned char *)search->text + match->start;

    pcre2_set_offset_limit(search->context, PCRE2_UNSET);
    for (size_t i = 0; i < search->detector->exclude_count; i++) {
        int code = pcre2_match(search->detector->exclude[i]->code, text,
                               match->end - match->start, 0, PCRE2_NOTEMPTY,
                               search->data, search->context);
        if (code >= 0)
            return 1;
        if (code != PCRE2_ERROR_NOMATCH)
            return fail_match(search, code);
    }
    return 0;
}

/* The first finding of one pattern that starts in from..until. */
static int find_accepted(const struct search *search,
                         const struct policy_pattern *pattern, size_t from,
                         size_t until, struct policy_match *out)
{
    int found;

    while ((found = find(search, pattern, from, until, out)) == 1) {
        bool good = !search->detector->luhn ||
                    luhn_passes(search->text + out->start, out->end - out->start);
        int excluded = good ? exclude_fits(search, out) : 1;

        if (excluded <= 0)
            return excluded < 0 ? excluded : 1;
        from = out->end;
    }
    return found;
}

/* ---- all patterns ---- */

static int find_best(const struct search *search, size_t from, struct policy_match *out)
{
    size_t until = search->text_bytes;
    int found = 0;

    for (size_t i = 0; i < search->detector->pattern_count; i++) {
        struct policy_match match = {0, 0};
        int status =
            find_accepted(search, search->detector->pattern[i], from, until, &match);
        if (status < 0)
            return status;
        if (status == 1 &&
            (!found || match.start < out->start || match.end > out->end)) {
            *out = match;
            until = match.start;
            found = 1;
        }
    }
    return found;
}

int policy_detect(const struct policy_detector *detector, const char *text,
                  size_t text_bytes, size_t from, struct policy_match *out,
                  struct policy_error *err)
{
    struct search search = {detector, text, text_bytes, NULL, NULL, err};
    int status;

    search.data = pcre2_match_data_create(1, NULL);
    search.context = pcre2_match_context_create(NULL);
    if (search.data && search.context) {
        pcre2_set_match_limit(search.context, STEPS_MAX);
        pcre2_set_depth_limit(search.context, DEPTH_MAX);
        pcre2_set_heap_limit(search.context, HEAP_KIB_MAX);
        status = find_best(&search, boundary(&search, from), out);
    } else {
        status = policy_fail(err, POLICY_ENOMEM, 0, "out of memory");
    }
    pcre2_match_context_free(search.context);
    pcre2_match_data_free(search.data);
    return status;
}

/* ---- masks ---- */

static uint32_t decode(const unsigned char *byte, size_t count)
{
    uint32_t code = count == 1 ? byte[0] : byte[0] & (0xffu >> (count + 1));

    for (size_t i = 1; i < count; i++)
        code = code << 6 | (byte[i] & 0x3f);
    return code;
}

/* Decimal digits come in rows of ten; these are the zeros of the BMP's rows. */
static bool is_digit(uint32_t code)
{
    static const uint16_t zero[] = {0x0030, 0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6,
                                    0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6,
                                    0x0d66, 0x0de6, 0x0e50, 0x0ed0, 0x0f20, 0x1040,
                                    0x1090, 0x17e0, 0x1810, 0xff10};

    for (size_t i = 0; i < sizeof zero / sizeof *zero; i++)
        if (code >= zero[i] && code < zero[i] + 10u)
            return true;
    return false;
}

static bool is_shown(uint32_t code)
{
    if (code < 0x80)
        return !((code | 0x20) >= 'a' && (code | 0x20) <= 'z');
    return (code >= 0xa0 && code < 0xc0 && code != 0xaa && code != 0xb5 &&
            code != 0xba) ||
           (code >= 0x2000 && code < 0x2070) || (code >= 0x20a0 && code < 0x20d0) ||
           (code >= 0x3000 && code < 0x3004);
}

/* The masked form of one character; returns its bytes. */
static size_t mask_character(const char *text, size_t bytes, char out[4])
{
    uint32_t code = bytes ? decode((const unsigned char *)text, bytes) : 'x';

    if (bytes && !is_digit(code) && is_shown(code)) {
        memcpy(out, text, bytes);
        return bytes;
    }
    *out = bytes && is_digit(code) ? '9' : 'x';
    return 1;
}

void policy_mask(const char *text, size_t text_bytes, char *out, size_t size)
{
    static const char ellipsis[] = "\xE2\x80\xA6";
    size_t used = 0, cut = 0; /* cut: where an ellipsis still fits */

    while (text_bytes) {
        size_t bytes = policy_utf8_bytes(text, text_bytes), count;
        char shape[4];

        count = mask_character(text, bytes, shape);
        if (used + count >= size)
            break;
        memcpy(out + used, shape, count);
        used += count;
        if (used + sizeof ellipsis <= size)
            cut = used;
        bytes = bytes ? bytes : 1;
        text += bytes;
        text_bytes -= bytes;
    }
    if (text_bytes && size >= sizeof ellipsis) {
        memcpy(out + cut, ellipsis, sizeof ellipsis - 1);
        used = cut + sizeof ellipsis - 1;
    }
    out[used] = '\0';
}

const char *policy_libraries(void)
{
    static char text[64] = "pcre2 ";
    char version[48] = "";

    if (pcre2_config(PCRE2_CONFIG_VERSION, NULL) <= (int)sizeof(version))
        pcre2_config(PCRE2_CONFIG_VERSION, version);
    snprintf(text, sizeof(text), "pcre2 %s", version);
    return text;
}
