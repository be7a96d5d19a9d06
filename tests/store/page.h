/* page.h - the report of a sample store, as one string to look into. */
#ifndef TESTS_STORE_PAGE_H
#define TESTS_STORE_PAGE_H

#include "tests/store/sample.h"

static inline char *read_file(const char *path)
{
    FILE *in = fopen(path, "rb");
    char *out;
    long size;

    assert_non_null(in);
    assert_int_equal(fseek(in, 0, SEEK_END), 0);
    size = ftell(in);
    rewind(in);
    out = calloc(1, (size_t)size + 1);
    assert_non_null(out);
    assert_int_equal(fread(out, 1, (size_t)size, in), size);
    fclose(in);
    return out;
}

static inline char *make_report(struct sample_folder *at, int64_t run)
{
    struct store *store;

    assert_ok(store_open(&store, at->db, STORE_READ, ERR));
    assert_ok(store_report(store, run, at->report, ERR));
    assert_ok(store_close(store, ERR));
    return read_file(at->report);
}

static inline size_t count_in(const char *page, const char *part)
{
    size_t count = 0;

    for (; (page = strstr(page, part)) != NULL; page++)
        count++;
    return count;
}

static inline void has(const char *page, const char *part)
{
    if (!strstr(page, part))
        fail_msg("the page has no %s", part);
}

static inline void has_not(const char *page, const char *part)
{
    const char *found = strstr(page, part);

    if (found)
        fail_msg("the page has %s: %.200s", part, found);
}

/* The report about one document under the sample's policy. */
static inline char *report_on(struct sample_folder *at,
                              const struct store_document *document)
{
    struct store_run run = sample_run();
    struct store *store;
    int64_t run_id;

    assert_ok(store_open(&store, at->db, STORE_RUN, ERR));
    assert_ok(store_run_begin(store, &run, &run_id, ERR));
    assert_ok(store_commit(store, run_id, document, NULL, ERR));
    assert_ok(store_close(store, ERR));
    return make_report(at, run_id);
}

#endif
