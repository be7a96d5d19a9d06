/* Digests of a fixed set of outputs, which every machine reaches whatever its CPU:
 * every type of weights with both widths of activations, every family with each kind
 * of cache; of each, the logits, a greedy and a drawn text, and a tree's scores. The
 * models are made from a seed, tiny_decoder.h. */
#include "tests/infer/decoder_run.h"

#include "tests/infer/digests.h"

enum { TEXT_TOKENS = 12 };

static const int32_t tree_id[] = {5, 6, 7, 5, 9, 40, 41, 8};
static const int32_t tree_parent[] = {-1, -1, 0, 0, 2, 4, 5, 1};
static const struct infer_tree tree = {tree_id, tree_parent, COUNT(tree_id)};

static uint64_t digest_of_texts(struct infer_session *session,
                                const struct run_prompts *prompts)
{
    struct infer_sampling sampling = {
        .tokens = TEXT_TOKENS, .ignore_eos = true, .top_p = 1};
    struct infer_tokens text[2][RUN_SEQUENCES] = {{{0}}};
    int32_t all[2][RUN_SEQUENCES][TEXT_TOKENS];

    for (size_t k = 0; k < 2; k++) {
        assert_int_equal(infer_generate(session, prompts->sequence, RUN_SEQUENCES,
                                        &sampling, text[k], NULL),
                         0);
        for (size_t i = 0; i < RUN_SEQUENCES; i++) {
            assert_int_equal(text[k][i].count, TEXT_TOKENS);
            memcpy(all[k][i], text[k][i].id, sizeof all[k][i]);
            infer_tokens_free(&text[k][i]);
        }
        sampling.temperature = 0.8f;
        sampling.top_p = 0.95f;
        sampling.min_p = 0.001f;
        sampling.seed = 20261121;
    }
    return run_digest(all, sizeof all);
}

static struct digest compute(const struct digest *wanted, enum infer_isa isa)
{
    static float logits[RUN_SEQUENCES][TINY_VOCABULARY];
    static float scores[RUN_SEQUENCES][COUNT(tree_id)];
    static struct run_prompts prompts;
    struct infer_options o = run_options();
    struct digest d = *wanted;
    uint64_t seed = 1;

    o.activations_bits = wanted->bits;
    o.kv = wanted->kv;
    o.isa = isa;
    struct run run = run_start(run_families + wanted->family, wanted->type, &o);
    run_draw_prompts(&prompts, &seed, 20, RUN_LONGEST);
    run_logits(run.session, prompts.sequence, RUN_SEQUENCES, logits[0]);
    d.logits = run_digest(logits, sizeof logits);
    d.text = digest_of_texts(run.session, &prompts);
    assert_int_equal(infer_score(run.session, prompts.sequence, RUN_SEQUENCES, &tree,
                                 scores[0], NULL),
                     0);
    d.scores = run_digest(scores, sizeof scores);
    run_end(&run);
    return d;
}

/* Says every line that differs, as it would stand in digests.h. */
static void check(enum infer_isa isa)
{
    size_t wrong = 0;

    for (size_t i = 0; i < COUNT(digests); i += RUN_EVERY) {
        const struct digest *wanted = digests + i;
        struct digest found = compute(wanted, isa);
        if (found.logits == wanted->logits && found.text == wanted->text &&
            found.scores == wanted->scores)
            continue;
        wrong++;
        print_error("%s, %s: {%zu, GGUF_%s, %d, %d, 0x%016llx, 0x%016llx, 0x%016llx}\n",
                    cpu_isa_name(isa), run_families[found.family].architecture,
                    found.family, gguf_type_name(found.type), found.bits, (int)found.kv,
                    (unsigned long long)found.logits, (unsigned long long)found.text,
                    (unsigned long long)found.scores);
    }
    assert_int_equal(wrong, 0);
}

static void the_best_instruction_set_reaches_the_digests(void **state)
{
    (void)state;
    check(INFER_ISA_BEST);
}

static void avx2_reaches_the_digests(void **state)
{
    (void)state;
    if (!cpu_has(INFER_ISA_AVX2)) {
        fprintf(stderr, "skipped: this CPU has no AVX2\n");
        skip();
    }
    check(INFER_ISA_AVX2);
}

/* Two lines that agree would mean that a setting does nothing. */
static void every_digest_is_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(digests); i++)
        for (size_t k = 0; k < i; k++)
            assert_true(digests[i].logits != digests[k].logits);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_instruction_set_reaches_the_digests),
        cmocka_unit_test(avx2_reaches_the_digests),
        cmocka_unit_test(every_digest_is_of_its_own),
    };

    (void)argc;
    run_patiently(argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
