/* import_rope - how a language model's positions are stretched.
 *
 *     older files   "rope_theta": 10000.0, "rope_scaling": {"type": "linear", ...}
 *     newer files   "rope_parameters": {"rope_theta": ..., "rope_type": ..., ...}, for
 *                   each kind of layer where a family has two
 *
 * What the file cannot say as keys becomes a tensor, as in llama.cpp's files: Llama 3
 * divides each frequency by a number of its own (rope_freqs), Phi-3 has two lists of
 * such numbers. Numbers are computed without the C library's powers, so that the same
 * folder gives the same bytes everywhere. */
#include "infer/import.h"
#include "infer/precise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char file[] = "config.json";

struct stretch {
    struct import *im;
    const struct import_family *family;
    const struct import_sizes *sizes;
    const json_t *settings; /* of the model */
    const json_t *rope;     /* the object about positions, or NULL */
    struct infer_error *err;
    double base;
};

static const char *key_of(const struct stretch *s, const char *key)
{
    static _Thread_local char name[96];

    snprintf(name, sizeof name, "%s.rope.%s", s->family->architecture, key);
    return name;
}

static void write_real(const struct stretch *s, const char *key, double value)
{
    gguf_write_f32(&s->im->out, key_of(s, key), (float)value);
}

/* The context of the training: the rope's word, the model's, or the context itself. */
static int original_context(const struct stretch *s, uint32_t *out)
{
    static const char key[] = "original_max_position_embeddings";
    int status;

    *out = s->sizes->context;
    status = import_count(s->settings, key, 2, true, out, s->err);
    return status != 0 ? status : import_count(s->rope, key, 2, true, out, s->err);
}

/* ---- kinds ---------------------------------------------------------------------- */

static int stretch_none(const struct stretch *s)
{
    (void)s;
    return 0;
}

static int stretch_linear(const struct stretch *s)
{
    double factor = 0;
    int status = import_real(s->rope, "factor", false, &factor, s->err);

    gguf_write_string(&s->im->out, key_of(s, "scaling.type"), "linear", 6);
    write_real(s, "scaling.factor", factor);
    return status;
}

/* YaRN scales sines by what its factor gives; another scale cannot be said. */
static int check_attention_factor(const struct stretch *s, double factor)
{
    const json_t *value = json_object_get(s->rope, "attention_factor");
    double own = factor > 1 ? 1 + 0.1 * precise_log(factor) : 1;

    if (value == NULL || json_is_null(value) ||
        fabs(json_number_value(value) - own) < 1e-6)
        return 0;
    return checkpoint_refuse(s->err, file, "attention_factor", value,
                             "what the factor gives");
}

/* DeepSeek: sines stay as they are, and the scores grow. */
static int write_multiplier(const struct stretch *s)
{
    double sines = 0, scores = 0;
    int status = import_real(s->rope, "mscale", true, &sines, s->err);

    if (status == 0)
        status = import_real(s->rope, "mscale_all_dim", true, &scores, s->err);
    if (status == 0 && sines != scores)
        return checkpoint_refuse(s->err, file, "mscale",
                                 json_object_get(s->rope, "mscale"),
                                 "that of mscale_all_dim");
    if (scores != 0)
        write_real(s, "scaling.yarn_log_multiplier", 0.1 * scores);
    return status;
}

static int stretch_yarn(const struct stretch *s)
{
    double factor = 0, fast = 32, slow = 1;
    uint32_t original = 0;
    int status;

    if ((status = import_real(s->rope, "factor", false, &factor, s->err)) != 0 ||
        (status = import_real(s->rope, "beta_fast", true, &fast, s->err)) != 0 ||
        (status = import_real(s->rope, "beta_slow", true, &slow, s->err)) != 0 ||
        (status = checkpoint_flag(s->rope, file, "truncate", true, s->err)) != 0 ||
        (status = original_context(s, &original)) != 0)
        return status;
    gguf_write_string(&s->im->out, key_of(s, "scaling.type"), "yarn", 4);
    write_real(s, "scaling.factor", factor);
    gguf_write_u32(&s->im->out, key_of(s, "scaling.original_context_length"), original);
    write_real(s, "scaling.yarn_beta_fast", fast);
    write_real(s, "scaling.yarn_beta_slow", slow);
    return s->family->features & IMPORT_LATENT ? write_multiplier(s)
                                               : check_attention_factor(s, factor);
}

/* One number a pair of dimensions as a tensor of the file. */
static float *add_divisors(const struct stretch *s, const char *name)
{
    const uint32_t pairs = s->sizes->rotary / 2;
    struct import_job *job = import_add(s->im, name, s->err);

    if (job == NULL)
        return NULL;
    job->type = GGUF_F32;
    job->dims = 1;
    job->dim[0] = pairs;
    job->values = calloc(pairs + 1, sizeof *job->values);
    if (job->values == NULL)
        infer_fail(s->err, INFER_ENOMEM, "no memory for %u frequencies", pairs);
    return job->values;
}

/* Slow frequencies are divided by the factor, fast ones are kept, those between are
 * blended (Llama 3.1). */
static int stretch_llama3(const struct stretch *s)
{
    const double two_pi = 0x1.921fb54442d18p2;
    double factor = 8, low = 1, high = 4;
    uint32_t original = 0;
    float *divisor;
    int status;

    if ((status = import_real(s->rope, "factor", false, &factor, s->err)) != 0 ||
        (status = import_real(s->rope, "low_freq_factor", false, &low, s->err)) != 0 ||
        (status = import_real(s->rope, "high_freq_factor", false, &high, s->err)) !=
            0 ||
        (status = original_context(s, &original)) != 0)
        return status;
    if (high <= low)
        return checkpoint_refuse(s->err, file, "high_freq_factor",
                                 json_object_get(s->rope, "high_freq_factor"),
                                 "more than low_freq_factor");
    divisor = add_divisors(s, "rope_freqs.weight");
    for (uint32_t i = 0; divisor != NULL && i < s->sizes->rotary / 2; i++) {
        double frequency = precise_pow(s->base, -2.0 * i / s->sizes->rotary);
        double turns =
            original * frequency / two_pi; /* within the training's context */
        double smooth = (turns - low) / (high - low);

        smooth = smooth < 0 ? 0 : smooth > 1 ? 1 : smooth;
        divisor[i] = (float)(1 / ((1 - smooth) / factor + smooth));
    }
    return divisor != NULL ? 0 : INFER_ENOMEM;
}

static int add_list(const struct stretch *s, const char *key, const char *name)
{
    const json_t *list = json_object_get(s->rope, key), *number;
    float *divisor = add_divisors(s, name);
    size_t i;

    if (divisor == NULL)
        return INFER_ENOMEM;
    if (json_array_size(list) != s->sizes->rotary / 2)
        return infer_fail(s->err, INFER_EFORMAT,
                          "config.json: %s has %zu numbers, %u dimensions turn", key,
                          json_array_size(list), s->sizes->rotary);
    json_array_foreach(list, i, number)
    {
        divisor[i] = (float)json_number_value(number);
        if (!json_is_number(number) || !(divisor[i] > 0))
            return infer_fail(s->err, INFER_EFORMAT,
                              "config.json: number %zu of %s is not above 0", i, key);
    }
    return 0;
}

static int stretch_long(const struct stretch *s)
{
    uint32_t original = 0;
    double growth, scale;
    int status = original_context(s, &original);

    if (status != 0)
        return status;
    growth = (double)s->sizes->context / original;
    scale = growth <= 1 ? 1 : sqrt(1 + precise_log(growth) / precise_log(original));
    status = import_real(s->rope, "attention_factor", true, &scale, s->err);
    gguf_write_u32(&s->im->out, key_of(s, "scaling.original_context_length"), original);
    write_real(s, "scaling.attn_factor", scale);
    if (status == 0)
        status = add_list(s, "long_factor", "rope_factors_long.weight");
    return status != 0 ? status
                       : add_list(s, "short_factor", "rope_factors_short.weight");
}

static const struct {
    const char *name;
    int (*write)(const struct stretch *s);
    unsigned when; /* features of the family */
} kinds[] = {
    {"default", stretch_none, 0},
    {"linear", stretch_linear, 0},
    {"llama3", stretch_llama3, IMPORT_PAIRED},
    {"yarn", stretch_yarn, 0},
    {"longrope", stretch_long, IMPORT_FUSED},
    {"su", stretch_long, IMPORT_FUSED},
};

static int write_stretch(const struct stretch *s)
{
    const json_t *type = json_object_get(s->rope, "rope_type");
    const char *name;

    type = type != NULL ? type : json_object_get(s->rope, "type");
    name = type != NULL ? json_string_value(type) : "default";
    for (size_t i = 0; name != NULL && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(name, kinds[i].name) == 0 &&
            (s->family->features & kinds[i].when) == kinds[i].when)
            return kinds[i].write(s);
    return checkpoint_refuse(s->err, file, "rope_type", type,
                             "default, linear, yarn, llama3 (of llama), longrope (of "
                             "phi3)");
}

/* ---- the model ------------------------------------------------------------------ */

static const json_t *find_rope(const json_t *settings, bool *split)
{
    const json_t *newer = json_object_get(settings, "rope_parameters");
    const json_t *full = json_object_get(newer, "full_attention");

    *split = json_is_object(full);
    if (*split)
        return full;
    return json_is_object(newer) ? newer : json_object_get(settings, "rope_scaling");
}

/* Gemma 3: layers that see a window have a base of their own. */
static int write_window_base(const struct stretch *s, bool split)
{
    const json_t *newer = json_object_get(s->settings, "rope_parameters");
    const json_t *window = json_object_get(newer, "sliding_attention");
    double base = 10000;
    int status;

    if (split)
        status = import_real(window, "rope_theta", true, &base, s->err);
    else
        status = import_real(s->settings, "rope_local_base_freq", true, &base, s->err);
    if (status == 0 && split)
        status = checkpoint_word(window, file, "rope_type", "default", true, s->err);
    write_real(s, "freq_base_swa", base);
    return status;
}

int import_rope(struct import *im, const struct import_family *family,
                const struct import_sizes *sizes, struct infer_error *err)
{
    struct stretch s = {.im = im,
                        .family = family,
                        .sizes = sizes,
                        .settings = import_settings(im),
                        .err = err,
                        .base = 10000};
    bool split;
    int status;

    s.rope = find_rope(s.settings, &split);
    if ((status = import_real(s.settings, "rope_theta", true, &s.base, err)) != 0 ||
        (status = import_real(s.rope, "rope_theta", true, &s.base, err)) != 0)
        return status;
    write_real(&s, "freq_base", s.base);
    if (family->window_period == 6)
        status = write_window_base(&s, split);
    return status != 0 ? status : write_stretch(&s);
}
