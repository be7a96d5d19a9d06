/* slot - tensors a model wants, in tables. */
#include "infer/slot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int slots_open(struct slots *s, struct infer_error *err)
{
    s->taken = calloc(gguf_tensor_count(s->file) + 1, sizeof *s->taken);
    if (!s->taken)
        return infer_fail(err, INFER_ENOMEM, "no memory for %zu tensors",
                          gguf_tensor_count(s->file));
    return 0;
}

void slots_close(struct slots *s)
{
    free(s->taken);
    s->taken = NULL;
}

static uint64_t extent_of(const struct slots *s, uint8_t extent, uint64_t found)
{
    return extent == SLOT_ANY ? found : extent == SLOT_NONE ? 1 : s->extent[extent];
}

static int check_type(const struct gguf_tensor *t, const struct slot *slot,
                      struct infer_error *err)
{
    const bool vector = slot->dims[1] == SLOT_NONE;

    if (!slot->plain && !vector)
        return 0;
    if (t->type == GGUF_F32 || (!vector && t->type == GGUF_F16))
        return 0;
    return infer_fail(err, INFER_EUNSUPPORTED,
                      "tensor %s is stored as %s, supported is F32%s", t->name,
                      gguf_type_name(t->type), vector ? "" : " or F16");
}

static int check_shape(const struct slots *s, const struct gguf_tensor *t,
                       const struct slot *slot, struct infer_error *err)
{
    const uint64_t length = extent_of(s, slot->dims[0], t->dim[0]);
    const uint64_t rows = extent_of(s, slot->dims[1], t->dim[1]);
    const uint64_t depth = extent_of(s, slot->dims[2], t->dim[2]);
    const uint32_t dims = slot->dims[2] ? 3 : slot->dims[1] ? 2 : 1;

    if (t->dims != dims || t->dim[0] != length || t->dim[1] != rows ||
        t->dim[2] != depth)
        return infer_fail(
            err, INFER_EFORMAT,
            "tensor %s has %u dimensions, %llu x %llu x %llu; the file's keys ask "
            "for %u, %llu x %llu x %llu",
            t->name, t->dims, (unsigned long long)t->dim[0],
            (unsigned long long)t->dim[1], (unsigned long long)t->dim[2], dims,
            (unsigned long long)length, (unsigned long long)rows,
            (unsigned long long)depth);
    return check_type(t, slot, err);
}

static int take(struct slots *s, const char *prefix, const struct slot *slot,
                void *base, struct infer_error *err)
{
    char name[GGUF_NAME_BYTES_MAX + 64];
    const struct gguf_tensor *t;

    snprintf(name, sizeof name, "%s%s", prefix, slot->name);
    t = gguf_tensor_find(s->file, name);
    memcpy((char *)base + slot->place, &t, sizeof t);
    if (!t)
        return slot->optional
                   ? 0
                   : infer_fail(err, INFER_EFORMAT, "tensor %s is missing", name);
    s->taken[t - gguf_tensor_at(s->file, 0)] = true;
    return check_shape(s, t, slot, err);
}

int slots_take(struct slots *s, const char *prefix, const struct slot *slot,
               size_t count, void *base, struct infer_error *err)
{
    int status = 0;

    for (size_t i = 0; status == 0 && i < count; i++)
        if ((slot[i].when & s->features) == slot[i].when)
            status = take(s, prefix, slot + i, base, err);
    return status;
}

int slots_check_rest(const struct slots *s, struct infer_error *err)
{
    for (size_t i = 0; i < gguf_tensor_count(s->file); i++)
        if (!s->taken[i])
            return infer_fail(err, INFER_EUNSUPPORTED,
                              "tensor %s has no place in this %s model",
                              gguf_tensor_at(s->file, i)->name, s->architecture);
    return 0;
}
