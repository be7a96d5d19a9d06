/* cloister results - what runs found, from the database: a list, or one document
 * with its scores, evidence, summary and findings. What a language model wrote is
 * never shown without the words of the document it rests on, and what of it was
 * dropped is shown with the reason. Opens the file read-only. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    const char *db, *format, *outcome, *task, *label;
} asked;

static const struct option options[] = {
    {"db", "FILE", "database to read (default: cloister.db)", OPTION_TEXT, &asked.db, 0,
     0},
    {"format", "table|json|csv", "how to print (show: table or json)", OPTION_TEXT,
     &asked.format, 0, 0},
    {"outcome", "NAME", "only documents that ended so", OPTION_TEXT, &asked.outcome, 0,
     0},
    {"task", "NAME", "only documents with an answer to this task", OPTION_TEXT,
     &asked.task, 0, 0},
    {"label", "NAME", "only documents with this label", OPTION_TEXT, &asked.label, 0,
     0},
    {0},
};

struct results {
    enum format format;
    bool details;
    size_t count;
};

/* ---- JSON ----------------------------------------------------------------------- */

static void range_set(json_t *object, const struct store_range *range)
{
    json_object_set_new(object, "section", json_integer(range->section));
    json_object_set_new(object, "start", json_integer(range->start));
    json_object_set_new(object, "end_section", json_integer(range->end_section));
    json_object_set_new(object, "end", json_integer(range->end));
}

static json_t *quote_json(const struct store_quote *quote)
{
    json_t *object = json_object();
    range_set(object, &quote->range);
    json_object_set_new(object, "text", json_or_null(quote->text));
    return object;
}

static json_t *task_json(const struct store_task *task, bool details)
{
    json_t *object = json_pack("{s:s,s:s,s:f,s:b,s:s?,s:s}", "task", task->task,
                               "label", task->label, "probability", task->probability,
                               "undecided", task->undecided, "runner_up",
                               task->runner_up, "answered_by", task->answered_by);
    if (!details)
        return object;
    json_t *scores = json_object(), *evidence = json_array();
    for (size_t i = 0; i < task->score_count; i++)
        json_object_set_new(scores, task->score[i].label,
                            json_real(task->score[i].probability));
    for (size_t i = 0; i < task->evidence_count; i++) {
        json_t *quote = quote_json(&task->evidence[i]);
        json_object_set_new(quote, "weight", json_real(task->evidence[i].weight));
        json_array_append_new(evidence, quote);
    }
    json_object_set_new(object, "prior", json_or_null(task->prior));
    json_object_set_new(object, "first_label", json_or_null(task->first_label));
    json_object_set_new(object, "first_probability",
                        task->first_label ? json_real(task->first_probability)
                                          : json_null());
    json_object_set_new(object, "scores", scores);
    json_object_set_new(object, "evidence", evidence);
    if (task->plain_label)
        json_object_set_new(object, "without_commanding_text",
                            json_pack("{s:s,s:f,s:b}", "label", task->plain_label,
                                      "probability", task->plain_probability,
                                      "undecided", task->plain_undecided));
    return object;
}

static json_t *sentence_json(const struct store_sentence *sentence)
{
    json_t *object = quote_json(&sentence->quote);
    json_object_set_new(object, "kind", json_or_null(sentence->kind));
    if (sentence->written) {
        json_object_set_new(object, "text", json_or_null(sentence->written));
        json_object_set_new(object, "source_text", json_or_null(sentence->quote.text));
    }
    return object;
}

static void summary_set(json_t *object, const struct store_document *document)
{
    json_t *summary = json_array(), *dropped = json_array();
    for (size_t i = 0; i < document->sentence_count; i++)
        json_array_append_new(summary, sentence_json(&document->sentence[i]));
    for (size_t i = 0; i < document->dropped_count; i++) {
        json_t *sentence = json_object();
        json_object_set_new(sentence, "why", json_or_null(document->dropped[i].why));
        json_object_set_new(sentence, "what", json_or_null(document->dropped[i].what));
        json_object_set_new(sentence, "text", json_or_null(document->dropped[i].text));
        json_array_append_new(dropped, sentence);
    }
    json_object_set_new(object, "summary", summary);
    json_object_set_new(object, "dropped", dropped);
    json_object_set_new(object, "summary_reason",
                        json_or_null(document->summary_reason));
}

static void details_set(json_t *object, const struct store_document *document)
{
    json_t *findings = json_array();
    for (size_t i = 0; i < document->finding_count; i++) {
        const struct store_finding *found = &document->finding[i];
        json_t *finding = json_object();
        json_object_set_new(finding, "detector", json_string(found->detector));
        range_set(finding, &found->quote.range);
        json_object_set_new(finding, "score", json_real(found->score));
        json_object_set_new(
            finding, found->masked ? "masked" : "text",
            json_or_null(found->masked ? found->masked : found->quote.text));
        json_array_append_new(findings, finding);
    }
    json_t *metadata =
        document->metadata ? json_loads(document->metadata, 0, NULL) : NULL;
    json_object_set_new(object, "metadata", metadata ? metadata : json_null());
    summary_set(object, document);
    json_object_set_new(object, "findings", findings);
}

static void print_json(const struct store_document *document, bool details)
{
    char digest[65];
    json_t *object = json_object(), *tasks = json_array();
    store_digest_hex(&document->digest, digest);
    for (size_t i = 0; i < document->task_count; i++)
        json_array_append_new(tasks, task_json(&document->task[i], details));
    json_object_set_new(object, "document", json_integer(document->document));
    json_set_path(object, document->path);
    json_object_set_new(object, "sha256",
                        document->has_digest ? json_string(digest) : json_null());
    json_object_set_new(object, "media_type", json_or_null(document->media_type));
    json_object_set_new(object, "pages",
                        document->pages < 0 ? json_null()
                                            : json_integer(document->pages));
    json_object_set_new(object, "outcome", json_string(document->outcome));
    json_object_set_new(object, "reason", json_or_null(document->reason));
    json_object_set_new(object, "text_bytes",
                        json_pack("{s:I,s:I,s:I,s:I}", "extracted",
                                  (json_int_t)document->extracted_bytes, "hidden",
                                  (json_int_t)document->hidden_bytes, "chunked",
                                  (json_int_t)document->chunked_bytes, "seen",
                                  (json_int_t)document->seen_bytes));
    json_object_set_new(object, "decision", json_or_null(document->decision));
    if (document->duplicate_of)
        json_object_set_new(object, "duplicate_of",
                            json_integer(document->duplicate_of));
    json_object_set_new(object, "tasks", tasks);
    if (details)
        details_set(object, document);
    json_line(object);
}

/* ---- the table ------------------------------------------------------------------ */

static void pad(int used, int width)
{
    printf("%*s", used < width ? width - used : 1, "");
}

enum {
    COL_ID = 5,
    COL_PATH = 48,
    COL_OUTCOME = 17,
    COL_LABEL = 24,
    COL_PROBABILITY = 12,
    COL_BY = 9
};

const char *path_from_here(const char *path)
{
    static char here[4096]; /* the working folder with a slash; asked for once */
    if (!here[0] && !getcwd(here, sizeof(here) - 1))
        return path;
    size_t bytes = strlen(here);
    if (here[bytes - 1] != '/')
        strcpy(here + bytes++, "/");
    return strncmp(path, here, bytes) == 0 && path[bytes] ? path + bytes : path;
}

/* The end of a path says more than its beginning; returns the columns used. */
static int print_path(const char *path, int columns)
{
    size_t bytes = strlen(path);
    if (bytes <= (size_t)columns)
        return print_safe(stdout, path, columns);
    const char *tail = path + bytes - (size_t)(columns - 1);
    const char *slash = strchr(tail, '/');
    if (slash && slash[1]) /* from the beginning of a name, where one fits */
        tail = slash;
    while (((unsigned char)*tail & 0xC0) == 0x80)
        tail++;
    fputs("\u2026", stdout);
    return 1 + print_safe(stdout, tail, columns - 1);
}

static void table_head(void)
{
    printf("%-*s%-*s%-*s%-*s%-*s%-*s%s\n", COL_ID, "id", COL_PATH, "document",
           COL_OUTCOME, "outcome", COL_LABEL, "label", COL_PROBABILITY, "probability",
           COL_BY, "by", "decision");
}

static void table_row(const struct store_document *document)
{
    printf("%-*lld", COL_ID, (long long)document->document);
    pad(print_path(path_from_here(document->path), COL_PATH - 2), COL_PATH);
    pad(print_safe(stdout, document->outcome, COL_OUTCOME - 1), COL_OUTCOME);
    if (document->task_count > 0) {
        const struct store_task *task = &document->task[0];
        pad(print_safe(stdout, task->label, COL_LABEL - 1), COL_LABEL);
        char number[32];
        snprintf(number, sizeof(number), "%.2f%s", task->probability,
                 task->undecided ? " ?" : "");
        pad(print_safe(stdout, number, 0), COL_PROBABILITY);
        pad(print_safe(stdout, task->answered_by, COL_BY - 1), COL_BY);
    } else {
        printf("%-*s%-*s%-*s", COL_LABEL, "-", COL_PROBABILITY, "-", COL_BY, "-");
    }
    print_safe(stdout, document->decision ? document->decision : "", 0);
    putchar('\n');
}

/* ---- CSV ------------------------------------------------------------------------ */

static void csv_row(const struct store_document *document)
{
    char number[32], digest[65];
    size_t rows = document->task_count ? document->task_count : 1;
    char *hex = path_hex(document->path);
    store_digest_hex(&document->digest, digest);
    for (size_t i = 0; i < rows; i++) {
        const struct store_task *task =
            document->task_count ? &document->task[i] : NULL;
        snprintf(number, sizeof(number), "%lld", (long long)document->document);
        print_csv(stdout, number, false);
        print_csv(stdout, document->path, false);
        print_csv(stdout, document->has_digest ? digest : "", false);
        print_csv(stdout, document->outcome, false);
        print_csv(stdout, document->reason ? document->reason : "", false);
        print_csv(stdout, document->decision ? document->decision : "", false);
        print_csv(stdout, task ? task->task : "", false);
        print_csv(stdout, task ? task->label : "", false);
        snprintf(number, sizeof(number), "%.9g", task ? task->probability : 0);
        print_csv(stdout, task ? number : "", false);
        print_csv(stdout, !task ? "" : task->undecided ? "true" : "false", false);
        print_csv(stdout, task && task->runner_up ? task->runner_up : "", false);
        print_csv(stdout, task ? task->answered_by : "", false);
        print_csv(stdout, hex ? hex : "", true);
    }
    free(hex);
}

/* ---- one document for people ---------------------------------------------------- */

static void say(const char *before, const char *text)
{
    fputs(before, stdout);
    print_safe(stdout, text ? text : "", 0);
}

static void show_quote(const char *before, const struct store_quote *quote)
{
    printf("    %s[%lld:%lld", before, (long long)quote->range.section,
           (long long)quote->range.start);
    if (quote->range.end_section != quote->range.section)
        printf("-%lld:%lld] ", (long long)quote->range.end_section,
               (long long)quote->range.end);
    else
        printf("-%lld] ", (long long)quote->range.end);
    print_safe(stdout, quote->text ? quote->text : "", 0);
    putchar('\n');
}

/* Who answered, against which prior, and what the encoder had said before. */
static void show_answerer(const struct store_task *task)
{
    say("  runner-up ", task->runner_up);
    say("; answered by the ", task->answered_by);
    if (task->prior && strcmp(task->prior, "neutral") == 0)
        fputs(", less a neutral text in place of a prior", stdout);
    else if (task->prior)
        say(", less the prior ", task->prior);
    putchar('\n');
    if (task->first_label) {
        say("  first answer, by the encoder: ", task->first_label);
        printf(", probability %.3f\n", task->first_probability);
    }
}

static void show_task(const struct store_task *task)
{
    say("\n", task->task);
    say(": ", task->label);
    printf(", probability %.3f%s\n", task->probability,
           task->undecided ? " (undecided: a person must look)" : "");
    show_answerer(task);
    if (task->plain_label) {
        say("  without commanding text ", task->plain_label);
        printf(", probability %.3f%s\n", task->plain_probability,
               task->plain_undecided ? ", undecided" : "");
    }
    if (task->evidence_count)
        puts("  evidence [section:bytes]:");
    for (size_t i = 0; i < task->evidence_count; i++)
        show_quote("", &task->evidence[i]);
}

static void show_sentence(const struct store_sentence *sentence)
{
    if (!sentence->written) {
        show_quote("", &sentence->quote);
        return;
    }
    say("    written: ", sentence->written);
    putchar('\n');
    show_quote("  rests on ", &sentence->quote);
}

static void show_dropped(const struct store_dropped *dropped)
{
    say("    ", dropped->why);
    if (dropped->what && dropped->what[0]) {
        say(" \"", dropped->what);
        putchar('"');
    }
    say(": ", dropped->text);
    putchar('\n');
}

static void show_summary(const struct store_document *document)
{
    size_t written = 0, count = document->sentence_count;
    for (size_t i = 0; i < count; i++)
        written += document->sentence[i].written != NULL;
    if (count && written)
        printf("\nsummary (%zu of %zu sentences written by the model):\n", written,
               count);
    else if (count)
        puts("\nsummary (verbatim):");
    if (document->summary_reason && document->summary_reason[0]) {
        say("  verbatim instead of written: ", document->summary_reason);
        putchar('\n');
    }
    for (size_t i = 0; i < count; i++)
        show_sentence(&document->sentence[i]);
    if (document->dropped_count)
        printf("\ndropped of what the model wrote (%zu):\n", document->dropped_count);
    for (size_t i = 0; i < document->dropped_count; i++)
        show_dropped(&document->dropped[i]);
}

static void show_findings(const struct store_document *document)
{
    if (document->finding_count)
        puts("\nfindings:");
    for (size_t i = 0; i < document->finding_count; i++) {
        const struct store_finding *finding = &document->finding[i];
        struct store_quote quote = finding->quote;
        if (finding->masked)
            quote.text = finding->masked;
        say("  ", finding->detector);
        printf(" (%.2f)\n", finding->score);
        show_quote("", &quote);
    }
}

static void show_document(const struct store_document *document)
{
    char digest[65];
    store_digest_hex(&document->digest, digest);
    printf("document %lld: ", (long long)document->document);
    print_safe(stdout, document->path, 0);
    printf("\n  sha256   %s", document->has_digest ? digest : "unknown");
    say("\n  outcome  ", document->outcome);
    if (document->reason && document->reason[0])
        say(": ", document->reason);
    say("\n  decision ", document->decision);
    printf("\n  text     %lld bytes extracted, %lld hidden, %lld seen by the model\n",
           (long long)document->extracted_bytes, (long long)document->hidden_bytes,
           (long long)document->seen_bytes);
    for (size_t i = 0; i < document->task_count; i++)
        show_task(&document->task[i]);
    show_summary(document);
    show_findings(document);
}

/* ---- the command ---------------------------------------------------------------- */

static int each_document(void *arg, const struct store_document *document)
{
    struct results *results = arg;
    if (results->format == FORMAT_JSON)
        print_json(document, results->details);
    else if (results->format == FORMAT_CSV)
        csv_row(document);
    else if (results->details)
        show_document(document);
    else
        table_row(document);
    results->count++;
    return 0;
}

static int results_print(struct results *results, const struct store_filter *filter)
{
    struct store *store;
    struct store_error why;
    const char *path = asked.db ? asked.db : "cloister.db";
    if (store_open(&store, path, STORE_READ, &why) != STORE_OK) {
        complain("results", "%s", why.text);
        return EXIT_NO_START;
    }
    if (results->format == FORMAT_CSV)
        fputs("document,path,sha256,outcome,reason,decision,task,label,probability,"
              "undecided,runner_up,answered_by,path_hex\r\n",
              stdout);
    else if (results->format == FORMAT_TABLE && !results->details)
        table_head();
    int status = store_each_document(store, filter, each_document, results, &why);
    if (status != STORE_OK)
        complain("results", "%s", why.text);
    store_close(store, NULL);
    return status == STORE_OK ? EXIT_DONE : EXIT_NO_START;
}

static int results_show(struct results *results, const char *name)
{
    char *end;
    long long id = strtoll(name, &end, 10);
    struct store_filter filter = {.details = true};
    char *path = pipeline_path(name); /* as it was recorded */
    if (!path)
        return EXIT_NO_START;
    if (*name && *end == '\0' && id > 0)
        filter.document = id;
    else
        filter.path = path;
    results->details = true;
    int status = results_print(results, &filter);
    free(path);
    if (status == EXIT_DONE && results->count == 0) {
        complain("results", "no document \"%s\"; \"cloister results list\" names them",
                 name);
        return EXIT_USAGE;
    }
    return status;
}

static int results_main(const struct command *self, int argc, char **argv)
{
    struct results results = {.format = FORMAT_TABLE};
    int words;
    int status = options_parse(self, argc, argv, &words);
    bool show = status < 0 && words == 3 && strcmp(argv[1], "show") == 0;
    if (status < 0)
        status =
            format_parse("results", asked.format,
                         show ? "table, json" : "table, json, csv", &results.format);
    if (status >= 0)
        return status;
    if (show)
        return results_show(&results, argv[2]);
    if (words == 2 && strcmp(argv[1], "list") == 0) {
        struct store_filter filter = {
            .outcome = asked.outcome, .task = asked.task, .label = asked.label};
        return results_print(&results, &filter);
    }
    complain("results", "say \"results list\" or \"results show ID|PATH\"");
    return EXIT_USAGE;
}

const struct command cmd_results = {
    .name = "results",
    .synopsis = "results list [options] | results show ID|PATH [options]",
    .summary = "List what was found, or show one document with its evidence.",
    .option = options,
    .run = results_main,
};
