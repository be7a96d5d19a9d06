/* The program started by hand, or by somebody who does not know it. */
#include "tests/ingest/parse.h"

#include <sys/wait.h>

#ifdef __SANITIZE_ADDRESS__
static const bool memory_is_limited = false; /* the sanitizer maps terabytes */
#else
static const bool memory_is_limited = true;
#endif

static int run(const char *a, const char *b, const char *c)
{
    const char *program = parse_program();
    pid_t pid = fork();
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        execl(program, program, a, b, c, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void without_its_descriptors_it_does_nothing(void **state)
{
    (void)state;
    assert_int_equal(run(NULL, NULL, NULL), 2);
    assert_int_equal(run("3", "4", NULL), 2);
    assert_int_equal(run("300", "301", "302"), 2); /* not open */
    assert_int_equal(run("0", "1", "2"), 2);       /* the standard ones */
    assert_int_equal(run("--help", "", "4x"), 2);
}

/* A page that saves its state a million times and never restores it. */
static void write_hungry(FILE *out)
{
    assert_non_null(out);
    fputs("%PDF-1.4\n1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj\n"
          "2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1>> endobj\n"
          "3 0 obj <</Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
          "/Resources <</Font <</F 5 0 R>>>>>> endobj\n"
          "5 0 obj <</Type /Font /Subtype /Type1 /BaseFont /Courier>> endobj\n"
          "4 0 obj <</Length 40000000>> stream\n",
          out);
    for (int i = 0; i < 1000000; i++)
        fputs("BT /F 12 Tf 9 9 Td (A) Tj ET q\n", out);
    fputs("\nendstream endobj\ntrailer <</Root 1 0 R>>\n", out);
    fclose(out);
}

static void memory_that_runs_out_is_too_large(void **state)
{
    char path[] = P_tmpdir "/cloister-worker-XXXXXX";
    struct ingest_request request = ingest_request_default();
    struct ingest_parser *parser;
    struct ingest_file file;
    size_t tag;

    (void)state;
    if (!memory_is_limited) {
        fputs("address space is not limited under the sanitizer\n", stderr);
        skip();
    }
    parser = parse_open(1);
    write_hungry(fdopen(mkstemp(path), "wb"));
    request.limits.memory_bytes_max = 256 << 20;
    assert_true(parse_start(parser, path, &request, 0, &file));
    struct ingest_document *document = parse_next(parser, &tag);
    unlink(path);
    assert_int_equal(document->outcome, INGEST_TOO_LARGE);
    assert_non_null(strstr(document->reason, "bytes of memory"));
    ingest_document_free(document);
    ingest_parser_close(parser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_its_descriptors_it_does_nothing),
        cmocka_unit_test(memory_that_runs_out_is_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
