/* batch - the chunks and sentences of many documents, embedded together.
 *
 *     work 0: chunk 0, chunk 1, sentence 0 ... sentence 8
 *     work 1: chunk 0, sentence 0 ... sentence 4              one list of sequences
 *
 * A chunk that is one sentence is embedded once. The list goes to the model in
 * slices, and each vector from there to its place in its document; between slices a
 * run may stop, and the documents whose last sequence has been seen are whole. What a
 * vector holds does not depend on any of this.
 *
 * A document whose vectors find no memory is left without any: the model has seen
 * nothing of it, and the others go on. */
#include "pipeline/internal.h"

#include <stdlib.h>
#include <string.h>

enum { SLICE_TOKENS = 32768 };

struct place { /* of one sequence */
    size_t id_at;
    float *vector; /* in its document */
};

struct list { /* sequences whose ids lie one after the other in a pool */
    const struct pipeline *run;
    int32_t *id;
    size_t id_count, id_capacity;
    struct infer_sequence *sequence; /* id is set when the pool has stopped moving */
    struct place *place;
    size_t count, capacity;
    struct infer_tokens scratch;
    size_t width;
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

void work_unwrite(struct work *work)
{
    for (size_t i = 0; i < work->written_count; i++)
        free(work->written[i].text);
    for (size_t i = 0; i < work->dropped_count; i++)
        free(work->dropped[i].text);
    free(work->written);
    free(work->dropped);
    work->written = NULL;
    work->dropped = NULL;
    work->written_count = work->dropped_count = 0;
    work->summary_reason[0] = '\0';
}

void work_starve(struct work *work)
{
    work_unwrite(work);
    for (size_t i = 0; work->answer && i < work->answer_count; i++)
        answer_clear(&work->answer[i]);
    free(work->answer);
    free(work->commanding);
    free(work->summary);
    free(work->finding);
    free(work->chunk_vector); /* the sentences' vectors lie behind it */
    work->answer = NULL;
    work->commanding = NULL;
    work->summary = NULL;
    work->finding = NULL;
    work->chunk_vector = work->sentence_vector = NULL;
    work->answer_count = work->summary_count = work->finding_count = 0;
    work->seen_bytes = 0;
}

void work_free(struct work *work)
{
    if (!work)
        return;
    work_starve(work);
    ingest_document_free(work->document);
    pipeline_text_free(work->text);
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
        struct place *place = realloc(list->place, capacity * sizeof(*place));
        if (place)
            list->place = place;
        struct infer_sequence *bigger =
            realloc(list->sequence, capacity * sizeof(*bigger));
        if (bigger)
            list->sequence = bigger;
        if (!place || !bigger)
            return pipeline_fail(list->err, PIPELINE_ENOMEM,
                                 "no memory for %zu sequences", capacity);
        list->capacity = capacity;
    }
    return PIPELINE_OK;
}

/* The vector of these words goes to *vector, which moves on. */
static int list_push(struct list *list, const char *text, size_t bytes, float **vector)
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
    list->place[list->count] =
        (struct place){.id_at = list->id_count, .vector = *vector};
    *vector += list->width;
    list->sequence[list->count++].count = list->scratch.count;
    list->id_count += list->scratch.count;
    return PIPELINE_OK;
}

static bool is_whole_chunk(const struct pipeline_text *text, size_t sentence)
{
    return text->chunk[text->sentence[sentence].chunk].sentence_count == 1;
}

/* Room for the vectors of all chunks and, behind them, of all sentences. */
static int work_reserve(struct work *work, size_t width, struct pipeline_error *err)
{
    const struct pipeline_text *text = work->text;
    size_t rows = text->chunk_count + text->sentence_count;
    work->chunk_vector = calloc(rows * width + 1, sizeof(*work->chunk_vector));
    if (!work->chunk_vector)
        return pipeline_fail(err, PIPELINE_ENOMEM, "no memory for %zu vectors", rows);
    work->sentence_vector = work->chunk_vector + text->chunk_count * width;
    return PIPELINE_OK;
}

static int list_push_pieces(struct list *list, const struct work *work)
{
    const struct pipeline_text *text = work->text;
    float *chunk = work->chunk_vector;
    int status = PIPELINE_OK;
    for (size_t i = 0; i < text->chunk_count && status == PIPELINE_OK; i++)
        status = list_push(list, text->text + text->chunk[i].at, text->chunk[i].bytes,
                           &chunk);
    for (size_t i = 0; i < text->sentence_count && status == PIPELINE_OK; i++) {
        float *sentence = work->sentence_vector + i * list->width;
        if (!is_whole_chunk(text, i))
            status = list_push(list, text->text + text->sentence[i].at,
                               text->sentence[i].bytes, &sentence);
    }
    return status;
}

/* All of a document, or nothing of it when its memory cannot be had. */
static int list_push_work(struct list *list, struct work *work)
{
    size_t ids = list->id_count, count = list->count;
    int status = work_reserve(work, list->width, list->err);
    if (status == PIPELINE_OK)
        status = list_push_pieces(list, work);
    if (status != PIPELINE_ENOMEM)
        return status;
    list->id_count = ids;
    list->count = count;
    work_starve(work);
    return PIPELINE_OK;
}

static void list_free(struct list *list)
{
    free(list->id);
    free(list->place);
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

static int slice_embed(const struct list *list, size_t from, size_t end)
{
    struct infer_error why;
    float *vector = malloc((end - from) * list->width * sizeof(*vector));
    int status = PIPELINE_OK;
    if (!vector)
        return pipeline_fail(list->err, PIPELINE_ENOMEM, "no memory for %zu vectors",
                             end - from);
    if (infer_embed(list->run->session, list->sequence + from, end - from, vector,
                    &why) != 0)
        status = pipeline_fail(list->err, PIPELINE_EINFER, "%s", why.text);
    for (size_t i = from; i < end && status == PIPELINE_OK; i++)
        memcpy(list->place[i].vector, vector + (i - from) * list->width,
               list->width * sizeof(*vector));
    free(vector);
    return status;
}

static int list_embed(struct list *list, size_t *done)
{
    int status = PIPELINE_OK;
    for (size_t i = 0; i < list->count; i++)
        list->sequence[i].id = list->id + list->place[i].id_at;
    *done = 0;
    while (status == PIPELINE_OK && *done < list->count &&
           !(*done > 0 && pipeline_must_stop(list->run))) {
        size_t end = slice_end(list, *done);
        end += end == *done; /* one sequence is a slice, however long */
        status = slice_embed(list, *done, end);
        *done = end;
    }
    return status;
}

/* Everything of it has gone through the model. */
static void work_complete(struct work *work, size_t width)
{
    const struct pipeline_text *text = work->text;
    for (size_t i = 0; i < text->sentence_count; i++)
        if (is_whole_chunk(text, i))
            memcpy(work->sentence_vector + i * width,
                   work->chunk_vector + text->sentence[i].chunk * width,
                   width * sizeof(*work->sentence_vector));
    for (size_t i = 0; i < text->chunk_count; i++)
        work->seen_bytes += text->chunk[i].bytes;
}

static size_t work_rows(const struct work *work)
{
    size_t rows = work->text->chunk_count;
    for (size_t i = 0; i < work->text->sentence_count; i++)
        rows += !is_whole_chunk(work->text, i);
    return work->chunk_vector ? rows : 0;
}

/* So many sequences are done; those of them that are whole documents are complete. */
static size_t batch_complete(struct batch *batch, size_t width, size_t done)
{
    size_t whole = 0, row = 0;
    for (; whole < batch->count; whole++) {
        struct work *work = batch->work[whole];
        row += work_rows(work);
        if (row > done)
            break;
        if (work->chunk_vector)
            work_complete(work, width);
    }
    for (size_t i = whole; i < batch->count; i++)
        work_starve(batch->work[i]);
    return whole;
}

int batch_embed(struct batch *batch, const struct pipeline *run, size_t *whole,
                struct pipeline_error *err)
{
    struct infer_model_info info;
    infer_model_info(run->model, &info);
    struct list list = {.run = run, .width = info.width, .err = err};
    size_t done = 0;
    int status = PIPELINE_OK;
    *whole = 0;
    for (size_t i = 0; i < batch->count && status == PIPELINE_OK; i++)
        status = list_push_work(&list, batch->work[i]);
    if (status == PIPELINE_OK)
        status = list_embed(&list, &done);
    if (status == PIPELINE_OK)
        *whole = batch_complete(batch, list.width, done);
    list_free(&list);
    return status;
}
