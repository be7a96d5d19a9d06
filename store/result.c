/* result - one document's rows and its event, in one transaction.
 *
 *     document -+- section -- hidden
 *               |- chunk  (the text; its words go to chunk_search)
 *               |- task -+- score
 *               |        `- evidence -+
 *               |- summary -----------+-> (chunk, offset, bytes)
 *               |- dropped            |
 *               `- finding -----------+
 *
 * Either all of it is there after store_commit(), with the event that vouches for
 * it, or nothing is. Text is stored once, in its chunk; a quote that does not lie
 * inside its chunk is refused, because no reader could ever find its words. */
#include "store/result.h"
#include "store/audit.h"

#include <inttypes.h>
#include <string.h>

static int document_check(const struct store_document *document,
                          struct store_error *err);
static int document_write(struct store *store, int64_t run_id,
                          const struct store_document *document, int64_t *id,
                          struct store_error *err);

int store_commit(struct store *store, int64_t run_id,
                 const struct store_document *document, int64_t *document_id,
                 struct store_error *err)
{
    int64_t id = 0;
    int status = document_check(document, err);

    if (status != STORE_OK)
        return status;
    status = db_exec(store, "BEGIN IMMEDIATE", err);
    if (status == STORE_OK)
        status = document_write(store, run_id, document, &id, err);
    if (status == STORE_OK)
        status = db_exec(store, "COMMIT", err);
    if (status != STORE_OK)
        db_rollback(store);
    else if (document_id)
        *document_id = id;
    return status;
}

/* ---- what may be stored ---------------------------------------------------------- */

static int quote_check(const struct store_document *document,
                       const struct store_quote *quote, const char *what,
                       struct store_error *err)
{
    const struct store_chunk *chunk;

    if (quote->chunk < 1 || (uint64_t)quote->chunk > document->chunk_count)
        return db_fail(err, STORE_EINVALID, "%s: %s names chunk %" PRId64 " of %zu",
                       document->path, what, quote->chunk, document->chunk_count);
    chunk = &document->chunk[quote->chunk - 1];
    if (quote->offset < 0 || quote->bytes < 0 ||
        (uint64_t)quote->offset > chunk->text_bytes ||
        (uint64_t)quote->bytes > chunk->text_bytes - (uint64_t)quote->offset)
        return db_fail(err, STORE_EINVALID,
                       "%s: %s lies at %" PRId64 "+%" PRId64 " of chunk %" PRId64
                       ", which has %zu bytes",
                       document->path, what, quote->offset, quote->bytes, quote->chunk,
                       chunk->text_bytes);
    return STORE_OK;
}

static int numbers_check(const struct store_document *document, struct store_error *err)
{
    for (size_t i = 0; i < document->section_count; i++)
        if (document->section[i].section != (int64_t)i + 1)
            return db_fail(err, STORE_EINVALID,
                           "%s: section %zu carries the number %" PRId64,
                           document->path, i + 1, document->section[i].section);
    for (size_t i = 0; i < document->chunk_count; i++)
        if (document->chunk[i].chunk != (int64_t)i + 1)
            return db_fail(err, STORE_EINVALID,
                           "%s: chunk %zu carries the number %" PRId64, document->path,
                           i + 1, document->chunk[i].chunk);
    return STORE_OK;
}

static int document_check(const struct store_document *document,
                          struct store_error *err)
{
    int status = numbers_check(document, err);

    for (size_t i = 0; status == STORE_OK && i < document->task_count; i++)
        for (size_t k = 0; status == STORE_OK && k < document->task[i].evidence_count;
             k++)
            status =
                quote_check(document, &document->task[i].evidence[k], "evidence", err);
    for (size_t i = 0; status == STORE_OK && i < document->sentence_count; i++)
        status = quote_check(document, &document->sentence[i].quote, "summary", err);
    for (size_t i = 0; status == STORE_OK && i < document->finding_count; i++)
        status = quote_check(document, &document->finding[i].quote, "finding", err);
    return status;
}

/* ---- rows ------------------------------------------------------------------------ */

static int write_document_row(struct store *store, int64_t run_id, int64_t identity,
                              const struct store_document *document, int64_t *id,
                              struct store_error *err)
{
    const char *why = document->reason ? document->reason : "";
    struct buffer readable = {0}, reason = {0};
    int status;

    buffer_utf8(&readable, document->path, strlen(document->path));
    buffer_utf8(&reason, why, strlen(why)); /* it may name another path */
    status = db_run(
        store,
        "INSERT INTO document (run, identity, path, path_text, sha256, bytes, "
        "modified_ns, media_type, dialect, metadata, pages, outcome, reason, "
        "duplicate_of, extracted_bytes, hidden_bytes, chunked_bytes, seen_bytes, "
        "decision, summary_reason, parse_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        DB_VALUES(
            db_int(run_id), db_int(identity),
            db_blob(document->path, strlen(document->path)), db_text(readable.at),
            document->has_digest ? db_digest(&document->digest) : db_blob(NULL, 0),
            db_int_or_null(document->bytes, -1), db_int(document->modified_ns),
            db_text_or_empty(document->media_type), db_text_or_empty(document->dialect),
            db_text(document->metadata), db_int_or_null(document->pages, -1),
            db_text(document->outcome), db_text(reason.at),
            db_int_or_null(document->duplicate_of, 0),
            db_int(document->extracted_bytes), db_int(document->hidden_bytes),
            db_int(document->chunked_bytes), db_int(document->seen_bytes),
            db_text_or_empty(document->decision),
            db_text_or_empty(document->summary_reason), db_int(document->parse_ms)),
        err);
    buffer_free(&reason);
    buffer_free(&readable);
    *id = sqlite3_last_insert_rowid(store->db);
    return status;
}

static int write_sections(struct store *store, int64_t id,
                          const struct store_document *document,
                          struct store_error *err)
{
    int status = STORE_OK;

    for (size_t i = 0; status == STORE_OK && i < document->section_count; i++) {
        const struct store_section *section = &document->section[i];
        status = db_run(
            store, "INSERT INTO section VALUES (?, ?, ?, ?, ?, ?)",
            DB_VALUES(db_int(id), db_int(section->section),
                      db_text_or_empty(section->kind), db_text_or_empty(section->label),
                      db_text_or_empty(section->title), db_int(section->text_bytes)),
            err);
    }
    for (size_t i = 0; status == STORE_OK && i < document->hidden_count; i++) {
        const struct store_hidden *hidden = &document->hidden[i];
        status = db_run(store, "INSERT INTO hidden VALUES (?, ?, ?, ?, ?, ?, ?)",
                        DB_VALUES(db_int(id), db_int((int64_t)i + 1),
                                  db_int(hidden->section), db_int(hidden->start),
                                  db_int(hidden->end), db_text_or_empty(hidden->why),
                                  db_text_or_empty(hidden->text)),
                        err);
    }
    return status;
}

/* The text of a chunk and, in the same transaction, its words in the index. */
static int write_chunk(struct store *store, int64_t id, const struct store_chunk *chunk,
                       struct store_error *err)
{
    struct db_value text =
        db_text_bytes(chunk->text ? chunk->text : "", chunk->text_bytes);
    int status =
        db_run(store,
               "INSERT INTO chunk (document, chunk, section, start, "
               "end_section, \"end\", tokens, text) "
               "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
               DB_VALUES(db_int(id), db_int(chunk->chunk), db_int(chunk->range.section),
                         db_int(chunk->range.start), db_int(chunk->range.end_section),
                         db_int(chunk->range.end), db_int(chunk->tokens), text),
               err);

    if (status != STORE_OK)
        return status;
    return db_run(store, "INSERT INTO chunk_search (rowid, text) VALUES (?, ?)",
                  DB_VALUES(db_int(sqlite3_last_insert_rowid(store->db)), text), err);
}

#define QUOTE_VALUES(quote)                                                      \
    db_int((quote)->range.section), db_int((quote)->range.start),                \
        db_int((quote)->range.end_section), db_int((quote)->range.end),          \
        db_int((quote)->chunk), db_int((quote)->offset), db_int((quote)->bytes), \
        db_real((quote)->weight)

static int write_task_details(struct store *store, int64_t id, int64_t ordinal,
                              const struct store_task *task, struct store_error *err)
{
    int status = STORE_OK;

    for (size_t i = 0; status == STORE_OK && i < task->score_count; i++)
        status = db_run(store, "INSERT INTO score VALUES (?, ?, ?, ?, ?, ?)",
                        DB_VALUES(db_int(id), db_int(ordinal), db_int((int64_t)i + 1),
                                  db_text(task->score[i].label),
                                  db_real(task->score[i].score),
                                  db_real(task->score[i].probability)),
                        err);
    for (size_t i = 0; status == STORE_OK && i < task->evidence_count; i++)
        status = db_run(store,
                        "INSERT INTO evidence VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        DB_VALUES(db_int(id), db_int(ordinal), db_int((int64_t)i + 1),
                                  QUOTE_VALUES(&task->evidence[i])),
                        err);
    return status;
}

static int write_task(struct store *store, int64_t id, int64_t ordinal,
                      const struct store_task *task, struct store_error *err)
{
    const struct db_value none = db_text(NULL);
    int status = db_run(
        store, "INSERT INTO task VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        DB_VALUES(db_int(id), db_int(ordinal), db_text(task->task),
                  db_text(task->label), db_real(task->probability),
                  db_int(task->undecided), db_text_or_empty(task->runner_up),
                  db_text_or_empty(task->answered_by), db_text(task->prior),
                  db_text(task->first_label),
                  task->first_label ? db_real(task->first_probability) : none,
                  db_int(task->commanded), db_text(task->plain_label),
                  task->plain_label ? db_real(task->plain_probability) : none,
                  task->plain_label ? db_int(task->plain_undecided) : none),
        err);

    if (status != STORE_OK)
        return status;
    return write_task_details(store, id, ordinal, task, err);
}

/* A model's words come from its tokens and need not be UTF-8; NULL is taken as "". */
static bool readable_words(struct buffer *out, const char *words)
{
    buffer_utf8(out, words ? words : "", words ? strlen(words) : 0);
    return !out->failed;
}

static int write_sentence(struct store *store, int64_t id, int64_t ordinal,
                          const struct store_sentence *sentence,
                          struct store_error *err)
{
    struct buffer words = {0};
    int status = STORE_OK;

    if (!readable_words(&words, sentence->written))
        status = db_fail(err, STORE_ENOMEM, "%s: out of memory", store->path);
    if (status == STORE_OK)
        status = db_run(
            store, "INSERT INTO summary VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            DB_VALUES(db_int(id), db_int(ordinal), db_text(sentence->kind),
                      db_text(sentence->written ? words.at : NULL),
                      QUOTE_VALUES(&sentence->quote)),
            err);
    buffer_free(&words);
    return status;
}

static int write_dropped(struct store *store, int64_t id, int64_t ordinal,
                         const struct store_dropped *dropped, struct store_error *err)
{
    struct buffer words = {0}, what = {0};
    int status = STORE_OK;

    if (!readable_words(&words, dropped->text) || !readable_words(&what, dropped->what))
        status = db_fail(err, STORE_ENOMEM, "%s: out of memory", store->path);
    if (status == STORE_OK)
        status = db_run(store, "INSERT INTO dropped VALUES (?, ?, ?, ?, ?)",
                        DB_VALUES(db_int(id), db_int(ordinal), db_text(dropped->why),
                                  db_text(what.at), db_text(words.at)),
                        err);
    buffer_free(&what);
    buffer_free(&words);
    return status;
}

static int write_summary(struct store *store, int64_t id,
                         const struct store_document *document, struct store_error *err)
{
    int status = STORE_OK;

    for (size_t i = 0; status == STORE_OK && i < document->sentence_count; i++)
        status = write_sentence(store, id, (int64_t)i + 1, &document->sentence[i], err);
    for (size_t i = 0; status == STORE_OK && i < document->dropped_count; i++)
        status = write_dropped(store, id, (int64_t)i + 1, &document->dropped[i], err);
    return status;
}

static int write_findings(struct store *store, int64_t id,
                          const struct store_document *document,
                          struct store_error *err)
{
    int status = STORE_OK;

    for (size_t i = 0; status == STORE_OK && i < document->finding_count; i++)
        status = db_run(
            store, "INSERT INTO finding VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            DB_VALUES(db_int(id), db_int((int64_t)i + 1),
                      db_text(document->finding[i].detector),
                      db_real(document->finding[i].score),
                      db_text(document->finding[i].masked),
                      QUOTE_VALUES(&document->finding[i].quote)),
            err);
    return status;
}

/* ---- event ----------------------------------------------------------------------- */

static int visible_text_digest(const struct store_document *document,
                               struct store_digest *out)
{
    struct store_sha256 *sha = store_sha256_new();

    if (!sha)
        return STORE_ENOMEM;
    for (size_t i = 0; i < document->chunk_count; i++)
        store_sha256_update(sha, document->chunk[i].text,
                            document->chunk[i].text_bytes);
    store_sha256_finish(sha, out);
    store_sha256_free(sha);
    return STORE_OK;
}

static void body_path(struct buffer *body, const char *path)
{
    struct buffer hex = {0};

    object_string(body, "path", path);
    if (utf8_valid(path, strlen(path)))
        return;
    buffer_hex(&hex, path, strlen(path));
    body->failed |= hex.failed;
    if (!hex.failed)
        object_string(body, "path_hex", hex.at);
    buffer_free(&hex);
}

static void document_body(struct buffer *body, const struct store_document *document,
                          int64_t id, const struct store_digest *identity)
{
    struct store_digest text;

    body->failed |= visible_text_digest(document, &text) != STORE_OK;
    object_open(body);
    if (document->bytes >= 0)
        object_int(body, "bytes", document->bytes);
    object_int(body, "chunks", (int64_t)document->chunk_count);
    object_string(body, "decision", document->decision ? document->decision : "");
    object_int(body, "document", id);
    object_int(body, "dropped", (int64_t)document->dropped_count);
    if (document->duplicate_of)
        object_int(body, "duplicate_of", document->duplicate_of);
    object_int(body, "findings", (int64_t)document->finding_count);
    object_int(body, "hidden", (int64_t)document->hidden_count);
    object_digest(body, "identity_sha256", identity);
    object_string(body, "outcome", document->outcome);
    body_path(body, document->path);
    object_int(body, "sections", (int64_t)document->section_count);
    if (document->has_digest)
        object_digest(body, "sha256", &document->digest);
    object_int(body, "summary", (int64_t)document->sentence_count);
    object_int(body, "tasks", (int64_t)document->task_count);
    object_digest(body, "text_sha256", &text);
    object_close(body);
}

static int identity_digest_of(struct store *store, int64_t identity,
                              struct store_digest *out, struct store_error *err)
{
    sqlite3_stmt *stmt;
    int status = db_bind(store, &stmt, "SELECT sha256 FROM identity WHERE identity = ?",
                         DB_VALUES(db_int(identity)), err);

    if (status != STORE_OK || (status = db_step(store, stmt, err)) != 1)
        return status;
    db_column_digest(stmt, 0, out);
    sqlite3_reset(stmt);
    return STORE_OK;
}

static int write_event(struct store *store, int64_t run_id, int64_t identity,
                       const struct store_document *document, int64_t id,
                       struct store_error *err)
{
    struct store_digest identity_sha256 = {{0}};
    struct buffer body = {0};
    int status = identity_digest_of(store, identity, &identity_sha256, err);

    if (status == STORE_OK) {
        document_body(&body, document, id, &identity_sha256);
        status = event_append(store, "document", run_id, id, &body, err);
    }
    buffer_free(&body);
    return status;
}

static int document_write(struct store *store, int64_t run_id,
                          const struct store_document *document, int64_t *id,
                          struct store_error *err)
{
    int64_t identity = 0;
    int status = run_identity(store, run_id, &identity, err);

    if (status == STORE_OK)
        status = db_check_json(store, document->metadata, document->path, err);
    if (status == STORE_OK)
        status = write_document_row(store, run_id, identity, document, id, err);
    if (status == STORE_OK)
        status = write_sections(store, *id, document, err);
    for (size_t i = 0; status == STORE_OK && i < document->chunk_count; i++)
        status = write_chunk(store, *id, &document->chunk[i], err);
    for (size_t i = 0; status == STORE_OK && i < document->task_count; i++)
        status = write_task(store, *id, (int64_t)i + 1, &document->task[i], err);
    if (status == STORE_OK)
        status = write_summary(store, *id, document, err);
    if (status == STORE_OK)
        status = write_findings(store, *id, document, err);
    if (status == STORE_OK)
        status = write_event(store, run_id, identity, document, *id, err);
    return status;
}
