/* Ids back to text: spaces, bytes, special tokens, token by token. */
#include "tests/infer/vocab.h"

#define W "\xe2\x96\x81" /* U+2581, the space */

static const struct vocab_token pieces[] = {
    {"<unk>", TOKEN_UNKNOWN, 0},     {"<s>", TOKEN_CONTROL, 0},
    {"</s>", TOKEN_CONTROL, 0},      {"<0xC3>", TOKEN_BYTE, 0},
    {"<0xA9>", TOKEN_BYTE, 0},       {"<0x20>", TOKEN_BYTE, 0},
    {W, TOKEN_NORMAL, -9},           {"a", TOKEN_NORMAL, -9},
    {W "a", TOKEN_NORMAL, -1},       {"\n\n", TOKEN_USER_DEFINED, 0},
    {"<|x|>", TOKEN_USER_DEFINED, 0}};

static const struct vocab pieces_vocab = {
    .model = "llama",
    .token = pieces,
    .tokens = sizeof pieces / sizeof *pieces,
    .number = {{"tokenizer.ggml.bos_token_id", 1},
               {"tokenizer.ggml.eos_token_id", 2},
               {"tokenizer.ggml.unknown_token_id", 0}}};

static const struct vocab_token words[] = {
    {"[UNK]", TOKEN_CONTROL, 0}, {"[CLS]", TOKEN_CONTROL, 0},
    {"[SEP]", TOKEN_CONTROL, 0}, {W "hello", TOKEN_NORMAL, 0},
    {"ing", TOKEN_NORMAL, 0},    {W "!", TOKEN_NORMAL, 0}};

static const struct vocab words_vocab = {
    .model = "bert", .token = words, .tokens = sizeof words / sizeof *words};

struct ids {
    int32_t id[8];
    size_t count;
};

#define IDS(...)                                                          \
    (struct ids)                                                          \
    {                                                                     \
        {__VA_ARGS__}, sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t) \
    }

static void expect(const struct vocab *v, struct ids ids, unsigned flags,
                   const char *wanted)
{
    struct tokenizer *t = vocab_open(v, NULL);
    struct infer_text text = {0};

    assert_int_equal(tokenizer_decode(t, ids.id, ids.count, flags, &text, NULL), 0);
    assert_string_equal(text.text, wanted);
    assert_int_equal(text.bytes, strlen(wanted));
    infer_text_free(&text);
    tokenizer_close(t);
}

static void the_space_that_was_put_before_is_left_out(void **state)
{
    (void)state;
    expect(&pieces_vocab, IDS(8, 8), 0, "a a");
    expect(&pieces_vocab, IDS(1, 8, 8), 0, "a a");
    expect(&pieces_vocab, IDS(6, 8), 0, " a");
    expect(&pieces_vocab, IDS(5, 7), 0, " a"); /* a byte is no space that was put */
    expect(&pieces_vocab, IDS(8, 9, 8), 0, "a\n\na");
}

static void a_text_that_continues_keeps_its_space(void **state)
{
    (void)state;
    expect(&pieces_vocab, IDS(8, 8), INFER_TEXT_CONTINUES, " a a");
    expect(&pieces_vocab, IDS(7, 8), INFER_TEXT_CONTINUES, "a a");
}

static void special_tokens_are_written_when_asked_for(void **state)
{
    (void)state;
    expect(&pieces_vocab, IDS(1, 8, 10, 2), 0, "a");
    expect(&pieces_vocab, IDS(1, 8, 10, 2), INFER_TEXT_SPECIAL, "<s>a<|x|></s>");
}

static void what_was_unknown_does_not_vanish(void **state)
{
    (void)state;
    expect(&pieces_vocab, IDS(8, 0), 0, "a\xef\xbf\xbd");
    expect(&pieces_vocab, IDS(8, 0), INFER_TEXT_SPECIAL, "a<unk>");
}

static void words_of_wordpiece_stand_one_space_apart(void **state)
{
    (void)state;
    expect(&words_vocab, IDS(1, 3, 4, 5, 2), 0, "helloing !");
    expect(&words_vocab, IDS(1, 3), INFER_TEXT_SPECIAL, "[CLS] hello");
}

static void text_is_appended_token_by_token(void **state)
{
    static const int32_t id[] = {8, 3, 4, 8};
    struct tokenizer *t = vocab_open(&pieces_vocab, NULL);
    struct infer_text text = {0};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(tokenizer_decode(t, &id[i], 1,
                                          i == 0 ? 0 : INFER_TEXT_CONTINUES, &text,
                                          NULL),
                         0);
    assert_string_equal(text.text, "a\xc3\xa9 a");
    infer_text_free(&text);
    assert_null(text.text);
    tokenizer_close(t);
}

static void ids_and_flags_that_do_not_exist_are_refused(void **state)
{
    static const int32_t bad[][2] = {{8, -1}, {8, 11}, {8, INT32_MAX}};
    struct tokenizer *t = vocab_open(&pieces_vocab, NULL);
    struct infer_text text = {0};
    struct infer_error err;

    (void)state;
    assert_int_equal(tokenizer_decode(t, (int32_t[]){7}, 1, 0, &text, &err), 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(tokenizer_decode(t, bad[i], 2, 0, &text, &err),
                         INFER_EINVALID);
    assert_int_equal(tokenizer_decode(t, bad[0], 1, 4, &text, &err), INFER_EINVALID);
    assert_string_equal(text.text, "a"); /* nothing of it was written */
    infer_text_free(&text);
    tokenizer_close(t);
}

static void no_ids_are_an_empty_text(void **state)
{
    struct tokenizer *t = vocab_open(&pieces_vocab, NULL);
    struct infer_text text = {0};

    (void)state;
    assert_int_equal(tokenizer_decode(t, NULL, 0, 0, &text, NULL), 0);
    assert_string_equal(text.text, "");
    infer_text_free(&text);
    tokenizer_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_space_that_was_put_before_is_left_out),
        cmocka_unit_test(a_text_that_continues_keeps_its_space),
        cmocka_unit_test(special_tokens_are_written_when_asked_for),
        cmocka_unit_test(what_was_unknown_does_not_vanish),
        cmocka_unit_test(words_of_wordpiece_stand_one_space_apart),
        cmocka_unit_test(text_is_appended_token_by_token),
        cmocka_unit_test(ids_and_flags_that_do_not_exist_are_refused),
        cmocka_unit_test(no_ids_are_an_empty_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
