/* tiny_adapter - an adapter for a model of tiny_decoder.h, made in memory: a pair for
 * each of its matrices, sound or wrong in one named way. */
#ifndef TESTS_INFER_TINY_ADAPTER_H
#define TESTS_INFER_TINY_ADAPTER_H

#include "infer/adapter.h"
#include "tests/infer/tiny_decoder.h"

enum { TINY_ADAPTER_RANK = 5 };

struct tiny_adapter {             /* NULL and 0: nothing special */
    enum gguf_type type;          /* of the pairs */
    const char *only;             /* pairs of tensors with this in their name */
    const char *leave_out;        /* a key, or a tensor */
    const char *swapped, *longer; /* a tensor of another shape */
    const char *extra;            /* one more tensor, rank x rank */
    const char *key, *text;       /* a key that says something else, or one more */
    const char *flag;             /* one more, a boolean */
    float alpha;                  /* 10 where it is 0 */
};

static inline void tiny_adapter_word(struct gguf_writer *w,
                                     const struct tiny_adapter *a, const char *key,
                                     const char *value)
{
    if (tiny_is(a->leave_out, key))
        return;
    if (tiny_is(a->key, key))
        value = a->text;
    gguf_write_string(w, key, value, strlen(value));
}

static inline void tiny_adapter_add(struct tiny_list *list,
                                    const struct tiny_adapter *a,
                                    const struct gguf_tensor *base, const char *end)
{
    struct gguf_tensor *t = &list->tensor[list->count];
    char *name = list->name[list->count];
    const bool first = strcmp(end, ".lora_a") == 0;

    snprintf(name, 64, "%s%s", base->name, end);
    if (tiny_is(a->leave_out, name))
        return;
    assert_true(list->count < 128);
    *t = *base;
    t->name = name;
    t->type = a->type;
    t->dim[0] = first ? base->dim[0] : TINY_ADAPTER_RANK;
    t->dim[1] = first ? TINY_ADAPTER_RANK : base->dim[1];
    if (tiny_is(a->longer, name))
        t->dim[first ? 0 : 1]++;
    if (tiny_is(a->swapped, name)) {
        const uint64_t keep = t->dim[0];
        t->dim[0] = t->dim[1];
        t->dim[1] = keep;
    }
    t->rows = t->dim[1] * t->dim[2];
    list->count++;
}

static inline bool tiny_adapter_changes(const struct tiny_adapter *a,
                                        const struct gguf_tensor *t)
{
    return t->dims > 1 && !tiny_is("token_embd.weight", t->name) &&
           (a->only == NULL || strstr(t->name, a->only) != NULL);
}

/* To be freed. */
static inline char *tiny_adapter_bytes(const struct tiny_decoder *d,
                                       const struct tiny_adapter *a, size_t *count)
{
    static struct tiny_list model, list;
    struct gguf_writer w = {0};
    uint64_t state = 42;
    char *bytes = NULL;
    FILE *file = open_memstream(&bytes, count);

    tiny_adapter_word(&w, a, "general.type", "adapter");
    tiny_adapter_word(&w, a, "general.architecture", d->architecture);
    tiny_adapter_word(&w, a, "adapter.type", "lora");
    if (!tiny_is(a->leave_out, "adapter.lora.alpha"))
        gguf_write_f32(&w, "adapter.lora.alpha", a->alpha != 0 ? a->alpha : 10);
    if (a->flag != NULL)
        gguf_write_bool(&w, a->flag, true);
    model.d = d;
    model.count = list.count = 0;
    tiny_add_all(&model);
    for (size_t i = 0; i < model.count; i++)
        if (tiny_adapter_changes(a, &model.tensor[i])) {
            tiny_adapter_add(&list, a, &model.tensor[i], ".lora_a");
            tiny_adapter_add(&list, a, &model.tensor[i], ".lora_b");
        }
    for (size_t i = 0; i < list.count; i++)
        gguf_write_tensor(&w, list.tensor[i].name, list.tensor[i].type,
                          list.tensor[i].dims, list.tensor[i].dim);
    if (a->extra != NULL)
        gguf_write_tensor(&w, a->extra, GGUF_F32, 1, (uint64_t[]){8});
    gguf_write_head(&w, file);
    for (size_t i = 0; i < list.count; i++)
        tiny_values(file, &w, &list.tensor[i], &state);
    if (a->extra != NULL)
        gguf_write_data(&w, file, (float[8]){0}, 32);
    assert_int_equal(gguf_write_end(&w, file), 0);
    fclose(file);
    return bytes;
}

static inline void tiny_adapt(struct infer_model *model, const struct tiny_decoder *d,
                              const struct tiny_adapter *a, float scale)
{
    struct infer_error err = {0};
    size_t count;
    char *bytes = tiny_adapter_bytes(d, a, &count);

    if (adapter_open_memory(&model->adapter, model, bytes, count, scale, &err) != 0)
        fail_msg("%s: %s", d->architecture, err.text);
    free(bytes);
}

#endif
