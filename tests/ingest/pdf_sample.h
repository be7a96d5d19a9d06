/* pdf_sample - small PDF files for tests: objects are given, their table is made. */
#ifndef TESTS_INGEST_PDF_SAMPLE_H
#define TESTS_INGEST_PDF_SAMPLE_H

#include "tests/ingest/read.h"

enum { SAMPLE_OBJECTS_MAX = 64, SAMPLE_BYTES_MAX = 64 * 1024 };

struct sample {
    int objects; /* numbered from 1; the first is the catalog */
    size_t offset[SAMPLE_OBJECTS_MAX];
    size_t used;
    char bytes[SAMPLE_BYTES_MAX];
};

static inline void sample_put(struct sample *sample, const char *text)
{
    size_t bytes = strlen(text);

    assert_true(sample->used + bytes < SAMPLE_BYTES_MAX);
    memcpy(sample->bytes + sample->used, text, bytes);
    sample->used += bytes;
}

static inline void sample_begin(struct sample *sample)
{
    sample->objects = 0;
    sample->used = 0;
    sample_put(sample, "%PDF-1.7\n");
}

static inline void sample_object(struct sample *sample, const char *body)
{
    char head[32];

    assert_true(sample->objects < SAMPLE_OBJECTS_MAX);
    sample->offset[sample->objects++] = sample->used;
    snprintf(head, sizeof head, "%d 0 obj\n", sample->objects);
    sample_put(sample, head);
    sample_put(sample, body);
    sample_put(sample, "\nendobj\n");
}

static inline void sample_stream(struct sample *sample, const char *content)
{
    char body[8192];

    snprintf(body, sizeof body, "<< /Length %zu >>\nstream\n%s\nendstream",
             strlen(content), content);
    sample_object(sample, body);
}

/* The table of objects and the trailer, with more in it, such as /Info. */
static inline void sample_end(struct sample *sample, const char *more)
{
    char line[256];
    size_t start = sample->used;

    snprintf(line, sizeof line, "xref\n0 %d\n0000000000 65535 f \n",
             sample->objects + 1);
    sample_put(sample, line);
    for (int i = 0; i < sample->objects; i++) {
        snprintf(line, sizeof line, "%010zu 00000 n \n", sample->offset[i]);
        sample_put(sample, line);
    }
    snprintf(line, sizeof line,
             "trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%zu\n%%%%EOF\n",
             sample->objects + 1, more, start);
    sample_put(sample, line);
}

/* One page (object 3) with this content; its font is /F, Helvetica with the widths of
 * a typewriter. Objects from 6 on may follow, then sample_end(). */
static inline void sample_page(struct sample *sample, const char *catalog_more,
                               const char *page_more, const char *content)
{
    char body[1024];

    sample_begin(sample);
    snprintf(body, sizeof body, "<< /Type /Catalog /Pages 2 0 R %s >>", catalog_more);
    sample_object(sample, body);
    sample_object(sample, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
    snprintf(body, sizeof body,
             "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
             "/Resources << /Font << /F 5 0 R >> >> %s >>",
             page_more);
    sample_object(sample, body);
    sample_stream(sample, content);
    sample_object(sample, "<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>");
}

static inline struct ingest_document *sample_read(const struct sample *sample)
{
    return read_bytes(sample->bytes, sample->used);
}

/* What a page with this content reads as. */
static inline struct ingest_document *sample_read_page(const char *content)
{
    static struct sample sample;

    sample_page(&sample, "", "", content);
    sample_end(&sample, "");
    return sample_read(&sample);
}

#endif
