/* q6_k - blocks of 256 weights of 6 bits, groups of 16.
 *
 *     low four bits    upper two bits    scales              d
 *     128              64                16 signed bytes     2
 *
 * Each half of the block holds 128 values. Byte i of its 64 low bytes has the values
 * i and 64 + i, the first in the low bits; byte i of its 32 upper bytes the values
 * i, 32 + i, 64 + i and 96 + i. Groups are of 16: value = d * scale * (code - 32). */
#include "infer/quant/quant.h"

#include <string.h>

enum { UPPER = 128, SCALES = 192, D = 208, PART = 128 };

static void take_part(uint8_t *code, const unsigned char *low,
                      const unsigned char *upper)
{
    for (size_t i = 0; i < PART / 4; i++) {
        const unsigned a = low[i], b = low[PART / 4 + i], two = upper[i];
        code[i] = (uint8_t)((a & 15) | (two << 4 & 48));
        code[32 + i] = (uint8_t)((b & 15) | (two << 2 & 48));
        code[64 + i] = (uint8_t)(a >> 4 | (two & 48));
        code[96 + i] = (uint8_t)(b >> 4 | (two >> 2 & 48));
    }
}

static void take(struct quant_block *out, const unsigned char *block)
{
    for (size_t part = 0; part < 2; part++)
        take_part(out->code + part * PART, block + part * PART / 2,
                  block + UPPER + part * PART / 4);
    memcpy(out->scale, block + SCALES, sizeof out->scale);
    out->d = block + D;
}

static const struct quant quant = {
    .values = 256,
    .bytes = 210,
    .group = 16,
    .bits = 6,
    .offset = 32,
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

const struct format format_q6_k = {
    .type = GGUF_Q6_K, .quant = &quant, .read = read, .kernel = kernel};
