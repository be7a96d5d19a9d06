/* dialect - the kinds of XML whose elements cloister knows by name.
 *
 * A table says what an element does to the text around it (dialect.h); what no
 * table names is ROLE_AUTO, so a table lists only elements whose nature their
 * content does not show, and those that make sections. To teach cloister another
 * kind of XML, add a table here and its root below. Tables are sorted by strcmp(). */
#include "ingest/dialect.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* HL7 Clinical Document Architecture, consolidated templates: the narrative is in
 * section/text, in a kind of HTML; all that stands before the body is the header. */
static const struct dialect_element ccda[] = {
    {"ClinicalDocument", ROLE_SECTION},
    {"caption", ROLE_BLOCK},
    {"family", ROLE_LEAD},
    {"footnoteRef", ROLE_INLINE},
    {"given", ROLE_LEAD},
    {"item", ROLE_BLOCK},
    {"linkHtml", ROLE_INLINE},
    {"list", ROLE_BLOCK},
    {"paragraph", ROLE_BLOCK},
    {"prefix", ROLE_LEAD},
    {"section", ROLE_SECTION},
    {"sub", ROLE_INLINE},
    {"suffix", ROLE_LEAD},
    {"sup", ROLE_INLINE},
    {"table", ROLE_BLOCK},
    {"td", ROLE_LEAD},
    {"th", ROLE_LEAD},
    {"title", ROLE_TITLE},
    {"tr", ROLE_BLOCK},
};

/* NISO JATS, journal articles. */
static const struct dialect_element jats[] = {
    {"abstract", ROLE_SECTION},
    {"ack", ROLE_SECTION},
    {"aff", ROLE_BLOCK},
    {"app", ROLE_SECTION},
    {"article-id", ROLE_LEAD},
    {"article-title", ROLE_LEAD},
    {"back", ROLE_SECTION},
    {"body", ROLE_SECTION},
    {"bold", ROLE_INLINE},
    {"boxed-text", ROLE_SECTION},
    {"caption", ROLE_BLOCK},
    {"contrib", ROLE_BLOCK},
    {"day", ROLE_LEAD},
    {"def-item", ROLE_BLOCK},
    {"disp-formula", ROLE_BLOCK},
    {"disp-quote", ROLE_BLOCK},
    {"element-citation", ROLE_BLOCK},
    {"email", ROLE_INLINE},
    {"ext-link", ROLE_INLINE},
    {"fig", ROLE_BLOCK},
    {"fn", ROLE_BLOCK},
    {"fn-group", ROLE_SECTION},
    {"fpage", ROLE_LEAD},
    {"front", ROLE_SECTION},
    {"front-stub", ROLE_SECTION},
    {"given-names", ROLE_LEAD},
    {"glossary", ROLE_SECTION},
    {"inline-formula", ROLE_INLINE},
    {"issue", ROLE_LEAD},
    {"italic", ROLE_INLINE},
    {"label", ROLE_NUMBER},
    {"list", ROLE_BLOCK},
    {"list-item", ROLE_BLOCK},
    {"lpage", ROLE_LEAD},
    {"mixed-citation", ROLE_BLOCK},
    {"monospace", ROLE_INLINE},
    {"month", ROLE_LEAD},
    {"name", ROLE_LEAD},
    {"named-content", ROLE_INLINE},
    {"notes", ROLE_SECTION},
    {"p", ROLE_BLOCK},
    {"pub-id", ROLE_LEAD},
    {"ref", ROLE_BLOCK},
    {"ref-list", ROLE_SECTION},
    {"response", ROLE_SECTION},
    {"sc", ROLE_INLINE},
    {"sec", ROLE_SECTION},
    {"source", ROLE_LEAD},
    {"styled-content", ROLE_INLINE},
    {"sub", ROLE_INLINE},
    {"sub-article", ROLE_SECTION},
    {"sup", ROLE_INLINE},
    {"surname", ROLE_LEAD},
    {"table-wrap", ROLE_BLOCK},
    {"td", ROLE_LEAD},
    {"th", ROLE_LEAD},
    {"title", ROLE_TITLE},
    {"title-group", ROLE_HEADLINE},
    {"tr", ROLE_BLOCK},
    {"underline", ROLE_INLINE},
    {"uri", ROLE_INLINE},
    {"volume", ROLE_LEAD},
    {"xref", ROLE_INLINE},
    {"year", ROLE_LEAD},
};

/* United States Legislative Markup, and under it the older Bills DTD, whose names
 * (enum, header, legis-body) do not clash with it. */
static const struct dialect_element uslm[] = {
    {"appendix", ROLE_SECTION},
    {"appropriations-major", ROLE_SECTION},
    {"appropriations-small", ROLE_SECTION},
    {"b", ROLE_INLINE},
    {"chapeau", ROLE_BLOCK},
    {"chapter", ROLE_SECTION},
    {"column", ROLE_LEAD},
    {"content", ROLE_BLOCK},
    {"continuation", ROLE_BLOCK},
    {"continuation-text", ROLE_BLOCK},
    {"division", ROLE_SECTION},
    {"entry", ROLE_LEAD},
    {"enum", ROLE_NUMBER},
    {"external-xref", ROLE_INLINE},
    {"form", ROLE_SECTION},
    {"header", ROLE_TITLE},
    {"heading", ROLE_TITLE},
    {"headingText", ROLE_INLINE},
    {"i", ROLE_INLINE},
    {"inline", ROLE_INLINE},
    {"legis-body", ROLE_SECTION},
    {"main", ROLE_SECTION},
    {"marker", ROLE_INLINE},
    {"meta", ROLE_SECTION},
    {"num", ROLE_NUMBER},
    {"official-title", ROLE_HEADLINE},
    {"officialTitle", ROLE_HEADLINE},
    {"p", ROLE_BLOCK},
    {"page", ROLE_LEAD},
    {"paragraph", ROLE_BLOCK},
    {"part", ROLE_SECTION},
    {"preamble", ROLE_SECTION},
    {"preface", ROLE_SECTION},
    {"quote", ROLE_INLINE},
    {"quoted-block", ROLE_FLAT},
    {"quotedContent", ROLE_FLAT},
    {"quotedText", ROLE_INLINE},
    {"ref", ROLE_INLINE},
    {"section", ROLE_SECTION},
    {"shortTitle", ROLE_INLINE},
    {"signatures", ROLE_SECTION},
    {"sub", ROLE_INLINE},
    {"subchapter", ROLE_SECTION},
    {"subdivision", ROLE_SECTION},
    {"subparagraph", ROLE_BLOCK},
    {"subpart", ROLE_SECTION},
    {"subsection", ROLE_BLOCK},
    {"subtitle", ROLE_SECTION},
    {"sup", ROLE_INLINE},
    {"td", ROLE_LEAD},
    {"term", ROLE_INLINE},
    {"text", ROLE_BLOCK},
    {"th", ROLE_LEAD},
    {"title", ROLE_SECTION},
    {"toc", ROLE_FLAT},
    {"tr", ROLE_BLOCK},
};

/* OASIS LegalDocML, Akoma Ntoso: acts, bills, judgments, debates. */
static const struct dialect_element akomantoso[] = {
    {"a", ROLE_INLINE},
    {"article", ROLE_SECTION},
    {"attachment", ROLE_SECTION},
    {"b", ROLE_INLINE},
    {"background", ROLE_SECTION},
    {"blockList", ROLE_BLOCK},
    {"body", ROLE_SECTION},
    {"chapter", ROLE_SECTION},
    {"clause", ROLE_SECTION},
    {"conclusions", ROLE_SECTION},
    {"coverPage", ROLE_SECTION},
    {"date", ROLE_INLINE},
    {"debateSection", ROLE_SECTION},
    {"decision", ROLE_SECTION},
    {"def", ROLE_INLINE},
    {"docDate", ROLE_INLINE},
    {"docNumber", ROLE_INLINE},
    {"docTitle", ROLE_HEADLINE},
    {"docType", ROLE_INLINE},
    {"eol", ROLE_BLOCK},
    {"from", ROLE_BLOCK},
    {"header", ROLE_SECTION},
    {"heading", ROLE_TITLE},
    {"i", ROLE_INLINE},
    {"inline", ROLE_INLINE},
    {"intro", ROLE_BLOCK},
    {"introduction", ROLE_SECTION},
    {"item", ROLE_BLOCK},
    {"mainBody", ROLE_SECTION},
    {"meta", ROLE_SECTION},
    {"mod", ROLE_INLINE},
    {"motivation", ROLE_SECTION},
    {"narrative", ROLE_BLOCK},
    {"num", ROLE_NUMBER},
    {"p", ROLE_BLOCK},
    {"part", ROLE_SECTION},
    {"person", ROLE_INLINE},
    {"preamble", ROLE_SECTION},
    {"preface", ROLE_SECTION},
    {"quotedStructure", ROLE_FLAT},
    {"quotedText", ROLE_INLINE},
    {"ref", ROLE_INLINE},
    {"remark", ROLE_INLINE},
    {"rref", ROLE_INLINE},
    {"section", ROLE_SECTION},
    {"speech", ROLE_SECTION},
    {"sub", ROLE_INLINE},
    {"subheading", ROLE_BLOCK},
    {"sup", ROLE_INLINE},
    {"td", ROLE_LEAD},
    {"term", ROLE_INLINE},
    {"th", ROLE_LEAD},
    {"title", ROLE_SECTION},
    {"toc", ROLE_FLAT},
    {"tr", ROLE_BLOCK},
    {"u", ROLE_INLINE},
};

/* Anything else. The names are those that XHTML, DocBook and TEI share. */
static const struct dialect_element generic[] = {
    {"a", ROLE_INLINE},        {"appendix", ROLE_SECTION}, {"article", ROLE_SECTION},
    {"b", ROLE_INLINE},        {"blockquote", ROLE_BLOCK}, {"br", ROLE_BLOCK},
    {"chapter", ROLE_SECTION}, {"dd", ROLE_BLOCK},         {"div", ROLE_BLOCK},
    {"dt", ROLE_BLOCK},        {"em", ROLE_INLINE},        {"emphasis", ROLE_INLINE},
    {"entry", ROLE_LEAD},      {"h1", ROLE_BLOCK},         {"h2", ROLE_BLOCK},
    {"h3", ROLE_BLOCK},        {"h4", ROLE_BLOCK},         {"head", ROLE_TITLE},
    {"heading", ROLE_TITLE},   {"hi", ROLE_INLINE},        {"i", ROLE_INLINE},
    {"lb", ROLE_BLOCK},        {"li", ROLE_BLOCK},         {"listitem", ROLE_BLOCK},
    {"ol", ROLE_BLOCK},        {"p", ROLE_BLOCK},          {"para", ROLE_BLOCK},
    {"preface", ROLE_SECTION}, {"sect1", ROLE_SECTION},    {"sect2", ROLE_SECTION},
    {"sect3", ROLE_SECTION},   {"section", ROLE_SECTION},  {"span", ROLE_INLINE},
    {"strong", ROLE_INLINE},   {"sub", ROLE_INLINE},       {"sup", ROLE_INLINE},
    {"table", ROLE_BLOCK},     {"td", ROLE_LEAD},          {"th", ROLE_LEAD},
    {"title", ROLE_TITLE},     {"tr", ROLE_BLOCK},         {"ul", ROLE_BLOCK},
};

#define TABLE(name, table)                            \
    {                                                 \
        name, table, sizeof(table) / sizeof(table)[0] \
    }
static const struct dialect dialect_ccda = TABLE("ccda", ccda);
static const struct dialect dialect_jats = TABLE("jats", jats);
static const struct dialect dialect_uslm = TABLE("uslm", uslm);
static const struct dialect dialect_akomantoso = TABLE("akomantoso", akomantoso);
static const struct dialect dialect_generic = TABLE("xml", generic);

const struct dialect *const dialects[] = {&dialect_ccda, &dialect_jats, &dialect_uslm,
                                          &dialect_akomantoso, &dialect_generic};
const size_t dialect_count = sizeof dialects / sizeof dialects[0];

/* How a root tells its dialect: by namespace, the older kinds by name. NULL matches
 * anything; the first line that fits counts. */
static const struct {
    const char *name_space; /* what it begins with */
    const char *root;
    const struct dialect *dialect;
} roots[] = {
    {"urn:hl7-org:v3", NULL, &dialect_ccda},
    {NULL, "ClinicalDocument", &dialect_ccda},
    {"http://schemas.gpo.gov/xml/uslm", NULL, &dialect_uslm},
    {"http://xml.house.gov/schemas/uslm/", NULL, &dialect_uslm},
    {"http://docs.oasis-open.org/legaldocml/ns/akn", NULL, &dialect_akomantoso},
    {"http://www.akomantoso.org/", NULL, &dialect_akomantoso},
    {NULL, "akomaNtoso", &dialect_akomantoso},
    {"https://jats.nlm.nih.gov/", NULL, &dialect_jats},
    {"http://jats.nlm.nih.gov", NULL, &dialect_jats},
    {"http://docbook.org/", NULL, &dialect_generic},
    {NULL, "article", &dialect_jats},
    {NULL, "bill", &dialect_uslm},
    {NULL, "resolution", &dialect_uslm},
    {NULL, "amendment-doc", &dialect_uslm},
};

const struct dialect *dialect_find(const char *root, const char *name_space)
{
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        const char *space = roots[i].name_space;
        if (space && (!name_space || strncmp(name_space, space, strlen(space)) != 0))
            continue;
        if (!roots[i].root || strcmp(root, roots[i].root) == 0)
            return roots[i].dialect;
    }
    return &dialect_generic;
}

static int compare_name(const void *key, const void *element)
{
    return strcmp(key, ((const struct dialect_element *)element)->name);
}

/* Two vocabularies mean the same wherever they are used: formulas are one run of
 * small elements, and Dublin Core names the document. */
static bool shared_role(const char *element, const char *name_space, enum role *role)
{
    if (!name_space)
        return false;
    if (strcmp(name_space, "http://www.w3.org/1998/Math/MathML") == 0) {
        *role = ROLE_INLINE;
        return true;
    }
    if (strcmp(name_space, "http://purl.org/dc/elements/1.1/") == 0) {
        *role = strcmp(element, "title") == 0 ? ROLE_HEADLINE : ROLE_AUTO;
        return true;
    }
    return false;
}

enum role dialect_role(const struct dialect *dialect, const char *element,
                       const char *name_space)
{
    const struct dialect_element *found;
    enum role role;

    if (shared_role(element, name_space, &role))
        return role;
    found = bsearch(element, dialect->element, dialect->element_count,
                    sizeof *dialect->element, compare_name);
    return found ? found->role : ROLE_AUTO;
}
