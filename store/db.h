/* db.h - the open file and the few ways everything here talks to SQLite. */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "store/store.h"

#include <sqlite3.h>

enum {
    DB_APPLICATION_ID = 0x636c7374, /* "clst" */
    DB_VERSION = 2,                 /* of schema.sql; raised with every change of it */
    DB_STATEMENTS_MAX = 128,
    DB_MEMORY_FLAGS = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
};

struct db_statement {
    const char *sql; /* a string literal; its address is the key */
    sqlite3_stmt *stmt;
};

struct store {
    sqlite3 *db;
    char *path;
    enum store_mode mode;
    int lock_fd;          /* -1 when reading */
    int64_t utc_offset_s; /* of local time, for the log */
    struct db_statement statement[DB_STATEMENTS_MAX];
    size_t statement_count;
};

/* ---- errors ---------------------------------------------------------------------- */

int db_fail(struct store_error *err, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What SQLite said about the last call on db, told as: "<what>: <its words>". */
int db_fail_sqlite(sqlite3 *db, struct store_error *err, const char *what);

/* ---- statements ------------------------------------------------------------------ */

struct db_value {
    enum { DB_IS_NULL, DB_IS_INT, DB_IS_REAL, DB_IS_TEXT, DB_IS_BLOB } type;
    int64_t integer;
    double real;
    const void *data;
    size_t bytes;
};
struct db_value db_int(int64_t value);
struct db_value db_int_or_null(int64_t value, int64_t null); /* value == null: NULL */
struct db_value db_real(double value);
struct db_value db_text(const char *text); /* NULL: NULL */
struct db_value db_text_or_empty(const char *text);
struct db_value db_text_bytes(const char *text, size_t bytes);
struct db_value db_blob(const void *data, size_t bytes); /* data NULL: NULL */
struct db_value db_digest(const struct store_digest *digest);

/* sql must be a string literal: the statement is prepared once and kept. The values
 * are borrowed until the statement is reset. */
int db_bind(struct store *store, sqlite3_stmt **out, const char *sql,
            const struct db_value *value, size_t count, struct store_error *err);
/* 1: a row; 0: done, and reset; negative: failed, and reset. */
int db_step(struct store *store, sqlite3_stmt *stmt, struct store_error *err);
int db_run(struct store *store, const char *sql, const struct db_value *value,
           size_t count, struct store_error *err);
/* The first column of the first row, or missing when there is no row. */
int db_number(struct store *store, int64_t *out, int64_t missing, const char *sql,
              const struct db_value *value, size_t count, struct store_error *err);
/* STORE_EINVALID unless json is NULL or a JSON object. A CHECK in the schema cannot do
 * this: with trusted_schema off the JSON functions are refused there. */
int db_check_json(struct store *store, const char *json, const char *what,
                  struct store_error *err);
int db_exec(struct store *store, const char *sql, struct store_error *err);
void db_rollback(struct store *store);

#define DB_VALUES(...)                      \
    (const struct db_value[]){__VA_ARGS__}, \
        sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value)

/* ---- columns --------------------------------------------------------------------- */

const char *db_column_text(sqlite3_stmt *stmt, int column); /* never NULL */
void db_column_digest(sqlite3_stmt *stmt, int column, struct store_digest *out);

const char *db_schema(void); /* schema.sql */

#endif
