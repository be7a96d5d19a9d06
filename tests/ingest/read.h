/* read - a reader run within the test, its frames taken by a builder: what a child and
 * the conductor do, without processes between them. */
#ifndef TESTS_INGEST_READ_H
#define TESTS_INGEST_READ_H

#include "ingest/document.h"
#include "ingest/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* The frames in the file behind fd, as a document. */
static inline struct ingest_document *read_frames(int fd,
                                                  const struct ingest_limits *limits)
{
    size_t bytes = (size_t)lseek(fd, 0, SEEK_END);
    struct builder *builder = builder_open(limits);
    void *map = bytes ? mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    struct wire_cursor stream = {.at = map}, payload;
    uint32_t type;

    assert_non_null(builder);
    stream.end = stream.at + bytes;
    while (bytes && wire_next(&stream, &type, &payload) == 1)
        assert_int_equal(builder_take(builder, type, payload), 0);
    assert_int_equal(wire_left(&stream), 0);
    if (map)
        munmap(map, bytes);
    close(fd);
    struct ingest_document *document = builder_finish(builder);
    assert_non_null(document);
    return document;
}

static inline struct request_job read_job_default(void)
{
    return (struct request_job){.limits = ingest_limits_default(), .tiny_points = 2};
}

static inline struct ingest_document *read_with(const struct request_job *job,
                                                const void *bytes, size_t count)
{
    static struct emit emit;
    struct reader_source source = {.bytes = bytes, .count = count, .job = job};
    struct reader_end end = {.outcome = INGEST_READ};
    int fd = memfd_create("frames", MFD_CLOEXEC);

    assert_true(fd >= 0);
    emit_open(&emit, fd, &job->limits);
    const struct reader *reader = reader_find(bytes, count);
    assert_non_null(reader);
    reader->read(&source, &emit, &end);
    if (emit.too_large[0])
        reader_end_set(&end, INGEST_TOO_LARGE, "%s", emit.too_large);
    emit_end(&emit, end.outcome, end.reason);
    return read_frames(fd, &job->limits);
}

static inline struct ingest_document *read_bytes(const void *bytes, size_t count)
{
    struct request_job job = read_job_default();

    return read_with(&job, bytes, count);
}

static inline struct ingest_document *read_string(const char *content)
{
    return read_bytes(content, strlen(content));
}

static inline void expect_section(const struct ingest_document *document, size_t index,
                                  const char *label, const char *title,
                                  const char *text)
{
    assert_true(index < document->section_count);
    assert_string_equal(document->section[index].label, label);
    assert_string_equal(document->section[index].title, title);
    assert_string_equal(document->section[index].text, text);
}

#endif
