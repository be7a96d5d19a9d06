/* gguf - the container: keys with values, tensors with names, inside infer/ only.
 *
 * What gguf_open() returns has been checked from the first byte to the last
 * description: every length lies within the file, no key and no tensor name
 * stands twice, no two tensors share a byte, every tensor's data lies in the file
 * and on the file's alignment. What the keys mean is model.c's business.
 *
 * Pointers lent by these functions live until gguf_close(). */
#ifndef INFER_GGUF_H
#define INFER_GGUF_H

#include "infer/model.h"

enum gguf_value { /* numbers of the GGUF specification, metadata value types */
                  GGUF_U8 = 0,
                  GGUF_I8 = 1,
                  GGUF_U16 = 2,
                  GGUF_I16 = 3,
                  GGUF_U32 = 4,
                  GGUF_I32 = 5,
                  GGUF_FLOAT32 = 6,
                  GGUF_BOOL = 7,
                  GGUF_STRING = 8,
                  GGUF_ARRAY = 9,
                  GGUF_U64 = 10,
                  GGUF_I64 = 11,
                  GGUF_FLOAT64 = 12
};

enum {
    GGUF_KEYS_MAX = 65536,
    GGUF_TENSORS_MAX = 65536,
    GGUF_KEY_BYTES_MAX = 65535,
    GGUF_NAME_BYTES_MAX = 64,
    GGUF_ALIGNMENT_DEFAULT = 32,
    GGUF_ALIGNMENT_MIN = 8,
    GGUF_ALIGNMENT_MAX = 65536,
    GGUF_PARTS_MAX = 1024
};

struct gguf_string { /* into the file, not terminated */
    const char *text;
    size_t bytes;
};

struct gguf_key {
    struct gguf_string name;
    enum gguf_value type; /* of the value; of the elements when is_array */
    bool is_array;
    uint64_t count;      /* elements; 1 when not an array */
    const uint8_t *data; /* the value, or the first element; unaligned */
    size_t bytes;        /* of data */
};

/* A model in several files is opened by its first one, NAME-00001-of-00003.gguf: the
 * others must lie beside it. */
int gguf_open(struct gguf **out, const char *path, struct infer_error *err);

/* The same of bytes in memory, which are copied; they are one whole file. */
int gguf_open_memory(struct gguf **out, const void *bytes, size_t count,
                     struct infer_error *err);
void gguf_close(struct gguf *file); /* NULL is allowed */

uint64_t gguf_file_bytes(const struct gguf *file); /* of all files */

/* The files in their order: one, or all parts. NULL: opened from memory. */
size_t gguf_path_count(const struct gguf *file);
const char *gguf_path_at(const struct gguf *file, size_t i);

/* Do the tensors lie in the file's own pages, which can be had again? */
bool gguf_is_mapped(const struct gguf *file);

/* NULL when the file has no such key. */
const struct gguf_key *gguf_find(const struct gguf *file, const char *name);

/* The value of a key that must be there and of this type; INFER_EFORMAT if not. */
int gguf_get_u32(const struct gguf *file, const char *name, uint32_t *out,
                 struct infer_error *err);
int gguf_get_u16(const struct gguf *file, const char *name, uint16_t *out,
                 struct infer_error *err);
int gguf_get_i32(const struct gguf *file, const char *name, int32_t *out,
                 struct infer_error *err);
int gguf_get_f32(const struct gguf *file, const char *name, float *out,
                 struct infer_error *err);
int gguf_get_bool(const struct gguf *file, const char *name, bool *out,
                  struct infer_error *err);
int gguf_get_string(const struct gguf *file, const char *name, struct gguf_string *out,
                    struct infer_error *err);
int gguf_get_array(const struct gguf *file, const char *name, enum gguf_value element,
                   const struct gguf_key **out, struct infer_error *err);

/* Element i of an array of I32 or U32. */
uint32_t gguf_array_u32(const struct gguf_key *array, uint64_t i);

/* Walk an array of strings: *at starts at 0 and is the place of the next one.
 * Call it at most array->count times. */
struct gguf_string gguf_array_next(const struct gguf_key *array, size_t *at);

size_t gguf_tensor_count(const struct gguf *file);
const struct gguf_tensor *gguf_tensor_at(const struct gguf *file, size_t i);
const struct gguf_tensor *gguf_tensor_find(const struct gguf *file, const char *name);

#endif
