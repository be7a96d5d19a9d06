/* quant_expand.avx2 - pieces of panels, expanded by AVX2. */
#include "infer/quant/lines_avx2.h"
#include "infer/quant/quant.h"

/* Sums of weights without a sign begin at the least number of 16 bits, two to an
 * output in each part of a group (quant.avx2.c); here they get back what that took. */
static int start_bias(const struct quant *quant)
{
    const size_t lines = quant->group / 4;
    return quant->minima ? (int)(lines / quant_part_lines(quant)) << 16 : 0;
}

#include "infer/quant/expand_vector.h"

void quant_expand_avx2(struct quant_piece *piece, const struct quant *quant,
                       const unsigned char *scales, const unsigned char *codes,
                       size_t depth, bool fours)
{
    expand(piece, quant, scales, codes, depth, fours);
}
