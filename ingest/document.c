/* document - the frames of one document, checked and made into what callers get.
 *
 * The frames come from a child that has read hostile bytes and may be theirs by now.
 * So nothing is believed: sizes, counts, keys, the order of frames, the encoding of
 * every text, that ranges lie in their text, ascend and keep apart. A document
 * whose frames are wrong in any way ends as `crashed`, with nothing kept of it.
 *
 *     SECTION  begins a section: label and title
 *     TEXT*    its text, piece by piece, gathered in builder.text
 *     HIDDEN*  ranges in it, gathered in builder.hidden
 *     SECTION | END   both are copied to the arena, and it is complete
 *
 * Everything of a document lives in one arena, a list of blocks, and goes with it. */
#include "ingest/document.h"

#include "ingest/request.h"
#include "ingest/text.h"

#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BLOCK_BYTES = 64 * 1024, REASON_BYTES_MAX = 240, ATTACHMENTS_MAX = 4096 };

struct block {
    struct block *next;
    size_t used, capacity;
    alignas(max_align_t) char bytes[];
};

struct whole { /* what the caller's pointer points into */
    struct ingest_document document;
    struct block *arena;
};

struct builder {
    struct whole *whole;
    struct ingest_limits limits;
    bool out_of_memory, broken, ended;
    uint64_t text_bytes, extra_bytes;
    struct ingest_section *section;
    size_t section_count, section_capacity;
    char *text; /* of the section begun last */
    size_t text_used, text_capacity;
    struct ingest_hidden *hidden;
    size_t hidden_used, hidden_capacity;
    const char **attachment;
    size_t attachment_count, attachment_capacity;
};

/* ---- memory -----------------------------------------------------------------------
 */

static void *arena_take(struct whole *whole, size_t count)
{
    size_t need = (count + alignof(max_align_t) - 1) / alignof(max_align_t) *
                  alignof(max_align_t);
    size_t capacity = need > ARENA_BLOCK_BYTES / 4 ? need : ARENA_BLOCK_BYTES;
    struct block *block = whole->arena;

    if (!block || block->capacity - block->used < need) {
        block = malloc(sizeof *block + capacity);
        if (!block)
            return NULL;
        *block = (struct block){.next = whole->arena, .capacity = capacity};
        whole->arena = block;
    }
    block->used += need;
    return block->bytes + block->used - need;
}

/* A copy of count bytes with a NUL behind them. */
static char *arena_copy(struct builder *builder, const void *bytes, size_t count)
{
    char *copy = arena_take(builder->whole, count + 1);

    if (!copy) {
        builder->out_of_memory = true;
        return NULL;
    }
    if (count > 0)
        memcpy(copy, bytes, count);
    copy[count] = '\0';
    return copy;
}

static bool grow(struct builder *builder, void *buffer, size_t *capacity, size_t needed,
                 size_t item_bytes)
{
    void **at = buffer;
    size_t more = *capacity ? *capacity : 64;

    if (needed <= *capacity)
        return true;
    while (more < needed)
        more *= 2;
    void *bytes = realloc(*at, more * item_bytes);
    if (!bytes) {
        builder->out_of_memory = true;
        return false;
    }
    *at = bytes;
    *capacity = more;
    return true;
}

struct builder *builder_open(const struct ingest_limits *limits)
{
    struct builder *builder = calloc(1, sizeof *builder);
    struct whole *whole = calloc(1, sizeof *whole);

    if (!builder || !whole) {
        free(builder);
        free(whole);
        return NULL;
    }
    whole->document = (struct ingest_document){
        .outcome = INGEST_CRASHED,
        .reason = "the parser ended without a word",
        .media_type = "",
        .dialect = "",
        .metadata = {.pages = -1, .encrypted = -1, .may_extract = -1},
    };
    builder->whole = whole;
    builder->limits = *limits;
    return builder;
}

void ingest_document_free(struct ingest_document *document)
{
    struct whole *whole = (struct whole *)document;

    if (!whole)
        return;
    for (struct block *block = whole->arena, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(whole);
}

static void free_buffers(struct builder *builder)
{
    free(builder->section);
    free(builder->text);
    free(builder->hidden);
    free(builder->attachment);
    free(builder);
}

void builder_free(struct builder *builder)
{
    if (!builder)
        return;
    ingest_document_free(&builder->whole->document);
    free_buffers(builder);
}

/* ---- verdicts ----------------------------------------------------------------------
 */

static void set_outcome(struct builder *builder, enum ingest_outcome outcome,
                        const char *reason)
{
    builder->whole->document.outcome = outcome;
    builder->whole->document.reason = arena_copy(builder, reason, strlen(reason));
    if (!builder->whole->document.reason)
        builder->whole->document.reason = "";
}

void builder_break(struct builder *builder, const char *why)
{
    char reason[REASON_BYTES_MAX];

    snprintf(reason, sizeof reason, "the parser sent nonsense: %s", why);
    builder->broken = true;
    set_outcome(builder, INGEST_CRASHED, reason);
}

void builder_fate(struct builder *builder, enum wire_fate fate, uint32_t detail,
                  uint32_t cpu_ms)
{
    enum ingest_outcome outcome = INGEST_CRASHED;
    char reason[REASON_BYTES_MAX];

    builder->whole->document.cpu_ms = cpu_ms;
    if (fate == WIRE_EXITED)
        return;
    switch (fate) {
    case WIRE_KILLED_CPU:
    case WIRE_KILLED_WALL:
        outcome = INGEST_TIMEOUT;
        snprintf(reason, sizeof reason, "stopped at its limit of %u ms of %s time",
                 detail, fate == WIRE_KILLED_CPU ? "CPU" : "wall");
        break;
    case WIRE_OVERFLOWED:
        outcome = INGEST_TOO_LARGE;
        snprintf(reason, sizeof reason, "the parser wrote more than the limits allow");
        break;
    case WIRE_OUT_OF_MEMORY:
        outcome = INGEST_TOO_LARGE;
        snprintf(reason, sizeof reason, "reading needs more than %llu bytes of memory",
                 (unsigned long long)builder->limits.memory_bytes_max);
        break;
    default:
        if (detail == SIGSYS)
            snprintf(reason, sizeof reason,
                     "the parser tried a forbidden system call and was ended");
        else
            snprintf(reason, sizeof reason, "the parser was ended by %s %u",
                     detail < 256 ? "signal" : "exit status",
                     detail < 256 ? detail : detail - 256);
    }
    builder->ended = true;
    set_outcome(builder, outcome, reason);
}

/* ---- frames
 * -------------------------------------------------------------------------- */

static const char *take_plain(struct builder *builder, const void *bytes, size_t count)
{
    if (count > 0 && !text_is_plain(bytes, count, false)) {
        builder_break(builder, "a string with control characters or broken UTF-8");
        return NULL;
    }
    return arena_copy(builder, bytes, count);
}

/* Copy what has gathered to the section begun last. */
static void close_section(struct builder *builder)
{
    size_t hidden_bytes = builder->hidden_used * sizeof *builder->hidden;

    if (builder->section_count == 0)
        return;
    struct ingest_section *section = &builder->section[builder->section_count - 1];
    if (builder->text_used > 0 &&
        !text_is_plain(builder->text, builder->text_used, true)) {
        builder_break(builder, "text with control characters or broken UTF-8");
        return;
    }
    if (builder->text_used > 0 && builder->text[builder->text_used - 1] != '\n') {
        builder_break(builder, "text that does not end in a line feed");
        return;
    }
    if (builder->hidden_used > 0 &&
        builder->hidden[builder->hidden_used - 1].end > builder->text_used) {
        builder_break(builder, "a hidden range behind the end of its text");
        return;
    }
    section->text = arena_copy(builder, builder->text, builder->text_used);
    section->text_bytes = builder->text_used;
    section->hidden = (const void *)arena_copy(builder, builder->hidden, hidden_bytes);
    section->hidden_count = builder->hidden_used;
    builder->text_used = builder->hidden_used = 0;
}

static void take_section(struct builder *builder, struct wire_cursor *payload)
{
    struct ingest_section section = {.kind = wire_get_u8(payload)};

    section.number = wire_get_u32(payload);
    uint32_t label_bytes = wire_get_u32(payload);
    const char *label = wire_get_bytes(payload, label_bytes);
    size_t title_bytes = wire_left(payload);
    const char *title = wire_get_bytes(payload, title_bytes);
    uint32_t last = builder->section_count
                        ? builder->section[builder->section_count - 1].number
                        : 0;

    if (payload->bad || section.kind > INGEST_WHOLE || section.number <= last ||
        builder->section_count >= REQUEST_SECTIONS_MAX) {
        builder_break(builder, "a section out of order");
        return;
    }
    section.label = take_plain(builder, label, label_bytes);
    section.title = take_plain(builder, title, title_bytes);
    if (section.label && section.title &&
        grow(builder, &builder->section, &builder->section_capacity,
             builder->section_count + 1, sizeof section))
        builder->section[builder->section_count++] = section;
}

static void take_text(struct builder *builder, const struct wire_cursor *payload)
{
    size_t count = wire_left(payload);

    builder->text_bytes += count;
    if (builder->section_count == 0 ||
        builder->text_bytes > builder->limits.text_bytes_max) {
        builder_break(builder, "text without a section, or more than was allowed");
        return;
    }
    if (count == 0 || !grow(builder, &builder->text, &builder->text_capacity,
                            builder->text_used + count, 1))
        return;
    memcpy(builder->text + builder->text_used, payload->at, count);
    builder->text_used += count;
}

static void take_range(struct builder *builder, struct wire_cursor *payload)
{
    static const char *const why[TEXT_WHYS] = {
        [TEXT_TINY] = "tiny",           [TEXT_BACKGROUND] = "background",
        [TEXT_INVISIBLE] = "invisible", [TEXT_COVERED] = "covered",
        [TEXT_OFF_PAGE] = "off_page",   [TEXT_OCR_LAYER] = "ocr_layer"};
    uint64_t start = wire_get_u64(payload), end = wire_get_u64(payload);
    uint8_t reason = wire_get_u8(payload);
    uint64_t last =
        builder->hidden_used ? builder->hidden[builder->hidden_used - 1].end : 0;

    if (payload->bad || start < last || end <= start || reason >= TEXT_WHYS ||
        !why[reason]) {
        builder_break(builder, "hidden ranges that do not ascend");
        return;
    }
    if (grow(builder, &builder->hidden, &builder->hidden_capacity,
             builder->hidden_used + 1, sizeof *builder->hidden))
        builder->hidden[builder->hidden_used++] = (struct ingest_hidden){
            .start = start,
            .end = end,
            .why = why[reason],
            .shown = reason == TEXT_OCR_LAYER,
        };
}

static void take_hidden(struct builder *builder, struct wire_cursor *payload)
{
    if (builder->section_count == 0)
        builder_break(builder, "a hidden range without a section");
    while (!builder->broken && !builder->out_of_memory && wire_left(payload) > 0)
        take_range(builder, payload);
}

static void take_attachment(struct builder *builder, const char *name)
{
    if (builder->attachment_count >= ATTACHMENTS_MAX)
        return; /* names only; who has four thousand has made the point */
    if (grow(builder, &builder->attachment, &builder->attachment_capacity,
             builder->attachment_count + 1, sizeof *builder->attachment))
        builder->attachment[builder->attachment_count++] = name;
}

static void take_string(struct builder *builder, struct wire_cursor *payload)
{
    struct ingest_document *document = &builder->whole->document;
    const char **const place[WIRE_SINGLE_STRINGS] = {
        [WIRE_MEDIA_TYPE] = &document->media_type,
        [WIRE_DIALECT] = &document->dialect,
        [WIRE_TITLE] = &document->metadata.title,
        [WIRE_AUTHOR] = &document->metadata.author,
        [WIRE_PRODUCER] = &document->metadata.producer,
        [WIRE_CREATED] = &document->metadata.created,
        [WIRE_MODIFIED] = &document->metadata.modified,
    };
    uint8_t key = wire_get_u8(payload);

    if (payload->bad || key >= WIRE_STRINGS) {
        builder_break(builder, "a string with an unknown key");
        return;
    }
    if (key < WIRE_SINGLE_STRINGS && *place[key] && **place[key]) {
        builder_break(builder, "a string that comes twice");
        return;
    }
    const char *value = take_plain(builder, payload->at, wire_left(payload));
    if (value && key == WIRE_ATTACHMENT)
        take_attachment(builder, value);
    else if (value)
        *place[key] = value;
}

static int truth(uint8_t value)
{
    return value > 1 ? -1 : value;
}

static void take_facts(struct builder *builder, struct wire_cursor *payload)
{
    struct ingest_metadata *metadata = &builder->whole->document.metadata;

    metadata->encrypted = truth(wire_get_u8(payload));
    metadata->may_extract = truth(wire_get_u8(payload));
    uint64_t pages = wire_get_u64(payload);
    metadata->pages = pages <= UINT32_MAX ? (int64_t)pages : -1;
    if (payload->bad)
        builder_break(builder, "facts cut short");
}

static void take_end(struct builder *builder, struct wire_cursor *payload)
{
    uint8_t outcome = wire_get_u8(payload);
    size_t count = wire_left(payload);
    const char *reason = wire_get_bytes(payload, count);

    close_section(builder);
    if (builder->broken)
        return;
    if (payload->bad || outcome >= INGEST_OUTCOMES || count > REASON_BYTES_MAX) {
        builder_break(builder, "an unknown outcome");
        return;
    }
    const char *plain = take_plain(builder, reason, count);
    if (!plain)
        return;
    builder->ended = true;
    builder->whole->document.reason = plain;
    builder->whole->document.outcome = outcome;
}

int builder_take(struct builder *builder, uint32_t type, struct wire_cursor payload)
{
    if (builder->broken)
        return 0;
    builder->extra_bytes += type == WIRE_TEXT ? 0 : wire_left(&payload);
    if (builder->ended || builder->extra_bytes > 2 * (uint64_t)REQUEST_EXTRA_BYTES) {
        builder_break(builder, "more than the frames of a document");
        return 0;
    }
    if (type == WIRE_SECTION)
        close_section(builder);
    if (builder->broken)
        return 0;
    switch (type) {
    case WIRE_PAGES:
    case WIRE_LOOK:
        break; /* they were for the lane */
    case WIRE_FACTS:
        take_facts(builder, &payload);
        break;
    case WIRE_STRING:
        take_string(builder, &payload);
        break;
    case WIRE_SECTION:
        take_section(builder, &payload);
        break;
    case WIRE_TEXT:
        take_text(builder, &payload);
        break;
    case WIRE_HIDDEN:
        take_hidden(builder, &payload);
        break;
    case WIRE_END:
        take_end(builder, &payload);
        break;
    default:
        builder_break(builder, "a frame of unknown type");
    }
    return builder->out_of_memory ? INGEST_ENOMEM : 0;
}

/* ---- the end
 * --------------------------------------------------------------------------
 */

static bool keeps_sections(enum ingest_outcome outcome)
{
    return outcome == INGEST_READ || outcome == INGEST_PARTIAL ||
           outcome == INGEST_NO_TEXT || outcome == INGEST_SUSPECT_TEXT;
}

struct ingest_document *builder_finish(struct builder *builder)
{
    struct ingest_document *document = &builder->whole->document;
    size_t names = builder->attachment_count * sizeof *builder->attachment;
    size_t sections = builder->section_count * sizeof *builder->section;

    if (!builder->ended && !builder->broken)
        set_outcome(builder, INGEST_CRASHED, "the parser ended without a word");
    if (names > 0 && (document->metadata.attachment = (const void *)arena_copy(
                          builder, builder->attachment, names)))
        document->metadata.attachment_count = builder->attachment_count;
    if (keeps_sections(document->outcome) && sections > 0 &&
        (document->section =
             (const void *)arena_copy(builder, builder->section, sections)))
        document->section_count = builder->section_count;
    if (builder->out_of_memory) {
        builder_free(builder);
        return NULL;
    }
    free_buffers(builder);
    return document;
}

/* ---- names
 * ---------------------------------------------------------------------------- */

const char *ingest_outcome_name(enum ingest_outcome outcome)
{
    static const char *const name[INGEST_OUTCOMES] = {
        [INGEST_READ] = "ok",
        [INGEST_PARTIAL] = "partial",
        [INGEST_NO_TEXT] = "no_text",
        [INGEST_SUSPECT_TEXT] = "suspect_text",
        [INGEST_ENCRYPTED] = "encrypted",
        [INGEST_OWNER_RESTRICTED] = "owner_restricted",
        [INGEST_DAMAGED] = "damaged",
        [INGEST_NO_PAGES] = "no_pages",
        [INGEST_TOO_LARGE] = "too_large",
        [INGEST_TIMEOUT] = "timeout",
        [INGEST_CRASHED] = "crashed",
        [INGEST_UNSUPPORTED] = "unsupported",
        [INGEST_UNREADABLE] = "unreadable",
        [INGEST_NOT_A_FILE] = "not_a_file",
        [INGEST_CHANGED] = "changed",
    };

    return outcome < INGEST_OUTCOMES ? name[outcome] : "";
}

const char *ingest_kind_name(enum ingest_kind kind)
{
    static const char *const name[] = {
        [INGEST_PAGE] = "page", [INGEST_ELEMENT] = "element", [INGEST_WHOLE] = "whole"};

    return kind <= INGEST_WHOLE ? name[kind] : "";
}
