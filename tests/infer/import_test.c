/* A checkpoint folder becomes a GGUF file, the same bytes each time. */
#include "infer/gguf.h"
#include "infer/tokenizer.h"
#include "tests/infer/checkpoint_folder.h"

static void the_file_holds_what_the_folder_says(void **state)
{
    struct infer_model_info info;
    struct infer_model *model;
    uint32_t number = 0;

    (void)state;
    import_and_open(&(struct change){0}, "F32", &model);
    infer_model_info(model, &info);
    assert_string_equal(info.name, "tiny-sentences");
    assert_string_equal(info.license, "cc0-1.0");
    assert_int_equal(info.layers, 1);
    assert_int_equal(info.context_tokens, CONTEXT);
    assert_int_equal(info.vocabulary_tokens, TOKENS);
    assert_int_equal(model->pooling, MODEL_POOL_MEAN);
    assert_true(model->norm_epsilon == 1e-12f);
    assert_int_equal(gguf_tensor_count(model->file), 21);
    assert_int_equal(gguf_get_u32(model->file, "general.file_type", &number, NULL), 0);
    assert_int_equal(number, 0);
    assert_int_equal(
        gguf_get_u32(model->file, "tokenizer.ggml.bos_token_id", &number, NULL), 0);
    assert_int_equal(number, 2);
    assert_int_equal(
        gguf_get_u32(model->file, "tokenizer.ggml.token_type_count", &number, NULL), 0);
    assert_int_equal(number, 2);
    infer_model_close(model);
}

static void tokens_are_spelt_as_gguf_spells_them(void **state)
{
    static const char *const wanted[TOKENS] = {"[PAD]",
                                               "[UNK]",
                                               "[CLS]",
                                               "[SEP]",
                                               "[MASK]",
                                               "\xe2\x96\x81[unused0]",
                                               "\xe2\x96\x81hello",
                                               "s"};
    const struct gguf_key *tokens, *types;
    struct infer_model *model;
    size_t at = 0;

    (void)state;
    import_and_open(&(struct change){0}, "F32", &model);
    assert_int_equal(gguf_get_array(model->file, "tokenizer.ggml.tokens", GGUF_STRING,
                                    &tokens, NULL),
                     0);
    assert_int_equal(gguf_get_array(model->file, "tokenizer.ggml.token_type", GGUF_I32,
                                    &types, NULL),
                     0);
    for (uint32_t i = 0; i < TOKENS; i++) {
        struct gguf_string token = gguf_array_next(tokens, &at);

        assert_int_equal(token.bytes, strlen(wanted[i]));
        assert_memory_equal(token.text, wanted[i], token.bytes);
        assert_int_equal(gguf_array_u32(types, i), i < 5 ? 3 : 1);
    }
    infer_model_close(model);
}

static void expect_weights(const struct infer_model *model)
{
    const float *words = model->token_embd->data, *down = model->layer[0].down->data;

    for (size_t i = 0; i < TOKENS * WIDTH; i++)
        assert_true(words[i] == weight(WORDS, i));
    for (size_t i = 0; i < WIDTH * FFN; i++)
        assert_true(down[i] == weight(21, i));
}

static void weights_of_every_float_type_come_through(void **state)
{
    static const char *const dtype[] = {"F32", "F16", "BF16"};
    struct infer_model *model;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        import_and_open(&(struct change){.dtype = dtype[i]}, "F32", &model);
        expect_weights(model);
        infer_model_close(model);
    }
}

static void a_prefix_before_every_name_is_taken_off(void **state)
{
    struct infer_model *model;

    (void)state;
    import_and_open(&(struct change){.prefix = "bert."}, "F32", &model);
    expect_weights(model);
    infer_model_close(model);
}

/* A block's scale is its largest magnitude over 127; values round half away from
 * zero: with 127 sixty-fourths in every block the scale is 1/64 and all are exact. */
static void q8_0_blocks_are_those_of_the_definition(void **state)
{
    struct infer_model *model;
    const uint8_t *block;

    (void)state;
    import_and_open(&(struct change){.spoiled = -127.0f / 64}, "Q8_0", &model);
    assert_int_equal(model->token_embd->type, GGUF_Q8_0);
    assert_int_equal(model->layer[0].q->type, GGUF_Q8_0);
    assert_int_equal(model->layer[0].q_bias->type, GGUF_F32);
    assert_int_equal(model->position_embd->type, GGUF_F32);
    assert_int_equal(model->token_types->type, GGUF_F32);
    block = model->token_embd->data;
    assert_int_equal(block[0] | block[1] << 8, 0x2400); /* 2^-6 */
    assert_int_equal((int8_t)block[2], -127);
    for (size_t i = 1; i < 32; i++)
        assert_int_equal((int8_t)block[2 + i], (int)(weight(WORDS, i) * 64));
    infer_model_close(model);
}

static void half_a_step_rounds_away_from_zero(void **state)
{
    struct infer_model *model;
    const uint8_t *block;

    (void)state;
    import_and_open(&(struct change){.spoiled = 254.0f / 64}, "Q8_0", &model);
    block = model->token_embd->data; /* the scale is 2/64: odd values lie half way */
    assert_int_equal(block[0] | block[1] << 8, 0x2800);
    for (size_t i = 1; i < 32; i++) {
        int value = (int)(weight(WORDS, i) * 64);

        assert_int_equal((int8_t)block[2 + i], value / 2 + value % 2);
    }
    infer_model_close(model);
}

static void expect_scale(const struct change *change, uint16_t wanted)
{
    struct infer_model *model;
    const uint8_t *block;

    import_and_open(change, "Q8_0", &model);
    block = model->token_embd->data;
    assert_int_equal(block[0] | block[1] << 8, wanted);
    infer_model_close(model);
}

/* 1000/127 is 7.87402, the nearest half is 7.875; shrunk to subnormal halves the
 * scale is a multiple of 2^-24; what is smaller than half of that is 0. */
static void scales_round_to_the_nearest_half(void **state)
{
    const float one = 127.0f / 64; /* a scale of 2^-6 */

    (void)state;
    expect_scale(&(struct change){.spoiled = 1000}, 0x47e0);
    expect_scale(&(struct change){.spoiled = one, .shrunk = 0x1p-8f}, 0x0400);
    expect_scale(&(struct change){.spoiled = one, .shrunk = 0x1p-16f}, 4);
    expect_scale(&(struct change){.spoiled = one, .shrunk = 0x1.9p-18f}, 2);
    expect_scale(&(struct change){.spoiled = one, .shrunk = 0x1p-20f}, 0);
    expect_scale(&(struct change){.spoiled = one, .shrunk = 0x1p-140f}, 0);
}

static char *contents(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    char *text = malloc(1 << 20);

    assert_non_null(file);
    *bytes = fread(text, 1, 1 << 20, file);
    assert_true(*bytes < 1 << 20);
    fclose(file);
    return text;
}

static void the_same_folder_gives_the_same_bytes(void **state)
{
    struct folder a = make_folder(&(struct change){0});
    struct folder b = make_folder(&(struct change){.file = "tokenizer.json"});
    size_t a_bytes, b_bytes;
    char *x, *y;

    (void)state;
    assert_int_equal(infer_import(a.path, a.out, "Q8_0", NULL), 0);
    assert_int_equal(infer_import(a.path, a.out, "Q8_0", NULL), 0);
    assert_int_equal(infer_import(b.path, b.out, "Q8_0", NULL), 0);
    x = contents(a.out, &a_bytes);
    y = contents(b.out, &b_bytes);
    assert_int_equal(a_bytes, b_bytes);
    assert_memory_equal(x, y, a_bytes);
    free(x);
    free(y);
    remove_folder(&a);
    remove_folder(&b);
}

static void weights_of_another_kind_are_refused(void **state)
{
    (void)state;
    expect_refusal(&(struct change){.renamed = "pooler.dense.weight"}, "F32",
                   INFER_EUNSUPPORTED, "other.weight");
    expect_refusal(&(struct change){.renamed = "embeddings.LayerNorm.bias"}, "F32",
                   INFER_EFORMAT, "embeddings.LayerNorm.bias is missing");
    expect_refusal(&(struct change){.dtype = "I16"}, "F32", INFER_EUNSUPPORTED, "I16");
    expect_refusal(&(struct change){.prefix = "roberta."}, "F32", INFER_EFORMAT,
                   "embeddings.word_embeddings.weight is missing");
    expect_refusal(&(struct change){.file = "config.json",
                                    .from = "\"intermediate_size\":64",
                                    .into = "\"intermediate_size\":63"},
                   "F32", INFER_EFORMAT, "intermediate.dense.weight");
}

static void numbers_that_cannot_be_stored_are_refused(void **state)
{
    struct infer_model *model;

    (void)state;
    expect_refusal(&(struct change){.spoiled = NAN}, "F32", INFER_EUNSUPPORTED, "nan");
    expect_refusal(&(struct change){.spoiled = -INFINITY}, "F32", INFER_EUNSUPPORTED,
                   "inf");
    expect_refusal(&(struct change){.spoiled = 65505.0f * 127}, "Q8_0",
                   INFER_EUNSUPPORTED, "Q8_0");
    import_and_open(&(struct change){.spoiled = 65504.0f * 127}, "Q8_0", &model);
    infer_model_close(model);
}

static void a_type_that_is_not_written_is_refused(void **state)
{
    (void)state;
    expect_refusal(&(struct change){0}, "Q4_0", INFER_EINVALID, "Q4_0");
    expect_refusal(&(struct change){0}, "", INFER_EINVALID, "F32, F16, BF16 and Q8_0");
}

static void a_folder_that_is_not_there_is_refused(void **state)
{
    struct infer_error err;

    (void)state;
    assert_int_equal(infer_import("tests/no-such-folder", "/tmp/x.gguf", "F32", &err),
                     INFER_EIO);
    assert_non_null(strstr(err.text, "no-such-folder"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_holds_what_the_folder_says),
        cmocka_unit_test(tokens_are_spelt_as_gguf_spells_them),
        cmocka_unit_test(weights_of_every_float_type_come_through),
        cmocka_unit_test(a_prefix_before_every_name_is_taken_off),
        cmocka_unit_test(q8_0_blocks_are_those_of_the_definition),
        cmocka_unit_test(half_a_step_rounds_away_from_zero),
        cmocka_unit_test(scales_round_to_the_nearest_half),
        cmocka_unit_test(the_same_folder_gives_the_same_bytes),
        cmocka_unit_test(weights_of_another_kind_are_refused),
        cmocka_unit_test(numbers_that_cannot_be_stored_are_refused),
        cmocka_unit_test(a_type_that_is_not_written_is_refused),
        cmocka_unit_test(a_folder_that_is_not_there_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
