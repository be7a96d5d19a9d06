/* reference - what a policy compares documents with, embedded once a run.
 *
 * For a task with labels l, where e() is the encoder's unit vector of a text:
 *
 *     p_l = unit( e(title) + e(description) + mean of e(example) )
 *     mu  = mean over the task's labels of p_l
 *     q_l = unit( p_l - mu )                                  rows q_0 ... q_n-1, mu
 *
 * Taking mu out removes what all labels of a task share ("agreement, parties"),
 * which would otherwise drown what tells them apart. A detector by meaning keeps
 * its description and each example as rows of their own. All sums are taken in
 * ascending order in double precision: the same bits on every machine. */
#include "pipeline/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct texts { /* what is to be embedded, in the order of the rows needed */
    const struct pipeline *run;
    struct infer_tokens *ids;
    size_t count, capacity;
    struct pipeline_error *err;
};

static int texts_add(struct texts *texts, const char *text)
{
    struct infer_error why;
    if (texts->count == texts->capacity)
        return pipeline_fail(texts->err, PIPELINE_ENOMEM, "more texts than counted");
    struct infer_tokens *ids = &texts->ids[texts->count++];
    if (infer_tokenize(texts->run->model, text, strlen(text), INFER_ADD_SPECIAL, ids,
                       &why) != 0)
        return pipeline_fail(texts->err, PIPELINE_EINFER, "%s", why.text);
    struct infer_model_info info;
    infer_model_info(texts->run->model, &info);
    if (ids->count > info.context_tokens)
        return pipeline_fail(
            texts->err, PIPELINE_EINFER,
            "the policy holds a text of %zu tokens; the model takes %u: "
            "\"%.60s...\"",
            ids->count, info.context_tokens, text);
    return PIPELINE_OK;
}

static int texts_add_label(struct texts *texts, const struct policy_label *label)
{
    int status = texts_add(texts, label->title);
    if (status == PIPELINE_OK)
        status = texts_add(texts, label->description);
    for (size_t i = 0; i < label->example_count && status == PIPELINE_OK; i++)
        status = texts_add(texts, label->example[i]);
    return status;
}

static size_t texts_needed(const struct policy *policy)
{
    size_t count = 0;
    for (size_t i = 0; i < policy->task_count; i++)
        for (size_t j = 0; j < policy->task[i].label_count; j++)
            count += 2 + policy->task[i].label[j].example_count;
    for (size_t i = 0; i < policy->detector_count; i++)
        count += 1 + policy->detector[i].example_count;
    return count;
}

static int texts_collect(struct texts *texts, const struct policy *policy)
{
    int status = PIPELINE_OK;
    for (size_t i = 0; i < policy->task_count; i++)
        for (size_t j = 0; j < policy->task[i].label_count && status == PIPELINE_OK;
             j++)
            status = texts_add_label(texts, &policy->task[i].label[j]);
    for (size_t i = 0; i < policy->detector_count && status == PIPELINE_OK; i++) {
        const struct policy_detector *detector = &policy->detector[i];
        if (detector->kind != POLICY_DETECTOR_MEANING)
            continue;
        status = texts_add(texts, detector->description);
        for (size_t j = 0; j < detector->example_count && status == PIPELINE_OK; j++)
            status = texts_add(texts, detector->example[j]);
    }
    return status;
}

/* The vectors of all texts, count rows; the caller frees them. */
static int texts_embed(struct texts *texts, size_t width, float **out)
{
    struct infer_error why;
    struct infer_sequence *sequence = calloc(texts->count + 1, sizeof(*sequence));
    *out = calloc(texts->count * width + 1, sizeof(**out));
    int status = PIPELINE_OK;
    if (!sequence || !*out)
        status = pipeline_fail(texts->err, PIPELINE_ENOMEM, "no memory for the policy");
    for (size_t i = 0; status == PIPELINE_OK && i < texts->count; i++)
        sequence[i] = (struct infer_sequence){texts->ids[i].id, texts->ids[i].count};
    if (status == PIPELINE_OK &&
        infer_embed(texts->run->session, sequence, texts->count, *out, &why) != 0)
        status = pipeline_fail(texts->err, PIPELINE_EINFER, "%s", why.text);
    free(sequence);
    return status;
}

/* ---- rows ----------------------------------------------------------------------- */

static void unit_store(const double *v, size_t width, float *out)
{
    double square = 0;
    for (size_t i = 0; i < width; i++)
        square += v[i] * v[i];
    double length = sqrt(square);
    for (size_t i = 0; i < width; i++)
        out[i] = (float)(length > 1e-12 ? v[i] / length : 0);
}

/* p_l from the label's rows: title, description, examples. */
static void label_row(const float *row, size_t examples, size_t width, double *sum,
                      float *out)
{
    for (size_t i = 0; i < width; i++) {
        double mean = 0;
        for (size_t j = 0; j < examples; j++)
            mean += (double)row[(2 + j) * width + i];
        sum[i] = (double)row[i] + (double)row[width + i];
        if (examples)
            sum[i] += mean / (double)examples;
    }
    unit_store(sum, width, out);
}

/* Turn rows p_l into q_l and put mu behind them. */
static void task_centre(float *row, size_t labels, size_t width, double *v)
{
    float *mu = row + labels * width;
    for (size_t i = 0; i < width; i++) {
        double sum = 0;
        for (size_t j = 0; j < labels; j++)
            sum += (double)row[j * width + i];
        mu[i] = (float)(sum / (double)labels);
    }
    for (size_t j = 0; j < labels; j++) {
        for (size_t i = 0; i < width; i++)
            v[i] = (double)row[j * width + i] - (double)mu[i];
        unit_store(v, width, row + j * width);
    }
}

static const float *task_fill(struct reference *reference,
                              const struct policy_task *task, size_t *at,
                              const float *from, double *v)
{
    size_t width = reference->width;
    float *rows = reference->vector + *at * width;
    for (size_t j = 0; j < task->label_count; j++) {
        size_t examples = task->label[j].example_count;
        label_row(from, examples, width, v, rows + j * width);
        from += (2 + examples) * width;
    }
    task_centre(rows, task->label_count, width, v);
    *at += task->label_count + 1;
    return from;
}

static void reference_fill(struct reference *reference, const struct policy *policy,
                           const float *from, double *v)
{
    size_t at = 0, width = reference->width;
    for (size_t i = 0; i < policy->task_count; i++) {
        reference->task_row[i] = at;
        from = task_fill(reference, &policy->task[i], &at, from, v);
    }
    for (size_t i = 0; i < policy->detector_count; i++) {
        reference->detector_row[i] = at;
        if (policy->detector[i].kind != POLICY_DETECTOR_MEANING)
            continue;
        size_t rows = 1 + policy->detector[i].example_count;
        memcpy(reference->vector + at * width, from, rows * width * sizeof(*from));
        from += rows * width;
        at += rows;
    }
    reference->rows = at;
}

static int reference_reserve(struct reference *reference, const struct policy *policy,
                             size_t texts)
{
    size_t rows = texts + policy->task_count; /* each task has one row for mu */
    reference->vector = calloc(rows * reference->width + 1, sizeof(*reference->vector));
    reference->task_row = calloc(policy->task_count + 1, sizeof(size_t));
    reference->detector_row = calloc(policy->detector_count + 1, sizeof(size_t));
    return reference->vector && reference->task_row && reference->detector_row
               ? PIPELINE_OK
               : PIPELINE_ENOMEM;
}

int reference_open(struct reference **out, const struct pipeline *run,
                   struct pipeline_error *err)
{
    struct infer_model_info info;
    struct texts texts = {
        .run = run, .err = err, .capacity = texts_needed(run->policy)};
    struct reference *reference = calloc(1, sizeof(*reference));
    float *vector = NULL;
    infer_model_info(run->model, &info);
    double *v = calloc(info.width, sizeof(*v));
    texts.ids = calloc(texts.capacity + 1, sizeof(*texts.ids));
    int status = PIPELINE_ENOMEM;
    if (reference && v && texts.ids) {
        reference->width = info.width;
        status = reference_reserve(reference, run->policy, texts.capacity);
    }
    if (status != PIPELINE_OK)
        pipeline_fail(err, status, "no memory for the policy's texts");
    if (status == PIPELINE_OK)
        status = texts_collect(&texts, run->policy);
    if (status == PIPELINE_OK)
        status = texts_embed(&texts, info.width, &vector);
    if (status == PIPELINE_OK)
        reference_fill(reference, run->policy, vector, v);
    for (size_t i = 0; texts.ids && i < texts.count; i++)
        infer_tokens_free(&texts.ids[i]);
    free(texts.ids);
    free(vector);
    free(v);
    if (status != PIPELINE_OK) {
        reference_free(reference);
        reference = NULL;
    }
    *out = reference;
    return status;
}

void reference_free(struct reference *reference)
{
    if (!reference)
        return;
    free(reference->vector);
    free(reference->task_row);
    free(reference->detector_row);
    free(reference);
}
