/* search - words in chunks, through the full-text index.
 *
 *     lease "fixed rent" o'brien   ->   "lease" "fixed rent" "o'brien"
 *
 * A user's words are never handed to FTS5 as they stand: there OR, NEAR, a star, a
 * colon and a bracket have a meaning, and a stray quote is an error. Each word, or
 * each run of words between quotes, becomes one FTS5 string, and FTS5 joins strings
 * by AND. The index holds letters and digits; what has neither, a section sign as much
 * as a dash, says nothing to it: it is left out beside other words, and refused where
 * it is all there is. What the index takes for a letter its own tokenizer is asked.
 * Only newest rows are found. */
#include "store/read.h"
#include "store/buffer.h"

#include <string.h>

enum { SEARCH_WORDS_MAX = 64, SEARCH_BYTES_MAX = 4096 };

/* The next word or phrase of *at, without its quotes; false at the end. A quote that
 * is never closed reaches to the end. */
static bool search_word(const char **at, const char **word, size_t *bytes)
{
    const char *p = *at + strspn(*at, " \t\r\n\v\f");

    if (*p == '\0')
        return false;
    if (*p == '"') {
        *word = ++p;
        *bytes = strcspn(p, "\"");
        *at = p + *bytes + (p[*bytes] == '"');
    } else {
        *word = p;
        *bytes = strcspn(p, " \t\r\n\v\f\"");
        *at = p + *bytes;
    }
    return true;
}

/* ---- what the index can hold ------------------------------------------------------
 */

struct tokenizer {
    fts5_tokenizer call;
    Fts5Tokenizer *handle;
};

static void tokenizer_close(struct tokenizer *tokenizer)
{
    if (tokenizer->handle)
        tokenizer->call.xDelete(tokenizer->handle);
}

/* The one that schema.sql names, without arguments as there. */
static int tokenizer_open(sqlite3 *db, struct tokenizer *out)
{
    fts5_api *api = NULL;
    sqlite3_stmt *stmt = NULL;
    void *context = NULL;
    int code = sqlite3_prepare_v2(db, "SELECT fts5(?)", -1, &stmt, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_bind_pointer(stmt, 1, &api, "fts5_api_ptr", NULL);
    if (code == SQLITE_OK)
        sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    if (code == SQLITE_OK)
        code = api ? api->xFindTokenizer(api, "unicode61", &context, &out->call)
                   : SQLITE_ERROR;
    return code == SQLITE_OK ? out->call.xCreate(context, NULL, 0, &out->handle) : code;
}

static int count_token(void *count, int flags, const char *token, int bytes, int start,
                       int end)
{
    (void)flags, (void)token, (void)bytes, (void)start, (void)end;
    ++*(size_t *)count;
    return SQLITE_OK;
}

/* Is there a letter or a digit in it? */
static bool search_speaks(const struct tokenizer *tokenizer, const char *word,
                          size_t bytes)
{
    size_t tokens = 0;

    tokenizer->call.xTokenize(tokenizer->handle, &tokens, FTS5_TOKENIZE_QUERY, word,
                              (int)bytes, count_token);
    return tokens > 0;
}

/* ---- a question for it ------------------------------------------------------------
 */

static int search_expression(const struct tokenizer *tokenizer, const char *words,
                             struct buffer *out, struct store_error *err)
{
    const char *word;
    size_t bytes, count = 0;

    while (search_word(&words, &word, &bytes)) {
        if (!search_speaks(tokenizer, word, bytes))
            continue;
        if (++count > SEARCH_WORDS_MAX)
            return db_fail(err, STORE_EINVALID, "search: more than %d words",
                           SEARCH_WORDS_MAX);
        buffer_put(out, count > 1 ? " \"" : "\"");
        buffer_utf8(out, word, bytes);
        buffer_put(out, "\"");
    }
    if (count == 0)
        return db_fail(err, STORE_EINVALID,
                       "search: no word to look for: the index holds letters and "
                       "digits, and there are none");
    return out->failed ? db_fail(err, STORE_ENOMEM, "search: out of memory") : STORE_OK;
}

static int search_question(struct store *store, const char *words, struct buffer *out,
                           struct store_error *err)
{
    struct tokenizer tokenizer = {0};

    if (strlen(words) > SEARCH_BYTES_MAX)
        return db_fail(err, STORE_EINVALID, "search: %zu bytes of words, at most %d",
                       strlen(words), SEARCH_BYTES_MAX);
    if (tokenizer_open(store->db, &tokenizer) != SQLITE_OK)
        return db_fail(err, STORE_EIO, "%s: SQLite has no full-text index",
                       store->path);
    int status = search_expression(&tokenizer, words, out, err);
    tokenizer_close(&tokenizer);
    return status;
}

static int search_prepare(struct store *store, const struct buffer *expression,
                          sqlite3_stmt **out, struct store_error *err)
{
    static const char sql[] =
        "SELECT c.document, c.chunk, d.path, c.section, c.start, c.end_section, "
        "c.\"end\", snippet(chunk_search, 0, '[', ']', '...', 24) "
        "FROM chunk_search JOIN chunk AS c ON c.id = chunk_search.rowid "
        "JOIN document AS d ON d.document = c.document "
        "JOIN identity AS i ON i.identity = d.identity "
        "WHERE chunk_search MATCH ? AND " IS_CURRENT
        " ORDER BY chunk_search.rank, c.id";

    if (sqlite3_prepare_v2(store->db, sql, -1, out, NULL) != SQLITE_OK ||
        sqlite3_bind_text(*out, 1, expression->at, -1, SQLITE_STATIC) != SQLITE_OK) {
        sqlite3_finalize(*out);
        return db_fail_sqlite(store->db, err, store->path);
    }
    return STORE_OK;
}

/* Line feeds and other control characters would break a terminal or a table. */
static void search_clean(struct buffer *out, const char *snippet)
{
    const unsigned char *at = (const unsigned char *)snippet, *end;

    out->bytes = 0;
    buffer_put(out, "");
    for (end = at + strlen(snippet); at < end;) {
        const unsigned char *from = at;
        int32_t point = utf8_take(&at, end);

        if (point < 0x20 || (point >= 0x7f && point <= 0x9f))
            buffer_put(out, " ");
        else
            buffer_add(out, from, (size_t)(at - from));
    }
}

static int search_loop(struct store *store, sqlite3_stmt *stmt,
                       int (*each)(void *arg, const struct store_hit *hit), void *arg,
                       struct store_error *err)
{
    struct buffer snippet = {0};
    int code, stop = 0;

    while (!stop && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        search_clean(&snippet, db_column_text(stmt, 7));
        if (snippet.failed)
            break;
        stop = each(arg, &(struct store_hit){
                             .document = sqlite3_column_int64(stmt, 0),
                             .chunk = sqlite3_column_int64(stmt, 1),
                             .path = db_column_text(stmt, 2),
                             .range = {.section = sqlite3_column_int64(stmt, 3),
                                       .start = sqlite3_column_int64(stmt, 4),
                                       .end_section = sqlite3_column_int64(stmt, 5),
                                       .end = sqlite3_column_int64(stmt, 6)},
                             .snippet = snippet.at});
    }
    buffer_free(&snippet);
    if (stop || code == SQLITE_DONE)
        return STORE_OK;
    return code == SQLITE_ROW ? db_fail(err, STORE_ENOMEM, "search: out of memory")
                              : db_fail_sqlite(store->db, err, store->path);
}

int store_search(struct store *store, const char *words,
                 int (*each)(void *arg, const struct store_hit *hit), void *arg,
                 struct store_error *err)
{
    struct buffer expression = {0};
    sqlite3_stmt *stmt = NULL;
    int status = search_question(store, words, &expression, err);

    if (status == STORE_OK)
        status = search_prepare(store, &expression, &stmt, err);
    if (status == STORE_OK) {
        status = search_loop(store, stmt, each, arg, err);
        sqlite3_finalize(stmt);
    }
    buffer_free(&expression);
    return status;
}
