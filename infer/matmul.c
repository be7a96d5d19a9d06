/* matmul - a matrix of the file, repacked for the kernel that will read it.
 *
 * The one place that lists the formats. Everything else asks a struct matrix. */
#include "infer/matmul.h"

#include "infer/quant/f32.h"
#include "infer/quant/q8_0.h"
#include "infer/quant/quant.h"

static const struct format *const formats[] = {
    &format_f32,  &format_f16,  &format_bf16, &format_q8_0,   &format_q4_0,
    &format_q4_1, &format_q5_0, &format_q5_1, &format_q2_k,   &format_q3_k,
    &format_q4_k, &format_q5_k, &format_q6_k, &format_iq4_nl, &format_iq4_xs,
};

const struct format *format_find(enum gguf_type type)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i]->type == type)
            return formats[i];
    return NULL;
}

int matrix_plan(struct matrix *m, const struct gguf_tensor *tensor,
                const struct infer_options *options, struct infer_error *err)
{
    const struct format *format = format_find(tensor->type);

    if (!format)
        return infer_fail(err, INFER_EUNSUPPORTED,
                          "tensor %s: matrices of type %s are not served", tensor->name,
                          gguf_type_name(tensor->type));
    *m = (struct matrix){.format = format,
                         .kernel = format->kernel(options),
                         .rows = (size_t)tensor->rows,
                         .depth = (size_t)tensor->dim[0]};
    m->panels = (m->rows + PANEL_ROWS - 1) / PANEL_ROWS;
    m->panel_bytes = m->kernel->panel_bytes(format, m->depth);
    return 0;
}

size_t matrix_bytes(const struct matrix *m)
{
    return (m->panels * m->panel_bytes + 63) / 64 * 64;
}

int matrix_load(struct matrix *m, const struct gguf_tensor *tensor,
                struct infer_error *err)
{
    const char *row = tensor->data;
    const size_t row_bytes = (size_t)(tensor->bytes / tensor->rows);
    char *panel = m->panel;

    for (size_t i = 0; i < m->rows; i += PANEL_ROWS) {
        size_t rows = m->rows - i < PANEL_ROWS ? m->rows - i : PANEL_ROWS;
        if (!m->kernel->pack(panel, m->format, row, row_bytes, rows, m->depth))
            return infer_fail(
                err, INFER_EFORMAT,
                "tensor %s: rows %zu to %zu hold a weight that is not finite",
                tensor->name, i, i + rows - 1);
        row += rows * row_bytes;
        panel += m->panel_bytes;
    }
    return 0;
}

void matrix_multiply(const struct matrix *m, float *c, size_t c_stride,
                     const struct activations *a, size_t rows, size_t first,
                     size_t panels)
{
    const struct product product = {.format = m->format,
                                    .c = c,
                                    .c_stride = c_stride,
                                    .a = *a,
                                    .panel =
                                        (const char *)m->panel + first * m->panel_bytes,
                                    .panel_bytes = m->panel_bytes,
                                    .rows = rows,
                                    .panels = panels,
                                    .depth = m->depth};
    m->kernel->multiply(&product);
}
