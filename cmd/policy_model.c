/* policy_model - what a policy makes of a language model: its prompts, its priors.
 *
 *     documents ─► parser ─► sections ─► chunks ─┬─► prompts, printed to the byte
 *                                                └─► scores of all labels, their mean
 *
 * Documents are read, cut and asked as a run does it, under the same limits. The
 * encoder is needed for its tokens, in which chunks are counted. */
#include "cmd/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DOCUMENTS_MAX = 256, DOCUMENTS_FEW = 10 };

struct sample { /* one document */
    struct store_digest digest;
    struct pipeline_text *text;
};

struct ask {
    const struct policy_asked *asked;
    struct reader reader;
    struct policy policy; /* the reader's, with what this command changes in it */
    struct loaded encoder, model;
    struct pipeline_decoder *decoder;
    struct pipeline_inputs inputs;
    struct sample *sample;
    size_t sample_count;
    bool some; /* a document did not end ok */
};

/* ---- opening -------------------------------------------------------------------- */

static int ask_models(struct ask *ask)
{
    const struct policy_asked *asked = ask->asked;
    const struct engine plain = {0};
    const char *encoder = asked->encoder ? asked->encoder : USUAL_ENCODER;
    int status = engine_load("policy", &plain, encoder, &ask->encoder);
    if (status < 0)
        status = decoder_load("policy", &asked->engine, &ask->policy, &ask->model);
    if (status >= 0)
        return status;
    const struct memory_part part = {"language model", ask->model.plan.bytes};
    status = memory_announce("policy", &part, 1, false);
    return status < 0 ? engine_session("policy", &ask->model) : status;
}

/* What is still opened: the documents, the priors, the file that is written. */
static int ask_fence(const struct ask *ask, const char *output, char *const *path,
                     size_t paths)
{
    const struct policy_model *model = &ask->policy.model;
    char *folder = output ? folder_of(output) : NULL;
    struct ingest_grant *grant = calloc(paths + model->prior_count + 1, sizeof(*grant));
    size_t count = 0;
    int status = EXIT_NO_START;
    if (grant && (folder || !output)) {
        if (folder)
            grant[count++] = (struct ingest_grant){.path = folder, .write = true};
        for (size_t i = 0; i < model->prior_count; i++)
            grant[count++].path = model->prior[i];
        for (size_t i = 0; i < paths; i++)
            grant[count++].path = path[i];
        status = fence_close("policy", grant, count, ask->reader.parser);
    }
    free(grant);
    free(folder);
    return status;
}

static int ask_inputs(struct ask *ask, char *const *path, size_t paths)
{
    struct pipeline_error why;
    for (size_t i = 0; i < paths; i++) {
        if (access(path[i], F_OK) != 0) {
            complain("policy", "%s: %s", path[i], strerror(errno));
            return EXIT_USAGE;
        }
        if (pipeline_inputs_add(&ask->inputs, path[i], &why) != 0) {
            complain("policy", "%s", why.text);
            return EXIT_NO_START;
        }
    }
    pipeline_inputs_finish(&ask->inputs);
    if (ask->inputs.count <= DOCUMENTS_MAX)
        return -1;
    complain("policy", "%zu documents: at most %d are taken, and 20 do",
             ask->inputs.count, DOCUMENTS_MAX);
    return EXIT_USAGE;
}

static int ask_open(struct ask *ask, const char *output, char *const *path,
                    size_t paths)
{
    int status = ask_inputs(ask, path, paths);
    if (status < 0)
        status = reader_open(&ask->reader, "policy", ask->asked->name,
                             ask->asked->password_file);
    if (status >= 0)
        return status;
    ask->policy = *ask->reader.policy;
    if (output) /* a prior is measured without another */
        ask->policy.model.prior_count = 0;
    status = ask_models(ask);
    if (status < 0)
        status = ask_fence(ask, output, path, paths);
    return status < 0 ? decoder_open("policy", &ask->policy, &ask->model, &ask->decoder)
                      : status;
}

static void ask_close(struct ask *ask)
{
    for (size_t i = 0; i < ask->sample_count; i++)
        pipeline_text_free(ask->sample[i].text);
    free(ask->sample);
    pipeline_decoder_close(ask->decoder);
    engine_close(&ask->model);
    engine_close(&ask->encoder);
    reader_close(&ask->reader);
    pipeline_inputs_free(&ask->inputs);
}

/* ---- reading -------------------------------------------------------------------- */

/* *out stays NULL, after a message, when there is nothing to ask. */
static int ask_read(struct ask *ask, const char *path, struct store_digest *digest,
                    struct pipeline_text **out)
{
    struct pipeline_error why;
    struct ingest_file file = {0};
    struct ingest_document *document;
    *out = NULL;
    int status = reader_read(&ask->reader, path, &file, digest, &document);
    if (status >= 0)
        return status;
    struct ending ending = reader_ending(&ask->reader, &file, document);
    if (strcmp(ending.outcome, "ok") != 0) {
        complain("policy", "%s: %s: %s", path, ending.outcome, ending.reason);
        ask->some = true;
    } else if (pipeline_chunk(out, document, ask->encoder.model,
                              ask->policy.chunk_tokens_max, ask->policy.hidden_text,
                              &why) != 0) {
        complain("policy", "%s: %s", path, why.text);
        status = EXIT_BROKEN_OFF;
    }
    ingest_document_free(document);
    return status;
}

static int sample_order(const void *a, const void *b)
{
    const struct sample *one = a, *other = b;
    return memcmp(&one->digest, &other->digest, sizeof(one->digest));
}

/* Documents by their digests, each once: a prior does not hang on their names. */
static void samples_sort(struct ask *ask)
{
    size_t kept = 0;
    qsort(ask->sample, ask->sample_count, sizeof(*ask->sample), sample_order);
    for (size_t i = 0; i < ask->sample_count; i++) {
        if (kept > 0 && sample_order(&ask->sample[kept - 1], &ask->sample[i]) == 0)
            pipeline_text_free(ask->sample[i].text);
        else
            ask->sample[kept++] = ask->sample[i];
    }
    ask->sample_count = kept;
}

static int samples_read(struct ask *ask)
{
    int status = -1;
    ask->sample = calloc(ask->inputs.count + 1, sizeof(*ask->sample));
    if (!ask->sample)
        return EXIT_NO_START;
    for (size_t i = 0; status < 0 && i < ask->inputs.count; i++) {
        struct sample *sample = &ask->sample[ask->sample_count];
        status = ask_read(ask, ask->inputs.path[i], &sample->digest, &sample->text);
        ask->sample_count += sample->text != NULL;
    }
    samples_sort(ask);
    if (status < 0 && ask->sample_count == 0) {
        complain("policy", "none of the documents can be measured");
        status = EXIT_NO_START;
    }
    return status;
}

/* ---- the verbs ------------------------------------------------------------------ */

int policy_prompt(const struct policy_asked *asked, char *path)
{
    struct pipeline_error why;
    struct store_digest digest;
    struct pipeline_text *text = NULL;
    struct ask ask = {.asked = asked};
    char *prompts = NULL;
    int status = ask_open(&ask, NULL, &path, 1);
    if (status < 0 && ask.inputs.count != 1) {
        complain("policy", "%s: name one document", path);
        status = EXIT_USAGE;
    }
    if (status < 0)
        status = ask_read(&ask, ask.inputs.path[0], &digest, &text);
    if (status < 0 && text &&
        pipeline_decoder_prompts(ask.decoder, text, &prompts, &why) != 0) {
        complain("policy", "%s: %s", path, why.text);
        status = EXIT_NO_START;
    }
    if (prompts)
        fputs(prompts, stdout);
    free(prompts);
    pipeline_text_free(text);
    ask_close(&ask);
    return status < 0 ? (ask.some ? EXIT_SOME : EXIT_DONE) : status;
}

/* Beside its place and then there, so that no half of it is ever found. */
static int prior_write(const char *path, const char *content)
{
    char *part;
    int status = EXIT_NO_START;
    if (asprintf(&part, "%s.part", path) < 0)
        return status;
    FILE *out = fopen(part, "we");
    bool good =
        out && fputs(content, out) >= 0 && fflush(out) == 0 && fsync(fileno(out)) == 0;
    if (out)
        good = fclose(out) == 0 && good;
    if (good && rename(part, path) == 0) {
        status = -1;
    } else {
        complain("policy", "%s: %s", path, strerror(errno));
        if (out)
            unlink(part);
    }
    free(part);
    return status;
}

static int prior_measure(struct ask *ask, const char *output)
{
    struct pipeline_error why;
    char *prior = NULL;
    struct pipeline_text **text = calloc(ask->sample_count, sizeof(*text));
    int status = text ? -1 : EXIT_NO_START;
    for (size_t i = 0; text && i < ask->sample_count; i++)
        text[i] = ask->sample[i].text;
    if (text && pipeline_decoder_calibrate(ask->decoder, text, ask->sample_count,
                                           &prior, &why) != 0) {
        complain("policy", "%s", why.text);
        status = EXIT_NO_START;
    }
    if (status < 0)
        status = prior_write(output, prior);
    free(prior);
    free(text);
    return status;
}

int policy_calibrate(const struct policy_asked *asked, const char *output, char **path,
                     size_t paths)
{
    struct ask ask = {.asked = asked};
    int status = ask_open(&ask, output, path, paths);
    if (status < 0)
        status = samples_read(&ask);
    if (status < 0 && ask.sample_count < DOCUMENTS_FEW)
        complain("policy", "only %zu document%s: a prior of about 20 is steadier",
                 ask.sample_count, ask.sample_count == 1 ? "" : "s");
    if (status < 0)
        status = prior_measure(&ask, output);
    if (status < 0)
        complain("policy",
                 "%s: measured on %zu documents; name it in the policy, beside which "
                 "it belongs: <prior file=\"...\"/>",
                 output, ask.sample_count);
    ask_close(&ask);
    return status < 0 ? (ask.some ? EXIT_SOME : EXIT_DONE) : status;
}
