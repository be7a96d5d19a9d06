/* path - where a file lies, said so that it means the same tomorrow and elsewhere.
 *
 *     typed in /cases/acme        stored
 *     mail/1.pdf                  /cases/acme/mail/1.pdf
 *     ./mail//1.pdf               /cases/acme/mail/1.pdf
 *     ../beta/1.pdf               /cases/beta/1.pdf
 *
 * A database outlives the folder somebody stood in, and may hold two cases that each
 * have a mail/1.pdf: so paths are recorded whole. Links are left as they were named,
 * since what a user calls a place should be found under that name; only what stands
 * before ".." is resolved, because where a link leads back to no text can tell. */
#include "pipeline/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes of the beginning that ends in the last "..", 0 when there is none. */
static size_t steps_back(const char *typed)
{
    size_t end = 0, at = 0;
    while (typed[at]) {
        size_t name = strcspn(typed + at, "/");
        if (name == 2 && memcmp(typed + at, "..", 2) == 0)
            end = at + 2;
        at += name + strspn(typed + at + name, "/");
    }
    return end;
}

/* The folder that the rest of a path is counted from; *rest is set to that rest. */
static char *path_base(const char *typed, const char **rest)
{
    size_t back = steps_back(typed);
    char *begin = strndup(typed, back);
    char *real = begin && back ? realpath(begin, NULL) : NULL;
    free(begin);
    *rest = real ? typed + back : typed;
    if (real)
        return real;
    return typed[0] == '/' ? strdup("") : getcwd(NULL, 0);
}

/* Append the names of typed to path, which has room for them. */
static void names_append(char *path, const char *typed)
{
    char *end = path + strlen(path);
    end -= end > path && end[-1] == '/'; /* the base is the root */
    while (*(typed += strspn(typed, "/"))) {
        size_t name = strcspn(typed, "/");
        if (name != 1 || typed[0] != '.') {
            *end++ = '/';
            memcpy(end, typed, name);
            end += name;
        }
        typed += name;
    }
    if (end == path)
        *end++ = '/';
    *end = '\0';
}

char *pipeline_path(const char *typed)
{
    const char *rest;
    char *base = path_base(typed, &rest);
    if (!base)
        return strdup(typed); /* the working folder is gone: there is no better name */
    char *path = realloc(base, strlen(base) + strlen(rest) + 3);
    if (path)
        names_append(path, rest);
    else
        free(base);
    return path;
}
