/* lane - one running cloister-parse: a job in, a child forked, a document out.
 *
 *     conductor --JOB--> lane --fork--> child
 *                         |  <--frames--'     spooled here, to the last byte
 *     conductor <--DONE, frames--'            only when the child is gone
 *
 * The spool stands between the child's clock and the conductor's leisure: a
 * conductor that is busy with the model for a minute must not make a document time
 * out. Its size is bounded by what the child may send. The lane reads no more of
 * the frames than it takes to find the page count, from which the deadline follows.
 *
 * A child that ends while it renders a page (ink.c) is followed by one that does not;
 * both have all the time that the limits grant.
 *
 * The clock is the child's CPU time; the wall limit, twice that, is for a child that
 * waits. A process cannot use more CPU time than passes, so sleeping for what is
 * left of it is never too long, and there is no ticking. */
#include "ingest/lane.h"

#include "ingest/child.h"
#include "ingest/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SPOOL_BYTES_FIRST = 256 * 1024, READ_BYTES_MIN = 64 * 1024 };

struct spool {
    uint8_t *bytes;
    size_t used, capacity;
    uint64_t bytes_max;
    size_t scanned; /* frames before this offset are known to tell no page count */
    bool scan_done;
};

struct lane {
    const struct lane_ends *ends;
    const struct sandbox_filter *filter; /* of a child */
    struct request_job job;
    struct spool spool;
    pid_t child;
    int from_child;
    int64_t started_ms;
    uint64_t cpu_ms_max;
    enum wire_fate fate;
    uint32_t detail, cpu_ms;
    struct wire_frame frame;
};

static int lane_work(struct lane *lane);
static int read_job(struct lane *lane);

int lane_serve(const struct lane_ends *ends, const struct sandbox_filter *child)
{
    static struct lane lane;
    int rc;

    lane.ends = ends;
    lane.filter = child;
    while ((rc = read_job(&lane)) > 0)
        if (lane_work(&lane) != 0)
            return 1;
    free(lane.spool.bytes);
    return rc == 0 ? 0 : 1;
}

/* ---- the job ------------------------------------------------------------------------
 */

/* 1 when all was read, 0 at the end of the pipe, -1 otherwise. */
static int read_all(int fd, uint8_t *to, size_t count)
{
    while (count > 0) {
        ssize_t n = read(fd, to, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return (int)n;
        to += n;
        count -= (size_t)n;
    }
    return 1;
}

static int read_job(struct lane *lane)
{
    uint8_t *bytes = lane->frame.bytes;
    struct wire_cursor head = {.at = bytes + 4, .end = bytes + WIRE_HEAD_BYTES};
    struct wire_cursor frame = {.at = bytes}, payload;
    uint32_t type;

    int rc = read_all(lane->ends->command, bytes, WIRE_HEAD_BYTES);
    if (rc <= 0)
        return rc;
    uint32_t count = wire_get_u32(&head);
    if (count > WIRE_PAYLOAD_MAX)
        return -1;
    frame.end = bytes + WIRE_HEAD_BYTES + count;
    if (read_all(lane->ends->command, bytes + WIRE_HEAD_BYTES, count) <= 0 ||
        wire_next(&frame, &type, &payload) != 1 || type != WIRE_JOB)
        return -1;
    return request_decode(&payload, &lane->job) == 0 ? 1 : -1;
}

/* ---- the child ----------------------------------------------------------------------
 */

static int64_t now_ms(clockid_t clock)
{
    struct timespec t;

    if (clock_gettime(clock, &t) != 0)
        return 0;
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int fork_child(struct lane *lane)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    lane->child = fork();
    if (lane->child == 0) {
        close(lane->ends->command);
        close(lane->ends->frames);
        close(ends[0]);
        child_run(&lane->job, lane->ends->memfd, ends[1], lane->filter);
    }
    close(ends[1]);
    if (lane->child < 0) {
        close(ends[0]);
        return -1;
    }
    lane->from_child = ends[0];
    return 0;
}

/* Milliseconds until a deadline can have passed; 0 when one has, and fate says which.
 */
static int64_t time_left(struct lane *lane)
{
    uint64_t wall_ms_max = 2 * lane->cpu_ms_max;
    clockid_t cpu_clock;
    int64_t cpu = 0;

    int64_t wall = now_ms(CLOCK_MONOTONIC) - lane->started_ms;
    if (clock_getcpuclockid(lane->child, &cpu_clock) == 0)
        cpu = now_ms(cpu_clock);
    int64_t cpu_left = (int64_t)lane->cpu_ms_max - cpu;
    int64_t wall_left = (int64_t)wall_ms_max - wall;
    if (cpu_left <= 0) {
        lane->fate = WIRE_KILLED_CPU;
        lane->detail = (uint32_t)lane->cpu_ms_max;
    } else if (wall_left <= 0) {
        lane->fate = WIRE_KILLED_WALL;
        lane->detail = (uint32_t)wall_ms_max;
    }
    int64_t left = cpu_left < wall_left ? cpu_left : wall_left;
    return left > 0 ? left : 0;
}

/* Once the frames tell how many pages there are, the deadline is known. */
static void find_pages(struct lane *lane)
{
    struct spool *spool = &lane->spool;
    struct wire_cursor stream = {.at = spool->bytes + spool->scanned,
                                 .end = spool->bytes + spool->used};
    struct wire_cursor payload;
    uint32_t type;

    while (!spool->scan_done && wire_next(&stream, &type, &payload) == 1) {
        spool->scan_done = type != WIRE_STRING;
        if (type == WIRE_PAGES)
            lane->cpu_ms_max = request_cpu_ms(&lane->job, wire_get_u64(&payload));
    }
    spool->scanned = (size_t)(stream.at - spool->bytes);
}

static int grow_spool(struct spool *spool)
{
    size_t capacity = spool->capacity ? spool->capacity : SPOOL_BYTES_FIRST;

    while (capacity - spool->used < READ_BYTES_MIN)
        capacity *= 2;
    if (capacity == spool->capacity)
        return 0;
    uint8_t *bytes = realloc(spool->bytes, capacity);
    if (!bytes)
        return -1;
    spool->bytes = bytes;
    spool->capacity = capacity;
    return 0;
}

/* 1 when something came, 0 at the end; any other end is put into fate. */
static int read_frames(struct lane *lane)
{
    struct spool *spool = &lane->spool;

    if (grow_spool(spool) != 0) {
        lane->fate = WIRE_OVERFLOWED;
        return 0;
    }
    ssize_t n = read(lane->from_child, spool->bytes + spool->used,
                     spool->capacity - spool->used);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 1;
    if (n <= 0)
        return 0;
    spool->used += (size_t)n;
    if (spool->used > spool->bytes_max) {
        lane->fate = WIRE_OVERFLOWED;
        return 0;
    }
    find_pages(lane);
    return 1;
}

/* Spool until the child closes its pipe or a limit is passed; -1 when the conductor
 * is gone. */
static int watch_child(struct lane *lane)
{
    struct pollfd fds[] = {{.fd = lane->from_child, .events = POLLIN},
                           {.fd = lane->ends->command}};

    for (;;) {
        int64_t left = time_left(lane);
        if (left == 0)
            return 0;
        int ready = poll(fds, 2, left < 60000 ? (int)left : 60000);
        if (ready < 0 && errno != EINTR)
            return -1;
        if (ready > 0 && fds[1].revents)
            return -1;
        if (ready > 0 && fds[0].revents && read_frames(lane) == 0)
            return 0;
    }
}

static enum wire_fate exit_fate(int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return WIRE_EXITED;
    if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_OUT_OF_MEMORY)
        return WIRE_OUT_OF_MEMORY;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        return WIRE_KILLED_CPU;
    return WIRE_DIED;
}

/* A child may not signal, itself included, and says by its status that it aborted. */
static uint32_t death_detail(int status)
{
    if (WIFSIGNALED(status))
        return (uint32_t)WTERMSIG(status);
    return WEXITSTATUS(status) == CHILD_ABORTED ? (uint32_t)SIGABRT
                                                : 256u + (uint32_t)WEXITSTATUS(status);
}

static void reap_child(struct lane *lane)
{
    struct rusage usage = {0};
    int status = 0;

    close(lane->from_child);
    kill(lane->child, SIGKILL);
    while (wait4(lane->child, &status, 0, &usage) < 0 && errno == EINTR)
        ;
    lane->cpu_ms =
        (uint32_t)(usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000 +
                   usage.ru_stime.tv_sec * 1000 + usage.ru_stime.tv_usec / 1000);
    if (lane->fate != WIRE_EXITED)
        return;
    lane->fate = exit_fate(status);
    if (lane->fate == WIRE_KILLED_CPU)
        lane->detail = (uint32_t)lane->cpu_ms_max;
    if (lane->fate == WIRE_DIED)
        lane->detail = death_detail(status);
}

/* ---- the document -------------------------------------------------------------------
 */

static int send_document(struct lane *lane)
{
    struct wire_frame *frame = &lane->frame;
    size_t bytes = lane->fate == WIRE_EXITED ? lane->spool.used : 0;

    wire_begin(frame, WIRE_DONE);
    wire_put_u8(frame, (uint8_t)lane->fate);
    wire_put_u32(frame, lane->detail);
    wire_put_u32(frame, lane->cpu_ms);
    wire_put_u64(frame, bytes);
    wire_end(frame);
    if (wire_write(lane->ends->frames, frame->bytes, frame->used) != 0)
        return -1;
    return wire_write(lane->ends->frames, lane->spool.bytes, bytes);
}

/* A spool that one large document has grown is not kept for the small ones. */
static void reset_spool(struct spool *spool, uint64_t bytes_max)
{
    enum { KEPT_BYTES_MAX = 4 * 1024 * 1024 };

    if (spool->capacity > KEPT_BYTES_MAX) {
        free(spool->bytes);
        spool->bytes = NULL;
        spool->capacity = 0;
    }
    spool->used = spool->scanned = 0;
    spool->scan_done = false;
    spool->bytes_max = bytes_max;
}

/* One child, from its start to its end; -1 when the conductor is gone. */
static int run_child(struct lane *lane)
{
    reset_spool(&lane->spool, request_output_max(&lane->job.limits));
    lane->fate = WIRE_EXITED;
    lane->detail = lane->cpu_ms = 0;
    lane->cpu_ms_max = request_cpu_ms(&lane->job, 0);
    lane->started_ms = now_ms(CLOCK_MONOTONIC);
    if (fork_child(lane) != 0)
        return -1;
    int rc = watch_child(lane);
    reap_child(lane);
    return rc;
}

/* Did the child end while it looked at a page? Its last word says so. */
static bool died_looking(struct lane *lane)
{
    const struct spool *spool = &lane->spool;

    if (lane->fate == WIRE_EXITED || spool->used < WIRE_HEAD_BYTES)
        return false;
    wire_begin(&lane->frame, WIRE_LOOK);
    wire_end(&lane->frame);
    return memcmp(spool->bytes + spool->used - WIRE_HEAD_BYTES, lane->frame.bytes,
                  WIRE_HEAD_BYTES) == 0;
}

/* A look that fails must not cost a document its text: it is read once more, without,
 * and its outcome says so. */
static int lane_work(struct lane *lane)
{
    int rc = run_child(lane);
    uint32_t cpu_ms = lane->cpu_ms;

    if (rc == 0 && died_looking(lane)) {
        lane->job.ink = INGEST_INK_NEVER;
        lane->job.look_failed = true;
        rc = run_child(lane);
        lane->cpu_ms += cpu_ms;
    }
    return rc == 0 ? send_document(lane) : -1;
}
