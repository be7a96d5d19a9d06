/* schedule - many sequences through one model, each as fast as there is room.
 *
 * A strand is admitted when the cache can hold all it may come to, so that nothing
 * in flight ever has to be thrown out:
 *
 *     idle --start--> reading --logits--> generating --more: false--> idle
 *
 * What all sequences begin with is computed once, kept for the calls to come, and
 * taken over by forks. The order in which things happen decides when a sequence is
 * computed, never how. */
#include "infer/schedule.h"

#include <stdlib.h>
#include <string.h>

struct schedule {
    struct infer_session *s;
    struct generator *g;
    const struct work *work;
    struct strand *strand;
    struct strand waiting; /* one that was started and found no room */
    bool has_waiting, has_ended;
    size_t strands;
    struct pass_piece *piece;
    size_t *piece_strand;
    uint32_t prefix_tokens;
};

/* ---- shared prefixes --------------------------------------------------------------
 */

uint32_t schedule_prefix(const struct infer_sequence *sequence, size_t count)
{
    size_t same = count > 0 ? sequence[0].count - 1 : 0;

    for (size_t i = 1; i < count; i++) {
        size_t most = sequence[i].count - 1 < same ? sequence[i].count - 1 : same;
        for (same = 0; same < most && sequence[i].id[same] == sequence[0].id[same];)
            same++;
    }
    return (uint32_t)same;
}

static void forget_prefix(struct generator *g)
{
    kv_release(&g->kv, &g->prefix);
}

/* Feed the rest of the prefix in as many passes as it needs. */
static void compute_prefix(struct schedule *c, const int32_t *id, uint32_t tokens)
{
    const struct infer_options *o = &c->s->options;
    uint32_t most = o->piece_tokens ? o->piece_tokens : o->batch_tokens;

    most = most < o->batch_tokens ? most : o->batch_tokens;
    while (c->g->prefix.tokens < tokens) {
        uint32_t left = tokens - c->g->prefix.tokens;
        struct pass_piece piece = {.kv = &c->g->prefix,
                                   .id = id + c->g->prefix.tokens,
                                   .first = c->g->prefix.tokens,
                                   .count = left < most ? left : most};
        decoder_forward(c->s, &piece, 1);
        c->g->prefix.tokens += piece.count;
    }
}

/* Keep what of the last prefix is also the beginning of this one, compute the rest. */
static void share_prefix(struct schedule *c, const int32_t *id, uint32_t tokens)
{
    struct generator *g = c->g;
    uint32_t same = 0;

    while (same < tokens && same < g->prefix.tokens && g->prefix_id[same] == id[same])
        same++;
    c->prefix_tokens = tokens < KV_PAGE_TOKENS ? 0 : tokens;
    if (c->prefix_tokens <= same)
        return;
    g->prefix.tokens = same;
    while (g->prefix.pages > kv_pages_for(same))
        kv_shrink(&g->kv, &g->prefix);
    if (!kv_reserve(&g->kv, &g->prefix, tokens)) {
        c->prefix_tokens = 0;
        return;
    }
    memcpy(g->prefix_id, id, tokens * sizeof *id);
    compute_prefix(c, id, tokens);
}

/* ---- strands ----------------------------------------------------------------------
 */

/* Room for all the strand may come to; takes over the shared prefix. */
static bool admit(struct schedule *c, struct strand *strand)
{
    struct kv *kv = &c->g->kv;
    const uint32_t shared = c->prefix_tokens / KV_PAGE_TOKENS;

    if (kv_pages_for(strand->reserve) - shared > kv->free_count)
        return false;
    kv_fork(kv, &strand->kv, &c->g->prefix, c->prefix_tokens);
    kv_reserve(kv, &strand->kv, strand->reserve);
    strand->fed = c->prefix_tokens;
    return true;
}

static bool any_busy(const struct schedule *c)
{
    for (size_t i = 0; i < c->strands; i++)
        if (c->strand[i].busy)
            return true;
    return false;
}

/* Move what was started into an idle place, with that place's own memory. */
static void settle(struct strand *place, const struct strand *from)
{
    uint32_t *page = place->kv.page;

    *place = *from;
    place->kv = (struct kv_sequence){.page = page};
}

/* Fill idle places. False when something cannot run even with everything else out
 * of the way, which schedule_check() has ruled out. */
static bool fill(struct schedule *c)
{
    for (size_t i = 0; i < c->strands && !c->has_ended; i++) {
        struct strand *place = c->strand + i;
        if (place->busy)
            continue;
        if (!c->has_waiting) {
            c->waiting = (struct strand){0};
            c->has_waiting = c->work->start(c->work->context, &c->waiting);
            c->has_ended = !c->has_waiting;
        }
        if (!c->has_waiting)
            break;
        settle(place, &c->waiting);
        if (!admit(c, place)) {
            if (any_busy(c))
                return true;
            forget_prefix(c->g);
            c->prefix_tokens = 0;
            if (!admit(c, place))
                return false;
        }
        place->busy = true;
        c->has_waiting = false;
    }
    return true;
}

/* ---- passes -----------------------------------------------------------------------
 */

static void add_piece(struct schedule *c, size_t i, uint32_t room, size_t *pieces)
{
    struct strand *strand = c->strand + i;
    const uint32_t left = strand->count - strand->fed;

    c->piece_strand[*pieces] = i;
    c->piece[(*pieces)++] =
        (struct pass_piece){.kv = &strand->kv,
                            .id = strand->id + (strand->fed - strand->base),
                            .parent = strand->parent,
                            .first = strand->fed,
                            .count = left < room ? left : room,
                            .position = strand->position};
}

/* What all strands have ready: those with a single token first, so that reading a
 * long text does not hold up those that generate. */
static size_t compose(struct schedule *c)
{
    const struct infer_options *o = &c->s->options;
    uint32_t room = o->batch_tokens;
    size_t pieces = 0;

    for (int reading = 0; reading < 2; reading++)
        for (size_t i = 0; i < c->strands && room > 0; i++) {
            const struct strand *strand = c->strand + i;
            uint32_t most =
                o->piece_tokens && o->piece_tokens < room ? o->piece_tokens : room;
            if (!strand->busy || (strand->count - strand->fed > 1) != reading)
                continue;
            add_piece(c, i, most, &pieces);
            room -= c->piece[pieces - 1].count;
        }
    return pieces;
}

/* Logits of the rows that are wanted, as many at a time as there is room for. */
static void give_logits(struct schedule *c, size_t pieces)
{
    uint32_t row[GENERATOR_HEAD_ROWS], token[GENERATOR_HEAD_ROWS];
    struct strand *whose[GENERATOR_HEAD_ROWS];
    size_t count = 0;

    for (size_t i = 0; i <= pieces; i++) {
        const struct pass_piece *p = c->piece + i;
        for (uint32_t t = 0; t < (i < pieces ? p->count : 1); t++) {
            if (count == GENERATOR_HEAD_ROWS || (i == pieces && count > 0)) {
                decoder_logits(c->s, row, count);
                for (size_t k = 0; k < count; k++)
                    c->work->logits(c->work->context, whose[k], token[k],
                                    c->g->logits + k * c->g->vocabulary_stride);
                count = 0;
            }
            if (i == pieces || p->first + t < c->strand[c->piece_strand[i]].wanted)
                continue;
            whose[count] = c->strand + c->piece_strand[i];
            token[count] = p->first + t;
            row[count++] = p->row + t;
        }
    }
}

static void advance(struct schedule *c, size_t pieces)
{
    for (size_t i = 0; i < pieces; i++) {
        struct strand *strand = c->strand + c->piece_strand[i];
        strand->fed += c->piece[i].count;
        strand->kv.tokens += c->piece[i].count;
        if (strand->fed < strand->count || c->work->more(c->work->context, strand))
            continue;
        kv_release(&c->g->kv, &strand->kv);
        strand->busy = false;
    }
}

static int run(struct schedule *c, struct infer_error *err)
{
    for (;;) {
        size_t pieces;
        if (!fill(c))
            return infer_fail(err, INFER_ELIMIT,
                              "a sequence of %u tokens does not fit the session's "
                              "memory for past tokens, %u",
                              c->waiting.reserve, c->s->options.kv_tokens);
        pieces = compose(c);
        if (pieces == 0)
            return 0;
        decoder_forward(c->s, c->piece, pieces);
        give_logits(c, pieces);
        advance(c, pieces);
    }
}

/* ---- running ----------------------------------------------------------------------
 */

static bool take_memory(struct schedule *c)
{
    const size_t pages = c->g->kv.sequence_pages;
    uint32_t *page;

    c->strand = calloc(c->strands, sizeof *c->strand);
    c->piece = calloc(c->strands, sizeof *c->piece);
    c->piece_strand = calloc(c->strands, sizeof *c->piece_strand);
    page = calloc(c->strands, pages * sizeof *page);
    if (!c->strand || !c->piece || !c->piece_strand || !page) {
        free(page);
        return false;
    }
    for (size_t i = 0; i < c->strands; i++)
        c->strand[i].kv.page = page + i * pages;
    return true;
}

static void give_memory_back(struct schedule *c)
{
    for (size_t i = 0; c->strand && i < c->strands; i++)
        kv_release(&c->g->kv, &c->strand[i].kv);
    if (c->strand)
        free(c->strand[0].kv.page);
    free(c->strand);
    free(c->piece);
    free(c->piece_strand);
}

int schedule_run(struct infer_session *s, const struct work *work,
                 const int32_t *prefix, uint32_t prefix_tokens, struct infer_error *err)
{
    struct schedule c = {
        .s = s, .g = s->generator, .work = work, .strands = s->options.batch_sequences};
    int status;

    if (take_memory(&c)) {
        if (s->options.share_prefix)
            share_prefix(&c, prefix, prefix_tokens);
        status = run(&c, err);
    } else {
        status =
            infer_fail(err, INFER_ENOMEM, "no memory for %zu sequences", c.strands);
    }
    give_memory_back(&c);
    return status;
}

int schedule_check(const struct infer_session *s, const struct infer_sequence *sequence,
                   size_t count, uint32_t more, struct infer_error *err)
{
    const uint32_t context = s->options.context_tokens;

    if (!s->generator)
        return infer_fail(err, INFER_EUNSUPPORTED,
                          "architecture %s is an encoder's: it has no logits",
                          s->model->architecture);
    for (size_t i = 0; i < count; i++) {
        int status = session_check(s, sequence + i, i, context, err);
        if (status != 0)
            return status;
        if (more > context - sequence[i].count)
            return infer_fail(err, INFER_ELIMIT,
                              "sequence %zu has %zu tokens and %u more may follow: the "
                              "session's context is %u",
                              i, sequence[i].count, more, context);
    }
    return 0;
}
