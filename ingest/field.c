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

static void add_value(struct filled *filled, char *value)
{
    if (value && *value) {
        text_add(filled->text, "\n\n", filled->begun ? 1 : 2, TEXT_VISIBLE);
        text_add(filled->text, value, strlen(value), TEXT_VISIBLE);
        filled->begun = true;
    }
    g_free(value);
}

static void add_choice(struct filled *filled, PopplerFormField *field)
{
    char *own = poppler_form_field_choice_is_editable(field)
                    ? poppler_form_field_choice_get_text(field)
                    : NULL;

    if (own) {
        add_value(filled, own);
        return;
    }
    for (int i = 0; i < poppler_form_field_choice_get_n_items(field); i++)
        if (poppler_form_field_choice_is_item_selected(field, i))
            add_value(filled, poppler_form_field_choice_get_item(field, i));
}

static void add_field(void *item, void *arg)
{
    PopplerFormField *field = ((PopplerFormFieldMapping *)item)->field;
    PopplerFormFieldType type = poppler_form_field_get_field_type(field);

    if (type == POPPLER_FORM_FIELD_TEXT)
        add_value(arg, poppler_form_field_text_get_text(field));
    else if (type == POPPLER_FORM_FIELD_CHOICE)
        add_choice(arg, field);
}

static void add_annotation(void *item, void *arg)
{
    PopplerAnnot *annotation = ((PopplerAnnotMapping *)item)->annot;

    if (poppler_annot_get_annot_type(annotation) == POPPLER_ANNOT_FREE_TEXT &&
        !(poppler_annot_get_flags(annotation) & POPPLER_ANNOT_FLAG_HIDDEN))
        add_value(arg, poppler_annot_get_contents(annotation));
}

void field_read(PopplerPage *page, struct text *text)
{
    struct filled filled = {.text = text};
    GList *fields = poppler_page_get_form_field_mapping(page);
    GList *annotations = poppler_page_get_annot_mapping(page);

    g_list_foreach(fields, add_field, &filled);
    g_list_foreach(annotations, add_annotation, &filled);
    poppler_page_free_form_field_mapping(fields);
    poppler_page_free_annot_mapping(annotations);
}
