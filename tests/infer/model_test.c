/* A model file is opened only when every key and tensor is what bert needs. */
#include "tests/infer/tiny.h"

#include <glob.h>

static int status_of(const struct tiny *tiny, struct infer_error *err)
{
    struct infer_model *model;
    size_t count;
    char *bytes = tiny_bytes(tiny, &count);
    int status = model_open_memory(&model, bytes, count, err);

    assert_true((status == 0) == (model != NULL));
    infer_model_close(model);
    free(bytes);
    return status;
}

/* Expect this status and this word in the text. */
static void expect(const struct tiny *tiny, int wanted, const char *word)
{
    struct infer_error err = {0};
    int status = status_of(tiny, &err);

    if (status != wanted || (status != 0 && strstr(err.text, word) == NULL))
        fail_msg("status %d, wanted %d about \"%s\": %s", status, wanted, word,
                 err.text);
    if (status != 0)
        assert_int_equal(err.status, status);
}

static void a_sound_model_tells_its_sizes(void **state)
{
    struct tiny tiny = tiny_default();
    struct infer_model_info info;
    struct infer_model *model;
    size_t count;
    char *bytes;

    (void)state;
    tiny.matrix = GGUF_Q8_0;
    bytes = tiny_bytes(&tiny, &count);
    assert_int_equal(model_open_memory(&model, bytes, count, NULL), 0);
    infer_model_info(model, &info);
    assert_string_equal(info.architecture, "bert");
    assert_string_equal(info.name, "tiny?");
    assert_string_equal(info.license, "cc0-1.0");
    assert_int_equal(info.layers, 2);
    assert_int_equal(info.width, 32);
    assert_int_equal(info.context_tokens, 16);
    assert_int_equal(info.vocabulary_tokens, TINY_TOKENS);
    assert_int_equal(info.file_bytes, count);
    assert_int_equal(info.parameters,
                     32 * (TINY_TOKENS + 16 + 2 + 2) +
                         2 * (4 * 32 * 32 + 2 * 32 * 64 + 9 * 32 + 64));
    assert_int_equal(info.type_count, 2);
    assert_string_equal(info.types[0].name, "Q8_0");
    assert_int_equal(info.types[0].tensors, 13);
    assert_string_equal(info.types[1].name, "F32");
    assert_int_equal(info.types[1].tensors, 24);
    assert_int_equal(model->layer[1].down->dim[0], 64);
    assert_string_equal(model->layer[1].down_bias->name, "blk.1.ffn_down.bias");
    infer_model_close(model);
    free(bytes);
}

static void every_missing_key_is_refused(void **state)
{
    static const char *const key[] = {
        "general.architecture",
        "bert.block_count",
        "bert.context_length",
        "bert.embedding_length",
        "bert.feed_forward_length",
        "bert.attention.head_count",
        "bert.attention.layer_norm_epsilon",
    };

    (void)state;
    for (size_t i = 0; i < sizeof key / sizeof *key; i++) {
        struct tiny tiny = tiny_default();

        tiny.leave_out = key[i];
        expect(&tiny, INFER_EFORMAT, key[i]);
    }
}

static void a_key_of_another_type_is_refused(void **state)
{
    static const char *const key[] = {"bert.block_count", "bert.attention.head_count",
                                      "bert.pooling_type",
                                      "tokenizer.ggml.cls_token_id"};

    (void)state;
    for (size_t i = 0; i < sizeof key / sizeof *key; i++) {
        struct tiny tiny = tiny_default();

        tiny.as_signed = key[i];
        expect(&tiny, INFER_EFORMAT, key[i]);
    }
}

static void every_missing_tensor_is_refused(void **state)
{
    struct tiny tiny = tiny_default();
    struct gguf *file;
    size_t count;
    char *bytes = tiny_bytes(&tiny, &count);

    (void)state;
    assert_int_equal(gguf_open_memory(&file, bytes, count, NULL), 0);
    assert_int_equal(gguf_tensor_count(file), 37);
    for (size_t i = 0; i < 37; i++) {
        tiny.leave_out = gguf_tensor_at(file, i)->name;
        expect(&tiny, INFER_EFORMAT, tiny.leave_out);
    }
    gguf_close(file);
    free(bytes);
}

static void a_shape_other_than_the_keys_say_is_refused(void **state)
{
    static const char *const name[] = {"token_embd.weight", "position_embd.weight",
                                       "blk.0.ffn_up.weight", "blk.1.ffn_down.weight"};

    (void)state;
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        struct tiny tiny = tiny_default();

        tiny.swapped = name[i];
        expect(&tiny, INFER_EFORMAT, name[i]);
    }
}

static void heads_must_divide_the_width(void **state)
{
    static const uint32_t heads[] = {0, 3, 33, 0x80000000u, 0xfffffffcu};
    struct tiny tiny = tiny_default();

    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        tiny.heads = heads[i];
        expect(&tiny, INFER_EFORMAT, "bert.attention.head_count");
    }
    tiny.heads = 32;
    expect(&tiny, 0, "");
}

static void layers_the_file_does_not_hold_are_refused(void **state)
{
    struct tiny tiny = tiny_default();

    (void)state;
    tiny.layers = 3;
    expect(&tiny, INFER_EFORMAT, "blk.2.attn_q.weight is missing");
    tiny.layers = 0x7fffffff;
    expect(&tiny, INFER_EFORMAT, "bert.block_count");
    tiny.layers = 0;
    expect(&tiny, INFER_EFORMAT, "bert.block_count");
}

static void a_tensor_that_has_no_place_is_refused(void **state)
{
    struct tiny tiny = tiny_default();

    (void)state;
    tiny.extra_tensor = "blk.0.attn_q_norm.weight";
    expect(&tiny, INFER_EUNSUPPORTED, "attn_q_norm");
    tiny.extra_tensor = "blk.2.attn_q.bias";
    expect(&tiny, INFER_EUNSUPPORTED, "blk.2.attn_q.bias");
    tiny.extra_tensor = "blk.00.attn_q.bias";
    expect(&tiny, INFER_EUNSUPPORTED, "blk.00.attn_q.bias");
}

static void tensors_that_stand_twice_are_refused(void **state)
{
    struct tiny tiny = tiny_default();

    (void)state;
    tiny.doubled = "blk.0.attn_k.weight";
    expect(&tiny, INFER_EFORMAT, "stands twice");
}

static void vocabulary_and_embedding_must_agree(void **state)
{
    struct tiny tiny = tiny_default();

    (void)state;
    tiny.tokens = tiny.token_types = TINY_TOKENS - 1;
    expect(&tiny, INFER_EFORMAT, "token_embd.weight");
    tiny = tiny_default();
    tiny.token_types = TINY_TOKENS - 1;
    expect(&tiny, INFER_EFORMAT, "tokenizer.ggml.token_type has");
    tiny = tiny_default();
    tiny.type_count = 3;
    expect(&tiny, INFER_EFORMAT, "tokenizer.ggml.token_type_count is 3");
    tiny = tiny_default();
    tiny.tokens_are_numbers = true;
    expect(&tiny, INFER_EFORMAT, "tokenizer.ggml.tokens");
}

static void a_special_id_beyond_the_vocabulary_is_refused(void **state)
{
    struct tiny tiny = tiny_default();

    (void)state;
    tiny.special_id = TINY_TOKENS - 1;
    expect(&tiny, 0, "");
    tiny.special_id = TINY_TOKENS;
    expect(&tiny, INFER_EFORMAT, "mask_token_id");
    tiny.special_id = 0xffffffff; /* the file names none */
    expect(&tiny, 0, "");
}

static void settings_that_are_not_served_are_named(void **state)
{
    struct tiny tiny = tiny_default();

    (void)state;
    tiny.pooling = MODEL_POOL_CLS;
    expect(&tiny, 0, "");
    tiny.pooling = 3;
    expect(&tiny, INFER_EUNSUPPORTED, "bert.pooling_type");
    tiny = tiny_default();
    tiny.leave_out = "bert.pooling_type";
    expect(&tiny, INFER_EUNSUPPORTED, "bert.pooling_type is missing");
    tiny = tiny_default();
    tiny.causal = true;
    expect(&tiny, INFER_EUNSUPPORTED, "bert.attention.causal");
    tiny = tiny_default();
    tiny.architecture = "mamba";
    expect(&tiny, INFER_EUNSUPPORTED, "mamba");
}

static void the_epsilon_lies_between_0_and_1(void **state)
{
    static const float wrong[] = {0, -1e-12f, 1, 1e30f, (float)(0.0 / 0.0)};
    struct tiny tiny = tiny_default();

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tiny.epsilon = wrong[i];
        expect(&tiny, INFER_EFORMAT, "layer_norm_epsilon");
    }
}

static void models_of_the_corpus_open(void **state)
{
    glob_t found;
    (void)state;
    if (glob("../shared/corpus/fixtures/models/*.gguf", 0, NULL, &found) != 0) {
        fprintf(stderr, "../shared/corpus/fixtures/models is absent\n");
        skip();
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        struct infer_model *model;
        struct infer_error err = {0};
        int status = infer_model_open(&model, path, &err);

        if (status != 0)
            fail_msg("%s: %d %s", path, status, err.text);
        infer_model_close(model);
    }
    assert_true(found.gl_pathc > 60);
    globfree(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_model_tells_its_sizes),
        cmocka_unit_test(every_missing_key_is_refused),
        cmocka_unit_test(a_key_of_another_type_is_refused),
        cmocka_unit_test(every_missing_tensor_is_refused),
        cmocka_unit_test(a_shape_other_than_the_keys_say_is_refused),
        cmocka_unit_test(heads_must_divide_the_width),
        cmocka_unit_test(layers_the_file_does_not_hold_are_refused),
        cmocka_unit_test(a_tensor_that_has_no_place_is_refused),
        cmocka_unit_test(tensors_that_stand_twice_are_refused),
        cmocka_unit_test(vocabulary_and_embedding_must_agree),
        cmocka_unit_test(a_special_id_beyond_the_vocabulary_is_refused),
        cmocka_unit_test(settings_that_are_not_served_are_named),
        cmocka_unit_test(the_epsilon_lies_between_0_and_1),
        cmocka_unit_test(models_of_the_corpus_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
