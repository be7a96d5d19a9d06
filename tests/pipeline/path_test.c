/* A path says the same wherever one stands. */
#include "tests/pipeline/sample.h"

#include <unistd.h>

static char top[] = P_tmpdir "/cloister-path-XXXXXX", *here;

static int setup(void **state)
{
    (void)state;
    return !mkdtemp(top) || chdir(top) != 0 || mkdir("sub", 0700) != 0 ||
           mkdir("sub/deep", 0700) != 0 || symlink("sub/deep", "link") != 0 ||
           !(here = getcwd(NULL, 0));
}

static int teardown(void **state)
{
    char command[100];
    (void)state;
    free(here);
    snprintf(command, sizeof(command), "rm -rf '%s'", top);
    return chdir("/") != 0 || system(command) != 0;
}

static void assert_path(const char *typed, const char *below)
{
    char wanted[4300];
    char *path = pipeline_path(typed);
    snprintf(wanted, sizeof(wanted), "%s%s%s", below[0] == '/' ? "" : here,
             below[0] == '/' || !below[0] ? "" : "/", below);
    assert_string_equal(path, wanted);
    free(path);
}

static void a_relative_path_gets_the_working_folder(void **state)
{
    (void)state;
    assert_path("a.pdf", "a.pdf");
    assert_path("sub/a.pdf", "sub/a.pdf");
    assert_path("caf\xe9/a\nb", "caf\xe9/a\nb");
    assert_path(".", "");
}

static void an_absolute_path_stays(void **state)
{
    (void)state;
    assert_path("/no such/a.pdf", "/no such/a.pdf");
    assert_path("/", "/");
}

static void dots_and_doubled_slashes_go(void **state)
{
    (void)state;
    assert_path("./sub//./a.pdf", "sub/a.pdf");
    assert_path("sub/", "sub");
    assert_path("//x/.", "/x");
    assert_path(".../..a", ".../..a"); /* names like any other */
}

/* What stands before ".." may be a link: only the file system knows where it leads. */
static void steps_back_are_taken_as_the_file_system_takes_them(void **state)
{
    (void)state;
    assert_path("sub/../a.pdf", "a.pdf");
    assert_path("link/../a.pdf", "sub/a.pdf");
    assert_path("link/a.pdf", "link/a.pdf"); /* a link that is named stays */
    assert_path("sub/deep/..", "sub");
    assert_path("/..", "/");
}

static void steps_back_from_nowhere_stay_as_typed(void **state)
{
    (void)state;
    assert_path("gone/../a.pdf", "gone/../a.pdf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_relative_path_gets_the_working_folder),
        cmocka_unit_test(an_absolute_path_stays),
        cmocka_unit_test(dots_and_doubled_slashes_go),
        cmocka_unit_test(steps_back_are_taken_as_the_file_system_takes_them),
        cmocka_unit_test(steps_back_from_nowhere_stay_as_typed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
