/* gguf_get - typed answers about a GGUF file's keys.
 *
 * gguf.c has checked that each value lies in the file; here a value is given out
 * only as what the file says it is. A key of the wrong type is an error, never a
 * conversion: a head count stored as a signed or 64-bit number is refused. */
#include "infer/gguf.h"

#include <string.h>

static int get(const struct gguf *file, const char *name, enum gguf_value type,
               bool is_array, const struct gguf_key **out, struct infer_error *err)
{
    const struct gguf_key *key = gguf_find(file, name);

    if (key == NULL)
        return infer_fail(err, INFER_EFORMAT, "GGUF: key %s is missing", name);
    if (key->type != type || key->is_array != is_array)
        return infer_fail(err, INFER_EFORMAT,
                          "GGUF: key %s is %s value type %d, allowed is %s type %d",
                          name, key->is_array ? "an array of" : "of", (int)key->type,
                          is_array ? "an array of" : "only", (int)type);
    *out = key;
    return 0;
}

int gguf_get_u32(const struct gguf *file, const char *name, uint32_t *out,
                 struct infer_error *err)
{
    const struct gguf_key *key = NULL;
    int status = get(file, name, GGUF_U32, false, &key, err);

    if (status == 0)
        memcpy(out, key->data, sizeof *out);
    return status;
}

int gguf_get_u16(const struct gguf *file, const char *name, uint16_t *out,
                 struct infer_error *err)
{
    const struct gguf_key *key = NULL;
    int status = get(file, name, GGUF_U16, false, &key, err);

    if (status == 0)
        memcpy(out, key->data, sizeof *out);
    return status;
}

int gguf_get_i32(const struct gguf *file, const char *name, int32_t *out,
                 struct infer_error *err)
{
    const struct gguf_key *key = NULL;
    int status = get(file, name, GGUF_I32, false, &key, err);

    if (status == 0)
        memcpy(out, key->data, sizeof *out);
    return status;
}

int gguf_get_f32(const struct gguf *file, const char *name, float *out,
                 struct infer_error *err)
{
    const struct gguf_key *key = NULL;
    int status = get(file, name, GGUF_FLOAT32, false, &key, err);

    if (status == 0)
        memcpy(out, key->data, sizeof *out);
    return status;
}

int gguf_get_bool(const struct gguf *file, const char *name, bool *out,
                  struct infer_error *err)
{
    const struct gguf_key *key = NULL;
    int status = get(file, name, GGUF_BOOL, false, &key, err);

    if (status == 0)
        *out = key->data[0] != 0;
    return status;
}

int gguf_get_string(const struct gguf *file, const char *name, struct gguf_string *out,
                    struct infer_error *err)
{
    const struct gguf_key *key = NULL;
    size_t at = 0;
    int status = get(file, name, GGUF_STRING, false, &key, err);

    if (status == 0)
        *out = gguf_array_next(key, &at);
    return status;
}

int gguf_get_array(const struct gguf *file, const char *name, enum gguf_value element,
                   const struct gguf_key **out, struct infer_error *err)
{
    return get(file, name, element, true, out, err);
}

uint32_t gguf_array_u32(const struct gguf_key *array, uint64_t i)
{
    uint32_t value;

    memcpy(&value, array->data + i * sizeof value, sizeof value);
    return value;
}

struct gguf_string gguf_array_next(const struct gguf_key *array, size_t *at)
{
    uint64_t bytes; /* checked against the file's end when the key was read */
    struct gguf_string found;

    memcpy(&bytes, array->data + *at, sizeof bytes);
    found.text = (const char *)array->data + *at + sizeof bytes;
    found.bytes = (size_t)bytes;
    *at += sizeof bytes + found.bytes;
    return found;
}
