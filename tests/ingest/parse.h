/* parse - documents through the real program, cloister-parse of the same build. */
#ifndef TESTS_INGEST_PARSE_H
#define TESTS_INGEST_PARSE_H

#include "ingest/ingest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* build/NAME/bin/cloister-parse, seen from build/NAME/tests/ingest/x_test. */
static inline const char *parse_program(void)
{
    static char path[4096];
    ssize_t bytes = readlink("/proc/self/exe", path, sizeof path - 64);

    assert_true(bytes > 0);
    path[bytes] = '\0';
    for (int up = 0; up < 3; up++)
        *strrchr(path, '/') = '\0';
    strcat(path, "/bin/cloister-parse");
    return path;
}

static inline struct ingest_parser *parse_open(int lanes)
{
    struct ingest_parser_options options = {.program = parse_program(), .lanes = lanes};
    struct ingest_parser *parser;
    struct ingest_error err = {0};

    if (ingest_parser_open(&parser, &options, &err) != 0)
        fail_msg("%s", err.text);
    return parser;
}

/* Load and start one document; false when the file system said no (*file tells). */
static inline bool parse_start(struct ingest_parser *parser, const char *path,
                               const struct ingest_request *request, size_t tag,
                               struct ingest_file *file)
{
    struct ingest_error err = {0};
    int lane = ingest_idle_lane(parser);

    assert_true(lane >= 0);
    if (ingest_load(parser, lane, path, request->limits.file_bytes_max, NULL, NULL,
                    file, &err) != 0)
        fail_msg("%s", err.text);
    if (file->outcome != INGEST_READ)
        return false;
    if (ingest_start(parser, lane, request, tag, &err) != 0)
        fail_msg("%s", err.text);
    return true;
}

static inline struct ingest_document *parse_next(struct ingest_parser *parser,
                                                 size_t *tag)
{
    struct ingest_document *document;
    struct ingest_error err = {0};

    if (ingest_collect(parser, -1, &document, tag, &err) != 0)
        fail_msg("%s", err.text);
    return document;
}

#endif
