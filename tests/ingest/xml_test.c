/* XML: text whole and in order, sections with their titles, and what is refused. */
#include "tests/ingest/read.h"

static void expect_text(const char *xml, const char *text)
{
    struct ingest_document *document = read_string(xml);

    assert_string_equal(document->reason, "");
    assert_int_equal(document->outcome, INGEST_READ);
    assert_int_equal(document->section_count, 1);
    assert_string_equal(document->section[0].text, text);
    ingest_document_free(document);
}

static void expect_refused(const char *xml, enum ingest_outcome outcome,
                           const char *why)
{
    struct ingest_document *document = read_string(xml);

    assert_int_equal(document->outcome, outcome);
    assert_non_null(strstr(document->reason, why));
    assert_int_equal(document->section_count, 0);
    ingest_document_free(document);
}

/* ---- text ------------------------------------------------------------------------ */

static void words_in_inline_elements_are_not_split(void **state)
{
    (void)state;
    expect_text("<d><x>un<y>break</y>able</x></d>", "unbreakable\n");
    expect_text("<d><x><y>un</y>breakable</x></d>", "unbreakable\n");
    expect_text("<d><p><b>un</b><i>breakable</i></p></d>", "unbreakable\n");
}

static void block_elements_separate_words(void **state)
{
    (void)state;
    expect_text("<d><x>one</x><x>two</x></d>", "one\ntwo\n");
    expect_text("<d><x>one<p>two</p>three</x></d>", "one\ntwo\nthree\n");
    expect_text("<d>intro<l><x>one</x><x>two</x></l></d>", "intro\none\ntwo\n");
    expect_text("<d>one<br/>two</d>", "one\ntwo\n");
}

static void white_space_is_one_space(void **state)
{
    (void)state;
    expect_text("<d>\n  <p>one\n     two</p>\n\n\n\n  <p>three </p>\n</d>",
                "one two\nthree\n");
    expect_text("<d><p>one<b> two</b> <i>three</i></p></d>", "one two three\n");
}

static void cells_of_a_row_stand_in_one_line(void **state)
{
    (void)state;
    expect_text(
        "<d><table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table></d>",
        "a b\nc\n");
}

static void cdata_references_and_comments(void **state)
{
    (void)state;
    expect_text("<d><![CDATA[<raw> & ]]>a&amp;b&#233;<!-- not this --><?nor this?></d>",
                "<raw> & a&b\xC3\xA9\n");
}

static void hyphens_at_line_ends_of_the_file_mean_nothing(void **state)
{
    (void)state;
    expect_text("<d>third-\nparty</d>", "third- party\n");
}

static void any_encoding_becomes_utf8(void **state)
{
    static const char wide[] = "\xFF\xFE<\0a\0>\0\xE9\0<\0/\0a\0>\0";
    struct ingest_document *document = read_bytes(wide, sizeof wide - 1);

    (void)state;
    assert_int_equal(document->outcome, INGEST_READ);
    expect_section(document, 0, "a", "", "\xC3\xA9\n");
    ingest_document_free(document);
    expect_text("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE9</a>", "\xC3\xA9\n");
}

/* ---- sections -----------------------------------------------------------------------
 */

static void a_section_goes_on_behind_one_within_it(void **state)
{
    struct ingest_document *document = read_string(
        "<d><section><title>Out</title><p>a</p>"
        "<section><title>In</title><p>b</p></section><p>c</p></section></d>");

    (void)state;
    assert_int_equal(document->section_count, 3);
    expect_section(document, 0, "section", "Out", "Out\na\n");
    expect_section(document, 1, "section", "In", "In\nb\n");
    expect_section(document, 2, "section", "Out", "c\n");
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(document->section[i].number, i + 1);
        assert_int_equal(document->section[i].kind, INGEST_ELEMENT);
    }
    ingest_document_free(document);
}

static void clinical_documents_have_their_sections(void **state)
{
    struct ingest_document *document = read_string(
        "<ClinicalDocument xmlns='urn:hl7-org:v3'><title>Visit</title><recordTarget>"
        "<name><given>Ann</given><family>Lee</family></name></recordTarget><component>"
        "<section><title>Allergies</title><text><table><tr><th>To</th><th>Since</th></tr>"
        "<tr><td>Nuts</td><td>2001</td></tr></table><list><item>none</item><item>else"
        "</item></list></text></section></component></ClinicalDocument>");

    (void)state;
    assert_string_equal(document->dialect, "ccda");
    assert_string_equal(document->metadata.title, "Visit");
    assert_int_equal(document->section_count, 2);
    expect_section(document, 0, "ClinicalDocument", "Visit", "Visit\nAnn Lee\n");
    expect_section(document, 1, "section", "Allergies",
                   "Allergies\nTo Since\nNuts 2001\nnone\nelse\n");
    ingest_document_free(document);
}

static void articles_have_their_sections_and_a_doctype(void **state)
{
    struct ingest_document *document = read_string(
        "<!DOCTYPE article PUBLIC \"-//NLM//DTD JATS 1.1//EN\" \"JATS.dtd\">"
        "<article><front><title-group><article-title>On <italic>E. coli</italic>"
        "</article-title></title-group></front><body><sec><label>1</label>"
        "<title>Intro</title><p>See <xref>2</xref>.</p></sec></body></article>");

    (void)state;
    assert_int_equal(document->outcome, INGEST_READ);
    assert_string_equal(document->dialect, "jats");
    assert_string_equal(document->metadata.title, "On E. coli");
    assert_int_equal(document->section_count, 2);
    expect_section(document, 0, "front", "", "On E. coli\n");
    expect_section(document, 1, "sec", "1 Intro", "1 Intro\nSee 2.\n");
    ingest_document_free(document);
}

static void bills_have_numbers_and_headings(void **state)
{
    struct ingest_document *document = read_string(
        "<bill xmlns='http://schemas.gpo.gov/xml/uslm'><main><section>"
        "<num>SEC. 2.</num><heading>Fees</heading><subsection><num>(a)</num>"
        "<content>Pay <quotedContent><section><num>SEC. 9.</num></section>"
        "</quotedContent></content></subsection></section></main></bill>");

    (void)state;
    assert_string_equal(document->dialect, "uslm");
    assert_int_equal(document->section_count, 1);
    expect_section(document, 0, "section", "SEC. 2. Fees",
                   "SEC. 2. Fees\n(a) Pay\nSEC. 9.\n");
    ingest_document_free(document);
}

static void old_bills_are_read_alike(void **state)
{
    struct ingest_document *document = read_string(
        "<bill><form><official-title>To name it</official-title></form><legis-body>"
        "<section><enum>1.</enum><header>Short title</header><text>This Act.</text>"
        "</section></legis-body></bill>");

    (void)state;
    assert_string_equal(document->dialect, "uslm");
    assert_string_equal(document->metadata.title, "To name it");
    expect_section(document, 1, "section", "1. Short title",
                   "1. Short title\nThis Act.\n");
    ingest_document_free(document);
}

static void akoma_ntoso_has_its_articles(void **state)
{
    struct ingest_document *document = read_string(
        "<akomaNtoso xmlns='http://docs.oasis-open.org/legaldocml/ns/akn/3.0'><act>"
        "<preface><docTitle>Code</docTitle></preface><body><article><num>Art. 1</num>"
        "<heading>Scope</heading><p>All <b>of</b> it.</p></article></body></act>"
        "</akomaNtoso>");

    (void)state;
    assert_string_equal(document->dialect, "akomantoso");
    assert_string_equal(document->metadata.title, "Code");
    expect_section(document, 1, "article", "Art. 1 Scope",
                   "Art. 1 Scope\nAll of it.\n");
    ingest_document_free(document);
}

static void a_long_title_is_cut_between_characters(void **state)
{
    char xml[4096] = "<d><section><title>x";
    struct ingest_document *document;
    size_t bytes;

    (void)state;
    for (int i = 0; i < 700; i++)
        strcat(xml, "\xC3\xA9");
    strcat(xml, "</title></section></d>");
    document = read_string(xml);
    assert_int_equal(document->outcome, INGEST_READ);
    bytes = strlen(document->section[0].title);
    assert_in_range(bytes, 1000, 1023);
    assert_int_equal(bytes % 2, 1);
    assert_int_equal(document->section[0].text_bytes, 1402);
    ingest_document_free(document);
}

/* ---- what is refused
 * ------------------------------------------------------------------ */

static void declarations_are_refused(void **state)
{
    (void)state;
    expect_refused("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", INGEST_DAMAGED,
                   "internal subset");
    expect_refused("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
                   INGEST_DAMAGED, "internal subset");
    expect_refused("<!DOCTYPE a []><a>x</a>", INGEST_DAMAGED, "internal subset");
}

static void an_undeclared_entity_is_refused(void **state)
{
    (void)state;
    expect_refused("<a>\n\nb&nbsp;c</a>", INGEST_DAMAGED,
                   "an entity that it does not declare, line 3");
    expect_refused("<!DOCTYPE a SYSTEM 'a.dtd'><a>\nb&nbsp;c</a>", INGEST_DAMAGED,
                   "an entity that it does not declare, line 2");
    expect_refused("<!DOCTYPE a SYSTEM 'a.dtd'><a b='&nbsp;'>c</a>", INGEST_DAMAGED,
                   "an entity that it does not declare");
}

static void what_is_not_well_formed_is_damaged(void **state)
{
    (void)state;
    expect_refused("<a>\n<b></a>", INGEST_DAMAGED,
                   "end tag does not match its start tag");
    expect_refused("<a>text", INGEST_DAMAGED, "line 1");
    expect_refused("<a>\xFF\xFE\xC3\x28</a>", INGEST_DAMAGED,
                   "not encoded as declared");
    expect_refused("<a/><b/>", INGEST_DAMAGED, "goes on behind its end");
    expect_refused("<?xml version='1.0' encoding='martian'?><a/>", INGEST_DAMAGED,
                   "its encoding is unknown");
}

static struct ingest_document *read_nested(int depth)
{
    char *xml = malloc((size_t)depth * 7 + 2), *at = xml;
    struct ingest_document *document;

    assert_non_null(xml);
    for (int i = 0; i < depth; i++)
        at = stpcpy(at, "<a>");
    at = stpcpy(at, "x");
    for (int i = 0; i < depth; i++)
        at = stpcpy(at, "</a>");
    document = read_string(xml);
    free(xml);
    return document;
}

static void elements_nest_to_the_limit_and_no_deeper(void **state)
{
    (void)state;
    for (int depth = 255; depth <= 257; depth++) {
        struct ingest_document *document = read_nested(depth);
        assert_int_equal(document->outcome,
                         depth <= 256 ? INGEST_READ : INGEST_TOO_LARGE);
        ingest_document_free(document);
    }
}

static void text_has_a_limit(void **state)
{
    struct request_job job = read_job_default();
    static const char xml[] = "<d><section>12345</section><section>7890</section></d>";

    (void)state;
    for (uint64_t limit = 10; limit <= 12; limit++) {
        job.limits.text_bytes_max = limit; /* 6 + 5 with their line feeds */
        struct ingest_document *document = read_with(&job, xml, sizeof xml - 1);
        assert_int_equal(document->outcome,
                         limit < 11 ? INGEST_TOO_LARGE : INGEST_READ);
        ingest_document_free(document);
    }
}

static void nothing_is_included_or_loaded(void **state)
{
    struct ingest_document *document =
        read_string("<a xmlns:xi='http://www.w3.org/2001/XInclude'>x<xi:include "
                    "parse='text' href='file:///etc/passwd'/></a>");

    (void)state;
    assert_int_equal(document->outcome, INGEST_READ);
    expect_section(document, 0, "a", "", "x\n");
    ingest_document_free(document);
}

static void markup_that_makes_no_sense_is_damage_and_not_size(void **state)
{
    (void)state;
    expect_refused("<a>text <![cdata[x]]> words</a>", INGEST_DAMAGED, "well-formed");
    expect_refused("<a><!DOCTYPE a>text words</a>", INGEST_DAMAGED, "well-formed");
}

static void utf_16_is_read_without_a_mark(void **state)
{
    static const char utf16[] = "\0<\0a\0>\0x\0<\0/\0a\0>";
    struct ingest_document *document = read_bytes(utf16, sizeof utf16 - 1);

    (void)state;
    expect_section(document, 0, "a", "", "x\n");
    ingest_document_free(document);
}

static void utf_32_is_refused_by_name(void **state)
{
    static const char utf32[] = "\xFF\xFE\0\0<\0\0\0a\0\0\0/\0\0\0>\0\0";
    struct ingest_document *document = read_bytes(utf32, sizeof utf32);

    (void)state;
    assert_int_equal(document->outcome, INGEST_UNSUPPORTED);
    assert_non_null(strstr(document->reason, "UTF-32"));
    ingest_document_free(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_in_inline_elements_are_not_split),
        cmocka_unit_test(block_elements_separate_words),
        cmocka_unit_test(white_space_is_one_space),
        cmocka_unit_test(cells_of_a_row_stand_in_one_line),
        cmocka_unit_test(cdata_references_and_comments),
        cmocka_unit_test(hyphens_at_line_ends_of_the_file_mean_nothing),
        cmocka_unit_test(any_encoding_becomes_utf8),
        cmocka_unit_test(a_section_goes_on_behind_one_within_it),
        cmocka_unit_test(clinical_documents_have_their_sections),
        cmocka_unit_test(articles_have_their_sections_and_a_doctype),
        cmocka_unit_test(bills_have_numbers_and_headings),
        cmocka_unit_test(old_bills_are_read_alike),
        cmocka_unit_test(akoma_ntoso_has_its_articles),
        cmocka_unit_test(a_long_title_is_cut_between_characters),
        cmocka_unit_test(declarations_are_refused),
        cmocka_unit_test(an_undeclared_entity_is_refused),
        cmocka_unit_test(what_is_not_well_formed_is_damaged),
        cmocka_unit_test(elements_nest_to_the_limit_and_no_deeper),
        cmocka_unit_test(text_has_a_limit),
        cmocka_unit_test(nothing_is_included_or_loaded),
        cmocka_unit_test(markup_that_makes_no_sense_is_damage_and_not_size),
        cmocka_unit_test(utf_16_is_read_without_a_mark),
        cmocka_unit_test(utf_32_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
