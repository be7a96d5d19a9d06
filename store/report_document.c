/* report_document - one document: what it is, says, holds, and where that stands.
 *
 * Every quotation carries the place it was taken from: the page as it is labelled in
 * the document, or the section's title. Long lists are cut and say so. */
#include "store/report.h"

#include <inttypes.h>
#include <string.h>

/* ---- citations ------------------------------------------------------------------- */

static const struct store_section *section_find(const struct store_document *document,
                                                int64_t number)
{
    if (number < 1 || (uint64_t)number > document->section_count)
        return NULL;
    return &document->section[number - 1];
}

static void cite_section(struct report *report, const struct store_document *document,
                         int64_t number)
{
    const struct store_section *section = section_find(document, number);

    if (section && strcmp(section->kind, "page") != 0 && section->title[0])
        html_text_cut(report, section->title, REPORT_SECTION_CITED);
    else if (section && section->label[0] && strcmp(section->kind, "page") == 0)
        html_text_cut(report, section->label, REPORT_SECTION_CITED);
    else
        fprintf(report->out, "%" PRId64, number);
}

void report_cite(struct report *report, const struct store_document *document,
                 const struct store_range *range)
{
    const struct store_section *section = section_find(document, range->section);
    bool page = section && strcmp(section->kind, "page") == 0;

    fprintf(report->out,
            "<cite title=\"section %" PRId64 ", byte %" PRId64 " to section %" PRId64
            ", byte %" PRId64 "\">",
            range->section, range->start, range->end_section, range->end);
    html_raw(report, page ? "p.\xc2\xa0" : "\xc2\xa7\xc2\xa0");
    cite_section(report, document, range->section);
    if (range->end_section != range->section) {
        html_raw(report, "\xe2\x80\x93");
        cite_section(report, document, range->end_section);
    }
    html_raw(report, "</cite>");
}

void report_quote(struct report *report, const struct store_document *document,
                  const struct store_quote *quoted)
{
    html_raw(report, "<blockquote dir=\"auto\">");
    html_text_cut(report, quoted->text, REPORT_QUOTE_MAX);
    html_raw(report, " ");
    report_cite(report, document, &quoted->range);
    html_raw(report, "</blockquote>\n");
}

/* ---- the line that is always seen ------------------------------------------------ */

static void write_headline(struct report *report, const struct store_document *document)
{
    html_raw(report, "<summary>");
    html_chip(report, html_tone(document->outcome), document->outcome);
    html_path(report, document->path);
    html_raw(report, "<span class=\"answers\">");
    for (size_t i = 0; i < document->task_count; i++) {
        const struct store_task *task = &document->task[i];
        if (task->undecided) {
            html_chip(report, "warn", "undecided");
        } else {
            html_raw(report, "<span class=\"answer\">");
            html_words(report, task->label);
            html_raw(report, " <small>");
            html_percent(report, task->probability);
            html_raw(report, "</small></span>");
        }
    }
    if (document->decision[0])
        html_chip(report, report_decision_tone(report, document->decision),
                  document->decision);
    html_raw(report, "</span></summary>\n");
}

/* ---- what it is ------------------------------------------------------------------ */

static void write_identity(struct report *report, const struct store_document *document)
{
    char hex[65];

    html_raw(report, "<p class=\"facts\">");
    fprintf(report->out, "<span>Document %" PRId64 "</span>", document->document);
    if (document->pages >= 0) {
        html_raw(report, "<span>");
        html_count(report, document->pages);
        html_raw(report, document->pages == 1 ? " page</span>" : " pages</span>");
    }
    if (document->bytes >= 0) {
        html_raw(report, "<span>");
        html_size(report, document->bytes);
        html_raw(report, "</span>");
    }
    if (document->media_type[0]) {
        html_raw(report, "<span>");
        html_text(report, document->media_type);
        html_raw(report, "</span>");
    }
    if (document->decision[0]) {
        html_raw(report, "<span>Decision: <b>");
        html_words(report, document->decision);
        html_raw(report, "</b></span>");
    }
    if (document->has_digest) {
        store_digest_hex(&document->digest, hex);
        fprintf(report->out,
                "<span>SHA-256 <code title=\"%s\">%.16s\xe2\x80\xa6</code></span>", hex,
                hex);
    }
    html_raw(report, "</p>\n");
}

static void write_reason(struct report *report, const struct store_document *document)
{
    if (strcmp(document->outcome, "ok") == 0 && !document->reason[0])
        return;
    fprintf(report->out, "<p class=\"reason %s\">", html_tone(document->outcome));
    html_text(report, document->reason[0] ? document->reason
                                          : report_meaning(document->outcome));
    if (document->duplicate_of)
        fprintf(report->out, " <a href=\"#d%" PRId64 "\">See document %" PRId64 ".</a>",
                document->duplicate_of, document->duplicate_of);
    html_raw(report, "</p>\n");
}

static void write_books(struct report *report, const struct store_document *document)
{
    if (document->extracted_bytes == 0)
        return;
    html_raw(report, "<p class=\"books\">Text: ");
    html_count(report, document->extracted_bytes);
    html_raw(report, " bytes extracted");
    if (document->hidden_bytes) {
        html_raw(report, ", ");
        html_count(report, document->hidden_bytes);
        html_raw(report, " of them hidden and left out");
    }
    html_raw(report, "; ");
    html_count(report, document->chunked_bytes);
    fprintf(report->out, " in %zu chunk%s, ", document->chunk_count,
            document->chunk_count == 1 ? "" : "s");
    if (document->seen_bytes == document->chunked_bytes) {
        html_raw(report, "all seen by the model.</p>\n");
        return;
    }
    html_raw(report, "<b>only ");
    html_count(report, document->seen_bytes);
    html_raw(report, " seen by the model.</b></p>\n");
}

/* ---- what was found -------------------------------------------------------------- */

static void write_label(struct report *report, const struct store_task *task,
                        const struct store_score *score)
{
    bool best = strcmp(score->label, task->label) == 0;

    fprintf(report->out, "<tr%s><th>", best ? " class=\"best\"" : "");
    html_words(report, score->label);
    html_raw(report, "</th><td class=\"wide\">");
    html_bar(report, score->probability,
             best ? (task->undecided ? "warn" : "good") : "plain", 0);
    html_raw(report, "</td><td class=\"number\">");
    html_percent(report, score->probability);
    html_raw(report, "</td></tr>\n");
}

/* The most probable labels, best first: REPORT_LABELS_MAX passes over a short list. */
static void write_labels(struct report *report, const struct store_task *task)
{
    double below = 2;
    size_t after = 0, shown;

    html_raw(report, "<table class=\"labels\">\n");
    for (shown = 0; shown < REPORT_LABELS_MAX; shown++) {
        const struct store_score *next = NULL;
        for (size_t i = 0; i < task->score_count; i++) {
            double p = task->score[i].probability;
            bool later = p < below || (p == below && i > after);
            if (later && (!next || p > next->probability))
                next = &task->score[i];
        }
        if (!next)
            break;
        write_label(report, task, next);
        below = next->probability;
        after = (size_t)(next - task->score);
    }
    html_raw(report, "</table>\n");
    if (task->score_count > shown)
        fprintf(report->out, "<p class=\"more\">and %zu less probable.</p>\n",
                task->score_count - shown);
}

/* The answer without the sentences that try to instruct the reader. */
static void write_plain(struct report *report, const struct store_task *task)
{
    if (!task->plain_label)
        return;
    html_raw(report, "<span>Without commanding text: ");
    html_words(report, task->plain_label);
    html_raw(report, " at ");
    html_percent(report, task->plain_probability);
    html_raw(report, "</span>");
}

static void write_task(struct report *report, const struct store_document *document,
                       const struct store_task *task)
{
    html_raw(report, "<section class=\"task\"><h4>");
    html_words(report, task->task);
    html_raw(report, ": <b>");
    html_words(report, task->label);
    html_raw(report, "</b> ");
    if (task->undecided)
        html_chip(report, "warn", "undecided: a person must look");
    html_raw(report, "</h4>\n<p class=\"facts\"><span>");
    html_percent(report, task->probability);
    html_raw(report, "</span><span>Runner-up: ");
    html_words(report, task->runner_up);
    html_raw(report, "</span>");
    report_answerer(report, task);
    write_plain(report, task);
    html_raw(report, "</p>\n");
    if (task->score_count)
        write_labels(report, task);
    if (task->evidence_count)
        html_raw(report, "<h5>The words that weighed most</h5>\n");
    for (size_t i = 0; i < task->evidence_count; i++)
        report_quote(report, document, &task->evidence[i]);
    html_raw(report, "</section>\n");
}

static void write_findings(struct report *report, const struct store_document *document)
{
    if (document->finding_count == 0)
        return;
    html_raw(report, "<h4>Findings</h4>\n<table class=\"findings\">\n");
    for (size_t i = 0; i < document->finding_count; i++) {
        const struct store_finding *finding = &document->finding[i];
        html_raw(report, "<tr><th>");
        html_words(report, finding->detector);
        html_raw(report, "</th><td dir=\"auto\">");
        if (finding->masked) {
            html_raw(report, "<code class=\"masked\">");
            html_text(report, finding->masked);
            html_raw(report, "</code>");
        } else {
            html_text_cut(report, finding->quote.text, REPORT_QUOTE_MAX);
        }
        html_raw(report, "</td><td class=\"place\">");
        report_cite(report, document, &finding->quote.range);
        html_raw(report, "</td></tr>\n");
    }
    html_raw(report, "</table>\n");
}

static void write_hidden(struct report *report, const struct store_document *document)
{
    if (document->hidden_count == 0)
        return;
    html_raw(report,
             "<h4>Hidden text</h4>\n<p class=\"more\">A reader of the page does "
             "not see these words.</p>\n<table class=\"findings\">\n");
    for (size_t i = 0; i < document->hidden_count && i < REPORT_HIDDEN_MAX; i++) {
        const struct store_hidden *hidden = &document->hidden[i];
        struct store_range range = {hidden->section, hidden->start, hidden->section,
                                    hidden->end};
        html_raw(report, "<tr><th>");
        html_words(report, hidden->why);
        html_raw(report, "</th><td dir=\"auto\">");
        html_text_cut(report, hidden->text, REPORT_QUOTE_MAX);
        html_raw(report, "</td><td class=\"place\">");
        report_cite(report, document, &range);
        html_raw(report, "</td></tr>\n");
    }
    html_raw(report, "</table>\n");
    if (document->hidden_count > REPORT_HIDDEN_MAX)
        fprintf(report->out, "<p class=\"more\">%zu more in the database.</p>\n",
                document->hidden_count - REPORT_HIDDEN_MAX);
}

/* ---- where it is vouched for ----------------------------------------------------- */

static int write_event(struct report *report, const struct store_document *document)
{
    struct store *store = report->store;
    struct store_digest digest;
    sqlite3_stmt *stmt;
    char hex[65];
    int status = db_bind(
        store, &stmt,
        "SELECT event, time_ms, sha256 FROM event WHERE document = ? AND type = "
        "'document'",
        DB_VALUES(db_int(document->document)), report->err);

    if (status != STORE_OK || (status = db_step(store, stmt, report->err)) != 1)
        return status;
    db_column_digest(stmt, 2, &digest);
    store_digest_hex(&digest, hex);
    fprintf(report->out,
            "<p class=\"audit\">Run %" PRId64 " \xc2\xb7 audit event %" PRId64
            " \xc2\xb7 ",
            document->run, (int64_t)sqlite3_column_int64(stmt, 0));
    html_time_ms(report, sqlite3_column_int64(stmt, 1));
    fprintf(report->out, " \xc2\xb7 <code title=\"%s\">%.16s\xe2\x80\xa6</code></p>\n",
            hex, hex);
    sqlite3_reset(stmt);
    return STORE_OK;
}

int report_document(struct report *report, const struct store_document *document,
                    bool open)
{
    int status;

    fprintf(report->out, "<details class=\"document\" id=\"d%" PRId64 "\"%s>",
            document->document, open ? " open" : "");
    write_headline(report, document);
    html_raw(report, "<div class=\"inside\">\n");
    write_identity(report, document);
    write_reason(report, document);
    report_summary(report, document);
    for (size_t i = 0; i < document->task_count; i++)
        write_task(report, document, &document->task[i]);
    write_findings(report, document);
    write_hidden(report, document);
    write_books(report, document);
    status = write_event(report, document);
    html_raw(report, "</div></details>\n");
    return status;
}
