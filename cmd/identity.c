/* identity - what a run is, written down before its first document.
 *
 * The identity decides results and what counts as done: policy, model, arithmetic,
 * settings. The facts decide nothing and are kept for the auditor: who, where, on
 * what machine, with how many threads. */
#include "cmd/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* "1000 (mara)": the name from /etc/passwd itself, since NSS may open sockets. */
static void operator_name(char out[128])
{
    char line[1024];
    unsigned long uid = (unsigned long)getuid();
    snprintf(out, 128, "%lu", uid);
    FILE *in = fopen("/etc/passwd", "re");
    while (in && fgets(line, sizeof(line), in)) {
        char *rest = line;
        const char *name = strsep(&rest, ":");
        strsep(&rest, ":");
        const char *id = rest ? strsep(&rest, ":") : NULL;
        if (id && strtoul(id, NULL, 10) == uid) {
            snprintf(out, 128, "%lu (%.100s)", uid, name);
            break;
        }
    }
    if (in)
        fclose(in);
}

/* By the folder of the program that links them. */
static json_t *libraries_json(const struct job *job)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s+}", "ingest", ingest_libraries(job->parser),
                     "policies", policy_libraries(), "infer", infer_libraries(),
                     "store", store_libraries(), "cmd", "jansson ",
                     jansson_version_str());
}

/* What does not change a language model's answers, and explains how long they took. */
static json_t *model_json(const struct loaded *model)
{
    return json_pack("{s:s,s:I,s:I,s:I,s:b}", "file", model->path, "context",
                     (json_int_t)model->plan.context_tokens, "batch",
                     (json_int_t)model->options.batch_sequences, "piece",
                     (json_int_t)model->options.piece_tokens, "share_prefix",
                     (int)model->options.share_prefix);
}

static char *facts_make(const struct job *job)
{
    json_t *facts = json_object();
    char *folder = getcwd(NULL, 0); /* that relative paths were counted from */
    json_object_set_new(facts, "folder", json_or_null(folder));
    free(folder);
    json_object_set_new(facts, "libraries", libraries_json(job));
    json_object_set_new(facts, "passwords",
                        json_integer((json_int_t)job->password_count));
    json_object_set_new(facts, "threads", json_integer(job->encoder.options.threads));
    json_object_set_new(facts, "isa",
                        json_string(infer_session_isa(job->encoder.session)));
    json_object_set_new(facts, "lanes", json_integer(job->lanes));
    json_object_set_new(facts, "batch_tokens",
                        json_integer(job->encoder.plan.batch_tokens));
    json_object_set_new(
        facts, "session_bytes",
        json_integer((json_int_t)(job->encoder.plan.bytes + job->model.plan.bytes)));
    if (job->model.model)
        json_object_set_new(facts, "model", model_json(&job->model));
    json_object_set(facts, "attest", job->attest);
    json_object_set_new(facts, "policy_description",
                        json_or_null(job->policy->description));
    char *text = json_dumps(facts, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(facts);
    return text;
}

/* "activations=16 float=exact pipeline=1 ingest=1 ...": what no policy and no model
 * says and results hang on, limits included. */
static void settings_write(const struct job *job, char out[SETTINGS_BYTES])
{
    struct ingest_request request;
    struct ingest_limits limits;
    bool model = job->decoder != NULL;
    pipeline_request(job->policy, NULL, 0, &request);
    limits = request.limits;
    snprintf(out, SETTINGS_BYTES,
             "%s%s%s pipeline=%d ingest=%d sentences=%d memory=%" PRIu64
             " cpu-s=%u cpu-ms-page=%u cpu-ms-mib=%u" INGEST_LACKS,
             model ? job->model.settings : job->encoder.settings, model ? " " : "",
             model ? pipeline_decoder_settings(job->decoder) : "", PIPELINE_VERSION,
             INGEST_VERSION, PIPELINE_SENTENCES_MAX, limits.memory_bytes_max,
             limits.cpu_seconds_min, limits.cpu_ms_per_page, limits.cpu_ms_per_mib);
}

static const char *model_name(const struct loaded *loaded)
{
    return loaded->info.name[0] ? loaded->info.name : loaded->info.architecture;
}

void job_identity(const struct job *job, struct store_identity *out,
                  char settings[SETTINGS_BYTES])
{
    const struct loaded *model = &job->model;
    settings_write(job, settings);
    *out = (struct store_identity){
        .policy_name = job->policy->name,
        .policy_title = job->policy->title,
        .policy_revision = job->policy->revision,
        .encoder_name = model_name(&job->encoder),
        .encoder = job->encoder.digest,
        .model_name = model->model ? model_name(model) : NULL,
        .model = model->digest,
        .arithmetic_version = INFER_ARITHMETIC_VERSION,
        .settings = settings,
    };
    store_digest_of(job->policy->canonical, job->policy->canonical_bytes, &out->policy);
}

static int program_digest(struct store_digest *out)
{
    struct store_error why;
    char *program = lookup_program();
    int status = program ? store_digest_file(program, out, &why) : -1;
    if (status != 0)
        complain("run", "%s",
                 program ? why.text : "cannot find the program's own file");
    free(program);
    return status == 0 ? -1 : EXIT_NO_START;
}

int job_begin(struct job *job, int words, char **argv)
{
    struct store_error why;
    struct utsname host = {0};
    char who[128], settings[SETTINGS_BYTES];
    char *facts = facts_make(job);
    uname(&host);
    operator_name(who);
    struct store_run run = {
        .program_version = CLOISTER_VERSION,
        .operator_name = who,
        .host = host.nodename,
        .kernel = host.release,
        .input = (const char *const *)argv + 1,
        .input_count = (size_t)(words - 1),
        .facts = facts ? facts : "{}",
    };
    job_identity(job, &run.identity, settings);
    int status = program_digest(&run.program);
    if (status < 0 && store_run_begin(job->store, &run, &job->run_id, &why) != 0) {
        complain("run", "%s", why.text);
        status = EXIT_NO_START;
    }
    free(facts);
    return status;
}
