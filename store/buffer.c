/* buffer - a growing string, and the forms text takes on its way out.
 *
 * Three writers stand on it: event bodies (canonical JSON), readable forms of paths
 * that are not UTF-8, and search expressions. Document text and file names are
 * hostile, so bytes that are not UTF-8 become U+FFFD and control characters are
 * escaped. It does not parse anything. */
#include "store/buffer.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool text_reserve(struct buffer *buffer, size_t more)
{
    size_t wanted, capacity = buffer->capacity ? buffer->capacity : 256;
    char *grown;

    if (buffer->failed || __builtin_add_overflow(buffer->bytes, more, &wanted) ||
        wanted >= SIZE_MAX / 2) {
        buffer->failed = true;
        return false;
    }
    if (wanted < buffer->capacity)
        return true;
    while (capacity <= wanted)
        capacity *= 2;
    grown = realloc(buffer->at, capacity);
    if (!grown) {
        buffer->failed = true;
        return false;
    }
    buffer->at = grown;
    buffer->capacity = capacity;
    return true;
}

void buffer_add(struct buffer *buffer, const void *data, size_t bytes)
{
    if (!text_reserve(buffer, bytes))
        return;
    if (bytes)
        memcpy(buffer->at + buffer->bytes, data, bytes);
    buffer->bytes += bytes;
    buffer->at[buffer->bytes] = '\0';
}

void buffer_put(struct buffer *buffer, const char *string)
{
    buffer_add(buffer, string, strlen(string));
}

void buffer_hex(struct buffer *buffer, const void *data, size_t bytes)
{
    static const char digit[] = "0123456789abcdef";
    const unsigned char *at = data;

    for (size_t i = 0; i < bytes; i++) {
        char pair[2] = {digit[at[i] >> 4], digit[at[i] & 15]};
        buffer_add(buffer, pair, 2);
    }
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->at);
    *buffer = (struct buffer){0};
}

/* How many bytes follow the first, its payload bits and the smallest code point that
 * may be written in this length (RFC 3629: no overlong form). */
static int utf8_follow(unsigned char first, int32_t *bits, int32_t *least)
{
    if (first >= 0xc2 && first <= 0xdf)
        return *bits = first & 0x1f, *least = 0x80, 1;
    if (first >= 0xe0 && first <= 0xef)
        return *bits = first & 0x0f, *least = 0x800, 2;
    if (first >= 0xf0 && first <= 0xf4)
        return *bits = first & 0x07, *least = 0x10000, 3;
    return -1;
}

int32_t utf8_take(const unsigned char **at, const unsigned char *end)
{
    const unsigned char *p = *at;
    int32_t point = 0, least = 0;
    int follow;

    *at = p + 1;
    if (*p < 0x80)
        return *p;
    follow = utf8_follow(*p, &point, &least);
    if (follow < 0 || end - p <= follow)
        return -1;
    for (int i = 1; i <= follow; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return -1;
        point = (point << 6) | (p[i] & 0x3f);
    }
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return -1;
    *at = p + follow + 1;
    return point;
}

bool utf8_valid(const char *string, size_t bytes)
{
    const unsigned char *at = (const unsigned char *)string, *end = at + bytes;

    while (at < end)
        if (utf8_take(&at, end) < 0)
            return false;
    return true;
}

void buffer_utf8(struct buffer *buffer, const char *string, size_t bytes)
{
    const unsigned char *at = (const unsigned char *)string, *end = at + bytes;

    buffer_add(buffer, "", 0);
    while (at < end) {
        const unsigned char *from = at;
        if (utf8_take(&at, end) < 0)
            buffer_put(buffer, "\xef\xbf\xbd");
        else
            buffer_add(buffer, from, (size_t)(at - from));
    }
}

/* ---- JSON ------------------------------------------------------------------------ */

void object_open(struct buffer *buffer)
{
    buffer_put(buffer, "{");
}

void object_close(struct buffer *buffer)
{
    buffer_put(buffer, "}");
}

void object_quote(struct buffer *buffer, const char *value)
{
    const unsigned char *at = (const unsigned char *)value, *end = at + strlen(value);

    buffer_put(buffer, "\"");
    while (at < end) {
        const unsigned char *from = at;
        int32_t point = utf8_take(&at, end);
        char escape[8];

        if (point < 0) {
            buffer_put(buffer, "\xef\xbf\xbd");
        } else if (point < 0x20 || point == 0x7f) {
            snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)point);
            buffer_put(buffer, escape);
        } else {
            if (point == '"' || point == '\\')
                buffer_put(buffer, "\\");
            buffer_add(buffer, from, (size_t)(at - from));
        }
    }
    buffer_put(buffer, "\"");
}

static void object_key(struct buffer *buffer, const char *key)
{
    if (buffer->bytes && buffer->at[buffer->bytes - 1] != '{')
        buffer_put(buffer, ",");
    object_quote(buffer, key);
    buffer_put(buffer, ":");
}

void object_string(struct buffer *buffer, const char *key, const char *value)
{
    object_key(buffer, key);
    if (value)
        object_quote(buffer, value);
    else
        buffer_put(buffer, "null");
}

void object_int(struct buffer *buffer, const char *key, int64_t value)
{
    char digits[24];

    object_key(buffer, key);
    snprintf(digits, sizeof(digits), "%" PRId64, value);
    buffer_put(buffer, digits);
}

void object_raw(struct buffer *buffer, const char *key, const char *json)
{
    object_key(buffer, key);
    buffer_put(buffer, json);
}

void object_digest(struct buffer *buffer, const char *key,
                   const struct store_digest *digest)
{
    char hex[65];

    store_digest_hex(digest, hex);
    object_string(buffer, key, hex);
}
