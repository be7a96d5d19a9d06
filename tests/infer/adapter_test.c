/* An adapter fits its model or is refused by what does not fit. */
#include "tests/infer/tiny_adapter.h"

#include <math.h>
#include <unistd.h>

static const struct tiny_decoder decoder = {
    .architecture = "llama", .layers = 2, .heads = 4, .kv_heads = 2, .key_size = 64};

static void expect(const struct tiny_adapter *a, float scale, int wanted,
                   const char *word)
{
    struct infer_model *model = tiny_model(&decoder);
    struct adapter *adapter;
    struct infer_error err = {0};
    size_t count;
    char *bytes = tiny_adapter_bytes(&decoder, a, &count);
    int status = adapter_open_memory(&adapter, model, bytes, count, scale, &err);

    if (status != wanted || strstr(err.text, word) == NULL)
        fail_msg("status %d, wanted %d about \"%s\": %s", status, wanted, word,
                 err.text);
    assert_null(adapter);
    free(bytes);
    infer_model_close(model);
}

static void each_pair_is_found_by_its_tensor(void **state)
{
    struct infer_model *model = tiny_model(&decoder);
    const struct gguf_tensor *q, *norm;
    const struct adapter_pair *pair;

    (void)state;
    q = gguf_tensor_find(model->file, "blk.1.attn_q.weight");
    norm = gguf_tensor_find(model->file, "blk.1.attn_norm.weight");
    assert_null(adapter_find(model->adapter, q));
    assert_int_equal(adapter_rank(model->adapter), 0);
    tiny_adapt(model, &decoder, &(struct tiny_adapter){0}, 0.5f);
    pair = adapter_find(model->adapter, q);
    assert_non_null(pair);
    assert_ptr_equal(pair->tensor, q);
    assert_string_equal(pair->a->name, "blk.1.attn_q.weight.lora_a");
    assert_string_equal(pair->b->name, "blk.1.attn_q.weight.lora_b");
    assert_true(pair->scale == 0.5f * 10 / TINY_ADAPTER_RANK);
    assert_null(adapter_find(model->adapter, norm));
    assert_null(adapter_find(model->adapter, model->token_embd));
    assert_int_equal(adapter_rank(model->adapter), TINY_ADAPTER_RANK);
    infer_model_close(model);
}

static void a_file_that_is_no_adapter_is_refused(void **state)
{
    (void)state;
    expect(&(struct tiny_adapter){.leave_out = "adapter.type"}, 1, INFER_EINVALID,
           "no adapter");
    expect(&(struct tiny_adapter){.leave_out = "general.type"}, 1, INFER_EFORMAT,
           "general.type is missing");
    expect(&(struct tiny_adapter){.key = "general.type", .text = "model"}, 1,
           INFER_EUNSUPPORTED, "\"model\"");
    expect(&(struct tiny_adapter){.key = "adapter.type", .text = "control_vector"}, 1,
           INFER_EUNSUPPORTED, "supported is \"lora\"");
    expect(&(struct tiny_adapter){.flag = "adapter.alora.invocation_tokens"}, 1,
           INFER_EUNSUPPORTED, "behind certain tokens");
    expect(&(struct tiny_adapter){.only = "nothing"}, 1, INFER_EFORMAT, "no tensors");
}

static void another_architecture_is_refused(void **state)
{
    (void)state;
    expect(&(struct tiny_adapter){.key = "general.architecture", .text = "qwen2"}, 1,
           INFER_EUNSUPPORTED, "is \"qwen2\", the model's is \"llama\"");
    expect(&(struct tiny_adapter){.leave_out = "general.architecture"}, 1,
           INFER_EFORMAT, "general.architecture is missing");
}

static void factors_must_be_numbers(void **state)
{
    (void)state;
    expect(&(struct tiny_adapter){.leave_out = "adapter.lora.alpha"}, 1, INFER_EFORMAT,
           "adapter.lora.alpha is missing");
    expect(&(struct tiny_adapter){.alpha = -1}, 1, INFER_EFORMAT, "is -1");
    expect(&(struct tiny_adapter){.alpha = INFINITY}, 1, INFER_EFORMAT, "is inf");
    expect(&(struct tiny_adapter){.alpha = NAN}, 1, INFER_EFORMAT, "above 0");
    expect(&(struct tiny_adapter){0}, NAN, INFER_EINVALID, "scale of nan");
    expect(&(struct tiny_adapter){.alpha = 1e30f}, 1e30f, INFER_EINVALID, "too large");
}

static void tensors_that_do_not_fit_are_named(void **state)
{
    static const char a[] = "blk.1.attn_k.weight.lora_a",
                      b[] = "blk.1.attn_k.weight.lora_b";

    (void)state;
    expect(&(struct tiny_adapter){.leave_out = a}, 1, INFER_EFORMAT, b);
    expect(&(struct tiny_adapter){.leave_out = b}, 1, INFER_EFORMAT, a);
    expect(&(struct tiny_adapter){.longer = a}, 1, INFER_EFORMAT,
           "blk.1.attn_k.weight.lora_a is 257 x 5 x 1");
    expect(&(struct tiny_adapter){.longer = b}, 1, INFER_EFORMAT,
           "ask for 5 x 128 x 1");
    expect(&(struct tiny_adapter){.swapped = b}, 1, INFER_EFORMAT,
           "blk.1.attn_k.weight.lora_b is 128 x 5 x 1");
    expect(&(struct tiny_adapter){.swapped = a}, 1, INFER_EFORMAT, a);
    expect(&(struct tiny_adapter){.extra = "blk.0.attn_q.bias"}, 1, INFER_EFORMAT,
           "blk.0.attn_q.bias is no half of a pair");
    expect(&(struct tiny_adapter){.extra = ".lora_a"}, 1, INFER_EFORMAT, "no half");
    expect(&(struct tiny_adapter){.type = GGUF_Q8_0, .only = "none"}, 1, INFER_EFORMAT,
           "no tensors");
}

/* Two tensors of an adapter for a model that has none of that name. */
static void expect_stray(const char *name, int wanted, const char *word)
{
    struct infer_model *model = tiny_model(&decoder);
    struct adapter *adapter;
    struct infer_error err = {0};
    struct gguf_writer w = {0};
    char *bytes = NULL, full[96];
    size_t count;
    FILE *file = open_memstream(&bytes, &count);

    gguf_write_string(&w, "general.type", "adapter", 7);
    gguf_write_string(&w, "general.architecture", "llama", 5);
    gguf_write_string(&w, "adapter.type", "lora", 4);
    gguf_write_f32(&w, "adapter.lora.alpha", 1);
    snprintf(full, sizeof full, "%s.lora_a", name);
    gguf_write_tensor(&w, full, GGUF_F32, 2, (uint64_t[]){TINY_WIDTH, 8});
    snprintf(full, sizeof full, "%s.lora_b", name);
    gguf_write_tensor(&w, full, GGUF_F32, 2, (uint64_t[]){8, TINY_WIDTH});
    gguf_write_head(&w, file);
    for (int i = 0; i < 2 * TINY_WIDTH * 8; i++)
        gguf_write_data(&w, file, &(float){0}, 4);
    assert_int_equal(gguf_write_end(&w, file), 0);
    fclose(file);
    assert_int_equal(adapter_open_memory(&adapter, model, bytes, count, 1, &err),
                     wanted);
    if (strstr(err.text, word) == NULL)
        fail_msg("wanted \"%s\": %s", word, err.text);
    free(bytes);
    infer_model_close(model);
}

static void changes_to_what_the_model_does_not_multiply_are_refused(void **state)
{
    (void)state;
    expect_stray("blk.2.attn_q.weight", INFER_EFORMAT,
                 "changes blk.2.attn_q.weight, which the model does not have");
    expect_stray("output.weight", INFER_EFORMAT, "does not have");
    expect_stray("token_embd.weight", INFER_EUNSUPPORTED, "matrices of layers");
    expect_stray("blk.0.attn_norm.weight", INFER_EUNSUPPORTED, "matrices of layers");
}

static void types_other_than_floats_are_refused(void **state)
{
    struct infer_model *model = tiny_model(&decoder);
    struct adapter *adapter;
    struct infer_error err = {0};
    size_t count;
    char *bytes =
        tiny_adapter_bytes(&decoder, &(struct tiny_adapter){.only = "attn_q"}, &count);

    (void)state;
    for (size_t i = 0; i + 24 < count; i++) /* the type after name, dims and dim */
        if (memcmp(bytes + i, "attn_q.weight.lora_a", 20) == 0)
            bytes[i + 20 + 4 + 16] = 26;
    assert_int_equal(adapter_open_memory(&adapter, model, bytes, count, 1, &err),
                     INFER_EUNSUPPORTED);
    assert_non_null(strstr(err.text, "stored as I32"));
    free(bytes);
    infer_model_close(model);
}

/* By their paths, as a caller of the library has it. */
static void a_model_takes_one_adapter(void **state)
{
    char path[2][64] = {"/tmp/adapter-test-XXXXXX", "/tmp/adapter-test-XXXXXX"};
    struct infer_model *model;
    struct infer_error err = {0};
    size_t count[2];
    char *bytes[2] = {
        tiny_bytes(&decoder, &count[0]),
        tiny_adapter_bytes(&decoder, &(struct tiny_adapter){0}, &count[1])};

    (void)state;
    for (int i = 0; i < 2; i++) {
        int fd = mkstemp(path[i]);
        assert_int_equal(write(fd, bytes[i], count[i]), count[i]);
        close(fd);
        free(bytes[i]);
    }
    assert_int_equal(infer_model_open(&model, path[1], &err), INFER_EINVALID);
    assert_non_null(strstr(err.text, "is an adapter"));
    assert_int_equal(infer_model_open(&model, path[0], &err), 0);
    assert_int_equal(infer_model_adapt(model, path[0], 1, &err), INFER_EINVALID);
    assert_non_null(strstr(err.text, "no adapter"));
    assert_int_equal(infer_model_adapt(model, "/tmp/none.gguf", 1, &err), INFER_EIO);
    assert_int_equal(infer_model_adapt(model, path[1], 1, &err), 0);
    assert_int_equal(infer_model_adapt(model, path[1], 1, &err), INFER_EINVALID);
    assert_non_null(strstr(err.text, "already"));
    infer_model_close(model);
    unlink(path[0]);
    unlink(path[1]);
}

static void an_encoder_takes_none(void **state)
{
    struct infer_model encoder = {.architecture = "bert"};
    struct infer_error err = {0};

    (void)state;
    assert_int_equal(infer_model_adapt(&encoder, "/tmp/none.gguf", 1, &err),
                     INFER_EUNSUPPORTED);
    assert_non_null(strstr(err.text, "bert"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pair_is_found_by_its_tensor),
        cmocka_unit_test(a_file_that_is_no_adapter_is_refused),
        cmocka_unit_test(another_architecture_is_refused),
        cmocka_unit_test(factors_must_be_numbers),
        cmocka_unit_test(tensors_that_do_not_fit_are_named),
        cmocka_unit_test(changes_to_what_the_model_does_not_multiply_are_refused),
        cmocka_unit_test(types_other_than_floats_are_refused),
        cmocka_unit_test(a_model_takes_one_adapter),
        cmocka_unit_test(an_encoder_takes_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
