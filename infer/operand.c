/* operand - rows made ready for products, in each form that some matrix wants. */
#include "infer/operand.h"

#include <string.h>

void operand_serve(struct operand *o, const struct matrix *m)
{
    if (!m->kernel)
        return;
    o->wants[m->kernel->activations] = true;
    o->wants_sums = o->wants_sums || format_sums(m->format);
}

void operand_lay(struct operand *o, struct arena *arena, size_t rows, size_t width)
{
    const size_t blocks = arena_padded(width, OPS_BLOCK) / OPS_BLOCK;
    const size_t sums = o->wants_sums ? rows * 2 * blocks : 0;
    const size_t floats = o->wants[ACTIVATION_FLOAT] ? rows : 0;
    const size_t pairs = o->wants[ACTIVATION_INT16] ? rows : 0;
    const size_t bytes = o->wants[ACTIVATION_BYTE] ? rows : 0;

    o->width = blocks * OPS_BLOCK;
    o->x = arena_take(arena, floats * o->width, sizeof *o->x);
    o->q = arena_take(arena, pairs * o->width, sizeof *o->q);
    o->scale = arena_take(arena, pairs * blocks, sizeof *o->scale);
    o->sum = arena_take(arena, pairs ? sums : 0, sizeof *o->sum);
    o->q8 = arena_take(arena, bytes * o->width, sizeof *o->q8);
    o->scale8 = arena_take(arena, bytes * blocks, sizeof *o->scale8);
    o->sum8 = arena_take(arena, bytes ? sums : 0, sizeof *o->sum8);
}

void operand_put(struct operand *o, size_t row, const float *x)
{
    const size_t n = o->width, blocks = n / OPS_BLOCK;

    if (o->wants[ACTIVATION_FLOAT])
        memcpy(o->x + row * n, x, n * sizeof *x);
    if (o->wants[ACTIVATION_INT16]) {
        o->ops->quantise(o->q + row * n, o->scale + row * blocks, x, n, o->limit);
        if (o->wants_sums)
            o->ops->sums(o->sum + row * 2 * blocks, o->q + row * n, n);
    }
    if (o->wants[ACTIVATION_BYTE]) {
        o->ops->quantise_bytes(o->q8 + row * n, o->scale8 + row * blocks, x, n);
        if (o->wants_sums)
            o->ops->sums_bytes(o->sum8 + row * 2 * blocks, o->q8 + row * n, n);
    }
}

static void copy_row(void *out, size_t row, const void *from_rows, size_t from,
                     size_t bytes)
{
    memcpy((char *)out + row * bytes, (const char *)from_rows + from * bytes, bytes);
}

void operand_copy(struct operand *o, size_t row, const struct operand *other,
                  size_t from)
{
    const size_t n = o->width, blocks = n / OPS_BLOCK;

    if (o->wants[ACTIVATION_FLOAT])
        copy_row(o->x, row, other->x, from, n * sizeof *o->x);
    if (o->wants[ACTIVATION_INT16]) {
        copy_row(o->q, row, other->q, from, n * sizeof *o->q);
        copy_row(o->scale, row, other->scale, from, blocks * sizeof *o->scale);
        if (o->wants_sums)
            copy_row(o->sum, row, other->sum, from, 2 * blocks * sizeof *o->sum);
    }
    if (o->wants[ACTIVATION_BYTE]) {
        copy_row(o->q8, row, other->q8, from, n * sizeof *o->q8);
        copy_row(o->scale8, row, other->scale8, from, blocks * sizeof *o->scale8);
        if (o->wants_sums)
            copy_row(o->sum8, row, other->sum8, from, 2 * blocks * sizeof *o->sum8);
    }
}

struct activations operand_rows(const struct operand *o, const struct matrix *m,
                                size_t row)
{
    const size_t n = o->width, blocks = n / OPS_BLOCK;
    struct activations a = {.x_stride = n, .q_stride = n, .scale_stride = blocks};

    switch (m->kernel->activations) {
    case ACTIVATION_FLOAT:
        a.x = o->x + row * n;
        break;
    case ACTIVATION_INT16:
        a.q = o->q + row * n;
        a.scale = o->scale + row * blocks;
        a.sum = o->wants_sums ? o->sum + row * 2 * blocks : NULL;
        break;
    case ACTIVATION_BYTE:
        a.q8 = o->q8 + row * n;
        a.scale = o->scale8 + row * blocks;
        a.sum = o->wants_sums ? o->sum8 + row * 2 * blocks : NULL;
        break;
    }
    return a;
}
