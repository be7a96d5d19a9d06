/* A child alone: it says what it read, keeps its limits, and ends. */
#include "ingest/child.h"
#include "ingest/sandbox.h"
#include "tests/ingest/read.h"

#include <signal.h>
#include <sys/wait.h>

static struct sandbox_filter *filter;

/* Fork a child for these bytes; its frames go to *frames. Returns its wait status. */
static int run(const struct request_job *job, const char *content, int *frames)
{
    int memfd = memfd_create("bytes", 0), status = 0;
    pid_t pid;

    *frames = memfd_create("frames", 0);
    assert_true(memfd >= 0 && *frames >= 0);
    assert_int_equal(write(memfd, content, strlen(content)), strlen(content));
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        child_run(job, memfd, *frames, filter);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(memfd);
    return status;
}

static struct request_job job_for(const char *content)
{
    struct request_job job = read_job_default();

    job.document_bytes = strlen(content);
    return job;
}

static void bytes_that_are_not_those_announced_are_not_read(void **state)
{
    struct request_job job = job_for("<a>text</a>");
    int frames, status;

    (void)state;
    job.document_bytes++;
    status = run(&job, "<a>text</a>", &frames);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == CHILD_CANNOT_START);
    close(frames);
}

/* A child may not let a file grow, so its frames only arrive through a pipe. */
static void no_file_grows(void **state)
{
    struct request_job job = job_for("<a>text</a>");
    int frames, status;

    (void)state;
    status = run(&job, "<a>text</a>", &frames);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
    assert_int_equal(lseek(frames, 0, SEEK_END), 0);
    close(frames);
}

static struct ingest_document *run_piped(const struct request_job *job,
                                         const char *content, int *status)
{
    int memfd = memfd_create("bytes", 0), copy = memfd_create("copy", 0), ends[2];
    char piece[4096];
    ssize_t n;
    pid_t pid;

    assert_true(memfd >= 0 && copy >= 0 && pipe(ends) == 0);
    assert_int_equal(write(memfd, content, strlen(content)), strlen(content));
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        child_run(job, memfd, ends[1], filter);
    close(ends[1]);
    while ((n = read(ends[0], piece, sizeof piece)) > 0)
        assert_int_equal(write(copy, piece, (size_t)n), n);
    assert_int_equal(waitpid(pid, status, 0), pid);
    close(ends[0]);
    close(memfd);
    return read_frames(copy, &job->limits);
}

static void what_it_read_comes_out(void **state)
{
    struct request_job job = job_for("<a>text</a>");
    struct ingest_document *document;
    int status;

    (void)state;
    document = run_piped(&job, "<a>text</a>", &status);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(document->outcome, INGEST_READ);
    expect_section(document, 0, "a", "", "text\n");
    ingest_document_free(document);
}

static void what_it_cannot_read_comes_out_by_name(void **state)
{
    struct request_job job = job_for("neither");
    struct ingest_document *document;
    int status;

    (void)state;
    document = run_piped(&job, "neither", &status);
    assert_int_equal(document->outcome, INGEST_UNSUPPORTED);
    assert_string_equal(document->reason, "it is neither PDF nor XML");
    ingest_document_free(document);
}

static int make_filter(void **state)
{
    struct sandbox_options options = {0};

    (void)state;
    return sandbox_filter_make(&filter, SANDBOX_CHILD, &options, NULL);
}

static int free_filter(void **state)
{
    (void)state;
    sandbox_filter_free(filter);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_that_are_not_those_announced_are_not_read),
        cmocka_unit_test(no_file_grows),
        cmocka_unit_test(what_it_read_comes_out),
        cmocka_unit_test(what_it_cannot_read_comes_out_by_name),
    };

    return cmocka_run_group_tests(tests, make_filter, free_filter);
}
