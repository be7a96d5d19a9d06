/* classify - from vectors to a label, its probability and the words behind it.
 *
 * c_l(x) tells how near a piece of text x is to label l (reference.c).
 *
 *     lead_l = 1/2 max of c_l over the opening's sentences + 1/2 c_l(first chunk)
 *     body_l = pool of c_l over all chunks                      mean, max or top
 *     s_l    = lead_weight * lead_l + (1 - lead_weight) * body_l
 *     P(l)   = softmax( s_l / temperature )
 *
 * The opening is what stands before the first OPENING_TOKENS tokens have passed:
 * titles stand there, and a title says what a document is. Ties go to the label that
 * stands first in the policy.
 *
 * Evidence cites the cause: first the opening sentence that gave the maximum above,
 * be it a short title; then the prose that weighs most for the label and against the
 * runner-up r, c_l - 1/2 max(0, c_r).
 *
 * Sentences that try to instruct the reader (command.c) are never evidence, and every
 * answer is found a second time without them; where the two differ, in the label or in
 * being decided at all, the answer is undecided.
 *
 * Everything is computed from the document and the policy alone, in a fixed order,
 * without libm (sqrt apart, which IEEE 754 rounds exactly). */
#include "pipeline/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OPENING_TOKENS = 150 };

struct scorer { /* one task of one document */
    const struct work *work;
    const struct policy_task *task;
    const struct field *field;
    size_t labels;
    double *chunk;    /* c_l of each chunk */
    double *sentence; /* c_l of each sentence */
    size_t chunk_count;
    bool plain; /* commanding sentences do not count; chunk[] is without them */
};

/* ---- scores --------------------------------------------------------------------- */

static bool counts(const struct scorer *scorer, size_t i)
{
    return work_speaks(scorer->work, i) &&
           !(scorer->plain && work_is_command(scorer->work, i));
}

/* The sentences of the opening are [0, end), those that do not count apart. */
static size_t opening_end(const struct scorer *scorer)
{
    const struct pipeline_text *text = scorer->work->text;
    size_t tokens = 0, i = 0;
    for (; i < text->sentence_count && tokens < OPENING_TOKENS; i++)
        if (counts(scorer, i))
            tokens += text->sentence[i].tokens;
    return i;
}

/* The opening sentence nearest to label l; the sentence count when there is none. */
static size_t opening_best(const struct scorer *scorer, size_t l)
{
    size_t none = scorer->work->text->sentence_count, best = none;
    size_t end = opening_end(scorer);
    for (size_t i = 0; i < end; i++)
        if (counts(scorer, i) &&
            (best == none || scorer->sentence[i * scorer->labels + l] >
                                 scorer->sentence[best * scorer->labels + l]))
            best = i;
    return best;
}

static double lead_score(const struct scorer *scorer, size_t l)
{
    size_t best = opening_best(scorer, l);
    if (best == scorer->work->text->sentence_count)
        return scorer->chunk[l];
    return 0.5 * scorer->sentence[best * scorer->labels + l] + 0.5 * scorer->chunk[l];
}

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

static size_t pool_best(const struct policy_task *task, size_t pieces)
{
    switch (task->pool) {
    case POLICY_POOL_MAX:
        return 1;
    case POLICY_POOL_TOP:
        return task->pool_top;
    case POLICY_POOL_MEAN:
        break;
    }
    return pieces;
}

/* The mean of the highest, as many as the task asks for. */
double pool_column(const struct policy_task *task, double *column, size_t count)
{
    size_t best = pool_best(task, count);
    if (best < count)
        qsort(column, count, sizeof(*column), descending);
    best = best < count ? best : count;
    double sum = 0;
    for (size_t i = 0; i < best; i++)
        sum += column[i];
    return sum / (double)best;
}

static double pool(const struct scorer *scorer, size_t l, double *column)
{
    for (size_t i = 0; i < scorer->chunk_count; i++)
        column[i] = scorer->chunk[i * scorer->labels + l];
    return pool_column(scorer->task, column, scorer->chunk_count);
}

static void document_scores(const struct scorer *scorer, double *column, double *score)
{
    const struct policy_task *task = scorer->task;
    for (size_t l = 0; l < scorer->labels; l++)
        score[l] = task->lead_weight * lead_score(scorer, l) +
                   (1.0 - task->lead_weight) * pool(scorer, l, column);
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

static struct weighing by_encoder(const struct policy_task *task)
{
    return (struct weighing){task->temperature, task->threshold};
}

void answer_choose(struct answer *answer, const struct policy_task *task,
                   struct weighing by)
{
    softmax(answer->score, task->label_count, by.temperature, answer->probability);
    answer->label = 0;
    for (uint32_t l = 1; l < task->label_count; l++)
        if (answer->score[l] > answer->score[answer->label])
            answer->label = l;
    answer->runner_up = answer->label == 0;
    for (uint32_t l = 0; l < task->label_count; l++)
        if (l != answer->label && answer->score[l] > answer->score[answer->runner_up])
            answer->runner_up = l;
    answer->undecided = answer->probability[answer->label] < by.threshold;
}

/* ---- evidence ------------------------------------------------------------------- */

/* Keep `quote` among the heaviest from `first` on; earlier ones win a tie. */
static void evidence_offer(struct answer *answer, size_t first, size_t most,
                           struct quote quote)
{
    size_t at = answer->evidence_count;
    while (at > first && answer->evidence[at - 1].weight < quote.weight)
        at--;
    if (at >= most)
        return;
    if (answer->evidence_count < most)
        answer->evidence_count++;
    memmove(&answer->evidence[at + 1], &answer->evidence[at],
            (answer->evidence_count - 1 - at) * sizeof(quote));
    answer->evidence[at] = quote;
}

static double weight_of(const struct scorer *scorer, const struct answer *answer,
                        size_t sentence)
{
    const double *c = scorer->sentence + sentence * scorer->labels;
    double against = c[answer->runner_up];
    return c[answer->label] - 0.5 * (against > 0 ? against : 0);
}

/* The scorer counts no commanding sentence. */
static void evidence_find(const struct scorer *scorer, struct answer *answer)
{
    size_t count = scorer->work->text->sentence_count;
    size_t lead = opening_best(scorer, answer->label);
    for (size_t k = 0; k <= count; k++) {
        size_t i = k == 0 ? lead : k - 1; /* the lead before all others */
        if (i == count || !counts(scorer, i) ||
            (k > 0 && (i == lead || !work_is_prose(scorer->work, i))))
            continue;
        struct quote quote = work_sentence(scorer->work, i);
        quote.weight = weight_of(scorer, answer, i);
        if (k == 0 || quote.weight > 0)
            evidence_offer(answer, lead < count, scorer->task->evidence_max, quote);
    }
}

/* ---- without what commands ------------------------------------------------------ */

/* Answer again from the chunks that are left; scorer holds the sentences' scores. */
static int plain_find(const struct scorer *whole, struct infer_session *session,
                      const struct plain_chunks *chunks, double *column,
                      struct answer *answer)
{
    struct scorer scorer = *whole;
    size_t labels = scorer.labels;
    double *score = calloc(labels * (chunks->count + 2), sizeof(*score));
    if (!score)
        return PIPELINE_ENOMEM;
    struct answer other = {.score = score, .probability = score + labels};
    scorer.chunk = score + 2 * labels;
    scorer.chunk_count = chunks->count;
    scorer.plain = true;
    field_score(scorer.field, session, chunks->width, chunks->vector, chunks->count,
                scorer.chunk);
    document_scores(&scorer, column, other.score);
    answer_choose(&other, scorer.task, by_encoder(scorer.task));
    answer->plain = (struct plain){.asked = true,
                                   .label = other.label,
                                   .probability = other.probability[other.label],
                                   .undecided = other.undecided};
    free(score);
    return PIPELINE_OK;
}

/* A person decides when the two answers differ, or when nothing is left to ask. */
void plain_weigh(struct answer *answer)
{
    const struct plain *plain = &answer->plain;
    answer->commanded = !plain->asked || plain->label != answer->label ||
                        plain->undecided != answer->undecided;
    answer->undecided |= answer->commanded;
}

/* ---- the whole ------------------------------------------------------------------ */

static int answer_find(struct scorer *scorer, struct infer_session *session,
                       size_t width, const struct plain_chunks *plain,
                       struct answer *answer)
{
    const struct work *work = scorer->work;
    const struct pipeline_text *text = work->text;
    size_t pieces = text->chunk_count + text->sentence_count;
    double *column = calloc(text->chunk_count, sizeof(*column));
    scorer->chunk = calloc(pieces * scorer->labels, sizeof(*scorer->chunk));
    answer->score = calloc(scorer->labels, sizeof(*answer->score));
    answer->probability = calloc(scorer->labels, sizeof(*answer->probability));
    answer->evidence =
        calloc(scorer->task->evidence_max + 1, sizeof(*answer->evidence));
    int status = PIPELINE_ENOMEM;
    if (column && scorer->chunk && answer->score && answer->probability &&
        answer->evidence) {
        scorer->sentence = scorer->chunk + text->chunk_count * scorer->labels;
        field_score(scorer->field, session, width, work->chunk_vector, pieces,
                    scorer->chunk);
        document_scores(scorer, column, answer->score);
        answer_choose(answer, scorer->task, by_encoder(scorer->task));
        status = plain->count > 0 ? plain_find(scorer, session, plain, column, answer)
                                  : PIPELINE_OK;
        scorer->plain = true;
        evidence_find(scorer, answer);
        if (work->commanding)
            plain_weigh(answer);
    }
    free(column);
    free(scorer->chunk);
    return status;
}

static int answers_find(struct work *work, const struct pipeline *run,
                        const struct reference *reference,
                        const struct plain_chunks *plain, struct pipeline_error *err)
{
    const struct policy *policy = run->policy;
    int status = PIPELINE_OK;
    for (size_t i = 0; i < policy->task_count && status == PIPELINE_OK; i++) {
        struct scorer scorer = {
            .work = work,
            .task = &policy->task[i],
            .field = &reference->task[i],
            .labels = policy->task[i].label_count,
            .chunk_count = work->text->chunk_count,
        };
        status = answer_find(&scorer, run->session, reference->width, plain,
                             &work->answer[i]);
    }
    return status == PIPELINE_OK ? status
                                 : pipeline_fail(err, status, "no memory for answers");
}

int work_classify(struct work *work, const struct pipeline *run,
                  const struct reference *reference, struct pipeline_error *err)
{
    struct plain_chunks plain = {0};
    int status = work_find_commands(work, run->policy, err);
    if (status != PIPELINE_OK)
        return status;
    work->answer = calloc(run->policy->task_count + 1, sizeof(*work->answer));
    if (!work->answer)
        return pipeline_fail(err, PIPELINE_ENOMEM, "no memory for answers");
    work->answer_count = run->policy->task_count;
    if (work->commanding)
        status = plain_embed(&plain, work, run, err);
    if (status == PIPELINE_OK)
        status = answers_find(work, run, reference, &plain, err);
    plain_free(&plain);
    return status;
}
