/* Where detectors find something, how they give up, how findings are masked. */
#include "tests/policies/sample.h"

#include <time.h>

enum { PATTERNS_MAX = 4 };

struct bench { /* a detector made by hand */
    struct policy_pattern pattern[PATTERNS_MAX], exclude;
    const struct policy_pattern *list[PATTERNS_MAX], *excludes[1];
    struct policy_detector detector;
    struct policy_error err;
};

static void bench_add(struct bench *bench, const char *source)
{
    size_t i = bench->detector.pattern_count++, total = 0;

    bench->pattern[i] = (struct policy_pattern){.source = source};
    bench->list[i] = &bench->pattern[i];
    bench->detector.name = "bench";
    bench->detector.pattern = bench->list;
    assert_int_equal(policy_pattern_compile(&bench->pattern[i], 1, &total, NULL), 0);
}

static void bench_exclude(struct bench *bench, const char *source)
{
    size_t total = 0;

    bench->exclude = (struct policy_pattern){.source = source};
    bench->excludes[0] = &bench->exclude;
    bench->detector.exclude = bench->excludes;
    bench->detector.exclude_count = 1;
    assert_int_equal(policy_pattern_compile(&bench->exclude, 1, &total, NULL), 0);
}

static void bench_close(struct bench *bench)
{
    for (size_t i = 0; i < bench->detector.pattern_count; i++)
        pcre2_code_free(bench->pattern[i].code);
    pcre2_code_free(bench->exclude.code);
}

/* All findings, joined by "|"; the text's last byte is the last of its block. */
static const char *findings(struct bench *bench, const char *text)
{
    static char all[1024];
    size_t bytes = strlen(text), from = 0;
    char *copy = malloc(bytes + !bytes);
    struct policy_match match;
    int found;

    assert_non_null(copy);
    memcpy(copy, text, bytes);
    all[0] = '\0';
    while ((found = policy_detect(&bench->detector, copy, bytes, from, &match,
                                  &bench->err)) == 1) {
        assert_true(match.start >= from && match.end > match.start &&
                    match.end <= bytes);
        sprintf(all + strlen(all), "%s%.*s", *all ? "|" : "",
                (int)(match.end - match.start), copy + match.start);
        from = match.end;
    }
    assert_int_equal(found, 0);
    free(copy);
    return all;
}

static void findings_come_in_order_of_the_text(void **state)
{
    struct bench bench = {.detector = {0}};

    (void)state;
    bench_add(&bench, "\\bc\\w+");
    bench_add(&bench, "\\ba\\w+");
    bench_add(&bench, "\\bab");
    assert_string_equal(findings(&bench, "abc cab x abd"), "abc|cab|abd");
    assert_string_equal(findings(&bench, ""), "");
    bench_close(&bench);
}

static void longest_of_one_place_is_taken(void **state)
{
    struct bench bench = {.detector = {0}};

    (void)state;
    bench_add(&bench, "one");
    bench_add(&bench, "one two three");
    bench_add(&bench, "one two");
    assert_string_equal(findings(&bench, "x one two three one two"),
                        "one two three|one two");
    bench_close(&bench);
}

static void ranges_are_bytes_of_utf8(void **state)
{
    struct bench bench = {.detector = {0}};
    const char *text = "\xC3\xA9\xE2\x82\xAC caf\xC3\x89!";
    struct policy_match match;

    (void)state;
    bench_add(&bench, "caf\xC3\xA9\\b");
    assert_int_equal(
        policy_detect(&bench.detector, text, strlen(text), 1, &match, NULL), 1);
    assert_int_equal(match.start, 6);
    assert_int_equal(match.end, 11);
    assert_int_equal(
        policy_detect(&bench.detector, text, strlen(text), 500, &match, NULL), 0);
    bench_close(&bench);
}

static void lines_have_their_own_ends(void **state)
{
    struct bench bench = {.detector = {0}};

    (void)state;
    bench_add(&bench, "^privileged$");
    assert_string_equal(findings(&bench, "a\nPrivileged\nprivileged b\nprivileged"),
                        "Privileged|privileged");
    bench_close(&bench);
}

static void excluded_match_is_none(void **state)
{
    struct bench bench = {.detector = {0}};

    (void)state;
    bench_add(&bench, "\\b\\d{3}-\\d{2}-\\d{4}\\b");
    bench_exclude(&bench, "^(?:000|666)|-0000$");
    assert_string_equal(
        findings(&bench, "000-12-3456 123-45-6789 123-45-0000 666-11-1111 667-11-1111"),
        "123-45-6789|667-11-1111");
    bench_close(&bench);
}

static void luhn_is_that_of_the_standard(void **state)
{
    struct bench bench = {.detector = {.luhn = true}};

    (void)state;
    bench_add(&bench, "\\b\\d(?:[ -]?\\d){1,18}\\b");
    assert_string_equal(findings(&bench, "4111 1111 1111 1111, 4111 1111 1111 1112"),
                        "4111 1111 1111 1111");
    assert_string_equal(findings(&bench, "79927398713; 79927398710; 18; 19; 00"),
                        "79927398713|18|00");
    bench_close(&bench);
}

static void luhn_needs_two_digits(void **state)
{
    struct bench bench = {.detector = {.luhn = true}};

    (void)state;
    bench_add(&bench, "\\bn\\d*");
    assert_string_equal(findings(&bench, "n n0 n00"), "n00");
    bench_close(&bench);
}

static void meaning_detector_finds_nothing_here(void **state)
{
    struct policy_detector detector = {.kind = POLICY_DETECTOR_MEANING};
    struct policy_match match;

    (void)state;
    assert_int_equal(policy_detect(&detector, "text", 4, 0, &match, NULL), 0);
}

/* ---- windows ---- */

/* "needle" after at bytes of filling, in a text longer than any window. */
static void needle_at(struct bench *bench, size_t at, const char *unit)
{
    size_t bytes = 12000, step = strlen(unit);
    char *text = malloc(bytes);
    struct policy_match match;

    assert_non_null(text);
    for (size_t i = 0; i < bytes; i++)
        text[i] = unit[i % step];
    memcpy(text + at, "needle", 6);
    assert_int_equal(policy_detect(&bench->detector, text, bytes, 0, &match, NULL), 1);
    assert_int_equal(match.start, at);
    assert_int_equal(match.end, at + 6);
    assert_int_equal(
        policy_detect(&bench->detector, text, bytes, match.end, &match, NULL), 0);
    free(text);
}

static void finding_at_any_border_of_a_window_is_found(void **state)
{
    struct bench bench = {.detector = {0}};

    (void)state;
    bench_add(&bench, "\\bneedle\\b(?! end)");
    for (size_t at = 2030; at < 2070; at++)
        needle_at(&bench, at, " ");
    for (size_t at = 3050; at < 3090; at++)
        needle_at(&bench, at, " ");
    needle_at(&bench, 12000 - 6, " ");
    bench_close(&bench);
}

static void window_cuts_no_character(void **state)
{
    struct bench bench = {.detector = {0}};

    (void)state;
    bench_add(&bench, "needle");
    for (size_t at = 4000; at < 4050; at += 3)
        needle_at(&bench, at - at % 3, "\xE2\x82\xAC");
    bench_close(&bench);
}

static void end_of_a_window_is_no_end_of_line(void **state)
{
    struct bench bench = {.detector = {0}};
    char text[8001];

    (void)state;
    memset(text, 'x', 8000);
    text[8000] = '\0';
    bench_add(&bench, "x$");
    assert_string_equal(findings(&bench, text), "x");
    bench_close(&bench);
}

/* ---- hostile text ---- */

static char *repeat(const char *unit, size_t count)
{
    size_t step = strlen(unit);
    char *text = malloc(count * step + 1);

    assert_non_null(text);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * step, unit, step);
    text[count * step] = '\0';
    return text;
}

static void exponential_pattern_gives_up(void **state)
{
    struct bench bench = {.detector = {0}};
    char *text = repeat("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaacb", 100);
    struct policy_match match;

    (void)state;
    bench_add(&bench, "(?:a|a?a)+b");
    assert_int_equal(policy_detect(&bench.detector, text, 3200, 0, &match, &bench.err),
                     POLICY_ELIMIT);
    assert_int_equal(bench.err.status, POLICY_ELIMIT);
    assert_non_null(strstr(bench.err.text, "detector bench gave up after 20000 steps"));
    bench_close(&bench);
    free(text);
}

static void exponential_exclude_gives_up(void **state)
{
    struct bench bench = {.detector = {0}};
    char *text = repeat("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaacb", 20);
    struct policy_match match;

    (void)state;
    bench_add(&bench, "[abc]+");
    bench_exclude(&bench, "(?:a|a?a)+b");
    assert_int_equal(policy_detect(&bench.detector, text, 640, 0, &match, &bench.err),
                     POLICY_ELIMIT);
    bench_close(&bench);
    free(text);
}

/* Without the window time grows with the square of the run: minutes instead of a
 * second or two. */
static void long_runs_are_searched_in_time(void **state)
{
    struct bench bench = {.detector = {0}};
    size_t bytes = 256 << 10;
    char *text = repeat("a", bytes);
    struct policy_match match;
    clock_t start = clock();

    (void)state;
    bench_add(&bench, "[a-z.]+[@#]"); /* no one character that must come */
    assert_int_equal(policy_detect(&bench.detector, text, bytes, 0, &match, &bench.err),
                     0);
    assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 20);
    bench_close(&bench);
    free(text);
}

static void text_that_is_not_utf8_is_refused(void **state)
{
    static const char *const text[] = {"\xC3", "a\xFF", "\xED\xA0\x80", "a\x80"};
    struct bench bench = {.detector = {0}};
    struct policy_match match;

    (void)state;
    bench_add(&bench, "zz");
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        assert_int_equal(policy_detect(&bench.detector, text[i], strlen(text[i]), 0,
                                       &match, &bench.err),
                         POLICY_EINVALID);
    assert_string_equal(bench.err.text,
                        "detector bench was given text that is not UTF-8");
    bench_close(&bench);
}

static void text_of_broken_bytes_ends(void **state)
{
    struct bench bench = {.detector = {0}};
    char *text = repeat("\x80", 9000);
    struct policy_match match;

    (void)state;
    bench_add(&bench, "zz");
    assert_int_equal(policy_detect(&bench.detector, text, 9000, 0, &match, NULL), 0);
    bench_close(&bench);
    free(text);
}

/* ---- masks ---- */

static const char *masked(const char *text, size_t size)
{
    static char out[256];

    memset(out, '!', sizeof out);
    policy_mask(text, strlen(text), out, size);
    assert_true(memchr(out, '\0', size) != NULL);
    assert_int_equal(out[size], '!');
    return out;
}

static void mask_shows_the_shape_alone(void **state)
{
    (void)state;
    assert_string_equal(masked("Jane.Doe+1@example.org", 64), "xxxx.xxx+9@xxxxxxx.xxx");
    assert_string_equal(masked("4111-1111 (A)\n", 64), "9999-9999 (x)\n");
    assert_string_equal(masked("", 64), "");
}

static void mask_hides_letters_of_every_script(void **state)
{
    (void)state;
    assert_string_equal(
        masked("\xC3\x89va \xCE\xB1\xCE\xB2 \xE5\xBC\xA0\xE4\xBC\x9F", 64),
        "xxx xx xx");
    assert_string_equal(masked("\xC2\xAA\xC2\xB5\xC2\xBA", 64), "xxx");
    assert_string_equal(masked("\xD9\xA3\xEF\xBC\x99", 64), "99"); /* Arabic, wide */
    assert_string_equal(masked("\xE2\x80\x9Cx\xE2\x80\x9D \xE2\x82\xAC"
                               "5",
                               64),
                        "\xE2\x80\x9Cx\xE2\x80\x9D \xE2\x82\xAC"
                        "9");
    assert_string_equal(masked("\xF0\x9D\x9F\x97\xFF", 64), "xx");
}

static void mask_is_cut_with_an_ellipsis(void **state)
{
    (void)state;
    assert_string_equal(masked("abcdef", 7), "xxxxxx");
    assert_string_equal(masked("abcdef", 6), "xx\xE2\x80\xA6");
    assert_string_equal(masked("abcdef", 4), "\xE2\x80\xA6");
    assert_string_equal(masked("abcdef", 3), "xx");
    assert_string_equal(masked("abcdef", 1), "");
    assert_string_equal(masked("\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC", 9),
                        "\xE2\x82\xAC\xE2\x80\xA6");
}

int main(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(findings_come_in_order_of_the_text),
        cmocka_unit_test(longest_of_one_place_is_taken),
        cmocka_unit_test(ranges_are_bytes_of_utf8),
        cmocka_unit_test(lines_have_their_own_ends),
        cmocka_unit_test(excluded_match_is_none),
        cmocka_unit_test(luhn_is_that_of_the_standard),
        cmocka_unit_test(luhn_needs_two_digits),
        cmocka_unit_test(meaning_detector_finds_nothing_here),
        cmocka_unit_test(finding_at_any_border_of_a_window_is_found),
        cmocka_unit_test(window_cuts_no_character),
        cmocka_unit_test(end_of_a_window_is_no_end_of_line),
        cmocka_unit_test(exponential_pattern_gives_up),
        cmocka_unit_test(exponential_exclude_gives_up),
        cmocka_unit_test(long_runs_are_searched_in_time),
        cmocka_unit_test(text_that_is_not_utf8_is_refused),
        cmocka_unit_test(text_of_broken_bytes_ends),
        cmocka_unit_test(mask_shows_the_shape_alone),
        cmocka_unit_test(mask_hides_letters_of_every_script),
        cmocka_unit_test(mask_is_cut_with_an_ellipsis),
    };

    return cmocka_run_group_tests_name("policies/detect", test, NULL, NULL);
}
