/* From the words of a claim to the few sentences that hold most of them. */
#include "tests/pipeline/ground.h"

struct indexed {
    struct ground_source source;
    struct lexicon lexicon;
    struct index index;
    struct words claim;
    struct window window[WINDOWS_MAX];
    size_t count;
};

static void open_on(struct indexed *all, const char *words)
{
    *all = (struct indexed){.count = 0};
    source_open(&all->source, words);
    assert_true(index_build(&all->index, &all->lexicon, all->source.text));
}

static void look_for(struct indexed *all, const char *claim, size_t first, size_t end)
{
    words_clear(&all->claim);
    assert_true(words_read(&all->claim, &all->lexicon, claim, strlen(claim), 0));
    all->count = index_windows(&all->index, &all->claim, first, end, all->window);
}

static void close_all(struct indexed *all)
{
    words_free(&all->claim);
    index_free(&all->index);
    lexicon_free(&all->lexicon);
    source_close(&all->source);
}

static const char colors[] = "Red paint dries.\n"
                             "Green paint and blue paint dry.\n"
                             "Nothing here.\n"
                             "Yellow chalk of 1990.\n"
                             "Purple ink.\n"
                             "Orange ink.\n"
                             "Green chalk.\n";

static void the_best_window_holds_most_words(void **state)
{
    struct indexed all;
    (void)state;
    open_on(&all, colors);
    look_for(&all, "green and blue paint", 0, 7);
    assert_true(all.count > 0);
    assert_int_equal(all.window[0].first, 1);
    assert_int_equal(all.window[0].end, 2);
    look_for(&all, "purple chalk of 1990", 0, 7);
    assert_int_equal(all.window[0].first, 3);
    look_for(&all, "unheard of things", 0, 7);
    assert_int_equal(all.count, 0);
    close_all(&all);
}

static void a_sentence_more_must_bring_more_than_a_word(void **state)
{
    struct indexed all;
    (void)state;
    open_on(&all, colors);
    look_for(&all, "red paint dries green", 0,
             7); /* "red" is one word of "green" more */
    assert_int_equal(all.window[0].end - all.window[0].first, 1);
    look_for(&all, "red paint dries green blue", 0, 7);
    assert_int_equal(all.window[0].first, 0);
    assert_int_equal(all.window[0].end, 2);
    close_all(&all);
}

static void windows_stay_in_range_chunk_and_length(void **state)
{
    struct indexed all;
    (void)state;
    open_on(&all, colors);
    look_for(&all, "red green blue nothing yellow chalk 1990 purple orange ink", 0, 7);
    for (size_t i = 0; i < all.count; i++)
        assert_in_range(all.window[i].end - all.window[i].first, 1,
                        WINDOW_SENTENCES_MAX);
    assert_int_equal(all.count, WINDOWS_MAX);
    for (size_t i = 1; i < all.count; i++)
        assert_true(all.window[i].score <= all.window[i - 1].score);
    look_for(&all, "green paint", 2, 7);
    for (size_t i = 0; i < all.count; i++)
        assert_in_range(all.window[i].first, 2, 6);
    for (size_t i = 2; i < 7; i++)
        all.source.text->sentence[i].chunk = (uint32_t)i;
    look_for(&all, "yellow purple orange ink", 0, 7);
    for (size_t i = 0; i < all.count; i++)
        assert_int_equal(all.window[i].end - all.window[i].first, 1);
    close_all(&all);
}

/* Every search leaves the scratch as it found it: the answer is the same again. */
static void a_search_leaves_no_trace(void **state)
{
    struct indexed all;
    (void)state;
    open_on(&all, colors);
    look_for(&all, "green chalk and blue paint", 0, 7);
    struct window first = all.window[0];
    size_t count = all.count;
    look_for(&all, "purple orange ink", 0, 7);
    look_for(&all, "green chalk and blue paint", 0, 7);
    assert_int_equal(all.count, count);
    assert_memory_equal(&all.window[0], &first, sizeof(first));
    close_all(&all);
}

static void speakers_are_noted(void **state)
{
    struct indexed all;
    (void)state;
    open_on(&all, "Doctor: Any pain?\nPatient: None.\nDoctor: Good.\nHe left.\n");
    assert_int_equal(all.index.label[0], all.index.label[2]);
    assert_int_not_equal(all.index.label[0], all.index.label[1]);
    assert_int_equal(all.index.label[3], KEY_NONE);
    close_all(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_window_holds_most_words),
        cmocka_unit_test(a_sentence_more_must_bring_more_than_a_word),
        cmocka_unit_test(windows_stay_in_range_chunk_and_length),
        cmocka_unit_test(a_search_leaves_no_trace),
        cmocka_unit_test(speakers_are_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
