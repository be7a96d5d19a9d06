/* iq4_xs - blocks of 256 weights from a table of 16, groups of 32.
 *
 *     d     upper two bits    lower four bits    codes
 *     2     2, of scales      4, of scales       128
 *
 * Each 16 bytes of codes hold a group of 32 values, byte i the values i and 16 + i,
 * the first in the low bits. Scales are of six bits less 32:
 * value = d * scale * table[code], by the table of IQ4_NL. */
#include "infer/quant/quant.h"

enum { LOWER = 4, CODES = 8 };

static void take(struct quant_block *out, const unsigned char *block)
{
    const unsigned upper = block[2] | (unsigned)block[3] << 8;

    out->d = block;
    for (unsigned g = 0; g < QUANT_BLOCK_MAX / 32; g++) {
        const unsigned low = (unsigned)block[LOWER + g / 2] >> g % 2 * 4 & 15;
        const unsigned char *from = block + CODES + g * 16;
        uint8_t *code = out->code + g * 32;
        out->scale[g] = (int8_t)((int)(low | (upper >> 2 * g & 3) << 4) - 32);
        for (size_t i = 0; i < 16; i++) {
            code[i] = from[i] & 15;
            code[16 + i] = from[i] >> 4;
        }
    }
}

static const struct quant quant = {
    .values = 256,
    .bytes = 136,
    .group = 32,
    .bits = 4,
    .coded = true,
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

const struct format format_iq4_xs = {
    .type = GGUF_IQ4_XS, .quant = &quant, .read = read, .kernel = kernel};
