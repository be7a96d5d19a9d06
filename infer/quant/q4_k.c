/* q4_k - blocks of 256 weights of 4 bits, groups of 32 with minima.
 *
 *     d     dmin    scales and minima    codes
 *     2     2       12, six bits each    128
 *
 * Each 32 bytes of codes hold 64 values, byte i the values i and 32 + i, the first in
 * the low bits. Groups are of 32 values: value = d * scale * code - dmin * minimum. */
#include "infer/quant/quant.h"

enum { SCALES = 4, CODES = 16 };

static void take(struct quant_block *out, const unsigned char *block)
{
    out->d = block;
    out->m = block + 2;
    quant_take_six_bits(out, block + SCALES);
    for (size_t part = 0; part < 4; part++) {
        const unsigned char *from = block + CODES + part * 32;
        uint8_t *code = out->code + part * 64;
        for (size_t i = 0; i < 32; i++) {
            code[i] = from[i] & 15;
            code[32 + i] = from[i] >> 4;
        }
    }
}

static const struct quant quant = {
    .values = 256,
    .bytes = 144,
    .group = 32,
    .bits = 4,
    .coded = true,
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

const struct format format_q4_k = {
    .type = GGUF_Q4_K, .quant = &quant, .read = read, .kernel = kernel};
