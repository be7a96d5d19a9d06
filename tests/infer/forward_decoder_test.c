/* The forward pass against its formulas in double, for every family; and the pass
 * itself: rows of many sequences side by side, pieces, and trees. */
#include "tests/infer/decoder_run.h"

#include "infer/generator.h"
#include "tests/infer/decoder_reference.h"
#include "tests/infer/kernel.h"

/* ---- the formulas ------------------------------------------------------------- */

/* The largest difference relative to the largest logit. */
static double error_of(const float *found, const double *wanted)
{
    double most = 0, error = 0;

    for (size_t i = 0; i < TINY_VOCABULARY; i++) {
        most = fmax(most, fabs(wanted[i]));
        error = fmax(error, fabs((double)found[i] - wanted[i]));
    }
    return error / most;
}

static void check_family(const struct tiny_decoder *family, enum infer_kv kv,
                         enum infer_float_backend backend, double allowed)
{
    static const uint32_t lengths[] = {1, 7, REFERENCE_TOKENS};
    static double wanted[TINY_VOCABULARY];
    static float found[TINY_VOCABULARY];
    struct infer_options o = run_options();
    struct run_prompts prompts;
    uint64_t seed = 21;

    o.kv = kv;
    o.float_backend = backend;
    struct run run = run_start(family, GGUF_F32, &o);
    run_draw_prompts(&prompts, &seed, 0, RUN_LONGEST);
    for (size_t i = 0; i < COUNT(lengths); i++) {
        for (size_t k = 0; k < lengths[i]; k++)
            prompts.id[i][k] = (int32_t)(tiny_random(&seed) % TINY_VOCABULARY);
        const struct infer_sequence one = {prompts.id[i], lengths[i]};
        reference_logits(run.model, &one, wanted);
        run_logits(run.session, &one, 1, found);
        double error = error_of(found, wanted);
        if (!(error < allowed))
            fail_msg("%s, %u tokens: off by %g, allowed is %g", family->architecture,
                     lengths[i], error, allowed);
    }
    run_end(&run);
}

static void every_family_computes_its_formulas(void **state)
{
    (void)state;
    for (size_t f = 0; f < COUNT(run_families); f++)
        check_family(run_families + f, INFER_KV_F32, INFER_FLOAT_EXACT, 5e-6);
}

static void a_rounded_cache_costs_what_its_numbers_lack(void **state)
{
    (void)state;
    for (size_t f = 0; f < COUNT(run_families); f += RUN_EVERY) {
        check_family(run_families + f, INFER_KV_F16, INFER_FLOAT_EXACT, 2e-3);
        check_family(run_families + f, INFER_KV_Q8, INFER_FLOAT_EXACT, 2e-2);
    }
}

static void the_other_float_backend_computes_them_too(void **state)
{
    (void)state;
    for (size_t f = 0; f < COUNT(run_families); f += RUN_EVERY)
        check_family(run_families + f, INFER_KV_F32, INFER_FLOAT_BLAS, 5e-6);
}

/* A window that is left out would show. */
static void the_reference_tells_families_apart(void **state)
{
    static double a[TINY_VOCABULARY], b[TINY_VOCABULARY];
    const int32_t id[] = {1, 5, 9, 200};
    const struct infer_sequence one = {id, 4};
    struct tiny_decoder plain = run_families[0], windowed = run_families[0];

    (void)state;
    windowed.window = 2;
    struct infer_model *first = tiny_model(&plain), *second = tiny_model(&windowed);
    reference_logits(first, &one, a);
    reference_logits(second, &one, b);
    assert_memory_not_equal(a, b, sizeof a);
    infer_model_close(first);
    infer_model_close(second);
}

/* ---- the pass ----------------------------------------------------------------- */

enum { PIECES = 3 };

struct sequences {
    struct kv_sequence kv[PIECES];
    uint32_t page[PIECES][64];
};

static void reserve(struct generator *g, struct sequences *s, uint32_t tokens)
{
    for (size_t i = 0; i < PIECES; i++) {
        s->kv[i] = (struct kv_sequence){.page = s->page[i]};
        assert_true(kv_reserve(&g->kv, s->kv + i, tokens));
    }
}

static void release(struct generator *g, struct sequences *s)
{
    for (size_t i = 0; i < PIECES; i++)
        kv_release(&g->kv, s->kv + i);
}

/* What leaves the last layer for the rows of one sequence, alone in its passes. */
static void rows_alone(struct infer_session *session, const int32_t *id, uint32_t count,
                       uint32_t at_once, float *out)
{
    struct generator *g = session->generator;
    struct sequences s;

    reserve(g, &s, count);
    for (uint32_t at = 0; at < count; at += at_once) {
        const uint32_t left = count - at;
        struct pass_piece piece = {.kv = s.kv,
                                   .id = id + at,
                                   .first = at,
                                   .count = left < at_once ? left : at_once};
        decoder_forward(session, &piece, 1);
        for (uint32_t t = 0; t < piece.count; t++)
            memcpy(out + (at + t) * TINY_WIDTH, g->x + t * g->width_stride,
                   TINY_WIDTH * sizeof *out);
    }
    release(g, &s);
}

static void every_row_of_a_pass_is_its_own(void **state)
{
    static const uint32_t count[PIECES] = {5, 30, 1};
    static float alone[40 * TINY_WIDTH];
    struct infer_options o = run_options();
    struct run run = run_start(run_families + 6, GGUF_Q5_1, &o);
    struct generator *g = run.session->generator;
    struct pass_piece piece[PIECES];
    struct run_prompts prompts;
    struct sequences s;
    uint64_t seed = 3;

    (void)state;
    run_draw_prompts(&prompts, &seed, 30, RUN_LONGEST);
    for (size_t i = 0; i < PIECES; i++) {
        prompts.id[i][0] = (int32_t)i + 50;
        rows_alone(run.session, prompts.id[i], count[i], 7, alone);
        reserve(g, &s, 64);
        for (size_t k = 0; k < PIECES; k++)
            piece[k] = (struct pass_piece){
                .kv = s.kv + k, .id = prompts.id[k], .count = count[k]};
        decoder_forward(run.session, piece, PIECES);
        for (uint32_t t = 0; t < count[i]; t++)
            kernel_equal(g->x + (piece[i].row + t) * g->width_stride,
                         alone + t * TINY_WIDTH, TINY_WIDTH, "row", t);
        release(g, &s);
    }
    run_end(&run);
}

/* A tree with one way is a plain run of tokens; a second way changes nothing. */
static void a_way_through_a_tree_is_a_run_of_tokens(void **state)
{
    static const int32_t tree[] = {11, 90, 12, 91, 13};
    static const int32_t parent[] = {-1, -1, 0, 1, 2};
    static const int32_t run_of[] = {1, 2, 3, 11, 12, 13};
    static const uint32_t node[] = {0, 2, 4};
    static float alone[6 * TINY_WIDTH];
    struct infer_options o = run_options();

    (void)state;
    for (size_t f = 0; f < COUNT(run_families); f++) {
        struct run run = run_start(run_families + f, GGUF_Q8_0, &o);
        struct generator *g = run.session->generator;
        struct sequences s;
        rows_alone(run.session, run_of, 6, 6, alone);
        reserve(g, &s, 8);
        struct pass_piece prompt = {.kv = s.kv, .id = run_of, .count = 3};
        decoder_forward(run.session, &prompt, 1);
        struct pass_piece nodes = {
            .kv = s.kv, .id = tree, .parent = parent, .count = 5, .position = 3};
        decoder_forward(run.session, &nodes, 1);
        for (size_t i = 0; i < 3; i++)
            kernel_equal(g->x + node[i] * g->width_stride, alone + (3 + i) * TINY_WIDTH,
                         TINY_WIDTH, run_families[f].architecture, i);
        release(g, &s);
        run_end(&run);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_computes_its_formulas),
        cmocka_unit_test(a_rounded_cache_costs_what_its_numbers_lack),
        cmocka_unit_test(the_other_float_backend_computes_them_too),
        cmocka_unit_test(the_reference_tells_families_apart),
        cmocka_unit_test(every_row_of_a_pass_is_its_own),
        cmocka_unit_test(a_way_through_a_tree_is_a_run_of_tokens),
    };

    (void)argc;
    run_patiently(argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
