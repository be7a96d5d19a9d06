/* passage - a document in pieces that fit a prompt of the language model.
 *
 * The pieces cover everything: sentences are put together as long as they have room;
 * one that is too long alone is cut between characters. Sentences that try to
 * instruct the reader can be left out; what is left beside them stays apart. */
#include "pipeline/decoder.h"

#include <stdlib.h>
#include <string.h>

struct cutter {
    struct passages *out;
    const struct pipeline_decoder *decoder;
    const struct pipeline_text *text;
    struct passage now; /* under way */
    size_t tokens;      /* its, about: words at the seams may join */
    size_t tokens_max, count_max;
    bool join_lines;
    char *line; /* a sentence on its way */
    struct infer_tokens ids;
    struct pipeline_error *err;
};

static int cut_fail(const struct cutter *cutter)
{
    return pipeline_fail(cutter->err, PIPELINE_ENOMEM, "no memory for passages");
}

static int tokens_of(struct cutter *cutter, const char *text, size_t bytes, size_t *out)
{
    struct infer_error why;
    if (infer_tokenize(cutter->decoder->options.model, text, bytes, INFER_CONTINUES,
                       &cutter->ids, &why) != 0)
        return infer_refusal(cutter->err, &why);
    *out = cutter->ids.count;
    return PIPELINE_OK;
}

/* The most bytes of text, between characters, that have at most max tokens. */
static int piece_of(struct cutter *cutter, const char *text, size_t bytes, size_t max,
                    size_t *piece, size_t *tokens)
{
    size_t most = bytes;
    int status = PIPELINE_OK;
    for (*piece = bytes; status == PIPELINE_OK;) {
        status = tokens_of(cutter, text, *piece, tokens);
        if (*tokens <= max || most <= 4)
            return status;
        size_t fits = most * max / *tokens;
        most = fits < most - most / 8 ? fits : most - most / 8;
        most = most > 4 ? most : 4;
        *piece = most;
        while (*piece > 1 && ((unsigned char)text[*piece] & 0xC0) == 0x80)
            (*piece)--;
    }
    return status;
}

static int passage_keep(struct cutter *cutter, const char *text, size_t bytes)
{
    struct passages *out = cutter->out;
    if (out->count == out->capacity) {
        size_t capacity = out->capacity ? out->capacity * 2 : 16;
        struct passage *bigger = realloc(out->passage, capacity * sizeof(*bigger));
        if (!bigger)
            return cut_fail(cutter);
        out->passage = bigger;
        out->capacity = capacity;
    }
    struct passage *kept = &out->passage[out->count];
    *kept = cutter->now;
    kept->bytes = bytes;
    kept->text = strndup(text, bytes);
    if (!kept->text)
        return cut_fail(cutter);
    out->count++;
    return PIPELINE_OK;
}

/* Keep the passage under way, white space around it left out, and begin another. Its
 * sentences together may have more tokens than one by one: then it becomes two. */
static int cut_here(struct cutter *cutter)
{
    const char *text = cutter->now.text, *end = text + cutter->now.bytes;
    int status = PIPELINE_OK;
    while (end > text && text_is_blank(end - 1, 1))
        end--;
    while (status == PIPELINE_OK && text < end &&
           cutter->out->count < cutter->count_max) {
        size_t piece, tokens;
        if (text_is_blank(text, 1)) {
            text++;
            continue;
        }
        status = piece_of(cutter, text, (size_t)(end - text), cutter->tokens_max,
                          &piece, &tokens);
        size_t bytes = piece;
        while (text_is_blank(text + bytes - 1, 1))
            bytes--;
        if (status == PIPELINE_OK)
            status = passage_keep(cutter, text, bytes);
        text += piece;
    }
    cutter->now.bytes = 0;
    cutter->tokens = 0;
    return status;
}

/* now has room for the whole document and a line feed a sentence. */
static void cut_append(struct cutter *cutter, const char *text, size_t bytes,
                       size_t sentence)
{
    struct passage *now = &cutter->now;
    if (now->bytes == 0)
        now->first = sentence;
    memcpy(now->text + now->bytes, text, bytes);
    now->bytes += bytes;
    now->end = sentence + 1;
}

/* A sentence on one line, however a page's width has broken it. Behind it stays a
 * space, a line's end or an empty line. Returns the bytes. */
static size_t line_of(const char *text, size_t bytes, char *out)
{
    size_t at = 0, count = 0;
    while (at < bytes) {
        size_t lines = 0, from = at;
        for (; at < bytes && text_is_blank(text + at, 1); at++)
            lines += text[at] == '\n';
        if (at == bytes && lines > 0) {
            out[count++] = '\n';
            if (lines > 1)
                out[count++] = '\n';
        } else if (at > from) {
            out[count++] = ' ';
        }
        if (at < bytes)
            out[count++] = text[at++];
    }
    return count;
}

static int cut_sentence(struct cutter *cutter, size_t i)
{
    const struct pipeline_sentence *sentence = &cutter->text->sentence[i];
    const char *text = cutter->text->text + sentence->at;
    size_t bytes = sentence->bytes;
    size_t tokens = 0, piece = 0;
    size_t max = cutter->tokens_max;
    if (cutter->join_lines) {
        bytes = line_of(text, bytes, cutter->line);
        text = cutter->line;
    }
    int status = tokens_of(cutter, text, bytes, &tokens);
    if (status == PIPELINE_OK && cutter->tokens + tokens > max)
        status = cut_here(cutter);
    while (status == PIPELINE_OK && bytes > 0) {
        status = piece_of(cutter, text, bytes, max, &piece, &tokens);
        if (status != PIPELINE_OK)
            break;
        cut_append(cutter, text, piece, i);
        cutter->tokens += tokens;
        text += piece;
        bytes -= piece;
        if (bytes > 0)
            status = cut_here(cutter);
        if (cutter->out->count >= cutter->count_max)
            break;
    }
    return status;
}

static int passages_cut(struct cutter *cutter, const bool *commanding)
{
    const struct pipeline_text *text = cutter->text;
    int status = PIPELINE_OK;
    *cutter->out = (struct passages){0};
    cutter->now.text = malloc(text->text_bytes + text->sentence_count + 1);
    cutter->line = malloc(text->text_bytes + 1);
    if (!cutter->now.text || !cutter->line)
        status = cut_fail(cutter);
    for (size_t i = 0; i < text->sentence_count && status == PIPELINE_OK &&
                       cutter->out->count < cutter->count_max;
         i++) {
        if (!commanding || !commanding[i])
            status = cut_sentence(cutter, i);
        else if (cutter->now.bytes > 0)
            cutter->now.text[cutter->now.bytes++] = '\n';
    }
    if (status == PIPELINE_OK && cutter->out->count < cutter->count_max)
        status = cut_here(cutter);
    free(cutter->now.text);
    free(cutter->line);
    infer_tokens_free(&cutter->ids);
    if (status != PIPELINE_OK)
        passages_free(cutter->out);
    return status;
}

int passages_make(struct passages *out, const struct pipeline_decoder *decoder,
                  const struct pipeline_text *text, const bool *commanding,
                  bool join_lines, struct pipeline_error *err)
{
    struct cutter cutter = {
        .out = out,
        .decoder = decoder,
        .text = text,
        .tokens_max = decoder->options.policy->model.passage_tokens_max,
        .count_max = SIZE_MAX,
        .join_lines = join_lines,
        .err = err,
    };
    return passages_cut(&cutter, commanding);
}

int passages_lead(struct passages *out, const struct pipeline_decoder *decoder,
                  const struct pipeline_text *text, const bool *commanding,
                  struct pipeline_error *err)
{
    struct cutter cutter = {
        .out = out,
        .decoder = decoder,
        .text = text,
        .tokens_max = LEAD_TOKENS,
        .count_max = 1,
        .err = err,
    };
    return passages_cut(&cutter, commanding);
}

void passages_free(struct passages *passages)
{
    for (size_t i = 0; i < passages->count; i++)
        free(passages->passage[i].text);
    free(passages->passage);
    *passages = (struct passages){0};
}
