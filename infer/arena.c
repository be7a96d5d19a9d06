/* arena - memory laid out twice: counted first, then given.
 *
 * What takes its memory from an arena is written once and run twice, so that the
 * plan cannot differ from what is taken. */
#include "infer/arena.h"

#include <stdint.h>

enum { ALIGNMENT = 64 };

void *arena_take(struct arena *arena, size_t count, size_t size)
{
    size_t bytes, end;
    char *start = arena->base ? arena->base + arena->used : NULL;

    if (__builtin_mul_overflow(count, size, &bytes) ||
        __builtin_add_overflow(bytes, (size_t)(ALIGNMENT - 1), &bytes) ||
        __builtin_add_overflow(arena->used, bytes / ALIGNMENT * ALIGNMENT, &end))
        end = SIZE_MAX;
    arena->used = end;
    return start;
}

size_t arena_padded(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}
