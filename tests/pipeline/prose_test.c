/* Which sentences are fit to be quoted. */
#include "tests/pipeline/work.h"

static struct encoder encoder;

static int setup(void **state)
{
    (void)state;
    encoder = encoder_open();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    encoder_close(&encoder);
    return 0;
}

/* What the two rules say about text as one sentence. */
static void judge(const char *words, bool *speaks, bool *prose)
{
    struct sample s = {0};
    sample_page(&s, words);
    struct work *work = sample_work(&s, &encoder, ENCODER_CONTEXT);
    if (work->text->sentence_count != 1)
        fail_msg("%zu sentences in \"%s\"", work->text->sentence_count, words);
    *speaks = work_speaks(work, 0);
    *prose = work_is_prose(work, 0);
    sample_work_free(work);
    sample_free(&s);
}

static void whole_sentences_are_prose(void **state)
{
    static const char *const words[] = {
        PROSE_A,
        "\n" PROSE_B "\n",
        "(The party shall deliver the goods to the buyer within a few days.)",
        "\xe2\x80\x9cThe party shall deliver the goods to the buyer in time.\xe2\x80\x9d",
        "Does the party of the other part deliver the goods to the buyer?",
        "The parties agree that the supplier shall bear the following costs:",
    };
    bool speaks, prose;
    (void)state;
    for (size_t i = 0; i < COUNT(words); i++) {
        judge(words[i], &speaks, &prose);
        if (!speaks || !prose)
            fail_msg("\"%s\" is no prose", words[i]);
    }
}

static void furniture_is_not_prose(void **state)
{
    static const char *const words[] = {
        "Governing Law.", /* too short */
        "The party of the first part shall deliver the goods to the buyer", /* no end */
        "and the party shall deliver the goods to the buyer within thirty days.",
        "THE PARTY SHALL DELIVER THE GOODS TO THE BUYER WITHIN THIRTY DAYS.",
        "The 12, 34, 56, 78, 90, 12, 34, 56, 78, 90, 12, 34, 56, 78, 90, 12.",
        "The party shall sign on the line here ________ and deliver the goods.",
        "The supply of goods by the supplier to the buyer . . . . . . .",
    };
    bool speaks, prose;
    (void)state;
    for (size_t i = 0; i < COUNT(words); i++) {
        judge(words[i], &speaks, &prose);
        if (prose)
            fail_msg("\"%s\" is taken for prose", words[i]);
    }
}

static void a_sentence_that_never_ends_is_not_prose(void **state)
{
    char words[1000] = "The party";
    bool speaks, prose;
    (void)state;
    for (int i = 0; i < 58; i++)
        strcat(words, " shall deliver");
    strcpy(words + strlen(words), ".\n"); /* 119 tokens: still prose */
    judge(words, &speaks, &prose);
    assert_true(prose);
    strcpy(words + strlen(words) - 2, " to it.\n"); /* 121 */
    judge(words, &speaks, &prose);
    assert_true(speaks);
    assert_false(prose);
}

static void a_heading_speaks_and_a_line_of_dots_does_not(void **state)
{
    bool speaks, prose;
    (void)state;
    judge("Supply Agreement\n", &speaks, &prose);
    assert_true(speaks);
    judge("12\n", &speaks, &prose);
    assert_false(speaks);
    judge("Definitions . . . .\n", &speaks, &prose);
    assert_false(speaks);
    judge("____________ SERVICE AGREEMENT\n", &speaks, &prose);
    assert_true(speaks);                      /* a title with a place to fill in */
    judge("\xe6\x97\xa5\n", &speaks, &prose); /* a letter of another script */
    assert_true(speaks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_sentences_are_prose),
        cmocka_unit_test(furniture_is_not_prose),
        cmocka_unit_test(a_sentence_that_never_ends_is_not_prose),
        cmocka_unit_test(a_heading_speaks_and_a_line_of_dots_does_not),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
