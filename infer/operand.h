/* operand - rows made ready for products, in each form that some matrix wants.
 *
 * A kernel takes floats, 16-bit integers or bytes (quant/format.h). Matrices that
 * read the same rows may want different ones; the rows are converted once. */
#ifndef INFER_OPERAND_H
#define INFER_OPERAND_H

#include "infer/arena.h"
#include "infer/matmul.h"
#include "infer/ops.h"

struct operand {
    const struct ops *ops;
    int limit; /* largest magnitude of a 16-bit integer */
    bool wants_sums, wants[ACTIVATION_BYTE + 1];
    size_t width; /* floats of a row, padded to 32 */
    float *x;
    int16_t *q;
    uint8_t *q8;
    float *scale, *sum, *scale8, *sum8;
};

/* One more matrix will read the rows. */
void operand_serve(struct operand *operand, const struct matrix *m);

/* Memory for rows rows of width floats, in the forms asked for. */
void operand_lay(struct operand *operand, struct arena *arena, size_t rows,
                 size_t width);

/* Row row becomes x, which holds width floats, zeros up to the next multiple of 32. */
void operand_put(struct operand *operand, size_t row, const float *x);

/* Row row becomes row from of another operand that serves the same matrices. */
void operand_copy(struct operand *operand, size_t row, const struct operand *other,
                  size_t from);

/* What m reads, from row on. */
struct activations operand_rows(const struct operand *operand, const struct matrix *m,
                                size_t row);

#endif
