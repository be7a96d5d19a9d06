/* report_model - what a language model did, in figures, and by whom a task was
 * answered.
 *
 *     tiles     written sentences taken and dropped; answers by encoder and by model
 *     section   each task: who answered, how often otherwise than the encoder had;
 *               each reason for which a written sentence was dropped
 *
 * All of it is left out of a report about documents that no language model saw. */
#include "store/report.h"

#include <inttypes.h>
#include <string.h>

/* ---- figures --------------------------------------------------------------------- */

static const char figures_sql[] =
    "WITH s AS (SELECT s.kind FROM v_documents AS d JOIN summary AS s "
    "ON s.document = d.document WHERE d.policy = ?1), "
    "w AS (SELECT w.why FROM v_documents AS d JOIN dropped AS w "
    "ON w.document = d.document WHERE d.policy = ?1), "
    "t AS (SELECT answered_by FROM v_results WHERE policy = ?1) "
    "SELECT (SELECT count(*) FROM s WHERE kind = 'written'), (SELECT count(*) FROM w), "
    "(SELECT count(*) FROM v_documents WHERE policy = ?1 AND summary_reason <> ''), "
    "(SELECT count(*) FROM t WHERE answered_by = 'encoder'), "
    "(SELECT count(*) FROM t WHERE answered_by = 'model')";

int report_model_tiles(struct report *report)
{
    int64_t kept, dropped, instead, by_encoder, by_model;
    sqlite3_stmt *stmt;
    int status = db_bind(report->store, &stmt, figures_sql,
                         DB_VALUES(db_text(report->policy)), report->err);

    if (status != STORE_OK || (status = db_step(report->store, stmt, report->err)) != 1)
        return status;
    kept = sqlite3_column_int64(stmt, 0);
    dropped = sqlite3_column_int64(stmt, 1);
    instead = sqlite3_column_int64(stmt, 2);
    by_encoder = sqlite3_column_int64(stmt, 3);
    by_model = sqlite3_column_int64(stmt, 4);
    sqlite3_reset(stmt);
    report->model = kept + dropped + instead + by_model > 0;
    if (!report->model)
        return STORE_OK;
    html_raw(report, "<ul class=\"tiles model\">\n");
    html_tile(report, "good", kept, "written sentences in summaries");
    html_tile(report, "warn", dropped, "written sentences dropped");
    html_tile(report, "plain", instead, "summaries verbatim instead");
    html_tile(report, "plain", by_encoder, "tasks answered by the encoder");
    html_tile(report, "plain", by_model, "tasks answered by the model");
    html_raw(report, "</ul>\n");
    return STORE_OK;
}

/* ---- who answered ---------------------------------------------------------------- */

static void answerer_row(struct report *report, sqlite3_stmt *stmt)
{
    html_raw(report, "<tr><th>");
    html_words(report, db_column_text(stmt, 0));
    html_raw(report, "</th>");
    for (int column = 1; column <= 5; column++) {
        html_raw(report, "<td class=\"number\">");
        html_count(report, sqlite3_column_int64(stmt, column));
        html_raw(report, "</td>");
    }
    html_raw(report, "</tr>\n");
}

static const char answerers_sql[] =
    "SELECT task, sum(answered_by = 'encoder'), sum(answered_by = 'model'), "
    "coalesce(sum(answered_by = 'model' AND first_label <> label), 0), "
    "coalesce(sum(prior <> 'neutral'), 0), coalesce(sum(prior = 'neutral'), 0) "
    "FROM v_results WHERE policy = ?1 GROUP BY task ORDER BY task";

/* ---- why sentences were dropped -------------------------------------------------- */

static const struct {
    const char *why, *meaning;
} dropped_meanings[] = {
    {"number", "A number or an amount that the document does not hold there."},
    {"date", "A date that the document does not hold there."},
    {"name", "A name that the document does not hold there."},
    {"words", "Too few of its words that carry meaning stand in the document."},
    {"negation", "It denies what the document says, or says what it denies."},
    {"repeats", "It says again what was said."},
    {"dialogue", "It goes on talking like the speakers of the document."},
    {"prompt", "It gives back the words of the prompt."},
    {"unfinished", "It breaks off in the middle."},
    {"empty", "It says nothing: a heading, a list mark, a filler."},
};

const char *report_dropped_meaning(const char *why)
{
    for (size_t i = 0; i < sizeof(dropped_meanings) / sizeof(dropped_meanings[0]); i++)
        if (strcmp(dropped_meanings[i].why, why) == 0)
            return dropped_meanings[i].meaning;
    return "";
}

static void dropped_row(struct report *report, sqlite3_stmt *stmt)
{
    const char *why = db_column_text(stmt, 0);

    html_raw(report, "<tr><th>");
    html_words(report, why);
    html_raw(report, "</th><td class=\"number\">");
    html_count(report, sqlite3_column_int64(stmt, 1));
    html_raw(report, "</td><td class=\"wide\">");
    html_bar(report, sqlite3_column_double(stmt, 2), "warn", 0);
    html_raw(report, "</td><td class=\"meaning\">");
    html_text(report, report_dropped_meaning(why));
    html_raw(report, "</td></tr>\n");
}

static const char dropped_sql[] =
    "SELECT w.why, count(*), count(*) * 1.0 / sum(count(*)) OVER () FROM v_documents "
    "AS d JOIN dropped AS w ON w.document = d.document WHERE d.policy = ?1 "
    "GROUP BY w.why ORDER BY count(*) DESC, w.why";

static int report_dropped(struct report *report)
{
    int64_t any = 0;
    int status = db_number(report->store, &any, 0,
                           "SELECT EXISTS (SELECT 1 FROM v_documents AS d JOIN dropped "
                           "AS w ON w.document = d.document WHERE d.policy = ?1)",
                           DB_VALUES(db_text(report->policy)), report->err);

    if (status != STORE_OK || !any)
        return status;
    html_raw(report, "<h3>Why written sentences were dropped</h3>\n"
                     "<table class=\"rows\">\n");
    status = report_rows(report, dropped_sql, dropped_row);
    html_raw(report, "</table>\n");
    return status;
}

/* ---- the section ----------------------------------------------------------------- */

int report_model(struct report *report)
{
    int status;

    if (!report->model)
        return STORE_OK;
    html_raw(
        report,
        "<section id=\"model\"><h2>What the language model did</h2>\n"
        "<p class=\"note\">A sentence marked <span class=\"hand\">written</span> "
        "is the model\xe2\x80\x99s own. It was kept because its numbers, dates, "
        "names and most of its other words stand in the quotation beside it; that "
        "does not make it true. Where in doubt, the quotation counts. Sentences "
        "that were only a step towards a shorter text are counted nowhere.</p>\n"
        "<h3>Who answered the tasks</h3>\n<table class=\"rows counts\">\n"
        "<thead><tr><th>Task</th><th class=\"number\">Encoder</th>"
        "<th class=\"number\">Model</th><th class=\"number\">Model, otherwise than "
        "the encoder</th><th class=\"number\">With a prior</th>"
        "<th class=\"number\">With a neutral text only</th></tr></thead>\n"
        "<tbody>\n");
    status = report_rows(report, answerers_sql, answerer_row);
    html_raw(report, "</tbody></table>\n");
    if (status == STORE_OK)
        status = report_dropped(report);
    html_raw(report, "</section>\n");
    return status;
}

/* ---- one task -------------------------------------------------------------------- */

static void write_prior(struct report *report, const char *prior)
{
    if (strcmp(prior, "neutral") == 0) {
        html_raw(report, "<span>No prior was calibrated: a neutral text stood in for "
                         "it</span>");
        return;
    }
    html_raw(report, "<span>Calibrated prior <code title=\"");
    html_text(report, prior);
    html_raw(report, "\">");
    html_text_cut(report, prior, REPORT_DIGEST_CITED);
    html_raw(report, "</code></span>");
}

void report_answerer(struct report *report, const struct store_task *task)
{
    bool model = strcmp(task->answered_by, "model") == 0;

    html_raw(report, "<span>Answered by the ");
    html_words(report, model ? "language model" : task->answered_by);
    html_raw(report, "</span>");
    if (task->first_label) {
        html_raw(report, "<span>The encoder\xe2\x80\x99s first answer: ");
        html_words(report, task->first_label);
        html_raw(report, " at ");
        html_percent(report, task->first_probability);
        html_raw(report, "</span>");
    }
    if (task->prior)
        write_prior(report, task->prior);
}
