/* A prior that was measured is taken where it belongs, and nowhere else. */
#include "tests/pipeline/decoder_sample.h"

#include "pipeline/decoder.h"

#include <math.h>

static struct encoder encoder;
static struct decoder_sample mind;

static int suite_open(void **state)
{
    (void)state;
    encoder = encoder_open();
    mind = decoder_sample_open();
    return 0;
}

static int suite_close(void **state)
{
    (void)state;
    decoder_sample_close(&mind);
    encoder_close(&encoder);
    return 0;
}

/* ---- files ---------------------------------------------------------------------- */

static char file_a[64], file_b[64];

static int files_make(void **state)
{
    (void)state;
    strcpy(file_a, P_tmpdir "/cloister-prior-XXXXXX");
    strcpy(file_b, P_tmpdir "/cloister-prior-XXXXXX");
    return close(mkstemp(file_a)) | close(mkstemp(file_b));
}

static int files_remove(void **state)
{
    (void)state;
    return unlink(file_a) | unlink(file_b);
}

static void file_set(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* The same lines with their own digest behind them. */
static void file_seal(const char *path, const char *lines)
{
    struct store_digest own;
    char hex[65], text[4000];
    store_digest_of(lines, strlen(lines), &own);
    store_digest_hex(&own, hex);
    snprintf(text, sizeof(text), "%ssha256 %s\n", lines, hex);
    file_set(path, text);
}

static void open_sample(struct policy_sample *p)
{
    static const char *const prior[] = {file_a, file_b};
    policy_sample_open(p);
    p->policy.model.prior = prior;
    p->policy.model.prior_count = 1;
}

static void policy_without(struct policy_sample *p)
{
    open_sample(p);
    p->policy.model.prior_count = 0;
}

/* Measured on texts about goods, software and nothing. */
static char *measure(const struct pipeline_decoder *decoder)
{
    static const char *const texts[] = {PROSE_A, PROSE_B, PROSE_D};
    struct pipeline_text *text[3];
    struct sample s[3] = {{.text = {NULL}}};
    struct work *work[3];
    char *out = NULL;
    for (size_t i = 0; i < 3; i++) {
        sample_page(&s[i], texts[i]);
        work[i] = sample_work(&s[i], &encoder, 48);
        text[i] = work[i]->text;
    }
    assert_ok(pipeline_decoder_calibrate(decoder, text, 3, &out, ERR));
    for (size_t i = 0; i < 3; i++) {
        sample_work_free(work[i]);
        sample_free(&s[i]);
    }
    return out;
}

static char *measured(const struct policy *policy)
{
    struct pipeline_decoder *decoder = decoder_of(&mind, policy);
    char *out = measure(decoder);
    pipeline_decoder_close(decoder);
    return out;
}

/* ---- tests ---------------------------------------------------------------------- */

static void a_prior_that_was_measured_is_taken_and_named(void **state)
{
    struct policy_sample p;
    struct store_digest own;
    char hex[65], settings[200];
    (void)state;
    policy_without(&p);
    struct pipeline_decoder *before = decoder_of(&mind, &p.policy);
    char *text = measure(before);
    assert_string_equal(pipeline_decoder_settings(before), "chat=chatml prior=neutral");
    file_set(file_a, text);
    open_sample(&p);
    struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
    store_digest_of(text, (size_t)(strstr(text, "\nsha256 ") + 1 - text), &own);
    store_digest_hex(&own, hex);
    assert_string_equal(pipeline_decoder_prior(decoder), hex);
    snprintf(settings, sizeof(settings), "chat=chatml prior=%s", hex);
    assert_string_equal(pipeline_decoder_settings(decoder), settings);
    for (size_t l = 0; l < decoder->labels; l++)
        assert_true(fabs(decoder->prior[l] - before->prior[l]) > 1e-3);
    free(text);
    pipeline_decoder_close(before);
    pipeline_decoder_close(decoder);
}

/* Each line stands where the page says, and what is read is what was printed. */
static void a_prior_is_lines_of_words(void **state)
{
    struct policy_sample p;
    char wanted[400], hex[65], prompts_hex[65];
    struct store_digest prompts;
    double mean[4] = {-1.5, -0.1, -20.123456789012345, 0};
    (void)state;
    policy_without(&p);
    struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
    char *text = prior_print(decoder, mean, 20);
    prompts_digest(decoder, &prompts);
    store_digest_hex(&prompts, prompts_hex);
    store_digest_hex(&decoder_sample_digest, hex);
    snprintf(wanted, sizeof(wanted),
             "cloister prior 1\npolicy sample\nmodel %s\nprompts %s\ndocuments 20\n"
             "label topic supply -1.5\nlabel topic order -0.1\n"
             "label topic license -20.1234567890123\nlabel topic colour 0\nsha256 ",
             hex, prompts_hex);
    assert_memory_equal(text, wanted, strlen(wanted));
    assert_int_equal(strlen(text), strlen(wanted) + 65);
    pipeline_decoder_close(decoder);
    file_set(file_a, text);
    open_sample(&p);
    decoder = decoder_of(&mind, &p.policy);
    for (size_t l = 0; l < 4; l++)
        assert_true(fabs(decoder->prior[l] - mean[l]) < 1e-12);
    pipeline_decoder_close(decoder);
    free(text);
}

static void a_prior_is_the_mean_of_the_documents_scores(void **state)
{
    struct policy_sample p;
    double mean[4] = {0}, one[4];
    static const char *const texts[] = {PROSE_A, PROSE_B, PROSE_D};
    (void)state;
    policy_without(&p);
    struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
    for (size_t i = 0; i < 3; i++) {
        struct sample s = {.text = {NULL}};
        bool got;
        sample_page(&s, texts[i]);
        struct work *work = sample_work(&s, &encoder, 48);
        assert_ok(text_score(decoder, work->text, one, &got, ERR));
        assert_true(got);
        for (size_t l = 0; l < 4; l++)
            mean[l] += one[l] / 3;
        sample_work_free(work);
        sample_free(&s);
    }
    char *text = measure(decoder);
    file_set(file_a, text);
    free(text);
    pipeline_decoder_close(decoder);
    open_sample(&p);
    decoder = decoder_of(&mind, &p.policy);
    for (size_t l = 0; l < 4; l++)
        assert_true(fabs(decoder->prior[l] - mean[l]) < 1e-12);
    pipeline_decoder_close(decoder);
}

static void nothing_to_read_is_nothing_to_measure_on(void **state)
{
    struct policy_sample p;
    struct sample s = {.text = {NULL}};
    struct pipeline_error why = {0, ""};
    char *out = NULL;
    (void)state;
    policy_without(&p);
    sample_page(&s, " \n ");
    struct work *work = sample_work(&s, &encoder, 48);
    struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
    assert_int_equal(pipeline_decoder_calibrate(decoder, &work->text, 1, &out, &why),
                     PIPELINE_EINPUT);
    assert_non_null(strstr(why.text, "none of the documents"));
    assert_int_equal(pipeline_decoder_calibrate(decoder, NULL, 0, &out, &why),
                     PIPELINE_EINPUT);
    assert_null(out);
    pipeline_decoder_close(decoder);
    sample_work_free(work);
    sample_free(&s);
}

static void a_prior_of_something_else_is_passed_over(void **state)
{
    struct policy_sample p;
    (void)state;
    policy_without(&p);
    char *text = measured(&p.policy), *digit = strstr(text, "\nmodel ") + 7;
    *digit = *digit == '0' ? '1' : '0';
    *strstr(text, "sha256 ") = '\0';
    file_seal(file_a, text);
    free(text);
    p.task[0].question = "What else is it?";
    text = measured(&p.policy);
    file_set(file_b, text);
    free(text);
    open_sample(&p);
    p.policy.model.prior_count = 2;
    struct pipeline_decoder *decoder = decoder_of(&mind, &p.policy);
    assert_string_equal(pipeline_decoder_prior(decoder), "neutral");
    pipeline_decoder_close(decoder);
    p.task[0].question = "What else is it?"; /* the second one's */
    decoder = decoder_of(&mind, &p.policy);
    assert_int_equal(strlen(pipeline_decoder_prior(decoder)), 64);
    pipeline_decoder_close(decoder);
}

/* A prior of policy `a` is not one of policy `b`. */
static void assert_other(const struct policy_sample *a, struct policy_sample *b)
{
    char *text = measured(&a->policy);
    static const char *const prior[] = {file_a};
    file_set(file_a, text);
    free(text);
    b->policy.model.prior = prior;
    b->policy.model.prior_count = 1;
    struct pipeline_decoder *decoder = decoder_of(&mind, &b->policy);
    assert_string_equal(pipeline_decoder_prior(decoder), "neutral");
    pipeline_decoder_close(decoder);
}

static void whatever_changes_a_score_is_another_prompt(void **state)
{
    static struct policy_label turned[4], answered[4], named[4];
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        turned[i] = policy_sample_topics[3 - i];
        answered[i] = named[i] = policy_sample_topics[i];
    }
    answered[2].answer = "License of goods";
    named[2].name = "licence";
    for (int what = 0; what < 10; what++) {
        struct policy_sample a, b;
        policy_without(&a);
        policy_without(&b);
        a.task[0].model_lead_weight = b.task[0].model_lead_weight = 0.5;
        if (what == 0)
            b.policy.model.system = "Sort.";
        else if (what == 1)
            b.policy.model.classify = "{question}\n\n{text}";
        else if (what == 2)
            b.policy.model.opening = "It is";
        else if (what == 3)
            b.policy.model.passage_tokens_max = 65;
        else if (what == 4)
            b.policy.model.chat = "none";
        else if (what == 5)
            b.task[0].model_lead_weight = 0.25;
        else if (what == 6)
            b.task[0].pool = POLICY_POOL_MAX;
        else
            b.task[0].label = what == 7 ? turned : what == 8 ? answered : named;
        assert_other(&a, &b);
    }
}

/* `change` made to the lines of a sound prior is refused, with these words. */
static void assert_refused(const char *from, const char *to, bool sealed,
                           const char *says)
{
    struct policy_sample p;
    char lines[4000], where[100];
    policy_without(&p);
    char *text = measured(&p.policy), *found = strstr(text, from);
    assert_non_null(found);
    snprintf(lines, sizeof(lines), "%.*s%s%s", (int)(found - text), text, to,
             found + strlen(from));
    free(text);
    if (sealed) {
        *strstr(lines, "sha256 ") = '\0';
        file_seal(file_a, lines);
    } else {
        file_set(file_a, lines);
    }
    open_sample(&p);
    snprintf(where, sizeof(where), "prior %s:", file_a);
    decoder_refused(&mind, &p.policy, where);
    decoder_refused(&mind, &p.policy, says);
}

static void damage_is_refused_with_file_and_line(void **state)
{
    (void)state;
    assert_refused("documents 3", "documents 4", false, ":10: its lines do not have");
    assert_refused("sha256 ", "sha256 0", false, ":10: does not end with a line");
    assert_refused("sha256 ", "sha255 ", false, ":10: does not end with a line");
    assert_refused("cloister prior 1", "cloister prior 2", true,
                   ":1: does not begin with \"cloister prior 1\"");
    assert_refused("policy sample\n", "", true, ":2: \"policy NAME\" was expected");
    assert_refused("documents 3\n", "", true, ":5: \"documents N\" was expected");
    assert_refused("label topic order", "label topic odour", true,
                   ":7: another label than the policy's");
    assert_refused("label topic supply", "label topic supply 1", true,
                   ":6: a logarithm of a probability");
    assert_refused("label topic colour -", "label topic colour ", true,
                   ":9: a logarithm of a probability");
    assert_refused("label topic colour ", "label topic colour x", true,
                   ":9: a logarithm of a probability");
    assert_refused("label topic colour -", "label topic colour nan", true,
                   ":9: a logarithm of a probability");
    assert_refused("label topic colour -", "label topic colour -1e7", true,
                   ":9: a logarithm of a probability");
    assert_refused("label topic colour -", "label topic colour\n", true,
                   ":9: another label than the policy's");
    assert_refused("sha256 ", "label topic taste -1\nsha256 ", true,
                   ":10: more lines than the policy has labels");
}

static void labels_in_another_order_are_refused(void **state)
{
    struct policy_sample p;
    char lines[4000];
    (void)state;
    policy_without(&p);
    char *text = measured(&p.policy), *at = strstr(text, "label topic order");
    char *next = strchr(at, '\n') + 1, *end = strchr(next, '\n') + 1;
    snprintf(lines, sizeof(lines), "%.*s%.*s%.*s%s", (int)(at - text), text,
             (int)(end - next), next, (int)(next - at), at, end);
    free(text);
    *strstr(lines, "sha256 ") = '\0';
    file_seal(file_a, lines);
    open_sample(&p);
    decoder_refused(&mind, &p.policy, ":7: another label than the policy's");
}

static void every_prior_cut_short_is_refused(void **state)
{
    struct policy_sample p;
    (void)state;
    policy_without(&p);
    char *text = measured(&p.policy);
    open_sample(&p);
    for (size_t bytes = strlen(text); bytes-- > 0;) {
        text[bytes] = '\0';
        file_set(file_a, text);
        decoder_refused(&mind, &p.policy, file_a);
    }
    free(text);
}

static void a_file_that_is_not_there_or_too_large_is_refused(void **state)
{
    struct policy_sample p;
    static const char *const nowhere[] = {"/nowhere/at/all.prior"};
    (void)state;
    open_sample(&p);
    p.policy.model.prior = nowhere;
    decoder_refused(&mind, &p.policy, "/nowhere/at/all.prior: No such file");
    open_sample(&p);
    assert_int_equal(truncate(file_a, (1 << 20) + 1), 0);
    decoder_refused(&mind, &p.policy, "more than 1 MiB");
    assert_int_equal(truncate(file_a, 1 << 20), 0);
    decoder_refused(&mind, &p.policy, "does not end with a line");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, files_make, files_remove)
    const struct CMUnitTest tests[] = {
        TEST(a_prior_that_was_measured_is_taken_and_named),
        TEST(a_prior_is_lines_of_words),
        TEST(a_prior_is_the_mean_of_the_documents_scores),
        TEST(nothing_to_read_is_nothing_to_measure_on),
        TEST(a_prior_of_something_else_is_passed_over),
        TEST(whatever_changes_a_score_is_another_prompt),
        TEST(damage_is_refused_with_file_and_line),
        TEST(labels_in_another_order_are_refused),
        TEST(every_prior_cut_short_is_refused),
        TEST(a_file_that_is_not_there_or_too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, suite_open, suite_close);
}
