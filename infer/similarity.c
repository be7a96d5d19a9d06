/* similarity - dot products of many rows with many rows.
 *
 * The rows of b are packed into panels, as weights are, and meet the rows of a in
 * the float tile: a dot product is one FMA chain in ascending order, whatever
 * stands beside it. A task is 32 rows of b against up to 1,008 rows of a, and
 * threads take tasks as they come. Rows wider than the scratch memory go in pieces
 * of the width, each resuming the chains of the one before. */
#include <omp.h>
#include <string.h>

#include "infer/quant/f32.h"
#include "infer/session.h"

enum { COLUMNS = 2 * PANEL_ROWS, TASK_ROWS = 12 * FORMAT_TILE_ROWS };

struct task {
    const struct ops *ops;
    struct workspace *w;
    const float *a, *b;
    size_t a_rows, b_rows, width, piece;
    float *out;
    size_t out_stride;
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void pack_columns(const struct task *t, size_t at, size_t depth)
{
    for (size_t p = 0; p < COLUMNS / PANEL_ROWS; p++) {
        size_t first = p * PANEL_ROWS;
        size_t rows = t->b_rows > first ? least(t->b_rows - first, PANEL_ROWS) : 0;
        f32_panel(t->w->scratch + first * depth, t->b + first * t->width + at, t->width,
                  rows, depth);
    }
}

/* Rows first to first + rows of a with the task's columns. */
static void run_rows(const struct task *t, size_t first, size_t rows)
{
    for (size_t at = 0; at < t->width; at += t->piece) {
        const size_t depth = least(t->width - at, t->piece);
        const struct f32_product product = {.c = t->w->c,
                                            .c_stride = COLUMNS,
                                            .a = t->a + first * t->width + at,
                                            .a_stride = t->width,
                                            .b = t->w->scratch,
                                            .b_step = PANEL_ROWS,
                                            .b_panel = PANEL_ROWS * depth,
                                            .rows = rows,
                                            .panels = COLUMNS / PANEL_ROWS,
                                            .depth = depth,
                                            .resume = at > 0};
        if (first == 0 || t->piece < t->width)
            pack_columns(t, at, depth);
        t->ops->product(&product);
    }
    for (size_t i = 0; i < rows; i++)
        memcpy(t->out + (first + i) * t->out_stride, t->w->c + i * COLUMNS,
               least(t->b_rows, COLUMNS) * sizeof *t->out);
}

static void run_task(const struct task *t)
{
    for (size_t i = 0; i < t->a_rows; i += FORMAT_TILE_ROWS)
        run_rows(t, i, least(t->a_rows - i, FORMAT_TILE_ROWS));
}

void infer_similarity(struct infer_session *session, const float *a, size_t a_rows,
                      const float *b, size_t b_rows, size_t width, float *out)
{
    const size_t piece = session->scratch_floats / COLUMNS;
    const int threads = session->options.threads;

    if (width == 0)
        memset(out, 0, a_rows * b_rows * sizeof *out);
#pragma omp parallel for num_threads(threads) collapse(2) schedule(dynamic)
    for (size_t i = 0; i < a_rows; i += TASK_ROWS)
        for (size_t j = 0; j < b_rows; j += COLUMNS) {
            const struct task task = {.ops = session->ops,
                                      .w = session->workspace + omp_get_thread_num(),
                                      .a = a + i * width,
                                      .b = b + j * width,
                                      .a_rows = least(a_rows - i, TASK_ROWS),
                                      .b_rows = b_rows - j,
                                      .width = width,
                                      .piece = piece,
                                      .out = out + i * b_rows + j,
                                      .out_stride = b_rows};
            if (width > 0)
                run_task(&task);
        }
}
