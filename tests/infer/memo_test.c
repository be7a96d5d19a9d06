/* What is kept comes back as it was; what is not kept does not come back. */
#include "infer/memo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static int32_t room[16];

static bool find(const struct memo *memo, const char *word, struct infer_tokens *out)
{
    *out = (struct infer_tokens){room, 0, 16};
    return memo_find(memo, word, strlen(word), out);
}

static void a_word_comes_back_with_its_ids(void **state)
{
    static const int32_t id[] = {7, 0, 99999, 3};
    struct memo *memo = memo_open(MEMO_TEXT_BYTES_MIN);
    struct infer_tokens out;

    (void)state;
    assert_non_null(memo);
    assert_false(find(memo, "word", &out));
    memo_keep(memo, "word", 4, id, 4);
    memo_keep(memo, "wore", 4, id, 0);
    assert_true(find(memo, "word", &out));
    assert_int_equal(out.count, 4);
    assert_memory_equal(out.id, id, sizeof id);
    assert_true(find(memo, "wore", &out)); /* a word may have no ids */
    assert_int_equal(out.count, 0);
    assert_false(find(memo, "wor", &out));
    assert_false(find(memo, "words", &out));
    memo_close(memo);
}

/* Far more words than places: each one found is the right one. */
static void a_word_never_has_the_ids_of_another(void **state)
{
    struct memo *memo = memo_open(1 << 20);
    struct infer_tokens out;
    size_t found = 0;
    char word[16];

    (void)state;
    for (int32_t i = 0; i < 50000; i++) {
        snprintf(word, sizeof word, "%x", (unsigned)i);
        memo_keep(memo, word, strlen(word), &i, 1);
    }
    for (int32_t i = 0; i < 50000; i++) {
        snprintf(word, sizeof word, "%x", (unsigned)i);
        if (!find(memo, word, &out))
            continue;
        assert_int_equal(out.count, 1);
        assert_int_equal(out.id[0], i);
        found++;
    }
    assert_true(found > 3000 && found <= 4096);
    memo_close(memo);
}

static void long_words_and_short_texts_have_none(void **state)
{
    static const int32_t id[] = {1, 2, 3, 4, 5};
    struct memo *memo = memo_open(MEMO_TEXT_BYTES_MIN);
    struct infer_tokens out;

    (void)state;
    memo_keep(memo, "fourteen bytes", 14, id, 1);
    memo_keep(memo, "fifteen  bytes.", 15, id, 1);
    memo_keep(memo, "five", 4, id, 5);
    assert_true(find(memo, "fourteen bytes", &out));
    assert_false(find(memo, "fifteen  bytes.", &out));
    assert_false(find(memo, "five", &out));
    memo_close(memo);
    memo = memo_open(MEMO_TEXT_BYTES_MIN - 1);
    assert_null(memo);
    memo_keep(memo, "a", 1, id, 1);
    assert_false(find(memo, "a", &out));
    memo_close(memo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_comes_back_with_its_ids),
        cmocka_unit_test(a_word_never_has_the_ids_of_another),
        cmocka_unit_test(long_words_and_short_texts_have_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
