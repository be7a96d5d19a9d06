/* Text and numbers as the page shows them. */
#include "store/report.h"
#include "tests/store/sample.h"

#include <math.h>

struct page {
    struct report report;
    char *text;
    size_t bytes;
};

static struct page *page_open(void)
{
    struct page *page = calloc(1, sizeof(*page));

    assert_non_null(page);
    page->report.out = open_memstream(&page->text, &page->bytes);
    assert_non_null(page->report.out);
    return page;
}

static void page_is(struct page *page, const char *expected)
{
    fclose(page->report.out);
    assert_string_equal(page->text, expected);
    free(page->text);
    free(page);
}

static void text_is_escaped_and_stripped_of_what_misleads(void **state)
{
    static const struct {
        const char *in, *out;
    } pair[] = {
        {"a<b>&\"'", "a&lt;b&gt;&amp;&quot;&#39;"},
        {"line\nfeed\ttab", "line\nfeed\ttab"},
        {"\x01\x1b\x7f", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xc2\x85", "\xef\xbf\xbd"},     /* C1 control */
        {"\xe2\x80\xae", "\xef\xbf\xbd"}, /* right-to-left override */
        {"\xe2\x81\xa6\xe2\x81\xa9", "\xef\xbf\xbd\xef\xbf\xbd"}, /* isolates */
        {"\xf3\xa0\x81\x81", "\xef\xbf\xbd"},                     /* tag character */
        {"\xff", "\xef\xbf\xbd"},
        {"\xd7\xa9\xd7\x9c", "\xd7\xa9\xd7\x9c"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(pair); i++) {
        struct page *page = page_open();
        html_text(&page->report, pair[i].in);
        page_is(page, pair[i].out);
    }
}

static void long_text_is_cut_before_a_character(void **state)
{
    static const struct {
        const char *text;
        size_t max;
        const char *out;
    } cut[] = {
        {"abc", 3, "abc"},
        {"abcd", 3, "abc\xe2\x80\xa6"},
        {"ab\xc3\xa9", 4, "ab\xc3\xa9"},
        {"ab\xc3\xa9", 3, "ab\xe2\x80\xa6"},
        {"\xf0\x9f\x93\x84", 3, "\xe2\x80\xa6"},
        {"a", 0, "\xe2\x80\xa6"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cut); i++) {
        struct page *page = page_open();
        html_text_cut(&page->report, cut[i].text, cut[i].max);
        page_is(page, cut[i].out);
    }
}

static void the_word_to_blame_is_marked_where_it_stands_alone(void **state)
{
    static const struct {
        const char *text, *word;
        size_t max;
        const char *out;
    } pair[] = {
        {"They owe 777 dollars.", "777", 99, "They owe <mark>777</mark> dollars."},
        {"In 2015, 5 of 15.", "5", 99, "In 2015, <mark>5</mark> of 15."},
        {"2015", "5", 99, "2015"},
        {"\xc3\xa9t\xc3\xa9", "t", 99, "\xc3\xa9t\xc3\xa9"},
        {"a < b & b", "< b &", 99, "a <mark>&lt; b &amp;</mark> b"},
        {"none", "", 99, "none"},
        {"none", "else", 99, "none"},
        {"one two three", "two", 7, "one <mark>two</mark>\xe2\x80\xa6"},
        {"one two three", "two", 6, "one tw\xe2\x80\xa6"},
        {"a", "a", 0, "\xe2\x80\xa6"},
        {"x", "x", 1, "<mark>x</mark>"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(pair); i++) {
        struct page *page = page_open();
        html_text_marked(&page->report, pair[i].text, pair[i].max, pair[i].word);
        page_is(page, pair[i].out);
    }
}

static void names_are_shown_as_words(void **state)
{
    struct page *page = page_open();

    (void)state;
    html_words(&page->report, "non_compete<");
    page_is(page, "non compete&lt;");
}

static void counts_are_grouped_by_thousands(void **state)
{
    static const struct {
        int64_t count;
        const char *out;
    } number[] = {{0, "0"},
                  {999, "999"},
                  {1000, "1,000"},
                  {-1000, "-1,000"},
                  {-100, "-100"},
                  {123456789, "123,456,789"},
                  {INT64_MIN, "-9,223,372,036,854,775,808"}};

    (void)state;
    for (size_t i = 0; i < COUNT(number); i++) {
        struct page *page = page_open();
        html_count(&page->report, number[i].count);
        page_is(page, number[i].out);
    }
}

static void a_share_is_never_rounded_to_all_or_nothing(void **state)
{
    static const struct {
        double share;
        const char *out;
    } percent[] = {
        {0, "0.0\xe2\x80\xaf%"},           {1, "100.0\xe2\x80\xaf%"},
        {0.5, "50.0\xe2\x80\xaf%"},        {0.9999, "&gt; 99.9\xe2\x80\xaf%"},
        {0.0001, "&lt; 0.1\xe2\x80\xaf%"}, {NAN, "not a number"},
        {INFINITY, "not a number"}};

    (void)state;
    for (size_t i = 0; i < COUNT(percent); i++) {
        struct page *page = page_open();
        html_percent(&page->report, percent[i].share);
        page_is(page, percent[i].out);
    }
}

static void a_bar_stays_inside_its_track(void **state)
{
    struct page *page = page_open();

    (void)state;
    html_bar(&page->report, 7, "good", -1);
    html_bar(&page->report, NAN, "good", 0.25);
    page_is(page, "<span class=\"bar\"><i class=\"good\" style=\"width:100.00%\"></i>"
                  "</span><span class=\"bar\"><i class=\"warn\" style=\"width:25.00%\">"
                  "</i></span>");
}

static void components_of_a_path_are_isolated(void **state)
{
    struct page *page = page_open();

    (void)state;
    html_path(&page->report, "/a/b.pdf");
    page_is(page,
            "<span class=\"path\" dir=\"ltr\"><bdi class=\"folder\"></bdi><span "
            "class=\"folder\">/<wbr></span><bdi class=\"folder\">a</bdi><span "
            "class=\"folder\">/<wbr></span><bdi class=\"name\">b.pdf</bdi></span>");
}

static void every_outcome_has_a_meaning_and_unknown_ones_are_not_good(void **state)
{
    static const char *const outcome[] = {
        "ok",         "partial",          "no_text",    "suspect_text",
        "encrypted",  "owner_restricted", "damaged",    "no_pages",
        "too_large",  "timeout",          "crashed",    "unsupported",
        "duplicate",  "unreadable",       "not_a_file", "changed",
        "model_limit"};

    (void)state;
    for (size_t i = 0; i < COUNT(outcome); i++)
        assert_null(strstr(report_meaning(outcome[i]), "no words"));
    assert_non_null(strstr(report_meaning("else"), "no words"));
    assert_string_equal(html_tone("ok"), "good");
    assert_string_equal(html_tone("duplicate"), "plain");
    assert_string_equal(html_tone("else"), "bad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_escaped_and_stripped_of_what_misleads),
        cmocka_unit_test(long_text_is_cut_before_a_character),
        cmocka_unit_test(the_word_to_blame_is_marked_where_it_stands_alone),
        cmocka_unit_test(names_are_shown_as_words),
        cmocka_unit_test(counts_are_grouped_by_thousands),
        cmocka_unit_test(a_share_is_never_rounded_to_all_or_nothing),
        cmocka_unit_test(a_bar_stays_inside_its_track),
        cmocka_unit_test(components_of_a_path_are_isolated),
        cmocka_unit_test(every_outcome_has_a_meaning_and_unknown_ones_are_not_good),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
