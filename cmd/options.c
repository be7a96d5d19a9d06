/* options - read a command line by a command's table of options.
 *
 * --name value, --name=value and --flag, anywhere before "--"; everything else is
 * a word of the command. What the table does not name is refused, with the nearest
 * name, and never ignored. */
#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void command_help(const struct command *self, FILE *out)
{
    fprintf(out, "usage: cloister %s\n\n%s\n", self->synopsis, self->summary);
    if (self->option && self->option->name)
        fputs("\noptions:\n", out);
    for (const struct option *o = self->option; o && o->name; o++) {
        char left[64];
        snprintf(left, sizeof(left), "--%s%s%s", o->name, o->value ? " " : "",
                 o->value ? o->value : "");
        fprintf(out, "  %-24s %s\n", left, o->help);
    }
    if (self->details)
        fprintf(out, "\n%s", self->details);
}

enum { NAME_BYTES_MAX = 31 };

/* Edits between two names (Levenshtein), row by row; longer names are far. */
static size_t name_distance(const char *a, const char *b)
{
    size_t row[NAME_BYTES_MAX + 1], length = strlen(b);
    if (length > NAME_BYTES_MAX || strlen(a) > NAME_BYTES_MAX)
        return NAME_BYTES_MAX;
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t shift = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < shift ? change : shift;
        }
    }
    return row[length];
}

static int option_unknown(const struct command *self, const char *name)
{
    const struct option *nearest = NULL;
    for (const struct option *o = self->option; o && o->name; o++)
        if (!nearest ||
            name_distance(o->name, name) < name_distance(nearest->name, name))
            nearest = o;
    bool close = nearest && name_distance(nearest->name, name) * 3 <= strlen(name);
    complain(self->name,
             "unknown option --%s%s%s; \"cloister help %s\" lists the options", name,
             close ? "; did you mean --" : "", close ? nearest->name : "", self->name);
    return EXIT_USAGE;
}

static const struct option *option_find(const struct command *self, const char *name,
                                        size_t bytes)
{
    for (const struct option *o = self->option; o && o->name; o++)
        if (strlen(o->name) == bytes && memcmp(o->name, name, bytes) == 0)
            return o;
    return NULL;
}

static int option_number(const struct command *self, const struct option *option,
                         const char *value)
{
    char *end;
    errno = 0;
    long number = strtol(value, &end, 10);
    if (*value == '\0' || *end != '\0' || errno || number < option->min ||
        number > option->max) {
        complain(self->name, "--%s takes a whole number from %ld to %ld, not \"%s\"",
                 option->name, option->min, option->max, value);
        return EXIT_USAGE;
    }
    *(long *)option->to = number;
    return -1;
}

/* Digits and a point; no words for infinity, no hexadecimal. */
static int option_real(const struct command *self, const struct option *option,
                       const char *value)
{
    char *end;
    double number = strtod(value, &end);
    if (*value == '\0' || *end != '\0' || value[strspn(value, "0123456789.eE+-")] ||
        !(number >= (double)option->min && number <= (double)option->max)) {
        complain(self->name, "--%s takes a number from %ld to %ld, not \"%s\"",
                 option->name, option->min, option->max, value);
        return EXIT_USAGE;
    }
    *(double *)option->to = number;
    return -1;
}

static int option_set(const struct command *self, const struct option *option,
                      const char *value)
{
    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)option->to = true;
        return -1;
    case OPTION_TEXT:
        *(const char **)option->to = value;
        return -1;
    case OPTION_NUMBER:
        return option_number(self, option, value);
    case OPTION_REAL:
        return option_real(self, option, value);
    }
    return EXIT_USAGE;
}

/* One option at argv[*i]; *i moves on to its value when that is a word of its own. */
static int option_parse(const struct command *self, int argc, char **argv, int *i)
{
    const char *name = argv[*i] + 2;
    const char *equals = strchr(name, '=');
    size_t bytes = equals ? (size_t)(equals - name) : strlen(name);
    const struct option *option = option_find(self, name, bytes);
    if (!option)
        return option_unknown(self, name);
    const char *value = equals ? equals + 1 : NULL;
    if (option->kind == OPTION_FLAG && value) {
        complain(self->name, "--%s takes no value", option->name);
        return EXIT_USAGE;
    }
    if (option->kind != OPTION_FLAG && !value) {
        if (*i + 1 >= argc) {
            complain(self->name, "--%s needs a value: --%s %s", option->name,
                     option->name, option->value);
            return EXIT_USAGE;
        }
        value = argv[++*i];
    }
    return option_set(self, option, value);
}

int options_parse(const struct command *self, int argc, char **argv, int *words)
{
    *words = 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            while (++i < argc)
                argv[(*words)++] = argv[i];
            break;
        }
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            command_help(self, stdout);
            return EXIT_DONE;
        }
        if (strcmp(argv[i], "-o") == 0)
            argv[i] = (char *)"--output";
        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            argv[(*words)++] = argv[i];
            continue;
        }
        if (argv[i][1] != '-') {
            complain(self->name, "unknown option \"%s\"; options begin with two dashes",
                     argv[i]);
            return EXIT_USAGE;
        }
        int status = option_parse(self, argc, argv, &i);
        if (status >= 0)
            return status;
    }
    return -1;
}
