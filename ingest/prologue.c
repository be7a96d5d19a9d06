/* prologue - what an XML file says before its first element, read from its bytes.
 *
 *     FF FE | < ? x m l   e n c o d i n g = "..." ? > | <!DOCTYPE x SYSTEM "y"> | <x>
 *     mark    declaration                               DOCTYPE                    root
 *
 * libxml2 reads all this too, but is generous where a text would be lost or bent: it
 * takes declarations in a DOCTYPE, even behind its end, a half character at the end
 * of the file, and bytes in UTF-8 that call themselves Latin. What is refused is looked
 * for here, before libxml2 sees a byte. It does not know UTF-16 without mark and
 * declaration (XML 1.0, appendix F), so it is told; UTF-32 it reads only sometimes.
 *
 * Nothing here needs more than the width of a character and where in it ASCII lies. */
#include "ingest/prologue.h"

#include <string.h>
#include <strings.h>

enum { SPACE_MAX = 1024, ENCODING_BYTES_MAX = 40 };

/* How the characters of XML lie in the file: width in bytes, and which of them holds
 * an ASCII character. */
struct unit {
    const char *mark; /* what the file begins with */
    size_t mark_bytes, skip, width, low;
    const char *encoding; /* for libxml2; NULL: it knows */
};

const char prologue_utf32[] = "UTF-32";

static const struct unit units[] = {
    {"\x00\x00\xFE\xFF", 4, 4, 4, 3, prologue_utf32},
    {"\xFF\xFE\x00\x00", 4, 4, 4, 0, prologue_utf32},
    {"\xFE\xFF", 2, 2, 2, 1, NULL},
    {"\xFF\xFE", 2, 2, 2, 0, NULL},
    {"\xEF\xBB\xBF", 3, 3, 1, 0, NULL},
    {"\x00\x00\x00<", 4, 0, 4, 3, prologue_utf32},
    {"<\x00\x00\x00", 4, 0, 4, 0, prologue_utf32},
    {"\x00<", 2, 0, 2, 1, "UTF-16BE"},
    {"<\x00", 2, 0, 2, 0, "UTF-16LE"},
    {"", 0, 0, 1, 0, NULL},
};

static const struct unit *unit_find(const uint8_t *bytes, size_t count)
{
    const struct unit *unit = units;

    while (unit->mark_bytes > count || memcmp(bytes, unit->mark, unit->mark_bytes) != 0)
        unit++;
    return unit;
}

/* The character at index, 0 behind the end and for what is not ASCII. */
static int unit_at(const struct unit *unit, const uint8_t *bytes, size_t count,
                   size_t index)
{
    size_t at = unit->skip + index * unit->width;

    if (at + unit->width > count)
        return 0;
    for (size_t i = 0; i < unit->width; i++)
        if (i != unit->low && bytes[at + i] != 0)
            return 0;
    return bytes[at + unit->low] < 0x80 ? bytes[at + unit->low] : 0;
}

/* ---- a scan, character by character ------------------------------------------------
 */

struct scan {
    const struct unit *unit;
    const uint8_t *bytes;
    size_t count, at; /* at in characters */
};

static struct scan scan_begin(const uint8_t *bytes, size_t count)
{
    return (struct scan){
        .unit = unit_find(bytes, count), .bytes = bytes, .count = count};
}

static int scan_peek(const struct scan *scan)
{
    return unit_at(scan->unit, scan->bytes, scan->count, scan->at);
}

static bool scan_is_over(const struct scan *scan)
{
    return scan->unit->skip + (scan->at + 1) * scan->unit->width > scan->count;
}

static bool scan_take(struct scan *scan, const char *word)
{
    size_t i = 0;

    while (word[i] &&
           unit_at(scan->unit, scan->bytes, scan->count, scan->at + i) == word[i])
        i++;
    if (word[i])
        return false;
    scan->at += i;
    return true;
}

static void scan_past(struct scan *scan, const char *word)
{
    while (!scan_is_over(scan) && !scan_take(scan, word))
        scan->at++;
}

static bool is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void scan_space(struct scan *scan)
{
    while (is_space(scan_peek(scan)))
        scan->at++;
}

/* ---- is it XML? -------------------------------------------------------------------
 */

bool prologue_declares_xml(const uint8_t *bytes, size_t count)
{
    struct scan scan = scan_begin(bytes, count);

    return scan_take(&scan, "<?xml");
}

bool prologue_begins_markup(const uint8_t *bytes, size_t count)
{
    struct scan scan = scan_begin(bytes, count);

    while (scan.at < SPACE_MAX && is_space(scan_peek(&scan)))
        scan.at++;
    if (!scan_take(&scan, "<"))
        return false;
    int c = scan_peek(&scan);
    /* A name that does not begin with an ASCII letter reads as zero; let it pass. */
    return c == '?' || c == '!' || c == '_' || c == ':' || c == 0 ||
           ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* ---- the encoding ------------------------------------------------------------------
 */

/* The encoding that the declaration names, if it does. */
static bool scan_encoding(struct scan *scan, char name[ENCODING_BYTES_MAX])
{
    size_t used = 0;
    int c, quote;

    if (!scan_take(scan, "<?xml"))
        return false;
    while (!scan_take(scan, "encoding"))
        if (scan_is_over(scan) || scan_take(scan, "?>"))
            return false;
        else
            scan->at++;
    scan_space(scan);
    if (!scan_take(scan, "="))
        return false;
    scan_space(scan);
    quote = scan_peek(scan);
    for (scan->at++; (c = scan_peek(scan)) != 0 && c != quote; scan->at++)
        if (used < ENCODING_BYTES_MAX - 1)
            name[used++] = (char)c;
    name[used] = '\0';
    return quote == '"' || quote == '\'';
}

/* A byte order mark says what the encoding is; a declaration may only say the same. */
static bool mark_is_contradicted(const uint8_t *bytes, size_t count)
{
    static const char *const fitting[] = {
        [1] = "UTF-8", [2] = "UTF-16 ISO-10646-UCS-2", [4] = "UTF-32 ISO-10646-UCS-4"};
    struct scan scan = scan_begin(bytes, count);
    char name[ENCODING_BYTES_MAX];

    if (scan.unit->skip == 0 || !scan_encoding(&scan, name))
        return false;
    const char *first = fitting[scan.unit->width], *second = strchr(first, ' ');
    size_t bytes_of_first = second ? (size_t)(second - first) : strlen(first);
    return strncasecmp(name, first, bytes_of_first) != 0 &&
           (!second || strcasecmp(name, second + 1) != 0);
}

const char *prologue_encoding(const uint8_t *bytes, size_t count)
{
    return unit_find(bytes, count)->encoding;
}

/* ---- DOCTYPE ----------------------------------------------------------------------
 */

const char prologue_subset[] = "its DOCTYPE holds declarations (an internal subset); "
                               "only an external identifier is accepted";

/* True when the prologue holds a DOCTYPE; the scan then stands behind the word. */
static bool scan_doctype(struct scan *scan)
{
    while (!scan_is_over(scan)) {
        if (scan_take(scan, "<!DOCTYPE"))
            return true;
        if (scan_take(scan, "<!--"))
            scan_past(scan, "-->");
        else if (scan_take(scan, "<?"))
            scan_past(scan, "?>");
        else if (scan_peek(scan) == '<')
            return false; /* the root */
        else
            scan->at++;
    }
    return false;
}

static const char *doctype_fault(const uint8_t *bytes, size_t count)
{
    static const char broken[] = "its DOCTYPE is not well-formed";
    struct scan scan = scan_begin(bytes, count);

    if (!scan_doctype(&scan))
        return NULL;
    if (!is_space(scan_peek(&scan)))
        return broken;
    while (!scan_is_over(&scan) && !scan_take(&scan, ">")) {
        if (scan_take(&scan, "["))
            return prologue_subset;
        if (scan_take(&scan, "\""))
            scan_past(&scan, "\"");
        else if (scan_take(&scan, "'"))
            scan_past(&scan, "'");
        else
            scan.at++;
    }
    scan_space(&scan);
    return scan_peek(&scan) == '<' ? NULL : broken;
}

const char *prologue_fault(const uint8_t *bytes, size_t count)
{
    const struct unit *unit = unit_find(bytes, count);

    if ((count - unit->skip) % unit->width != 0)
        return "it ends within a character";
    if (mark_is_contradicted(bytes, count))
        return "its byte order mark and the encoding it declares contradict each other";
    return doctype_fault(bytes, count);
}
