/* text - the visible text of a document as one string, and the way back.
 *
 *     section 1  "Dear Ms. Hale,\nplease [white text]call me.\n"
 *     section 2  "Yours\n"
 *
 *     text       "Dear Ms. Hale,\nplease call me.\nYours\n"
 *     span       {1, 0, 0, 22} {1, 34, 22, 9} {2, 0, 31, 6}
 *
 * Hidden ranges are left out unless the policy takes them in or a picture shows what
 * they say. Nothing else is:
 * extracted bytes = hidden bytes left out + text bytes, always. */
#include "pipeline/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/utf8.h>

int pipeline_fail(struct pipeline_error *err, int status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof(err->text), format, args);
        va_end(args);
        err->status = status;
    }
    return status;
}

bool text_is_blank(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (text[i] != ' ' && text[i] != '\n' && text[i] != '\t')
            return false;
    return true;
}

/* ICU's macro narrows silently; the warning is about its inside. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
int32_t text_character(const char *text, size_t bytes, size_t *at)
{
    UChar32 c;
    const uint8_t *s = (const uint8_t *)text;
    U8_NEXT(s, *at, bytes, c);
    return c;
}
#pragma GCC diagnostic pop

static void span_add(struct pipeline_text *out, const struct ingest_section *section,
                     size_t start, size_t end, bool *gap)
{
    if (start == end)
        return;
    out->span[out->span_count++] = (struct pipeline_span){
        .section = section->number,
        .start = start,
        .at = out->text_bytes,
        .bytes = end - start,
        .gap = *gap,
    };
    *gap = false;
    memcpy(out->text + out->text_bytes, section->text + start, end - start);
    out->text_bytes += end - start;
}

/* A scan shows a reader what was recognised on it. */
static bool is_read(const struct ingest_hidden *range, enum policy_hidden hidden)
{
    return hidden == POLICY_HIDDEN_READ ||
           (hidden == POLICY_HIDDEN_LEAVE_OUT && range->shown);
}

static void section_add(struct pipeline_text *out, const struct ingest_section *section,
                        enum policy_hidden hidden, bool *gap)
{
    size_t from = 0;
    for (size_t i = 0; i < section->hidden_count; i++) {
        const struct ingest_hidden *range = &section->hidden[i];
        if (is_read(range, hidden))
            continue;
        span_add(out, section, from, range->start, gap);
        *gap = true;
        out->hidden_bytes += range->end - range->start;
        from = range->end;
    }
    span_add(out, section, from, section->text_bytes, gap);
    out->extracted_bytes += section->text_bytes;
}

int text_collect(struct pipeline_text *out, const struct ingest_document *document,
                 enum policy_hidden hidden, struct pipeline_error *err)
{
    size_t bytes = 0, spans = 0;
    for (size_t i = 0; i < document->section_count; i++) {
        bytes += document->section[i].text_bytes;
        spans += document->section[i].hidden_count + 1;
    }
    out->text = malloc(bytes + 1);
    out->span = calloc(spans + 1, sizeof(*out->span));
    if (!out->text || !out->span)
        return pipeline_fail(err, PIPELINE_ENOMEM, "no memory for %zu bytes of text",
                             bytes);
    bool gap = false;
    for (size_t i = 0; i < document->section_count; i++)
        section_add(out, &document->section[i], hidden, &gap);
    out->text[out->text_bytes] = '\0';
    return PIPELINE_OK;
}

static const struct pipeline_span *span_find(const struct pipeline_text *text,
                                             size_t at)
{
    size_t low = 0, high = text->span_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (text->span[middle].at <= at)
            low = middle;
        else
            high = middle;
    }
    return &text->span[low];
}

struct pipeline_range pipeline_range_of(const struct pipeline_text *text, size_t at,
                                        size_t bytes)
{
    const struct pipeline_span *first = span_find(text, at);
    const struct pipeline_span *last = span_find(text, at + bytes - 1);
    return (struct pipeline_range){
        .section = first->section,
        .start = first->start + (at - first->at),
        .end_section = last->section,
        .end = last->start + (at + bytes - last->at),
    };
}

static bool is_blank(const char *text, size_t bytes)
{
    while (bytes > 0 && (*text == ' ' || *text == '\n' || *text == '\t'))
        text++, bytes--;
    return bytes == 0;
}

const char *pipeline_all_hidden(const struct ingest_document *document,
                                enum policy_hidden hidden)
{
    bool is_left_out = false;
    for (size_t i = 0; i < document->section_count; i++) {
        const struct ingest_section *section = &document->section[i];
        size_t from = 0;
        for (size_t j = 0; j < section->hidden_count; j++) {
            if (is_read(&section->hidden[j], hidden))
                continue;
            if (!is_blank(section->text + from, section->hidden[j].start - from))
                return NULL;
            from = section->hidden[j].end;
            is_left_out = true;
        }
        if (!is_blank(section->text + from, section->text_bytes - from))
            return NULL;
    }
    return is_left_out && document->outcome == INGEST_READ
               ? "all of its text is hidden from a reader; the model is not asked"
               : NULL;
}
