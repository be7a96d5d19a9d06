/* decoder - a language model for a policy: room for its prompts, then ready to be
 * asked.
 *
 * Getting ready computes (a policy without a prior for this model has its neutral text
 * scored), so it comes when the process is locked: threads that begin before are not
 * held by all of the fence. */
#include "cmd/cmd.h"

/* Room for the prompts of this policy, and not more where nobody asks for it. */
static int decoder_context(const char *command, const struct engine *engine,
                           const struct policy *policy, struct loaded *model)
{
    struct pipeline_error why;
    struct engine enough = *engine;
    uint32_t needed;
    if (pipeline_decoder_tokens(policy, model->model, &needed, &why) != 0) {
        complain(command, "%s: %s", model->path, why.text);
        return EXIT_NO_START;
    }
    if (engine->context && engine->context < (long)needed) {
        complain(command,
                 "--context %ld: the prompts of policy %s need %u tokens; say more, or "
                 "give the policy shorter passages",
                 engine->context, policy->name, needed);
        return EXIT_USAGE;
    }
    if (needed > model->info.context_tokens) {
        complain(command,
                 "the prompts of policy %s need %u tokens, %s takes %u; give the "
                 "policy shorter passages",
                 policy->name, needed, model->path, model->info.context_tokens);
        return EXIT_USAGE;
    }
    if (!engine->context)
        enough.context = needed;
    int status = engine_options(command, &enough, &model->info, &model->options);
    /* That long they are, so there is room for all in flight. */
    model->options.kv_tokens = model->options.batch_sequences * needed;
    return status;
}

int decoder_load(const char *command, const struct engine *engine,
                 const struct policy *policy, struct loaded *out)
{
    int status = engine_load(command, engine, engine->model, out);
    if (status < 0 && !out->info.generates) {
        complain(command, "%s is an encoder; --model takes a language model",
                 out->path);
        status = EXIT_USAGE;
    }
    if (status < 0)
        status = decoder_context(command, engine, policy, out);
    if (status < 0)
        status = engine_identify(command, engine, out);
    return status < 0 ? engine_plan(command, out) : status;
}

int decoder_open(const char *command, const struct policy *policy,
                 const struct loaded *model, struct pipeline_decoder **out)
{
    struct pipeline_error why;
    const struct pipeline_decoder_options options = {
        .policy = policy,
        .model = model->model,
        .session = model->session,
        .digest = &model->adapted,
    };
    if (pipeline_decoder_open(out, &options, &why) == 0)
        return -1;
    complain(command, "%s: %s", model->path, why.text);
    return EXIT_NO_START;
}
