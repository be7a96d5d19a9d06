/* xml - XML files through libxml2's reader, from memory, without any DTD.
 *
 *     events -> roles (dialect.c) -> raw text + breaks -> text.c -> sections
 *
 * Every text node goes to the output once and in document order; what elements
 * decide is only where lines and sections end. A section that another one
 * interrupts goes on behind it under the same label and title.
 *
 * Whether an element that no table names is a block or inline is known only when
 * its parent is complete: in a parent with text of its own it is inline, and words
 * must not be split; otherwise it is a block. So breaks are noted beside the raw
 * text, each with the group of siblings it parts, and settled when the section is
 * sent:
 *
 *     raw     A clausesecond clause            groups   1: mixed?  no
 *     breaks          ^ group 1
 *
 * Refused is all that would make the document say something that does not stand in
 * it: declarations in a DOCTYPE and references to entities that were not declared.
 * A DOCTYPE with an external identifier is passed over and nothing is loaded. */
#include "ingest/reader.h"

#include "ingest/dialect.h"
#include "ingest/prologue.h"

#include <inttypes.h>
#include <libxml/parser.h>
#include <libxml/xmlreader.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 256, TITLE_BYTES_MAX = 1024, READER_OPTIONS = XML_PARSE_NONET };

static const uint32_t always = UINT32_MAX; /* the group of a break that is certain */

struct xml_break {
    uint32_t at;    /* offset in raw */
    uint32_t group; /* index into mixed, or always */
};

struct element { /* an open one */
    enum role role;
    bool mixed;          /* has text of its own */
    bool flat;           /* no sections below */
    bool in_title;       /* its text belongs to the title of the section */
    bool in_headline;    /* and to that of the document */
    uint32_t group;      /* of its children, in the raw text of now; 0: none yet */
    struct heading *own; /* when it is a section */
};

struct heading { /* of a section */
    char label[128];
    char title[TITLE_BYTES_MAX];
    size_t title_bytes;
    bool title_complete;
    int depth;
};

struct xml {
    struct emit *emit;
    struct reader_end *end;
    xmlTextReaderPtr reader;
    const struct dialect *dialect;
    int error_line, error_code;
    bool entity_undeclared, content_broken, encoding_broken;

    struct element open[DEPTH_MAX];
    int depth;               /* open elements */
    struct heading *section; /* the innermost; NULL outside the root */
    uint32_t sections;
    bool headline_sent;
    char headline[TITLE_BYTES_MAX];
    size_t headline_bytes;

    char *raw;
    size_t raw_used, raw_capacity;
    size_t lead_at; /* end of a number: no break until something follows */
    struct xml_break *breaks;
    size_t break_count, break_capacity;
    bool *mixed; /* by group */
    size_t group_count, group_capacity;
    bool no_memory;
    struct text text;
};

/* ---- growing buffers --------------------------------------------------------------
 */

static bool grow(struct xml *xml, void *buffer, size_t *capacity, size_t needed,
                 size_t item_bytes)
{
    size_t more = *capacity ? *capacity : 256;
    void **at = buffer;

    if (needed <= *capacity)
        return true;
    while (more < needed)
        more *= 2;
    void *bytes = realloc(*at, more * item_bytes);
    if (!bytes) {
        xml->no_memory = true;
        return false;
    }
    *at = bytes;
    *capacity = more;
    return true;
}

static void raw_append(struct xml *xml, const char *bytes, size_t count)
{
    if (!grow(xml, &xml->raw, &xml->raw_capacity, xml->raw_used + count, 1))
        return;
    memcpy(xml->raw + xml->raw_used, bytes, count);
    xml->raw_used += count;
}

/* White space in XML is one space, wherever the lines of the file end. */
static void raw_space(struct xml *xml)
{
    if (xml->raw_used > 0 && xml->raw[xml->raw_used - 1] != ' ')
        raw_append(xml, " ", 1);
}

static void raw_break(struct xml *xml, uint32_t group)
{
    struct xml_break *last =
        xml->break_count ? &xml->breaks[xml->break_count - 1] : NULL;
    uint32_t at = (uint32_t)xml->raw_used;

    if (xml->raw_used == xml->lead_at)
        return;
    if (last && last->at == at && (last->group == group || last->group == always))
        return;
    if (grow(xml, &xml->breaks, &xml->break_capacity, xml->break_count + 1,
             sizeof *xml->breaks))
        xml->breaks[xml->break_count++] = (struct xml_break){at, group};
}

static struct element *parent_element(struct xml *xml)
{
    return xml->depth > 0 ? &xml->open[xml->depth - 1] : NULL;
}

/* The group of an element's children in the raw text of now. */
static uint32_t group_of(struct xml *xml, struct element *element)
{
    if (element->group != 0)
        return element->group;
    if (!grow(xml, &xml->mixed, &xml->group_capacity, xml->group_count + 2,
              sizeof *xml->mixed))
        return always;
    element->group = (uint32_t)++xml->group_count;
    xml->mixed[element->group] = element->mixed;
    return element->group;
}

/* ---- sections ----------------------------------------------------------------------
 */

static bool has_ink(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != ' ')
            return true;
    return false;
}

/* The raw text, its breaks settled, through text.c. */
static void settle(struct xml *xml)
{
    size_t from = 0;
    bool line_begun = false;

    text_start(&xml->text, TEXT_HYPHENS_BREAK, emit_text_room(xml->emit));
    for (size_t i = 0; i <= xml->break_count; i++) {
        size_t to = i < xml->break_count ? xml->breaks[i].at : xml->raw_used;
        text_add(&xml->text, xml->raw + from, to - from, TEXT_VISIBLE);
        line_begun = line_begun || has_ink(xml->raw + from, to - from);
        from = to;
        if (i == xml->break_count || !line_begun)
            continue;
        if (xml->breaks[i].group == always || !xml->mixed[xml->breaks[i].group]) {
            text_add(&xml->text, "\n", 1, TEXT_VISIBLE);
            line_begun = false;
        }
    }
    text_finish(&xml->text);
}

static void reset_raw(struct xml *xml)
{
    xml->raw_used = xml->break_count = xml->group_count = 0;
    xml->lead_at = SIZE_MAX;
    for (int i = 0; i < xml->depth; i++)
        xml->open[i].group = 0;
}

/* Send what has gathered as a section, or as one more piece of one. */
static bool send_section(struct xml *xml)
{
    struct heading none = {.label = ""};
    const struct heading *heading = xml->section ? xml->section : &none;
    bool sent = true;

    if (has_ink(xml->raw, xml->raw_used)) {
        settle(xml);
        xml->text.no_memory = xml->text.no_memory || xml->no_memory;
        if (xml->text.used > 0 || xml->text.overflow || xml->text.no_memory)
            sent = emit_section(xml->emit, INGEST_ELEMENT, ++xml->sections,
                                heading->label, heading->title, &xml->text);
    }
    reset_raw(xml);
    return sent;
}

static bool begin_section(struct xml *xml, struct element *element, const char *name)
{
    struct heading *heading;

    if (!send_section(xml))
        return false;
    heading = calloc(1, sizeof *heading);
    if (!heading) {
        xml->no_memory = true;
        return false;
    }
    strncpy(heading->label, name, sizeof heading->label - 1);
    heading->depth = xml->depth;
    element->own = heading;
    xml->section = heading;
    return true;
}

static struct heading *section_around(struct xml *xml)
{
    for (int i = xml->depth; i-- > 0;)
        if (xml->open[i].own)
            return xml->open[i].own;
    return NULL;
}

static bool end_section(struct xml *xml, struct element *element)
{
    bool sent = send_section(xml);

    free(element->own);
    element->own = NULL;
    xml->section = section_around(xml);
    return sent;
}

static void title_append(char *title, size_t *used, const char *bytes, size_t count)
{
    size_t room = TITLE_BYTES_MAX - 1 - *used;

    if (count > room)
        count = room;
    while (count > 0 && count == room && ((uint8_t)bytes[count] & 0xC0) == 0x80)
        count--;
    memcpy(title + *used, bytes, count);
    *used += count;
    title[*used] = '\0';
}

/* ---- events ------------------------------------------------------------------------
 */

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static void note_title(struct xml *xml, const struct element *parent, const char *bytes,
                       size_t count)
{
    if (parent->in_headline && !xml->headline_sent)
        title_append(xml->headline, &xml->headline_bytes, bytes, count);
    if (parent->in_title && xml->section)
        title_append(xml->section->title, &xml->section->title_bytes, bytes, count);
}

static void add_word(struct xml *xml, struct element *parent, const char *bytes,
                     size_t count)
{
    parent->mixed = true;
    if (parent->group != 0)
        xml->mixed[parent->group] = true;
    if (!parent->in_title && xml->section)
        xml->section->title_complete = true;
    note_title(xml, parent, bytes, count);
    raw_append(xml, bytes, count);
}

static bool add_text(struct xml *xml, const char *bytes)
{
    struct element *parent = parent_element(xml);

    while (parent && *bytes) {
        size_t blank = 0, ink = 0;
        while (is_space(bytes[blank]))
            blank++;
        if (blank > 0) {
            raw_space(xml);
            note_title(xml, parent, " ", 1);
        }
        bytes += blank;
        while (bytes[ink] && !is_space(bytes[ink]))
            ink++;
        if (ink > 0)
            add_word(xml, parent, bytes, ink);
        bytes += ink;
    }
    return xml->raw_used <= emit_text_room(xml->emit) || send_section(xml);
}

/* What stands before an element, and likewise behind it. */
static void part(struct xml *xml, enum role role)
{
    struct element *parent = parent_element(xml);

    if (role == ROLE_LEAD)
        raw_space(xml);
    else if (role == ROLE_AUTO && parent)
        raw_break(xml, group_of(xml, parent));
    else if (role != ROLE_INLINE && role != ROLE_AUTO)
        raw_break(xml, always);
}

static bool is_section_title(const struct xml *xml, const struct element *element)
{
    const struct heading *section = xml->section;

    if (!section || element->flat || xml->depth != section->depth + 1)
        return false;
    if (element->role == ROLE_NUMBER)
        return !section->title_complete;
    return element->role == ROLE_TITLE &&
           (!section->title_complete || section->title_bytes == 0);
}

static bool open_element(struct xml *xml, const char *name, const char *name_space)
{
    struct element *parent = parent_element(xml);
    struct element element = {0};

    if (!parent)
        xml->dialect = dialect_find(name, name_space);
    element.role = parent ? dialect_role(xml->dialect, name, name_space) : ROLE_SECTION;
    if (parent && parent->flat && element.role == ROLE_SECTION)
        element.role = ROLE_BLOCK;
    element.flat = (parent && parent->flat) || element.role == ROLE_FLAT;
    element.in_title = (parent && parent->in_title) || is_section_title(xml, &element);
    element.in_headline =
        (parent && parent->in_headline) || element.role == ROLE_HEADLINE;
    part(xml, element.role);
    bool sent = element.role != ROLE_SECTION || begin_section(xml, &element, name);
    xml->open[xml->depth++] = element;
    return sent;
}

/* The first headline, or else the title of the root, is that of the document. */
static void send_headline(struct xml *xml, const char *title)
{
    if (!xml->headline_sent && *title)
        emit_string(xml->emit, WIRE_TITLE, title);
    xml->headline_sent = xml->headline_sent || *title;
}

static bool close_element(struct xml *xml)
{
    struct element *element = &xml->open[xml->depth - 1];
    bool sent = true;

    if (element->role == ROLE_SECTION) {
        if (xml->depth == 1)
            send_headline(xml, element->own->title);
        sent = end_section(xml, element);
    }
    xml->depth--;
    part(xml, element->role == ROLE_NUMBER ? ROLE_LEAD : element->role);
    if (element->role == ROLE_NUMBER)
        xml->lead_at = xml->raw_used;
    if (element->role == ROLE_NUMBER && element->in_title)
        note_title(xml, element, " ", 1);
    if (element->role == ROLE_TITLE && element->in_title && xml->section)
        xml->section->title_complete = true;
    if (element->role == ROLE_HEADLINE)
        send_headline(xml, xml->headline);
    return sent;
}

/* ---- what is refused
 * ----------------------------------------------------------------- */

static void note_error(void *arg, xmlErrorPtr error)
{
    struct xml *xml = arg;

    if (error->code == XML_ERR_UNDECLARED_ENTITY ||
        error->code == XML_WAR_UNDECLARED_ENTITY) {
        xml->entity_undeclared = true;
    } else if (error->level < XML_ERR_ERROR || error->domain == XML_FROM_NAMESPACE ||
               xml->error_code != 0) {
        return;
    }
    xml->error_code = error->code;
    xml->error_line = error->line;
    xml->content_broken = error->message && strstr(error->message, "element content");
    xml->encoding_broken = error->message && strstr(error->message, "encoder error");
}

/* Declarations in the DOCTYPE: looked for in the bytes (prologue.c), and once more in
 * what libxml2 made of them, for the encodings that the first look cannot read. */
static bool has_declarations(struct xml *xml)
{
    const xmlDtd *dtd = (const xmlDtd *)xmlTextReaderCurrentNode(xml->reader);

    return dtd && (dtd->children || dtd->entities || dtd->pentities);
}

static void refuse_entity(struct xml *xml, int line)
{
    reader_end_set(xml->end, INGEST_DAMAGED,
                   "it refers to an entity that it does not declare, line %d", line);
}

/* libxml2's own maxima (names, attribute values, text nodes, depth) come as these; so
 * do markup that it cannot make out and bytes that it cannot decode, told apart by
 * their messages only. */
static bool is_size_error(const struct xml *xml)
{
    int code = xml->error_code;
    bool is_internal = code == XML_ERR_INTERNAL_ERROR && !xml->content_broken;

    return is_internal || code == XML_ERR_NO_MEMORY || code == XML_ERR_NAME_TOO_LONG;
}

static void explain_error(struct xml *xml)
{
    static const struct {
        int code;
        const char *text;
    } known[] = {
        {XML_ERR_DOCUMENT_EMPTY, "it is empty"},
        {XML_ERR_DOCUMENT_END, "it ends too early or goes on behind its end"},
        {XML_ERR_INVALID_CHAR, "a character is not allowed or not encoded as declared"},
        {XML_ERR_INVALID_ENCODING, "a character is not encoded as declared"},
        {XML_ERR_UNSUPPORTED_ENCODING, "its encoding is unknown"},
        {XML_ERR_TAG_NAME_MISMATCH, "an end tag does not match its start tag"},
        {XML_ERR_TAG_NOT_FINISHED, "it ends within an element"},
    };
    const char *text = "it is not well-formed XML";

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].code == xml->error_code)
            text = known[i].text;
    if (xml->entity_undeclared)
        refuse_entity(xml, xml->error_line);
    else if (xml->error_code == XML_ERR_OK || xml->encoding_broken)
        reader_end_set(xml->end, INGEST_DAMAGED,
                       "its bytes are not of the encoding they seem to be of");
    else if (is_size_error(xml))
        reader_end_set(xml->end, INGEST_TOO_LARGE,
                       "a name, value, text or nesting exceeds what is read, line %d",
                       xml->error_line);
    else
        reader_end_set(xml->end, INGEST_DAMAGED, "%s, line %d (error %d)", text,
                       xml->error_line, xml->error_code);
}

/* ---- the document
 * -------------------------------------------------------------------- */

static bool begin_element(struct xml *xml)
{
    const char *name = (const char *)xmlTextReaderConstLocalName(xml->reader);
    const char *space = (const char *)xmlTextReaderConstNamespaceUri(xml->reader);
    bool is_empty = xmlTextReaderIsEmptyElement(xml->reader) == 1;

    if (xml->depth == DEPTH_MAX) {
        reader_end_set(xml->end, INGEST_TOO_LARGE,
                       "its elements are nested deeper than %d, line %d", DEPTH_MAX,
                       xmlTextReaderGetParserLineNumber(xml->reader));
        return false;
    }
    return open_element(xml, name ? name : "", space) &&
           (!is_empty || close_element(xml));
}

/* False ends the reading: refused, or a limit is passed. */
static bool take_node(struct xml *xml)
{
    switch (xmlTextReaderNodeType(xml->reader)) {
    case XML_READER_TYPE_ELEMENT:
        return begin_element(xml);
    case XML_READER_TYPE_END_ELEMENT:
        return xml->depth == 0 || close_element(xml);
    case XML_READER_TYPE_TEXT:
    case XML_READER_TYPE_CDATA:
    case XML_READER_TYPE_WHITESPACE:
    case XML_READER_TYPE_SIGNIFICANT_WHITESPACE:
        return add_text(xml, (const char *)xmlTextReaderConstValue(xml->reader));
    case XML_READER_TYPE_DOCUMENT_TYPE:
        if (!has_declarations(xml))
            return true;
        reader_end_set(xml->end, INGEST_DAMAGED, "%s", prologue_subset);
        return false;
    case XML_READER_TYPE_ENTITY_REFERENCE:
        refuse_entity(xml, xmlTextReaderGetParserLineNumber(xml->reader));
        return false;
    default:
        return true;
    }
}

static void read_nodes(struct xml *xml)
{
    int rc;

    while ((rc = xmlTextReaderRead(xml->reader)) == 1 && !xml->entity_undeclared)
        if (!take_node(xml))
            return;
    if (rc != 0 || xml->entity_undeclared)
        explain_error(xml);
}

static xmlParserInputPtr load_nothing(const char *url, const char *id,
                                      xmlParserCtxtPtr context)
{
    (void)url;
    (void)id;
    (void)context;
    return NULL;
}

static void xml_read(const struct reader_source *source, struct emit *emit,
                     struct reader_end *end)
{
    static struct xml xml;
    const char *fault, *encoding;

    xml = (struct xml){.emit = emit, .end = end, .lead_at = SIZE_MAX};
    if (source->count > INT32_MAX) {
        reader_end_set(end, INGEST_TOO_LARGE, "XML of more than %d bytes is not read",
                       INT32_MAX);
        return;
    }
    fault = prologue_fault(source->bytes, source->count);
    if (fault) {
        reader_end_set(end, INGEST_DAMAGED, "%s", fault);
        return;
    }
    encoding = prologue_encoding(source->bytes, source->count);
    if (encoding == prologue_utf32) {
        reader_end_set(end, INGEST_UNSUPPORTED, "XML in UTF-32 is not read");
        return;
    }
    xml.reader = xmlReaderForMemory((const char *)source->bytes, (int)source->count,
                                    NULL, encoding, READER_OPTIONS);
    if (!xml.reader) {
        reader_end_set(end, INGEST_DAMAGED, "libxml2 cannot begin to read it");
        return;
    }
    xmlTextReaderSetStructuredErrorHandler(xml.reader,
                                           (xmlStructuredErrorFunc)note_error, &xml);
    read_nodes(&xml);
    if (xml.no_memory && !emit->too_large[0])
        reader_end_set(end, INGEST_TOO_LARGE, "reading it needs too much memory");
    emit_facts(emit, -1, -1, -1);
    emit_string(emit, WIRE_DIALECT, xml.dialect ? xml.dialect->name : "xml");
    xmlFreeTextReader(xml.reader);
    for (int i = 0; i < xml.depth; i++)
        free(xml.open[i].own);
    free(xml.raw);
    free(xml.breaks);
    free(xml.mixed);
    text_free(&xml.text);
}

static void xml_warm(void)
{
    static const char document[] = "<a><b>warm</b>\xC3\xA9</a>";
    xmlTextReaderPtr reader;

    xmlInitParser();
    xmlSetExternalEntityLoader(load_nothing);
    reader =
        xmlReaderForMemory(document, sizeof document - 1, NULL, NULL, READER_OPTIONS);
    while (reader && xmlTextReaderRead(reader) == 1)
        xmlTextReaderConstValue(reader);
    xmlFreeTextReader(reader);
}

const struct reader reader_xml = {
    .media_type = "application/xml",
    .warm = xml_warm,
    .read = xml_read,
};
