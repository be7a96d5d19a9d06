/* From the paths a user names to the files of a run. */
#include "tests/pipeline/sample.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOBODY = 65534 };

struct tree {
    char root[64];
    struct pipeline_inputs inputs;
};

static int setup(void **state)
{
    struct tree *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    strcpy(t->root, P_tmpdir "/cloister-inputs-XXXXXX");
    assert_non_null(mkdtemp(t->root));
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct tree *t = *state;
    char command[128];
    pipeline_inputs_free(&t->inputs);
    snprintf(command, sizeof(command), "rm -rf '%s'", t->root);
    assert_int_equal(system(command), 0);
    free(t);
    return 0;
}

static const char *at(const struct tree *t, const char *name)
{
    static char path[8][400];
    static size_t next;
    char *out = path[next++ % COUNT(path)];
    snprintf(out, sizeof(path[0]), "%s%s%s", t->root, *name ? "/" : "", name);
    return out;
}

static void make_folder(const struct tree *t, const char *name)
{
    assert_int_equal(mkdir(at(t, name), 0700), 0);
}

static void make_file(const struct tree *t, const char *name)
{
    FILE *file = fopen(at(t, name), "w");
    assert_non_null(file);
    fclose(file);
}

static void add(struct tree *t, const char *name)
{
    assert_ok(pipeline_inputs_add(&t->inputs, at(t, name), ERR));
}

/* The inputs are exactly these, below the root, in this order. */
static void assert_inputs(struct tree *t, const char *const *name, size_t count)
{
    pipeline_inputs_finish(&t->inputs);
    assert_int_equal(t->inputs.count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(t->inputs.path[i], at(t, name[i]));
}

static void folders_are_walked_and_the_list_is_sorted(void **state)
{
    static const char *const wanted[] = {"B.pdf", "a.pdf", "sub/deep/c.xml", "sub/z"};
    struct tree *t = *state;
    make_folder(t, "sub");
    make_folder(t, "sub/deep");
    make_folder(t, "sub/empty");
    make_file(t, "sub/z");
    make_file(t, "a.pdf");
    make_file(t, "B.pdf");
    make_file(t, "sub/deep/c.xml");
    add(t, "");
    assert_inputs(t, wanted, COUNT(wanted));
}

static void what_is_named_twice_is_read_once(void **state)
{
    static const char *const wanted[] = {"a.pdf", "sub/b.pdf"};
    struct tree *t = *state;
    make_folder(t, "sub");
    make_file(t, "a.pdf");
    make_file(t, "sub/b.pdf");
    add(t, "sub");
    add(t, "a.pdf");
    add(t, "");
    assert_inputs(t, wanted, COUNT(wanted));
}

static void what_is_named_from_here_is_recorded_whole(void **state)
{
    static const char *const wanted[] = {"a.pdf", "sub/b.pdf"};
    struct tree *t = *state;
    char *before = getcwd(NULL, 0);
    make_folder(t, "sub");
    make_file(t, "a.pdf");
    make_file(t, "sub/b.pdf");
    assert_int_equal(chdir(at(t, "sub")), 0);
    assert_ok(pipeline_inputs_add(&t->inputs, "b.pdf", ERR));
    assert_ok(pipeline_inputs_add(&t->inputs, "./../a.pdf", ERR));
    assert_ok(pipeline_inputs_add(&t->inputs, ".", ERR));
    assert_int_equal(chdir(before), 0);
    free(before);
    add(t, "a.pdf");
    assert_inputs(t, wanted, COUNT(wanted));
}

static void names_beginning_with_a_dot_are_left_out_unless_named(void **state)
{
    static const char *const wanted[] = {".named", "seen"};
    struct tree *t = *state;
    make_folder(t, ".hidden");
    make_file(t, ".hidden/x");
    make_file(t, ".unnamed");
    make_file(t, ".named");
    make_file(t, "seen");
    add(t, "");
    add(t, ".named");
    assert_inputs(t, wanted, COUNT(wanted));
}

static void links_to_folders_are_kept_but_not_followed(void **state)
{
    static const char *const wanted[] = {"loop", "sub/a", "sub/up"};
    struct tree *t = *state;
    make_folder(t, "sub");
    make_file(t, "sub/a");
    assert_int_equal(symlink(".", at(t, "loop")), 0);
    assert_int_equal(symlink("..", at(t, "sub/up")), 0);
    add(t, "");
    assert_inputs(t, wanted, COUNT(wanted));
}

static void a_link_to_a_folder_that_is_named_is_walked(void **state)
{
    static const char *const wanted[] = {"link/a"};
    struct tree *t = *state;
    make_folder(t, "sub");
    make_file(t, "sub/a");
    assert_int_equal(symlink("sub", at(t, "link")), 0);
    add(t, "link");
    assert_inputs(t, wanted, COUNT(wanted));
}

static void what_is_no_file_leaves_a_trace(void **state)
{
    static const char *const wanted[] = {"dangling", "fifo", "missing"};
    struct tree *t = *state;
    assert_int_equal(symlink("nowhere", at(t, "dangling")), 0);
    assert_int_equal(mkfifo(at(t, "fifo"), 0600), 0);
    add(t, "");
    add(t, "missing");
    assert_inputs(t, wanted, COUNT(wanted));
}

static void names_may_hold_any_bytes(void **state)
{
    static const char *const wanted[] = {"a\nb.pdf", "caf\xe9.pdf", "\xff\xfe"};
    struct tree *t = *state;
    for (size_t i = 0; i < COUNT(wanted); i++)
        make_file(t, wanted[i]);
    add(t, "");
    assert_inputs(t, wanted, COUNT(wanted));
}

static void a_folder_that_cannot_be_entered_stays_in_the_list(void **state)
{
    static const char *const wanted[] = {"locked", "open"};
    struct tree *t = *state;
    bool root = geteuid() == 0; /* root may enter every folder: be nobody */
    if (root) {
        assert_int_equal(chown(t->root, NOBODY, NOBODY), 0);
        assert_int_equal(seteuid(NOBODY), 0);
    }
    make_folder(t, "locked");
    make_file(t, "open");
    assert_int_equal(chmod(at(t, "locked"), 0), 0);
    add(t, "");
    assert_int_equal(chmod(at(t, "locked"), 0700), 0);
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_inputs(t, wanted, COUNT(wanted));
}

/* readdir() of the C library, but for a disk that fails after so many entries. */
static int entries_left = -1;
struct dirent *readdir(DIR *dir)
{
    if (entries_left == 0) {
        errno = EIO;
        return NULL;
    }
    entries_left -= entries_left > 0;
    struct dirent64 *entry = readdir64(dir); /* of the same layout on 64 bits */
    return (struct dirent *)entry;
}

static void a_folder_that_cannot_be_read_to_its_end_stays_in_the_list(void **state)
{
    static const char *const wanted[] = {"sub"};
    struct tree *t = *state;
    make_folder(t, "sub");
    make_file(t, "sub/a");
    entries_left = 0;
    add(t, "sub");
    entries_left = -1;
    assert_inputs(t, wanted, COUNT(wanted));
}

static void a_slash_at_the_end_of_a_folder_is_not_doubled(void **state)
{
    static const char *const wanted[] = {"a"};
    struct tree *t = *state;
    char root[80];
    make_file(t, "a");
    snprintf(root, sizeof(root), "%s/", t->root);
    assert_ok(pipeline_inputs_add(&t->inputs, root, ERR));
    assert_inputs(t, wanted, COUNT(wanted));
}

static bool is_database(void *arg, const char *path)
{
    return strstr(path, arg) != NULL;
}

static void what_is_ours_is_left_out(void **state)
{
    static const char *const wanted[] = {"a.pdf", "z.pdf"};
    struct tree *t = *state;
    char ours[] = "cloister.db";
    make_file(t, "a.pdf");
    make_file(t, "cloister.db");
    make_file(t, "cloister.db-wal");
    make_file(t, "z.pdf");
    add(t, "");
    pipeline_inputs_leave_out(&t->inputs, is_database, ours);
    assert_inputs(t, wanted, COUNT(wanted));
}

static void nothing_named_is_an_empty_list(void **state)
{
    struct tree *t = *state;
    pipeline_inputs_finish(&t->inputs);
    assert_int_equal(t->inputs.count, 0);
    add(t, ""); /* an empty folder */
    assert_int_equal(t->inputs.count, 0);
}

static void a_walk_can_be_broken_off(void **state)
{
    static volatile sig_atomic_t cancel;
    struct pipeline_error err = {0};
    struct tree *t = *state;
    make_folder(t, "sub");
    make_file(t, "sub/a");
    t->inputs.cancel = &cancel;
    cancel = 1;
    assert_int_equal(pipeline_inputs_add(&t->inputs, at(t, ""), &err),
                     PIPELINE_ECANCELED);
    assert_non_null(strstr(err.text, "broken off by a signal"));
    assert_int_equal(t->inputs.count, 0);
    cancel = 0;
    add(t, "");
    assert_int_equal(t->inputs.count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(folders_are_walked_and_the_list_is_sorted),
        TEST(what_is_named_twice_is_read_once),
        TEST(what_is_named_from_here_is_recorded_whole),
        TEST(names_beginning_with_a_dot_are_left_out_unless_named),
        TEST(links_to_folders_are_kept_but_not_followed),
        TEST(a_link_to_a_folder_that_is_named_is_walked),
        TEST(what_is_no_file_leaves_a_trace),
        TEST(names_may_hold_any_bytes),
        TEST(a_folder_that_cannot_be_entered_stays_in_the_list),
        TEST(a_folder_that_cannot_be_read_to_its_end_stays_in_the_list),
        TEST(a_slash_at_the_end_of_a_folder_is_not_doubled),
        TEST(what_is_ours_is_left_out),
        TEST(nothing_named_is_an_empty_list),
        TEST(a_walk_can_be_broken_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
