/* ask - a language model answers the policy's tasks, by scoring.
 *
 *     raw(p, l)  = sum over l's tokens of log P(token | prompt of passage p, before)
 *     d(p, l)    = raw(p, l) - prior(l)
 *     s(l)       = w * d(opening, l) + (1 - w) * pool of d over all passages
 *     P(l)       = softmax( s(l) / model_temperature )          w: model_lead_weight
 *
 * Nothing is generated and nothing parsed: every label gets its probability as the
 * continuation of the prompt. What the model would say whatever it had read is the
 * prior, and is taken off. All labels of all tasks whose prompts begin alike are
 * scored in one pass over a passage.
 *
 * The encoder has answered before; its answer is kept as the first one. Where there
 * are sentences that try to instruct the reader, the model is asked again without
 * them, as the encoder was. */
#include "pipeline/decoder.h"

#include <stdlib.h>
#include <string.h>

/* ---- scores of passages --------------------------------------------------------- */

static double path_sum(const struct group *group, const float *node, int32_t leaf,
                       int32_t stop)
{
    double sum = 0;
    for (int32_t i = leaf; i != stop; i = group->parent[i])
        sum += (double)node[i];
    return sum;
}

static void group_read(const struct pipeline_decoder *decoder,
                       const struct group *group, const float *node, double *out)
{
    const struct policy *policy = decoder->options.policy;
    for (size_t i = 0; i < group->asked_count; i++) {
        const struct asked *asked = &group->asked[i];
        for (size_t l = 0; l < policy->task[asked->task].label_count; l++)
            out[decoder->label_at[asked->task] + l] =
                path_sum(group, node, asked->leaf[l], asked->stop);
    }
}

static int group_score(const struct pipeline_decoder *decoder,
                       const struct group *group, const struct scoring *scoring,
                       size_t count, struct pipeline_error *err)
{
    struct infer_tree tree = {group->id, group->parent, group->nodes};
    struct infer_tokens *ids = calloc(count, sizeof(*ids));
    struct infer_sequence *prompt = calloc(count, sizeof(*prompt));
    float *node = calloc(count * group->nodes + 1, sizeof(*node));
    struct infer_error why;
    int status =
        ids && prompt && node
            ? PIPELINE_OK
            : pipeline_fail(err, PIPELINE_ENOMEM, "no memory for %zu passages", count);
    for (size_t i = 0; i < count && status == PIPELINE_OK; i++) {
        status = frame_fill(decoder, &group->frame, scoring[i].passage->text,
                            scoring[i].passage->bytes, &ids[i], err);
        prompt[i] = (struct infer_sequence){ids[i].id, ids[i].count};
    }
    if (status == PIPELINE_OK &&
        infer_score(decoder->options.session, prompt, count, &tree, node, &why) != 0)
        status = infer_refusal(err, &why);
    for (size_t i = 0; i < count && status == PIPELINE_OK; i++)
        group_read(decoder, group, node + i * group->nodes, scoring[i].out);
    for (size_t i = 0; ids && i < count; i++)
        infer_tokens_free(&ids[i]);
    free(ids);
    free(prompt);
    free(node);
    return status;
}

int passages_score(const struct pipeline_decoder *decoder, const struct pipeline *run,
                   const struct scoring *scoring, size_t count, bool *whole,
                   struct pipeline_error *err)
{
    int status = PIPELINE_OK;
    *whole = true;
    for (size_t from = 0; from < count && status == PIPELINE_OK;
         from += SLICE_PASSAGES) {
        size_t slice = count - from < SLICE_PASSAGES ? count - from : SLICE_PASSAGES;
        if (run && pipeline_must_stop(run)) {
            *whole = false;
            return PIPELINE_OK;
        }
        for (size_t i = 0; i < decoder->group_count && status == PIPELINE_OK; i++)
            status =
                group_score(decoder, &decoder->group[i], scoring + from, slice, err);
    }
    return status;
}

/* ---- from passages to the document ---------------------------------------------- */

struct weigher { /* a text's passages and their scores: the lead, then the body */
    const struct pipeline_decoder *decoder;
    struct passages lead, body;
    double *score, *scratch;
};

bool only_lead(const struct policy *policy)
{
    for (size_t i = 0; i < policy->task_count; i++)
        if (policy->task[i].model_lead_weight < 1)
            return false;
    return true;
}

static void weigher_weigh(const struct weigher *weigher, const double *prior,
                          double *out)
{
    const struct pipeline_decoder *decoder = weigher->decoder;
    const struct policy *policy = decoder->options.policy;
    const double *body = weigher->score + decoder->labels;
    size_t count = weigher->body.count;
    for (size_t i = 0; i < policy->task_count; i++) {
        const struct policy_task *task = &policy->task[i];
        for (size_t l = 0; l < task->label_count; l++) {
            size_t at = decoder->label_at[i] + l;
            double own = prior ? prior[at] : 0;
            double lead = weigher->score[at] - own;
            for (size_t p = 0; p < count; p++)
                weigher->scratch[p] = body[p * decoder->labels + at] - own;
            double rest = count > 0 ? pool_column(task, weigher->scratch, count) : lead;
            out[at] =
                task->model_lead_weight * lead + (1.0 - task->model_lead_weight) * rest;
        }
    }
}

/* commanding as for passages. No lead: the text says nothing. */
static int weigher_open(struct weigher *weigher, const struct pipeline_decoder *decoder,
                        const struct pipeline_text *text, const bool *commanding,
                        struct pipeline_error *err)
{
    *weigher = (struct weigher){.decoder = decoder};
    int status = passages_lead(&weigher->lead, decoder, text, commanding, err);
    if (status == PIPELINE_OK && weigher->lead.count > 0 &&
        !only_lead(decoder->options.policy))
        status = passages_make(&weigher->body, decoder, text, commanding, false, err);
    size_t rows = 1 + weigher->body.count;
    weigher->score = calloc(rows * (decoder->labels + 1), sizeof(*weigher->score));
    if (status == PIPELINE_OK && !weigher->score)
        return pipeline_fail(err, PIPELINE_ENOMEM, "no memory for scores");
    if (weigher->score)
        weigher->scratch = weigher->score + rows * decoder->labels;
    return status;
}

static size_t weigher_passages(const struct weigher *weigher)
{
    return weigher->lead.count + weigher->body.count;
}

/* What there is to score, to out, which moves on. */
static void weigher_list(const struct weigher *weigher, struct scoring **out)
{
    size_t labels = weigher->decoder ? weigher->decoder->labels : 0;
    for (size_t i = 0; i < weigher->lead.count; i++)
        *(*out)++ = (struct scoring){&weigher->lead.passage[i], weigher->score};
    for (size_t i = 0; i < weigher->body.count; i++)
        *(*out)++ = (struct scoring){&weigher->body.passage[i],
                                     weigher->score + (1 + i) * labels};
}

static void weigher_close(struct weigher *weigher)
{
    free(weigher->score);
    passages_free(&weigher->lead);
    passages_free(&weigher->body);
}

static int weighers_score(const struct pipeline_decoder *decoder,
                          const struct pipeline *run, const struct weigher *weigher,
                          size_t count, bool *whole, struct pipeline_error *err)
{
    size_t passages = 0;
    for (size_t i = 0; i < count; i++)
        passages += weigher_passages(&weigher[i]);
    struct scoring *scoring = calloc(passages + 1, sizeof(*scoring)), *end = scoring;
    if (!scoring)
        return pipeline_fail(err, PIPELINE_ENOMEM, "no memory for %zu passages",
                             passages);
    for (size_t i = 0; i < count; i++)
        weigher_list(&weigher[i], &end);
    int status = passages_score(decoder, run, scoring, passages, whole, err);
    free(scoring);
    return status;
}

int text_score(const struct pipeline_decoder *decoder, const struct pipeline_text *text,
               double *out, bool *got, struct pipeline_error *err)
{
    struct weigher weigher;
    bool whole;
    int status = weigher_open(&weigher, decoder, text, NULL, err);
    *got = status == PIPELINE_OK && weigher.lead.count > 0;
    if (*got)
        status = weighers_score(decoder, NULL, &weigher, 1, &whole, err);
    if (*got && status == PIPELINE_OK)
        weigher_weigh(&weigher, NULL, out);
    weigher_close(&weigher);
    return status;
}

/* ---- answers -------------------------------------------------------------------- */

static bool is_asked(const struct policy *policy, const struct answer *answer)
{
    return policy->model.ask == POLICY_ASK_ALWAYS || answer->undecided;
}

/* A document without memory has no answers, and is not asked. */
static bool any_asked(const struct work *work, const struct policy *policy)
{
    for (size_t i = 0; i < work->answer_count; i++)
        if (is_asked(policy, &work->answer[i]))
            return true;
    return false;
}

/* plain NULL: nothing is left without the commanding sentences. */
static void answer_take(struct answer *answer, const struct policy_task *task,
                        const double *score, const double *plain)
{
    struct weighing by_model = {task->model_temperature, task->model_threshold};
    answer->by_model = true;
    answer->first_label = answer->label;
    answer->first_probability = answer->probability[answer->label];
    memset(&answer->plain, 0, sizeof(answer->plain));
    if (plain) {
        memcpy(answer->score, plain, task->label_count * sizeof(*plain));
        answer_choose(answer, task, by_model);
        answer->plain =
            (struct plain){.asked = true,
                           .label = answer->label,
                           .probability = answer->probability[answer->label],
                           .undecided = answer->undecided};
    }
    memcpy(answer->score, score, task->label_count * sizeof(*score));
    answer_choose(answer, task, by_model);
}

enum { AS_IT_IS, PLAIN, READINGS }; /* of a document: the other without commands */

static int readings_open(struct weigher reading[READINGS],
                         const struct pipeline_decoder *decoder,
                         const struct work *work, struct pipeline_error *err)
{
    int status = weigher_open(&reading[AS_IT_IS], decoder, work->text, NULL, err);
    if (status == PIPELINE_OK && work->commanding)
        status =
            weigher_open(&reading[PLAIN], decoder, work->text, work->commanding, err);
    return status;
}

/* scratch has room for two texts' scores. */
static void readings_take(const struct weigher reading[READINGS], struct work *work,
                          const struct pipeline *run, double *scratch)
{
    const struct pipeline_decoder *decoder = run->decoder;
    double *score = scratch, *plain = NULL;
    if (reading[AS_IT_IS].lead.count == 0)
        return;
    weigher_weigh(&reading[AS_IT_IS], decoder->prior, score);
    if (reading[PLAIN].lead.count > 0) {
        plain = scratch + decoder->labels;
        weigher_weigh(&reading[PLAIN], decoder->prior, plain);
    }
    for (size_t i = 0; i < work->answer_count; i++) {
        struct answer *answer = &work->answer[i];
        size_t at = decoder->label_at[i];
        if (!is_asked(run->policy, answer))
            continue;
        answer_take(answer, &run->policy->task[i], score + at,
                    plain ? plain + at : NULL);
        if (work->commanding)
            plain_weigh(answer);
    }
}

int works_ask(struct work *const *work, size_t count, const struct pipeline *run,
              bool *whole, struct pipeline_error *err)
{
    const struct pipeline_decoder *decoder = run->decoder;
    struct weigher *reading = calloc(count * READINGS, sizeof(*reading));
    double *scratch = calloc(decoder->labels * 2, sizeof(*scratch));
    int status = reading && scratch
                     ? PIPELINE_OK
                     : pipeline_fail(err, PIPELINE_ENOMEM, "no memory for scores");
    *whole = true;
    for (size_t i = 0; i < count && status == PIPELINE_OK; i++)
        if (any_asked(work[i], run->policy))
            status = readings_open(reading + i * READINGS, decoder, work[i], err);
    if (status == PIPELINE_OK)
        status = weighers_score(decoder, run, reading, count * READINGS, whole, err);
    for (size_t i = 0; i < count && status == PIPELINE_OK && *whole; i++)
        readings_take(reading + i * READINGS, work[i], run, scratch);
    for (size_t i = 0; reading && i < count * READINGS; i++)
        weigher_close(&reading[i]);
    free(reading);
    free(scratch);
    return status;
}

/* ---- a rehearsal ---------------------------------------------------------------- */

int work_rehearse_asking(struct work *work, const struct pipeline *run,
                         struct rehearsal *out, struct pipeline_error *err)
{
    const struct pipeline_decoder *decoder = run->decoder;
    struct scoring *scoring, *end;
    struct weigher weigher;
    bool whole;
    int status = weigher_open(&weigher, decoder, work->text, NULL, err);
    out->passages = weigher_passages(&weigher);
    out->tried = out->passages < REHEARSED_MAX ? out->passages : (size_t)REHEARSED_MAX;
    scoring = end = calloc(out->passages + 1, sizeof(*scoring));
    if (status == PIPELINE_OK && !scoring)
        status = pipeline_fail(err, PIPELINE_ENOMEM, "no memory for %zu passages",
                               out->passages);
    if (status == PIPELINE_OK) {
        weigher_list(&weigher, &end);
        status = passages_score(decoder, run, scoring, out->tried, &whole, err);
    }
    free(scoring);
    weigher_close(&weigher);
    return status;
}
