/* cloister attest - try what is forbidden, and show that it is.
 *
 * The same probes run at the start of every run (attest_run below), whose facts keep
 * what each was answered; here they are shown one by one. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/utsname.h>

static struct {
    const char *format;
} asked;

static const struct option options[] = {
    {"format", "json", "one JSON object a probe, and one for the summary", OPTION_TEXT,
     &asked.format, 0, 0},
    {0},
};

static json_t *layers_json(const struct ingest_layers *layers)
{
    return json_pack("{s:I,s:I,s:b,s:i,s:b,s:i}", "probes", (json_int_t)layers->probes,
                     "failed", (json_int_t)layers->failed, "seccomp", layers->seccomp,
                     "landlock", layers->landlock, "namespaces", layers->namespaces,
                     "interfaces", layers->interfaces);
}

/* The digest of a program's file, as text; takes over path, which may be NULL. */
static int digest_of(const char *command, char *path, char out[65])
{
    struct store_error why;
    struct store_digest sum;
    int status = -1;
    if (!path || store_digest_file(path, &sum, &why) != 0) {
        complain(command, "cannot read the programs' own files%s%s", path ? ": " : "",
                 path ? why.text : "");
        status = EXIT_NO_START;
    } else {
        store_digest_hex(&sum, out);
    }
    free(path);
    return status;
}

static json_t *hold_json(const struct ingest_hold *hold)
{
    return json_pack("{s:i,s:i,s:i}", "threads", hold->threads, "held", hold->held,
                     "landlock", hold->landlock);
}

void attest_running(json_t *facts, const struct ingest_parser *parser)
{
    struct ingest_hold hold;
    ingest_hold_self(&hold);
    json_object_set_new(facts, "conductor", hold_json(&hold));
    ingest_hold_lanes(parser, &hold);
    json_t *lanes = hold_json(&hold);
    json_object_set_new(lanes, "namespaces", json_boolean(hold.namespaces));
    json_object_set_new(facts, "parser", lanes);
}

static void show_line(void *arg, const struct ingest_probe *probe)
{
    (void)arg;
    printf("%-7s %-10s %-26s %s\n", probe->ok ? "refused" : "ALLOWED", probe->role,
           probe->probe, probe->answer);
}

static void show_json(void *arg, const struct ingest_probe *probe)
{
    (void)arg;
    bool conductor = strcmp(probe->role, "conductor") == 0;
    json_line(json_pack("{s:s,s:s,s:s,s:s,s:b}", "probe", probe->probe, "role",
                        conductor ? "conductor" : "parser", "process", probe->role,
                        "errno", probe->answer, "ok", probe->ok));
}

struct kept {
    const char *command;
    json_t *results; /* role -> answer -> names of the probes that got it */
};

/* The member of that name, made if there is none. */
static json_t *member(json_t *object, const char *name, json_t *make(void))
{
    json_t *value = json_object_get(object, name);
    if (!value) {
        value = make();
        json_object_set_new(object, name, value);
    }
    return value;
}

static void keep_probe(void *arg, const struct ingest_probe *probe)
{
    const struct kept *kept = arg;
    json_t *answers = member(kept->results, probe->role, json_object);
    json_array_append_new(member(answers, probe->answer, json_array),
                          json_string(probe->probe));
    if (!probe->ok)
        complain(kept->command, "%s in the role of %s: %s; it must be refused",
                 probe->probe, probe->role, probe->answer);
}

int attest_run(const char *command, json_t **facts)
{
    struct ingest_layers layers;
    struct ingest_error why;
    char parser[65];
    struct kept kept = {command, json_object()};
    int status = digest_of(command, lookup_parser(), parser);
    if (status < 0 && ingest_attest(keep_probe, &kept, &layers, &why) != 0) {
        complain(command, "%s", why.text);
        status = EXIT_NO_START;
    }
    if (status >= 0) {
        json_decref(kept.results);
        return status;
    }
    *facts = layers_json(&layers);
    json_object_set_new(*facts, "results", kept.results);
    json_object_set_new(*facts, "parser_sha256", json_string(parser));
    return layers.failed == 0 ? -1 : EXIT_NO_START;
}

static void show_summary(const struct ingest_layers *layers, const char *program,
                         const char *parser, enum format format)
{
    struct utsname kernel = {0};
    uname(&kernel);
    if (format == FORMAT_JSON) {
        json_t *object = layers_json(layers);
        json_object_set_new(object, "program_sha256", json_string(program));
        json_object_set_new(object, "parser_sha256", json_string(parser));
        json_object_set_new(object, "kernel", json_string(kernel.release));
        json_line(object);
        return;
    }
    printf("%zu probes, %zu failed\n", layers->probes, layers->failed);
    printf("cloister:   SHA-256 %s\n", program);
    printf("  -parse:   SHA-256 %s\n", parser);
    printf("kernel:     %s\n", kernel.release);
    printf("seccomp:    %s\n", layers->seccomp ? "yes" : "no (a build for tests)");
    if (layers->landlock)
        printf("Landlock:   version %d\n", layers->landlock);
    else
        printf("Landlock:   none\n");
    printf("namespaces: %s\n", layers->namespaces ? "yes" : "not allowed here");
    printf("interfaces: %d\n", layers->interfaces);
}

static int attest_main(const struct command *self, int argc, char **argv)
{
    struct ingest_layers layers;
    struct ingest_error why;
    char program[65], parser[65];
    enum format format = FORMAT_TEXT;
    int words;
    int status = options_parse(self, argc, argv, &words);
    if (status < 0)
        status = format_parse("attest", asked.format, "json", &format);
    if (status < 0 && words > 1) {
        complain("attest", "\"%s\": nothing can be named here", argv[1]);
        status = EXIT_USAGE;
    }
    if (status < 0)
        status = digest_of("attest", lookup_program(), program);
    if (status < 0)
        status = digest_of("attest", lookup_parser(), parser);
    if (status >= 0)
        return status;
    fflush(stdout);
    if (ingest_attest(format == FORMAT_JSON ? show_json : show_line, NULL, &layers,
                      &why) != 0) {
        complain("attest", "%s", why.text);
        return EXIT_NO_START;
    }
    show_summary(&layers, program, parser, format);
    return layers.seccomp && layers.failed == 0 ? EXIT_DONE : EXIT_NO_START;
}

const struct command cmd_attest = {
    .name = "attest",
    .synopsis = "attest [--format json]",
    .summary = "Try every forbidden act under the real limits and show that it fails.",
    .option = options,
    .details =
        "Every run begins with the same probes and does not start when one fails.\n\n"
        "exit status: 0 all refused, 3 something was allowed or nothing can be "
        "limited\n",
    .run = attest_main,
};
