/* shards - the weights of a checkpoint folder, in one file or in several, inside
 * infer/ only. */
#ifndef INFER_SHARDS_H
#define INFER_SHARDS_H

#include "infer/safetensors.h"

enum { SHARDS_MAX = 1024 };

struct shards;

/* model.safetensors, or the files that model.safetensors.index.json lists. */
int shards_open(struct shards **out, const char *folder, struct infer_error *err);
void shards_close(struct shards *shards); /* NULL is allowed */

size_t shards_count(const struct shards *shards); /* of tensors */
const char *shards_name(const struct shards *shards, size_t i);

/* NULL when there is none. Marks it as used: see shards_unused(). */
const struct safetensors_tensor *shards_take(struct shards *shards, const char *name);
bool shards_has(const struct shards *shards, const char *name);

/* Was tensor i never taken? */
bool shards_unused(const struct shards *shards, size_t i);

#endif
