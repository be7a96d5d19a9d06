/* dialect - the kinds of XML whose elements cloister knows by name. */
#ifndef INGEST_DIALECT_H
#define INGEST_DIALECT_H

#include <stddef.h>

enum role {              /* what an element does to the text around and in it */
            ROLE_AUTO,   /* inline in a parent that has text of its own, else a block */
            ROLE_INLINE, /* never parts words */
            ROLE_LEAD,   /* stands in its line, a space on either side: a table cell */
            ROLE_BLOCK,  /* on lines of its own */
            ROLE_NUMBER, /* begins a line that goes on behind it; part of a title */
            ROLE_TITLE,  /* a block; as child of a section, its title */
            ROLE_HEADLINE, /* a block; the title of the document */
            ROLE_SECTION,  /* a section of its own */
            ROLE_FLAT      /* a block in which sections do not count: a quotation */
};

struct dialect_element {
    const char *name;
    enum role role;
};

struct dialect {
    const char *name;                      /* as in struct ingest_document */
    const struct dialect_element *element; /* sorted by name */
    size_t element_count;
};

/* By the local name and namespace (may be NULL) of the root. */
const struct dialect *dialect_find(const char *root, const char *name_space);
enum role dialect_role(const struct dialect *dialect, const char *element,
                       const char *name_space);

/* For the test that looks at the order of the tables. */
extern const struct dialect *const dialects[];
extern const size_t dialect_count;

#endif
