/* The canonical form changes with what a policy asks, and with nothing else. */
#include "tests/policies/sample.h"

#include <locale.h>

static char *canonical_of(const char *from, const char *to)
{
    struct policy *policy = sample_loaded(SAMPLE, from, to);
    char *bytes = malloc(policy->canonical_bytes + 1);

    assert_non_null(bytes);
    memcpy(bytes, policy->canonical, policy->canonical_bytes);
    bytes[policy->canonical_bytes] = '\0';
    policy_free(policy);
    return bytes;
}

static void assert_same(const char *from, const char *to, bool same)
{
    char *before = canonical_of("<title>Sample", "<title>Sample");
    char *after = canonical_of(from, to);

    if ((strcmp(before, after) == 0) != same)
        fail_msg("\"%s\" to \"%s\" %s the canonical form", from, to,
                 same ? "changes" : "leaves");
    free(before);
    free(after);
}

static void form_of_the_file_changes_nothing(void **state)
{
    static const char *const same[][2] = {
        {"<!-- Every element and every attribute a policy can have. -->", ""},
        {"<question>", "<!-- why? --><question>\n   "},
        {"All that a policy\n    can say", "All that\ta policy <!-- x -->can say"},
        {"<![CDATA[Red as in 3 < 4 & blood.]]>",
         "Red as in 3 &lt; 4 &amp; blo&#x6f;d."},
        {"name=\"sample\" revision=\"7\"", "revision='7'\n name='sample'"},
        {"threshold=\"0.35\"", "threshold=\"0.350\""},
        {"revision=\"7\"", "revision=\"007\""},
        {"<pattern-detector name=\"marker\">",
         "<pattern-detector name=\"marker\" findings-max=\"20\" mask=\"no\" luhn=\"no\">"},
        {"<phrase>counsel's", "<phrase> <?editor fold?> counsel's"},
        {"undecided=\"yes\"/>", "undecided=\"yes\" hidden=\"no\"></rule>"},
        {"<title>Blue</title>", "<title>Blue\n</title>"},
        {"<label name=\"red\">", "<label answer=\"Red\" name=\"red\">"},
        {"<system>You  sort colours.", "<system>\nYou  <!-- x -->sort colours.\n  "},
        {"In short: {text}", "<![CDATA[In short: {text]]>}"},
        {"<neutral>.</neutral>", "<neutral\n>.</neutral\n>"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_same(same[i][0], same[i][1], true);
}

static void every_field_changes_it(void **state)
{
    static const char *const other[][2] = {
        {"name=\"sample\"", "name=\"simple\""},
        {"revision=\"7\"", "revision=\"8\""},
        {"<title>Sample", "<title>Simple"},
        {"All that a", "All what a"},
        {"chunk-tokens-max=\"128\"", "chunk-tokens-max=\"129\""},
        {"hidden-text=\"read\"", "hidden-text=\"leave-out\""},
        {"hidden-text=\"read\"", "hidden-text=\"leave-out-all\""},
        {"ink-check=\"suspicious\"", "ink-check=\"never\""},
        {"ink-check=\"suspicious\"", "ink-check=\"always\""},
        {" commanding-text=\"ignore\"", ""},
        {"owner-restriction=\"ignore\"", "owner-restriction=\"honour\""},
        {"tiny-points=\"2.5\"", "tiny-points=\"2.500001\""},
        {"pages-max=\"10\"", "pages-max=\"11\""},
        {"file-mib-max=\"1.5\"", "file-mib-max=\"1.500001\""},
        {"text-mib-max=\"0.25\"", "text-mib-max=\"0.26\""},
        {"cpu-seconds-max=\"20\"", "cpu-seconds-max=\"21\""},
        {"cpu-seconds-min=\"3\"", "cpu-seconds-min=\"4\""},
        {"cpu-ms-per-page=\"40\"", "cpu-ms-per-page=\"41\""},
        {"cpu-ms-per-mib=\"50\"", "cpu-ms-per-mib=\"51\""},
        {"memory-mib-max=\"600\"", "memory-mib-max=\"601\""},
        {"\"0.35\"", "\"0.350001\""},
        {"temperature=\"0.125\"", "temperature=\"9.999999\""},
        {"lead-weight=\"0.75\"", "lead-weight=\"0.750001\""},
        {"pool=\"top\"", "pool=\"max\""},
        {"pool-top=\"4\"", "pool-top=\"5\""},
        {"evidence-max=\"2\"", "evidence-max=\"3\""},
        {"Which colour is it?", "What colour is it?"},
        {"<label name=\"blue\"", "<label name=\"navy\""},
        {"<title>Red", "<title>red"},
        {"Blue, like the sky.", "Blue like the sky."},
        {"The rose is red.", "The rose was red."},
        {"      <example>A red door.</example>\n", ""},
        {"sentences-max=\"4\"", "sentences-max=\"5\""},
        {"bytes-max=\"700\"", "bytes-max=\"701\""},
        {"redundancy=\"0.25\"", "redundancy=\"0.26\""},
        {"<summary sentences-max=\"4\" bytes-max=\"700\" redundancy=\"0.25\"/>", ""},
        {"model-threshold=\"0.375\"", "model-threshold=\"0.376\""},
        {"model-temperature=\"1.5\"", "model-temperature=\"1.6\""},
        {"model-lead-weight=\"0.25\"", "model-lead-weight=\"0.5\""},
        {"answer=\"sky blue\"", "answer=\"sea blue\""},
        {" answer=\"sky blue\"", ""},
        {"ask=\"undecided\"", "ask=\"always\""},
        {"chat=\"chatml\"", "chat=\"llama3\""},
        {" chat=\"chatml\"", ""},
        {"passage-tokens-max=\"300\"", "passage-tokens-max=\"301\""},
        {"sentence-tokens-max=\"40\"", "sentence-tokens-max=\"41\""},
        {"temperature=\"0.7\"", "temperature=\"0.71\""},
        {"top-p=\"0.9\"", "top-p=\"0.91\""},
        {"min-p=\"0.05\"", "min-p=\"0.06\""},
        {"seed=\"4294967295\"", "seed=\"4294967294\""},
        {"You  sort", "You sort"},
        {"<{text}>", "<{text} >"},
        {"<opening><![CDATA[Colour: ]]>", "<opening>Colour:"},
        {"In short: {text}", "In short:\n{text}"},
        {"Fold: {text}", "Fold : {text}"},
        {"<neutral>.", "<neutral>"},
        {"warm.prior", "worm.prior"},
        {"<prior file=\"Cold_2.prior\"/>", ""},
        {"name=\"marker\"", "name=\"marked\""},
        {"findings-max=\"9\"", "findings-max=\"8\""},
        {"mask=\"yes\" luhn", "mask=\"no\" luhn"},
        {"luhn=\"yes\"", "luhn=\"no\""},
        {"<title>Payment card", "<title>Payments card"},
        {"{12,18}", "{12,17}"},
        {"<exclude>^0</exclude>", "<pattern>^0</pattern>"},
        {"<pattern case=\"keep\">", "<pattern>"},
        {"<phrase>counsel's work-product</phrase>",
         "<pattern>counsel's work-product</pattern>"},
        {"threshold=\"0.625\"", "threshold=\"0.626\""},
        {"What is to be paid.", "What is paid."},
        {"Pay in thirty days.", "Pay in sixty days."},
        {"default=\"keep\"", "default=\"kept\""},
        {"decision=\"drop\"", "decision=\"hold\""},
        {"outcome=\"partial\"", "outcome=\"damaged\""},
        {" hidden=\"yes\"", ""},
        {"undecided=\"yes\"", "label=\"blue\""},
        {" detector=\"card\"", ""},
        {"label=\"red\"", "label=\"blue\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        assert_same(other[i][0], other[i][1], false);
}

/* Words must not move from one field to the next without being seen. */
static void border_between_fields_counts(void **state)
{
    char *one = canonical_of("<example>The rose is red.</example>",
                             "<example>The rose</example><example>is red.</example>");
    char *other = canonical_of("<example>The rose is red.</example>",
                               "<example>The</example><example>rose is red.</example>");

    (void)state;
    assert_string_not_equal(one, other);
    free(one);
    free(other);
}

/* These bytes are promised: a change here is a change of every policy's digest. */
static void form_is_the_one_documented(void **state)
{
    struct policy *policy = sample_loaded(
        SMALLEST, "  <task", "  <reading commanding-text=\"ignore\"/>\n  <task");

    (void)state;
    assert_string_equal(
        policy->canonical,
        "cloister-policy 1\n"
        "policy.name 8:smallest\n"
        "policy.title 8:Smallest\n"
        "policy.description 24:Only what must be there.\n"
        "policy.revision 1\n"
        "reading.chunk_tokens_max 256\n"
        "reading.hidden_text 0\n"
        "reading.ink 1\n"
        "reading.honour_owner 1\n"
        "reading.tiny_points 2\n"
        "reading.pages_max 5000\n"
        "reading.file_bytes_max 268435456\n"
        "reading.text_bytes_max 33554432\n"
        "reading.cpu_seconds_max 300\n"
        "limits.cpu_seconds_min 10\n"
        "limits.cpu_ms_per_page 200\n"
        "limits.cpu_ms_per_mib 500\n"
        "limits.memory_bytes_max 1073741824\n"
        "policy.tasks 1\n"
        "task.name 6:colour\n"
        "task.question 19:Which colour is it?\n"
        "task.threshold 0.5\n"
        "task.temperature 0.05\n"
        "task.lead_weight 0.3\n"
        "task.pool 4:mean\n"
        "task.pool_top 3\n"
        "task.evidence_max 3\n"
        "task.model_threshold 0.5\n"
        "task.model_temperature 1\n"
        "task.model_lead_weight 0.5\n"
        "task.labels 2\n"
        "label.name 3:red\n"
        "label.title 3:Red\n"
        "label.answer 3:Red\n"
        "label.description 4:Red.\n"
        "examples 0\n"
        "label.name 4:blue\n"
        "label.title 4:Blue\n"
        "label.answer 4:Blue\n"
        "label.description 5:Blue.\n"
        "examples 0\n"
        "summary.wanted 0\n"
        "summary.sentences_max 0\n"
        "summary.bytes_max 0\n"
        "summary.redundancy 0\n"
        "model.ask 0\n"
        "model.chat -\n"
        "model.passage_tokens_max 512\n"
        "model.sentence_tokens_max 96\n"
        "model.system 0:\n"
        "model.classify 18:{text}\n\n{question}\n"
        "model.opening 0:\n"
        "model.summarize 68:{text}\n\nSummarize this part of the document "
        "in one or two sentences.\n"
        "model.fold 49:{text}\n\nSummarize these notes in a few "
        "sentences.\n"
        "model.neutral 3:N/A\n"
        "model.temperature 0\n"
        "model.top_p 1\n"
        "model.min_p 0\n"
        "model.seed 0\n"
        "model.priors 0\n"
        "policy.detectors 0\n"
        "policy.rules 0\n"
        "policy.decision_default 4:none\n");
    assert_int_equal(policy->canonical_bytes, strlen(policy->canonical));
    policy_free(policy);
}

/* Make a locale with a decimal comma (from Debian's package locales) and take it. */
static bool comma_locale_is_set(char *folder)
{
    char command[160];

    snprintf(command, sizeof command,
             "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1", folder);
    if (system(command) != 0)
        return false;
    setenv("LOCPATH", folder, 1);
    return setlocale(LC_ALL, "de_DE.UTF-8") != NULL;
}

static void locale_changes_nothing(void **state)
{
    char folder[] = "/tmp/cloister-locale-XXXXXX", command[80], number[16];
    char *before = canonical_of("<title>Red", "<title>Red"), *after;
    bool set;

    (void)state;
    assert_non_null(mkdtemp(folder));
    set = comma_locale_is_set(folder);
    after = canonical_of("<title>Red", "<title>Red");
    snprintf(number, sizeof number, "%.1f", 0.5);
    setlocale(LC_ALL, "C");
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    assert_string_equal(before, after);
    free(before);
    free(after);
    if (!set) {
        fprintf(stderr, "no locale with a decimal comma can be made here\n");
        skip();
    }
    assert_string_equal(number, "0,5");
}

int main(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(form_of_the_file_changes_nothing),
        cmocka_unit_test(every_field_changes_it),
        cmocka_unit_test(border_between_fields_counts),
        cmocka_unit_test(form_is_the_one_documented),
        cmocka_unit_test(locale_changes_nothing),
    };

    return cmocka_run_group_tests_name("policies/canonical", test, NULL, NULL);
}
