/* buffer.h - a growing string, and the forms text takes on its way out. */
#ifndef STORE_BUFFER_H
#define STORE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_digest;

/* Start with {0}. After a failed allocation every call is a no-op and failed stays
 * true, so that only the last step needs to look. at is NUL-terminated once anything
 * was added. */
struct buffer {
    char *at;
    size_t bytes, capacity;
    bool failed;
};
void buffer_add(struct buffer *buffer, const void *data, size_t bytes);
void buffer_put(struct buffer *buffer, const char *string);
void buffer_hex(struct buffer *buffer, const void *data, size_t bytes);
void buffer_free(struct buffer *buffer);

/* The code point at *at, which moves past it; -1 for one byte that is not UTF-8. */
int32_t utf8_take(const unsigned char **at, const unsigned char *end);
bool utf8_valid(const char *string, size_t bytes);
void buffer_utf8(struct buffer *buffer, const char *string, size_t bytes); /* U+FFFD */

/* JSON objects by hand: keys must be given in ascending order. */
void object_open(struct buffer *buffer);
void object_close(struct buffer *buffer);
void object_string(struct buffer *buffer, const char *key,
                   const char *value); /* NULL: null */
void object_int(struct buffer *buffer, const char *key, int64_t value);
void object_raw(struct buffer *buffer, const char *key, const char *json);
void object_digest(struct buffer *buffer, const char *key,
                   const struct store_digest *digest);
void object_quote(struct buffer *buffer, const char *value);

#endif
