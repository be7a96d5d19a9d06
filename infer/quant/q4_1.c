/* q4_1 - blocks of 32 weights of 4 bits, a scale and a minimum.
 *
 *     d     m     q0 q16 | q1 q17 | ... | q15 q31      value i = d * qi + m
 *     2     2     16 bytes, the first of each two in the low bits */
#include "infer/quant/quant.h"

enum { HALF = 16 };

static void take(struct quant_block *out, const unsigned char *block)
{
    out->d = block;
    out->m = block + 2;
    for (size_t i = 0; i < HALF; i++) {
        out->code[i] = block[4 + i] & 15;
        out->code[HALF + i] = block[4 + i] >> 4;
    }
}

static const struct quant quant = {
    .values = 32,
    .bytes = 20,
    .group = 32,
    .bits = 4,
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

const struct format format_q4_1 = {
    .type = GGUF_Q4_1, .quant = &quant, .read = read, .kernel = kernel};
