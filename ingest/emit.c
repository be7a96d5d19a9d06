/* emit - what a reader in the child says about its document, as frames.
 *
 * Frames gather in a buffer and leave in few writes. The lane spools them, so a
 * write never waits for the conductor. Two totals are kept against the limits:
 * the text, and everything beside it (titles, labels, hidden ranges, attachments),
 * which has a fixed maximum of its own: a document cannot grow the spool by
 * having a million titles. */
#include "ingest/emit.h"

#include "ingest/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_BYTES_MAX = 256, STRING_BYTES_MAX = 4096 };

void emit_open(struct emit *emit, int fd, const struct ingest_limits *limits)
{
    memset(emit, 0, sizeof *emit);
    emit->fd = fd;
    emit->limits = limits;
}

static void flush(struct emit *emit)
{
    if (wire_write(emit->fd, emit->waiting, emit->waiting_bytes) != 0)
        emit->broken_pipe = true;
    emit->waiting_bytes = 0;
}

static void send_frame(struct emit *emit)
{
    wire_end(&emit->frame);
    if (emit->frame.used > sizeof emit->waiting - emit->waiting_bytes)
        flush(emit);
    memcpy(emit->waiting + emit->waiting_bytes, emit->frame.bytes, emit->frame.used);
    emit->waiting_bytes += emit->frame.used;
}

/* Count a frame that is not text; false when the document has sent too many. */
static bool send_extra(struct emit *emit)
{
    if (emit->extra_bytes + emit->frame.used > REQUEST_EXTRA_BYTES) {
        snprintf(emit->too_large, sizeof emit->too_large,
                 "titles, labels and hidden ranges exceed %d bytes",
                 REQUEST_EXTRA_BYTES);
        return false;
    }
    emit->extra_bytes += emit->frame.used;
    send_frame(emit);
    return true;
}

void emit_pages(struct emit *emit, uint64_t pages)
{
    wire_begin(&emit->frame, WIRE_PAGES);
    wire_put_u64(&emit->frame, pages);
    send_frame(emit);
    flush(emit);
}

void emit_look(struct emit *emit)
{
    wire_begin(&emit->frame, WIRE_LOOK);
    send_frame(emit);
    flush(emit);
}

void emit_facts(struct emit *emit, int encrypted, int may_extract, int64_t pages)
{
    wire_begin(&emit->frame, WIRE_FACTS);
    wire_put_u8(&emit->frame, (uint8_t)encrypted);
    wire_put_u8(&emit->frame, (uint8_t)may_extract);
    wire_put_u64(&emit->frame, (uint64_t)pages);
    send_frame(emit);
}

void emit_string(struct emit *emit, enum wire_string key, const char *value)
{
    char *line = value ? text_line(value, STRING_BYTES_MAX) : NULL;

    if (line && *line) {
        wire_begin(&emit->frame, WIRE_STRING);
        wire_put_u8(&emit->frame, (uint8_t)key);
        wire_put_bytes(&emit->frame, line, strlen(line));
        send_extra(emit);
    }
    free(line);
}

size_t emit_text_room(const struct emit *emit)
{
    return emit->limits->text_bytes_max - emit->text_bytes;
}

static bool send_head(struct emit *emit, enum ingest_kind kind, uint32_t number,
                      const char *label, const char *title)
{
    char *label_line = text_line(label, LABEL_BYTES_MAX);
    char *title_line = text_line(title, STRING_BYTES_MAX);
    bool sent = false;

    if (label_line && title_line) {
        wire_begin(&emit->frame, WIRE_SECTION);
        wire_put_u8(&emit->frame, (uint8_t)kind);
        wire_put_u32(&emit->frame, number);
        wire_put_u32(&emit->frame, (uint32_t)strlen(label_line));
        wire_put_bytes(&emit->frame, label_line, strlen(label_line));
        wire_put_bytes(&emit->frame, title_line, strlen(title_line));
        sent = send_extra(emit);
    }
    free(label_line);
    free(title_line);
    return sent;
}

static void send_text(struct emit *emit, const struct text *text)
{
    for (size_t sent = 0; sent < text->used;) {
        size_t count = text->used - sent;
        if (count > WIRE_PAYLOAD_MAX)
            count = WIRE_PAYLOAD_MAX;
        wire_begin(&emit->frame, WIRE_TEXT);
        wire_put_bytes(&emit->frame, text->bytes + sent, count);
        send_frame(emit);
        sent += count;
    }
    emit->text_bytes += text->used;
}

static bool send_hidden(struct emit *emit, const struct text *text)
{
    enum { RANGE_BYTES = 17 };

    for (size_t i = 0; i < text->hidden_count;) {
        wire_begin(&emit->frame, WIRE_HIDDEN);
        for (; i < text->hidden_count && wire_room(&emit->frame) >= RANGE_BYTES; i++) {
            wire_put_u64(&emit->frame, text->hidden[i].start);
            wire_put_u64(&emit->frame, text->hidden[i].end);
            wire_put_u8(&emit->frame, (uint8_t)text->hidden[i].why);
        }
        if (!send_extra(emit))
            return false;
    }
    return true;
}

static bool has_room(struct emit *emit, const struct text *text)
{
    if (text->no_memory)
        snprintf(emit->too_large, sizeof emit->too_large,
                 "reading needs more than %" PRIu64 " bytes of memory",
                 emit->limits->memory_bytes_max);
    else if (text->overflow || text->used > emit_text_room(emit))
        snprintf(emit->too_large, sizeof emit->too_large,
                 "the text exceeds the limit of %" PRIu64 " bytes",
                 emit->limits->text_bytes_max);
    else if (emit->sections >= REQUEST_SECTIONS_MAX)
        snprintf(emit->too_large, sizeof emit->too_large,
                 "the document has more than %d sections", REQUEST_SECTIONS_MAX);
    return emit->too_large[0] == '\0';
}

bool emit_section(struct emit *emit, enum ingest_kind kind, uint32_t number,
                  const char *label, const char *title, const struct text *text)
{
    if (!has_room(emit, text) || !send_head(emit, kind, number, label, title))
        return false;
    emit->sections++;
    emit->letters += text->letters;
    emit->marks += text->marks;
    emit->broken += text->broken;
    emit->letters_off_page += text->letters_off_page;
    send_text(emit, text);
    return send_hidden(emit, text) && !emit->broken_pipe;
}

void emit_end(struct emit *emit, enum ingest_outcome outcome, const char *reason)
{
    wire_begin(&emit->frame, WIRE_END);
    wire_put_u8(&emit->frame, (uint8_t)outcome);
    wire_put_bytes(&emit->frame, reason, strlen(reason));
    send_frame(emit);
    flush(emit);
}
