/* lookup - policies, models and the parser, found beside the program's own file.
 *
 *     FOLDER/cloister                        in a build or an unpacked archive:
 *     FOLDER/cloister-parse                  everything side by side
 *     FOLDER/policies/NAME.xml
 *     FOLDER/models/NAME.gguf
 *
 *     PREFIX/bin/cloister                    installed
 *     PREFIX/libexec/cloister/cloister-parse
 *     PREFIX/share/cloister/policies, models
 *
 * FOLDER is where the file itself lies, symbolic links followed. Nothing else is
 * searched: no environment, no home folder, no working folder. */
#include "cmd/cmd.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *lookup_program(void)
{
    return realpath("/proc/self/exe", NULL);
}

static char *program_folder(void)
{
    char *program = lookup_program();
    char *slash = program ? strrchr(program, '/') : NULL;
    if (slash)
        *slash = '\0';
    return program;
}

static char *first_readable(char *first, char *second)
{
    char *found = NULL;
    if (first && access(first, R_OK) == 0)
        found = first;
    else if (second && access(second, R_OK) == 0)
        found = second;
    if (found != first)
        free(first);
    if (found != second)
        free(second);
    return found;
}

static char *join(const char *format, const char *folder, const char *name)
{
    char *path;
    int bytes = asprintf(&path, format, folder, name);
    return bytes < 0 ? NULL : path;
}

char *lookup_folder(const char *what)
{
    char *folder = program_folder();
    if (!folder)
        return NULL;
    char *found = first_readable(join("%s/%s", folder, what),
                                 join("%s/../share/cloister/%s", folder, what));
    free(folder);
    return found;
}

char *lookup_parser(void)
{
    char *folder = program_folder();
    if (!folder)
        return NULL;
    char *found =
        first_readable(join("%s/%s", folder, "cloister-parse"),
                       join("%s/../libexec/cloister/%s", folder, "cloister-parse"));
    if (!found)
        complain(NULL,
                 "cloister-parse is missing: it belongs beside %s/cloister or in "
                 "../libexec/cloister",
                 folder);
    free(folder);
    return found;
}

/* What is shipped under this name, else the file of this name. */
static char *lookup(const char *what, const char *name, const char *suffix,
                    const char *advice)
{
    char *folder = strchr(name, '/') ? NULL : lookup_folder(what);
    char *file = folder ? join("%s%s", name, suffix) : NULL;
    char *found =
        first_readable(file ? join("%s/%s", folder, file) : NULL, strdup(name));
    if (!found)
        complain(NULL, "\"%s\" is neither a file nor among the %s%s%s; %s", name, what,
                 folder ? " in " : "", folder ? folder : "", advice);
    free(folder);
    free(file);
    return found;
}

char *lookup_policy(const char *name)
{
    return lookup("policies", name, ".xml",
                  "\"cloister policy list\" names the policies");
}

char *lookup_model(const char *name)
{
    return lookup("models", name, "",
                  "\"make models\" fetches the default encoder, \"make "
                  "language-model\" the language model of the examples");
}

static int ends_in_xml(const struct dirent *entry)
{
    size_t bytes = strlen(entry->d_name);
    return bytes > 4 && strcmp(entry->d_name + bytes - 4, ".xml") == 0;
}

size_t lookup_policies(char ***names)
{
    struct dirent **entry = NULL;
    char *folder = lookup_folder("policies");
    int count = folder ? scandir(folder, &entry, ends_in_xml, alphasort) : 0;
    free(folder);
    *names = count > 0 ? calloc((size_t)count, sizeof(**names)) : NULL;
    for (int i = 0; i < count; i++) {
        if (*names)
            (*names)[i] = strndup(entry[i]->d_name, strlen(entry[i]->d_name) - 4);
        free(entry[i]);
    }
    free(entry);
    return *names ? (size_t)count : 0;
}
