/* gguf_file - how an open GGUF file looks, for gguf.c and gguf_split.c only. */
#ifndef INFER_GGUF_FILE_H
#define INFER_GGUF_FILE_H

#include "infer/gguf.h"
#include "infer/mapping.h"

struct gguf {
    struct mapping data;
    struct gguf_key *key; /* sorted by name */
    size_t key_count;
    struct gguf_tensor *tensor; /* in the order of the file, then of its other parts */
    size_t tensor_count;
    const struct gguf_tensor **by_name;
    char (*tensor_name)[GGUF_NAME_BYTES_MAX + 1];
    uint64_t *tensor_offset; /* from the start of the data, of this part's tensors */
    struct gguf **part;      /* the other parts of a split model, in order */
    size_t part_count;
    char **path; /* of all files; NULL: opened from memory */
    size_t path_count;
};

/* One file, whole in itself, whatever it says of others. */
int gguf_open_part(struct gguf **out, const char *path, struct infer_error *err);

/* Open the other parts of a split model and make one file of all; a file that is not
 * split stays as it is. path is that of first, NULL where it came from memory. Takes
 * first over, whatever comes of it. */
int gguf_split_join(struct gguf **out, struct gguf *first, const char *path,
                    struct infer_error *err);
void gguf_split_free(struct gguf *file);

/* Sort by name; INFER_EFORMAT where a name stands twice. */
int gguf_sort_names(const struct gguf_tensor **tensor, size_t count,
                    struct infer_error *err);

#endif
