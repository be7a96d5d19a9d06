/* session - the memory of a run: repacked weights and one workspace a thread. */
#ifndef INFER_SESSION_H
#define INFER_SESSION_H

#include "infer/matmul.h"
#include "infer/ops.h"

struct session_layer {
    struct matrix q, k, v, o, up, down;
    float *q_bias, *k_bias, *v_bias, *o_bias, *up_bias, *down_bias;
    float *attn_norm, *attn_norm_bias, *out_norm, *out_norm_bias;
};

/* What one thread needs for one pass. Rows are padded to whole panels. */
struct workspace {
    float *x;        /* batch_tokens x x_stride: the hidden states */
    float *qkv;      /* batch_tokens x 3 x_stride: attention's operands and result */
    float *position; /* one row */
    float *c;        /* FORMAT_TILE_ROWS x c_stride: a product before its bias */
    float *inner;    /* FORMAT_TILE_ROWS x inner_stride: NULL unless floats are asked */
    int16_t *q;      /* FORMAT_TILE_ROWS x x_stride: integers, or bytes */
    float *scale;    /* FORMAT_TILE_ROWS x scale_stride */
    int16_t *inner_q; /* the same for the feed-forward's inner rows */
    float *inner_scale;
    float *scratch; /* attention's, similarity's */
};

struct infer_session {
    const struct infer_model *model;
    struct infer_options options; /* with nothing left to choose */
    const struct ops *ops;
    const struct format *token_format, *position_format;
    float *embd_norm, *embd_norm_bias, *token_type;
    struct session_layer *layer;
    struct workspace *workspace; /* one for each thread */
    size_t x_stride, c_stride, inner_stride, inner_q_stride, scratch_floats;
    int limit;    /* largest magnitude of a quantised activation */
    void *memory; /* everything above lies in it */
    size_t memory_bytes, weight_bytes;
};

#endif
