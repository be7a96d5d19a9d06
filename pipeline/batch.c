/* batch - the chunks and sentences of many documents, embedded together.
 *
 *     work 0: chunk 0, chunk 1, sentence 0 ... sentence 8
 *     work 1: chunk 0, sentence 0 ... sentence 4              one list of sequences
 *
 * A chunk that is one sentence is embedded once. The list goes to the model in
 * slices; between slices a run may stop, and the documents whose last sequence
 * has been seen are whole. What a vector holds does not depend on any of this. */
#include "pipeline/internal.h"

#include <stdlib.h>
#include <string.h>

enum { SLICE_TOKENS = 32768 };

struct list { /* sequences whose ids lie one after the other in a pool */
    const struct pipeline *run;
    int32_t *id;
    size_t id_count, id_capacity;
    struct infer_sequence *sequence; /* id is set when the pool has stopped moving */
    size_t *id_at;
    size_t count, capacity;
    struct infer_tokens scratch;
    struct pipeline_error *err;
};

/* ---- a document's memory -------------------------------------------------------- */

static void answer_clear(struct answer *answer)
{
    free(answer->score);
    free(answer->probability);
    free(answer->evidence);
}

bool work_is_duplicate(const struct work *work)
{
    return work->same.kind == STORE_FOUND_ELSEWHERE;
}

void work_free(struct work *work)
{
    if (!work)
        return;
    ingest_document_free(work->document);
    pipeline_text_free(work->text);
    free(work->chunk_vector); /* the sentences' vectors lie behind it */
    for (size_t i = 0; work->answer && i < work->answer_count; i++)
        answer_clear(&work->answer[i]);
    free(work->answer);
    free(work->commanding);
    free(work->summary);
    free(work->finding);
    free(work);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t';
}

struct quote work_sentence(const struct work *work, size_t i)
{
    const struct pipeline_sentence *sentence = &work->text->sentence[i];
    const char *text = work->text->text;
    size_t at = sentence->at, end = at + sentence->bytes;
    while (end > at && is_space(text[end - 1]))
        end--;
    while (at < end && is_space(text[at]))
        at++;
    return (struct quote){.at = at, .bytes = end - at, .chunk = sentence->chunk};
}

int batch_add(struct batch *batch, struct work *work, struct pipeline_error *err)
{
    if (batch->count == batch->capacity) {
        size_t capacity = batch->capacity ? batch->capacity * 2 : 64;
        struct work **bigger = realloc(batch->work, capacity * sizeof(struct work *));
        if (!bigger)
            return pipeline_fail(err, PIPELINE_ENOMEM, "no memory for %zu documents",
                                 capacity);
        batch->work = bigger;
        batch->capacity = capacity;
    }
    batch->work[batch->count++] = work;
    for (size_t i = 0; i < work->text->chunk_count; i++)
        batch->tokens += 2 * (size_t)work->text->chunk[i].tokens;
    return PIPELINE_OK;
}

/* ---- the list ------------------------------------------------------------------- */

static int list_reserve(struct list *list, size_t ids)
{
    if (list->id_count + ids > list->id_capacity) {
        size_t capacity = (list->id_count + ids) * 2;
        int32_t *bigger = realloc(list->id, capacity * sizeof(*bigger));
        if (!bigger)
            return pipeline_fail(list->err, PIPELINE_ENOMEM, "no memory for %zu tokens",
                                 capacity);
        list->id = bigger;
        list->id_capacity = capacity;
    }
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 1024;
        size_t *at = realloc(list->id_at, capacity * sizeof(*at));
        if (at)
            list->id_at = at;
        struct infer_sequence *bigger =
            realloc(list->sequence, capacity * sizeof(*bigger));
        if (bigger)
            list->sequence = bigger;
        if (!at || !bigger)
            return pipeline_fail(list->err, PIPELINE_ENOMEM,
                                 "no memory for %zu sequences", capacity);
        list->capacity = capacity;
    }
    return PIPELINE_OK;
}

static int list_push(struct list *list, const char *text, size_t bytes)
{
    struct infer_error why;
    if (infer_tokenize(list->run->model, text, bytes, INFER_ADD_SPECIAL, &list->scratch,
                       &why) != 0)
        return pipeline_fail(list->err, PIPELINE_EINFER, "%s", why.text);
    int status = list_reserve(list, list->scratch.count);
    if (status != PIPELINE_OK)
        return status;
    memcpy(list->id + list->id_count, list->scratch.id,
           list->scratch.count * sizeof(*list->id));
    list->id_at[list->count] = list->id_count;
    list->sequence[list->count++].count = list->scratch.count;
    list->id_count += list->scratch.count;
    return PIPELINE_OK;
}

static bool is_whole_chunk(const struct pipeline_text *text, size_t sentence)
{
    return text->chunk[text->sentence[sentence].chunk].sentence_count == 1;
}

static int list_push_work(struct list *list, const struct work *work)
{
    const struct pipeline_text *text = work->text;
    int status = PIPELINE_OK;
    for (size_t i = 0; i < text->chunk_count && status == PIPELINE_OK; i++)
        status = list_push(list, text->text + text->chunk[i].at, text->chunk[i].bytes);
    for (size_t i = 0; i < text->sentence_count && status == PIPELINE_OK; i++)
        if (!is_whole_chunk(text, i))
            status = list_push(list, text->text + text->sentence[i].at,
                               text->sentence[i].bytes);
    return status;
}

static void list_free(struct list *list)
{
    free(list->id);
    free(list->id_at);
    free(list->sequence);
    infer_tokens_free(&list->scratch);
}

/* ---- through the model ---------------------------------------------------------- */

static size_t slice_end(const struct list *list, size_t from)
{
    size_t tokens = 0;
    while (from < list->count && (tokens += list->sequence[from].count) <= SLICE_TOKENS)
        from++;
    return from;
}

static int list_embed(struct list *list, float *vector, size_t width, size_t *done)
{
    for (size_t i = 0; i < list->count; i++)
        list->sequence[i].id = list->id + list->id_at[i];
    *done = 0;
    while (*done < list->count && !(*done > 0 && pipeline_must_stop(list->run))) {
        size_t end = slice_end(list, *done);
        end += end == *done; /* one sequence is a slice, however long */
        struct infer_error why;
        if (infer_embed(list->run->session, list->sequence + *done, end - *done,
                        vector + *done * width, &why) != 0)
            return pipeline_fail(list->err, PIPELINE_EINFER, "%s", why.text);
        *done = end;
    }
    return PIPELINE_OK;
}

/* Copy a work's rows out of the list's vectors: chunks, then every sentence. */
static int work_keep(struct work *work, const float *row, size_t width,
                     struct pipeline_error *err)
{
    const struct pipeline_text *text = work->text;
    size_t rows = text->chunk_count + text->sentence_count;
    float *vector = calloc(rows * width, sizeof(*vector));
    if (!vector)
        return pipeline_fail(err, PIPELINE_ENOMEM, "no memory for %zu vectors", rows);
    work->chunk_vector = vector;
    work->sentence_vector = vector + text->chunk_count * width;
    memcpy(vector, row, text->chunk_count * width * sizeof(*vector));
    row += text->chunk_count * width;
    for (size_t i = 0; i < text->sentence_count; i++) {
        bool whole = is_whole_chunk(text, i);
        const float *from = whole ? vector + text->sentence[i].chunk * width : row;
        memcpy(work->sentence_vector + i * width, from, width * sizeof(*vector));
        row += whole ? 0 : width;
    }
    for (size_t i = 0; i < text->chunk_count; i++)
        work->seen_bytes += text->chunk[i].bytes;
    return PIPELINE_OK;
}

static size_t work_rows(const struct work *work)
{
    size_t rows = work->text->chunk_count;
    for (size_t i = 0; i < work->text->sentence_count; i++)
        rows += !is_whole_chunk(work->text, i);
    return rows;
}

static int batch_keep(struct batch *batch, const float *vector, size_t width,
                      size_t done, size_t *whole, struct pipeline_error *err)
{
    size_t row = 0;
    for (*whole = 0; *whole < batch->count; ++*whole) {
        struct work *work = batch->work[*whole];
        size_t rows = work_rows(work);
        if (row + rows > done)
            return PIPELINE_OK;
        int status = work_keep(work, vector + row * width, width, err);
        if (status != PIPELINE_OK)
            return status;
        row += rows;
    }
    return PIPELINE_OK;
}

int batch_embed(struct batch *batch, const struct pipeline *run, size_t *whole,
                struct pipeline_error *err)
{
    struct list list = {.run = run, .err = err};
    struct infer_model_info info;
    infer_model_info(run->model, &info);
    size_t width = info.width, done = 0;
    float *vector = NULL;
    int status = PIPELINE_OK;
    *whole = 0;
    for (size_t i = 0; i < batch->count && status == PIPELINE_OK; i++)
        status = list_push_work(&list, batch->work[i]);
    if (status != PIPELINE_OK)
        goto out;
    vector = calloc(list.count * width + 1, sizeof(*vector));
    if (!vector)
        status = pipeline_fail(err, PIPELINE_ENOMEM, "no memory for %zu vectors",
                               list.count);
    if (status == PIPELINE_OK)
        status = list_embed(&list, vector, width, &done);
    if (status == PIPELINE_OK)
        status = batch_keep(batch, vector, width, done, whole, err);
out:
    free(vector);
    list_free(&list);
    return status;
}
