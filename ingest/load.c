/* load - the bytes of a file, or in one word why they could not be had.
 *
 * A path names anything: a FIFO that nobody writes to, a terminal, a tape, a link in
 * a circle. It is opened without waiting and looked at before a byte is read; only
 * regular files are. The size and the time of change must be the same before and
 * after, and as many bytes must come as the size says: otherwise somebody is still
 * writing, and what was hashed is no document. */
#include "ingest/load.h"

#include "ingest/error.h"
#include "ingest/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_BYTES = 256 * 1024 };

static void refuse(struct ingest_file *out, enum ingest_outcome outcome,
                   const char *format, ...) __attribute__((format(printf, 3, 4)));
static void refuse(struct ingest_file *out, enum ingest_outcome outcome,
                   const char *format, ...)
{
    va_list args;

    out->outcome = outcome;
    va_start(args, format);
    vsnprintf(out->reason, sizeof out->reason, format, args);
    va_end(args);
}

static int64_t modified_ns(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static bool is_dangling(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

/* open() failed with error: is there something that is not a file, or nothing? */
static void refuse_open(struct ingest_file *out, const char *path, int error)
{
    if (error == ELOOP)
        refuse(out, INGEST_NOT_A_FILE, "it is a link that leads in a circle");
    else if (error == ENXIO || error == ENODEV)
        refuse(out, INGEST_NOT_A_FILE, "it is a socket, FIFO or device");
    else if (error == ENOENT && is_dangling(path))
        refuse(out, INGEST_NOT_A_FILE, "it is a link that leads nowhere");
    else
        refuse(out, INGEST_UNREADABLE, "it cannot be opened: %s", strerror(error));
}

/* What path names is no regular file: say what it is. A folder comes here when it is
 * behind a link, or when whoever walks the folders could not list it. */
static void refuse_kind(struct ingest_file *out, const char *path, mode_t mode)
{
    if (S_ISDIR(mode) && access(path, R_OK | X_OK) != 0)
        refuse(out, INGEST_UNREADABLE, "it is a folder that cannot be listed: %s",
               strerror(errno));
    else
        refuse(out, INGEST_NOT_A_FILE, "it is a %s, not a regular file",
               S_ISDIR(mode)    ? "folder"
               : S_ISFIFO(mode) ? "FIFO"
               : S_ISSOCK(mode) ? "socket"
                                : "device");
}

/* Open what path names if it is a regular file; -1 and the outcome otherwise. The
 * first look, without opening, spares devices that act upon being opened. */
static int open_file(const char *path, struct stat *st, struct ingest_file *out)
{
    int fd = -1;

    if (stat(path, st) == 0 && !S_ISREG(st->st_mode)) {
        refuse_kind(out, path, st->st_mode);
        return -1;
    }
    fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        refuse_open(out, path, errno);
        return -1;
    }
    if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
        return fd;
    refuse_kind(out, path, st->st_mode); /* it was replaced since the first look */
    close(fd);
    return -1;
}

static int store(int memfd, const void *data, size_t count, struct ingest_error *err)
{
    if (wire_write(memfd, data, count) != 0)
        return error_set(err, INGEST_EIO, "cannot hold the bytes of a document: %s",
                         strerror(errno));
    return 0;
}

static int copy_bytes(int fd, uint64_t expected, const struct load_sink *sink,
                      struct ingest_file *out, struct ingest_error *err)
{
    static char piece[PIECE_BYTES];
    uint64_t total = 0;

    for (;;) {
        ssize_t n = read(fd, piece, sizeof piece);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            refuse(out, INGEST_UNREADABLE, "reading it failed: %s", strerror(errno));
            return 0;
        }
        total += (uint64_t)n;
        if (n == 0 || total > expected)
            break;
        if (sink->bytes)
            sink->bytes(sink->arg, piece, (size_t)n);
        int rc = store(sink->memfd, piece, (size_t)n, err);
        if (rc != 0)
            return rc;
    }
    if (total != expected)
        refuse(out, INGEST_CHANGED, "its size changed while it was read");
    return 0;
}

/* The pages of the memfd are written over rather than given back and taken anew. */
static int load_open_file(int fd, const struct stat *before,
                          const struct load_sink *sink, struct ingest_file *out,
                          struct ingest_error *err)
{
    struct stat after;

    if (lseek(sink->memfd, 0, SEEK_SET) != 0)
        return error_set(err, INGEST_EIO, "cannot hold the bytes of a document: %s",
                         strerror(errno));
    int rc = copy_bytes(fd, (uint64_t)before->st_size, sink, out, err);
    if (rc != 0 || out->outcome != INGEST_READ)
        return rc;
    if (ftruncate(sink->memfd, before->st_size) != 0)
        return error_set(err, INGEST_EIO, "cannot hold the bytes of a document: %s",
                         strerror(errno));
    if (fstat(fd, &after) != 0 || after.st_size != before->st_size ||
        modified_ns(&after) != modified_ns(before))
        refuse(out, INGEST_CHANGED, "it was changed while it was read");
    return 0;
}

int load_file(const char *path, uint64_t file_bytes_max, const struct load_sink *sink,
              struct ingest_file *out, struct ingest_error *err)
{
    struct stat st;
    int rc = 0;

    *out = (struct ingest_file){.outcome = INGEST_READ};
    int fd = open_file(path, &st, out);
    if (fd < 0)
        return 0;
    out->bytes = (uint64_t)st.st_size;
    out->modified_ns = modified_ns(&st);
    if (st.st_size == 0)
        refuse(out, INGEST_DAMAGED, "the file is empty");
    else if ((uint64_t)st.st_size > file_bytes_max)
        refuse(out, INGEST_TOO_LARGE,
               "it has %" PRIu64 " bytes, at most %" PRIu64 " are read", out->bytes,
               file_bytes_max);
    else
        rc = load_open_file(fd, &st, sink, out, err);
    close(fd);
    return rc;
}
