/* report_tables - the parts that stand before the documents.
 *
 * What was asked, how the documents ended, what was answered, and what a person must
 * look at. Each is one query over the newest rows of the report's policy. */
#include "store/report.h"

#include <inttypes.h>
#include <string.h>

/* Newest rows of the policy, as a table expression with the columns of document. */
#define CURRENT                                                                      \
    "(SELECT d.* FROM document AS d JOIN identity AS i ON i.identity = d.identity "  \
    "WHERE i.policy_name = ?1 AND NOT EXISTS (SELECT 1 FROM document AS newer "      \
    "JOIN identity AS ni ON ni.identity = newer.identity WHERE newer.path = d.path " \
    "AND newer.document > d.document AND ni.policy_name = i.policy_name))"

static int count_of(struct report *report, const char *sql, int64_t *out)
{
    return db_number(report->store, out, 0, sql, DB_VALUES(db_text(report->policy)),
                     report->err);
}

/* ---- what was asked -------------------------------------------------------------- */

static void fact_open(struct report *report, const char *name)
{
    html_raw(report, "<dt>");
    html_words(report, name);
    html_raw(report, "</dt><dd>");
}

static void fact_close(struct report *report)
{
    html_raw(report, "</dd>\n");
}

static void fact(struct report *report, const char *name, const char *value)
{
    if (!value[0])
        return;
    fact_open(report, name);
    html_text(report, value);
    fact_close(report);
}

static void fact_model(struct report *report, const char *name, sqlite3_stmt *stmt,
                       int column)
{
    if (sqlite3_column_type(stmt, column) == SQLITE_NULL)
        return;
    fact_open(report, name);
    html_text(report, db_column_text(stmt, column));
    html_raw(report, "<br>");
    html_digest(report, db_column_text(stmt, column + 1));
    fact_close(report);
}

static void fact_policy(struct report *report, sqlite3_stmt *stmt)
{
    fact_open(report, "Policy");
    html_text(report, db_column_text(stmt, 0));
    fprintf(report->out, ", revision %" PRId64 "<br>",
            (int64_t)sqlite3_column_int64(stmt, 1));
    html_digest(report, db_column_text(stmt, 2));
    fact_close(report);
}

static void fact_program(struct report *report, sqlite3_stmt *stmt)
{
    fact_open(report, "Program");
    html_raw(report, "cloister ");
    html_text(report, db_column_text(stmt, 9));
    html_raw(report, "<br>");
    html_digest(report, db_column_text(stmt, 10));
    fact_close(report);
}

static void fact_times(struct report *report, sqlite3_stmt *stmt)
{
    fact_open(report, "Begun");
    html_time_ms(report, sqlite3_column_int64(stmt, 14));
    fact_close(report);
    fact_open(report, "Ended");
    if (sqlite3_column_type(stmt, 15) == SQLITE_NULL) {
        html_raw(report, "no end is recorded: still going, or broken off");
    } else {
        html_time_ms(report, sqlite3_column_int64(stmt, 15));
        html_raw(report, " (");
        html_text(report, db_column_text(stmt, 16));
        html_raw(report, ")");
    }
    fact_close(report);
    if (sqlite3_column_type(stmt, 15) == SQLITE_NULL)
        return;
    fact_open(report, "This run");
    html_count(report, sqlite3_column_int64(stmt, 17));
    html_raw(report, " documents met, ");
    html_count(report, sqlite3_column_int64(stmt, 18));
    html_raw(report, " recorded now, ");
    html_count(report, sqlite3_column_int64(stmt, 19));
    html_raw(report, " done before");
    fact_close(report);
}

static int fact_inputs(struct report *report)
{
    sqlite3_stmt *stmt;
    int status = db_bind(report->store, &stmt,
                         "SELECT path_text FROM run_input WHERE run = ? "
                         "ORDER BY ordinal LIMIT 50",
                         DB_VALUES(db_int(report->run)), report->err);

    if (status != STORE_OK)
        return status;
    fact_open(report, "Paths asked for");
    while ((status = db_step(report->store, stmt, report->err)) == 1) {
        html_raw(report, "<bdi class=\"line\">");
        html_text(report, db_column_text(stmt, 0));
        html_raw(report, "</bdi>");
    }
    fact_close(report);
    return status;
}

/* The answers of some hundred probes stay in the log. */
static int fact_others(struct report *report)
{
    sqlite3_stmt *stmt;
    int status = db_bind(report->store, &stmt,
                         "SELECT key, value FROM json_each((SELECT "
                         "json_remove(facts, '$.attest.results') FROM run "
                         "WHERE run = ?)) WHERE key <> 'policy_description' "
                         "ORDER BY key LIMIT 50",
                         DB_VALUES(db_int(report->run)), report->err);

    if (status != STORE_OK)
        return status;
    while ((status = db_step(report->store, stmt, report->err)) == 1)
        fact(report, db_column_text(stmt, 0), db_column_text(stmt, 1));
    return status;
}

/* Results that other runs left under another revision, model or setting. */
static int note_other_identities(struct report *report)
{
    int64_t others = 0;
    int status =
        db_number(report->store, &others, 0,
                  "SELECT count(*) FROM " CURRENT " AS d WHERE d.identity <> "
                  "(SELECT identity FROM run WHERE run = ?2)",
                  DB_VALUES(db_text(report->policy), db_int(report->run)), report->err);

    if (status == STORE_OK && others > 0) {
        html_raw(report, "<p class=\"note\">");
        html_count(report, others);
        html_raw(
            report,
            " of the results below come from earlier runs with another revision of "
            "the policy, another model or other settings. The table "
            "<code>v_history</code> of the database has all of them.</p>\n");
    }
    return status;
}

int report_asked(struct report *report)
{
    sqlite3_stmt *stmt;
    int status = db_bind(
        report->store, &stmt,
        "SELECT i.policy_name, i.policy_revision, lower(hex(i.policy_sha256)), "
        "i.encoder_name, lower(hex(i.encoder_sha256)), i.model_name, "
        "lower(hex(i.model_sha256)), i.arithmetic_version, i.settings, "
        "r.program_version, lower(hex(r.program_sha256)), r.operator, r.host, r.kernel, "
        "r.started_ms, e.ended_ms, e.why, e.documents, e.done, e.skipped "
        "FROM run AS r JOIN identity AS i ON i.identity = r.identity "
        "LEFT JOIN run_end AS e ON e.run = r.run WHERE r.run = ?",
        DB_VALUES(db_int(report->run)), report->err);

    if (status != STORE_OK || (status = db_step(report->store, stmt, report->err)) != 1)
        return status;
    html_raw(report, "<section id=\"asked\"><h2>What was asked</h2>\n<dl>\n");
    fact_policy(report, stmt);
    fact_model(report, "Encoder", stmt, 3);
    fact_model(report, "Language model", stmt, 5);
    fact(report, "Settings", db_column_text(stmt, 8));
    fact(report, "Arithmetic version", db_column_text(stmt, 7));
    fact_program(report, stmt);
    fact(report, "Operator", db_column_text(stmt, 11));
    fact(report, "Host", db_column_text(stmt, 12));
    fact(report, "Kernel", db_column_text(stmt, 13));
    fact_times(report, stmt);
    sqlite3_reset(stmt);
    status = fact_inputs(report);
    html_raw(report,
             "</dl>\n<details class=\"small\"><summary>Facts about the machine and "
             "the limits</summary><dl>\n");
    if (status == STORE_OK)
        status = fact_others(report);
    html_raw(report, "</dl></details>\n");
    if (status == STORE_OK)
        status = note_other_identities(report);
    html_raw(report, "</section>\n");
    return status;
}

/* ---- outcomes and decisions ------------------------------------------------------ */

static void outcome_row(struct report *report, sqlite3_stmt *stmt)
{
    const char *outcome = db_column_text(stmt, 0);
    int64_t count = sqlite3_column_int64(stmt, 1);

    html_raw(report, "<tr><th>");
    html_chip(report, html_tone(outcome), outcome);
    html_raw(report, "</th><td class=\"number\">");
    html_count(report, count);
    html_raw(report, "</td><td class=\"wide\">");
    html_bar(report, (double)count / (double)report->documents, html_tone(outcome), 0);
    html_raw(report, "</td><td class=\"meaning\">");
    html_text(report, report_meaning(outcome));
    html_raw(report, "</td></tr>\n");
}

const char *report_decision_tone(struct report *report, const char *decision)
{
    int64_t listed = 0;

    db_number(report->store, &listed, 0,
              "SELECT EXISTS (SELECT 1 FROM v_words_for_people "
              "WHERE ?1 LIKE '%' || word || '%')",
              DB_VALUES(db_text(decision)), NULL);
    return listed ? "warn" : "plain";
}

static void decision_row(struct report *report, sqlite3_stmt *stmt)
{
    const char *decision = db_column_text(stmt, 0);
    int64_t count = sqlite3_column_int64(stmt, 1);

    html_raw(report, "<tr><th>");
    html_words(report, decision[0] ? decision : "none");
    html_raw(report, "</th><td class=\"number\">");
    html_count(report, count);
    html_raw(report, "</td><td class=\"wide\">");
    html_bar(report, (double)count / (double)report->documents,
             report_decision_tone(report, decision), 0);
    html_raw(report, "</td><td class=\"meaning\"></td></tr>\n");
}

int report_rows(struct report *report, const char *sql,
                void (*row)(struct report *report, sqlite3_stmt *stmt))
{
    sqlite3_stmt *stmt;
    int status = db_bind(report->store, &stmt, sql, DB_VALUES(db_text(report->policy)),
                         report->err);

    if (status != STORE_OK)
        return status;
    while ((status = db_step(report->store, stmt, report->err)) == 1)
        row(report, stmt);
    return status;
}

int report_outcomes(struct report *report)
{
    int status;

    html_raw(report, "<section id=\"outcomes\"><h2>How the documents ended</h2>\n"
                     "<table class=\"rows\">\n");
    status = report_rows(report,
                         "SELECT outcome, count(*) FROM " CURRENT
                         " GROUP BY outcome ORDER BY outcome <> 'ok', count(*) DESC, "
                         "outcome",
                         outcome_row);
    html_raw(report, "</table>\n<h3>Decisions</h3>\n<table class=\"rows\">\n");
    if (status == STORE_OK)
        status = report_rows(report,
                             "SELECT decision, count(*) FROM " CURRENT
                             " GROUP BY decision ORDER BY count(*) DESC, decision",
                             decision_row);
    html_raw(report, "</table></section>\n");
    return status;
}

/* ---- answers --------------------------------------------------------------------- */

/* One row a label of a task; a new task opens a new table. */
static int answer_rows(struct report *report, sqlite3_stmt *stmt)
{
    char *task = NULL;
    int status;

    while ((status = db_step(report->store, stmt, report->err)) == 1) {
        const char *name = db_column_text(stmt, 0);
        int64_t count = sqlite3_column_int64(stmt, 2);
        int64_t undecided = sqlite3_column_int64(stmt, 3);
        double total = sqlite3_column_double(stmt, 4);

        if (!task || strcmp(task, name) != 0) {
            html_raw(report, task ? "</table>\n<h3>" : "<h3>");
            html_words(report, name);
            html_raw(report, "</h3>\n<table class=\"rows\">\n");
            sqlite3_free(task);
            task = sqlite3_mprintf("%s", name);
            if (!task) {
                sqlite3_reset(stmt);
                return db_fail(report->err, STORE_ENOMEM, "report: out of memory");
            }
        }
        html_raw(report, "<tr><th>");
        html_words(report, db_column_text(stmt, 1));
        html_raw(report, "</th><td class=\"number\">");
        html_count(report, count);
        html_raw(report, "</td><td class=\"wide\">");
        html_bar(report, (double)(count - undecided) / total, "good",
                 (double)undecided / total);
        html_raw(report, "</td><td class=\"meaning\">");
        if (undecided) {
            html_count(report, undecided);
            html_raw(report, " undecided");
        }
        html_raw(report, "</td></tr>\n");
    }
    html_raw(report,
             task ? "</table>\n" : "<p class=\"more\">No task was answered.</p>\n");
    sqlite3_free(task);
    return status;
}

int report_answers(struct report *report)
{
    sqlite3_stmt *stmt;
    int status = db_bind(
        report->store, &stmt,
        "SELECT t.task, t.label, count(*), sum(t.undecided), "
        "sum(count(*)) OVER (PARTITION BY t.task) FROM " CURRENT
        " AS d JOIN task AS t ON t.document = d.document GROUP BY t.task, t.label "
        "ORDER BY t.task, count(*) DESC, t.label",
        DB_VALUES(db_text(report->policy)), report->err);

    if (status != STORE_OK)
        return status;
    html_raw(report, "<section id=\"answers\"><h2>What was answered</h2>\n");
    status = answer_rows(report, stmt);
    html_raw(report, "</section>\n");
    return status;
}

/* ---- what a person must look at -------------------------------------------------- */

static void queue_reason(struct report *report, sqlite3_stmt *stmt)
{
    const char *why = db_column_text(stmt, 2);
    bool outcome = strncmp(why, "outcome: ", 9) == 0;

    fprintf(report->out, "<div class=\"why%s\">",
            strncmp(why, "decision: ", 10) == 0 ? " short" : "");
    html_chip(report, outcome ? "bad" : "warn", why);
    html_raw(report, " ");
    if (sqlite3_column_type(stmt, 3) != SQLITE_NULL) {
        html_words(report, db_column_text(stmt, 3));
        html_raw(report, ": ");
        html_words(report, db_column_text(stmt, 4));
        html_raw(report, " at ");
        html_percent(report, sqlite3_column_double(stmt, 5));
        html_raw(report, "; ");
        html_words(report, db_column_text(stmt, 6));
    } else {
        html_text(report, db_column_text(stmt, 6));
    }
    html_raw(report, "</div>");
}

static void queue_document(struct report *report, sqlite3_stmt *stmt)
{
    int64_t document = sqlite3_column_int64(stmt, 0);

    fprintf(report->out,
            "<tr><td class=\"number\"><a href=\"#d%" PRId64 "\">%" PRId64
            "</a></td><td>",
            document, document);
    html_path(report, db_column_text(stmt, 1));
    html_raw(report, "</td><td>");
}

/* One row a document, its reasons below each other. */
static int queue_rows(struct report *report, int64_t total)
{
    int64_t last = 0;
    sqlite3_stmt *stmt;
    int status = db_bind(
        report->store, &stmt,
        "SELECT document, path, why, task, label, probability, reason "
        "FROM v_review_queue WHERE policy = ?1 ORDER BY path, document, why DESC "
        "LIMIT ?2",
        DB_VALUES(db_text(report->policy), db_int(REPORT_QUEUE_MAX)), report->err);

    if (status != STORE_OK)
        return status;
    html_raw(report, "<table class=\"queue\">\n<thead><tr><th class=\"number\">No.</th>"
                     "<th>Document</th><th>Why</th></tr></thead>\n<tbody>\n");
    while ((status = db_step(report->store, stmt, report->err)) == 1) {
        if (last && sqlite3_column_int64(stmt, 0) != last)
            html_raw(report, "</td></tr>\n");
        if (sqlite3_column_int64(stmt, 0) != last)
            queue_document(report, stmt);
        last = sqlite3_column_int64(stmt, 0);
        queue_reason(report, stmt);
    }
    html_raw(report, "</td></tr>\n</tbody></table>\n");
    if (status == STORE_OK && total > REPORT_QUEUE_MAX) {
        html_raw(report, "<p class=\"note\">");
        html_count(report, total - REPORT_QUEUE_MAX);
        html_raw(report, " more in the view <code>v_review_queue</code>.</p>\n");
    }
    return status;
}

int report_queue(struct report *report)
{
    int64_t total = 0;
    int status = count_of(
        report, "SELECT count(*) FROM v_review_queue WHERE policy = ?1", &total);

    if (status != STORE_OK)
        return status;
    html_raw(report, "<section id=\"queue\"><h2>What a person must look at</h2>\n");
    if (total > 0)
        status = queue_rows(report, total);
    else
        html_raw(report, "<p>Nothing: every document was read, and every task was "
                         "answered above its threshold.</p>\n");
    html_raw(report, "</section>\n");
    return status;
}
