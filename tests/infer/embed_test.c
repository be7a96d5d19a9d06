/* Embeddings: the same bits in any company, and those of the reference. */
#include <omp.h>

#include "tests/infer/bert.h"
#include "tests/infer/kernel.h"

enum { COUNT = 64, MOST = 60, WIDTH = 64 };

static const struct bert_shape shapes[] = {
    {2, WIDTH, 2, 128, MOST, 50, GGUF_Q8_0, MODEL_POOL_MEAN},
    {2, WIDTH, 2, 128, MOST, 50, GGUF_F32, MODEL_POOL_MEAN},
};

static struct infer_session *open_session(const struct infer_model *m,
                                          const struct infer_options *options)
{
    struct infer_session *session;
    struct infer_error err = {0};

    if (infer_session_open(&session, m, options, &err) != 0)
        fail_msg("%s", err.text);
    return session;
}

static void embed(const struct infer_model *m, const struct infer_options *options,
                  const struct infer_sequence *sequence, size_t count, float *out)
{
    struct infer_session *s = open_session(m, options);
    struct infer_error err = {0};

    if (infer_embed(s, sequence, count, out, &err) != 0)
        fail_msg("%s", err.text);
    infer_session_close(s);
}

struct batch {
    struct bert_fixture b;
    int32_t id[COUNT * MOST];
    struct infer_sequence sequence[COUNT];
    float expected[COUNT * WIDTH], out[COUNT * WIDTH];
};

/* The expected rows come one sequence at a time from one thread. */
static struct batch *batch_new(const struct bert_shape *shape)
{
    struct batch *t = malloc(sizeof *t);
    const struct infer_options options = infer_options_default();

    assert_non_null(t);
    bert_build(&t->b, shape);
    bert_ids(t->id, COUNT * MOST, shape->vocabulary, 8);
    bert_sequences(t->sequence, COUNT, t->id, MOST);
    struct infer_session *s = open_session(&t->b.model, &options);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(
            infer_embed(s, t->sequence + i, 1, t->expected + i * WIDTH, NULL), 0);
    infer_session_close(s);
    return t;
}

static void batch_free(struct batch *t)
{
    bert_free(&t->b);
    free(t);
}

static void rows_are_the_same_bits_in_any_batch(void **state)
{
    static const uint32_t tokens[] = {60, 61, 100, 512, 65536};
    static const uint32_t sequences[] = {0, 1, 7, 64};

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct batch *t = batch_new(&shapes[k]);
        for (size_t i = 0; i < 5; i++)
            for (size_t j = 0; j < 4; j++) {
                struct infer_options o = infer_options_default();
                o.batch_tokens = tokens[i];
                o.batch_sequences = sequences[j];
                embed(&t->b.model, &o, t->sequence, COUNT, t->out);
                kernel_equal(t->out, t->expected, COUNT * WIDTH, "batch", tokens[i]);
            }
        batch_free(t);
    }
}

static void rows_are_the_same_bits_for_any_threads(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct batch *t = batch_new(&shapes[k]);
        for (int threads = 1; threads <= 5; threads++) {
            struct infer_options o = infer_options_default();
            o.threads = threads;
            embed(&t->b.model, &o, t->sequence, COUNT, t->out);
            kernel_equal(t->out, t->expected, COUNT * WIDTH, "threads",
                         (size_t)threads);
        }
        batch_free(t);
    }
}

static void rows_are_the_same_bits_on_any_instruction_set(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct batch *t = batch_new(&shapes[k]);
        for (int isa = INFER_ISA_SCALAR; isa < CPU_ISA_COUNT; isa++) {
            struct infer_options o = infer_options_default();
            o.isa = (enum infer_isa)isa;
            if (!cpu_has(o.isa))
                continue;
            embed(&t->b.model, &o, t->sequence, COUNT, t->out);
            kernel_equal(t->out, t->expected, COUNT * WIDTH, "isa", (size_t)isa);
        }
        batch_free(t);
    }
}

static void rows_follow_the_order_of_the_sequences(void **state)
{
    struct batch *t = batch_new(&shapes[0]);
    struct infer_options o = infer_options_default();
    struct infer_sequence backwards[COUNT];

    (void)state;
    o.threads = 2;
    for (size_t i = 0; i < COUNT; i++)
        backwards[i] = t->sequence[COUNT - 1 - i];
    embed(&t->b.model, &o, backwards, COUNT, t->out);
    for (size_t i = 0; i < COUNT; i++)
        kernel_equal(t->out + i * WIDTH, t->expected + (COUNT - 1 - i) * WIDTH, WIDTH,
                     "backwards", i);
    batch_free(t);
}

static void rows_have_length_one(void **state)
{
    struct batch *t = batch_new(&shapes[0]);

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        double squares = 0;
        for (size_t j = 0; j < WIDTH; j++)
            squares += pow((double)t->expected[i * WIDTH + j], 2);
        assert_true(fabs(squares - 1) < 1e-6);
    }
    batch_free(t);
}

static void no_sequences_are_no_rows(void **state)
{
    struct batch *t = batch_new(&shapes[0]);
    struct infer_options o = infer_options_default();
    struct infer_session *s = open_session(&t->b.model, &o);

    (void)state;
    assert_int_equal(infer_embed(s, NULL, 0, NULL, NULL), 0);
    infer_session_close(s);
    batch_free(t);
}

static void bad_sequences_are_refused_before_anything_is_written(void **state)
{
    static int32_t id[MOST + 1];
    static const int32_t below[] = {3, -1}, above[] = {50}, last[] = {49};
    const struct {
        struct infer_sequence sequence;
        int status;
        const char *text;
    } cases[] = {
        {{id, 0}, INFER_EINVALID, "sequence 1 is empty"},
        {{id, MOST}, 0, ""},
        {{id, MOST + 1},
         INFER_ELIMIT,
         "sequence 1 has 61 tokens: the model takes at most 60"},
        {{below, 2}, INFER_EINVALID, "sequence 1 holds token -1: allowed are 0 to 49"},
        {{above, 1}, INFER_EINVALID, "sequence 1 holds token 50: allowed are 0 to 49"},
        {{last, 1}, 0, ""},
    };
    struct batch *t = batch_new(&shapes[0]);
    struct infer_options o = infer_options_default();
    struct infer_session *s = open_session(&t->b.model, &o);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct infer_sequence two[] = {{id, 3}, cases[i].sequence};
        struct infer_error err = {0};
        t->out[0] = 99;
        assert_int_equal(infer_embed(s, two, 2, t->out, &err), cases[i].status);
        assert_string_equal(err.text, cases[i].text);
        assert_int_equal(t->out[0] == 99, cases[i].status != 0);
    }
    infer_session_close(s);
    batch_free(t);
}

static void an_overflow_names_the_first_sequence(void **state)
{
    struct bert_fixture b;
    struct infer_options o = infer_options_default();
    static const int32_t id[] = {1, 49, 2};
    const struct infer_sequence four[] = {{id, 1}, {id + 2, 1}, {id, 2}, {id, 3}};
    struct infer_error err;
    float out[4 * WIDTH];

    (void)state;
    bert_build(&b, &shapes[1]);
    float *row = (float *)(uintptr_t)b.model.token_embd->data + 49 * WIDTH;
    for (size_t i = 0; i < WIDTH; i++)
        row[i] = i % 2 ? 3e38f : -3e38f;
    struct infer_session *s = open_session(&b.model, &o);
    assert_int_equal(infer_embed(s, four, 4, out, &err), INFER_EFORMAT);
    assert_non_null(strstr(err.text, "sequence 2:"));
    infer_session_close(s);
    bert_free(&b);
}

/* ---- the reference, when it is there -------------------------------------------- */

static const char corpus[] = "../shared/corpus/";

/* A sanitizer makes kernels fifty times slower; the first texts are the short ones. */
#ifdef __SANITIZE_ADDRESS__
enum { TEXTS_MOST = 30 };
#else
enum { TEXTS_MOST = 100 };
#endif

static FILE *open_corpus(const char *name)
{
    char path[200];

    snprintf(path, sizeof path, "%s%s", corpus, name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "skipped: %s is not there\n", path);
        skip();
    }
    return file;
}

static struct infer_model *open_model(const char *path)
{
    struct infer_model *m = NULL;
    struct infer_error err;

    if (infer_model_open(&m, path, &err) != 0) {
        fprintf(stderr, "skipped: %s\n", err.text);
        skip();
    }
    return m;
}

/* The numbers of the array that follows key, on one line of JSON. */
static size_t read_ids(const char *line, const char *key, int32_t *id, size_t most)
{
    const char *at = strstr(line, key);
    size_t count = 0;

    assert_non_null(at);
    at = strchr(at, '[') + 1;
    while (*at != ']') {
        char *end;
        assert_true(count < most);
        id[count++] = (int32_t)strtol(at, &end, 10);
        assert_true(end != at);
        at = *end == ',' ? end + 1 : end;
    }
    return count;
}

struct reference {
    struct infer_sequence sequence[128];
    int32_t id[128 * 512];
    size_t count, width;
    float *expected, *out;
};

static void read_rows(struct reference *r, const char *name, size_t width)
{
    FILE *file = open_corpus(name);

    r->width = width;
    r->expected = kernel_floats(r->count * width);
    r->out = kernel_floats(r->count * width);
    assert_int_equal(fread(r->expected, 4 * width, r->count, file), r->count);
    fclose(file);
}

static double smallest_cosine(const struct reference *r)
{
    double least = 1;

    for (size_t i = 0; i < r->count; i++) {
        const float *a = r->out + i * r->width, *b = r->expected + i * r->width;
        double ab = 0, aa = 0, bb = 0;
        for (size_t j = 0; j < r->width; j++) {
            ab += (double)a[j] * (double)b[j];
            aa += (double)a[j] * (double)a[j];
            bb += (double)b[j] * (double)b[j];
        }
        least = fmin(least, ab / sqrt(aa * bb));
    }
    return least;
}

static void minilm_agrees(const char *model, const char *embeddings, double cosine,
                          int bits, int threads)
{
    static struct reference r;
    struct infer_options o = infer_options_default();
    FILE *file = open_corpus("encoder/ids.jsonl");
    struct infer_model *m = open_model(model);
    char *line = NULL;
    size_t capacity = 0, used = 0;

    r.count = 0;
    while (r.count < TEXTS_MOST && getline(&line, &capacity, file) > 0) {
        size_t n = read_ids(line, "\"ids\"", r.id + used, 512);
        r.sequence[r.count++] = (struct infer_sequence){r.id + used, n};
        used += n;
    }
    fclose(file);
    free(line);
    read_rows(&r, embeddings, 384);
    o.activations_bits = bits;
    o.threads = threads;
    embed(m, &o, r.sequence, r.count, r.out);
    assert_true(smallest_cosine(&r) >= cosine);
    free(r.expected);
    free(r.out);
    infer_model_close(m);
}

static void minilm_f32_agrees_with_the_reference(void **state)
{
    (void)state;
    minilm_agrees("models/all-minilm-l6-v2.f32.gguf", "encoder/embeddings.f32",
                  0.99999999, 16, 2);
}

static void minilm_q8_0_agrees_with_the_reference(void **state)
{
    (void)state;
    minilm_agrees("models/all-minilm-l6-v2.q8_0.gguf", "encoder/embeddings_q8_0.f32",
                  0.9999999, 16, 1);
}

static void minilm_with_eight_bits_is_no_worse_than_others(void **state)
{
    (void)state;
    minilm_agrees("models/all-minilm-l6-v2.q8_0.gguf", "encoder/embeddings_q8_0.f32",
                  0.998, 8, 1);
}

/* The fixtures' own evaluation with the erf form exists for F32 only; the others are
 * compared with the tanh form, whose difference from erf is below their tolerance. */
static void fixture_agrees(const char *id, const char *expected, double most)
{
    static struct reference r;
    struct infer_options o = infer_options_default();
    char path[200], *text = NULL;
    size_t capacity = 0, used = 0;

    snprintf(path, sizeof path, "%sfixtures/models/%s.gguf", corpus, id);
    FILE *file = open_corpus("fixtures/index.json");
    assert_true(getdelim(&text, &capacity, 0, file) > 0);
    fclose(file);
    struct infer_model *m = open_model(path);
    const char *at = strstr(text, "\"bert-s\":[");
    assert_non_null(at);
    at = strchr(at, '[') + 1;
    for (r.count = 0; r.count < 4; r.count++) {
        size_t n = read_ids(at, "[", r.id + used, 512);
        r.sequence[r.count] = (struct infer_sequence){r.id + used, n};
        used += n;
        at = strchr(at, ']') + 1;
    }
    free(text);
    snprintf(path, sizeof path, "fixtures/expected/%s.%s.f32", id, expected);
    read_rows(&r, path, 64);
    embed(m, &o, r.sequence, r.count, r.out);
    for (size_t i = 0; i < r.count * r.width; i++)
        if (fabs((double)(r.out[i] - r.expected[i])) > most)
            fail_msg("%s: element %zu is %.9g, expected %.9g", id, i, (double)r.out[i],
                     (double)r.expected[i]);
    free(r.expected);
    free(r.out);
    infer_model_close(m);
}

static void fixtures_are_within_their_tolerance(void **state)
{
    (void)state;
    fixture_agrees("bert-s-F32", "f64erf", 2e-6);
    fixture_agrees("bert-s-F16", "f64", 2.148e-4);
    fixture_agrees("bert-s-BF16", "f64", 2e-4);
    fixture_agrees("bert-s-Q8_0", "f64", 2e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_the_same_bits_in_any_batch),
        cmocka_unit_test(rows_are_the_same_bits_for_any_threads),
        cmocka_unit_test(rows_are_the_same_bits_on_any_instruction_set),
        cmocka_unit_test(rows_follow_the_order_of_the_sequences),
        cmocka_unit_test(rows_have_length_one),
        cmocka_unit_test(no_sequences_are_no_rows),
        cmocka_unit_test(bad_sequences_are_refused_before_anything_is_written),
        cmocka_unit_test(an_overflow_names_the_first_sequence),
        cmocka_unit_test(minilm_f32_agrees_with_the_reference),
        cmocka_unit_test(minilm_q8_0_agrees_with_the_reference),
        cmocka_unit_test(minilm_with_eight_bits_is_no_worse_than_others),
        cmocka_unit_test(fixtures_are_within_their_tolerance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
