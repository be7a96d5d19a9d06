/* wire_fuzz - any bytes as the frames of a child, read by the conductor's eyes.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -I. -D_GNU_SOURCE \
 *         $(pkg-config --cflags icu-uc) tests/fuzz/wire_fuzz.c ingest/wire.c \
 *         ingest/document.c ingest/text.c ingest/request.c ingest/error.c \
 *         $(pkg-config --libs icu-uc) -o wire_fuzz
 *     mkdir -p corpus && ./wire_fuzz -max_total_time=60 corpus
 *
 * Beyond memory errors it holds what the pipeline rests on: text is plain UTF-8 that
 * ends in a line feed, hidden ranges ascend within it, sections ascend, strings are
 * never NULL where they may not be. A mutator keeps the input a chain of frames, so
 * that what comes after the framing is reached. Built with -DCANARY it carries a
 * planted overflow that a working fuzzer finds within a minute. */
#include "ingest/document.h"
#include "ingest/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed);

static void check_section(const struct ingest_section *section, uint32_t last)
{
    size_t end = 0;

    assert(section->number > last);
    assert(section->label && section->title && section->text);
    assert(strlen(section->text) <= section->text_bytes);
    assert(text_is_plain(section->text, section->text_bytes, true));
    assert(section->text_bytes == 0 || section->text[section->text_bytes - 1] == '\n');
    for (size_t i = 0; i < section->hidden_count; i++) {
        const struct ingest_hidden *hidden = &section->hidden[i];
        assert(hidden->start >= end && hidden->start < hidden->end);
        assert(hidden->end <= section->text_bytes && hidden->why);
        end = hidden->end;
    }
#ifdef CANARY
    if (section->hidden_count == 1 && section->text_bytes > 4)
        ((volatile char *)(uintptr_t)section->text)[1 << 20] = 'x';
#endif
}

static void check(const struct ingest_document *document)
{
    uint32_t last = 0;

    assert(document->reason && document->media_type && document->dialect);
    assert(document->outcome < INGEST_OUTCOMES);
    for (size_t i = 0; i < document->section_count; i++) {
        check_section(&document->section[i], last);
        last = document->section[i].number;
    }
    for (size_t i = 0; i < document->metadata.attachment_count; i++)
        assert(document->metadata.attachment[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ingest_limits limits = ingest_limits_default();
    struct wire_cursor stream = {.at = data, .end = data + size}, payload;
    struct builder *builder;
    uint32_t type;

    limits.text_bytes_max = 512;
    builder = builder_open(&limits);
    assert(builder);
    while (wire_next(&stream, &type, &payload) == 1)
        assert(builder_take(builder, type, payload) == 0);
    struct ingest_document *document = builder_finish(builder);
    assert(document);
    check(document);
    ingest_document_free(document);
    return 0;
}

/* ---- keep it a chain of frames ------------------------------------------------------
 */

static size_t put_head(uint8_t *to, uint32_t type, size_t bytes)
{
    memset(to, 0, WIRE_HEAD_BYTES);
    to[0] = (uint8_t)type;
    to[4] = (uint8_t)bytes;
    to[5] = (uint8_t)(bytes >> 8);
    return WIRE_HEAD_BYTES;
}

/* A frame that would be right at some place of a document, for the fuzzer to spoil. */
static size_t new_frame(uint8_t *to, unsigned seed)
{
    static const struct {
        uint8_t type, bytes;
        char payload[20];
    } frames[] = {
        {WIRE_SECTION, 11, "\0\1\0\0\0\1\0\0\0it"},
        {WIRE_TEXT, 6, "words\n"},
        {WIRE_HIDDEN, 17, "\0\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\1"},
        {WIRE_STRING, 3, "\2ab"},
        {WIRE_FACTS, 10, "\1\1\1"},
        {WIRE_END, 1, "\0"},
    };
    size_t i = seed % (sizeof frames / sizeof frames[0]);

    put_head(to, frames[i].type, frames[i].bytes);
    memcpy(to + WIRE_HEAD_BYTES, frames[i].payload, frames[i].bytes);
    return WIRE_HEAD_BYTES + frames[i].bytes;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed)
{
    enum { NEW_FRAME_MAX = 64 };
    struct wire_cursor stream = {.at = data, .end = data + size}, payload;
    uint8_t frame[NEW_FRAME_MAX];
    uint32_t type;
    size_t at = 0;

    if (seed % 4 == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    for (unsigned skip = seed >> 8 & 7; skip > 0; skip--)
        if (wire_next(&stream, &type, &payload) == 1)
            at = (size_t)(stream.at - data);
    if (seed % 4 == 1 && wire_next(&stream, &type, &payload) == 1) {
        LLVMFuzzerMutate(data + at + WIRE_HEAD_BYTES, wire_left(&payload),
                         wire_left(&payload));
        return size;
    }
    size_t bytes = new_frame(frame, seed >> 16);
    if (size + bytes > max_size)
        return size;
    memmove(data + at + bytes, data + at, size - at);
    memcpy(data + at, frame, bytes);
    return size + bytes;
}
