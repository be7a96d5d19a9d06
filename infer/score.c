/* score - how likely continuations are, as a tree behind each prompt.
 *
 * Only a node that has children is computed: what a leaf's token is worth is in its
 * parent's logits. All inner nodes behind a prompt go through the model together,
 * each seeing the prompt and its own way. */
#include "infer/sample.h"
#include "infer/schedule.h"

#include <math.h>
#include <stdlib.h>

struct score_work {
    const struct infer_model *model;
    const struct ops *ops;
    const struct infer_sequence *prompt;
    const struct infer_tree *tree;
    size_t count, next, overflowed;
    float *out;
    int32_t *id, *parent, *node; /* of inner nodes; node: its number in the tree */
    uint32_t inner;
};

static bool score_start(void *context, struct strand *strand)
{
    struct score_work *w = context;

    if (w->next == w->count)
        return false;
    strand->index = w->next;
    strand->id = w->prompt[w->next].id;
    strand->count = (uint32_t)w->prompt[w->next].count;
    strand->reserve = strand->count + w->inner;
    strand->wanted = strand->count - 1;
    w->next++;
    return true;
}

/* What these logits say of the children of node, or of the roots: -1. */
static void score_take(void *context, struct strand *strand, uint32_t token,
                       const float *logits)
{
    struct score_work *w = context;
    const struct infer_tree *tree = w->tree;
    const int32_t node = strand->parent ? w->node[token] : -1;
    float *out = w->out + strand->index * tree->count;
    double all;

    if (sample_greedy(w->ops, logits, w->model->vocabulary) < 0) {
        w->overflowed = strand->index < w->overflowed ? strand->index : w->overflowed;
        return;
    }
    all = sample_log_sum(logits, w->model->vocabulary);
    for (size_t i = 0; i < tree->count; i++)
        if (tree->parent[i] == node)
            out[i] = (float)((double)logits[tree->id[i]] - all);
}

static bool score_more(void *context, struct strand *strand)
{
    struct score_work *w = context;

    if (strand->parent || w->inner == 0)
        return false;
    strand->position = strand->count;
    strand->id = w->id;
    strand->parent = w->parent;
    strand->count = w->inner;
    strand->base = strand->fed = strand->wanted = 0;
    return true;
}

/* ---- the tree ---------------------------------------------------------------------
 */

static int check_tree(const struct infer_session *s, const struct infer_tree *tree,
                      struct infer_error *err)
{
    for (size_t i = 0; i < tree->count; i++) {
        if (tree->id[i] < 0 || (uint32_t)tree->id[i] >= s->model->vocabulary)
            return infer_fail(err, INFER_EINVALID,
                              "node %zu holds token %d: allowed are 0 to %u", i,
                              tree->id[i], s->model->vocabulary - 1);
        if (tree->parent[i] < -1 || tree->parent[i] >= (int32_t)i)
            return infer_fail(err, INFER_EINVALID,
                              "node %zu has the parent %d: allowed are -1 to %zu", i,
                              tree->parent[i], i - 1);
    }
    return 0;
}

/* The inner nodes, in order, with their parents counted among themselves. */
static int find_inner(struct score_work *w, uint32_t *deepest, struct infer_error *err)
{
    const struct infer_tree *tree = w->tree;
    int32_t *number = calloc(tree->count + 1, sizeof *number);
    uint32_t *depth = calloc(tree->count + 1, sizeof *depth);

    w->id = calloc(tree->count + 1, sizeof *w->id);
    w->parent = calloc(tree->count + 1, sizeof *w->parent);
    w->node = calloc(tree->count + 1, sizeof *w->node);
    if (number && depth && w->id && w->parent && w->node) {
        for (size_t i = 0; i < tree->count; i++)
            if (tree->parent[i] >= 0)
                number[tree->parent[i]] = 1;
        for (size_t i = 0; i < tree->count; i++) {
            const int32_t parent = tree->parent[i];
            if (!number[i])
                continue;
            depth[i] = parent >= 0 ? depth[parent] + 1 : 1;
            *deepest = depth[i] > *deepest ? depth[i] : *deepest;
            w->id[w->inner] = tree->id[i];
            w->parent[w->inner] = parent >= 0 ? number[parent] : -1;
            w->node[w->inner] = (int32_t)i;
            number[i] = (int32_t)w->inner++;
        }
    }
    free(number);
    free(depth);
    if (!w->id || !w->parent || !w->node || !number || !depth)
        return infer_fail(err, INFER_ENOMEM, "no memory for a tree of %zu nodes",
                          tree->count);
    if (w->inner > GENERATOR_TREE_NODES || *deepest > GENERATOR_TREE_DEPTH)
        return infer_fail(
            err, INFER_ELIMIT, "tree of %u inner nodes, %u deep: at most %d and %d",
            w->inner, *deepest, GENERATOR_TREE_NODES, GENERATOR_TREE_DEPTH);
    return 0;
}

int infer_score(struct infer_session *s, const struct infer_sequence *prompt,
                size_t count, const struct infer_tree *tree, float *out,
                struct infer_error *err)
{
    struct score_work w = {.model = s->model,
                           .ops = s->ops,
                           .prompt = prompt,
                           .tree = tree,
                           .count = count,
                           .overflowed = count,
                           .out = out};
    const struct work work = {&w, score_start, score_take, score_more};
    uint32_t deepest = 0;
    int status = check_tree(s, tree, err);

    if (status == 0)
        status = find_inner(&w, &deepest, err);
    if (status == 0)
        status = schedule_check(s, prompt, count, deepest, err);
    if (status == 0 && count > 0)
        status =
            schedule_run(s, &work, prompt[0].id, schedule_prefix(prompt, count), err);
    free(w.id);
    free(w.parent);
    free(w.node);
    if (status == 0 && w.overflowed < count)
        status = infer_fail(err, INFER_EFORMAT,
                            "sequence %zu: the model's numbers overflow, its logits "
                            "are not finite",
                            w.overflowed);
    return status;
}
