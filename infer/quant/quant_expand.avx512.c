/* quant_expand.avx512 - pieces of panels, expanded by AVX-512. */
#include "infer/quant/lines_avx512.h"
#include "infer/quant/quant.h"

static int start_bias(const struct quant *quant)
{
    (void)quant;
    return 0;
}

#include "infer/quant/expand_vector.h"

void quant_expand_avx512(struct quant_piece *piece, const struct quant *quant,
                         const unsigned char *scales, const unsigned char *codes,
                         size_t depth, bool fours)
{
    expand(piece, quant, scales, codes, depth, fours);
}
