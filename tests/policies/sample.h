/* sample.h - tests/data/policies/sample.xml, changed in one place and loaded.
 *
 * A refusal is one line of a table: what is replaced by what, the line that must
 * be blamed and words that must stand in the error. */
#ifndef TESTS_POLICIES_SAMPLE_H
#define TESTS_POLICIES_SAMPLE_H

#include "policies/loader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SAMPLE   "tests/data/policies/sample.xml"
#define SMALLEST "tests/data/policies/smallest.xml"

struct sample_case {
    const char *name, *from, *to;
    int line;
    const char *text;
};

static inline char *sample_read(const char *path)
{
    char *text = calloc(1, 1 << 20);
    FILE *file = fopen(path, "rb");

    assert_non_null(text);
    assert_non_null(file);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

/* Load text, whose last byte is the last of its block. */
static inline int sample_load_bytes(struct policy **out, const char *text, size_t count,
                                    struct policy_error *err)
{
    struct policy_source source = {malloc(count ? count : 1), count, NULL, 0, NULL};
    int status;

    assert_non_null(source.bytes);
    memcpy(source.bytes, text, count);
    *err = (struct policy_error){0};
    status = policy_load_source(out, &source, err);
    policy_source_free(&source);
    return status;
}

static inline int sample_load(struct policy **out, const char *text,
                              struct policy_error *err)
{
    return sample_load_bytes(out, text, strlen(text), err);
}

/* The file at path with its only "from" replaced. */
static inline char *sample_with(const char *path, const char *from, const char *to)
{
    char *text = sample_read(path);
    char *at = strstr(text, from);
    size_t size = strlen(text) + strlen(to) + 1;
    char *changed = calloc(1, size);

    assert_non_null(at);
    assert_null(strstr(at + 1, from));
    assert_non_null(changed);
    snprintf(changed, size, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    free(text);
    return changed;
}

static inline struct policy *sample_loaded(const char *path, const char *from,
                                           const char *to)
{
    struct policy_error err;
    struct policy *policy;
    char *text = sample_with(path, from, to);

    if (sample_load(&policy, text, &err) != POLICY_OK)
        fail_msg("line %d: %s", err.line, err.text);
    free(text);
    return policy;
}

static inline void sample_refuse_text(const char *text, int line, const char *words)
{
    struct policy_error err;
    struct policy *policy;

    assert_int_equal(sample_load(&policy, text, &err), POLICY_EINVALID);
    assert_null(policy);
    assert_int_equal(err.status, POLICY_EINVALID);
    if (err.line != line || !strstr(err.text, words))
        fail_msg("line %d: %s", err.line, err.text);
}

static inline void sample_refuse(void **state)
{
    const struct sample_case *one = *state;
    char *text = sample_with(SAMPLE, one->from, one->to);

    sample_refuse_text(text, one->line, one->text);
    free(text);
}

/* Append one test a case to test[], return how many there are then. */
static inline size_t sample_tests(struct CMUnitTest *test, size_t count,
                                  const struct sample_case *one, size_t cases)
{
    for (size_t i = 0; i < cases; i++)
        test[count + i] = (struct CMUnitTest){one[i].name, sample_refuse, NULL, NULL,
                                              (void *)(uintptr_t)&one[i]};
    return count + cases;
}

#endif
