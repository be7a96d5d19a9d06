/* q4_0 - blocks of 32 weights of 4 bits, one scale.
 *
 *     d     q0 q16 | q1 q17 | ... | q15 q31      value i = d * (qi - 8)
 *     2     16 bytes, the first of each two in the low bits */
#include "infer/quant/quant.h"

enum { HALF = 16 };

static void take(struct quant_block *out, const unsigned char *block)
{
    out->d = block;
    for (size_t i = 0; i < HALF; i++) {
        out->code[i] = block[2 + i] & 15;
        out->code[HALF + i] = block[2 + i] >> 4;
    }
}

static const struct quant quant = {
    .values = 32,
    .bytes = 18,
    .group = 32,
    .bits = 4,
    .offset = 8,
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

const struct format format_q4_0 = {
    .type = GGUF_Q4_0, .quant = &quant, .read = read, .kernel = kernel};
