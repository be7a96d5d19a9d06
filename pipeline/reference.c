/* reference - what a policy compares documents with, embedded once a run.
 *
 * A field is a set of things that are told apart from each other. For its members
 * l, where e() is the encoder's unit vector of a text and u(x) = unit( e(x) - mu ):
 *
 *     p_l = unit( e(title) + e(description) + mean of e(example) )
 *     mu  = mean of p_l over the field
 *     q_l = unit( p_l - mu )
 *
 *     c_l(x) = 1/2 dot( u(x), q_l ) + 1/2 max over l's texts t of dot( u(x), u(t) )
 *
 * tells how near a piece of text x is to l. Taking mu out removes what all members
 * share ("agreement, parties"), which would otherwise drown what tells them apart.
 * The second half is for members that are many different things, whose mean is none
 * of them ("not privileged").
 *
 * The labels of a task are a field. So are all detectors by meaning together: without
 * their titles, which are headings; by q_l alone; and with mu = 0 when there are fewer
 * than three. All sums are taken in ascending order, in double precision: the same
 * bits on every machine. */
#include "pipeline/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MEAN_OF_MIN = 3 }; /* detectors: a mean of fewer is one of them */

struct texts { /* what is to be embedded, in the order in which it is used */
    const struct pipeline *run;
    struct infer_tokens *ids;
    size_t count, capacity;
    struct pipeline_error *err;
};

static int texts_add(struct texts *texts, const char *text)
{
    struct infer_error why;
    struct infer_model_info info;
    struct infer_tokens *ids = &texts->ids[texts->count++];
    infer_model_info(texts->run->model, &info);
    if (infer_tokenize(texts->run->model, text, strlen(text), INFER_ADD_SPECIAL, ids,
                       &why) != 0)
        return pipeline_fail(texts->err, PIPELINE_EINFER, "%s", why.text);
    if (ids->count > info.context_tokens)
        return pipeline_fail(
            texts->err, PIPELINE_EINFER,
            "the policy holds a text of %zu tokens, the model takes %u: "
            "\"%.60s...\"",
            ids->count, info.context_tokens, text);
    return PIPELINE_OK;
}

static int texts_add_all(struct texts *texts, const char *const *text, size_t count)
{
    int status = PIPELINE_OK;
    for (size_t i = 0; i < count && status == PIPELINE_OK; i++)
        status = texts_add(texts, text[i]);
    return status;
}

static bool by_meaning(const struct policy_detector *detector)
{
    return detector->kind == POLICY_DETECTOR_MEANING;
}

static size_t task_texts(const struct policy_task *task)
{
    size_t count = 0;
    for (size_t j = 0; j < task->label_count; j++)
        count += 2 + task->label[j].example_count;
    return count;
}

static size_t texts_needed(const struct policy *policy)
{
    size_t count = 0;
    for (size_t i = 0; i < policy->task_count; i++)
        count += task_texts(&policy->task[i]);
    for (size_t i = 0; i < policy->detector_count; i++)
        count += 1 + policy->detector[i].example_count;
    return count;
}

static int texts_collect(struct texts *texts, const struct policy *policy)
{
    int status = PIPELINE_OK;
    for (size_t i = 0; i < policy->task_count; i++)
        for (size_t j = 0; j < policy->task[i].label_count && status == PIPELINE_OK;
             j++) {
            const struct policy_label *label = &policy->task[i].label[j];
            const char *const own[] = {label->title, label->description};
            status = texts_add_all(texts, own, 2);
            if (status == PIPELINE_OK)
                status = texts_add_all(texts, label->example, label->example_count);
        }
    for (size_t i = 0; i < policy->detector_count && status == PIPELINE_OK; i++) {
        const struct policy_detector *detector = &policy->detector[i];
        if (!by_meaning(detector))
            continue;
        status = texts_add(texts, detector->description);
        if (status == PIPELINE_OK)
            status = texts_add_all(texts, detector->example, detector->example_count);
    }
    return status;
}

/* The vectors of all texts, one row each; the caller frees them. */
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

static void texts_free(struct texts *texts)
{
    for (size_t i = 0; texts->ids && i < texts->count; i++)
        infer_tokens_free(&texts->ids[i]);
    free(texts->ids);
}

/* ---- fields --------------------------------------------------------------------- */

static double dot(const float *a, const float *b, size_t width)
{
    double sum = 0;
    for (size_t i = 0; i < width; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static void make_unit(float *v, size_t width)
{
    double length = sqrt(dot(v, v, width));
    for (size_t i = 0; i < width; i++)
        v[i] = (float)(length > 1e-12 ? (double)v[i] / length : 0);
}

/* out = unit( sum of the first `own` rows + mean of the `examples` rows after them ) */
static void member_fill(const float *row, size_t own, size_t examples, size_t width,
                        float *out)
{
    for (size_t i = 0; i < width; i++) {
        double sum = 0, mean = 0;
        for (size_t j = 0; j < own; j++)
            sum += (double)row[j * width + i];
        for (size_t j = 0; j < examples; j++)
            mean += (double)row[(own + j) * width + i];
        out[i] = (float)(examples ? sum + mean / (double)examples : sum);
    }
    make_unit(out, width);
}

/* Turn all rows but mu into what is left without it. */
static void field_centre(struct field *field, size_t width, bool take_mean)
{
    float *mu = field->row + field->count * width;
    for (size_t i = 0; i < width && take_mean; i++) {
        double sum = 0;
        for (size_t j = 0; j < field->count; j++)
            sum += (double)field->row[j * width + i];
        mu[i] = (float)(sum / (double)field->count);
    }
    for (size_t j = 0; j < field->rows; j++) {
        float *row = field->row + j * width;
        if (row == mu)
            continue;
        for (size_t i = 0; i < width; i++)
            row[i] -= mu[i];
        make_unit(row, width);
    }
    for (size_t j = 0; j < field->rows; j++)
        field->shift[j] = dot(mu, field->row + j * width, width);
}

static int field_reserve(struct field *field, size_t count, size_t texts, size_t width)
{
    field->count = count;
    field->rows = count + 1 + texts;
    field->row = calloc(field->rows * width, sizeof(*field->row));
    field->own = calloc(count + 1, sizeof(*field->own));
    field->shift = calloc(field->rows, sizeof(*field->shift));
    field->raw = calloc(FIELD_BLOCK * field->rows, sizeof(*field->raw));
    return field->row && field->own && field->shift && field->raw ? PIPELINE_OK
                                                                  : PIPELINE_ENOMEM;
}

static const float *task_fill(struct field *field, const struct policy_task *task,
                              size_t width, const float *from)
{
    size_t at = field->count + 1;
    for (size_t j = 0; j < task->label_count; j++) {
        size_t examples = task->label[j].example_count, texts = 2 + examples;
        member_fill(from, 2, examples, width, field->row + j * width);
        memcpy(field->row + at * width, from, texts * width * sizeof(*from));
        field->own[j] = at;
        at += texts;
        from += texts * width;
    }
    field->own[field->count] = at;
    field_centre(field, width, true);
    return from;
}

static void detectors_fill(struct field *field, const struct policy *policy,
                           size_t width, const float *from)
{
    size_t at = 0;
    for (size_t i = 0; i < policy->detector_count; i++) {
        if (!by_meaning(&policy->detector[i]))
            continue;
        size_t examples = policy->detector[i].example_count;
        member_fill(from, 1, examples, width, field->row + at++ * width);
        from += (1 + examples) * width;
    }
    field_centre(field, width, field->count >= MEAN_OF_MIN);
}

/* c_l of one unit vector, from its dot products with the field's rows. */
static double member_score(const struct field *field, const float *near, double length,
                           size_t l)
{
    double mean = ((double)near[l] - field->shift[l]) / length;
    if (field->own[l] == field->own[l + 1])
        return mean;
    double best = -1;
    for (size_t j = field->own[l]; j < field->own[l + 1]; j++) {
        double one = ((double)near[j] - field->shift[j]) / length;
        best = one > best ? one : best;
    }
    return 0.5 * mean + 0.5 * best;
}

static void vector_score(const struct field *field, const float *near, double *out)
{
    double mu_square = field->shift[field->count];
    double square = 1.0 - 2.0 * (double)near[field->count] + mu_square;
    double length = sqrt(square > 1e-12 ? square : 1e-12);
    for (size_t l = 0; l < field->count; l++)
        out[l] = member_score(field, near, length, l);
}

void field_score(const struct field *field, struct infer_session *session, size_t width,
                 const float *vector, size_t count, double *out)
{
    for (size_t from = 0; from < count; from += FIELD_BLOCK) {
        size_t block = count - from < FIELD_BLOCK ? count - from : FIELD_BLOCK;
        infer_similarity(session, vector + from * width, block, field->row, field->rows,
                         width, field->raw);
        for (size_t i = 0; i < block; i++)
            vector_score(field, field->raw + i * field->rows,
                         out + (from + i) * field->count);
    }
}

/* ---- the whole ------------------------------------------------------------------ */

static int reference_reserve(struct reference *reference, const struct policy *policy)
{
    size_t detectors = 0, width = reference->width;
    for (size_t i = 0; i < policy->detector_count; i++)
        detectors += by_meaning(&policy->detector[i]);
    reference->task = calloc(policy->task_count + 1, sizeof(*reference->task));
    if (!reference->task)
        return PIPELINE_ENOMEM;
    reference->task_count = policy->task_count;
    int status = field_reserve(&reference->detector, detectors, 0, width);
    for (size_t i = 0; i < policy->task_count && status == PIPELINE_OK; i++)
        status = field_reserve(&reference->task[i], policy->task[i].label_count,
                               task_texts(&policy->task[i]), width);
    return status;
}

static void reference_fill(struct reference *reference, const struct policy *policy,
                           const float *from)
{
    for (size_t i = 0; i < policy->task_count; i++)
        from = task_fill(&reference->task[i], &policy->task[i], reference->width, from);
    detectors_fill(&reference->detector, policy, reference->width, from);
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
    texts.ids = calloc(texts.capacity + 1, sizeof(*texts.ids));
    int status = PIPELINE_ENOMEM;
    if (reference && texts.ids) {
        reference->width = info.width;
        status = reference_reserve(reference, run->policy);
    }
    if (status != PIPELINE_OK)
        pipeline_fail(err, status, "no memory for the policy's texts");
    if (status == PIPELINE_OK)
        status = texts_collect(&texts, run->policy);
    if (status == PIPELINE_OK)
        status = texts_embed(&texts, info.width, &vector);
    if (status == PIPELINE_OK)
        reference_fill(reference, run->policy, vector);
    texts_free(&texts);
    free(vector);
    if (status != PIPELINE_OK) {
        reference_free(reference);
        reference = NULL;
    }
    *out = reference;
    return status;
}

static void field_free(struct field *field)
{
    free(field->row);
    free(field->own);
    free(field->raw);
    free(field->shift);
}

void reference_free(struct reference *reference)
{
    if (!reference)
        return;
    for (size_t i = 0; i < reference->task_count; i++)
        field_free(&reference->task[i]);
    free(reference->task);
    field_free(&reference->detector);
    free(reference);
}
