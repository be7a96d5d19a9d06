/* precise - logarithm, exponential, sine and cosine with the same bits everywhere.
 *
 * The C library chooses among its own by CPU, and they differ in the last bit. These
 * are polynomials in double, additions and multiplications in a fixed order, for
 * what is computed once a session or once a row: rotary angles, log-probabilities,
 * sampling. Errors are a few units of the last place of a double. */
#ifndef INFER_PRECISE_H
#define INFER_PRECISE_H

double precise_log(double x);           /* x positive and normal */
double precise_exp(double x);           /* below -708 zero, above 709 infinity */
double precise_pow(double x, double y); /* x positive */
void precise_sincos(double x, double *sine, double *cosine); /* |x| below 2^20 */

#endif
