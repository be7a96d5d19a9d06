/* work - a document on its way, cut by the small encoder, its vectors set by hand. */
#ifndef TESTS_PIPELINE_WORK_H
#define TESTS_PIPELINE_WORK_H

#include "tests/pipeline/sample.h"

/* Prose to fill documents with: whole sentences of more than a dozen tokens. */
#define PROSE_A "The supplier shall deliver the goods to the buyer within thirty days. "
#define PROSE_B "The licensee shall pay a royalty to the licensor for the software. "
#define PROSE_C "Each party may terminate this agreement by notice to the other party. "
#define PROSE_D "This agreement is governed by the laws of the state named in it. "

/* The sample must live longer than the work. */
static inline struct work *
sample_work(const struct sample *s, const struct encoder *encoder, uint32_t tokens_max)
{
    struct work *work = calloc(1, sizeof(*work));
    assert_non_null(work);
    work->path = "letters/hale.pdf";
    work->has_digest = true;
    work->file.bytes = 1234;
    store_digest_of(work->path, strlen(work->path), &work->digest);
    work->document = (struct ingest_document *)(uintptr_t)&s->document;
    assert_ok(pipeline_chunk(&work->text, &s->document, encoder->model, tokens_max,
                             false, ERR));
    return work;
}

static inline void sample_work_free(struct work *work)
{
    work->document = NULL; /* the sample's */
    work_free(work);
}

/* Room for vectors of this width, all zero; the model has seen everything. */
static inline void sample_vectors(struct work *work, size_t width)
{
    size_t rows = work->text->chunk_count + work->text->sentence_count;
    work->chunk_vector = calloc(rows * width, sizeof(float));
    assert_non_null(work->chunk_vector);
    work->sentence_vector = work->chunk_vector + work->text->chunk_count * width;
    work->seen_bytes = work->text->chunked_bytes;
}

#endif
