/* Merging by a heap gives what the definition gives: look at all pairs, join the
 * best, leftmost first, begin again. */
#include "infer/merge.h"
#include "infer/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { IDS = 40, WORD_MAX = 60, ROUNDS = 3000 };

struct rules { /* rank of a pair, -1: does not join; and what it joins to */
    int rank[IDS][IDS], id[IDS][IDS];
};

static uint64_t state = 0x9e3779b97f4a7c15ull;

static unsigned draw(unsigned below)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (unsigned)((state * 0x2545f4914f6cdd1dull) >> 33) % below;
}

static bool find(const void *context, const char *text, const struct merge_symbol *left,
                 const struct merge_symbol *right, uint32_t *rank, int32_t *id)
{
    const struct rules *rules = context;

    (void)text;
    if (left->id < 0 || right->id < 0 || rules->rank[left->id][right->id] < 0)
        return false;
    *rank = (uint32_t)rules->rank[left->id][right->id];
    *id = rules->id[left->id][right->id];
    return true;
}

static size_t merge_by_definition(const struct rules *rules, int *word, size_t count)
{
    for (;;) {
        size_t best = count;
        int rank = 0;

        for (size_t i = 0; i + 1 < count; i++) {
            int this =
                word[i] < 0 || word[i + 1] < 0 ? -1 : rules->rank[word[i]][word[i + 1]];

            if (this >= 0 && (best == count || this < rank)) {
                best = i;
                rank = this;
            }
        }
        if (best == count)
            return count;
        word[best] = rules->id[word[best]][word[best + 1]];
        memmove(word + best + 1, word + best + 2, (count - best - 2) * sizeof *word);
        count--;
    }
}

static void make_rules(struct rules *rules)
{
    for (int i = 0; i < IDS; i++)
        for (int j = 0; j < IDS; j++) {
            rules->rank[i][j] = draw(3) == 0 ? (int)draw(20) : -1;
            rules->id[i][j] = (int)draw(IDS);
        }
}

static void the_heap_agrees_with_the_definition(void **unused)
{
    struct rules *rules = malloc(sizeof *rules);
    struct merger merger = {0};

    (void)unused;
    for (int round = 0; round < ROUNDS; round++) {
        int word[WORD_MAX];
        size_t count = 1 + draw(WORD_MAX - 1), left;
        unsigned letters = 1 + draw(6);
        uint32_t at = 0;

        if (round % 50 == 0)
            make_rules(rules);
        assert_int_equal(merger_begin(&merger, count), 0);
        for (size_t i = 0; i < count; i++) {
            word[i] = (int)draw(letters) - (draw(30) == 0);
            merger_add(&merger, i, 1, word[i]);
        }
        left = merge_by_definition(rules, word, count);
        merger_run(&merger, find, rules, NULL);
        for (size_t i = 0; i < left; i++, at = merger.symbol[at].next) {
            assert_int_not_equal(at, MERGE_NONE);
            assert_int_equal(merger.symbol[at].id, word[i]);
        }
        assert_int_equal(at, MERGE_NONE);
    }
    merger_free(&merger);
    free(rules);
}

static void a_symbol_keeps_its_place_in_the_text(void **unused)
{
    struct rules *rules = malloc(sizeof *rules);
    struct merger merger = {0};

    (void)unused;
    memset(rules->rank, 0xff, sizeof rules->rank);
    rules->rank[1][2] = 0;
    rules->id[1][2] = 3;
    assert_int_equal(merger_begin(&merger, 3), 0);
    merger_add(&merger, 0, 2, 0);
    merger_add(&merger, 2, 3, 1);
    merger_add(&merger, 5, 4, 2);
    merger_run(&merger, find, rules, NULL);
    assert_int_equal(merger.symbol[0].next, 1);
    assert_int_equal(merger.symbol[1].start, 2);
    assert_int_equal(merger.symbol[1].bytes, 7);
    assert_int_equal(merger.symbol[1].id, 3);
    assert_int_equal(merger.symbol[1].next, MERGE_NONE);
    merger_free(&merger);
    free(rules);
}

static void memory_serves_longer_and_shorter_words(void **unused)
{
    struct merger merger = {0};

    (void)unused;
    for (size_t count = 1; count < 100000; count = count * 7 % 99991 + count / 3) {
        assert_int_equal(merger_begin(&merger, count), 0);
        for (size_t i = 0; i < count; i++)
            merger_add(&merger, i, 1, -1);
        assert_int_equal(merger.symbol_count, count);
        if (count > 50000)
            break;
    }
    merger_free(&merger);
    assert_null(merger.symbol);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_heap_agrees_with_the_definition),
        cmocka_unit_test(a_symbol_keeps_its_place_in_the_text),
        cmocka_unit_test(memory_serves_longer_and_shorter_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
