/* Walking a tree, its lines and its texts. */
#include "tests/policies/sample.h"

#include <libxml/parser.h>

static xmlDoc *tree_of(const char *text)
{
    struct policy_source source = {strdup(text), strlen(text), NULL, 0, NULL};
    xmlDoc *document = xmlReadMemory(text, (int)strlen(text), NULL, NULL, 0);

    assert_non_null(document);
    assert_int_equal(policy_source_scan(&source, NULL), POLICY_OK);
    policy_tree_number(document, &source);
    policy_source_free(&source);
    return document;
}

static void elements_are_walked_in_document_order(void **state)
{
    xmlDoc *document = tree_of("<a>\n<b\n><c/></b>t<!-- n --><d/>\n<e/></a><!-- z -->");
    char names[16] = "", lines[16] = "";

    (void)state;
    for (xmlNode *at = xmlDocGetRootElement(document); at; at = policy_tree_next(at)) {
        strcat(names, (const char *)at->name);
        sprintf(lines + strlen(lines), "%d", policy_tree_line(at));
    }
    assert_string_equal(names, "abcde");
    assert_string_equal(lines, "12334");
    xmlFreeDoc(document);
}

static void children_are_found_by_name(void **state)
{
    xmlDoc *document = tree_of("<a>t<b/><c/><!-- b --><b x=\"1\" y=\"\"/></a>");
    xmlNode *root = xmlDocGetRootElement(document);
    xmlNode *second = policy_tree_sibling(policy_tree_child(root, "b"), "b");

    (void)state;
    assert_int_equal(policy_tree_count(root, "b"), 2);
    assert_int_equal(policy_tree_count(root, NULL), 3);
    assert_int_equal(policy_tree_count(root, "z"), 0);
    assert_string_equal(policy_tree_value(second, "x"), "1");
    assert_string_equal(policy_tree_value(second, "y"), "");
    assert_null(policy_tree_value(second, "z"));
    assert_null(policy_tree_sibling(second, NULL));
    xmlFreeDoc(document);
}

static void text_is_collapsed_and_trimmed(void **state)
{
    xmlDoc *document =
        tree_of("<a>\n  one <!-- x -->\ttwo<![CDATA[ < three  ]]>&amp; four \n</a>");
    char text[32];

    (void)state;
    assert_int_equal(policy_tree_text(xmlDocGetRootElement(document), text, 32), 22);
    assert_string_equal(text, "one two < three & four");
    xmlFreeDoc(document);
}

static void text_is_cut_to_its_buffer(void **state)
{
    xmlDoc *document = tree_of("<a> one  two </a>");
    char text[6] = "zzzzz";

    (void)state;
    assert_int_equal(policy_tree_text(xmlDocGetRootElement(document), NULL, 0), 7);
    assert_int_equal(policy_tree_text(xmlDocGetRootElement(document), text, 6), 7);
    assert_string_equal(text, "one t");
    assert_int_equal(policy_tree_text(xmlDocGetRootElement(document), text, 1), 7);
    assert_string_equal(text, "");
    xmlFreeDoc(document);
}

static void line_break_counts_between_words_only(void **state)
{
    static const struct {
        const char *text;
        bool broken;
    } table[] = {{"<a>\n one two \n</a>", false},
                 {"<a>one\ntwo</a>", true},
                 {"<a>one<!-- x -->\n<![CDATA[two]]></a>", true},
                 {"<a></a>", false}};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        xmlDoc *document = tree_of(table[i].text);
        assert_int_equal(policy_tree_broken(xmlDocGetRootElement(document)),
                         table[i].broken);
        xmlFreeDoc(document);
    }
}

int main(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(elements_are_walked_in_document_order),
        cmocka_unit_test(children_are_found_by_name),
        cmocka_unit_test(text_is_collapsed_and_trimmed),
        cmocka_unit_test(text_is_cut_to_its_buffer),
        cmocka_unit_test(line_break_counts_between_words_only),
    };

    return cmocka_run_group_tests_name("policies/tree", test, NULL, NULL);
}
