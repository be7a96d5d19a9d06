/* Written summaries: what stands is kept with its source, all else with its reason. */
#include "tests/pipeline/asked.h"

#include "pipeline/decoder.h"

/* What the model writes on a text is told by its rules, in decoder_sample.h. */
#define GOODS   "The supplier shall deliver the goods to the buyer. "
#define ROYALTY "The licensee shall pay a royalty to the licensor. "
#define NOTICE  "The party shall give notice to the buyer. "
#define ROSE    "A rose is here too. "
#define LAWS    "It obeys all of the laws. "
#define FILLER  "Then more is said. "

static void open_sample(struct policy_sample *p)
{
    policy_sample_open(p);
    p->policy.model.passage_tokens_max = 20; /* one sentence of these */
}

static void write_with(struct pipeline_decoder *decoder, const struct policy *policy,
                       struct work *const *work, size_t count)
{
    struct pipeline run = {.policy = policy, .decoder = decoder};
    bool whole = false;
    assert_ok(works_write(work, count, &run, &whole, ERR));
    assert_true(whole);
}

/* Write on one text; the caller closes it. */
static const struct work *write_on(struct asked_document *d,
                                   const struct policy *policy, const char *text)
{
    struct pipeline_decoder *decoder = decoder_of(&mind, policy);
    document_open(d, text, policy, false);
    write_with(decoder, policy, &d->work, 1);
    pipeline_decoder_close(decoder);
    return d->work;
}

static void assert_written(const struct work *work, size_t i, const char *text,
                           const char *source)
{
    assert_true(i < work->written_count);
    const struct quote *quote = &work->written[i].source;
    assert_string_equal(work->written[i].text, text);
    assert_int_equal(quote->bytes, strlen(source));
    assert_memory_equal(work->text->text + quote->at, source, quote->bytes);
    assert_true(quote->weight > 0 && quote->weight <= 1);
}

static void assert_dropped(const struct work *work, size_t i, const char *why,
                           const char *what, const char *text)
{
    assert_true(i < work->dropped_count);
    assert_string_equal(work->dropped[i].why, why);
    assert_string_equal(work->dropped[i].what, what);
    assert_string_equal(work->dropped[i].text, text);
}

/* ---- what is kept and what is dropped ------------------------------------------- */

static void what_stands_is_kept_and_what_does_not_is_dropped(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    (void)state;
    open_sample(&p);
    p.policy.model.passage_tokens_max = 64;
    const struct work *work = write_on(&d, &p.policy, GOODS FILLER);
    assert_int_equal(work->written_count, 1);
    assert_written(work, 0, "The supplier shall deliver the goods.",
                   "The supplier shall deliver the goods to the buyer.");
    assert_int_equal(work->dropped_count, 1);
    assert_dropped(work, 0, "number", "9", "Then buyer is 9.");
    assert_string_equal(work->summary_reason, "");
    document_close(&d);
}

static void where_nothing_stands_it_is_said_why(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    (void)state;
    open_sample(&p);
    const struct work *work = write_on(&d, &p.policy, ROSE);
    assert_int_equal(work->written_count, 0);
    /* malformed bytes are U+FFFD, control characters spaces */
    assert_dropped(work, 0, "words", "blue", "The rose blue\xEF\xBF\xBD  sea.");
    assert_string_equal(work->summary_reason,
                        "of 1 written sentences 0 stand, too few for a summary: the "
                        "document's own words are shown instead");
    document_close(&d);
}

static void one_sentence_is_too_little_of_many_passages(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    (void)state;
    open_sample(&p);
    const struct work *work = write_on(&d, &p.policy, GOODS ROSE);
    assert_int_equal(work->written_count, 0);
    assert_int_equal(work->dropped_count, 2);
    assert_string_equal(work->summary_reason,
                        "of 3 written sentences 1 stand, too few for a summary: the "
                        "document's own words are shown instead");
    document_close(&d);
}

static void every_passage_is_written_on(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    (void)state;
    open_sample(&p);
    const struct work *work = write_on(&d, &p.policy, GOODS ROYALTY ROSE NOTICE);
    assert_int_equal(work->written_count, 3);
    assert_written(work, 0, "The supplier shall deliver the goods.",
                   "The supplier shall deliver the goods to the buyer.");
    assert_written(work, 1, "The licensee shall pay a royalty.",
                   "The licensee shall pay a royalty to the licensor.");
    assert_written(work, 2, "The party shall give notice.",
                   "The party shall give notice to the buyer.");
    assert_int_equal(work->dropped_count, 2);
    document_close(&d);
}

static void what_was_said_before_is_dropped(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    (void)state;
    open_sample(&p);
    const struct work *work = write_on(&d, &p.policy, ROYALTY NOTICE ROYALTY);
    assert_int_equal(work->written_count, 2);
    assert_int_equal(work->dropped_count, 1);
    assert_dropped(work, 0, "repeats", "", "The licensee shall pay a royalty.");
    document_close(&d);
}

static void every_sentence_of_an_endless_answer_is_counted(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    char reason[160];
    (void)state;
    open_sample(&p);
    p.policy.model.sentence_tokens_max = 300; /* 100 times "The laws!" */
    const struct work *work = write_on(&d, &p.policy, LAWS);
    assert_int_equal(work->written_count + work->dropped_count, 100);
    snprintf(reason, sizeof(reason), "of 100 written sentences %zu stand",
             work->written_count);
    assert_memory_equal(work->summary_reason, reason, strlen(reason));
    document_close(&d);
}

static void what_is_broken_off_is_dropped(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    (void)state;
    open_sample(&p);
    p.policy.model.sentence_tokens_max = 5;
    const struct work *work = write_on(&d, &p.policy, ROYALTY);
    assert_int_equal(work->written_count, 0);
    assert_dropped(work, 0, "unfinished", "", "The licensee shall pay a");
    document_close(&d);
}

static void sentences_that_command_are_not_written_on(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    (void)state;
    open_sample(&p);
    struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
    document_open(&d, ROYALTY GOODS NOTICE, &p.policy, false);
    document_commands(&d, "goods");
    write_with(decoder, &p.policy, &d.work, 1);
    assert_int_equal(d.work->written_count, 2);
    assert_int_equal(d.work->dropped_count, 0);
    document_close(&d);
    pipeline_decoder_close(decoder);
}

/* ---- folding and limits --------------------------------------------------------- */

/* Two notes fit into one passage: the model writes on both together, and what it
 * writes rests on the document's own sentences. */
static void notes_too_many_are_folded(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    (void)state;
    open_sample(&p);
    p.policy.summary.sentences_max = 2;
    const struct work *work = write_on(&d, &p.policy, GOODS ROYALTY NOTICE);
    assert_int_equal(work->written_count, 2);
    assert_written(work, 0, "The supplier shall deliver the goods.",
                   "The supplier shall deliver the goods to the buyer.");
    assert_written(work, 1, "The party shall give notice.",
                   "The party shall give notice to the buyer.");
    document_close(&d);
    p.policy.summary.sentences_max = 1; /* once more */
    work = write_on(&d, &p.policy, GOODS ROYALTY NOTICE);
    assert_int_equal(work->written_count, 1);
    document_close(&d);
}

/* All that is written on the notes is false: they stay, as many as there is room for,
 * the earlier ones of those that rest as well on the document. */
static void a_fold_that_leaves_nothing_is_passed_over(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    (void)state;
    open_sample(&p);
    p.policy.model.fold = "{text} rose rose rose rose rose rose";
    p.policy.summary.sentences_max = 2;
    const struct work *work = write_on(&d, &p.policy, ROYALTY NOTICE GOODS);
    assert_int_equal(work->written_count, 2);
    assert_string_equal(work->written[0].text, "The licensee shall pay a royalty.");
    assert_string_equal(work->written[1].text, "The party shall give notice.");
    assert_in_range(work->dropped_count, 2, 3);
    document_close(&d);
}

/* All notes in one passage, on which one sentence is written: that is too short. */
static void a_fold_that_leaves_too_little_is_passed_over(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    (void)state;
    open_sample(&p);
    p.policy.model.passage_tokens_max = 23;
    p.policy.summary.sentences_max = 2;
    const struct work *work = write_on(
        &d, &p.policy, GOODS ROYALTY "The party shall give notice in writing.");
    assert_int_equal(work->written_count, 2);
    assert_string_equal(work->written[0].text, "The supplier shall deliver the goods.");
    assert_string_equal(work->written[1].text, "The licensee shall pay a royalty.");
    document_close(&d);
}

static size_t written_bytes(const struct work *work)
{
    size_t bytes = 0;
    for (size_t i = 0; i < work->written_count; i++)
        bytes += strlen(work->written[i].text);
    return bytes;
}

static void a_summary_keeps_the_policys_limits(void **state)
{
    (void)state;
    for (uint32_t sentences = 1; sentences <= 4; sentences++)
        for (uint32_t bytes = 20; bytes <= 160; bytes += 35) {
            struct policy_sample p;
            struct asked_document d;
            open_sample(&p);
            p.policy.summary.sentences_max = sentences;
            p.policy.summary.bytes_max = bytes;
            const struct work *work =
                write_on(&d, &p.policy, GOODS ROYALTY LAWS NOTICE ROSE FILLER);
            assert_true(work->written_count <= sentences);
            assert_true(written_bytes(work) <= bytes);
            assert_int_equal(work->written_count == 0, work->summary_reason[0] != '\0');
            assert_true(sentences == 1 || work->written_count != 1);
            document_close(&d);
        }
}

static void the_longest_summary_allowed_is_not_cut(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    size_t bytes = strlen("The licensee shall pay a royalty.") +
                   strlen("The party shall give notice.");
    (void)state;
    open_sample(&p);
    p.policy.summary.sentences_max = 2;
    p.policy.summary.bytes_max = (uint32_t)bytes;
    const struct work *work = write_on(&d, &p.policy, ROYALTY NOTICE);
    assert_int_equal(written_bytes(work), bytes);
    document_close(&d);
    p.policy.summary.bytes_max--;
    work = write_on(&d, &p.policy, ROYALTY NOTICE);
    assert_int_equal(work->written_count, 0);
    document_close(&d);
}

/* ---- what is not written -------------------------------------------------------- */

static void a_policy_without_a_summary_writes_none(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    (void)state;
    open_sample(&p);
    p.policy.summary.wanted = false;
    const struct work *work = write_on(&d, &p.policy, GOODS);
    assert_int_equal(work->written_count + work->dropped_count, 0);
    assert_string_equal(work->summary_reason, "");
    document_close(&d);
}

static void a_document_that_was_not_read_is_not_written_on(void **state)
{
    struct policy_sample p;
    struct asked_document d[2];
    (void)state;
    open_sample(&p);
    struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
    for (int i = 0; i < 2; i++)
        document_open(&d[i], ROYALTY, &p.policy, false);
    work_starve(d[0].work);
    write_with(decoder, &p.policy, (struct work *[]){d[0].work, d[1].work}, 2);
    assert_int_equal(d[0].work->written_count + d[0].work->dropped_count, 0);
    assert_string_equal(d[0].work->summary_reason, "");
    assert_int_equal(d[1].work->written_count, 1);
    for (int i = 0; i < 2; i++)
        document_close(&d[i]);
    pipeline_decoder_close(decoder);
}

static void a_run_that_is_to_stop_writes_nothing(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    volatile sig_atomic_t cancel = 1;
    bool whole = true;
    (void)state;
    open_sample(&p);
    struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
    struct pipeline run = {.policy = &p.policy, .decoder = decoder, .cancel = &cancel};
    document_open(&d, GOODS, &p.policy, false);
    assert_ok(works_write(&d.work, 1, &run, &whole, ERR));
    assert_false(whole);
    assert_int_equal(d.work->written_count + d.work->dropped_count, 0);
    document_close(&d);
    pipeline_decoder_close(decoder);
}

static void a_rehearsal_counts_what_would_be_written_on(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    struct rehearsal got;
    (void)state;
    open_sample(&p);
    struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
    struct pipeline run = {.policy = &p.policy, .decoder = decoder};
    document_open(&d, GOODS ROYALTY NOTICE GOODS ROYALTY, &p.policy, false);
    assert_ok(work_rehearse_writing(d.work, &run, &got, ERR));
    assert_int_equal(got.passages, 5);
    assert_int_equal(got.tried, REHEARSED_MAX);
    assert_int_equal(d.work->written_count + d.work->dropped_count, 0);
    p.policy.summary.wanted = false;
    assert_ok(work_rehearse_writing(d.work, &run, &got, ERR));
    assert_int_equal(got.passages, 0);
    document_close(&d);
    pipeline_decoder_close(decoder);
}

static void writing_again_forgets_what_was_written(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    (void)state;
    open_sample(&p);
    struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
    document_open(&d, ROYALTY, &p.policy, false);
    for (int i = 0; i < 2; i++) {
        write_with(decoder, &p.policy, &d.work, 1);
        assert_int_equal(d.work->written_count, 1);
    }
    work_unwrite(d.work);
    assert_int_equal(d.work->written_count, 0);
    document_close(&d);
    pipeline_decoder_close(decoder);
}

/* ---- drawn words ---------------------------------------------------------------- */

/* All that was written on a text, kept or not; to be freed. */
static char *all_written(const struct policy *policy, const char *text)
{
    struct asked_document d;
    char *out = NULL;
    size_t bytes;
    FILE *file = open_memstream(&out, &bytes);
    const struct work *work = write_on(&d, policy, text);
    for (size_t i = 0; i < work->written_count; i++)
        fprintf(file, "+%s\n", work->written[i].text);
    for (size_t i = 0; i < work->dropped_count; i++)
        fprintf(file, "-%s\n", work->dropped[i].text);
    fclose(file);
    document_close(&d);
    return out;
}

static void drawn_words_are_the_same_for_the_same_seed(void **state)
{
    struct policy_sample p;
    char *text[3];
    (void)state;
    open_sample(&p);
    p.policy.model.temperature = 4;
    for (int i = 0; i < 3; i++) {
        p.policy.model.seed = i < 2 ? 1 : 2;
        text[i] = all_written(&p.policy, GOODS ROYALTY NOTICE);
    }
    assert_string_equal(text[0], text[1]);
    assert_string_not_equal(text[0], text[2]);
    for (int i = 0; i < 3; i++)
        free(text[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_is_kept_and_what_does_not_is_dropped),
        cmocka_unit_test(where_nothing_stands_it_is_said_why),
        cmocka_unit_test(one_sentence_is_too_little_of_many_passages),
        cmocka_unit_test(every_passage_is_written_on),
        cmocka_unit_test(what_was_said_before_is_dropped),
        cmocka_unit_test(every_sentence_of_an_endless_answer_is_counted),
        cmocka_unit_test(what_is_broken_off_is_dropped),
        cmocka_unit_test(sentences_that_command_are_not_written_on),
        cmocka_unit_test(notes_too_many_are_folded),
        cmocka_unit_test(a_fold_that_leaves_nothing_is_passed_over),
        cmocka_unit_test(a_fold_that_leaves_too_little_is_passed_over),
        cmocka_unit_test(a_summary_keeps_the_policys_limits),
        cmocka_unit_test(the_longest_summary_allowed_is_not_cut),
        cmocka_unit_test(a_policy_without_a_summary_writes_none),
        cmocka_unit_test(a_document_that_was_not_read_is_not_written_on),
        cmocka_unit_test(a_run_that_is_to_stop_writes_nothing),
        cmocka_unit_test(a_rehearsal_counts_what_would_be_written_on),
        cmocka_unit_test(writing_again_forgets_what_was_written),
        cmocka_unit_test(drawn_words_are_the_same_for_the_same_seed),
    };
    return cmocka_run_group_tests(tests, asked_suite_open, asked_suite_close);
}
