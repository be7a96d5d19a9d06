/* slot - tensors a model wants, in tables, inside infer/ only.
 *
 * A table says for each tensor its name, its place in a struct, its shape in terms
 * of the model's sizes, and when it is wanted. Whatever a file holds beyond what
 * the tables name belongs to a model that computes something else: it is refused. */
#ifndef INFER_SLOT_H
#define INFER_SLOT_H

#include "infer/gguf.h"

enum { SLOT_NONE = 0, SLOT_ANY = 255 }; /* extents; the others are the user's */

struct slot {
    const char *name;
    size_t place;    /* of a const struct gguf_tensor * in the base struct */
    uint8_t dims[3]; /* extents: length, rows, depth; SLOT_NONE where it has none */
    bool plain;      /* a matrix must be F32 or F16; vectors must be F32 always */
    bool optional;
    unsigned when; /* features that must all be there */
};

struct slots {
    const struct gguf *file;
    const char *architecture; /* for messages */
    const uint64_t *extent;   /* indexed by the numbers in the tables */
    unsigned features;
    bool *taken; /* of each tensor of the file */
};

int slots_open(struct slots *slots, struct infer_error *err);
void slots_close(struct slots *slots);

/* Fill base. prefix is "" or "blk.7."; a tensor that is not there is NULL. */
int slots_take(struct slots *slots, const char *prefix, const struct slot *slot,
               size_t count, void *base, struct infer_error *err);

/* INFER_EUNSUPPORTED names the first tensor that nobody took. */
int slots_check_rest(const struct slots *slots, struct infer_error *err);

#endif
