/* Byte-level BPE: merges by rank, families' habits, files that are damaged. */
#include "tests/infer/vocab.h"

#include <stdio.h>

#define G "\xc4\xa0" /* U+0120, the space */

static const struct vocab_token tokens[] = {
    {"<|end|>", TOKEN_CONTROL, 0},
    {"<|user|>", TOKEN_USER_DEFINED, 0},
    {"[PAD7]", TOKEN_USER_DEFINED, 0},
    {"a", TOKEN_NORMAL, 0},
    {"b", TOKEN_NORMAL, 0},
    {"c", TOKEN_NORMAL, 0},
    {G, TOKEN_NORMAL, 0},
    {"\xc3\x83", TOKEN_NORMAL, 0}, /* the byte C3 */
    {"\xc2\xa9", TOKEN_NORMAL, 0}, /* the byte A9 */
    {"<", TOKEN_NORMAL, 0},
    {"|", TOKEN_NORMAL, 0},
    {">", TOKEN_NORMAL, 0},
    {"e", TOKEN_NORMAL, 0},
    {"n", TOKEN_NORMAL, 0},
    {"d", TOKEN_NORMAL, 0},
    {"bc", TOKEN_NORMAL, 0},
    {"ab", TOKEN_NORMAL, 0},
    {"aa", TOKEN_NORMAL, 0},
    {"abc", TOKEN_NORMAL, 0},
    {G "a", TOKEN_NORMAL, 0},
    {"\xc3\x83\xc2\xa9", TOKEN_NORMAL, 0},
    {"aaaa", TOKEN_NORMAL, 0},
    {"aab", TOKEN_NORMAL, 0},
    {"1", TOKEN_NORMAL, 0},
    {"not of the alphabet", TOKEN_NORMAL, 0},
    {"", TOKEN_NORMAL, 0},
};

static const char *const merges[] = {
    "b c", "a b", "a a", G " a", "a bc", "\xc3\x83 \xc2\xa9", "aa aa", "b c", NULL};

static struct vocab vocab(void)
{
    return (struct vocab){.model = "gpt2",
                          .pre = "gpt-2",
                          .token = tokens,
                          .tokens = sizeof tokens / sizeof *tokens,
                          .merge = merges,
                          .number = {{"tokenizer.ggml.bos_token_id", 0},
                                     {"tokenizer.ggml.eos_token_id", 0}}};
}

static void expect(const char *text, unsigned flags, const char *wanted)
{
    struct vocab v = vocab();
    struct tokenizer *t = vocab_open(&v, NULL);

    vocab_expect(t, &v, text, flags, wanted);
    tokenizer_close(t);
}

static void the_best_rank_merges_first(void **state)
{
    (void)state;
    expect("abc", 0, "abc"); /* b c, then a bc; not a b */
    expect("abab", 0, "ab|ab");
    expect("ab", 0, "ab");
}

static void of_equal_ranks_the_leftmost_merges_first(void **state)
{
    (void)state;
    expect("aaa", 0, "aa|a");
    expect("aaaaa", 0, "aaaa|a");
    expect("aaaaaaa", 0, "aaaa|aa|a");
}

static void nothing_merges_across_pieces(void **state)
{
    (void)state;
    expect("a a", 0, "a|" G "a");
    expect("a  a", 0, "a|" G "|" G "a");
}

static void characters_are_their_bytes(void **state)
{
    (void)state;
    expect("\xc3\xa9", 0, "\xc3\x83\xc2\xa9");
}

/* The 68 bytes that do not print, and the rest, one for one. */
static void every_byte_has_its_character(void **state)
{
    static char text[256][3];
    struct vocab_token all[256];
    struct vocab v = vocab();
    static const char *const none[] = {NULL};
    struct tokenizer *t;
    int next = 0x100;

    (void)state;
    for (int i = 0; i < 256; i++) {
        bool prints = (i > 0x20 && i < 0x7f) || (i > 0xa0 && i != 0xad);
        int c = prints ? i : next++;

        text[i][0] = (char)(c < 0x80 ? c : 0xc0 | c >> 6);
        text[i][1] = (char)(c < 0x80 ? 0 : 0x80 | (c & 0x3f));
        all[i] = (struct vocab_token){text[i], TOKEN_NORMAL, 0};
    }
    v.token = all;
    v.tokens = 256;
    v.merge = none;
    t = vocab_open(&v, NULL);
    assert_non_null(t);
    for (int i = 0; i < 256; i++)
        assert_int_equal(t->vocabulary.byte_id[i], i);
    vocab_round_trip(t, "\0\x01 \x7f\xc2\xa0\xc2\xad\xf4\x8f\xbf\xbf\n", 13);
    tokenizer_close(t);
}

static void a_byte_without_a_token_leaves_none(void **state)
{
    (void)state;
    expect("a\x04"
           "a",
           0, "a|a");
}

static void invalid_bytes_read_as_one_replacement_character(void **state)
{
    struct vocab v = vocab();
    struct tokenizer *t = vocab_open(&v, NULL);
    struct infer_tokens ids = {0};

    (void)state;
    assert_int_equal(tokenizer_encode(t,
                                      "a\xff"
                                      "ab\xc3",
                                      5, 0, &ids, NULL),
                     0);
    assert_int_equal(ids.count, 2); /* U+FFFD has no bytes here */
    infer_tokens_free(&ids);
    tokenizer_close(t);
}

static void control_tokens_in_a_text_are_plain(void **state)
{
    (void)state;
    expect("a<|end|>", 0, "a|<|||e|n|d|||>");
    expect("a<|end|>a", INFER_PARSE_SPECIAL, "a|<|end|>|a");
}

static void a_user_defined_token_counts_unless_it_is_markup(void **state)
{
    (void)state;
    expect("a[PAD7]a", 0, "a|[PAD7]|a");
    expect("<|user|>", 0, "<|||e|||>"); /* u, s and r have no token */
    expect("<|user|>", INFER_PARSE_SPECIAL, "<|user|>");
}

static void a_token_outside_the_alphabet_matches_nothing(void **state)
{
    (void)state;
    expect("not", 0, "n");
}

static void a_whole_piece_is_taken_where_the_family_does(void **state)
{
    struct vocab v = vocab();
    struct tokenizer *t;

    (void)state;
    expect("aab", 0, "a|ab"); /* no merge leads to aab */
    v.pre = "llama-bpe";
    t = vocab_open(&v, NULL);
    vocab_expect(t, &v, "aab", 0, "aab");
    vocab_expect(t, &v, "aab", INFER_ADD_SPECIAL, "<|end|>|aab");
    tokenizer_close(t);
}

static void bos_and_eos_stand_where_the_file_says(void **state)
{
    struct vocab v = vocab();
    struct tokenizer *t;

    (void)state;
    expect("a", INFER_ADD_SPECIAL, "a");
    v.flag[0].key = "tokenizer.ggml.add_bos_token";
    v.flag[0].value = true;
    v.flag[1].key = "tokenizer.ggml.add_eos_token";
    v.flag[1].value = true;
    t = vocab_open(&v, NULL);
    vocab_expect(t, &v, "a", INFER_ADD_SPECIAL, "<|end|>|a|<|end|>");
    vocab_expect(t, &v, "a", 0, "a");
    vocab_expect(t, &v, "", INFER_ADD_SPECIAL, "<|end|>|<|end|>");
    tokenizer_close(t);
    v.number[0].value = UINT32_MAX;
    vocab_refuses(&v, INFER_EFORMAT, "add_bos_token");
}

static void a_pretokenizer_that_is_not_known_is_named(void **state)
{
    struct vocab v = vocab();

    (void)state;
    v.pre = "qwen99";
    vocab_refuses(&v, INFER_EUNSUPPORTED, "qwen99");
}

static void damaged_merges_are_refused(void **state)
{
    static const char *const damaged[] = {"a z", "z a", "a c",     "ab",       "",  " ",
                                          " a",  "a ",  "a\xff b", "[PAD7] a", NULL};
    struct vocab v = vocab();

    (void)state;
    for (size_t i = 0; damaged[i] != NULL; i++) {
        const char *const list[] = {"b c", damaged[i], NULL};

        v.merge = list;
        vocab_refuses(&v, INFER_EFORMAT, "entry 1");
    }
    v.merge = NULL;
    vocab_refuses(&v, INFER_EFORMAT, "tokenizer.ggml.merges");
}

/* Merges whose pairs all want to stand in a few neighbouring places of the table. */
static void merges_that_crowd_the_table_are_refused(void **state)
{
    enum { BYTES = 94, PAIRS = 320, PLACES = 1024, NEAR = 40 };
    static char text[BYTES + PAIRS][3], line[PAIRS][4];
    static struct vocab_token all[BYTES + PAIRS];
    static const char *list[PAIRS + 1];
    struct vocab v = vocab();
    size_t pairs = 0;

    (void)state;
    for (int i = 0; i < BYTES; i++) {
        text[i][0] = (char)('!' + i);
        all[i] = (struct vocab_token){text[i], TOKEN_NORMAL, 0};
    }
    for (uint64_t key = 0; key < BYTES * BYTES && pairs < PAIRS; key++) {
        uint64_t left = key / BYTES, right = key % BYTES;

        if (vocabulary_mix(left << 32 | right) % PLACES >= NEAR)
            continue;
        snprintf(line[pairs], sizeof line[pairs], "%c %c", (char)('!' + left),
                 (char)('!' + right));
        text[BYTES + pairs][0] = line[pairs][0];
        text[BYTES + pairs][1] = line[pairs][2];
        all[BYTES + pairs] = (struct vocab_token){text[BYTES + pairs], TOKEN_NORMAL, 0};
        list[pairs] = line[pairs];
        pairs++;
    }
    assert_int_equal(pairs, PAIRS);
    v.token = all;
    v.tokens = BYTES + PAIRS;
    v.merge = list;
    vocab_refuses(&v, INFER_EFORMAT, "cannot be put into a table");
}

/* A million letters take a moment, not an hour, whatever their merges. */
static void a_long_word_takes_linear_time(void **state)
{
    struct vocab v = vocab();
    struct tokenizer *t = vocab_open(&v, NULL);
    struct infer_tokens ids = {0};
    size_t bytes = 1000000;
    char *text = malloc(bytes);

    (void)state;
    memset(text, 'a', bytes);
    assert_int_equal(tokenizer_encode(t, text, bytes, 0, &ids, NULL), 0);
    assert_int_equal(ids.count, bytes / 4);
    free(text);
    infer_tokens_free(&ids);
    tokenizer_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_rank_merges_first),
        cmocka_unit_test(of_equal_ranks_the_leftmost_merges_first),
        cmocka_unit_test(nothing_merges_across_pieces),
        cmocka_unit_test(characters_are_their_bytes),
        cmocka_unit_test(every_byte_has_its_character),
        cmocka_unit_test(a_byte_without_a_token_leaves_none),
        cmocka_unit_test(invalid_bytes_read_as_one_replacement_character),
        cmocka_unit_test(control_tokens_in_a_text_are_plain),
        cmocka_unit_test(a_user_defined_token_counts_unless_it_is_markup),
        cmocka_unit_test(a_token_outside_the_alphabet_matches_nothing),
        cmocka_unit_test(a_whole_piece_is_taken_where_the_family_does),
        cmocka_unit_test(bos_and_eos_stand_where_the_file_says),
        cmocka_unit_test(a_pretokenizer_that_is_not_known_is_named),
        cmocka_unit_test(damaged_merges_are_refused),
        cmocka_unit_test(merges_that_crowd_the_table_are_refused),
        cmocka_unit_test(a_long_word_takes_linear_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
