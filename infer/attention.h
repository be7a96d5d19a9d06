/* attention - one head of one sequence, every token seeing every token. */
#ifndef INFER_ATTENTION_H
#define INFER_ATTENTION_H

#include "infer/ops.h"

enum { ATTENTION_QUERIES = 84 }; /* queries whose scores are held at a time */

struct attention {
    const struct ops *ops;
    float *q;           /* tokens rows of head_size; the result replaces them */
    const float *k, *v; /* likewise */
    size_t stride;      /* floats from one row to the next, of q, k and v */
    size_t tokens, head_size;
    float *scratch; /* attention_scratch(tokens, head_size) floats */
};

size_t attention_scratch(size_t tokens, size_t head_size);

/* q = softmax(q kT / sqrt(head_size)) v. Rows of v are read, not used, up to a
 * multiple of 16 columns. */
void attention_run(const struct attention *a);

#endif
