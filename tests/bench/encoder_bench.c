/* encoder_bench - how fast the encoder is, and how near to what the CPU can do.
 *
 *     encoder_bench [--isa I] [--activations 16|8] [--threads N] [--float exact|blas]
 *                   [--repeat N] [--text FILE] MODEL...
 *
 * For each model one line per kind of input:
 *
 *     128, 256   sequences of that many tokens
 *     ragged     lengths of real sentences (log-normal, median 33)
 *     text       the lines of FILE, tokenising included
 *
 * with tokens per CPU-second (all threads' time, best of --repeat), the rate of the
 * linear layers that this alone would need, and its share of the peak: what a loop
 * of nothing but the kernel's multiply instruction reaches on this core now. The
 * line "kernels" is the same for the matrices alone, run back to back. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "infer/session.h"
#include "tests/bench/peak.h"

enum { TOKENS = 8192, SEQUENCES_MOST = 4096, LINES_MOST = 100000 };

struct settings {
    struct infer_options options;
    int repeat;
    const char *text;
};

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void stop(const char *what)
{
    fprintf(stderr, "encoder_bench: %s\n", what);
    exit(2);
}

/* ---- inputs ---------------------------------------------------------------------- */

struct input {
    const char *name;
    struct infer_sequence sequence[SEQUENCES_MOST];
    size_t count, tokens;
};

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(*state >> 33);
}

/* A normal number from the sum of twelve even ones. */
static size_t sentence_length(uint64_t *state)
{
    double sum = -6;

    for (int i = 0; i < 12; i++)
        sum += next_random(state) / 2147483648.0;
    double length = 33 * exp(0.6 * sum);
    return (size_t)fmin(fmax(length, 4), 200);
}

/* length 0: ragged */
static void make_input(struct input *in, const char *name, size_t length,
                       const int32_t *id)
{
    uint64_t state = 7;

    in->name = name;
    in->count = in->tokens = 0;
    while (in->tokens < TOKENS) {
        size_t n = length ? length : sentence_length(&state);
        in->sequence[in->count++] = (struct infer_sequence){id + in->tokens, n};
        in->tokens += n;
    }
}

/* ---- measuring ----------------------------------------------------------------------
 */

static double matrix_operations(const struct infer_model *m)
{
    double one = 4.0 * m->width * m->width + 2.0 * m->width * m->ffn;
    return 2 * one * m->layers;
}

static void print_line(const struct infer_session *s, const char *what, double rate,
                       double highest)
{
    double gops = rate * matrix_operations(s->model) / 1e9;

    printf("  %-8s %8.0f tokens/CPU-s %8.1f Gop/s", what, rate, gops);
    if (highest > 0)
        printf("  %3.0f %% of peak", 100 * gops / highest);
    printf("\n");
}

static double measure_embed(struct infer_session *s, const struct input *in, int repeat)
{
    float *out = calloc(in->count * s->model->width, sizeof *out);
    double best = 0;

    if (!out)
        stop("no memory");
    for (int i = 0; i <= repeat; i++) {
        double start = cpu_seconds();
        if (infer_embed(s, in->sequence, in->count, out, NULL) != 0)
            stop("embedding failed");
        best = fmax(best, (double)in->tokens / (cpu_seconds() - start));
    }
    free(out);
    return best;
}

/* Every matrix once over a bite of rows, as a pass meets them. */
static double measure_kernels(struct infer_session *s, int repeat)
{
    struct workspace *w = s->workspace;
    const size_t rows = FORMAT_TILE_ROWS, stride = s->inner_q_stride + s->inner_stride;
    const struct activations a = {.x = w->inner,
                                  .q = w->inner_q,
                                  .scale = w->inner_scale,
                                  .sum = w->inner_sum,
                                  .x_stride = s->inner_stride,
                                  .q_stride = s->inner_q_stride,
                                  .scale_stride = stride / 32};
    double best = 0;

    for (int i = 0; i <= repeat; i++) {
        double start = cpu_seconds();
        for (uint32_t j = 0; j < s->model->layers; j++) {
            const struct session_layer *l = s->layer + j;
            const struct matrix *m[] = {&l->q, &l->k, &l->v, &l->o, &l->up, &l->down};
            for (size_t k = 0; k < 6; k++)
                for (size_t p = 0; p < m[k]->panels; p += 16)
                    matrix_multiply(m[k], w->c, s->c_stride, &a, rows, p,
                                    m[k]->panels - p < 16 ? m[k]->panels - p : 16);
        }
        best = fmax(best, (double)rows / (cpu_seconds() - start));
    }
    return best;
}

static void measure_text(struct infer_session *s, const struct settings *set,
                         double highest)
{
    enum { BATCH = 256 };
    struct infer_tokens tokens[BATCH] = {{0}};
    struct infer_sequence sequence[BATCH];
    float *out = calloc((size_t)BATCH * s->model->width, sizeof *out);
    FILE *file = fopen(set->text, "r");
    char *line = NULL;
    size_t capacity = 0, total = 0, count = 0;
    ssize_t bytes = 0;
    double spent = 0;

    if (!file || !out)
        stop("cannot read the text");
    for (size_t n = 0; n < LINES_MOST && bytes >= 0; n++) {
        bytes = getline(&line, &capacity, file);
        double start = cpu_seconds();
        if (bytes >= 0) {
            infer_tokenize(s->model, line, (size_t)bytes, INFER_ADD_SPECIAL,
                           tokens + count, NULL);
            infer_tokens_cut(s->model, tokens + count, s->model->context);
            sequence[count] =
                (struct infer_sequence){tokens[count].id, tokens[count].count};
            total += tokens[count++].count;
        }
        if (count == BATCH || bytes < 0) {
            infer_embed(s, sequence, count, out, NULL);
            count = 0;
        }
        spent += cpu_seconds() - start;
    }
    print_line(s, "text", (double)total / spent, highest);
    for (size_t i = 0; i < BATCH; i++)
        infer_tokens_free(tokens + i);
    free(line);
    free(out);
    fclose(file);
}

static void run_model(const char *path, const struct settings *set)
{
    static const size_t lengths[] = {128, 256, 0};
    static const char *const names[] = {"128", "256", "ragged"};
    static int32_t id[TOKENS + 512];
    static struct input in;
    struct infer_error err;
    struct infer_model *m = NULL;
    struct infer_session *s = NULL;
    uint64_t state = 1;

    if (infer_model_open(&m, path, &err) != 0 ||
        infer_session_open(&s, m, &set->options, &err) != 0)
        stop(err.text);
    for (size_t i = 0; i < sizeof id / sizeof *id; i++)
        id[i] = (int32_t)(next_random(&state) % m->vocabulary);

    const enum activation_kind kind = s->layer[0].up.kernel->activations;
    const bool integers = kind != ACTIVATION_FLOAT;
    double highest = peak_measure(s->options.isa, kind);
    printf("%s  %s, %d threads", path, infer_session_isa(s), s->options.threads);
    if (integers)
        printf(", %d-bit activations", s->options.activations_bits);
    printf(", peak %.0f G%s/s\n", highest, integers ? "op" : "flop");
    for (size_t i = 0; i < 3; i++) {
        make_input(&in, names[i], lengths[i], id);
        print_line(s, in.name, measure_embed(s, &in, set->repeat), highest);
    }
    if (set->text)
        measure_text(s, set, highest);
    print_line(s, "kernels", measure_kernels(s, 10 * set->repeat), highest);
    infer_session_close(s);
    infer_model_close(m);
}

static void set_option(struct settings *set, const char *name, const char *value)
{
    struct infer_error err;

    if (!value)
        stop("an option lacks its value");
    if (strcmp(name, "--isa") == 0) {
        if (infer_isa_parse(value, &set->options.isa, &err) != 0)
            stop(err.text);
    } else if (strcmp(name, "--activations") == 0) {
        set->options.activations_bits = atoi(value);
    } else if (strcmp(name, "--threads") == 0) {
        set->options.threads = atoi(value);
    } else if (strcmp(name, "--float") == 0) {
        set->options.float_backend =
            strcmp(value, "blas") == 0 ? INFER_FLOAT_BLAS : INFER_FLOAT_EXACT;
    } else if (strcmp(name, "--repeat") == 0) {
        set->repeat = atoi(value);
    } else if (strcmp(name, "--text") == 0) {
        set->text = value;
    } else {
        stop("unknown option");
    }
}

int main(int argc, char **argv)
{
    struct settings set = {infer_options_default(), 5, NULL};

    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            set_option(&set, argv[i], argv[i + 1]);
            i++;
        } else {
            run_model(argv[i], &set);
        }
    }
    return 0;
}
