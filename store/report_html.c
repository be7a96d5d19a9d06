/* report_html - text from hostile documents, made safe to look at.
 *
 * Everything that is not our own markup goes through html_text(): markup characters
 * are escaped, control characters and the marks that turn the direction of text
 * around (with which a name can be made to read as another) are shown as U+FFFD, and
 * so are bytes that are not UTF-8. */
#include "store/report.h"
#include "store/buffer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

void html_raw(struct report *report, const char *markup)
{
    fputs(markup, report->out);
}

/* Bidirectional embeddings, overrides and isolates, and the other invisible marks
 * that only mislead a reader. */
static bool is_misleading(int32_t point)
{
    return (point < 0x20 && point != '\n' && point != '\t') ||
           (point >= 0x7f && point <= 0x9f) || (point >= 0x202a && point <= 0x202e) ||
           (point >= 0x2066 && point <= 0x2069) || point == 0x2028 || point == 0x2029 ||
           point == 0xfeff || (point >= 0xe0000 && point <= 0xe007f);
}

static void html_point(struct report *report, int32_t point, const unsigned char *from,
                       size_t bytes)
{
    static const char *const entity[128] = {['&'] = "&amp;",
                                            ['<'] = "&lt;",
                                            ['>'] = "&gt;",
                                            ['"'] = "&quot;",
                                            ['\''] = "&#39;"};

    if (is_misleading(point))
        fputs("\xef\xbf\xbd", report->out);
    else if (point < 128 && entity[point])
        fputs(entity[point], report->out);
    else
        fwrite(from, 1, bytes, report->out);
}

static void html_bytes(struct report *report, const char *text, size_t bytes)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + bytes;

    while (at < end) {
        const unsigned char *from = at;
        int32_t point = utf8_take(&at, end);

        html_point(report, point < 0 ? 0 : point, from, (size_t)(at - from));
    }
}

void html_text(struct report *report, const char *text)
{
    html_bytes(report, text, strlen(text));
}

void html_text_cut(struct report *report, const char *text, size_t bytes_max)
{
    size_t bytes = strlen(text);

    if (bytes <= bytes_max)
        return html_bytes(report, text, bytes);
    while (bytes_max > 0 && ((unsigned char)text[bytes_max] & 0xc0) == 0x80)
        bytes_max--;
    html_bytes(report, text, bytes_max);
    fputs("\xe2\x80\xa6", report->out);
}

/* Of ASCII, or part of any other character. */
static bool is_letter(char c)
{
    unsigned char byte = (unsigned char)c;

    return byte >= 0x80 || (byte >= '0' && byte <= '9') ||
           ((byte | 32) >= 'a' && (byte | 32) <= 'z');
}

/* Where the word stands by itself: "5" is not found in "2015". */
static const char *word_find(const char *text, const char *word)
{
    size_t bytes = strlen(word);
    const char *at = bytes ? strstr(text, word) : NULL;

    for (; at; at = strstr(at + 1, word)) {
        bool glued_before = at > text && is_letter(at[-1]) && is_letter(word[0]);
        bool glued_after = is_letter(at[bytes]) && is_letter(word[bytes - 1]);
        if (!glued_before && !glued_after)
            return at;
    }
    return NULL;
}

void html_text_marked(struct report *report, const char *text, size_t bytes_max,
                      const char *word)
{
    const char *at = word_find(text, word);
    size_t before = at ? (size_t)(at - text) : 0, bytes = strlen(word);

    if (!at || before > bytes_max || bytes > bytes_max - before)
        return html_text_cut(report, text, bytes_max);
    html_bytes(report, text, before);
    html_raw(report, "<mark>");
    html_bytes(report, at, bytes);
    html_raw(report, "</mark>");
    html_text_cut(report, at + bytes, bytes_max - before - bytes);
}

/* Each component is isolated, or a right-to-left name would swap places with its
 * neighbours. */
void html_path(struct report *report, const char *path)
{
    html_raw(report, "<span class=\"path\" dir=\"ltr\">");
    for (const char *slash; (slash = strchr(path, '/')) != NULL; path = slash + 1) {
        html_raw(report, "<bdi class=\"folder\">");
        html_bytes(report, path, (size_t)(slash - path));
        html_raw(report, "</bdi><span class=\"folder\">/<wbr></span>");
    }
    html_raw(report, "<bdi class=\"name\">");
    html_text(report, path);
    html_raw(report, "</bdi></span>");
}

void html_words(struct report *report, const char *name)
{
    const unsigned char *at = (const unsigned char *)name, *end = at + strlen(name);

    while (at < end) {
        const unsigned char *from = at;
        int32_t point = utf8_take(&at, end);

        if (point == '_')
            fputc(' ', report->out);
        else
            html_point(report, point < 0 ? 0 : point, from, (size_t)(at - from));
    }
}

/* ---- numbers --------------------------------------------------------------------- */

void html_count(struct report *report, int64_t count)
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%" PRId64, count);

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-')
            fputc(',', report->out);
        fputc(digits[i], report->out);
    }
}

/* Never 100 % for what is less than 1, nor 0 % for what is more than 0. */
void html_percent(struct report *report, double share)
{
    double percent = share * 100;

    if (!isfinite(percent))
        fputs("not a number", report->out);
    else if (share < 1 && percent >= 99.95)
        fputs("&gt; 99.9\xe2\x80\xaf%", report->out);
    else if (share > 0 && percent < 0.05)
        fputs("&lt; 0.1\xe2\x80\xaf%", report->out);
    else
        fprintf(report->out, "%.1f\xe2\x80\xaf%%", percent);
}

void html_size(struct report *report, int64_t bytes)
{
    if (bytes < 10000)
        fprintf(report->out, "%" PRId64 " bytes", bytes);
    else if (bytes < 1000000)
        fprintf(report->out, "%.0f kB", (double)bytes / 1e3);
    else
        fprintf(report->out, "%.1f MB", (double)bytes / 1e6);
}

static void html_segment(struct report *report, double share, const char *tone)
{
    double percent = isfinite(share) ? fmin(fmax(share, 0), 1) * 100 : 0;

    if (percent > 0)
        fprintf(report->out, "<i class=\"%s\" style=\"width:%.2f%%\"></i>", tone,
                percent);
}

void html_bar(struct report *report, double share, const char *tone, double rest)
{
    html_raw(report, "<span class=\"bar\">");
    html_segment(report, share, tone);
    html_segment(report, rest, "warn");
    html_raw(report, "</span>");
}

void html_tile(struct report *report, const char *tone, int64_t count,
               const char *words)
{
    fprintf(report->out, "<li class=\"%s\"><b>", count ? tone : "plain");
    html_count(report, count);
    html_raw(report, "</b><span>");
    html_raw(report, words);
    html_raw(report, "</span></li>\n");
}

void html_chip(struct report *report, const char *tone, const char *name)
{
    fprintf(report->out, "<span class=\"chip %s\">", tone);
    html_words(report, name);
    html_raw(report, "</span>");
}

void html_digest(struct report *report, const char *hex)
{
    html_raw(report, "<code class=\"digest\">");
    html_text(report, hex);
    html_raw(report, "</code>");
}

void html_time_ms(struct report *report, int64_t time_ms)
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm utc;
    char out[64];

    if (!gmtime_r(&seconds, &utc))
        return html_raw(report, "an impossible time");
    strftime(out, sizeof(out), "%Y-%m-%d %H:%M:%S UTC", &utc);
    html_text(report, out);
}

/* ---- words ----------------------------------------------------------------------- */

static const struct {
    const char *outcome, *tone, *meaning;
} outcomes[] = {
    {"ok", "good",
     "Read completely; every byte of its visible text was seen by the model."},
    {"duplicate", "plain",
     "The same bytes as another document, which carries the results."},
    {"partial", "bad", "Some pages could not be read; the rest was."},
    {"no_text", "bad",
     "Pages without a single letter, as a rule scans: a person must read them."},
    {"suspect_text", "bad",
     "There is text, but not the text a reader of the page sees."},
    {"encrypted", "bad", "Protected by a password that was not among those given."},
    {"owner_restricted", "bad",
     "The owner forbids extraction, and the policy honours that."},
    {"damaged", "bad", "Not a well-formed file of its kind, or one that is refused."},
    {"no_pages", "bad", "A document without a page."},
    {"too_large", "bad", "Beyond the policy's limits of size, pages or text."},
    {"timeout", "bad", "Reading it took longer than its deadline."},
    {"crashed", "bad", "The process that read it was ended by the document."},
    {"unsupported", "bad", "Neither PDF nor XML."},
    {"unreadable", "bad", "The file could not be opened or read."},
    {"not_a_file", "bad", "Not a regular file."},
    {"changed", "bad", "The file changed while it was read."},
    {"model_limit", "bad", "Not all of its text could be put before the model."},
};

const char *report_meaning(const char *outcome)
{
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
        if (strcmp(outcomes[i].outcome, outcome) == 0)
            return outcomes[i].meaning;
    return "An outcome this report has no words for.";
}

const char *html_tone(const char *outcome)
{
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
        if (strcmp(outcomes[i].outcome, outcome) == 0)
            return outcomes[i].tone;
    return "bad";
}
