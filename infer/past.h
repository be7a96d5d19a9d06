/* past - what some rows of one sequence see of one head, as floats. */
#ifndef INFER_PAST_H
#define INFER_PAST_H

#include "infer/generator.h"

struct past {
    const struct kv *kv;
    uint32_t layer, head;
    float *keys, *values; /* past_tokens() of them */
    uint32_t window;      /* 0: everything is seen */
};

/* Tokens that keys and values have to hold for contexts of so many. */
size_t past_tokens(uint32_t context);

/* Load what the first count tokens of a piece see, of which the first to be computed
 * stands at position. Returns the position of the first key loaded. Of a tree, what
 * stands behind the prompt waits elsewhere until a node is followed. */
uint32_t past_load(const struct past *past, const struct pass_piece *piece,
                   uint32_t position, uint32_t count);

/* Put the way from the roots to node first + index behind the prompt. */
void past_follow(const struct past *past, const struct pass_piece *piece,
                 uint32_t index);

#endif
