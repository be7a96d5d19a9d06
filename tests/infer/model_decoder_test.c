/* The file of a language model is opened only when every key and tensor is what its
 * family needs. */
#include "tests/infer/decoder_run.h"

#include "infer/decoder.h"

#include <math.h>

/* Expect this status and these words in the text. */
static void expect(const struct tiny_decoder *d, int wanted, const char *words)
{
    struct infer_model *model = NULL;
    struct infer_error err = {0};
    int status = tiny_open(&model, d, &err);

    if (status != wanted || strstr(err.text, words) == NULL)
        fail_msg("%s: status %d, wanted %d about \"%s\": %s", d->architecture, status,
                 wanted, words, err.text);
    assert_int_equal(status == 0, model != NULL);
    infer_model_close(model);
}

static struct tiny_decoder family(size_t i)
{
    struct tiny_decoder d = run_families[i];

    d.type = GGUF_F32;
    return d;
}

enum {
    LLAMA,
    MISTRAL,
    MIXTRAL,
    QWEN2,
    QWEN3,
    QWEN3MOE,
    GEMMA2,
    GEMMA3,
    PHI3,
    DEEPSEEK
};

/* ---- what is sound ------------------------------------------------------------ */

static void every_family_tells_its_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(run_families); i++) {
        struct tiny_decoder d = family(i);
        struct infer_model *model = tiny_model(&d);
        struct infer_model_info info;
        infer_model_info(model, &info);
        assert_string_equal(info.architecture, d.architecture);
        assert_true(info.generates);
        assert_int_equal(info.layers, d.layers);
        assert_int_equal(info.width, TINY_WIDTH);
        assert_int_equal(info.context_tokens, TINY_CONTEXT);
        assert_int_equal(info.vocabulary_tokens, TINY_VOCABULARY);
        assert_int_equal(model->decoder->heads, d.heads);
        assert_int_equal(model->decoder->experts, d.experts);
        assert_true(decoder_knows(d.architecture));
        assert_non_null(strstr(decoder_architectures(), d.architecture));
        infer_model_close(model);
    }
    assert_false(decoder_knows("bert"));
    assert_false(decoder_knows("llama4"));
}

static void parameters_are_counted(void **state)
{
    struct tiny_decoder d = family(LLAMA);
    struct infer_model *model = tiny_model(&d);
    struct infer_model_info info;

    (void)state;
    infer_model_info(model, &info);
    assert_int_equal(info.parameters,
                     256 * (300 + 1) +
                         2 * (2 * 256 + 2 * 256 * 256 + 2 * 256 * 128 + 3 * 256 * 512));
    infer_model_close(model);
}

/* The embedding is the output where the file has no other. */
static void the_output_may_be_the_embedding(void **state)
{
    struct tiny_decoder tied = family(LLAMA), untied = family(MISTRAL);
    struct infer_model *model = tiny_model(&tied);

    (void)state;
    assert_ptr_equal(model->decoder->output, model->token_embd);
    infer_model_close(model);
    model = tiny_model(&untied);
    assert_string_equal(model->decoder->output->name, "output.weight");
    infer_model_close(model);
}

static void families_window_their_own_layers(void **state)
{
    static const struct {
        size_t family;
        uint32_t window;
        const char *layers; /* w: windowed, a: sees all */
    } cases[] = {
        {MISTRAL, 24, "ww"},           {GEMMA2, 20, "wa"},
        {GEMMA3, 33, "wwwwwa"},        {LLAMA, 0, "aa"},
        {MISTRAL, TINY_CONTEXT, "aa"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tiny_decoder d = family(cases[i].family);
        d.window = cases[i].window;
        struct infer_model *model = tiny_model(&d);
        for (uint32_t k = 0; k < d.layers; k++)
            assert_int_equal(decoder_is_windowed(model->decoder, k),
                             cases[i].layers[k] == 'w');
        infer_model_close(model);
    }
}

static void leading_layers_may_have_no_experts(void **state)
{
    struct tiny_decoder d = family(MIXTRAL);

    (void)state;
    d.key = "leading_dense_block_count";
    d.value = 1;
    expect(&d, INFER_EFORMAT, "blk.0.ffn_gate.weight is missing");
    d.value = 2;
    expect(&d, INFER_EFORMAT, "llama.leading_dense_block_count is 2");
}

/* ---- keys --------------------------------------------------------------------- */

static void every_key_without_a_default_must_be_there(void **state)
{
    static const char *const needed[] = {
        "block_count",          "context_length",
        "embedding_length",     "feed_forward_length",
        "attention.head_count", "attention.layer_norm_rms_epsilon",
    };
    static const char *const latent[] = {
        "attention.key_length_mla",
        "attention.value_length_mla",
        "attention.kv_lora_rank",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(needed); i++) {
        struct tiny_decoder d = family(QWEN2);
        d.leave_out = needed[i];
        expect(&d, INFER_EFORMAT, needed[i]);
    }
    for (size_t i = 0; i < COUNT(latent); i++) {
        struct tiny_decoder d = family(DEEPSEEK);
        d.leave_out = latent[i];
        expect(&d, INFER_EFORMAT, latent[i]);
    }
}

static void numbers_have_their_limits(void **state)
{
    static const struct {
        size_t family;
        const char *key;
        uint32_t value;
        const char *words;
    } cases[] = {
        {LLAMA, "block_count", 0, "llama.block_count is 0"},
        {LLAMA, "block_count", 1000, "block_count is 1000, the file has"},
        {LLAMA, "block_count", 4000000000, "block_count is 4000000000"},
        {LLAMA, "context_length", 0, "context_length is 0"},
        {LLAMA, "context_length", 1 << 25, "context_length is 33554432"},
        {LLAMA, "embedding_length", 1 << 17, "embedding_length is 131072"},
        {LLAMA, "attention.head_count", 0, "head_count is 0"},
        {LLAMA, "attention.head_count", 1025, "head_count is 1025"},
        {LLAMA, "attention.head_count_kv", 3, "does not divide"},
        {LLAMA, "attention.key_length", 2048, "key_length is 2048"},
        {LLAMA, "rope.dimension_count", 33, "33, which is odd"},
        {LLAMA, "rope.dimension_count", 66, "dimension_count is 66"},
        {MIXTRAL, "expert_used_count", 5, "expert_used_count is 5"},
        {MIXTRAL, "expert_used_count", 0, "expert_used_count is 0"},
        {MIXTRAL, "expert_count", 1025, "expert_count is 1025"},
        {MIXTRAL, "expert_gating_func", 3, "expert_gating_func is 3"},
        {MIXTRAL, "expert_group_count", 3, "4 experts in 3 groups"},
        {MIXTRAL, "expert_group_count", 2, "4 experts in 2 groups, 0 groups used"},
        {DEEPSEEK, "rope.dimension_count", 288, "less than the key's length 288"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tiny_decoder d = family(cases[i].family);
        d.key = cases[i].key;
        d.value = cases[i].value;
        expect(&d, INFER_EFORMAT, cases[i].words);
    }
}

static void what_is_sound_and_not_served_is_named(void **state)
{
    static const struct {
        size_t family;
        const char *key, *text;
        uint32_t value;
        const char *words;
    } cases[] = {
        {LLAMA, "rope.scaling.type", "dynamic", 0, "\"dynamic\", supported are none"},
        {DEEPSEEK, "attention.head_count_kv", NULL, 2, "served with 1"},
        {DEEPSEEK, "attention.q_lora_rank", NULL, 257, "ranks up to the width 256"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tiny_decoder d = family(cases[i].family);
        d.key = cases[i].key;
        d.text = cases[i].text;
        d.value = cases[i].value;
        expect(&d, INFER_EUNSUPPORTED, cases[i].words);
    }
    struct tiny_decoder d = family(LLAMA);
    d.architecture = "mamba";
    expect(&d, INFER_EUNSUPPORTED, "mamba");
}

static void linear_scaling_reaches_the_frequencies(void **state)
{
    struct tiny_decoder d = family(LLAMA);
    struct infer_model *plain = tiny_model(&d), *stretched;

    (void)state;
    d.key = "rope.scaling.type";
    d.text = "linear";
    stretched = tiny_model(&d); /* its factor is 1 unless the file says another */
    assert_true(stretched->decoder->rope.frequency[1] ==
                plain->decoder->rope.frequency[1]);
    assert_int_equal(plain->decoder->rope.dims, 64);
    assert_false(plain->decoder->rope.halves);
    infer_model_close(stretched);
    infer_model_close(plain);
}

/* ---- tensors ------------------------------------------------------------------ */

static void every_tensor_of_a_family_must_be_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(run_families); i++) {
        static struct tiny_list list;
        struct tiny_decoder whole = family(i);
        list = (struct tiny_list){.d = &whole};
        tiny_add_all(&list);
        for (size_t t = 0; t < list.count; t += RUN_EVERY + i % 3) {
            struct tiny_decoder d = whole;
            d.leave_out = list.name[t];
            if (strcmp(d.leave_out, "output.weight") != 0)
                expect(&d, INFER_EFORMAT, d.leave_out);
        }
    }
}

static void a_shape_other_than_the_keys_say_is_refused(void **state)
{
    static const struct {
        size_t family;
        const char *tensor;
    } cases[] = {
        {LLAMA, "blk.1.ffn_down.weight"},
        {LLAMA, "blk.0.attn_k.weight"},
        {LLAMA, "token_embd.weight"},
        {MISTRAL, "output.weight"},
        {MIXTRAL, "blk.0.ffn_up_exps.weight"},
        {PHI3, "blk.1.attn_qkv.weight"},
        {PHI3, "blk.0.ffn_up.weight"},
        {DEEPSEEK, "blk.0.attn_v_b.weight"},
        {DEEPSEEK, "blk.0.attn_kv_a_mqa.weight"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tiny_decoder d = family(cases[i].family);
        d.swapped = cases[i].tensor;
        expect(&d, INFER_EFORMAT, cases[i].tensor);
    }
}

/* A model that holds more than is computed is another model. */
static void a_tensor_that_has_no_place_is_refused(void **state)
{
    static const char *const extra[] = {"blk.0.attn_sub_norm.weight",
                                        "blk.2.attn_norm.weight", "output.bias"};

    (void)state;
    for (size_t i = 0; i < COUNT(extra); i++) {
        struct tiny_decoder d = family(LLAMA);
        d.extra = extra[i];
        expect(&d, INFER_EUNSUPPORTED, extra[i]);
    }
}

static void divisors_of_frequencies_must_be_above_0(void **state)
{
    struct tiny_decoder d = family(LLAMA);

    (void)state;
    d.extra = "rope_freqs.weight"; /* 256 numbers, where 32 are wanted */
    expect(&d, INFER_EFORMAT, "rope_freqs.weight");
}

/* Whatever byte is flipped in keys and descriptions: a model, or a refusal. */
static void a_flipped_bit_never_crashes(void **state)
{
    struct tiny_decoder d = family(DEEPSEEK);
    uint64_t seed = 99;
    size_t count, refused = 0;

    (void)state;
    d.type = GGUF_Q4_0;
    char *bytes = tiny_bytes(&d, &count);
    for (size_t i = 0; i < 160; i++) {
        struct infer_model *model = NULL;
        const size_t at =
            i < 80 ? tiny_random(&seed) % 1400 : tiny_random(&seed) % 16000;
        const char flipped = (char)(1 << tiny_random(&seed) % 8);
        bytes[at] = (char)(bytes[at] ^ flipped);
        refused += model_open_memory(&model, bytes, count, NULL) != 0;
        bytes[at] = (char)(bytes[at] ^ flipped);
        infer_model_close(model);
    }
    assert_in_range(refused, 30, 159);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_tells_its_sizes),
        cmocka_unit_test(parameters_are_counted),
        cmocka_unit_test(the_output_may_be_the_embedding),
        cmocka_unit_test(families_window_their_own_layers),
        cmocka_unit_test(leading_layers_may_have_no_experts),
        cmocka_unit_test(every_key_without_a_default_must_be_there),
        cmocka_unit_test(numbers_have_their_limits),
        cmocka_unit_test(what_is_sound_and_not_served_is_named),
        cmocka_unit_test(linear_scaling_reaches_the_frequencies),
        cmocka_unit_test(every_tensor_of_a_family_must_be_there),
        cmocka_unit_test(a_shape_other_than_the_keys_say_is_refused),
        cmocka_unit_test(a_tensor_that_has_no_place_is_refused),
        cmocka_unit_test(divisors_of_frequencies_must_be_above_0),
        cmocka_unit_test(a_flipped_bit_never_crashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
