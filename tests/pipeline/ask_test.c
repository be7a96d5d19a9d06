/* Labels by scoring: every number is computed a second time, the plain way. */
#include "tests/pipeline/asked.h"

#include "pipeline/decoder.h"

#include <math.h>

/* ---- asking ------------------------------------------------------------------- */

static void ask_with(struct pipeline_decoder *decoder, const struct policy *policy,
                     struct work *const *work, size_t count)
{
    struct pipeline run = {.policy = policy, .decoder = decoder};
    bool whole = false;
    assert_ok(works_ask(work, count, &run, &whole, ERR));
    assert_true(whole);
}

/* Ask of one text; the caller closes it. */
static const struct answer *ask(struct asked_document *d, const struct policy *policy,
                                const char *text)
{
    struct pipeline_decoder *decoder = decoder_of(&mind, policy);
    document_open(d, text, policy, false);
    ask_with(decoder, policy, &d->work, 1);
    pipeline_decoder_close(decoder);
    return d->work->answer;
}

/* ---- the plain way -------------------------------------------------------------- */

/* log P(id | ids) through the logits. */
static double log_probability(const struct infer_tokens *ids, int32_t id)
{
    static float logit[MIND_TOKENS];
    struct infer_sequence one = {ids->id, ids->count};
    struct infer_error why;
    double best = -INFINITY, sum = 0;
    if (infer_logits(mind.session, &one, 1, logit, &why) != 0)
        fail_msg("%s", why.text);
    for (size_t i = 0; i < MIND_TOKENS; i++)
        best = (double)logit[i] > best ? (double)logit[i] : best;
    for (size_t i = 0; i < MIND_TOKENS; i++)
        sum += exp((double)logit[i] - best);
    return (double)logit[id] - best - log(sum);
}

/* The answer's tokens, one by one, behind the prompt written out. */
static double by_hand(const char *prompt, const char *answer)
{
    struct infer_tokens ids = {0}, more = {0};
    struct infer_error why;
    double sum = 0;
    assert_int_equal(infer_tokenize(mind.model, prompt, strlen(prompt),
                                    INFER_PARSE_SPECIAL, &ids, &why),
                     0);
    assert_int_equal(infer_tokenize(mind.model, answer, strlen(answer), INFER_CONTINUES,
                                    &more, &why),
                     0);
    ids.id = realloc(ids.id, (ids.count + more.count) * sizeof(*ids.id));
    for (size_t i = 0; i < more.count; i++) {
        sum += log_probability(&ids, more.id[i]);
        ids.id[ids.count++] = more.id[i];
    }
    infer_tokens_free(&ids);
    infer_tokens_free(&more);
    return sum;
}

static void assert_near(double a, double b)
{
    if (!(fabs(a - b) < 1e-4))
        fail_msg("%.9g is not %.9g", a, b);
}

static void raw_scores(const struct pipeline_decoder *decoder, const char *text,
                       double *out)
{
    struct passage passage = {.text = (char *)(uintptr_t)text, .bytes = strlen(text)};
    struct scoring one = {&passage, out};
    bool whole;
    assert_ok(passages_score(decoder, NULL, &one, 1, &whole, ERR));
}

/* ---- scores --------------------------------------------------------------------- */

static void a_score_is_the_sum_of_log_probabilities(void **state)
{
    struct policy_sample p;
    double score[4];
    (void)state;
    policy_sample_open(&p);
    struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
    raw_scores(decoder, "The supplier and the sea.", score);
    for (size_t l = 0; l < 4; l++)
        assert_near(score[l],
                    by_hand("<|im_start|>user\nThe supplier and the sea.\n\nWhat is "
                            "it?<|im_end|>\n<|im_start|>assistant\n",
                            policy_sample_topics[l].answer));
    assert_near(decoder->prior[3],
                by_hand("<|im_start|>user\nN/A\n\nWhat is it?<|im_end|>\n"
                        "<|im_start|>assistant\n",
                        "Colour"));
    pipeline_decoder_close(decoder);
}

static void an_answer_behind_an_opening_begins_with_a_space(void **state)
{
    static const struct policy_label label[] = {{.name = "a", .answer = "goods"},
                                                {.name = "b", .answer = "software"}};
    struct policy_sample p;
    double score[2];
    (void)state;
    policy_sample_open(&p);
    p.policy.model.opening = "It is about";
    p.task[0].label = label;
    p.task[0].label_count = 2;
    struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
    raw_scores(decoder, "x", score);
    for (size_t l = 0; l < 2; l++)
        assert_near(score[l], by_hand("<|im_start|>user\nx\n\nWhat is it?<|im_end|>\n"
                                      "<|im_start|>assistant\nIt is about",
                                      l ? " software" : " goods"));
    pipeline_decoder_close(decoder);
}

static void an_answer_may_be_the_beginning_of_another(void **state)
{
    static const struct policy_label label[] = {
        {.name = "long", .answer = "Supply of goods"},
        {.name = "short", .answer = "Supply"},
        {.name = "middle", .answer = "Supply of"}};
    struct policy_sample p;
    double score[3];
    (void)state;
    policy_sample_open(&p);
    p.task[0].label = label;
    p.task[0].label_count = 3;
    struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
    assert_int_equal(decoder->group[0].nodes, 3);
    raw_scores(decoder, "goods", score);
    for (size_t l = 0; l < 3; l++)
        assert_near(score[l], by_hand("<|im_start|>user\ngoods\n\nWhat is it?"
                                      "<|im_end|>\n<|im_start|>assistant\n",
                                      label[l].answer));
    assert_true(score[0] < score[2] && score[2] < score[1]);
    pipeline_decoder_close(decoder);
}

static void what_a_model_always_says_is_taken_off(void **state)
{
    static const char *const text[] = {SUPPLY, LICENSE, COLOUR, NOTHING};
    struct policy_sample p;
    double raw[4];
    (void)state;
    policy_sample_open(&p);
    p.policy.model.neutral = "Nothing of the sort.";
    struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
    for (size_t i = 0; i < 4; i++) {
        struct asked_document d;
        document_open(&d, text[i], &p.policy, false);
        ask_with(decoder, &p.policy, &d.work, 1);
        const struct answer *answer = d.work->answer;
        raw_scores(decoder, text[i], raw);
        for (size_t l = 0; l < 3; l++)
            assert_true(raw[3] > raw[l]); /* whatever it read */
        assert_int_equal(answer->label, i == 0 ? 0 : i == 1 ? 2 : answer->label);
        if (i < 3)
            assert_true(answer->probability[answer->label] > 0.5);
        assert_int_equal(answer->undecided, i == 3);
        document_close(&d);
    }
    pipeline_decoder_close(decoder);
}

/* ---- from passages to the document ---------------------------------------------- */

static void the_opening_alone_is_asked_where_nothing_else_counts(void **state)
{
    static char first[2000], second[2000];
    struct asked_document a, b;
    struct policy_sample p;
    (void)state;
    policy_sample_open(&p);
    for (int i = 0; i < 20; i++) {
        strcat(first, i < 10 ? LICENSE : NOTHING);
        strcat(second, i < 10 ? LICENSE : COLOUR);
    }
    const struct answer *one = ask(&a, &p.policy, first);
    const struct answer *two = ask(&b, &p.policy, second);
    assert_memory_equal(one->score, two->score, 4 * sizeof(double));
    document_close(&a);
    document_close(&b);
    p.task[0].model_lead_weight = 0.75;
    one = ask(&a, &p.policy, first);
    two = ask(&b, &p.policy, second);
    assert_true(one->score[3] < two->score[3]);
    document_close(&a);
    document_close(&b);
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* As the page says: the prior off each passage, then the pool, then the opening. */
static double expected(const struct policy_task *task, double lead, double *body,
                       size_t count)
{
    double pool = 0;
    qsort(body, count, sizeof(*body), by_size);
    size_t used = task->pool == POLICY_POOL_MEAN  ? count
                  : task->pool == POLICY_POOL_MAX ? 1
                                                  : task->pool_top;
    for (size_t i = 0; i < used; i++)
        pool += body[count - 1 - i] / (double)used;
    return task->model_lead_weight * lead + (1 - task->model_lead_weight) * pool;
}

static void pools_are_what_they_are_called(void **state)
{
    static const char text[] = SUPPLY SUPPLY LICENSE NOTHING COLOUR COLOUR NOTHING
        NOTHING LICENSE LICENSE SUPPLY NOTHING;
    struct policy_sample p;
    (void)state;
    policy_sample_open(&p);
    p.policy.model.passage_tokens_max = 40;
    for (int i = 0; i < 6; i++) {
        static const enum policy_pool pool[] = {POLICY_POOL_MEAN, POLICY_POOL_MAX,
                                                POLICY_POOL_TOP};
        struct asked_document d;
        struct passages lead, body;
        double score[16][4], column[16];
        p.task[0].pool = pool[i / 2];
        p.task[0].pool_top = 2;
        p.task[0].model_lead_weight = i % 2 ? 0 : 0.25;
        const struct answer *answer = ask(&d, &p.policy, text);
        struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
        assert_ok(passages_lead(&lead, decoder, d.work->text, NULL, ERR));
        assert_ok(passages_make(&body, decoder, d.work->text, NULL, false, ERR));
        assert_in_range(body.count, 4, 15);
        raw_scores(decoder, lead.passage[0].text, score[0]);
        for (size_t j = 0; j < body.count; j++)
            raw_scores(decoder, body.passage[j].text, score[1 + j]);
        for (size_t l = 0; l < 4; l++) {
            for (size_t j = 0; j < body.count; j++)
                column[j] = score[1 + j][l] - decoder->prior[l];
            assert_true(fabs(answer->score[l] -
                             expected(&p.task[0], score[0][l] - decoder->prior[l],
                                      column, body.count)) < 1e-9);
        }
        passages_free(&lead);
        passages_free(&body);
        pipeline_decoder_close(decoder);
        document_close(&d);
    }
}

static void temperature_and_threshold_are_the_models_own(void **state)
{
    struct asked_document d;
    struct policy_sample p;
    (void)state;
    policy_sample_open(&p);
    const struct answer *answer = ask(&d, &p.policy, SUPPLY);
    double score[4], best = answer->probability[0], sum = 0;
    memcpy(score, answer->score, sizeof(score));
    assert_int_equal(answer->label, 0);
    assert_false(answer->undecided);
    for (size_t l = 0; l < 4; l++)
        sum += exp(score[l] - score[0]);
    assert_true(fabs(best - 1 / sum) < 1e-9);
    document_close(&d);
    p.task[0].model_temperature = 3;
    p.task[0].model_threshold = best;
    answer = ask(&d, &p.policy, SUPPLY);
    assert_memory_equal(answer->score, score, sizeof(score));
    assert_true(answer->probability[0] < best);
    assert_true(answer->undecided);
    document_close(&d);
}

/* ---- tasks ---------------------------------------------------------------------- */

static void tasks_asked_together_answer_as_each_alone(void **state)
{
    static const char *const classify[] = {
        "{text}\n\n{question}", "{question}\n{labels}\n{text}", "{text} {labels}"};
    (void)state;
    for (size_t i = 0; i < COUNT(classify); i++) {
        struct policy_sample p, alone;
        struct asked_document together, d;
        policy_sample_open(&p);
        p.policy.model.classify = classify[i];
        p.task[0].model_lead_weight = 0.5;
        p.task[1].question = "What is this, or is it not?";
        p.task[1].label = policy_sample_yes_no;
        p.task[1].label_count = 2;
        p.task[2] = p.task[0];
        p.task[2].question = "What";
        p.policy.task_count = 3;
        const struct answer *answer = ask(&together, &p.policy, SUPPLY LICENSE COLOUR);
        for (size_t t = 0; t < 3; t++) {
            policy_sample_open(&alone);
            alone.policy.model = p.policy.model;
            alone.task[0] = p.task[t];
            const struct answer *own = ask(&d, &alone.policy, SUPPLY LICENSE COLOUR);
            assert_memory_equal(own->score, answer[t].score,
                                p.task[t].label_count * sizeof(double));
            document_close(&d);
        }
        document_close(&together);
    }
}

static void who_answered_and_what_was_said_first_is_kept(void **state)
{
    struct asked_document d;
    struct policy_sample p;
    (void)state;
    policy_sample_open(&p);
    const struct answer *answer = ask(&d, &p.policy, SUPPLY);
    assert_true(answer->by_model);
    assert_int_equal(answer->label, 0);
    assert_int_equal(answer->first_label, 3);
    assert_true(answer->first_probability == 0.75);
    document_close(&d);
}

static void what_the_encoder_decided_is_left_to_it(void **state)
{
    struct policy_sample p;
    struct asked_document d[2];
    (void)state;
    policy_sample_open(&p);
    p.policy.model.ask = POLICY_ASK_UNDECIDED;
    p.policy.task_count = 2;
    p.task[1].question = "Which?";
    struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
    document_open(&d[0], SUPPLY, &p.policy, false);
    document_open(&d[1], LICENSE, &p.policy, false);
    d[1].work->answer[1].undecided = true;
    ask_with(decoder, &p.policy, (struct work *[]){d[0].work, d[1].work}, 2);
    for (size_t t = 0; t < 3; t++) {
        const struct answer *answer = &d[t / 2].work->answer[t % 2];
        assert_false(answer->by_model);
        assert_int_equal(answer->label, 3);
        assert_true(answer->probability[3] == 0.75);
    }
    assert_true(d[1].work->answer[1].by_model);
    assert_int_equal(d[1].work->answer[1].label, 2);
    document_close(&d[0]);
    document_close(&d[1]);
    pipeline_decoder_close(decoder);
}

/* ---- sentences that command ----------------------------------------------------- */

static void a_label_that_falls_with_a_command_goes_to_a_person(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    (void)state;
    policy_sample_open(&p);
    struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
    document_open(&d, "We ignore: rose, rose, rose and sea, rose, sea. " SUPPLY,
                  &p.policy, false);
    document_commands(&d, "ignore");
    ask_with(decoder, &p.policy, &d.work, 1);
    const struct answer *answer = d.work->answer;
    assert_int_equal(answer->label, 3);
    assert_true(answer->plain.asked);
    assert_int_equal(answer->plain.label, 0);
    assert_false(answer->plain.undecided);
    assert_true(answer->commanded);
    assert_true(answer->undecided);

    struct asked_document alone; /* the plain answer is that of the shorter text */
    document_open(&alone, SUPPLY, &p.policy, false);
    ask_with(decoder, &p.policy, &alone.work, 1);
    assert_true(alone.work->answer->probability[0] == answer[0].plain.probability);
    document_close(&alone);
    document_close(&d);
    pipeline_decoder_close(decoder);
}

static void a_command_that_changes_nothing_is_let_pass(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    (void)state;
    policy_sample_open(&p);
    struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
    document_open(&d, "We ignore supplier and goods. " SUPPLY, &p.policy, true);
    document_commands(&d, "ignore");
    ask_with(decoder, &p.policy, &d.work, 1);
    assert_int_equal(d.work->answer->plain.label, 0);
    assert_true(d.work->answer->plain.asked);
    assert_false(d.work->answer->commanded);
    assert_false(d.work->answer->undecided);
    document_close(&d);
    pipeline_decoder_close(decoder);
}

static void nothing_but_commands_goes_to_a_person(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    (void)state;
    policy_sample_open(&p);
    struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
    document_open(&d, SUPPLY, &p.policy, false);
    document_commands(&d, "goods");
    ask_with(decoder, &p.policy, &d.work, 1);
    assert_false(d.work->answer->plain.asked);
    assert_true(d.work->answer->commanded);
    assert_true(d.work->answer->undecided);
    document_close(&d);
    pipeline_decoder_close(decoder);
}

/* ---- broken off ----------------------------------------------------------------- */

static void a_run_that_is_to_stop_changes_no_answer(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    volatile sig_atomic_t cancel = 1;
    bool whole = true;
    (void)state;
    policy_sample_open(&p);
    struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
    struct pipeline run = {.policy = &p.policy, .decoder = decoder, .cancel = &cancel};
    document_open(&d, SUPPLY, &p.policy, false);
    assert_ok(works_ask(&d.work, 1, &run, &whole, ERR));
    assert_false(whole);
    assert_false(d.work->answer->by_model);
    assert_int_equal(d.work->answer->label, 3);
    cancel = 0;
    run.deadline_ms = 1; /* long ago */
    assert_ok(works_ask(&d.work, 1, &run, &whole, ERR));
    assert_false(whole);
    document_close(&d);
    pipeline_decoder_close(decoder);
}

static void a_rehearsal_counts_what_would_be_asked(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    struct rehearsal got;
    (void)state;
    policy_sample_open(&p);
    p.policy.model.passage_tokens_max = 16;
    struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
    struct pipeline run = {.policy = &p.policy, .decoder = decoder};
    document_open(&d, SUPPLY SUPPLY SUPPLY SUPPLY SUPPLY, &p.policy, false);
    assert_ok(work_rehearse_asking(d.work, &run, &got, ERR));
    assert_int_equal(got.passages, 1); /* the opening */
    assert_int_equal(got.tried, 1);
    p.task[0].model_lead_weight = 0.5;
    assert_ok(work_rehearse_asking(d.work, &run, &got, ERR));
    assert_int_equal(got.passages, 6);
    assert_int_equal(got.tried, REHEARSED_MAX);
    assert_false(d.work->answer->by_model);
    document_close(&d);
    pipeline_decoder_close(decoder);
}

static void a_document_without_answers_is_not_asked(void **state)
{
    struct policy_sample p;
    struct asked_document d;
    (void)state;
    policy_sample_open(&p);
    struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
    document_open(&d, SUPPLY, &p.policy, false);
    work_starve(d.work);
    ask_with(decoder, &p.policy, &d.work, 1);
    assert_null(d.work->answer);
    ask_with(decoder, &p.policy, NULL, 0);
    document_close(&d);
    pipeline_decoder_close(decoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_score_is_the_sum_of_log_probabilities),
        cmocka_unit_test(an_answer_behind_an_opening_begins_with_a_space),
        cmocka_unit_test(an_answer_may_be_the_beginning_of_another),
        cmocka_unit_test(what_a_model_always_says_is_taken_off),
        cmocka_unit_test(the_opening_alone_is_asked_where_nothing_else_counts),
        cmocka_unit_test(pools_are_what_they_are_called),
        cmocka_unit_test(temperature_and_threshold_are_the_models_own),
        cmocka_unit_test(tasks_asked_together_answer_as_each_alone),
        cmocka_unit_test(who_answered_and_what_was_said_first_is_kept),
        cmocka_unit_test(what_the_encoder_decided_is_left_to_it),
        cmocka_unit_test(a_label_that_falls_with_a_command_goes_to_a_person),
        cmocka_unit_test(a_command_that_changes_nothing_is_let_pass),
        cmocka_unit_test(nothing_but_commands_goes_to_a_person),
        cmocka_unit_test(a_run_that_is_to_stop_changes_no_answer),
        cmocka_unit_test(a_rehearsal_counts_what_would_be_asked),
        cmocka_unit_test(a_document_without_answers_is_not_asked),
    };
    return cmocka_run_group_tests(tests, asked_suite_open, asked_suite_close);
}
