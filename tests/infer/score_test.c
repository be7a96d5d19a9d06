/* Scores of a tree are what its ways are worth one by one, bit for bit; and every
 * tree that makes no sense or is too large is refused. */
#include "tests/infer/decoder_run.h"

#include "infer/generator.h"
#include "infer/sample.h"

#include <math.h>

static const int32_t id[] = {5, 6, 7, 5, 9, 40, 41, 8, 8, 9};
static const int32_t parent[] = {-1, -1, 0, 0, 2, 4, 5, 1, -1, 8};
static const struct infer_tree tree = {id, parent, COUNT(id)};

/* ---- what a tree is worth ----------------------------------------------------- */

/* The log-probability of a node's token after the prompt and the nodes above it. */
static float worth_alone(struct infer_session *session,
                         const struct infer_sequence *prompt, size_t node)
{
    static float logits[TINY_VOCABULARY];
    int32_t all[RUN_LONGEST + COUNT(id)];
    size_t at = prompt->count;

    for (int32_t up = parent[node]; up >= 0; up = parent[up])
        at++;
    const struct infer_sequence one = {all, at};
    memcpy(all, prompt->id, prompt->count * sizeof *all);
    for (int32_t up = parent[node]; up >= 0; up = parent[up])
        all[--at] = id[up];
    run_logits(session, &one, 1, logits);
    return (float)((double)logits[id[node]] - sample_log_sum(logits, TINY_VOCABULARY));
}

static void check_family(size_t f)
{
    static const uint32_t pieces[] = {0, 3, 1};
    static float score[RUN_SEQUENCES][COUNT(id)];
    static struct run_prompts prompts;
    struct infer_options o = run_options();
    uint64_t seed = 11 + f;

    o.piece_tokens = pieces[f % 3];
    o.share_prefix = f % 2;
    o.kv = (enum infer_kv)(f % 3);
    struct run run = run_start(run_families + f, GGUF_Q8_0, &o);
    run_draw_prompts(&prompts, &seed, f % 2 ? 20 : 0, 70);
    assert_int_equal(infer_score(run.session, prompts.sequence, RUN_SEQUENCES, &tree,
                                 score[0], NULL),
                     0);
    for (size_t i = 0; i < RUN_SEQUENCES; i += 4)
        for (size_t node = 0; node < COUNT(id); node++) {
            float wanted = worth_alone(run.session, prompts.sequence + i, node);
            if (memcmp(&score[i][node], &wanted, sizeof wanted) != 0)
                fail_msg("family %zu, prompt %zu, node %zu: %.9g, wanted %.9g", f, i,
                         node, (double)score[i][node], (double)wanted);
        }
    run_end(&run);
}

static void a_tree_is_worth_what_its_ways_are_worth_alone(void **state)
{
    (void)state;
    for (size_t f = 0; f < COUNT(run_families); f++)
        check_family(f);
}

static void all_tokens_together_are_worth_1(void **state)
{
    static int32_t every[TINY_VOCABULARY], root[TINY_VOCABULARY];
    static float score[TINY_VOCABULARY];
    const struct infer_tree leaves = {every, root, TINY_VOCABULARY};
    struct infer_options o = run_options();
    struct run run = run_start(run_families, GGUF_F32, &o);
    const int32_t prompt_id[] = {1, 20, 30};
    const struct infer_sequence prompt = {prompt_id, 3};
    double sum = 0;

    (void)state;
    for (int32_t i = 0; i < TINY_VOCABULARY; i++) {
        every[i] = i;
        root[i] = -1;
    }
    assert_int_equal(infer_score(run.session, &prompt, 1, &leaves, score, NULL), 0);
    for (size_t i = 0; i < TINY_VOCABULARY; i++)
        sum += exp((double)score[i]);
    assert_true(fabs(sum - 1) < 1e-5);
    run_end(&run);
}

/* More inner nodes than one pass has rows, in a chain of the longest depth. */
static void the_largest_tree_is_scored(void **state)
{
    static int32_t node[2 * GENERATOR_TREE_NODES], up[2 * GENERATOR_TREE_NODES];
    static float score[2 * GENERATOR_TREE_NODES];
    struct infer_tree large = {node, up, GENERATOR_TREE_NODES + 1};
    const int32_t prompt_id[] = {1, 20, 30};
    const struct infer_sequence prompt = {prompt_id, 3};
    struct infer_options o = run_options();
    struct run run = run_start(run_families, GGUF_Q4_0, &o);
    struct infer_error err;

    (void)state;
    for (int32_t i = 0; i < 2 * GENERATOR_TREE_NODES; i++) {
        node[i] = i % TINY_VOCABULARY;
        up[i] = i % (GENERATOR_TREE_DEPTH - 1) == 0 ? -1 : i - 1;
    }
    up[GENERATOR_TREE_NODES] = GENERATOR_TREE_NODES - 1;
    assert_int_equal(infer_score(run.session, &prompt, 1, &large, score, &err), 0);
    for (size_t i = 0; i < large.count; i++)
        assert_true(score[i] < 0 && score[i] > -100);
    run_end(&run);
}

/* ---- what is refused ---------------------------------------------------------- */

static void refuses(struct infer_session *session, const struct infer_tree *wrong,
                    int status, const char *words)
{
    static float score[2 * GENERATOR_TREE_NODES];
    const int32_t prompt_id[] = {1, 20, 30};
    const struct infer_sequence prompt = {prompt_id, 3};
    struct infer_error err = {0};

    assert_int_equal(infer_score(session, &prompt, 1, wrong, score, &err), status);
    if (strstr(err.text, words) == NULL)
        fail_msg("\"%s\" is not in: %s", words, err.text);
}

static void a_tree_that_makes_no_sense_is_refused(void **state)
{
    static const int32_t own[] = {-1, 1}, later[] = {-1, 2, 0}, below[] = {-2};
    static const int32_t outside[] = {TINY_VOCABULARY}, negative[] = {-1};
    struct infer_options o = run_options();
    struct run run = run_start(run_families, GGUF_F32, &o);

    (void)state;
    refuses(run.session, &(struct infer_tree){id, own, 2}, INFER_EINVALID,
            "node 1 has the parent 1");
    refuses(run.session, &(struct infer_tree){id, later, 3}, INFER_EINVALID,
            "node 1 has the parent 2");
    refuses(run.session, &(struct infer_tree){id, below, 1}, INFER_EINVALID,
            "node 0 has the parent -2");
    refuses(run.session, &(struct infer_tree){outside, parent, 1}, INFER_EINVALID,
            "node 0 holds token 300");
    refuses(run.session, &(struct infer_tree){negative, parent, 1}, INFER_EINVALID,
            "node 0 holds token -1");
    run_end(&run);
}

static void a_tree_too_large_or_too_deep_is_refused(void **state)
{
    static int32_t node[2 * GENERATOR_TREE_NODES], up[2 * GENERATOR_TREE_NODES];
    struct infer_options o = run_options();
    struct run run = run_start(run_families, GGUF_F32, &o);

    (void)state;
    for (int32_t i = 0; i < 2 * GENERATOR_TREE_NODES; i++)
        up[i] = i - 1;
    refuses(run.session, &(struct infer_tree){node, up, GENERATOR_TREE_DEPTH + 2},
            INFER_ELIMIT, "113 deep: at most 1024 and 112");
    for (int32_t i = 0; i < 2 * GENERATOR_TREE_NODES; i++)
        up[i] = i < GENERATOR_TREE_NODES + 1 ? -1 : i - GENERATOR_TREE_NODES - 1;
    refuses(run.session, &(struct infer_tree){node, up, 2 * GENERATOR_TREE_NODES}, 0,
            "");
    o.context_tokens = 20;
    infer_session_close(run.session);
    run.session = run_open(run.model, &o);
    for (int32_t i = 0; i < 30; i++)
        up[i] = i - 1;
    refuses(run.session, &(struct infer_tree){node, up, 30}, INFER_ELIMIT,
            "29 more may follow");
    run_end(&run);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_is_worth_what_its_ways_are_worth_alone),
        cmocka_unit_test(all_tokens_together_are_worth_1),
        cmocka_unit_test(the_largest_tree_is_scored),
        cmocka_unit_test(a_tree_that_makes_no_sense_is_refused),
        cmocka_unit_test(a_tree_too_large_or_too_deep_is_refused),
    };

    (void)argc;
    run_patiently(argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
