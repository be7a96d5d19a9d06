/* trie - find the longest entry of a vocabulary that starts a text, inside infer/.
 *
 * Built once from a list of strings, never changed, so threads may share it. */
#ifndef INFER_TRIE_H
#define INFER_TRIE_H

#include <stddef.h>
#include <stdint.h>

struct trie_entry {
    const char *text; /* borrowed for the build only */
    uint32_t bytes;
    int32_t id;
};

struct trie;

/* Sorts the entries in place. Of equal texts the highest id counts. NULL when
 * memory fails. */
struct trie *trie_build(struct trie_entry *entry, size_t count);
void trie_free(struct trie *trie); /* NULL is allowed */

/* The id of the longest entry at the start of text, *matched its bytes; -1: none. */
int32_t trie_longest(const struct trie *trie, const char *text, size_t bytes,
                     size_t *matched);

/* Go from *node, 0 for the root, to its child for a byte: *node becomes that, or 0
 * where there is none. Returns the id of the entry that ends there, -1: none. */
int32_t trie_step(const struct trie *trie, uint32_t *node, uint8_t byte);

#endif
