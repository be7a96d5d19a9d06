/* charsmap - the normalisation table that SentencePiece compiles into a model, inside
 * infer/ only. Not changed after it was opened; threads may share it. */
#ifndef INFER_CHARSMAP_H
#define INFER_CHARSMAP_H

#include "infer/model.h"

struct charsmap;

/* bytes are copied: a 32-bit count, a double array of that many bytes, and texts that
 * each end with a NUL. */
int charsmap_open(struct charsmap **out, const void *bytes, size_t count,
                  struct infer_error *err);
void charsmap_close(struct charsmap *map); /* NULL is allowed */

/* What the longest entry that begins the text turns into; *matched its bytes, 0 and
 * NULL where there is none. */
const char *charsmap_find(const struct charsmap *map, const char *text, size_t bytes,
                          size_t *matched);

#endif
