/* experts - a feed-forward of many experts of which each token uses a few. */
#ifndef INFER_EXPERTS_H
#define INFER_EXPERTS_H

#include "infer/generator.h"

/* score holds the router's output of one token, d->experts of it, and is used up;
 * bias may be NULL. chosen and weight receive d->experts_used entries, the likeliest
 * first and the lower number among equals. */
void experts_choose(const struct decoder_model *d, const struct ops *ops, float *score,
                    const float *bias, uint32_t *chosen, float *weight);

/* Expert e on every row that chose it; a row's output goes to the place of the choice
 * in expert_out. The work of one thread. */
void experts_run(const struct generator *g, struct generator_thread *t,
                 const struct experts *experts, uint32_t e, size_t rows);

/* c of one row becomes the weighted sum of its experts' outputs, in the order of the
 * choices; c itself is added last when it holds what shared experts said. */
void experts_mix(const struct generator *g, size_t row, bool shared);

#endif
