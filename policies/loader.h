/* loader.h - the steps of policy_load(), for this folder only.
 *
 *     file --source.c--> bytes --libxml2--> tree --policy.rng--> valid tree
 *          --check.c--> names resolved --build.c--> struct policy --canonical.c
 *
 * words.c holds what every step needs to say what is wrong; grammar.c reads the
 * schema so that advise.c can say what it allows and build.c knows defaults. */
#ifndef POLICIES_LOADER_H
#define POLICIES_LOADER_H

#include "policies/policies.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <libxml/tree.h>
#include <libxml/xmlregexp.h>
#include <pcre2.h>

/* ---- limits ---- */

enum {
    POLICY_FILE_BYTES_MAX = 4 << 20,
    POLICY_STRETCH_BYTES_MAX = 16384, /* from one "<" to the next: libxml2 takes
                                         quadratic time over the attributes of a tag */
    POLICY_DEPTH_MAX = 8,             /* the grammar needs four */
    POLICY_ELEMENTS_MAX = 20000,
    POLICY_PATTERN_NEST_MAX = 32,
    POLICY_PATTERN_BYTES_MAX = 16 << 20 /* all patterns of a policy, compiled */
};

/* ---- words.c: what errors say ---- */

struct policy_words { /* "a, b, c", cut to fit */
    char text[200];
    size_t bytes;
    bool full;
};

int policy_fail(struct policy_error *err, int status, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Copy text as it may be shown: cut to size (at least 8), no control characters. */
void policy_words_clean(char *out, size_t size, const char *text);

struct policy_quote {
    char text[64];
};
struct policy_quote policy_quote_of(const char *text);

void policy_words_add(struct policy_words *words, const char *word);
/* The word of choice[] that was probably meant, or NULL. */
const char *policy_words_nearest(const char *word, const char *const *choice,
                                 size_t count);
/* Bytes of the UTF-8 character at text, 0 when there is none or it is malformed. */
size_t policy_utf8_bytes(const char *text, size_t text_bytes);

/* ---- source.c: the file's bytes, before libxml2 sees them ---- */

struct policy_source {
    char *bytes;
    size_t count;
    uint32_t *line; /* of each start tag, in document order */
    size_t element_count;
    const char *path; /* NULL: bytes that are no file's */
};

int policy_source_read(struct policy_source *out, const char *path,
                       struct policy_error *err);
int policy_source_scan(struct policy_source *source, struct policy_error *err);
void policy_source_free(struct policy_source *source);

/* ---- grammar.c: policy.rng as a table ---- */

enum { GRAMMAR_MANY = 1 << 20 };

enum grammar_kind {
    GRAMMAR_CHOICE, /* one of choice[] */
    GRAMMAR_STRING, /* matches pattern */
    GRAMMAR_NUMBER, /* matches pattern, between low and high */
    GRAMMAR_TEXT,   /* low to high characters, white space collapsed */
    GRAMMAR_EXACT   /* low to high characters as they stand */
};

struct grammar_value {
    const char *name;
    const char *advice; /* ends the sentence "write ..." */
    enum grammar_kind kind;
    xmlRegexp *pattern;
    double low, high;
    const char *choice[24];
    size_t choice_count;
};

struct grammar_attribute {
    const char *name;
    const char *standard; /* the default; NULL: there is none */
    bool required;
    const struct grammar_value *value;
};

struct grammar_slot { /* min to max children, each one of child[] */
    const struct grammar_element *child[4];
    size_t child_count;
    uint32_t min, max;
};

struct grammar_element {
    const char *name;
    struct grammar_attribute attribute[16];
    size_t attribute_count;
    struct grammar_slot slot[12];
    size_t slot_count;
    const struct grammar_value *text; /* NULL: no text of its own */
    const char *standard;             /* that text where it is left out, or NULL */
};

struct grammar {
    xmlDoc *document;
    struct grammar_element element[32];
    size_t element_count;
    struct grammar_value value[48];
    size_t value_count;
};

struct grammar *grammar_open(const char *rng); /* NULL: out of memory */
void grammar_close(struct grammar *grammar);   /* NULL is allowed */
const struct grammar_element *grammar_find(const struct grammar *grammar,
                                           const char *name);
const struct grammar_attribute *
grammar_attribute_find(const struct grammar_element *element, const char *name);
bool grammar_value_fits(const struct grammar_value *value, const char *text);
double grammar_number(const char *text); /* digits, at most one point between */

/* ---- tree.c: a policy as libxml2's tree ---- */

/* Every element's line is that of its "<", however many lines its tag has. */
void policy_tree_number(xmlDoc *document, const struct policy_source *source);
int policy_tree_line(const xmlNode *node);
xmlNode *policy_tree_next(const xmlNode *node); /* element in document order */
/* The first child element of this name (NULL: of any name), and the one after. */
xmlNode *policy_tree_child(const xmlNode *parent, const char *name);
xmlNode *policy_tree_sibling(const xmlNode *node, const char *name);
size_t policy_tree_count(const xmlNode *parent, const char *name);
bool policy_tree_is(const xmlNode *node, const char *name);
/* An attribute's value, NULL when it is not there. */
const char *policy_tree_value(const xmlNode *node, const char *attribute);
/* Write the element's own text to out, white space collapsed and trimmed, with a
 * NUL at the end when size is not 0; returns the bytes it needs, without the NUL. */
size_t policy_tree_text(const xmlNode *node, char *out, size_t size);
bool policy_tree_broken(const xmlNode *node); /* its text runs over lines */
/* The same of a text that is kept to the byte: only a line break right after the start
 * tag and the white space before the end tag go, unless they stand in CDATA. */
size_t policy_tree_exact(const xmlNode *node, char *out, size_t size);

/* ---- the steps after validation ---- */

/* Say what is wrong with a document that the grammar refuses. Returns POLICY_OK
 * when nothing was found. */
int policy_advise(const xmlDoc *document, const struct grammar *grammar,
                  struct policy_error *err);
int policy_check(const xmlNode *root, struct policy_error *err);

/* ---- prompt.c: texts with {words} in them ---- */

/* Is this element's text a prompt, or another text of <model>? Then check it. */
int policy_prompt_check(const xmlNode *node, struct policy_error *err);

struct policy_pattern {
    pcre2_code *code;
    const char *source;
    bool phrase, keep_case;
};

/* What policy_load() hands out is the first member of this. */
struct policy_loaded {
    struct policy policy;
    char *block; /* every struct and string of it */
    char *canonical;
    struct policy_pattern *pattern; /* within block */
    size_t pattern_count;
    size_t pattern_bytes; /* compiled */
};

int policy_build(struct policy_loaded *out, const xmlNode *root,
                 const struct grammar *grammar, const struct policy_source *source,
                 struct policy_error *err);
int policy_canonical(struct policy_loaded *loaded, struct policy_error *err);

/* Compile pattern->source; adds to *total the bytes it took. */
int policy_pattern_compile(struct policy_pattern *pattern, int line, size_t *total,
                           struct policy_error *err);

/* ---- command.c: the detector that is shipped ---- */

enum { POLICY_COMMAND_PATTERNS = 71, POLICY_COMMAND_FINDINGS_MAX = 1000 };

/* Fill the detector; own and list hold POLICY_COMMAND_PATTERNS each. */
int policy_command_build(struct policy_detector *detector, struct policy_pattern *own,
                         const struct policy_pattern **list, size_t *pattern_bytes,
                         struct policy_error *err);

/* policy_load() of bytes in memory; the caller keeps and frees source. */
int policy_load_source(struct policy **out, struct policy_source *source,
                       struct policy_error *err);

#endif
