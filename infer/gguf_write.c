/* gguf_write - the other direction of gguf.c, for import and for tests.
 *
 * Keys and descriptions are collected in two buffers, because the head of the file
 * counts them; tensor data then streams through without being held. */
#include "infer/gguf_write.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = GGUF_ALIGNMENT_DEFAULT };

static uint64_t padded(uint64_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void fail(struct gguf_writer *w, int status)
{
    if (w->status == 0)
        w->status = status;
}

static void put(struct gguf_writer *w, struct gguf_buffer *b, const void *data,
                size_t bytes)
{
    size_t needed, capacity = b->capacity < 4096 ? 4096 : b->capacity;
    uint8_t *grown;

    if (w->status != 0 || bytes == 0)
        return;
    if (__builtin_add_overflow(b->count, bytes, &needed) || needed > SIZE_MAX / 4) {
        fail(w, INFER_ENOMEM);
        return;
    }
    while (capacity < needed)
        capacity *= 2;
    if (capacity != b->capacity) {
        grown = realloc(b->bytes, capacity);
        if (grown == NULL) {
            fail(w, INFER_ENOMEM);
            return;
        }
        b->bytes = grown;
        b->capacity = capacity;
    }
    memcpy(b->bytes + b->count, data, bytes);
    b->count = needed;
}

static void put_u32(struct gguf_writer *w, struct gguf_buffer *b, uint32_t value)
{
    put(w, b, &value, sizeof value);
}

static void put_u64(struct gguf_writer *w, struct gguf_buffer *b, uint64_t value)
{
    put(w, b, &value, sizeof value);
}

static void put_string(struct gguf_writer *w, struct gguf_buffer *b, const char *text,
                       size_t bytes)
{
    put_u64(w, b, bytes);
    put(w, b, text, bytes);
}

/* ---- keys ----------------------------------------------------------------------- */

static void put_key(struct gguf_writer *w, const char *key, enum gguf_value type)
{
    put_string(w, &w->keys, key, strlen(key));
    put_u32(w, &w->keys, (uint32_t)type);
    w->key_count++;
}

void gguf_write_u16(struct gguf_writer *w, const char *key, uint16_t value)
{
    put_key(w, key, GGUF_U16);
    put(w, &w->keys, &value, sizeof value);
}

void gguf_write_i32(struct gguf_writer *w, const char *key, int32_t value)
{
    put_key(w, key, GGUF_I32);
    put(w, &w->keys, &value, sizeof value);
}

void gguf_write_u32(struct gguf_writer *w, const char *key, uint32_t value)
{
    put_key(w, key, GGUF_U32);
    put_u32(w, &w->keys, value);
}

void gguf_write_f32(struct gguf_writer *w, const char *key, float value)
{
    put_key(w, key, GGUF_FLOAT32);
    put(w, &w->keys, &value, sizeof value);
}

void gguf_write_bool(struct gguf_writer *w, const char *key, bool value)
{
    put_key(w, key, GGUF_BOOL);
    put(w, &w->keys, &(uint8_t){value ? 1 : 0}, 1);
}

void gguf_write_string(struct gguf_writer *w, const char *key, const char *text,
                       size_t bytes)
{
    put_key(w, key, GGUF_STRING);
    put_string(w, &w->keys, text, bytes);
}

void gguf_write_array(struct gguf_writer *w, const char *key, enum gguf_value element,
                      uint64_t count)
{
    put_key(w, key, GGUF_ARRAY);
    put_u32(w, &w->keys, (uint32_t)element);
    put_u64(w, &w->keys, count);
}

void gguf_write_element_i32(struct gguf_writer *w, int32_t value)
{
    put(w, &w->keys, &value, sizeof value);
}

void gguf_write_element_f32(struct gguf_writer *w, float value)
{
    put(w, &w->keys, &value, sizeof value);
}

void gguf_write_element_string(struct gguf_writer *w, const char *text, size_t bytes)
{
    put_string(w, &w->keys, text, bytes);
}

/* ---- tensors -------------------------------------------------------------------- */

void gguf_write_tensor(struct gguf_writer *w, const char *name, enum gguf_type type,
                       uint32_t dims, const uint64_t *dim)
{
    uint64_t values = gguf_block_values(type), bytes;

    if (values == 0 || dims < 1 || dims > 4 || dim[0] % values != 0) {
        fail(w, INFER_EINVALID);
        return;
    }
    bytes = dim[0] / values * gguf_block_bytes(type);
    put_string(w, &w->tensors, name, strlen(name));
    put_u32(w, &w->tensors, dims);
    for (uint32_t i = 0; i < dims; i++) {
        put_u64(w, &w->tensors, dim[i]);
        if (i > 0 && __builtin_mul_overflow(bytes, dim[i], &bytes))
            fail(w, INFER_EINVALID);
    }
    put_u32(w, &w->tensors, (uint32_t)type);
    put_u64(w, &w->tensors, w->described);
    w->tensor_count++;
    w->described += padded(bytes);
}

static void emit(struct gguf_writer *w, FILE *file, const void *data, size_t bytes)
{
    if (w->status == 0 && bytes > 0 && fwrite(data, 1, bytes, file) != bytes)
        fail(w, INFER_EIO);
}

static void emit_zeros(struct gguf_writer *w, FILE *file, uint64_t position)
{
    static const uint8_t zeros[ALIGNMENT];

    emit(w, file, zeros, (size_t)(padded(position) - position));
}

void gguf_write_head(struct gguf_writer *w, FILE *file)
{
    struct {
        char magic[4];
        uint32_t version;
        uint64_t tensors, keys;
    } head = {{'G', 'G', 'U', 'F'}, 3, w->tensor_count, w->key_count};

    _Static_assert(sizeof head == 24, "the head of a GGUF file has 24 bytes");
    emit(w, file, &head, sizeof head);
    emit(w, file, w->keys.bytes, w->keys.count);
    emit(w, file, w->tensors.bytes, w->tensors.count);
    emit_zeros(w, file, sizeof head + w->keys.count + w->tensors.count);
}

void gguf_write_data(struct gguf_writer *w, FILE *file, const void *data, size_t bytes)
{
    emit(w, file, data, bytes);
    w->written += bytes;
}

void gguf_write_pad(struct gguf_writer *w, FILE *file)
{
    emit_zeros(w, file, w->written);
    w->written = padded(w->written);
}

int gguf_write_end(struct gguf_writer *w, FILE *file)
{
    int status;

    if (w->written != w->described)
        fail(w, INFER_EINVALID);
    if (fflush(file) != 0)
        fail(w, INFER_EIO);
    status = w->status;
    gguf_write_free(w);
    return status;
}

void gguf_write_free(struct gguf_writer *w)
{
    free(w->keys.bytes);
    free(w->tensors.bytes);
    *w = (struct gguf_writer){0};
}
