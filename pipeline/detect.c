/* detect - what the policy's detectors find in a document.
 *
 * A pattern is searched in the visible text as a whole; what it finds is kept where
 * it begins, cut at the end of its chunk when it runs over. A meaning is searched
 * among the sentences: the nearest to any of the detector's texts, nearest first. */
#include "pipeline/internal.h"

#include <stdlib.h>
#include <string.h>

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
        if (found < 0)
            return pipeline_fail(err, PIPELINE_EINPUT, "%s", why.text);
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

/* Keep the finding among the last `kept`, heaviest first. */
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

static void meaning_find(struct work *work, uint32_t which,
                         const struct policy_detector *detector, const float *near,
                         size_t columns)
{
    size_t first = work->finding_count, rows = 1 + detector->example_count;
    for (size_t i = 0; i < work->text->sentence_count; i++) {
        float best = near[i * columns];
        for (size_t j = 1; j < rows; j++)
            best = near[i * columns + j] > best ? near[i * columns + j] : best;
        struct finding finding = {.detector = which, .quote = work_sentence(work, i)};
        finding.quote.weight = (double)best;
        if (finding.quote.bytes > 0 && finding.quote.weight >= detector->threshold)
            finding_offer(work, first, detector->findings_max, finding);
    }
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
    const struct policy *policy = run->policy;
    if (policy->detector_count == 0)
        return PIPELINE_OK;
    size_t width = reference->width, first = reference->detector_row[0];
    size_t columns = reference->rows - first;
    float *near = calloc(work->text->sentence_count * columns + 1, sizeof(*near));
    work->finding = calloc(findings_most(policy) + 1, sizeof(*work->finding));
    if (!near || !work->finding) {
        free(near);
        return pipeline_fail(err, PIPELINE_ENOMEM, "no memory for findings");
    }
    if (columns > 0)
        infer_similarity(run->session, work->sentence_vector,
                         work->text->sentence_count, reference->vector + first * width,
                         columns, width, near);
    int status = PIPELINE_OK;
    for (uint32_t i = 0; i < policy->detector_count && status == PIPELINE_OK; i++) {
        const struct policy_detector *detector = &policy->detector[i];
        if (detector->kind == POLICY_DETECTOR_PATTERN)
            status = pattern_find(work, i, detector, err);
        else
            meaning_find(work, i, detector, near + (reference->detector_row[i] - first),
                         columns);
    }
    free(near);
    return status;
}
