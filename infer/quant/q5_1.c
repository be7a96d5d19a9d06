/* q5_1 - blocks of 32 weights of 5 bits, a scale and a minimum.
 *
 *     d     m     h0 ... h31    q0 q16 | q1 q17 | ... | q15 q31
 *     2     2     4, a bit each 16 bytes, the first of each two in the low bits
 *
 * The weight is qi + 16 hi, value i is d times that, plus m. */
#include "infer/quant/quant.h"

#include <string.h>

enum { HALF = 16 };

static void take(struct quant_block *out, const unsigned char *block)
{
    uint32_t fifth;

    out->d = block;
    out->m = block + 2;
    memcpy(&fifth, block + 4, sizeof fifth); /* of a little-endian file */
    for (size_t i = 0; i < HALF; i++) {
        const unsigned four = block[8 + i];
        out->code[i] = (uint8_t)((four & 15) | (fifth >> i & 1) << 4);
        out->code[HALF + i] = (uint8_t)(four >> 4 | (fifth >> (HALF + i) & 1) << 4);
    }
}

static const struct quant quant = {
    .values = 32,
    .bytes = 24,
    .group = 32,
    .bits = 5,
    .minima = true,
    .take = take,
};

static void read(float *out, const void *row, size_t count)
{
    quant_read(&quant, out, row, count);
}

static const struct kernel *kernel(const struct infer_options *options)
{
    return quant_kernel(&quant, options);
}

const struct format format_q5_1 = {
    .type = GGUF_Q5_1, .quant = &quant, .read = read, .kernel = kernel};
