/* ops - the scalar reference: what every other instruction set must equal.
 *
 * Written for reading, with the lanes spelt out:
 *
 *     element   0  1  2 ... 15 | 16 17 ... 31 | 32 ...
 *     lane      0  1  2 ... 15 |  0  1 ... 15 |  0 ...
 *
 * A lane starts at +0, so that adding the zeros of a masked tail, which the vector
 * code does and this code does not, changes nothing. Comparisons are written
 * a > b ? a : b, which is what the vector maximum computes, NaN included. */
#include "infer/ops.h"

#include <math.h>
#include <string.h>

#include "infer/quant/f32.h"

const struct ops *ops_for(enum infer_isa isa)
{
    static const struct ops *const table[CPU_ISA_COUNT] = {
        [INFER_ISA_SCALAR] = &ops_scalar,
#ifdef __x86_64__
        [INFER_ISA_AVX2] = &ops_avx2,
        [INFER_ISA_AVXVNNI] = &ops_avx2,
        [INFER_ISA_AVX512] = &ops_avx512,
#endif
    };
    return table[isa];
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float fold_sum(float lane[OPS_LANES])
{
    for (size_t half = OPS_LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            lane[i] += lane[i + half];
    return lane[0];
}

static float fold_max(float lane[OPS_LANES])
{
    for (size_t half = OPS_LANES / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            lane[i] = lane[i] > lane[i + half] ? lane[i] : lane[i + half];
    return lane[0];
}

static float sum(const float *x, size_t n)
{
    float lane[OPS_LANES] = {0};

    for (size_t i = 0; i < n; i++)
        lane[i % OPS_LANES] += x[i];
    return fold_sum(lane);
}

static float sum_squares(const float *x, size_t n)
{
    float lane[OPS_LANES] = {0};

    for (size_t i = 0; i < n; i++)
        lane[i % OPS_LANES] = fmaf(x[i], x[i], lane[i % OPS_LANES]);
    return fold_sum(lane);
}

static float largest(const float *x, size_t n)
{
    float most = -INFINITY, nothing = 0;

    for (size_t i = 0; i < n; i++) {
        nothing = fmaf(x[i], 0, nothing);
        most = x[i] > most ? x[i] : most;
    }
    return most + nothing;
}

static void add_norm(float *x, const float *c, const float *c_bias, const float *weight,
                     const float *bias, size_t n, float epsilon)
{
    for (size_t i = 0; i < n; i++)
        x[i] += c[i] + c_bias[i];

    float mean = sum(x, n) / (float)n;
    for (size_t i = 0; i < n; i++)
        x[i] -= mean;

    float variance = sum_squares(x, n) / (float)n;
    float factor = 1.0f / sqrtf(variance + epsilon);
    for (size_t i = 0; i < n; i++)
        x[i] = fmaf(x[i] * factor, weight[i], bias[i]);
}

static void add(float *x, const float *bias, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += bias[i];
}

static float horner(const float *coefficient, size_t degree, float x)
{
    float value = coefficient[degree];

    while (degree-- > 0)
        value = fmaf(value, x, coefficient[degree]);
    return value;
}

static float exp2_of(float t)
{
    static const float coefficient[OPS_EXP2_DEGREE + 1] = OPS_EXP2;

    t = t > OPS_EXP2_LEAST ? t : OPS_EXP2_LEAST;
    float rounded = t + OPS_ROUND;
    float part = t - (rounded - OPS_ROUND);
    float value = horner(coefficient, OPS_EXP2_DEGREE, part);
    return float_of(bits_of(value) + (bits_of(rounded) << 23));
}

static float gelu_of(float x)
{
    static const float coefficient[OPS_TAIL_DEGREE + 1] = OPS_TAIL;

    float size = fabsf(x);
    float within = size < OPS_TAIL_MOST ? size : OPS_TAIL_MOST;
    float tail = exp2_of(horner(coefficient, OPS_TAIL_DEGREE, within));
    return fmaf(-size, tail, x > 0 ? x : 0);
}

static void gelu(float *x, const float *bias, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = gelu_of(x[i] + bias[i]);
}

static float softmax(float *x, size_t n, float factor)
{
    float lane[OPS_LANES];

    for (size_t i = 0; i < OPS_LANES; i++)
        lane[i] = -INFINITY;
    for (size_t i = 0; i < n; i++)
        lane[i % OPS_LANES] = lane[i % OPS_LANES] > x[i] ? lane[i % OPS_LANES] : x[i];
    float most = fold_max(lane);

    for (size_t i = 0; i < n; i++)
        x[i] = exp2_of((x[i] - most) * factor);
    for (size_t i = n; i % OPS_LANES != 0; i++)
        x[i] = 0;
    return sum(x, n);
}

static void scale(float *x, float factor, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= factor;
}

static void quantise_block(int16_t *q, float *factor, const float *x, int limit)
{
    uint32_t most = 0;

    for (size_t i = 0; i < OPS_BLOCK; i++) {
        uint32_t size = bits_of(x[i]) & 0x7fffffff;
        most = most > size ? most : size;
    }
    float magnitude = float_of(most);
    float inverse = magnitude < OPS_TINY ? 0 : (float)limit / magnitude;

    *factor = magnitude < OPS_TINY ? 0 : magnitude / (float)limit;
    if (most >= 0x7f800000) {
        *factor = NAN;
        memset(q, 0, OPS_BLOCK * sizeof *q);
        return;
    }
    for (size_t i = 0; i < OPS_BLOCK; i++)
        q[i] = (int16_t)(bits_of(x[i] * inverse + OPS_ROUND) - bits_of(OPS_ROUND));
}

static void quantise(int16_t *q, float *factor, const float *x, size_t n, int limit)
{
    for (size_t i = 0; i < n; i += OPS_BLOCK)
        quantise_block(q + i, factor + i / OPS_BLOCK, x + i, limit);
}

static void quantise_bytes(uint8_t *q, float *factor, const float *x, size_t n)
{
    int16_t block[OPS_BLOCK];

    for (size_t i = 0; i < n; i += OPS_BLOCK) {
        quantise_block(block, factor + i / OPS_BLOCK, x + i, 127);
        for (size_t j = 0; j < OPS_BLOCK; j++)
            q[i + j] = (uint8_t)(block[j] + 128);
    }
}

/* sigmoid(by) * x without overflow: both exponentials have arguments below zero. */
static float gated(float x, float by)
{
    float e = exp2_of(fabsf(by) * -OPS_LOG2_E);

    return x * ((signbit(by) ? e : 1.0f) / (1.0f + e));
}

static void rms_norm(float *out, const float *x, const float *weight, size_t n,
                     float epsilon)
{
    float factor = 1.0f / sqrtf(sum_squares(x, n) / (float)n + epsilon);

    for (size_t i = 0; i < n; i++)
        out[i] = x[i] * factor * weight[i];
}

static void swiglu(float *gate, const float *up, size_t n)
{
    for (size_t i = 0; i < n; i++)
        gate[i] = gated(gate[i], gate[i]) * up[i];
}

static void geglu(float *gate, const float *up, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float x = gate[i];
        gate[i] = gated(x, x * fmaf(x * x, OPS_GELU_CUBIC, OPS_GELU_LINEAR)) * up[i];
    }
}

static void soften(float *x, float factor, float cap, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float y = x[i] * factor;
        float e = exp2_of(fabsf(y) * (-2 * OPS_LOG2_E));
        x[i] = (1.0f - e) / (1.0f + e) * (signbit(y) ? -cap : cap);
    }
}

static void add_scaled(float *x, const float *y, float factor, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += y[i] * factor;
}

static uint16_t half_of(float x)
{
    x = OPS_HALF_MOST < x ? OPS_HALF_MOST : x;
    x = -OPS_HALF_MOST > x ? -OPS_HALF_MOST : x;
    uint32_t bits = bits_of(x), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;

    if (size > 0x7f800000)
        return (uint16_t)(sign | 0x7e00 | (size >> 13 & 0x3ff));
    if (size < 0x38800000) /* below 2^-14: a multiple of 2^-24 */
        return (uint16_t)(sign | (bits_of(fabsf(x) * 0x1p24f + OPS_ROUND) -
                                  bits_of(OPS_ROUND)));
    size += 0xfff + (size >> 13 & 1);
    return (uint16_t)(sign | ((size >> 13) - (112 << 10)));
}

static void halve(uint16_t *out, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = half_of(x[i]);
}

static void widen(float *out, const uint16_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = format_half(x + i);
}

static void sums(float *sum, const int16_t *q, size_t n)
{
    for (size_t i = 0; i < n; i += OPS_LANES) {
        int32_t all = 0;
        for (size_t j = 0; j < OPS_LANES; j++)
            all += q[i + j];
        sum[i / OPS_LANES] = (float)all;
    }
}

static void sums_bytes(float *sum, const uint8_t *q, size_t n)
{
    for (size_t i = 0; i < n; i += OPS_LANES) {
        int32_t all = -128 * OPS_LANES;
        for (size_t j = 0; j < OPS_LANES; j++)
            all += q[i + j];
        sum[i / OPS_LANES] = (float)all;
    }
}

const struct ops ops_scalar = {
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
    .product = f32_product_scalar,
};
