/* session - the memory of a run: repacked weights and workspaces. */
#ifndef INFER_SESSION_H
#define INFER_SESSION_H

#include "infer/arena.h"
#include "infer/matmul.h"
#include "infer/ops.h"

struct generator; /* generator.h */

struct session_layer {
    struct matrix q, k, v, o, gate, up, down;
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
    float *sum;      /* twice as many */
    float *gated;    /* FORMAT_TILE_ROWS x c_stride: what a gate is multiplied with */
    int16_t *inner_q; /* the same for the feed-forward's inner rows */
    float *inner_scale;
    float *inner_sum;
    float *scratch; /* attention's, similarity's */
};

struct infer_session {
    const struct infer_model *model;
    struct infer_options options; /* with nothing left to choose */
    const struct ops *ops;
    const struct format *token_format;
    struct generator *generator; /* of a language model, and then nothing below */
    const struct format *position_format;
    float *embd_norm, *embd_norm_bias, *token_type, *zeros;
    struct session_layer *layer;
    struct workspace *workspace; /* one for each thread */
    size_t x_stride, c_stride, inner_stride, inner_q_stride, scratch_floats;
    int limit;    /* largest magnitude of a quantised activation */
    void *memory; /* everything above lies in it */
    size_t memory_bytes, weight_bytes, kv_bytes;
    size_t tensor_bytes; /* of the largest matrix in the file */
};

/* ---- laying out, for both kinds of session ----------------------------------------
 */

int session_lay_encoder(struct infer_session *s, struct arena *arena,
                        struct infer_error *err);
int session_lay_decoder(struct infer_session *s, struct arena *arena,
                        struct infer_error *err);

/* A vector of the file as floats, zeros up to a multiple of 32. NULL: no tensor. */
int session_vector(float **out, struct arena *arena, const struct gguf_tensor *tensor,
                   struct infer_error *err);

/* A matrix of the file, repacked. */
int session_matrix(struct matrix *out, struct arena *arena, struct infer_session *s,
                   const struct gguf_tensor *tensor, struct infer_error *err);

/* Rows first to first + rows of a matrix, or of many that lie one below the other. */
struct gguf_tensor session_slice(const struct gguf_tensor *tensor, uint64_t first,
                                 uint64_t rows);

int session_reader(const struct format **out, const struct gguf_tensor *tensor,
                   struct infer_error *err);

/* Refuse a sequence that is empty, too long or holds an id that is none. */
int session_check(const struct infer_session *s, const struct infer_sequence *sequence,
                  size_t index, uint32_t longest, struct infer_error *err);

#endif
