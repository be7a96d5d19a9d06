/* The promise that a result depends on nothing but its own sequence: for every type
 * of weights, what each sequence gives alone is compared bit for bit with what it
 * gives in a way of computing that was drawn at random. A way is an instruction set,
 * a number of threads, the size of passes and of the cache, pieces of prompts, the
 * sharing of prefixes, how many others there are and in which order they stand. With a
 * number as its argument the program draws other cases. */
#include "tests/infer/decoder_run.h"

enum { TEXT_TOKENS = 6 };

static uint64_t first_seed = 1000;

struct outcome { /* of one sequence */
    float logits[TINY_VOCABULARY];
    int32_t text[TEXT_TOKENS];
};

/* ---- one way ------------------------------------------------------------------ */

static const struct infer_sampling greedy = {
    .tokens = TEXT_TOKENS, .ignore_eos = true, .top_p = 1};

static void compute(struct infer_session *session,
                    const struct infer_sequence *sequence, size_t count,
                    struct outcome *out)
{
    static float logits[RUN_SEQUENCES][TINY_VOCABULARY];
    struct infer_tokens text[RUN_SEQUENCES] = {{0}};

    run_logits(session, sequence, count, logits[0]);
    assert_int_equal(infer_generate(session, sequence, count, &greedy, text, NULL), 0);
    for (size_t i = 0; i < count; i++) {
        memcpy(out[i].logits, logits[i], sizeof logits[i]);
        assert_int_equal(text[i].count, TEXT_TOKENS);
        memcpy(out[i].text, text[i].id, sizeof out[i].text);
        infer_tokens_free(&text[i]);
    }
}

/* Settings that must not change a bit. */
static struct infer_options draw_options(const struct infer_options *plain,
                                         enum infer_isa isa, uint64_t *state)
{
    static const uint32_t pieces[] = {0, 1, 5, 16, 33};
    struct infer_options o = *plain;

    o.isa = isa;
    o.threads = 1 + (int)(tiny_random(state) % 2);
    o.batch_tokens = 16 + tiny_random(state) % 200;
    o.batch_sequences = 1 + tiny_random(state) % 12;
    o.piece_tokens = pieces[tiny_random(state) % COUNT(pieces)];
    o.share_prefix = tiny_random(state) % 2;
    o.kv_tokens = 256 + tiny_random(state) % 2048;
    return o;
}

static void shuffle(size_t *order, size_t count, uint64_t *state)
{
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t i = count - 1; i > 0; i--) {
        size_t k = tiny_random(state) % (i + 1), keep = order[i];
        order[i] = order[k];
        order[k] = keep;
    }
}

/* count of the sequences, in any order, in a session of the drawn options. */
static void check_way(const struct infer_model *model, const struct infer_options *o,
                      const struct run_prompts *prompts, const struct outcome *alone,
                      size_t count, uint64_t *state, const char *what)
{
    static struct outcome together[RUN_SEQUENCES];
    struct infer_session *session = run_open(model, o);
    struct infer_sequence sequence[RUN_SEQUENCES];
    size_t order[RUN_SEQUENCES];

    shuffle(order, RUN_SEQUENCES, state);
    for (size_t i = 0; i < count; i++)
        sequence[i] = prompts->sequence[order[i]];
    compute(session, sequence, count, together);
    for (size_t i = 0; i < count; i++)
        if (memcmp(together + i, alone + order[i], sizeof *alone) != 0)
            fail_msg(
                "%s: %s of sequence %zu, %zu together; %s, %d threads, batch %u "
                "tokens, %u sequences, piece %u, share %d, KV %u",
                what,
                memcmp(together[i].text, alone[order[i]].text, sizeof alone->text) == 0
                    ? "logits"
                    : "text",
                order[i], count, infer_session_isa(session), o->threads,
                o->batch_tokens, o->batch_sequences, o->piece_tokens, o->share_prefix,
                o->kv_tokens);
    infer_session_close(session);
}

/* ---- one model ---------------------------------------------------------------- */

static void compute_alone(const struct infer_model *model,
                          const struct infer_options *plain,
                          const struct run_prompts *prompts, struct outcome *alone)
{
    struct infer_options o = *plain;

    o.share_prefix = false;
    o.batch_sequences = 1;
    o.batch_tokens = 256;
    struct infer_session *session = run_open(model, &o);
    for (size_t i = 0; i < RUN_SEQUENCES; i++)
        compute(session, prompts->sequence + i, 1, alone + i);
    infer_session_close(session);
}

/* The scalar set takes its time: it is left out of most models, and gets fewer
 * sequences. */
static void check_model(const struct tiny_decoder *d, bool scalar, uint64_t *state)
{
    static struct outcome alone[RUN_SEQUENCES];
    static struct run_prompts prompts;
    struct infer_model *model = tiny_model(d);
    struct infer_options plain = run_options();
    char what[96];

    plain.activations_bits = tiny_random(state) % 2 ? 16 : 8;
    plain.kv = (enum infer_kv)(tiny_random(state) % 3);
    snprintf(what, sizeof what, "%s %s, %d bits, KV type %d", d->architecture,
             gguf_type_name(d->type), plain.activations_bits, (int)plain.kv);
    run_draw_prompts(&prompts, state,
                     tiny_random(state) % 2 ? 17 + tiny_random(state) % 20 : 0, 80);
    compute_alone(model, &plain, &prompts, alone);
    for (int isa = INFER_ISA_SCALAR; isa < CPU_ISA_COUNT; isa++) {
        const uint32_t most = isa == INFER_ISA_SCALAR ? 2 : RUN_SEQUENCES;
        if (!cpu_has((enum infer_isa)isa) || (isa == INFER_ISA_SCALAR && !scalar))
            continue;
        struct infer_options drawn = draw_options(&plain, (enum infer_isa)isa, state);
        check_way(model, &drawn, &prompts, alone, 1 + tiny_random(state) % most, state,
                  what);
    }
    infer_model_close(model);
}

/* Types first to end, each with some families; all families with some type. */
static void check_types(size_t first, size_t end)
{
    for (size_t t = first; t < end; t++)
        for (size_t i = t % RUN_EVERY % 3; i < 3; i += RUN_EVERY) {
            uint64_t seed = first_seed + 10 * t + i;
            struct tiny_decoder d = run_families[(3 * t + i) % COUNT(run_families)];
            d.type = run_types[t];
            check_model(&d, i == t % 3 && RUN_EVERY == 1, &seed);
        }
}

static void no_way_of_computing_changes_a_bit_of_float_weights(void **state)
{
    (void)state;
    check_types(0, 3);
}

static void no_way_of_computing_changes_a_bit_of_blocks_of_32(void **state)
{
    (void)state;
    check_types(3, 8);
}

static void no_way_of_computing_changes_a_bit_of_blocks_of_256(void **state)
{
    (void)state;
    check_types(8, COUNT(run_types));
}

/* Without this, sequences that gave the same whatever they are would pass. */
static void different_sequences_give_different_results(void **state)
{
    static struct outcome alone[RUN_SEQUENCES];
    static struct run_prompts prompts;
    struct infer_options plain = run_options();
    uint64_t seed = 2;

    (void)state;
    run_draw_prompts(&prompts, &seed, 0, 60);
    for (size_t f = 0; f < COUNT(run_families); f++) {
        struct tiny_decoder d = run_families[f];
        d.type = GGUF_Q8_0;
        struct infer_model *model = tiny_model(&d);
        compute_alone(model, &plain, &prompts, alone);
        for (size_t i = 1; i < RUN_SEQUENCES; i++)
            assert_memory_not_equal(alone[i].logits, alone[0].logits,
                                    sizeof alone->logits);
        infer_model_close(model);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_way_of_computing_changes_a_bit_of_float_weights),
        cmocka_unit_test(no_way_of_computing_changes_a_bit_of_blocks_of_32),
        cmocka_unit_test(no_way_of_computing_changes_a_bit_of_blocks_of_256),
        cmocka_unit_test(different_sequences_give_different_results),
    };

    run_patiently(argv);
    if (argc > 1)
        first_seed = strtoull(argv[1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
