/* mapping - the bytes of a file to be read without copying, inside infer/ only. */
#ifndef INFER_MAPPING_H
#define INFER_MAPPING_H

#include "infer/model.h"

enum { MAPPING_ALIGNMENT = 4096 }; /* of a copy; a mapped file has the page's */

struct mapping {
    const uint8_t *bytes;
    size_t size;
    bool is_copy;
};

/* Map a regular file that is not empty: INFER_EIO, INFER_EFORMAT. The file must not
 * shrink while it is mapped: touching what is gone ends the program. */
int mapping_open(struct mapping *out, const char *path, struct infer_error *err);

/* The same of bytes in memory, which are copied. */
int mapping_copy(struct mapping *out, const void *bytes, size_t count,
                 struct infer_error *err);
void mapping_close(struct mapping *mapping); /* a zeroed one is allowed */

#endif
