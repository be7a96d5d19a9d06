/* ops.avx2 - the row operations on AVX2's registers. */
#include "infer/lanes_avx2.h"
#include "infer/ops_vector.h"
#include "infer/quant/f32.h"

const struct ops ops_avx2 = {
    .add_norm = add_norm,
    .add = add,
    .gelu = gelu,
    .softmax = softmax,
    .scale = scale,
    .sum_squares = sum_squares,
    .largest = largest,
    .rms_norm = rms_norm,
    .swiglu = swiglu,
    .geglu = geglu,
    .soften = soften,
    .add_scaled = add_scaled,
    .halve = halve,
    .widen = widen,
    .quantise = quantise,
    .quantise_bytes = quantise_bytes,
    .sums = sums,
    .sums_bytes = sums_bytes,
    .product = f32_product_avx2,
};
