/* past - what some rows of one sequence see of one head, as floats.
 *
 * Of a plain sequence that is its pages, one after the other, from the page on in
 * which the first row's window begins. The nodes of a tree are kept in the cache one
 * behind the other, in the order of the tree, whichever way leads to them. A row sees
 * only its own way, so the pages are laid out with a gap:
 *
 *     whole pages of the prompt | the way | the page in which the prompt ends, nodes
 *
 * For each row the end of the prompt and the nodes above it are copied to the way,
 * where they stand as if the sequence had never branched. */
#include "infer/past.h"

#include <string.h>

enum { WAY_PAGES = (KV_PAGE_TOKENS + GENERATOR_TREE_DEPTH) / KV_PAGE_TOKENS };

size_t past_tokens(uint32_t context)
{
    return arena_padded((size_t)context + GENERATOR_TREE_NODES, KV_PAGE_TOKENS) +
           (1 + WAY_PAGES) * KV_PAGE_TOKENS;
}

static float *keys_at(const struct past *p, size_t page)
{
    return p->keys + page * KV_PAGE_TOKENS * p->kv->key_size;
}

static float *values_at(const struct past *p, size_t page)
{
    return p->values + page * KV_PAGE_TOKENS * p->kv->value_size;
}

/* Pages first to end of the sequence to place and on. */
static void load(const struct past *p, const struct kv_sequence *s, uint32_t first,
                 uint32_t end, uint32_t place)
{
    for (uint32_t i = first; i < end; i++, place++)
        kv_load(p->kv, s, p->layer, p->head, i, keys_at(p, place), values_at(p, place));
}

uint32_t past_load(const struct past *p, const struct pass_piece *piece,
                   uint32_t position, uint32_t count)
{
    const uint32_t end = kv_pages_for(piece->position + piece->first + count);
    const uint32_t whole = piece->position / KV_PAGE_TOKENS;
    uint32_t first = 0;

    if (piece->parent) {
        load(p, piece->kv, 0, whole, 0);
        load(p, piece->kv, whole, end, whole + WAY_PAGES);
        return 0;
    }
    if (p->window && position >= p->window)
        first = (position + 1 - p->window) / KV_PAGE_TOKENS;
    load(p, piece->kv, first, end, 0);
    return first * KV_PAGE_TOKENS;
}

/* Token from becomes token to, both counted in what is laid out. */
static void copy(const struct past *p, size_t to, size_t from)
{
    const size_t key = p->kv->key_size, value = p->kv->value_size;
    float *k = keys_at(p, to / KV_PAGE_TOKENS) + to % KV_PAGE_TOKENS;
    const float *other = keys_at(p, from / KV_PAGE_TOKENS) + from % KV_PAGE_TOKENS;

    for (size_t i = 0; i < key; i++)
        k[i * KV_PAGE_TOKENS] = other[i * KV_PAGE_TOKENS];
    memcpy(p->values + to * value, p->values + from * value, value * sizeof *p->values);
}

void past_follow(const struct past *p, const struct pass_piece *piece, uint32_t index)
{
    const size_t start = piece->position / KV_PAGE_TOKENS * KV_PAGE_TOKENS;
    const size_t moved = WAY_PAGES * KV_PAGE_TOKENS;
    const int32_t node = (int32_t)(piece->first + index);
    size_t to = piece->position;

    for (size_t i = start; i < piece->position; i++)
        copy(p, i, i + moved);
    for (int32_t up = node; up >= 0; up = piece->parent[up])
        to++;
    for (int32_t up = node; up >= 0; up = piece->parent[up])
        copy(p, --to, piece->position + moved + (size_t)up);
}
