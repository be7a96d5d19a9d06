/* merge - join neighbouring symbols, the best pair first, inside infer/ only.
 *
 * What byte pair encoding does, for vocabularies with a list of merges and for
 * those with scores: a callback says whether two neighbours join, to which token
 * and how good that is. */
#ifndef INFER_MERGE_H
#define INFER_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MERGE_NONE UINT32_MAX

struct merge_symbol {
    uint32_t start, bytes;   /* of the text */
    uint32_t previous, next; /* MERGE_NONE at the ends */
    int32_t id;              /* -1: no token */
};

struct merge_candidate {
    uint32_t rank;  /* the lower, the better; of equal ones the leftmost */
    uint32_t left;  /* the left symbol */
    uint32_t bytes; /* of both; they have changed since when it differs */
    int32_t id;
};

/* Fill rank and id and return true where the two may join. */
typedef bool merge_find(const void *vocabulary, const char *text,
                        const struct merge_symbol *left,
                        const struct merge_symbol *right, uint32_t *rank, int32_t *id);

struct merger { /* zero it first; its memory serves many texts */
    struct merge_symbol *symbol;
    struct merge_candidate *heap;
    size_t symbol_count, symbol_capacity, heap_count, heap_capacity;
};

/* Start over, with room for this many symbols (fewer than MERGE_NONE): 0 or
 * INFER_ENOMEM. */
int merger_begin(struct merger *m, size_t symbols);
void merger_add(struct merger *m, size_t start, size_t bytes, int32_t id);

/* Join until nothing joins. The result is the list from symbol 0 by next. */
void merger_run(struct merger *m, merge_find *find, const void *vocabulary,
                const char *text);
void merger_free(struct merger *m);

#endif
