/* rope - rotary position embedding (Su et al. 2021), with its ways of stretching.
 *
 * Dimension pair i of a head turns by position x frequency[i]. The frequencies are
 * fixed when a model is read, in double and without the C library's powers, so that
 * they are the same on every machine; an angle is rounded to float only as its sine
 * and cosine. */
#ifndef INFER_ROPE_H
#define INFER_ROPE_H

#include "infer/model.h"

enum { ROPE_PAIRS_MAX = 512 };

struct rope {
    uint32_t dims;     /* of a head that turn; the others stay */
    bool halves;       /* pairs are (i, i + dims / 2); otherwise (2i, 2i + 1) */
    float magnitude;   /* sines and cosines are multiplied by it */
    double *frequency; /* dims / 2, radians a position */
};

struct rope_stretch {
    double base;
    double factor;   /* of linear stretching and YaRN; 1: none */
    bool yarn;       /* YaRN (Peng et al. 2023) */
    double original; /* YaRN: context of the training */
    double beta_fast, beta_slow;
    double magnitude;      /* given by the file */
    const float *divisors; /* dims / 2, or NULL */
};

/* dims and halves are set; 0 or INFER_ENOMEM. */
int rope_open(struct rope *rope, const struct rope_stretch *stretch,
              struct infer_error *err);
void rope_close(struct rope *rope); /* a zeroed one is allowed */

/* Sines and cosines of one position: turn[2i] is the cosine, turn[2i + 1] the sine. */
void rope_turns(const struct rope *rope, uint32_t position, float *turn);

/* Turn the first dims of x. */
void rope_apply(const struct rope *rope, const float *turn, float *x);

#endif
