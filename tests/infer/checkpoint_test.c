/* What the text files of a checkpoint folder say is taken over or refused. */
#include "infer/tokenizer.h"
#include "tests/infer/checkpoint_folder.h"

static void the_vocabulary_may_stand_in_either_file(void **state)
{
    struct infer_model *model;

    (void)state;
    import_and_open(&(struct change){.file = "vocab.txt"}, "F32", &model);
    assert_int_equal(model->tokenizer->closing, 3);
    infer_model_close(model);
    import_and_open(&(struct change){.file = "tokenizer.json"}, "F32", &model);
    assert_int_equal(model->tokenizer->closing, 3);
    infer_model_close(model);
}

static void settings_that_would_be_computed_otherwise_are_refused(void **state)
{
    static const char config[] = "config.json", tokens[] = "tokenizer.json",
                      pooling[] = "1_Pooling/config.json";
    static const struct {
        const char *file, *from, *into;
        int status;
        const char *word;
    } setting[] = {
        {config, "\"bert\"", "\"roberta\"", INFER_EUNSUPPORTED, "roberta"},
        {config, "\"gelu\"", "\"gelu_new\"", INFER_EUNSUPPORTED, "gelu_new"},
        {config, "absolute", "relative_key", INFER_EUNSUPPORTED, "relative_key"},
        {config, "\"is_decoder\":false", "\"is_decoder\":true", INFER_EUNSUPPORTED,
         "is_decoder"},
        {config, "\"hidden_size\":32", "\"hidden_size\":0", INFER_EFORMAT,
         "hidden_size"},
        {config, "\"hidden_size\":32", "\"hidden_size\":\"32\"", INFER_EFORMAT,
         "hidden_size"},
        {config, "\"num_attention_heads\":2", "\"num_attention_heads\":3",
         INFER_EFORMAT, "num_attention_heads"},
        {config, "\"num_hidden_layers\":1", "\"num_hidden_layers\":2", INFER_EFORMAT,
         "too few"},
        {config, "\"vocab_size\":8", "\"vocab_size\":9", INFER_EFORMAT, "vocab_size"},
        {config, "\"vocab_size\":8", "\"vocab_size\":7", INFER_EFORMAT, "vocab_size"},
        {config, "1e-12", "0", INFER_EFORMAT, "layer_norm_eps"},
        {config, "}", "", INFER_EFORMAT, "config.json"},
        {config, NULL, NULL, INFER_EIO, "config.json"},
        {pooling, "max_tokens\":false", "max_tokens\":true", INFER_EUNSUPPORTED,
         "pooling_mode"},
        {pooling, "mean_tokens\":true", "mean_tokens\":false", INFER_EUNSUPPORTED,
         "pooling"},
        {pooling, "cls_token\":false", "cls_token\":true", INFER_EUNSUPPORTED,
         "pooling_mode"},
        {pooling, NULL, NULL, INFER_EUNSUPPORTED, "pooling"},
        {"modules.json", "Normalize", "Dense", INFER_EUNSUPPORTED, "Dense"},
        {tokens, "WordPiece", "BPE", INFER_EUNSUPPORTED, "BPE"},
        {tokens, "\"lowercase\":true", "\"lowercase\":false", INFER_EUNSUPPORTED,
         "lowercase"},
        {tokens, "\"strip_accents\":null", "\"strip_accents\":false",
         INFER_EUNSUPPORTED, "strip_accents"},
        {tokens, "BertPreTokenizer", "Whitespace", INFER_EUNSUPPORTED, "Whitespace"},
        {tokens, "word\":100", "word\":50", INFER_EUNSUPPORTED, "max_input_chars"},
        {tokens, "\"hello\":6", "\"hallo\":6", INFER_EFORMAT, "disagree"},
        {tokens, "\"id\":2", "\"id\":3", INFER_EUNSUPPORTED, "added token"},
        {"tokenizer_config.json", "true", "false", INFER_EUNSUPPORTED, "do_lower_case"},
        {"vocab.txt", "[SEP]\n", "[SEB]\n", INFER_EFORMAT, "disagree"},
        {"vocab.txt", "##s\n", "", INFER_EFORMAT, "vocab.txt holds 7"},
        {"vocab.txt", "##s\n", "##s\nx\n", INFER_EFORMAT, "vocab.txt holds"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof setting / sizeof *setting; i++)
        expect_refusal(&(struct change){.file = setting[i].file,
                                        .from = setting[i].from,
                                        .into = setting[i].into},
                       "F32", setting[i].status, setting[i].word);
}

static void a_folder_without_a_model_card_has_no_name(void **state)
{
    struct infer_model_info info;
    struct infer_model *model;

    (void)state;
    import_and_open(&(struct change){.file = "README.md"}, "F32", &model);
    infer_model_info(model, &info);
    assert_string_equal(info.name, "");
    assert_null(info.license);
    infer_model_close(model);
}

/* The heading and the licence count only where they belong. */
static void the_model_card_is_read_by_its_parts(void **state)
{
    struct infer_model_info info;
    struct infer_model *model;

    (void)state;
    import_and_open(&(struct change){.file = "README.md",
                                     .from = "language: en",
                                     .into = "# license: not this"},
                    "F32", &model);
    infer_model_info(model, &info);
    assert_string_equal(info.name, "tiny-sentences");
    assert_string_equal(info.license, "cc0-1.0");
    infer_model_close(model);
    import_and_open(&(struct change){.file = "README.md", .from = "---\n", .into = ""},
                    "F32", &model);
    infer_model_info(model, &info);
    assert_null(info.license);
    infer_model_close(model);
}

static void cls_pooling_is_taken_over(void **state)
{
    struct infer_model *model;

    (void)state;
    import_and_open(&(struct change){.file = "1_Pooling/config.json",
                                     .from = "cls_token\":false,\"pooling_mode_mean_"
                                             "tokens\":true",
                                     .into = "cls_token\":true"},
                    "F32", &model);
    assert_int_equal(model->pooling, MODEL_POOL_CLS);
    infer_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vocabulary_may_stand_in_either_file),
        cmocka_unit_test(a_folder_without_a_model_card_has_no_name),
        cmocka_unit_test(the_model_card_is_read_by_its_parts),
        cmocka_unit_test(cls_pooling_is_taken_over),
        cmocka_unit_test(settings_that_would_be_computed_otherwise_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
