/* Continuations: greedy as the logits say, drawn as the seed says, ended by an end
 * token, and refused before anything is computed when they cannot fit. */
#include "tests/infer/decoder_run.h"

#include "infer/sample.h"

#include <math.h>

enum { NEW_TOKENS = 20 };

static void generate(struct infer_session *session, const struct infer_sequence *prompt,
                     size_t count, const struct infer_sampling *sampling,
                     struct infer_tokens *out)
{
    struct infer_error err = {0};

    memset(out, 0, count * sizeof *out);
    if (infer_generate(session, prompt, count, sampling, out, &err) != 0)
        fail_msg("%s", err.text);
}

static bool equal(const struct infer_tokens *a, const struct infer_tokens *b)
{
    return a->count == b->count && memcmp(a->id, b->id, a->count * sizeof *a->id) == 0;
}

static void free_all(struct infer_tokens *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        infer_tokens_free(text + i);
}

/* ---- greedy ------------------------------------------------------------------- */

static void check_greedy(struct infer_session *session,
                         const struct infer_sequence *prompt,
                         const struct infer_tokens *text)
{
    static float logits[TINY_VOCABULARY];
    int32_t all[RUN_LONGEST + NEW_TOKENS];
    struct infer_sequence one = {all, prompt->count};

    assert_int_equal(text->count, NEW_TOKENS);
    memcpy(all, prompt->id, prompt->count * sizeof *all);
    memcpy(all + prompt->count, text->id, NEW_TOKENS * sizeof *all);
    for (size_t k = 0; k < NEW_TOKENS; k += 6) {
        size_t best = 0;
        one.count = prompt->count + k;
        run_logits(session, &one, 1, logits);
        for (size_t i = 0; i < TINY_VOCABULARY; i++)
            best = logits[i] > logits[best] ? i : best;
        assert_int_equal(text->id[k], best);
    }
}

static void a_greedy_text_is_what_its_logits_say_token_by_token(void **state)
{
    const struct infer_sampling sampling = {
        .tokens = NEW_TOKENS, .ignore_eos = true, .top_p = 1};
    struct infer_options o = run_options();
    struct run run = run_start(run_families, GGUF_Q4_1, &o);
    struct infer_tokens text[RUN_SEQUENCES];
    struct run_prompts prompts;
    uint64_t seed = 3;

    (void)state;
    run_draw_prompts(&prompts, &seed, 20, RUN_LONGEST);
    generate(run.session, prompts.sequence, RUN_SEQUENCES, &sampling, text);
    for (size_t i = 0; i < RUN_SEQUENCES; i++)
        check_greedy(run.session, prompts.sequence + i, text + i);
    free_all(text, RUN_SEQUENCES);
    run_end(&run);
}

/* ---- drawn -------------------------------------------------------------------- */

static void a_drawn_text_depends_on_its_seed_and_nothing_else(void **state)
{
    struct infer_sampling sampling = {.tokens = NEW_TOKENS,
                                      .ignore_eos = true,
                                      .temperature = 0.9f,
                                      .top_p = 0.95f,
                                      .min_p = 0.01f,
                                      .seed = 42};
    struct infer_options o = run_options();
    struct run run = run_start(run_families + 3, GGUF_Q6_K, &o);
    struct infer_tokens together[RUN_SEQUENCES], alone, other;
    struct run_prompts prompts;
    uint64_t seed = 5;

    (void)state;
    run_draw_prompts(&prompts, &seed, 0, RUN_LONGEST);
    generate(run.session, prompts.sequence, RUN_SEQUENCES, &sampling, together);
    for (size_t i = 0; i < RUN_SEQUENCES; i++) {
        generate(run.session, prompts.sequence + i, 1, &sampling, &alone);
        assert_true(equal(&alone, together + i));
        infer_tokens_free(&alone);
    }
    sampling.seed = 43;
    generate(run.session, prompts.sequence, 1, &sampling, &other);
    assert_false(equal(&other, together));
    infer_tokens_free(&other);
    free_all(together, RUN_SEQUENCES);
    run_end(&run);
}

static void narrow_sampling_is_greedy(void **state)
{
    struct infer_sampling greedy = {
        .tokens = NEW_TOKENS, .ignore_eos = true, .top_p = 1};
    struct infer_sampling narrow = greedy;
    struct infer_options o = run_options();
    struct run run = run_start(run_families, GGUF_F32, &o);
    const int32_t prompt_id[] = {1, 50, 60};
    const struct infer_sequence prompt = {prompt_id, 3};
    struct infer_tokens wanted, found;

    (void)state;
    generate(run.session, &prompt, 1, &greedy, &wanted);
    narrow.temperature = 1;
    narrow.min_p = 1;
    generate(run.session, &prompt, 1, &narrow, &found);
    assert_true(equal(&wanted, &found));
    infer_tokens_free(&found);
    narrow.min_p = 0;
    narrow.top_p = 1e-6f;
    generate(run.session, &prompt, 1, &narrow, &found);
    assert_true(equal(&wanted, &found));
    infer_tokens_free(&found);
    infer_tokens_free(&wanted);
    run_end(&run);
}

/* ---- ends --------------------------------------------------------------------- */

/* Drawn from flat logits, the end token comes soon enough. */
static void an_end_token_ends_the_text_and_belongs_to_it(void **state)
{
    struct infer_sampling sampling = {
        .tokens = 200, .temperature = 50, .top_p = 1, .ignore_eos = true};
    struct infer_options o = run_options();
    struct run run = run_start(run_families, GGUF_F32, &o);
    const int32_t prompt_id[] = {1, 50};
    const struct infer_sequence prompt = {prompt_id, 2};
    struct infer_tokens whole, ended;
    size_t seen = 0;

    (void)state;
    for (sampling.seed = 0; sampling.seed < 8; sampling.seed++) {
        size_t at = 0;
        sampling.ignore_eos = true;
        generate(run.session, &prompt, 1, &sampling, &whole);
        assert_int_equal(whole.count, 200);
        while (at < 199 && !infer_token_is_end(run.model, whole.id[at]))
            at++;
        sampling.ignore_eos = false;
        generate(run.session, &prompt, 1, &sampling, &ended);
        assert_int_equal(ended.count, at + 1);
        assert_memory_equal(ended.id, whole.id, ended.count * sizeof *ended.id);
        seen += at < 199;
        infer_tokens_free(&whole);
        infer_tokens_free(&ended);
    }
    assert_in_range(seen, 1, 8);
    run_end(&run);
}

static void no_tokens_and_no_prompts_are_no_work(void **state)
{
    struct infer_sampling sampling = {.tokens = 0, .top_p = 1};
    struct infer_options o = run_options();
    struct run run = run_start(run_families, GGUF_F32, &o);
    const int32_t prompt_id[] = {1, 50};
    const struct infer_sequence prompt = {prompt_id, 2};
    struct infer_tokens text;

    (void)state;
    generate(run.session, &prompt, 1, &sampling, &text);
    assert_int_equal(text.count, 0);
    infer_tokens_free(&text);
    sampling.tokens = 5;
    generate(run.session, &prompt, 0, &sampling, &text);
    assert_int_equal(infer_logits(run.session, &prompt, 0, NULL, NULL), 0);
    run_end(&run);
}

/* ---- limits ------------------------------------------------------------------- */

static void a_sequence_may_fill_the_context_and_no_more(void **state)
{
    struct infer_options o = run_options();
    struct run run = run_start(run_families, GGUF_F32, &o);
    static int32_t id[300];
    static float logits[TINY_VOCABULARY];
    struct infer_sampling sampling = {.tokens = 10, .ignore_eos = true, .top_p = 1};
    struct infer_sequence one = {id, 256};
    struct infer_tokens text;
    struct infer_error err;

    (void)state;
    assert_int_equal(infer_logits(run.session, &one, 1, logits, &err), 0);
    one.count = 257;
    assert_int_equal(infer_logits(run.session, &one, 1, logits, &err), INFER_ELIMIT);
    one.count = 246;
    generate(run.session, &one, 1, &sampling, &text);
    assert_int_equal(text.count, 10);
    infer_tokens_free(&text);
    one.count = 247;
    text = (struct infer_tokens){0};
    assert_int_equal(infer_generate(run.session, &one, 1, &sampling, &text, &err),
                     INFER_ELIMIT);
    assert_int_equal(text.count, 0);
    run_end(&run);
}

static void sampling_is_checked_at_its_edges(void **state)
{
    static const struct {
        float temperature, top_p, min_p;
        int status;
    } cases[] = {
        {0, 1, 0, 0},
        {100, 1, 1, 0},
        {-0.1f, 1, 0, INFER_EINVALID},
        {101, 1, 0, INFER_EINVALID},
        {NAN, 1, 0, INFER_EINVALID},
        {1, 0, 0, INFER_EINVALID},
        {1, 1.1f, 0, INFER_EINVALID},
        {1, NAN, 0, INFER_EINVALID},
        {1, 1, -0.1f, INFER_EINVALID},
        {1, 1, 1.1f, INFER_EINVALID},
        {1, 1, NAN, INFER_EINVALID},
    };
    struct infer_options o = run_options();
    struct run run = run_start(run_families, GGUF_F32, &o);
    const int32_t prompt_id[] = {1, 50};
    const struct infer_sequence prompt = {prompt_id, 2};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct infer_sampling sampling = {.tokens = 1,
                                                .temperature = cases[i].temperature,
                                                .top_p = cases[i].top_p,
                                                .min_p = cases[i].min_p};
        struct infer_tokens text = {0};
        assert_int_equal(
            infer_generate(run.session, &prompt, 1, &sampling, &text, NULL),
            cases[i].status);
        infer_tokens_free(&text);
    }
    run_end(&run);
}

/* Weights so large that a product leaves the floats. */
static void numbers_that_overflow_are_told(void **state)
{
    struct infer_options o = run_options();
    struct tiny_decoder d = run_families[0];
    static float logits[TINY_VOCABULARY];
    const int32_t prompt_id[] = {1, 50};
    const struct infer_sequence prompt = {prompt_id, 2};
    const struct infer_sampling sampling = {.tokens = 3, .top_p = 1};
    struct infer_tokens text = {0};
    struct infer_error err;
    size_t count;

    (void)state;
    d.type = GGUF_F32;
    struct infer_model *model = tiny_model(&d);
    const struct gguf_tensor *norm =
        gguf_tensor_find(model->file, "output_norm.weight");
    float *weight = (float *)(uintptr_t)norm->data;
    for (count = 0; count < TINY_WIDTH; count++)
        weight[count] = 3e38f;
    struct infer_session *session = run_open(model, &o);
    assert_int_equal(infer_logits(session, &prompt, 1, logits, &err), INFER_EFORMAT);
    assert_non_null(strstr(err.text, "overflow"));
    assert_int_equal(infer_generate(session, &prompt, 1, &sampling, &text, &err),
                     INFER_EFORMAT);
    infer_tokens_free(&text);
    infer_session_close(session);
    infer_model_close(model);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_greedy_text_is_what_its_logits_say_token_by_token),
        cmocka_unit_test(a_drawn_text_depends_on_its_seed_and_nothing_else),
        cmocka_unit_test(narrow_sampling_is_greedy),
        cmocka_unit_test(an_end_token_ends_the_text_and_belongs_to_it),
        cmocka_unit_test(no_tokens_and_no_prompts_are_no_work),
        cmocka_unit_test(a_sequence_may_fill_the_context_and_no_more),
        cmocka_unit_test(sampling_is_checked_at_its_edges),
        cmocka_unit_test(numbers_that_overflow_are_told),
    };

    (void)argc;
    run_patiently(argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
