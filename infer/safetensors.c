/* safetensors - read the weights of a Hugging Face checkpoint.
 *
 *     header bytes (8, little-endian)
 *     header: JSON {"name": {"dtype": "F32", "shape": [..], "data_offsets": [b, e]}}
 *     data, to the end of the file
 *
 * The header is parsed by jansson, which limits its own depth and refuses double
 * names here; its length is bounded before it is believed. Sorted by their begin
 * the tensors must follow each other without gap from 0 to the last byte: that one
 * rule excludes overlaps, offsets outside the file and hidden bytes. */
#include "infer/safetensors.h"
#include "infer/mapping.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct safetensors {
    struct mapping data;
    json_t *header;                    /* owns the names */
    struct safetensors_tensor *tensor; /* by begin */
    size_t count;
    const struct safetensors_tensor **by_name;
};

static const struct {
    const char *name;
    uint32_t bytes;
    enum safetensors_type type;
} type_table[] = {
    {"F32", 4, SAFETENSORS_F32},       {"F16", 2, SAFETENSORS_F16},
    {"BF16", 2, SAFETENSORS_BF16},     {"F64", 8, SAFETENSORS_OTHER},
    {"I64", 8, SAFETENSORS_OTHER},     {"I32", 4, SAFETENSORS_OTHER},
    {"I16", 2, SAFETENSORS_OTHER},     {"I8", 1, SAFETENSORS_OTHER},
    {"U64", 8, SAFETENSORS_OTHER},     {"U32", 4, SAFETENSORS_OTHER},
    {"U16", 2, SAFETENSORS_OTHER},     {"U8", 1, SAFETENSORS_OTHER},
    {"BOOL", 1, SAFETENSORS_OTHER},    {"F8_E4M3", 1, SAFETENSORS_OTHER},
    {"F8_E5M2", 1, SAFETENSORS_OTHER},
};

enum { TYPE_COUNT = sizeof type_table / sizeof *type_table };

/* ---- one tensor ----------------------------------------------------------------- */

static int fail_tensor(struct infer_error *err, const char *name, const char *what)
{
    return infer_fail(err, INFER_EFORMAT, "safetensors: tensor \"%.100s\" %s", name,
                      what);
}

static int read_type(struct safetensors_tensor *t, const json_t *entry, uint32_t *each,
                     struct infer_error *err)
{
    const char *name = json_string_value(json_object_get(entry, "dtype"));

    for (size_t i = 0; name != NULL && i < TYPE_COUNT; i++) {
        if (strcmp(name, type_table[i].name) == 0) {
            t->type_name = type_table[i].name;
            t->type = type_table[i].type;
            *each = type_table[i].bytes;
            return 0;
        }
    }
    return infer_fail(err, INFER_EFORMAT,
                      "safetensors: tensor \"%.100s\" has dtype %.40s", t->name,
                      name != NULL ? name : "that is not a string");
}

static bool read_size(const json_t *number, uint64_t *out)
{
    json_int_t value = json_integer_value(number);

    *out = (uint64_t)value;
    return json_is_integer(number) && value >= 0;
}

static int read_shape(struct safetensors_tensor *t, const json_t *entry,
                      struct infer_error *err)
{
    const json_t *shape = json_object_get(entry, "shape");
    size_t dims = json_array_size(shape);

    if (!json_is_array(shape) || dims > SAFETENSORS_DIMS_MAX)
        return fail_tensor(err, t->name, "has no shape of at most 8 dimensions");
    t->dims = (uint32_t)dims;
    t->values = 1;
    for (size_t i = 0; i < dims; i++)
        if (!read_size(json_array_get(shape, i), &t->dim[i]) ||
            __builtin_mul_overflow(t->values, t->dim[i], &t->values))
            return fail_tensor(err, t->name, "has an impossible shape");
    return 0;
}

static int read_tensor(struct safetensors_tensor *t, const json_t *entry,
                       struct infer_error *err)
{
    const json_t *range = json_object_get(entry, "data_offsets");
    uint64_t bytes;
    uint32_t each = 0;
    int status = read_type(t, entry, &each, err);

    if (status == 0)
        status = read_shape(t, entry, err);
    if (status != 0)
        return status;
    if (json_array_size(range) != 2 ||
        !read_size(json_array_get(range, 0), &t->begin) ||
        !read_size(json_array_get(range, 1), &t->end))
        return fail_tensor(err, t->name, "has no pair of data_offsets");
    if (t->end < t->begin || __builtin_mul_overflow(t->values, each, &bytes) ||
        t->end - t->begin != bytes)
        return fail_tensor(err, t->name, "does not fill its data_offsets");
    return 0;
}

/* ---- the table ------------------------------------------------------------------ */

static int begin_compare(const void *a, const void *b)
{
    const struct safetensors_tensor *x = a, *y = b;

    if (x->begin != y->begin)
        return (x->begin > y->begin) - (x->begin < y->begin);
    return (x->end > y->end) - (x->end < y->end);
}

static int place_tensors(struct safetensors *file, size_t data_start,
                         struct infer_error *err)
{
    uint64_t at = 0, data_bytes = file->data.size - data_start;

    qsort(file->tensor, file->count, sizeof *file->tensor, begin_compare);
    for (size_t i = 0; i < file->count; i++) {
        struct safetensors_tensor *t = &file->tensor[i];

        if (t->begin != at)
            return fail_tensor(err, t->name, "overlaps another or leaves a hole");
        if (t->end > data_bytes)
            return fail_tensor(err, t->name, "leaves the file");
        t->data = file->data.bytes + data_start + t->begin;
        at = t->end;
    }
    if (at != data_bytes)
        return infer_fail(err, INFER_EFORMAT,
                          "safetensors: the tensors take %llu bytes, the file has %llu",
                          (unsigned long long)at, (unsigned long long)data_bytes);
    return 0;
}

static int read_tensors(struct safetensors *file, struct infer_error *err)
{
    size_t entries = json_object_size(file->header);
    const char *name;
    json_t *entry;
    int status;

    if (!json_is_object(file->header) || entries > SAFETENSORS_TENSORS_MAX)
        return infer_fail(err, INFER_EFORMAT,
                          "safetensors: the header is no object of at most %d tensors",
                          SAFETENSORS_TENSORS_MAX);
    file->tensor = calloc(entries + 1, sizeof *file->tensor);
    if (file->tensor == NULL)
        return infer_fail(err, INFER_ENOMEM, "safetensors: no memory for %zu tensors",
                          entries);
    json_object_foreach(file->header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        file->tensor[file->count].name = name;
        status = read_tensor(&file->tensor[file->count++], entry, err);
        if (status != 0)
            return status;
    }
    return 0;
}

static int name_compare(const void *a, const void *b)
{
    const struct safetensors_tensor *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static int index_names(struct safetensors *file, struct infer_error *err)
{
    file->by_name = calloc(file->count + 1, sizeof *file->by_name);
    if (file->by_name == NULL)
        return infer_fail(err, INFER_ENOMEM, "safetensors: no memory for %zu names",
                          file->count);
    for (size_t i = 0; i < file->count; i++)
        file->by_name[i] = &file->tensor[i];
    qsort(file->by_name, file->count, sizeof *file->by_name, name_compare);
    return 0;
}

static int read_header(struct safetensors *file, size_t *data_start,
                       struct infer_error *err)
{
    uint64_t bytes;
    json_error_t why;

    if (file->data.size < sizeof bytes)
        return infer_fail(err, INFER_EFORMAT, "safetensors: a file of %zu bytes",
                          file->data.size);
    memcpy(&bytes, file->data.bytes, sizeof bytes);
    if (bytes > SAFETENSORS_HEADER_BYTES_MAX || bytes > file->data.size - sizeof bytes)
        return infer_fail(
            err, INFER_EFORMAT,
            "safetensors: a header of %llu bytes; allowed are %d, and the "
            "file has %zu",
            (unsigned long long)bytes, SAFETENSORS_HEADER_BYTES_MAX, file->data.size);
    file->header = json_loadb((const char *)file->data.bytes + sizeof bytes,
                              (size_t)bytes, JSON_REJECT_DUPLICATES, &why);
    if (file->header == NULL)
        return infer_fail(err, INFER_EFORMAT, "safetensors: header line %d: %.120s",
                          why.line, why.text);
    *data_start = sizeof bytes + (size_t)bytes;
    return 0;
}

int safetensors_open(struct safetensors **out, const char *path,
                     struct infer_error *err)
{
    struct safetensors *file = calloc(1, sizeof *file);
    size_t data_start = 0;
    int status;

    *out = NULL;
    if (file == NULL)
        return infer_fail(err, INFER_ENOMEM, "safetensors: no memory");
    status = mapping_open(&file->data, path, err);
    if (status == 0)
        status = read_header(file, &data_start, err);
    if (status == 0)
        status = read_tensors(file, err);
    if (status == 0)
        status = place_tensors(file, data_start, err);
    if (status == 0)
        status = index_names(file, err);
    if (status != 0)
        safetensors_close(file);
    else
        *out = file;
    return status;
}

void safetensors_close(struct safetensors *file)
{
    if (file == NULL)
        return;
    free(file->by_name);
    free(file->tensor);
    json_decref(file->header);
    mapping_close(&file->data);
    free(file);
}

size_t safetensors_count(const struct safetensors *file)
{
    return file->count;
}

const struct safetensors_tensor *safetensors_at(const struct safetensors *file,
                                                size_t i)
{
    return &file->tensor[i];
}

const struct safetensors_tensor *safetensors_find(const struct safetensors *file,
                                                  const char *name)
{
    const struct safetensors_tensor wanted = {.name = name}, *key = &wanted, **found;

    found =
        bsearch(&key, file->by_name, file->count, sizeof *file->by_name, name_compare);
    return found != NULL ? *found : NULL;
}
