/* emit - what a reader in the child says about its document, as frames. */
#ifndef INGEST_EMIT_H
#define INGEST_EMIT_H

#include "ingest/ingest.h"
#include "ingest/text.h"
#include "ingest/wire.h"

struct emit {
    int fd;
    const struct ingest_limits *limits;
    uint64_t text_bytes, extra_bytes; /* sent so far */
    uint32_t sections;
    uint64_t letters, marks, broken, letters_off_page; /* over all sections */
    char too_large[160]; /* why no more is taken; "" while it is */
    bool broken_pipe;
    size_t waiting_bytes;
    uint8_t waiting[2 * WIRE_FRAME_MAX];
    struct wire_frame frame;
};

void emit_open(struct emit *emit, int fd, const struct ingest_limits *limits);
/* Tells the lane at once, which sets the deadline by it. */
void emit_pages(struct emit *emit, uint64_t pages);
/* A page is about to be rendered, which may be the end of this process. */
void emit_look(struct emit *emit);
void emit_facts(struct emit *emit, int encrypted, int may_extract, int64_t pages);
/* NULL and empty values are not sent; the value is made one line of plain text. */
void emit_string(struct emit *emit, enum wire_string key, const char *value);
/* How many bytes of text the next section may have. */
size_t emit_text_room(const struct emit *emit);
/* False when a limit was passed: too_large says which, and the reader should stop. */
bool emit_section(struct emit *emit, enum ingest_kind kind, uint32_t number,
                  const char *label, const char *title, const struct text *text);
void emit_end(struct emit *emit, enum ingest_outcome outcome, const char *reason);

#endif
