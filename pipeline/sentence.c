/* sentence - where the sentences of a document end.
 *
 * Three sources of truth, in this order:
 *
 * 1. Places no sentence may run over: a gap left by hidden text, the end of an
 *    XML element, a line end that is the end of a paragraph.
 * 2. ICU's sentence boundaries (UAX 29 with the English suppressions), computed
 *    on a copy in which the other line ends are spaces: a PDF breaks its lines
 *    where the page ends, not where the sentence does.
 * 3. Abbreviations that lawyers and doctors write and ICU's list does not know,
 *    initials, and enumerators ("12.", "(a)"), after which a boundary is undone.
 *
 * A PDF tells lines, not paragraphs. A line ends a paragraph when it is empty, or
 * short beside its page and followed by a line that does not begin in lower case.
 * White space belongs to the sentence before it; every byte belongs to exactly
 * one sentence. */
#include "pipeline/internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ubrk.h>
#include <unicode/utext.h>

enum {
    LINE_SHORT_PERCENT = 60, /* of the page's long lines: the end of a paragraph */
    ABBREVIATION_BYTES_MAX = 12,
    ENUMERATOR_BYTES_MAX = 8
};

/* Sorted by bytes; a trailing full stop is understood. */
static const char *const abbreviations[] = {
    "Abs",  "Adm",    "Aff",    "Amend", "App",   "Apr",  "Arb",   "Art",   "Arts",
    "Assn", "Assoc",  "Asst",   "Attn",  "Atty",  "Aug",  "Ave",   "Bankr", "Bldg",
    "Blvd", "Bros",   "Capt",   "Cf",    "Ch",    "Cir",  "Cl",    "Cmty",  "Co",
    "Col",  "Comm",   "Commr",  "Cong",  "Const", "Corp", "Cos",   "Ct",    "Dec",
    "Def",  "Dept",   "Dist",   "Div",   "Doc",   "Dr",   "Drs",   "Eds",   "Esq",
    "Est",  "Ex",     "Exec",   "Exh",   "Ext",   "Feb",  "Fed",   "Fig",   "Figs",
    "Fl",   "Ft",     "Gen",    "Gov",   "Hon",   "Hosp", "Inc",   "Ins",   "Inst",
    "Intl", "Jan",    "Jr",     "Jul",   "Jun",   "Lt",   "Ltd",   "Maj",   "Mar",
    "Mass", "Messrs", "Mfg",    "Mgmt",  "Misc",  "Mr",   "Mrs",   "Ms",    "Mt",
    "Natl", "No",     "Nos",    "Nov",   "Oct",   "Op",   "Ord",   "Ph",    "Phys",
    "Pl",   "Plc",    "Pp",     "Pres",  "Prof",  "Pt",   "Pub",   "Pvt",   "Rd",
    "Ref",  "Reg",    "Rep",    "Repl",  "Rev",   "Rs",   "Sec",   "Secs",  "Sen",
    "Sep",  "Sept",   "Ser",    "Sess",  "Sgt",   "Sq",   "Sr",    "St",    "Stat",
    "Ste",  "Subch",  "Subd",   "Subpt", "Supp",  "Tel",  "Treas", "Univ",  "Vol",
    "Vols", "al",     "approx", "ca",    "cap",   "cf",   "ch",    "cl",    "col",
    "cols", "dept",   "e.g",    "ed",    "eds",   "esp",  "est",   "ext",   "ff",
    "fig",  "figs",   "fn",     "i.e",   "incl",  "lb",   "lbs",   "mg",    "misc",
    "nos",  "para",   "paras",  "pg",    "pgs",   "pp",   "pt",    "pts",   "qty",
    "ref",  "sec",    "secs",   "seq",   "subd",  "tel",  "v",     "viz",   "vol",
    "vols", "vs",     "wt",
};
enum { ABBREVIATIONS = sizeof(abbreviations) / sizeof(abbreviations[0]) };

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

/* The length that nine lines in ten do not exceed, by a histogram. */
static size_t page_line_bytes(const char *text, size_t from, size_t end)
{
    enum { LONGEST = 512 };
    uint32_t count[LONGEST] = {0};
    uint32_t lines = 0;
    while (from < end) {
        size_t bytes = line_bytes(text, from, end);
        from += bytes + 1;
        if (bytes == 0)
            continue;
        count[bytes < LONGEST ? bytes : LONGEST - 1]++;
        lines++;
    }
    uint32_t above = 0;
    size_t length = LONGEST - 1;
    while (length > 0 && (above += count[length]) * 10 <= lines)
        length--;
    return length;
}

static bool is_enumerator(const char *text, size_t bytes)
{
    if (bytes == 0 || bytes > ENUMERATOR_BYTES_MAX)
        return false;
    size_t letters = 0, digits = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (isdigit((unsigned char)text[i]))
            digits++;
        else if (isalpha((unsigned char)text[i]))
            letters++;
        else if (!strchr(".()[]", text[i]))
            return false;
    }
    char last = text[bytes - 1];
    return (last == '.' || last == ')') && letters <= 4 && letters + digits > 0;
}

static bool line_ends_paragraph(const char *line, size_t bytes, size_t page_bytes,
                                char next)
{
    if (bytes == 0)
        return true;
    if (bytes * 100 >= page_bytes * LINE_SHORT_PERCENT || is_enumerator(line, bytes))
        return false;
    return !islower((unsigned char)next) && line[bytes - 1] != ',';
}

/* Line ends inside a paragraph of a page become spaces. */
static void flow_page(char *flow, const char *text, size_t from, size_t end)
{
    size_t page_bytes = page_line_bytes(text, from, end);
    while (from < end) {
        size_t bytes = line_bytes(text, from, end);
        size_t stop = from + bytes;
        if (stop + 1 >= end)
            return; /* the page's own end is for flow_make() */
        if (!line_ends_paragraph(text + from, bytes, page_bytes, text[stop + 1]))
            flow[stop] = ' ';
        from = stop + 1;
    }
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

/* Does the text up to end (exclusive, white space trimmed) end in an abbreviation? */
static bool ends_in_abbreviation(const char *text, size_t start, size_t end)
{
    if (end - start < 2 || text[end - 1] != '.')
        return false;
    size_t stop = end - 1, from = stop;
    while (from > start && stop - from < ABBREVIATION_BYTES_MAX &&
           !strchr(" \n\t(\"[", text[from - 1]))
        from--;
    char word[ABBREVIATION_BYTES_MAX + 1];
    size_t bytes = stop - from;
    memcpy(word, text + from, bytes);
    word[bytes] = '\0';
    return is_initials(word, bytes) ||
           bsearch(word, abbreviations, ABBREVIATIONS, sizeof(abbreviations[0]),
                   by_name) != NULL;
}

static bool boundary_holds(const char *flow, size_t start, size_t at)
{
    size_t end = at;
    while (end > start && isspace((unsigned char)flow[end - 1])) {
        if (flow[end - 1] == '\n')
            return end - 1 > start; /* a blank line alone joins the one before */
        end--;
    }
    while (start < end && isspace((unsigned char)flow[start]))
        start++;
    return end > start && !is_enumerator(flow + start, end - start) &&
           !ends_in_abbreviation(flow, start, end);
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
        if (here < to && !boundary_holds(flow, start, here))
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

/* May a sentence run from span i into span i + 1? Only over the end of a page. */
static bool runs_on(const struct pipeline_text *text,
                    const struct ingest_document *document, size_t i)
{
    const struct pipeline_span *here = &text->span[i], *next = here + 1;
    return i + 1 < text->span_count && !next->gap && is_page(document, here->section) &&
           is_page(document, next->section);
}

/* The copy ICU sees: same length, line ends inside paragraphs turned to spaces. */
static char *flow_make(const struct pipeline_text *text,
                       const struct ingest_document *document)
{
    char *flow = malloc(text->text_bytes + 1);
    if (!flow)
        return NULL;
    memcpy(flow, text->text, text->text_bytes + 1);
    for (size_t i = 0; i < text->span_count; i++) {
        const struct pipeline_span *span = &text->span[i];
        if (is_page(document, span->section))
            flow_page(flow, text->text, span->at, span->at + span->bytes);
        size_t last = span->at + span->bytes - 1;
        if (runs_on(text, document, i) && text->text[last] == '\n' &&
            islower((unsigned char)text->text[last + 1]))
            flow[last] = ' ';
    }
    return flow;
}

int sentence_ends(const struct pipeline_text *text,
                  const struct ingest_document *document, unsigned char *end,
                  struct pipeline_error *err)
{
    UErrorCode icu = U_ZERO_ERROR;
    UBreakIterator *breaks = ubrk_open(UBRK_SENTENCE, "en@ss=standard", NULL, 0, &icu);
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
        if (runs_on(text, document, i) && flow[to - 1] != '\n')
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
