/* load - a policy file in, struct policy out, or a refusal that helps.
 *
 * The steps, each in its file, in the order in which they may trust the one
 * before:
 *
 *     source     bytes: UTF-8, no DOCTYPE, nothing too long, deep or numerous
 *     libxml2    well-formed XML as a tree; no entity, no network, no huge mode
 *     policy.rng valid: elements, attributes, order, kinds of values
 *     check      names unique and resolved, rules that can be reached
 *     build      struct policy, patterns compiled
 *     canonical  the bytes its digest is taken of
 *
 * The first problem ends the loading. Errors of libxml2 are kept to fall back on;
 * advise.c, which reads the same grammar, usually knows better. */
#include "policies/loader.h"

#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <stdlib.h>
#include <string.h>

static const char grammar_text[] = {
#include "policies/policy.rng.h"
};

const char *policy_grammar(void)
{
    return grammar_text;
}

/* ---- well-formed XML ---- */

struct first_error { /* the one that the others follow from */
    int code, line;
    char text[160];
};

static void keep_first(struct first_error *first, const xmlError *error)
{
    char *end;

    if (first->code)
        return;
    first->code = error->code;
    first->line = error->line;
    policy_words_clean(first->text, sizeof first->text,
                       error->message ? error->message : "");
    end = first->text + strlen(first->text);
    while (end > first->text && (end[-1] == '?' || end[-1] == ' '))
        *--end = '\0'; /* the message ended in a line feed */
}

static void on_parser_error(void *context, xmlErrorPtr error)
{
    const xmlParserCtxt *parser = context;

    if (error->level >= XML_ERR_ERROR)
        keep_first(parser->_private, error);
}

static const char *advice_for(int code)
{
    static const struct {
        int code;
        const char *advice;
    } table[] = {
        {XML_ERR_NAME_REQUIRED, "write &amp; for & and &lt; for <, or put the text "
                                "between <![CDATA[ and ]]>"},
        {XML_ERR_ENTITYREF_SEMICOL_MISSING, "write &amp; for &"},
        {XML_ERR_UNDECLARED_ENTITY, "write the character itself"},
        {XML_WAR_UNDECLARED_ENTITY, "write the character itself"},
        {XML_ERR_TAG_NAME_MISMATCH, "close each element with its own </name>, the "
                                    "innermost first"},
        {XML_ERR_LT_IN_ATTRIBUTE, "a closing quote is missing before this <"},
        {XML_ERR_ATTRIBUTE_NOT_STARTED, "put the value between double quotes"},
        {XML_ERR_ATTRIBUTE_REDEFINED, "write the attribute once"},
        {XML_ERR_SPACE_REQUIRED, "a quote is missing, or no space stands between two "
                                 "attributes"},
        {XML_ERR_TAG_NOT_FINISHED, "the file ends too early"},
        {XML_ERR_DOCUMENT_EMPTY, "a policy begins with <policy name=\"...\" "
                                 "revision=\"1\">"},
        {XML_ERR_DOCUMENT_END, "one <policy> holds all, nothing follows it"},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].code == code)
            return table[i].advice;
    return "see README.md of the policies for a whole example";
}

static xmlDoc *parse_with(xmlParserCtxt *parser, const struct policy_source *source,
                          struct first_error *first)
{
    parser->_private = first;
    parser->sax->serror = on_parser_error;
    return xmlCtxtReadMemory(parser, source->bytes, (int)source->count, NULL, "UTF-8",
                             XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                 XML_PARSE_BIG_LINES | XML_PARSE_IGNORE_ENC);
}

static int parse(xmlDoc **out, const struct policy_source *source,
                 struct policy_error *err)
{
    xmlParserCtxt *parser = xmlNewParserCtxt();
    struct first_error first = {0, 0, ""};

    if (parser)
        *out = parse_with(parser, source, &first);
    xmlFreeParserCtxt(parser);
    if (*out)
        return POLICY_OK;
    if (!parser || !first.code || first.code == XML_ERR_NO_MEMORY)
        return policy_fail(err, POLICY_ENOMEM, 0, "out of memory");
    return policy_fail(err, POLICY_EINVALID, first.line, "not well-formed XML: %s; %s",
                       first.text, advice_for(first.code));
}

/* ---- the grammar ---- */

static void on_validity_error(void *context, xmlErrorPtr error)
{
    keep_first(context, error);
}

/* 0: valid, 1: not, -1: out of memory. */
static int validate_with(xmlRelaxNG *schema, xmlDoc *document,
                         struct first_error *first)
{
    xmlRelaxNGValidCtxt *context = schema ? xmlRelaxNGNewValidCtxt(schema) : NULL;
    int result = -1;

    if (context) {
        xmlRelaxNGSetValidStructuredErrors(context, on_validity_error, first);
        result = xmlRelaxNGValidateDoc(context, document);
    }
    xmlRelaxNGFreeValidCtxt(context);
    return result;
}

static int validate(xmlDoc *document, struct first_error *first)
{
    xmlRelaxNGParserCtxt *parser =
        xmlRelaxNGNewMemParserCtxt(grammar_text, (int)strlen(grammar_text));
    xmlRelaxNG *schema = NULL;
    int result;

    if (parser) {
        xmlRelaxNGSetParserStructuredErrors(parser, on_validity_error, first);
        schema = xmlRelaxNGParse(parser);
    }
    result = validate_with(schema, document, first);
    xmlRelaxNGFree(schema);
    xmlRelaxNGFreeParserCtxt(parser);
    return result;
}

/* advise.c and libxml2 read the same grammar; what either refuses is refused. */
static int check_grammar(xmlDoc *document, const struct grammar *grammar,
                         struct policy_error *err)
{
    struct first_error first = {0, 0, ""};
    int status = policy_advise(document, grammar, err);

    if (status != POLICY_OK)
        return status;
    int invalid = validate(document, &first);
    if (invalid < 0)
        return policy_fail(err, POLICY_ENOMEM, 0, "out of memory");
    if (invalid)
        return policy_fail(err, POLICY_EINVALID, first.line,
                           "the grammar of policies refuses this: %s", first.text);
    return status;
}

/* ---- the whole ---- */

void policy_free(struct policy *policy)
{
    struct policy_loaded *loaded = (struct policy_loaded *)policy;

    if (!loaded)
        return;
    for (size_t i = 0; i < loaded->pattern_count; i++)
        pcre2_code_free(loaded->pattern[i].code);
    free(loaded->canonical);
    free(loaded->block);
    free(loaded);
}

static int load_tree(struct policy_loaded *loaded, xmlDoc *document,
                     const struct grammar *grammar, const struct policy_source *source,
                     struct policy_error *err)
{
    const xmlNode *root = xmlDocGetRootElement(document);
    int status = check_grammar(document, grammar, err);

    if (status == POLICY_OK)
        status = policy_check(root, err);
    if (status == POLICY_OK)
        status = policy_build(loaded, root, grammar, source, err);
    if (status == POLICY_OK)
        status = policy_canonical(loaded, err);
    return status;
}

int policy_load_source(struct policy **out, struct policy_source *source,
                       struct policy_error *err)
{
    struct policy_loaded *loaded = calloc(1, sizeof *loaded);
    struct grammar *grammar = grammar_open(grammar_text);
    xmlDoc *document = NULL;
    int status;

    *out = NULL;
    if (loaded && grammar)
        status = policy_source_scan(source, err);
    else
        status = policy_fail(err, POLICY_ENOMEM, 0, "out of memory");
    if (status == POLICY_OK)
        status = parse(&document, source, err);
    if (status == POLICY_OK) {
        policy_tree_number(document, source);
        status = load_tree(loaded, document, grammar, source, err);
    }
    xmlFreeDoc(document);
    grammar_close(grammar);
    if (status == POLICY_OK)
        *out = &loaded->policy;
    else
        policy_free(loaded ? &loaded->policy : NULL);
    return status;
}

int policy_load(struct policy **out, const char *path, struct policy_error *err)
{
    struct policy_source source;
    int status = policy_source_read(&source, path, err);

    *out = NULL;
    if (status == POLICY_OK)
        status = policy_load_source(out, &source, err);
    policy_source_free(&source);
    return status;
}
