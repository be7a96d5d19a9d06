/* run_model - the models of a run: an encoder always, a language model on request.
 *
 *     encoder ─┐
 *              ├─ plans ─ announced together ─ sessions ─ fence ─ decoder
 *     model ───┘
 *
 * Both are open, known by their digests and in memory before the database is made.
 * What needs computing (the prior of a policy that has none for this model) waits for
 * the fence: threads that begin before it are not held by all of it. */
#include "cmd/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int encoder_load(struct job *job, const struct run_models *asked)
{
    struct engine engine = asked->engine;
    struct loaded *encoder = &job->encoder;
    engine.kv = engine.share_prefix = engine.adapter = NULL;
    engine.piece = engine.context = 0;
    int status = engine_load(
        "run", &engine, asked->encoder ? asked->encoder : "all-minilm-l6-v2.q8_0.gguf",
        encoder);
    if (status < 0 && encoder->info.generates) {
        complain("run",
                 "%s is a language model: it goes with --model, --encoder takes "
                 "an encoder",
                 encoder->path);
        status = EXIT_USAGE;
    }
    if (status < 0)
        status = engine_options("run", &engine, &encoder->info, &encoder->options);
    if (status < 0)
        status = engine_identify("run", &engine, encoder);
    return status < 0 ? engine_plan("run", encoder) : status;
}

/* What is for language models is not to be said where there is none. */
static int model_absent(const struct run_models *asked)
{
    const struct engine *engine = &asked->engine;
    const char *said = engine->adapter        ? "adapter"
                       : engine->kv           ? "kv"
                       : engine->context      ? "context"
                       : engine->piece        ? "piece"
                       : engine->share_prefix ? "share-prefix"
                                              : NULL;
    if (!said)
        return -1;
    complain("run", "--%s is for a language model; name it with --model FILE", said);
    return EXIT_USAGE;
}

/* Room for the prompts of this policy, and not more where nobody asks for it. */
static int model_context(struct job *job, const struct engine *engine)
{
    struct pipeline_error why;
    struct engine enough = *engine;
    struct loaded *model = &job->model;
    uint32_t needed;
    if (pipeline_decoder_tokens(job->policy, model->model, &needed, &why) != 0) {
        complain("run", "%s: %s", model->path, why.text);
        return EXIT_NO_START;
    }
    if (needed > model->info.context_tokens ||
        (engine->context && engine->context < (long)needed)) {
        complain("run",
                 "the policy's prompts need %u tokens of context, %s %ld; give it "
                 "shorter prompts or passages%s",
                 needed, engine->context ? "--context says" : "the model has",
                 engine->context ? engine->context : (long)model->info.context_tokens,
                 engine->context ? ", or more context" : "");
        return EXIT_USAGE;
    }
    if (!engine->context)
        enough.context = needed;
    return engine_options("run", &enough, &model->info, &model->options);
}

static int model_load(struct job *job, const struct run_models *asked)
{
    struct loaded *model = &job->model;
    int status = engine_load("run", &asked->engine, asked->engine.model, model);
    if (status < 0 && !model->info.generates) {
        complain("run",
                 "%s is an encoder: it goes with --encoder, --model takes a language "
                 "model",
                 model->path);
        status = EXIT_USAGE;
    }
    if (status < 0)
        status = model_context(job, &asked->engine);
    if (status < 0)
        status = engine_identify("run", &asked->engine, model);
    return status < 0 ? engine_plan("run", model) : status;
}

int job_models(struct job *job, const struct run_models *asked)
{
    int status = encoder_load(job, asked);
    if (status < 0)
        status = asked->engine.model ? model_load(job, asked) : model_absent(asked);
    if (status >= 0)
        return status;
    const struct memory_part part[] = {{"encoder", job->encoder.plan.bytes},
                                       {"language model", job->model.plan.bytes}};
    status = memory_announce("run", part, asked->engine.model ? 2 : 1, !asked->quiet);
    if (status < 0)
        status = engine_session("run", &job->encoder);
    if (status < 0 && asked->engine.model)
        status = engine_session("run", &job->model);
    return status;
}

int job_decoder(struct job *job)
{
    struct pipeline_error why;
    struct loaded *model = &job->model;
    if (!model->model)
        return -1;
    const struct pipeline_decoder_options options = {
        .policy = job->policy,
        .model = model->model,
        .session = model->session,
        .digest = &model->adapted,
        .settings = model->settings,
    };
    if (pipeline_decoder_open(&job->decoder, &options, &why) == 0)
        return -1;
    complain("run", "%s: %s", model->path, why.text);
    return EXIT_NO_START;
}

void job_models_close(struct job *job)
{
    pipeline_decoder_close(job->decoder);
    engine_close(&job->model);
    engine_close(&job->encoder);
}
