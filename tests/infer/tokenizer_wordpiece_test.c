/* Word pieces, step by step on a small vocabulary, then against the reference. */
#include "infer/tokenizer.h"
#include "tests/infer/tiny.h"

#include <jansson.h>

#define ENCODER    "../shared/corpus/encoder/"
#define VOCABULARY "../shared/corpus/tokenizer/vocab/ggml-vocab-bert-bge.gguf"

static struct tokenizer *tiny_tokenizer(void)
{
    struct tiny tiny = tiny_default();
    struct tokenizer *tokenizer;
    struct gguf *file;
    size_t count;
    char *bytes = tiny_bytes(&tiny, &count);

    assert_int_equal(gguf_open_memory(&file, bytes, count, NULL), 0);
    assert_int_equal(tokenizer_open(&tokenizer, file, NULL), 0);
    gguf_close(file);
    free(bytes);
    return tokenizer;
}

/* The pieces of a text as a reader would write them: "un ##aff ##able". */
static void spell(const struct infer_tokens *ids, char *out, size_t room)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < ids->count && at < room; i++) {
        const char *name = tiny_tokens[ids->id[i]];
        bool initial = strncmp(name, TINY_WORD, 3) == 0, special = ids->id[i] < 5;

        at +=
            (size_t)snprintf(out + at, room - at, "%s%s%s", i > 0 ? " " : "",
                             initial || special ? "" : "##", name + (initial ? 3 : 0));
    }
}

static void expect_bytes(const char *text, size_t bytes, const char *pieces)
{
    struct tokenizer *tokenizer = tiny_tokenizer();
    struct infer_tokens ids = {0};
    char found[1024];

    assert_int_equal(tokenizer_encode(tokenizer, text, bytes, 0, &ids, NULL), 0);
    spell(&ids, found, sizeof found);
    assert_string_equal(found, pieces);
    infer_tokens_free(&ids);
    tokenizer_close(tokenizer);
}

static void expect(const char *text, const char *pieces)
{
    expect_bytes(text, strlen(text), pieces);
}

static void the_longest_piece_comes_first(void **state)
{
    (void)state;
    expect("unaffable", "un ##aff ##able");
    expect("abc", "a ##b ##c");
    expect("hello world", "hello world");
    expect("", "");
}

static void a_word_with_one_unknown_part_is_unknown_as_a_whole(void **state)
{
    (void)state;
    expect("unaffx hello", "[UNK] hello");
    expect("x", "[UNK]");
    expect("helloworld", "[UNK]");
}

static void case_and_accents_are_dropped(void **state)
{
    (void)state;
    expect("HELLO W\xc3\x96RLD", "hello world");
    expect("he\xcc\x81llo", "hello");                     /* a mark of its own */
    expect("\xc3\x9f \xe1\xba\x9e", "\xc3\x9f \xc3\x9f"); /* sharp s, small and large */
    expect("\xe2\x84\xab", "a");                          /* Angstrom sign */
}

static void white_space_of_every_kind_parts_words(void **state)
{
    (void)state;
    expect("a b\tc\nhello\rworld", "a b c hello world");
    expect("a\xc2\xa0"
           "b\xe3\x80\x80"
           "c\xe2\x80\xa8hello",
           "a b c hello");
    expect("  a  ", "a");
}

static void controls_vanish_and_join_their_neighbours(void **state)
{
    (void)state;
    expect("a\x0b"
           "b\x0c"
           "c",
           "a ##b ##c");
    expect("a\xc2\xad"
           "b\xe2\x80\x8b"
           "c\xef\xbb\xbf",
           "a ##b ##c");
    expect("a\x7f"
           "b\xc2\x85"
           "c",
           "a ##b ##c");
    expect_bytes("a\0b", 3, "a ##b");
    expect("a\xee\x80\x80"
           "b\xef\xbf\xbd"
           "c",
           "a ##b ##c"); /* private use, U+FFFD */
}

static void bytes_that_are_no_utf8_vanish_too(void **state)
{
    (void)state;
    expect("a\xff"
           "b\xc3",
           "a ##b");
    expect("a\xed\xa0\x80"
           "b",
           "a ##b"); /* a surrogate */
    expect("a\xc0\x80"
           "b",
           "a ##b"); /* an overlong NUL */
    expect("a\xf4\x90\x80\x80"
           "b",
           "a ##b");
    expect("a\xe6\x97!", "a !"); /* an ideograph cut short */
}

static void punctuation_is_a_word_of_its_own(void **state)
{
    (void)state;
    expect("hello,world!", "hello , world !");
    expect("[hello]", "[ hello ]");
    expect("a\xe2\x80\x94"
           "b",
           "a \xe2\x80\x94 b");
    expect("a\xcd\xbe"
           "b",
           "a ; b"); /* the Greek question mark decomposes to ";" */
    expect("$+<=>^`|~", "[UNK] [UNK] [UNK] [UNK] [UNK] [UNK] [UNK] [UNK] [UNK]");
}

static void other_symbols_are_letters(void **state)
{
    (void)state;
    expect("\xe2\x82\xac"
           "1",
           "\xe2\x82\xac ##1");
    expect("1\xe2\x82\xac", "[UNK]");
}

static void an_ideograph_stands_alone_and_hangul_falls_apart(void **state)
{
    (void)state;
    expect("a\xe6\x97\xa5\xe6\x97\xa5"
           "b",
           "a \xe6\x97\xa5 \xe6\x97\xa5 b");
    expect("\xed\x95\x9c", "\xe1\x84\x92 ##\xe1\x85\xa1 ##\xe1\x86\xab");
}

static void categories_are_those_of_unicode_8(void **state)
{
    (void)state;
    expect("a\xe1\x9c\xb4"
           "b",
           "a ##b"); /* U+1734 was a mark then */
    expect("a\xe1\xa2\x85"
           "b",
           "[UNK]"); /* U+1885 was a letter */
    expect("a\xe1\x99\xad"
           "b",
           "a [UNK] b"); /* U+166D was punctuation */
    expect("a\xe2\xb9\x85"
           "b",
           "[UNK]"); /* U+2E45 came with Unicode 10 */
    expect("a\xe0\xa3\xa2"
           "b",
           "[UNK]"); /* U+08E2 came with Unicode 9 */
}

#define M302E  "\xe3\x80\xae"     /* class 224 */
#define M1D165 "\xf0\x9d\x85\xa5" /* class 216 */
#define M1D166 "\xf0\x9d\x85\xa6" /* class 216 */
#define M0901  "\xe0\xa4\x81"     /* vanishes, class 0 */
#define M0301  "\xcc\x81"         /* vanishes, class 230 */

/* Marks with width are put in order of their class, equal ones as they stand; only
 * pieces in that order are in the vocabulary. */
static void marks_stand_in_canonical_order(void **state)
{
    (void)state;
    expect("a" M302E M1D165, "a ##" M1D165 M302E);
    expect("a" M302E M0301 M1D165, "a ##" M1D165 M302E);
    expect("a" M302E M0901 M1D165, "[UNK]"); /* class 0 parts them */
    expect("a" M1D166 M1D165, "a ##" M1D166 M1D165);
    expect("a" M1D165 M1D166, "[UNK]");
    expect("a" M302E "b", "a ##" M302E "b");
    expect("a" M302E "\xc3\x9f", "a ##" M302E "\xc3\x9f");
    expect("a" M302E "!", "[UNK] !");
}

/* 99, 100 and 101 letters, then as many marks with width, which have an order. */
static void a_word_has_at_most_100_characters(void **state)
{
    char text[400] = "", pieces[1024] = "a";

    (void)state;
    memset(text, 'a', 101);
    for (int i = 1; i < 100; i++) {
        if (i == 99) {
            text[99] = '\0';
            expect(text, pieces);
            text[99] = 'a';
        }
        strcat(pieces, " ##a");
    }
    text[100] = '\0';
    expect(text, pieces);
    text[100] = 'a';
    expect(text, "[UNK]");
    for (size_t i = 0; i < 101; i++)
        memcpy(text + 3 * i, "\xe3\x80\xae", 3);
    text[303] = '\0';
    expect(text, "[UNK]");
}

/* ---- against the reference --------------------------------------- */

static struct tokenizer *corpus_tokenizer(void)
{
    struct tokenizer *tokenizer = NULL;
    struct gguf *file;

    if (gguf_open(&file, VOCABULARY, NULL) != 0) {
        fprintf(stderr, "%s is absent\n", VOCABULARY);
        skip();
    }
    assert_int_equal(tokenizer_open(&tokenizer, file, NULL), 0);
    gguf_close(file);
    return tokenizer;
}

/* The ids of a text, cut to 512, are those of a JSON array; returns the uncut count. */
static size_t expect_ids(const struct tokenizer *tokenizer, const json_t *text,
                         unsigned flags, const json_t *wanted)
{
    struct infer_model model = {.tokenizer = (struct tokenizer *)(uintptr_t)tokenizer};
    struct infer_tokens ids = {0};
    size_t count;

    assert_int_equal(infer_tokenize(&model, json_string_value(text),
                                    json_string_length(text), flags, &ids, NULL),
                     0);
    count = ids.count;
    infer_tokens_cut(&model, &ids, 512);
    assert_int_equal(ids.count, json_array_size(wanted));
    for (size_t i = 0; i < ids.count; i++)
        assert_int_equal(ids.id[i], json_integer_value(json_array_get(wanted, i)));
    infer_tokens_free(&ids);
    return count;
}

static void the_reference_texts_give_the_reference_ids(void **state)
{
    struct tokenizer *tokenizer = corpus_tokenizer();
    FILE *texts = fopen(ENCODER "texts.jsonl", "r"),
         *ids = fopen(ENCODER "ids.jsonl", "r");
    size_t lines = 0, with_special = 0, count;
    json_t *text, *wanted;

    (void)state;
    if (texts == NULL || ids == NULL) {
        fprintf(stderr, "%s is absent\n", ENCODER);
        skip();
    }
    while ((text = json_loadf(texts, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, NULL))) {
        const json_t *plain, *special;

        wanted = json_loadf(ids, JSON_DISABLE_EOF_CHECK, NULL);
        plain = json_object_get(wanted, "ids");
        special = json_object_get(wanted, "ids_if_special");
        count = expect_ids(tokenizer, json_object_get(text, "text"), INFER_ADD_SPECIAL,
                           plain);
        assert_int_equal(
            count, json_integer_value(json_object_get(wanted, "tokens_untruncated")));
        expect_ids(tokenizer, json_object_get(text, "text"),
                   INFER_ADD_SPECIAL | INFER_PARSE_SPECIAL,
                   special != NULL ? special : plain);
        with_special += special != NULL;
        lines++;
        json_decref(wanted);
        json_decref(text);
    }
    assert_int_equal(lines, 100);
    assert_int_equal(with_special, 1);
    fclose(texts);
    fclose(ids);
    tokenizer_close(tokenizer);
}

static char *read_file(const char *path)
{
    char *text = NULL;
    size_t room = 0;
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    assert_true(getdelim(&text, &room, '\0', file) > 0);
    fclose(file);
    return text;
}

/* Texts of the .inp file are parted by a line of their own; line i of the .out file
 * holds the ids of text i, without special tokens. They come from an engine that
 * differs from the reference in long words, Hangul, marks with width and three
 * control characters; these texts hold none of that, so both agree on all. */
static void the_vocabulary_pairs_give_their_ids(void **state)
{
    static const char divider[] = "\n__ggml_vocab_test__\n";
    struct tokenizer *tokenizer = corpus_tokenizer();
    char *texts = read_file(VOCABULARY ".inp"), *outs = read_file(VOCABULARY ".out");
    char *out = outs, *end;
    struct infer_tokens ids = {0};
    size_t cases = 0;

    (void)state;
    for (char *text = texts; (end = strstr(text, divider)) != NULL;
         text = end + strlen(divider)) {
        assert_int_equal(
            tokenizer_encode(tokenizer, text, (size_t)(end - text), 0, &ids, NULL), 0);
        for (size_t i = 0; i < ids.count; i++)
            assert_int_equal(strtol(out, &out, 10), ids.id[i]);
        assert_int_equal(*out, '\n');
        out++;
        cases++;
    }
    assert_int_equal(cases, 46);
    infer_tokens_free(&ids);
    tokenizer_close(tokenizer);
    free(texts);
    free(outs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_piece_comes_first),
        cmocka_unit_test(a_word_with_one_unknown_part_is_unknown_as_a_whole),
        cmocka_unit_test(case_and_accents_are_dropped),
        cmocka_unit_test(white_space_of_every_kind_parts_words),
        cmocka_unit_test(controls_vanish_and_join_their_neighbours),
        cmocka_unit_test(bytes_that_are_no_utf8_vanish_too),
        cmocka_unit_test(punctuation_is_a_word_of_its_own),
        cmocka_unit_test(other_symbols_are_letters),
        cmocka_unit_test(an_ideograph_stands_alone_and_hangul_falls_apart),
        cmocka_unit_test(categories_are_those_of_unicode_8),
        cmocka_unit_test(marks_stand_in_canonical_order),
        cmocka_unit_test(a_word_has_at_most_100_characters),
        cmocka_unit_test(the_reference_texts_give_the_reference_ids),
        cmocka_unit_test(the_vocabulary_pairs_give_their_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
