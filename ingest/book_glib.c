/* book_glib - PDF files through Poppler's glib binding.
 *
 * Nothing is decided here: each function makes the call of its name and hands on what
 * comes, in plain C. Handles of the binding are its own objects under our names; a
 * struct book is a PopplerDocument, a struct leaf a PopplerPage. */
#include "ingest/book_glib.h"

#include "ingest/margin.h"

#include <stdlib.h>
#include <string.h>

static PopplerDocument *document_of(const struct book *book)
{
    return (PopplerDocument *)book;
}

PopplerPage *leaf_poppler(const struct leaf *leaf)
{
    return (PopplerPage *)leaf;
}

/* From glib's memory to ours. */
static char *taken(char *value)
{
    char *own = value ? strdup(value) : NULL;

    g_free(value);
    return own;
}

const char *book_library(void)
{
    return poppler_get_version();
}

/* ---- opening --------------------------------------------------------------------- */

static PopplerDocument *open_plainly(const uint8_t *data, size_t count, GError **error)
{
    GBytes *bytes = g_bytes_new_static(data, count);
    PopplerDocument *document = poppler_document_new_from_bytes(bytes, NULL, error);

    g_bytes_unref(bytes);
    return document;
}

/* With a password that does not fit, the function above opens a stream once more that
 * it has closed, and crashes (Poppler 22.12). The one for streams does not; it is
 * slower, and good for the few files that need a password. */
static PopplerDocument *open_with(const uint8_t *data, size_t count,
                                  const char *password, GError **error)
{
    GInputStream *stream =
        g_memory_input_stream_new_from_data(data, (gssize)count, NULL);
    PopplerDocument *document =
        poppler_document_new_from_stream(stream, (goffset)count, password, NULL, error);

    g_object_unref(stream);
    return document;
}

enum book_opening book_open(struct book **out, const uint8_t *bytes, size_t count,
                            const char *password, int *why)
{
    GError *error = NULL;
    PopplerDocument *document = password ? open_with(bytes, count, password, &error)
                                         : open_plainly(bytes, count, &error);
    enum book_opening opening = BOOK_OPEN;

    if (g_error_matches(error, POPPLER_ERROR, POPPLER_ERROR_ENCRYPTED))
        opening = BOOK_ENCRYPTED;
    else if (!document)
        opening = BOOK_DAMAGED;
    *why = error ? error->code : -1;
    *out = (struct book *)document;
    g_clear_error(&error);
    return opening;
}

void book_close(struct book *book)
{
    if (book)
        g_object_unref(document_of(book));
}

int book_pages(const struct book *book)
{
    return poppler_document_get_n_pages(document_of(book));
}

/* ---- about the file ------------------------------------------------------------- */

struct book_rights book_read_rights(const struct book *book)
{
    PopplerPermissions allowed = poppler_document_get_permissions(document_of(book));

    return (struct book_rights){
        .extract = (allowed & POPPLER_PERMISSIONS_OK_TO_COPY) != 0,
        .all = (allowed & POPPLER_PERMISSIONS_FULL) == POPPLER_PERMISSIONS_FULL,
    };
}

char *book_entry(const struct book *book, enum book_entry entry)
{
    static char *(*const get[])(PopplerDocument *) = {
        [BOOK_TITLE] = poppler_document_get_title,
        [BOOK_AUTHOR] = poppler_document_get_author,
        [BOOK_PRODUCER] = poppler_document_get_producer,
    };

    return taken(get[entry](document_of(book)));
}

bool book_time(const struct book *book, enum book_time which, int64_t *seconds)
{
    GDateTime *time =
        which == BOOK_CREATED
            ? poppler_document_get_creation_date_time(document_of(book))
            : poppler_document_get_modification_date_time(document_of(book));

    if (!time)
        return false;
    *seconds = g_date_time_to_unix(time);
    g_date_time_unref(time);
    return true;
}

void book_attachments(const struct book *book,
                      bool (*name)(void *arg, const char *utf8), void *arg)
{
    PopplerDocument *document = document_of(book);
    GList *list = NULL;

    if (poppler_document_has_attachments(document))
        list = poppler_document_get_attachments(document);
    for (const GList *item = list; item; item = item->next)
        if (!name(arg, POPPLER_ATTACHMENT(item->data)->name))
            break;
    g_list_free_full(list, g_object_unref);
}

/* ---- pages ---------------------------------------------------------------------- */

struct leaf *leaf_open(const struct book *book, int number)
{
    return (struct leaf *)poppler_document_get_page(document_of(book), number - 1);
}

/* What a leaf is told to keep: that it is read with its margins, and leaf_drawn(). */
static const char beside_key[] = "beside", drawn_key[] = "drawn";

struct leaf *leaf_open_beside(const struct book *book, int number)
{
    struct leaf *leaf = leaf_open(book, number);

    if (leaf)
        g_object_set_data(G_OBJECT(leaf), beside_key, GINT_TO_POINTER(1));
    return leaf;
}

void leaf_close(struct leaf *leaf)
{
    if (leaf)
        g_object_unref(leaf_poppler(leaf));
}

char *leaf_label(const struct leaf *leaf)
{
    return taken(poppler_page_get_label(leaf_poppler(leaf)));
}

void leaf_size(const struct leaf *leaf, double *width, double *height)
{
    poppler_page_get_size(leaf_poppler(leaf), width, height);
}

/* From beyond the first corner to beyond the last, or Poppler loses what comes before
 * the letters nearest to a corner. */
static PopplerRectangle everything(enum leaf_start start)
{
    double left = start == LEAF_FROM_LEFT ? -BOOK_FAR : BOOK_FAR;

    return (PopplerRectangle){left, -BOOK_FAR, -left, BOOK_FAR};
}

static bool is_beside(const struct leaf *leaf)
{
    return g_object_get_data(G_OBJECT(leaf), beside_key) != NULL;
}

/* The first selection reads the page; those that follow choose from what was read. */
char *leaf_select(const struct leaf *leaf, enum leaf_start start)
{
    PopplerRectangle area = everything(start);
    double width = -1, height = -1;

    if (is_beside(leaf))
        leaf_size(leaf, &width, &height);
    margin_begin(width, height);
    char *text = taken(poppler_page_get_text_for_area(leaf_poppler(leaf), &area));
    size_t drawn = margin_end();
    if (drawn > 0)
        g_object_set_data(G_OBJECT(leaf), drawn_key, GSIZE_TO_POINTER(drawn));
    return text;
}

size_t leaf_drawn(const struct leaf *leaf)
{
    return GPOINTER_TO_SIZE(g_object_get_data(G_OBJECT(leaf), drawn_key));
}

static void take_boxes(struct leaf_layout *out, const PopplerRectangle *box,
                       size_t boxes, double by)
{
    if (boxes == 0 || !(out->box = calloc(boxes, sizeof *out->box)))
        return;
    for (size_t i = 0; i < boxes; i++)
        out->box[i] = (struct leaf_box){box[i].x1 - by, box[i].y1 - by, box[i].x2 - by,
                                        box[i].y2 - by};
    out->boxes = boxes;
}

static void take_runs(struct leaf_layout *out, const GList *runs)
{
    size_t count = g_list_length((GList *)runs);

    if (count == 0 || !(out->run = calloc(count, sizeof *out->run)))
        return;
    for (const GList *item = runs; item; item = item->next) {
        const PopplerTextAttributes *run = item->data;
        out->run[out->runs++] = (struct leaf_run){
            .first = (size_t)run->start_index,
            .last = (size_t)run->end_index,
            .points = run->font_size,
            .red = run->color.red,
            .green = run->color.green,
            .blue = run->color.blue,
        };
    }
}

void leaf_read_layout(const struct leaf *leaf, enum leaf_start start,
                      struct leaf_layout *out)
{
    PopplerPage *page = leaf_poppler(leaf);
    PopplerRectangle area = everything(start), *box = NULL;
    guint boxes = 0;
    GList *runs = poppler_page_get_text_attributes_for_area(page, &area);

    *out = (struct leaf_layout){0};
    poppler_page_get_text_layout_for_area(page, &area, &box, &boxes);
    take_boxes(out, box, boxes, is_beside(leaf) ? MARGIN_POINTS : 0);
    take_runs(out, runs);
    g_free(box);
    poppler_page_free_text_attributes(runs);
}

/* ---- what is filled in
 * --------------------------------------------------------------- */

struct see { /* whom to show it */
    void (*filled)(void *arg, const struct leaf_filled *filled);
    void *arg;
};

static void see_text(PopplerFormField *field, const struct see *see)
{
    char *value = poppler_form_field_text_get_text(field);

    see->filled(see->arg,
                &(struct leaf_filled){.kind = LEAF_TEXT_FIELD, .value = value});
    g_free(value);
}

static void see_choice(PopplerFormField *field, const struct see *see)
{
    struct leaf_filled filled = {.kind = LEAF_CHOICE};
    GPtrArray *chosen = g_ptr_array_new_with_free_func(g_free);
    char *own = poppler_form_field_choice_is_editable(field)
                    ? poppler_form_field_choice_get_text(field)
                    : NULL;

    for (int i = 0; i < poppler_form_field_choice_get_n_items(field); i++)
        if (poppler_form_field_choice_is_item_selected(field, i))
            g_ptr_array_add(chosen, poppler_form_field_choice_get_item(field, i));
    filled.value = own;
    filled.chosen = (const char *const *)chosen->pdata;
    filled.chosen_count = chosen->len;
    see->filled(see->arg, &filled);
    g_ptr_array_unref(chosen);
    g_free(own);
}

static void see_field(void *item, void *arg)
{
    PopplerFormField *field = ((PopplerFormFieldMapping *)item)->field;
    PopplerFormFieldType type = poppler_form_field_get_field_type(field);

    if (type == POPPLER_FORM_FIELD_TEXT)
        see_text(field, arg);
    else if (type == POPPLER_FORM_FIELD_CHOICE)
        see_choice(field, arg);
}

static void see_annotation(void *item, void *arg)
{
    PopplerAnnot *annotation = ((PopplerAnnotMapping *)item)->annot;
    const struct see *see = arg;
    struct leaf_filled filled = {.kind = LEAF_FREE_TEXT};
    char *value;

    if (poppler_annot_get_annot_type(annotation) != POPPLER_ANNOT_FREE_TEXT)
        return;
    value = poppler_annot_get_contents(annotation);
    filled.value = value;
    filled.hidden =
        (poppler_annot_get_flags(annotation) & POPPLER_ANNOT_FLAG_HIDDEN) != 0;
    see->filled(see->arg, &filled);
    g_free(value);
}

void leaf_each_filled(const struct leaf *leaf,
                      void (*filled)(void *arg, const struct leaf_filled *filled),
                      void *arg)
{
    struct see see = {.filled = filled, .arg = arg};
    PopplerPage *page = leaf_poppler(leaf);
    GList *fields = poppler_page_get_form_field_mapping(page);
    GList *annotations = poppler_page_get_annot_mapping(page);

    g_list_foreach(fields, see_field, &see);
    g_list_foreach(annotations, see_annotation, &see);
    poppler_page_free_form_field_mapping(fields);
    poppler_page_free_annot_mapping(annotations);
}
