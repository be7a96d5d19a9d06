/* merge - a list of symbols, and a heap of the pairs that may join.
 *
 *     symbol    h <-> e <-> l <-> l <-> o          linked, in text order
 *     heap      (l l, rank 3) (h e, rank 7) ...    best on top
 *
 * A pair that joins changes its neighbours; candidates that name a symbol as it was
 * before stay in the heap and are known by their length when they come up: a symbol
 * only grows, to the right. Each join pops one candidate and adds at most two, so
 * there are fewer than twice as many as symbols and a text of n symbols takes
 * n log n steps, whatever it says. */
#include "infer/merge.h"
#include "infer/model.h"

#include <stdlib.h>

/* ---- symbols -------------------------------------------------------------------- */

int merger_begin(struct merger *m, size_t symbols)
{
    m->symbol_count = m->heap_count = 0;
    if (symbols > m->symbol_capacity) {
        size_t capacity = symbols < 64 ? 64 : symbols + symbols / 2;

        merger_free(m);
        m->symbol = calloc(capacity, sizeof *m->symbol);
        m->heap = calloc(capacity, 2 * sizeof *m->heap);
        if (m->symbol == NULL || m->heap == NULL) {
            merger_free(m);
            return INFER_ENOMEM;
        }
        m->symbol_capacity = capacity;
        m->heap_capacity = 2 * capacity;
    }
    return 0;
}

void merger_add(struct merger *m, size_t start, size_t bytes, int32_t id)
{
    uint32_t at = (uint32_t)m->symbol_count++;

    m->symbol[at] = (struct merge_symbol){.start = (uint32_t)start,
                                          .bytes = (uint32_t)bytes,
                                          .previous = at == 0 ? MERGE_NONE : at - 1,
                                          .next = MERGE_NONE,
                                          .id = id};
    if (at > 0)
        m->symbol[at - 1].next = at;
}

void merger_free(struct merger *m)
{
    free(m->symbol);
    free(m->heap);
    *m = (struct merger){0};
}

/* ---- the heap ------------------------------------------------------------------- */

static bool before(const struct merge_candidate *a, const struct merge_candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->left < b->left;
}

static void heap_push(struct merger *m, struct merge_candidate candidate)
{
    size_t at = m->heap_count++;

    while (at > 0 && before(&candidate, &m->heap[(at - 1) / 2])) {
        m->heap[at] = m->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    m->heap[at] = candidate;
}

static struct merge_candidate heap_pop(struct merger *m)
{
    struct merge_candidate top = m->heap[0], last = m->heap[--m->heap_count];
    size_t at = 0, child;

    while ((child = 2 * at + 1) < m->heap_count) {
        if (child + 1 < m->heap_count && before(&m->heap[child + 1], &m->heap[child]))
            child++;
        if (!before(&m->heap[child], &last))
            break;
        m->heap[at] = m->heap[child];
        at = child;
    }
    m->heap[at] = last;
    return top;
}

/* ---- joining -------------------------------------------------------------------- */

struct run {
    struct merger *merger;
    merge_find *find;
    const void *vocabulary;
    const char *text;
};

static void consider(const struct run *run, uint32_t left, uint32_t right)
{
    const struct merge_symbol *symbol = run->merger->symbol;
    struct merge_candidate found = {.left = left};

    if (left == MERGE_NONE || right == MERGE_NONE)
        return;
    found.bytes = symbol[left].bytes + symbol[right].bytes;
    if (run->find(run->vocabulary, run->text, &symbol[left], &symbol[right],
                  &found.rank, &found.id))
        heap_push(run->merger, found);
}

static void join(const struct run *run, const struct merge_candidate *best)
{
    struct merge_symbol *symbol = run->merger->symbol;
    struct merge_symbol *left = &symbol[best->left];
    struct merge_symbol *right;

    if (left->bytes == 0 || left->next == MERGE_NONE)
        return;
    right = &symbol[left->next];
    if (left->bytes + right->bytes != best->bytes)
        return;
    left->bytes = best->bytes;
    left->id = best->id;
    left->next = right->next;
    right->bytes = 0;
    if (left->next != MERGE_NONE)
        symbol[left->next].previous = best->left;
    consider(run, left->previous, best->left);
    consider(run, best->left, left->next);
}

void merger_run(struct merger *m, merge_find *find, const void *vocabulary,
                const char *text)
{
    struct run run = {m, find, vocabulary, text};

    for (uint32_t i = 1; i < m->symbol_count; i++)
        consider(&run, i - 1, i);
    while (m->heap_count > 0) {
        struct merge_candidate best = heap_pop(m);

        join(&run, &best);
    }
}
