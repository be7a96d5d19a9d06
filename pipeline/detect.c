/* detect - what the policy's detectors find in a document.
 *
 * A pattern is searched in the visible text as a whole; what it finds is kept where
 * it begins, cut at the end of its chunk when it runs over. A meaning is searched
 * among the sentences: one is a finding of the detector it is nearest to, when it is
 * near enough; the best are kept and given in the order of the document. Sentences
 * that try to instruct the reader were found before (command.c). */
#include "pipeline/internal.h"

#include <stdlib.h>
#include <string.h>

enum { MEANING_TOKENS_MIN = 8 }; /* shorter ones are headings */

static uint32_t chunk_at(const struct pipeline_text *text, size_t at)
{
    size_t low = 0, high = text->chunk_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (text->chunk[middle].at <= at)
            low = middle;
        else
            high = middle;
    }
    return (uint32_t)low;
}

static int pattern_find(struct work *work, uint32_t which,
                        const struct policy_detector *detector,
                        struct pipeline_error *err)
{
    const struct pipeline_text *text = work->text;
    struct policy_match match;
    struct policy_error why;
    size_t from = 0;
    for (uint32_t i = 0; i < detector->findings_max; i++) {
        int found =
            policy_detect(detector, text->text, text->text_bytes, from, &match, &why);
        if (found == POLICY_ELIMIT) /* this document's cost, and said in its outcome */
            work->searched_partly = detector->name;
        else if (found < 0)
            return pipeline_fail(err, PIPELINE_EINPUT, "%s", why.text);
        if (found < 0)
            break;
        if (found == 0)
            break;
        uint32_t chunk = chunk_at(text, match.start);
        size_t end = text->chunk[chunk].at + text->chunk[chunk].bytes;
        work->finding[work->finding_count++] = (struct finding){
            .detector = which,
            .quote = {.at = match.start,
                      .bytes = (match.end < end ? match.end : end) - match.start,
                      .chunk = chunk,
                      .weight = 1},
        };
        from = match.end;
    }
    return PIPELINE_OK;
}

/* Keep the finding among the heaviest from `first` on; earlier ones win a tie. */
static void finding_offer(struct work *work, size_t first, size_t most,
                          struct finding finding)
{
    size_t at = work->finding_count;
    while (at > first && work->finding[at - 1].quote.weight < finding.quote.weight)
        at--;
    if (at >= first + most)
        return;
    if (work->finding_count < first + most)
        work->finding_count++;
    memmove(&work->finding[at + 1], &work->finding[at],
            (work->finding_count - 1 - at) * sizeof(finding));
    work->finding[at] = finding;
}

static int by_place(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;
    return (x->quote.at > y->quote.at) - (x->quote.at < y->quote.at);
}

/* near: c_d of each sentence, `columns` a sentence, ours at `column`. */
static void meaning_find(struct work *work, uint32_t which,
                         const struct policy_detector *detector, const double *near,
                         size_t columns, size_t column)
{
    size_t first = work->finding_count;
    for (size_t i = 0; i < work->text->sentence_count; i++) {
        const double *c = near + i * columns;
        bool best = work->text->sentence[i].tokens >= MEANING_TOKENS_MIN &&
                    c[column] >= detector->threshold;
        for (size_t d = 0; d < columns && best; d++)
            best = d < column ? c[d] < c[column] : c[d] <= c[column];
        struct finding finding = {.detector = which, .quote = work_sentence(work, i)};
        finding.quote.weight = c[column];
        if (best && finding.quote.bytes > 0)
            finding_offer(work, first, detector->findings_max, finding);
    }
    qsort(work->finding + first, work->finding_count - first, sizeof(*work->finding),
          by_place);
}

/* The sentences that command.c has marked, as many as are kept. */
static void command_find(struct work *work, uint32_t which,
                         const struct policy_detector *detector)
{
    size_t first = work->finding_count;
    for (size_t i = 0; i < work->text->sentence_count; i++) {
        struct finding finding = {.detector = which, .quote = work_sentence(work, i)};
        finding.quote.weight = 1;
        if (work->finding_count - first == detector->findings_max)
            return;
        if (work_is_command(work, i) && finding.quote.bytes > 0)
            work->finding[work->finding_count++] = finding;
    }
}

static int detector_run(struct work *work, uint32_t which,
                        const struct policy_detector *detector, const double *near,
                        size_t columns, size_t *column, struct pipeline_error *err)
{
    switch (detector->kind) {
    case POLICY_DETECTOR_PATTERN:
        return pattern_find(work, which, detector, err);
    case POLICY_DETECTOR_MEANING:
        meaning_find(work, which, detector, near, columns, (*column)++);
        break;
    case POLICY_DETECTOR_COMMAND:
        command_find(work, which, detector);
        break;
    }
    return PIPELINE_OK;
}

static int detectors_run(struct work *work, const struct policy *policy,
                         const double *near, size_t columns, struct pipeline_error *err)
{
    size_t column = 0;
    int status = PIPELINE_OK;
    for (uint32_t i = 0; i < policy->detector_count && status == PIPELINE_OK; i++)
        status =
            detector_run(work, i, &policy->detector[i], near, columns, &column, err);
    return status;
}

static size_t findings_most(const struct policy *policy)
{
    size_t most = 0;
    for (size_t i = 0; i < policy->detector_count; i++)
        most += policy->detector[i].findings_max;
    return most;
}

int work_detect(struct work *work, const struct pipeline *run,
                const struct reference *reference, struct pipeline_error *err)
{
    const struct field *field = &reference->detector;
    size_t sentences = work->text->sentence_count;
    double *near = calloc(sentences * field->count + 1, sizeof(*near));
    work->finding = calloc(findings_most(run->policy) + 1, sizeof(*work->finding));
    int status;
    if (!near || !work->finding) {
        status = pipeline_fail(err, PIPELINE_ENOMEM, "no memory for findings");
    } else {
        if (field->count > 0)
            field_score(field, run->session, reference->width, work->sentence_vector,
                        sentences, near);
        status = detectors_run(work, run->policy, near, field->count, err);
    }
    free(near);
    return status;
}
