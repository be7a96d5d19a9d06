/* adapter - read the file of an adapter and hold it against its model.
 *
 *     general.type "adapter"    adapter.type "lora"    adapter.lora.alpha 16.0
 *     blk.0.attn_q.weight.lora_a    F32, F16 or BF16    dim: length, rank
 *     blk.0.attn_q.weight.lora_b                        dim: rank, rows
 *
 * Tensors of many experts, or heads, have a third dimension, and so do their pairs.
 * Names and keys are those of llama.cpp's GGUF files. Refused: another architecture,
 * an A without its B, a tensor that the model does not have or has in another shape,
 * and changes to what is not multiplied (norms, biases, the token embedding), because
 * an adapter applied in part answers plausibly and wrongly. */
#include "infer/adapter.h"
#include "infer/decoder.h"
#include "infer/gguf.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct adapter {
    struct gguf *file;
    struct adapter_pair *pair; /* by the address of the model's tensor */
    size_t count, rank;
};

static bool is_word(struct gguf_string found, const char *word)
{
    return found.bytes == strlen(word) && memcmp(found.text, word, found.bytes) == 0;
}

/* ---- keys ----------------------------------------------------------------------- */

static int need_word(const struct gguf *file, const char *key, const char *word,
                     const char *meaning, struct infer_error *err)
{
    struct gguf_string found = {"", 0};
    int status = gguf_get_string(file, key, &found, err);

    if (status != 0 || is_word(found, word))
        return status;
    return infer_fail(err, INFER_EUNSUPPORTED, "adapter: %s is \"%.*s\", %s \"%s\"",
                      key, (int)(found.bytes < 40 ? found.bytes : 40), found.text,
                      meaning, word);
}

static int check_keys(const struct gguf *file, const struct infer_model *model,
                      struct infer_error *err)
{
    static const char tokens[] = "adapter.alora.invocation_tokens";
    int status;

    if (gguf_find(file, "adapter.type") == NULL)
        return infer_fail(err, INFER_EINVALID,
                          "the file is no adapter: key adapter.type is missing");
    if ((status = need_word(file, "general.type", "adapter", "allowed is", err)) != 0 ||
        (status = need_word(file, "adapter.type", "lora", "supported is", err)) != 0 ||
        (status = need_word(file, "general.architecture", model->architecture,
                            "the model's is", err)) != 0)
        return status;
    if (gguf_find(file, tokens) != NULL)
        return infer_fail(err, INFER_EUNSUPPORTED,
                          "adapter: it counts only behind certain tokens (%s), which "
                          "is not supported",
                          tokens);
    return 0;
}

static int read_alpha(const struct gguf *file, float *out, struct infer_error *err)
{
    int status = gguf_get_f32(file, "adapter.lora.alpha", out, err);

    if (status == 0 && !(*out > 0 && isfinite(*out)))
        status = infer_fail(err, INFER_EFORMAT,
                            "adapter.lora.alpha is %g, allowed are numbers above 0",
                            (double)*out);
    return status;
}

/* ---- tensors -------------------------------------------------------------------- */

static const char end_a[] = ".lora_a", end_b[] = ".lora_b";

enum { END_BYTES = sizeof end_a - 1 };

static bool ends_so(const char *name, const char *end)
{
    size_t bytes = strlen(name);

    return bytes > END_BYTES && strcmp(name + bytes - END_BYTES, end) == 0;
}

/* The other one of a pair: the same name with this end. */
static const struct gguf_tensor *find_twin(const struct gguf *file, const char *name,
                                           const char *end)
{
    char twin[GGUF_NAME_BYTES_MAX + 1];

    strcpy(twin, name);
    strcpy(twin + strlen(twin) - END_BYTES, end);
    return gguf_tensor_find(file, twin);
}

static int find_tensor(const struct infer_model *model, const char *name,
                       const struct gguf_tensor **out, struct infer_error *err)
{
    char base[GGUF_NAME_BYTES_MAX + 1];

    strcpy(base, name);
    base[strlen(base) - END_BYTES] = '\0';
    *out = gguf_tensor_find(model->file, base);
    if (*out == NULL)
        return infer_fail(
            err, INFER_EFORMAT,
            "adapter: tensor %s changes %s, which the model does not have", name, base);
    if ((*out)->dims < 2 || *out == model->token_embd)
        return infer_fail(err, INFER_EUNSUPPORTED,
                          "adapter: tensor %s changes %s; supported are changes to "
                          "matrices of layers and of the output",
                          name, base);
    return 0;
}

static int check_type(const struct gguf_tensor *t, struct infer_error *err)
{
    if (t->type == GGUF_F32 || t->type == GGUF_F16 || t->type == GGUF_BF16)
        return 0;
    return infer_fail(err, INFER_EUNSUPPORTED,
                      "adapter: tensor %s is stored as %s, supported are F32, F16 and "
                      "BF16",
                      t->name, gguf_type_name(t->type));
}

static int check_shape(const struct gguf_tensor *t, uint64_t length, uint64_t rows,
                       const struct gguf_tensor *base, struct infer_error *err)
{
    if (t->dims == base->dims && t->dim[0] == length && t->dim[1] == rows &&
        t->dim[2] == base->dim[2] && t->dim[3] == base->dim[3])
        return 0;
    return infer_fail(err, INFER_EFORMAT,
                      "adapter: tensor %s is %llu x %llu x %llu, the model's %s and "
                      "the rank ask for %llu x %llu x %llu",
                      t->name, (unsigned long long)t->dim[0],
                      (unsigned long long)t->dim[1], (unsigned long long)t->dim[2],
                      base->name, (unsigned long long)length, (unsigned long long)rows,
                      (unsigned long long)base->dim[2]);
}

static int read_pair(struct adapter *adapter, const struct infer_model *model,
                     const struct gguf_tensor *a, float factor,
                     struct adapter_pair *pair, struct infer_error *err)
{
    const uint64_t rank = a->dim[1];
    int status;

    *pair =
        (struct adapter_pair){.a = a, .b = find_twin(adapter->file, a->name, end_b)};
    if (pair->b == NULL)
        return infer_fail(err, INFER_EFORMAT, "adapter: tensor %s has no %s beside it",
                          a->name, end_b);
    if (rank > ADAPTER_RANK_MAX)
        return infer_fail(err, INFER_ELIMIT,
                          "adapter: tensor %s has rank %llu, allowed are 1 to %d",
                          a->name, (unsigned long long)rank, ADAPTER_RANK_MAX);
    if ((status = find_tensor(model, a->name, &pair->tensor, err)) != 0 ||
        (status = check_type(a, err)) != 0 ||
        (status = check_type(pair->b, err)) != 0 ||
        (status = check_shape(a, pair->tensor->dim[0], rank, pair->tensor, err)) != 0 ||
        (status =
             check_shape(pair->b, rank, pair->tensor->dim[1], pair->tensor, err)) != 0)
        return status;
    pair->scale = (float)((double)factor / (double)rank);
    if (adapter->rank < rank)
        adapter->rank = (size_t)rank;
    return 0;
}

static int pair_compare(const void *a, const void *b)
{
    const struct adapter_pair *x = a, *y = b;
    const uintptr_t p = (uintptr_t)x->tensor, q = (uintptr_t)y->tensor;

    return (p > q) - (p < q);
}

/* factor: of every pair, before its rank divides it. */
static int read_pairs(struct adapter *adapter, const struct infer_model *model,
                      float factor, struct infer_error *err)
{
    const size_t count = gguf_tensor_count(adapter->file);
    int status = 0;

    adapter->pair = calloc(count + 1, sizeof *adapter->pair);
    if (adapter->pair == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for %zu tensors", count);
    for (size_t i = 0; status == 0 && i < count; i++) {
        const struct gguf_tensor *t = gguf_tensor_at(adapter->file, i);

        if (ends_so(t->name, end_a))
            status = read_pair(adapter, model, t, factor,
                               &adapter->pair[adapter->count++], err);
        else if (!ends_so(t->name, end_b) ||
                 find_twin(adapter->file, t->name, end_a) == NULL)
            status = infer_fail(err, INFER_EFORMAT,
                                "adapter: tensor %s is no half of a pair NAME%s, "
                                "NAME%s",
                                t->name, end_a, end_b);
    }
    if (status == 0 && adapter->count == 0)
        status = infer_fail(err, INFER_EFORMAT, "adapter: the file holds no tensors");
    qsort(adapter->pair, adapter->count, sizeof *adapter->pair, pair_compare);
    return status;
}

/* ---- open and close ------------------------------------------------------------- */

static int read_adapter(struct adapter *adapter, const struct infer_model *model,
                        float scale, struct infer_error *err)
{
    float alpha = 0;
    int status = check_keys(adapter->file, model, err);

    if (status == 0)
        status = read_alpha(adapter->file, &alpha, err);
    if (status == 0 && !isfinite(scale * alpha))
        status = infer_fail(err, INFER_EINVALID,
                            "adapter: a scale of %g and an alpha of %g are too large",
                            (double)scale, (double)alpha);
    return status != 0 ? status : read_pairs(adapter, model, scale * alpha, err);
}

/* Takes the file over, whatever comes of it. */
static int open_file(struct adapter **out, const struct infer_model *model,
                     struct gguf *file, float scale, struct infer_error *err)
{
    struct adapter *adapter = calloc(1, sizeof *adapter);
    int status;

    *out = NULL;
    if (adapter == NULL) {
        gguf_close(file);
        return infer_fail(err, INFER_ENOMEM, "no memory for an adapter");
    }
    adapter->file = file;
    status = read_adapter(adapter, model, scale, err);
    if (status != 0)
        adapter_close(adapter);
    else
        *out = adapter;
    return status;
}

int adapter_open(struct adapter **out, const struct infer_model *model,
                 const char *path, float scale, struct infer_error *err)
{
    struct gguf *file;
    int status = gguf_open(&file, path, err);

    *out = NULL;
    return status != 0 ? status : open_file(out, model, file, scale, err);
}

int adapter_open_memory(struct adapter **out, const struct infer_model *model,
                        const void *bytes, size_t count, float scale,
                        struct infer_error *err)
{
    struct gguf *file;
    int status;

    assert(!gguf_is_mapped(model->file)); /* sessions give back pages of both alike */
    status = gguf_open_memory(&file, bytes, count, err);

    *out = NULL;
    return status != 0 ? status : open_file(out, model, file, scale, err);
}

void adapter_close(struct adapter *adapter)
{
    if (adapter == NULL)
        return;
    free(adapter->pair);
    gguf_close(adapter->file);
    free(adapter);
}

/* ---- asking --------------------------------------------------------------------- */

const struct adapter_pair *adapter_find(const struct adapter *adapter,
                                        const struct gguf_tensor *tensor)
{
    const struct adapter_pair wanted = {.tensor = tensor};

    if (adapter == NULL)
        return NULL;
    return bsearch(&wanted, adapter->pair, adapter->count, sizeof wanted, pair_compare);
}

size_t adapter_rank(const struct adapter *adapter)
{
    return adapter != NULL ? adapter->rank : 0;
}

int infer_model_adapt(struct infer_model *model, const char *path, float scale,
                      struct infer_error *err)
{
    if (model->decoder == NULL)
        return infer_fail(err, INFER_EUNSUPPORTED,
                          "adapters are for language models; this one is %s",
                          model->architecture);
    if (model->adapter != NULL)
        return infer_fail(err, INFER_EINVALID, "the model has an adapter already");
    return adapter_open(&model->adapter, model, path, scale, err);
}
