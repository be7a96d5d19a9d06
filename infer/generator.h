/* generator - the session of a language model: weights, cache, one pass's rows.
 *
 * A pass takes pieces of many sequences, one below the other as rows, without
 * padding; row r belongs to one token of one sequence at one position. All threads
 * work on one pass: they share out rows, panels of weights and heads, and meet after
 * each step. No number depends on which of them computed it. */
#ifndef INFER_GENERATOR_H
#define INFER_GENERATOR_H

#include "infer/decoder.h"
#include "infer/kv.h"
#include "infer/low_rank.h"
#include "infer/operand.h"
#include "infer/session.h"

enum {
    GENERATOR_HEAD_ROWS = 32,    /* rows whose logits are computed together */
    GENERATOR_QUERIES = 28,      /* queries whose scores are held at a time */
    GENERATOR_EXPERT_ROWS = 56,  /* rows an expert sees at a time */
    GENERATOR_TREE_NODES = 1024, /* of a tree behind one prompt, in the cache */
    GENERATOR_TREE_DEPTH = 112
};

struct experts { /* a feed-forward of experts; gate, up and down of each */
    struct matrix *gate, *up, *down;
};

struct latent { /* queries and keys through a bottleneck (DeepSeek-V2) */
    struct matrix q_a, q_b, kv_a, *k_b, *v_b; /* k_b and v_b of each head */
    float *q_a_norm, *kv_a_norm;
};

struct generator_layer {
    struct matrix q, k, v, o, gate, up, down, router;
    struct matrix shared_gate, shared_up, shared_down;
    struct experts experts;
    struct latent latent;
    float *attn_norm, *q_norm, *k_norm, *post_attn_norm, *ffn_norm, *post_ffn_norm;
    float *q_bias, *k_bias, *v_bias, *o_bias, *router_bias;
};

struct generator_thread { /* what one thread needs for itself */
    float *row;           /* one row on its way into an operand */
    float *keys, *values; /* of one head, as floats */
    float *scores, *out;  /* of GENERATOR_QUERIES queries, or of a group of heads */
    float *kv_room;
    struct low_rank_room low_rank;
    uint32_t *expert_row;                      /* rows that chose an expert, and */
    uint32_t *expert_place;                    /* as which of their choices */
    struct operand expert_in, expert_inner;    /* GENERATOR_EXPERT_ROWS rows */
    float *expert_gate, *expert_up, *expert_c; /* likewise */
};

struct generator {
    const struct decoder_model *model;
    const struct ops *ops;
    struct generator_layer *layer;
    struct generator_thread *thread;
    struct matrix head;
    float *output_norm;
    struct kv kv;
    struct kv_sequence prefix; /* what the last prompts began with */
    int32_t *prefix_id;

    /* rows of a pass, batch_tokens of them */
    /* of each row: where it stands, where its key is kept, whose it is */
    uint32_t *position, *slot, *piece;
    uint32_t *block_piece, *block_row; /* attention's work: up to GENERATOR_QUERIES */
    float *x;                          /* the stream: width_stride floats */
    float *qkv;                        /* queries, keys, values: qkv_stride */
    float *latent_q;                   /* queries that meet the latent keys */
    float *attended, *latent_out;      /* what attention found */
    float *c;                          /* what joins the stream: width_stride */
    float *gate, *up;                  /* ffn_stride */
    float *turns, *window_turns;       /* rotary sines and cosines */
    struct operand in, query, plain, found, out, inner, shared_inner;
    float *router, *chosen_weight, *expert_out;
    uint32_t *chosen; /* experts_used of each row */
    float *logits;    /* GENERATOR_HEAD_ROWS x vocabulary_stride */

    size_t width_stride, qkv_stride, key_at, value_at; /* key_at: floats in a row */
    size_t query_step, latent_step;                    /* from head to head of a row */
    size_t latent_q_stride, attended_stride, latent_out_stride, ffn_stride;
    size_t router_stride, vocabulary_stride, score_stride, out_stride;
};

struct pass_piece {         /* the next tokens of one sequence */
    struct kv_sequence *kv; /* room is reserved */
    const int32_t *id;      /* the tokens computed now */
    const int32_t *parent;  /* NULL: each token follows the one before. Otherwise node
                               i of a tree follows node parent[i], or the prompt */
    uint32_t first, count;  /* id[0] is token, or node, number first */
    uint32_t position;      /* of token number 0; of a tree, of its roots */
    uint32_t row;           /* set by the pass */
};

/* Compute the rows of all pieces, at most batch_tokens of them, and keep their keys
 * and values; what leaves the last layer stays in x. */
void decoder_forward(struct infer_session *s, struct pass_piece *piece, size_t count);

/* The logits of at most GENERATOR_HEAD_ROWS rows of the last pass, to
 * generator->logits, vocabulary_stride apart. */
void decoder_logits(struct infer_session *s, const uint32_t *row, size_t count);

/* ---- attention over the cache -----------------------------------------------------
 */

struct cached_attention {
    const struct ops *ops;
    const float *keys, *values; /* from the key at position first on */
    uint32_t first;             /* a multiple of KV_PAGE_TOKENS */
    size_t key_size, value_size;
    const float *q;
    float *out;
    size_t q_stride, out_stride, rows;
    uint32_t position, step; /* row i stands at position + i * step */
    uint32_t window;         /* 0: all keys up to its own */
    float scale, cap;
    float *scores, *room; /* rows x score_stride, rows x room_stride */
    size_t score_stride, room_stride;
};

/* out = softmax(scale q kT) v, each row over the keys up to its own position. */
void attention_cached(const struct cached_attention *a);

#endif
