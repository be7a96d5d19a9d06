/* summarize - the sentences that stand for a document, word for word.
 *
 * Centrality with redundancy control (maximal marginal relevance): the document's
 * centre is the mean of its chunks' vectors; each step takes the sentence that is
 * nearest to the centre and unlike those taken already,
 *
 *     (1 - r) * dot(e(s), centre) - r * max over taken t of dot(e(s), e(t))
 *
 * with r the policy's redundancy. Only prose may stand in a summary: headings,
 * page furniture, signature blocks and tables of contents are passed over. What is
 * chosen is given in the order of the document. Cost: sentences x length of the
 * summary, whatever the document's size. */
#include "pipeline/internal.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    PROSE_BYTES_MIN = 40,
    PROSE_BYTES_MAX = 700,
    PROSE_WORDS_MIN = 6,
    PROSE_LOWER_PERCENT = 60 /* of the letters; headings are set in capitals */
};

struct counts {
    size_t letters, lower, words, digits, dots;
};

static struct counts text_count(const char *text, size_t bytes)
{
    struct counts counts = {0};
    bool inside = false;
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)text[i];
        bool letter = isalpha(c) || c >= 0x80;
        counts.letters += letter;
        counts.lower += islower(c) || c >= 0x80;
        counts.digits += isdigit(c) != 0;
        counts.dots += c == '.' || c == '_';
        counts.words += letter && !inside;
        inside = letter || (inside && c == '\'');
    }
    return counts;
}

static bool ends_like_a_sentence(const char *text, size_t bytes)
{
    while (bytes > 0 && strchr("\"')]\x9d", text[bytes - 1]))
        bytes--;
    if (bytes > 1 && (unsigned char)text[bytes - 1] == 0x80)
        bytes -= 2; /* the first bytes of a closing quotation mark, E2 80 9D */
    return bytes > 0 && strchr(".!?;:", text[bytes - 1]);
}

static bool is_prose(const char *text, size_t bytes)
{
    if (bytes < PROSE_BYTES_MIN || bytes > PROSE_BYTES_MAX)
        return false;
    struct counts counts = text_count(text, bytes);
    return counts.words >= PROSE_WORDS_MIN && counts.letters * 2 > bytes &&
           counts.lower * 100 >= counts.letters * PROSE_LOWER_PERCENT &&
           counts.digits * 5 < bytes && counts.dots * 10 < bytes &&
           ends_like_a_sentence(text, bytes);
}

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
    float *taken; /* nearest of those taken, one a sentence */
    float *one;   /* scratch, one a sentence */
    bool *open;   /* prose, and not taken */
};

/* The best open sentence, or the count when there is none. */
static size_t choice_next(const struct choice *choice, bool first)
{
    size_t count = choice->work->text->sentence_count, best = count;
    double best_score = 0, r = choice->asked->redundancy;
    for (size_t i = 0; i < count; i++) {
        if (!choice->open[i])
            continue;
        double score = (1.0 - r) * (double)choice->near[i];
        if (!first)
            score -= r * (double)choice->taken[i];
        if (best == count || score > best_score) {
            best = i;
            best_score = score;
        }
    }
    return best;
}

static void choice_take(struct choice *choice, size_t taken, bool first)
{
    size_t count = choice->work->text->sentence_count;
    const float *vector = choice->work->sentence_vector;
    infer_similarity(choice->session, vector, count, vector + taken * choice->width, 1,
                     choice->width, choice->one);
    for (size_t i = 0; i < count; i++)
        if (first || choice->one[i] > choice->taken[i])
            choice->taken[i] = choice->one[i];
    choice->open[taken] = false;
}

static int by_place(const void *a, const void *b)
{
    const struct quote *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

static void summary_choose(struct choice *choice, struct work *work)
{
    size_t bytes = 0;
    size_t tries = choice->asked->sentences_max * 4 + 8; /* some may be too long */
    while (work->summary_count < choice->asked->sentences_max && tries-- > 0) {
        bool first = work->summary_count == 0;
        size_t next = choice_next(choice, first);
        if (next == work->text->sentence_count)
            break;
        struct quote quote = work_sentence(work, next);
        quote.weight = (double)choice->near[next];
        if (bytes + quote.bytes > choice->asked->bytes_max) {
            choice->open[next] = false;
            continue;
        }
        choice_take(choice, next, first);
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
    size_t count = work->text->sentence_count;
    struct choice choice = {.work = work,
                            .asked = &run->policy->summary,
                            .session = run->session,
                            .width = info.width};
    if (!choice.asked->wanted)
        return PIPELINE_OK;
    float *scratch = calloc(count * 3 + info.width, sizeof(*scratch));
    choice.open = calloc(count + 1, sizeof(*choice.open));
    work->summary = calloc(choice.asked->sentences_max + 1, sizeof(*work->summary));
    int status = PIPELINE_OK;
    if (!scratch || !choice.open || !work->summary) {
        status = pipeline_fail(err, PIPELINE_ENOMEM, "no memory for a summary");
    } else {
        float *centre = scratch + count * 3;
        choice.near = scratch;
        choice.taken = scratch + count;
        choice.one = scratch + count * 2;
        for (size_t i = 0; i < count; i++) {
            struct quote quote = work_sentence(work, i);
            choice.open[i] = is_prose(work->text->text + quote.at, quote.bytes);
        }
        centre_find(work, info.width, centre);
        infer_similarity(run->session, work->sentence_vector, count, centre, 1,
                         info.width, choice.near);
        summary_choose(&choice, work);
    }
    free(scratch);
    free(choice.open);
    return status;
}
