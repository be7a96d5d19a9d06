/* precise - logarithm, exponential, sine and cosine with the same bits everywhere.
 *
 * The argument is reduced to a small interval exactly, or nearly so, and a series
 * does the rest:
 *
 *     log   x = m 2^e, m within sqrt(2) of 1;  2 artanh((m - 1) / (m + 1))
 *     exp   x = k log 2 + r, |r| <= log(2) / 2
 *     sin   x = k pi / 2 + r, |r| <= pi / 4; pi / 2 in three parts, of which the
 *           first two have so few bits that k times them is exact (Cody and Waite)
 *
 * frexp, ldexp and nearbyint are exact and thus the same everywhere. */
#include "infer/precise.h"

#include <math.h>

static const double log2_high = 0x1.62e42feep-1, log2_low = 0x1.a39ef35793c76p-33;
static const double half_pi[3] = {0x1.921fb544p0, 0x1.0b4611a6p-34,
                                  0x1.3198a2e037073p-69};

double precise_log(double x)
{
    int exponent;
    double m = frexp(x, &exponent), s, square, sum = 0;

    if (m < 0x1.6a09e667f3bcdp-1) {
        m *= 2;
        exponent--;
    }
    s = (m - 1) / (m + 1);
    square = s * s;
    for (int i = 25; i >= 1; i -= 2)
        sum = sum * square + 1.0 / i;
    return exponent * log2_high + (2 * s * sum + exponent * log2_low);
}

double precise_exp(double x)
{
    double k, r, sum = 1;

    if (x < -708)
        return 0;
    if (x > 709)
        return INFINITY;
    k = nearbyint(x * 0x1.71547652b82fep0);
    r = (x - k * log2_high) - k * log2_low;
    for (int i = 14; i >= 1; i--)
        sum = 1 + sum * r / i;
    return ldexp(sum, (int)k);
}

double precise_pow(double x, double y)
{
    return precise_exp(y * precise_log(x));
}

/* The series of the sine from its first term, or of the cosine from its zeroth. */
static double series(double square, int first)
{
    double sum = 1;

    for (int i = first + 18; i > first; i -= 2)
        sum = 1 - sum * square / ((i - 1) * i);
    return sum;
}

void precise_sincos(double x, double *sine, double *cosine)
{
    const double k = nearbyint(x * 0x1.45f306dc9c883p-1);
    const double r = ((x - k * half_pi[0]) - k * half_pi[1]) - k * half_pi[2];
    const double s = r * series(r * r, 1), c = series(r * r, 0);

    switch ((int)k & 3) {
    case 0:
        *sine = s;
        *cosine = c;
        break;
    case 1:
        *sine = c;
        *cosine = -s;
        break;
    case 2:
        *sine = -s;
        *cosine = -c;
        break;
    default:
        *sine = -c;
        *cosine = s;
    }
}
