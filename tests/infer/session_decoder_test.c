/* The session of a language model: what is chosen where nothing is said, what is
 * refused, and that the memory announced is the memory taken. */
#include "tests/infer/decoder_run.h"

#include "infer/generator.h"

static struct infer_model *model_of(size_t family, enum gguf_type type)
{
    struct tiny_decoder d = run_families[family];

    d.type = type;
    return tiny_model(&d);
}

static struct infer_plan plan_of(const struct infer_model *model,
                                 const struct infer_options *o)
{
    struct infer_plan plan;
    struct infer_error err = {0};

    if (infer_session_plan(model, o, &plan, &err) != 0)
        fail_msg("%s", err.text);
    return plan;
}

/* ---- options ------------------------------------------------------------------ */

static void what_nobody_says_is_chosen(void **state)
{
    struct infer_options o = infer_options_default();
    struct infer_model *model = model_of(0, GGUF_Q8_0);
    struct infer_session *session = run_open(model, &o);

    (void)state;
    assert_int_equal(session->options.context_tokens, TINY_CONTEXT);
    assert_int_equal(session->options.batch_sequences, INFER_BATCH_SEQUENCES);
    assert_int_equal(session->options.kv_tokens, INFER_BATCH_SEQUENCES * TINY_CONTEXT);
    assert_int_equal(session->options.batch_tokens, 512);
    assert_int_equal(session->options.kv, INFER_KV_F16);
    assert_true(session->options.share_prefix);
    infer_session_close(session);
    o.kv_tokens = 1;
    session = run_open(model, &o);
    assert_int_equal(session->options.kv_tokens, TINY_CONTEXT);
    infer_session_close(session);
    infer_model_close(model);
}

static void the_context_is_the_models_at_most(void **state)
{
    struct infer_options o = run_options();
    struct infer_model *model = model_of(0, GGUF_F32);
    struct infer_session *session = NULL;
    struct infer_error err;

    (void)state;
    o.context_tokens = TINY_CONTEXT;
    assert_int_equal(plan_of(model, &o).context_tokens, TINY_CONTEXT);
    o.context_tokens = TINY_CONTEXT + 1;
    assert_int_equal(infer_session_open(&session, model, &o, &err), INFER_ELIMIT);
    assert_null(session);
    assert_string_equal(err.text, "context of 513 tokens: the model takes at most 512");
    infer_model_close(model);
}

static void options_that_mean_nothing_are_refused(void **state)
{
    struct infer_model *model = model_of(0, GGUF_F32);
    struct infer_options o = run_options();
    struct infer_plan plan;

    (void)state;
    o.kv = (enum infer_kv)3;
    assert_int_equal(infer_session_plan(model, &o, &plan, NULL), INFER_EINVALID);
    o = run_options();
    o.batch_sequences = INFER_BATCH_SEQUENCES_MAX + 1;
    assert_int_equal(infer_session_plan(model, &o, &plan, NULL), INFER_ELIMIT);
    o.batch_sequences = INFER_BATCH_SEQUENCES_MAX;
    assert_int_equal(infer_session_plan(model, &o, &plan, NULL), 0);
    infer_model_close(model);
}

/* ---- weights ------------------------------------------------------------------ */

static void matrices_kept_as_one_are_cut(void **state)
{
    enum { MIXTRAL = 2, PHI3 = 8, DEEPSEEK = 9 };
    struct infer_options o = run_options();
    struct run phi3 = run_start(run_families + PHI3, GGUF_Q4_0, &o);
    const struct generator_layer *l = phi3.session->generator->layer + 1;

    (void)state;
    assert_int_equal(l->q.rows, 256);
    assert_int_equal(l->k.rows, 128);
    assert_int_equal(l->v.rows, 128);
    assert_int_equal(l->gate.rows, TINY_FFN);
    assert_int_equal(l->up.rows, TINY_FFN);
    assert_ptr_not_equal(l->gate.panel, l->up.panel);
    run_end(&phi3);
    struct run mixtral = run_start(run_families + MIXTRAL, GGUF_Q4_0, &o);
    l = mixtral.session->generator->layer;
    assert_int_equal(l->experts.down[3].rows, TINY_WIDTH);
    assert_int_equal(l->experts.down[3].depth, TINY_FFN);
    run_end(&mixtral);
    struct run deepseek = run_start(run_families + DEEPSEEK, GGUF_Q4_0, &o);
    l = deepseek.session->generator->layer;
    assert_int_equal(l->latent.k_b[1].rows, TINY_RANK);
    assert_int_equal(l->latent.v_b[1].rows, TINY_LATENT_VALUE);
    assert_int_equal(l->shared_up.rows, TINY_FFN);
    run_end(&deepseek);
}

static void a_type_without_a_kernel_is_refused_by_tensor(void **state)
{
    struct infer_model *model = model_of(0, GGUF_F32);
    struct gguf_tensor up = *model->decoder->layer[1].up;
    struct infer_options o = run_options();
    struct infer_plan plan;
    struct infer_error err;

    (void)state;
    up.type = (enum gguf_type)24; /* 8-bit integers without a scale */
    model->decoder->layer[1].up = &up;
    assert_int_equal(infer_session_plan(model, &o, &plan, &err), INFER_EUNSUPPORTED);
    assert_non_null(strstr(err.text, "blk.1.ffn_up.weight"));
    infer_model_close(model);
}

static void a_damaged_weight_is_found_at_open(void **state)
{
    struct infer_model *model = model_of(0, GGUF_Q8_0);
    struct infer_session *session = NULL;
    struct infer_options o = run_options();
    struct infer_error err;

    (void)state;
    /* the scale of a block in the middle becomes a NaN */
    memset((char *)(uintptr_t)model->decoder->layer[1].down->data + 34 * 1001, 0xff, 2);
    assert_int_equal(infer_session_open(&session, model, &o, &err), INFER_EFORMAT);
    assert_null(session);
    assert_non_null(strstr(err.text, "blk.1.ffn_down.weight"));
    infer_model_close(model);
}

/* ---- the plan ----------------------------------------------------------------- */

static void the_plan_covers_what_is_taken(void **state)
{
    (void)state;
    for (size_t f = 0; f < COUNT(run_families); f++)
        for (int threads = 1; threads <= 3; threads++) {
            struct infer_options o = run_options();
            struct infer_model *model =
                model_of(f, run_types[3 + 4 * (size_t)(threads - 1)]);
            o.threads = threads;
            o.kv = (enum infer_kv)(f % 3);
            o.share_prefix = threads % 2;
            struct infer_plan plan = plan_of(model, &o);
            struct infer_session *session = run_open(model, &o);
            assert_true(plan.bytes >= session->memory_bytes + sizeof *session);
            assert_int_equal(plan.weight_bytes, session->weight_bytes);
            assert_int_equal(plan.kv_bytes, session->kv_bytes);
            assert_true(plan.weight_bytes + plan.kv_bytes < plan.bytes);
            assert_int_equal(plan.context_tokens, 256);
            assert_int_equal(plan.batch_tokens, 64);
            infer_session_close(session);
            infer_model_close(model);
        }
}

/* 2 layers, 2 heads, keys and values of 64: 512 numbers a token. */
static void the_cache_costs_what_its_numbers_cost(void **state)
{
    static const struct {
        enum infer_kv kv;
        uint32_t token_bytes;
    } cases[] = {
        {INFER_KV_F32, 512 * 4}, {INFER_KV_F16, 512 * 2}, {INFER_KV_Q8, 512 + 16 * 4}};
    struct infer_model *model = model_of(0, GGUF_Q8_0);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct infer_options o = run_options();
        o.kv = cases[i].kv;
        o.share_prefix = false;
        o.kv_tokens = 4096;
        o.batch_sequences = 1;
        uint64_t all = plan_of(model, &o).kv_bytes;
        uint64_t pages = (uint64_t)(4096 + 16) * cases[i].token_bytes;
        assert_in_range(all, pages, pages + pages / 100);
        o.batch_sequences = 5; /* each may hold a page that is not full */
        assert_in_range(plan_of(model, &o).kv_bytes - all, 64 * cases[i].token_bytes,
                        65 * cases[i].token_bytes);
    }
    infer_model_close(model);
}

static void threads_and_rows_cost_memory_weights_do_not_change(void **state)
{
    struct infer_model *model = model_of(3, GGUF_Q4_K);
    struct infer_options o = run_options();
    struct infer_plan base = plan_of(model, &o), more;
    uint64_t thread;

    (void)state;
    o.threads = 2;
    more = plan_of(model, &o);
    thread = more.bytes - base.bytes;
    assert_true(thread > 0);
    o.threads = 6;
    more = plan_of(model, &o);
    assert_in_range(more.bytes - base.bytes, 5 * thread - 320, 5 * thread + 320);
    assert_int_equal(more.weight_bytes, base.weight_bytes);
    o.threads = 1;
    o.batch_tokens = 128;
    more = plan_of(model, &o);
    assert_true(more.bytes > base.bytes);
    assert_int_equal(more.weight_bytes, base.weight_bytes);
    assert_int_equal(more.kv_bytes, base.kv_bytes);
    infer_model_close(model);
}

/* ---- what is really taken ----------------------------------------------------- */

static long resident_kib(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[128];
    long kib = 0;

    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "VmRSS: %ld", &kib) == 1)
            break;
    fclose(file);
    return kib;
}

/* 64 sequences at once fill the cache to its last page. */
static void a_full_session_grows_by_its_plan(void **state)
{
    enum { SEQUENCES = 64, TOKENS = 240 };
    static int32_t id[SEQUENCES][TOKENS];
    static struct infer_sequence prompt[SEQUENCES];
    static struct infer_tokens text[SEQUENCES];
    const struct infer_sampling sampling = {
        .tokens = 16, .ignore_eos = true, .top_p = 1};
    struct infer_model *model = model_of(0, GGUF_Q8_0);
    struct infer_options o = infer_options_default();
    uint64_t seed = 6;

    (void)state;
    o.kv = INFER_KV_F32;
    o.context_tokens = 256;
    o.batch_sequences = SEQUENCES;
    o.share_prefix = false;
    for (size_t i = 0; i < SEQUENCES; i++) {
        for (size_t k = 0; k < TOKENS; k++)
            id[i][k] = (int32_t)(tiny_random(&seed) % TINY_VOCABULARY);
        prompt[i] = (struct infer_sequence){id[i], TOKENS};
    }
    long before = resident_kib();
    struct infer_plan plan = plan_of(model, &o);
    struct infer_session *session = run_open(model, &o);
    assert_int_equal(infer_generate(session, prompt, SEQUENCES, &sampling, text, NULL),
                     0);
    double ratio = (double)(resident_kib() - before) * 1024 / (double)plan.bytes;
    for (size_t i = 0; i < SEQUENCES; i++)
        infer_tokens_free(&text[i]);
    infer_session_close(session);
    infer_model_close(model);
#ifdef __SANITIZE_ADDRESS__
    assert_true(ratio > 0.9); /* red zones and shadow memory come on top */
#else
    if (!(ratio > 0.95 && ratio < 1.05))
        fail_msg("%g of the plan of %llu bytes", ratio, (unsigned long long)plan.bytes);
#endif
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_session_grows_by_its_plan),
        cmocka_unit_test(what_nobody_says_is_chosen),
        cmocka_unit_test(the_context_is_the_models_at_most),
        cmocka_unit_test(options_that_mean_nothing_are_refused),
        cmocka_unit_test(matrices_kept_as_one_are_cut),
        cmocka_unit_test(a_type_without_a_kernel_is_refused_by_tensor),
        cmocka_unit_test(a_damaged_weight_is_found_at_open),
        cmocka_unit_test(the_plan_covers_what_is_taken),
        cmocka_unit_test(the_cache_costs_what_its_numbers_cost),
        cmocka_unit_test(threads_and_rows_cost_memory_weights_do_not_change),
    };

    (void)argc;
    run_patiently(argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
