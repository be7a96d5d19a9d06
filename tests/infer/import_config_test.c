/* What config.json says becomes keys, or is refused by key and value. */
#include "tests/infer/decoder_folder.h"
#include "tests/infer/decoder_run.h"

#include <math.h>

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

static const char *const model_types[] = {
    "llama",     "mistral", "mixtral",     "qwen2", "qwen3",
    "qwen3_moe", "gemma2",  "gemma3_text", "phi3",  "deepseek_v2"};

static struct infer_model *import(int family, const char *more)
{
    return folder_import(&run_families[family], model_types[family],
                         &(struct folder_change){.more = more}, "F32");
}

static float real_of(const struct infer_model *model, const char *key)
{
    struct infer_error err = {0};
    float value = 0;

    if (gguf_get_f32(model->file, key, &value, &err) != 0)
        fail_msg("%s", err.text);
    return value;
}

static uint32_t count_of(const struct infer_model *model, const char *key)
{
    struct infer_error err = {0};
    uint32_t value = 0;

    if (gguf_get_u32(model->file, key, &value, &err) != 0)
        fail_msg("%s", err.text);
    return value;
}

static void expect_word(const struct infer_model *model, const char *key,
                        const char *word)
{
    struct gguf_string found = {"", 0};

    assert_int_equal(gguf_get_string(model->file, key, &found, NULL), 0);
    assert_int_equal(found.bytes, strlen(word));
    assert_memory_equal(found.text, word, found.bytes);
}

/* ---- refusals ----------------------------------------------------------------- */

static void expect(int family, const char *more, int wanted, const char *word)
{
    folder_refused(&run_families[family], model_types[family],
                   &(struct folder_change){.more = more}, wanted, word);
}

static void settings_that_are_not_computed_are_named(void **state)
{
    static const struct {
        int family;
        const char *more, *word;
    } cases[] = {
        {LLAMA, ",\"quantization_config\":{\"bits\":4}", "quantization_config is"},
        {QWEN2, ",\"use_sliding_window\":true", "use_sliding_window is true"},
        {QWEN2, ",\"layer_types\":[\"full_attention\",\"sliding_attention\"]",
         "supported is full_attention"},
        {GEMMA3, ",\"layer_types\":[\"full_attention\"]",
         "supported is sliding_attention"},
        {GEMMA3, ",\"use_bidirectional_attention\":true",
         "use_bidirectional_attention"},
        {GEMMA3, ",\"final_logit_softcapping\":30.0",
         "final_logit_softcapping is 30.0"},
        {QWEN3MOE, ",\"mlp_only_layers\":[0]", "mlp_only_layers is [0]"},
        {QWEN3MOE, ",\"decoder_sparse_step\":2", "decoder_sparse_step is 2"},
        {DEEPSEEK, ",\"topk_method\":\"group_limited_greedy\"", "supported is greedy"},
        {DEEPSEEK, ",\"scoring_func\":\"sigmoid\"", "supported is softmax"},
        {DEEPSEEK, ",\"moe_layer_freq\":2", "moe_layer_freq is 2"},
        {LLAMA, ",\"rope_scaling\":{\"type\":\"dynamic\",\"factor\":2.0}",
         "rope_type is \"dynamic\""},
        {QWEN2, ",\"rope_scaling\":{\"type\":\"llama3\",\"factor\":2.0}",
         "rope_type is \"llama3\""},
        {LLAMA, ",\"rope_scaling\":{\"type\":\"longrope\"}",
         "rope_type is \"longrope\""},
        {QWEN2,
         ",\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4.0,\"attention_factor\":2.0}",
         "attention_factor is 2.0"},
        {QWEN2,
         ",\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4.0,\"truncate\":false}",
         "truncate is false"},
        {DEEPSEEK,
         ",\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4.0,\"mscale\":1.0,"
         "\"mscale_all_dim\":0.7}",
         "mscale is 1.0"},
        {LLAMA,
         ",\"rope_scaling\":{\"type\":\"llama3\",\"factor\":2.0,\"low_freq_factor\":4.0,"
         "\"high_freq_factor\":4.0}",
         "high_freq_factor is 4.0"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        expect(cases[i].family, cases[i].more, INFER_EUNSUPPORTED, cases[i].word);
}

static void expect_changed(int family, const char *from, const char *into, int wanted,
                           const char *word)
{
    folder_refused(&run_families[family], model_types[family],
                   &(struct folder_change){.from = from, .into = into}, wanted, word);
}

static void sizes_that_cannot_be_are_named(void **state)
{
    (void)state;
    expect_changed(LLAMA, "\"model_type\":\"llama\"", "\"model_type\":\"mamba\"",
                   INFER_EUNSUPPORTED,
                   "model_type is \"mamba\", supported is bert, llama");
    expect_changed(LLAMA, "\"model_type\"", "\"type\"", INFER_EUNSUPPORTED,
                   "model_type is missing");
    expect_changed(LLAMA, "\"silu\"", "\"gelu\"", INFER_EUNSUPPORTED,
                   "hidden_act is \"gelu\"");
    expect_changed(GEMMA2, "\"gelu_pytorch_tanh\"", "\"gelu\"", INFER_EUNSUPPORTED,
                   "hidden_activation is \"gelu\"");
    expect_changed(LLAMA, "\"num_hidden_layers\":2", "\"num_hidden_layers\":0",
                   INFER_EFORMAT, "num_hidden_layers is 0, allowed are 1 to");
    expect_changed(LLAMA, "\"hidden_size\":256", "\"hidden_size\":\"256\"",
                   INFER_EFORMAT, "hidden_size is no whole number");
    expect_changed(LLAMA, "\"hidden_size\":256", "\"hidden_size\":16777217",
                   INFER_EFORMAT, "hidden_size is 16777217");
    expect_changed(LLAMA, "\"head_dim\":64", "\"head_dim\":63", INFER_EFORMAT,
                   "heads of 63, which is odd");
    expect_changed(LLAMA, "\"rms_norm_eps\":1e-5", "\"rms_norm_eps\":0", INFER_EFORMAT,
                   "rms_norm_eps is 0");
    expect_changed(GEMMA2, "\"query_pre_attn_scalar\":64",
                   "\"query_pre_attn_scalar\":32", INFER_EUNSUPPORTED,
                   "query_pre_attn_scalar is 32, supported is 64");
    expect_changed(GEMMA2, "\"attn_logit_softcapping\":50.0",
                   "\"attn_logit_softcapping\":null", INFER_EFORMAT,
                   "attn_logit_softcapping");
    expect_changed(DEEPSEEK, "\"norm_topk_prob\":false", "\"norm_topk_prob\":true",
                   INFER_EUNSUPPORTED, "norm_topk_prob is true");
    expect_changed(MIXTRAL, "\"num_local_experts\":4", "\"num_local_experts\":0",
                   INFER_EFORMAT, "num_local_experts is 0");
}

/* What the tables here do not refuse and the engine cannot run leaves no file. */
static void a_model_that_cannot_run_leaves_no_file(void **state)
{
    (void)state;
    expect_changed(LLAMA, "\"num_key_value_heads\":2,\"head_dim\":64",
                   "\"num_key_value_heads\":2,\"head_dim\":64,\"rope_theta\":1.0",
                   INFER_EFORMAT, "makes no model that can run");
    expect(LLAMA, ",\"rope_scaling\":{\"type\":\"linear\",\"factor\":0.05}",
           INFER_EFORMAT, "llama.rope.scaling.factor is 0.05, allowed are 0.1 to 1e6");
    expect(LLAMA,
           ",\"rope_scaling\":{\"type\":\"llama3\",\"factor\":0.05,\"low_freq_factor\":"
           "1.0,\"high_freq_factor\":4.0}",
           INFER_EFORMAT, "allowed are numbers from 0.1");
}

/* ---- positions ---------------------------------------------------------------- */

static void bases_are_found_in_older_and_newer_files(void **state)
{
    struct infer_model *model = import(LLAMA, ",\"rope_theta\":500000.0");

    (void)state;
    assert_true(real_of(model, "llama.rope.freq_base") == 500000.0f);
    infer_model_close(model);
    model = import(LLAMA, ",\"rope_parameters\":{\"rope_theta\":7000.0,\"rope_type\":"
                          "\"default\"}");
    assert_true(real_of(model, "llama.rope.freq_base") == 7000.0f);
    infer_model_close(model);
    model =
        import(GEMMA3, ",\"rope_theta\":1000000.0,\"rope_local_base_freq\":20000.0");
    assert_true(real_of(model, "gemma3.rope.freq_base") == 1e6f);
    assert_true(real_of(model, "gemma3.rope.freq_base_swa") == 2e4f);
    infer_model_close(model);
    model = import(GEMMA3,
                   ",\"rope_parameters\":{\"full_attention\":{\"rope_theta\":900000.0,"
                   "\"rope_type\":\"linear\",\"factor\":8.0},\"sliding_attention\":{"
                   "\"rope_theta\":30000.0,\"rope_type\":\"default\"}}");
    assert_true(real_of(model, "gemma3.rope.freq_base") == 9e5f);
    assert_true(real_of(model, "gemma3.rope.freq_base_swa") == 3e4f);
    assert_true(real_of(model, "gemma3.rope.scaling.factor") == 8);
    expect_word(model, "gemma3.rope.scaling.type", "linear");
    infer_model_close(model);
}

/* The published rule, wavelength by wavelength. */
static void llama_3_divides_slow_frequencies(void **state)
{
    struct infer_model *model = import(
        LLAMA, ",\"rope_theta\":10000.0,\"rope_scaling\":{\"rope_type\":\"llama3\","
               "\"factor\":8.0,\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,"
               "\"original_max_position_embeddings\":128}");
    const struct gguf_tensor *t = gguf_tensor_find(model->file, "rope_freqs.weight");
    const float *divisor = t->data;
    int kept = 0, divided = 0, between = 0;

    (void)state;
    assert_int_equal(t->dim[0], 32);
    for (int i = 0; i < 32; i++) {
        const double wave = 2 * M_PI * pow(10000, i / 32.0);
        double wanted = 8;
        if (wave < 128 / 4.0) {
            wanted = 1;
            kept++;
        } else if (wave <= 128) {
            const double smooth = (128 / wave - 1) / 3;
            wanted = 1 / ((1 - smooth) / 8 + smooth);
            between++;
        } else {
            divided++;
        }
        assert_true(fabs((double)divisor[i] - wanted) < 1e-6 * wanted);
    }
    assert_true(kept > 0 && between > 0 && divided > 0);
    infer_model_close(model);
}

static void yarn_is_told_by_keys(void **state)
{
    struct infer_model *model =
        import(QWEN2, ",\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4.0,"
                      "\"original_max_position_embeddings\":128,\"beta_fast\":16}");

    (void)state;
    expect_word(model, "qwen2.rope.scaling.type", "yarn");
    assert_true(real_of(model, "qwen2.rope.scaling.factor") == 4);
    assert_true(real_of(model, "qwen2.rope.scaling.yarn_beta_fast") == 16);
    assert_true(real_of(model, "qwen2.rope.scaling.yarn_beta_slow") == 1);
    assert_int_equal(count_of(model, "qwen2.rope.scaling.original_context_length"),
                     128);
    infer_model_close(model);
    model = import(DEEPSEEK, ",\"rope_scaling\":{\"type\":\"yarn\",\"factor\":40.0,"
                             "\"mscale\":0.707,\"mscale_all_dim\":0.707}");
    assert_true(fabsf(real_of(model, "deepseek2.rope.scaling.yarn_log_multiplier") -
                      0.0707f) < 1e-7f);
    infer_model_close(model);
}

/* Thirty-two pairs, numbers from 1 on. */
static const char *list_of(const char *name, int count, char out[512])
{
    int at = snprintf(out, 512, ",\"%s\":[1.0", name);

    for (int i = 1; i < count; i++)
        at += snprintf(out + at, 512 - (size_t)at, ",%d.5", i);
    snprintf(out + at, 512 - (size_t)at, "]");
    return out;
}

static void phi_has_a_list_for_short_and_one_for_long_texts(void **state)
{
    char more[2048], lists[2][512];
    struct infer_model *model;
    const float *list;

    (void)state;
    snprintf(
        more, sizeof more,
        ",\"original_max_position_embeddings\":128,\"rope_scaling\":{\"type\":\"su\""
        "%s%s}",
        list_of("long_factor", 32, lists[0]), list_of("short_factor", 32, lists[1]));
    model = import(PHI3, more);
    list = gguf_tensor_find(model->file, "rope_factors_long.weight")->data;
    assert_true(list[0] == 1 && list[1] == 1.5f && list[31] == 31.5f);
    assert_non_null(gguf_tensor_find(model->file, "rope_factors_short.weight"));
    assert_int_equal(count_of(model, "phi3.rope.scaling.original_context_length"), 128);
    assert_true(fabs((double)real_of(model, "phi3.rope.scaling.attn_factor") -
                     sqrt(1 + log(4) / log(128))) < 1e-6);
    infer_model_close(model);
    snprintf(more, sizeof more, ",\"rope_scaling\":{\"type\":\"longrope\"%s%s}",
             list_of("long_factor", 31, lists[0]),
             list_of("short_factor", 32, lists[1]));
    expect(PHI3, more, INFER_EFORMAT, "long_factor has 31 numbers, 64 dimensions turn");
}

static void a_part_of_a_head_may_turn(void **state)
{
    struct infer_model *model = import(PHI3, ",\"partial_rotary_factor\":0.75");

    (void)state;
    assert_int_equal(count_of(model, "phi3.rope.dimension_count"), 48);
    infer_model_close(model);
}

/* ---- what people are shown ---------------------------------------------------- */

static void name_and_licence_are_the_cards(void **state)
{
    const struct folder_change card = {
        .readme = "---\nlicense: apache-2.0\n---\n# Tiny Llama\n"};
    const struct folder_change saved = {.more =
                                            ",\"_name_or_path\":\"someone/Tiny-Two\""};
    struct infer_model_info info;
    struct infer_model *model =
        folder_import(&run_families[LLAMA], "llama", &card, "F32");

    (void)state;
    infer_model_info(model, &info);
    assert_string_equal(info.name, "Tiny Llama");
    assert_string_equal(info.license, "apache-2.0");
    infer_model_close(model);
    model = folder_import(&run_families[LLAMA], "llama", &saved, "F32");
    infer_model_info(model, &info);
    assert_string_equal(info.name, "Tiny-Two");
    assert_null(info.license);
    infer_model_close(model);
}

/* Its vocabulary is read by the name: special tokens swallow white space. */
static void phi_3_is_called_so(void **state)
{
    const struct folder_change saved = {.more =
                                            ",\"_name_or_path\":\"mine/assistant\""};
    struct infer_model_info info;
    struct infer_model *model =
        folder_import(&run_families[PHI3], "phi3", &saved, "F32");

    (void)state;
    infer_model_info(model, &info);
    assert_string_equal(info.name, "Phi-3 assistant");
    infer_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_that_are_not_computed_are_named),
        cmocka_unit_test(sizes_that_cannot_be_are_named),
        cmocka_unit_test(a_model_that_cannot_run_leaves_no_file),
        cmocka_unit_test(bases_are_found_in_older_and_newer_files),
        cmocka_unit_test(llama_3_divides_slow_frequencies),
        cmocka_unit_test(yarn_is_told_by_keys),
        cmocka_unit_test(phi_has_a_list_for_short_and_one_for_long_texts),
        cmocka_unit_test(a_part_of_a_head_may_turn),
        cmocka_unit_test(name_and_licence_are_the_cards),
        cmocka_unit_test(phi_3_is_called_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
