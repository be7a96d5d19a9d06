/* q3_k - blocks of 256 weights of 3 bits, groups of 16.
 *
 *     third bits    codes    scales    d
 *     32            64       12        2
 *
 * Codes lie as in Q2_K. Bit j of byte i of the third bits belongs to value 32 j + i.
 * The weight is the code of three bits less 4, the scale is of six bits less 32: its
 * lower four bits are the low half of byte i (groups 0..7) or the upper half of byte
 * i - 8 (groups 8..15), its upper two are in byte 8 + i % 4, at bit i / 4 * 2. */
#include "infer/quant/quant.h"

enum { CODES = 32, SCALES = 96, D = 108, PART = 128 };

static void take_part(uint8_t *code, const unsigned char *from,
                      const unsigned char *third, unsigned bit)
{
    for (size_t i = 0; i < PART / 4; i++) {
        const unsigned two = from[i], bits = (unsigned)third[i] >> bit;
        code[i] = (uint8_t)((two & 3) | (bits << 2 & 4));
        code[32 + i] = (uint8_t)((two >> 2 & 3) | (bits << 1 & 4));
        code[64 + i] = (uint8_t)((two >> 4 & 3) | (bits & 4));
        code[96 + i] = (uint8_t)(two >> 6 | (bits >> 1 & 4));
    }
}

static void take(struct quant_block *out, const unsigned char *block)
{
    const unsigned char *packed = block + SCALES;

    for (size_t i = 0; i < QUANT_GROUPS; i++) {
        const int low = i < 8 ? packed[i] & 15 : packed[i - 8] >> 4;
        const int high = packed[8 + i % 4] >> i / 4 * 2 & 3;
        out->scale[i] = (int8_t)((low | high << 4) - 32);
    }
    for (unsigned part = 0; part < 2; part++)
        take_part(out->code + part * PART, block + CODES + part * PART / 4, block,
                  4 * part);
    out->d = block + D;
}

static const struct quant quant = {
    .values = 256,
    .bytes = 110,
    .group = 16,
    .bits = 3,
    .offset = 4,
    .coded = true,
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

const struct format format_q3_k = {
    .type = GGUF_Q3_K, .quant = &quant, .read = read, .kernel = kernel};
