/* statement - the few ways everything in this folder talks to SQLite.
 *
 * A statement is written where it is used, as a string literal; its address is the
 * key under which the prepared form is kept until the store closes. Values are bound
 * by position from an array, so that a row is written in one expression:
 *
 *     db_run(store, "INSERT INTO t VALUES (?, ?)",
 *            DB_VALUES(db_int(7), db_text("seven")), err);
 *
 * A statement is always reset before control goes back, except while db_step() says
 * that a row is there. */
#include "store/db.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- errors ---------------------------------------------------------------------- */

int db_fail(struct store_error *err, int status, const char *format, ...)
{
    va_list args;

    if (!err)
        return status;
    err->status = status;
    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    return status;
}

static int db_status(int code)
{
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return STORE_ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STORE_EBUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return STORE_ECORRUPT;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
    case SQLITE_TOOBIG:
    case SQLITE_MISUSE:
        return STORE_EINVALID;
    default:
        return STORE_EIO;
    }
}

int db_fail_sqlite(sqlite3 *db, struct store_error *err, const char *what)
{
    int code = sqlite3_extended_errcode(db), cause = sqlite3_system_errno(db);
    int status = db_status(code);
    bool of_system = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;

    if (of_system && cause != 0)
        return db_fail(err, status, "%s: %s (%s)", what, sqlite3_errmsg(db),
                       strerror(cause));
    return db_fail(err, status, "%s: %s", what, sqlite3_errmsg(db));
}

/* ---- values ---------------------------------------------------------------------- */

struct db_value db_int(int64_t value)
{
    return (struct db_value){.type = DB_IS_INT, .integer = value};
}

struct db_value db_int_or_null(int64_t value, int64_t null)
{
    return value == null ? (struct db_value){.type = DB_IS_NULL} : db_int(value);
}

struct db_value db_real(double value)
{
    return (struct db_value){.type = DB_IS_REAL, .real = value};
}

struct db_value db_text_bytes(const char *text, size_t bytes)
{
    return (struct db_value){.type = text ? DB_IS_TEXT : DB_IS_NULL,
                             .data = text,
                             .bytes = text ? bytes : 0};
}

struct db_value db_text(const char *text)
{
    return db_text_bytes(text, text ? strlen(text) : 0);
}

struct db_value db_text_or_empty(const char *text)
{
    return db_text(text ? text : "");
}

struct db_value db_blob(const void *data, size_t bytes)
{
    return (struct db_value){
        .type = data ? DB_IS_BLOB : DB_IS_NULL, .data = data, .bytes = bytes};
}

struct db_value db_digest(const struct store_digest *digest)
{
    return db_blob(digest->byte, sizeof(digest->byte));
}

static int db_bind_value(sqlite3_stmt *stmt, int place, const struct db_value *value)
{
    switch (value->type) {
    case DB_IS_INT:
        return sqlite3_bind_int64(stmt, place, value->integer);
    case DB_IS_REAL:
        return sqlite3_bind_double(stmt, place, value->real);
    case DB_IS_TEXT:
        return sqlite3_bind_text64(stmt, place, value->data, value->bytes,
                                   SQLITE_STATIC, SQLITE_UTF8);
    case DB_IS_BLOB:
        return sqlite3_bind_blob64(stmt, place, value->data, value->bytes,
                                   SQLITE_STATIC);
    case DB_IS_NULL:
        break;
    }
    return sqlite3_bind_null(stmt, place);
}

/* ---- statements ------------------------------------------------------------------ */

static int db_prepare(struct store *store, sqlite3_stmt **out, const char *sql,
                      struct store_error *err)
{
    struct db_statement *new;

    for (size_t i = 0; i < store->statement_count; i++) {
        if (store->statement[i].sql == sql) {
            *out = store->statement[i].stmt;
            return STORE_OK;
        }
    }
    assert(store->statement_count < DB_STATEMENTS_MAX);
    new = &store->statement[store->statement_count];
    if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &new->stmt,
                           NULL) != SQLITE_OK)
        return db_fail_sqlite(store->db, err, store->path);
    new->sql = sql;
    store->statement_count++;
    *out = new->stmt;
    return STORE_OK;
}

int db_bind(struct store *store, sqlite3_stmt **out, const char *sql,
            const struct db_value *value, size_t count, struct store_error *err)
{
    int status = db_prepare(store, out, sql, err);

    if (status != STORE_OK)
        return status;
    assert((size_t)sqlite3_bind_parameter_count(*out) == count);
    for (size_t i = 0; i < count; i++) {
        if (db_bind_value(*out, (int)i + 1, &value[i]) != SQLITE_OK) {
            status = db_fail_sqlite(store->db, err, store->path);
            sqlite3_reset(*out);
            sqlite3_clear_bindings(*out);
            return status;
        }
    }
    return STORE_OK;
}

int db_step(struct store *store, sqlite3_stmt *stmt, struct store_error *err)
{
    int code = sqlite3_step(stmt), status;

    if (code == SQLITE_ROW)
        return 1;
    status =
        code == SQLITE_DONE ? STORE_OK : db_fail_sqlite(store->db, err, store->path);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return status;
}

int db_run(struct store *store, const char *sql, const struct db_value *value,
           size_t count, struct store_error *err)
{
    sqlite3_stmt *stmt;
    int status = db_bind(store, &stmt, sql, value, count, err);

    if (status != STORE_OK)
        return status;
    while ((status = db_step(store, stmt, err)) == 1)
        continue;
    return status;
}

int db_number(struct store *store, int64_t *out, int64_t missing, const char *sql,
              const struct db_value *value, size_t count, struct store_error *err)
{
    sqlite3_stmt *stmt;
    int status = db_bind(store, &stmt, sql, value, count, err);

    *out = missing;
    if (status != STORE_OK)
        return status;
    status = db_step(store, stmt, err);
    if (status != 1)
        return status;
    if (sqlite3_column_type(stmt, 0) != SQLITE_NULL)
        *out = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return STORE_OK;
}

int db_check_json(struct store *store, const char *json, const char *what,
                  struct store_error *err)
{
    int64_t good = 0;
    int status;

    if (!json)
        return STORE_OK;
    status = db_number(store, &good, 0,
                       "SELECT CASE WHEN json_valid(?1) "
                       "THEN json_type(?1) = 'object' END",
                       DB_VALUES(db_text(json)), err);
    if (status == STORE_OK && !good)
        return db_fail(err, STORE_EINVALID, "%s: not a JSON object: %.80s", what, json);
    return status;
}

int db_exec(struct store *store, const char *sql, struct store_error *err)
{
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return db_fail_sqlite(store->db, err, store->path);
    return STORE_OK;
}

/* SQLite may have rolled back by itself already (disk full); the error that led here
 * is the one to tell. */
void db_rollback(struct store *store)
{
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

/* ---- columns --------------------------------------------------------------------- */

const char *db_column_text(sqlite3_stmt *stmt, int column)
{
    const unsigned char *text = sqlite3_column_text(stmt, column);

    return text ? (const char *)text : "";
}

void db_column_digest(sqlite3_stmt *stmt, int column, struct store_digest *out)
{
    const void *blob = sqlite3_column_blob(stmt, column);

    memset(out, 0, sizeof(*out));
    if (blob && sqlite3_column_bytes(stmt, column) == (int)sizeof(out->byte))
        memcpy(out->byte, blob, sizeof(out->byte));
}
