/* experts - a feed-forward of many experts of which each token uses a few.
 *
 * A token's choice depends on its own row only. An expert's rows are gathered from
 * the pass and multiplied together; each output waits at its own place:
 *
 *     expert_out   row 0: first choice | second choice | ...
 *                  row 1: ...
 *
 * and the places are summed in order, so that neither the order in which experts ran
 * nor the other rows can change a bit. */
#include "infer/experts.h"

#include <string.h>

#include "infer/precise.h"

/* ---- choosing ------------------------------------------------------------------- */

static void make_probable(const struct decoder_model *d, const struct ops *ops,
                          float *score)
{
    if (d->routing == DECODER_SOFTMAX) {
        float sum = ops->softmax(score, d->experts, OPS_LOG2_E);
        for (uint32_t i = 0; i < d->experts; i++)
            score[i] /= sum;
        return;
    }
    for (uint32_t i = 0; i < d->experts; i++)
        score[i] = (float)(1 / (1 + precise_exp(-(double)score[i])));
}

/* The largest of the values that are not taken, the first among equals. */
static uint32_t largest(const float *value, const bool *taken, uint32_t first,
                        uint32_t end)
{
    uint32_t best = end;

    for (uint32_t i = first; i < end; i++)
        if (!taken[i] && (best == end || value[i] > value[best]))
            best = i;
    return best;
}

/* DeepSeek-V3: only the groups whose two best experts promise most stay open. */
static void close_groups(const struct decoder_model *d, const float *rank, bool *taken)
{
    const uint32_t size = d->experts / d->expert_groups;
    float promise[DECODER_EXPERTS_MAX];
    bool open[DECODER_EXPERTS_MAX] = {false};

    for (uint32_t i = 0; i < d->expert_groups; i++) {
        uint32_t end = (i + 1) * size, best = largest(rank, taken, i * size, end);
        promise[i] = rank[best];
        taken[best] = true;
        uint32_t second = largest(rank, taken, i * size, end);
        promise[i] += second < end ? rank[second] : 0;
        taken[best] = false;
    }
    for (uint32_t n = 0; n < d->expert_groups_used; n++)
        open[largest(promise, open, 0, d->expert_groups)] = true;
    for (uint32_t i = 0; i < d->experts; i++)
        taken[i] = !open[i / size];
}

static void weigh(const struct decoder_model *d, float *weight)
{
    float sum = 0;

    for (uint32_t i = 0; i < d->experts_used; i++)
        sum += weight[i];
    for (uint32_t i = 0; i < d->experts_used; i++) {
        if (d->routing_normalised)
            weight[i] /= sum > 0x1p-14f ? sum : 0x1p-14f;
        weight[i] *= d->routing_scale;
    }
}

void experts_choose(const struct decoder_model *d, const struct ops *ops, float *score,
                    const float *bias, uint32_t *chosen, float *weight)
{
    bool taken[DECODER_EXPERTS_MAX] = {false};
    float rank[DECODER_EXPERTS_MAX];

    make_probable(d, ops, score);
    for (uint32_t i = 0; i < d->experts; i++)
        rank[i] = bias ? score[i] + bias[i] : score[i];
    if (d->expert_groups)
        close_groups(d, rank, taken);
    for (uint32_t i = 0; i < d->experts_used; i++) {
        chosen[i] = largest(rank, taken, 0, d->experts);
        weight[i] = score[chosen[i]];
        taken[chosen[i]] = true;
    }
    weigh(d, weight);
}

/* ---- running -------------------------------------------------------------------- */

/* Gather up to GENERATOR_EXPERT_ROWS rows that chose e, from row *at on. */
static size_t gather(const struct generator *g, struct generator_thread *t, uint32_t e,
                     size_t rows, size_t *at)
{
    const uint32_t used = g->model->experts_used;
    size_t count = 0;

    for (; *at < rows && count < GENERATOR_EXPERT_ROWS; (*at)++)
        for (uint32_t place = 0; place < used; place++)
            if (g->chosen[*at * used + place] == e) {
                operand_copy(&t->expert_in, count, &g->in, *at);
                t->expert_row[count] = (uint32_t)*at;
                t->expert_place[count++] = place;
            }
    return count;
}

static void multiply(const struct generator *g, struct generator_thread *t,
                     const struct matrix *m, const struct operand *in, float *out,
                     size_t stride, size_t rows)
{
    const struct activations a = operand_rows(in, m, 0);

    matrix_multiply(m, out, stride, &a, rows, 0, m->panels);
    if (m->low_rank)
        low_rank_add(m->low_rank, g->ops, &t->low_rank, in, 0, rows, out, stride);
}

static void run_gathered(const struct generator *g, struct generator_thread *t,
                         const struct matrix *gate, const struct matrix *up,
                         const struct matrix *down, size_t count)
{
    const size_t inner = t->expert_inner.width;

    multiply(g, t, gate, &t->expert_in, t->expert_gate, inner, count);
    multiply(g, t, up, &t->expert_in, t->expert_up, inner, count);
    for (size_t i = 0; i < count; i++) {
        float *row = t->expert_gate + i * inner;
        if (g->model->gate == DECODER_GEGLU)
            g->ops->geglu(row, t->expert_up + i * inner, gate->rows);
        else
            g->ops->swiglu(row, t->expert_up + i * inner, gate->rows);
        memset(row + gate->rows, 0, (inner - gate->rows) * sizeof *row);
        operand_put(&t->expert_inner, i, row);
    }
    multiply(g, t, down, &t->expert_inner, t->expert_c, g->width_stride, count);
}

static float *place_of(const struct generator *g, size_t row, uint32_t place)
{
    return g->expert_out + (row * g->model->experts_used + place) * g->width_stride;
}

void experts_run(const struct generator *g, struct generator_thread *t,
                 const struct experts *experts, uint32_t e, size_t rows)
{
    size_t at = 0, count;

    while ((count = gather(g, t, e, rows, &at)) > 0) {
        run_gathered(g, t, experts->gate + e, experts->up + e, experts->down + e,
                     count);
        for (size_t i = 0; i < count; i++)
            memcpy(place_of(g, t->expert_row[i], t->expert_place[i]),
                   t->expert_c + i * g->width_stride,
                   g->model->width * sizeof *t->expert_c);
    }
}

void experts_mix(const struct generator *g, size_t row, bool shared)
{
    const struct decoder_model *d = g->model;
    const float *weight = g->chosen_weight + row * d->experts_used;
    float *sum = place_of(g, row, 0), *c = g->c + row * g->width_stride;

    g->ops->scale(sum, weight[0], d->width);
    for (uint32_t i = 1; i < d->experts_used; i++)
        g->ops->add_scaled(sum, place_of(g, row, i), weight[i], d->width);
    if (shared)
        g->ops->add(c, sum, d->width);
    else
        memcpy(c, sum, d->width * sizeof *c);
}
