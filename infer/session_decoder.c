/* session_decoder - what lies in the session of a language model.
 *
 *     [ layers' structs | vectors | panels of every matrix | cache | rows of a pass |
 *       what each thread needs for itself ]
 *
 * Matrices that a file keeps as one (queries, keys and values; gate and up; all
 * experts) are cut into the ones that are multiplied. An operand learns from each
 * matrix that will read it in which form its rows are wanted. */
#include "infer/generator.h"

#include "infer/adapter.h"
#include "infer/gguf.h"
#include "infer/past.h"

/* ---- weights -------------------------------------------------------------------- */

struct layout {
    struct infer_session *s;
    struct generator *g;
    const struct decoder_model *d;
    struct arena *arena;
    struct infer_error *err;
    int status;
    struct operand expert_inner; /* what each thread's will serve */
};

static void lay_vector(struct layout *l, float **out, const struct gguf_tensor *t)
{
    if (l->status == 0)
        l->status = session_vector(out, l->arena, t, l->err);
}

/* What an adapter adds to rows first to first + rows of a tensor of the model. Where
 * these are one of several matrices, the pair has as many parts. */
static void lay_low_rank(struct layout *l, struct matrix *to, struct operand *reads,
                         const struct adapter_pair *pair, uint64_t first, uint64_t rows)
{
    const uint64_t part = first / pair->tensor->dim[1], rank = pair->a->dim[1];
    const struct gguf_tensor a = session_slice(pair->a, part * rank, rank);
    const struct gguf_tensor b = session_slice(pair->b, first, rows);
    struct low_rank counted, *low = arena_take(l->arena, 1, sizeof *low);

    to->low_rank = low;
    low = low ? low : &counted;
    low->scale = pair->scale;
    l->status = session_matrix(&low->a, l->arena, l->s, &a, l->err);
    if (l->status == 0)
        l->status = session_matrix(&low->b, l->arena, l->s, &b, l->err);
    if (l->status == 0)
        operand_serve(reads, &low->a);
}

static void lay_slice(struct layout *l, struct matrix *out, struct operand *reads,
                      const struct gguf_tensor *t, uint64_t first, uint64_t rows)
{
    const struct adapter_pair *pair = adapter_find(l->s->model->adapter, t);
    const struct gguf_tensor slice = session_slice(t, first, rows);

    *out = (struct matrix){0};
    if (l->status != 0)
        return;
    l->status = session_matrix(out, l->arena, l->s, &slice, l->err);
    operand_serve(reads, out);
    if (l->status == 0 && pair)
        lay_low_rank(l, out, reads, pair, first, rows);
}

/* A matrix, and whose rows it reads. */
static void lay_matrix(struct layout *l, struct matrix *out, struct operand *reads,
                       const struct gguf_tensor *t)
{
    *out = (struct matrix){0};
    if (t)
        lay_slice(l, out, reads, t, 0, t->rows);
}

/* One matrix for each of count parts of a tensor. */
static struct matrix *lay_parts(struct layout *l, struct operand *reads,
                                const struct gguf_tensor *t, uint32_t count)
{
    struct matrix *part = arena_take(l->arena, count, sizeof *part), counted;

    for (uint32_t i = 0; i < count; i++)
        lay_slice(l, part ? part + i : &counted, reads, t, i * t->dim[1], t->dim[1]);
    return part;
}

static void lay_attention(struct layout *l, struct generator_layer *to,
                          const struct decoder_tensors *t)
{
    struct generator *g = l->g;
    const struct decoder_model *d = l->d;
    const uint64_t q_rows = (uint64_t)d->heads * d->key_size;
    const uint64_t k_rows = (uint64_t)d->kv_heads * d->key_size;
    const uint64_t v_rows = (uint64_t)d->kv_heads * d->value_size;

    if (t->qkv) {
        lay_slice(l, &to->q, &g->in, t->qkv, 0, q_rows);
        lay_slice(l, &to->k, &g->in, t->qkv, q_rows, k_rows);
        lay_slice(l, &to->v, &g->in, t->qkv, q_rows + k_rows, v_rows);
    } else {
        lay_matrix(l, &to->q, &g->in, t->q);
        lay_matrix(l, &to->k, &g->in, t->k);
        lay_matrix(l, &to->v, &g->in, t->v);
    }
    lay_matrix(l, &to->o, &g->out, t->o);
    lay_vector(l, &to->q_bias, t->q_bias);
    lay_vector(l, &to->k_bias, t->k_bias);
    lay_vector(l, &to->v_bias, t->v_bias);
    lay_vector(l, &to->o_bias, t->o_bias);
    lay_vector(l, &to->q_norm, t->q_norm);
    lay_vector(l, &to->k_norm, t->k_norm);
}

static void lay_latent(struct layout *l, struct latent *to,
                       const struct decoder_tensors *t)
{
    struct generator *g = l->g;

    lay_matrix(l, &to->q_a, &g->in, t->q_a);
    lay_vector(l, &to->q_a_norm, t->q_a_norm);
    lay_matrix(l, &to->q_b, &g->query, t->q_b);
    lay_matrix(l, &to->kv_a, &g->in, t->kv_a);
    lay_vector(l, &to->kv_a_norm, t->kv_a_norm);
    to->k_b = lay_parts(l, &g->plain, t->k_b, l->d->heads);
    to->v_b = lay_parts(l, &g->found, t->v_b, l->d->heads);
}

static void lay_feed_forward(struct layout *l, struct generator_layer *to,
                             const struct decoder_tensors *t)
{
    struct generator *g = l->g;
    const uint32_t experts = l->d->experts;

    if (t->up && !t->gate) {
        lay_slice(l, &to->gate, &g->in, t->up, 0, l->d->ffn);
        lay_slice(l, &to->up, &g->in, t->up, l->d->ffn, l->d->ffn);
    } else {
        lay_matrix(l, &to->gate, &g->in, t->gate);
        lay_matrix(l, &to->up, &g->in, t->up);
    }
    lay_matrix(l, &to->down, &g->inner, t->down);
    if (!t->router)
        return;
    lay_matrix(l, &to->router, &g->in, t->router);
    lay_vector(l, &to->router_bias, t->router_bias);
    to->experts.gate = lay_parts(l, &g->in, t->experts_gate, experts);
    to->experts.up = lay_parts(l, &g->in, t->experts_up, experts);
    to->experts.down = lay_parts(l, &l->expert_inner, t->experts_down, experts);
    lay_matrix(l, &to->shared_gate, &g->in, t->shared_gate);
    lay_matrix(l, &to->shared_up, &g->in, t->shared_up);
    lay_matrix(l, &to->shared_down, &g->shared_inner, t->shared_down);
}

static void lay_layer(struct layout *l, struct generator_layer *to,
                      const struct decoder_tensors *t)
{
    lay_vector(l, &to->attn_norm, t->attn_norm);
    lay_vector(l, &to->post_attn_norm, t->post_attn_norm);
    lay_vector(l, &to->ffn_norm, t->ffn_norm);
    lay_vector(l, &to->post_ffn_norm, t->post_ffn_norm);
    lay_attention(l, to, t);
    if (l->d->latent)
        lay_latent(l, &to->latent, t);
    lay_feed_forward(l, to, t);
}

static void lay_weights(struct layout *l)
{
    struct generator *g = l->g;
    struct generator_layer counted;

    if (l->status == 0)
        l->status =
            session_reader(&l->s->token_format, l->s->model->token_embd, l->err);
    g->layer = arena_take(l->arena, l->d->layers, sizeof *g->layer);
    for (uint32_t i = 0; l->status == 0 && i < l->d->layers; i++)
        lay_layer(l, g->layer ? g->layer + i : &counted, l->d->layer + i);
    lay_vector(l, &g->output_norm, l->d->output_norm);
    lay_matrix(l, &g->head, &g->in, l->d->output);
}

/* ---- rows and threads -------------------------------------------------------------
 */

static size_t whole(size_t n)
{
    return arena_padded(n, 2 * PANEL_ROWS);
}

static void set_strides(struct generator *g, const struct decoder_model *d,
                        uint32_t context)
{
    const size_t ffn = d->ffn > d->shared_ffn ? d->ffn : d->shared_ffn;

    g->query_step = d->key_size;
    g->width_stride = whole(d->width);
    g->key_at = whole((size_t)d->heads * d->key_size);
    g->value_at = g->key_at + whole((size_t)d->kv_heads * decoder_cached_key(d));
    g->qkv_stride = g->value_at + whole((size_t)d->kv_heads * decoder_cached_value(d));
    g->attended_stride = whole((size_t)d->heads * decoder_cached_value(d));
    if (d->latent) {
        g->query_step = whole(d->kv_rank) + whole(d->rope.dims);
        g->latent_q_stride = d->heads * g->query_step;
        g->latent_step = whole(d->latent_value_size);
        g->latent_out_stride = d->heads * g->latent_step;
    }
    g->ffn_stride = whole(ffn);
    g->router_stride = whole(d->experts);
    g->vocabulary_stride = whole(d->vocabulary);
    g->score_stride = past_tokens(context);
    g->out_stride = whole(decoder_cached_value(d));
}

static void lay_rows(struct layout *l, size_t rows)
{
    struct generator *g = l->g;
    const struct decoder_model *d = l->d;
    struct arena *a = l->arena;
    const size_t out_width =
        (size_t)d->heads * (d->latent ? d->latent_value_size : d->value_size);

    g->position = arena_take(a, rows, sizeof *g->position);
    g->slot = arena_take(a, rows, sizeof *g->slot);
    g->piece = arena_take(a, rows, sizeof *g->piece);
    g->block_piece = arena_take(a, rows, sizeof *g->block_piece);
    g->block_row = arena_take(a, rows, sizeof *g->block_row);
    g->x = arena_take(a, rows * g->width_stride, sizeof *g->x);
    g->qkv = arena_take(a, rows * g->qkv_stride, sizeof *g->qkv);
    g->latent_q = arena_take(a, rows * g->latent_q_stride, sizeof *g->latent_q);
    g->attended = arena_take(a, rows * g->attended_stride, sizeof *g->attended);
    g->latent_out = arena_take(a, rows * g->latent_out_stride, sizeof *g->latent_out);
    g->c = arena_take(a, rows * g->width_stride, sizeof *g->c);
    g->gate = arena_take(a, rows * g->ffn_stride, sizeof *g->gate);
    g->up = arena_take(a, rows * g->ffn_stride, sizeof *g->up);
    g->turns = arena_take(a, rows * d->rope.dims, sizeof *g->turns);
    g->window_turns =
        arena_take(a, d->window ? rows * d->rope.dims : 0, sizeof *g->window_turns);
    g->router = arena_take(a, rows * g->router_stride, sizeof *g->router);
    g->chosen = arena_take(a, rows * d->experts_used, sizeof *g->chosen);
    g->chosen_weight = arena_take(a, rows * d->experts_used, sizeof *g->chosen_weight);
    g->expert_out =
        arena_take(a, rows * d->experts_used * g->width_stride, sizeof *g->expert_out);
    g->logits =
        arena_take(a, GENERATOR_HEAD_ROWS * g->vocabulary_stride, sizeof *g->logits);
    operand_lay(&g->in, a, rows > GENERATOR_HEAD_ROWS ? rows : GENERATOR_HEAD_ROWS,
                d->width);
    operand_lay(&g->out, a, rows, out_width);
    operand_lay(&g->inner, a, rows, d->ffn);
    operand_lay(&g->shared_inner, a, rows, d->shared_ffn);
    operand_lay(&g->query, a, rows, d->q_rank);
    operand_lay(&g->plain, a, rows * d->heads, d->plain_size);
    operand_lay(&g->found, a, rows * d->heads, d->latent ? d->kv_rank : 0);
}

static void lay_thread(struct layout *l, struct generator_thread *t, uint32_t context)
{
    const struct generator *g = l->g;
    const struct decoder_model *d = l->d;
    const size_t keys = past_tokens(context), group = d->heads / d->kv_heads;
    const size_t queries = group > GENERATOR_QUERIES ? group : GENERATOR_QUERIES;
    const size_t rows = d->experts ? GENERATOR_EXPERT_ROWS : 0;
    const size_t widest =
        whole(g->attended_stride > g->ffn_stride ? g->attended_stride : g->ffn_stride) +
        g->width_stride + g->latent_out_stride + g->qkv_stride;

    t->row = arena_take(l->arena, widest, sizeof *t->row);
    t->keys = arena_take(l->arena, keys * decoder_cached_key(d), sizeof *t->keys);
    t->values = arena_take(l->arena, keys * decoder_cached_value(d) + PANEL_ROWS,
                           sizeof *t->values);
    t->scores = arena_take(l->arena, queries * g->score_stride, sizeof *t->scores);
    t->out = arena_take(l->arena, queries * g->out_stride, sizeof *t->out);
    t->kv_room = arena_take(l->arena, kv_room(&g->kv), sizeof *t->kv_room);
    low_rank_lay(&t->low_rank, l->arena, adapter_rank(l->s->model->adapter));
    t->expert_row = arena_take(l->arena, rows, sizeof *t->expert_row);
    t->expert_place = arena_take(l->arena, rows, sizeof *t->expert_place);
    t->expert_in = g->in;
    t->expert_inner = l->expert_inner;
    operand_lay(&t->expert_in, l->arena, rows, d->width);
    operand_lay(&t->expert_inner, l->arena, rows, d->expert_ffn);
    t->expert_gate =
        arena_take(l->arena, rows * whole(d->expert_ffn), sizeof *t->expert_gate);
    t->expert_up =
        arena_take(l->arena, rows * whole(d->expert_ffn), sizeof *t->expert_up);
    t->expert_c = arena_take(l->arena, rows * g->width_stride, sizeof *t->expert_c);
}

static void lay_cache(struct layout *l)
{
    const struct infer_options *o = &l->s->options;
    struct kv *kv = &l->g->kv;
    const size_t before = l->arena->used;
    /* each sequence in flight may hold a page that is not full */
    const uint32_t pages = kv_pages_for(o->kv_tokens) + o->batch_sequences +
                           (o->share_prefix ? kv_pages_for(o->context_tokens) : 0);

    kv->ops = l->s->ops;
    kv->type = o->kv;
    kv->layers = l->d->layers;
    kv->heads = l->d->kv_heads;
    kv->key_size = decoder_cached_key(l->d);
    kv->value_size = decoder_cached_value(l->d);
    kv_lay(kv, l->arena, pages, o->context_tokens + GENERATOR_TREE_NODES);
    l->s->kv_bytes = l->arena->used - before;
    l->g->prefix_id = arena_take(l->arena, o->context_tokens, sizeof *l->g->prefix_id);
    l->g->prefix = (struct kv_sequence){
        .page = arena_take(l->arena, kv->sequence_pages, sizeof *l->g->prefix.page)};
}

int session_lay_decoder(struct infer_session *s, struct arena *arena,
                        struct infer_error *err)
{
    const struct infer_options *o = &s->options;
    const struct operand none = {.ops = s->ops, .limit = s->limit};
    struct generator counted, *g = arena_take(arena, 1, sizeof *g);
    struct generator_thread thread;
    struct layout l = {.s = s, .d = s->model->decoder, .arena = arena, .err = err};

    s->generator = g;
    l.g = g ? g : &counted;
    l.expert_inner = none;
    *l.g = (struct generator){.model = l.d, .ops = s->ops};
    l.g->in = l.g->query = l.g->plain = l.g->found = l.g->out = none;
    l.g->inner = l.g->shared_inner = none;
    lay_weights(&l);
    if (l.status != 0)
        return l.status;
    set_strides(l.g, l.d, o->context_tokens);
    lay_cache(&l);
    lay_rows(&l, o->batch_tokens);
    l.g->thread = arena_take(arena, (size_t)o->threads, sizeof *l.g->thread);
    for (int i = 0; i < o->threads; i++)
        lay_thread(&l, l.g->thread ? l.g->thread + i : &thread, o->context_tokens);
    if (g)
        kv_reset(&g->kv);
    return 0;
}
