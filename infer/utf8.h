/* utf8 - one character at a time out of hostile bytes, inside infer/ only. */
#ifndef INFER_UTF8_H
#define INFER_UTF8_H

#include <stddef.h>
#include <stdint.h>

enum { UTF8_INVALID = -1, UTF8_BYTES_MAX = 4 };

/* The character at *at (less than bytes), *at moved past it; UTF8_INVALID where
 * there is none, *at moved past the bytes that could have begun one (at least one;
 * Unicode Standard, "maximal subpart"). Surrogates and overlong forms are invalid. */
int32_t utf8_next(const char *text, size_t bytes, size_t *at);

/* Write a character (not a surrogate, at most U+10FFFF); returns its bytes. */
size_t utf8_put(char *out, int32_t character);

#endif
