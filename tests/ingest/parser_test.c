/* The whole way: conductor, lane, child and back, with the real program. */
#include "tests/ingest/parse.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

static char folder[] = P_tmpdir "/cloister-parser-XXXXXX";
static char path[100];
static struct ingest_request request;
static struct ingest_file file;
static struct ingest_error err;

static const char *write_file(const char *name, const char *content)
{
    FILE *out;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    out = fopen(path, "wb");
    assert_non_null(out);
    fputs(content, out);
    fclose(out);
    return path;
}

static struct ingest_document *parse_one(struct ingest_parser *parser,
                                         const char *content)
{
    size_t tag;

    assert_true(
        parse_start(parser, write_file("document", content), &request, 5, &file));
    struct ingest_document *document = parse_next(parser, &tag);
    assert_int_equal(tag, 5);
    return document;
}

/* A page that draws a form that draws another twice, 40 deep. */
static const char *exponential_pdf(void)
{
    static char bytes[16384];
    char *at = bytes + sprintf(bytes, "%%PDF-1.4\n"
                                      "1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj\n"
                                      "2 0 obj <</Type /Pages /Kids [3 0 R] /Count 1>>"
                                      " endobj\n3 0 obj <</Type /Page /Parent 2 0 R "
                                      "/MediaBox [0 0 9 9] /Contents 4 0 R /Resources "
                                      "<</XObject <</X 5 0 R>>>>>> endobj\n"
                                      "4 0 obj <</Length 5>> stream\n/X Do\nendstream "
                                      "endobj\n");

    for (int i = 5; i < 45; i++)
        at +=
            sprintf(at,
                    "%d 0 obj <</Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length "
                    "11 /Resources <</XObject <</X %d 0 R>>>>>> stream\n/X Do /X Do\n"
                    "endstream endobj\n",
                    i, i + 1);
    sprintf(
        at,
        "45 0 obj <</Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length 5>> stream\n"
        "0 0 m\nendstream endobj\ntrailer <</Root 1 0 R>>\n");
    return bytes;
}

static void a_document_goes_the_whole_way(void **state)
{
    struct ingest_parser *parser = parse_open(1);
    struct ingest_document *document = parse_one(parser, "<a><x>one</x><x>two</x></a>");

    (void)state;
    assert_int_equal(document->outcome, INGEST_READ);
    assert_string_equal(document->media_type, "application/xml");
    assert_string_equal(document->dialect, "xml");
    assert_int_equal(document->section_count, 1);
    assert_string_equal(document->section[0].text, "one\ntwo\n");
    ingest_document_free(document);
    ingest_parser_close(parser);
}

static void every_document_has_a_named_outcome(void **state)
{
    static const struct {
        const char *content;
        enum ingest_outcome outcome;
    } cases[] = {
        {"plain text", INGEST_UNSUPPORTED},
        {"<a>text", INGEST_DAMAGED},
        {"<a><b/></a>", INGEST_NO_TEXT},
        {"<a>123 456</a>", INGEST_NO_TEXT},
        {"<a>\xEE\x80\x80\xEE\x80\x81\xEE\x80\x82x</a>", INGEST_SUSPECT_TEXT},
        {"%PDF-1.4 nothing", INGEST_DAMAGED},
        {"<a>text</a>", INGEST_READ},
    };
    struct ingest_parser *parser = parse_open(1);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ingest_document *document = parse_one(parser, cases[i].content);
        assert_int_equal(document->outcome, cases[i].outcome);
        assert_int_equal(document->reason[0] == '\0', cases[i].outcome == INGEST_READ);
        ingest_document_free(document);
    }
    ingest_parser_close(parser);
}

static void lanes_work_side_by_side(void **state)
{
    struct ingest_parser *parser = parse_open(3);
    bool seen[3] = {false};
    size_t tag;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char content[32];
        snprintf(content, sizeof content, "<a>word%zu</a>", i);
        assert_true(
            parse_start(parser, write_file("document", content), &request, i, &file));
    }
    assert_int_equal(ingest_idle_lane(parser), -1);
    for (int i = 0; i < 3; i++) {
        char expected[32];
        struct ingest_document *document = parse_next(parser, &tag);
        assert_true(tag < 3 && !seen[tag]);
        seen[tag] = true;
        snprintf(expected, sizeof expected, "word%zu\n", tag);
        assert_string_equal(document->section[0].text, expected);
        ingest_document_free(document);
    }
    assert_int_equal(ingest_idle_lane(parser), 0);
    ingest_parser_close(parser);
}

static void a_long_document_after_a_short_one_and_back(void **state)
{
    struct ingest_parser *parser = parse_open(1);
    size_t words = 300 * 1000;
    char *content = malloc(words * 6 + 16), *at = content;

    (void)state;
    assert_non_null(content);
    at = stpcpy(at, "<a>");
    for (size_t i = 0; i < words; i++)
        at = stpcpy(at, "words ");
    strcpy(at, "</a>");
    for (int i = 0; i < 3; i++) {
        struct ingest_document *document =
            parse_one(parser, i == 1 ? content : "<a>x</a>");
        assert_int_equal(document->outcome, INGEST_READ);
        assert_int_equal(document->section[0].text_bytes, i == 1 ? words * 6 : 2);
        ingest_document_free(document);
    }
    free(content);
    ingest_parser_close(parser);
}

static void a_document_without_end_is_stopped_and_the_next_is_read(void **state)
{
    struct ingest_parser *parser = parse_open(1);
    struct ingest_request short_time = request;
    struct ingest_document *document;
    size_t tag;

    (void)state;
    short_time.limits.cpu_seconds_min = short_time.limits.cpu_seconds_max = 1;
    assert_true(parse_start(parser, write_file("form", exponential_pdf()), &short_time,
                            0, &file));
    document = parse_next(parser, &tag);
    assert_int_equal(document->outcome, INGEST_TIMEOUT);
    /* On a busy machine the wall limit, twice as long, may come first. */
    assert_true(strstr(document->reason, "1000 ms of CPU time") ||
                strstr(document->reason, "2000 ms of wall time"));
    assert_in_range(document->cpu_ms, 1, 1500);
    assert_int_equal(document->section_count, 0);
    ingest_document_free(document);
    document = parse_one(parser, "<a>next</a>");
    assert_int_equal(document->outcome, INGEST_READ);
    ingest_document_free(document);
    ingest_parser_close(parser);
}

static void collecting_waits_no_longer_than_asked(void **state)
{
    struct ingest_parser *parser = parse_open(1);
    struct ingest_document *document;
    size_t tag;

    (void)state;
    assert_int_equal(ingest_collect(parser, 0, &document, &tag, &err), INGEST_EINVALID);
    request.limits.cpu_seconds_min = request.limits.cpu_seconds_max = 2;
    assert_true(
        parse_start(parser, write_file("form", exponential_pdf()), &request, 0, &file));
    request = ingest_request_default();
    assert_int_equal(ingest_collect(parser, 0, &document, &tag, &err), INGEST_NOTHING);
    assert_int_equal(ingest_collect(parser, 50, &document, &tag, &err), INGEST_NOTHING);
    assert_null(document);
    ingest_parser_close(parser); /* in the middle of the work */
}

static void a_slow_conductor_makes_no_document_late(void **state)
{
    struct ingest_parser *parser = parse_open(1);
    struct ingest_request short_time = request;
    struct timespec pause = {.tv_sec = 2, .tv_nsec = 500000000};
    struct ingest_document *document;
    size_t tag, words = 400 * 1000;
    char *content = malloc(words * 6 + 16), *at = content;

    (void)state;
    assert_non_null(content);
    at = stpcpy(at, "<a>");
    for (size_t i = 0; i < words; i++)
        at = stpcpy(at, "words ");
    strcpy(at, "</a>");
    short_time.limits.cpu_seconds_min = short_time.limits.cpu_seconds_max = 1;
    assert_true(
        parse_start(parser, write_file("long", content), &short_time, 0, &file));
    nanosleep(&pause, NULL); /* longer than the wall limit; the pipe is full by now */
    document = parse_next(parser, &tag);
    assert_int_equal(document->outcome, INGEST_READ);
    assert_int_equal(document->section[0].text_bytes, words * 6);
    ingest_document_free(document);
    free(content);
    ingest_parser_close(parser);
}

static void a_lane_needs_a_document_and_rest(void **state)
{
    struct ingest_parser *parser = parse_open(1);
    struct ingest_document *document;
    size_t tag;

    (void)state;
    assert_int_equal(ingest_start(parser, 0, &request, 0, &err), INGEST_EINVALID);
    assert_int_equal(ingest_start(parser, 1, &request, 0, &err), INGEST_EINVALID);
    assert_int_equal(ingest_start(parser, -1, &request, 0, NULL), INGEST_EINVALID);
    assert_false(parse_start(parser, "/dev/null", &request, 0, &file));
    assert_int_equal(ingest_start(parser, 0, &request, 0, &err), INGEST_EINVALID);
    assert_true(
        parse_start(parser, write_file("document", "<a>x</a>"), &request, 0, &file));
    assert_int_equal(ingest_start(parser, 0, &request, 0, &err), INGEST_EINVALID);
    document = parse_next(parser, &tag);
    ingest_document_free(document);
    /* The bytes are still there: they may be read once more. */
    assert_int_equal(ingest_start(parser, 0, &request, 0, &err), INGEST_EINVALID);
    ingest_parser_close(parser);
}

static void bytes_are_shown_on_their_way(void *arg, const void *data, size_t count)
{
    char *seen = arg;

    strncat(seen, data, count);
}

static void what_is_hashed_is_what_is_read(void **state)
{
    struct ingest_parser *parser = parse_open(1);
    char seen[64] = "";

    (void)state;
    write_file("document", "<a>the very bytes</a>");
    assert_int_equal(ingest_load(parser, 0, path, 1000, bytes_are_shown_on_their_way,
                                 seen, &file, &err),
                     0);
    assert_string_equal(seen, "<a>the very bytes</a>");
    assert_int_equal(file.bytes, strlen(seen));
    ingest_parser_close(parser);
}

/* The processes whose parent we are. */
static pid_t find_lane(void)
{
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    pid_t found = 0;

    while (processes && (entry = readdir(processes))) {
        char name[300], line[512] = "";
        long parent = 0;
        snprintf(name, sizeof name, "/proc/%s/stat", entry->d_name);
        FILE *stat = fopen(name, "r");
        if (!stat)
            continue;
        if (fgets(line, sizeof line, stat) && strrchr(line, ')'))
            sscanf(strrchr(line, ')'), ") %*c %ld", &parent);
        fclose(stat);
        if (parent == getpid())
            found = (pid_t)atol(entry->d_name);
    }
    closedir(processes);
    return found;
}

static void a_dead_lane_is_told_apart_from_a_bad_document(void **state)
{
    struct ingest_parser *parser = parse_open(1);
    struct ingest_document *document;
    size_t tag;

    (void)state;
    assert_true(
        parse_start(parser, write_file("form", exponential_pdf()), &request, 0, &file));
    pid_t lane = find_lane();
    assert_true(lane > 1);
    assert_int_equal(kill(lane, SIGKILL), 0);
    assert_int_equal(ingest_collect(parser, -1, &document, &tag, &err), INGEST_EPARSER);
    assert_non_null(strstr(err.text, "died"));
    ingest_parser_close(parser);
}

static void signals_for_the_conductor_do_not_end_a_lane(void **state)
{
    struct ingest_parser *parser = parse_open(1);
    pid_t lane = find_lane();
    struct ingest_document *document;

    (void)state;
    kill(lane, SIGINT);
    kill(lane, SIGTERM);
    kill(lane, SIGHUP);
    document = parse_one(parser, "<a>still there</a>");
    assert_int_equal(document->outcome, INGEST_READ);
    ingest_document_free(document);
    ingest_parser_close(parser);
}

static void what_is_no_parser_is_told(void **state)
{
    struct ingest_parser_options options = {.program = "/no/such/program", .lanes = 1};
    struct ingest_parser *parser;

    (void)state;
    assert_int_equal(ingest_parser_open(&parser, &options, &err), INGEST_EPARSER);
    assert_null(parser);
    options.program = "/bin/true";
    assert_int_equal(ingest_parser_open(&parser, &options, &err), INGEST_EPARSER);
    options.program = parse_program();
    for (options.lanes = 0; options.lanes <= INGEST_LANES_MAX + 1;
         options.lanes += INGEST_LANES_MAX + 1)
        assert_int_equal(ingest_parser_open(&parser, &options, &err), INGEST_EINVALID);
    ingest_parser_close(NULL);
}

static int set_up(void **state)
{
    (void)state;
    request = ingest_request_default();
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"document", "form", "long"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_goes_the_whole_way),
        cmocka_unit_test(every_document_has_a_named_outcome),
        cmocka_unit_test(lanes_work_side_by_side),
        cmocka_unit_test(a_long_document_after_a_short_one_and_back),
        cmocka_unit_test(a_document_without_end_is_stopped_and_the_next_is_read),
        cmocka_unit_test(collecting_waits_no_longer_than_asked),
        cmocka_unit_test(a_slow_conductor_makes_no_document_late),
        cmocka_unit_test(a_lane_needs_a_document_and_rest),
        cmocka_unit_test(what_is_hashed_is_what_is_read),
        cmocka_unit_test(a_dead_lane_is_told_apart_from_a_bad_document),
        cmocka_unit_test(signals_for_the_conductor_do_not_end_a_lane),
        cmocka_unit_test(what_is_no_parser_is_told),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
