/* Sessions: what they refuse, what they announce, what they take. */
#include "infer/session.h"

#include "tests/infer/bert.h"
#include "tests/infer/kernel.h"

static const struct bert_shape small = {2,  64, 2,         128,
                                        60, 50, GGUF_Q8_0, MODEL_POOL_MEAN};

static int open_with(const struct infer_model *m, const struct infer_options *options,
                     struct infer_error *err)
{
    struct infer_session *session = NULL;
    int status = infer_session_open(&session, m, options, err);

    assert_int_equal(session == NULL, status != 0);
    infer_session_close(session);
    return status;
}

static void options_are_checked_at_their_edges(void **state)
{
    static const struct {
        int threads, bits;
        uint32_t batch;
        int status;
    } cases[] = {
        {0, 16, 512, INFER_ELIMIT},
        {1, 16, 512, 0},
        {INFER_THREADS_MAX, 16, 16, 0},
        {INFER_THREADS_MAX + 1, 16, 512, INFER_ELIMIT},
        {1, 8, 512, 0},
        {1, 12, 512, INFER_EINVALID},
        {1, 16, 15, INFER_ELIMIT},
        {1, 16, 16, 0},
        {1, 16, INFER_BATCH_TOKENS_MAX, 0},
        {1, 16, INFER_BATCH_TOKENS_MAX + 1, INFER_ELIMIT},
    };
    struct bert_fixture b;

    (void)state;
    bert_build(&b, &small);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct infer_options o = infer_options_default();
        struct infer_plan plan;
        o.threads = cases[i].threads;
        o.activations_bits = cases[i].bits;
        o.batch_tokens = cases[i].batch;
        assert_int_equal(infer_session_plan(&b.model, &o, &plan, NULL),
                         cases[i].status);
        assert_int_equal(open_with(&b.model, &o, NULL), cases[i].status);
    }
    bert_free(&b);
}

static void a_refusal_names_value_and_limits(void **state)
{
    struct infer_options o = infer_options_default();
    struct infer_error err;
    struct bert_fixture b;

    (void)state;
    bert_build(&b, &small);
    o.threads = 1000;
    assert_int_equal(open_with(&b.model, &o, &err), INFER_ELIMIT);
    assert_string_equal(err.text, "threads 1000: allowed are 1 to 256");
    bert_free(&b);
}

static void an_instruction_set_this_cpu_lacks_is_refused(void **state)
{
    struct bert_fixture b;

    (void)state;
    bert_build(&b, &small);
    for (int isa = INFER_ISA_BEST; isa < CPU_ISA_COUNT; isa++) {
        struct infer_options o = infer_options_default();
        o.isa = (enum infer_isa)isa;
        assert_int_equal(open_with(&b.model, &o, NULL),
                         cpu_has(o.isa) ? 0 : INFER_EUNSUPPORTED);
    }
    bert_free(&b);
}

static void types_without_a_kernel_are_refused_by_tensor(void **state)
{
    struct infer_options o = infer_options_default();
    struct infer_error err;
    struct infer_plan plan;
    struct bert_fixture b;

    (void)state;
    bert_build(&b, &small);
    struct gguf_tensor down = *b.layer[1].down;
    down.name = "blk.1.ffn_down.weight";
    down.type = (enum gguf_type)24; /* 8-bit integers without a scale */
    b.layer[1].down = &down;
    assert_int_equal(infer_session_plan(&b.model, &o, &plan, &err), INFER_EUNSUPPORTED);
    assert_non_null(strstr(err.text, "blk.1.ffn_down.weight"));
    struct gguf_tensor embd = *b.model.token_embd;
    embd.type = (enum gguf_type)24;
    b.model.token_embd = &embd;
    assert_int_equal(open_with(&b.model, &o, &err), INFER_EUNSUPPORTED);
    assert_non_null(strstr(err.text, "token_embd.weight"));
    bert_free(&b);
}

static void a_vocabulary_alone_is_refused(void **state)
{
    const struct infer_model model = {.architecture = "falcon"};
    struct infer_options o = infer_options_default();
    struct infer_error err;

    (void)state;
    assert_int_equal(open_with(&model, &o, &err), INFER_EUNSUPPORTED);
    assert_non_null(strstr(err.text, "no weights"));
}

static void a_damaged_weight_is_found_at_open(void **state)
{
    struct infer_options o = infer_options_default();
    struct infer_error err;
    struct bert_fixture b;

    (void)state;
    bert_build(&b, &small);
    memset((char *)(uintptr_t)b.layer[0].up->data + 34 * 5, 0xff, 2);
    assert_int_equal(open_with(&b.model, &o, &err), INFER_EFORMAT);
    assert_non_null(strstr(err.text, "ffn_up.weight"));
    bert_free(&b);
}

/* The plan and the opened session come from the same layout; what is taken is one
 * block of exactly that size. */
static void the_plan_is_what_is_taken(void **state)
{
    static const enum gguf_type types[] = {GGUF_F32, GGUF_Q8_0, GGUF_F16};
    struct infer_options o = infer_options_default();

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct bert_shape shape = small;
        struct bert_fixture b;
        struct infer_session *s;
        struct infer_plan plan;
        shape.type = types[i];
        o.threads = 1 + (int)i;
        bert_build(&b, &shape);
        assert_int_equal(infer_session_plan(&b.model, &o, &plan, NULL), 0);
        assert_int_equal(infer_session_open(&s, &b.model, &o, NULL), 0);
        const size_t tables = b.model.token_embd->bytes + b.model.position_embd->bytes;
        assert_int_equal(plan.bytes,
                         s->memory_bytes + sizeof *s +
                             (tables > s->tensor_bytes ? tables : s->tensor_bytes));
        assert_int_equal(plan.weight_bytes, s->weight_bytes);
        assert_true(plan.weight_bytes < plan.bytes);
        assert_int_equal(plan.context_tokens, 60);
        assert_int_equal(plan.batch_tokens, 512);
        infer_session_close(s);
        bert_free(&b);
    }
}

/* Peak memory of a process against the plan, on the real model. */
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

static void resident_memory_grows_by_the_plan(void **state)
{
    enum { COUNT = 5, TOKENS = 512 };
    static const char path[] = "models/all-minilm-l6-v2.q8_0.gguf";
    static int32_t id[COUNT * TOKENS];
    static float out[COUNT * 384];
    struct infer_sequence sequence[COUNT];
    struct infer_options o = infer_options_default();
    struct infer_model *m;
    struct infer_session *s;
    struct infer_plan plan;

    (void)state;
    if (infer_model_open(&m, path, NULL) != 0) {
        fprintf(stderr, "skipped: %s is not there\n", path);
        skip();
    }
    bert_ids(id, COUNT * TOKENS, 30000, 3);
    for (size_t i = 0; i < COUNT; i++)
        sequence[i] = (struct infer_sequence){id + i * TOKENS, TOKENS};
    long before = resident_kib();
    assert_int_equal(infer_session_plan(m, &o, &plan, NULL), 0);
    assert_int_equal(infer_session_open(&s, m, &o, NULL), 0);
    assert_int_equal(infer_embed(s, sequence, COUNT, out, NULL), 0);
    double ratio = (double)(resident_kib() - before) * 1024 / (double)plan.bytes;
    infer_session_close(s);
    infer_model_close(m);
#ifdef __SANITIZE_ADDRESS__
    assert_true(ratio > 0.95); /* red zones and shadow memory come on top */
#else
    assert_true(ratio > 0.95 && ratio < 1.05);
#endif
}

static void best_is_named_after_what_it_became(void **state)
{
    struct infer_options o = infer_options_default();
    struct infer_session *s;
    struct bert_fixture b;

    (void)state;
    bert_build(&b, &small);
    assert_int_equal(infer_session_open(&s, &b.model, &o, NULL), 0);
    assert_string_equal(infer_session_isa(s), cpu_isa_name(cpu_best()));
    infer_session_close(s);
    infer_session_close(NULL);
    bert_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_checked_at_their_edges),
        cmocka_unit_test(a_refusal_names_value_and_limits),
        cmocka_unit_test(an_instruction_set_this_cpu_lacks_is_refused),
        cmocka_unit_test(types_without_a_kernel_are_refused_by_tensor),
        cmocka_unit_test(a_vocabulary_alone_is_refused),
        cmocka_unit_test(a_damaged_weight_is_found_at_open),
        cmocka_unit_test(the_plan_is_what_is_taken),
        cmocka_unit_test(resident_memory_grows_by_the_plan),
        cmocka_unit_test(best_is_named_after_what_it_became),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
