/* keys - the numbers of an architecture, each within what it may be. */
#include "infer/keys.h"

#include <stdio.h>

const char *keys_name(struct keys *k, const char *name)
{
    snprintf(k->name, sizeof k->name, "%s.%s", k->architecture, name);
    return k->name;
}

int keys_count(struct keys *k, const char *name, uint32_t max, uint32_t otherwise,
               uint32_t *out, struct infer_error *err)
{
    const char *key = keys_name(k, name);
    int status;

    *out = otherwise;
    if (otherwise != 0 && !gguf_find(k->file, key))
        return 0;
    status = gguf_get_u32(k->file, key, out, err);
    if (status == 0 && (*out < 1 || *out > max))
        status = infer_fail(err, INFER_EFORMAT, "%s is %u, allowed are 1 to %u", key,
                            *out, max);
    return status;
}

int keys_optional(struct keys *k, const char *name, uint32_t max, uint32_t *out,
                  struct infer_error *err)
{
    const char *key = keys_name(k, name);
    int status;

    *out = 0;
    if (!gguf_find(k->file, key))
        return 0;
    status = gguf_get_u32(k->file, key, out, err);
    if (status == 0 && *out > max)
        status = infer_fail(err, INFER_EFORMAT, "%s is %u, allowed are 0 to %u", key,
                            *out, max);
    return status;
}

int keys_real(struct keys *k, const char *name, double most, double otherwise,
              double *out, struct infer_error *err)
{
    const char *key = keys_name(k, name);
    float value = 0;
    int status;

    *out = otherwise;
    if (otherwise != 0 && !gguf_find(k->file, key))
        return 0;
    status = gguf_get_f32(k->file, key, &value, err);
    if (status == 0 && !(value > 0 && value < most))
        status = infer_fail(err, INFER_EFORMAT,
                            "%s is %g, allowed is more than 0 and less than %g", key,
                            (double)value, most);
    *out = (double)value;
    return status;
}

int keys_flag(struct keys *k, const char *name, bool otherwise, bool *out,
              struct infer_error *err)
{
    const char *key = keys_name(k, name);

    *out = otherwise;
    return gguf_find(k->file, key) ? gguf_get_bool(k->file, key, out, err) : 0;
}

int keys_float(struct keys *k, const char *name, double most, double otherwise,
               float *out, struct infer_error *err)
{
    double value = 0;
    int status = keys_real(k, name, most, otherwise, &value, err);

    *out = (float)value;
    return status;
}
