/* session_encoder - what lies in the session of a BERT-like encoder.
 *
 * A pass is the work of one thread. Threads share the weights and nothing else;
 * each holds a workspace for batch_tokens tokens. */
#include "infer/session.h"

#include <string.h>

#include "infer/attention.h"
#include "infer/quant/f32.h"

/* Columns of the feed-forward that are bent and quantised while in the cache. */
enum { SLICE_MIN = 256 };

static int lay_layer(struct session_layer *l, struct arena *arena,
                     struct infer_session *s, const struct bert_layer *from,
                     struct infer_error *err)
{
    const uint64_t width = s->model->width;
    struct gguf_tensor part[3] = {{0}};
    for (uint64_t i = 0; from->qkv && i < 3; i++)
        part[i] = session_slice(from->qkv, i * width, width);
    const struct {
        struct matrix *matrix;
        const struct gguf_tensor *tensor;
    } matrices[] = {
        {&l->q, from->qkv ? part : from->q},
        {&l->k, from->qkv ? part + 1 : from->k},
        {&l->v, from->qkv ? part + 2 : from->v},
        {&l->o, from->o},
        {&l->gate, from->gate},
        {&l->up, from->up},
        {&l->down, from->down},
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
        if (matrices[i].tensor)
            status =
                session_matrix(matrices[i].matrix, arena, s, matrices[i].tensor, err);
        else
            *matrices[i].matrix = (struct matrix){0};
    for (size_t i = 0; status == 0 && i < sizeof vectors / sizeof *vectors; i++)
        status = session_vector(vectors[i].vector, arena, vectors[i].tensor, err);
    l->o_bias = l->o_bias ? l->o_bias : s->zeros;
    l->down_bias = l->down_bias ? l->down_bias : s->zeros;
    return status;
}

static int lay_weights(struct infer_session *s, struct arena *arena,
                       struct infer_error *err)
{
    const struct infer_model *m = s->model;
    struct session_layer counted;
    int status;

    s->layer = arena_take(arena, m->layers, sizeof *s->layer);
    s->zeros = arena_take(arena, s->x_stride, sizeof *s->zeros);
    if (s->zeros)
        memset(s->zeros, 0, s->x_stride * sizeof *s->zeros);
    if ((status = session_reader(&s->token_format, m->token_embd, err)) != 0 ||
        (m->position_embd &&
         (status = session_reader(&s->position_format, m->position_embd, err)) != 0) ||
        (status = session_vector(&s->token_type, arena, m->token_types, err)) != 0 ||
        (status = session_vector(&s->embd_norm, arena, m->embd_norm, err)) != 0 ||
        (status = session_vector(&s->embd_norm_bias, arena, m->embd_norm_bias, err)) !=
            0)
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

    w->x = arena_take(arena, tokens * s->x_stride, sizeof *w->x);
    w->qkv = arena_take(arena, tokens * 3 * s->x_stride + PANEL_ROWS, sizeof *w->qkv);
    w->position = arena_take(arena, s->x_stride, sizeof *w->position);
    w->c = arena_take(arena, rows * s->c_stride, sizeof *w->c);
    w->inner = arena_take(arena, rows * s->inner_stride, sizeof *w->inner);
    w->q = arena_take(arena, rows * s->x_stride, sizeof *w->q);
    w->scale = arena_take(arena, rows * blocks, sizeof *w->scale);
    w->sum = arena_take(arena, 2 * rows * blocks, sizeof *w->sum);
    w->gated =
        arena_take(arena, s->model->rope ? rows * s->c_stride : 0, sizeof *w->gated);
    w->inner_q = arena_take(arena, rows * s->inner_q_stride, sizeof *w->inner_q);
    w->inner_scale = arena_take(arena, rows * inner_blocks, sizeof *w->inner_scale);
    w->inner_sum = arena_take(arena, 2 * rows * inner_blocks, sizeof *w->inner_sum);
    w->scratch = arena_take(arena, s->scratch_floats, sizeof *w->scratch);
}

static void set_strides(struct infer_session *s)
{
    const struct infer_model *m = s->model;
    const size_t inner = arena_padded(m->ffn, 2 * PANEL_ROWS);
    const size_t width = arena_padded(m->width, 2 * PANEL_ROWS);
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

int session_lay_encoder(struct infer_session *s, struct arena *arena,
                        struct infer_error *err)
{
    struct workspace counted;
    int status;

    set_strides(s);
    if ((status = lay_weights(s, arena, err)) != 0)
        return status;
    s->workspace = arena_take(arena, (size_t)s->options.threads, sizeof *s->workspace);
    for (int i = 0; i < s->options.threads; i++)
        lay_workspace(s->workspace ? s->workspace + i : &counted, arena, s);
    return 0;
}
