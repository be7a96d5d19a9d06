/* ground_lexicon - every key once, and its number.
 *
 * A crit-bit tree: a node holds the first bit in which the keys below its two sides
 * differ. A search costs at most the bits of the key, however the keys were chosen;
 * a hash table would let a document choose words that all collide. Numbers are given
 * in the order of first use, so that nothing depends on the tree's shape. */
#include "pipeline/ground_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static unsigned byte_at(const char *text, size_t bytes, size_t i)
{
    return i < bytes ? (unsigned char)text[i] : 0;
}

static int side(const struct lexicon_node *node, const char *text, size_t bytes)
{
    return (byte_at(text, bytes, node->byte) & node->mask) != 0;
}

static bool lexicon_reserve(struct lexicon *lexicon, size_t bytes)
{
    if (lexicon->count == lexicon->capacity) {
        size_t capacity = lexicon->capacity ? lexicon->capacity * 2 : 256;
        if (capacity > INT32_MAX)
            return false;
        size_t *at = realloc(lexicon->at, capacity * sizeof(*at));
        if (!at)
            return false;
        lexicon->at = at;
        struct lexicon_node *node = realloc(lexicon->node, capacity * sizeof(*node));
        if (!node)
            return false;
        lexicon->node = node;
        lexicon->capacity = capacity;
    }
    if (lexicon->bytes + bytes + 1 > lexicon->bytes_capacity) {
        size_t capacity = (lexicon->bytes + bytes + 1) * 2 + 4096;
        char *text = realloc(lexicon->text, capacity);
        if (!text)
            return false;
        lexicon->text = text;
        lexicon->bytes_capacity = capacity;
    }
    return true;
}

/* The one key that could be this one. */
static int32_t nearest(const struct lexicon *lexicon, const char *text, size_t bytes)
{
    int32_t at = lexicon->root;
    while (at >= 0) {
        const struct lexicon_node *node = &lexicon->node[at];
        at = node->child[side(node, text, bytes)];
    }
    return ~at;
}

/* The node that tells the new key from the nearest; they differ. */
static struct lexicon_node parting(const char *near, const char *text, size_t bytes)
{
    struct lexicon_node node = {.byte = 0};
    size_t near_bytes = strlen(near);
    unsigned differ = 0;
    while ((differ = byte_at(near, near_bytes, node.byte) ^
                     byte_at(text, bytes, node.byte)) == 0)
        node.byte++;
    while (differ & (differ - 1))
        differ &= differ - 1;
    node.mask = (uint8_t)differ;
    return node;
}

static bool is_above(const struct lexicon_node *node, const struct lexicon_node *other)
{
    return node->byte < other->byte ||
           (node->byte == other->byte && node->mask > other->mask);
}

static void hang(struct lexicon *lexicon, struct lexicon_node node, const char *text,
                 size_t bytes)
{
    int32_t *link = &lexicon->root;
    while (*link >= 0 && is_above(&lexicon->node[*link], &node)) {
        struct lexicon_node *above = &lexicon->node[*link];
        link = &above->child[side(above, text, bytes)];
    }
    int new_side = side(&node, text, bytes);
    node.child[new_side] = ~(int32_t)lexicon->count;
    node.child[!new_side] = *link;
    *link = (int32_t)lexicon->count - 1; /* n keys have n - 1 nodes */
    lexicon->node[lexicon->count - 1] = node;
}

int32_t lexicon_key(struct lexicon *lexicon, const char *text, size_t bytes)
{
    assert(bytes <= KEY_BYTES_MAX);
    if (lexicon->count > 0) {
        int32_t near = nearest(lexicon, text, bytes);
        const char *known = lexicon_text(lexicon, near);
        if (strlen(known) == bytes && memcmp(known, text, bytes) == 0)
            return near;
    }
    if (!lexicon_reserve(lexicon, bytes))
        return KEY_NONE;
    if (lexicon->count == 0) {
        lexicon->root = ~0;
    } else {
        const char *near = lexicon_text(lexicon, nearest(lexicon, text, bytes));
        hang(lexicon, parting(near, text, bytes), text, bytes);
    }
    lexicon->at[lexicon->count] = lexicon->bytes;
    memcpy(lexicon->text + lexicon->bytes, text, bytes);
    lexicon->text[lexicon->bytes + bytes] = '\0';
    lexicon->bytes += bytes + 1;
    return (int32_t)lexicon->count++;
}

const char *lexicon_text(const struct lexicon *lexicon, int32_t key)
{
    return lexicon->text + lexicon->at[key];
}

void lexicon_free(struct lexicon *lexicon)
{
    free(lexicon->text);
    free(lexicon->at);
    free(lexicon->node);
    *lexicon = (struct lexicon){0};
}
