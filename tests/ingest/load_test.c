/* Files and what only looks like one: nothing blocks, everything has a name. */
#include "ingest/load.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = P_tmpdir "/cloister-load-XXXXXX";
static char path[100];
static int memfd;
static size_t shown;

static const char *in_folder(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *content)
{
    FILE *file = fopen(in_folder(name), "wb");

    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static void count_bytes(void *arg, const void *data, size_t count)
{
    (void)arg;
    (void)data;
    shown += count;
}

static struct ingest_file load(const char *name, uint64_t bytes_max)
{
    struct load_sink sink = {.memfd = memfd, .bytes = count_bytes};
    struct ingest_file file;
    struct ingest_error err;

    shown = 0;
    assert_int_equal(load_file(in_folder(name), bytes_max, &sink, &file, &err), 0);
    return file;
}

static void expect(const char *name, enum ingest_outcome outcome, const char *why)
{
    struct ingest_file file = load(name, 1000);

    assert_int_equal(file.outcome, outcome);
    assert_non_null(strstr(file.reason, why));
    assert_int_equal(shown, 0);
}

static void a_file_is_copied_and_shown(void **state)
{
    char copy[16] = "";
    struct ingest_file file;
    struct stat st;

    (void)state;
    write_file("long", "a longer one first");
    assert_int_equal(load("long", 1000).outcome, INGEST_READ);
    write_file("short", "content");
    file = load("short", 1000);
    assert_int_equal(file.outcome, INGEST_READ);
    assert_string_equal(file.reason, "");
    assert_int_equal(file.bytes, 7);
    assert_int_equal(shown, 7);
    assert_int_equal(pread(memfd, copy, sizeof copy, 0), 7);
    assert_string_equal(copy, "content");
    assert_int_equal(stat(path, &st), 0);
    assert_true(file.modified_ns ==
                (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
}

static void a_link_to_a_file_is_read(void **state)
{
    (void)state;
    write_file("target", "content");
    assert_int_equal(symlink("target", in_folder("link")), 0);
    assert_int_equal(load("link", 1000).outcome, INGEST_READ);
}

static void what_is_not_a_file_is_named_without_waiting(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
    expect("fifo", INGEST_NOT_A_FILE, "not a regular file");
    expect(".", INGEST_NOT_A_FILE, "not a regular file");
    snprintf(address.sun_path, sizeof address.sun_path, "%s", in_folder("socket"));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    expect("socket", INGEST_NOT_A_FILE, "not a regular file");
    close(fd);
}

static void a_device_is_no_file(void **state)
{
    struct load_sink sink = {.memfd = memfd, .bytes = count_bytes};
    struct ingest_file file;

    (void)state;
    assert_int_equal(load_file("/dev/zero", 1000, &sink, &file, NULL), 0);
    assert_int_equal(file.outcome, INGEST_NOT_A_FILE);
}

static void links_that_lead_nowhere_are_no_files(void **state)
{
    (void)state;
    assert_int_equal(symlink("nothing", in_folder("dangling")), 0);
    assert_int_equal(symlink("loop", in_folder("loop")), 0);
    assert_int_equal(symlink("fifo", in_folder("to-fifo")), 0);
    expect("dangling", INGEST_NOT_A_FILE, "leads nowhere");
    expect("loop", INGEST_NOT_A_FILE, "in a circle");
    expect("to-fifo", INGEST_NOT_A_FILE, "not a regular file");
}

static void what_is_not_there_is_unreadable(void **state)
{
    (void)state;
    expect("absent", INGEST_UNREADABLE, "No such file");
    expect("target/below", INGEST_UNREADABLE, "Not a directory");
}

static void what_may_not_be_read_is_unreadable(void **state)
{
    (void)state;
    if (geteuid() == 0) {
        fputs("root may read everything\n", stderr);
        skip();
    }
    write_file("secret", "content");
    assert_int_equal(chmod(in_folder("secret"), 0), 0);
    expect("secret", INGEST_UNREADABLE, "Permission denied");
}

static void an_empty_file_is_damaged(void **state)
{
    (void)state;
    write_file("empty", "");
    expect("empty", INGEST_DAMAGED, "the file is empty");
}

static void a_file_above_the_limit_is_not_read(void **state)
{
    (void)state;
    write_file("ten", "0123456789");
    for (uint64_t limit = 9; limit <= 11; limit++) {
        struct ingest_file file = load("ten", limit);
        assert_int_equal(file.outcome, limit < 10 ? INGEST_TOO_LARGE : INGEST_READ);
        assert_int_equal(shown, limit < 10 ? 0 : 10);
    }
    assert_non_null(strstr(load("ten", 9).reason, "10 bytes"));
}

/* Writes to the file while it is read, as somebody else would. */
static void append(void *arg, const void *data, size_t count)
{
    FILE *file = fopen(arg, "ab");

    (void)data;
    (void)count;
    fputs("more", file);
    fclose(file);
}

static void touch(void *arg, const void *data, size_t count)
{
    struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

    (void)data;
    (void)count;
    utimensat(AT_FDCWD, arg, times, 0);
}

static void a_file_that_changes_is_named(void **state)
{
    void (*const meddle[])(void *, const void *, size_t) = {append, touch};
    struct ingest_file file;

    (void)state;
    for (int i = 0; i < 2; i++) {
        write_file("changing", "content");
        struct load_sink sink = {.memfd = memfd, .bytes = meddle[i], .arg = path};
        assert_int_equal(load_file(path, 1000, &sink, &file, NULL), 0);
        assert_int_equal(file.outcome, INGEST_CHANGED);
    }
}

static int set_up(void **state)
{
    (void)state;
    memfd = memfd_create("bytes", MFD_CLOEXEC);
    return mkdtemp(folder) && memfd >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    static const char *const names[] = {
        "long", "short", "target",  "link", "fifo",   "socket",  "dangling",
        "loop", "empty", "to-fifo", "ten",  "secret", "changing"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(in_folder(names[i]));
    close(memfd);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_copied_and_shown),
        cmocka_unit_test(a_link_to_a_file_is_read),
        cmocka_unit_test(what_is_not_a_file_is_named_without_waiting),
        cmocka_unit_test(a_device_is_no_file),
        cmocka_unit_test(links_that_lead_nowhere_are_no_files),
        cmocka_unit_test(what_is_not_there_is_unreadable),
        cmocka_unit_test(what_may_not_be_read_is_unreadable),
        cmocka_unit_test(an_empty_file_is_damaged),
        cmocka_unit_test(a_file_above_the_limit_is_not_read),
        cmocka_unit_test(a_file_that_changes_is_named),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
