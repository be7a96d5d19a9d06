/* arena - memory laid out twice: counted first, then given. */
#ifndef INFER_ARENA_H
#define INFER_ARENA_H

#include <stddef.h>

struct arena {
    char *base;  /* NULL while counting */
    size_t used; /* SIZE_MAX once a size has overflowed */
};

/* The next count x size bytes, aligned to 64; NULL while counting. */
void *arena_take(struct arena *arena, size_t count, size_t size);

/* n rounded up to a multiple of to. */
size_t arena_padded(size_t n, size_t to);

#endif
