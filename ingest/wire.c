/* wire - frames of fixed maximum size, written and read without trust.
 *
 *     0        4              8
 *     +--------+--------------+---------------------------+
 *     | type   | payload size | payload, at most 32,760 B |     little-endian
 *     +--------+--------------+---------------------------+
 *
 * One document, as it comes back from a lane:
 *
 *     DONE  [PAGES] STRING* FACTS ( SECTION TEXT* HIDDEN* )* END
 *           '---- written by the child, spooled and counted by the lane ----'
 *
 * Nothing here knows what the frames mean; nothing here allocates. A reader never
 * looks behind the end of what it was given, and a frame that claims more than
 * the maximum is refused before a byte of it is taken. */
#include "ingest/wire.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void store_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

void wire_begin(struct wire_frame *frame, enum wire_type type)
{
    store_u32(frame->bytes, type);
    frame->used = WIRE_HEAD_BYTES;
    frame->overflow = false;
}

size_t wire_room(const struct wire_frame *frame)
{
    return WIRE_FRAME_MAX - frame->used;
}

void wire_put_bytes(struct wire_frame *frame, const void *data, size_t count)
{
    if (count > wire_room(frame)) {
        frame->overflow = true;
        return;
    }
    if (count > 0)
        memcpy(frame->bytes + frame->used, data, count);
    frame->used += count;
}

void wire_put_u8(struct wire_frame *frame, uint8_t value)
{
    wire_put_bytes(frame, &value, 1);
}

void wire_put_u32(struct wire_frame *frame, uint32_t value)
{
    uint8_t bytes[4];

    store_u32(bytes, value);
    wire_put_bytes(frame, bytes, sizeof bytes);
}

void wire_put_u64(struct wire_frame *frame, uint64_t value)
{
    uint8_t bytes[8];

    store_u32(bytes, (uint32_t)value);
    store_u32(bytes + 4, (uint32_t)(value >> 32));
    wire_put_bytes(frame, bytes, sizeof bytes);
}

void wire_end(struct wire_frame *frame)
{
    store_u32(frame->bytes + 4, (uint32_t)(frame->used - WIRE_HEAD_BYTES));
}

int wire_write(int fd, const void *data, size_t count)
{
    const uint8_t *at = data;

    while (count > 0) {
        ssize_t n = write(fd, at, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        at += n;
        count -= (size_t)n;
    }
    return 0;
}

size_t wire_left(const struct wire_cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

const void *wire_get_bytes(struct wire_cursor *cursor, size_t count)
{
    const uint8_t *at = cursor->at;

    if (cursor->bad || count > wire_left(cursor)) {
        cursor->bad = true;
        return NULL;
    }
    cursor->at += count;
    return at;
}

static uint64_t get_number(struct wire_cursor *cursor, size_t bytes)
{
    const uint8_t *from = wire_get_bytes(cursor, bytes);
    uint64_t value = 0;

    for (size_t i = bytes; from && i-- > 0;)
        value = value << 8 | from[i];
    return value;
}

uint8_t wire_get_u8(struct wire_cursor *cursor)
{
    return (uint8_t)get_number(cursor, 1);
}

uint32_t wire_get_u32(struct wire_cursor *cursor)
{
    return (uint32_t)get_number(cursor, 4);
}

uint64_t wire_get_u64(struct wire_cursor *cursor)
{
    return get_number(cursor, 8);
}

int wire_next(struct wire_cursor *stream, uint32_t *type, struct wire_cursor *payload)
{
    struct wire_cursor head = *stream;

    if (wire_left(stream) < WIRE_HEAD_BYTES)
        return 0;
    *type = wire_get_u32(&head);
    uint32_t bytes = wire_get_u32(&head);
    if (bytes > WIRE_PAYLOAD_MAX)
        return -1;
    if (bytes > wire_left(&head))
        return 0;
    *payload = (struct wire_cursor){.at = head.at, .end = head.at + bytes};
    stream->at = payload->end;
    return 1;
}
