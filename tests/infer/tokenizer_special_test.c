/* Which tokens open and end a text, and which a document cannot spell. */
#include "tests/infer/vocab.h"

static const struct vocab_token tokens[] = {
    {"a", TOKEN_NORMAL, 0},
    {"<|im_end|>", TOKEN_CONTROL, 0},
    {"<|eot_id|>", TOKEN_CONTROL, 0},
    {"</s>", TOKEN_USER_DEFINED, 0},
    {"<end_of_turn>", TOKEN_NORMAL, 0}, /* an ordinary word here */
    {"<|im_start|>", TOKEN_USER_DEFINED, 0},
    {"\xc4\xa0", TOKEN_NORMAL, 0},
    {"  ", TOKEN_USER_DEFINED, 0},
    {"    ", TOKEN_USER_DEFINED, 0},
    {"<|end|>", TOKEN_NORMAL, 0},
    {"<|>", TOKEN_NORMAL, 0},
};

static const char *const no_merges[] = {NULL};

static struct vocab vocab(void)
{
    return (struct vocab){.model = "gpt2",
                          .pre = "gpt-2",
                          .token = tokens,
                          .tokens = sizeof tokens / sizeof *tokens,
                          .merge = no_merges,
                          .number = {{"tokenizer.ggml.eos_token_id", 1}}};
}

static void a_text_ends_at_its_keys_and_at_known_names(void **state)
{
    struct vocab v = vocab();
    struct tokenizer *t;

    (void)state;
    v.number[1].key = "tokenizer.ggml.eot_token_id";
    v.number[1].value = 0;
    t = vocab_open(&v, NULL);
    assert_true(tokenizer_is_end(t, 0)); /* by eot_token_id, whatever its type */
    assert_true(tokenizer_is_end(t, 1));
    assert_true(tokenizer_is_end(t, 2));
    assert_true(tokenizer_is_end(t, 3));
    assert_false(tokenizer_is_end(t, 4));
    assert_false(tokenizer_is_end(t, 5));
    assert_false(tokenizer_is_end(t, -1));
    assert_int_equal(t->eos, 1);
    assert_int_equal(t->bos, -1);
    tokenizer_close(t);
}

static void the_longest_of_the_leftmost_special_tokens_counts(void **state)
{
    struct vocab v = vocab();
    struct tokenizer *t = vocab_open(&v, NULL);

    (void)state;
    vocab_expect(t, &v, "a      a", 0, "a|    |  |a");
    vocab_expect(t, &v, "a   a", 0, "a|  |\xc4\xa0|a");
    tokenizer_close(t);
}

static void markup_of_the_wrong_type_does_not_count_in_text(void **state)
{
    struct vocab v = vocab();
    struct tokenizer *t = vocab_open(&v, NULL);

    (void)state;
    vocab_expect(t, &v, "a<|im_start|></s>a", 0, "a|a|a"); /* "start" has an a */
    vocab_expect(t, &v, "<|im_start|></s>", INFER_PARSE_SPECIAL, "<|im_start|>|</s>");
    vocab_expect(t, &v, "a<|end|>a", 0, "a|a");
    vocab_expect(t, &v, "a<|end|>a", INFER_PARSE_SPECIAL, "a|<|end|>|a");
    assert_true(tokenizer_is_end(t, 9));
    assert_int_equal(vocabulary_find(&t->vocabulary, "<|>", 3), 10);
    tokenizer_close(t);
}

static void special_tokens_are_found_by_name(void **state)
{
    struct vocab v = vocab();
    struct tokenizer *t = vocab_open(&v, NULL);

    (void)state;
    assert_int_equal(vocabulary_find_special(&t->vocabulary, "<|im_start|>"), 5);
    assert_int_equal(vocabulary_find_special(&t->vocabulary, "<|im_end|>"), 1);
    assert_int_equal(vocabulary_find_special(&t->vocabulary, "<|im_end|"), -1);
    assert_int_equal(vocabulary_find_special(&t->vocabulary, "a"), -1);
    tokenizer_close(t);
}

static void forms_of_markup_are_known(void **state)
{
    static const char *const markup[] = {"<|user|>",
                                         "<|a b|>",
                                         "[INST]",
                                         "<start_of_turn>",
                                         "<s>",
                                         "</s>",
                                         "<\xef\xbd\x9cUser\xef\xbd\x9c>"};
    static const char *const text[] = {"<|",  "<|>", "|>",      "<b>", "  ",
                                       "[1]", "",    "<table>", "<||", "[PAD7]"};
    struct token token = {.type = TOKEN_USER_DEFINED};

    (void)state;
    for (size_t i = 0; i < sizeof markup / sizeof *markup; i++) {
        token.text = markup[i];
        token.bytes = (uint32_t)strlen(markup[i]);
        assert_true(tokenizer_is_markup(&token));
    }
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        token.text = text[i];
        token.bytes = (uint32_t)strlen(text[i]);
        assert_false(tokenizer_is_markup(&token));
    }
}

static void every_id_must_lie_in_the_vocabulary(void **state)
{
    static const char *const key[] = {
        "tokenizer.ggml.bos_token_id",     "tokenizer.ggml.eos_token_id",
        "tokenizer.ggml.eot_token_id",     "tokenizer.ggml.eom_token_id",
        "tokenizer.ggml.unknown_token_id", "tokenizer.ggml.padding_token_id",
        "tokenizer.ggml.cls_token_id",     "tokenizer.ggml.seperator_token_id",
        "tokenizer.ggml.mask_token_id"};

    (void)state;
    for (size_t i = 0; i < sizeof key / sizeof *key; i++) {
        struct vocab v = vocab();
        struct tokenizer *t;

        v.number[0].key = key[i];
        v.number[0].value = (uint32_t)v.tokens - 1;
        t = vocab_open(&v, NULL);
        assert_non_null(t);
        tokenizer_close(t);
        v.number[0].value++;
        vocab_refuses(&v, INFER_EFORMAT, key[i]);
        v.number[0].value = UINT32_MAX; /* none */
        t = vocab_open(&v, NULL);
        assert_non_null(t);
        tokenizer_close(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_ends_at_its_keys_and_at_known_names),
        cmocka_unit_test(the_longest_of_the_leftmost_special_tokens_counts),
        cmocka_unit_test(markup_of_the_wrong_type_does_not_count_in_text),
        cmocka_unit_test(special_tokens_are_found_by_name),
        cmocka_unit_test(forms_of_markup_are_known),
        cmocka_unit_test(every_id_must_lie_in_the_vocabulary),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
