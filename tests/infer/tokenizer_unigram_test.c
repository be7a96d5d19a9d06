/* SentencePiece's unigram model: the likeliest cut, normalising, unknown text. */
#include "tests/infer/vocab.h"

#define W "\xe2\x96\x81" /* U+2581, the space */

static const struct vocab_token tokens[] = {
    {"<unk>", TOKEN_UNKNOWN, 0},
    {"</s>", TOKEN_CONTROL, 0},
    {W, TOKEN_NORMAL, -3},
    {"a", TOKEN_NORMAL, -4},
    {"b", TOKEN_NORMAL, -4},
    {"c", TOKEN_NORMAL, -4},
    {"ab", TOKEN_NORMAL, -5},
    {"bc", TOKEN_NORMAL, -4.5f},
    {"abc", TOKEN_NORMAL, -9.5f},
    {W "a", TOKEN_NORMAL, -5},
    {"<extra>", TOKEN_USER_DEFINED, 0},
    {"cab", TOKEN_UNUSED, 0},
};

static struct vocab vocab(void)
{
    return (struct vocab){.model = "t5",
                          .token = tokens,
                          .tokens = sizeof tokens / sizeof *tokens,
                          .number = {{"tokenizer.ggml.eos_token_id", 1},
                                     {"tokenizer.ggml.unknown_token_id", 0}}};
}

static void expect(const struct vocab *v, const char *text, unsigned flags,
                   const char *wanted)
{
    struct tokenizer *t = vocab_open(v, NULL);

    vocab_expect(t, v, text, flags, wanted);
    tokenizer_close(t);
}

static void the_highest_sum_of_scores_wins(void **state)
{
    struct vocab v = vocab();

    (void)state;
    expect(&v, "abc", 0, W "a|bc");     /* -9.5; the word as a whole -12.5 */
    expect(&v, "cabc", 0, W "|c|a|bc"); /* -15.5; ab|c is -16, cab is unused */
    expect(&v, "bab", 0, W "|b|ab");
}

static void a_text_ends_with_the_end_token(void **state)
{
    struct vocab v = vocab();

    (void)state;
    expect(&v, "a", INFER_ADD_SPECIAL, W "a|</s>");
    expect(&v, "", INFER_ADD_SPECIAL, "</s>");
    expect(&v, "b</s>", INFER_PARSE_SPECIAL, W "|b|</s>");
    v.flag[0].key = "tokenizer.ggml.add_eos_token";
    expect(&v, "a", INFER_ADD_SPECIAL, W "a");
}

static void a_run_of_unknown_characters_is_one_token(void **state)
{
    struct vocab v = vocab();

    (void)state;
    expect(&v, "b\xc3\xa9zb", 0, W "|b|<unk>|b");
    expect(&v, "</s>", 0, W "|<unk>"); /* text never is a control token */
}

static void unknown_characters_are_bytes_where_there_are_some(void **state)
{
    struct vocab_token more[sizeof tokens / sizeof *tokens + 2];
    struct vocab v = vocab();

    (void)state;
    memcpy(more, tokens, sizeof tokens);
    more[v.tokens++] = (struct vocab_token){"<0xC3>", TOKEN_BYTE, 0};
    more[v.tokens++] = (struct vocab_token){"<0xA9>", TOKEN_BYTE, 0};
    v.token = more;
    expect(&v, "b\xc3\xa9", 0, W "|b|<0xC3>|<0xA9>");
    expect(&v, "b\xc3\xaa", 0, W "|b|<unk>");
}

static void user_defined_tokens_are_cut_out_first(void **state)
{
    struct vocab v = vocab();

    (void)state;
    expect(&v, "a<extra>bc", 0, W "a|<extra>|" W "|bc");
}

static void spaces_merge_where_the_file_says_so(void **state)
{
    struct vocab v = vocab();

    (void)state;
    expect(&v, " a  a ", 0, W "|" W "a|" W "|" W "a|" W);
    v.flag[0].key = "tokenizer.ggml.remove_extra_whitespaces";
    v.flag[0].value = true;
    expect(&v, " a  a ", 0, W "a|" W "a");
    expect(&v, "   ", 0, "");
    v.flag[1].key = "tokenizer.ggml.add_space_prefix";
    expect(&v, " b a ", 0, "b|" W "a");
}

static void put(char *map, size_t unit, uint32_t value)
{
    memcpy(map + 4 + 4 * unit, &value, sizeof value);
}

/* A table that turns "A" into "a" and "BB" into "bc" and drops "X". */
static size_t make_charsmap(char *map)
{
    static const char texts[] = "a\0bc\0";
    const uint32_t leaf = 1 << 8, units = 1024;
    const uint32_t bytes = 4 * units;

    memset(map, 0xff, 4 + bytes);
    memcpy(map, &bytes, sizeof bytes);
    put(map, 0, 256 << 10);                       /* children at 256 ^ byte */
    put(map, 256 ^ 'A', 'A' | leaf | 1 << 10);    /* its value is 1 further */
    put(map, 256 ^ 'A' ^ 1, 0);                   /* "a" */
    put(map, 256 ^ 'B', 'B' | (512 ^ 256) << 10); /* children at 512 ^ 'B' ^ byte */
    put(map, 512 ^ 'B' ^ 'B', 'B' | leaf | 2 << 10);
    put(map, 512 ^ 2, 2); /* "bc" */
    put(map, 256 ^ 'X', 'X' | leaf | 4 << 10);
    put(map, 256 ^ 'X' ^ 4, 5); /* "" */
    memcpy(map + 4 + bytes, texts, sizeof texts);
    return 4 + bytes + sizeof texts;
}

static void the_files_table_normalises(void **state)
{
    char map[4 + 4096 + 8];
    struct vocab v = vocab();

    (void)state;
    v.charsmap = map;
    v.charsmap_bytes = make_charsmap(map);
    expect(&v, "bAXBBb", 0, W "|b|a|bc|b");
    expect(&v, "BcXX", 0, W "|<unk>|c");
    expect(&v, "XX", 0, "");
}

static void damaged_files_are_refused(void **state)
{
    char map[4 + 4096 + 8];
    struct vocab v = vocab();
    uint32_t bytes = 1 << 30;

    (void)state;
    v.number[1].value = UINT32_MAX;
    vocab_refuses(&v, INFER_EFORMAT, "what is unknown");
    v = vocab();
    v.charsmap = map;
    v.charsmap_bytes = make_charsmap(map) - 1;
    map[v.charsmap_bytes - 1] = 'x';
    vocab_refuses(&v, INFER_EFORMAT, "precompiled_charsmap");
    v.charsmap_bytes = make_charsmap(map);
    memcpy(map, &bytes, sizeof bytes);
    vocab_refuses(&v, INFER_EFORMAT, "precompiled_charsmap");
    v.charsmap_bytes = 3;
    vocab_refuses(&v, INFER_EFORMAT, "precompiled_charsmap");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_highest_sum_of_scores_wins),
        cmocka_unit_test(a_text_ends_with_the_end_token),
        cmocka_unit_test(a_run_of_unknown_characters_is_one_token),
        cmocka_unit_test(unknown_characters_are_bytes_where_there_are_some),
        cmocka_unit_test(user_defined_tokens_are_cut_out_first),
        cmocka_unit_test(spaces_merge_where_the_file_says_so),
        cmocka_unit_test(the_files_table_normalises),
        cmocka_unit_test(damaged_files_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
