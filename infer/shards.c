/* shards - the weights of a checkpoint folder, in one file or in several.
 *
 *     model.safetensors.index.json   {"weight_map": {"lm_head.weight":
 *                                        "model-00002-of-00002.safetensors", ...}}
 *
 * The index and the files must agree: each tensor of the index is in the file it
 * names, and the files hold no tensor that the index does not. A file's name may not
 * lead out of the folder. */
#include "infer/shards.h"
#include "infer/checkpoint_json.h"
#include "infer/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shard_tensor {
    const struct safetensors_tensor *tensor;
    const char *name;
    bool taken;
};

struct shards {
    struct safetensors *file[SHARDS_MAX];
    char *file_name[SHARDS_MAX];
    size_t files;
    struct shard_tensor *tensor; /* of all files, by name */
    size_t count;
};

static const char index_file[] = "model.safetensors.index.json";

/* ---- files ---------------------------------------------------------------------- */

static int open_file(struct shards *s, const char *folder, const char *name,
                     struct infer_error *err)
{
    char *path;
    int status;

    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return infer_fail(err, INFER_ENOMEM, "no memory for a path");
    status = safetensors_open(&s->file[s->files], path, err);
    free(path);
    if (status != 0)
        return status;
    s->file_name[s->files++] = strdup(name);
    return s->file_name[s->files - 1] != NULL
               ? 0
               : infer_fail(err, INFER_ENOMEM, "no memory for a name");
}

/* The place of a file, opened now if it is not; -1 is an error. */
static int find_file(struct shards *s, const char *folder, const char *name,
                     size_t *out, struct infer_error *err)
{
    for (*out = 0; *out < s->files; (*out)++)
        if (strcmp(s->file_name[*out], name) == 0)
            return 0;
    if (strchr(name, '/') != NULL || name[0] == '.' || name[0] == '\0')
        return infer_fail(err, INFER_EFORMAT, "%s: \"%.60s\" is no name of a file",
                          index_file, name);
    if (s->files == SHARDS_MAX)
        return infer_fail(err, INFER_ELIMIT, "%s names more than %d files", index_file,
                          SHARDS_MAX);
    return open_file(s, folder, name, err);
}

/* Every tensor of the index is in its file. */
static int open_listed(struct shards *s, const char *folder, json_t *map,
                       struct infer_error *err)
{
    const char *tensor;
    json_t *value;
    size_t at = 0;
    int status;

    json_object_foreach(map, tensor, value)
    {
        const char *name = json_string_value(value);

        status = find_file(s, folder, name != NULL ? name : "", &at, err);
        if (status != 0)
            return status;
        if (safetensors_find(s->file[at], tensor) == NULL)
            return infer_fail(err, INFER_EFORMAT,
                              "%.60s does not hold %.80s, as %s says", name, tensor,
                              index_file);
    }
    return s->files > 0
               ? 0
               : infer_fail(err, INFER_EFORMAT, "%s lists no tensors", index_file);
}

static int name_compare(const void *a, const void *b)
{
    const struct shard_tensor *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static int collect(struct shards *s, struct infer_error *err)
{
    size_t count = 0;

    for (size_t i = 0; i < s->files; i++)
        count += safetensors_count(s->file[i]);
    s->tensor = calloc(count + 1, sizeof *s->tensor);
    if (s->tensor == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for %zu tensors", count);
    for (size_t i = 0; i < s->files; i++)
        for (size_t k = 0; k < safetensors_count(s->file[i]); k++) {
            const struct safetensors_tensor *t = safetensors_at(s->file[i], k);
            s->tensor[s->count++] = (struct shard_tensor){t, t->name, false};
        }
    qsort(s->tensor, s->count, sizeof *s->tensor, name_compare);
    for (size_t i = 1; i < s->count; i++)
        if (name_compare(&s->tensor[i - 1], &s->tensor[i]) == 0)
            return infer_fail(err, INFER_EFORMAT, "tensor %.100s is in two files",
                              s->tensor[i].name);
    return 0;
}

static int open_all(struct shards *s, const char *folder, json_t *list,
                    struct infer_error *err)
{
    json_t *map = json_object_get(list, "weight_map");
    int status;

    if (list == NULL)
        status = open_file(s, folder, "model.safetensors", err);
    else
        status = open_listed(s, folder, map, err);
    if (status == 0)
        status = collect(s, err);
    if (status == 0 && list != NULL && s->count != json_object_size(map))
        status =
            infer_fail(err, INFER_EFORMAT, "%s lists %zu tensors, its files hold %zu",
                       index_file, json_object_size(map), s->count);
    return status;
}

int shards_open(struct shards **out, const char *folder, struct infer_error *err)
{
    struct shards *s = calloc(1, sizeof *s);
    json_t *list = NULL;
    int status;

    *out = NULL;
    if (s == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for the weights");
    status = checkpoint_json(folder, index_file, &list, err);
    if (status == 0)
        status = open_all(s, folder, list, err);
    json_decref(list);
    if (status != 0)
        shards_close(s);
    else
        *out = s;
    return status;
}

void shards_close(struct shards *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->files; i++) {
        safetensors_close(s->file[i]);
        free(s->file_name[i]);
    }
    free(s->tensor);
    free(s);
}

/* ---- asking --------------------------------------------------------------------- */

size_t shards_count(const struct shards *s)
{
    return s->count;
}

const char *shards_name(const struct shards *s, size_t i)
{
    return s->tensor[i].name;
}

static struct shard_tensor *find(const struct shards *s, const char *name)
{
    const struct shard_tensor wanted = {.name = name};

    return bsearch(&wanted, s->tensor, s->count, sizeof wanted, name_compare);
}

const struct safetensors_tensor *shards_take(struct shards *s, const char *name)
{
    struct shard_tensor *found = find(s, name);

    if (found == NULL)
        return NULL;
    found->taken = true;
    return found->tensor;
}

bool shards_has(const struct shards *s, const char *name)
{
    return find(s, name) != NULL;
}

bool shards_unused(const struct shards *s, size_t i)
{
    return !s->tensor[i].taken;
}
