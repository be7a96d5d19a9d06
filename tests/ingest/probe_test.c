/* Forbidden acts fail in every role, and a summary says how many were tried. */
#include "ingest/ingest.h"
#include "ingest/sandbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

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
        assert_in_range(layers.probes, 90, 1000);
    else
        assert_int_equal(layers.probes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_forbidden_fails)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
