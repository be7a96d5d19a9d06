/* iq4_nl - blocks of 32 weights from a table of 16, one scale.
 *
 *     d     q0 q16 | q1 q17 | ... | q15 q31      value i = d * table[qi]
 *     2     16 bytes, the first of each two in the low bits */
#include "infer/quant/quant.h"

enum { HALF = 16 };

/* Close where weights are dense, as the format's authors chose it. */
const int8_t quant_iq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                              1,    13,   25,  38,  53,  69,  89,  113};

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
    .table = quant_iq4,
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

const struct format format_iq4_nl = {
    .type = GGUF_IQ4_NL, .quant = &quant, .read = read, .kernel = kernel};
