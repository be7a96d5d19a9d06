/* cloister search - full-text search over the chunks of all documents. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    const char *db, *format;
} asked;

static const struct option options[] = {
    {"db", "FILE", "database to read (default: cloister.db)", OPTION_TEXT, &asked.db, 0,
     0},
    {"format", "table|json", "how to print", OPTION_TEXT, &asked.format, 0, 0},
    {0},
};

static int each_hit(void *arg, const struct store_hit *hit)
{
    const enum format *format = arg;
    if (*format == FORMAT_JSON) {
        json_t *object = json_object();
        json_object_set_new(object, "document", json_integer(hit->document));
        json_set_path(object, hit->path);
        json_object_set_new(object, "chunk", json_integer(hit->chunk));
        json_object_set_new(object, "section", json_integer(hit->range.section));
        json_object_set_new(object, "start", json_integer(hit->range.start));
        json_object_set_new(object, "end_section",
                            json_integer(hit->range.end_section));
        json_object_set_new(object, "end", json_integer(hit->range.end));
        json_object_set_new(object, "snippet", json_or_null(hit->snippet));
        json_line(object);
        return 0;
    }
    printf("%lld  ", (long long)hit->document);
    print_safe(stdout, path_from_here(hit->path), 0);
    printf("  section %lld\n    ", (long long)hit->range.section);
    print_safe(stdout, hit->snippet, 0);
    putchar('\n');
    return 0;
}

/* The words of the command line as one string; the caller frees it. */
static char *words_join(int words, char **argv)
{
    size_t bytes = 1;
    for (int i = 1; i < words; i++)
        bytes += strlen(argv[i]) + 3;
    char *joined = calloc(bytes, 1);
    for (int i = 1; joined && i < words; i++) {
        bool phrase = strchr(argv[i], ' ') && !strchr(argv[i], '"');
        strcat(joined, phrase ? "\"" : "");
        strcat(joined, argv[i]);
        strcat(joined, phrase ? "\" " : " ");
    }
    return joined;
}

static int search_main(const struct command *self, int argc, char **argv)
{
    enum format format = FORMAT_TABLE;
    struct store *store;
    struct store_error why;
    int words;
    int status = options_parse(self, argc, argv, &words);
    if (status < 0)
        status = format_parse("search", asked.format, "table, json", &format);
    if (status >= 0)
        return status;
    if (words < 2) {
        complain("search", "no WORDS given");
        return EXIT_USAGE;
    }
    if (store_open(&store, asked.db ? asked.db : "cloister.db", STORE_READ, &why) !=
        0) {
        complain("search", "%s", why.text);
        return EXIT_NO_START;
    }
    char *joined = words_join(words, argv);
    status =
        joined ? store_search(store, joined, each_hit, &format, &why) : STORE_ENOMEM;
    if (status != STORE_OK)
        complain(NULL, "%s", joined ? why.text : "out of memory");
    free(joined);
    store_close(store, NULL);
    if (status == STORE_EINVALID)
        return EXIT_USAGE;
    return status == STORE_OK ? EXIT_DONE : EXIT_NO_START;
}

const struct command cmd_search = {
    .name = "search",
    .synopsis = "search [options] WORDS...",
    .summary =
        "Find the chunks that hold all of the words; \"several words\" together.",
    .option = options,
    .run = search_main,
};
