/* parser - the conductor's side: lanes started, fed, listened to, ended.
 *
 *     conductor                                  lane (cloister-parse)
 *        command pipe  ----- JOB ------------------>
 *        memfd         ===== bytes of a document ===>  mapped by the child
 *        frames pipe   <---- DONE, frames ----------
 *
 * All lanes are started before the first document, for the conductor later gives up
 * the right to execute anything; a lane that dies is not replaced. Each inherits
 * three descriptors and knows their numbers from its arguments, and gets an empty
 * environment.
 *
 * A lane has one document at a time. What comes back is read as it arrives, frame by
 * frame, into a buffer that holds two frames at most; document.c judges it. */
#include "ingest/ingest.h"

#include "ingest/document.h"
#include "ingest/error.h"
#include "ingest/load.h"
#include "ingest/parser.h"
#include "ingest/request.h"
#include "ingest/sandbox.h"
#include "ingest/threads.h"
#include "ingest/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum lane_state { LANE_IDLE, LANE_LOADED, LANE_AT_WORK };
enum { INPUT_BYTES = 2 * WIRE_FRAME_MAX, PIPE_BYTES = 1024 * 1024 };

struct lane_link { /* the conductor's ends of one lane */
    pid_t pid;
    int command, frames, memfd;
    enum lane_state state;
    uint64_t document_bytes;
    size_t tag;
    struct builder *builder;
    bool done_seen; /* DONE has come; this many bytes of frames follow */
    uint64_t bytes_left;
    size_t input_used;
    uint8_t input[INPUT_BYTES];
};

struct ingest_parser {
    int lanes;
    char libraries[WIRE_LIBRARIES_MAX + 1];
    struct ingest_hold hold; /* of the lanes together */
    struct wire_frame frame;
    struct lane_link lane[];
};

/* ---- starting
 * ------------------------------------------------------------------------ */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* In the child of the fork: keep the three descriptors open and become the lane. */
static _Noreturn void become_lane(const char *program, int command, int frames,
                                  int memfd)
{
    char number[3][12];
    const int fd[3] = {command, frames, memfd};
    char *environment[] = {NULL};
    sigset_t none;

    for (int i = 0; i < 3; i++) {
        if (fcntl(fd[i], F_SETFD, 0) != 0)
            _exit(127);
        snprintf(number[i], sizeof number[i], "%d", fd[i]);
    }
    char *argv[] = {"cloister-parse", number[0], number[1], number[2], NULL};
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(program, argv, environment);
    _exit(127);
}

static int start_lane(struct lane_link *lane, const char *program,
                      struct ingest_error *err)
{
    int command[2] = {-1, -1}, frames[2] = {-1, -1};
    int rc = INGEST_EIO;

    lane->memfd = memfd_create("document", MFD_CLOEXEC);
    if (lane->memfd < 0 || pipe2(command, O_CLOEXEC) != 0 ||
        pipe2(frames, O_CLOEXEC) != 0 || (lane->pid = fork()) < 0) {
        error_set(err, INGEST_EIO, "cannot start a parser: %s", strerror(errno));
        goto out;
    }
    if (lane->pid == 0)
        become_lane(program, command[0], frames[1], lane->memfd);
    lane->command = command[1];
    lane->frames = frames[0];
    command[1] = frames[0] = -1;
    /* A document that fits the pipe leaves the lane free for the next one. */
    fcntl(lane->frames, F_SETPIPE_SZ, PIPE_BYTES);
    fcntl(lane->frames, F_SETFL, O_NONBLOCK);
    rc = 0;
out:
    close_fd(&command[0]);
    close_fd(&command[1]);
    close_fd(&frames[0]);
    close_fd(&frames[1]);
    return rc;
}

/* ---- reading what a lane sends
 * -------------------------------------------------------- */

static struct wire_cursor input_cursor(const struct lane_link *lane)
{
    return (struct wire_cursor){.at = lane->input,
                                .end = lane->input + lane->input_used};
}

static void input_consume(struct lane_link *lane, const struct wire_cursor *stream)
{
    size_t left = wire_left(stream);

    memmove(lane->input, stream->at, left);
    lane->input_used = left;
}

/* More bytes into the buffer: 1, 0 when none are there yet, INGEST_EPARSER at the
 * end. */
static int input_fill(struct lane_link *lane, struct ingest_error *err)
{
    size_t room = INPUT_BYTES - lane->input_used;
    ssize_t n = read(lane->frames, lane->input + lane->input_used, room);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0)
        return error_set(err, INGEST_EPARSER, "cloister-parse (process %ld) died",
                         (long)lane->pid);
    lane->input_used += (size_t)n;
    return 1;
}

static int spoke_nonsense(const struct lane_link *lane, struct ingest_error *err)
{
    return error_set(err, INGEST_EPARSER,
                     "cloister-parse (process %ld) does not keep to the frames of "
                     "version %d",
                     (long)lane->pid, WIRE_VERSION);
}

/* What a lane says of its libraries is shown to people and kept: letters, digits and
 * what stands between them. */
static bool take_libraries(struct wire_cursor *payload,
                           char out[WIRE_LIBRARIES_MAX + 1])
{
    size_t count = wire_left(payload);
    const char *text = wire_get_bytes(payload, count);

    if (!text || count > WIRE_LIBRARIES_MAX)
        return false;
    for (size_t i = 0; i < count; i++)
        if (text[i] < ' ' || text[i] > '~')
            return false;
    memcpy(out, text, count);
    out[count] = '\0';
    return true;
}

/* What one lane lacks, the lanes together lack. */
static void take_hold(struct wire_cursor *payload, struct ingest_hold *all)
{
    bool namespaces = wire_get_u8(payload);
    int landlock = wire_get_u8(payload);

    all->namespaces = all->namespaces && namespaces;
    all->landlock = landlock < all->landlock ? landlock : all->landlock;
}

static int wait_hello(struct lane_link *lane, const char *program,
                      struct ingest_parser *parser, struct ingest_error *err)
{
    struct wire_cursor stream = input_cursor(lane), payload;
    struct pollfd readable = {.fd = lane->frames, .events = POLLIN};
    uint32_t type;
    int rc;

    while ((rc = wire_next(&stream, &type, &payload)) == 0) {
        if (poll(&readable, 1, -1) < 0 && errno != EINTR)
            return error_set(err, INGEST_EIO, "poll: %s", strerror(errno));
        if (input_fill(lane, NULL) < 0)
            return error_set(err, INGEST_EPARSER, "%s did not start", program);
        stream = input_cursor(lane);
    }
    if (rc < 0 || type != WIRE_HELLO || wire_get_u32(&payload) != WIRE_VERSION)
        return spoke_nonsense(lane, err);
    take_hold(&payload, &parser->hold);
    if (!take_libraries(&payload, parser->libraries))
        return spoke_nonsense(lane, err);
    input_consume(lane, &stream);
    threads_count(lane->pid, threads_lists() + 1, &parser->hold);
    return 0;
}

int ingest_parser_open(struct ingest_parser **out,
                       const struct ingest_parser_options *options,
                       struct ingest_error *err)
{
    struct ingest_parser *parser;
    int rc = 0;

    *out = NULL;
    if (!options->program || options->lanes < 1 || options->lanes > INGEST_LANES_MAX)
        return error_set(err, INGEST_EINVALID,
                         "%d lanes asked for, 1 to %d are possible", options->lanes,
                         INGEST_LANES_MAX);
    parser =
        calloc(1, sizeof *parser + (size_t)options->lanes * sizeof parser->lane[0]);
    if (!parser)
        return error_set(err, INGEST_ENOMEM, "no memory for %d lanes", options->lanes);
    parser->lanes = options->lanes;
    parser->hold = (struct ingest_hold){.namespaces = true, .landlock = UINT8_MAX};
    for (int i = 0; i < parser->lanes; i++)
        parser->lane[i].command = parser->lane[i].frames = parser->lane[i].memfd = -1;
    for (int i = 0; rc == 0 && i < parser->lanes; i++)
        rc = start_lane(&parser->lane[i], options->program, err);
    for (int i = 0; rc == 0 && i < parser->lanes; i++)
        rc = wait_hello(&parser->lane[i], options->program, parser, err);
    if (rc == 0 && sandbox_enforced && parser->hold.held < parser->hold.threads)
        rc = error_set(err, INGEST_EPARSER, "%s keeps to no list of system calls",
                       options->program);
    if (rc != 0) {
        ingest_parser_close(parser);
        return rc;
    }
    *out = parser;
    return 0;
}

const char *ingest_libraries(const struct ingest_parser *parser)
{
    return parser->libraries;
}

void ingest_hold_lanes(const struct ingest_parser *parser, struct ingest_hold *out)
{
    *out = parser->hold;
}

/* A lane leaves when its command pipe ends; one that does not is ended. */
static void end_lane(struct lane_link *lane)
{
    close_fd(&lane->command);
    close_fd(&lane->frames);
    close_fd(&lane->memfd);
    builder_free(lane->builder);
    if (lane->pid <= 0)
        return;
    kill(lane->pid, SIGKILL);
    while (waitpid(lane->pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

void ingest_parser_close(struct ingest_parser *parser)
{
    if (!parser)
        return;
    for (int i = 0; i < parser->lanes; i++)
        end_lane(&parser->lane[i]);
    free(parser);
}

int parser_processes(const struct ingest_parser *parser, pid_t pid[INGEST_LANES_MAX])
{
    for (int i = 0; i < parser->lanes; i++)
        pid[i] = parser->lane[i].pid;
    return parser->lanes;
}

/* ---- giving work
 * ----------------------------------------------------------------------- */

int ingest_idle_lane(const struct ingest_parser *parser)
{
    for (int i = 0; i < parser->lanes; i++)
        if (parser->lane[i].state != LANE_AT_WORK)
            return i;
    return -1;
}

static struct lane_link *idle_lane(struct ingest_parser *parser, int lane,
                                   struct ingest_error *err)
{
    if (lane >= 0 && lane < parser->lanes && parser->lane[lane].state != LANE_AT_WORK)
        return &parser->lane[lane];
    error_set(err, INGEST_EINVALID, "lane %d of %d does not wait for work", lane,
              parser->lanes);
    return NULL;
}

int ingest_load(struct ingest_parser *parser, int lane, const char *path,
                uint64_t file_bytes_max,
                void (*bytes)(void *arg, const void *data, size_t count), void *arg,
                struct ingest_file *out, struct ingest_error *err)
{
    struct lane_link *link = idle_lane(parser, lane, err);

    if (!link)
        return INGEST_EINVALID;
    struct load_sink sink = {.memfd = link->memfd, .bytes = bytes, .arg = arg};
    link->state = LANE_IDLE;
    int rc = load_file(path, file_bytes_max, &sink, out, err);
    if (rc == 0 && out->outcome == INGEST_READ) {
        link->state = LANE_LOADED;
        link->document_bytes = out->bytes;
    }
    return rc;
}

int ingest_start(struct ingest_parser *parser, int lane,
                 const struct ingest_request *request, size_t tag,
                 struct ingest_error *err)
{
    struct lane_link *link = idle_lane(parser, lane, err);
    struct wire_frame *frame = &parser->frame;

    if (!link)
        return INGEST_EINVALID;
    if (link->state != LANE_LOADED)
        return error_set(err, INGEST_EINVALID, "lane %d holds no document", lane);
    int rc = request_encode(frame, request, link->document_bytes, err);
    if (rc != 0)
        return rc;
    link->builder = builder_open(&request->limits);
    if (!link->builder)
        return error_set(err, INGEST_ENOMEM, "no memory for a document");
    if (wire_write(link->command, frame->bytes, frame->used) != 0) {
        builder_free(link->builder);
        link->builder = NULL;
        return error_set(err, INGEST_EPARSER, "cloister-parse (process %ld) died",
                         (long)link->pid);
    }
    link->state = LANE_AT_WORK;
    link->tag = tag;
    link->done_seen = false;
    return 0;
}

/* ---- collecting
 * ------------------------------------------------------------------------ */

static int take_done(struct lane_link *lane, struct wire_cursor *payload,
                     struct ingest_error *err)
{
    uint8_t fate = wire_get_u8(payload);
    uint32_t detail = wire_get_u32(payload), cpu_ms = wire_get_u32(payload);

    lane->bytes_left = wire_get_u64(payload);
    if (payload->bad || fate >= WIRE_FATES)
        return spoke_nonsense(lane, err);
    builder_fate(lane->builder, fate, detail, cpu_ms);
    lane->done_seen = true;
    return 0;
}

/* The next frame that is whole, no further than the lane says its frames go: 1, 0,
 * or -1 when bytes remain that are none. */
static int next_frame(const struct lane_link *lane, struct wire_cursor *stream,
                      uint32_t *type, struct wire_cursor *payload)
{
    struct wire_cursor within = *stream;

    if (wire_left(&within) > lane->bytes_left)
        within.end = within.at + lane->bytes_left;
    int rc = wire_next(&within, type, payload);
    if (rc == 0 && wire_left(&within) == lane->bytes_left)
        return -1; /* all that will come is here, and is no frame */
    stream->at = within.at;
    return rc;
}

/* Drop what cannot be read as frames; the lane is sound, its child was not. */
static void skip_broken(struct lane_link *lane, struct wire_cursor *stream)
{
    size_t count = wire_left(stream);

    if (count > lane->bytes_left)
        count = lane->bytes_left;
    stream->at += count;
    lane->bytes_left -= count;
    builder_break(lane->builder, "bytes that are no frame");
}

static int take_frames(struct lane_link *lane, struct ingest_error *err)
{
    struct wire_cursor stream = input_cursor(lane), payload;
    uint32_t type;
    int rc = 0, found = 0;

    if (!lane->done_seen) {
        found = wire_next(&stream, &type, &payload);
        if (found < 0 || (found > 0 && type != WIRE_DONE))
            return spoke_nonsense(lane, err);
        if (found > 0)
            rc = take_done(lane, &payload, err);
    }
    while (rc == 0 && lane->done_seen && lane->bytes_left > 0) {
        const uint8_t *from = stream.at;
        found = next_frame(lane, &stream, &type, &payload);
        if (found == 0)
            break;
        if (found < 0) {
            skip_broken(lane, &stream);
            continue;
        }
        lane->bytes_left -= (uint64_t)(stream.at - from);
        if (builder_take(lane->builder, type, payload) != 0)
            rc = error_set(err, INGEST_ENOMEM, "no memory for the text of a document");
    }
    input_consume(lane, &stream);
    return rc;
}

static int hand_over(struct lane_link *lane, struct ingest_document **out, size_t *tag,
                     struct ingest_error *err)
{
    *out = builder_finish(lane->builder);
    *tag = lane->tag;
    lane->builder = NULL;
    lane->state = LANE_IDLE;
    return *out ? 0 : error_set(err, INGEST_ENOMEM, "no memory for a document");
}

/* Read from a lane that has something to say: 0 with a document, INGEST_NOTHING when
 * more is to come, or an error. */
static int listen_to(struct lane_link *lane, struct ingest_document **out, size_t *tag,
                     struct ingest_error *err)
{
    int rc = input_fill(lane, err);

    if (rc <= 0)
        return rc < 0 ? rc : INGEST_NOTHING;
    rc = take_frames(lane, err);
    if (rc != 0)
        return rc;
    return lane->done_seen && lane->bytes_left == 0 ? hand_over(lane, out, tag, err)
                                                    : INGEST_NOTHING;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* How long poll() may wait; negative for ever. */
static int poll_time(int timeout_ms, int64_t deadline)
{
    int64_t left;

    if (timeout_ms < 0)
        return -1;
    left = deadline - now_ms();
    return left > 0 ? (int)left : 0;
}

/* Let every busy lane be polled; returns how many there are. */
static int poll_busy(struct ingest_parser *parser, struct pollfd *fds)
{
    int busy = 0;

    for (int i = 0; i < parser->lanes; i++) {
        bool at_work = parser->lane[i].state == LANE_AT_WORK;
        fds[i] = (struct pollfd){.fd = at_work ? parser->lane[i].frames : -1,
                                 .events = POLLIN};
        busy += at_work;
    }
    return busy;
}

int ingest_collect(struct ingest_parser *parser, int timeout_ms,
                   struct ingest_document **out, size_t *tag, struct ingest_error *err)
{
    struct pollfd fds[INGEST_LANES_MAX];
    int64_t deadline = now_ms() + timeout_ms;

    *out = NULL;
    if (poll_busy(parser, fds) == 0)
        return error_set(err, INGEST_EINVALID, "no lane is at work");
    for (;;) {
        int ready = poll(fds, (nfds_t)parser->lanes, poll_time(timeout_ms, deadline));
        if (ready < 0 && errno != EINTR)
            return error_set(err, INGEST_EIO, "poll: %s", strerror(errno));
        for (int i = 0; ready > 0 && i < parser->lanes; i++) {
            int rc = fds[i].revents ? listen_to(&parser->lane[i], out, tag, err)
                                    : INGEST_NOTHING;
            if (rc != INGEST_NOTHING)
                return rc;
        }
        if (ready <= 0 && timeout_ms >= 0 && now_ms() >= deadline)
            return INGEST_NOTHING;
    }
}
