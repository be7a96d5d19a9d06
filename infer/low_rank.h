/* low_rank - what an adapter adds to a product, inside infer/ only. */
#ifndef INFER_LOW_RANK_H
#define INFER_LOW_RANK_H

#include "infer/arena.h"
#include "infer/operand.h"

enum { LOW_RANK_ROWS = 28 }; /* whole tiles of every kernel */

struct low_rank {
    struct matrix a, b; /* rank x depth, rows x rank */
    float scale;
};

struct low_rank_room { /* one thread's: LOW_RANK_ROWS rows of A x, and of B (A x) */
    float *low, *part;
    size_t stride; /* floats of a row of low */
};

/* For products of ranks up to rank; nothing when it is 0. */
void low_rank_lay(struct low_rank_room *room, struct arena *arena, size_t rank);

/* c[i] += scale * B (A x), for rows rows of the operand from row first on; c is row
 * first, and holds whole panels of b. The work of one thread. */
void low_rank_add(const struct low_rank *low, const struct ops *ops,
                  const struct low_rank_room *room, const struct operand *x,
                  size_t first, size_t rows, float *c, size_t c_stride);

#endif
