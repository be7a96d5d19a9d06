/* engine - from options to an open model and a session for it.
 *
 * Says what is wrong and what to do, and announces nothing: memory.c does, for the
 * commands that take the memory. */
#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for the past tokens of so many sequences of so many tokens each: prompts are
 * seldom longer. Where they are, fewer are in flight; nothing is refused for it. */
enum { PAST_TOKENS = 512 };

/* What cannot be read is named by infer already, by the beginning of a long path. */
static int model_refuse(const char *command, const char *path, const char *why)
{
    bool named = strncmp(why, path, strnlen(path, 150)) == 0;
    complain(command, "%s%s%s", named ? "" : path, named ? "" : ": ", why);
    return EXIT_NO_START;
}

int engine_load(const char *command, const struct engine *engine, const char *name,
                struct loaded *out)
{
    struct infer_error why;
    out->path = lookup_model(name);
    if (!out->path)
        return EXIT_NO_START;
    if (infer_model_open(&out->model, out->path, &why) != 0) {
        out->model = NULL;
        return model_refuse(command, out->path, why.text);
    }
    infer_model_info(out->model, &out->info);
    if (engine->adapter && out->info.generates &&
        infer_model_adapt(out->model, engine->adapter, 1, &why) != 0)
        return model_refuse(command, engine->adapter, why.text);
    return -1;
}

/* ---- settings ------------------------------------------------------------------- */

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
    if (!engine->kv && !engine->context && !engine->piece && !engine->share_prefix &&
        !engine->adapter)
        return -1;
    complain(command, "--adapter, --kv, --context, --piece and --share-prefix are for "
                      "language models; this one is an encoder");
    return EXIT_USAGE;
}

/* What any model is run with. */
static int options_of_any(const char *command, const struct engine *engine,
                          struct infer_options *options)
{
    static const char *const backend[] = {"exact", "blas", NULL};
    struct infer_error why;
    options->threads = engine->threads ? (int)engine->threads : cpus_allowed();
    if (engine->activations && engine->activations != 8 && engine->activations != 16) {
        complain(command, "--activations takes 16 or 8, not %ld", engine->activations);
        return EXIT_USAGE;
    }
    if (engine->activations)
        options->activations_bits = (int)engine->activations;
    int found =
        word_find(command, "float", engine->float_backend, backend, "exact or blas");
    if (found < 0)
        return EXIT_USAGE;
    options->float_backend = found == 0 ? INFER_FLOAT_EXACT : INFER_FLOAT_BLAS;
    if (engine->isa && infer_isa_parse(engine->isa, &options->isa, &why) != 0) {
        complain(command, "--isa: %s", why.text);
        return EXIT_USAGE;
    }
    return -1;
}

int engine_options(const char *command, const struct engine *engine,
                   const struct infer_model_info *info, struct infer_options *options)
{
    *options = infer_options_default();
    int status = options_of_any(command, engine, options);
    if (status >= 0)
        return status;
    return info->generates ? options_of_decoder(command, engine, info, options)
                           : options_of_encoder(command, engine, options);
}

int engine_plan(const char *command, struct loaded *loaded)
{
    struct infer_error why;
    if (infer_session_plan(loaded->model, &loaded->options, &loaded->plan, &why) == 0)
        return -1;
    complain(command, "%s: %s", loaded->path, why.text);
    return EXIT_NO_START;
}

int engine_session(const char *command, struct loaded *loaded)
{
    struct infer_error why;
    if (infer_session_open(&loaded->session, loaded->model, &loaded->options, &why) ==
        0)
        return -1;
    complain(command, "%s: %s", loaded->path, why.text);
    loaded->session = NULL;
    return EXIT_NO_START;
}

void engine_close(struct loaded *loaded)
{
    infer_session_close(loaded->session);
    infer_model_close(loaded->model);
    free(loaded->path);
    *loaded = (struct loaded){0};
}

/* ---- identity ------------------------------------------------------------------- */

/* Of the bytes of all files one after the other: that of the file, where it is one. */
static int files_digest(const char *command, const struct infer_model *model,
                        struct store_sha256 *sha, char *piece, size_t piece_bytes)
{
    const char *path;
    int status = -1;
    for (size_t i = 0; status < 0 && (path = infer_model_file(model, i)); i++) {
        FILE *in = fopen(path, "re");
        size_t bytes;
        while (in && (bytes = fread(piece, 1, piece_bytes, in)) > 0)
            store_sha256_update(sha, piece, bytes);
        if (!in || ferror(in))
            status = model_refuse(command, path, strerror(errno));
        if (in)
            fclose(in);
    }
    return status;
}

static int model_digest(const char *command, struct loaded *loaded)
{
    enum { PIECE = 1 << 20 };
    struct store_sha256 *sha = store_sha256_new();
    char *piece = malloc(PIECE);
    int status = EXIT_NO_START;
    if (sha && piece)
        status = files_digest(command, loaded->model, sha, piece, PIECE);
    if (status < 0)
        store_sha256_finish(sha, &loaded->digest);
    loaded->adapted = loaded->digest;
    free(piece);
    store_sha256_free(sha);
    return status;
}

/* Writes " adapter=..." and makes the one digest of two. */
static int adapter_identify(const char *command, const char *path,
                            struct loaded *loaded, char out[80])
{
    struct store_error why;
    struct store_digest both[2] = {loaded->digest};
    char hex[65];
    if (store_digest_file(path, &both[1], &why) != 0) {
        complain(command, "%s", why.text);
        return EXIT_NO_START;
    }
    store_digest_hex(&both[1], hex);
    snprintf(out, 80, " adapter=%s", hex);
    store_digest_of(both, sizeof(both), &loaded->adapted);
    return -1;
}

int engine_identify(const char *command, const struct engine *engine,
                    struct loaded *loaded)
{
    static const char *const kv[] = {[INFER_KV_F16] = " kv=f16",
                                     [INFER_KV_F32] = " kv=f32",
                                     [INFER_KV_Q8] = " kv=q8"};
    const struct infer_options *options = &loaded->options;
    char adapter[80] = "";
    int status = model_digest(command, loaded);
    if (status < 0 && engine->adapter && loaded->info.generates)
        status = adapter_identify(command, engine->adapter, loaded, adapter);
    snprintf(loaded->settings, sizeof(loaded->settings), "activations=%d float=%s%s%s",
             options->activations_bits,
             options->float_backend == INFER_FLOAT_BLAS ? "blas" : "exact",
             loaded->info.generates ? kv[options->kv] : "", adapter);
    return status;
}
