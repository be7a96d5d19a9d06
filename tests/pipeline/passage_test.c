/* A document in passages: nothing is lost, and none is longer than it may be. */
#include "tests/pipeline/decoder_sample.h"

#include "pipeline/decoder.h"

static struct encoder encoder;
static struct decoder_sample mind;
static struct policy_sample policy;
static struct pipeline_decoder *decoder;

static int suite_open(void **state)
{
    (void)state;
    encoder = encoder_open();
    mind = decoder_sample_open();
    policy_sample_open(&policy);
    decoder = decoder_of(&mind, &policy.policy);
    return 0;
}

static int suite_close(void **state)
{
    (void)state;
    pipeline_decoder_close(decoder);
    decoder_sample_close(&mind);
    encoder_close(&encoder);
    return 0;
}

/* ---- documents ------------------------------------------------------------------ */

struct document {
    struct sample sample;
    struct work *work;
};

static void document_open(struct document *d, const char *text)
{
    *d = (struct document){0};
    sample_page(&d->sample, text);
    d->work = sample_work(&d->sample, &encoder, 48);
}

static void document_close(struct document *d)
{
    sample_work_free(d->work);
    sample_free(&d->sample);
}

static size_t tokens_of(const char *text, size_t bytes)
{
    struct infer_tokens ids = {0};
    struct infer_error why;
    assert_int_equal(
        infer_tokenize(mind.model, text, bytes, INFER_CONTINUES, &ids, &why), 0);
    size_t count = ids.count;
    infer_tokens_free(&ids);
    return count;
}

static struct passages cut(const struct document *d, uint32_t tokens_max,
                           const bool *commanding)
{
    struct passages out;
    policy.policy.model.passage_tokens_max = tokens_max;
    assert_ok(passages_make(&out, decoder, d->work->text, commanding, true, ERR));
    return out;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t';
}

/* Append what is not white space of text to out. */
static void dense(char **out, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (!is_space(text[i]))
            *(*out)++ = text[i];
}

/* The passages hold the text's words, all and in order, left-out sentences but those.
 */
static void assert_covers(const struct passages *p, const struct document *d,
                          const bool *left_out)
{
    const struct pipeline_text *text = d->work->text;
    char *wanted = calloc(2 * (text->text_bytes + 1), 1), *end = wanted;
    char *got = wanted + text->text_bytes + 1, *got_end = got;
    assert_non_null(wanted);
    for (size_t i = 0; i < text->sentence_count; i++)
        if (!left_out || !left_out[i])
            dense(&end, text->text + text->sentence[i].at, text->sentence[i].bytes);
    for (size_t i = 0; i < p->count; i++)
        dense(&got_end, p->passage[i].text, p->passage[i].bytes);
    *end = *got_end = '\0';
    assert_string_equal(got, wanted);
    free(wanted);
}

static void assert_passages_fit(const struct passages *p, size_t tokens_max)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct passage *one = &p->passage[i];
        assert_true(one->bytes > 0);
        assert_int_equal(strlen(one->text), one->bytes);
        assert_false(is_space(one->text[0]) || is_space(one->text[one->bytes - 1]));
        assert_in_range(tokens_of(one->text, one->bytes), 1, tokens_max);
    }
}

/* The words of a passage are among those of its sentences. */
static void assert_sentences_named(const struct passages *p, const struct document *d)
{
    const struct pipeline_text *text = d->work->text;
    size_t before = 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct passage *one = &p->passage[i];
        assert_true(one->first < one->end && one->end <= text->sentence_count);
        /* a long sentence is in several, and so is a whole that was too long */
        bool same = i > 0 && one->first == p->passage[i - 1].first;
        assert_true(same || one->first + 1 >= before);
        const struct pipeline_sentence *last = &text->sentence[one->end - 1];
        size_t from = text->sentence[one->first].at, end = last->at + last->bytes;
        char *room = calloc(2 * (end - from) + 2 * one->bytes + 2, 1), *to = room;
        dense(&to, text->text + from, end - from);
        char *mine = ++to;
        dense(&to, one->text, one->bytes);
        assert_non_null(strstr(room, mine));
        free(room);
        before = one->end;
    }
}

/* ---- tests ---------------------------------------------------------------------- */

static void whole_sentences_are_put_together_while_they_have_room(void **state)
{
    struct document d;
    (void)state;
    document_open(&d, PROSE_A PROSE_B PROSE_C PROSE_D);
    size_t a = tokens_of(PROSE_A, strlen(PROSE_A)),
           b = tokens_of(PROSE_B, strlen(PROSE_B));
    struct passages p = cut(&d, (uint32_t)(a + b), NULL);
    assert_int_equal(p.passage[0].first, 0);
    assert_int_equal(p.passage[0].end, 2);
    assert_memory_equal(p.passage[0].text, PROSE_A PROSE_B, p.passage[0].bytes);
    passages_free(&p);
    p = cut(&d, (uint32_t)(a + b - 1), NULL);
    assert_int_equal(p.passage[0].end, 1);
    assert_covers(&p, &d, NULL);
    assert_sentences_named(&p, &d);
    passages_free(&p);
    document_close(&d);
}

static void a_sentence_too_long_is_cut_between_characters(void **state)
{
    static const char letters[] = "\xE6\x97\xA5\xC3\xA9\xF0\x9F\x90\xA6z";
    char text[40 * sizeof(letters) + 200];
    struct document d;
    (void)state;
    strcpy(text, PROSE_A);
    for (int i = 0; i < 40; i++)
        strcat(text, letters);
    strcat(text, ". " PROSE_B);
    document_open(&d, text);
    for (uint32_t max = 16; max < 40; max++) {
        struct passages p = cut(&d, max, NULL);
        assert_covers(&p, &d, NULL);
        assert_passages_fit(&p, max);
        assert_sentences_named(&p, &d);
        for (size_t i = 0; i < p.count; i++)
            assert_true(((unsigned char)p.passage[i].text[0] & 0xC0) != 0x80);
        passages_free(&p);
    }
    document_close(&d);
}

static void sentences_that_command_are_left_out(void **state)
{
    struct document d;
    bool commanding[8] = {false, true, false, false};
    (void)state;
    document_open(&d, PROSE_A PROSE_B PROSE_C PROSE_D);
    assert_int_equal(d.work->text->sentence_count, 4);
    struct passages p = cut(&d, 1000, commanding);
    assert_int_equal(p.count, 1);
    assert_string_equal(p.passage[0].text,
                        "The supplier shall deliver the goods to the buyer within "
                        "thirty days. \nEach party may terminate this agreement by "
                        "notice to the other party. This agreement is governed by "
                        "the laws of the state named in it.");
    passages_free(&p);
    memset(commanding, true, sizeof(commanding));
    p = cut(&d, 1000, commanding);
    assert_int_equal(p.count, 0);
    passages_free(&p);
    document_close(&d);
}

static void the_opening_is_the_first_words_alone(void **state)
{
    char text[3000] = "";
    struct passages p;
    struct document d;
    bool commanding[64] = {true};
    (void)state;
    for (int i = 0; i < 20; i++)
        strcat(text, i % 2 ? PROSE_A : PROSE_B);
    document_open(&d, text);
    assert_ok(passages_lead(&p, decoder, d.work->text, NULL, ERR));
    assert_int_equal(p.count, 1);
    assert_int_equal(p.passage[0].first, 0);
    assert_memory_equal(p.passage[0].text, text, p.passage[0].bytes);
    assert_passages_fit(&p, LEAD_TOKENS);
    size_t next = p.passage[0].end;
    assert_true(tokens_of(text, p.passage[0].bytes) +
                    d.work->text->sentence[next].bytes >
                LEAD_TOKENS);
    passages_free(&p);
    assert_ok(passages_lead(&p, decoder, d.work->text, commanding, ERR));
    assert_int_equal(p.passage[0].first, 1);
    passages_free(&p);
    document_close(&d);
}

static void the_opening_of_one_endless_sentence_is_its_beginning(void **state)
{
    char text[2001];
    struct passages p;
    struct document d;
    (void)state;
    memset(text, 'z', 2000);
    text[2000] = '\0';
    document_open(&d, text);
    assert_ok(passages_lead(&p, decoder, d.work->text, NULL, ERR));
    assert_int_equal(p.count, 1);
    assert_passages_fit(&p, LEAD_TOKENS);
    assert_in_range(p.passage[0].bytes, LEAD_TOKENS / 2, LEAD_TOKENS);
    passages_free(&p);
    document_close(&d);
}

static void a_sentence_stands_on_one_line_and_paragraphs_stay_apart(void **state)
{
    struct document d;
    (void)state;
    document_open(&d, "The supplier  shall\ndeliver\tthe goods.\n\n\n"
                      "The licensee shall\npay.\nThe end.");
    struct passages p = cut(&d, 1000, NULL);
    assert_int_equal(p.count, 1);
    assert_string_equal(p.passage[0].text, "The supplier shall deliver the goods.\n\n"
                                           "The licensee shall pay.\nThe end.");
    passages_free(&p);
    document_close(&d);
}

static void where_a_model_is_asked_lines_stay_as_they_are(void **state)
{
    struct document d;
    struct passages p;
    static const char text[] = "SUPPLY\n  AGREEMENT\n\n\nThe supplier shall\ndeliver.";
    (void)state;
    document_open(&d, text);
    assert_ok(passages_make(&p, decoder, d.work->text, NULL, false, ERR));
    assert_int_equal(p.count, 1);
    assert_string_equal(p.passage[0].text, text);
    passages_free(&p);
    document_close(&d);
}

static void white_space_alone_is_no_passage(void **state)
{
    struct passages p;
    struct document d;
    (void)state;
    document_open(&d, " \n\n \t ");
    p = cut(&d, 64, NULL);
    assert_int_equal(p.count, 0);
    passages_free(&p);
    assert_ok(passages_lead(&p, decoder, d.work->text, NULL, ERR));
    assert_int_equal(p.count, 0);
    passages_free(&p);
    document_close(&d);
}

static void random_document(uint64_t *random, char *out)
{
    static const char *const piece[] = {
        PROSE_A,
        PROSE_B,
        PROSE_C,
        PROSE_D,
        "\n\n",
        "  ",
        "\t",
        "x",
        "\xC3\xA9",
        " t",
        "2026. ",
        "\xE2\x80\x94",
        "zzzzzzzzzzzzzzzz",
        "\n",
        "A. ",
        "\xF0\x9F\x90\xA6",
        " ",
    };
    *out = '\0';
    for (uint32_t n = sample_random(random) % 60; n > 0; n--)
        strcat(out, piece[sample_random(random) % COUNT(piece)]);
}

/* Any text, any limit, any sentences left out. */
static void nothing_is_lost_and_nothing_is_too_long(void **state)
{
    static char text[8000];
    static bool commanding[8000];
    uint64_t random = 11;
    (void)state;
    for (int i = 0; i < 200; i++) {
        struct document d;
        uint32_t max = 16 + sample_random(&random) % 100;
        bool leave = sample_random(&random) % 2;
        random_document(&random, text);
        document_open(&d, text);
        for (size_t j = 0; j < COUNT(commanding); j++)
            commanding[j] = sample_random(&random) % 4 == 0;
        struct passages p = cut(&d, max, leave ? commanding : NULL);
        assert_covers(&p, &d, leave ? commanding : NULL);
        assert_passages_fit(&p, max);
        if (!leave)
            assert_sentences_named(&p, &d);
        passages_free(&p);
        document_close(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_sentences_are_put_together_while_they_have_room),
        cmocka_unit_test(a_sentence_too_long_is_cut_between_characters),
        cmocka_unit_test(sentences_that_command_are_left_out),
        cmocka_unit_test(the_opening_is_the_first_words_alone),
        cmocka_unit_test(the_opening_of_one_endless_sentence_is_its_beginning),
        cmocka_unit_test(a_sentence_stands_on_one_line_and_paragraphs_stay_apart),
        cmocka_unit_test(where_a_model_is_asked_lines_stay_as_they_are),
        cmocka_unit_test(white_space_alone_is_no_passage),
        cmocka_unit_test(nothing_is_lost_and_nothing_is_too_long),
    };
    return cmocka_run_group_tests(tests, suite_open, suite_close);
}
