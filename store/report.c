/* report - one HTML file about what the database holds for one policy.
 *
 *     header      title, description, the figures that matter
 *     asked       policy, models, program, operator, machine, times
 *     outcomes    how documents ended, and what was decided
 *     answers     labels of each task
 *     model       who answered, what was written and dropped; where there was one
 *     queue       what a person must look at
 *     documents   one block each: summary, labels, quoted evidence, findings
 *     check       how to verify all of this without trusting the page
 *
 * It carries no script and names no address; its own content security policy forbids
 * both. It is written beside its final name, made durable, and then renamed, so that
 * a reader never sees half a report. */
#include "store/report.h"
#include "store/read.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int report_find_run(struct report *report);
static int report_write(struct report *report);

/* ---- the file -------------------------------------------------------------------- */

static int part_open(struct report *report, const char *part)
{
    int fd;

    unlink(part);
    fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    report->out = fd < 0 ? NULL : fdopen(fd, "w");
    if (report->out)
        return STORE_OK;
    if (fd >= 0)
        close(fd);
    return db_fail(report->err, STORE_EIO, "%s: cannot be made: %s", part,
                   strerror(errno));
}

static int part_finish(struct report *report, const char *part, const char *path)
{
    bool good = fflush(report->out) == 0 && !ferror(report->out) &&
                fsync(fileno(report->out)) == 0;
    int cause = errno;

    if (good && rename(part, path) == 0)
        return STORE_OK;
    if (good)
        cause = errno;
    return db_fail(report->err, STORE_EIO, "%s: cannot be written: %s", path,
                   strerror(cause));
}

int store_report(struct store *store, int64_t run_id, const char *out_path,
                 struct store_error *err)
{
    struct report report = {.store = store, .err = err, .run = run_id};
    char *part = sqlite3_mprintf("%s.part", out_path);
    bool alone = sqlite3_get_autocommit(store->db) != 0;
    int status = part ? STORE_OK : db_fail(err, STORE_ENOMEM, "report: out of memory");

    if (status == STORE_OK && alone)
        status = db_exec(store, "BEGIN", err);
    if (status == STORE_OK)
        status = report_find_run(&report);
    if (status == STORE_OK)
        status = part_open(&report, part);
    if (status == STORE_OK)
        status = report_write(&report);
    if (status == STORE_OK)
        status = part_finish(&report, part, out_path);
    if (report.out) {
        fclose(report.out);
        if (status != STORE_OK)
            unlink(part);
    }
    if (alone)
        db_rollback(store);
    sqlite3_free(report.policy);
    sqlite3_free(part);
    return status;
}

static int report_find_run(struct report *report)
{
    sqlite3_stmt *stmt;
    int status = db_bind(report->store, &stmt,
                         "SELECT r.run, i.policy_name FROM run AS r JOIN identity AS i "
                         "ON i.identity = r.identity WHERE ?1 IN (0, r.run) "
                         "ORDER BY r.run DESC LIMIT 1",
                         DB_VALUES(db_int(report->run)), report->err);

    if (status == STORE_OK)
        status = db_step(report->store, stmt, report->err);
    if (status == STORE_OK)
        return db_fail(report->err, STORE_EMISSING,
                       "%s: there is no run %" PRId64 " to report on",
                       report->store->path, report->run);
    if (status < 0)
        return status;
    report->run = sqlite3_column_int64(stmt, 0);
    report->policy = sqlite3_mprintf("%s", db_column_text(stmt, 1));
    sqlite3_reset(stmt);
    return report->policy ? STORE_OK
                          : db_fail(report->err, STORE_ENOMEM, "report: out of memory");
}

/* ---- header ---------------------------------------------------------------------- */

static void write_head(struct report *report, const char *title)
{
    html_raw(
        report,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"><meta name=\"generator\" content=\"cloister\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
        "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"referrer\" content=\"no-referrer\">\n"
        "<meta name=\"robots\" content=\"noindex\">\n<title>");
    html_text(report, title);
    html_raw(report, " \xe2\x80\x93 cloister</title>\n<style>\n");
    html_raw(report, report_style);
    html_raw(report, "</style>\n</head>\n<body>\n");
}

static int write_tiles(struct report *report)
{
    sqlite3_stmt *stmt;
    int status = db_bind(
        report->store, &stmt,
        "SELECT count(*), sum(outcome = 'ok'), sum(outcome = 'duplicate'), "
        "(SELECT count(DISTINCT document) FROM v_review_queue WHERE policy = ?1), "
        "(SELECT count(*) FROM event) FROM v_documents WHERE policy = ?1",
        DB_VALUES(db_text(report->policy)), report->err);

    if (status != STORE_OK || (status = db_step(report->store, stmt, report->err)) != 1)
        return status;
    report->documents = sqlite3_column_int64(stmt, 0);
    html_raw(report, "<ul class=\"tiles\">\n");
    html_tile(report, "plain", report->documents, "documents");
    html_tile(report, "good", sqlite3_column_int64(stmt, 1), "read completely");
    html_tile(report, "plain", sqlite3_column_int64(stmt, 2), "duplicates");
    html_tile(report, "bad",
              report->documents - sqlite3_column_int64(stmt, 1) -
                  sqlite3_column_int64(stmt, 2),
              "not or not fully read");
    html_tile(report, "warn", sqlite3_column_int64(stmt, 3), "for a person to look at");
    html_tile(report, "plain", sqlite3_column_int64(stmt, 4),
              "events in the audit log");
    html_raw(report, "</ul>\n");
    sqlite3_reset(stmt);
    return STORE_OK;
}

static int report_header(struct report *report)
{
    sqlite3_stmt *stmt;
    int status = db_bind(
        report->store, &stmt,
        "SELECT coalesce(nullif(i.policy_title, ''), i.policy_name), "
        "coalesce(json_extract(r.facts, '$.policy_description'), '') FROM run AS r "
        "JOIN identity AS i ON i.identity = r.identity WHERE r.run = ?",
        DB_VALUES(db_int(report->run)), report->err);

    if (status != STORE_OK || (status = db_step(report->store, stmt, report->err)) != 1)
        return status;
    write_head(report, db_column_text(stmt, 0));
    html_raw(report, "<header>\n<p class=\"kicker\">cloister report</p>\n<h1>");
    html_text(report, db_column_text(stmt, 0));
    html_raw(report, "</h1>\n<p class=\"lead\">");
    html_text(report, db_column_text(stmt, 1));
    html_raw(report, "</p>\n");
    sqlite3_reset(stmt);
    status = write_tiles(report);
    if (status == STORE_OK)
        status = report_model_tiles(report);
    html_raw(
        report,
        "<nav><a href=\"#asked\">What was asked</a><a href=\"#outcomes\">Outcomes</a>"
        "<a href=\"#answers\">Answers</a>");
    if (report->model)
        html_raw(report, "<a href=\"#model\">Language model</a>");
    html_raw(
        report,
        "<a href=\"#queue\">For a person</a>"
        "<a href=\"#documents\">Documents</a><a href=\"#check\">How to check this</a>"
        "</nav>\n</header>\n<main>\n");
    return status;
}

/* ---- documents ------------------------------------------------------------------- */

static int write_documents(struct report *report, sqlite3_stmt *stmt)
{
    struct arena arena = {0};
    struct store_document document;
    int status = STORE_OK, code;

    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        document_read(stmt, &document);
        status =
            document_read_rest(report->store, &arena, true, &document, report->err);
        if (status == STORE_OK)
            status = report_document(report, &document,
                                     report->documents <= REPORT_OPEN_MAX);
        arena_free(&arena);
        if (status != STORE_OK)
            return status;
    }
    return code == SQLITE_DONE
               ? STORE_OK
               : db_fail_sqlite(report->store->db, report->err, report->store->path);
}

static int report_documents(struct report *report)
{
    sqlite3_stmt *stmt;
    int status = db_bind(
        report->store, &stmt,
        "SELECT " DOCUMENT_COLUMNS " FROM document AS d JOIN identity "
        "AS i ON i.identity = d.identity WHERE i.policy_name = ?1 AND " IS_CURRENT
        " ORDER BY d.path, d.document LIMIT ?2",
        DB_VALUES(db_text(report->policy), db_int(REPORT_DOCUMENTS_MAX)), report->err);

    if (status != STORE_OK)
        return status;
    html_raw(report, "<section id=\"documents\"><h2>Documents</h2>\n");
    status = write_documents(report, stmt);
    sqlite3_reset(stmt);
    if (report->documents > REPORT_DOCUMENTS_MAX) {
        html_raw(report, "<p class=\"note\">");
        html_count(report, report->documents - REPORT_DOCUMENTS_MAX);
        html_raw(report,
                 " more documents are in the database and not in this page: see "
                 "the views <code>v_documents</code> and <code>v_results</code>."
                 "</p>\n");
    }
    html_raw(report, "</section>\n");
    return status;
}

/* ---- how to check ---------------------------------------------------------------- */

static int report_check(struct report *report)
{
    struct store_digest digest;
    sqlite3_stmt *stmt;
    char hex[65];
    int status = db_bind(report->store, &stmt,
                         "SELECT event, sha256, time_ms FROM event ORDER BY event DESC "
                         "LIMIT 1",
                         NULL, 0, report->err);

    if (status != STORE_OK || (status = db_step(report->store, stmt, report->err)) != 1)
        return status;
    db_column_digest(stmt, 1, &digest);
    store_digest_hex(&digest, hex);
    html_raw(
        report,
        "<section id=\"check\"><h2>How to check this report</h2>\n<ol>\n"
        "<li>The database, not this page, is the record. <code>cloister audit verify "
        "--db FILE</code> walks its audit log from the first event and takes the "
        "digest of every document\xe2\x80\x99s rows again; an edited result is found "
        "like an edited event.</li>\n"
        "<li>When this page was written the log ended with event ");
    fprintf(report->out, "<b>%" PRId64 "</b> of ",
            (int64_t)sqlite3_column_int64(stmt, 0));
    html_time_ms(report, sqlite3_column_int64(stmt, 2));
    html_raw(report, ", digest<br>");
    html_digest(report, hex);
    html_raw(
        report,
        "<br>Kept apart from the database, on paper for instance, this line shows "
        "later whether the log was cut short or written anew. Without such a line "
        "nothing inside the database can.</li>\n"
        "<li>Every quotation is the exact bytes of its document. Its page stands "
        "beside it; section and byte range are shown when the pointer rests on it, "
        "and stand in the view <code>v_evidence</code>.</li>\n"
        "<li>The same bytes under the same policy, model and settings give the same "
        "results again, on any machine: repeat the run and compare.</li>\n"
        "</ol></section>\n</main>\n<footer><p>Labels and summaries are a "
        "machine\xe2\x80\x99s reading and no legal advice. Probabilities are the "
        "model\xe2\x80\x99s own; what lies below the policy\xe2\x80\x99s threshold is "
        "marked undecided and left to a person.</p></footer>\n</body>\n</html>\n");
    sqlite3_reset(stmt);
    return STORE_OK;
}

static int report_write(struct report *report)
{
    static int (*const part[])(struct report *) = {
        report_header, report_asked, report_outcomes,  report_answers,
        report_model,  report_queue, report_documents, report_check};
    int status = STORE_OK;

    for (size_t i = 0; status == STORE_OK && i < sizeof(part) / sizeof(part[0]); i++)
        status = part[i](report);
    return status;
}
