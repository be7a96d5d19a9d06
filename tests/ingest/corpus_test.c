/* Real documents, where they are at hand: ../shared/corpus beside the tree. Every file
 * has a named outcome, contracts say the same words as their reference texts, and XML
 * loses no character. */
#include "tests/ingest/parse.h"
#include "tests/ingest/read.h"

#include <ctype.h>
#include <ftw.h>
#include <libxml/xmlreader.h>

#define CORPUS "../shared/corpus"

enum { FILES_MAX = 4096 };

static char *files[FILES_MAX];
static size_t file_count;
static const char *wanted; /* how a name ends; "" takes all */

static int note_file(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
    size_t bytes = strlen(name), end = strlen(wanted);

    (void)st;
    (void)ftw;
    if (type == FTW_F && bytes >= end && strcmp(name + bytes - end, wanted) == 0 &&
        file_count < FILES_MAX)
        files[file_count++] = strdup(name);
    return 0;
}

static void find_files(const char *folder, const char *end)
{
    wanted = end;
    while (file_count > 0)
        free(files[--file_count]);
    if (nftw(folder, note_file, 16, FTW_PHYS) != 0 || file_count == 0) {
        fprintf(stderr, "no %s beside the tree: skipped\n", folder);
        skip();
    }
}

/* Parse all files in two lanes; each document goes to judge(), which frees it. */
static void parse_all(void (*judge)(const char *name, struct ingest_document *document))
{
    struct ingest_parser *parser = parse_open(2);
    struct ingest_request request = ingest_request_default();
    size_t next = 0, busy = 0, tag;
    struct ingest_file file;

    while (next < file_count || busy > 0) {
        if (next < file_count && ingest_idle_lane(parser) >= 0) {
            if (parse_start(parser, files[next], &request, next, &file))
                busy++;
            else
                assert_true(file.reason[0] != '\0');
            next++;
        } else {
            struct ingest_document *document = parse_next(parser, &tag);
            judge(files[tag], document);
            busy--;
        }
    }
    ingest_parser_close(parser);
}

/* ---- outcomes ----------------------------------------------------------------------
 */

static void check_named(const char *name, struct ingest_document *document)
{
    if (document->outcome == INGEST_CRASHED || document->outcome == INGEST_TIMEOUT)
        fail_msg("%s: %s", name, document->reason);
    if (document->outcome != INGEST_READ)
        assert_true(document->reason[0] != '\0');
    else
        assert_true(document->section_count > 0);
    ingest_document_free(document);
}

static void every_pdf_has_a_named_outcome(void **state)
{
    (void)state;
    find_files(CORPUS "/pdf", ".pdf");
    parse_all(check_named);
}

static void every_xml_has_a_named_outcome(void **state)
{
    (void)state;
    find_files(CORPUS "/xml", "");
    parse_all(check_named);
}

/* ---- words
 * --------------------------------------------------------------------------- */

struct bag { /* words, sorted */
    char *text;
    char **word;
    size_t count, capacity;
};

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void bag_add(struct bag *bag, char *word)
{
    if (bag->count == bag->capacity) {
        bag->capacity = bag->capacity ? 2 * bag->capacity : 4096;
        bag->word = realloc(bag->word, bag->capacity * sizeof *bag->word);
        assert_non_null(bag->word);
    }
    bag->word[bag->count++] = word;
}

/* The words [A-Za-z0-9]+ of a text, in lower case; the text is the bag's. */
static struct bag bag_of(char *text)
{
    struct bag bag = {.text = text};

    for (char *at = text; *at;) {
        char *word = at;
        while (isalnum((unsigned char)*at) && (unsigned char)*at < 0x80) {
            *at = (char)tolower((unsigned char)*at);
            at++;
        }
        if (at > word)
            bag_add(&bag, word);
        if (*at)
            *at++ = '\0';
    }
    qsort(bag.word, bag.count, sizeof *bag.word, compare_words);
    return bag;
}

static void bag_free(struct bag *bag)
{
    free(bag->word);
    free(bag->text);
}

static double common_words(const struct bag *a, const struct bag *b)
{
    size_t i = 0, j = 0, common = 0;

    while (i < a->count && j < b->count) {
        int order = strcmp(a->word[i], b->word[j]);
        common += order == 0;
        i += order <= 0;
        j += order >= 0;
    }
    return (double)common;
}

static char *read_whole(const char *name)
{
    FILE *file = fopen(name, "rb");
    char *text;
    long bytes;

    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    bytes = ftell(file);
    rewind(file);
    text = calloc(1, (size_t)bytes + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)bytes, file), bytes);
    fclose(file);
    return text;
}

static char *join_sections(const struct ingest_document *document)
{
    size_t bytes = 0;
    char *text, *at;

    for (size_t i = 0; i < document->section_count; i++)
        bytes += document->section[i].text_bytes;
    at = text = malloc(bytes + 1);
    assert_non_null(text);
    *at = '\0';
    for (size_t i = 0; i < document->section_count; i++)
        at = stpcpy(at, document->section[i].text);
    return text;
}

static double recall[FILES_MAX], precision[FILES_MAX];
static size_t compared;

static void compare_with_reference(const char *name, struct ingest_document *document)
{
    char reference[4096];

    assert_int_equal(document->outcome, INGEST_READ);
    snprintf(reference, sizeof reference, "%.*s.txt", (int)strlen(name) - 4, name);
    struct bag truth = bag_of(read_whole(reference));
    struct bag words = bag_of(join_sections(document));
    double common = common_words(&truth, &words);
    recall[compared] = common / (double)truth.count;
    precision[compared] = common / (double)words.count;
    if (recall[compared] < 0.97 || precision[compared] < 0.97)
        fail_msg("%s: recall %.4f, precision %.4f", name, recall[compared],
                 precision[compared]);
    compared++;
    bag_free(&truth);
    bag_free(&words);
    ingest_document_free(document);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void contracts_say_the_words_of_their_references(void **state)
{
    (void)state;
    find_files(CORPUS "/pdf/contracts", ".pdf");
    compared = 0;
    parse_all(compare_with_reference);
    qsort(recall, compared, sizeof *recall, compare_doubles);
    qsort(precision, compared, sizeof *precision, compare_doubles);
    fprintf(stderr, "recall %.4f .. %.4f, precision %.4f .. %.4f (smallest, median)\n",
            recall[0], recall[compared / 2], precision[0], precision[compared / 2]);
    assert_true(recall[compared / 2] >= 0.995);
    assert_true(precision[compared / 2] >= 0.995);
}

/* ---- characters
 * ------------------------------------------------------------------------ */

/* Drop white space, which elements may put anywhere. */
static void squeeze(char *text)
{
    char *to = text;

    for (; *text; text++)
        if (*text != ' ' && *text != '\n')
            *to++ = *text;
    *to = '\0';
}

/* All text nodes of an XML file, one after the other, normalised. */
static char *text_nodes(const char *name)
{
    xmlTextReaderPtr reader = xmlReaderForFile(
        name, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    struct text text = {0};
    char *all;

    assert_non_null(reader);
    text_start(&text, TEXT_HYPHENS_BREAK, 1 << 28);
    while (xmlTextReaderRead(reader) == 1) {
        int type = xmlTextReaderNodeType(reader);
        const char *value = (const char *)xmlTextReaderConstValue(reader);
        if (type == XML_READER_TYPE_TEXT || type == XML_READER_TYPE_CDATA ||
            type == XML_READER_TYPE_WHITESPACE ||
            type == XML_READER_TYPE_SIGNIFICANT_WHITESPACE)
            text_add(&text, value, strlen(value), TEXT_VISIBLE);
    }
    text_finish(&text);
    xmlFreeTextReader(reader);
    all = strndup(text.used ? text.bytes : "", text.used);
    assert_non_null(all);
    text_free(&text);
    return all;
}

static size_t whole;

static void check_nothing_lost(const char *name, struct ingest_document *document)
{
    if (document->outcome == INGEST_READ) {
        char *expected = text_nodes(name), *got = join_sections(document);
        squeeze(expected);
        squeeze(got);
        if (strcmp(expected, got) != 0)
            fail_msg("%s: text was lost, doubled or moved", name);
        free(expected);
        free(got);
        whole++;
    }
    ingest_document_free(document);
}

static void xml_text_is_whole_and_in_order(void **state)
{
    static const char *const folders[] = {"ccda", "jats", "uslm", "akomantoso"};
    char folder[256];

    (void)state;
    whole = 0;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        snprintf(folder, sizeof folder, CORPUS "/xml/%s", folders[i]);
        find_files(folder, "");
        parse_all(check_nothing_lost);
    }
    fprintf(stderr, "%zu files whole\n", whole);
    assert_true(whole > 400);
}

static int release(void **state)
{
    (void)state;
    while (file_count > 0)
        free(files[--file_count]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pdf_has_a_named_outcome),
        cmocka_unit_test(every_xml_has_a_named_outcome),
        cmocka_unit_test(contracts_say_the_words_of_their_references),
        cmocka_unit_test(xml_text_is_whole_and_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, release);
}
