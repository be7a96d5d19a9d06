/* schedule - many sequences through one model, each as fast as there is room.
 *
 * A strand is a place for one sequence in flight. Whoever has sequences to compute
 * says in a struct work how a free strand is filled, what becomes of logits, and what
 * a strand that has run out of tokens does next. Passes are made of what all strands
 * have ready: one token of those that generate, a piece of those that still read. */
#ifndef INFER_SCHEDULE_H
#define INFER_SCHEDULE_H

#include "infer/generator.h"

struct strand {
    struct kv_sequence kv;
    size_t index;          /* whose it is, for the work */
    const int32_t *id;     /* what is to be computed: a run of tokens, */
    const int32_t *parent; /* or a tree of them (pass_piece) */
    uint32_t base;         /* id[0] is token number base of the run */
    uint32_t count, fed;   /* tokens in all, base included; those done */
    uint32_t position;     /* of a tree's roots; 0 of a run */
    uint32_t wanted;       /* logits are wanted from this token on */
    uint32_t reserve;      /* tokens it may come to, nodes of trees included */
    bool busy;
    int32_t own; /* room of the work, for a token of its own */
};

struct work {
    void *context;
    /* Fill an idle strand: index, id, count, wanted, reserve. False: nothing is left.
     */
    bool (*start)(void *context, struct strand *strand);
    /* The logits after token; ascending within a strand. */
    void (*logits)(void *context, struct strand *strand, uint32_t token,
                   const float *logits);
    /* Everything was fed: set what comes next, or return false to be done. */
    bool (*more)(void *context, struct strand *strand);
};

/* Sequences of the work begin with these tokens, which are computed once when the
 * session shares prefixes. Each sequence must be longer. */
int schedule_run(struct infer_session *s, const struct work *work,
                 const int32_t *prefix, uint32_t prefix_tokens,
                 struct infer_error *err);

/* How many tokens all of them begin with, the last token of each left out. */
uint32_t schedule_prefix(const struct infer_sequence *sequence, size_t count);

/* INFER_EUNSUPPORTED unless the session is of a language model; every sequence checked
 * and short enough for more tokens behind it. */
int schedule_check(const struct infer_session *s, const struct infer_sequence *sequence,
                   size_t count, uint32_t more, struct infer_error *err);

#endif
