/* db - the database file: made, checked, locked, left whole.
 *
 *     cloister.db        one SQLite file, mode 0600, application_id "clst"
 *     cloister.db-wal    only while a run holds it (write-ahead log)
 *     cloister.db-shm    likewise
 *
 * A run writes in WAL mode with synchronous=FULL, so that a commit that returned
 * survives the death of the process at any instant. When it ends, the log is folded
 * into the file and the journal mode goes back to DELETE: one file remains, which
 * opens read-only on a medium without write permission.
 *
 * Only one run at a time: a flock() on a descriptor of the database file itself, so
 * that it dies with the process. The descriptor is opened before SQLite opens the
 * file and closed after it has closed it, for closing any descriptor of a file drops
 * the POSIX locks that SQLite holds on it; for the same reason nobody else in this
 * process may open and close the database file meanwhile.
 *
 * A database file may come from anyone. It must carry our application_id and a
 * version we know before anything else is read from it; triggers never run, SQL
 * inside the file is not trusted with functions that have effects, and SQLite's own
 * limits are lowered.
 *
 * A file of an older version is not rewritten: its audit log vouches for its rows as
 * they stand. It stays what it is, a record to be read by the program that wrote it. */
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <nettle/version.h>

static const char schema[] = {
#include "store/schema.sql.h"
};

enum {
    DB_BUSY_MS = 10000, /* how long to wait for a reader or a checkpoint */
    DB_NAP_MS = 50,
    DB_VALUE_MAX = 256 << 20, /* bytes of one value or row */
    DB_SQL_MAX = 1 << 20
};

static int db_lock(struct store *store, struct store_error *err);
static int db_connect(struct store *store, struct store_error *err);
static int db_check(struct store *store, int64_t *version, struct store_error *err);
static bool db_needs_recovery(const struct store *store);
static int db_recover(const struct store *store, struct store_error *err);
static int db_begin_writing(struct store *store, int64_t version,
                            struct store_error *err);
static int db_end_writing(struct store *store, struct store_error *err);

/* A path that SQLite cannot mistake for a URI or for ":memory:". */
static char *db_path(const char *path)
{
    size_t size = strlen(path) + 3;
    char *out = malloc(size);

    if (out)
        snprintf(out, size, "%s%s", path[0] == '/' ? "" : "./", path);
    return out;
}

static void db_release(struct store *store)
{
    for (size_t i = 0; i < store->statement_count; i++)
        sqlite3_finalize(store->statement[i].stmt);
    sqlite3_close(store->db);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    free(store->path);
    free(store);
}

int store_open(struct store **out, const char *path, enum store_mode mode,
               struct store_error *err)
{
    struct store *store = calloc(1, sizeof(*store));
    int64_t version = 0;
    int status;

    *out = NULL;
    if (!store)
        return db_fail(err, STORE_ENOMEM, "%s: out of memory", path);
    store->lock_fd = -1;
    store->mode = mode;
    store->path = db_path(path);
    status = store->path ? STORE_OK : db_fail(err, STORE_ENOMEM, "%s: no memory", path);
    if (status == STORE_OK && mode == STORE_RUN)
        status = db_lock(store, err);
    if (status == STORE_OK)
        status = db_connect(store, err);
    if (status == STORE_OK)
        status = db_check(store, &version, err);
    if (status != STORE_OK && db_needs_recovery(store)) {
        status = db_recover(store, err);
        if (status == STORE_OK)
            status = db_check(store, &version, err);
    }
    if (status == STORE_OK && mode == STORE_RUN)
        status = db_begin_writing(store, version, err);
    if (status != STORE_OK) {
        db_release(store);
        return status;
    }
    *out = store;
    return STORE_OK;
}

int store_close(struct store *store, struct store_error *err)
{
    int status = STORE_OK;

    if (!store)
        return STORE_OK;
    if (store->mode == STORE_RUN)
        status = db_end_writing(store, err);
    db_release(store);
    return status;
}

const char *store_libraries(void)
{
    static char text[80];

    snprintf(text, sizeof(text), "sqlite %s, nettle %d.%d", sqlite3_libversion(),
             nettle_version_major(), nettle_version_minor());
    return text;
}

int store_free_bytes(const char *path, uint64_t *out, struct store_error *err)
{
    char *folder = db_path(path), *slash;
    struct statvfs fs;
    int status = STORE_OK;

    if (!folder)
        return db_fail(err, STORE_ENOMEM, "%s: out of memory", path);
    slash = strrchr(folder, '/');
    slash[slash == folder] = '\0';
    if (statvfs(folder, &fs) != 0)
        status = db_fail(err, STORE_EIO, "%s: free space cannot be told: %s", folder,
                         strerror(errno));
    else
        *out = (uint64_t)fs.f_bavail * fs.f_frsize;
    free(folder);
    return status;
}

const char *db_schema(void)
{
    return schema;
}

/* ---- lock ------------------------------------------------------------------------ */

/* Open or make the file before SQLite sees it: SQLite would make it with the rights
 * of the umask, and gives -wal and -shm the rights of the file. */
static int db_lock(struct store *store, struct store_error *err)
{
    int flags = O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    struct stat st;

    store->lock_fd = open(store->path, flags | O_CREAT | O_EXCL, 0600);
    if (store->lock_fd < 0 && errno == EEXIST)
        store->lock_fd = open(store->path, flags);
    if (store->lock_fd < 0)
        return db_fail(err, STORE_EIO, "%s: cannot be opened for writing: %s",
                       store->path, strerror(errno));
    if (fstat(store->lock_fd, &st) != 0 || !S_ISREG(st.st_mode))
        return db_fail(err, STORE_EIO, "%s: not a regular file", store->path);
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK
                   ? db_fail(err, STORE_EBUSY, "%s: another run holds it", store->path)
                   : db_fail(err, STORE_EIO, "%s: cannot be locked: %s", store->path,
                             strerror(errno));
    return STORE_OK;
}

/* ---- connection ------------------------------------------------------------------ */

static int db_harden(sqlite3 *db)
{
    static const struct {
        int limit, value;
    } limits[] = {
        {SQLITE_LIMIT_LENGTH, DB_VALUE_MAX},
        {SQLITE_LIMIT_SQL_LENGTH, DB_SQL_MAX},
        {SQLITE_LIMIT_COLUMN, 128},
        {SQLITE_LIMIT_EXPR_DEPTH, 200},
        {SQLITE_LIMIT_COMPOUND_SELECT, 16},
        {SQLITE_LIMIT_VDBE_OP, 100000},
        {SQLITE_LIMIT_FUNCTION_ARG, 32},
        {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 64},
        {SQLITE_LIMIT_VARIABLE_NUMBER, 64},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
    };
    static const struct {
        int option, value;
    } options[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},      {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}, {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_ENABLE_FKEY, 1},    {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},
    };

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        sqlite3_limit(db, limits[i].limit, limits[i].value);
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (sqlite3_db_config(db, options[i].option, options[i].value, NULL))
            return -1;
    return 0;
}

static int db_connect(struct store *store, struct store_error *err)
{
    int flags = store->mode == STORE_RUN ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    struct stat st;

    if (store->mode == STORE_READ && stat(store->path, &st) != 0)
        return db_fail(err, errno == ENOENT ? STORE_EMISSING : STORE_EIO, "%s: %s",
                       store->path, strerror(errno));
    if (sqlite3_open_v2(store->path, &store->db,
                        flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
                        NULL) != SQLITE_OK)
        return store->db ? db_fail_sqlite(store->db, err, store->path)
                         : db_fail(err, STORE_ENOMEM, "%s: no memory", store->path);
    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_busy_timeout(store->db, DB_BUSY_MS);
    if (db_harden(store->db) != 0)
        return db_fail_sqlite(store->db, err, store->path);
    return db_exec(store,
                   "PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON;"
                   "PRAGMA mmap_size = 0; PRAGMA recursive_triggers = OFF;",
                   err);
}

/* ---- whose file, which version --------------------------------------------------- */

static int db_check(struct store *store, int64_t *version, struct store_error *err)
{
    int64_t id = 0, objects = 0;
    int status = db_number(store, &id, 0, "PRAGMA application_id", NULL, 0, err);

    if (status == STORE_OK)
        status = db_number(store, version, 0, "PRAGMA user_version", NULL, 0, err);
    if (status == STORE_OK)
        status = db_number(store, &objects, 0, "SELECT count(*) FROM sqlite_schema",
                           NULL, 0, err);
    if (status != STORE_OK)
        return status;
    if (id == 0 && *version == 0 && objects == 0 && store->mode == STORE_RUN)
        return STORE_OK;
    if (id != DB_APPLICATION_ID)
        return db_fail(err, STORE_ECORRUPT,
                       "%s: not a cloister database: application_id is 0x%08" PRIx64
                       ", ours is 0x%08x",
                       store->path, (uint64_t)id, (unsigned)DB_APPLICATION_ID);
    if (*version > DB_VERSION)
        return db_fail(err, STORE_EVERSION,
                       "%s: schema version %" PRId64
                       " was written by a newer cloister; this one knows up to %d",
                       store->path, *version, DB_VERSION);
    if (*version < 1)
        return db_fail(err, STORE_ECORRUPT,
                       "%s: schema version %" PRId64 " was never written by cloister",
                       store->path, *version);
    if (*version < DB_VERSION)
        return db_fail(err, STORE_EVERSION,
                       "%s: schema version %" PRId64
                       " was written by an older cloister; this one reads and writes "
                       "version %d: keep it for that program, and name another "
                       "file for new runs",
                       store->path, *version, DB_VERSION);
    return STORE_OK;
}

/* ---- what a killed run leaves -----------------------------------------------------
 */

/* A run killed while it changed the journal mode leaves a journal that must be rolled
 * back into the file, which a connection opened for reading may not do. */
static bool db_needs_recovery(const struct store *store)
{
    return store->mode == STORE_READ && store->db &&
           (sqlite3_errcode(store->db) & 0xff) == SQLITE_READONLY;
}

/* Opening for writing and reading anything rolls the journal back. */
static int db_recover(const struct store *store, struct store_error *err)
{
    sqlite3 *db = NULL;
    int status = STORE_OK;

    if (sqlite3_open_v2(store->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK ||
        db_harden(db) != 0 ||
        sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) !=
            SQLITE_OK)
        status = db_fail(err, STORE_EIO,
                         "%s: a run was broken off in the middle of a write; open it "
                         "once where it may be written: %s",
                         store->path, sqlite3_errmsg(db));
    sqlite3_close(db);
    return status;
}

/* ---- writing --------------------------------------------------------------------- */

static int db_create(struct store *store, struct store_error *err)
{
    char set_version[48];
    int status = db_exec(store, "BEGIN EXCLUSIVE", err);

    if (status == STORE_OK)
        status = db_exec(store, schema, err);
    snprintf(set_version, sizeof(set_version), "PRAGMA user_version = %d", DB_VERSION);
    if (status == STORE_OK)
        status = db_exec(store, set_version, err);
    if (status == STORE_OK)
        status = db_exec(store, "COMMIT", err);
    if (status != STORE_OK)
        db_rollback(store);
    return status;
}

static int db_begin_writing(struct store *store, int64_t version,
                            struct store_error *err)
{
    time_t now = time(NULL);
    struct tm local;
    int status;

    if (localtime_r(&now, &local))
        store->utc_offset_s = local.tm_gmtoff;
    status = db_exec(
        store,
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536",
        err);
    if (status == STORE_OK && version == 0)
        status = db_create(store, err);
    return status;
}

/* SQLite does not wait for readers here by itself. */
static int db_leave_wal(struct store *store, struct store_error *err)
{
    const struct timespec nap = {0, DB_NAP_MS * 1000000};
    int status = db_exec(store, "PRAGMA journal_mode = DELETE", err);

    for (int waited = 0; status == STORE_EBUSY && waited < DB_BUSY_MS;
         waited += DB_NAP_MS) {
        nanosleep(&nap, NULL);
        status = db_exec(store, "PRAGMA journal_mode = DELETE", err);
    }
    if (status == STORE_EBUSY)
        return db_fail(
            err, STORE_EIO,
            "%s: another program keeps it open, so it stays in WAL mode, "
            "and what %s-wal holds belongs to it; the next run puts it right",
            store->path, store->path);
    return status;
}

static int db_end_writing(struct store *store, struct store_error *err)
{
    int status;

    for (size_t i = 0; i < store->statement_count; i++)
        sqlite3_reset(store->statement[i].stmt);
    db_rollback(store);
    status = db_exec(store, "PRAGMA wal_checkpoint(TRUNCATE)", err);
    return status == STORE_OK ? db_leave_wal(store, err) : status;
}
