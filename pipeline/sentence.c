/* sentence - where the sentences of a document end.
 *
 * Three sources of truth, in this order:
 *
 * 1. Places no sentence may run over: a gap left by hidden text, the end of an
 *    XML element, a line end that is the end of a paragraph.
 * 2. ICU's sentence boundaries (UAX 29), computed on a copy in which the other
 *    line ends are spaces: a PDF breaks its lines where the page ends, not where
 *    the sentence does.
 * 3. Abbreviations, initials, and enumerators ("12.", "(a)", "Section 4."), after
 *    which a boundary is undone. The list is our own: ICU's holds "Act." and "All.",
 *    which end many a sentence of a contract.
 *
 * A PDF tells lines, not paragraphs. A line ends a paragraph when it is empty, or
 * when the next line does not begin in lower case and its first word would have
 * fitted. A page ends one too, unless its last line breaks off inside a sentence;
 * the page number that may stand between is then part of the sentence, because a
 * sentence is a stretch of the text. White space belongs to the sentence before it;
 * every byte belongs to exactly one sentence. */
#include "pipeline/internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ubrk.h>
#include <unicode/utext.h>

enum {
    LINE_FULL_PERCENT = 75, /* of the page's width */
    LINE_BYTES_MAX = 512,   /* longer ones count as this long */
    ABBREVIATION_BYTES_MAX = 12,
    ENUMERATOR_BYTES_MAX = 8,
    HEADING_NUMBER_BYTES_MAX = 24, /* "Schedule 12.3.1." */
    PAGE_NUMBER_BYTES_MAX = 16     /* "Page 12 of 240" */
};

/* Sorted by bytes; a trailing full stop is understood. */
static const char *const abbreviations[] = {
    "Abs",   "Adm",  "Aff",   "Amend", "App",   "Approx", "Apr",   "Arb",   "Art",
    "Arts",  "Assn", "Assoc", "Asst",  "Attn",  "Atty",   "Aug",   "Ave",   "Bankr",
    "Bldg",  "Blvd", "Bros",  "Capt",  "Cf",    "Ch",     "Cir",   "Cl",    "Cmdr",
    "Cmty",  "Co",   "Col",   "Comm",  "Commr", "Cong",   "Const", "Corp",  "Cos",
    "Ct",    "Dec",  "Def",   "Dept",  "Dist",  "Div",    "Doc",   "Dr",    "Drs",
    "Eds",   "Esq",  "Est",   "Ex",    "Exec",  "Exh",    "Ext",   "Feb",   "Fed",
    "Fig",   "Figs", "Fl",    "Ft",    "Gen",   "Gov",    "Hon",   "Hosp",  "Id",
    "Inc",   "Ins",  "Inst",  "Intl",  "Jan",   "Jr",     "Jul",   "Jun",   "Lieut",
    "Lt",    "Ltd",  "Maj",   "Mar",   "Mass",  "Messrs", "Mfg",   "Mgmt",  "Mgr",
    "Misc",  "Mr",   "Mrs",   "Ms",    "Mt",    "Natl",   "No",    "Nos",   "Nov",
    "Oct",   "Op",   "Ord",   "Ph",    "Ph.D",  "Phys",   "Pl",    "Plc",   "Pp",
    "Pres",  "Prof", "Pt",    "Pub",   "Pvt",   "Rd",     "Ref",   "Reg",   "Rep",
    "Repl",  "Rev",  "Rs",    "Sec",   "Secs",  "Sen",    "Sep",   "Sept",  "Ser",
    "Sess",  "Sgt",  "Sq",    "Sr",    "St",    "Stat",   "Ste",   "Subch", "Subd",
    "Subpt", "Supp", "Tel",   "Treas", "Univ",  "Vol",    "Vols",  "al",    "approx",
    "ca",    "cap",  "cf",    "ch",    "cl",    "col",    "cols",  "dept",  "e.g",
    "ed",    "eds",  "esp",   "est",   "ext",   "ff",     "fig",   "figs",  "fn",
    "i.e",   "incl", "misc",  "nos",   "para",  "paras",  "pg",    "pgs",   "pp",
    "pt",    "pts",  "qty",   "ref",   "sec",   "secs",   "seq",   "subd",  "tel",
    "v",     "viz",  "vol",   "vols",  "vs",
};
enum { ABBREVIATIONS = sizeof(abbreviations) / sizeof(abbreviations[0]) };

/* An abbreviation that begins with a capital may also be the last word of a sentence
 * ("Acme Inc. The buyer"). Before one of these it is: no name begins with them. */
static const char *const openers[] = {
    "All", "Any", "Each", "If", "In", "It", "Such", "The", "These", "This",
};
enum { OPENERS = sizeof(openers) / sizeof(openers[0]) };

static void bit_set(unsigned char *bits, size_t at)
{
    bits[at / 8] = (unsigned char)(bits[at / 8] | 1u << (at % 8));
}

/* ---- lines of a PDF page -------------------------------------------------------- */

static size_t line_bytes(const char *text, size_t from, size_t end)
{
    const char *stop = memchr(text + from, '\n', end - from);
    return stop ? (size_t)(stop - (text + from)) : end - from;
}

/* Half of the page's text stands in lines at most this long. */
static size_t page_width(const char *text, size_t from, size_t end)
{
    size_t bytes_of[LINE_BYTES_MAX + 1] = {0}; /* by length of line */
    size_t total = 0, below = 0, width = 0;
    while (from < end) {
        size_t bytes = line_bytes(text, from, end);
        bytes_of[bytes < LINE_BYTES_MAX ? bytes : LINE_BYTES_MAX] += bytes;
        total += bytes;
        from += bytes + 1;
    }
    while (width < LINE_BYTES_MAX && (below += bytes_of[width]) * 2 < total)
        width++;
    return width;
}

/* "12.", "(a)", "iv)"; "4.2" too. */
static bool is_enumerator(const char *text, size_t bytes)
{
    size_t letters = 0, digits = 0, marks = 0;
    if (bytes == 0 || bytes > ENUMERATOR_BYTES_MAX)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        letters += isalpha((unsigned char)text[i]) != 0;
        digits += isdigit((unsigned char)text[i]) != 0;
        marks += strchr(".()[]", text[i]) != NULL;
    }
    char last = text[bytes - 1];
    return letters + digits > 0 && letters + digits + marks == bytes && letters <= 4 &&
           marks > 0 && (last == '.' || last == ')' || letters == 0);
}

static bool is_page_number(const char *line, size_t bytes)
{
    if (bytes > PAGE_NUMBER_BYTES_MAX || is_enumerator(line, bytes))
        return false;
    for (size_t i = 0; i < bytes; i++)
        if (isdigit((unsigned char)line[i]))
            return true;
    return false;
}

struct line {
    const char *text;
    size_t bytes;
    bool alone; /* between empty lines */
};

static bool line_ends_paragraph(const struct line *line, const struct line *next,
                                size_t width)
{
    if (is_enumerator(line->text, line->bytes))
        return false;
    if (line->bytes == 0 || next->bytes == 0)
        return true;
    if (islower((unsigned char)next->text[0]) || line->text[line->bytes - 1] == ',')
        return false;
    const char *space = memchr(next->text, ' ', next->bytes);
    size_t word = space ? (size_t)(space - next->text) : next->bytes;
    return (line->bytes + 1 + word) * 100 < width * LINE_FULL_PERCENT;
}

/* Line ends inside a paragraph of a page become spaces. */
static void flow_page(char *flow, const char *text, size_t from, size_t end)
{
    size_t width = page_width(text, from, end);
    bool numbered = false; /* what came last is an enumerator */
    while (from < end) {
        struct line line = {text + from, line_bytes(text, from, end), false};
        size_t stop = from + line.bytes;
        if (stop + 1 >= end)
            return; /* the page's own end is for flow_turn() */
        struct line next = {text + stop + 1, line_bytes(text, stop + 1, end), false};
        numbered =
            is_enumerator(line.text, line.bytes) || (numbered && line.bytes == 0);
        if (numbered || !line_ends_paragraph(&line, &next, width))
            flow[stop] = ' ';
        from = stop + 1;
    }
}

/* ---- from page to page ---------------------------------------------------------- */

/* The first line of a page that is neither empty nor the page's number. */
static struct line page_head(const char *text, size_t from, size_t end)
{
    bool numbered = false;
    while (from < end) {
        struct line line = {text + from, line_bytes(text, from, end), false};
        from += line.bytes + 1;
        line.alone = from >= end || text[from] == '\n';
        bool number = !numbered && is_page_number(line.text, line.bytes);
        if (line.bytes > 0 && !number)
            return line;
        numbered = numbered || number;
    }
    return (struct line){text + end, 0, true};
}

/* The last such line. */
static struct line page_tail(const char *text, size_t from, size_t end)
{
    bool numbered = false;
    while (end > from) {
        size_t stop = end - (text[end - 1] == '\n'), start = stop;
        while (start > from && text[start - 1] != '\n')
            start--;
        struct line line = {text + start, stop - start, false};
        line.alone = start < from + 2 || text[start - 2] == '\n';
        bool number = !numbered && is_page_number(line.text, line.bytes);
        if (line.bytes > 0 && !number)
            return line;
        numbered = numbered || number;
        end = start;
    }
    return (struct line){text + from, 0, true};
}

/* Do the words end in a mark that ends a sentence or a clause of its own? */
static bool ends_in_mark(const struct line *line)
{
    static const char *const closers[] = {"\"",           "'",           ")", "]",
                                          "\xe2\x80\x9d", "\xe2\x80\x99"};
    size_t bytes = line->bytes;
    for (size_t i = 0; i < sizeof(closers) / sizeof(closers[0]); i++) {
        size_t n = strlen(closers[i]);
        if (bytes > n && memcmp(line->text + bytes - n, closers[i], n) == 0) {
            bytes -= n;
            break;
        }
    }
    return bytes > 0 && strchr(".!?:;", line->text[bytes - 1]) != NULL;
}

/* Lines that stand alone at a page's edge are as a rule printed on every page; only
 * lower case tells that one of them goes on. */
static bool page_runs_on(const struct line *tail, const struct line *head, size_t width)
{
    if (tail->bytes == 0 || head->bytes == 0 || ends_in_mark(tail))
        return false;
    if (islower((unsigned char)head->text[0]))
        return true;
    return !tail->alone && !head->alone && !line_ends_paragraph(tail, head, width);
}

/* ---- boundaries ----------------------------------------------------------------- */

static int by_name(const void *key, const void *element)
{
    return strcmp(key, *(const char *const *)element);
}

/* "U.S", "J", "p.m": single letters with full stops between them. */
static bool is_initials(const char *word, size_t bytes)
{
    if (bytes % 2 == 0)
        return false;
    for (size_t i = 0; i < bytes; i++)
        if (i % 2 == 0 ? !isalpha((unsigned char)word[i]) : word[i] != '.')
            return false;
    return true;
}

static bool is_opener(const char *flow, size_t at, size_t end)
{
    for (size_t i = 0; i < OPENERS; i++) {
        size_t bytes = strlen(openers[i]);
        if (at + bytes < end && memcmp(flow + at, openers[i], bytes) == 0 &&
            isspace((unsigned char)flow[at + bytes]))
            return true;
    }
    return false;
}

/* As the list has it: "INC" and "Inc" are one. */
static bool is_abbreviation(const char *from, size_t bytes)
{
    char word[ABBREVIATION_BYTES_MAX + 1];
    if (bytes == 0 || bytes > ABBREVIATION_BYTES_MAX)
        return false;
    memcpy(word, from, bytes);
    word[bytes] = '\0';
    for (size_t i = 1; i < bytes && isupper((unsigned char)from[1]); i++)
        word[i] = (char)tolower((unsigned char)word[i]);
    return bsearch(word, abbreviations, ABBREVIATIONS, sizeof(abbreviations[0]),
                   by_name) != NULL;
}

/* Does [start, end) end in an abbreviation that no sentence ends with, seeing that
 * the text goes on at next? */
static bool ends_in_abbreviation(const char *flow, size_t start, size_t end,
                                 size_t next, size_t to)
{
    static const char quote[] = "\xe2\x80\x9c";
    if (flow[end - 1] != '.')
        return false;
    size_t stop = end - 1, from = stop;
    while (from > start && !strchr(" \n\t(\"[", flow[from - 1]))
        from--;
    if (stop - from > 3 && memcmp(flow + from, quote, 3) == 0)
        from += 3;
    if (!is_initials(flow + from, stop - from) &&
        !is_abbreviation(flow + from, stop - from))
        return false;
    return !(isupper((unsigned char)flow[from]) && is_opener(flow, next, to));
}

/* Is all of [start, end) an enumerator, or one capital word with a number behind it? */
static bool is_heading_number(const char *flow, size_t start, size_t end)
{
    if (end - start > HEADING_NUMBER_BYTES_MAX)
        return false;
    const char *space = memchr(flow + start, ' ', end - start);
    if (!space)
        return is_enumerator(flow + start, end - start);
    const char *number = space + 1;
    return isupper((unsigned char)flow[start]) && strchr("0123456789IVX", *number) &&
           is_enumerator(number, (size_t)(flow + end - number));
}

/* White space alone is no sentence; a line end that is left is always an end. */
static bool boundary_holds(const char *flow, size_t start, size_t at, size_t to)
{
    bool line_end = false;
    size_t end = at;
    for (; end > start && isspace((unsigned char)flow[end - 1]); end--)
        line_end = line_end || flow[end - 1] == '\n';
    while (start < end && isspace((unsigned char)flow[start]))
        start++;
    if (start == end || line_end)
        return start < end;
    return !is_heading_number(flow, start, end) &&
           !ends_in_abbreviation(flow, start, end, at, to);
}

/* ICU's boundaries in [from, to), a stretch that no sentence runs over. */
static void stretch_ends(UBreakIterator *breaks, const char *flow, size_t from,
                         size_t to, unsigned char *end, UErrorCode *icu)
{
    UText ut = UTEXT_INITIALIZER;
    utext_openUTF8(&ut, flow + from, (int64_t)(to - from), icu);
    ubrk_setUText(breaks, &ut, icu);
    size_t start = from;
    for (int32_t at = ubrk_first(breaks);
         U_SUCCESS(*icu) && (at = ubrk_next(breaks)) != UBRK_DONE;) {
        size_t here = from + (size_t)at;
        while (here < to && isspace((unsigned char)flow[here]))
            here++;
        if (here <= start || (here < to && !boundary_holds(flow, start, here, to)))
            continue;
        bit_set(end, here - 1);
        start = here;
    }
    utext_close(&ut);
}

/* ---- the whole document --------------------------------------------------------- */

static bool is_page(const struct ingest_document *document, uint32_t section)
{
    return section >= 1 && section <= document->section_count &&
           document->section[section - 1].kind == INGEST_PAGE;
}

/* Are span i and the next one two pages with nothing hidden between? */
static bool is_page_turn(const struct pipeline_text *text,
                         const struct ingest_document *document, size_t i)
{
    const struct pipeline_span *here = &text->span[i], *next = here + 1;
    return i + 1 < text->span_count && !next->gap && is_page(document, here->section) &&
           is_page(document, next->section);
}

/* Where a sentence runs over the end of span i, a page, line ends become spaces. */
static void flow_turn(char *flow, const struct pipeline_text *text, size_t i)
{
    const struct pipeline_span *here = &text->span[i], *next = here + 1;
    size_t turn = next->at;
    struct line tail = page_tail(text->text, here->at, turn);
    struct line head = page_head(text->text, turn, turn + next->bytes);
    if (!page_runs_on(&tail, &head, page_width(text->text, here->at, turn)))
        return;
    size_t from = (size_t)(tail.text - text->text) + tail.bytes;
    size_t to = (size_t)(head.text - text->text);
    for (size_t at = from; at < to; at++)
        if (flow[at] == '\n')
            flow[at] = ' ';
}

/* The copy ICU sees: same length, line ends inside paragraphs turned to spaces. */
static char *flow_make(const struct pipeline_text *text,
                       const struct ingest_document *document)
{
    char *flow = malloc(text->text_bytes + 1);
    if (!flow)
        return NULL;
    memcpy(flow, text->text, text->text_bytes + 1);
    for (size_t i = 0; i < text->span_count; i++)
        if (is_page(document, text->span[i].section))
            flow_page(flow, text->text, text->span[i].at,
                      text->span[i].at + text->span[i].bytes);
    for (size_t i = 0; i < text->span_count; i++)
        if (is_page_turn(text, document, i))
            flow_turn(flow, text, i);
    return flow;
}

/* May a sentence run over byte at - 1, the last one of span i? */
static bool runs_on(const struct pipeline_text *text, const char *flow,
                    const struct ingest_document *document, size_t i, size_t at)
{
    return is_page_turn(text, document, i) && text->text[at - 1] == '\n' &&
           flow[at - 1] == ' ';
}

int sentence_ends(const struct pipeline_text *text,
                  const struct ingest_document *document, unsigned char *end,
                  struct pipeline_error *err)
{
    UErrorCode icu = U_ZERO_ERROR;
    UBreakIterator *breaks = ubrk_open(UBRK_SENTENCE, "en", NULL, 0, &icu);
    char *flow = flow_make(text, document);
    if (!flow || U_FAILURE(icu)) {
        free(flow);
        ubrk_close(breaks);
        return pipeline_fail(err, PIPELINE_ENOMEM, "no sentence iterator: %s",
                             u_errorName(icu));
    }
    size_t from = 0;
    for (size_t i = 0; i < text->span_count && U_SUCCESS(icu); i++) {
        size_t to = text->span[i].at + text->span[i].bytes;
        if (runs_on(text, flow, document, i, to))
            continue;
        stretch_ends(breaks, flow, from, to, end, &icu);
        from = to;
    }
    free(flow);
    ubrk_close(breaks);
    if (U_FAILURE(icu))
        return pipeline_fail(err, PIPELINE_EINPUT, "sentence boundaries: %s",
                             u_errorName(icu));
    return PIPELINE_OK;
}
