/* gguf_write - make a GGUF file, inside infer/ only.
 *
 *     struct gguf_writer w = {0};
 *     gguf_write_string(&w, "general.architecture", "bert", 4);
 *     gguf_write_tensor(&w, "token_embd.weight", GGUF_F32, 2, (uint64_t[]){32, 60});
 *     gguf_write_head(&w, file);                       all keys, all descriptions
 *     gguf_write_data(&w, file, values, bytes);        in the order described
 *     status = gguf_write_end(&w, file);               releases what w holds
 *
 * Failures stick: every call after the first one does nothing, and the end says
 * INFER_ENOMEM, INFER_EIO or INFER_EINVALID (data that is not what was described).
 * The bytes depend on the calls alone. */
#ifndef INFER_GGUF_WRITE_H
#define INFER_GGUF_WRITE_H

#include "infer/gguf.h"

#include <stdio.h>

struct gguf_buffer {
    uint8_t *bytes;
    size_t count, capacity;
};

struct gguf_writer {
    struct gguf_buffer keys, tensors;
    uint64_t key_count, tensor_count;
    uint64_t described; /* bytes of data described, each tensor padded */
    uint64_t written;   /* bytes of data written */
    int status;
};

void gguf_write_u16(struct gguf_writer *w, const char *key, uint16_t value);
void gguf_write_i32(struct gguf_writer *w, const char *key, int32_t value);
void gguf_write_u32(struct gguf_writer *w, const char *key, uint32_t value);
void gguf_write_f32(struct gguf_writer *w, const char *key, float value);
void gguf_write_bool(struct gguf_writer *w, const char *key, bool value);
void gguf_write_string(struct gguf_writer *w, const char *key, const char *text,
                       size_t bytes);

/* The head of an array; the count elements follow by gguf_write_element(). */
void gguf_write_array(struct gguf_writer *w, const char *key, enum gguf_value element,
                      uint64_t count);
void gguf_write_element_i32(struct gguf_writer *w, int32_t value);
void gguf_write_element_f32(struct gguf_writer *w, float value);
void gguf_write_element_string(struct gguf_writer *w, const char *text, size_t bytes);

/* Rows of dim[0] values; dim[0] is a multiple of the type's block. */
void gguf_write_tensor(struct gguf_writer *w, const char *name, enum gguf_type type,
                       uint32_t dims, const uint64_t *dim);

void gguf_write_head(struct gguf_writer *w, FILE *file);
void gguf_write_data(struct gguf_writer *w, FILE *file, const void *data, size_t bytes);
void gguf_write_pad(struct gguf_writer *w, FILE *file); /* after each tensor */
int gguf_write_end(struct gguf_writer *w, FILE *file);
void gguf_write_free(struct gguf_writer *w); /* for who never came to the end */

#endif
