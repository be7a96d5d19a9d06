/* engine - from options to an open model and a session for it.
 *
 * Says what is wrong and what to do, and announces nothing: memory.c does, for the
 * commands that take the memory. */
#include "cmd/cmd.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

/* Room for the past tokens of so many sequences of so many tokens each: prompts are
 * seldom longer. Where they are, fewer are in flight; nothing is refused for it. */
enum { PAST_TOKENS = 1024 };

int engine_model(const char *command, const char *path, struct infer_model **model)
{
    struct infer_error why;
    *model = NULL;
    if (infer_model_open(model, path, &why) == 0)
        return -1;
    bool named = strncmp(why.text, path, strlen(path)) == 0;
    complain(command, "%s%s%s", named ? "" : path, named ? "" : ": ", why.text);
    *model = NULL;
    return EXIT_NO_START;
}

/* One of several words, or NULL for the first; the index, or -1 after a message. */
static int word_find(const char *command, const char *option, const char *word,
                     const char *const *words, const char *all)
{
    for (int i = 0; words[i]; i++)
        if (!word || strcmp(word, words[i]) == 0)
            return i;
    complain(command, "--%s takes %s, not \"%s\"", option, all, word);
    return -1;
}

static int options_of_decoder(const char *command, const struct engine *engine,
                              const struct infer_model_info *info,
                              struct infer_options *options)
{
    static const char *const kv[] = {"f16", "f32", "q8", NULL};
    static const char *const share[] = {"on", "off", NULL};
    static const enum infer_kv kinds[] = {INFER_KV_F16, INFER_KV_F32, INFER_KV_Q8};
    int kind = word_find(command, "kv", engine->kv, kv, "f32, f16 or q8");
    int alone =
        word_find(command, "share-prefix", engine->share_prefix, share, "on or off");
    if (kind < 0 || alone < 0)
        return EXIT_USAGE;
    options->kv = kinds[kind];
    options->share_prefix = alone == 0;
    options->piece_tokens = (uint32_t)engine->piece;
    uint32_t usual = info->context_tokens < INFER_CONTEXT_TOKENS ? info->context_tokens
                                                                 : INFER_CONTEXT_TOKENS;
    options->context_tokens = engine->context ? (uint32_t)engine->context : usual;
    if (options->context_tokens > info->context_tokens) {
        complain(command, "--context %ld: the model takes at most %u tokens",
                 engine->context, info->context_tokens);
        return EXIT_USAGE;
    }
    uint32_t batch = engine->batch ? (uint32_t)engine->batch : INFER_BATCH_SEQUENCES;
    uint32_t each =
        options->context_tokens < PAST_TOKENS ? options->context_tokens : PAST_TOKENS;
    options->batch_sequences = batch;
    options->kv_tokens = batch * each;
    return -1;
}

static int options_of_encoder(const char *command, const struct engine *engine,
                              struct infer_options *options)
{
    options->batch_sequences = (uint32_t)engine->batch;
    if (!engine->kv && !engine->context && !engine->piece && !engine->share_prefix)
        return -1;
    complain(command, "--kv, --context, --piece and --share-prefix are for language "
                      "models; this one is an encoder");
    return EXIT_USAGE;
}

int engine_options(const char *command, const struct engine *engine,
                   const struct infer_model *model, struct infer_options *options)
{
    static const char *const backend[] = {"exact", "blas", NULL};
    struct infer_error why;
    struct infer_model_info info;
    *options = infer_options_default();
    options->threads = engine->threads ? (int)engine->threads : cpus_allowed();
    if (engine->activations) {
        if (engine->activations != 8 && engine->activations != 16) {
            complain(command, "--activations takes 16 or 8, not %ld",
                     engine->activations);
            return EXIT_USAGE;
        }
        options->activations_bits = (int)engine->activations;
    }
    int found =
        word_find(command, "float", engine->float_backend, backend, "exact or blas");
    if (found < 0)
        return EXIT_USAGE;
    options->float_backend = found == 0 ? INFER_FLOAT_EXACT : INFER_FLOAT_BLAS;
    if (engine->isa && infer_isa_parse(engine->isa, &options->isa, &why) != 0) {
        complain(command, "--isa: %s", why.text);
        return EXIT_USAGE;
    }
    infer_model_info(model, &info);
    return info.generates ? options_of_decoder(command, engine, &info, options)
                          : options_of_encoder(command, engine, options);
}

int engine_plan(const char *command, const char *path, const struct infer_model *model,
                const struct infer_options *options, struct infer_plan *plan)
{
    struct infer_error why;
    if (infer_session_plan(model, options, plan, &why) == 0)
        return -1;
    complain(command, "%s: %s", path, why.text);
    return EXIT_NO_START;
}

int engine_session(const char *command, const char *path,
                   const struct infer_model *model, const struct infer_options *options,
                   struct infer_session **session)
{
    struct infer_error why;
    *session = NULL;
    if (infer_session_open(session, model, options, &why) == 0)
        return -1;
    complain(command, "%s: %s", path, why.text);
    return EXIT_NO_START;
}

void engine_settings(const struct infer_options *options, char out[96])
{
    snprintf(out, 96, "activations=%d float=%s", options->activations_bits,
             options->float_backend == INFER_FLOAT_BLAS ? "blas" : "exact");
}
