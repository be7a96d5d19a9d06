/* Where each family cuts, by examples whose cuts are known, and on hostile text. */
#include "infer/pretokenizer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every name that is served. */
static const char *const families[] = {
    "default",     "gpt-2",          "mpt",
    "olmo",        "phi-2",          "exaone4",
    "trillion",    "starcoder",      "refact",
    "command-r",   "smollm",         "codeshell",
    "exaone",      "minerva-7b",     "falcon",
    "llama-bpe",   "llama3",         "llama-v3",
    "falcon3",     "falcon-h1",      "lfm2",
    "dbrx",        "smaug-bpe",      "glm4",
    "chatglm-bpe", "qwen2",          "hunyuan",
    "stablelm2",   "megrez",         "deepseek-r1-qwen",
    "qwen35",      "gpt-4o",         "llama4",
    "tekken",      "deepseek-llm",   "poro-chat",
    "deepseek-v3", "deepseek-coder", "granite-docling"};

enum { FAMILIES = sizeof families / sizeof *families };

static struct pretokenizer *open_family(const char *name)
{
    struct pretokenizer *p = NULL;

    assert_int_equal(
        pretokenizer_open(&p, (struct gguf_string){name, strlen(name)}, NULL), 0);
    return p;
}

/* wanted has | between pieces; no text here has one of its own. */
static void expect(const char *family, const char *text, const char *wanted)
{
    struct pretokenizer *p = open_family(family);
    struct pretokenizer_pieces pieces = {0};
    char got[1024];
    size_t start = 0, bytes = 0;

    assert_int_equal(pretokenizer_split(p, text, strlen(text), &pieces), 0);
    for (size_t i = 0; i < pieces.count; i++) {
        bytes += (size_t)snprintf(got + bytes, sizeof got - bytes, "%s%.*s",
                                  i == 0 ? "" : "|", (int)(pieces.end[i] - start),
                                  text + start);
        start = pieces.end[i];
    }
    if (strcmp(got, wanted) != 0)
        fail_msg("%s cuts \"%s\", wanted \"%s\"", family, got, wanted);
    pretokenizer_pieces_free(&pieces);
    pretokenizer_close(p);
}

static void gpt2_keeps_a_space_with_the_word(void **state)
{
    (void)state;
    expect("gpt-2", "It's  a 12% tax!\n\nShe'LL",
           "It|'s| | a| 12|%| tax|!|\n|\n|She|'|LL");
    expect("gpt-2", "a \n b  ", "a| \n| b|  ");
    expect("gpt-2", "\xc3\xa9t\xc3\xa9 \xe6\x97\xa5",
           "\xc3\xa9t\xc3\xa9| \xe6\x97\xa5");
}

static void digits_stand_alone_where_the_family_says_so(void **state)
{
    (void)state;
    expect("smollm", "in 2024", "in| |2|0|2|4");
    expect("starcoder", "x12", "x|1|2");
    expect("qwen2", "x 12", "x| |1|2");
    expect("tekken", "12", "1|2");
    expect("deepseek-coder", "12", "1|2");
}

static void digits_go_in_threes_where_the_family_says_so(void **state)
{
    (void)state;
    expect("llama-bpe", "12345 a", "123|45| a");
    expect("gpt-4o", "12345", "123|45");
    expect("deepseek-v3", "12345", "123|45");
    expect("falcon", "12345 67", "123|45| 67");
    expect("gpt-2", "12345", "12345");
}

static void llama3_takes_one_sign_and_line_ends_along(void **state)
{
    (void)state;
    expect("llama-bpe", "(hello)\n\n x", "(hello|)\n\n| x");
    expect("llama-bpe", "I'LL", "I|'LL");
    expect("llama-bpe", "a  \n  b", "a|  \n| | b");
}

static void capitals_begin_a_word_in_gpt4o_and_tekken(void **state)
{
    (void)state;
    expect("gpt-4o", "getFileName it's", "get|File|Name| it's");
    expect("tekken", "getFileName it's", "get|File|Name| it|'s");
    expect("gpt-4o", "HTTPServer a/b/\n", "HTTPServer| a|/b|/\n");
}

static void marks_stay_with_letters_in_qwen35(void **state)
{
    (void)state;
    expect("qwen35", "e\xcc\x81t", "e\xcc\x81t");
    expect("qwen2", "e\xcc\x81t", "e|\xcc\x81t");
}

static void deepseek_cuts_lines_scripts_and_signs(void **state)
{
    (void)state;
    expect("deepseek-llm", "Hi, \xe4\xbd\xa0\xe5\xa5\xbd 12\n",
           "Hi|,| |\xe4\xbd\xa0"
           "\xe5\xa5\xbd| |12|\n");
    expect("deepseek-llm", "a  ", "a|  ");
    expect("deepseek-coder", "x == y;\n\n", "x| ==| y|;|\n|\n");
    expect("deepseek-v3",
           "\xe4\xbd\xa0"
           "abc .x",
           "\xe4\xbd\xa0|abc| .|x");
}

static void the_default_cuts_signs_and_digits(void **state)
{
    (void)state;
    expect("", "a(b) 12345", "a|(|b|)| |123|45");
    expect("default", "a(b) 12345", "a|(|b|)| |123|45");
}

static void a_name_that_is_not_known_is_refused(void **state)
{
    struct pretokenizer *p;
    struct infer_error err;

    (void)state;
    assert_int_equal(pretokenizer_open(&p, (struct gguf_string){"gpt-22", 6}, &err),
                     INFER_EUNSUPPORTED);
    assert_null(p);
    assert_non_null(strstr(err.text, "\"gpt-22\""));
    assert_int_equal(pretokenizer_open(&p, (struct gguf_string){"gpt-", 4}, &err),
                     INFER_EUNSUPPORTED);
}

/* Half a megabyte that a pattern could try again at every place. */
static void hostile_text_is_cut_in_linear_time(void **state)
{
    static const char *const unit[] = {
        " ",        "a",         "A",           "1",
        "'",        "\n",        "=",           "\xe6\x97\xa5",
        "\xcc\x81", "a\xcc\x81", "Aa",          " \n",
        "\t ",      "'s",        "\xe3\x80\x80"};
    enum { UNITS = sizeof unit / sizeof *unit, BYTES = 400000 };
    char *text = malloc(BYTES + 8);

    (void)state;
    for (int f = 0; f < FAMILIES; f++) {
        struct pretokenizer *p = open_family(families[f]);
        struct pretokenizer_pieces pieces = {0};

        for (int u = f % 3; u < UNITS; u += 3) {
            size_t each = strlen(unit[u]), bytes = 0;

            while (bytes + each <= BYTES) {
                memcpy(text + bytes, unit[u], each);
                bytes += each;
            }
            text[bytes++] = 'x';
            assert_int_equal(pretokenizer_split(p, text, bytes, &pieces), 0);
            assert_int_equal(pieces.end[pieces.count - 1], bytes);
        }
        pretokenizer_pieces_free(&pieces);
        pretokenizer_close(p);
    }
    free(text);
}

/* Pieces follow one another, none is empty, and none ends inside a character. */
static void pieces_cover_any_text(void **state)
{
    static const char *const part[] = {" ",
                                       "  ",
                                       "a",
                                       "Bc",
                                       "'s",
                                       "12",
                                       "\n",
                                       "\r\n",
                                       "!",
                                       "$",
                                       "\xc2\xa0",
                                       "\xe3\x80\x80",
                                       "\xf0\x9f\x98\x80",
                                       "\xcc\x81",
                                       "\xe2\x82\xac",
                                       "\x01",
                                       "\xe1\x9a\x80",
                                       "\xef\xb8\x8f"};
    uint32_t seed = 12345;

    (void)state;
    for (int f = 0; f < FAMILIES; f++) {
        struct pretokenizer *p = open_family(families[f]);
        struct pretokenizer_pieces pieces = {0};

        for (int round = 0; round < 200; round++) {
            char text[256] = "";
            size_t start = 0;

            for (int i = 0; i < 30; i++) {
                seed = seed * 1664525u + 1013904223u;
                strcat(text, part[(seed >> 16) % (sizeof part / sizeof *part)]);
            }
            assert_int_equal(pretokenizer_split(p, text, strlen(text), &pieces), 0);
            for (size_t i = 0; i < pieces.count; i++) {
                assert_true(pieces.end[i] > start);
                assert_int_not_equal(text[start] & 0xc0, 0x80);
                start = pieces.end[i];
            }
            assert_int_equal(start, strlen(text));
        }
        pretokenizer_pieces_free(&pieces);
        pretokenizer_close(p);
    }
}

static void nothing_is_cut_into_nothing(void **state)
{
    (void)state;
    for (int f = 0; f < FAMILIES; f++) {
        struct pretokenizer *p = open_family(families[f]);
        struct pretokenizer_pieces pieces = {0};

        assert_int_equal(pretokenizer_split(p, "", 0, &pieces), 0);
        assert_int_equal(pieces.count, 0);
        pretokenizer_pieces_free(&pieces);
        pretokenizer_close(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gpt2_keeps_a_space_with_the_word),
        cmocka_unit_test(digits_stand_alone_where_the_family_says_so),
        cmocka_unit_test(digits_go_in_threes_where_the_family_says_so),
        cmocka_unit_test(llama3_takes_one_sign_and_line_ends_along),
        cmocka_unit_test(capitals_begin_a_word_in_gpt4o_and_tekken),
        cmocka_unit_test(marks_stay_with_letters_in_qwen35),
        cmocka_unit_test(deepseek_cuts_lines_scripts_and_signs),
        cmocka_unit_test(the_default_cuts_signs_and_digits),
        cmocka_unit_test(a_name_that_is_not_known_is_refused),
        cmocka_unit_test(hostile_text_is_cut_in_linear_time),
        cmocka_unit_test(pieces_cover_any_text),
        cmocka_unit_test(nothing_is_cut_into_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
