/* What tokens stand for, and the table that finds them. */
#include "tests/infer/vocab.h"

#include <stdio.h>

static bool unmap(const char *text, char *out, size_t *bytes)
{
    return vocabulary_unmap((struct gguf_string){text, strlen(text)}, out, bytes);
}

static void the_byte_alphabet_is_undone(void **state)
{
    char out[16];
    size_t bytes;

    (void)state;
    assert_true(unmap("\xc4\xa0the", out, &bytes)); /* U+0120 */
    assert_int_equal(bytes, 4);
    assert_memory_equal(out, " the", 4);
    assert_true(unmap("\xc4\x80\xc4\xa1\xc5\x82\xc5\x83", out, &bytes));
    assert_int_equal(bytes, 4); /* U+0100, U+0121, U+0142, U+0143 */
    assert_memory_equal(out, "\x00\x7f\xa0\xad", 4);
    assert_true(unmap("", out, &bytes));
    assert_int_equal(bytes, 0);
    assert_false(unmap("a b", out, &bytes));          /* a space has a character */
    assert_false(unmap("\xc5\x84", out, &bytes));     /* U+0144 */
    assert_false(unmap("\xc2\xad", out, &bytes));     /* U+00AD */
    assert_false(unmap("\xff", out, &bytes));         /* no UTF-8 */
    assert_false(unmap("\xe2\x96\x81", out, &bytes)); /* U+2581 */
}

/* Words of every length up to 40, found and told from their neighbours. */
static void every_plain_token_is_found(void **state)
{
    enum { COUNT = 2000 };
    static char text[COUNT][64];
    static struct vocab_token token[COUNT];
    struct vocab v = {.model = "llama", .token = token, .tokens = COUNT};
    struct tokenizer *t;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        snprintf(text[i], sizeof text[i], "%.*s%d", i % 40,
                 "abcdefghijklmnopqrstuvwxyzabcdefghijklmn", i);
        token[i] = (struct vocab_token){text[i], i == 0 ? TOKEN_UNKNOWN : TOKEN_NORMAL,
                                        (float)-i};
    }
    v.number[0].key = "tokenizer.ggml.unknown_token_id";
    t = vocab_open(&v, NULL);
    assert_non_null(t);
    assert_int_equal(vocabulary_find(&t->vocabulary, text[0], strlen(text[0])), -1);
    for (int i = 1; i < COUNT; i++) {
        size_t bytes = strlen(text[i]);

        assert_int_equal(vocabulary_find(&t->vocabulary, text[i], bytes), i);
        text[i][bytes - 1] ^= 0x40;
        assert_int_equal(vocabulary_find(&t->vocabulary, text[i], bytes), -1);
        text[i][bytes - 1] ^= 0x40;
        assert_true(t->vocabulary.token[i].rank > t->vocabulary.token[i - 1].rank);
    }
    tokenizer_close(t);
}

static void a_better_score_is_a_lower_rank(void **state)
{
    static const struct vocab_token token[] = {
        {"<unk>", TOKEN_UNKNOWN, 0}, {"a", TOKEN_NORMAL, 1e30f},
        {"b", TOKEN_NORMAL, 2},      {"c", TOKEN_NORMAL, 0},
        {"d", TOKEN_NORMAL, -0.0f},  {"e", TOKEN_NORMAL, -1e-40f},
        {"f", TOKEN_NORMAL, -1},     {"g", TOKEN_NORMAL, -1e30f}};
    struct vocab v = {.model = "llama", .token = token, .tokens = 8};
    struct tokenizer *t;

    (void)state;
    v.number[0].key = "tokenizer.ggml.unknown_token_id";
    t = vocab_open(&v, NULL);
    for (int i = 2; i < 8; i++)
        if (i == 4)
            assert_int_equal(t->vocabulary.token[4].rank, t->vocabulary.token[3].rank);
        else
            assert_true(t->vocabulary.token[i].rank > t->vocabulary.token[i - 1].rank);
    tokenizer_close(t);
}

static void a_token_has_a_longest_form(void **state)
{
    char *text = malloc(VOCABULARY_TOKEN_BYTES_MAX + 2);
    struct vocab_token token[] = {{"<unk>", TOKEN_UNKNOWN, 0}, {text, TOKEN_NORMAL, 0}};
    struct vocab v = {.model = "llama", .token = token, .tokens = 2};
    struct tokenizer *t;

    (void)state;
    v.number[0].key = "tokenizer.ggml.unknown_token_id";
    memset(text, 'a', VOCABULARY_TOKEN_BYTES_MAX + 1);
    text[VOCABULARY_TOKEN_BYTES_MAX + 1] = '\0';
    vocab_refuses(&v, INFER_EFORMAT, "has 8193 bytes, allowed are 8192");
    text[VOCABULARY_TOKEN_BYTES_MAX] = '\0';
    t = vocab_open(&v, NULL);
    assert_int_equal(t->vocabulary.longest, VOCABULARY_TOKEN_BYTES_MAX);
    tokenizer_close(t);
    free(text);
}

static void a_vocabulary_has_a_token(void **state)
{
    struct vocab v = {.model = "llama", .token = NULL, .tokens = 0};

    (void)state;
    vocab_refuses(&v, INFER_EFORMAT, "has 0 entries");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_byte_alphabet_is_undone),
        cmocka_unit_test(every_plain_token_is_found),
        cmocka_unit_test(a_better_score_is_a_lower_rank),
        cmocka_unit_test(a_token_has_a_longest_form),
        cmocka_unit_test(a_vocabulary_has_a_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
