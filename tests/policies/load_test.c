/* The whole way: shipped policies load, what is not XML is explained. */
#include "tests/policies/sample.h"

static const struct sample_case cases[] = {
    {"bare_ampersand_is_explained", "The rose", "The rose & thorn", 16,
     "not well-formed XML: xmlParseEntityRef: no name; write &amp; for &"},
    {"entity_is_refused", "The rose", "The&nbsp;rose", 16,
     "Entity 'nbsp' not defined; write the character itself"},
    {"wrong_end_tag_is_explained", "<title>Red</title>", "<title>Red</titel>", 14,
     "Opening and ending tag mismatch: title line 14 and titel; close each element"},
    {"missing_quote_is_explained", "name=\"red\"", "name=\"red", 14,
     "a closing quote is missing before this <"},
    {"value_without_quotes_is_explained", "name=\"red\"", "name=red", 13,
     "put the value between double quotes"},
    {"attribute_twice_is_refused", "name=\"red\"", "name=\"red\" name=\"red\"", 13,
     "write the attribute once"},
    {"missing_end_is_explained", "</policy>\n", "", 46, "the file ends too early"},
    {"second_root_is_refused", "</policy>", "</policy><policy/>", 46,
     "one <policy> holds all"},
    {"control_character_is_refused", "The rose", "The\x01rose", 16,
     "not well-formed XML"},
};

static void empty_file_is_explained(void **state)
{
    (void)state;
    sample_refuse_text("", 1, "a policy begins with <policy name=");
    sample_refuse_text("contracts", 1, "not well-formed XML");
}

static void shipped_policies_load(void **state)
{
    static const char *const path[] = {"policies/contracts.xml",
                                       "policies/privilege.xml"};
    struct policy_error err;
    struct policy *policy;

    (void)state;
    for (size_t i = 0; i < sizeof path / sizeof *path; i++) {
        if (policy_load(&policy, path[i], &err) != POLICY_OK)
            fail_msg("%s: line %d: %s", path[i], err.line, err.text);
        assert_true(policy->canonical_bytes > 1000);
        policy_free(policy);
    }
}

static void contracts_ask_for_the_labels_that_scripts_know(void **state)
{
    static const char *const name[] = {"affiliate",
                                       "agency",
                                       "co_branding",
                                       "collaboration",
                                       "consulting",
                                       "development",
                                       "distributor",
                                       "endorsement",
                                       "franchise",
                                       "hosting",
                                       "intellectual_property",
                                       "joint_venture",
                                       "license",
                                       "maintenance",
                                       "manufacturing",
                                       "marketing",
                                       "non_compete",
                                       "outsourcing",
                                       "promotion",
                                       "reseller",
                                       "service",
                                       "sponsorship",
                                       "strategic_alliance",
                                       "supply",
                                       "transportation"};
    struct policy *policy;

    (void)state;
    assert_int_equal(policy_load(&policy, "policies/contracts.xml", NULL), POLICY_OK);
    assert_string_equal(policy->name, "contracts");
    assert_string_equal(policy->task[0].name, "contract_type");
    assert_int_equal(policy->task[0].label_count, 25);
    for (size_t i = 0; i < 25; i++)
        assert_string_equal(policy->task[0].label[i].name, name[i]);
    policy_free(policy);
}

static void privilege_asks_for_the_labels_that_scripts_know(void **state)
{
    struct policy *policy;

    (void)state;
    assert_int_equal(policy_load(&policy, "policies/privilege.xml", NULL), POLICY_OK);
    assert_string_equal(policy->name, "privilege");
    assert_string_equal(policy->task[0].name, "privilege");
    assert_int_equal(policy->task[0].label_count, 2);
    assert_string_equal(policy->task[0].label[0].name, "privileged");
    assert_string_equal(policy->task[0].label[1].name, "not_privileged");
    policy_free(policy);
}

static void grammar_is_the_file(void **state)
{
    char *text = sample_read("policies/policy.rng");

    (void)state;
    assert_string_equal(policy_grammar(), text);
    free(text);
}

static void missing_file_gives_no_policy(void **state)
{
    struct policy *policy = (struct policy *)&cases;

    (void)state;
    assert_int_equal(policy_load(&policy, "tests/data/policies/none.xml", NULL),
                     POLICY_EIO);
    assert_null(policy);
}

static void nothing_may_be_freed(void **state)
{
    (void)state;
    policy_free(NULL);
}

/* Every prefix of a policy is refused, and none is read past its end. */
static void cut_policies_are_refused(void **state)
{
    char *text = sample_read(SAMPLE);
    size_t end = (size_t)(strrchr(text, '>') - text) + 1;

    (void)state;
    for (size_t bytes = 0; bytes < end; bytes += 7) {
        struct policy_error err;
        struct policy *policy;
        assert_int_equal(sample_load_bytes(&policy, text, bytes, &err),
                         POLICY_EINVALID);
        assert_true(err.line >= 1);
    }
    free(text);
}

int main(void)
{
    struct CMUnitTest test[24] = {
        cmocka_unit_test(empty_file_is_explained),
        cmocka_unit_test(shipped_policies_load),
        cmocka_unit_test(contracts_ask_for_the_labels_that_scripts_know),
        cmocka_unit_test(privilege_asks_for_the_labels_that_scripts_know),
        cmocka_unit_test(grammar_is_the_file),
        cmocka_unit_test(missing_file_gives_no_policy),
        cmocka_unit_test(nothing_may_be_freed),
        cmocka_unit_test(cut_policies_are_refused),
    };

    sample_tests(test, 8, cases, sizeof cases / sizeof *cases);
    return cmocka_run_group_tests_name("policies/load", test, NULL, NULL);
}
