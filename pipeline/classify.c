/* classify - from vectors to a label, its probability and the words behind it.
 *
 * For a piece of text x with vector e(x), and a label's q_l and mu (reference.c):
 *
 *     c_l(x) = dot( unit(e(x) - mu), q_l )                      how near x is to l
 *
 *     lead_l = 1/2 max of c_l over the opening's sentences + 1/2 c_l(first chunk)
 *     body_l = pool of c_l over all chunks                      mean, max or top
 *     s_l    = lead_weight * lead_l + (1 - lead_weight) * body_l
 *     P(l)   = softmax( s_l / temperature )
 *
 * The opening is what stands before the first OPENING_TOKENS tokens have passed:
 * titles stand there, and a title says what a document is. Everything is computed
 * from the document and the policy alone, in a fixed order, without libm (sqrt
 * apart, which IEEE 754 rounds exactly). */
#include "pipeline/internal.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OPENING_TOKENS = 150 };

struct scorer { /* one task of one document */
    const struct work *work;
    const struct policy_task *task;
    size_t labels, width;
    const float *row; /* q_0 ... q_n-1, mu */
    double *shift;    /* dot(mu, q_l) for each label, then dot(mu, mu) */
    double *chunk;    /* c_l of each chunk */
    double *sentence; /* c_l of each sentence */
};

/* ---- scores of pieces ----------------------------------------------------------- */

static double dot(const float *a, const float *b, size_t width)
{
    double sum = 0;
    for (size_t i = 0; i < width; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static void shifts_find(struct scorer *scorer)
{
    const float *mu = scorer->row + scorer->labels * scorer->width;
    for (size_t l = 0; l <= scorer->labels; l++)
        scorer->shift[l] = dot(mu, scorer->row + l * scorer->width, scorer->width);
}

/* c_l of `count` unit vectors; raw has room for count x (labels + 1) floats. */
static void pieces_score(const struct scorer *scorer, struct infer_session *session,
                         const float *vector, size_t count, float *raw, double *out)
{
    size_t columns = scorer->labels + 1;
    infer_similarity(session, vector, count, scorer->row, columns, scorer->width, raw);
    for (size_t i = 0; i < count; i++) {
        const float *near = raw + i * columns;
        double mu_square = scorer->shift[scorer->labels];
        double square = 1.0 - 2.0 * (double)near[scorer->labels] + mu_square;
        double length = sqrt(square > 1e-12 ? square : 1e-12);
        for (size_t l = 0; l < scorer->labels; l++)
            out[i * scorer->labels + l] = ((double)near[l] - scorer->shift[l]) / length;
    }
}

/* ---- the opening ---------------------------------------------------------------- */

static bool has_letter(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (isalpha((unsigned char)text[i]) || (unsigned char)text[i] >= 0x80)
            return true;
    return false;
}

/* "Definitions . . . . . 3": a line of a table of contents. */
static bool has_leaders(const char *text, size_t bytes)
{
    size_t dots = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '.')
            dots++;
        else if (text[i] != ' ')
            dots = 0;
        if (dots >= 4)
            return true;
    }
    return false;
}

static bool speaks(const struct work *work, size_t sentence)
{
    struct quote quote = work_sentence(work, sentence);
    const char *text = work->text->text + quote.at;
    return has_letter(text, quote.bytes) && !has_leaders(text, quote.bytes);
}

static void lead_scores(const struct scorer *scorer, double *lead)
{
    const struct pipeline_text *text = scorer->work->text;
    size_t tokens = 0, met = 0;
    for (size_t i = 0; i < text->sentence_count && tokens < OPENING_TOKENS; i++) {
        if (!speaks(scorer->work, i))
            continue;
        const double *c = scorer->sentence + i * scorer->labels;
        for (size_t l = 0; l < scorer->labels; l++)
            lead[l] = met == 0 || c[l] > lead[l] ? c[l] : lead[l];
        tokens += text->sentence[i].tokens;
        met++;
    }
    for (size_t l = 0; l < scorer->labels; l++)
        lead[l] = met ? 0.5 * lead[l] + 0.5 * scorer->chunk[l] : scorer->chunk[l];
}

/* ---- pooling -------------------------------------------------------------------- */

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* The mean of the `best` highest of column l over all chunks. */
static double pool(const struct scorer *scorer, size_t l, size_t best, double *column)
{
    size_t count = scorer->work->text->chunk_count;
    for (size_t i = 0; i < count; i++)
        column[i] = scorer->chunk[i * scorer->labels + l];
    if (best < count)
        qsort(column, count, sizeof(*column), descending);
    best = best < count ? best : count;
    double sum = 0;
    for (size_t i = 0; i < best; i++)
        sum += column[i];
    return sum / (double)best;
}

static size_t pool_best(const struct policy_task *task, size_t chunks)
{
    switch (task->pool) {
    case POLICY_POOL_MAX:
        return 1;
    case POLICY_POOL_TOP:
        return task->pool_top;
    case POLICY_POOL_MEAN:
        break;
    }
    return chunks;
}

static void document_scores(const struct scorer *scorer, double *column, double *score)
{
    const struct policy_task *task = scorer->task;
    size_t best = pool_best(task, scorer->work->text->chunk_count);
    lead_scores(scorer, score);
    for (size_t l = 0; l < scorer->labels; l++)
        score[l] = task->lead_weight * score[l] +
                   (1.0 - task->lead_weight) * pool(scorer, l, best, column);
}

/* ---- probabilities -------------------------------------------------------------- */

/* exp(x) for x <= 0: halve until small, Taylor, square back. The same bits on every
 * machine, which libm does not promise; relative error below 1e-12. */
static double exp_fixed(double x)
{
    int halvings = 0;
    if (x < -700)
        return 0;
    for (; x < -0.03125; x *= 0.5)
        halvings++;
    double sum = 1, term = 1;
    for (int i = 1; i <= 9; i++) {
        term = term * x / i;
        sum += term;
    }
    while (halvings-- > 0)
        sum *= sum;
    return sum;
}

static void softmax(const double *score, size_t count, double temperature, double *out)
{
    double best = score[0], sum = 0;
    for (size_t i = 1; i < count; i++)
        best = score[i] > best ? score[i] : best;
    for (size_t i = 0; i < count; i++)
        sum += out[i] = exp_fixed((score[i] - best) / temperature);
    for (size_t i = 0; i < count; i++)
        out[i] /= sum;
}

static void answer_choose(struct answer *answer, const struct policy_task *task)
{
    softmax(answer->score, task->label_count, task->temperature, answer->probability);
    answer->label = 0;
    for (uint32_t l = 1; l < task->label_count; l++)
        if (answer->score[l] > answer->score[answer->label])
            answer->label = l;
    answer->runner_up = answer->label == 0;
    for (uint32_t l = 0; l < task->label_count; l++)
        if (l != answer->label && answer->score[l] > answer->score[answer->runner_up])
            answer->runner_up = l;
    answer->undecided = answer->probability[answer->label] < task->threshold;
}

/* ---- evidence ------------------------------------------------------------------- */

/* Keep `quote` among the heaviest, heaviest first; earlier ones win a tie. */
static void evidence_offer(struct answer *answer, size_t most, struct quote quote)
{
    size_t at = answer->evidence_count;
    while (at > 0 && answer->evidence[at - 1].weight < quote.weight)
        at--;
    if (at >= most)
        return;
    if (answer->evidence_count < most)
        answer->evidence_count++;
    memmove(&answer->evidence[at + 1], &answer->evidence[at],
            (answer->evidence_count - 1 - at) * sizeof(quote));
    answer->evidence[at] = quote;
}

/* What speaks for the label and against the runner-up. */
static void evidence_find(const struct scorer *scorer, struct answer *answer)
{
    for (size_t i = 0; i < scorer->work->text->sentence_count; i++) {
        const double *c = scorer->sentence + i * scorer->labels;
        struct quote quote = work_sentence(scorer->work, i);
        quote.weight = c[answer->label] - c[answer->runner_up];
        if (quote.weight > 0 && c[answer->label] > 0 && speaks(scorer->work, i))
            evidence_offer(answer, scorer->task->evidence_max, quote);
    }
}

/* ---- the whole ------------------------------------------------------------------ */

static int answer_find(struct scorer *scorer, struct infer_session *session,
                       struct answer *answer)
{
    const struct work *work = scorer->work;
    const struct pipeline_text *text = work->text;
    size_t pieces = text->chunk_count + text->sentence_count;
    float *raw = calloc(pieces * (scorer->labels + 1), sizeof(*raw));
    double *column = calloc(text->chunk_count, sizeof(*column));
    scorer->shift = calloc(scorer->labels + 1, sizeof(*scorer->shift));
    scorer->chunk = calloc(pieces * scorer->labels, sizeof(*scorer->chunk));
    answer->score = calloc(scorer->labels, sizeof(*answer->score));
    answer->probability = calloc(scorer->labels, sizeof(*answer->probability));
    answer->evidence =
        calloc(scorer->task->evidence_max + 1, sizeof(*answer->evidence));
    int status = PIPELINE_ENOMEM;
    if (raw && column && scorer->shift && scorer->chunk && answer->score &&
        answer->probability && answer->evidence) {
        scorer->sentence = scorer->chunk + text->chunk_count * scorer->labels;
        shifts_find(scorer);
        pieces_score(scorer, session, work->chunk_vector, pieces, raw, scorer->chunk);
        document_scores(scorer, column, answer->score);
        answer_choose(answer, scorer->task);
        evidence_find(scorer, answer);
        status = PIPELINE_OK;
    }
    free(raw);
    free(column);
    free(scorer->shift);
    free(scorer->chunk);
    return status;
}

int work_classify(struct work *work, const struct pipeline *run,
                  const struct reference *reference, struct pipeline_error *err)
{
    const struct policy *policy = run->policy;
    int status = PIPELINE_OK;
    work->answer = calloc(policy->task_count + 1, sizeof(*work->answer));
    if (!work->answer)
        return pipeline_fail(err, PIPELINE_ENOMEM, "no memory for answers");
    work->answer_count = policy->task_count;
    for (size_t i = 0; i < policy->task_count && status == PIPELINE_OK; i++) {
        struct scorer scorer = {
            .work = work,
            .task = &policy->task[i],
            .labels = policy->task[i].label_count,
            .width = reference->width,
            .row = reference->vector + reference->task_row[i] * reference->width,
        };
        status = answer_find(&scorer, run->session, &work->answer[i]);
    }
    return status == PIPELINE_OK ? status
                                 : pipeline_fail(err, status, "no memory for answers");
}
