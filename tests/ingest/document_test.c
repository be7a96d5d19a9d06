/* Frames of a child that may be hostile: what is kept, and what is refused. */
#include "tests/ingest/read.h"

static struct wire_frame frame;
static struct builder *builder;

static void take(void)
{
    struct wire_cursor stream = {.at = frame.bytes}, payload;
    uint32_t type;

    wire_end(&frame);
    stream.end = frame.bytes + frame.used;
    assert_int_equal(wire_next(&stream, &type, &payload), 1);
    assert_int_equal(builder_take(builder, type, payload), 0);
}

static void take_string(enum wire_string key, const char *value)
{
    wire_begin(&frame, WIRE_STRING);
    wire_put_u8(&frame, (uint8_t)key);
    wire_put_bytes(&frame, value, strlen(value));
    take();
}

static void take_section(uint8_t kind, uint32_t number, const char *label,
                         const char *title)
{
    wire_begin(&frame, WIRE_SECTION);
    wire_put_u8(&frame, kind);
    wire_put_u32(&frame, number);
    wire_put_u32(&frame, (uint32_t)strlen(label));
    wire_put_bytes(&frame, label, strlen(label));
    wire_put_bytes(&frame, title, strlen(title));
    take();
}

static void take_text(const char *text)
{
    wire_begin(&frame, WIRE_TEXT);
    wire_put_bytes(&frame, text, strlen(text));
    take();
}

static void take_range(uint64_t start, uint64_t end, uint8_t why)
{
    wire_begin(&frame, WIRE_HIDDEN);
    wire_put_u64(&frame, start);
    wire_put_u64(&frame, end);
    wire_put_u8(&frame, why);
    take();
}

static void take_end(uint8_t outcome, const char *reason)
{
    wire_begin(&frame, WIRE_END);
    wire_put_u8(&frame, outcome);
    wire_put_bytes(&frame, reason, strlen(reason));
    take();
}

static void begin(void)
{
    struct ingest_limits limits = ingest_limits_default();

    limits.text_bytes_max = 100;
    builder = builder_open(&limits);
    assert_non_null(builder);
}

static void expect_end(enum ingest_outcome outcome, const char *why)
{
    struct ingest_document *document = builder_finish(builder);

    assert_non_null(document);
    assert_int_equal(document->outcome, outcome);
    assert_non_null(strstr(document->reason, why));
    if (outcome == INGEST_CRASHED)
        assert_int_equal(document->section_count, 0);
    ingest_document_free(document);
}

static void a_whole_document_is_kept(void **state)
{
    struct ingest_document *document;

    (void)state;
    begin();
    take_string(WIRE_MEDIA_TYPE, "application/pdf");
    take_string(WIRE_ATTACHMENT, "a.txt");
    take_string(WIRE_ATTACHMENT, "b.txt");
    take_section(INGEST_PAGE, 1, "i", "Title");
    take_text("one ");
    take_text("two\n");
    take_range(0, 3, TEXT_TINY);
    take_range(4, 7, TEXT_BACKGROUND);
    take_section(INGEST_PAGE, 3, "iii", "");
    take_end(INGEST_READ, "");
    document = builder_finish(builder);
    assert_int_equal(document->outcome, INGEST_READ);
    assert_string_equal(document->media_type, "application/pdf");
    assert_int_equal(document->metadata.attachment_count, 2);
    assert_string_equal(document->metadata.attachment[1], "b.txt");
    assert_int_equal(document->section_count, 2);
    expect_section(document, 0, "i", "Title", "one two\n");
    assert_int_equal(document->section[0].hidden_count, 2);
    assert_int_equal(document->section[0].hidden[1].start, 4);
    assert_string_equal(document->section[0].hidden[1].why, "background");
    expect_section(document, 1, "iii", "", "");
    assert_int_equal(document->section[1].number, 3);
    ingest_document_free(document);
}

static void without_an_end_it_crashed(void **state)
{
    (void)state;
    begin();
    take_section(INGEST_PAGE, 1, "", "");
    take_text("one\n");
    expect_end(INGEST_CRASHED, "without a word");
}

static void sections_of_a_refused_document_are_dropped(void **state)
{
    struct ingest_document *document;

    (void)state;
    begin();
    take_section(INGEST_PAGE, 1, "", "");
    take_text("one\n");
    take_end(INGEST_DAMAGED, "broken in the middle");
    document = builder_finish(builder);
    assert_int_equal(document->outcome, INGEST_DAMAGED);
    assert_string_equal(document->reason, "broken in the middle");
    assert_int_equal(document->section_count, 0);
    ingest_document_free(document);
}

static void text_that_is_not_plain_is_refused(void **state)
{
    static const char *const bad[] = {"\x1B[2J\n", "\xC3\n", "\xED\xA0\x80\n", "a\tb\n",
                                      "\xC2\x9B\n"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        begin();
        take_section(INGEST_PAGE, 1, "", "");
        take_text(bad[i]);
        take_end(INGEST_READ, "");
        expect_end(INGEST_CRASHED, "control characters or broken UTF-8");
    }
}

static void text_without_its_line_feed_is_refused(void **state)
{
    (void)state;
    begin();
    take_section(INGEST_PAGE, 1, "", "");
    take_text("no end");
    take_end(INGEST_READ, "");
    expect_end(INGEST_CRASHED, "line feed");
}

static void names_that_are_not_plain_are_refused(void **state)
{
    (void)state;
    begin();
    take_string(WIRE_TITLE, "two\nlines");
    expect_end(INGEST_CRASHED, "control characters");
    begin();
    take_section(INGEST_PAGE, 1, "\x1B", "");
    take_end(INGEST_READ, "");
    expect_end(INGEST_CRASHED, "control characters");
    begin();
    take_end(INGEST_READ, "\x07");
    expect_end(INGEST_CRASHED, "control characters");
}

static void hidden_ranges_must_ascend_within_their_text(void **state)
{
    static const uint64_t bad[][4] = {
        {0, 0, 0, 0},          /* empty */
        {2, 1, 0, 0},          /* turned round */
        {0, 3, 2, 4},          /* overlapping */
        {2, 3, 0, 1},          /* descending */
        {0, 5, 0, 0},          /* one behind the end */
        {0, UINT64_MAX, 0, 0}, /* and far */
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        begin();
        take_section(INGEST_PAGE, 1, "", "");
        take_text("abc\n");
        take_range(bad[i][0], bad[i][1], TEXT_TINY);
        if (bad[i][3])
            take_range(bad[i][2], bad[i][3], TEXT_TINY);
        take_end(INGEST_READ, "");
        expect_end(INGEST_CRASHED, "hidden range");
    }
}

static void a_range_may_reach_the_very_end(void **state)
{
    (void)state;
    begin();
    take_section(INGEST_PAGE, 1, "", "");
    take_text("abc\n");
    take_range(0, 4, TEXT_TINY);
    take_end(INGEST_READ, "");
    expect_end(INGEST_READ, "");
}

static void a_range_needs_a_reason(void **state)
{
    (void)state;
    for (int why = 0; why < 256; why += 85) { /* 0 is "visible", 85 unknown */
        begin();
        take_section(INGEST_PAGE, 1, "", "");
        take_text("abc\n");
        take_range(0, 1, (uint8_t)why);
        expect_end(INGEST_CRASHED, "hidden ranges");
    }
}

static void frames_out_of_place_are_refused(void **state)
{
    (void)state;
    begin();
    take_text("text without a section\n");
    expect_end(INGEST_CRASHED, "without a section");
    begin();
    take_range(0, 1, TEXT_TINY);
    expect_end(INGEST_CRASHED, "without a section");
    begin();
    take_section(INGEST_PAGE, 2, "", "");
    take_section(INGEST_PAGE, 2, "", "");
    expect_end(INGEST_CRASHED, "out of order");
    begin();
    take_end(INGEST_READ, "");
    take_section(INGEST_PAGE, 1, "", "");
    expect_end(INGEST_CRASHED, "more than the frames");
}

static void unknown_values_are_refused(void **state)
{
    (void)state;
    begin();
    wire_begin(&frame, 99);
    take();
    expect_end(INGEST_CRASHED, "unknown type");
    begin();
    take_string(WIRE_STRINGS, "x");
    expect_end(INGEST_CRASHED, "unknown key");
    begin();
    take_section(INGEST_WHOLE + 1, 1, "", "");
    expect_end(INGEST_CRASHED, "section");
    begin();
    take_end(INGEST_OUTCOMES, "");
    expect_end(INGEST_CRASHED, "unknown outcome");
}

static void a_label_longer_than_its_frame_is_refused(void **state)
{
    (void)state;
    begin();
    wire_begin(&frame, WIRE_SECTION);
    wire_put_u8(&frame, INGEST_PAGE);
    wire_put_u32(&frame, 1);
    wire_put_u32(&frame, UINT32_MAX);
    take();
    expect_end(INGEST_CRASHED, "section");
}

static void a_title_comes_once(void **state)
{
    (void)state;
    begin();
    take_string(WIRE_TITLE, "one");
    take_string(WIRE_TITLE, "two");
    expect_end(INGEST_CRASHED, "twice");
}

static void more_text_than_allowed_is_refused(void **state)
{
    char line[103];

    (void)state;
    for (size_t bytes = 99; bytes <= 101; bytes++) {
        memset(line, 'a', bytes);
        line[bytes - 1] = '\n';
        line[bytes] = '\0';
        begin();
        take_section(INGEST_PAGE, 1, "", "");
        take_text(line);
        take_end(INGEST_READ, "");
        expect_end(bytes > 100 ? INGEST_CRASHED : INGEST_READ, "");
    }
}

static void how_a_child_ended_is_told(void **state)
{
    static const struct {
        enum wire_fate fate;
        uint32_t detail;
        enum ingest_outcome outcome;
        const char *why;
    } cases[] = {
        {WIRE_KILLED_CPU, 1500, INGEST_TIMEOUT, "1500 ms of CPU time"},
        {WIRE_KILLED_WALL, 3000, INGEST_TIMEOUT, "3000 ms of wall time"},
        {WIRE_OVERFLOWED, 0, INGEST_TOO_LARGE, "wrote more"},
        {WIRE_OUT_OF_MEMORY, 0, INGEST_TOO_LARGE, "bytes of memory"},
        {WIRE_DIED, 11, INGEST_CRASHED, "signal 11"},
        {WIRE_DIED, 256 + 71, INGEST_CRASHED, "exit status 71"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin();
        builder_fate(builder, cases[i].fate, cases[i].detail, 7);
        expect_end(cases[i].outcome, cases[i].why);
    }
}

static void outcomes_and_kinds_have_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < INGEST_OUTCOMES; i++)
        assert_true(strlen(ingest_outcome_name((enum ingest_outcome)i)) > 1);
    assert_string_equal(ingest_outcome_name(INGEST_READ), "ok");
    assert_string_equal(ingest_outcome_name(INGEST_OUTCOMES), "");
    assert_string_equal(ingest_kind_name(INGEST_ELEMENT), "element");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_document_is_kept),
        cmocka_unit_test(without_an_end_it_crashed),
        cmocka_unit_test(sections_of_a_refused_document_are_dropped),
        cmocka_unit_test(text_that_is_not_plain_is_refused),
        cmocka_unit_test(text_without_its_line_feed_is_refused),
        cmocka_unit_test(names_that_are_not_plain_are_refused),
        cmocka_unit_test(hidden_ranges_must_ascend_within_their_text),
        cmocka_unit_test(a_range_may_reach_the_very_end),
        cmocka_unit_test(a_range_needs_a_reason),
        cmocka_unit_test(frames_out_of_place_are_refused),
        cmocka_unit_test(unknown_values_are_refused),
        cmocka_unit_test(a_label_longer_than_its_frame_is_refused),
        cmocka_unit_test(a_title_comes_once),
        cmocka_unit_test(more_text_than_allowed_is_refused),
        cmocka_unit_test(how_a_child_ended_is_told),
        cmocka_unit_test(outcomes_and_kinds_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
