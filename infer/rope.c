/* rope - rotary position embedding (Su et al. 2021), with its ways of stretching.
 *
 * frequency[i] = base^(-2i / dims), then
 *
 *     linear    divided by the factor
 *     divisors  divided by a number of the file for each pair (Llama 3, LongRoPE)
 *     YaRN      pairs that turn often within the training's context keep their
 *               frequency, those that turn seldom are divided by the factor, a ramp
 *               in between (equations 17 to 23); the magnitude grows with the log
 *               of the factor
 *
 * Products and sums only, none of them fused: the bits do not depend on the CPU. */
#include "infer/rope.h"

#include <math.h>
#include <stdlib.h>

#include "infer/precise.h"

/* The pair that turns so many times within the training's context. */
static double pair_of(const struct rope *rope, const struct rope_stretch *s,
                      double turns)
{
    const double two_pi = 0x1.921fb54442d18p2;

    return rope->dims * precise_log(s->original / (turns * two_pi)) /
           (2 * precise_log(s->base));
}

/* How much of pair i is stretched: 0 not at all, 1 wholly. */
static double ramp(const struct rope *rope, const struct rope_stretch *s, uint32_t i)
{
    double low = floor(pair_of(rope, s, s->beta_fast));
    double high = ceil(pair_of(rope, s, s->beta_slow));

    low = low > 0 ? low : 0;
    high = high < rope->dims - 1 ? high : rope->dims - 1;
    double span = high - low > 0.001 ? high - low : 0.001;
    double part = (i - low) / span;
    return part < 0 ? 0 : part > 1 ? 1 : part;
}

int rope_open(struct rope *rope, const struct rope_stretch *s, struct infer_error *err)
{
    const uint32_t pairs = rope->dims / 2;
    double magnitude = s->magnitude;

    rope->frequency = calloc(pairs + 1, sizeof *rope->frequency);
    if (!rope->frequency)
        return infer_fail(err, INFER_ENOMEM, "no memory for %u frequencies", pairs);
    for (uint32_t i = 0; i < pairs; i++) {
        double frequency = precise_pow(s->base, -2.0 * i / rope->dims);
        double stretched = s->yarn ? ramp(rope, s, i) : 1;
        if (s->divisors)
            frequency /= (double)s->divisors[i];
        rope->frequency[i] =
            frequency / s->factor * stretched + frequency * (1 - stretched);
    }
    if (s->yarn && s->factor > 1)
        magnitude *= 1 + 0.1 * precise_log(s->factor);
    rope->magnitude = (float)magnitude;
    return 0;
}

void rope_close(struct rope *rope)
{
    free(rope->frequency);
    rope->frequency = NULL;
}

void rope_turns(const struct rope *rope, uint32_t position, float *turn)
{
    for (uint32_t i = 0; i < rope->dims / 2; i++) {
        double sine, cosine;
        precise_sincos(position * rope->frequency[i], &sine, &cosine);
        turn[2 * i] = (float)cosine * rope->magnitude;
        turn[2 * i + 1] = (float)sine * rope->magnitude;
    }
}

void rope_apply(const struct rope *rope, const float *turn, float *x)
{
    const uint32_t pairs = rope->dims / 2;
    const uint32_t next = rope->halves ? 1 : 2, partner = rope->halves ? pairs : 1;

    for (uint32_t i = 0; i < pairs; i++, x += next) {
        const float cosine = turn[2 * i], sine = turn[2 * i + 1];
        const float a = x[0], b = x[partner];
        x[0] = a * cosine - b * sine;
        x[partner] = a * sine + b * cosine;
    }
}
