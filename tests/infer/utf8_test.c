/* UTF-8: every character both ways, and every kind of ill-formed sequence. */
#include "infer/utf8.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

static void every_character_goes_both_ways(void **state)
{
    char text[UTF8_BYTES_MAX];

    (void)state;
    for (int32_t c = 0; c <= 0x10ffff; c++) {
        size_t at = 0, bytes;

        if (c == 0xd800)
            c = 0xe000;
        bytes = utf8_put(text, c);
        assert_int_equal(bytes, c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4);
        assert_int_equal(utf8_next(text, bytes, &at), c);
        assert_int_equal(at, bytes);
    }
}

/* What stands at the start, as characters; '?' for an invalid place. */
static void expect(const char *text, const char *wanted)
{
    size_t bytes = strlen(text), at = 0, i = 0;

    while (at < bytes) {
        int32_t c = utf8_next(text, bytes, &at);

        assert_int_equal(c == UTF8_INVALID ? '?' : c, wanted[i]);
        i++;
    }
    assert_int_equal(at, bytes);
    assert_int_equal(i, strlen(wanted));
}

static void ill_formed_sequences_are_invalid(void **state)
{
    (void)state;
    expect("\x80z", "?z");
    expect("\xc0\x80z", "??z");           /* overlong NUL */
    expect("\xc1\xbfz", "??z");           /* overlong DEL */
    expect("\xe0\x9f\xbfz", "???z");      /* overlong U+07FF */
    expect("\xed\xa0\x80z", "???z");      /* surrogate */
    expect("\xf0\x8f\xbf\xbfz", "????z"); /* overlong U+FFFF */
    expect("\xf4\x90\x80\x80z", "????z"); /* beyond U+10FFFF */
    expect("\xf5\x80\x80\x80z", "????z");
    expect("\xffz", "?z");
}

static void a_sequence_cut_short_is_one_invalid_place(void **state)
{
    (void)state;
    expect("\xe2\x82z", "?z");
    expect("\xf0\x9f\x98z", "?z");
    expect("\xf0\x9fz", "?z");
    expect("\xc3", "?");
    expect("\xe2\x82", "?");
    expect("\xf0\x9f\x98", "?");
    expect("\xe2\xe2\x82z", "??z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_goes_both_ways),
        cmocka_unit_test(ill_formed_sequences_are_invalid),
        cmocka_unit_test(a_sequence_cut_short_is_one_invalid_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
