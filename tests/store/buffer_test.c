/* Growing strings, UTF-8 read as RFC 3629 has it, and JSON that others can parse. */
#include "store/buffer.h"
#include "tests/store/sample.h"

static void a_string_grows_past_its_first_size(void **state)
{
    struct buffer text = {0};

    (void)state;
    for (int i = 0; i < 1000; i++)
        buffer_put(&text, "0123456789");
    assert_false(text.failed);
    assert_int_equal(text.bytes, 10000);
    assert_int_equal(strlen(text.at), 10000);
    buffer_free(&text);
}

static void a_size_that_overflows_fails_and_stays_failed(void **state)
{
    struct buffer text = {0};

    (void)state;
    buffer_put(&text, "kept");
    buffer_add(&text, "x", SIZE_MAX - 2);
    assert_true(text.failed);
    buffer_put(&text, "more");
    assert_true(text.failed);
    assert_string_equal(text.at, "kept");
    buffer_free(&text);
}

static void bytes_that_are_not_utf8_become_replacement_characters(void **state)
{
    static const struct {
        const char *in, *out;
    } pair[] = {
        {"plain", "plain"},
        {"na\xc3\xafve \xf0\x9f\x93\x84", "na\xc3\xafve \xf0\x9f\x93\x84"},
        {"a\xff", "a\xef\xbf\xbd"},
        {"\xc3", "\xef\xbf\xbd"},                                 /* cut off */
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                 /* overlong */
        {"\xe0\x80\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* overlong */
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* surrogate */
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf",
         "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(pair); i++) {
        struct buffer text = {0};

        buffer_utf8(&text, pair[i].in, strlen(pair[i].in));
        assert_string_equal(text.at, pair[i].out);
        assert_int_equal(utf8_valid(pair[i].in, strlen(pair[i].in)),
                         strcmp(pair[i].in, pair[i].out) == 0);
        buffer_free(&text);
    }
}

static void json_escapes_what_would_end_a_string(void **state)
{
    struct buffer text = {0};

    (void)state;
    object_open(&text);
    object_int(&text, "a", INT64_MIN);
    object_string(&text, "b", "q\"b\\s\nl\x7f\xff\xc3\xa9{");
    object_raw(&text, "c", "[]");
    object_string(&text, "d", NULL);
    object_close(&text);
    assert_string_equal(text.at,
                        "{\"a\":-9223372036854775808,\"b\":\"q\\\"b\\\\s\\u000al"
                        "\\u007f\xef\xbf\xbd\xc3\xa9{\",\"c\":[],\"d\":null}");
    buffer_free(&text);
}

static void hexadecimal_is_lower_case(void **state)
{
    struct buffer text = {0};

    (void)state;
    buffer_hex(&text, "\x00\xab\xff", 3);
    assert_string_equal(text.at, "00abff");
    buffer_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_string_grows_past_its_first_size),
        cmocka_unit_test(a_size_that_overflows_fails_and_stays_failed),
        cmocka_unit_test(bytes_that_are_not_utf8_become_replacement_characters),
        cmocka_unit_test(json_escapes_what_would_end_a_string),
        cmocka_unit_test(hexadecimal_is_lower_case),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
