/* kv - keys and values of past tokens, in pages handed out by need.
 *
 * A page holds 16 tokens of one sequence, all layers and heads:
 *
 *     layer 0   head 0   keys [key_size][16]   values [16][value_size]
 *               head 1   ...
 *     layer 1   ...
 *
 * Keys lie with the tokens side by side, as the float tile wants them. A sequence
 * is a list of pages. Sequences that begin alike share pages: a fork takes over the
 * whole pages of another sequence and copies what the last one holds; pages are
 * counted and come back when the last sequence lets go. */
#ifndef INFER_KV_H
#define INFER_KV_H

#include "infer/arena.h"
#include "infer/ops.h"

enum { KV_PAGE_TOKENS = 16 };

struct kv {
    const struct ops *ops;
    enum infer_kv type;
    uint32_t layers, heads, key_size, value_size;
    uint32_t pages, free_count, sequence_pages; /* sequence_pages: of the longest */
    size_t key_bytes, value_bytes, page_bytes;  /* of a head in a page; of a page */
    unsigned char *memory;
    uint32_t *references, *free_page;
};

struct kv_sequence {
    uint32_t *page; /* sequence_pages of them */
    uint32_t pages, tokens;
};

/* Sizes from type, layers, heads, key_size, value_size; memory for so many pages. */
void kv_lay(struct kv *kv, struct arena *arena, uint32_t pages,
            uint32_t sequence_tokens);
void kv_reset(struct kv *kv); /* all pages are free */

uint32_t kv_pages_for(uint32_t tokens);

/* Room for tokens in all; false when pages are out, and then nothing has changed. */
bool kv_reserve(struct kv *kv, struct kv_sequence *s, uint32_t tokens);

/* to, which is empty, becomes the first tokens of from. False: pages are out. */
bool kv_fork(struct kv *kv, struct kv_sequence *to, const struct kv_sequence *from,
             uint32_t tokens);
void kv_release(struct kv *kv, struct kv_sequence *s);

/* Give the last page back. */
void kv_shrink(struct kv *kv, struct kv_sequence *s);

/* The key and the value of one token; position lies within what was reserved. room
 * holds kv_room() floats. */
void kv_store(const struct kv *kv, const struct kv_sequence *s, uint32_t layer,
              uint32_t head, uint32_t position, const float *key, const float *value,
              float *room);
size_t kv_room(const struct kv *kv);

/* Page index of the sequence as floats: keys [key_size][16], values
 * [16][value_size]. */
void kv_load(const struct kv *kv, const struct kv_sequence *s, uint32_t layer,
             uint32_t head, uint32_t index, float *keys, float *values);

#endif
