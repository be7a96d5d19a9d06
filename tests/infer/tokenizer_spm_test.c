/* SentencePiece merged by score: spaces, bytes, user-defined tokens, damaged files. */
#include "tests/infer/vocab.h"

#include <math.h>

#define W "\xe2\x96\x81" /* U+2581, the space */

static const struct vocab_token tokens[] = {
    {"<unk>", TOKEN_UNKNOWN, 0},
    {"<s>", TOKEN_CONTROL, 0},
    {"</s>", TOKEN_CONTROL, 0},
    {"<0x0A>", TOKEN_BYTE, 0},
    {"<0xC3>", TOKEN_BYTE, 0},
    {"<0xa9>", TOKEN_BYTE, 0},
    {W, TOKEN_NORMAL, -9},
    {"a", TOKEN_NORMAL, -9},
    {"b", TOKEN_NORMAL, -9},
    {"<", TOKEN_NORMAL, -9},
    {"s", TOKEN_NORMAL, -9},
    {">", TOKEN_NORMAL, -9},
    {W "a", TOKEN_NORMAL, -1},
    {"ab", TOKEN_NORMAL, -2},
    {"aa", TOKEN_NORMAL, -2},
    {"ba", TOKEN_NORMAL, -3},
    {"s>", TOKEN_NORMAL, -1},
    {"\n\n", TOKEN_USER_DEFINED, 0},
    {"<table>", TOKEN_USER_DEFINED, 0},
    {W W, TOKEN_NORMAL, -4},
};

static struct vocab vocab(void)
{
    return (struct vocab){.model = "llama",
                          .token = tokens,
                          .tokens = sizeof tokens / sizeof *tokens,
                          .number = {{"tokenizer.ggml.bos_token_id", 1},
                                     {"tokenizer.ggml.eos_token_id", 2},
                                     {"tokenizer.ggml.unknown_token_id", 0},
                                     {"tokenizer.ggml.padding_token_id", UINT32_MAX}}};
}

static void expect(const char *text, unsigned flags, const char *wanted)
{
    struct vocab v = vocab();
    struct tokenizer *t = vocab_open(&v, NULL);

    vocab_expect(t, &v, text, flags, wanted);
    tokenizer_close(t);
}

static void a_text_gets_a_space_before_it(void **state)
{
    struct vocab v = vocab();
    struct tokenizer *t;

    (void)state;
    expect("a", 0, W "a");
    expect(" a", 0, W "|" W "a");
    expect("", 0, "");
    v.flag[0].key = "tokenizer.ggml.add_space_prefix";
    t = vocab_open(&v, NULL);
    vocab_expect(t, &v, "a", 0, "a");
    tokenizer_close(t);
}

static void the_best_score_merges_first(void **state)
{
    (void)state;
    expect("bab", 0, W "|b|ab");
    expect("baa", 0, W "|b|aa");
    expect("bba", 0, W "|b|ba");
}

static void of_equal_scores_the_leftmost_merges_first(void **state)
{
    (void)state;
    expect("baab", 0, W "|b|aa|b");
}

static void what_is_no_token_is_its_bytes_or_unknown(void **state)
{
    (void)state;
    expect("\xc3\xa9", 0, W "|<0xC3>|<0xa9>");
    expect("\n", 0, W "|<0x0A>");
    expect("xyz", 0, W "|<unk>");
    expect("xay", 0, W "|<unk>|a|<unk>");
}

static void text_never_merges_to_a_control_token(void **state)
{
    (void)state;
    expect("b<s>", 0, W "|b|<|s>");
    expect("b<s>a", INFER_PARSE_SPECIAL, W "|b|<s>|" W "a");
    expect("<0x0A>", 0, W "|<|<unk>|>"); /* a byte's name is no byte */
}

static void user_defined_tokens_match_before_merging(void **state)
{
    (void)state;
    expect("a\n\nb", 0, W "a|\n\n|" W "|b");
    expect("a<table>a", 0, W "a|<table>|" W "a");
}

static void bos_is_added_unless_the_file_says_otherwise(void **state)
{
    struct vocab v = vocab();
    struct tokenizer *t;

    (void)state;
    expect("a", INFER_ADD_SPECIAL, "<s>|" W "a");
    v.flag[0].key = "tokenizer.ggml.add_bos_token";
    t = vocab_open(&v, NULL);
    vocab_expect(t, &v, "a", INFER_ADD_SPECIAL, W "a");
    tokenizer_close(t);
}

/* "a b" in words and, with a token that goes on at a space, as a whole. */
static void words_merge_alone_only_where_nothing_crosses_them(void **state)
{
    struct vocab_token more[sizeof tokens / sizeof *tokens + 2];
    struct vocab v = vocab();
    struct tokenizer *t = vocab_open(&v, NULL);

    (void)state;
    assert_true(t->vocabulary.splits_at_spaces);
    vocab_expect(t, &v, "a   a", 0, W "a|" W W "|" W "a");
    tokenizer_close(t);
    memcpy(more, tokens, sizeof tokens);
    more[v.tokens] = (struct vocab_token){"b" W, TOKEN_NORMAL, 0};
    v.token = more;
    v.tokens++;
    t = vocab_open(&v, NULL);
    assert_false(t->vocabulary.splits_at_spaces);
    vocab_expect(t, &v, "b b a", 0, W "|b" W "|b" W "|a");
    tokenizer_close(t);
}

static void phi3_drops_white_space_after_a_special_token(void **state)
{
    struct vocab v = vocab();
    struct tokenizer *t;

    (void)state;
    expect("</s>\n a", INFER_PARSE_SPECIAL, "</s>|" W "|<0x0A>|" W "a");
    v.name = "My Phi-3 mini";
    t = vocab_open(&v, NULL);
    vocab_expect(t, &v, "</s>\n a", INFER_PARSE_SPECIAL, "</s>|" W "a");
    vocab_expect(t, &v, "<s> a", INFER_PARSE_SPECIAL, "<s>|" W "|" W "a");
    tokenizer_close(t);
}

static void damage(size_t at, struct vocab_token with, const char *says)
{
    struct vocab_token changed[sizeof tokens / sizeof *tokens];
    struct vocab v = vocab();

    memcpy(changed, tokens, sizeof tokens);
    changed[at] = with;
    v.token = changed;
    vocab_refuses(&v, INFER_EFORMAT, says);
}

static void damaged_vocabularies_are_refused(void **state)
{
    struct vocab v = vocab();

    (void)state;
    damage(7, (struct vocab_token){"b", TOKEN_NORMAL, 0}, "are the same");
    damage(7, (struct vocab_token){"a", TOKEN_NORMAL, NAN}, "finite");
    damage(7, (struct vocab_token){"a", TOKEN_NORMAL, -INFINITY}, "finite");
    damage(7, (struct vocab_token){"a", 7, 0}, "token_type of token 7 is 7");
    damage(7, (struct vocab_token){"a", -1, 0}, "token_type of token 7 is -1");
    damage(4, (struct vocab_token){"<0xG3>", TOKEN_BYTE, 0}, "is a byte");
    damage(4, (struct vocab_token){"<0x0a>", TOKEN_BYTE, 0}, "both the byte 10");
    v.types = 3;
    vocab_refuses(&v, INFER_EFORMAT, "token_type has 3 entries");
    v = vocab();
    v.scores = 3;
    vocab_refuses(&v, INFER_EFORMAT, "scores has 3 entries");
    v = vocab();
    v.number[0].value = 20;
    vocab_refuses(&v, INFER_EFORMAT, "bos_token_id is 20");
    v = vocab();
    v.number[2].value = UINT32_MAX;
    vocab_refuses(&v, INFER_EFORMAT, "nor one for what is unknown");
}

static void an_empty_token_matches_nothing(void **state)
{
    struct vocab_token changed[sizeof tokens / sizeof *tokens];
    struct vocab v = vocab();
    struct tokenizer *t;

    (void)state;
    memcpy(changed, tokens, sizeof tokens);
    changed[13].text = changed[17].text = changed[2].text = "";
    v.token = changed;
    t = vocab_open(&v, NULL);
    vocab_expect(t, &v, "ab\n\n", INFER_PARSE_SPECIAL, W "a|b|<0x0A>|<0x0A>");
    tokenizer_close(t);
}

/* A long text, whose words are remembered, has the ids of its words one by one; also
 * where a run of unknown ones crosses them. */
static void words_that_come_again_get_the_same_ids(void **state)
{
    static const char *const word[] = {
        " a", " ab", " baab", " x", "\n", " \xc3\xa9\x61", " aaaaaaaaaaaaaaaaa"};
    struct vocab v = vocab();
    struct tokenizer *t;
    struct infer_tokens ids = {0}, once = {0};
    char text[20000] = "";
    size_t bytes = 0, at = 0;
    uint32_t seed = 1;

    (void)state;
    v.flag[0].key = "tokenizer.ggml.add_space_prefix";
    t = vocab_open(&v, NULL);
    while (bytes + 32 < sizeof text) {
        const char *next = word[seed % (sizeof word / sizeof *word)];

        seed = (seed * 1103515245u + 12345u) & 0x7fffffff;
        strcpy(text + bytes, next);
        bytes += strlen(next);
    }
    assert_int_equal(tokenizer_encode(t, text, bytes, 0, &ids, NULL), 0);
    for (size_t start = 0, end; start < bytes; start = end) {
        for (end = start + 1; end < bytes && text[end] != ' '; end++)
            ;
        assert_int_equal(tokenizer_encode(t, text + start, end - start, 0, &once, NULL),
                         0);
        for (size_t i = 0; i < once.count; i++)
            if (once.id[i] != 0 || at == 0 || ids.id[at - 1] != 0)
                assert_int_equal(ids.id[at++], once.id[i]);
    }
    assert_int_equal(at, ids.count);
    infer_tokens_free(&once);
    infer_tokens_free(&ids);
    tokenizer_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_gets_a_space_before_it),
        cmocka_unit_test(the_best_score_merges_first),
        cmocka_unit_test(of_equal_scores_the_leftmost_merges_first),
        cmocka_unit_test(what_is_no_token_is_its_bytes_or_unknown),
        cmocka_unit_test(text_never_merges_to_a_control_token),
        cmocka_unit_test(user_defined_tokens_match_before_merging),
        cmocka_unit_test(bos_is_added_unless_the_file_says_otherwise),
        cmocka_unit_test(words_merge_alone_only_where_nothing_crosses_them),
        cmocka_unit_test(phi3_drops_white_space_after_a_special_token),
        cmocka_unit_test(damaged_vocabularies_are_refused),
        cmocka_unit_test(an_empty_token_matches_nothing),
        cmocka_unit_test(words_that_come_again_get_the_same_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
