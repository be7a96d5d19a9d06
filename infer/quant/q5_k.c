/* q5_k - blocks of 256 weights of 5 bits, groups of 32 with minima.
 *
 *     d     dmin    scales and minima    fifth bits    codes
 *     2     2       12, six bits each    32            128
 *
 * Codes lie as in Q4_K; bit j of byte i of the fifth bits belongs to value 32 j + i.
 * Groups are of 32 values: value = d * scale * code - dmin * minimum. */
#include "infer/quant/quant.h"

enum { SCALES = 4, FIFTH = 16, CODES = 48 };

static void take(struct quant_block *out, const unsigned char *block)
{
    out->d = block;
    out->m = block + 2;
    quant_take_six_bits(out, block + SCALES);
    for (unsigned part = 0; part < 4; part++) {
        const unsigned char *from = block + CODES + part * 32;
        uint8_t *code = out->code + part * 64;
        for (size_t i = 0; i < 32; i++) {
            const unsigned fifth = (unsigned)block[FIFTH + i] >> 2 * part;
            code[i] = (uint8_t)((from[i] & 15u) | (fifth << 4 & 16));
            code[32 + i] = (uint8_t)((unsigned)from[i] >> 4 | (fifth << 3 & 16));
        }
    }
}

static const struct quant quant = {
    .values = 256,
    .bytes = 176,
    .group = 32,
    .bits = 5,
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

const struct format format_q5_k = {
    .type = GGUF_Q5_K, .quant = &quant, .read = read, .kernel = kernel};
