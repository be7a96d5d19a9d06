/* load - the bytes of a file, or in one word why they could not be had. */
#ifndef INGEST_LOAD_H
#define INGEST_LOAD_H

#include "ingest/ingest.h"

struct load_sink { /* where the bytes go */
    int memfd;
    void (*bytes)(void *arg, const void *data, size_t count); /* may be NULL */
    void *arg;
};

/* Copy the file at path into the memfd. What the file or the file system does is in
 * out->outcome; the return value is for what makes the lane useless. */
int load_file(const char *path, uint64_t file_bytes_max, const struct load_sink *sink,
              struct ingest_file *out, struct ingest_error *err);

#endif
