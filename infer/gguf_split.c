/* gguf_split - a model in several files becomes one.
 *
 *     name-00001-of-00003.gguf   all keys, split.no 0, perhaps tensors
 *     name-00002-of-00003.gguf   split.no 1 and the tensors that follow
 *     name-00003-of-00003.gguf   split.no 2, ...
 *
 * Each part is a GGUF file of its own and has been checked as one. split.count and
 * split.tensors.count are the same in all parts and count the whole; the names say
 * where the others lie, so the first part must be called as above. Refused by the
 * name of the part at fault: one that is missing, is not the part its name says,
 * counts otherwise than the first, or has a key that the first part does not have or
 * has with another value; a tensor that two parts have; too few tensors in all. Two
 * models of one shape cannot be told apart by what their parts say: the digest over
 * all files does that.
 *
 * Later parts are opened one level deep: what they say of parts is compared, never
 * followed. */
#include "infer/gguf_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char key_no[] = "split.no", key_count[] = "split.count",
                  key_tensors[] = "split.tensors.count";

struct split { /* what a part says of the whole */
    uint16_t no, count;
    int32_t tensors;
};

/* "-00001-of-00003.gguf" */
enum { SUFFIX_BYTES = 20, SUFFIX_ROOM = 32 };

static void write_suffix(char out[SUFFIX_ROOM], unsigned no, unsigned count)
{
    snprintf(out, SUFFIX_ROOM, "-%05u-of-%05u.gguf", no + 1, count);
}

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* ---- what a part says ----------------------------------------------------------- */

static int read_split(const struct gguf *file, struct split *out,
                      struct infer_error *err)
{
    int status;

    if ((status = gguf_get_u16(file, key_no, &out->no, err)) != 0 ||
        (status = gguf_get_u16(file, key_count, &out->count, err)) != 0 ||
        (status = gguf_get_i32(file, key_tensors, &out->tensors, err)) != 0)
        return status;
    if (out->count < 1 || out->count > GGUF_PARTS_MAX)
        return infer_fail(err, INFER_EFORMAT, "%s is %u, allowed are 1 to %d",
                          key_count, out->count, GGUF_PARTS_MAX);
    if (out->no >= out->count)
        return infer_fail(err, INFER_EFORMAT, "%s is %u, allowed are 0 to %u", key_no,
                          out->no, out->count - 1u);
    return 0;
}

/* The path up to "-00001-of-00003.gguf", or NULL where it does not end so. */
static char *stem_of(const char *path, const struct split *split)
{
    char suffix[SUFFIX_ROOM];
    size_t bytes = strlen(path);

    write_suffix(suffix, split->no, split->count);
    if (bytes <= SUFFIX_BYTES || strcmp(path + bytes - SUFFIX_BYTES, suffix) != 0)
        return NULL;
    return strndup(path, bytes - SUFFIX_BYTES);
}

/* A later part was given: name the first one. */
static int fail_later(const char *path, const struct split *split,
                      struct infer_error *err)
{
    const char *name = path != NULL ? last_name(path) : "";
    const size_t bytes = strlen(name);
    size_t stem = bytes > SUFFIX_BYTES ? bytes - SUFFIX_BYTES : 0;
    char suffix[SUFFIX_ROOM];

    write_suffix(suffix, 0, split->count);
    return infer_fail(err, INFER_EINVALID,
                      "this is part %u of a model in %u files: open the first, "
                      "%.*s%s",
                      split->no + 1u, split->count, (int)(stem < 120 ? stem : 120),
                      name, suffix);
}

static bool is_own_key(const struct gguf_key *key)
{
    static const char *const own[] = {key_no, "general.alignment"};

    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (key->name.bytes == strlen(own[i]) &&
            memcmp(key->name.text, own[i], key->name.bytes) == 0)
            return true;
    return false;
}

static const struct gguf_key *find_same(const struct gguf *file,
                                        const struct gguf_key *key)
{
    for (size_t i = 0; i < file->key_count; i++)
        if (file->key[i].name.bytes == key->name.bytes &&
            memcmp(file->key[i].name.text, key->name.text, key->name.bytes) == 0)
            return &file->key[i];
    return NULL;
}

/* Whatever a later part says beside its own number the first part says too. */
static int check_keys(const struct gguf *first, const struct gguf *part,
                      const char *name, struct infer_error *err)
{
    for (size_t i = 0; i < part->key_count; i++) {
        const struct gguf_key *key = &part->key[i], *same;

        if (is_own_key(key))
            continue;
        same = find_same(first, key);
        if (same == NULL || same->type != key->type ||
            same->is_array != key->is_array || same->bytes != key->bytes ||
            memcmp(same->data, key->data, key->bytes) != 0)
            return infer_fail(err, INFER_EFORMAT,
                              "%.100s is a part of another model: the first part has "
                              "%s key %.*s",
                              name, same == NULL ? "no" : "another value of",
                              (int)(key->name.bytes < 60 ? key->name.bytes : 60),
                              key->name.text);
    }
    return 0;
}

/* ---- opening the others --------------------------------------------------------- */

static int check_part(const struct gguf *first, const struct split *whole, uint16_t no,
                      const struct gguf *part, const char *name,
                      struct infer_error *err)
{
    struct split split = {0};
    int status = read_split(part, &split, NULL);

    if (status != 0)
        return infer_fail(err, INFER_EFORMAT,
                          "%.150s does not say which part of a model it is", name);
    if (split.no != no)
        return infer_fail(err, INFER_EFORMAT,
                          "%.150s says it is part %u, its name says %u", name,
                          split.no + 1u, no + 1u);
    if (split.count != whole->count || split.tensors != whole->tensors)
        return infer_fail(err, INFER_EFORMAT,
                          "%.100s counts %u parts and %d tensors, the first part %u "
                          "and %d",
                          name, split.count, split.tensors, whole->count,
                          whole->tensors);
    return check_keys(first, part, name, err);
}

/* What went wrong, without the path that the message begins with. */
static const char *without_path(const char *text, const char *path)
{
    const size_t bytes = strlen(path);

    return strncmp(text, path, bytes) == 0 && strncmp(text + bytes, ": ", 2) == 0
               ? text + bytes + 2
               : text;
}

static int open_part(struct gguf *first, const struct split *whole, uint16_t no,
                     const char *path, struct infer_error *err)
{
    const char *name = last_name(path);
    struct infer_error why = {0};
    int status = gguf_open_part(&first->part[no - 1], path, &why);

    if (status != 0)
        return infer_fail(err, status, "part %u of %u, %.80s: %.120s", no + 1u,
                          whole->count, name, without_path(why.text, path));
    first->part_count = no;
    return check_part(first, whole, no, first->part[no - 1], name, err);
}

static int open_parts(struct gguf *first, const struct split *whole, const char *stem,
                      struct infer_error *err)
{
    char suffix[SUFFIX_ROOM];
    int status = 0;

    first->part = calloc(whole->count, sizeof(struct gguf *));
    if (first->part == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for %u files", whole->count);
    for (uint16_t no = 1; status == 0 && no < whole->count; no++) {
        write_suffix(suffix, no, whole->count);
        if (asprintf(&first->path[no], "%s%s", stem, suffix) < 0) {
            first->path[no] = NULL;
            return infer_fail(err, INFER_ENOMEM, "no memory for a path");
        }
        status = open_part(first, whole, no, first->path[no], err);
    }
    return status;
}

/* ---- joining -------------------------------------------------------------------- */

static size_t count_tensors(const struct gguf *first)
{
    size_t count = first->tensor_count;

    for (size_t i = 0; i < first->part_count; i++)
        count += first->part[i]->tensor_count;
    return count;
}

/* One table of all tensors; names and data stay where they are. */
static int join_tensors(struct gguf *first, size_t count, struct infer_error *err)
{
    struct gguf_tensor *all = calloc(count + 1, sizeof *all);
    const struct gguf_tensor **order =
        calloc(count + 1, sizeof(const struct gguf_tensor *));
    size_t at = first->tensor_count;

    if (all == NULL || order == NULL) {
        free(order);
        free(all);
        return infer_fail(err, INFER_ENOMEM, "no memory for %zu tensors", count);
    }
    if (at > 0)
        memcpy(all, first->tensor, at * sizeof *all);
    for (size_t i = 0; i < first->part_count; i++) {
        const struct gguf *part = first->part[i];
        if (part->tensor_count > 0)
            memcpy(all + at, part->tensor, part->tensor_count * sizeof *all);
        at += part->tensor_count;
    }
    for (size_t i = 0; i < count; i++)
        order[i] = &all[i];
    free(first->tensor);
    free(first->by_name);
    first->tensor = all;
    first->by_name = order;
    first->tensor_count = count;
    return gguf_sort_names(order, count, err);
}

static int join_files(struct gguf *first, const struct split *whole, const char *path,
                      struct infer_error *err)
{
    char suffix[SUFFIX_ROOM], *stem = stem_of(path, whole);
    int status;

    if (stem == NULL) {
        write_suffix(suffix, 0, whole->count);
        return infer_fail(err, INFER_EINVALID,
                          "%.120s is the first of %u files: they are found by its "
                          "name, which must end in %s",
                          last_name(path), whole->count, suffix);
    }
    status = open_parts(first, whole, stem, err);
    free(stem);
    return status;
}

static int join(struct gguf *first, const struct split *whole, const char *path,
                struct infer_error *err)
{
    size_t count;
    int status = 0;

    if (whole->count > 1 && path == NULL)
        return infer_fail(err, INFER_EINVALID,
                          "a model in %u files cannot be had from memory",
                          whole->count);
    if (whole->count > 1)
        status = join_files(first, whole, path, err);
    if (status != 0)
        return status;
    count = count_tensors(first);
    if (whole->tensors < 0 || count != (size_t)whole->tensors ||
        count > GGUF_TENSORS_MAX)
        return infer_fail(err, INFER_EFORMAT,
                          "%s is %d, the %u files hold %zu tensors, allowed are %d",
                          key_tensors, whole->tensors, whole->count, count,
                          GGUF_TENSORS_MAX);
    return whole->count > 1 ? join_tensors(first, count, err) : 0;
}

static int note_path(struct gguf *first, const char *path, size_t count,
                     struct infer_error *err)
{
    first->path = calloc(count, sizeof(char *));
    if (first->path == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for %zu paths", count);
    first->path_count = count;
    first->path[0] = strdup(path);
    if (first->path[0] == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for a path");
    return 0;
}

int gguf_split_join(struct gguf **out, struct gguf *first, const char *path,
                    struct infer_error *err)
{
    const bool split = gguf_find(first, key_count) != NULL;
    struct split whole = {.count = 1};
    int status = 0;

    *out = NULL;
    if (split)
        status = read_split(first, &whole, err);
    if (status == 0 && whole.no != 0)
        status = fail_later(path, &whole, err);
    if (status == 0 && path != NULL)
        status = note_path(first, path, whole.count, err);
    if (status == 0 && split)
        status = join(first, &whole, path, err);
    if (status != 0)
        gguf_close(first);
    else
        *out = first;
    return status;
}

void gguf_split_free(struct gguf *file)
{
    for (size_t i = 0; i < file->part_count; i++)
        gguf_close(file->part[i]);
    free(file->part);
    for (size_t i = 0; i < file->path_count; i++)
        free(file->path[i]);
    free(file->path);
}

/* ---- asking --------------------------------------------------------------------- */

size_t gguf_path_count(const struct gguf *file)
{
    return file->path_count;
}

const char *gguf_path_at(const struct gguf *file, size_t i)
{
    return i < file->path_count ? file->path[i] : NULL;
}
