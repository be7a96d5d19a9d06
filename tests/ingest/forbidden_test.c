/* A reader that an adversary has taken over: what it tries costs its document only.
 *
 * This program stands in for cloister-parse, and its own reader for that of PDF: the
 * document says what is tried. The conductor's side, the lane, the child with its
 * limits and the lists of system calls are the real ones. */
#include "ingest/reader.h"
#include "tests/ingest/parse.h"

#include "ingest/sandbox.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static void do_nothing(void)
{
}

static void try_socket(void)
{
    syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static void try_program(void)
{
    syscall(SYS_execve, "/bin/sh", NULL, NULL);
}

static void try_process(void)
{
    syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void try_kill(void)
{
    syscall(SYS_kill, -1, 0);
}

static void try_code(void)
{
    syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
            0);
}

/* These two are refused and reading goes on. */
static void try_file(void)
{
    if (open("/etc/passwd", O_RDONLY) >= 0)
        _exit(0);
}

static void try_write(void)
{
    if (write(STDERR_FILENO, "", 1) >= 0)
        _exit(0);
}

static const struct trial {
    const char *name;
    void (*act)(void);
    enum ingest_outcome outcome;
} trials[] = {
    {"socket", try_socket, INGEST_CRASHED},   {"program", try_program, INGEST_CRASHED},
    {"process", try_process, INGEST_CRASHED}, {"kill", try_kill, INGEST_CRASHED},
    {"code", try_code, INGEST_CRASHED},       {"file", try_file, INGEST_NO_TEXT},
    {"write", try_write, INGEST_NO_TEXT},     {"nothing", do_nothing, INGEST_NO_TEXT},
};

static void read_hostile(const struct reader_source *source, struct emit *emit,
                         struct reader_end *end)
{
    const char *word = (const char *)source->bytes + strlen("%PDF-");

    (void)emit;
    (void)end;
    for (size_t i = 0; i < sizeof trials / sizeof trials[0]; i++)
        if (strcmp(word, trials[i].name) == 0)
            trials[i].act();
}

const struct reader reader_pdf = {
    .media_type = "application/pdf", .warm = do_nothing, .read = read_hostile};

static struct ingest_document *read_trial(struct ingest_parser *parser,
                                          const char *name)
{
    static char path[] = P_tmpdir "/cloister-forbidden-XXXXXX";
    static int fd = -1;
    struct ingest_request request = ingest_request_default();
    struct ingest_file file;
    char content[40];
    size_t tag;

    if (fd < 0)
        fd = mkstemp(path);
    int bytes = snprintf(content, sizeof content, "%%PDF-%s", name) + 1;
    assert_true(ftruncate(fd, 0) == 0 &&
                pwrite(fd, content, (size_t)bytes, 0) == bytes);
    assert_true(parse_start(parser, path, &request, 1, &file));
    if (strcmp(name, "nothing") == 0)
        unlink(path);
    return parse_next(parser, &tag);
}

static void a_forbidden_call_ends_its_document_and_says_so(void **state)
{
    struct ingest_parser_options options = {.program = "/proc/self/exe", .lanes = 1};
    struct ingest_parser *parser;

    (void)state;
    if (!sandbox_enforced) {
        fputs("this build limits nothing\n", stderr);
        skip();
    }
    assert_int_equal(ingest_parser_open(&parser, &options, NULL), 0);
    for (size_t i = 0; i < sizeof trials / sizeof trials[0]; i++) {
        struct ingest_document *document = read_trial(parser, trials[i].name);
        if (document->outcome != trials[i].outcome)
            fail_msg("%s: %s, %s", trials[i].name,
                     ingest_outcome_name(document->outcome), document->reason);
        if (trials[i].outcome == INGEST_CRASHED)
            assert_non_null(strstr(document->reason, "forbidden system call"));
        ingest_document_free(document);
    }
    ingest_parser_close(parser);
}

static void the_lanes_are_held_and_say_how(void **state)
{
    struct ingest_parser_options options = {.program = "/proc/self/exe", .lanes = 2};
    struct ingest_parser *parser;
    struct ingest_hold hold;

    (void)state;
    assert_int_equal(ingest_parser_open(&parser, &options, NULL), 0);
    ingest_hold_lanes(parser, &hold);
    assert_int_equal(hold.threads, 2);
    assert_int_equal(hold.held, sandbox_enforced ? 2 : 0);
    assert_int_equal(hold.landlock, sandbox_enforced ? landlock_abi() : 0);
    ingest_parser_close(parser);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forbidden_call_ends_its_document_and_says_so),
        cmocka_unit_test(the_lanes_are_held_and_say_how),
    };

    if (argc == 4) /* started as a lane */
        return ingest_parse_main(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
