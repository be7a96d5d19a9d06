/* q8_0 - blocks of 32 signed bytes with one half-precision scale. */
#ifndef INFER_QUANT_Q8_0_H
#define INFER_QUANT_Q8_0_H

#include "infer/quant/format.h"

extern const struct format format_q8_0;

/* A block of a panel, 32 values of each of 16 rows, in pairs and in fours. */
enum {
    Q8_0_BLOCK = 32,
    Q8_0_PAIRS = Q8_0_BLOCK / 2,
    Q8_0_SCALES = 2 * PANEL_ROWS, /* bytes */
    Q8_0_STEP = 2 * PANEL_ROWS,   /* bytes: two values of each row */
    Q8_0_PANEL_BLOCK = Q8_0_SCALES + Q8_0_PAIRS * Q8_0_STEP,
    Q8_0_FOURS = Q8_0_BLOCK / 4,
    Q8_0_FOUR_STEP = 4 * PANEL_ROWS, /* bytes: four values of each row */
    Q8_0_OFFSETS = 4 * PANEL_ROWS,   /* bytes: an int32 for each row */
    Q8_0_FOUR_BLOCK = Q8_0_SCALES + Q8_0_OFFSETS + Q8_0_FOURS * Q8_0_FOUR_STEP
};

/* Ask for a block of a panel that will be read later, and may lie past the end: few
 * rows, who soon need the next panel, would have to wait for it. A single one reads
 * so plainly that the machine foresees it. */
static inline void q8_0_fetch(const unsigned char *panel, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64)
        __builtin_prefetch((const void *)((uintptr_t)panel + i), 0, 2);
}

void q8_0_multiply_scalar(const struct product *p);
void q8_0_multiply_avx2(const struct product *p);
void q8_0_multiply_avx512(const struct product *p);
void q8_0_multiply_bytes_avx512(const struct product *p);

#endif
