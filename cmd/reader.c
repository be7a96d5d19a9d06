/* reader - documents read one at a time, for commands that keep no database.
 *
 * The same processes and limits as in a run, one lane wide: what these commands show
 * is what a run would see. */
#include "cmd/cmd.h"

#include <signal.h>
#include <stdlib.h>

struct policy *policy_find(const char *name)
{
    struct policy *policy = NULL;
    struct policy_error why;
    char *path = lookup_policy(name);
    if (!path)
        return NULL;
    if (policy_load(&policy, path, &why) != POLICY_OK) {
        if (why.line > 0)
            complain(NULL, "%s:%d: %s", path, why.line, why.text);
        else
            complain(NULL, "%s: %s", path, why.text);
        policy = NULL;
    }
    free(path);
    return policy;
}

int reader_open(struct reader *reader, const char *command, const char *policy,
                const char *password_file)
{
    struct ingest_error why;
    struct ingest_parser_options lanes = {.lanes = 1};
    int status = -1;
    *reader = (struct reader){.command = command};
    signal(SIGPIPE, SIG_IGN); /* a parser that dies is an error, not our end */
    reader->policy = policy_find(policy);
    if (!reader->policy)
        return EXIT_USAGE;
    if (password_file)
        status = passwords_read(command, password_file, &reader->password,
                                &reader->password_count);
    if (status >= 0)
        return status;
    char *program = lookup_parser();
    lanes.program = program;
    if (!program) {
        status = EXIT_NO_START;
    } else if (ingest_parser_open(&reader->parser, &lanes, &why) != INGEST_OK) {
        complain(command, "%s", why.text);
        reader->parser = NULL;
        status = EXIT_NO_START;
    }
    free(program);
    return status;
}

int reader_read(struct reader *reader, const char *path, struct ingest_file *file,
                struct store_digest *digest, struct ingest_document **document)
{
    struct pipeline_error load_why;
    struct ingest_error why;
    struct ingest_request request;
    size_t tag;
    *document = NULL;
    pipeline_request(reader->policy, (const char *const *)reader->password,
                     reader->password_count, &request);
    if (pipeline_load(reader->parser, 0, path, request.limits.file_bytes_max, file,
                      digest, &load_why) != PIPELINE_OK) {
        complain(reader->command, "%s: %s", path, load_why.text);
        return EXIT_BROKEN_OFF;
    }
    if (file->outcome != INGEST_READ)
        return -1;
    if (ingest_start(reader->parser, 0, &request, 0, &why) == INGEST_OK &&
        ingest_collect(reader->parser, -1, document, &tag, &why) == INGEST_OK)
        return -1;
    complain(reader->command, "%s: %s", path, why.text);
    return EXIT_BROKEN_OFF;
}

struct ending reader_ending(const struct reader *reader, const struct ingest_file *file,
                            const struct ingest_document *document)
{
    const char *hidden =
        document ? pipeline_all_hidden(document, reader->policy->hidden_text) : NULL;
    enum ingest_outcome outcome = hidden     ? INGEST_SUSPECT_TEXT
                                  : document ? document->outcome
                                             : file->outcome;
    return (struct ending){.outcome = ingest_outcome_name(outcome),
                           .reason = hidden     ? hidden
                                     : document ? document->reason
                                                : file->reason};
}

void reader_close(struct reader *reader)
{
    ingest_parser_close(reader->parser);
    policy_free(reader->policy);
    passwords_free(reader->password, reader->password_count);
    *reader = (struct reader){0};
}
