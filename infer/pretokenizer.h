/* pretokenizer - where a family of byte-level models cuts text before it merges,
 * inside infer/ only. Not changed after it was opened; threads may share it. */
#ifndef INFER_PRETOKENIZER_H
#define INFER_PRETOKENIZER_H

#include "infer/gguf.h"

struct pretokenizer;

struct pretokenizer_pieces { /* zero it first; piece i ends at end[i] */
    size_t *end;
    size_t count, capacity;
};

/* name is the value of tokenizer.ggml.pre, an empty one where the file has none. A
 * name that is not known is refused (INFER_EUNSUPPORTED). */
int pretokenizer_open(struct pretokenizer **out, struct gguf_string name,
                      struct infer_error *err);
void pretokenizer_close(struct pretokenizer *p); /* NULL is allowed */

/* A piece that is a token is taken as it is, without merging. */
bool pretokenizer_takes_whole(const struct pretokenizer *p);

/* The family opens a text with its BOS token unless the file says otherwise. */
bool pretokenizer_opens(const struct pretokenizer *p);

/* Replace pieces' content by the cuts of well-formed UTF-8. The last piece ends at
 * bytes. 0 or INFER_ENOMEM. */
int pretokenizer_split(const struct pretokenizer *p, const char *text, size_t bytes,
                       struct pretokenizer_pieces *pieces);
void pretokenizer_pieces_free(struct pretokenizer_pieces *pieces);

#endif
