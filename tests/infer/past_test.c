/* What rows of a sequence see of the cache: its pages in order, from the window on;
 * and of a tree each node its own way, as if the sequence had never branched. */
#include "infer/past.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { KEY = 8, VALUE = 4, CONTEXT = 128, HEADS = 2, PAGES = 16 };

struct scene {
    struct kv kv;
    struct kv_sequence sequence;
    uint32_t page[PAGES];
    struct past past;
    void *memory;
};

static struct scene scene_open(void)
{
    struct scene s = {.kv = {.ops = ops_for(INFER_ISA_SCALAR),
                             .type = INFER_KV_F32,
                             .layers = 1,
                             .heads = HEADS,
                             .key_size = KEY,
                             .value_size = VALUE}};
    struct arena counter = {0}, arena = {0};

    kv_lay(&s.kv, &counter, PAGES, CONTEXT);
    s.memory = arena.base = aligned_alloc(64, counter.used);
    assert_non_null(s.memory);
    kv_lay(&s.kv, &arena, PAGES, CONTEXT);
    kv_reset(&s.kv);
    s.past.head = 1;
    s.past.keys = calloc(past_tokens(CONTEXT) * KEY, sizeof(float));
    s.past.values = calloc(past_tokens(CONTEXT) * VALUE, sizeof(float));
    assert_true(s.past.keys != NULL && s.past.values != NULL);
    return s;
}

/* Tokens 0 to count, each with its own numbers, in pages that lie anywhere. */
static void fill(struct scene *s, uint32_t count)
{
    static uint32_t other_page[PAGES];
    struct kv_sequence other = {.page = other_page};
    float room[3 * 32], key[KEY], value[VALUE];

    s->sequence.page = s->page;
    s->past.kv = &s->kv;
    for (uint32_t t = 0; t < count; t++) {
        if (t % 40 == 0) /* so that its pages do not follow each other */
            assert_true(kv_reserve(&s->kv, &other, t / 40 * 16));
        assert_true(kv_reserve(&s->kv, &s->sequence, t + 1));
        for (uint32_t i = 0; i < KEY; i++)
            key[i] = (float)(100 * t + i);
        for (uint32_t i = 0; i < VALUE; i++)
            value[i] = -(float)(100 * t + i);
        kv_store(&s->kv, &s->sequence, 0, 1, t, key, value, room);
    }
    kv_release(&s->kv, &other);
}

static void scene_close(struct scene *s)
{
    free(s->past.keys);
    free(s->past.values);
    free(s->memory);
}

/* At place of what was laid out stands this token. */
static void stands(const struct scene *s, size_t place, uint32_t token)
{
    const float *page = s->past.keys + place / 16 * 16 * KEY + place % 16;

    for (uint32_t i = 0; i < KEY; i++)
        if (page[i * 16] != (float)(100 * token + i))
            fail_msg("place %zu holds %g, wanted token %u", place,
                     (double)page[i * 16] / 100, token);
    for (uint32_t i = 0; i < VALUE; i++)
        assert_true(s->past.values[place * VALUE + i] == -(float)(100 * token + i));
}

static void a_plain_sequence_is_its_pages_in_order(void **state)
{
    struct scene s = scene_open();
    const struct pass_piece piece = {.kv = &s.sequence, .first = 60, .count = 10};

    (void)state;
    fill(&s, 70);
    assert_int_equal(past_load(&s.past, &piece, 60, 10), 0);
    for (uint32_t t = 0; t < 70; t++)
        stands(&s, t, t);
    scene_close(&s);
}

static void loading_begins_with_the_page_of_the_window(void **state)
{
    static const struct {
        uint32_t window, position, first;
    } cases[] = {
        {10, 9, 0},  {10, 10, 0}, {10, 24, 0}, {10, 25, 16}, {10, 69, 48},
        {70, 69, 0}, {69, 69, 0}, {1, 64, 64}, {1, 63, 48},  {100, 69, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene s = scene_open();
        const struct pass_piece piece = {
            .kv = &s.sequence, .first = cases[i].position, .count = 1};
        fill(&s, 70);
        s.past.window = cases[i].window;
        assert_int_equal(past_load(&s.past, &piece, cases[i].position, 1),
                         cases[i].first);
        for (uint32_t t = cases[i].first; t <= cases[i].position; t++)
            stands(&s, t - cases[i].first, t);
        scene_close(&s);
    }
}

/* Node i of the tree is kept as token prompt + i. */
static void check_ways(uint32_t prompt)
{
    static const int32_t parent[] = {-1, 0, 0, 2, -1, 4, 3, 6, 7};
    const uint32_t nodes = sizeof parent / sizeof *parent;
    struct scene s = scene_open();
    const struct pass_piece piece = {
        .kv = &s.sequence, .parent = parent, .count = nodes, .position = prompt};

    fill(&s, prompt + nodes);
    assert_int_equal(past_load(&s.past, &piece, prompt, nodes), 0);
    for (uint32_t node = nodes; node-- > 0;) {
        uint32_t depth = 0;
        past_follow(&s.past, &piece, node);
        for (int32_t up = parent[node]; up >= 0; up = parent[up])
            depth++;
        for (uint32_t t = 0; t < prompt; t++)
            stands(&s, t, t);
        for (int32_t up = (int32_t)node; up >= 0; up = parent[up], depth--)
            stands(&s, prompt + depth, prompt + (uint32_t)up);
    }
    scene_close(&s);
}

static void a_node_stands_as_if_there_were_no_other(void **state)
{
    static const uint32_t prompts[] = {1, 15, 16, 17, 30, 31, 32, 47, 100};

    (void)state;
    for (size_t i = 0; i < sizeof prompts / sizeof *prompts; i++)
        check_ways(prompts[i]);
}

/* A piece of a tree that begins further on sees the nodes before it too. */
static void a_later_piece_of_a_tree_sees_the_earlier_one(void **state)
{
    static const int32_t parent[] = {-1, 0, 1, 2, 3};
    struct scene s = scene_open();
    const struct pass_piece piece = {
        .kv = &s.sequence, .parent = parent, .first = 3, .count = 2, .position = 20};

    (void)state;
    fill(&s, 25);
    past_load(&s.past, &piece, 23, 2);
    past_follow(&s.past, &piece, 1);
    for (uint32_t t = 0; t < 25; t++)
        stands(&s, t, t);
    scene_close(&s);
}

static void there_is_room_for_the_deepest_way(void **state)
{
    static int32_t parent[GENERATOR_TREE_DEPTH];
    struct scene s = scene_open();
    const struct pass_piece piece = {.kv = &s.sequence,
                                     .parent = parent,
                                     .count = GENERATOR_TREE_DEPTH,
                                     .position = 15};

    (void)state;
    for (int32_t i = 0; i < GENERATOR_TREE_DEPTH; i++)
        parent[i] = i - 1;
    fill(&s, 15 + GENERATOR_TREE_DEPTH);
    past_load(&s.past, &piece, 15, GENERATOR_TREE_DEPTH);
    past_follow(&s.past, &piece, GENERATOR_TREE_DEPTH - 1);
    for (uint32_t t = 0; t < 15 + GENERATOR_TREE_DEPTH; t++)
        stands(&s, t, t);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_sequence_is_its_pages_in_order),
        cmocka_unit_test(loading_begins_with_the_page_of_the_window),
        cmocka_unit_test(a_node_stands_as_if_there_were_no_other),
        cmocka_unit_test(a_later_piece_of_a_tree_sees_the_earlier_one),
        cmocka_unit_test(there_is_room_for_the_deepest_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
