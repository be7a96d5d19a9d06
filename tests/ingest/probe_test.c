/* Forbidden acts fail in every role, and a summary says how many were tried.
 *
 * The probes are compiled once more, without any list: what passes here and there
 * alike would prove nothing. */
#include "ingest/ingest.h"
#include "ingest/sandbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- the same probes under no list
 * --------------------------------------------------- */

static int install_nothing(const struct sandbox_filter *filter)
{
    (void)filter;
    return 0;
}

static int confine_nothing(const struct ingest_grant *grant, size_t count,
                           bool signals_too)
{
    (void)grant, (void)count, (void)signals_too;
    return 0;
}

#define ingest_attest          attest_blindly
#define sandbox_filter_install install_nothing
#define landlock_confine       confine_nothing
int ingest_attest(void (*report)(void *arg, const struct ingest_probe *probe),
                  void *arg, struct ingest_layers *out, struct ingest_error *err);
#include "ingest/probe.c"
#undef ingest_attest
#undef sandbox_filter_install
#undef landlock_confine

static void note_passed(void *arg, const struct ingest_probe *probe)
{
    size_t *passed = arg;

    if (!probe->ok)
        return;
    fprintf(stderr, "%s, %s passes without a list: %s\n", probe->role, probe->probe,
            probe->answer);
    ++*passed;
}

static void without_lists_no_probe_passes(void **state)
{
    struct ingest_layers layers;
    size_t passed = 0;

    (void)state;
    if (!sandbox_enforced || geteuid() != 0) {
        fputs("a build that limits nothing, or a user whom the kernel refuses much\n",
              stderr);
        skip();
    }
    assert_int_equal(attest_blindly(note_passed, &passed, &layers, NULL), 0);
    assert_int_equal(passed, 0);
    assert_int_equal(layers.failed, layers.probes);
}

static void note_allowed(void *arg, const struct ingest_probe *probe)
{
    size_t *allowed = arg;

    if (probe->ok)
        return;
    fprintf(stderr, "%s, %s: %s\n", probe->role, probe->probe, probe->answer);
    ++*allowed;
}

static void what_is_forbidden_fails(void **state)
{
    struct ingest_layers layers;
    size_t allowed = 0;

    (void)state;
    assert_int_equal(ingest_attest(note_allowed, &allowed, &layers, NULL), 0);
    assert_int_equal(layers.seccomp, sandbox_enforced);
    assert_int_equal(allowed, 0);
    assert_int_equal(layers.failed, 0);
    if (sandbox_enforced)
        assert_in_range(layers.probes, 300, 1000);
    else
        assert_int_equal(layers.probes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_forbidden_fails),
                                       cmocka_unit_test(without_lists_no_probe_passes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
