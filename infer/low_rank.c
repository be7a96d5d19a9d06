/* low_rank - what an adapter adds to a product.
 *
 *     low  = A x              LOW_RANK_ROWS rows at a time, rank floats each
 *     part = B low            PANELS panels of 16 outputs at a time
 *     c    = c + part * scale
 *
 * Both products are the float tile's: one FMA chain an output, in ascending k. The
 * scaled sum is rounded before it is added. So a row's bits depend on the row alone,
 * not on the rows beside it, on how they are shared out or on the CPU. */
#include "infer/low_rank.h"

enum { PANELS = 8, COLUMNS = PANELS * PANEL_ROWS };

void low_rank_lay(struct low_rank_room *room, struct arena *arena, size_t rank)
{
    const size_t rows = rank > 0 ? LOW_RANK_ROWS : 0;

    room->stride = arena_padded(rank, 2 * PANEL_ROWS);
    room->low = arena_take(arena, rows * room->stride, sizeof *room->low);
    room->part = arena_take(arena, rows * COLUMNS, sizeof *room->part);
}

static void add_rows(const struct low_rank *low, const struct ops *ops,
                     const struct low_rank_room *room, const struct activations *x,
                     size_t rows, float *c, size_t c_stride)
{
    const struct activations reduced = {.x = room->low, .x_stride = room->stride};

    matrix_multiply(&low->a, room->low, room->stride, x, rows, 0, low->a.panels);
    for (size_t first = 0; first < low->b.panels; first += PANELS) {
        size_t left = low->b.panels - first, panels = left < PANELS ? left : PANELS;

        matrix_multiply(&low->b, room->part, COLUMNS, &reduced, rows, first, panels);
        for (size_t i = 0; i < rows; i++)
            ops->add_scaled(c + i * c_stride + first * PANEL_ROWS,
                            room->part + i * COLUMNS, low->scale, panels * PANEL_ROWS);
    }
}

void low_rank_add(const struct low_rank *low, const struct ops *ops,
                  const struct low_rank_room *room, const struct operand *x,
                  size_t first, size_t rows, float *c, size_t c_stride)
{
    for (size_t at = 0; at < rows; at += LOW_RANK_ROWS) {
        const struct activations a = operand_rows(x, &low->a, first + at);
        size_t left = rows - at;

        add_rows(low, ops, room, &a, left < LOW_RANK_ROWS ? left : LOW_RANK_ROWS,
                 c + at * c_stride, c_stride);
    }
}
