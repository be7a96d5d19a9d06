/* memo - the ids of words that came before in the same text, inside infer/ only.
 *
 * A text says the same few hundred words again and again. The memo changes how fast
 * their ids come, never which. */
#ifndef INFER_MEMO_H
#define INFER_MEMO_H

#include "infer/infer.h"

enum { MEMO_TEXT_BYTES_MIN = 4096 }; /* of a text that is worth one */

struct memo;

/* For a text of so many bytes; NULL where it is too short or memory fails, which the
 * others take for a memo that knows nothing. */
struct memo *memo_open(size_t text_bytes);
void memo_close(struct memo *memo);

/* Append the ids of a word that is known; there must be room for as many as it has
 * bytes. */
bool memo_find(const struct memo *memo, const char *word, size_t bytes,
               struct infer_tokens *out);
void memo_keep(struct memo *memo, const char *word, size_t bytes, const int32_t *id,
               size_t count);

#endif
