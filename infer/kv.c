/* kv - keys and values of past tokens, in pages handed out by need.
 *
 * Three ways to store a number: F32 as it is; F16 rounded to even within +-65,504;
 * Q8 as an integer within +-127, one float scale for 32 dimensions of a token, laid
 * behind the integers:
 *
 *     keys     int8 [key_size padded to 32][16], then float [blocks][16]
 *     values   int8 [16][value_size padded to 32], then float [16][blocks]  */
#include "infer/kv.h"

#include <string.h>

static size_t padded(size_t n)
{
    return arena_padded(n, OPS_BLOCK);
}

static size_t vector_bytes(enum infer_kv type, size_t size)
{
    switch (type) {
    case INFER_KV_F32:
        return size * sizeof(float);
    case INFER_KV_F16:
        return size * sizeof(uint16_t);
    case INFER_KV_Q8:
        break;
    }
    return padded(size) + padded(size) / OPS_BLOCK * sizeof(float);
}

void kv_lay(struct kv *kv, struct arena *arena, uint32_t pages,
            uint32_t sequence_tokens)
{
    kv->key_bytes = KV_PAGE_TOKENS * vector_bytes(kv->type, kv->key_size);
    kv->value_bytes = KV_PAGE_TOKENS * vector_bytes(kv->type, kv->value_size);
    kv->page_bytes = (size_t)kv->layers * kv->heads * (kv->key_bytes + kv->value_bytes);
    kv->pages = pages;
    kv->sequence_pages = kv_pages_for(sequence_tokens);
    kv->references = arena_take(arena, pages, sizeof *kv->references);
    kv->free_page = arena_take(arena, pages, sizeof *kv->free_page);
    kv->memory = arena_take(arena, pages, kv->page_bytes);
}

void kv_reset(struct kv *kv)
{
    memset(kv->references, 0, kv->pages * sizeof *kv->references);
    kv->free_count = kv->pages;
    for (uint32_t i = 0; i < kv->pages; i++)
        kv->free_page[i] = kv->pages - 1 - i;
}

uint32_t kv_pages_for(uint32_t tokens)
{
    return tokens / KV_PAGE_TOKENS + (tokens % KV_PAGE_TOKENS != 0);
}

static void take_page(struct kv *kv, struct kv_sequence *s)
{
    uint32_t page = kv->free_page[--kv->free_count];

    kv->references[page] = 1;
    s->page[s->pages++] = page;
}

bool kv_reserve(struct kv *kv, struct kv_sequence *s, uint32_t tokens)
{
    const uint32_t wanted = kv_pages_for(tokens);

    if (wanted > kv->sequence_pages ||
        (wanted > s->pages && wanted - s->pages > kv->free_count))
        return false;
    while (s->pages < wanted)
        take_page(kv, s);
    return true;
}

static unsigned char *page_of(const struct kv *kv, uint32_t page)
{
    return kv->memory + page * kv->page_bytes;
}

bool kv_fork(struct kv *kv, struct kv_sequence *to, const struct kv_sequence *from,
             uint32_t tokens)
{
    const uint32_t whole = tokens / KV_PAGE_TOKENS;

    if (tokens % KV_PAGE_TOKENS != 0 && kv->free_count == 0)
        return false;
    for (to->pages = 0; to->pages < whole; to->pages++) {
        to->page[to->pages] = from->page[to->pages];
        kv->references[from->page[to->pages]]++;
    }
    if (tokens % KV_PAGE_TOKENS != 0) {
        take_page(kv, to);
        memcpy(page_of(kv, to->page[whole]), page_of(kv, from->page[whole]),
               kv->page_bytes);
    }
    to->tokens = tokens;
    return true;
}

void kv_shrink(struct kv *kv, struct kv_sequence *s)
{
    const uint32_t page = s->page[--s->pages];

    if (--kv->references[page] == 0)
        kv->free_page[kv->free_count++] = page;
}

void kv_release(struct kv *kv, struct kv_sequence *s)
{
    while (s->pages > 0)
        kv_shrink(kv, s);
    s->tokens = 0;
}

/* ---- storing -------------------------------------------------------------------- */

size_t kv_room(const struct kv *kv)
{
    size_t most = kv->key_size > kv->value_size ? kv->key_size : kv->value_size;

    return 3 * padded(most);
}

static unsigned char *slot_of(const struct kv *kv, const struct kv_sequence *s,
                              uint32_t layer, uint32_t head, uint32_t index)
{
    return page_of(kv, s->page[index]) +
           ((size_t)layer * kv->heads + head) * (kv->key_bytes + kv->value_bytes);
}

/* n numbers to every step-th place. */
static void store_floats(float *out, size_t step, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i * step] = x[i];
}

static void store_halves(const struct kv *kv, uint16_t *out, size_t step,
                         const float *x, size_t n, float *room)
{
    uint16_t *half = (void *)room;

    kv->ops->halve(half, x, n);
    for (size_t i = 0; i < n; i++)
        out[i * step] = half[i];
}

static void store_bytes(const struct kv *kv, int8_t *out, size_t step, float *scale,
                        size_t scale_step, const float *x, size_t n, float *room)
{
    const size_t all = padded(n);
    int16_t *q = (void *)(room + all);
    float *block_scale = room + 2 * all;

    memcpy(room, x, n * sizeof *x);
    memset(room + n, 0, (all - n) * sizeof *x);
    kv->ops->quantise(q, block_scale, room, all, 127);
    for (size_t i = 0; i < all; i++)
        out[i * step] = (int8_t)q[i];
    for (size_t i = 0; i < all / OPS_BLOCK; i++)
        scale[i * scale_step] = block_scale[i];
}

void kv_store(const struct kv *kv, const struct kv_sequence *s, uint32_t layer,
              uint32_t head, uint32_t position, const float *key, const float *value,
              float *room)
{
    const size_t at = position % KV_PAGE_TOKENS, step = KV_PAGE_TOKENS;
    const size_t k = kv->key_size, v = kv->value_size, all = padded(v);
    unsigned char *keys = slot_of(kv, s, layer, head, position / KV_PAGE_TOKENS);
    unsigned char *values = keys + kv->key_bytes;

    switch (kv->type) {
    case INFER_KV_F32:
        store_floats((float *)(void *)keys + at, step, key, k);
        store_floats((float *)(void *)values + at * v, 1, value, v);
        break;
    case INFER_KV_F16:
        store_halves(kv, (uint16_t *)(void *)keys + at, step, key, k, room);
        store_halves(kv, (uint16_t *)(void *)values + at * v, 1, value, v, room);
        break;
    case INFER_KV_Q8:
        store_bytes(kv, (int8_t *)keys + at, step,
                    (float *)(void *)(keys + step * padded(k)) + at, step, key, k,
                    room);
        store_bytes(kv, (int8_t *)values + at * all, 1,
                    (float *)(void *)(values + step * all) + at * (all / OPS_BLOCK), 1,
                    value, v, room);
    }
}

/* ---- loading -------------------------------------------------------------------- */

static void load_key_bytes(float *out, const unsigned char *keys, size_t n)
{
    const int8_t *q = (const int8_t *)keys;
    const float *scale = (const void *)(keys + KV_PAGE_TOKENS * padded(n));

    for (size_t i = 0; i < n * KV_PAGE_TOKENS; i++)
        out[i] =
            (float)q[i] *
            scale[i / KV_PAGE_TOKENS / OPS_BLOCK * KV_PAGE_TOKENS + i % KV_PAGE_TOKENS];
}

static void load_value_bytes(float *out, const unsigned char *values, size_t n)
{
    const size_t all = padded(n), blocks = all / OPS_BLOCK;
    const int8_t *q = (const int8_t *)values;
    const float *scale = (const void *)(values + KV_PAGE_TOKENS * all);

    for (size_t t = 0; t < KV_PAGE_TOKENS; t++)
        for (size_t i = 0; i < n; i++)
            out[t * n + i] = (float)q[t * all + i] * scale[t * blocks + i / OPS_BLOCK];
}

void kv_load(const struct kv *kv, const struct kv_sequence *s, uint32_t layer,
             uint32_t head, uint32_t index, float *keys, float *values)
{
    const unsigned char *from = slot_of(kv, s, layer, head, index);
    const size_t k = kv->key_size * (size_t)KV_PAGE_TOKENS;
    const size_t v = kv->value_size * (size_t)KV_PAGE_TOKENS;

    switch (kv->type) {
    case INFER_KV_F32:
        memcpy(keys, from, k * sizeof *keys);
        memcpy(values, from + kv->key_bytes, v * sizeof *values);
        break;
    case INFER_KV_F16:
        kv->ops->widen(keys, (const void *)from, k);
        kv->ops->widen(values, (const void *)(from + kv->key_bytes), v);
        break;
    case INFER_KV_Q8:
        load_key_bytes(keys, from, kv->key_size);
        load_value_bytes(values, from + kv->key_bytes, kv->value_size);
    }
}
