/* q2_k - blocks of 256 weights of 2 bits, groups of 16 with minima.
 *
 *     scale and minimum of groups 0..15    codes     d     dmin
 *     16 bytes, the scale in the low bits  64        2     2
 *
 * Each 32 bytes of codes hold 128 values, byte i the values i, 32 + i, 64 + i and
 * 96 + i from its lowest bits to its highest. Groups are of 16 values:
 * value = d * scale * code - dmin * minimum. */
#include "infer/quant/quant.h"

enum { CODES = 16, D = 80, PART = 128 };

static void take_part(uint8_t *code, const unsigned char *from)
{
    for (size_t i = 0; i < PART / 4; i++) {
        code[i] = from[i] & 3;
        code[32 + i] = from[i] >> 2 & 3;
        code[64 + i] = from[i] >> 4 & 3;
        code[96 + i] = from[i] >> 6;
    }
}

static void take(struct quant_block *out, const unsigned char *block)
{
    for (size_t i = 0; i < QUANT_GROUPS; i++) {
        out->scale[i] = block[i] & 15;
        out->minimum[i] = block[i] >> 4;
    }
    for (size_t part = 0; part < 2; part++)
        take_part(out->code + part * PART, block + CODES + part * PART / 4);
    out->d = block + D;
    out->m = block + D + 2;
}

static const struct quant quant = {
    .values = 256,
    .bytes = 84,
    .group = 16,
    .bits = 2,
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

const struct format format_q2_k = {
    .type = GGUF_Q2_K, .quant = &quant, .read = read, .kernel = kernel};
