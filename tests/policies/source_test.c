/* What is refused from the bytes alone, and the lines of start tags. */
#include "tests/policies/sample.h"

#include <sys/stat.h>
#include <unistd.h>

static const struct sample_case cases[] = {
    {"doctype_is_refused", "<!-- Every element and",
     "<!DOCTYPE policy>\n<!-- Every and", 2,
     "a DOCTYPE or other declaration; a policy holds none"},
    {"doctype_with_an_entity_is_refused", "<!-- Every element and",
     "<!DOCTYPE policy [<!ENTITY a \"b\">]>\n<!-- Every and", 2, "a DOCTYPE"},
    {"latin_1_is_refused", "The rose", "The ros\xE9", 16,
     "byte 0xE9 is not UTF-8 text; save the file in the encoding UTF-8"},
    {"surrogate_is_refused", "The rose", "The \xED\xA0\x80", 16, "byte 0xED"},
    {"nine_deep_is_refused", "The rose is red.",
     "<a>\n<a><a><a>\n<a>x</a></a></a></a></a>", 18,
     "an element inside 8 others; a policy nests at most 8"},
};

static void scan_text(struct policy_source *source, const char *text, int expected,
                      struct policy_error *err)
{
    *source = (struct policy_source){strdup(text), strlen(text), NULL, 0, NULL};
    *err = (struct policy_error){0};
    assert_int_equal(policy_source_scan(source, err), expected);
}

static void start_tags_know_the_line_of_their_bracket(void **state)
{
    struct policy_source source;
    struct policy_error err;

    (void)state;
    scan_text(&source,
              "<?xml version='1.0'?>\n<!-- <no>\n -->\n<a\n b='>'\n c=\"/>\"\n>\n"
              "<![CDATA[<no>\n]]><b/>text\n<c></c></a>\n",
              POLICY_OK, &err);
    assert_int_equal(source.element_count, 3);
    assert_int_equal(source.line[0], 4);
    assert_int_equal(source.line[1], 9);
    assert_int_equal(source.line[2], 10);
    policy_source_free(&source);
}

static void text_that_is_not_xml_is_left_to_the_parser(void **state)
{
    static const char *const text[] = {"<a", "<a b='", "<!-- ",    "<![CDATA[ ", "<? ",
                                       "x",  "<a <b>", "</a></a>", "<"};
    struct policy_source source;
    struct policy_error err;

    (void)state;
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        scan_text(&source, text[i], POLICY_OK, &err);
        policy_source_free(&source);
    }
}

static void nul_is_refused(void **state)
{
    struct policy_error err;
    struct policy *policy;

    (void)state;
    assert_int_equal(sample_load_bytes(&policy, "<a>\n\0</a>", 9, &err),
                     POLICY_EINVALID);
    assert_int_equal(err.line, 2);
    assert_non_null(strstr(err.text, "byte 0x00"));
}

static void utf_16_is_refused(void **state)
{
    struct policy_error err;
    struct policy *policy;

    (void)state;
    assert_int_equal(sample_load_bytes(&policy, "\xFF\xFE<\0a\0", 6, &err),
                     POLICY_EINVALID);
    assert_int_equal(err.line, 1);
    assert_non_null(strstr(err.text, "save the file in the encoding UTF-8"));
}

static void declared_encoding_is_not_believed(void **state)
{
    struct policy *policy =
        sample_loaded(SAMPLE, "encoding=\"UTF-8\"", "encoding=\"UTF-16\"");

    (void)state;
    assert_string_equal(policy->name, "sample");
    policy_free(policy);
}

static void byte_order_mark_is_passed_over(void **state)
{
    struct policy *policy =
        sample_loaded(SAMPLE, "<?xml version", "\xEF\xBB\xBF<?xml version");

    (void)state;
    assert_string_equal(policy->name, "sample");
    policy_free(policy);
}

/* "<a>" and count bytes up to the next tag, itself included. */
static void scan_stretch(size_t count, int expected)
{
    char *text = calloc(1, count + 16);
    struct policy_source source;
    struct policy_error err;

    assert_non_null(text);
    memset(text, 'x', count);
    memcpy(text, "<a>", 3);
    strcat(text, "</a>");
    scan_text(&source, text, expected, &err);
    if (expected != POLICY_OK)
        assert_non_null(strstr(err.text, "16385 bytes from here to the next tag"));
    policy_source_free(&source);
    free(text);
}

static void stretch_between_tags_is_limited(void **state)
{
    (void)state;
    scan_stretch(POLICY_STRETCH_BYTES_MAX - 1, POLICY_OK);
    scan_stretch(POLICY_STRETCH_BYTES_MAX, POLICY_OK);
    scan_stretch(POLICY_STRETCH_BYTES_MAX + 1, POLICY_EINVALID);
}

static void scan_elements(size_t count, int expected)
{
    char *text = calloc(count + 1, 4);
    struct policy_source source;
    struct policy_error err;

    assert_non_null(text);
    for (size_t i = 0; i < count; i++)
        memcpy(text + 4 * i, "<a/>", 4);
    scan_text(&source, text, expected, &err);
    if (expected != POLICY_OK)
        assert_string_equal(err.text,
                            "this is element 20001; a policy has at most 20000");
    policy_source_free(&source);
    free(text);
}

static void elements_are_limited(void **state)
{
    (void)state;
    scan_elements(POLICY_ELEMENTS_MAX - 1, POLICY_OK);
    scan_elements(POLICY_ELEMENTS_MAX, POLICY_OK);
    scan_elements(POLICY_ELEMENTS_MAX + 1, POLICY_EINVALID);
}

/* ---- files ---- */

static int read_file_of(size_t bytes, struct policy_error *err)
{
    char path[] = "/tmp/cloister-policy-XXXXXX";
    int fd = mkstemp(path), status;
    struct policy_source source;

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
    status = policy_source_read(&source, path, err);
    if (status == POLICY_OK)
        assert_int_equal(source.count, bytes);
    policy_source_free(&source);
    close(fd);
    unlink(path);
    return status;
}

static void size_of_the_file_is_limited(void **state)
{
    struct policy_error err;

    (void)state;
    assert_int_equal(read_file_of(POLICY_FILE_BYTES_MAX - 1, &err), POLICY_OK);
    assert_int_equal(read_file_of(POLICY_FILE_BYTES_MAX, &err), POLICY_OK);
    assert_int_equal(read_file_of(POLICY_FILE_BYTES_MAX + 1, &err), POLICY_EINVALID);
    assert_int_equal(err.line, 0);
    assert_string_equal(
        err.text, "the file has more than 4194304 bytes, the most a policy may have");
}

static void folder_is_refused(void **state)
{
    struct policy_source source;
    struct policy_error err;

    (void)state;
    assert_int_equal(policy_source_read(&source, "tests/data/policies", &err),
                     POLICY_EIO);
    assert_string_equal(err.text,
                        "tests/data/policies is not a file; name the policy's "
                        "XML file");
}

/* Opening a FIFO for reading would wait for a writer for ever. */
static void fifo_is_refused_at_once(void **state)
{
    char folder[] = "/tmp/cloister-policy-XXXXXX", path[64];
    struct policy_source source;
    struct policy_error err;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/fifo", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(policy_source_read(&source, path, &err), POLICY_EIO);
    unlink(path);
    rmdir(folder);
}

static void missing_file_is_refused(void **state)
{
    struct policy_source source;
    struct policy_error err;

    (void)state;
    assert_int_equal(policy_source_read(&source, "tests/data/policies/none.xml", &err),
                     POLICY_EIO);
    assert_non_null(strstr(err.text, "cannot be opened: No such file"));
}

int main(void)
{
    struct CMUnitTest test[40] = {
        cmocka_unit_test(start_tags_know_the_line_of_their_bracket),
        cmocka_unit_test(text_that_is_not_xml_is_left_to_the_parser),
        cmocka_unit_test(nul_is_refused),
        cmocka_unit_test(utf_16_is_refused),
        cmocka_unit_test(declared_encoding_is_not_believed),
        cmocka_unit_test(byte_order_mark_is_passed_over),
        cmocka_unit_test(stretch_between_tags_is_limited),
        cmocka_unit_test(elements_are_limited),
        cmocka_unit_test(size_of_the_file_is_limited),
        cmocka_unit_test(folder_is_refused),
        cmocka_unit_test(fifo_is_refused_at_once),
        cmocka_unit_test(missing_file_is_refused),
    };

    sample_tests(test, 12, cases, sizeof cases / sizeof *cases);
    return cmocka_run_group_tests_name("policies/source", test, NULL, NULL);
}
