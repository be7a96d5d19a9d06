/* book - a PDF file and its pages, whichever way Poppler is reached.
 *
 * Everything that pdf.c, page.c and field.c want of Poppler, and no Poppler header:
 * book_glib.c answers through its glib binding; the sealed build, which must not need
 * glib, answers through Poppler's core (book_core.cc). Both make the same calls in
 * the core, so both give the same text. A book is open in one thread at a time.
 *
 *     if (book_open(&book, bytes, count, NULL, &why) == BOOK_OPEN)
 *         for (int i = 1; i <= book_pages(book); i++)
 *             if ((leaf = leaf_open(book, i)))
 *                 ... leaf_select(leaf, &area) ... leaf_close(leaf);
 *     book_close(book);
 *
 * Strings are UTF-8 from malloc(), the caller's to free; NULL when there is none. */
#ifndef INGEST_BOOK_H
#define INGEST_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct book;
struct leaf; /* one page of it */

const char *book_library(void); /* the version of Poppler: "22.12.0" */

enum book_opening { BOOK_OPEN, BOOK_ENCRYPTED, BOOK_DAMAGED };

/* bytes must outlive the book. password: UTF-8, NULL for none. *why is a number that
 * tells kinds of damage apart, for the report. */
enum book_opening book_open(struct book **out, const uint8_t *bytes, size_t count,
                            const char *password, int *why);
void book_close(struct book *book); /* NULL is allowed */

int book_pages(const struct book *book); /* what the file claims; may be negative */

/* ---- about the file ------------------------------------------------------------- */

struct book_rights {
    bool extract; /* its owner allows text to be taken out */
    bool all;     /* nothing at all is forbidden */
};
struct book_rights book_read_rights(const struct book *book);

enum book_entry { BOOK_TITLE, BOOK_AUTHOR, BOOK_PRODUCER };
char *book_entry(const struct book *book, enum book_entry entry);

enum book_time { BOOK_CREATED, BOOK_MODIFIED };
/* Seconds since 1970, UTC; false when the file does not tell, or not sensibly. */
bool book_time(const struct book *book, enum book_time which, int64_t *seconds);

/* The names of attached files, one call each, until name() returns false. */
void book_attachments(const struct book *book,
                      bool (*name)(void *arg, const char *utf8), void *arg);

/* ---- pages ---------------------------------------------------------------------- */

/* number from 1; NULL when the page cannot be had. The book must outlive it. */
struct leaf *leaf_open(const struct book *book, int number);
void leaf_close(struct leaf *leaf); /* NULL is allowed */

/* The same page to be read with what is written beside it, as far as margin.h says;
 * NULL when that cannot be had. */
struct leaf *leaf_open_beside(const struct book *book, int number);

char *leaf_label(const struct leaf *leaf);

/* In points, from the top left corner of the page as it is shown; what is written
 * beside the page lies below 0 or beyond its size. */
struct leaf_box {
    double x1, y1, x2, y2;
};
/* As it is shown: turned where the file says so. */
void leaf_size(const struct leaf *leaf, double *width, double *height);

enum { BOOK_FAR = 1 << 30 }; /* points; further than any letter */

/* Poppler reads what is selected from one corner to the other, and which corner comes
 * first decides what a selection of everything holds. */
enum leaf_start { LEAF_FROM_LEFT, LEAF_FROM_RIGHT };

/* All text in reading order. */
char *leaf_select(const struct leaf *leaf, enum leaf_start start);

/* How many letters were drawn when the leaf was first selected, those included that
 * Poppler drops: drawn twice in one place, or beside the page. 0 when nobody counted.
 */
size_t leaf_drawn(const struct leaf *leaf);

struct leaf_run { /* characters first..last share one font, size and colour */
    size_t first, last;
    double points;
    uint16_t red, green, blue;
};

/* The same text character by character. Counted are the characters of the text
 * without U+202A..202E. Both arrays are the caller's to free. */
struct leaf_layout {
    struct leaf_box *box;
    struct leaf_run *run; /* ascending, disjoint */
    size_t boxes, runs;
};
void leaf_read_layout(const struct leaf *leaf, enum leaf_start start,
                      struct leaf_layout *out);

/* ---- what is filled in
 * --------------------------------------------------------------- */

enum leaf_filling { LEAF_TEXT_FIELD, LEAF_CHOICE, LEAF_FREE_TEXT };
struct leaf_filled { /* lives during the call that shows it */
    enum leaf_filling kind;
    bool hidden;               /* LEAF_FREE_TEXT: not to be shown */
    const char *value;         /* LEAF_CHOICE: what was typed in place of a choice */
    const char *const *chosen; /* LEAF_CHOICE */
    size_t chosen_count;
};
/* Form fields first, then annotations. */
void leaf_each_filled(const struct leaf *leaf,
                      void (*filled)(void *arg, const struct leaf_filled *filled),
                      void *arg);

#ifdef __cplusplus
}
#endif

#endif
