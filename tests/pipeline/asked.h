/* asked - documents for a language model to be asked of, answered before by an encoder
 * that always says the last label. */
#ifndef TESTS_PIPELINE_ASKED_H
#define TESTS_PIPELINE_ASKED_H

#include "tests/pipeline/decoder_sample.h"

static struct encoder encoder;
static struct decoder_sample mind;

static inline int asked_suite_open(void **state)
{
    (void)state;
    encoder = encoder_open();
    mind = decoder_sample_open();
    return 0;
}

static inline int asked_suite_close(void **state)
{
    (void)state;
    decoder_sample_close(&mind);
    encoder_close(&encoder);
    return 0;
}

#define SUPPLY  "The supplier shall deliver the goods to the supplier of goods. "
#define LICENSE "The licensee has software and the licensee needs software. "
#define COLOUR  "A rose and a rose by the sea and the sea. "
#define NOTHING "Nothing of that kind happens here at all. "

struct asked_document {
    struct sample sample;
    struct work *work;
};

static inline void document_open(struct asked_document *d, const char *text,
                                 const struct policy *policy, bool undecided)
{
    *d = (struct asked_document){.work = NULL};
    sample_page(&d->sample, text);
    d->work = sample_work(&d->sample, &encoder, 48);
    sample_vectors(d->work, 1);
    d->work->answer = calloc(policy->task_count, sizeof(*d->work->answer));
    d->work->answer_count = policy->task_count;
    for (size_t i = 0; i < policy->task_count; i++) {
        size_t labels = policy->task[i].label_count;
        struct answer *answer = &d->work->answer[i];
        answer->score = calloc(labels, sizeof(double));
        answer->probability = calloc(labels, sizeof(double));
        answer->label = (uint32_t)labels - 1;
        answer->probability[labels - 1] = 0.75;
        answer->undecided = undecided;
    }
}

/* The sentences that hold this word are said to command. */
static inline void document_commands(struct asked_document *d, const char *word)
{
    const struct pipeline_text *text = d->work->text;
    d->work->commanding = calloc(text->sentence_count, sizeof(bool));
    for (size_t i = 0; i < text->sentence_count; i++) {
        char *own = strndup(text->text + text->sentence[i].at, text->sentence[i].bytes);
        d->work->commanding[i] = strstr(own, word) != NULL;
        free(own);
    }
}

static inline void document_close(struct asked_document *d)
{
    sample_work_free(d->work);
    sample_free(&d->sample);
}

#endif
