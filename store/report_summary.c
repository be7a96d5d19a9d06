/* report_summary - what a document says in short, and in whose words.
 *
 * Verbatim sentences read on as one text, each with its place. As soon as a model
 * wrote one of them they stand below each other, and what it wrote stands beside the
 * words of the document that bear it out, so that nobody takes the one for the other
 * or has to look far to compare them. What it wrote and the check did not let through
 * is kept out of sight until asked for, with the reason and the word to blame. */
#include "store/report.h"

#include <string.h>

/* ---- the summary ----------------------------------------------------------------- */

static size_t written_count(const struct store_document *document)
{
    size_t count = 0;

    for (size_t i = 0; i < document->sentence_count; i++)
        count += document->sentence[i].written != NULL;
    return count;
}

static void write_verbatim(struct report *report, const struct store_document *document)
{
    html_raw(report, "<div class=\"summary\" dir=\"auto\">");
    for (size_t i = 0; i < document->sentence_count; i++) {
        html_raw(report, i ? " <span>" : "<span>");
        html_text_cut(report, document->sentence[i].quote.text, REPORT_QUOTE_MAX);
        html_raw(report, "</span> ");
        report_cite(report, document, &document->sentence[i].quote.range);
    }
    html_raw(report, "</div>\n");
}

static void write_sentence(struct report *report, const struct store_document *document,
                           const struct store_sentence *sentence)
{
    if (!sentence->written) {
        html_raw(report, "<li class=\"alone\">");
    } else {
        html_raw(report, "<li><p dir=\"auto\"><span class=\"hand\">written</span> ");
        html_text_cut(report, sentence->written, REPORT_QUOTE_MAX);
        html_raw(report, "</p>");
    }
    report_quote(report, document, &sentence->quote);
    html_raw(report, "</li>\n");
}

static void write_beside(struct report *report, const struct store_document *document)
{
    html_raw(report,
             "<p class=\"more\">What is marked as written is the language "
             "model\xe2\x80\x99s; beside it stand the words of the document that it "
             "rests on.</p>\n<ol class=\"written\">\n");
    for (size_t i = 0; i < document->sentence_count; i++)
        write_sentence(report, document, &document->sentence[i]);
    html_raw(report, "</ol>\n");
}

/* ---- what was dropped ------------------------------------------------------------ */

static void write_dropped_row(struct report *report,
                              const struct store_dropped *dropped)
{
    html_raw(report, "<tr><th>");
    html_words(report, dropped->why);
    html_raw(report, "</th><td dir=\"auto\">");
    html_text_marked(report, dropped->text, REPORT_QUOTE_MAX, dropped->what);
    html_raw(report, "</td><td dir=\"auto\">");
    if (dropped->what[0]) {
        html_raw(report, "<b>");
        html_text_cut(report, dropped->what, REPORT_WORD_MAX);
        html_raw(report, "</b><br>");
    }
    html_raw(report, "<span class=\"meaning\">");
    html_text(report, report_dropped_meaning(dropped->why));
    html_raw(report, "</span></td></tr>\n");
}

static void write_dropped(struct report *report, const struct store_document *document)
{
    size_t count = document->dropped_count;

    if (count == 0)
        return;
    html_raw(report, "<details class=\"small\"><summary>");
    html_count(report, (int64_t)count);
    html_raw(report, count == 1 ? " written sentence was dropped"
                                : " written sentences were dropped");
    html_raw(
        report,
        "</summary>\n<table class=\"findings dropped\">\n<thead><tr><th>Why</th>"
        "<th>Written, and not taken</th><th>What is wrong with it</th></tr></thead>\n"
        "<tbody>\n");
    for (size_t i = 0; i < count && i < REPORT_DROPPED_MAX; i++)
        write_dropped_row(report, &document->dropped[i]);
    html_raw(report, "</tbody></table>\n");
    if (count > REPORT_DROPPED_MAX) {
        html_raw(report, "<p class=\"more\">");
        html_count(report, (int64_t)count - REPORT_DROPPED_MAX);
        html_raw(report, " more in the view <code>v_dropped</code>.</p>\n");
    }
    html_raw(report, "</details>\n");
}

/* ---- both ------------------------------------------------------------------------ */

void report_summary(struct report *report, const struct store_document *document)
{
    if (document->sentence_count == 0 && document->dropped_count == 0 &&
        !document->summary_reason[0])
        return;
    html_raw(report, "<h4>Summary</h4>\n");
    if (document->summary_reason[0]) {
        html_raw(report, "<p class=\"reason\">Verbatim instead of written: ");
        html_text(report, document->summary_reason);
        html_raw(report, "</p>\n");
    }
    if (written_count(document) > 0)
        write_beside(report, document);
    else if (document->sentence_count > 0)
        write_verbatim(report, document);
    write_dropped(report, document);
}
