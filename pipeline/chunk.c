/* chunk - cut a document's text into pieces that fit the model.
 *
 * Sentences are packed in order, as many as fit. A sentence that alone is longer
 * than a chunk is cut at white space, or between characters where there is none;
 * nothing else is ever cut, and nothing is left out: sentences cover the text,
 * chunks cover the sentences, and the sum of their bytes is kept and compared.
 * A gap left by hidden text ends a chunk, because a chunk's words must be exactly
 * the bytes of its range. */
#include "pipeline/internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    PIECE_BYTES_PER_TOKEN = 64 /* no piece is longer than this times its tokens */
};

struct cutter {
    const struct infer_model *model;
    struct pipeline_text *text;
    struct infer_tokens ids;
    uint32_t special; /* tokens the model adds around a text */
    uint32_t room;    /* tokens of a chunk without these */
    size_t sentence_capacity, chunk_capacity;
    struct pipeline_error *err;
};

static int tokens_count(struct cutter *cut, size_t at, size_t bytes, unsigned flags,
                        uint32_t *count)
{
    struct infer_error why;
    if (infer_tokenize(cut->model, cut->text->text + at, bytes, flags, &cut->ids,
                       &why) != 0)
        return pipeline_fail(cut->err, PIPELINE_EINFER, "%s", why.text);
    *count = (uint32_t)cut->ids.count;
    return PIPELINE_OK;
}

static int sentence_add(struct cutter *cut, size_t at, size_t bytes, uint32_t tokens)
{
    struct pipeline_text *text = cut->text;
    if (text->sentence_count == cut->sentence_capacity) {
        size_t capacity = cut->sentence_capacity ? cut->sentence_capacity * 2 : 128;
        struct pipeline_sentence *bigger =
            realloc(text->sentence, capacity * sizeof(*bigger));
        if (!bigger)
            return pipeline_fail(cut->err, PIPELINE_ENOMEM,
                                 "no memory for %zu sentences", capacity);
        text->sentence = bigger;
        cut->sentence_capacity = capacity;
    }
    text->sentence[text->sentence_count++] =
        (struct pipeline_sentence){.at = at, .bytes = bytes, .tokens = tokens};
    return PIPELINE_OK;
}

/* ---- a sentence that is too long ------------------------------------------------ */

/* The last good place to cut at or before stop: after white space, else between
 * characters; always past at. */
static size_t cut_place(const char *text, size_t at, size_t stop, size_t end)
{
    if (stop >= end)
        return end;
    for (size_t place = stop; place > at + (stop - at) / 2; place--)
        if (text[place - 1] == ' ' || text[place - 1] == '\n')
            return place;
    while (stop > at + 1 && ((unsigned char)text[stop] & 0xC0) == 0x80)
        stop--;
    if (stop == at + 1) /* one character, whole */
        while (stop < end && ((unsigned char)text[stop] & 0xC0) == 0x80)
            stop++;
    return stop;
}

/* The longest piece that fits, found by halving: [at, place). */
static int piece_find(struct cutter *cut, size_t at, size_t end, size_t *place,
                      uint32_t *tokens)
{
    const char *text = cut->text->text;
    size_t most = (size_t)cut->room * PIECE_BYTES_PER_TOKEN;
    size_t span = end - at < most ? end - at : most;
    for (;;) {
        *place = cut_place(text, at, at + span, end);
        int status = tokens_count(cut, at, *place - at, 0, tokens);
        if (status != PIPELINE_OK || *tokens <= cut->room || span <= 1)
            return status;
        size_t fits = span * cut->room / *tokens; /* a guess from this density */
        span = fits < span - 1 && fits > span / 2 ? fits : span / 2;
    }
}

static int sentence_split(struct cutter *cut, size_t at, size_t end)
{
    while (at < end) {
        size_t place;
        uint32_t tokens = 0;
        int status = piece_find(cut, at, end, &place, &tokens);
        if (status == PIPELINE_OK)
            status = sentence_add(cut, at, place - at, tokens);
        if (status != PIPELINE_OK)
            return status;
        at = place;
    }
    return PIPELINE_OK;
}

static int sentences_find(struct cutter *cut, const struct ingest_document *document)
{
    struct pipeline_text *text = cut->text;
    unsigned char *ends = calloc(text->text_bytes / 8 + 1, 1);
    if (!ends)
        return pipeline_fail(cut->err, PIPELINE_ENOMEM,
                             "no memory for %zu bytes of text", text->text_bytes);
    int status = sentence_ends(text, document, ends, cut->err);
    size_t most = (size_t)cut->room * PIECE_BYTES_PER_TOKEN;
    for (size_t at = 0, i = 0; i < text->text_bytes && status == PIPELINE_OK; i++) {
        if (!(ends[i / 8] >> (i % 8) & 1) && i + 1 < text->text_bytes)
            continue;
        size_t bytes = i + 1 - at;
        uint32_t tokens = cut->room + 1;
        if (bytes <= most)
            status = tokens_count(cut, at, bytes, 0, &tokens);
        if (status == PIPELINE_OK)
            status = tokens <= cut->room ? sentence_add(cut, at, bytes, tokens)
                                         : sentence_split(cut, at, i + 1);
        at = i + 1;
    }
    free(ends);
    return status;
}

/* ---- packing -------------------------------------------------------------------- */

static size_t span_advance(const struct pipeline_text *text, size_t span, size_t at)
{
    while (span + 1 < text->span_count && text->span[span + 1].at <= at)
        span++;
    return span;
}

/* How many sentences from `first` on fit by their own counts, up to a gap. */
static size_t sentences_that_fit(const struct cutter *cut, size_t first, size_t span)
{
    const struct pipeline_text *text = cut->text;
    uint32_t tokens = text->sentence[first].tokens;
    size_t i = first + 1;
    for (; i < text->sentence_count; i++) {
        const struct pipeline_sentence *next = &text->sentence[i];
        tokens += next->tokens;
        span = span_advance(text, span, next->at);
        bool gap = text->span[span].at == next->at && text->span[span].gap;
        if (tokens > cut->room || gap)
            break;
    }
    return i - first;
}

/* Where no white space stands between sentences, their words grow together and may
 * be more tokens than before: leave sentences to the next chunk until it fits. */
static int chunk_measure(struct cutter *cut, struct pipeline_chunk *chunk)
{
    const struct pipeline_sentence *first = &cut->text->sentence[chunk->first_sentence];
    for (;; chunk->sentence_count--) {
        const struct pipeline_sentence *last = first + chunk->sentence_count - 1;
        chunk->at = first->at;
        chunk->bytes = last->at + last->bytes - first->at;
        int status = tokens_count(cut, chunk->at, chunk->bytes, INFER_ADD_SPECIAL,
                                  &chunk->tokens);
        if (status != PIPELINE_OK || chunk->tokens <= cut->room + cut->special ||
            chunk->sentence_count == 1)
            return status;
    }
}

static int chunks_reserve(struct cutter *cut)
{
    if (cut->text->chunk_count < cut->chunk_capacity)
        return PIPELINE_OK;
    size_t capacity = cut->chunk_capacity ? cut->chunk_capacity * 2 : 32;
    struct pipeline_chunk *bigger =
        realloc(cut->text->chunk, capacity * sizeof(*bigger));
    if (!bigger)
        return pipeline_fail(cut->err, PIPELINE_ENOMEM, "no memory for %zu chunks",
                             capacity);
    cut->text->chunk = bigger;
    cut->chunk_capacity = capacity;
    return PIPELINE_OK;
}

/* *count sentences are asked for, and told how many it took. */
static int chunk_add(struct cutter *cut, size_t first, size_t *count)
{
    struct pipeline_text *text = cut->text;
    int status = chunks_reserve(cut);
    if (status != PIPELINE_OK)
        return status;
    struct pipeline_chunk *chunk = &text->chunk[text->chunk_count];
    *chunk = (struct pipeline_chunk){.first_sentence = (uint32_t)first,
                                     .sentence_count = (uint32_t)*count};
    status = chunk_measure(cut, chunk);
    chunk->range = pipeline_range_of(text, chunk->at, chunk->bytes);
    for (size_t i = 0; i < chunk->sentence_count; i++)
        text->sentence[first + i].chunk = (uint32_t)text->chunk_count;
    text->chunk_count++;
    text->chunked_bytes += chunk->bytes;
    *count = chunk->sentence_count;
    return status;
}

static int sentences_pack(struct cutter *cut)
{
    struct pipeline_text *text = cut->text;
    size_t first = 0, span = 0;
    int status = PIPELINE_OK;
    while (first < text->sentence_count && status == PIPELINE_OK) {
        span = span_advance(text, span, text->sentence[first].at);
        size_t count = sentences_that_fit(cut, first, span);
        status = chunk_add(cut, first, &count);
        first += count;
    }
    return status;
}

/* ---- the whole ------------------------------------------------------------------ */

static int cutter_measure(struct cutter *cut, uint32_t chunk_tokens_max)
{
    struct infer_model_info info;
    infer_model_info(cut->model, &info);
    uint32_t most =
        info.context_tokens < chunk_tokens_max ? info.context_tokens : chunk_tokens_max;
    int status = tokens_count(cut, 0, 0, INFER_ADD_SPECIAL, &cut->special);
    if (status == PIPELINE_OK && most <= cut->special)
        return pipeline_fail(cut->err, PIPELINE_EINFER,
                             "chunks of %u tokens leave no room beside the model's %u "
                             "special tokens",
                             most, cut->special);
    cut->room = most - cut->special;
    return status;
}

int pipeline_chunk(struct pipeline_text **out, const struct ingest_document *document,
                   const struct infer_model *model, uint32_t chunk_tokens_max,
                   enum policy_hidden hidden, struct pipeline_error *err)
{
    struct pipeline_text *text = calloc(1, sizeof(*text));
    if (!text)
        return pipeline_fail(err, PIPELINE_ENOMEM, "no memory for a document");
    struct cutter cut = {.model = model, .text = text, .err = err};
    int status = text_collect(text, document, hidden, err);
    if (status == PIPELINE_OK)
        status = cutter_measure(&cut, chunk_tokens_max);
    if (status == PIPELINE_OK && text->text_bytes > 0)
        status = sentences_find(&cut, document);
    if (status == PIPELINE_OK)
        status = sentences_pack(&cut);
    infer_tokens_free(&cut.ids);
    if (status != PIPELINE_OK) {
        pipeline_text_free(text);
        text = NULL;
    }
    *out = text;
    return status;
}

void pipeline_text_free(struct pipeline_text *text)
{
    if (!text)
        return;
    free(text->text);
    free(text->span);
    free(text->sentence);
    free(text->chunk);
    free(text);
}
