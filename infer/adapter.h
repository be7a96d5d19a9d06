/* adapter - a low-rank change to a language model (LoRA, Hu et al. 2021), inside infer/
 * only.
 *
 *     y = W x + scale * alpha / rank * B (A x)
 *
 * W is a matrix of the model, A (rank x length of a row) and B (rows x rank) are
 * tensors of the adapter's file, called as W's tensor with ".lora_a" and ".lora_b"
 * behind. What adapter_open() returns fits the model: each pair has its tensor, a
 * matrix that is multiplied, and the shapes that this tensor asks for. */
#ifndef INFER_ADAPTER_H
#define INFER_ADAPTER_H

#include "infer/model.h"

enum { ADAPTER_RANK_MAX = 4096 };

struct adapter;

struct adapter_pair {
    const struct gguf_tensor *tensor; /* W, of the model */
    const struct gguf_tensor *a, *b;
    float scale; /* of B (A x), all factors in one */
};

int adapter_open(struct adapter **out, const struct infer_model *model,
                 const char *path, float scale, struct infer_error *err);

/* The same of bytes in memory, which are copied; for a model that is not mapped. */
int adapter_open_memory(struct adapter **out, const struct infer_model *model,
                        const void *bytes, size_t count, float scale,
                        struct infer_error *err);
void adapter_close(struct adapter *adapter); /* NULL is allowed */

/* What changes the tensor; NULL when nothing does, or there is no adapter. */
const struct adapter_pair *adapter_find(const struct adapter *adapter,
                                        const struct gguf_tensor *tensor);

/* Floats of the longest A x. */
size_t adapter_rank(const struct adapter *adapter); /* NULL is allowed */

#endif
