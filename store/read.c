/* read - documents as they were committed, one at a time.
 *
 * The row of a document is lent straight from SQLite; what hangs on it (tasks and,
 * when asked for, sections, chunks, scores, evidence, summary, what was dropped,
 * findings) is copied into an arena that is emptied before the next document. Quotes
 * get their words back here: they were stored as a place in a chunk. */
#include "store/read.h"
#include "store/buffer.h"

#include <inttypes.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/* ---- the loop -------------------------------------------------------------------- */

struct reader {
    struct store *store;
    struct arena arena;
    bool details;
    int (*each)(void *arg, const struct store_document *document);
    void *arg;
};

static int filter_prepare(struct store *store, const struct store_filter *filter,
                          sqlite3_stmt **out, struct store_error *err);

/* 1: go on; 0: the caller has seen enough. */
static int reader_lend(struct reader *reader, sqlite3_stmt *stmt,
                       struct store_error *err)
{
    struct store_document document;
    int status;

    document_read(stmt, &document);
    status = document_read_rest(reader->store, &reader->arena, reader->details,
                                &document, err);
    if (status == STORE_OK)
        status = reader->each(reader->arg, &document) == 0;
    arena_free(&reader->arena);
    return status;
}

int store_each_document(struct store *store, const struct store_filter *filter,
                        int (*each)(void *arg, const struct store_document *document),
                        void *arg, struct store_error *err)
{
    static const struct store_filter any = {0};
    struct reader reader = {.store = store, .each = each, .arg = arg};
    sqlite3_stmt *stmt = NULL;
    int status, code = SQLITE_ROW;

    filter = filter ? filter : &any;
    reader.details = filter->details;
    status = filter_prepare(store, filter, &stmt, err);
    if (status != STORE_OK)
        return status;
    for (status = 1; status == 1;) {
        code = sqlite3_step(stmt);
        if (code != SQLITE_ROW)
            break;
        status = reader_lend(&reader, stmt, err);
    }
    if (code != SQLITE_ROW)
        status = code == SQLITE_DONE ? STORE_OK
                                     : db_fail_sqlite(store->db, err, store->path);
    sqlite3_finalize(stmt);
    return status;
}

/* ---- the filter ------------------------------------------------------------------ */

static int bind_named(sqlite3_stmt *stmt, const char *name, const char *text)
{
    int place = sqlite3_bind_parameter_index(stmt, name);

    return place == 0 ? SQLITE_OK
                      : sqlite3_bind_text(stmt, place, text, -1, SQLITE_STATIC);
}

static void filter_sql(const struct store_filter *filter, struct buffer *sql)
{
    buffer_put(sql, "SELECT " DOCUMENT_COLUMNS " FROM document AS d "
                    "JOIN identity AS i ON i.identity = d.identity WHERE " IS_CURRENT);
    if (filter->outcome)
        buffer_put(sql, " AND d.outcome = :outcome");
    if (filter->document)
        buffer_put(sql, " AND d.document = :document");
    if (filter->path)
        buffer_put(sql, " AND d.path = CAST(:path AS BLOB)");
    if (filter->task || filter->label)
        buffer_put(
            sql, " AND EXISTS (SELECT 1 FROM task AS t WHERE t.document = d.document");
    if (filter->task)
        buffer_put(sql, " AND t.task = :task");
    if (filter->label)
        buffer_put(sql, " AND t.label = :label");
    if (filter->task || filter->label)
        buffer_put(sql, ")");
    buffer_put(sql, " ORDER BY d.path, d.document");
}

/* Prepared anew each time: a callback may start a loop of its own. */
static int filter_prepare(struct store *store, const struct store_filter *filter,
                          sqlite3_stmt **out, struct store_error *err)
{
    struct buffer sql = {0};
    int code = SQLITE_NOMEM;

    filter_sql(filter, &sql);
    if (!sql.failed)
        code = sqlite3_prepare_v2(store->db, sql.at, -1, out, NULL);
    buffer_free(&sql);
    if (code == SQLITE_OK)
        code = bind_named(*out, ":outcome", filter->outcome);
    if (code == SQLITE_OK)
        code = bind_named(*out, ":path", filter->path);
    if (code == SQLITE_OK)
        code = bind_named(*out, ":task", filter->task);
    if (code == SQLITE_OK)
        code = bind_named(*out, ":label", filter->label);
    if (code == SQLITE_OK && filter->document)
        code = sqlite3_bind_int64(*out, sqlite3_bind_parameter_index(*out, ":document"),
                                  filter->document);
    if (code == SQLITE_OK)
        return STORE_OK;
    sqlite3_finalize(*out);
    return db_fail_sqlite(store->db, err, store->path);
}

/* ---- arena ----------------------------------------------------------------------- */

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    alignas(max_align_t) unsigned char at[];
};

enum { ARENA_BLOCK = 64 * 1024 };

void *arena_alloc(struct arena *arena, size_t bytes)
{
    struct arena_block *block = arena->block;
    size_t size;

    if (bytes > SIZE_MAX / 2)
        return NULL;
    bytes = (bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (!block || block->size - block->used < bytes) {
        size = bytes > ARENA_BLOCK ? bytes : ARENA_BLOCK;
        block = malloc(sizeof(*block) + size);
        if (!block)
            return NULL;
        *block = (struct arena_block){.next = arena->block, .size = size};
        arena->block = block;
    }
    block->used += bytes;
    return block->at + block->used - bytes;
}

void arena_free(struct arena *arena)
{
    while (arena->block) {
        struct arena_block *next = arena->block->next;
        free(arena->block);
        arena->block = next;
    }
}

/* An array in the arena that doubles when its count reaches a power of two. */
struct array {
    void *at;
    size_t count;
};

static void *array_push(struct arena *arena, struct array *array, size_t size)
{
    size_t count = array->count;

    if ((count & (count - 1)) == 0) {
        void *grown = arena_alloc(arena, (count ? 2 * count : 1) * size);
        if (!grown)
            return NULL;
        if (count)
            memcpy(grown, array->at, count * size);
        array->at = grown;
    }
    array->count++;
    return memset((char *)array->at + count * size, 0, size);
}

static const char *copy_text(struct arena *arena, sqlite3_stmt *stmt, int column)
{
    const char *text = db_column_text(stmt, column);
    size_t bytes = (size_t)sqlite3_column_bytes(stmt, column);
    char *out = arena_alloc(arena, bytes + 1);

    if (out) {
        memcpy(out, text, bytes);
        out[bytes] = '\0';
    }
    return out;
}

/* ---- one row each ---------------------------------------------------------------- */

static int64_t column_or(sqlite3_stmt *stmt, int column, int64_t missing)
{
    return sqlite3_column_type(stmt, column) == SQLITE_NULL
               ? missing
               : sqlite3_column_int64(stmt, column);
}

void document_read(sqlite3_stmt *stmt, struct store_document *out)
{
    *out = (struct store_document){
        .document = sqlite3_column_int64(stmt, 0),
        .run = sqlite3_column_int64(stmt, 1),
        .path = db_column_text(stmt, 2),
        .has_digest = sqlite3_column_type(stmt, 3) != SQLITE_NULL,
        .bytes = column_or(stmt, 4, -1),
        .modified_ns = sqlite3_column_int64(stmt, 5),
        .media_type = db_column_text(stmt, 6),
        .dialect = db_column_text(stmt, 7),
        .metadata = (const char *)sqlite3_column_text(stmt, 8),
        .pages = column_or(stmt, 9, -1),
        .outcome = db_column_text(stmt, 10),
        .reason = db_column_text(stmt, 11),
        .duplicate_of = sqlite3_column_int64(stmt, 12),
        .extracted_bytes = sqlite3_column_int64(stmt, 13),
        .hidden_bytes = sqlite3_column_int64(stmt, 14),
        .chunked_bytes = sqlite3_column_int64(stmt, 15),
        .seen_bytes = sqlite3_column_int64(stmt, 16),
        .decision = db_column_text(stmt, 17),
        .parse_ms = sqlite3_column_int64(stmt, 18),
        .summary_reason = db_column_text(stmt, 19),
    };
    db_column_digest(stmt, 3, &out->digest);
}

static struct store_range read_range(sqlite3_stmt *stmt, int column)
{
    return (struct store_range){.section = sqlite3_column_int64(stmt, column),
                                .start = sqlite3_column_int64(stmt, column + 1),
                                .end_section = sqlite3_column_int64(stmt, column + 2),
                                .end = sqlite3_column_int64(stmt, column + 3)};
}

/* QUOTE_COLUMNS are nine: where it stands, its weight, its words. */
#define QUOTE_COLUMNS(q)                                                         \
    q ".section, " q ".start, " q ".end_section, " q ".\"end\", " q ".chunk, " q \
      ".offset, " q ".bytes, " q ".weight, "                                     \
      "CAST(substr(CAST(c.text AS BLOB), " q ".offset + 1, " q ".bytes) AS TEXT)"
#define QUOTE_JOIN(q) \
    " JOIN chunk AS c ON c.document = " q ".document AND c.chunk = " q ".chunk "

static bool read_quote(struct arena *arena, sqlite3_stmt *stmt, int column,
                       struct store_quote *out)
{
    out->range = read_range(stmt, column);
    out->chunk = sqlite3_column_int64(stmt, column + 4);
    out->offset = sqlite3_column_int64(stmt, column + 5);
    out->bytes = sqlite3_column_int64(stmt, column + 6);
    out->weight = sqlite3_column_double(stmt, column + 7);
    out->text = copy_text(arena, stmt, column + 8);
    return out->text != NULL;
}

/* Leaves NULL where the column is; false: out of memory. */
static bool copy_optional(struct arena *arena, sqlite3_stmt *stmt, int column,
                          const char **out)
{
    if (sqlite3_column_type(stmt, column) == SQLITE_NULL)
        return true;
    *out = copy_text(arena, stmt, column);
    return *out != NULL;
}

static bool read_section(struct arena *arena, sqlite3_stmt *stmt, void *row)
{
    struct store_section *out = row;

    out->section = sqlite3_column_int64(stmt, 0);
    out->kind = copy_text(arena, stmt, 1);
    out->label = copy_text(arena, stmt, 2);
    out->title = copy_text(arena, stmt, 3);
    out->text_bytes = sqlite3_column_int64(stmt, 4);
    return out->kind && out->label && out->title;
}

static bool read_hidden(struct arena *arena, sqlite3_stmt *stmt, void *row)
{
    struct store_hidden *out = row;

    out->section = sqlite3_column_int64(stmt, 0);
    out->start = sqlite3_column_int64(stmt, 1);
    out->end = sqlite3_column_int64(stmt, 2);
    out->why = copy_text(arena, stmt, 3);
    out->text = copy_text(arena, stmt, 4);
    return out->why && out->text;
}

static bool read_chunk(struct arena *arena, sqlite3_stmt *stmt, void *row)
{
    struct store_chunk *out = row;

    out->chunk = sqlite3_column_int64(stmt, 0);
    out->range = read_range(stmt, 1);
    out->tokens = sqlite3_column_int64(stmt, 5);
    out->text = copy_text(arena, stmt, 6);
    out->text_bytes = (size_t)sqlite3_column_bytes(stmt, 6);
    return out->text != NULL;
}

static bool read_task(struct arena *arena, sqlite3_stmt *stmt, void *row)
{
    struct store_task *out = row;

    out->task = copy_text(arena, stmt, 0);
    out->label = copy_text(arena, stmt, 1);
    out->probability = sqlite3_column_double(stmt, 2);
    out->undecided = sqlite3_column_int(stmt, 3) != 0;
    out->runner_up = copy_text(arena, stmt, 4);
    out->answered_by = copy_text(arena, stmt, 5);
    out->commanded = sqlite3_column_int(stmt, 6) != 0;
    out->plain_probability = sqlite3_column_double(stmt, 8);
    out->plain_undecided = sqlite3_column_int(stmt, 9) != 0;
    out->first_probability = sqlite3_column_double(stmt, 12);
    return out->task && out->label && out->runner_up && out->answered_by &&
           copy_optional(arena, stmt, 7, &out->plain_label) &&
           copy_optional(arena, stmt, 10, &out->prior) &&
           copy_optional(arena, stmt, 11, &out->first_label);
}

static bool read_score(struct arena *arena, sqlite3_stmt *stmt, void *row)
{
    struct store_score *out = row;

    out->label = copy_text(arena, stmt, 0);
    out->score = sqlite3_column_double(stmt, 1);
    out->probability = sqlite3_column_double(stmt, 2);
    return out->label != NULL;
}

static bool read_evidence(struct arena *arena, sqlite3_stmt *stmt, void *row)
{
    return read_quote(arena, stmt, 0, row);
}

static bool read_sentence(struct arena *arena, sqlite3_stmt *stmt, void *row)
{
    struct store_sentence *out = row;

    out->kind = copy_text(arena, stmt, 0);
    return out->kind && copy_optional(arena, stmt, 1, &out->written) &&
           read_quote(arena, stmt, 2, &out->quote);
}

static bool read_dropped(struct arena *arena, sqlite3_stmt *stmt, void *row)
{
    struct store_dropped *out = row;

    out->why = copy_text(arena, stmt, 0);
    out->what = copy_text(arena, stmt, 1);
    out->text = copy_text(arena, stmt, 2);
    return out->why && out->what && out->text;
}

static bool read_finding(struct arena *arena, sqlite3_stmt *stmt, void *row)
{
    struct store_finding *out = row;

    out->detector = copy_text(arena, stmt, 0);
    out->score = sqlite3_column_double(stmt, 1);
    return out->detector && copy_optional(arena, stmt, 2, &out->masked) &&
           read_quote(arena, stmt, 3, &out->quote);
}

/* ---- all rows of one kind -------------------------------------------------------- */

struct child {
    const char *sql;
    size_t size; /* of one row's struct */
    bool (*read)(struct arena *arena, sqlite3_stmt *stmt, void *row);
};

static const struct child sections = {
    "SELECT section, kind, label, title, text_bytes FROM section WHERE document = ? "
    "ORDER BY section",
    sizeof(struct store_section), read_section};
static const struct child hiddens = {
    "SELECT section, start, \"end\", why, text FROM hidden WHERE document = ? "
    "ORDER BY ordinal",
    sizeof(struct store_hidden), read_hidden};
static const struct child chunks = {
    "SELECT chunk, section, start, end_section, \"end\", tokens, text FROM chunk "
    "WHERE document = ? ORDER BY chunk",
    sizeof(struct store_chunk), read_chunk};
static const struct child tasks = {
    "SELECT task, label, probability, undecided, runner_up, answered_by, commanded, "
    "plain_label, plain_probability, plain_undecided, prior, first_label, "
    "first_probability FROM task "
    "WHERE document = ? ORDER BY ordinal",
    sizeof(struct store_task), read_task};
static const struct child scores = {
    "SELECT label, score, probability FROM score WHERE document = ? AND task = ? "
    "ORDER BY ordinal",
    sizeof(struct store_score), read_score};
static const struct child evidences = {
    "SELECT " QUOTE_COLUMNS("e") " FROM evidence AS e" QUOTE_JOIN(
        "e") "WHERE e.document = ? AND e.task = ? ORDER BY e.ordinal",
    sizeof(struct store_quote), read_evidence};
static const struct child sentences = {
    "SELECT s.kind, s.written, " QUOTE_COLUMNS("s") " FROM summary AS s" QUOTE_JOIN(
        "s") "WHERE s.document = ? ORDER BY s.ordinal",
    sizeof(struct store_sentence), read_sentence};
static const struct child droppeds = {
    "SELECT why, what, text FROM dropped WHERE document = ? ORDER BY ordinal",
    sizeof(struct store_dropped), read_dropped};
static const struct child findings = {
    "SELECT f.detector, f.score, f.masked, " QUOTE_COLUMNS(
        "f") " FROM finding AS f" QUOTE_JOIN("f") "WHERE f.document = ? ORDER BY f.ordinal",
    sizeof(struct store_finding), read_finding};

static int read_children(struct store *store, struct arena *arena,
                         const struct child *child, const struct db_value *key,
                         size_t key_count, struct array *out, struct store_error *err)
{
    sqlite3_stmt *stmt;
    int status = db_bind(store, &stmt, child->sql, key, key_count, err);

    *out = (struct array){0};
    if (status != STORE_OK)
        return status;
    while ((status = db_step(store, stmt, err)) == 1) {
        void *row = array_push(arena, out, child->size);
        if (!row || !child->read(arena, stmt, row)) {
            sqlite3_reset(stmt);
            return db_fail(err, STORE_ENOMEM, "%s: out of memory", store->path);
        }
    }
    return status;
}

static int read_task_details(struct store *store, struct arena *arena, int64_t document,
                             int64_t ordinal, struct store_task *task,
                             struct store_error *err)
{
    struct array found;
    int status =
        read_children(store, arena, &scores,
                      DB_VALUES(db_int(document), db_int(ordinal)), &found, err);

    task->score = found.at;
    task->score_count = found.count;
    if (status == STORE_OK)
        status =
            read_children(store, arena, &evidences,
                          DB_VALUES(db_int(document), db_int(ordinal)), &found, err);
    task->evidence = found.at;
    task->evidence_count = found.count;
    return status;
}

static int read_tasks(struct store *store, struct arena *arena, bool details,
                      struct store_document *out, struct store_error *err)
{
    struct array found;
    struct store_task *task;
    int status = read_children(store, arena, &tasks, DB_VALUES(db_int(out->document)),
                               &found, err);

    task = found.at;
    for (size_t i = 0; details && status == STORE_OK && i < found.count; i++)
        status = read_task_details(store, arena, out->document, (int64_t)i + 1,
                                   &task[i], err);
    out->task = task;
    out->task_count = found.count;
    return status;
}

#define READ_INTO(child, member)                                                       \
    if (status == STORE_OK) {                                                          \
        status = read_children(store, arena, &child, DB_VALUES(db_int(out->document)), \
                               &found, err);                                           \
        out->member = found.at;                                                        \
        out->member##_count = found.count;                                             \
    }

int document_read_rest(struct store *store, struct arena *arena, bool details,
                       struct store_document *out, struct store_error *err)
{
    struct array found;
    int status = read_tasks(store, arena, details, out, err);

    if (!details)
        return status;
    READ_INTO(sections, section)
    READ_INTO(hiddens, hidden)
    READ_INTO(chunks, chunk)
    READ_INTO(sentences, sentence)
    READ_INTO(droppeds, dropped)
    READ_INTO(findings, finding)
    return status;
}
