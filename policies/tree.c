/* tree - a policy as libxml2's tree, and the few ways we look at it.
 *
 * A policy has no entities and no DTD, so an attribute's value is one text node
 * and an element's text is its text and CDATA children; comments and processing
 * instructions are nothing. Lines are kept in each element's _private. */
#include "policies/loader.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

xmlNode *policy_tree_next(const xmlNode *node)
{
    xmlNode *child = policy_tree_child(node, NULL);

    if (child)
        return child;
    for (; node && node->type == XML_ELEMENT_NODE; node = node->parent) {
        xmlNode *sibling = policy_tree_sibling(node, NULL);
        if (sibling)
            return sibling;
    }
    return NULL;
}

void policy_tree_number(xmlDoc *document, const struct policy_source *source)
{
    xmlNode *node = xmlDocGetRootElement(document);

    for (size_t i = 0; node && i < source->element_count; i++) {
        node->_private = (void *)(uintptr_t)source->line[i];
        node = policy_tree_next(node);
    }
}

int policy_tree_line(const xmlNode *node)
{
    return (int)(uintptr_t)node->_private;
}

bool policy_tree_is(const xmlNode *node, const char *name)
{
    return strcmp((const char *)node->name, name) == 0;
}

static xmlNode *element_from(xmlNode *node, const char *name)
{
    while (node &&
           (node->type != XML_ELEMENT_NODE || (name && !policy_tree_is(node, name))))
        node = node->next;
    return node;
}

xmlNode *policy_tree_child(const xmlNode *parent, const char *name)
{
    return element_from(parent->children, name);
}

xmlNode *policy_tree_sibling(const xmlNode *node, const char *name)
{
    return element_from(node->next, name);
}

size_t policy_tree_count(const xmlNode *parent, const char *name)
{
    size_t count = 0;

    for (xmlNode *child = policy_tree_child(parent, name); child;
         child = policy_tree_sibling(child, name))
        count++;
    return count;
}

const char *policy_tree_value(const xmlNode *node, const char *attribute)
{
    for (const xmlAttr *at = node->properties; at; at = at->next)
        if (!at->ns && strcmp((const char *)at->name, attribute) == 0)
            return at->children ? (const char *)at->children->content : "";
    return NULL;
}

size_t policy_tree_text(const xmlNode *node, char *out, size_t size)
{
    size_t bytes = 0;
    bool space = false;

    for (const xmlNode *part = node->children; part; part = part->next) {
        if (part->type != XML_TEXT_NODE && part->type != XML_CDATA_SECTION_NODE)
            continue;
        for (const char *c = (const char *)part->content; c && *c; c++) {
            if (is_space(*c)) {
                space = bytes > 0;
                continue;
            }
            if (space && bytes++ + 1 < size)
                out[bytes - 1] = ' ';
            if (bytes++ + 1 < size)
                out[bytes - 1] = *c;
            space = false;
        }
    }
    if (size)
        out[bytes < size ? bytes : size - 1] = '\0';
    return bytes;
}

size_t policy_tree_exact(const xmlNode *node, char *out, size_t size)
{
    size_t bytes = 0, kept = 0;
    bool begun = false;

    for (const xmlNode *part = node->children; part; part = part->next) {
        bool cdata = part->type == XML_CDATA_SECTION_NODE;
        if (part->type != XML_TEXT_NODE && !cdata)
            continue;
        for (const char *c = (const char *)part->content; c && *c; c++) {
            bool dropped = !begun && !cdata && *c == '\n';
            begun = true;
            if (!dropped && bytes++ + 1 < size)
                out[bytes - 1] = *c;
            if (cdata || !is_space(*c))
                kept = bytes;
        }
        begun = true;
    }
    if (size)
        out[kept < size ? kept : size - 1] = '\0';
    return kept;
}

/* Is there a line break between the first and the last word? */
bool policy_tree_broken(const xmlNode *node)
{
    bool word = false, line = false;

    for (const xmlNode *part = node->children; part; part = part->next) {
        if (part->type != XML_TEXT_NODE && part->type != XML_CDATA_SECTION_NODE)
            continue;
        for (const char *c = (const char *)part->content; c && *c; c++) {
            if (!is_space(*c) && line)
                return true;
            word = word || !is_space(*c);
            line = line || (word && *c == '\n');
        }
    }
    return false;
}
