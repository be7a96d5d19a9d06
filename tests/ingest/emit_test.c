/* What a reader says about a document, and the totals it may not pass. */
#include "tests/ingest/read.h"

static struct emit emit;
static struct ingest_limits limits;
static struct text text;
static int fd;

static void begin(uint64_t text_bytes_max)
{
    limits = ingest_limits_default();
    limits.text_bytes_max = text_bytes_max;
    fd = memfd_create("frames", MFD_CLOEXEC);
    assert_true(fd >= 0);
    emit_open(&emit, fd, &limits);
}

static bool section(uint32_t number, const char *title, const char *content)
{
    text_start(&text, TEXT_HYPHENS_BREAK, emit_text_room(&emit));
    text_add(&text, content, strlen(content), TEXT_VISIBLE);
    text_finish(&text);
    return emit_section(&emit, INGEST_ELEMENT, number, "e", title, &text);
}

static void what_is_sent_arrives(void **state)
{
    struct ingest_document *document;

    (void)state;
    begin(1000);
    emit_pages(&emit, 2);
    emit_facts(&emit, 1, -1, 2);
    emit_string(&emit, WIRE_AUTHOR, " Ann\n Lee ");
    emit_string(&emit, WIRE_PRODUCER, "");
    emit_string(&emit, WIRE_TITLE, NULL);
    assert_true(section(1, "A \t title", "text"));
    emit_end(&emit, INGEST_READ, "");
    document = read_frames(fd, &limits);
    assert_string_equal(document->metadata.author, "Ann Lee");
    assert_null(document->metadata.producer);
    assert_null(document->metadata.title);
    assert_int_equal(document->metadata.encrypted, 1);
    assert_int_equal(document->metadata.may_extract, -1);
    assert_int_equal(document->metadata.pages, 2);
    expect_section(document, 0, "e", "A title", "text\n");
    ingest_document_free(document);
}

static void text_larger_than_a_frame_arrives_whole(void **state)
{
    size_t bytes = 3 * WIRE_FRAME_MAX + 7;
    char *content = malloc(bytes + 1);
    struct ingest_document *document;

    (void)state;
    assert_non_null(content);
    for (size_t i = 0; i < bytes; i++)
        content[i] = (char)('a' + i % 26);
    content[bytes] = '\0';
    begin(1 << 20);
    assert_true(section(1, "", content));
    emit_end(&emit, INGEST_READ, "");
    document = read_frames(fd, &limits);
    assert_int_equal(document->section[0].text_bytes, bytes + 1);
    assert_memory_equal(document->section[0].text, content, bytes);
    ingest_document_free(document);
    free(content);
}

static void all_text_together_has_one_limit(void **state)
{
    (void)state;
    for (uint64_t limit = 9; limit <= 11; limit++) {
        begin(limit);
        assert_true(section(1, "", "1234"));
        assert_int_equal(section(2, "", "6789"), limit >= 10);
        assert_int_equal(emit.too_large[0] != '\0', limit < 10);
        close(fd);
    }
}

static void titles_have_a_limit_of_their_own(void **state)
{
    char title[4000];
    uint32_t sent = 0;

    (void)state;
    memset(title, 't', sizeof title - 1);
    title[sizeof title - 1] = '\0';
    begin(1 << 20);
    while (section(sent + 1, title, "x"))
        sent++;
    assert_in_range(sent, REQUEST_EXTRA_BYTES / 4100, REQUEST_EXTRA_BYTES / 4000);
    assert_non_null(strstr(emit.too_large, "titles"));
    close(fd);
}

static void a_pipe_without_a_reader_ends_the_reading(void **state)
{
    (void)state;
    begin(1 << 20);
    close(fd);
    emit_pages(&emit, 1);
    assert_true(emit.broken_pipe);
    assert_false(section(1, "", "x"));
}

static int release(void **state)
{
    (void)state;
    text_free(&text);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent_arrives),
        cmocka_unit_test(text_larger_than_a_frame_arrives_whole),
        cmocka_unit_test(all_text_together_has_one_limit),
        cmocka_unit_test(titles_have_a_limit_of_their_own),
        cmocka_unit_test(a_pipe_without_a_reader_ends_the_reading),
    };

    return cmocka_run_group_tests(tests, NULL, release);
}
