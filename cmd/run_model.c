/* run_model - the models of a run: an encoder always, a language model on request.
 *
 *     encoder ─┐
 *              ├─ plans ─ announced together ─ sessions ─ fence ─ decoder
 *     model ───┘
 *
 * Both are open, known by their digests and in memory before the database is made.
 * What needs computing waits for the fence, decoder.c says why. */
#include "cmd/run.h"

#include <stddef.h>

static int encoder_load(struct job *job, const struct run_models *asked)
{
    struct engine engine = asked->engine;
    struct loaded *encoder = &job->encoder;
    engine.kv = engine.share_prefix = engine.adapter = NULL;
    engine.piece = engine.context = 0;
    int status = engine_load("run", &engine,
                             asked->encoder ? asked->encoder : USUAL_ENCODER, encoder);
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

int job_models(struct job *job, const struct run_models *asked)
{
    int status = encoder_load(job, asked);
    if (status < 0)
        status = asked->engine.model
                     ? decoder_load("run", &asked->engine, job->policy, &job->model)
                     : model_absent(asked);
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
    return job->model.model
               ? decoder_open("run", job->policy, &job->model, &job->decoder)
               : -1;
}

void job_models_close(struct job *job)
{
    pipeline_decoder_close(job->decoder);
    engine_close(&job->model);
    engine_close(&job->encoder);
}
