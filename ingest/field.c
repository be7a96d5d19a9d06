/* field - what is filled into a PDF page: form fields and text laid over it.
 *
 * A filled form shows names and dates that are no part of the page's own text:
 * they stand in fields (text and choices), or in annotations of free text. They are
 * read behind the page's text in the order the file lists them, each on a line of
 * its own after a blank line. Check marks, buttons and signatures say nothing in
 * words; notes that open in a window of their own are not on the page. */
#include "ingest/field.h"

#include <string.h>

struct filled {
    struct text *text;
    bool begun;
};

static void add_value(struct filled *filled, const char *value)
{
    if (!value || !*value)
        return;
    text_add(filled->text, "\n\n", filled->begun ? 1 : 2, TEXT_VISIBLE);
    text_add(filled->text, value, strlen(value), TEXT_VISIBLE);
    filled->begun = true;
}

/* What was typed stands in place of what was chosen. */
static void add_filled(void *arg, const struct leaf_filled *filled)
{
    if (filled->hidden)
        return;
    add_value(arg, filled->value);
    for (size_t i = 0; !filled->value && i < filled->chosen_count; i++)
        add_value(arg, filled->chosen[i]);
}

void field_read(const struct leaf *leaf, struct text *text)
{
    struct filled filled = {.text = text};

    leaf_each_filled(leaf, add_filled, &filled);
}
