/* ground - a document's text for the tests of ground, without a model.
 *
 *     struct ground_source source;
 *     source_open(&source, "One sentence. Another.\n");
 *     ... source.text ...
 *     source_close(&source); */
#ifndef TESTS_PIPELINE_GROUND_H
#define TESTS_PIPELINE_GROUND_H

#include "pipeline/ground_internal.h"
#include "tests/pipeline/sample.h"

struct ground_source {
    struct sample sample;
    struct pipeline_text *text; /* one chunk; a token is five bytes */
};

static inline void source_cut(struct pipeline_text *text, const unsigned char *end)
{
    size_t from = 0;
    for (size_t i = 0; i < text->text_bytes; i++) {
        if (!(end[i / 8] >> (i % 8) & 1) && i + 1 < text->text_bytes)
            continue;
        text->sentence[text->sentence_count++] = (struct pipeline_sentence){
            .at = from, .bytes = i + 1 - from, .tokens = (uint32_t)(i + 1 - from) / 5};
        from = i + 1;
    }
}

static inline void source_open(struct ground_source *source, const char *words)
{
    size_t bytes = strlen(words);
    unsigned char *end = calloc(bytes / 8 + 2, 1);
    *source = (struct ground_source){.text = calloc(1, sizeof(*source->text))};
    sample_element(&source->sample, words);
    assert_non_null(end);
    assert_non_null(source->text);
    struct pipeline_text *text = source->text;
    assert_ok(text_collect(text, &source->sample.document, POLICY_HIDDEN_READ, ERR));
    assert_ok(sentence_ends(text, &source->sample.document, end, ERR));
    text->sentence = calloc(bytes + 1, sizeof(*text->sentence));
    assert_non_null(text->sentence);
    source_cut(text, end);
    free(end);
}

static inline void source_close(struct ground_source *source)
{
    pipeline_text_free(source->text);
    sample_free(&source->sample);
}

/* The verdict on a claim that may rest on the whole document. */
static inline struct ground_result source_check(struct ground *ground,
                                                const struct ground_source *source,
                                                const char *words, size_t bytes)
{
    struct ground_result result;
    struct ground_claim claim = {.text = words,
                                 .bytes = bytes,
                                 .end = source->text->sentence_count,
                                 .prompt = ""};
    assert_ok(ground_check(ground, &claim, &result, ERR));
    return result;
}

#endif
