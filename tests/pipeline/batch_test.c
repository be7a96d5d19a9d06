/* Many documents through the model at once: the same bits as each alone. */
#include "tests/pipeline/work.h"

enum { DOCUMENTS = 12, WIDTH = ENCODER_WIDTH };

static struct encoder encoder;
static struct sample samples[DOCUMENTS];

static int setup(void **state)
{
    static const char *const prose[] = {PROSE_A, PROSE_B, PROSE_C, PROSE_D};
    uint64_t random = 7;
    (void)state;
    encoder = encoder_open();
    for (size_t i = 0; i < DOCUMENTS; i++) {
        char text[4000] = "";
        for (uint32_t n = 1 + sample_random(&random) % 20; n > 0; n--)
            strcat(text, prose[sample_random(&random) % COUNT(prose)]);
        sample_page(&samples[i], text);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < DOCUMENTS; i++)
        sample_free(&samples[i]);
    encoder_close(&encoder);
    return 0;
}

/* Embed the documents in this order, `together` at a time. */
static void embed(struct work **work, const size_t *order, size_t together,
                  struct infer_session *session)
{
    struct pipeline run = {.model = encoder.model, .session = session};
    for (size_t from = 0; from < DOCUMENTS; from += together) {
        struct batch batch = {0};
        size_t whole;
        for (size_t i = from; i < from + together && i < DOCUMENTS; i++) {
            work[order[i]] = sample_work(&samples[order[i]], &encoder, 64);
            assert_ok(batch_add(&batch, work[order[i]], ERR));
        }
        assert_ok(batch_embed(&batch, &run, &whole, ERR));
        assert_int_equal(whole, batch.count);
        free(batch.work);
    }
}

static void assert_same_vectors(const struct work *a, const struct work *b)
{
    size_t rows = a->text->chunk_count + a->text->sentence_count;
    assert_int_equal(rows, b->text->chunk_count + b->text->sentence_count);
    assert_memory_equal(a->chunk_vector, b->chunk_vector, rows * WIDTH * sizeof(float));
    assert_int_equal(a->seen_bytes, a->text->text_bytes);
    assert_int_equal(b->seen_bytes, b->text->text_bytes);
}

static void compare(const struct work *const *one, const size_t *order, size_t together,
                    int threads, uint32_t sequences)
{
    struct work *other[DOCUMENTS];
    struct infer_session *session = encoder_session(encoder.model, threads, sequences);
    embed(other, order, together, session);
    for (size_t i = 0; i < DOCUMENTS; i++) {
        assert_same_vectors(one[i], other[i]);
        sample_work_free(other[i]);
    }
    infer_session_close(session);
}

static void vectors_do_not_depend_on_batch_order_or_threads(void **state)
{
    struct work *alone[DOCUMENTS];
    size_t order[DOCUMENTS], reverse[DOCUMENTS];
    (void)state;
    for (size_t i = 0; i < DOCUMENTS; i++) {
        order[i] = i;
        reverse[i] = DOCUMENTS - 1 - i;
    }
    embed(alone, order, 1, encoder.session);
    const struct work *const *one = (const struct work *const *)alone;
    compare(one, order, DOCUMENTS, 1, 0);
    compare(one, reverse, DOCUMENTS, 1, 0);
    compare(one, reverse, 5, 2, 0);
    compare(one, order, 7, 2, 3);
    for (size_t i = 0; i < DOCUMENTS; i++)
        sample_work_free(alone[i]);
}

/* The vector of words, by itself. */
static void embed_words(const char *words, size_t bytes, float *out)
{
    struct infer_tokens ids = {0};
    struct infer_error err;
    assert_int_equal(
        infer_tokenize(encoder.model, words, bytes, INFER_ADD_SPECIAL, &ids, &err), 0);
    struct infer_sequence one = {ids.id, ids.count};
    assert_int_equal(infer_embed(encoder.session, &one, 1, out, &err), 0);
    infer_tokens_free(&ids);
}

static void every_chunk_and_sentence_gets_the_vector_of_its_words(void **state)
{
    struct sample s = {0};
    struct work *work;
    struct batch batch = {0};
    struct pipeline run = {.model = encoder.model, .session = encoder.session};
    float wanted[WIDTH];
    size_t whole;
    (void)state;
    sample_page(&s, PROSE_A PROSE_B PROSE_C); /* the last chunk is one sentence */
    work = sample_work(&s, &encoder, 50);
    assert_int_equal(work->text->chunk_count, 2);
    assert_int_equal(work->text->chunk[1].sentence_count, 1);
    assert_ok(batch_add(&batch, work, ERR));
    assert_ok(batch_embed(&batch, &run, &whole, ERR));
    for (size_t i = 0; i < 2; i++) {
        embed_words(work->text->text + work->text->chunk[i].at,
                    work->text->chunk[i].bytes, wanted);
        assert_memory_equal(work->chunk_vector + i * WIDTH, wanted, sizeof(wanted));
    }
    for (size_t i = 0; i < work->text->sentence_count; i++) {
        embed_words(work->text->text + work->text->sentence[i].at,
                    work->text->sentence[i].bytes, wanted);
        assert_memory_equal(work->sentence_vector + i * WIDTH, wanted, sizeof(wanted));
    }
    free(batch.work);
    sample_work_free(work);
    sample_free(&s);
}

/* More tokens than one slice holds, in two documents. */
static void a_batch_that_is_stopped_keeps_whole_documents_only(void **state)
{
    static char text[200000];
    struct sample s = {0};
    struct work *work[2];
    struct batch batch = {0};
    volatile sig_atomic_t cancel = 1;
    struct pipeline run = {
        .model = encoder.model, .session = encoder.session, .cancel = &cancel};
    size_t whole;
    (void)state;
    for (size_t i = 0; i < 1000; i++)
        memcpy(text + i * (sizeof(PROSE_A) - 1), PROSE_A, sizeof(PROSE_A));
    sample_page(&s, PROSE_A PROSE_B);
    work[0] = sample_work(&s, &encoder, 64);
    struct sample large = {0};
    sample_page(&large, text);
    work[1] = sample_work(&large, &encoder, 64);
    for (size_t i = 0; i < 2; i++)
        assert_ok(batch_add(&batch, work[i], ERR));
    assert_true(batch.tokens > 32768);
    assert_ok(batch_embed(&batch, &run, &whole, ERR));
    assert_int_equal(whole, 1);
    assert_non_null(work[0]->chunk_vector);
    assert_null(work[1]->chunk_vector);
    assert_int_equal(work[1]->seen_bytes, 0);
    free(batch.work);
    for (size_t i = 0; i < 2; i++)
        sample_work_free(work[i]);
    sample_free(&large);
    sample_free(&s);
}

static void the_words_of_a_sentence_have_no_white_space_around_them(void **state)
{
    struct sample s = {0};
    (void)state;
    sample_page(&s, "\n  One two. \n\n Three.\n");
    struct work *work = sample_work(&s, &encoder, 64);
    struct quote quote = work_sentence(work, 0);
    assert_int_equal(quote.at, 3);
    assert_int_equal(quote.bytes, strlen("One two."));
    quote = work_sentence(work, 1);
    assert_memory_equal(work->text->text + quote.at, "Three.", quote.bytes);
    assert_int_equal(quote.bytes, 6);
    sample_work_free(work);
    sample_free(&s);
}

static void an_empty_batch_is_whole(void **state)
{
    struct batch batch = {0};
    struct pipeline run = {.model = encoder.model, .session = encoder.session};
    size_t whole = 9;
    (void)state;
    assert_ok(batch_embed(&batch, &run, &whole, ERR));
    assert_int_equal(whole, 0);
    work_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_do_not_depend_on_batch_order_or_threads),
        cmocka_unit_test(every_chunk_and_sentence_gets_the_vector_of_its_words),
        cmocka_unit_test(a_batch_that_is_stopped_keeps_whole_documents_only),
        cmocka_unit_test(the_words_of_a_sentence_have_no_white_space_around_them),
        cmocka_unit_test(an_empty_batch_is_whole),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
