/* gguf - read a GGUF file without believing it.
 *
 *     "GGUF"  version  tensor count  key count
 *     key:    length name  type  value            (as many as the key count says)
 *     tensor: length name  dims  dim[dims]  type  offset           (tensor count)
 *     padding to the alignment
 *     tensor data, each at its offset from here, on the alignment
 *
 * All numbers are little-endian. The file is mapped read-only and read through a
 * cursor that knows its end: a length is compared with what is left before it is
 * used, never added to a position first. Tables grow with the entries really
 * found, so a count that lies costs nothing. Refused: version 1 and big-endian
 * files, arrays of arrays (no known key has one), a key or a tensor name that
 * stands twice, types that do not exist, tensors that overlap, leave the file or
 * miss the alignment. Nothing here recurses. */
#include "infer/gguf_file.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "GGUF numbers are read as they lie in the file");

struct cursor {
    const uint8_t *at, *end;
};

/* Bytes of one value, 0 for strings, arrays and types that do not exist. */
static size_t value_bytes(uint32_t type)
{
    static const uint8_t bytes[] = {
        [GGUF_U8] = 1,  [GGUF_I8] = 1,      [GGUF_U16] = 2,  [GGUF_I16] = 2,
        [GGUF_U32] = 4, [GGUF_I32] = 4,     [GGUF_BOOL] = 1, [GGUF_FLOAT32] = 4,
        [GGUF_U64] = 8, [GGUF_FLOAT64] = 8, [GGUF_I64] = 8,
    };

    return type < sizeof bytes ? bytes[type] : 0;
}

/* ---- the cursor ----------------------------------------------------------------- */

static size_t cursor_left(const struct cursor *c)
{
    return (size_t)(c->end - c->at);
}

static bool take(struct cursor *c, void *out, size_t bytes)
{
    if (cursor_left(c) < bytes)
        return false;
    memcpy(out, c->at, bytes);
    c->at += bytes;
    return true;
}

static bool take_u32(struct cursor *c, uint32_t *out)
{
    return take(c, out, sizeof *out);
}

static bool take_u64(struct cursor *c, uint64_t *out)
{
    return take(c, out, sizeof *out);
}

static bool take_string(struct cursor *c, struct gguf_string *out)
{
    uint64_t bytes;

    if (!take_u64(c, &bytes) || bytes > cursor_left(c))
        return false;
    *out = (struct gguf_string){(const char *)c->at, (size_t)bytes};
    c->at += bytes;
    return true;
}

static int fail_end(struct infer_error *err, const char *where)
{
    return infer_fail(err, INFER_EFORMAT, "GGUF: the file ends inside %s", where);
}

/* ---- comparing names ------------------------------------------------------------ */

static int string_compare(struct gguf_string a, struct gguf_string b)
{
    size_t shorter = a.bytes < b.bytes ? a.bytes : b.bytes;
    int order = memcmp(a.text, b.text, shorter);

    return order != 0 ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

static int key_compare(const void *a, const void *b)
{
    return string_compare(((const struct gguf_key *)a)->name,
                          ((const struct gguf_key *)b)->name);
}

static int tensor_compare(const void *a, const void *b)
{
    const struct gguf_tensor *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static int data_compare(const void *a, const void *b)
{
    const struct gguf_tensor *const *x = a, *const *y = b;
    uintptr_t p = (uintptr_t)(*x)->data, q = (uintptr_t)(*y)->data;

    return (p > q) - (p < q);
}

/* Names are shown to people and searched by strcmp: no control characters. */
static bool name_is_plain(struct gguf_string name)
{
    for (size_t i = 0; i < name.bytes; i++)
        if ((unsigned char)name.text[i] < 0x20 || name.text[i] == 0x7f)
            return false;
    return name.bytes > 0;
}

/* ---- keys ----------------------------------------------------------------------- */

static bool skip_strings(struct cursor *c, uint64_t count)
{
    struct gguf_string ignored;

    for (uint64_t i = 0; i < count; i++)
        if (!take_string(c, &ignored))
            return false;
    return true;
}

static bool bools_are_valid(const struct gguf_key *key)
{
    for (size_t i = 0; i < key->bytes; i++)
        if (key->data[i] > 1)
            return false;
    return true;
}

/* Move past key->count values of a type and note where they lie. */
static int read_values(struct cursor *c, struct gguf_key *key, uint32_t type,
                       struct infer_error *err)
{
    size_t each = value_bytes(type);

    key->type = (enum gguf_value)type;
    key->data = c->at;
    if (type == GGUF_STRING) {
        if (!skip_strings(c, key->count))
            return fail_end(err, "a string");
    } else if (each == 0) {
        return infer_fail(
            err, INFER_EFORMAT,
            "GGUF: key \"%.*s\" has value type %u%s, which is not allowed",
            (int)key->name.bytes, key->name.text, type,
            key->is_array ? " in an array" : "");
    } else if (key->count > cursor_left(c) / each) {
        return infer_fail(err, INFER_EFORMAT,
                          "GGUF: key \"%.*s\" claims %llu values, the file has %zu "
                          "bytes left",
                          (int)key->name.bytes, key->name.text,
                          (unsigned long long)key->count, cursor_left(c));
    } else {
        c->at += key->count * each;
    }
    key->bytes = (size_t)(c->at - key->data);
    if (type == GGUF_BOOL && !bools_are_valid(key))
        return infer_fail(err, INFER_EFORMAT,
                          "GGUF: key \"%.*s\" holds a truth value other than 0 or 1",
                          (int)key->name.bytes, key->name.text);
    return 0;
}

static int read_key(struct cursor *c, struct gguf_key *key, struct infer_error *err)
{
    uint32_t type;

    *key = (struct gguf_key){.count = 1};
    if (!take_string(c, &key->name))
        return fail_end(err, "the name of a key");
    if (!name_is_plain(key->name) || key->name.bytes > GGUF_KEY_BYTES_MAX)
        return infer_fail(err, INFER_EFORMAT,
                          "GGUF: a key's name of %zu bytes; allowed are 1 to %d, "
                          "without control characters",
                          key->name.bytes, GGUF_KEY_BYTES_MAX);
    if (!take_u32(c, &type))
        return fail_end(err, "the type of a key");
    if (type == GGUF_ARRAY) {
        key->is_array = true;
        if (!take_u32(c, &type) || !take_u64(c, &key->count))
            return fail_end(err, "the head of an array");
    }
    return read_values(c, key, type, err);
}

/* Make room for one more of count entries in a table that grows by doubling. */
static int grow(void *table, size_t count, size_t *room, size_t each,
                struct infer_error *err)
{
    size_t more = *room == 0 ? 64 : *room * 2;
    void **place = table, *grown;

    if (count < *room)
        return 0;
    grown = reallocarray(*place, more, each);
    if (grown == NULL)
        return infer_fail(err, INFER_ENOMEM, "GGUF: no memory for %zu entries", more);
    *place = grown;
    *room = more;
    return 0;
}

static int read_keys(struct gguf *file, struct cursor *c, uint64_t count,
                     struct infer_error *err)
{
    size_t room = 0;
    int status;

    if (count > GGUF_KEYS_MAX)
        return infer_fail(err, INFER_EFORMAT, "GGUF: %llu keys, allowed are %d",
                          (unsigned long long)count, GGUF_KEYS_MAX);
    for (; file->key_count < count; file->key_count++) {
        status = grow(&file->key, file->key_count, &room, sizeof *file->key, err);
        if (status == 0)
            status = read_key(c, &file->key[file->key_count], err);
        if (status != 0)
            return status;
    }
    if (count == 0)
        return 0;
    qsort(file->key, file->key_count, sizeof *file->key, key_compare);
    for (size_t i = 1; i < file->key_count; i++)
        if (key_compare(&file->key[i - 1], &file->key[i]) == 0)
            return infer_fail(err, INFER_EFORMAT, "GGUF: key \"%.*s\" stands twice",
                              (int)file->key[i].name.bytes, file->key[i].name.text);
    return 0;
}

static int read_alignment(const struct gguf *file, uint32_t *out,
                          struct infer_error *err)
{
    int status;

    *out = GGUF_ALIGNMENT_DEFAULT;
    if (gguf_find(file, "general.alignment") == NULL)
        return 0;
    status = gguf_get_u32(file, "general.alignment", out, err);
    if (status != 0)
        return status;
    if (*out < GGUF_ALIGNMENT_MIN || *out > GGUF_ALIGNMENT_MAX ||
        (*out & (*out - 1)) != 0)
        return infer_fail(err, INFER_EFORMAT,
                          "GGUF: general.alignment is %u, allowed are powers of two "
                          "from %d to %d",
                          *out, GGUF_ALIGNMENT_MIN, GGUF_ALIGNMENT_MAX);
    return 0;
}

/* ---- tensors -------------------------------------------------------------------- */

static int check_type(const struct gguf_tensor *t, uint32_t type,
                      struct infer_error *err)
{
    uint32_t values = gguf_block_values((enum gguf_type)type);

    if (values == 0)
        return infer_fail(err, INFER_EFORMAT,
                          "GGUF: tensor \"%s\" has type %u, which this format does "
                          "not have or no longer has",
                          t->name, type);
    if (t->dim[0] % values != 0)
        return infer_fail(err, INFER_EFORMAT,
                          "GGUF: tensor \"%s\" has rows of %llu values; %s needs a "
                          "multiple of %u",
                          t->name, (unsigned long long)t->dim[0],
                          gguf_type_name((enum gguf_type)type), values);
    return 0;
}

/* Rows and bytes of a tensor, refusing every product beyond the file's size. */
static int measure_tensor(struct gguf_tensor *t, size_t file_bytes,
                          struct infer_error *err)
{
    uint64_t row, each = gguf_block_bytes(t->type);
    bool fits;

    fits =
        !__builtin_mul_overflow(t->dim[0] / gguf_block_values(t->type), each, &row) &&
        !__builtin_mul_overflow(t->dim[1], t->dim[2], &t->rows) &&
        !__builtin_mul_overflow(t->rows, t->dim[3], &t->rows) &&
        !__builtin_mul_overflow(t->rows, row, &t->bytes) && t->bytes <= file_bytes;
    if (!fits)
        return infer_fail(err, INFER_EFORMAT,
                          "GGUF: tensor \"%s\" of %llu x %llu x %llu x %llu is larger "
                          "than the file",
                          t->name, (unsigned long long)t->dim[0],
                          (unsigned long long)t->dim[1], (unsigned long long)t->dim[2],
                          (unsigned long long)t->dim[3]);
    return 0;
}

static int read_dims(struct cursor *c, struct gguf_tensor *t, struct infer_error *err)
{
    if (!take_u32(c, &t->dims))
        return fail_end(err, "a tensor's description");
    if (t->dims < 1 || t->dims > 4)
        return infer_fail(err, INFER_EFORMAT,
                          "GGUF: tensor \"%s\" has %u dimensions, allowed are 1 to 4",
                          t->name, t->dims);
    for (uint32_t i = 0; i < 4; i++) {
        t->dim[i] = 1;
        if (i < t->dims && !take_u64(c, &t->dim[i]))
            return fail_end(err, "a tensor's description");
        if (t->dim[i] == 0)
            return infer_fail(err, INFER_EFORMAT,
                              "GGUF: dimension %u of tensor \"%s\" is 0", i + 1,
                              t->name);
    }
    return 0;
}

static int read_tensor(struct gguf *file, struct cursor *c, struct infer_error *err)
{
    struct gguf_tensor *t = &file->tensor[file->tensor_count];
    char *name = file->tensor_name[file->tensor_count];
    struct gguf_string found;
    uint32_t type;
    int status;

    if (!take_string(c, &found))
        return fail_end(err, "the name of a tensor");
    if (!name_is_plain(found) || found.bytes > GGUF_NAME_BYTES_MAX)
        return infer_fail(err, INFER_EFORMAT,
                          "GGUF: a tensor's name of %zu bytes; allowed are 1 to %d, "
                          "without control characters",
                          found.bytes, GGUF_NAME_BYTES_MAX);
    memcpy(name, found.text, found.bytes);
    name[found.bytes] = '\0';
    *t = (struct gguf_tensor){.name = name};
    status = read_dims(c, t, err);
    if (status != 0)
        return status;
    if (!take_u32(c, &type) || !take_u64(c, &file->tensor_offset[file->tensor_count]))
        return fail_end(err, "a tensor's description");
    status = check_type(t, type, err);
    if (status != 0)
        return status;
    t->type = (enum gguf_type)type;
    return measure_tensor(t, file->data.size, err);
}

/* The smallest description: an eight-byte length, one letter, dims, one dim, type,
 * offset. It bounds how many tensors a file can describe before any is read. */
enum { DESCRIPTION_BYTES_MIN = 8 + 1 + 4 + 8 + 4 + 8 };

static int read_tensors(struct gguf *file, struct cursor *c, uint64_t count,
                        struct infer_error *err)
{
    int status = 0;

    if (count > GGUF_TENSORS_MAX || count > cursor_left(c) / DESCRIPTION_BYTES_MIN)
        return infer_fail(err, INFER_EFORMAT,
                          "GGUF: %llu tensors; allowed are %d, and %zu bytes are left",
                          (unsigned long long)count, GGUF_TENSORS_MAX, cursor_left(c));
    if (count == 0)
        return 0;
    file->tensor = calloc(count, sizeof *file->tensor);
    file->tensor_name = calloc(count, sizeof *file->tensor_name);
    file->tensor_offset = calloc(count, sizeof *file->tensor_offset);
    file->by_name = calloc(count, sizeof(const struct gguf_tensor *));
    if (file->tensor == NULL || file->tensor_name == NULL ||
        file->tensor_offset == NULL || file->by_name == NULL)
        return infer_fail(err, INFER_ENOMEM, "GGUF: no memory for %llu tensors",
                          (unsigned long long)count);
    for (; status == 0 && file->tensor_count < count; file->tensor_count++)
        status = read_tensor(file, c, err);
    return status;
}

/* Turn offsets into addresses: aligned, inside the file, no byte in two tensors. */
static int place_tensors(struct gguf *file, size_t data_start, uint32_t alignment,
                         struct infer_error *err)
{
    size_t data_bytes = file->data.size - data_start;

    for (size_t i = 0; i < file->tensor_count; i++) {
        struct gguf_tensor *t = &file->tensor[i];
        uint64_t offset = file->tensor_offset[i];

        if (offset % alignment != 0)
            return infer_fail(
                err, INFER_EFORMAT,
                "GGUF: tensor \"%s\" starts at %llu, not a multiple of %u", t->name,
                (unsigned long long)offset, alignment);
        if (offset > data_bytes || t->bytes > data_bytes - offset)
            return infer_fail(err, INFER_EFORMAT,
                              "GGUF: tensor \"%s\" of %llu bytes at %llu leaves the "
                              "%zu bytes of data",
                              t->name, (unsigned long long)t->bytes,
                              (unsigned long long)offset, data_bytes);
        t->data = file->data.bytes + data_start + offset;
        file->by_name[i] = t;
    }
    return 0;
}

int gguf_sort_names(const struct gguf_tensor **order, size_t count,
                    struct infer_error *err)
{
    qsort(order, count, sizeof(const struct gguf_tensor *), tensor_compare);
    for (size_t i = 1; i < count; i++)
        if (tensor_compare(&order[i - 1], &order[i]) == 0)
            return infer_fail(err, INFER_EFORMAT, "GGUF: tensor \"%s\" stands twice",
                              order[i]->name);
    return 0;
}

static int check_overlaps(struct gguf *file, struct infer_error *err)
{
    const struct gguf_tensor **order = file->by_name;

    qsort(order, file->tensor_count, sizeof(const struct gguf_tensor *), data_compare);
    for (size_t i = 1; i < file->tensor_count; i++)
        if ((const uint8_t *)order[i - 1]->data + order[i - 1]->bytes >
            (const uint8_t *)order[i]->data)
            return infer_fail(err, INFER_EFORMAT,
                              "GGUF: tensors \"%s\" and \"%s\" share data",
                              order[i - 1]->name, order[i]->name);
    return gguf_sort_names(order, file->tensor_count, err);
}

static int find_data(struct gguf *file, const struct cursor *c, struct infer_error *err)
{
    size_t start = (size_t)(c->at - file->data.bytes);
    uint32_t alignment;
    int status = read_alignment(file, &alignment, err);

    if (status != 0 || file->tensor_count == 0)
        return status;
    start = (start + alignment - 1) / alignment * alignment;
    if (start > file->data.size)
        return fail_end(err, "the padding before the data");
    status = place_tensors(file, start, alignment, err);
    return status != 0 ? status : check_overlaps(file, err);
}

/* ---- the whole file ------------------------------------------------------------- */

static int read_header(struct cursor *c, uint64_t *tensors, uint64_t *keys,
                       struct infer_error *err)
{
    char magic[4];
    uint32_t version;

    if (!take(c, magic, sizeof magic) || memcmp(magic, "GGUF", sizeof magic) != 0)
        return infer_fail(err, INFER_EFORMAT,
                          "not a GGUF file: the first four bytes are not \"GGUF\"");
    if (!take_u32(c, &version))
        return fail_end(err, "the header");
    if (version != 2 && version != 3)
        return infer_fail(err, INFER_EUNSUPPORTED,
                          "GGUF: version 0x%x%s; 2 and 3 are read", version,
                          (version & 0xffff) == 0 ? " (a big-endian file)" : "");
    if (!take_u64(c, tensors) || !take_u64(c, keys))
        return fail_end(err, "the header");
    return 0;
}

static int read_file(struct gguf *file, struct infer_error *err)
{
    struct cursor c = {file->data.bytes, file->data.bytes + file->data.size};
    uint64_t tensors = 0, keys = 0;
    int status = read_header(&c, &tensors, &keys, err);

    if (status == 0)
        status = read_keys(file, &c, keys, err);
    if (status == 0)
        status = read_tensors(file, &c, tensors, err);
    if (status == 0)
        status = find_data(file, &c, err);
    return status;
}

/* Takes the bytes over, whatever comes of them. */
static int open_mapping(struct gguf **out, struct mapping *data,
                        struct infer_error *err)
{
    struct gguf *file = calloc(1, sizeof *file);
    int status;

    *out = NULL;
    if (file == NULL) {
        mapping_close(data);
        return infer_fail(err, INFER_ENOMEM, "GGUF: no memory");
    }
    file->data = *data;
    status = read_file(file, err);
    if (status != 0)
        gguf_close(file);
    else
        *out = file;
    return status;
}

int gguf_open(struct gguf **out, const char *path, struct infer_error *err)
{
    struct gguf *file;
    int status = gguf_open_part(&file, path, err);

    *out = NULL;
    return status != 0 ? status : gguf_split_join(out, file, path, err);
}

int gguf_open_part(struct gguf **out, const char *path, struct infer_error *err)
{
    struct mapping data;
    int status = mapping_open(&data, path, err);

    *out = NULL;
    return status != 0 ? status : open_mapping(out, &data, err);
}

int gguf_open_memory(struct gguf **out, const void *bytes, size_t count,
                     struct infer_error *err)
{
    struct mapping data;
    struct gguf *file;
    int status = mapping_copy(&data, bytes, count, err);

    *out = NULL;
    if (status == 0)
        status = open_mapping(&file, &data, err);
    return status != 0 ? status : gguf_split_join(out, file, NULL, err);
}

void gguf_close(struct gguf *file)
{
    if (file == NULL)
        return;
    gguf_split_free(file);
    free(file->by_name);
    free(file->tensor_offset);
    free(file->tensor_name);
    free(file->tensor);
    free(file->key);
    mapping_close(&file->data);
    free(file);
}

/* ---- asking --------------------------------------------------------------------- */

uint64_t gguf_file_bytes(const struct gguf *file)
{
    uint64_t bytes = file->data.size;

    for (size_t i = 0; i < file->part_count; i++)
        bytes += file->part[i]->data.size;
    return bytes;
}

const struct gguf_key *gguf_find(const struct gguf *file, const char *name)
{
    struct gguf_key wanted = {.name = {name, strlen(name)}};

    if (file->key_count == 0)
        return NULL;
    return bsearch(&wanted, file->key, file->key_count, sizeof wanted, key_compare);
}

size_t gguf_tensor_count(const struct gguf *file)
{
    return file->tensor_count;
}

bool gguf_is_mapped(const struct gguf *file)
{
    return !file->data.is_copy;
}

const struct gguf_tensor *gguf_tensor_at(const struct gguf *file, size_t i)
{
    return &file->tensor[i];
}

const struct gguf_tensor *gguf_tensor_find(const struct gguf *file, const char *name)
{
    const struct gguf_tensor wanted = {.name = name}, *key = &wanted, **found;

    if (file->tensor_count == 0)
        return NULL;
    found =
        bsearch(&key, file->by_name, file->tensor_count, sizeof *found, tensor_compare);
    return found != NULL ? *found : NULL;
}
