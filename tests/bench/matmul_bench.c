/* matmul_bench - how fast matrices of each format are multiplied by rows.
 *
 *     matmul_bench [--isa I] [--activations 16|8] [TYPE...]
 *
 * For each type, instruction set and width of activations one line: Gop/s (two
 * operations a weight and row) for 512, 32, 8 and 1 rows on one thread, for many
 * rows the share of the peak, for one row how fast the panels were read. The peak is
 * what a loop of nothing but the widest multiply instruction reaches on this core
 * now: pairs for 16 bits, fours for 8. Rates are by CPU-second, the best of some
 * short runs. Weights are random bits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "infer/matmul.h"
#include "infer/ops.h"
#include "tests/bench/peak.h"

enum {
    DEPTH = 1024,
    OUTPUTS = 16384, /* more than one core's cache holds */
    MANY = 2048,     /* as many outputs are enough for many rows */
    ROWS = 512,
    RUNS = 7
};

#define SECONDS 0.05 /* at least, because memory is shared with others */

/* ---- one matrix -------------------------------------------------------------------
 */

struct operands {
    struct gguf_tensor tensor;
    unsigned char *file;
    struct matrix matrix;
    struct activations a;
    float *c;
};

static void *memory(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);

    if (!p) {
        fprintf(stderr, "matmul_bench: no memory\n");
        exit(2);
    }
    memset(p, 0, bytes);
    return p;
}

/* Bits 14 of all pairs are clear, so that no scale is infinite wherever it lies. */
static void make_tensor(struct operands *o, enum gguf_type type)
{
    const size_t row = DEPTH / gguf_block_values(type) * gguf_block_bytes(type);
    uint64_t state = 1;

    o->file = memory(OUTPUTS * row);
    for (size_t i = 0; i < OUTPUTS * row; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        o->file[i] = (unsigned char)(state >> 56 & 0xbf);
    }
    o->tensor = (struct gguf_tensor){.name = gguf_type_name(type),
                                     .type = type,
                                     .dim = {DEPTH, OUTPUTS, 1, 1},
                                     .rows = OUTPUTS,
                                     .data = o->file,
                                     .bytes = OUTPUTS * row};
}

/* Activations of all kinds at once: bytes and integers share their memory. */
static void make_rows(struct operands *o, float *x, int16_t *q, float *scale,
                      float *sum)
{
    uint64_t state = 2;

    for (size_t i = 0; i < ROWS * DEPTH; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        x[i] = (float)(int32_t)(state >> 32) * 0x1p-31f;
    }
    ops_scalar.quantise(q, scale, x, ROWS * DEPTH, 127);
    ops_scalar.sums(sum, q, ROWS * DEPTH);
    o->a = (struct activations){.x = x,
                                .q = q,
                                .scale = scale,
                                .sum = sum,
                                .x_stride = DEPTH,
                                .q_stride = DEPTH,
                                .scale_stride = DEPTH / OPS_BLOCK};
}

/* Gop/s of products with rows rows */
static double rate(const struct operands *o, size_t rows)
{
    const size_t outputs = rows > 8 ? MANY : OUTPUTS;
    const double operations = 2.0 * DEPTH * (double)outputs * (double)rows;
    double best = 0, spent = 0;

    for (int run = 0; run < RUNS || spent < SECONDS; run++) {
        const double start = peak_seconds();
        matrix_multiply(&o->matrix, o->c, outputs + 48, &o->a, rows, 0,
                        outputs / PANEL_ROWS);
        const double took = peak_seconds() - start;
        const double now = 1e-9 * operations / took;
        best = now > best ? now : best;
        spent += took;
    }
    return best;
}

static void measure(struct operands *o, enum infer_isa isa, int bits)
{
    const struct infer_options options = {.isa = isa, .activations_bits = bits};
    struct infer_error err;

    if (matrix_plan(&o->matrix, &o->tensor, &options, &err) != 0)
        return;
    o->matrix.panel = memory(matrix_bytes(&o->matrix));
    const double start = peak_seconds();
    if (matrix_load(&o->matrix, &o->tensor, &err) != 0) {
        fprintf(stderr, "matmul_bench: %s\n", err.text);
        exit(2);
    }
    const enum activation_kind kind = bits == 16 ? ACTIVATION_INT16 : ACTIVATION_BYTE;
    const double loaded = peak_seconds() - start, most = peak_measure(isa, kind);
    const double many = rate(o, 512), some = rate(o, 32), few = rate(o, 8);
    const double one = rate(o, 1);
    printf("%-7s %-7s %2d %8.1f %4.0f %% %8.1f %8.1f %8.1f %7.1f %8.2f\n",
           o->tensor.name, cpu_isa_name(isa), bits, many,
           most > 0 ? 100 * many / most : 0, some, few, one,
           one / 2 * (double)matrix_bytes(&o->matrix) / ((double)DEPTH * OUTPUTS),
           loaded * 1e9 / ((double)DEPTH * OUTPUTS));
    free(o->matrix.panel);
}

static const enum gguf_type types[] = {
    GGUF_Q8_0, GGUF_Q4_0, GGUF_Q4_1, GGUF_Q5_0, GGUF_Q5_1,   GGUF_Q2_K,   GGUF_Q3_K,
    GGUF_Q4_K, GGUF_Q5_K, GGUF_Q6_K, GGUF_F32,  GGUF_IQ4_NL, GGUF_IQ4_XS,
};

struct settings {
    enum infer_isa isa; /* BEST: every one but scalar */
    int bits;           /* 0: both */
    char **name;
    int names; /* 0: every type */
};

static bool wanted(const struct settings *s, const char *name)
{
    for (int i = 0; i < s->names; i++)
        if (strcmp(s->name[i], name) == 0)
            return true;
    return s->names == 0;
}

static void measure_type(const struct settings *s, struct operands *o)
{
    for (int isa = INFER_ISA_SCALAR; isa < CPU_ISA_COUNT; isa++)
        for (int bits = 16; bits >= 8; bits -= 8)
            if (cpu_has((enum infer_isa)isa) && (!s->bits || s->bits == bits) &&
                (s->isa == INFER_ISA_BEST ? isa != INFER_ISA_SCALAR
                                          : isa == (int)s->isa))
                measure(o, (enum infer_isa)isa, bits);
}

static bool read_options(struct settings *s, int argc, char **argv)
{
    int i = 1;

    for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
        if (strcmp(argv[i], "--activations") == 0)
            s->bits = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--isa") != 0 ||
                 infer_isa_parse(argv[i + 1], &s->isa, NULL) != 0)
            return false;
    }
    s->name = argv + i;
    s->names = argc - i;
    return i == argc || argv[i][0] != '-';
}

int main(int argc, char **argv)
{
    struct settings s = {.isa = INFER_ISA_BEST};
    struct operands o = {.file = NULL};

    if (!read_options(&s, argc, argv)) {
        fprintf(stderr,
                "usage: matmul_bench [--isa I] [--activations 16|8] [TYPE...]\n");
        return 2;
    }
    float *x = memory(ROWS * DEPTH * sizeof *x);
    int16_t *q = memory(ROWS * DEPTH * sizeof *q);
    float *scale = memory(ROWS * DEPTH / 32 * sizeof *scale);
    float *sum = memory(ROWS * DEPTH / 16 * sizeof *sum);
    o.c = memory((size_t)ROWS * (MANY + 48) * sizeof *o.c);
    make_rows(&o, x, q, scale, sum);
    printf("%-7s %-7s %2s %8s %6s %8s %8s %8s %7s %8s\n", "", "", "", "512 rows",
           "peak", "32", "8", "1", "GB/s", "load ns");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!wanted(&s, gguf_type_name(types[i])))
            continue;
        make_tensor(&o, types[i]);
        measure_type(&s, &o);
        free(o.file);
    }
    free(x);
    free(q);
    free(scale);
    free(sum);
    free(o.c);
    return 0;
}
