/* An adapted model is the model with the change written into its weights, and its
 * results depend on their own sequence alone, as those of a model without adapter. */
#include "tests/infer/decoder_run.h"
#include "tests/infer/tiny_adapter.h"

#include "infer/gguf_file.h"
#include "infer/quant/format.h"

#include <math.h>

static const float scale = 0.75f;

/* ---- merging ------------------------------------------------------------------ */

/* W + factor * B A, for each of the pair's parts. */
static void merge_pair(const struct adapter_pair *pair, float *w)
{
    const struct gguf_tensor *t = pair->tensor;
    const uint64_t rank = pair->a->dim[1];
    const float *a = pair->a->data, *b = pair->b->data;

    for (uint64_t row = 0; row < t->rows; row++) {
        const uint64_t part = row / t->dim[1];
        for (uint64_t k = 0; k < t->dim[0]; k++) {
            double sum = 0;
            for (uint64_t r = 0; r < rank; r++)
                sum += (double)b[row * rank + r] *
                       (double)a[(part * rank + r) * t->dim[0] + k];
            w[row * t->dim[0] + k] += (float)((double)pair->scale * sum);
        }
    }
}

static struct infer_model *merged_model(const struct tiny_decoder *d,
                                        const struct tiny_adapter *change)
{
    struct infer_model *model = tiny_model(d), *merged = NULL;
    const struct gguf *file = model->file;
    struct infer_error err = {0};
    char *bytes = malloc(file->data.size);

    memcpy(bytes, file->data.bytes, file->data.size);
    tiny_adapt(model, d, change, scale);
    for (size_t i = 0; i < gguf_tensor_count(file); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(file, i);
        const struct adapter_pair *pair = adapter_find(model->adapter, t);
        size_t at = (size_t)((const uint8_t *)t->data - file->data.bytes);
        if (pair)
            merge_pair(pair, (float *)(void *)(bytes + at));
    }
    if (model_open_memory(&merged, bytes, file->data.size, &err) != 0)
        fail_msg("%s", err.text);
    free(bytes);
    infer_model_close(model);
    return merged;
}

static struct infer_session *session_of(struct infer_model *model)
{
    struct infer_options o = run_options();

    o.kv = INFER_KV_F32;
    return run_open(model, &o);
}

/* The largest difference of a logit between two models. */
static float farthest(struct infer_model *one, struct infer_model *other,
                      const struct run_prompts *prompts)
{
    static float x[RUN_SEQUENCES][TINY_VOCABULARY], y[RUN_SEQUENCES][TINY_VOCABULARY];
    struct infer_session *a = session_of(one), *b = session_of(other);
    float most = 0;

    run_logits(a, prompts->sequence, RUN_SEQUENCES, x[0]);
    run_logits(b, prompts->sequence, RUN_SEQUENCES, y[0]);
    for (size_t i = 0; i < RUN_SEQUENCES; i++)
        for (size_t k = 0; k < TINY_VOCABULARY; k++)
            most = fmaxf(most, fabsf(x[i][k] - y[i][k]));
    infer_session_close(a);
    infer_session_close(b);
    return most;
}

static void compare_to_merged(const struct tiny_decoder *family,
                              const struct tiny_adapter *change)
{
    struct infer_model *adapted = tiny_model(family), *plain = tiny_model(family);
    struct infer_model *merged = merged_model(family, change);
    struct run_prompts prompts;
    uint64_t state = 3;
    float off, moved;

    run_draw_prompts(&prompts, &state, 4, 24);
    tiny_adapt(adapted, family, change, scale);
    off = farthest(adapted, merged, &prompts);
    moved = farthest(plain, merged, &prompts);
    if (!(off < 2e-4f) || !(moved > 1e-2f))
        fail_msg("%s: %g from the merged model, which is %g from the plain one",
                 family->architecture, (double)off, (double)moved);
    infer_model_close(merged);
    infer_model_close(plain);
    infer_model_close(adapted);
}

static void an_adapted_model_is_the_merged_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(run_families); i++)
        compare_to_merged(&run_families[i], &(struct tiny_adapter){0});
}

/* ---- bits --------------------------------------------------------------------- */

static void logits_so(struct infer_model *model, const struct infer_options *o,
                      const struct run_prompts *prompts, size_t first, size_t count,
                      float *out)
{
    struct infer_session *session = run_open(model, o);

    run_logits(session, prompts->sequence + first, count, out);
    infer_session_close(session);
}

static void compare_ways(struct infer_model *model, const struct run_prompts *prompts,
                         const char *what)
{
    static float alone[RUN_SEQUENCES][TINY_VOCABULARY],
        together[RUN_SEQUENCES][TINY_VOCABULARY];
    struct infer_options o = run_options();

    for (size_t i = 0; i < RUN_SEQUENCES; i++)
        logits_so(model, &o, prompts, i, 1, alone[i]);
    for (int way = 0; way < 4; way++) {
        o = run_options();
        o.threads = 1 + way % 2;
        o.batch_tokens = way == 1 ? 16 : 150;
        o.piece_tokens = way == 2 ? 5 : 0;
        o.share_prefix = way != 2;
        o.isa = way == 3 ? INFER_ISA_SCALAR : INFER_ISA_BEST;
        if (way == 2 && cpu_choose(INFER_ISA_AVX2, &o.isa, NULL) != 0)
            o.isa = INFER_ISA_BEST;
        logits_so(model, &o, prompts, 0, RUN_SEQUENCES, together[0]);
        if (memcmp(alone, together, sizeof alone) != 0)
            fail_msg("%s: other bits in way %d", what, way);
    }
}

static void no_way_of_computing_changes_a_bit(void **state)
{
    static const enum gguf_type types[] = {GGUF_Q8_0, GGUF_F32, GGUF_Q4_K};
    static const enum gguf_type pairs[] = {GGUF_F32, GGUF_F16, GGUF_BF16};
    struct run_prompts prompts;
    uint64_t draw = 11;

    (void)state;
    run_draw_prompts(&prompts, &draw, 4, 40);
    for (size_t i = 0; i < COUNT(run_families); i++) {
        struct tiny_decoder d = run_families[i];
        const struct tiny_adapter change = {.type = pairs[i % COUNT(pairs)]};
        struct infer_model *model;

        d.type = types[i % COUNT(types)];
        model = tiny_model(&d);
        tiny_adapt(model, &d, &change, scale);
        compare_ways(model, &prompts, d.architecture);
        infer_model_close(model);
    }
}

static void a_scale_of_nothing_changes_nothing(void **state)
{
    static float plain[TINY_VOCABULARY], adapted[TINY_VOCABULARY];
    struct infer_model *model = tiny_model(&run_families[0]);
    struct infer_options o = run_options();
    struct run_prompts prompts;
    uint64_t draw = 5;

    (void)state;
    run_draw_prompts(&prompts, &draw, 4, 40);
    logits_so(model, &o, &prompts, 0, 1, plain);
    tiny_adapt(model, &run_families[0], &(struct tiny_adapter){0}, 0);
    logits_so(model, &o, &prompts, 0, 1, adapted);
    assert_memory_equal(plain, adapted, sizeof plain);
    infer_model_close(model);
}

static void the_plan_counts_the_adapter(void **state)
{
    struct infer_model *model = tiny_model(&run_families[0]);
    struct infer_options o = run_options();
    struct infer_plan before, after;
    /* A and B of all matrices of two layers, rows padded to 16 and 32 */
    const uint64_t q = TINY_WIDTH, kv = 2 * 64, f = TINY_FFN, w = TINY_WIDTH;
    const uint64_t depths = 4 * w + 2 * w + f, outputs = q + 2 * kv + w + 2 * f + w;
    const uint64_t least =
        2 * sizeof(float) * (depths * PANEL_ROWS + outputs * TINY_ADAPTER_RANK);

    (void)state;
    assert_int_equal(infer_session_plan(model, &o, &before, NULL), 0);
    tiny_adapt(model, &run_families[0], &(struct tiny_adapter){0}, 1);
    assert_int_equal(infer_session_plan(model, &o, &after, NULL), 0);
    assert_int_equal(after.weight_bytes - before.weight_bytes, least);
    assert_true(after.bytes - before.bytes >= least);
    infer_model_close(model);
}

static void a_weight_that_is_not_finite_is_refused(void **state)
{
    struct infer_model *model = tiny_model(&run_families[0]);
    struct infer_options o = run_options();
    struct infer_session *session;
    struct infer_error err = {0};
    size_t count;
    char *bytes =
        tiny_adapter_bytes(&run_families[0], &(struct tiny_adapter){0}, &count);

    (void)state;
    memcpy(bytes + count - 4 * 32, &(float){NAN}, sizeof(float));
    assert_int_equal(adapter_open_memory(&model->adapter, model, bytes, count, 1, &err),
                     0);
    assert_int_equal(infer_session_open(&session, model, &o, &err), INFER_EFORMAT);
    assert_non_null(strstr(err.text, ".lora_b"));
    free(bytes);
    infer_model_close(model);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_adapted_model_is_the_merged_one),
        cmocka_unit_test(no_way_of_computing_changes_a_bit),
        cmocka_unit_test(a_scale_of_nothing_changes_nothing),
        cmocka_unit_test(the_plan_counts_the_adapter),
        cmocka_unit_test(a_weight_that_is_not_finite_is_refused),
    };

    (void)argc;
    run_patiently(argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
