/* source - the bytes of a policy file, and what is refused before libxml2 sees them.
 *
 * No parser option stops the things that make XML dangerous or slow: a DOCTYPE,
 * tags with a hundred thousand attributes, deep nesting, a million elements. All
 * of them can be told from the bytes alone, in one pass over
 *
 *     text | <!-- comment --> | <![CDATA[ data ]]> | <?instruction?> | <tag a="..">
 *
 * The pass also notes the line of each start tag, which libxml2 forgets: it keeps
 * the line where the tag ends. Whatever is not well-formed ends the pass early;
 * libxml2 stops at the same place and says why. */
#include "policies/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scan {
    const char *at, *end;
    int line;
    int depth;
    struct policy_source *source;
    struct policy_error *err;
};

/* ---- reading ---- */

static int read_all(int fd, struct policy_source *out)
{
    while (out->count <= POLICY_FILE_BYTES_MAX) {
        ssize_t got = read(fd, out->bytes + out->count,
                           (size_t)POLICY_FILE_BYTES_MAX + 1 - out->count);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        out->count += (size_t)got;
    }
    return 0;
}

static int read_regular(int fd, struct policy_source *out, const char *path,
                        struct policy_error *err)
{
    struct policy_quote name = policy_quote_of(path);
    struct stat status;

    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return policy_fail(err, POLICY_EIO, 0,
                           "%s is not a file; name the policy's XML file", name.text);
    out->bytes = malloc((size_t)POLICY_FILE_BYTES_MAX + 1);
    if (!out->bytes)
        return policy_fail(err, POLICY_ENOMEM, 0, "out of memory");
    if (read_all(fd, out) != 0)
        return policy_fail(err, POLICY_EIO, 0, "%s cannot be read: %s", name.text,
                           strerror(errno));
    if (out->count > POLICY_FILE_BYTES_MAX)
        return policy_fail(
            err, POLICY_EINVALID, 0,
            "the file has more than %d bytes, the most a policy may have",
            POLICY_FILE_BYTES_MAX);
    return POLICY_OK;
}

int policy_source_read(struct policy_source *out, const char *path,
                       struct policy_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int status;

    *out = (struct policy_source){.path = path};
    if (fd < 0)
        return policy_fail(err, POLICY_EIO, 0, "%s cannot be opened: %s",
                           policy_quote_of(path).text, strerror(errno));
    status = read_regular(fd, out, path, err);
    close(fd);
    if (status != POLICY_OK)
        policy_source_free(out);
    return status;
}

void policy_source_free(struct policy_source *source)
{
    free(source->bytes);
    free(source->line);
    *source = (struct policy_source){0};
}

/* ---- scanning ---- */

static bool starts_with(const struct scan *scan, const char *word)
{
    size_t bytes = strlen(word);

    return (size_t)(scan->end - scan->at) >= bytes &&
           memcmp(scan->at, word, bytes) == 0;
}

static int count_lines(const char *from, const char *to)
{
    int lines = 0;

    while ((from = memchr(from, '\n', (size_t)(to - from))))
        lines++, from++;
    return lines;
}

static void advance_to(struct scan *scan, const char *to)
{
    scan->line += count_lines(scan->at, to);
    scan->at = to;
}

static void skip_past(struct scan *scan, const char *close)
{
    const char *found =
        memmem(scan->at, (size_t)(scan->end - scan->at), close, strlen(close));

    advance_to(scan, found ? found + strlen(close) : scan->end);
}

/* The place after the tag at scan->at; NULL when it is not well-formed. */
static const char *tag_end(const struct scan *scan)
{
    char quote = 0;

    for (const char *at = scan->at + 1; at < scan->end; at++) {
        if (*at == '<')
            return NULL;
        if (quote)
            quote = *at == quote ? 0 : quote;
        else if (*at == '"' || *at == '\'')
            quote = *at;
        else if (*at == '>')
            return at + 1;
    }
    return NULL;
}

static int note_element(struct scan *scan, bool empty)
{
    struct policy_source *source = scan->source;

    if (source->element_count == POLICY_ELEMENTS_MAX)
        return policy_fail(scan->err, POLICY_EINVALID, scan->line,
                           "this is element %d; a policy has at most %d",
                           POLICY_ELEMENTS_MAX + 1, POLICY_ELEMENTS_MAX);
    if (scan->depth == POLICY_DEPTH_MAX)
        return policy_fail(scan->err, POLICY_EINVALID, scan->line,
                           "an element inside %d others; a policy nests at most %d",
                           POLICY_DEPTH_MAX, POLICY_DEPTH_MAX);
    source->line[source->element_count++] = (uint32_t)scan->line;
    if (!empty)
        scan->depth++;
    return POLICY_OK;
}

static int scan_tag(struct scan *scan)
{
    const char *after = tag_end(scan);
    int status = POLICY_OK;

    if (!after) {
        scan->at = scan->end;
        return POLICY_OK;
    }
    if (scan->at[1] == '/')
        scan->depth--;
    else
        status = note_element(scan, after[-2] == '/');
    advance_to(scan, after);
    return status;
}

static int scan_markup(struct scan *scan)
{
    if (starts_with(scan, "<!--"))
        skip_past(scan, "-->");
    else if (starts_with(scan, "<![CDATA["))
        skip_past(scan, "]]>");
    else if (starts_with(scan, "<?"))
        skip_past(scan, "?>");
    else if (starts_with(scan, "<!"))
        return policy_fail(scan->err, POLICY_EINVALID, scan->line,
                           "a DOCTYPE or other declaration; a policy holds none, so "
                           "remove it and write characters as they are");
    else
        return scan_tag(scan);
    return POLICY_OK;
}

static int check_encoding(const struct policy_source *source, struct policy_error *err)
{
    size_t at = 0;

    while (at < source->count) {
        size_t step = policy_utf8_bytes(source->bytes + at, source->count - at);
        if (step == 0 || source->bytes[at] == '\0')
            return policy_fail(err, POLICY_EINVALID,
                               1 + count_lines(source->bytes, source->bytes + at),
                               "byte 0x%02X is not UTF-8 text; save the file in the "
                               "encoding UTF-8",
                               (unsigned char)source->bytes[at]);
        at += step;
    }
    return POLICY_OK;
}

/* Holds for any bytes, well-formed or not: libxml2 goes on reading after an error,
 * but no tag of its goes over a "<". */
static int check_stretches(const struct policy_source *source, struct policy_error *err)
{
    const char *at = source->bytes, *end = at + source->count;

    while (at < end) {
        const char *next = memchr(at + 1, '<', (size_t)(end - at - 1));
        next = next ? next : end;
        if (next - at > POLICY_STRETCH_BYTES_MAX)
            return policy_fail(err, POLICY_EINVALID, 1 + count_lines(source->bytes, at),
                               "%zu bytes from here to the next tag; at most %d are "
                               "allowed, so shorten or split what stands here",
                               (size_t)(next - at), POLICY_STRETCH_BYTES_MAX);
        at = next;
    }
    return POLICY_OK;
}

int policy_source_scan(struct policy_source *source, struct policy_error *err)
{
    struct scan scan = {
        source->bytes, source->bytes + source->count, 1, 0, source, err};
    int status = check_encoding(source, err);

    if (status == POLICY_OK)
        status = check_stretches(source, err);
    if (status != POLICY_OK)
        return status;
    source->line = malloc(POLICY_ELEMENTS_MAX * sizeof *source->line);
    if (!source->line)
        return policy_fail(err, POLICY_ENOMEM, 0, "out of memory");
    while (status == POLICY_OK && scan.at < scan.end) {
        const char *markup = memchr(scan.at, '<', (size_t)(scan.end - scan.at));
        advance_to(&scan, markup ? markup : scan.end);
        if (markup)
            status = scan_markup(&scan);
    }
    return status;
}
