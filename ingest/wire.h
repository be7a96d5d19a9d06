/* wire - the frames that pass between the conductor, its lanes and their children. */
#ifndef INGEST_WIRE_H
#define INGEST_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WIRE_VERSION = 2,
    WIRE_HEAD_BYTES = 8,
    WIRE_PAYLOAD_MAX = 32 * 1024 - WIRE_HEAD_BYTES,
    WIRE_FRAME_MAX = WIRE_HEAD_BYTES + WIRE_PAYLOAD_MAX,
    WIRE_LIBRARIES_MAX = 160
};

enum wire_type {
    WIRE_HELLO = 1, /* lane: u32 version, u8 namespaces, u8 version of Landlock, ASCII
                     * that names its libraries */
    WIRE_JOB,       /* conductor: see request.c */
    WIRE_DONE,      /* lane: u8 fate, u32 detail, u32 cpu_ms, u64 bytes that follow */
    WIRE_PAGES,     /* child, first of all: u64 pages */
    WIRE_FACTS,     /* child: u8 encrypted, u8 may_extract (255: unknown), u64 pages */
    WIRE_STRING,    /* child: u8 key, UTF-8 */
    WIRE_SECTION,   /* child: u8 kind, u32 number, u32 label bytes, label, title */
    WIRE_TEXT,      /* child: UTF-8 of the section begun last */
    WIRE_HIDDEN,    /* child: n times u64 start, u64 end, u8 why */
    WIRE_LOOK,      /* child, without payload: from here until more comes it renders */
    WIRE_END        /* child, last of all: u8 outcome, reason */
};

enum wire_string {
    WIRE_MEDIA_TYPE,
    WIRE_DIALECT,
    WIRE_TITLE,
    WIRE_AUTHOR,
    WIRE_PRODUCER,
    WIRE_CREATED,
    WIRE_MODIFIED,
    WIRE_SINGLE_STRINGS, /* those above come at most once */
    WIRE_ATTACHMENT = WIRE_SINGLE_STRINGS,
    WIRE_STRINGS
};

enum wire_fate { /* how a child ended, as its lane saw it */
                 WIRE_EXITED,
                 WIRE_KILLED_CPU,  /* detail: the limit in ms */
                 WIRE_KILLED_WALL, /* detail: the limit in ms */
                 WIRE_OVERFLOWED,  /* more output than the limits allow */
                 WIRE_OUT_OF_MEMORY,
                 WIRE_DIED, /* detail: signal, or 256 + exit status */
                 WIRE_FATES
};

/* ---- writing: one frame at a time; too much sets overflow and is dropped -------- */

struct wire_frame {
    size_t used;
    bool overflow;
    uint8_t bytes[WIRE_FRAME_MAX];
};
void wire_begin(struct wire_frame *frame, enum wire_type type);
void wire_put_u8(struct wire_frame *frame, uint8_t value);
void wire_put_u32(struct wire_frame *frame, uint32_t value);
void wire_put_u64(struct wire_frame *frame, uint64_t value);
void wire_put_bytes(struct wire_frame *frame, const void *data, size_t count);
size_t wire_room(const struct wire_frame *frame);
/* Completes the frame: its first used bytes can be sent. */
void wire_end(struct wire_frame *frame);

/* Write everything; 0, or -1 with errno. */
int wire_write(int fd, const void *data, size_t count);

/* ---- reading: a cursor that knows its end; bad sticks ------------------------------
 */

struct wire_cursor {
    const uint8_t *at, *end;
    bool bad;
};
uint8_t wire_get_u8(struct wire_cursor *cursor);
uint32_t wire_get_u32(struct wire_cursor *cursor);
uint64_t wire_get_u64(struct wire_cursor *cursor);
const void *wire_get_bytes(struct wire_cursor *cursor, size_t count); /* NULL: bad */
size_t wire_left(const struct wire_cursor *cursor);

/* Take the next whole frame off stream: 1 and its type and payload, 0 when more
 * bytes are needed, -1 when these bytes can never become a frame. */
int wire_next(struct wire_cursor *stream, uint32_t *type, struct wire_cursor *payload);

#endif
