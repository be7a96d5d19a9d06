/* ops_vector - the row operations of ops.h on sixteen lanes at a time.
 *
 * Included once by ops.avx2.c and once by ops.avx512.c, after the header that says
 * what sixteen lanes are there; ops.c is the same in scalar code and explains the
 * order of operations. */
#include <math.h>
#include <string.h>

#include "infer/ops.h"

SIMD_INLINE size_t left_of(size_t n, size_t i)
{
    return n - i < OPS_LANES ? n - i : OPS_LANES;
}

SIMD_INLINE struct lanes load_at(const float *x, size_t i, size_t n)
{
    return n - i >= OPS_LANES ? lanes_load(x + i) : lanes_load_part(x + i, n - i);
}

SIMD_INLINE void store_at(float *x, size_t i, size_t n, struct lanes a)
{
    if (n - i >= OPS_LANES)
        lanes_store(x + i, a);
    else
        lanes_store_part(x + i, a, n - i);
}

SIMD_INLINE float fold_sum(struct lanes a)
{
    __m256 eight = _mm256_add_ps(lanes_lower(a), lanes_upper(a));
    __m128 four =
        _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

SIMD_INLINE float fold_max(struct lanes a)
{
    __m256 eight = _mm256_max_ps(lanes_lower(a), lanes_upper(a));
    __m128 four =
        _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

SIMD_INLINE struct lanes horner(const float *coefficient, int degree, struct lanes x)
{
    struct lanes value = lanes_set(coefficient[degree]);

    SIMD_UNROLL
    for (int i = degree - 1; i >= 0; i--)
        value = lanes_fma(value, x, lanes_set(coefficient[i]));
    return value;
}

SIMD_INLINE struct lanes exp2_of(struct lanes t)
{
    static const float coefficient[OPS_EXP2_DEGREE + 1] = OPS_EXP2;

    t = lanes_max(t, lanes_set(OPS_EXP2_LEAST));
    struct lanes rounded = lanes_add(t, lanes_set(OPS_ROUND));
    struct lanes part = lanes_sub(t, lanes_sub(rounded, lanes_set(OPS_ROUND)));
    return lanes_shift_exponent(horner(coefficient, OPS_EXP2_DEGREE, part), rounded);
}

SIMD_INLINE struct lanes gelu_of(struct lanes x)
{
    static const float coefficient[OPS_TAIL_DEGREE + 1] = OPS_TAIL;

    struct lanes size = lanes_abs(x);
    struct lanes within = lanes_min(size, lanes_set(OPS_TAIL_MOST));
    struct lanes tail = exp2_of(horner(coefficient, OPS_TAIL_DEGREE, within));
    return lanes_fnma(size, tail, lanes_max(x, lanes_set(0)));
}

static void add_norm(float *x, const float *c, const float *c_bias, const float *weight,
                     const float *bias, size_t n, float epsilon)
{
    struct lanes total = lanes_set(0), squares = lanes_set(0);

    for (size_t i = 0; i < n; i += OPS_LANES) {
        struct lanes more = lanes_add(load_at(c, i, n), load_at(c_bias, i, n));
        struct lanes value = lanes_add(load_at(x, i, n), more);
        total = lanes_add(total, value);
        store_at(x, i, n, value);
    }
    const struct lanes mean = lanes_set(fold_sum(total) / (float)n);
    for (size_t i = 0; i < n; i += OPS_LANES) {
        struct lanes value = lanes_sub(load_at(x, i, n), mean);
        value = lanes_part(value, lanes_set(0), left_of(n, i));
        squares = lanes_fma(value, value, squares);
        store_at(x, i, n, value);
    }
    const float variance = fold_sum(squares) / (float)n;
    const struct lanes factor = lanes_set(1.0f / sqrtf(variance + epsilon));
    for (size_t i = 0; i < n; i += OPS_LANES) {
        struct lanes value = lanes_mul(load_at(x, i, n), factor);
        store_at(x, i, n, lanes_fma(value, load_at(weight, i, n), load_at(bias, i, n)));
    }
}

static void add(float *x, const float *bias, size_t n)
{
    for (size_t i = 0; i < n; i += OPS_LANES)
        store_at(x, i, n, lanes_add(load_at(x, i, n), load_at(bias, i, n)));
}

static void gelu(float *x, const float *bias, size_t n)
{
    for (size_t i = 0; i < n; i += OPS_LANES)
        store_at(x, i, n, gelu_of(lanes_add(load_at(x, i, n), load_at(bias, i, n))));
}

static float softmax(float *x, size_t n, float factor)
{
    const struct lanes least = lanes_set(-INFINITY), times = lanes_set(factor);
    struct lanes most = least, total = lanes_set(0);

    for (size_t i = 0; i < n; i += OPS_LANES)
        most = lanes_max(most, lanes_part(load_at(x, i, n), least, left_of(n, i)));
    most = lanes_set(fold_max(most));
    for (size_t i = 0; i < n; i += OPS_LANES) {
        struct lanes value =
            exp2_of(lanes_mul(lanes_sub(lanes_load(x + i), most), times));
        value = lanes_part(value, lanes_set(0), left_of(n, i));
        total = lanes_add(total, value);
        lanes_store(x + i, value);
    }
    return fold_sum(total);
}

static void scale(float *x, float factor, size_t n)
{
    for (size_t i = 0; i < n; i += OPS_LANES)
        store_at(x, i, n, lanes_mul(load_at(x, i, n), lanes_set(factor)));
}

static float sum_squares(const float *x, size_t n)
{
    struct lanes squares = lanes_set(0);

    for (size_t i = 0; i < n; i += OPS_LANES) {
        struct lanes value = load_at(x, i, n);
        squares = lanes_fma(value, value, squares);
    }
    return fold_sum(squares);
}

/* Finite numbers times zero add up to nothing, which makes no zero negative. */
static float largest(const float *x, size_t n)
{
    const struct lanes least = lanes_set(-INFINITY), zero = lanes_set(0);
    struct lanes most = least, nothing = zero;

    for (size_t i = 0; i < n; i += OPS_LANES) {
        const struct lanes value = load_at(x, i, n);
        nothing = lanes_fma(value, zero, nothing);
        most = lanes_max(most, lanes_part(value, least, left_of(n, i)));
    }
    return fold_max(most) + fold_sum(nothing);
}

SIMD_INLINE float fold_max_bits(struct lanes a)
{
    __m256i eight = _mm256_max_epi32(_mm256_castps_si256(lanes_lower(a)),
                                     _mm256_castps_si256(lanes_upper(a)));
    __m128i four = _mm_max_epi32(_mm256_castsi256_si128(eight),
                                 _mm256_extracti128_si256(eight, 1));
    __m128i two = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    __m128i one = _mm_max_epi32(two, _mm_shuffle_epi32(two, 0xb1));
    return _mm_cvtss_f32(_mm_castsi128_ps(one));
}

/* The scale of a block; what its values are to be multiplied by goes to inverse. A
 * block that is not finite has the inverse 0 and has to be emptied: 0 times an
 * infinity is no zero. */
SIMD_INLINE float block_scale(struct lanes a, struct lanes b, int limit, float *inverse)
{
    const float most = fold_max_bits(lanes_max_bits(lanes_abs(a), lanes_abs(b)));

    *inverse = most < OPS_TINY || !(most < INFINITY) ? 0 : (float)limit / most;
    if (!(most < INFINITY))
        return NAN;
    return most < OPS_TINY ? 0 : most / (float)limit;
}

static void quantise(int16_t *q, float *factor, const float *x, size_t n, int limit)
{
    for (size_t i = 0; i < n; i += OPS_BLOCK) {
        const struct lanes a = lanes_load(x + i), b = lanes_load(x + i + OPS_LANES);
        float inverse, scale_of = block_scale(a, b, limit, &inverse);
        const struct lanes times = lanes_set(inverse);
        factor[i / OPS_BLOCK] = scale_of;
        if (isnan(scale_of))
            memset(q + i, 0, OPS_BLOCK * sizeof *q);
        else
            lanes_store_int16(q + i, lanes_mul(a, times), lanes_mul(b, times));
    }
}

static void quantise_bytes(uint8_t *q, float *factor, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i += OPS_BLOCK) {
        const struct lanes a = lanes_load(x + i), b = lanes_load(x + i + OPS_LANES);
        float inverse, scale_of = block_scale(a, b, 127, &inverse);
        const struct lanes times = lanes_set(inverse);
        factor[i / OPS_BLOCK] = scale_of;
        if (isnan(scale_of))
            memset(q + i, 128, OPS_BLOCK * sizeof *q);
        else
            lanes_store_bytes(q + i, lanes_mul(a, times), lanes_mul(b, times));
    }
}

/* ---- gates and norms of decoders --------------------------------------------------
 */

SIMD_INLINE struct lanes sigmoid_of(struct lanes by)
{
    struct lanes e = exp2_of(lanes_mul(lanes_abs(by), lanes_set(-OPS_LOG2_E)));

    return lanes_div(lanes_by_sign(by, e, lanes_set(1)), lanes_add(lanes_set(1), e));
}

static void rms_norm(float *out, const float *x, const float *weight, size_t n,
                     float epsilon)
{
    const float factor = 1.0f / sqrtf(sum_squares(x, n) / (float)n + epsilon);

    for (size_t i = 0; i < n; i += OPS_LANES) {
        struct lanes value = lanes_mul(load_at(x, i, n), lanes_set(factor));
        store_at(out, i, n, lanes_mul(value, load_at(weight, i, n)));
    }
}

static void swiglu(float *gate, const float *up, size_t n)
{
    for (size_t i = 0; i < n; i += OPS_LANES) {
        struct lanes x = load_at(gate, i, n);
        x = lanes_mul(x, sigmoid_of(x));
        store_at(gate, i, n, lanes_mul(x, load_at(up, i, n)));
    }
}

static void geglu(float *gate, const float *up, size_t n)
{
    const struct lanes cubic = lanes_set(OPS_GELU_CUBIC);
    const struct lanes linear = lanes_set(OPS_GELU_LINEAR);

    for (size_t i = 0; i < n; i += OPS_LANES) {
        struct lanes x = load_at(gate, i, n);
        struct lanes by = lanes_mul(x, lanes_fma(lanes_mul(x, x), cubic, linear));
        x = lanes_mul(x, sigmoid_of(by));
        store_at(gate, i, n, lanes_mul(x, load_at(up, i, n)));
    }
}

static void soften(float *x, float factor, float cap, size_t n)
{
    const struct lanes one = lanes_set(1), most = lanes_set(cap);

    for (size_t i = 0; i < n; i += OPS_LANES) {
        struct lanes y = lanes_mul(load_at(x, i, n), lanes_set(factor));
        struct lanes e = exp2_of(lanes_mul(lanes_abs(y), lanes_set(-2 * OPS_LOG2_E)));
        struct lanes part = lanes_div(lanes_sub(one, e), lanes_add(one, e));
        store_at(x, i, n, lanes_mul(part, lanes_by_sign(y, lanes_set(-cap), most)));
    }
}

static void add_scaled(float *x, const float *y, float factor, size_t n)
{
    for (size_t i = 0; i < n; i += OPS_LANES) {
        struct lanes more = lanes_mul(load_at(y, i, n), lanes_set(factor));
        store_at(x, i, n, lanes_add(load_at(x, i, n), more));
    }
}

static void halve(uint16_t *out, const float *x, size_t n)
{
    const struct lanes most = lanes_set(OPS_HALF_MOST);
    const struct lanes least = lanes_set(-OPS_HALF_MOST);

    for (size_t i = 0; i < n; i += OPS_LANES)
        lanes_store_halves(out + i,
                           lanes_max(least, lanes_min(most, load_at(x, i, n))));
}

static void widen(float *out, const uint16_t *x, size_t n)
{
    for (size_t i = 0; i < n; i += OPS_LANES)
        store_at(out, i, n, lanes_load_halves(x + i));
}

static void sums(float *sum, const int16_t *q, size_t n)
{
    for (size_t i = 0; i < n; i += OPS_LANES) {
        const __m256i all = _mm256_loadu_si256((const __m256i *)(const void *)(q + i));
        const __m256i eight = _mm256_madd_epi16(all, _mm256_set1_epi16(1));
        const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight),
                                           _mm256_extracti128_si256(eight, 1));
        const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
        const __m128i one = _mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1));
        sum[i / OPS_LANES] = (float)_mm_cvtsi128_si32(one);
    }
}

static void sums_bytes(float *sum, const uint8_t *q, size_t n)
{
    for (size_t i = 0; i < n; i += OPS_LANES) {
        const __m128i all = _mm_loadu_si128((const __m128i *)(const void *)(q + i));
        const __m128i two = _mm_sad_epu8(all, _mm_setzero_si128());
        const __m128i one = _mm_add_epi32(two, _mm_shuffle_epi32(two, 0x4e));
        sum[i / OPS_LANES] = (float)(_mm_cvtsi128_si32(one) - 128 * OPS_LANES);
    }
}
