/* open - which reader a document needs, told by its bytes and never by its name.
 *
 * A PDF header may stand anywhere in the first 1024 bytes (ISO 32000-1, annex H,
 * implementation note 13), and Poppler looks for it there too, unless the file
 * begins with an XML declaration. XML has no magic number: what begins with markup
 * after a byte order mark and white space counts, in UTF-8 and its kin and in UTF-16
 * and UTF-32 of both byte orders (XML 1.0, appendix F). Everything else is
 * `unsupported`. */
#include "ingest/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PDF_HEADER_WITHIN = 1024, XML_SPACE_MAX = 1024 };

/* How the code units of XML lie in the file: width in bytes, and which of them
 * holds an ASCII character. */
struct unit {
    const char *mark; /* what the file begins with */
    size_t mark_bytes, skip, width, low;
};

static const struct unit units[] = {
    {"\x00\x00\xFE\xFF", 4, 4, 4, 3},
    {"\xFF\xFE\x00\x00", 4, 4, 4, 0},
    {"\xFE\xFF", 2, 2, 2, 1},
    {"\xFF\xFE", 2, 2, 2, 0},
    {"\xEF\xBB\xBF", 3, 3, 1, 0},
    {"\x00\x00\x00<", 4, 0, 4, 3},
    {"<\x00\x00\x00", 4, 0, 4, 0},
    {"\x00<", 2, 0, 2, 1},
    {"<\x00", 2, 0, 2, 0},
    {"", 0, 0, 1, 0},
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

static bool begins_markup(const struct unit *unit, const uint8_t *bytes, size_t count)
{
    size_t i = 0;
    int c;

    while (i < XML_SPACE_MAX && (c = unit_at(unit, bytes, count, i)) != 0 &&
           strchr(" \t\r\n", c))
        i++;
    if (unit_at(unit, bytes, count, i) != '<')
        return false;
    c = unit_at(unit, bytes, count, i + 1);
    /* A name that does not begin with an ASCII letter reads as zero; let it pass. */
    return c == '?' || c == '!' || c == '_' || c == ':' || c == 0 ||
           ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool begins_declaration(const struct unit *unit, const uint8_t *bytes,
                               size_t count)
{
    static const char declaration[] = "<?xml";

    for (size_t i = 0; declaration[i]; i++)
        if (unit_at(unit, bytes, count, i) != declaration[i])
            return false;
    return true;
}

const struct reader *reader_find(const uint8_t *bytes, size_t count)
{
    const struct unit *unit = unit_find(bytes, count);
    size_t head = count < PDF_HEADER_WITHIN ? count : PDF_HEADER_WITHIN;

    if (begins_declaration(unit, bytes, count))
        return &reader_xml;
    if (memmem(bytes, head, "%PDF-", 5))
        return &reader_pdf;
    return begins_markup(unit, bytes, count) ? &reader_xml : NULL;
}

/* ---- DOCTYPE
 * ------------------------------------------------------------------------- */

struct scan {
    const struct unit *unit;
    const uint8_t *bytes;
    size_t count, at; /* at in characters */
};

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

bool reader_has_subset(const uint8_t *bytes, size_t count)
{
    struct scan scan = {
        .unit = unit_find(bytes, count), .bytes = bytes, .count = count};
    bool within = scan_doctype(&scan);

    while (within && !scan_is_over(&scan)) {
        if (scan_take(&scan, "["))
            return true;
        if (scan_take(&scan, "\""))
            scan_past(&scan, "\"");
        else if (scan_take(&scan, "'"))
            scan_past(&scan, "'");
        else if (scan_take(&scan, ">"))
            within = false;
        else
            scan.at++;
    }
    return false;
}

void reader_warm(void)
{
    reader_pdf.warm();
    reader_xml.warm();
}

void reader_end_set(struct reader_end *end, enum ingest_outcome outcome,
                    const char *format, ...)
{
    va_list args;

    end->outcome = outcome;
    va_start(args, format);
    vsnprintf(end->reason, sizeof end->reason, format, args);
    va_end(args);
}
