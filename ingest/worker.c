/* worker - the program cloister-parse, from its first instruction to its last.
 *
 *     cloister-parse COMMAND FRAMES MEMFD
 *
 * The three numbers are descriptors that the conductor left open across execve();
 * started by hand the program has nothing to do and says so by its exit status. It
 * prints nothing: its standard descriptors lead nowhere, for Poppler and libxml2
 * talk. Before it says that it is there it warms up and gives up its rights (lock.c),
 * for itself and for every child. Signals meant for the conductor, which share its
 * terminal or its service, do not end it: it leaves when the conductor's end of the
 * command pipe is gone. */
#include "ingest/book.h"
#include "ingest/charmaps.h"
#include "ingest/lane.h"
#include "ingest/reader.h"
#include "ingest/sandbox.h"
#include "ingest/wire.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <libxml/parser.h>
#include <unicode/uversion.h>

enum { EXIT_ARGUMENTS = 2, EXIT_CANNOT_START = 3 };

static int read_descriptor(const char *argument)
{
    char *end;
    long fd = strtol(argument, &end, 10);

    return *argument && *end == '\0' && fd > 2 && fd < 1 << 20 &&
                   fcntl((int)fd, F_SETFD, FD_CLOEXEC) == 0
               ? (int)fd
               : -1;
}

static int silence(void)
{
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (nowhere < 0)
        return -1;
    for (int fd = 0; fd <= 2; fd++)
        if (nowhere != fd && dup2(nowhere, fd) < 0)
            return -1;
    if (nowhere > 2)
        close(nowhere);
    return 0;
}

static int detach(void)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};

    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        if (signal(ignored[i], SIG_IGN) == SIG_ERR)
            return -1;
    setpgid(0, 0); /* fails only for a leader, which is as well */
    return prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static int say_hello(int fd, const struct ingest_hold *had)
{
    static struct wire_frame frame;
    char libraries[WIRE_LIBRARIES_MAX], icu[U_MAX_VERSION_STRING_LENGTH];
    UVersionInfo version;

    u_getVersion(version);
    u_versionToString(version, icu);
    snprintf(libraries, sizeof libraries, "poppler %s, libxml2 %s, icu %s",
             book_library(), xmlParserVersion, icu);
    wire_begin(&frame, WIRE_HELLO);
    wire_put_u32(&frame, WIRE_VERSION);
    wire_put_u8(&frame, had->namespaces);
    wire_put_u8(&frame, (uint8_t)had->landlock);
    wire_put_bytes(&frame, libraries, strlen(libraries));
    wire_end(&frame);
    return wire_write(fd, frame.bytes, frame.used);
}

int ingest_parse_main(int argc, char **argv)
{
    struct sandbox_filter *child;
    struct ingest_hold had;

    if (argc != 4)
        return EXIT_ARGUMENTS;
    struct lane_ends ends = {
        .command = read_descriptor(argv[1]),
        .frames = read_descriptor(argv[2]),
        .memfd = read_descriptor(argv[3]),
    };
    if (ends.command < 0 || ends.frames < 0 || ends.memfd < 0)
        return EXIT_ARGUMENTS;
    if (silence() != 0 || detach() != 0)
        return EXIT_CANNOT_START;
    reader_warm();
    charmaps_hold();
    if (lock_lane(&child, &had) != 0 || say_hello(ends.frames, &had) != 0)
        return EXIT_CANNOT_START;
    int status = lane_serve(&ends, child);
    sandbox_filter_free(child);
    return status;
}
