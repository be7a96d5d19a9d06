/* ingest - turn a PDF or XML file into a sequence of plain-text sections.
 *
 *     struct ingest_parser *parser;
 *     ingest_parser_open(&parser, &options, &err);      starts cloister-parse
 *     int lane = ingest_idle_lane(parser);
 *     ingest_load(parser, lane, path, hash, &sha, &file);   bytes into the lane
 *     ingest_start(parser, lane, &request, tag, &err);      one child, this document
 *     ingest_collect(parser, -1, &document, &tag, &err);    the next one finished
 *     ...
 *     ingest_document_free(document);
 *     ingest_parser_close(parser);
 *
 * Documents are hostile: each is parsed by a child process of its own, forked by
 * the warm program cloister-parse, killed at its limits. A lane is one running
 * cloister-parse with one memfd that holds the bytes of one document and one
 * pipe that brings frames back; its children see the very bytes that the caller
 * hashed. What a document does ends in an outcome, never in an error of the
 * caller: errors here mean that parsing as such cannot go on.
 *
 * A lane that has died is told by an error code only where the caller ignores SIGPIPE,
 * which is the caller's business: do so before the first call. */
#ifndef INGEST_H
#define INGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Raised only when the text read of the same bytes can change by our doing; part of a
 * run's identity. */
enum { INGEST_VERSION = 3 };

/* What this build cannot do though results hang on it, as words for that identity. The
 * sealed build has no cairo to look for ink with: there INGEST_INK_NEVER is all. */
#ifdef CLOISTER_SEALED
#define INGEST_LACKS " ink=none"
#else
#define INGEST_LACKS ""
#endif

enum ingest_status {
    INGEST_OK = 0,
    INGEST_NOTHING = 1, /* nothing finished within the time given */
    INGEST_ENOMEM = -1,
    INGEST_EIO = -2,
    INGEST_EPARSER = -3, /* cloister-parse died or spoke nonsense */
    INGEST_EINVALID = -4
};

struct ingest_error {
    int status;
    char text[240];
};

enum ingest_outcome {                 /* how reading one document ended */
                      INGEST_READ,    /* "ok" */
                      INGEST_PARTIAL, /* some pages could not be read; the reason says
                                         which */
                      INGEST_NO_TEXT, /* pages, but not one letter: a scan, as a rule */
                      INGEST_SUSPECT_TEXT, /* text that does not read as text (broken
                                              font maps) */
                      INGEST_ENCRYPTED,
                      INGEST_OWNER_RESTRICTED, /* the owner forbids extraction and the
                                                  policy honours it */
                      INGEST_DAMAGED,
                      INGEST_NO_PAGES,
                      INGEST_TOO_LARGE,
                      INGEST_TIMEOUT,
                      INGEST_CRASHED,
                      INGEST_UNSUPPORTED, /* neither PDF nor XML */
                      INGEST_UNREADABLE,  /* rights, vanished, I/O error */
                      INGEST_NOT_A_FILE,  /* folder, device, FIFO, socket, dangling link
                                           */
                      INGEST_CHANGED,     /* size or time changed while it was read */
                      INGEST_OUTCOMES
};

/* ---- options and limits --------------------------------------------------------- */

struct ingest_limits { /* 0 is never "no limit"; defaults in ingest_limits_default */
    uint64_t file_bytes_max;   /* larger files end too_large without being read */
    uint64_t text_bytes_max;   /* UTF-8 text of one document, all sections */
    uint64_t memory_bytes_max; /* address space of the child */
    uint32_t pages_max;
    uint32_t cpu_seconds_min; /* the deadline: this ... */
    uint32_t cpu_ms_per_page; /* ... plus this much a page, once the count is known */
    uint32_t cpu_ms_per_mib;  /* ... plus this much a MiB of file */
    uint32_t cpu_seconds_max; /* ... never more; the wall limit is twice the result */
};
struct ingest_limits ingest_limits_default(void);

struct ingest_parser_options {
    const char *program; /* cloister-parse, as a path */
    int lanes;           /* documents parsed side by side, 1 .. INGEST_LANES_MAX */
};
enum { INGEST_LANES_MAX = 64 };

enum ingest_ink { /* see docs/decisions/ink-check.md */
                  INGEST_INK_NEVER,
                  INGEST_INK_SUSPICIOUS, /* pages whose program can hide letters */
                  INGEST_INK_ALWAYS
};

struct ingest_request { /* how to read; part of what decides a result */
    struct ingest_limits limits;
    bool honour_owner;           /* "no extract" by the owner ends owner_restricted */
    double tiny_points;          /* text set smaller than this is hidden, "tiny" */
    enum ingest_ink ink;         /* which PDF pages are looked at for hidden text */
    const char *const *password; /* candidates for encrypted PDFs, UTF-8 */
    size_t password_count;
};
struct ingest_request ingest_request_default(void);

/* ---- what comes back ----------------------------------------------------------------
 */

enum ingest_kind { INGEST_PAGE, INGEST_ELEMENT, INGEST_WHOLE };

struct ingest_hidden { /* half-open byte range of the section's text */
    size_t start, end;
    /* "tiny", "background", "invisible", "covered", "off_page"; or "ocr_layer", what
     * was recognised in the picture of a page: the picture shows it to a reader. */
    const char *why;
    bool shown; /* "ocr_layer" only */
};

struct ingest_section {
    enum ingest_kind kind;
    uint32_t number;   /* from 1, in document order */
    const char *label; /* page label as printed ("iv"); element name for XML; "" */
    const char *title; /* "" when there is none; in text it stands in its place */
    const char *text;  /* NFC UTF-8, NUL-terminated, ends in a line feed unless empty */
    size_t text_bytes; /* without the NUL */
    const struct ingest_hidden *hidden; /* ascending, disjoint */
    size_t hidden_count;
};

struct ingest_metadata { /* NULL or -1: the file or the library does not tell */
    const char *title, *author, *producer;
    const char *created, *modified; /* RFC 3339 UTC */
    int64_t pages;
    int encrypted;                 /* 1, 0, -1 */
    int may_extract;               /* 1, 0, -1 */
    const char *const *attachment; /* names */
    size_t attachment_count;
};

struct ingest_document { /* everything in it lives until ingest_document_free() */
    enum ingest_outcome outcome;
    const char *reason;     /* "" or one sentence; never text of the document */
    const char *media_type; /* "application/pdf", "application/xml", "" */
    const char *dialect;    /* "pdf", "ccda", "jats", "uslm", "akomantoso", "xml", "" */
    struct ingest_metadata metadata;
    const struct ingest_section *section;
    size_t section_count;
    uint32_t cpu_ms; /* what parsing took; a fact about the run */
};

const char *ingest_outcome_name(enum ingest_outcome outcome); /* "ok", "no_text", ... */
const char *ingest_kind_name(enum ingest_kind kind);          /* "page", ... */

/* ---- lanes
 * ------------------------------------------------------------------------------ */

struct ingest_parser;

/* Starts the lanes; call it before threads exist (it forks and executes). */
int ingest_parser_open(struct ingest_parser **out,
                       const struct ingest_parser_options *options,
                       struct ingest_error *err);
void ingest_parser_close(
    struct ingest_parser *parser); /* ends the lanes; NULL allowed */

/* "poppler 22.12.0, libxml2 2.9.14, icu 72.1": what the lanes read with, as they say;
 * lives as long as the parser. */
const char *ingest_libraries(const struct ingest_parser *parser);

int ingest_idle_lane(const struct ingest_parser *parser); /* -1: all are at work */

struct ingest_file {
    uint64_t bytes;
    int64_t modified_ns;         /* since 1970, UTC */
    enum ingest_outcome outcome; /* INGEST_READ, or why the bytes could not be had */
    char reason[200];
};

/* Open path without following it into devices, FIFOs or folders, copy its bytes
 * into the lane and show each piece to bytes() on the way. The outcome of what
 * the file system says is in out->outcome; the lane stays idle until
 * ingest_start(), and may be loaded again instead. */
int ingest_load(struct ingest_parser *parser, int lane, const char *path,
                uint64_t file_bytes_max,
                void (*bytes)(void *arg, const void *data, size_t count), void *arg,
                struct ingest_file *out, struct ingest_error *err);

/* Parse what the lane holds, once. request is copied. */
int ingest_start(struct ingest_parser *parser, int lane,
                 const struct ingest_request *request, size_t tag,
                 struct ingest_error *err);

/* Wait for any document to finish: timeout_ms < 0 for ever, 0 not at all. Returns
 * INGEST_NOTHING when none did, INGEST_EINVALID when none is at work. The lane is
 * idle afterwards. The caller owns *out. */
int ingest_collect(struct ingest_parser *parser, int timeout_ms,
                   struct ingest_document **out, size_t *tag, struct ingest_error *err);
void ingest_document_free(struct ingest_document *document); /* NULL is allowed */

/* ---- locking down: sandbox.c, landlock.c -------------------------------------------
 *
 * cloister-parse locks itself and its children down without being asked. The process
 * that works with what they send does it in two steps, since Landlock binds only the
 * thread that asks and those it starts afterwards:
 *
 *     ingest_confine(grants, count, &abi, &err)     before threads are started
 *     ingest_lock(parser, &err)                     once all are running
 */
struct ingest_grant { /* a file, or a folder with all below it */
    const char *path;
    bool write; /* also create, change and remove; reading only otherwise */
};

/* Open no more than what is granted from here on. *abi is the version of Landlock, 0
 * when the kernel has none: then nothing is confined, which is no error. */
int ingest_confine(const struct ingest_grant *grant, size_t count, int *abi,
                   struct ingest_error *err);

/* No socket, no program, no new process, no executable memory in any thread; the
 * parser's lanes may still be ended. Where the kernel has no seccomp: INGEST_EIO. */
int ingest_lock(const struct ingest_parser *parser, struct ingest_error *err);

/* What binds a process that runs: read back from the kernel thread by thread, but for
 * Landlock and namespaces, of which each process tells itself. */
struct ingest_hold {
    int threads, held; /* looked at; under a list of calls, without a way to rights */
    int landlock;      /* its version, 0: none binds */
    bool namespaces;   /* of its own, for users and the network */
};
void ingest_hold_self(struct ingest_hold *out);
/* All lanes together: has each what is told, when it said that it is there? */
void ingest_hold_lanes(const struct ingest_parser *parser, struct ingest_hold *out);

/* Does all that hold? Each forbidden call is tried in a process that has locked itself
 * down as its role does; call it before threads are started. */
struct ingest_probe {
    const char *probe, *role; /* "socket AF_INET"; "conductor", "lane", "child" */
    const char *answer;       /* "EPERM", "SIGSYS", ..., "none" when it was allowed */
    bool ok;
};
struct ingest_layers {
    size_t probes, failed;
    bool seccomp, namespaces;
    int landlock;   /* its version, 0 without */
    int interfaces; /* of the network that this process sees, lo included; -1 unknown */
};
int ingest_attest(void (*report)(void *arg, const struct ingest_probe *probe),
                  void *arg, struct ingest_layers *out,
                  struct ingest_error *err); /* report: NULL */

/* The whole life of the program cloister-parse; returns its exit status. */
int ingest_parse_main(int argc, char **argv);

#endif
