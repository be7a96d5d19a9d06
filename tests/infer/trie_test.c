/* The longest entry that starts a text, also where entries are hostile. */
#include "infer/trie.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct trie *build(const char *const *text, size_t count)
{
    struct trie_entry *entry = calloc(count + 1, sizeof *entry);
    struct trie *trie;

    for (size_t i = 0; i < count; i++)
        entry[i] = (struct trie_entry){text[i], (uint32_t)strlen(text[i]), (int32_t)i};
    trie = trie_build(entry, count);
    free(entry);
    assert_non_null(trie);
    return trie;
}

static void expect(const struct trie *trie, const char *text, int32_t id, size_t bytes)
{
    size_t matched = 0;

    assert_int_equal(trie_longest(trie, text, strlen(text), &matched), id);
    assert_int_equal(matched, bytes);
}

static void the_longest_entry_wins(void **state)
{
    static const char *const text[] = {"abc", "a", "abcde", "b", "\xff\x80"};
    struct trie *trie = build(text, 5);

    (void)state;
    expect(trie, "abcd", 0, 3);
    expect(trie, "abcdef", 2, 5);
    expect(trie, "ab", 1, 1);
    expect(trie, "b", 3, 1);
    expect(trie, "c", -1, 0);
    expect(trie, "", -1, 0);
    expect(trie, "\xff\x80", 4, 2);
    expect(trie, "\xff", -1, 0);
    trie_free(trie);
}

static void of_equal_entries_the_highest_id_counts(void **state)
{
    static const char *const text[] = {"same", "other", "same"};
    struct trie *trie = build(text, 3);

    (void)state;
    expect(trie, "same", 2, 4);
    trie_free(trie);
}

static void nothing_and_the_empty_text_match_nothing(void **state)
{
    static const char *const text[] = {""};
    struct trie *trie = build(text, 0);

    (void)state;
    expect(trie, "a", -1, 0);
    trie_free(trie);
    trie = build(text, 1);
    expect(trie, "a", -1, 0);
    trie_free(trie);
    trie_free(NULL);
}

/* A search must not read what lies beyond the text, even to find no match. */
static void a_text_ends_where_it_ends(void **state)
{
    static const char *const text[] = {"ab", "abc"};
    struct trie *trie = build(text, 2);
    char *exact = malloc(2);
    size_t matched = 0;

    (void)state;
    memcpy(exact, "ab", 2);
    assert_int_equal(trie_longest(trie, exact, 2, &matched), 0);
    assert_int_equal(matched, 2);
    free(exact);
    trie_free(trie);
}

/* Every entry of a few thousand is found by its own text. */
static void every_entry_is_found(void **state)
{
    enum { COUNT = 5000 };
    static char text[COUNT][16];
    static const char *list[COUNT];
    struct trie *trie;
    uint32_t seed = 1;

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        seed = seed * 1664525 + 1013904223;
        snprintf(text[i], sizeof text[i], "%x", seed >> (seed % 20));
        list[i] = text[i];
    }
    trie = build(list, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        size_t matched = 0;
        int32_t id = trie_longest(trie, text[i], strlen(text[i]), &matched);

        assert_true(id >= (int32_t)i);
        assert_string_equal(text[id], text[i]);
        assert_int_equal(matched, strlen(text[i]));
    }
    trie_free(trie);
}

static void steps_name_every_entry_on_the_way(void **state)
{
    static const char *const text[] = {"a", "abc", "abcd", "b"};
    struct trie *trie = build(text, 4);
    uint32_t node = 0;

    (void)state;
    assert_int_equal(trie_step(trie, &node, 'a'), 0);
    assert_int_equal(trie_step(trie, &node, 'b'), -1);
    assert_int_not_equal(node, 0);
    assert_int_equal(trie_step(trie, &node, 'c'), 1);
    assert_int_equal(trie_step(trie, &node, 'd'), 2);
    assert_int_equal(trie_step(trie, &node, 'e'), -1);
    assert_int_equal(node, 0);
    assert_int_equal(trie_step(trie, &node, 'c'), -1);
    assert_int_equal(node, 0);
    trie_free(trie);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_entry_wins),
        cmocka_unit_test(of_equal_entries_the_highest_id_counts),
        cmocka_unit_test(nothing_and_the_empty_text_match_nothing),
        cmocka_unit_test(a_text_ends_where_it_ends),
        cmocka_unit_test(every_entry_is_found),
        cmocka_unit_test(steps_name_every_entry_on_the_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
