/* The table read from policy.rng says what libxml2's RELAX NG says. */
#include "tests/policies/sample.h"

#include <libxml/parser.h>
#include <libxml/relaxng.h>

struct schema { /* both readings of the grammar */
    xmlRelaxNG *schema;
    struct grammar *table;
    size_t compared, refused;
};

static void ignore(void *context, xmlErrorPtr error)
{
    (void)context;
    (void)error;
}

static int schema_open(void **state)
{
    struct schema *schema = calloc(1, sizeof *schema);
    xmlRelaxNGParserCtxt *parser =
        xmlRelaxNGNewMemParserCtxt(policy_grammar(), (int)strlen(policy_grammar()));

    assert_non_null(schema);
    schema->schema = xmlRelaxNGParse(parser);
    schema->table = grammar_open(policy_grammar());
    assert_non_null(schema->schema);
    assert_non_null(schema->table);
    xmlRelaxNGFreeParserCtxt(parser);
    *state = schema;
    return 0;
}

static int schema_close(void **state)
{
    struct schema *schema = *state;

    xmlRelaxNGFree(schema->schema);
    grammar_close(schema->table);
    free(schema);
    return 0;
}

static bool grammar_accepts(const struct schema *schema, xmlDoc *document)
{
    xmlRelaxNGValidCtxt *context = xmlRelaxNGNewValidCtxt(schema->schema);
    int result;

    xmlRelaxNGSetValidStructuredErrors(context, ignore, NULL);
    result = xmlRelaxNGValidateDoc(context, document);
    xmlRelaxNGFreeValidCtxt(context);
    assert_true(result >= 0);
    return result == 0;
}

static void compare(struct schema *schema, xmlDoc *document, const char *change,
                    const char *what)
{
    struct policy_error err = {0};
    bool grammar = grammar_accepts(schema, document);
    bool table = policy_advise(document, schema->table, &err) == POLICY_OK;

    schema->compared++;
    schema->refused += !grammar;
    if (grammar != table)
        fail_msg("%s %s: the grammar %s, the table %s %s", change, what,
                 grammar ? "accepts" : "refuses", table ? "accepts" : "refuses",
                 err.text);
}

/* ---- every small change of a document ---- */

static xmlNode *element_at(xmlDoc *document, size_t index)
{
    xmlNode *node = xmlDocGetRootElement(document);

    while (node && index--)
        node = policy_tree_next(node);
    return node;
}

static void element_is_changed(struct schema *schema, const xmlDoc *original,
                               size_t index, const char *change)
{
    xmlDoc *document = xmlCopyDoc((xmlDoc *)(uintptr_t)original, 1);
    xmlNode *node = element_at(document, index),
            *next = policy_tree_sibling(node, NULL);
    bool root = index == 0;

    if (strcmp(change, "remove") == 0 && !root) {
        xmlUnlinkNode(node);
        xmlFreeNode(node);
    } else if (strcmp(change, "double") == 0 && !root) {
        xmlAddNextSibling(node, xmlCopyNode(node, 1));
    } else if (strcmp(change, "swap") == 0 && next) {
        xmlAddNextSibling(next, node);
    } else if (strcmp(change, "empty") == 0) {
        xmlNodeSetContent(node, NULL);
    } else if (strcmp(change, "text") == 0) {
        xmlAddChild(node, xmlNewText(BAD_CAST " more "));
    } else if (strcmp(change, "comment") == 0) {
        xmlAddChild(node, xmlNewComment(BAD_CAST " more "));
    } else if (strcmp(change, "namespace") == 0) {
        xmlSetNs(node, xmlNewNs(node, BAD_CAST "urn:x", NULL));
    }
    compare(schema, document, change, "an element");
    xmlFreeDoc(document);
}

static void attribute_is_set(struct schema *schema, const xmlDoc *original,
                             size_t index, const char *name, const char *value)
{
    xmlDoc *document = xmlCopyDoc((xmlDoc *)(uintptr_t)original, 1);
    xmlNode *node = element_at(document, index);

    if (value)
        xmlSetProp(node, BAD_CAST name, BAD_CAST value);
    else
        xmlUnsetProp(node, BAD_CAST name);
    compare(schema, document, name, value ? value : "removed");
    xmlFreeDoc(document);
}

static void child_is_added(struct schema *schema, const xmlDoc *original, size_t index,
                           const struct grammar_element *kind)
{
    xmlDoc *document = xmlCopyDoc((xmlDoc *)(uintptr_t)original, 1);
    xmlNode *child = xmlNewNode(NULL, BAD_CAST kind->name);

    if (kind->text)
        xmlNodeSetContent(child, BAD_CAST "\nwords\n");
    xmlAddChild(element_at(document, index), child);
    compare(schema, document, "add", kind->name);
    xmlFreeDoc(document);
}

static void every_attribute_is_changed(struct schema *schema, const xmlDoc *original,
                                       size_t index, const xmlNode *node)
{
    static const char *const value[] = {
        NULL,   "",       "0",          "1",          "2",     "15",
        "16",   "100",    "1000",       "8192",       "8193",  "1000000",
        "0.5",  "1.5",    "0.0009",     "0.001",      "10.1",  "100.5",
        "-1",   "+1",     "1e1",        " 1",         "1 ",    "1.",
        ".5",   "01",     "yes",        "no",         " yes",  "YES",
        "a",    "a_1",    "A",          "1a",         "a b",   "ok",
        "top",  "ignore", "read",       "0.1234567",  "a-b",   "a.b",
        "../a", "always", "4294967295", "4294967296", "65537", "12345678901",
    };
    const struct grammar_element *element =
        grammar_find(schema->table, (const char *)node->name);

    for (size_t i = 0; i < element->attribute_count; i++)
        for (size_t j = 0; j < sizeof value / sizeof *value; j++)
            attribute_is_set(schema, original, index, element->attribute[i].name,
                             value[j]);
    attribute_is_set(schema, original, index, "unknown", "1");
}

static void every_change_of(struct schema *schema, const char *path)
{
    static const char *const change[] = {"nothing", "remove", "double",  "swap",
                                         "empty",   "text",   "comment", "namespace"};
    char *text = sample_read(path);
    xmlDoc *original = xmlReadMemory(text, (int)strlen(text), NULL, NULL, 0);
    size_t index = 0;

    for (xmlNode *node = element_at(original, 0); node;
         node = policy_tree_next(node), index++) {
        for (size_t i = 0; i < sizeof change / sizeof *change; i++)
            element_is_changed(schema, original, index, change[i]);
        for (size_t i = 0; i < schema->table->element_count; i++)
            child_is_added(schema, original, index, &schema->table->element[i]);
        every_attribute_is_changed(schema, original, index, node);
    }
    xmlFreeDoc(original);
    free(text);
}

static void table_and_grammar_agree_on_every_small_change(void **state)
{
    struct schema *schema = *state;

    every_change_of(schema, SAMPLE);
    every_change_of(schema, SMALLEST);
    assert_true(schema->refused > 1000);
    assert_true(schema->compared - schema->refused > 300);
}

static void lengths_of_text_are_those_of_the_grammar(void **state)
{
    struct schema *schema = *state;
    char *text = sample_read(SMALLEST);
    xmlDoc *document = xmlReadMemory(text, (int)strlen(text), NULL, NULL, 0);
    xmlNode *title = policy_tree_child(element_at(document, 0), "title");

    free(text);
    for (size_t length = 196; length < 205; length++) {
        char words[512] = " ";
        for (size_t i = 0; i < length; i++)
            strcat(words, "\xC3\xA9");
        strcat(words, " \n ");
        xmlNodeSetContent(title, BAD_CAST words);
        compare(schema, document, "title", "length");
    }
    assert_true(schema->refused > 0 && schema->refused < schema->compared);
    xmlFreeDoc(document);
}

/* ---- what the table holds ---- */

static void defaults_fit_their_own_values(void **state)
{
    const struct grammar *table = ((struct schema *)*state)->table;
    size_t defaults = 0;

    for (size_t i = 0; i < table->element_count; i++)
        for (size_t j = 0; j < table->element[i].attribute_count; j++) {
            const struct grammar_attribute *attribute = &table->element[i].attribute[j];
            if (!attribute->standard)
                continue;
            assert_false(attribute->required);
            assert_true(grammar_value_fits(attribute->value, attribute->standard));
            defaults++;
        }
    assert_true(defaults > 20);
}

static void advice_on_numbers_names_their_limits(void **state)
{
    const struct grammar *table = ((struct schema *)*state)->table;

    for (size_t i = 0; i < table->value_count; i++) {
        const struct grammar_value *value = &table->value[i];
        char limits[64];
        if (value->kind == GRAMMAR_CHOICE || value->kind == GRAMMAR_STRING)
            continue;
        snprintf(limits, sizeof limits,
                 value->kind == GRAMMAR_TEXT || value->kind == GRAMMAR_EXACT
                     ? "%.10g to %.10g"
                     : "from %.10g to %.10g",
                 value->low, value->high);
        if (!strstr(value->advice, limits))
            fail_msg("%s: \"%s\" lacks \"%s\"", value->name, value->advice, limits);
    }
}

static void advice_on_words_names_them_all(void **state)
{
    const struct grammar *table = ((struct schema *)*state)->table;

    for (size_t i = 0; i < table->value_count; i++)
        for (size_t j = 0; j < table->value[i].choice_count; j++)
            assert_non_null(strstr(table->value[i].advice, table->value[i].choice[j]));
}

static void sample_uses_every_element_and_attribute(void **state)
{
    const struct grammar *table = ((struct schema *)*state)->table;
    char *text = sample_read(SAMPLE), word[80];

    for (size_t i = 0; i < table->element_count; i++) {
        snprintf(word, sizeof word, "<%s", table->element[i].name);
        assert_non_null(strstr(text, word));
        for (size_t j = 0; j < table->element[i].attribute_count; j++) {
            snprintf(word, sizeof word, " %s=\"", table->element[i].attribute[j].name);
            assert_non_null(strstr(text, word));
        }
    }
    free(text);
}

/* README.md tells the same limits and defaults, in the grammar's words. */
static void readme_has_a_row_for_every_attribute(void **state)
{
    const struct grammar *table = ((struct schema *)*state)->table;
    char *text = sample_read("policies/README.md"), row[512];

    for (size_t i = 0; i < table->element_count; i++) {
        const struct grammar_element *element = &table->element[i];
        snprintf(row, sizeof row, "`<%s>`", element->name);
        if (!strstr(text, row))
            fail_msg("no %s", row);
        for (size_t j = 0; j < element->attribute_count; j++) {
            const struct grammar_attribute *attribute = &element->attribute[j];
            snprintf(row, sizeof row, "\n| `%s` | %s | %s |", attribute->name,
                     attribute->value->advice,
                     attribute->required   ? "required"
                     : attribute->standard ? attribute->standard
                                           : "none");
            if (!strstr(text, row))
                fail_msg("no row:%s", row);
        }
    }
    free(text);
}

static void numbers_are_read_exactly(void **state)
{
    (void)state;
    assert_true(grammar_number("0") == 0.0);
    assert_true(grammar_number("0.1") == 0.1);
    assert_true(grammar_number("0.35") == 0.35);
    assert_true(grammar_number("99999.999999") == 99999.999999);
    assert_true(grammar_number("007.50") == 7.5);
}

int main(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test_setup_teardown(table_and_grammar_agree_on_every_small_change,
                                        schema_open, schema_close),
        cmocka_unit_test_setup_teardown(lengths_of_text_are_those_of_the_grammar,
                                        schema_open, schema_close),
        cmocka_unit_test_setup_teardown(defaults_fit_their_own_values, schema_open,
                                        schema_close),
        cmocka_unit_test_setup_teardown(advice_on_numbers_names_their_limits,
                                        schema_open, schema_close),
        cmocka_unit_test_setup_teardown(advice_on_words_names_them_all, schema_open,
                                        schema_close),
        cmocka_unit_test_setup_teardown(sample_uses_every_element_and_attribute,
                                        schema_open, schema_close),
        cmocka_unit_test_setup_teardown(readme_has_a_row_for_every_attribute,
                                        schema_open, schema_close),
        cmocka_unit_test(numbers_are_read_exactly),
    };

    return cmocka_run_group_tests_name("policies/grammar", test, NULL, NULL);
}
