/* matmul - a matrix of the file, repacked for the kernel that will read it. */
#ifndef INFER_MATMUL_H
#define INFER_MATMUL_H

#include "infer/quant/format.h"

struct low_rank; /* low_rank.h */

struct matrix {
    const struct format *format;
    const struct kernel *kernel;
    void *panel; /* 64-byte aligned */
    size_t panel_bytes, panels;
    size_t rows, depth;              /* outputs, inputs */
    const struct low_rank *low_rank; /* what an adapter adds; NULL: nothing */
};

/* Choose format and kernel, for options in which nothing is left to choose;
 * INFER_EUNSUPPORTED names tensor and type. Nothing is read or allocated. */
int matrix_plan(struct matrix *m, const struct gguf_tensor *tensor,
                const struct infer_options *options, struct infer_error *err);

/* All its panels, rounded up to 64. */
size_t matrix_bytes(const struct matrix *m);

/* Repack into m->panel, which holds matrix_bytes. INFER_EFORMAT when a weight is
 * not finite. */
int matrix_load(struct matrix *m, const struct gguf_tensor *tensor,
                struct infer_error *err);

/* c[i][j] = row i of a times row 16 * first + j of the matrix, for rows rows and
 * panels panels of 16. Column 16 * panels is never written. */
void matrix_multiply(const struct matrix *m, float *c, size_t c_stride,
                     const struct activations *a, size_t rows, size_t first,
                     size_t panels);

#endif
