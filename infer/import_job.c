/* import_job - one tensor of a checkpoint on its way into the file.
 *
 * Rows are read one at a time as floats, whatever order they come in, and stored in
 * the format of the tensor. F32 to F32, F16 to F16 and BF16 to BF16 lose nothing. A
 * value that the format cannot hold is refused by its name: no weight is cut to fit. */
#include "infer/import.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- planning ------------------------------------------------------------------- */

struct import_job *import_add(struct import *im, const char *name,
                              struct infer_error *err)
{
    if (im->job_count == im->job_room) {
        size_t room = im->job_room ? 2 * im->job_room : 64;
        struct import_job *grown = reallocarray(im->job, room, sizeof *grown);

        if (grown == NULL) {
            infer_fail(err, INFER_ENOMEM, "no memory for %zu tensors", room);
            return NULL;
        }
        im->job = grown;
        im->job_room = room;
    }
    im->job[im->job_count] = (struct import_job){.dim = {1, 1, 1}};
    snprintf(im->job[im->job_count].name, sizeof im->job->name, "%s", name);
    return &im->job[im->job_count++];
}

int import_take(struct import *im, const struct import_source *source,
                const struct safetensors_tensor **out, struct infer_error *err)
{
    const struct safetensors_tensor *t = shards_take(im->weights, source->name);
    const uint32_t dims = source->rows == 0 ? 1 : 2;

    *out = t;
    if (t == NULL)
        return infer_fail(err, INFER_EFORMAT, "model.safetensors: %s is missing",
                          source->name);
    if (t->type == SAFETENSORS_OTHER)
        return infer_fail(err, INFER_EUNSUPPORTED,
                          "model.safetensors: %s is stored as %s; F32, F16 and BF16 "
                          "are read",
                          source->name, t->type_name);
    if (t->dims != dims || t->dim[dims - 1] != source->columns ||
        (dims == 2 && t->dim[0] != source->rows))
        return infer_fail(err, INFER_EFORMAT,
                          "model.safetensors: %s has %u dimensions and %llu values, "
                          "config.json asks for %llu x %llu",
                          source->name, t->dims, (unsigned long long)t->values,
                          (unsigned long long)(dims == 2 ? source->rows : 1),
                          (unsigned long long)source->columns);
    return 0;
}

int import_check_job(const struct import_job *job, struct infer_error *err)
{
    if (job->dim[0] % gguf_block_values(job->type) == 0)
        return 0;
    return infer_fail(err, INFER_EUNSUPPORTED,
                      "%s has rows of %llu values; %s needs a multiple of %u: "
                      "import as F32, F16 or BF16",
                      job->name, (unsigned long long)job->dim[0],
                      gguf_type_name(job->type), gguf_block_values(job->type));
}

/* ---- numbers -------------------------------------------------------------------- */

static float float_from_bits(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static float float_from_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, magnitude = half & 0x7fff;
    float value;

    if (magnitude < 0x400) /* subnormal: units of 2^-24 */
        value = (float)magnitude * 0x1p-24f;
    else if (magnitude < 0x7c00)
        value = float_from_bits((magnitude << 13) + (112u << 23));
    else
        value = float_from_bits(0x7f800000u | (magnitude & 0x3ff) << 13);
    return sign != 0 ? -value : value;
}

/* Round a positive number below 65,520 to the nearest half, ties to even. */
static uint16_t half_from_float(float value)
{
    uint32_t bits;

    if (value < 0x1p-14f) { /* 0.5 has an ulp of 2^-24, the unit of subnormals */
        value += 0.5f;
        memcpy(&bits, &value, sizeof bits);
        return (uint16_t)(bits - 0x3f000000u);
    }
    memcpy(&bits, &value, sizeof bits);
    bits += 0xfff + (bits >> 13 & 1);
    return (uint16_t)((bits >> 13) - (112u << 10));
}

/* Any finite number that F16 can hold. */
static uint16_t half_of(float value)
{
    uint16_t half = half_from_float(fabsf(value));

    return signbit(value) ? half | 0x8000 : half;
}

/* The nearest BF16, ties to even. */
static uint16_t top_of(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    bits += 0x7fff + (bits >> 16 & 1);
    return (uint16_t)(bits >> 16);
}

static float read_value(const struct safetensors_tensor *t, uint64_t i)
{
    float value;
    uint16_t half;

    if (t->type == SAFETENSORS_F32) {
        memcpy(&value, t->data + i * sizeof value, sizeof value);
        return value;
    }
    memcpy(&half, t->data + i * sizeof half, sizeof half);
    return t->type == SAFETENSORS_F16 ? float_from_half(half)
                                      : float_from_bits((uint32_t)half << 16);
}

/* One block of Q8_0: an F16 scale and 32 signed bytes. The scale is the largest
 * magnitude over 127; values are divided by it before it is rounded to F16, and
 * round half away from zero. */
static void pack_q8_0(const float *x, uint8_t *block)
{
    float largest = 0, scale, inverse;
    uint16_t half;

    for (size_t i = 0; i < 32; i++)
        largest = fmaxf(largest, fabsf(x[i]));
    scale = largest / 127;
    inverse = scale > 0 ? 1 / scale : 0;
    if (isinf(inverse)) /* smaller than any F16: the block is zero */
        inverse = 0;
    half = half_from_float(scale);
    memcpy(block, &half, sizeof half);
    for (size_t i = 0; i < 32; i++)
        block[2 + i] = (uint8_t)(int8_t)roundf(x[i] * inverse);
}

/* The largest magnitudes that still are finite: of Q8_0, with an F16 scale. */
static float largest_of(enum gguf_type type)
{
    switch (type) {
    case GGUF_Q8_0:
        return 65504.0f * 127;
    case GGUF_F16:
        return 65519.0f;
    case GGUF_BF16:
        return 0x1.fep127f;
    default:
        return 0x1.fffffep127f;
    }
}

/* ---- rows ----------------------------------------------------------------------- */

/* In the checkpoint a head's first half turns with its second, row by row; in the
 * file neighbours do. */
static uint64_t unpaired(uint64_t row, uint32_t head)
{
    uint64_t within = row % head;

    return row - within + within / 2 + within % 2 * (head / 2);
}

/* Row row of all parts: its tensor, its first value there, and the step to the next. */
static const struct safetensors_tensor *
find_row(const struct import_job *job, uint64_t row, uint64_t *start, uint64_t *step)
{
    const uint64_t part = row / job->dim[1];
    uint64_t i = row % job->dim[1];
    const struct safetensors_tensor *t = job->part ? job->part[part] : job->source;
    const uint64_t columns = t->dim[t->dims - 1], first = job->first;

    if (job->head != 0 && job->dims > 1)
        i = unpaired(i, job->head);
    *step = job->turned ? columns : 1;
    *start = job->turned ? (first + part * job->stride) * columns + i
                         : (first + part * job->stride + i) * columns;
    return t;
}

static int read_row(struct import *im, const struct import_job *job, uint64_t row,
                    struct infer_error *err)
{
    const float allowed = largest_of(job->type);
    const bool swapped = job->head != 0 && job->dims == 1;
    const struct safetensors_tensor *t;
    uint64_t start, step;

    if (job->values != NULL) {
        memcpy(im->row, job->values, job->dim[0] * sizeof *im->row);
        return 0;
    }
    t = find_row(job, row, &start, &step);
    for (uint64_t i = 0; i < job->dim[0]; i++) {
        uint64_t k = swapped ? unpaired(i, job->head) : i;

        im->row[i] = read_value(t, start + k * step);
        if (job->more != 0)
            im->row[i] += job->more;
        if (!(fabsf(im->row[i]) <= allowed))
            return infer_fail(err, INFER_EUNSUPPORTED,
                              "%s holds %g, which %s cannot store", t->name,
                              (double)im->row[i], gguf_type_name(job->type));
    }
    return 0;
}

static void pack_row(struct import *im, const struct import_job *job)
{
    for (size_t i = 0; i < job->dim[0]; i++) {
        uint16_t half =
            job->type == GGUF_F16 ? half_of(im->row[i]) : top_of(im->row[i]);

        memcpy(im->packed + 2 * i, &half, sizeof half);
    }
}

int import_write_job(struct import *im, FILE *file, const struct import_job *job,
                     struct infer_error *err)
{
    const uint64_t rows = job->dim[1] * job->dim[2];
    const size_t blocks = job->dim[0] / gguf_block_values(job->type);
    const size_t bytes = blocks * gguf_block_bytes(job->type);
    int status = 0;

    for (uint64_t row = 0; status == 0 && row < rows; row++) {
        status = read_row(im, job, row, err);
        if (status != 0)
            break;
        if (job->type == GGUF_Q8_0)
            for (size_t i = 0; i < blocks; i++)
                pack_q8_0(im->row + i * 32, im->packed + i * 34);
        else if (job->type != GGUF_F32)
            pack_row(im, job);
        gguf_write_data(&im->out, file,
                        job->type == GGUF_F32 ? (void *)im->row : im->packed, bytes);
    }
    gguf_write_pad(&im->out, file);
    return status;
}
