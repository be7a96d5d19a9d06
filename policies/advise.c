/* advise - what is wrong with a document that the grammar refuses.
 *
 * libxml2 says "Element task failed to validate content". Here the document is
 * walked in its own order beside the grammar's table until the first thing that
 * does not fit: an attribute that is unknown, missing or has a bad value, an
 * element that is unknown, out of order, missing or one too many, text where none
 * belongs. The advice names the line, what stands there and what may stand there. */
#include "policies/loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 32 };

struct names { /* what may stand in one place */
    const char *name[NAMES_MAX];
    size_t count;
};

struct place { /* where in a parent's slots we are */
    const xmlNode *parent;
    const struct grammar_element *element;
    size_t slot;
    uint32_t taken; /* children in this slot */
    struct policy_error *err;
};

static void names_add(struct names *names, const char *name)
{
    if (names->count < NAMES_MAX)
        names->name[names->count++] = name;
}

static int fail_unknown(struct policy_error *err, int line, const char *what,
                        const char *found, const char *parent,
                        const struct names *names)
{
    struct policy_words words = {.bytes = 0};
    const char *near = policy_words_nearest(found, names->name, names->count);

    for (size_t i = 0; i < names->count; i++)
        policy_words_add(&words, names->name[i]);
    return policy_fail(
        err, POLICY_EINVALID, line, "<%s> has no %s \"%s\"%s%s%s; it may have: %s",
        parent, what, policy_quote_of(found).text, near ? " (did you mean \"" : "",
        near ? near : "", near ? "\"?)" : "", names->count ? words.text : "none");
}

/* ---- attributes ---- */

static int advise_known_attribute(const xmlNode *node, const xmlAttr *at,
                                  const struct grammar_element *element,
                                  struct policy_error *err)
{
    const char *name = (const char *)at->name;
    const struct grammar_attribute *attribute = grammar_attribute_find(element, name);
    const char *value = policy_tree_value(node, name);
    struct names names = {.count = 0};

    if (attribute && !at->ns) {
        if (grammar_value_fits(attribute->value, value))
            return POLICY_OK;
        return policy_fail(
            err, POLICY_EINVALID, policy_tree_line(node), "%s=\"%s\" of <%s>: write %s",
            name, policy_quote_of(value).text, element->name, attribute->value->advice);
    }
    for (size_t i = 0; i < element->attribute_count; i++)
        names_add(&names, element->attribute[i].name);
    return fail_unknown(err, policy_tree_line(node),
                        at->ns ? "namespaced attribute" : "attribute", name,
                        element->name, &names);
}

static int advise_attributes(const xmlNode *node, const struct grammar_element *element,
                             struct policy_error *err)
{
    for (const xmlAttr *at = node->properties; at; at = at->next) {
        int status = advise_known_attribute(node, at, element, err);
        if (status != POLICY_OK)
            return status;
    }
    for (size_t i = 0; i < element->attribute_count; i++) {
        const struct grammar_attribute *attribute = &element->attribute[i];
        if (attribute->required && !policy_tree_value(node, attribute->name))
            return policy_fail(err, POLICY_EINVALID, policy_tree_line(node),
                               "<%s> lacks its attribute %s; write %s", element->name,
                               attribute->name, attribute->value->advice);
    }
    return POLICY_OK;
}

/* ---- text ---- */

/* The element's text as its kind of value counts it; NULL: out of memory. */
static char *text_of(const xmlNode *node, const struct grammar_value *value)
{
    size_t bytes = policy_tree_text(node, NULL, 0);
    char *text;

    if (value->kind == GRAMMAR_EXACT)
        return (char *)xmlNodeGetContent(node);
    text = xmlMalloc(bytes + 1);
    if (text)
        policy_tree_text(node, text, bytes + 1);
    return text;
}

static int advise_text(const xmlNode *node, const struct grammar_element *element,
                       struct policy_error *err)
{
    const xmlNode *child = policy_tree_child(node, NULL);
    size_t bytes;
    bool fits;
    char *text;

    if (child)
        return policy_fail(err, POLICY_EINVALID, policy_tree_line(child),
                           "<%s> inside <%s>, which holds text alone; write &lt; for < "
                           "in text",
                           policy_quote_of((const char *)child->name).text,
                           element->name);
    text = text_of(node, element->text);
    if (!text)
        return policy_fail(err, POLICY_ENOMEM, 0, "out of memory");
    bytes = strlen(text);
    fits = grammar_value_fits(element->text, text);
    xmlFree(text);
    if (fits)
        return POLICY_OK;
    return policy_fail(err, POLICY_EINVALID, policy_tree_line(node),
                       "<%s> holds %zu bytes of text; write %s", element->name, bytes,
                       element->text->advice);
}

static int advise_no_text(const xmlNode *node, const struct grammar_element *element,
                          struct policy_error *err)
{
    char text[64];

    if (policy_tree_text(node, text, sizeof text) == 0)
        return POLICY_OK;
    return policy_fail(err, POLICY_EINVALID, policy_tree_line(node),
                       "the text \"%s\" stands in <%s> itself; put it into one of its "
                       "elements or into a comment",
                       policy_quote_of(text).text, element->name);
}

/* ---- children ---- */

static bool slot_takes(const struct grammar_slot *slot, const xmlNode *child)
{
    for (size_t i = 0; i < slot->child_count; i++)
        if (!child->ns && policy_tree_is(child, slot->child[i]->name))
            return true;
    return false;
}

static void slot_names(const struct grammar_slot *slot, struct names *names)
{
    for (size_t i = 0; i < slot->child_count; i++)
        names_add(names, slot->child[i]->name);
}

static int fail_missing(const struct place *place, const xmlNode *before)
{
    const struct grammar_slot *slot = &place->element->slot[place->slot];
    const xmlNode *node = before ? before : place->parent;
    char taken[16] = "no", names[128] = "";

    if (place->taken)
        snprintf(taken, sizeof taken, "%u", place->taken);
    for (size_t i = 0; i < slot->child_count; i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s<%s>",
                 i ? " or " : "", slot->child[i]->name);
    return policy_fail(
        place->err, POLICY_EINVALID, policy_tree_line(node),
        "<%s> has %s %s%s%s%s; it needs at least %u", place->element->name, taken,
        names, before ? " before this <" : "", before ? (const char *)before->name : "",
        before ? ">" : "", slot->min);
}

/* child belongs to no slot from here on. */
static int fail_child(const struct place *place, const xmlNode *child)
{
    const struct grammar_element *element = place->element;
    struct names names = {.count = 0};
    struct policy_words words = {.bytes = 0};
    bool known = false, twice = false;

    for (size_t i = 0; i < element->slot_count; i++) {
        known = known || slot_takes(&element->slot[i], child);
        twice = twice || (i == place->slot && slot_takes(&element->slot[i], child));
        slot_names(&element->slot[i], &names);
    }
    if (!known)
        return fail_unknown(place->err, policy_tree_line(child),
                            child->ns ? "namespaced element" : "element",
                            (const char *)child->name, element->name, &names);
    if (twice)
        return policy_fail(place->err, POLICY_EINVALID, policy_tree_line(child),
                           "a second <%s> in <%s>, which has one; join the two",
                           (const char *)child->name, element->name);
    for (size_t i = 0; i < names.count; i++)
        policy_words_add(&words, names.name[i]);
    return policy_fail(place->err, POLICY_EINVALID, policy_tree_line(child),
                       "<%s> comes too late in <%s>; the order is: %s",
                       (const char *)child->name, element->name, words.text);
}

/* Find the slot that takes child, here or further on. */
static int place_child(struct place *place, const xmlNode *child)
{
    const struct grammar_element *element = place->element;
    size_t to = place->slot;

    if (to < element->slot_count && place->taken == element->slot[to].max)
        to++;
    while (to < element->slot_count && !slot_takes(&element->slot[to], child))
        to++;
    if (to == element->slot_count)
        return fail_child(place, child);
    for (; place->slot < to; place->slot++, place->taken = 0)
        if (place->taken < element->slot[place->slot].min)
            return fail_missing(place, child);
    place->taken++;
    return POLICY_OK;
}

static int advise_children(const xmlNode *node, const struct grammar_element *element,
                           struct policy_error *err)
{
    struct place place = {node, element, 0, 0, err};

    for (xmlNode *child = policy_tree_child(node, NULL); child;
         child = policy_tree_sibling(child, NULL)) {
        int status = place_child(&place, child);
        if (status != POLICY_OK)
            return status;
    }
    for (; place.slot < element->slot_count; place.slot++, place.taken = 0)
        if (place.taken < element->slot[place.slot].min)
            return fail_missing(&place, NULL);
    return POLICY_OK;
}

/* ---- the walk ---- */

static int advise_element(const xmlNode *node, const struct grammar_element *element,
                          struct policy_error *err)
{
    int status = advise_attributes(node, element, err);

    if (status == POLICY_OK && element->text)
        return advise_text(node, element, err);
    if (status == POLICY_OK)
        status = advise_children(node, element, err);
    if (status == POLICY_OK)
        status = advise_no_text(node, element, err);
    return status;
}

int policy_advise(const xmlDoc *document, const struct grammar *grammar,
                  struct policy_error *err)
{
    xmlNode *node = xmlDocGetRootElement(document);
    int status = POLICY_OK;

    if (node->ns || !policy_tree_is(node, grammar->element[0].name))
        return policy_fail(err, POLICY_EINVALID, policy_tree_line(node),
                           "the file's outermost element is <%s>%s; a policy's is <%s>",
                           policy_quote_of((const char *)node->name).text,
                           node->ns ? " in a namespace" : "", grammar->element[0].name);
    for (; node && status == POLICY_OK; node = policy_tree_next(node))
        status =
            advise_element(node, grammar_find(grammar, (const char *)node->name), err);
    return status;
}
