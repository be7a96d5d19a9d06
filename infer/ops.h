/* ops - everything a forward pass does to rows of floats besides products.
 *
 * One struct of functions for each instruction set. All of them compute the same
 * bits: sums inside a row run in OPS_LANES virtual lanes (lane i takes the
 * elements i, i + 16, i + 32 ...) and are folded by one tree, 8 + 8, 4 + 4, 2 + 2,
 * 1 + 1; exp2 and the GELU are the polynomials below, evaluated by FMA in Horner's
 * order. Rows may have any length; nothing is read or written past their end,
 * except where padding is mentioned. */
#ifndef INFER_OPS_H
#define INFER_OPS_H

#include "infer/cpu.h"

enum {
    OPS_LANES = 16,
    OPS_BLOCK = 32 /* activations that share one scale */
};

struct f32_product; /* quant/f32.h */

struct ops {
    /* x = LayerNorm(x + (c + c_bias)) * weight + bias, population variance */
    void (*add_norm)(float *x, const float *c, const float *c_bias, const float *weight,
                     const float *bias, size_t n, float epsilon);
    /* x += bias */
    void (*add)(float *x, const float *bias, size_t n);
    /* x = gelu(x + bias), the erf form: v * (1 + erf(v / sqrt 2)) / 2 */
    void (*gelu)(float *x, const float *bias, size_t n);
    /* x = 2^((x - max) * factor), zeros from n up to the next multiple of 16;
     * returns the sum. exp() comes from a factor times log2(e). */
    float (*softmax)(float *x, size_t n, float factor);
    /* x *= factor */
    void (*scale)(float *x, float factor, size_t n);
    float (*sum_squares)(const float *x, size_t n);
    /* the largest, NaN when one is not finite */
    float (*largest)(const float *x, size_t n);
    /* out = x / sqrt(mean of the squares + epsilon) * weight */
    void (*rms_norm)(float *out, const float *x, const float *weight, size_t n,
                     float epsilon);
    /* gate = silu(gate) * up */
    void (*swiglu)(float *gate, const float *up, size_t n);
    /* gate = gelu(gate) * up, the tanh form */
    void (*geglu)(float *gate, const float *up, size_t n);
    /* x = cap * tanh(x * factor), which keeps x within +-cap */
    void (*soften)(float *x, float factor, float cap, size_t n);
    /* x += y * factor, the product rounded first */
    void (*add_scaled)(float *x, const float *y, float factor, size_t n);
    /* To IEEE halves, ties to even, within +-65504, and back. out holds n rounded up
     * to a multiple of 16; widen reads as many. */
    void (*halve)(uint16_t *out, const float *x, size_t n);
    void (*widen)(float *out, const uint16_t *x, size_t n);
    /* Blocks of 32 to integers within +-limit and one scale each, n a multiple
     * of 32. A block whose largest magnitude is below OPS_TINY becomes zeros with
     * scale 0; one with an infinity or a NaN zeros with scale NaN, which makes
     * every output of the row NaN. */
    void (*quantise)(int16_t *q, float *scale, const float *x, size_t n, int limit);
    /* The same within +-127, and 128 added. */
    void (*quantise_bytes)(uint8_t *q, float *scale, const float *x, size_t n);
    /* The exact sums of each 16 integers that these made, for formats with minima
     * (format_sums); of bytes, of what they mean. n is a multiple of 32. */
    void (*sums)(float *sum, const int16_t *q, size_t n);
    void (*sums_bytes)(float *sum, const uint8_t *q, size_t n);
    /* the float tile, for attention and similarity */
    void (*product)(const struct f32_product *product);
};

const struct ops *ops_for(enum infer_isa isa);

extern const struct ops ops_scalar, ops_avx2, ops_avx512;

#define OPS_TINY 0x1p-100f

/* 1.5 * 2^23: adding it rounds a float below 2^22 to the nearest integer, ties to
 * even, on every machine, and leaves the integer in the low bits. */
#define OPS_ROUND 0x1.8p23f

/* 2^r on [-1/2, 1/2], relative error 0.03 * 2^-24 before rounding. */
#define OPS_EXP2_DEGREE 6
#define OPS_EXP2                                                                \
    {                                                                           \
        0x1p0f, 0x1.62e430p-1f, 0x1.ebfbdcp-3f, 0x1.c6aee8p-5f, 0x1.3b2d4cp-7f, \
            0x1.5f3e54p-10f, 0x1.41fbbap-13f                                    \
    }
#define OPS_EXP2_LEAST -126.0f /* smaller arguments are taken as this */

/* log2 of the upper tail of the normal distribution, log2(erfc(a / sqrt 2) / 2),
 * on [0, 7]. gelu(x) = max(x, 0) - |x| * 2^tail(|x|) needs no division, keeps its
 * accuracy on both sides of zero and takes one polynomial for the whole range. */
#define OPS_TAIL_DEGREE 9
#define OPS_TAIL                                                                   \
    {                                                                              \
        -0x1p0f, -0x1.26aed2p0f, -0x1.d63bc4p-2f, -0x1.add3dep-5f, 0x1.ca4bb6p-8f, \
            -0x1.7d7d6ep-15f, -0x1.06c2a4p-12f, 0x1.0d7b18p-14f, -0x1.0480b2p-17f, \
            0x1.a2db6ep-22f                                                        \
    }
#define OPS_TAIL_MOST 7.0f

#define OPS_LOG2_E    0x1.715476p0f
#define OPS_HALF_MOST 65504.0f

/* gelu by tanh is x * sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)): the two factors. */
#define OPS_GELU_LINEAR 0x1.988454p0f
#define OPS_GELU_CUBIC  0x1.2444f2p-4f

#endif
