/* What documents are compared with, against the formulas of reference.c. */
#include "tests/pipeline/sample.h"

#include <math.h>

enum { WIDTH = ENCODER_WIDTH };

static struct encoder encoder;

static int setup(void **state)
{
    (void)state;
    encoder = encoder_open();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    encoder_close(&encoder);
    return 0;
}

static const char *const red_examples[] = {"The rose is red.", "Blood is red."};
static const struct policy_label labels[] = {
    {.name = "red",
     .title = "Red",
     .description = "Red like a rose.",
     .example = red_examples,
     .example_count = 2},
    {.name = "blue", .title = "Blue", .description = "Blue like the sky and the sea."},
    {.name = "law", .title = "Law", .description = "The law of the state."},
};
static const struct policy_task tasks[] = {
    {.name = "colour", .label = labels, .label_count = 2},
    {.name = "topic", .label = labels, .label_count = 3},
};
static const struct policy_detector detectors[] = {
    {.name = "card", .kind = POLICY_DETECTOR_PATTERN},
    {.name = "fees",
     .kind = POLICY_DETECTOR_MEANING,
     .description = "The fees.",
     .example = red_examples,
     .example_count = 1},
    {.name = "term", .kind = POLICY_DETECTOR_MEANING, .description = "The term."},
    {.name = "law", .kind = POLICY_DETECTOR_MEANING, .description = "The law."},
};

static struct reference *open_reference(size_t detector_count)
{
    struct policy policy = {.task = tasks,
                            .task_count = COUNT(tasks),
                            .detector = detectors,
                            .detector_count = detector_count};
    struct pipeline run = {
        .policy = &policy, .model = encoder.model, .session = encoder.session};
    struct reference *reference;
    assert_ok(reference_open(&reference, &run, ERR));
    return reference;
}

/* ---- the formulas once more ----------------------------------------------------- */

static void embed(const char *text, double *out)
{
    struct infer_tokens ids = {0};
    struct infer_error err;
    float vector[WIDTH];
    assert_int_equal(infer_tokenize(encoder.model, text, strlen(text),
                                    INFER_ADD_SPECIAL, &ids, &err),
                     0);
    struct infer_sequence one = {ids.id, ids.count};
    assert_int_equal(infer_embed(encoder.session, &one, 1, vector, &err), 0);
    infer_tokens_free(&ids);
    for (size_t i = 0; i < WIDTH; i++)
        out[i] += (double)vector[i];
}

static double product(const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < WIDTH; i++)
        sum += a[i] * b[i];
    return sum;
}

static void unit(double *v)
{
    double length = sqrt(product(v, v));
    for (size_t i = 0; i < WIDTH; i++)
        v[i] /= length;
}

/* unit( e(title) + e(description) + mean of e(example) ); title may be NULL. */
static void member(const char *title, const char *description,
                   const char *const *example, size_t examples, double *out)
{
    double mean[WIDTH] = {0};
    memset(out, 0, WIDTH * sizeof(*out));
    if (title)
        embed(title, out);
    embed(description, out);
    for (size_t i = 0; i < examples; i++)
        embed(example[i], mean);
    for (size_t i = 0; examples && i < WIDTH; i++)
        out[i] += mean[i] / (double)examples;
    unit(out);
}

/* Rows p become rows q, and mu is what they had in common. */
static void centre(double (*p)[WIDTH], size_t count, double *mu)
{
    for (size_t i = 0; i < WIDTH; i++) {
        mu[i] = 0;
        for (size_t j = 0; j < count; j++)
            mu[i] += p[j][i] / (double)count;
    }
    for (size_t j = 0; j < count; j++) {
        for (size_t i = 0; i < WIDTH; i++)
            p[j][i] -= mu[i];
        unit(p[j]);
    }
}

static void assert_row(const float *row, const double *wanted)
{
    for (size_t i = 0; i < WIDTH; i++)
        assert_true(fabs((double)row[i] - wanted[i]) < 1e-5);
}

/* The texts of label l, each without what all have in common. */
static void assert_own(const struct field *field, size_t l, const double *mu)
{
    const char *const texts[] = {labels[l].title, labels[l].description,
                                 labels[l].example_count ? red_examples[0] : NULL,
                                 labels[l].example_count ? red_examples[1] : NULL};
    size_t count = 2 + labels[l].example_count;
    assert_int_equal(field->own[l + 1] - field->own[l], count);
    for (size_t j = 0; j < count; j++) {
        double wanted[WIDTH] = {0};
        embed(texts[j], wanted);
        for (size_t i = 0; i < WIDTH; i++)
            wanted[i] -= mu[i];
        unit(wanted);
        assert_row(field->row + (field->own[l] + j) * WIDTH, wanted);
    }
}

static void assert_field(const struct field *field, double (*p)[WIDTH], size_t count,
                         const double *mu)
{
    assert_int_equal(field->count, count);
    for (size_t j = 0; j < count; j++)
        assert_row(field->row + j * WIDTH, p[j]);
    assert_row(field->row + count * WIDTH, mu);
}

/* ---- tests ---------------------------------------------------------------------- */

static void labels_are_what_tells_them_apart(void **state)
{
    struct reference *reference = open_reference(0);
    (void)state;
    assert_int_equal(reference->width, WIDTH);
    assert_int_equal(reference->task_count, 2);
    for (size_t t = 0; t < 2; t++) {
        double p[3][WIDTH], mu[WIDTH];
        for (size_t l = 0; l < tasks[t].label_count; l++)
            member(labels[l].title, labels[l].description, labels[l].example,
                   labels[l].example_count, p[l]);
        centre(p, tasks[t].label_count, mu);
        assert_field(&reference->task[t], p, tasks[t].label_count, mu);
        for (size_t l = 0; l < tasks[t].label_count; l++)
            assert_own(&reference->task[t], l, mu);
    }
    assert_int_equal(reference->detector.count, 0);
    reference_free(reference);
}

static void three_detectors_by_meaning_are_told_apart_too(void **state)
{
    struct reference *reference = open_reference(4);
    double p[3][WIDTH], mu[WIDTH];
    (void)state;
    for (size_t d = 0; d < 3; d++)
        member(NULL, detectors[d + 1].description, detectors[d + 1].example,
               detectors[d + 1].example_count, p[d]);
    centre(p, 3, mu);
    assert_field(&reference->detector, p, 3, mu);
    reference_free(reference);
}

static void of_two_detectors_no_mean_is_taken(void **state)
{
    struct reference *reference = open_reference(3);
    double p[2][WIDTH], mu[WIDTH] = {0};
    (void)state;
    for (size_t d = 0; d < 2; d++)
        member(NULL, detectors[d + 1].description, detectors[d + 1].example,
               detectors[d + 1].example_count, p[d]);
    assert_field(&reference->detector, p, 2, mu);
    reference_free(reference);
}

/* Row r of the field, as it stands. */
static double near_row(const struct field *field, const double *x, size_t r)
{
    double row[WIDTH];
    for (size_t i = 0; i < WIDTH; i++)
        row[i] = (double)field->row[r * WIDTH + i];
    return product(x, row);
}

static double expected_score(const struct field *field, const double *x, size_t l)
{
    double best = -1;
    for (size_t r = field->own[l]; r < field->own[l + 1]; r++)
        best = near_row(field, x, r) > best ? near_row(field, x, r) : best;
    return 0.5 * near_row(field, x, l) + 0.5 * best;
}

static void a_score_is_half_the_mean_and_half_the_nearest_text(void **state)
{
    static const char *const texts[] = {"The sea is blue.", "Red blood by the door.",
                                        "The notice says something about the fees."};
    enum { COPIES = FIELD_BLOCK + 7 }; /* more than one block */
    struct reference *reference = open_reference(0);
    const struct field *field = &reference->task[1];
    float *vector = calloc(COPIES * WIDTH, sizeof(*vector));
    double *out = calloc(COPIES * 3, sizeof(*out)), x[3][WIDTH] = {{0}};
    (void)state;
    for (size_t t = 0; t < 3; t++)
        embed(texts[t], x[t]);
    for (size_t i = 0; i < COPIES * WIDTH; i++)
        vector[i] = (float)x[i / WIDTH % 3][i % WIDTH];
    field_score(field, encoder.session, WIDTH, vector, COPIES, out);
    for (size_t t = 0; t < 3; t++) {
        for (size_t k = 0; k < WIDTH; k++)
            x[t][k] -= (double)field->row[3 * WIDTH + k];
        unit(x[t]);
    }
    for (size_t i = 0; i < COPIES; i++)
        for (size_t l = 0; l < 3; l++)
            assert_true(fabs(out[i * 3 + l] - expected_score(field, x[i % 3], l)) <
                        1e-5);
    assert_true(out[1] > out[0]); /* the sea is bluer than red */
    assert_true(out[3] > out[4]); /* and blood the other way round */
    free(vector);
    free(out);
    reference_free(reference);
}

static void a_text_longer_than_the_model_takes_is_refused(void **state)
{
    static char long_text[2000];
    struct policy_label two[2] = {labels[0], labels[1]};
    struct policy_task task = {.name = "colour", .label = two, .label_count = 2};
    struct policy policy = {.task = &task, .task_count = 1};
    struct pipeline run = {
        .policy = &policy, .model = encoder.model, .session = encoder.session};
    struct pipeline_error err;
    struct reference *reference;
    (void)state;
    for (int i = 0; i < ENCODER_CONTEXT; i++)
        strcat(long_text, "the ");
    two[1].description = long_text;
    assert_int_equal(reference_open(&reference, &run, &err), PIPELINE_EINFER);
    assert_null(reference);
    assert_non_null(strstr(err.text, "130 tokens, the model takes 128"));
    reference_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_what_tells_them_apart),
        cmocka_unit_test(three_detectors_by_meaning_are_told_apart_too),
        cmocka_unit_test(of_two_detectors_no_mean_is_taken),
        cmocka_unit_test(a_score_is_half_the_mean_and_half_the_nearest_text),
        cmocka_unit_test(a_text_longer_than_the_model_takes_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
