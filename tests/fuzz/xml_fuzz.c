/* xml_fuzz - any bytes as an XML document, from the prologue to the finished sections.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -I. -D_GNU_SOURCE \
 *         $(pkg-config --cflags libxml-2.0 icu-uc) tests/fuzz/xml_fuzz.c \
 *         ingest/{xml,dialect,text,emit,wire,document,request,error,open}.c \
 *         $(pkg-config --libs libxml-2.0 icu-uc) -o xml_fuzz
 *     mkdir -p corpus && ./xml_fuzz -dict=tests/fuzz/xml.dict -max_total_time=60 \
 *         -max_len=4096 corpus tests/data/ingest/xml
 *
 * Beyond memory errors it holds that our own frames never look hostile to the
 * conductor, that a document which is refused says why and leaves no section, and
 * that no text outgrows its limit. PDF is left out: a name for its reader is all
 * that open.c needs. A mutator puts pieces where elements end, so that what comes
 * after the parser of XML is reached. Built with -DCANARY it carries an overflow for
 * titles with an ampersand, which a working fuzzer finds within a minute. */
#include "ingest/document.h"
#include "ingest/reader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TEXT_BYTES_MAX = 2048 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed);

static void do_nothing(void)
{
}

const struct reader reader_pdf = {.media_type = "application/pdf", .warm = do_nothing};

static struct ingest_document *take_frames(int fd, const struct ingest_limits *limits)
{
    off_t bytes = lseek(fd, 0, SEEK_END);
    uint8_t *frames = malloc((size_t)bytes);
    struct builder *builder = builder_open(limits);
    struct wire_cursor stream = {.at = frames}, payload;
    uint32_t type;

    assert(frames && builder && pread(fd, frames, (size_t)bytes, 0) == bytes);
    stream.end = frames + bytes;
    while (wire_next(&stream, &type, &payload) == 1)
        assert(builder_take(builder, type, payload) == 0);
    assert(wire_left(&stream) == 0);
    free(frames);
    return builder_finish(builder);
}

static void check(const struct ingest_document *document)
{
    size_t text_bytes = 0;

    assert(document->outcome == INGEST_READ || document->outcome == INGEST_DAMAGED ||
           document->outcome == INGEST_TOO_LARGE ||
           document->outcome == INGEST_UNSUPPORTED);
    assert((document->outcome == INGEST_READ) == (document->reason[0] == '\0'));
    assert(document->outcome == INGEST_READ || document->section_count == 0);
    for (size_t i = 0; i < document->section_count; i++)
        text_bytes += document->section[i].text_bytes;
    assert(text_bytes <= TEXT_BYTES_MAX);
#ifdef CANARY
    for (size_t i = 0; i < document->section_count; i++)
        if (strchr(document->section[i].title, '&'))
            ((volatile char *)(uintptr_t)document->section[i].text)[1 << 20] = 'x';
#endif
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct emit emit;
    static bool warm;
    struct request_job job = {.limits = ingest_limits_default()};
    struct reader_source source = {.bytes = data, .count = size, .job = &job};
    struct reader_end end = {.outcome = INGEST_READ};
    int fd = memfd_create("frames", MFD_CLOEXEC);

    if (!warm)
        reader_xml.warm();
    warm = true;
    assert(fd >= 0);
    reader_find(data, size);
    job.limits.text_bytes_max = TEXT_BYTES_MAX;
    emit_open(&emit, fd, &job.limits);
    reader_xml.read(&source, &emit, &end);
    if (emit.too_large[0])
        reader_end_set(&end, INGEST_TOO_LARGE, "%s", emit.too_large);
    emit_end(&emit, end.outcome, end.reason);
    struct ingest_document *document = take_frames(fd, &job.limits);
    close(fd);
    assert(document);
    check(document);
    ingest_document_free(document);
    return 0;
}

/* ---- keep it well-formed ----------------------------------------------------------
 */

/* What may stand behind any tag. */
static const char *const pieces[] = {
    "&amp;",
    "&#x301;",
    "<![CDATA[<&]]>",
    "<!-- -->",
    "<b>b</b>",
    "<br/>",
    "<title>t</title>",
    "<p>words</p>",
    "<sec><title>t</title><p>p</p></sec>",
    "<section><num>1</num><heading>h</heading><content>c</content></section>",
    "<section xmlns='urn:hl7-org:v3'><title>t</title><text>w</text></section>",
    "<table><tr><td>1</td><td>2</td></tr></table>",
};

/* The place behind the first tag from at on; size when there is none. */
static size_t behind_tag(const uint8_t *data, size_t size, size_t at)
{
    const uint8_t *close = at < size ? memchr(data + at, '>', size - at) : NULL;
    return close ? (size_t)(close - data) + 1 : size;
}

static size_t insert(uint8_t *data, size_t size, size_t max_size, size_t at,
                     const void *piece, size_t bytes)
{
    if (bytes > max_size - size)
        return size;
    memmove(data + at + bytes, data + at, size - at);
    memcpy(data + at, piece, bytes);
    return size + bytes;
}

/* What stands between two tags, somewhere else once more: elements multiply. */
static size_t repeat(uint8_t *data, size_t size, size_t max_size, size_t at,
                     unsigned seed)
{
    size_t end = at;
    for (unsigned tags = 1 + seed % 8; tags > 0; tags--)
        end = behind_tag(data, size, end);
    size_t bytes = end - at;
    uint8_t *copy = malloc(bytes + 1);
    assert(copy);
    memcpy(copy, data + at, bytes);
    size =
        insert(data, size, max_size, behind_tag(data, size, seed % size), copy, bytes);
    free(copy);
    return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed)
{
    unsigned place = seed * 2654435761u >> 8;

    if (size == 0 || seed % 4 == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    size_t at = behind_tag(data, size, place % size);
    if (seed % 4 == 1)
        return repeat(data, size, max_size, at, place);
    const char *piece = pieces[seed / 4 % (sizeof pieces / sizeof pieces[0])];
    return insert(data, size, max_size, at, piece, strlen(piece));
}
