/* cloister audit - the audit log: read it, or verify it.
 *
 * The exit status tells the verdicts apart: 0 intact, 5 tampered, 6 could not be
 * checked, 7 truncated. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static struct {
    const char *db, *format;
} asked;

static const struct option options[] = {
    {"db", "FILE", "database to read (default: cloister.db)", OPTION_TEXT, &asked.db, 0,
     0},
    {"format", "table|json", "how to print", OPTION_TEXT, &asked.format, 0, 0},
    {0},
};

/* "2026-03-01T04:05:06.789Z" */
static void time_print(int64_t ms, char out[40])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    char text[24];
    gmtime_r(&seconds, &utc);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out, 40, "%s.%03dZ", text, (int)(ms % 1000));
}

static int each_event(void *arg, const struct store_event *event)
{
    const enum format *format = arg;
    char when[40], digest[65], previous[65], rows[65];
    time_print(event->time_ms, when);
    store_digest_hex(&event->digest, digest);
    store_digest_hex(&event->previous, previous);
    store_digest_hex(&event->rows, rows);
    if (*format == FORMAT_TABLE) {
        printf("%-6lld %s  %-12s %.16s  ", (long long)event->event, when, event->type,
               digest);
        print_safe(stdout, event->body, 0);
        putchar('\n');
        return 0;
    }
    json_t *body = json_loads(event->body, 0, NULL);
    json_t *object =
        json_pack("{s:I,s:s,s:s,s:I}", "event", (json_int_t)event->event, "time", when,
                  "type", event->type, "run", (json_int_t)event->run);
    json_object_set_new(object, "document",
                        event->document ? json_integer(event->document) : json_null());
    json_object_set_new(object, "body", body ? body : json_null());
    json_object_set_new(object, "rows", json_string(rows));
    json_object_set_new(object, "previous", json_string(previous));
    json_object_set_new(object, "digest", json_string(digest));
    json_line(object);
    return 0;
}

static int audit_log(enum format format, const char *path)
{
    struct store *store;
    struct store_error why;
    int status = store_open(&store, path, STORE_READ, &why);
    if (status == STORE_OK)
        status = store_each_event(store, each_event, &format, &why);
    if (status != STORE_OK)
        complain("audit", "%s", why.text);
    if (status != STORE_EMISSING)
        store_close(store, NULL);
    return status == STORE_OK ? EXIT_DONE : EXIT_NO_START;
}

static int verdict_status(enum store_verdict verdict)
{
    switch (verdict) {
    case STORE_INTACT:
        return EXIT_DONE;
    case STORE_TAMPERED:
        return EXIT_TAMPERED;
    case STORE_TRUNCATED:
        return EXIT_TRUNCATED;
    case STORE_COULD_NOT_RUN:
        return EXIT_UNCHECKED;
    }
    return EXIT_UNCHECKED;
}

static void verdict_print(enum format format, const struct store_audit *audit)
{
    const char *verdict = store_verdict_name(audit->verdict);
    if (format == FORMAT_JSON) {
        json_line(json_pack("{s:s,s:b,s:I,s:s,s:I,s:I}", "verdict", verdict, "anchored",
                            audit->anchored, "event", (json_int_t)audit->event, "why",
                            audit->why, "events", (json_int_t)audit->events,
                            "documents", (json_int_t)audit->documents));
        return;
    }
    printf("%s: %llu events, %llu documents checked\n", verdict,
           (unsigned long long)audit->events, (unsigned long long)audit->documents);
    if (audit->why[0]) {
        print_safe(stdout, audit->why, 0);
        putchar('\n');
    }
    if (audit->verdict == STORE_INTACT)
        puts(
            "No anchor was given: a log whose end was cut off, or that was rewritten as\n"
            "a whole by someone with this program, cannot be told from a true one.");
}

static int audit_verify(enum format format, const char *path)
{
    struct store *store;
    struct store_error why;
    struct store_audit audit = {.verdict = STORE_COULD_NOT_RUN};
    if (store_open(&store, path, STORE_READ, &why) == STORE_OK) {
        store_verify(store, &audit);
        store_close(store, NULL);
    } else {
        snprintf(audit.why, sizeof(audit.why), "%s", why.text);
    }
    verdict_print(format, &audit);
    return verdict_status(audit.verdict);
}

static int audit_main(const struct command *self, int argc, char **argv)
{
    enum format format = FORMAT_TABLE;
    int words;
    int status = options_parse(self, argc, argv, &words);
    if (status < 0)
        status = format_parse("audit", asked.format, "table, json", &format);
    if (status >= 0)
        return status;
    const char *path = asked.db ? asked.db : "cloister.db";
    if (words == 2 && strcmp(argv[1], "log") == 0)
        return audit_log(format, path);
    if (words == 2 && strcmp(argv[1], "verify") == 0)
        return audit_verify(format, path);
    complain("audit", "say \"audit log\" or \"audit verify\"");
    return EXIT_USAGE;
}

const struct command cmd_audit = {
    .name = "audit",
    .synopsis = "audit log [options] | audit verify [options]",
    .summary = "Print the audit log, or check it and every result against it.",
    .option = options,
    .details = "exit status of verify: 0 intact, 5 tampered, 6 could not be checked, "
               "7 truncated\n",
    .run = audit_main,
};
