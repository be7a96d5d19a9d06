/* decoder - a language model made ready to be asked: opened before the first document
 * is read, with everything refused that could fail later. */
#include "pipeline/decoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int infer_refusal(struct pipeline_error *err, const struct infer_error *why)
{
    bool of_document = why->status == INFER_ENOMEM || why->status == INFER_EFORMAT;
    int status = of_document ? PIPELINE_ENOMEM : PIPELINE_EINFER;
    return pipeline_fail(err, status, "%s", why->text);
}

/* ---- does it fit? --------------------------------------------------------------- */

/* Tokens of a prompt without its text. */
static int frame_tokens(const struct pipeline_decoder *decoder,
                        const struct frame *frame, size_t *out,
                        struct pipeline_error *err)
{
    struct infer_tokens ids = {0};
    int status = frame_fill(decoder, frame, "", 0, &ids, err);
    *out = ids.count;
    infer_tokens_free(&ids);
    return status;
}

enum { SEAM_TOKENS = 16 }; /* a whole text may have more tokens than its sentences */

static int tokens_needed(const struct pipeline_decoder *decoder, uint32_t *out,
                         struct pipeline_error *err)
{
    const struct policy_model *model = &decoder->options.policy->model;
    size_t most = 0, tokens;
    int status = PIPELINE_OK;
    for (size_t i = 0; i < decoder->group_count && status == PIPELINE_OK; i++) {
        const struct group *group = &decoder->group[i];
        status = frame_tokens(decoder, &group->frame, &tokens, err);
        tokens += group->nodes;
        most = tokens > most ? tokens : most;
    }
    for (int i = 0; i < 2 && status == PIPELINE_OK; i++) {
        const struct frame *frame = i ? &decoder->fold : &decoder->summarize;
        status = frame_tokens(decoder, frame, &tokens, err);
        tokens += model->sentence_tokens_max;
        most = tokens > most ? tokens : most;
    }
    size_t text = model->passage_tokens_max > LEAD_TOKENS ? model->passage_tokens_max
                                                          : (size_t)LEAD_TOKENS;
    *out = (uint32_t)(most + text + text / 16 + SEAM_TOKENS);
    return status;
}

int pipeline_decoder_tokens(const struct policy *policy,
                            const struct infer_model *model, uint32_t *out,
                            struct pipeline_error *err)
{
    struct pipeline_decoder decoder = {
        .options = {.policy = policy, .model = model},
    };
    struct infer_error why;
    int status = PIPELINE_OK;
    if (infer_model_chat(model, policy->model.chat, &decoder.chat, &why) != 0)
        status = pipeline_fail(err, PIPELINE_EINPUT, "%s", why.text);
    if (status == PIPELINE_OK)
        status = prompts_open(&decoder, err);
    if (status == PIPELINE_OK)
        status = tokens_needed(&decoder, out, err);
    prompts_close(&decoder);
    return status;
}

/* ---- the prior ------------------------------------------------------------------ */

/* What the model says of the labels behind a text that says nothing. */
static int prior_neutral(struct pipeline_decoder *decoder, struct pipeline_error *err)
{
    const char *neutral = decoder->options.policy->model.neutral;
    struct passage passage = {.text = (char *)neutral, .bytes = strlen(neutral)};
    struct scoring one = {&passage, decoder->prior};
    bool whole;
    snprintf(decoder->prior_name, sizeof(decoder->prior_name), "neutral");
    return passages_score(decoder, NULL, &one, 1, &whole, err);
}

static int decoder_measure(struct pipeline_decoder *decoder, struct pipeline_error *err)
{
    decoder->prior = calloc(decoder->labels + 1, sizeof(*decoder->prior));
    if (!decoder->prior)
        return pipeline_fail(err, PIPELINE_ENOMEM, "no memory for a prior");
    int found = prior_find(decoder, err);
    return found != 0 ? (found > 0 ? PIPELINE_OK : found) : prior_neutral(decoder, err);
}

/* ---- open and close ------------------------------------------------------------- */

static int labels_count(struct pipeline_decoder *decoder, struct pipeline_error *err)
{
    const struct policy *policy = decoder->options.policy;
    decoder->label_at = calloc(policy->task_count + 1, sizeof(*decoder->label_at));
    if (!decoder->label_at)
        return pipeline_fail(err, PIPELINE_ENOMEM, "no memory for labels");
    for (size_t i = 0; i < policy->task_count; i++) {
        decoder->label_at[i] = decoder->labels;
        decoder->labels += policy->task[i].label_count;
    }
    return PIPELINE_OK;
}

static int decoder_prepare(struct pipeline_decoder *decoder, struct pipeline_error *err)
{
    struct infer_error why;
    const struct pipeline_decoder_options *options = &decoder->options;
    if (infer_model_chat(options->model, options->policy->model.chat, &decoder->chat,
                         &why) != 0)
        return pipeline_fail(err, PIPELINE_EINPUT, "%s", why.text);
    int status = labels_count(decoder, err);
    if (status == PIPELINE_OK)
        status = prompts_open(decoder, err);
    if (status == PIPELINE_OK)
        status = decoder_measure(decoder, err);
    snprintf(decoder->settings, sizeof(decoder->settings), "chat=%.40s prior=%s",
             decoder->chat.name, decoder->prior_name);
    return status;
}

int pipeline_decoder_open(struct pipeline_decoder **out,
                          const struct pipeline_decoder_options *options,
                          struct pipeline_error *err)
{
    struct pipeline_decoder *decoder = calloc(1, sizeof(*decoder));
    *out = NULL;
    if (!decoder)
        return pipeline_fail(err, PIPELINE_ENOMEM, "no memory for a decoder");
    decoder->options = *options;
    int status = decoder_prepare(decoder, err);
    if (status == PIPELINE_OK)
        *out = decoder;
    else
        pipeline_decoder_close(decoder);
    return status;
}

void pipeline_decoder_close(struct pipeline_decoder *decoder)
{
    if (!decoder)
        return;
    prompts_close(decoder);
    free(decoder->label_at);
    free(decoder->prior);
    free(decoder);
}

const char *pipeline_decoder_settings(const struct pipeline_decoder *decoder)
{
    return decoder->settings;
}

const char *pipeline_decoder_prior(const struct pipeline_decoder *decoder)
{
    return decoder->prior_name;
}

/* ---- what the model sees -------------------------------------------------------- */

struct prompter {
    const struct pipeline_decoder *decoder;
    FILE *out;
    struct pipeline_error *err;
};

static int print_one(const struct prompter *prompter, const struct frame *frame,
                     const struct passage *passage, const char *what, size_t number)
{
    struct infer_text text = {0};
    int status = frame_print(prompter->decoder, frame, passage->text, passage->bytes,
                             &text, prompter->err);
    if (status == PIPELINE_OK) {
        fprintf(prompter->out, "==== %s %zu: %zu bytes\n", what, number, text.bytes);
        fwrite(text.text, 1, text.bytes, prompter->out);
        fputs("\n", prompter->out);
    }
    infer_text_free(&text);
    return status;
}

static void print_labels(const struct prompter *prompter, const struct group *group)
{
    const struct pipeline_decoder *decoder = prompter->decoder;
    for (size_t i = 0; i < group->asked_count; i++) {
        const struct policy_task *task =
            &decoder->options.policy->task[group->asked[i].task];
        fprintf(prompter->out, "==== scored behind it, task %s:", task->name);
        for (size_t l = 0; l < task->label_count; l++)
            fprintf(prompter->out, "%s %s", l ? " |" : "", task->label[l].answer);
        fputs("\n", prompter->out);
    }
}

static int print_each(const struct prompter *prompter, const struct frame *frame,
                      const struct passages *passages, const char *what)
{
    int status = PIPELINE_OK;
    for (size_t i = 0; i < passages->count && status == PIPELINE_OK; i++)
        status = print_one(prompter, frame, &passages->passage[i], what, i + 1);
    return status;
}

/* The document's opening and passages behind every prompt of the tasks. */
static int print_tasks(const struct prompter *prompter,
                       const struct pipeline_text *text, const bool *commanding)
{
    const struct pipeline_decoder *decoder = prompter->decoder;
    const char *opening =
        commanding ? "classify without commands, opening" : "classify, opening";
    const char *passage =
        commanding ? "classify without commands, passage" : "classify, passage";
    struct passages lead, body = {0};
    int status = passages_lead(&lead, decoder, text, commanding, prompter->err);
    if (status == PIPELINE_OK && !only_lead(decoder->options.policy))
        status = passages_make(&body, decoder, text, commanding, false, prompter->err);
    for (size_t i = 0; i < decoder->group_count && status == PIPELINE_OK; i++) {
        const struct group *group = &decoder->group[i];
        status = print_each(prompter, &group->frame, &lead, opening);
        if (status == PIPELINE_OK)
            status = print_each(prompter, &group->frame, &body, passage);
        print_labels(prompter, group);
    }
    passages_free(&lead);
    passages_free(&body);
    return status;
}

static int print_writing(const struct prompter *prompter,
                         const struct pipeline_text *text, const bool *commanding)
{
    const struct pipeline_decoder *decoder = prompter->decoder;
    struct passages body;
    if (!decoder->options.policy->summary.wanted)
        return PIPELINE_OK;
    int status = passages_make(&body, decoder, text, commanding, true, prompter->err);
    if (status != PIPELINE_OK)
        return status;
    status = print_each(prompter, &decoder->summarize, &body, "summarize, passage");
    passages_free(&body);
    return status;
}

/* As a run asks: of the whole, once more without the sentences that try to instruct
 * the reader where there are some; and these are never summarised. */
static int print_all(const struct prompter *prompter, struct pipeline_text *text)
{
    struct work work = {.text = text};
    int status =
        work_find_commands(&work, prompter->decoder->options.policy, prompter->err);
    if (status == PIPELINE_OK)
        status = print_tasks(prompter, text, NULL);
    if (status == PIPELINE_OK && work.commanding)
        status = print_tasks(prompter, text, work.commanding);
    if (status == PIPELINE_OK)
        status = print_writing(prompter, text, work.commanding);
    free(work.commanding);
    return status;
}

int pipeline_decoder_prompts(const struct pipeline_decoder *decoder,
                             struct pipeline_text *text, char **out,
                             struct pipeline_error *err)
{
    size_t bytes;
    struct prompter prompter = {.decoder = decoder, .err = err};
    *out = NULL;
    prompter.out = open_memstream(out, &bytes);
    if (!prompter.out)
        return pipeline_fail(err, PIPELINE_ENOMEM, "no memory for prompts");
    int status = print_all(&prompter, text);
    fclose(prompter.out);
    if (status != PIPELINE_OK) {
        free(*out);
        *out = NULL;
    }
    return status;
}

/* ---- calibration ---------------------------------------------------------------- */

int pipeline_decoder_calibrate(const struct pipeline_decoder *decoder,
                               struct pipeline_text *const *text, size_t count,
                               char **out, struct pipeline_error *err)
{
    double *mean = calloc(decoder->labels + 1, sizeof(*mean));
    double *one = calloc(decoder->labels + 1, sizeof(*one));
    size_t used = 0;
    int status = mean && one
                     ? PIPELINE_OK
                     : pipeline_fail(err, PIPELINE_ENOMEM, "no memory for a prior");
    for (size_t i = 0; i < count && status == PIPELINE_OK; i++) {
        bool got;
        status = text_score(decoder, text[i], one, &got, err);
        for (size_t l = 0; status == PIPELINE_OK && got && l < decoder->labels; l++)
            mean[l] += one[l];
        used += status == PIPELINE_OK && got;
    }
    for (size_t l = 0; l < decoder->labels && used > 0; l++)
        mean[l] /= (double)used;
    if (status == PIPELINE_OK && used == 0)
        status = pipeline_fail(err, PIPELINE_EINPUT,
                               "none of the documents has words to measure a prior on");
    if (status == PIPELINE_OK && !(*out = prior_print(decoder, mean, used)))
        status = pipeline_fail(err, PIPELINE_ENOMEM, "no memory for a prior");
    free(mean);
    free(one);
    return status;
}
