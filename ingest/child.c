/* child - the process that reads one document and ends with it.
 *
 *     memfd --map--> reader_pdf | reader_xml --> emit --frames--> out_fd
 *
 * It owns the document's bytes (mapped privately, read-only), one pipe, and limits
 * that the kernel keeps: address space, CPU seconds, no file may grow, no core, and the
 * list of system calls in sandbox.c: memory, the clock, and write() to that pipe. It
 * frees nothing on the way out: its end does that. Poppler would open a character
 * map of poppler-data for a CJK font without a map to Unicode; where Landlock can say
 * that it may open nothing else, it may.
 *
 * Memory that runs out ends in abort() somewhere in a library. The handler then
 * asks whether most of the address space was taken, since the difference between
 * too_large and crashed matters to whoever reads the list of what failed. abort() and
 * raise() signal with tgkill, which the list turns into SIGSYS: the same handler. */
#include "ingest/child.h"

#include "ingest/complaint.h"
#include "ingest/reader.h"
#include "ingest/sandbox.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SHADOW_MEMORY 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SHADOW_MEMORY 1
#endif
#endif
#ifdef SHADOW_MEMORY
static const bool limits_address_space = false; /* the sanitizer maps terabytes */
#else
static const bool limits_address_space = true;
#endif

enum { FILES_MAX = 16 };

static size_t memory_bytes_max; /* for the handler */

static void set_limit(enum __rlimit_resource resource, uint64_t value)
{
    struct rlimit limit = {.rlim_cur = value, .rlim_max = value};

    if (setrlimit(resource, &limit) != 0)
        _exit(CHILD_CANNOT_START);
}

static void end_by_abort(int signal_number)
{
    (void)signal_number;
    size_t most = memory_bytes_max / 4 * 3;

    if (limits_address_space &&
        mmap(NULL, most, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
        _exit(CHILD_OUT_OF_MEMORY);
    _exit(CHILD_ABORTED);
}

/* The map of the document comes on top of what the limit grants to parsing. */
static void set_limits(const struct request_job *job)
{
    const struct ingest_limits *limits = &job->limits;

    memory_bytes_max = limits->memory_bytes_max;
    if (limits_address_space)
        set_limit(RLIMIT_AS, limits->memory_bytes_max + job->document_bytes);
    set_limit(RLIMIT_CPU, (uint64_t)limits->cpu_seconds_max + 1);
    set_limit(RLIMIT_CORE, 0);
    set_limit(RLIMIT_FSIZE, 0);
    set_limit(RLIMIT_NOFILE, FILES_MAX);
    signal(SIGABRT, end_by_abort);
    signal(SIGTRAP, end_by_abort);
    signal(SIGSYS, end_by_abort);
}

static const uint8_t *map_document(const struct request_job *job, int memfd)
{
    struct stat st;
    void *map;

    if (fstat(memfd, &st) != 0 || (uint64_t)st.st_size != job->document_bytes)
        _exit(CHILD_CANNOT_START);
    if (job->document_bytes == 0)
        return (const uint8_t *)"";
    map = mmap(NULL, job->document_bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, memfd,
               0);
    if (map == MAP_FAILED)
        _exit(CHILD_CANNOT_START);
    close(memfd);
    return map;
}

/* Nothing stays open but the pipe, and it at the place that the list names. */
static void leave_descriptors(int out_fd)
{
    if (out_fd != SANDBOX_FRAMES_FD && dup2(out_fd, SANDBOX_FRAMES_FD) < 0)
        _exit(CHILD_CANNOT_START);
    if (close_range(0, SANDBOX_FRAMES_FD - 1, 0) != 0 ||
        close_range(SANDBOX_FRAMES_FD + 1, ~0u, 0) != 0)
        _exit(CHILD_CANNOT_START);
}

/* Text came, but not all: a reader that has said which pages failed has said enough. */
static void judge_loss(struct reader_end *end)
{
    if (end->outcome == INGEST_READ && complaint_loss())
        reader_end_set(end, INGEST_PARTIAL, "text may be missing: %s",
                       complaint_loss());
}

static void judge_silence(const struct emit *emit, struct reader_end *end)
{
    if (complaint_loss_of_maps())
        reader_end_set(end, INGEST_SUSPECT_TEXT, "not one letter was read: %s",
                       complaint_loss_of_maps());
    else if (complaint_loss())
        reader_end_set(end, INGEST_NO_TEXT, "there is not one letter in it: %s",
                       complaint_loss());
    else if (emit->letters_off_page > 0)
        reader_end_set(end, INGEST_NO_TEXT,
                       "there is not one letter on its pages, only beside them");
    else
        reader_end_set(end, INGEST_NO_TEXT, "there is not one letter in it");
}

/* What holds for every format, once the reader has done what it could. */
static void judge(const struct emit *emit, struct reader_end *end)
{
    bool read = end->outcome == INGEST_READ || end->outcome == INGEST_PARTIAL;

    if (emit->too_large[0])
        reader_end_set(end, INGEST_TOO_LARGE, "%s", emit->too_large);
    else if (read && emit->broken * 2 > emit->marks)
        reader_end_set(end, INGEST_SUSPECT_TEXT,
                       "%llu of %llu characters are no text: broken fonts, as a rule",
                       (unsigned long long)emit->broken,
                       (unsigned long long)emit->marks);
    else if (read && emit->letters == 0)
        judge_silence(emit, end);
    else if (read)
        judge_loss(end);
}

_Noreturn void child_run(const struct request_job *job, int memfd, int out_fd,
                         const struct sandbox_filter *filter)
{
    static struct emit emit; /* too large for a stack that one may wish to limit */
    struct reader_end end = {.outcome = INGEST_READ};

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
        _exit(CHILD_CANNOT_START);
    struct reader_source source = {
        .bytes = map_document(job, memfd),
        .count = job->document_bytes,
        .job = job,
    };
    set_limits(job);
    leave_descriptors(out_fd);
    if (sandbox_filter_install(filter) != 0)
        _exit(CHILD_CANNOT_START);
    emit_open(&emit, SANDBOX_FRAMES_FD, &job->limits);
    const struct reader *reader = reader_find(source.bytes, source.count);
    complaint_forget();
    if (reader) {
        emit_string(&emit, WIRE_MEDIA_TYPE, reader->media_type);
        reader->read(&source, &emit, &end);
        judge(&emit, &end);
    } else {
        reader_end_set(&end, INGEST_UNSUPPORTED, "it is neither PDF nor XML");
    }
    emit_end(&emit, end.outcome, end.reason);
    _exit(0);
}
