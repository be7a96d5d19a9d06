/* trie - a tree of bytes, laid out breadth first.
 *
 *     node 0 is the root; the children of a node stand side by side, sorted
 *
 *     label   .  a  b  c | d  f | e | ...      one byte a node: searched
 *     node    id, first child, children        looked up once the label matched
 *
 * Sorting the entries first makes every node a range of them, so the tree is filled
 * in one pass, its size is known before and no input can make it slow or large:
 * there is at most one node a byte of vocabulary. */
#include "infer/trie.h"

#include <stdlib.h>
#include <string.h>

struct trie_node {
    int32_t id; /* -1: no entry ends here */
    uint32_t first;
    uint32_t children;
};

struct trie {
    struct trie_node *node;
    uint8_t *label;
    uint32_t start[256]; /* the root's child for a byte, 0: none */
};

struct range { /* the entries under a node; all share depth bytes */
    uint32_t low, high, depth;
};

static int entry_compare(const void *a, const void *b)
{
    const struct trie_entry *x = a, *y = b;
    int order = memcmp(x->text, y->text, x->bytes < y->bytes ? x->bytes : y->bytes);

    if (order != 0)
        return order;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static size_t count_nodes(const struct trie_entry *entry, size_t count)
{
    size_t nodes = 1;

    for (size_t i = 0; i < count; i++) {
        uint32_t shared = 0;

        if (i > 0)
            while (shared < entry[i - 1].bytes && shared < entry[i].bytes &&
                   entry[i - 1].text[shared] == entry[i].text[shared])
                shared++;
        nodes += entry[i].bytes - shared;
    }
    return nodes;
}

/* Give a node its id and its children; returns the number of nodes so far. */
static uint32_t split_node(struct trie *trie, struct range *range, uint32_t at,
                           uint32_t nodes, const struct trie_entry *entry)
{
    struct range r = range[at];
    struct trie_node *node = &trie->node[at];

    node->id = -1;
    node->first = nodes;
    for (; r.low < r.high && entry[r.low].bytes == r.depth; r.low++)
        node->id = entry[r.low].id;
    while (r.low < r.high) {
        uint8_t byte = (uint8_t)entry[r.low].text[r.depth];
        uint32_t low = r.low;

        while (r.low < r.high && (uint8_t)entry[r.low].text[r.depth] == byte)
            r.low++;
        range[nodes] = (struct range){low, r.low, r.depth + 1};
        trie->label[nodes++] = byte;
        node->children++;
    }
    return nodes;
}

struct trie *trie_build(struct trie_entry *entry, size_t count)
{
    struct trie *trie = calloc(1, sizeof *trie);
    struct range *range;
    uint32_t nodes = 1;
    size_t total;

    if (count > 0)
        qsort(entry, count, sizeof *entry, entry_compare);
    total = count_nodes(entry, count);
    range = calloc(total, sizeof *range);
    if (trie == NULL || range == NULL || total >= UINT32_MAX || count >= UINT32_MAX)
        goto fail;
    trie->node = calloc(total, sizeof *trie->node);
    trie->label = calloc(total, sizeof *trie->label);
    if (trie->node == NULL || trie->label == NULL)
        goto fail;
    range[0] = (struct range){0, (uint32_t)count, 0};
    for (uint32_t at = 0; at < nodes; at++)
        nodes = split_node(trie, range, at, nodes, entry);
    for (uint32_t i = 0; i < trie->node[0].children; i++)
        trie->start[trie->label[1 + i]] = 1 + i;
    free(range);
    return trie;

fail:
    free(range);
    trie_free(trie);
    return NULL;
}

void trie_free(struct trie *trie)
{
    if (trie == NULL)
        return;
    free(trie->node);
    free(trie->label);
    free(trie);
}

/* The child of a node for a byte, 0: none. */
static uint32_t step(const struct trie *trie, uint32_t at, uint8_t byte)
{
    const struct trie_node *node = &trie->node[at];
    uint32_t end = node->first + node->children;

    for (uint32_t i = node->first; i < end && trie->label[i] <= byte; i++)
        if (trie->label[i] == byte)
            return i;
    return 0;
}

int32_t trie_longest(const struct trie *trie, const char *text, size_t bytes,
                     size_t *matched)
{
    uint32_t at = bytes > 0 ? trie->start[(uint8_t)text[0]] : 0;
    int32_t best = -1;

    for (size_t i = 1; at != 0; i++) {
        if (trie->node[at].id >= 0) {
            best = trie->node[at].id;
            *matched = i;
        }
        at = i < bytes ? step(trie, at, (uint8_t)text[i]) : 0;
    }
    return best;
}

int32_t trie_step(const struct trie *trie, uint32_t *node, uint8_t byte)
{
    *node = *node == 0 ? trie->start[byte] : step(trie, *node, byte);
    return *node == 0 ? -1 : trie->node[*node].id;
}
