/* embed - many sequences in, one row each out.
 *
 * Threads take passes from a common cursor: the next sequences that together fit
 * into batch_tokens. Towards the end passes get shorter, so that no thread waits
 * long for the last one; a thread that the machine held up simply takes fewer.
 * There is no other meeting point, and no row depends on how the cuts fell. */
#include <omp.h>

#include "infer/forward_encoder.h"

enum { PASS_TOKENS_LEAST = 128 }; /* shorter ones spend their time on weights */

struct cursor {
    const struct infer_sequence *sequence;
    size_t count, next;
    size_t tokens_left;
    size_t finite; /* sequences before the first without a finite embedding */
};

static int check(const struct infer_model *m, const struct infer_sequence *sequence,
                 size_t index, struct infer_error *err)
{
    if (sequence->count == 0)
        return infer_fail(err, INFER_EINVALID, "sequence %zu is empty", index);
    if (sequence->count > m->context)
        return infer_fail(err, INFER_ELIMIT,
                          "sequence %zu has %zu tokens: the model takes at most %u",
                          index, sequence->count, m->context);
    for (size_t i = 0; i < sequence->count; i++)
        if (sequence->id[i] < 0 || (uint32_t)sequence->id[i] >= m->vocabulary)
            return infer_fail(err, INFER_EINVALID,
                              "sequence %zu holds token %d: allowed are 0 to %u", index,
                              sequence->id[i], m->vocabulary - 1);
    return 0;
}

/* How many tokens the next pass should have at most. */
static size_t pass_tokens(const struct infer_session *s, const struct cursor *cursor)
{
    const size_t threads = (size_t)s->options.threads, most = s->options.batch_tokens;
    size_t fair = cursor->tokens_left / (2 * threads);

    if (threads == 1 || fair > most)
        return most;
    return fair < PASS_TOKENS_LEAST ? PASS_TOKENS_LEAST : fair;
}

/* The first sequence is taken whatever its length: it fits batch_tokens. */
static size_t pass_take(const struct infer_session *s, struct cursor *cursor)
{
    size_t target = pass_tokens(s, cursor), tokens = 0, count = 0;
    size_t most = s->options.batch_sequences ? s->options.batch_sequences : SIZE_MAX;

    if (target > s->options.batch_tokens)
        target = s->options.batch_tokens;
    while (cursor->next + count < cursor->count && count < most) {
        size_t more = cursor->sequence[cursor->next + count].count;
        if (count > 0 && tokens + more > target)
            break;
        tokens += more;
        count++;
    }
    cursor->tokens_left -= tokens;
    cursor->next += count;
    return count;
}

static void run_passes(struct infer_session *s, struct workspace *w,
                       struct cursor *cursor, float *out)
{
    for (;;) {
        size_t first, count, finite;

#pragma omp critical(infer_embed_cursor)
        {
            count = pass_take(s, cursor);
            first = cursor->next - count;
        }
        if (count == 0)
            break;
        finite = first + encoder_forward(s, w, cursor->sequence + first, count,
                                         out + first * s->model->width);
        if (finite == first + count)
            continue;
#pragma omp critical(infer_embed_cursor)
        cursor->finite = finite < cursor->finite ? finite : cursor->finite;
    }
}

int infer_embed(struct infer_session *session, const struct infer_sequence *sequence,
                size_t count, float *out, struct infer_error *err)
{
    struct cursor cursor = {.sequence = sequence, .count = count, .finite = count};
    const int threads = count > 1 ? session->options.threads : 1;

    for (size_t i = 0; i < count; i++) {
        int status = check(session->model, sequence + i, i, err);
        if (status != 0)
            return status;
        cursor.tokens_left += sequence[i].count;
    }
#pragma omp parallel num_threads(threads) if (threads > 1)
    run_passes(session, session->workspace + omp_get_thread_num(), &cursor, out);

    if (cursor.finite < count)
        return infer_fail(
            err, INFER_EFORMAT,
            "sequence %zu: the model's weights overflow, its embedding is not "
            "finite",
            cursor.finite);
    return 0;
}
