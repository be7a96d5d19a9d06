/* sample - documents as the reader would give them, built by a test.
 *
 *     struct sample s = {0};
 *     sample_page(&s, "One page.\n");
 *     sample_page(&s, "Two. [Hidden.] Three.\n");
 *     sample_hide(&s, "[Hidden.]");
 *     ... &s.document ...
 *     sample_free(&s); */
#ifndef TESTS_PIPELINE_SAMPLE_H
#define TESTS_PIPELINE_SAMPLE_H

#include "pipeline/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/pipeline/encoder.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { SAMPLE_SECTIONS_MAX = 16, SAMPLE_HIDDEN_MAX = 16 };

struct sample {
    struct ingest_document document;
    struct ingest_section section[SAMPLE_SECTIONS_MAX];
    struct ingest_hidden hidden[SAMPLE_SECTIONS_MAX][SAMPLE_HIDDEN_MAX];
    char *text[SAMPLE_SECTIONS_MAX];
};

static inline void sample_add(struct sample *s, enum ingest_kind kind, const char *text,
                              size_t bytes)
{
    size_t i = s->document.section_count;
    if (i == SAMPLE_SECTIONS_MAX || !(s->text[i] = calloc(bytes + 1, 1)))
        abort();
    memcpy(s->text[i], text, bytes);
    s->section[i] = (struct ingest_section){
        .kind = kind,
        .number = (uint32_t)i + 1,
        .label = "",
        .title = "",
        .text = s->text[i],
        .text_bytes = bytes,
        .hidden = s->hidden[i],
    };
    s->document.outcome = INGEST_READ;
    s->document.reason = s->document.media_type = s->document.dialect = "";
    s->document.metadata.pages = s->document.metadata.encrypted = -1;
    s->document.metadata.may_extract = -1;
    s->document.section = s->section;
    s->document.section_count++;
}

static inline void sample_page(struct sample *s, const char *text)
{
    sample_add(s, INGEST_PAGE, text, strlen(text));
}

static inline void sample_element(struct sample *s, const char *text)
{
    sample_add(s, INGEST_ELEMENT, text, strlen(text));
}

/* Hide [start, end) of the newest section; ascending. */
static inline void sample_hide_range(struct sample *s, size_t start, size_t end)
{
    struct ingest_section *section = &s->section[s->document.section_count - 1];
    struct ingest_hidden *hidden = s->hidden[s->document.section_count - 1];
    if (section->hidden_count == SAMPLE_HIDDEN_MAX)
        abort();
    hidden[section->hidden_count++] =
        (struct ingest_hidden){.start = start, .end = end, .why = "tiny"};
}

/* Hide words of the newest section. */
static inline void sample_hide(struct sample *s, const char *words)
{
    const char *text = s->section[s->document.section_count - 1].text;
    const char *found = strstr(text, words);
    if (!found)
        abort();
    sample_hide_range(s, (size_t)(found - text),
                      (size_t)(found - text) + strlen(words));
}

static inline void sample_free(struct sample *s)
{
    for (size_t i = 0; i < s->document.section_count; i++)
        free(s->text[i]);
    *s = (struct sample){0};
}

#define assert_ok(call)                                                   \
    do {                                                                  \
        struct pipeline_error sample_err = {0, ""};                       \
        int sample_status = (call);                                       \
        if (sample_status != PIPELINE_OK)                                 \
            fail_msg("%s: %d %s", #call, sample_status, sample_err.text); \
    } while (0)
#define ERR &sample_err

/* A fixed sequence of numbers, the same on every machine. */
static inline uint32_t sample_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

#endif
