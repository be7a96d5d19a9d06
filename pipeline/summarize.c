/* summarize - the sentences that stand for a document, word for word.
 *
 * Centrality with redundancy control: the centre is the mean of the chunks' vectors;
 * each step takes the sentence x with the greatest
 *
 *     ( 1/2 dot(e(x), centre) + 1/2 dot(e(x), first chunk) )
 *         * ( 1 - redundancy * max(0, max over taken y of dot(e(x), e(y))) )
 *
 * The first chunk is there because documents begin by saying what they are about; a
 * product, not a difference, because a difference favours what is unlike everything.
 * What repeats one that is taken, in nearly the same words, is never taken itself.
 * Only prose may stand in a summary, where there is any, and never a sentence that
 * tries to instruct the reader. What is chosen is given in
 * the order of the document. Cost: sentences x length of the summary. */
#include "pipeline/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHORT_TOKENS = 4 }; /* the least a sentence must have where nothing is prose */

#define SAME_COSINE 0.99f

static void centre_find(const struct work *work, size_t width, float *centre)
{
    double square = 0;
    size_t chunks = work->text->chunk_count;
    for (size_t i = 0; i < width; i++) {
        double sum = 0;
        for (size_t j = 0; j < chunks; j++)
            sum += (double)work->chunk_vector[j * width + i];
        centre[i] = (float)(sum / (double)chunks);
        square += (double)centre[i] * (double)centre[i];
    }
    double length = sqrt(square);
    for (size_t i = 0; i < width && length > 0; i++)
        centre[i] = (float)((double)centre[i] / length);
}

struct choice {
    const struct work *work;
    const struct policy_summary *asked;
    struct infer_session *session;
    size_t width;
    float *near;  /* to the centre, one a sentence */
    float *lead;  /* to the first chunk, one a sentence */
    float *taken; /* to the nearest of those taken, at least 0, one a sentence */
    float *one;   /* scratch, one a sentence */
    bool *open;   /* may be taken */
};

/* The best open sentence, or the count when there is none. */
static size_t choice_next(const struct choice *choice, double *score)
{
    size_t count = choice->work->text->sentence_count, best = count;
    for (size_t i = 0; i < count; i++) {
        if (!choice->open[i])
            continue;
        double central = 0.5 * (double)choice->near[i] + 0.5 * (double)choice->lead[i];
        double own =
            central * (1.0 - choice->asked->redundancy * (double)choice->taken[i]);
        if (best == count || own > *score) {
            best = i;
            *score = own;
        }
    }
    return best;
}

static void similar_to(const struct choice *choice, const float *row, float *out)
{
    infer_similarity(choice->session, choice->work->sentence_vector,
                     choice->work->text->sentence_count, row, 1, choice->width, out);
}

static void choice_take(struct choice *choice, size_t taken)
{
    similar_to(choice, choice->work->sentence_vector + taken * choice->width,
               choice->one);
    for (size_t i = 0; i < choice->work->text->sentence_count; i++) {
        if (choice->one[i] > choice->taken[i])
            choice->taken[i] = choice->one[i];
        if (choice->one[i] > SAME_COSINE)
            choice->open[i] = false;
    }
    choice->open[taken] = false;
}

/* Prose; where there is none, whatever has a letter and a few tokens. */
static void choice_open(struct choice *choice)
{
    const struct work *work = choice->work;
    size_t count = work->text->sentence_count, prose = 0;
    for (size_t i = 0; i < count; i++)
        prose += choice->open[i] = work_is_prose(work, i) && !work_is_command(work, i);
    for (size_t i = 0; i < count && prose == 0; i++)
        choice->open[i] = work->text->sentence[i].tokens >= SHORT_TOKENS &&
                          work_speaks(work, i) && !work_is_command(work, i);
}

static int by_place(const void *a, const void *b)
{
    const struct quote *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

static void summary_choose(struct choice *choice, struct work *work)
{
    size_t bytes = 0, count = work->text->sentence_count, next;
    double score = 0;
    while (work->summary_count < choice->asked->sentences_max &&
           (next = choice_next(choice, &score)) < count) {
        struct quote quote = work_sentence(work, next);
        quote.weight = score;
        if (bytes + quote.bytes > choice->asked->bytes_max) {
            choice->open[next] = false;
            continue;
        }
        choice_take(choice, next);
        work->summary[work->summary_count++] = quote;
        bytes += quote.bytes;
    }
    qsort(work->summary, work->summary_count, sizeof(*work->summary), by_place);
}

int work_summarize(struct work *work, const struct pipeline *run,
                   struct pipeline_error *err)
{
    struct infer_model_info info;
    infer_model_info(run->model, &info);
    size_t count = work->text->sentence_count, width = info.width;
    struct choice choice = {.work = work,
                            .asked = &run->policy->summary,
                            .session = run->session,
                            .width = width};
    if (!choice.asked->wanted)
        return PIPELINE_OK;
    float *scratch = calloc(count * 4 + width, sizeof(*scratch));
    choice.open = calloc(count + 1, sizeof(*choice.open));
    work->summary = calloc(choice.asked->sentences_max + 1, sizeof(*work->summary));
    int status = PIPELINE_OK;
    if (!scratch || !choice.open || !work->summary) {
        status = pipeline_fail(err, PIPELINE_ENOMEM, "no memory for a summary");
    } else {
        float *centre = scratch + count * 4;
        choice.near = scratch;
        choice.lead = scratch + count;
        choice.taken = scratch + count * 2;
        choice.one = scratch + count * 3;
        centre_find(work, width, centre);
        similar_to(&choice, centre, choice.near);
        similar_to(&choice, work->chunk_vector, choice.lead);
        choice_open(&choice);
        summary_choose(&choice, work);
    }
    free(scratch);
    free(choice.open);
    return status;
}
