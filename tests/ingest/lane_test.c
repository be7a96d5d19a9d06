/* A lane alone: jobs from a pipe, documents into a pipe, and when it leaves. */
#include "ingest/lane.h"
#include "ingest/sandbox.h"
#include "tests/ingest/read.h"

#include <sys/wait.h>

static struct wire_frame frame;

struct bench { /* a lane in a process of its own, and our ends */
    pid_t pid;
    int command, frames, memfd;
};

static struct bench start(void)
{
    int command[2], frames[2];
    struct bench bench = {.memfd = memfd_create("bytes", 0)};

    assert_true(bench.memfd >= 0 && pipe(command) == 0 && pipe(frames) == 0);
    bench.pid = fork();
    assert_true(bench.pid >= 0);
    if (bench.pid == 0) {
        struct lane_ends ends = {command[0], frames[1], bench.memfd};
        close(command[1]);
        close(frames[0]);
        struct sandbox_filter *child;
        struct ingest_hold had;
        _exit(lock_lane(&child, &had) == 0 ? lane_serve(&ends, child) : 99);
    }
    close(command[0]);
    close(frames[1]);
    bench.command = command[1];
    bench.frames = frames[0];
    return bench;
}

/* Close what the lane listens to; returns its exit status. */
static int finish(struct bench *bench)
{
    int status;

    close(bench->command);
    assert_int_equal(waitpid(bench->pid, &status, 0), bench->pid);
    close(bench->frames);
    close(bench->memfd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void send_job(struct bench *bench, const char *content)
{
    struct ingest_request request = ingest_request_default();
    struct ingest_error err;
    size_t bytes = strlen(content);

    assert_int_equal(pwrite(bench->memfd, content, bytes, 0), bytes);
    assert_int_equal(ftruncate(bench->memfd, (off_t)bytes), 0);
    assert_int_equal(request_encode(&frame, &request, bytes, &err), 0);
    assert_int_equal(wire_write(bench->command, frame.bytes, frame.used), 0);
}

static void read_exactly(int fd, void *to, size_t count)
{
    for (size_t got = 0; got < count;) {
        ssize_t n = read(fd, (char *)to + got, count - got);
        assert_true(n > 0);
        got += (size_t)n;
    }
}

/* Read DONE; returns how many bytes of frames follow. */
static uint64_t read_done(struct bench *bench, enum wire_fate *fate)
{
    uint8_t done[WIRE_HEAD_BYTES + 17];
    struct wire_cursor stream = {.at = done, .end = done + sizeof done}, payload;
    uint32_t type;

    read_exactly(bench->frames, done, sizeof done);
    assert_int_equal(wire_next(&stream, &type, &payload), 1);
    assert_int_equal(type, WIRE_DONE);
    *fate = wire_get_u8(&payload);
    wire_get_u64(&payload); /* detail, cpu_ms */
    return wire_get_u64(&payload);
}

static void jobs_are_served_in_turn(void **state)
{
    struct bench bench = start();
    uint8_t bytes[4096];
    enum wire_fate fate;

    (void)state;
    for (int i = 0; i < 3; i++) {
        send_job(&bench, i == 1 ? "<a>a longer one</a>" : "<a>x</a>");
        uint64_t count = read_done(&bench, &fate);
        assert_int_equal(fate, WIRE_EXITED);
        assert_in_range(count, 1, sizeof bytes);
        read_exactly(bench.frames, bytes, count);
        assert_non_null(memmem(bytes, count, i == 1 ? "a longer one\n" : "x\n", 2));
    }
    assert_int_equal(finish(&bench), 0);
}

static void a_lane_leaves_when_nobody_commands(void **state)
{
    struct bench bench = start();

    (void)state;
    assert_int_equal(finish(&bench), 0);
}

static void what_is_no_job_ends_the_lane(void **state)
{
    struct bench bench = start();

    (void)state;
    wire_begin(&frame, WIRE_TEXT);
    wire_end(&frame);
    assert_int_equal(wire_write(bench.command, frame.bytes, frame.used), 0);
    assert_int_equal(finish(&bench), 1);
}

static void a_job_cut_short_ends_the_lane(void **state)
{
    struct bench bench = start();

    (void)state;
    assert_int_equal(wire_write(bench.command, "\2\0\0\0\xFF\0\0\0", 8), 0);
    assert_int_equal(finish(&bench), 1);
}

static void a_child_that_cannot_start_is_told(void **state)
{
    struct ingest_request request = ingest_request_default();
    struct bench bench = start();
    struct ingest_error err;
    enum wire_fate fate;

    (void)state;
    assert_int_equal(request_encode(&frame, &request, 12345, &err), 0);
    assert_int_equal(wire_write(bench.command, frame.bytes, frame.used), 0);
    assert_int_equal(read_done(&bench, &fate), 0);
    assert_int_equal(fate, WIRE_DIED);
    assert_int_equal(finish(&bench), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_are_served_in_turn),
        cmocka_unit_test(a_lane_leaves_when_nobody_commands),
        cmocka_unit_test(what_is_no_job_ends_the_lane),
        cmocka_unit_test(a_job_cut_short_ends_the_lane),
        cmocka_unit_test(a_child_that_cannot_start_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
