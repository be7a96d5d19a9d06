/* Keys keep their numbers, whatever they are and in whatever order they come. */
#include "tests/pipeline/ground.h"

static int32_t key(struct lexicon *lexicon, const char *text)
{
    return lexicon_key(lexicon, text, strlen(text));
}

static void keys_are_numbered_as_they_come(void **state)
{
    struct lexicon lexicon = {0};
    (void)state;
    assert_int_equal(key(&lexicon, "buyer"), 0);
    assert_int_equal(key(&lexicon, "seller"), 1);
    assert_int_equal(key(&lexicon, "buyer"), 0);
    assert_int_equal(key(&lexicon, ""), 2);
    assert_int_equal(key(&lexicon, ""), 2);
    assert_string_equal(lexicon_text(&lexicon, 1), "seller");
    lexicon_free(&lexicon);
}

static void a_key_may_begin_another(void **state)
{
    struct lexicon lexicon = {0};
    (void)state;
    assert_int_equal(key(&lexicon, "abc"), 0);
    assert_int_equal(key(&lexicon, "ab"), 1);
    assert_int_equal(key(&lexicon, "abcd"), 2);
    assert_int_equal(key(&lexicon, "a"), 3);
    assert_int_equal(key(&lexicon, "ab"), 1);
    assert_int_equal(key(&lexicon, "abcd"), 2);
    assert_int_equal(key(&lexicon, "abc"), 0);
    lexicon_free(&lexicon);
}

/* Beside a plain list of 4,000 random keys. */
static void many_keys_are_found_again(void **state)
{
    enum { KEYS = 4000 };
    static char text[KEYS][KEY_BYTES_MAX + 1];
    struct lexicon lexicon = {0};
    uint64_t seed = 3;
    (void)state;
    for (size_t i = 0; i < KEYS; i++) {
        snprintf(text[i], sizeof(text[i]), "%x", sample_random(&seed) % 20000);
        int32_t wanted = -1;
        for (size_t j = 0; j < i && wanted < 0; j++)
            if (strcmp(text[j], text[i]) == 0)
                wanted = key(&lexicon, text[j]);
        size_t count = lexicon.count;
        int32_t got = key(&lexicon, text[i]);
        assert_int_equal(got, wanted < 0 ? (int32_t)count : wanted);
        assert_string_equal(lexicon_text(&lexicon, got), text[i]);
    }
    lexicon_free(&lexicon);
}

static void the_longest_key_is_one_of_all_bytes(void **state)
{
    struct lexicon lexicon = {0};
    char text[KEY_BYTES_MAX + 1];
    (void)state;
    memset(text, 0xff, KEY_BYTES_MAX);
    text[KEY_BYTES_MAX] = '\0';
    assert_int_equal(lexicon_key(&lexicon, text, KEY_BYTES_MAX), 0);
    assert_int_equal(lexicon_key(&lexicon, text, KEY_BYTES_MAX - 1), 1);
    assert_int_equal(lexicon_key(&lexicon, text, KEY_BYTES_MAX), 0);
    lexicon_free(&lexicon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_numbered_as_they_come),
        cmocka_unit_test(a_key_may_begin_another),
        cmocka_unit_test(many_keys_are_found_again),
        cmocka_unit_test(the_longest_key_is_one_of_all_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
