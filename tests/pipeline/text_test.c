/* The visible text of a document, and the way back to its sections. */
#include "tests/pipeline/sample.h"

static struct pipeline_text *collect(const struct sample *s, enum policy_hidden hidden)
{
    struct pipeline_text *text = calloc(1, sizeof(*text));
    assert_non_null(text);
    assert_ok(text_collect(text, &s->document, hidden, ERR));
    return text;
}

/* Every visible byte maps back to the byte of the section it came from. */
static void assert_maps_back(const struct sample *s, const struct pipeline_text *text)
{
    for (size_t at = 0; at < text->text_bytes; at++) {
        struct pipeline_range r = pipeline_range_of(text, at, 1);
        assert_int_equal(r.section, r.end_section);
        assert_int_equal(r.end, r.start + 1);
        assert_int_equal(s->section[r.section - 1].text[r.start], text->text[at]);
    }
}

static void sections_are_joined_by_nothing(void **state)
{
    struct sample s = {0};
    (void)state;
    sample_page(&s, "Dear Ms. Hale,\n");
    sample_page(&s, "");
    sample_page(&s, "Yours\n");
    struct pipeline_text *text = collect(&s, POLICY_HIDDEN_LEAVE_OUT);
    assert_string_equal(text->text, "Dear Ms. Hale,\nYours\n");
    assert_int_equal(text->text_bytes, 21);
    assert_int_equal(text->extracted_bytes, 21);
    assert_int_equal(text->hidden_bytes, 0);
    assert_int_equal(text->span_count, 2);
    assert_int_equal(text->span[1].section, 3);
    assert_maps_back(&s, text);
    pipeline_text_free(text);
    sample_free(&s);
}

static void a_range_over_a_page_end_names_both_pages(void **state)
{
    struct sample s = {0};
    (void)state;
    sample_page(&s, "the first\n");
    sample_page(&s, "and the second\n");
    struct pipeline_text *text = collect(&s, POLICY_HIDDEN_LEAVE_OUT);
    struct pipeline_range r = pipeline_range_of(text, 4, 14);
    assert_int_equal(r.section, 1);
    assert_int_equal(r.start, 4);
    assert_int_equal(r.end_section, 2);
    assert_int_equal(r.end, 8);
    r = pipeline_range_of(text, 4, 6); /* up to the page's last byte */
    assert_int_equal(r.end_section, 1);
    assert_int_equal(r.end, 10);
    pipeline_text_free(text);
    sample_free(&s);
}

static void hidden_text_is_left_out_and_counted(void **state)
{
    struct sample s = {0};
    (void)state;
    sample_page(&s, "please (white)call me.(end)");
    sample_hide(&s, "(white)");
    sample_hide(&s, "(end)");
    sample_page(&s, "(all)");
    sample_hide(&s, "(all)");
    sample_page(&s, "(start)Yours\n");
    sample_hide(&s, "(start)");
    struct pipeline_text *text = collect(&s, POLICY_HIDDEN_LEAVE_OUT);
    assert_string_equal(text->text, "please call me.Yours\n");
    assert_int_equal(text->hidden_bytes, 24);
    assert_int_equal(text->extracted_bytes, text->hidden_bytes + text->text_bytes);
    assert_int_equal(text->span_count, 3);
    assert_false(text->span[0].gap);
    assert_true(text->span[1].gap);
    assert_true(text->span[2].gap);
    assert_maps_back(&s, text);
    pipeline_text_free(text);
    sample_free(&s);
}

static void hidden_text_is_taken_in_when_the_policy_says_so(void **state)
{
    struct sample s = {0};
    (void)state;
    sample_page(&s, "please (white)call me.");
    sample_hide(&s, "(white)");
    struct pipeline_text *text = collect(&s, POLICY_HIDDEN_READ);
    assert_string_equal(text->text, "please (white)call me.");
    assert_int_equal(text->hidden_bytes, 0);
    assert_int_equal(text->span_count, 1);
    assert_false(text->span[0].gap);
    pipeline_text_free(text);
    sample_free(&s);
}

static void what_a_scan_shows_is_read_unless_all_is_left_out(void **state)
{
    struct sample s = {0};
    (void)state;
    sample_page(&s, "(scan)(stamp)\n");
    sample_hide(&s, "(scan)");
    sample_hide(&s, "(stamp)");
    s.hidden[0][0].shown = true;
    struct pipeline_text *text = collect(&s, POLICY_HIDDEN_LEAVE_OUT);
    assert_string_equal(text->text, "(scan)\n");
    assert_int_equal(text->hidden_bytes, 7);
    pipeline_text_free(text);
    text = collect(&s, POLICY_HIDDEN_LEAVE_OUT_ALL);
    assert_string_equal(text->text, "\n");
    assert_int_equal(text->hidden_bytes, 13);
    assert_maps_back(&s, text);
    pipeline_text_free(text);
    sample_free(&s);
}

static void all_is_hidden_when_only_white_space_is_left_to_see(void **state)
{
    struct sample s = {0};
    (void)state;
    assert_null(pipeline_all_hidden(
        &s.document, POLICY_HIDDEN_LEAVE_OUT)); /* nothing is there to hide */
    sample_page(&s, " \n");
    sample_page(&s, "\tsign here \n");
    assert_null(pipeline_all_hidden(&s.document, POLICY_HIDDEN_LEAVE_OUT));
    sample_hide(&s, "sign");
    assert_null(pipeline_all_hidden(&s.document, POLICY_HIDDEN_LEAVE_OUT));
    sample_hide(&s, "here");
    assert_non_null(pipeline_all_hidden(&s.document, POLICY_HIDDEN_LEAVE_OUT));
    s.document.outcome = INGEST_PARTIAL; /* what is missing may be seen */
    assert_null(pipeline_all_hidden(&s.document, POLICY_HIDDEN_LEAVE_OUT));
    sample_free(&s);
}

static void a_document_without_sections_has_no_text(void **state)
{
    struct sample s = {0};
    (void)state;
    struct pipeline_text *text = collect(&s, POLICY_HIDDEN_LEAVE_OUT);
    assert_string_equal(text->text, "");
    assert_int_equal(text->span_count, 0);
    pipeline_text_free(text);
}

static void errors_are_worded_and_may_be_unwanted(void **state)
{
    struct pipeline_error err;
    (void)state;
    assert_int_equal(pipeline_fail(&err, PIPELINE_EINPUT, "%d of %s", 3, "four"),
                     PIPELINE_EINPUT);
    assert_int_equal(err.status, PIPELINE_EINPUT);
    assert_string_equal(err.text, "3 of four");
    assert_int_equal(pipeline_fail(NULL, PIPELINE_ENOMEM, "x"), PIPELINE_ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_are_joined_by_nothing),
        cmocka_unit_test(a_range_over_a_page_end_names_both_pages),
        cmocka_unit_test(hidden_text_is_left_out_and_counted),
        cmocka_unit_test(hidden_text_is_taken_in_when_the_policy_says_so),
        cmocka_unit_test(what_a_scan_shows_is_read_unless_all_is_left_out),
        cmocka_unit_test(all_is_hidden_when_only_white_space_is_left_to_see),
        cmocka_unit_test(a_document_without_sections_has_no_text),
        cmocka_unit_test(errors_are_worded_and_may_be_unwanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
