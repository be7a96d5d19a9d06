/* quant - what the quantised formats share: how blocks become panels.
 *
 * Each format is one file, which draws its block and takes it apart; everything
 * after that knows a format only by the numbers of its struct quant. A weight is
 *
 *     value = d * scale[group] * weight - dmin * minimum[group]
 *
 * with weight a small integer, kept as a code of 2 to 6 bits. See quant.c for the
 * panel and for the order in which a product is computed. */
#ifndef INFER_QUANT_QUANT_H
#define INFER_QUANT_QUANT_H

#include "infer/quant/format.h"

enum {
    QUANT_STEP = 32, /* activations with one scale */
    QUANT_BLOCK_MAX = 256,
    QUANT_GROUP_MIN = 16,
    QUANT_GROUPS = QUANT_BLOCK_MAX / QUANT_GROUP_MIN,
    QUANT_PIECE = 512, /* values expanded at a time */
    QUANT_PIECE_GROUPS = QUANT_PIECE / QUANT_GROUP_MIN,
    QUANT_ROWS_MOST = 512,       /* whose sums a product keeps on the stack */
    QUANT_LINE = 4 * PANEL_ROWS, /* bytes: four weights of each row of a panel */
    QUANT_LINES = QUANT_STEP / 4 /* in a step */
};

/* One block of a file, taken apart. */
struct quant_block {
    uint8_t code[QUANT_BLOCK_MAX];
    int8_t scale[QUANT_GROUPS];    /* when the format has coded scales */
    uint8_t minimum[QUANT_GROUPS]; /* when it has minima beside them */
    const unsigned char *d, *m;    /* halves; m is NULL without minima */
};

struct quant {
    size_t values, bytes; /* of a block: 32 or 256 values */
    size_t group;         /* values that share a scale: 16 or 32 */
    unsigned bits;        /* of a code: 2 to 6 */
    int offset;           /* weight = code - offset */
    const int8_t *table;  /* weight = table[code] instead; 16 entries */
    bool coded;           /* groups have integer scales, d is the block's */
    bool minima;          /* value += m, or -= m * minimum when coded */
    void (*take)(struct quant_block *out, const unsigned char *block);
};

/* A part of a panel, at most 512 values deep, as the tiles want it. Formats without
 * minima leave minimum alone, and only fours have a start. */
struct quant_piece {
    int8_t line[QUANT_PIECE / 4][QUANT_LINE];
    float scale[QUANT_PIECE_GROUPS][PANEL_ROWS];   /* d, times the group's scale */
    float minimum[QUANT_PIECE_GROUPS][PANEL_ROWS]; /* what to add for each activation */
    int32_t start[QUANT_PIECE_GROUPS][PANEL_ROWS]; /* of the integer sum of a group */
} __attribute__((aligned(64)));

/* Bytes of scales for each block of the file, of codes for each step of 32. */
size_t quant_scale_bytes(const struct quant *quant);
size_t quant_code_bytes(const struct quant *quant);
/* Lines of fours whose products with bytes may be added in 16 bits. */
size_t quant_part_lines(const struct quant *quant);

/* How much of depth the piece from value k on covers. */
size_t quant_piece_depth(size_t depth, size_t k);

/* Scales and codes of a panel of the product from value k on. */
const unsigned char *quant_scales(const struct product *p, size_t panel, size_t k);
const unsigned char *quant_codes(const struct product *p, size_t panel, size_t k);

void quant_read(const struct quant *quant, float *out, const void *row, size_t count);
const struct kernel *quant_kernel(const struct quant *quant,
                                  const struct infer_options *options);

/* The order of minima and scales in six bits that Q4_K and Q5_K share. */
void quant_take_six_bits(struct quant_block *out, const unsigned char *packed);

/* depth values become a piece, in pairs or in fours with their start. */
void quant_expand_avx2(struct quant_piece *piece, const struct quant *quant,
                       const unsigned char *scales, const unsigned char *codes,
                       size_t depth, bool fours);
void quant_expand_avx512(struct quant_piece *piece, const struct quant *quant,
                         const unsigned char *scales, const unsigned char *codes,
                         size_t depth, bool fours);

void quant_multiply_scalar(const struct product *p);

/* Of 16-bit activations, and of bytes. */
void quant_multiply_avx2(const struct product *p);
void quant_multiply_bytes_avx2(const struct product *p);
void quant_multiply_avx512(const struct product *p);
void quant_multiply_bytes_avx512(const struct product *p);

/* The weights of IQ4_NL and IQ4_XS. */
extern const int8_t quant_iq4[16];

extern const struct format format_q4_0, format_q4_1, format_q5_0, format_q5_1,
    format_q2_k, format_q3_k, format_q4_k, format_q5_k, format_q6_k, format_iq4_nl,
    format_iq4_xs;

#endif
