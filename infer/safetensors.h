/* safetensors - named arrays of numbers in one file, inside infer/ only.
 *
 * What safetensors_open() returns has been checked: every tensor's bytes are what
 * its shape and type ask for, and together the tensors cover the data exactly,
 * without hole or overlap, as the format demands. */
#ifndef INFER_SAFETENSORS_H
#define INFER_SAFETENSORS_H

#include "infer/infer.h"

enum safetensors_type { /* the ones import can read; others are named in text */
                        SAFETENSORS_OTHER,
                        SAFETENSORS_F32,
                        SAFETENSORS_F16,
                        SAFETENSORS_BF16
};

enum {
    SAFETENSORS_HEADER_BYTES_MAX = 16 << 20,
    SAFETENSORS_TENSORS_MAX = 65536,
    SAFETENSORS_DIMS_MAX = 8
};

struct safetensors_tensor {
    const char *name;
    const char *type_name; /* "F32" */
    enum safetensors_type type;
    uint32_t dims;
    uint64_t dim[SAFETENSORS_DIMS_MAX]; /* outermost first; rows are the last */
    uint64_t values;
    uint64_t begin, end; /* bytes, from the start of the data */
    const uint8_t *data; /* unaligned */
};

struct safetensors;

int safetensors_open(struct safetensors **out, const char *path,
                     struct infer_error *err);
void safetensors_close(struct safetensors *file); /* NULL is allowed */

size_t safetensors_count(const struct safetensors *file);
const struct safetensors_tensor *safetensors_at(const struct safetensors *file,
                                                size_t i);

/* NULL when there is none of that name. */
const struct safetensors_tensor *safetensors_find(const struct safetensors *file,
                                                  const char *name);

#endif
