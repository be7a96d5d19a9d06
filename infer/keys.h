/* keys - the numbers of an architecture, each within what it may be.
 *
 * A GGUF file prefixes them with the architecture's name: "llama.block_count" is
 * asked for as "block_count". Errors name the key, the value and what is allowed. */
#ifndef INFER_KEYS_H
#define INFER_KEYS_H

#include "infer/gguf.h"

struct keys {
    const struct gguf *file;
    const char *architecture;
    char name[128]; /* the key asked for last, with its prefix */
};

/* The whole name; lives until the next call. */
const char *keys_name(struct keys *k, const char *name);

/* A count from 1 to max; absent counts as otherwise, which 0 makes an error. */
int keys_count(struct keys *k, const char *name, uint32_t max, uint32_t otherwise,
               uint32_t *out, struct infer_error *err);

/* The same where absence and 0 mean: none. */
int keys_optional(struct keys *k, const char *name, uint32_t max, uint32_t *out,
                  struct infer_error *err);

/* A number above 0 and below most; absent counts as otherwise, which 0 makes an
 * error. */
int keys_real(struct keys *k, const char *name, double most, double otherwise,
              double *out, struct infer_error *err);
int keys_float(struct keys *k, const char *name, double most, double otherwise,
               float *out, struct infer_error *err);

int keys_flag(struct keys *k, const char *name, bool otherwise, bool *out,
              struct infer_error *err);

#endif
