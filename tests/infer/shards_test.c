/* Weights in several files, and an index that lies about them. */
#include "infer/shards.h"
#include "tests/infer/decoder_folder.h"

static const struct tiny_decoder decoder = {
    .architecture = "llama", .layers = 1, .heads = 4, .kv_heads = 2, .key_size = 64};

static const char first[] = "\"model.embed_tokens.weight\":\"model-00001-of-00002.";

static void expect(const struct folder_change *change, int wanted, const char *word)
{
    folder_refused(&decoder, "llama", change, wanted, word);
}

static void the_tensors_of_all_files_are_found(void **state)
{
    struct decoder_folder f;
    struct shards *shards;
    const struct safetensors_tensor *t;

    (void)state;
    folder_make(&f, &decoder, "llama", &(struct folder_change){.several = true});
    assert_int_equal(shards_open(&shards, f.path, NULL), 0);
    assert_int_equal(shards_count(shards), 11);
    for (size_t i = 0; i < shards_count(shards); i++) {
        assert_true(shards_unused(shards, i));
        assert_true(i == 0 ||
                    strcmp(shards_name(shards, i - 1), shards_name(shards, i)) < 0);
    }
    t = shards_take(shards, "model.norm.weight");
    assert_non_null(t);
    assert_string_equal(t->name, "model.norm.weight");
    assert_false(shards_unused(shards, shards_count(shards) - 1));
    assert_true(shards_has(shards, "model.embed_tokens.weight"));
    assert_false(shards_has(shards, "lm_head.weight"));
    assert_null(shards_take(shards, "lm_head.weight"));
    shards_close(shards);
    shards_close(NULL);
    folder_remove(&f);
}

static void an_index_and_its_files_must_agree(void **state)
{
    (void)state;
    expect(&(struct folder_change){.several = true,
                                   .index_from = first,
                                   .index_into =
                                       "\"model.embed_tokens.weight\":\"model-"
                                       "00002-of-00002."},
           INFER_EFORMAT,
           "model-00002-of-00002.safetensors does not hold model.embed_tokens.weight");
    expect(&(struct folder_change){.several = true,
                                   .index_from = first,
                                   .index_into =
                                       "\"model.embed_tokens.weight\":\"model-"
                                       "00003-of-00002."},
           INFER_EIO, "model-00003-of-00002.safetensors");
    expect(&(struct folder_change){.several = true,
                                   .index_from =
                                       "\"model.embed_tokens.weight\":\"model-"
                                       "00001-of-00002.safetensors\",",
                                   .index_into = ""},
           INFER_EFORMAT, "lists 10 tensors, its files hold 11");
    expect(&(struct folder_change){.several = true, .third_file = true}, INFER_EFORMAT,
           "is in two files");
    expect(&(struct folder_change){.several = true,
                                   .index_from = "\"weight_map\"",
                                   .index_into = "\"weights\""},
           INFER_EFORMAT, "lists no tensors");
}

static void a_name_may_not_lead_out_of_the_folder(void **state)
{
    static const char *const names[] = {
        "\"model.embed_tokens.weight\":\"../model-00001-of-00002.",
        "\"model.embed_tokens.weight\":\"/model-00001-of-00002.",
        "\"model.embed_tokens.weight\":\".model-00001-of-00002.",
    };

    (void)state;
    for (size_t i = 0; i < 3; i++)
        expect(&(struct folder_change){.several = true,
                                       .index_from = first,
                                       .index_into = names[i]},
               INFER_EFORMAT, "is no name of a file");
    expect(&(struct folder_change){.several = true,
                                   .index_from = "\"model-00001-of-00002.safetensors\"",
                                   .index_into = "17"},
           INFER_EFORMAT, "is no name of a file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tensors_of_all_files_are_found),
        cmocka_unit_test(an_index_and_its_files_must_agree),
        cmocka_unit_test(a_name_may_not_lead_out_of_the_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
