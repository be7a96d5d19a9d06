/* sample - the next token from its logits.
 *
 * Drawing is reproducible: candidates are ordered by logit, then by id; their
 * probabilities are summed in that order in double; the random number is a function
 * of seed and step alone (splitmix64, Steele et al. 2014), so that a text depends on
 * no other text. */
#include "infer/sample.h"

#include <math.h>
#include <stdlib.h>

#include "infer/precise.h"

/* The largest of a stretch is found by vectors; where it is, is looked up in one. */
int32_t sample_greedy(const struct ops *ops, const float *logits, uint32_t count)
{
    enum { STRETCH = 1024 };
    float most = -INFINITY;
    uint32_t best = 0;

    for (uint32_t i = 0; i < count; i += STRETCH) {
        const uint32_t left = count - i;
        const float here = ops->largest(logits + i, left < STRETCH ? left : STRETCH);
        if (isnan(here))
            return -1;
        if (here > most) {
            most = here;
            best = i;
        }
    }
    while (logits[best] < most)
        best++;
    return (int32_t)best;
}

double sample_log_sum(const float *logits, uint32_t count)
{
    double most = (double)logits[0], sum = 0;

    for (uint32_t i = 1; i < count; i++)
        most = (double)logits[i] > most ? (double)logits[i] : most;
    for (uint32_t i = 0; i < count; i++)
        sum += precise_exp((double)logits[i] - most);
    return most + precise_log(sum);
}

static int compare_entries(const void *a, const void *b)
{
    const struct sample_entry *x = a, *y = b;

    if (x->logit != y->logit)
        return x->logit > y->logit ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* A number in [0, 1) with 53 random bits. */
static double draw(uint64_t seed, uint64_t step)
{
    uint64_t z = seed + (step + 1) * 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

/* How much likelier a candidate is than the likeliest: at most 1. */
static double weight_of(const struct infer_sampling *s,
                        const struct sample_entry *entry,
                        const struct sample_entry *first)
{
    return precise_exp(((double)entry->logit - (double)first->logit) /
                       (double)s->temperature);
}

int32_t sample_draw(const struct ops *ops, const struct infer_sampling *s,
                    const float *logits, uint32_t count, uint64_t step,
                    struct sample_entry *room)
{
    double all = 0, kept = 0, sum = 0, point;
    uint32_t n = 0;

    if (sample_greedy(ops, logits, count) < 0)
        return -1;
    for (uint32_t i = 0; i < count; i++)
        room[i] = (struct sample_entry){.logit = logits[i], .id = (int32_t)i};
    qsort(room, count, sizeof *room, compare_entries);
    for (uint32_t i = 0; i < count; i++)
        all += weight_of(s, room + i, room);
    while (n < count) {
        double weight = weight_of(s, room + n, room);
        bool enough = s->top_p < 1 && kept >= (double)s->top_p * all;
        if (n > 0 && (enough || weight < (double)s->min_p))
            break;
        kept += weight;
        n++;
    }
    point = draw(s->seed, step) * kept;
    for (uint32_t i = 0; i < n; i++) {
        sum += weight_of(s, room + i, room);
        if (point < sum)
            return room[i].id;
    }
    return room[n - 1].id;
}
