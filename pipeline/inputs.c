/* inputs - from the paths a user names to the sorted list of files to read.
 *
 * Folders are walked with an explicit stack, not by recursion, and entered once
 * each: a link to a folder is not followed, so that a loop of links cannot exist.
 * Every other entry whose name does not begin with a dot is kept, whatever it
 * is: a FIFO or a dangling link ends as "not_a_file" with a trace, it is not
 * left out here. Left out is only what cloister itself wrote (a database, its
 * companions, a report), told by a name that the caller gives. */
#include "pipeline/pipeline.h"
#include "pipeline/internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { INPUTS_MAX = 100 * 1000 * 1000, DEPTH_BYTES_MAX = 4096 };

static int inputs_push(struct pipeline_inputs *list, char *path,
                       struct pipeline_error *err)
{
    if (!path || list->count >= INPUTS_MAX) {
        free(path);
        return pipeline_fail(err, PIPELINE_ENOMEM, "no memory for more than %zu paths",
                             list->count);
    }
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 256;
        char **bigger = realloc(list->path, capacity * sizeof(*bigger));
        if (!bigger) {
            free(path);
            return pipeline_fail(err, PIPELINE_ENOMEM, "no memory for %zu paths",
                                 capacity);
        }
        list->path = bigger;
        list->capacity = capacity;
    }
    list->path[list->count++] = path;
    return PIPELINE_OK;
}

static char *path_join(const char *folder, const char *name)
{
    size_t folder_bytes = strlen(folder);
    const char *slash = folder_bytes && folder[folder_bytes - 1] == '/' ? "" : "/";
    char *path;
    return asprintf(&path, "%s%s%s", folder, slash, name) < 0 ? NULL : path;
}

static bool path_is_folder(const char *path, bool follow)
{
    struct stat st;
    int failed = follow ? stat(path, &st) : lstat(path, &st);
    return failed == 0 && S_ISDIR(st.st_mode);
}

/* The next entry that is no dot file; NULL at the end, or with errno set. */
static const struct dirent *folder_next(DIR *dir)
{
    const struct dirent *entry;
    errno = 0;
    do
        entry = readdir(dir);
    while (entry && entry->d_name[0] == '.');
    return entry;
}

/* A tree may be larger than the patience of who has named it. */
static int inputs_check(const struct pipeline_inputs *files, struct pipeline_error *err)
{
    if (!files->cancel || !*files->cancel)
        return PIPELINE_OK;
    return pipeline_fail(err, PIPELINE_ECANCELED,
                         "broken off by a signal while folders were walked, %zu files "
                         "found so far",
                         files->count);
}

/* Sort the entries of one folder into files and folders still to visit. One that
 * cannot be opened, or not read to its end, stays in the list itself: it ends with an
 * outcome that is not ok, and nothing is missing in silence. */
static int folder_read(const char *folder, struct pipeline_inputs *files,
                       struct pipeline_inputs *folders, struct pipeline_error *err)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return inputs_push(files, strdup(folder), err);
    int status = inputs_check(files, err);
    const struct dirent *entry;
    while (status == PIPELINE_OK && (entry = folder_next(dir)) != NULL) {
        char *path = path_join(folder, entry->d_name);
        bool deeper =
            path && strlen(path) < DEPTH_BYTES_MAX && path_is_folder(path, false);
        status = inputs_push(deeper ? folders : files, path, err);
        if (status == PIPELINE_OK)
            status = inputs_check(files, err);
    }
    if (status == PIPELINE_OK && errno != 0)
        status = inputs_push(files, strdup(folder), err);
    closedir(dir);
    return status;
}

int pipeline_inputs_add(struct pipeline_inputs *inputs, const char *typed,
                        struct pipeline_error *err)
{
    char *path = pipeline_path(typed);
    if (!path || !path_is_folder(path, true))
        return inputs_push(inputs, path, err);
    struct pipeline_inputs folders = {0};
    int status = inputs_push(&folders, path, err);
    while (status == PIPELINE_OK && folders.count > 0) {
        char *folder = folders.path[--folders.count];
        status = folder_read(folder, inputs, &folders, err);
        free(folder);
    }
    pipeline_inputs_free(&folders);
    return status;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void pipeline_inputs_finish(struct pipeline_inputs *inputs)
{
    if (inputs->count == 0)
        return;
    qsort(inputs->path, inputs->count, sizeof(*inputs->path), by_bytes);
    size_t kept = 1;
    for (size_t i = 1; i < inputs->count; i++) {
        if (strcmp(inputs->path[i], inputs->path[kept - 1]) == 0)
            free(inputs->path[i]);
        else
            inputs->path[kept++] = inputs->path[i];
    }
    inputs->count = kept;
}

void pipeline_inputs_leave_out(struct pipeline_inputs *inputs,
                               bool (*ours)(void *arg, const char *path), void *arg)
{
    size_t kept = 0;
    for (size_t i = 0; i < inputs->count; i++) {
        if (ours(arg, inputs->path[i]))
            free(inputs->path[i]);
        else
            inputs->path[kept++] = inputs->path[i];
    }
    inputs->count = kept;
}

void pipeline_inputs_free(struct pipeline_inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++)
        free(inputs->path[i]);
    free(inputs->path);
    *inputs = (struct pipeline_inputs){0};
}
