/* grammar - policy.rng as a table: what each element may hold.
 *
 * libxml2 decides whether a document fits the grammar, but it cannot say what
 * would have fitted. So the same schema is read here a second time, into
 *
 *     element   name, attributes, children in order (slots), or text
 *     value     name, kind, limits, and words of advice
 *
 * Only the forms that policy.rng uses are understood: one element or one value a
 * define, attributes and children in a sequence, optional, oneOrMore, zeroOrMore,
 * and a choice of elements. The schema is a part of the program: a form that is
 * not understood is our mistake, and an assertion says so. */
#include "policies/loader.h"

#include <assert.h>
#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct reader {
    struct grammar *grammar;
    struct grammar_element *element; /* being filled */
    bool failed;                     /* out of memory */
};

/* ---- finding ---- */

const struct grammar_element *grammar_find(const struct grammar *grammar,
                                           const char *name)
{
    for (size_t i = 0; i < grammar->element_count; i++)
        if (strcmp(grammar->element[i].name, name) == 0)
            return &grammar->element[i];
    return NULL;
}

const struct grammar_attribute *
grammar_attribute_find(const struct grammar_element *element, const char *name)
{
    for (size_t i = 0; i < element->attribute_count; i++)
        if (strcmp(element->attribute[i].name, name) == 0)
            return &element->attribute[i];
    return NULL;
}

static const struct grammar_value *value_find(const struct grammar *grammar,
                                              const char *name)
{
    for (size_t i = 0; i < grammar->value_count; i++)
        if (strcmp(grammar->value[i].name, name) == 0)
            return &grammar->value[i];
    return NULL;
}

/* ---- values ---- */

/* At most five digits, a point and six more: thirteen digits are exact in a
 * double, so one division rounds correctly, whatever the locale. */
double grammar_number(const char *text)
{
    double digits = 0, scale = 1;
    bool point = false;

    for (; *text; text++) {
        if (*text == '.') {
            point = true;
            continue;
        }
        digits = digits * 10 + (*text - '0');
        scale = point ? scale * 10 : scale;
    }
    return digits / scale;
}

static bool choice_fits(const struct grammar_value *value, const char *text)
{
    for (size_t i = 0; i < value->choice_count; i++)
        if (strcmp(value->choice[i], text) == 0)
            return true;
    return false;
}

static bool between(const struct grammar_value *value, double number)
{
    return number >= value->low && number <= value->high;
}

bool grammar_value_fits(const struct grammar_value *value, const char *text)
{
    switch (value->kind) {
    case GRAMMAR_CHOICE:
        return choice_fits(value, text);
    case GRAMMAR_TEXT:
    case GRAMMAR_EXACT:
        return between(value, xmlUTF8Strlen((const xmlChar *)text));
    case GRAMMAR_STRING:
        return xmlRegexpExec(value->pattern, (const xmlChar *)text) == 1;
    case GRAMMAR_NUMBER:
        break;
    }
    return xmlRegexpExec(value->pattern, (const xmlChar *)text) == 1 &&
           between(value, grammar_number(text));
}

/* ---- reading values ---- */

/* The text of a schema element: always one text node. */
static const char *text_of(const xmlNode *node)
{
    assert(node->children && node->children->type == XML_TEXT_NODE);
    return (const char *)node->children->content;
}

static void read_data(struct reader *reader, struct grammar_value *value,
                      const xmlNode *data)
{
    const char *type = policy_tree_value(data, "type");

    value->kind = strcmp(type, "token") == 0    ? GRAMMAR_TEXT
                  : strcmp(type, "string") == 0 ? GRAMMAR_STRING
                                                : GRAMMAR_NUMBER;
    for (xmlNode *param = policy_tree_child(data, "param"); param;
         param = policy_tree_sibling(param, "param")) {
        const char *name = policy_tree_value(param, "name");
        if (strcmp(name, "pattern") == 0)
            value->pattern = xmlRegexpCompile((const xmlChar *)text_of(param));
        else if (strncmp(name, "min", 3) == 0)
            value->low = grammar_number(text_of(param));
        else
            value->high = grammar_number(text_of(param));
    }
    if (value->kind == GRAMMAR_STRING && value->high > 0)
        value->kind = GRAMMAR_EXACT;
    else if (value->kind != GRAMMAR_TEXT && !value->pattern)
        reader->failed = true;
}

static void read_choice(struct grammar_value *value, const xmlNode *choice)
{
    value->kind = GRAMMAR_CHOICE;
    for (xmlNode *word = policy_tree_child(choice, "value"); word;
         word = policy_tree_sibling(word, "value")) {
        assert(value->choice_count < COUNT(value->choice));
        value->choice[value->choice_count++] = text_of(word);
    }
}

static void read_value(struct reader *reader, struct grammar_value *value,
                       const xmlNode *define)
{
    xmlNode *documentation = policy_tree_child(define, "documentation");
    xmlNode *data = policy_tree_child(define, "data");

    assert(documentation);
    value->advice = text_of(documentation);
    if (data)
        read_data(reader, value, data);
    else
        read_choice(value, policy_tree_child(define, "choice"));
}

/* ---- reading elements ---- */

/* The value of an annotation: an attribute of the schema in a namespace. */
static const char *annotation_of(const xmlNode *node, const char *name)
{
    for (const xmlAttr *at = node->properties; at; at = at->next)
        if (at->ns && strcmp((const char *)at->name, name) == 0)
            return at->children ? (const char *)at->children->content : "";
    return NULL;
}

static void read_attribute(struct reader *reader, const xmlNode *node, bool required)
{
    struct grammar_element *element = reader->element;
    const xmlNode *ref = policy_tree_child(node, "ref");
    struct grammar_attribute *attribute =
        &element->attribute[element->attribute_count++];

    assert(element->attribute_count <= COUNT(element->attribute) && ref);
    attribute->name = policy_tree_value(node, "name");
    attribute->required = required;
    attribute->value = value_find(reader->grammar, policy_tree_value(ref, "name"));
    assert(attribute->value);
    attribute->standard = annotation_of(node, "defaultValue");
}

/* <ref name="x"/> twice in a row is one slot with both counts together. */
static struct grammar_slot *slot_for(struct grammar_element *element,
                                     const struct grammar_element *child)
{
    struct grammar_slot *last = &element->slot[element->slot_count];

    if (element->slot_count && last[-1].child_count == 1 && last[-1].child[0] == child)
        return last - 1;
    assert(element->slot_count < COUNT(element->slot));
    element->slot_count++;
    return last;
}

static void read_ref(struct reader *reader, const xmlNode *ref, uint32_t min,
                     uint32_t max)
{
    const char *name = policy_tree_value(ref, "name");
    const struct grammar_element *child = grammar_find(reader->grammar, name);
    struct grammar_slot *slot;

    if (!child) {
        reader->element->text = value_find(reader->grammar, name);
        assert(reader->element->text);
        return;
    }
    slot = slot_for(reader->element, child);
    slot->child[0] = child;
    slot->child_count = 1;
    slot->min += min;
    slot->max += max;
}

static void read_alternatives(struct reader *reader, const xmlNode *choice,
                              uint32_t min, uint32_t max)
{
    struct grammar_slot *slot = &reader->element->slot[reader->element->slot_count++];

    assert(reader->element->slot_count <= COUNT(reader->element->slot));
    slot->min = min;
    slot->max = max;
    for (xmlNode *ref = policy_tree_child(choice, "ref"); ref;
         ref = policy_tree_sibling(ref, "ref")) {
        assert(slot->child_count < COUNT(slot->child));
        slot->child[slot->child_count] =
            grammar_find(reader->grammar, policy_tree_value(ref, "name"));
        assert(slot->child[slot->child_count]);
        slot->child_count++;
    }
}

static void read_part(struct reader *reader, const xmlNode *part, uint32_t min,
                      uint32_t max)
{
    if (policy_tree_is(part, "attribute"))
        read_attribute(reader, part, min > 0);
    else if (policy_tree_is(part, "ref"))
        read_ref(reader, part, min, max);
    else if (policy_tree_is(part, "choice"))
        read_alternatives(reader, part, min, max);
    else
        assert(policy_tree_is(part, "empty"));
}

static void read_element(struct reader *reader, const xmlNode *element)
{
    static const struct {
        const char *name;
        uint32_t min, max;
    } repeat[] = {{"optional", 0, 1},
                  {"zeroOrMore", 0, GRAMMAR_MANY},
                  {"oneOrMore", 1, GRAMMAR_MANY}};

    reader->element->standard = annotation_of(element, "default");
    for (xmlNode *part = policy_tree_child(element, NULL); part;
         part = policy_tree_sibling(part, NULL)) {
        size_t i = 0;
        while (i < COUNT(repeat) && !policy_tree_is(part, repeat[i].name))
            i++;
        if (i < COUNT(repeat))
            read_part(reader, policy_tree_child(part, NULL), repeat[i].min,
                      repeat[i].max);
        else
            read_part(reader, part, 1, 1);
    }
}

/* ---- the whole ---- */

/* Names first, so that a reference finds what is defined further down. */
static void read_names(struct grammar *grammar, const xmlNode *root)
{
    for (xmlNode *define = policy_tree_child(root, "define"); define;
         define = policy_tree_sibling(define, "define")) {
        const char *name = policy_tree_value(define, "name");
        if (policy_tree_child(define, "element")) {
            assert(grammar->element_count < COUNT(grammar->element));
            grammar->element[grammar->element_count++].name = name;
        } else {
            assert(grammar->value_count < COUNT(grammar->value));
            grammar->value[grammar->value_count++].name = name;
        }
    }
}

static void read_defines(struct reader *reader, const xmlNode *root)
{
    struct grammar_element *element = reader->grammar->element;
    struct grammar_value *value = reader->grammar->value;

    for (xmlNode *define = policy_tree_child(root, "define"); define;
         define = policy_tree_sibling(define, "define")) {
        const xmlNode *body = policy_tree_child(define, "element");
        reader->element = element;
        if (body)
            read_element(reader, body), element++;
        else
            read_value(reader, value++, define);
    }
}

struct grammar *grammar_open(const char *rng)
{
    struct grammar *grammar = calloc(1, sizeof *grammar);
    struct reader reader = {grammar, NULL, false};

    if (!grammar)
        return NULL;
    grammar->document = xmlReadMemory(rng, (int)strlen(rng), NULL, NULL,
                                      XML_PARSE_NONET | XML_PARSE_NOBLANKS |
                                          XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (grammar->document) {
        const xmlNode *root = xmlDocGetRootElement(grammar->document);
        read_names(grammar, root);
        read_defines(&reader, root);
    }
    if (!grammar->document || reader.failed) {
        grammar_close(grammar);
        return NULL;
    }
    return grammar;
}

void grammar_close(struct grammar *grammar)
{
    if (!grammar)
        return;
    for (size_t i = 0; i < grammar->value_count; i++)
        xmlRegFreeRegexp(grammar->value[i].pattern);
    xmlFreeDoc(grammar->document);
    free(grammar);
}
