/* The cache: pages handed out by need and counted, and numbers that come back. */
#include "infer/kv.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { LAYERS = 2, HEADS = 3, KEY = 40, VALUE = 24, PAGES = 8, LONGEST = 96 };

static float room[3 * 64];

struct cache {
    struct kv kv;
    struct arena arena;
    uint32_t page[4][PAGES];
    struct kv_sequence sequence[4];
};

static void cache_open(struct cache *c, enum infer_kv type)
{
    struct arena counter = {0};

    *c = (struct cache){.kv = {.ops = ops_for(INFER_ISA_SCALAR),
                               .type = type,
                               .layers = LAYERS,
                               .heads = HEADS,
                               .key_size = KEY,
                               .value_size = VALUE}};
    kv_lay(&c->kv, &counter, PAGES, LONGEST);
    c->arena.base = aligned_alloc(64, counter.used);
    assert_non_null(c->arena.base);
    kv_lay(&c->kv, &c->arena, PAGES, LONGEST);
    assert_int_equal(c->arena.used, counter.used);
    assert_true(kv_room(&c->kv) <= sizeof room / sizeof *room);
    kv_reset(&c->kv);
    for (size_t i = 0; i < 4; i++)
        c->sequence[i].page = c->page[i];
}

static void cache_close(struct cache *c)
{
    free(c->arena.base);
}

/* A number that is another for each place. */
static float number_at(uint32_t layer, uint32_t head, uint32_t token, uint32_t i)
{
    return (float)((layer * 31 + head * 17 + token * 7 + i * 3) % 101) / 16 - 3;
}

static void store(const struct cache *c, const struct kv_sequence *s, uint32_t layer,
                  uint32_t head, uint32_t token, float add)
{
    float key[KEY], value[VALUE];

    for (uint32_t i = 0; i < KEY; i++)
        key[i] = number_at(layer, head, token, i) + add;
    for (uint32_t i = 0; i < VALUE; i++)
        value[i] = -number_at(layer, head, token, i) - add;
    kv_store(&c->kv, s, layer, head, token, key, value, room);
}

static void check(const struct cache *c, const struct kv_sequence *s, uint32_t layer,
                  uint32_t head, uint32_t token, float add, float within)
{
    static float keys[KEY * 16], values[VALUE * 16];
    const uint32_t at = token % KV_PAGE_TOKENS;

    kv_load(&c->kv, s, layer, head, token / KV_PAGE_TOKENS, keys, values);
    for (uint32_t i = 0; i < KEY; i++)
        assert_true(fabsf(keys[i * 16 + at] - number_at(layer, head, token, i) - add) <=
                    within);
    for (uint32_t i = 0; i < VALUE; i++)
        assert_true(fabsf(values[at * VALUE + i] + number_at(layer, head, token, i) +
                          add) <= within);
}

/* ---- numbers ------------------------------------------------------------------ */

/* Halves have 11 bits, bytes 127 steps to the largest of a block. */
static void every_place_keeps_its_own_numbers(void **state)
{
    static const float within[] = {[INFER_KV_F32] = 0,
                                   [INFER_KV_F16] = 0x1p-10f,
                                   [INFER_KV_Q8] = 4.0f / 127 / 2 + 1e-6f};

    (void)state;
    for (int type = INFER_KV_F16; type <= INFER_KV_Q8; type++) {
        struct cache c;
        cache_open(&c, (enum infer_kv)type);
        assert_true(kv_reserve(&c.kv, &c.sequence[0], 40));
        for (uint32_t at = 0; at < LAYERS * HEADS * 40; at++)
            store(&c, &c.sequence[0], at / 40 / HEADS, at / 40 % HEADS, at % 40, 0);
        for (uint32_t at = 0; at < LAYERS * HEADS * 40; at++)
            check(&c, &c.sequence[0], at / 40 / HEADS, at / 40 % HEADS, at % 40, 0,
                  within[type]);
        cache_close(&c);
    }
}

static void halves_saturate(void **state)
{
    static float keys[KEY * 16], values[VALUE * 16];
    float key[KEY] = {1e9f, -1e9f, 65504, -65505}, value[VALUE] = {INFINITY};
    struct cache c;

    (void)state;
    cache_open(&c, INFER_KV_F16);
    kv_reserve(&c.kv, &c.sequence[0], 1);
    kv_store(&c.kv, &c.sequence[0], 0, 0, 0, key, value, room);
    kv_load(&c.kv, &c.sequence[0], 0, 0, 0, keys, values);
    assert_true(keys[0] == 65504 && keys[16] == -65504);
    assert_true(keys[32] == 65504 && keys[48] == -65504);
    assert_true(values[0] == 65504 && values[1] == 0);
    cache_close(&c);
}

/* The scale of a block of 32 dimensions must not reach into the next one. */
static void bytes_have_a_scale_for_32_dimensions(void **state)
{
    static float keys[KEY * 16], values[VALUE * 16];
    float key[KEY] = {0}, value[VALUE] = {0};
    struct cache c;

    (void)state;
    for (size_t i = 0; i < KEY; i++)
        key[i] = i < 32 ? 1000 : 0.001f;
    cache_open(&c, INFER_KV_Q8);
    kv_reserve(&c.kv, &c.sequence[0], 16);
    kv_store(&c.kv, &c.sequence[0], 1, 2, 15, key, value, room);
    kv_load(&c.kv, &c.sequence[0], 1, 2, 0, keys, values);
    for (size_t i = 0; i < KEY; i++)
        assert_true(fabsf(keys[i * 16 + 15] / key[i] - 1) < 1e-6f);
    for (size_t i = 0; i < VALUE; i++)
        assert_true(values[15 * VALUE + i] == 0);
    cache_close(&c);
}

static void smaller_numbers_take_less_memory(void **state)
{
    struct cache f32, f16, q8;

    (void)state;
    cache_open(&f32, INFER_KV_F32);
    cache_open(&f16, INFER_KV_F16);
    cache_open(&q8, INFER_KV_Q8);
    assert_int_equal(f32.kv.page_bytes, LAYERS * HEADS * 16 * (KEY + VALUE) * 4);
    assert_int_equal(f16.kv.page_bytes, f32.kv.page_bytes / 2);
    assert_int_equal(q8.kv.page_bytes, LAYERS * HEADS * 16 * (64 + 32 + (2 + 1) * 4));
    cache_close(&f32);
    cache_close(&f16);
    cache_close(&q8);
}

/* ---- pages -------------------------------------------------------------------- */

static void a_page_holds_16_tokens(void **state)
{
    (void)state;
    assert_int_equal(kv_pages_for(0), 0);
    assert_int_equal(kv_pages_for(1), 1);
    assert_int_equal(kv_pages_for(16), 1);
    assert_int_equal(kv_pages_for(17), 2);
    assert_int_equal(kv_pages_for(UINT32_MAX), 1u << 28);
}

static void pages_are_handed_out_by_need(void **state)
{
    struct cache c;

    (void)state;
    cache_open(&c, INFER_KV_F16);
    assert_int_equal(c.kv.free_count, PAGES);
    assert_true(kv_reserve(&c.kv, &c.sequence[0], 17));
    assert_int_equal(c.kv.free_count, PAGES - 2);
    assert_true(kv_reserve(&c.kv, &c.sequence[0], 32));
    assert_true(kv_reserve(&c.kv, &c.sequence[0], 1));
    assert_int_equal(c.kv.free_count, PAGES - 2);
    assert_true(kv_reserve(&c.kv, &c.sequence[0], 33));
    assert_int_equal(c.sequence[0].pages, 3);
    kv_shrink(&c.kv, &c.sequence[0]);
    assert_int_equal(c.sequence[0].pages, 2);
    kv_release(&c.kv, &c.sequence[0]);
    assert_int_equal(c.kv.free_count, PAGES);
    assert_int_equal(c.sequence[0].pages, 0);
    cache_close(&c);
}

static void when_pages_are_out_nothing_has_changed(void **state)
{
    struct cache c;

    (void)state;
    cache_open(&c, INFER_KV_F16);
    assert_true(kv_reserve(&c.kv, &c.sequence[0], LONGEST)); /* 6 pages */
    assert_false(kv_reserve(&c.kv, &c.sequence[0], LONGEST + 1));
    assert_int_equal(c.kv.free_count, 2);
    assert_true(kv_reserve(&c.kv, &c.sequence[1], 16));
    assert_false(kv_reserve(&c.kv, &c.sequence[1], 33));
    assert_int_equal(c.sequence[1].pages, 1);
    assert_int_equal(c.kv.free_count, 1);
    assert_true(kv_reserve(&c.kv, &c.sequence[1], 32));
    assert_false(kv_fork(&c.kv, &c.sequence[2], &c.sequence[0], 20));
    assert_int_equal(c.sequence[2].pages, 0);
    assert_true(kv_fork(&c.kv, &c.sequence[2], &c.sequence[0], 32));
    cache_close(&c);
}

static void no_page_belongs_to_two(void **state)
{
    bool seen[PAGES] = {false};
    struct cache c;

    (void)state;
    cache_open(&c, INFER_KV_F16);
    kv_reserve(&c.kv, &c.sequence[0], 40);
    kv_reserve(&c.kv, &c.sequence[1], 30);
    kv_release(&c.kv, &c.sequence[0]);
    kv_reserve(&c.kv, &c.sequence[2], 50);
    kv_reserve(&c.kv, &c.sequence[3], 30);
    assert_int_equal(c.kv.free_count, 0);
    for (size_t s = 1; s < 4; s++)
        for (uint32_t i = 0; i < c.sequence[s].pages; i++) {
            assert_true(c.page[s][i] < PAGES && !seen[c.page[s][i]]);
            seen[c.page[s][i]] = true;
        }
    cache_close(&c);
}

/* ---- sharing ------------------------------------------------------------------ */

static void a_fork_shares_whole_pages_and_copies_the_last(void **state)
{
    struct cache c;

    (void)state;
    cache_open(&c, INFER_KV_F32);
    kv_reserve(&c.kv, &c.sequence[0], 40);
    for (uint32_t t = 0; t < 40; t++)
        store(&c, &c.sequence[0], 1, 1, t, 0);
    assert_true(kv_fork(&c.kv, &c.sequence[1], &c.sequence[0], 37));
    assert_int_equal(c.sequence[1].tokens, 37);
    assert_int_equal(c.kv.free_count, PAGES - 4);
    assert_int_equal(c.page[1][0], c.page[0][0]);
    assert_int_equal(c.page[1][1], c.page[0][1]);
    assert_int_not_equal(c.page[1][2], c.page[0][2]);
    store(&c, &c.sequence[1], 1, 1, 37, 100);
    for (uint32_t t = 0; t < 37; t++)
        check(&c, &c.sequence[1], 1, 1, t, 0, 0);
    check(&c, &c.sequence[1], 1, 1, 37, 100, 0);
    check(&c, &c.sequence[0], 1, 1, 37, 0, 0);
    cache_close(&c);
}

static void a_shared_page_comes_back_when_the_last_lets_go(void **state)
{
    struct cache c;

    (void)state;
    cache_open(&c, INFER_KV_F16);
    kv_reserve(&c.kv, &c.sequence[0], 32);
    kv_fork(&c.kv, &c.sequence[1], &c.sequence[0], 32);
    kv_fork(&c.kv, &c.sequence[2], &c.sequence[1], 16);
    assert_int_equal(c.kv.free_count, PAGES - 2);
    kv_release(&c.kv, &c.sequence[0]);
    assert_int_equal(c.kv.free_count, PAGES - 2);
    kv_release(&c.kv, &c.sequence[1]);
    assert_int_equal(c.kv.free_count, PAGES - 1);
    kv_release(&c.kv, &c.sequence[2]);
    assert_int_equal(c.kv.free_count, PAGES);
    cache_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_keeps_its_own_numbers),
        cmocka_unit_test(halves_saturate),
        cmocka_unit_test(bytes_have_a_scale_for_32_dimensions),
        cmocka_unit_test(smaller_numbers_take_less_memory),
        cmocka_unit_test(a_page_holds_16_tokens),
        cmocka_unit_test(pages_are_handed_out_by_need),
        cmocka_unit_test(when_pages_are_out_nothing_has_changed),
        cmocka_unit_test(no_page_belongs_to_two),
        cmocka_unit_test(a_fork_shares_whole_pages_and_copies_the_last),
        cmocka_unit_test(a_shared_page_comes_back_when_the_last_lets_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
