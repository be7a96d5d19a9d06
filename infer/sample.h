/* sample - the next token from its logits. */
#ifndef INFER_SAMPLE_H
#define INFER_SAMPLE_H

#include "infer/model.h"
#include "infer/ops.h"

/* The id with the largest logit, the lowest among equals; -1 when one is not finite. */
int32_t sample_greedy(const struct ops *ops, const float *logits, uint32_t count);

/* Token number step of a text. room holds count entries. */
struct sample_entry {
    float logit;
    int32_t id;
};
int32_t sample_draw(const struct ops *ops, const struct infer_sampling *sampling,
                    const float *logits, uint32_t count, uint64_t step,
                    struct sample_entry *room);

/* log sum exp of the logits, in double and in a fixed order. */
double sample_log_sum(const float *logits, uint32_t count);

#endif
