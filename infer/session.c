/* session - the memory of a run: repacked weights and one workspace a thread.
 *
 * One function lays everything out, twice: first on an arena without memory, which
 * only counts, then on the real one. So the plan cannot differ from what is taken:
 *
 *     [ layers' structs | vectors | panels of every matrix | workspace 0 | ... ]
 *
 * A pass is the work of one thread. Threads share the weights and nothing else;
 * each holds a workspace for batch_tokens tokens. After open nothing allocates. */
#include "infer/session.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "infer/attention.h"
#include "infer/quant/f32.h"

enum { BATCH_TOKENS_MIN = 16, BATCH_TOKENS_DEFAULT = 512, ALIGNMENT = 64 };

/* Columns of the feed-forward that are bent and quantised while in the cache. */
enum { SLICE_MIN = 256 };

struct arena {
    char *base;  /* NULL while counting */
    size_t used; /* SIZE_MAX once a size has overflowed */
};

static void *take(struct arena *arena, size_t count, size_t size)
{
    size_t bytes, end;
    char *start = arena->base ? arena->base + arena->used : NULL;

    if (__builtin_mul_overflow(count, size, &bytes) ||
        __builtin_add_overflow(bytes, (size_t)(ALIGNMENT - 1), &bytes) ||
        __builtin_add_overflow(arena->used, bytes / ALIGNMENT * ALIGNMENT, &end))
        end = SIZE_MAX;
    arena->used = end;
    return start;
}

static size_t padded(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

struct infer_options infer_options_default(void)
{
    return (struct infer_options){.threads = 1,
                                  .isa = INFER_ISA_BEST,
                                  .activations_bits = 16,
                                  .float_backend = INFER_FLOAT_EXACT,
                                  .batch_tokens = BATCH_TOKENS_DEFAULT,
                                  .batch_sequences = 0};
}

static int check_options(const struct infer_options *o, struct infer_error *err)
{
    if (o->threads < 1 || o->threads > INFER_THREADS_MAX)
        return infer_fail(err, INFER_ELIMIT, "threads %d: allowed are 1 to %d",
                          o->threads, INFER_THREADS_MAX);
    if (o->activations_bits != 16 && o->activations_bits != 8)
        return infer_fail(err, INFER_EINVALID,
                          "activations of %d bits: allowed are 16, 8",
                          o->activations_bits);
    if (o->float_backend != INFER_FLOAT_EXACT && o->float_backend != INFER_FLOAT_BLAS)
        return infer_fail(err, INFER_EINVALID, "float backend %d: 0 and 1 are known",
                          (int)o->float_backend);
    if (o->batch_tokens < BATCH_TOKENS_MIN || o->batch_tokens > INFER_BATCH_TOKENS_MAX)
        return infer_fail(err, INFER_ELIMIT, "batch of %u tokens: allowed are %d to %d",
                          o->batch_tokens, BATCH_TOKENS_MIN, INFER_BATCH_TOKENS_MAX);
    return 0;
}

static int check_model(const struct infer_model *m, struct infer_error *err)
{
    if (strcmp(m->architecture, "bert") != 0)
        return infer_fail(err, INFER_EUNSUPPORTED,
                          "architecture %s: only bert is served", m->architecture);
    if (m->context > INFER_BATCH_TOKENS_MAX)
        return infer_fail(err, INFER_ELIMIT,
                          "context of %u tokens: at most %d are served", m->context,
                          INFER_BATCH_TOKENS_MAX);
    return 0;
}

static int find_reader(const struct format **out, const struct gguf_tensor *tensor,
                       struct infer_error *err)
{
    *out = format_find(tensor->type);
    if (*out)
        return 0;
    return infer_fail(err, INFER_EUNSUPPORTED, "tensor %s: type %s is not served",
                      tensor->name, gguf_type_name(tensor->type));
}

/* ---- layout ------------------------------------------------------------------- */

/* A vector of the file as floats, zeros up to a whole panel. */
static int lay_vector(float **out, struct arena *arena,
                      const struct gguf_tensor *tensor, struct infer_error *err)
{
    const struct format *format;
    const size_t n = (size_t)tensor->dim[0], all = padded(n, 2 * PANEL_ROWS);
    int status = find_reader(&format, tensor, err);

    *out = take(arena, all, sizeof **out);
    if (status != 0 || !*out)
        return status;
    format->read(*out, tensor->data, n);
    memset(*out + n, 0, (all - n) * sizeof **out);
    return 0;
}

/* Reading the file has brought its pages into memory; they will not be read
 * again. Only a model that came from a file has its tensors in a mapping. */
static void forget_pages(const struct infer_model *model,
                         const struct gguf_tensor *tensor)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = ((uintptr_t)tensor->data + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)tensor->data + tensor->bytes) / page * page;

    if (model->file && start < end)
        madvise((void *)start, end - start, MADV_DONTNEED);
}

static int lay_matrix(struct matrix *out, struct arena *arena, struct infer_session *s,
                      const struct gguf_tensor *tensor, struct infer_error *err)
{
    int status = matrix_plan(out, tensor, &s->options, err);
    if (status != 0)
        return status;

    out->panel = take(arena, 1, matrix_bytes(out));
    s->weight_bytes += matrix_bytes(out);
    if (!out->panel)
        return 0;
    status = matrix_load(out, tensor, err);
    forget_pages(s->model, tensor);
    return status;
}

static int lay_layer(struct session_layer *l, struct arena *arena,
                     struct infer_session *s, const struct bert_layer *from,
                     struct infer_error *err)
{
    const struct {
        struct matrix *matrix;
        const struct gguf_tensor *tensor;
    } matrices[] = {
        {&l->q, from->q}, {&l->k, from->k},   {&l->v, from->v},
        {&l->o, from->o}, {&l->up, from->up}, {&l->down, from->down},
    };
    const struct {
        float **vector;
        const struct gguf_tensor *tensor;
    } vectors[] = {
        {&l->q_bias, from->q_bias},       {&l->k_bias, from->k_bias},
        {&l->v_bias, from->v_bias},       {&l->o_bias, from->o_bias},
        {&l->up_bias, from->up_bias},     {&l->down_bias, from->down_bias},
        {&l->attn_norm, from->attn_norm}, {&l->attn_norm_bias, from->attn_norm_bias},
        {&l->out_norm, from->out_norm},   {&l->out_norm_bias, from->out_norm_bias},
    };
    int status = 0;

    for (size_t i = 0; status == 0 && i < sizeof matrices / sizeof *matrices; i++)
        status = lay_matrix(matrices[i].matrix, arena, s, matrices[i].tensor, err);
    for (size_t i = 0; status == 0 && i < sizeof vectors / sizeof *vectors; i++)
        status = lay_vector(vectors[i].vector, arena, vectors[i].tensor, err);
    return status;
}

static int lay_weights(struct infer_session *s, struct arena *arena,
                       struct infer_error *err)
{
    const struct infer_model *m = s->model;
    struct session_layer counted;
    int status;

    s->layer = take(arena, m->layers, sizeof *s->layer);
    if ((status = find_reader(&s->token_format, m->token_embd, err)) != 0 ||
        (status = find_reader(&s->position_format, m->position_embd, err)) != 0 ||
        (status = lay_vector(&s->token_type, arena, m->token_types, err)) != 0 ||
        (status = lay_vector(&s->embd_norm, arena, m->embd_norm, err)) != 0 ||
        (status = lay_vector(&s->embd_norm_bias, arena, m->embd_norm_bias, err)) != 0)
        return status;
    for (uint32_t i = 0; status == 0 && i < m->layers; i++)
        status =
            lay_layer(s->layer ? s->layer + i : &counted, arena, s, m->layer + i, err);
    return status;
}

static void lay_workspace(struct workspace *w, struct arena *arena,
                          const struct infer_session *s)
{
    const size_t rows = FORMAT_TILE_ROWS, tokens = s->options.batch_tokens;
    const size_t blocks = s->x_stride / OPS_BLOCK + 1;
    const size_t inner_blocks = s->inner_q_stride / OPS_BLOCK + 1;

    w->x = take(arena, tokens * s->x_stride, sizeof *w->x);
    w->qkv = take(arena, tokens * 3 * s->x_stride + PANEL_ROWS, sizeof *w->qkv);
    w->position = take(arena, s->x_stride, sizeof *w->position);
    w->c = take(arena, rows * s->c_stride, sizeof *w->c);
    w->inner = take(arena, rows * s->inner_stride, sizeof *w->inner);
    w->q = take(arena, rows * s->x_stride, sizeof *w->q);
    w->scale = take(arena, rows * blocks, sizeof *w->scale);
    w->inner_q = take(arena, rows * s->inner_q_stride, sizeof *w->inner_q);
    w->inner_scale = take(arena, rows * inner_blocks, sizeof *w->inner_scale);
    w->scratch = take(arena, s->scratch_floats, sizeof *w->scratch);
}

static void set_strides(struct infer_session *s)
{
    const struct infer_model *m = s->model;
    const size_t inner = padded(m->ffn, 2 * PANEL_ROWS);
    const size_t width = padded(m->width, 2 * PANEL_ROWS);
    bool floats = false, integers = false;

    for (uint32_t i = 0; i < m->layers; i++) {
        const struct format *format = format_find(m->layer[i].down->type);
        if (!format)
            continue; /* refused when the matrix is laid out */
        bool exact = format->kernel(&s->options)->activations == ACTIVATION_FLOAT;
        floats = floats || exact;
        integers = integers || !exact;
    }
    s->x_stride = width;
    s->c_stride = width > SLICE_MIN ? width : SLICE_MIN;
    s->inner_stride = floats ? inner : 0;
    s->inner_q_stride = integers ? inner : 0;
    s->scratch_floats = attention_scratch(m->context, m->width / m->heads);
}

static int lay_session(struct infer_session *s, struct arena *arena,
                       struct infer_error *err)
{
    struct workspace counted;
    int status;

    s->weight_bytes = 0;
    set_strides(s);
    if ((status = lay_weights(s, arena, err)) != 0)
        return status;
    s->workspace = take(arena, (size_t)s->options.threads, sizeof *s->workspace);
    for (int i = 0; i < s->options.threads; i++)
        lay_workspace(s->workspace ? s->workspace + i : &counted, arena, s);
    return 0;
}

/* ---- plan, open, close ------------------------------------------------------------
 */

static int plan(struct infer_session *s, const struct infer_model *model,
                const struct infer_options *options, struct infer_error *err)
{
    struct arena counter = {0};
    int status;

    *s = (struct infer_session){.model = model, .options = *options};
    if ((status = check_options(options, err)) != 0 ||
        (status = check_model(model, err)) != 0 ||
        (status = cpu_choose(options->isa, &s->options.isa, err)) != 0)
        return status;
    if (s->options.batch_tokens < model->context)
        s->options.batch_tokens = model->context;
    s->ops = ops_for(s->options.isa);
    s->limit = options->activations_bits == 16 ? 32767 : 127;
    if ((status = lay_session(s, &counter, err)) != 0)
        return status;
    s->memory_bytes = counter.used;
    if (counter.used == SIZE_MAX)
        return infer_fail(err, INFER_ELIMIT, "session: its size overflows an address");
    return 0;
}

int infer_session_plan(const struct infer_model *model,
                       const struct infer_options *options, struct infer_plan *out,
                       struct infer_error *err)
{
    struct infer_session s;
    int status = plan(&s, model, options, err);

    if (status == 0)
        *out = (struct infer_plan){.bytes = s.memory_bytes + sizeof s +
                                            model->token_embd->bytes +
                                            model->position_embd->bytes,
                                   .weight_bytes = s.weight_bytes,
                                   .context_tokens = model->context,
                                   .batch_tokens = s.options.batch_tokens};
    return status;
}

int infer_session_open(struct infer_session **out, const struct infer_model *model,
                       const struct infer_options *options, struct infer_error *err)
{
    struct infer_session planned, *s = NULL;
    struct arena arena = {0};
    int status = plan(&planned, model, options, err);

    *out = NULL;
    if (status != 0)
        return status;
    s = malloc(sizeof *s);
    arena.base = aligned_alloc(ALIGNMENT, planned.memory_bytes);
    if (!s || !arena.base) {
        status = infer_fail(err, INFER_ENOMEM, "session: %zu bytes cannot be had",
                            planned.memory_bytes);
        goto out;
    }
    *s = planned;
    s->memory = arena.base;
    if ((status = lay_session(s, &arena, err)) != 0)
        goto out;
    *out = s;
    return 0;
out:
    free(arena.base);
    free(s);
    return status;
}

void infer_session_close(struct infer_session *session)
{
    if (!session)
        return;
    free(session->memory);
    free(session);
}

const char *infer_session_isa(const struct infer_session *session)
{
    return cpu_isa_name(session->options.isa);
}
