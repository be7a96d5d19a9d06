/* A real language model, SmolLM2-135M-Instruct as Q4_1, against a float64 evaluation
 * of 30 prompts: ../shared/corpus/smollm2/README.md tells how that was made. With
 * 16-bit activations the largest error is at most a thirtieth of the reference
 * engine's, and every greedy text is the truth's wherever its margin exceeds that. */
#include "tests/infer/decoder_run.h"

#include <jansson.h>
#include <math.h>

#define MODEL  "models/smollm2-135m-instruct.q4_1.gguf"
#define CORPUS "../shared/corpus/smollm2/"

enum { PROMPTS_MAX = 64, ROWS = 10, TOP = 20, NEW_TOKENS = 48 };

/* A sanitizer makes kernels many times slower; the prompts stand in mixed order. */
#ifdef __SANITIZE_ADDRESS__
enum { PROMPTS_MOST = 4 };
#else
enum { PROMPTS_MOST = PROMPTS_MAX };
#endif

static struct {
    struct infer_model *model;
    struct infer_session *session;
    size_t count, vocabulary;
    json_t *line[PROMPTS_MAX];
    int32_t *id[PROMPTS_MAX];
    struct infer_sequence prompt[PROMPTS_MAX];
    float *logits;       /* count x vocabulary */
    double max_abs, rms; /* our error */
    double theirs;       /* the reference engine's largest */
} smol;

/* ---- reading ------------------------------------------------------------------ */

static int skip_without(const char *path)
{
    if (access(path, R_OK) == 0)
        return 0;
    fprintf(stderr, "skipped: %s is not there\n", path);
    return 1;
}

static void read_prompts(void)
{
    FILE *file = fopen(CORPUS "prompts.jsonl", "rb");
    char *line = NULL;
    size_t room = 0, k;

    assert_non_null(file);
    while (smol.count < PROMPTS_MOST && getline(&line, &room, file) > 0) {
        json_t *prompt = json_loads(line, 0, NULL), *id;
        json_t *ids = json_object_get(prompt, "tokens");
        int32_t *out = malloc(json_array_size(ids) * sizeof *out);
        assert_true(out != NULL && json_array_size(ids) > 0);
        json_array_foreach(ids, k, id) out[k] = (int32_t)json_integer_value(id);
        smol.line[smol.count] = prompt;
        smol.id[smol.count] = out;
        smol.prompt[smol.count++] = (struct infer_sequence){out, k};
    }
    assert_true(smol.count >= 4);
    free(line);
    fclose(file);
}

/* ---- measuring ---------------------------------------------------------------- */

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* The twenty likeliest tokens of every prompt. */
static void measure_top(void)
{
    for (size_t p = 0; p < smol.count; p++) {
        const json_t *line = smol.line[p];
        json_t *top = json_object_get(json_object_get(line, "truth"), "top20"), *pair;
        size_t k;

        assert_int_equal(json_array_size(top), TOP);
        json_array_foreach(top, k, pair)
        {
            json_int_t id = json_integer_value(json_array_get(pair, 0));
            double truth = json_number_value(json_array_get(pair, 1));
            double found = (double)smol.logits[p * smol.vocabulary + (size_t)id];
            smol.max_abs = fmax(smol.max_abs, fabs(found - truth));
        }
        smol.theirs = fmax(
            smol.theirs, number_of(json_object_get(line, "llamacpp"), "max_abs_diff"));
    }
}

/* All logits of the prompts that have a row; returns their rms error. */
static double measure_rows(void)
{
    float *truth = malloc(ROWS * smol.vocabulary * sizeof *truth);
    FILE *file = fopen(CORPUS "logits-truth.f32", "rb");
    double squares = 0;
    size_t numbers = 0;

    assert_true(truth != NULL && file != NULL);
    assert_int_equal(fread(truth, sizeof *truth, ROWS * smol.vocabulary, file),
                     ROWS * smol.vocabulary);
    fclose(file);
    for (size_t p = 0; p < smol.count; p++) {
        const json_t *row = json_object_get(smol.line[p], "logits_row");
        size_t at = (size_t)json_integer_value(row) * smol.vocabulary;
        for (size_t i = 0; row != NULL && i < smol.vocabulary; i++, numbers++) {
            double d =
                (double)smol.logits[p * smol.vocabulary + i] - (double)truth[at + i];
            smol.max_abs = fmax(smol.max_abs, fabs(d));
            squares += d * d;
        }
    }
    free(truth);
    return numbers == 0 ? 0 : sqrt(squares / (double)numbers);
}

/* ---- the model, once for all tests -------------------------------------------- */

static int start(void **state)
{
    struct infer_options o = infer_options_default();
    struct infer_error err = {0};
    struct infer_model_info info;

    (void)state;
    if (access(MODEL, R_OK) != 0 || access(CORPUS "prompts.jsonl", R_OK) != 0)
        return 0;
    if (infer_model_open(&smol.model, MODEL, &err) != 0)
        fail_msg("%s", err.text);
    o.context_tokens = 2048;
    o.kv_tokens = 32 * 768;
    o.threads = 2;
    smol.session = run_open(smol.model, &o);
    infer_model_info(smol.model, &info);
    smol.vocabulary = info.vocabulary_tokens;
    read_prompts();
    smol.logits = malloc(smol.count * smol.vocabulary * sizeof *smol.logits);
    assert_non_null(smol.logits);
    run_logits(smol.session, smol.prompt, smol.count, smol.logits);
    measure_top();
    smol.rms = measure_rows();
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (size_t i = 0; i < smol.count; i++) {
        json_decref(smol.line[i]);
        free(smol.id[i]);
    }
    free(smol.logits);
    infer_session_close(smol.session);
    infer_model_close(smol.model);
    return 0;
}

/* ---- tests -------------------------------------------------------------------- */

static void the_logits_are_thirty_times_nearer_than_the_reference(void **state)
{
    (void)state;
    if (skip_without(MODEL) || skip_without(CORPUS "prompts.jsonl"))
        skip();
    print_message("largest error %g, rms %g; the reference engine's largest %g\n",
                  smol.max_abs, smol.rms, smol.theirs);
    assert_true(isfinite(smol.max_abs) && smol.theirs > 0);
    assert_true(smol.max_abs <= smol.theirs / 30);
    assert_true(smol.rms < 0.18 / 30); /* the README's median */
}

/* Prompt p's text must be the truth's until a margin that is below our error. */
static size_t check_text(size_t p, const struct infer_tokens *text)
{
    const json_t *truth = json_object_get(smol.line[p], "truth");
    const json_t *wanted = json_object_get(truth, "greedy");
    const json_t *margin = json_object_get(truth, "margin");
    const size_t count = json_array_size(wanted);
    size_t k = 0;

    while (k < count && k < text->count &&
           text->id[k] == json_integer_value(json_array_get(wanted, k)))
        k++;
    if (k < count && json_number_value(json_array_get(margin, k)) > 2 * smol.max_abs)
        fail_msg("prompt %zu parts from the truth at token %zu, margin %g", p, k,
                 json_number_value(json_array_get(margin, k)));
    return k == count && text->count == count;
}

static void the_greedy_texts_are_the_truths(void **state)
{
    const struct infer_sampling sampling = {.tokens = NEW_TOKENS, .top_p = 1};
    static struct infer_tokens text[PROMPTS_MAX];
    size_t whole = 0;

    (void)state;
    if (skip_without(MODEL) || skip_without(CORPUS "prompts.jsonl"))
        skip();
    assert_int_equal(
        infer_generate(smol.session, smol.prompt, smol.count, &sampling, text, NULL),
        0);
    for (size_t p = 0; p < smol.count; p++) {
        whole += check_text(p, text + p);
        infer_tokens_free(text + p);
    }
    print_message("%zu of %zu texts are the truth's to the end\n", whole, smol.count);
    assert_true(whole * 10 >= smol.count * 9);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_logits_are_thirty_times_nearer_than_the_reference),
        cmocka_unit_test(the_greedy_texts_are_the_truths),
    };

    (void)argc;
    run_patiently(argv);
    return cmocka_run_group_tests(tests, start, end);
}
