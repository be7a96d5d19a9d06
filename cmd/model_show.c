/* model_show - what a model's file says, and what of it fits this machine.
 *
 * The plan is that of a session as the options say. What would fit is found by asking
 * for plans, which cost nothing: the longest context with that batch, and the largest
 * batch with the model's whole context. */
#include "cmd/model.h"

#include <stdio.h>

struct shown {
    struct loaded loaded;
    uint64_t needed, available; /* bytes, of the whole process */
    char digest[65];
    uint32_t context, batch; /* the largest that fit; 0: none */
};

/* ---- what fits ------------------------------------------------------------------ */

/* The same settings with another context and batch; 0: not said. */
static bool fits(const struct model_asked *asked, const struct shown *shown,
                 uint32_t context, uint32_t batch)
{
    struct engine engine = asked->engine;
    struct infer_options options;
    struct infer_plan plan;
    engine.context = context ? context : engine.context;
    engine.batch = batch ? batch : engine.batch;
    if (engine_options("model", &engine, &shown->loaded.info, &options) >= 0 ||
        infer_session_plan(shown->loaded.model, &options, &plan, NULL) != 0)
        return false;
    const struct memory_part part = {"model", plan.bytes};
    return memory_needed(&part, 1) <= shown->available;
}

/* The largest number of 1 .. most that fits; more never fits where less does not. */
static uint32_t largest(const struct model_asked *asked, const struct shown *shown,
                        uint32_t most, bool batch)
{
    uint32_t good = 0, bad = most + 1;
    while (bad - good > 1) {
        uint32_t middle = good + (bad - good) / 2;
        if (fits(asked, shown, batch ? shown->loaded.info.context_tokens : middle,
                 batch ? middle : 0))
            good = middle;
        else
            bad = middle;
    }
    return good;
}

/* ---- printing ------------------------------------------------------------------- */

static json_t *plan_json(const struct shown *shown)
{
    const struct infer_plan *plan = &shown->loaded.plan;
    json_t *object =
        json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "context",
                  (json_int_t)plan->context_tokens, "batch",
                  (json_int_t)(shown->loaded.info.generates
                                   ? shown->loaded.options.batch_sequences
                                   : plan->batch_tokens),
                  "bytes", (json_int_t)shown->needed, "session",
                  (json_int_t)plan->bytes, "weights", (json_int_t)plan->weight_bytes,
                  "batch_tokens", (json_int_t)plan->batch_tokens);
    if (!shown->loaded.info.generates)
        return object;
    json_object_set_new(object, "kv_tokens",
                        json_integer(shown->loaded.options.kv_tokens));
    json_object_set_new(object, "kv", json_integer((json_int_t)plan->kv_bytes));
    return object;
}

static void show_json(const struct shown *shown)
{
    const struct infer_model_info *info = &shown->loaded.info;
    json_t *types = json_object();
    for (size_t i = 0; i < info->type_count; i++)
        json_object_set_new(types, info->types[i].name,
                            json_integer(info->types[i].tensors));
    json_t *object = json_pack(
        "{s:s,s:o,s:I,s:I,s:I,s:I,s:I}", "architecture", info->architecture, "name",
        json_or_null(info->name), "parameters", (json_int_t)info->parameters, "context",
        (json_int_t)info->context_tokens, "width", (json_int_t)info->width, "layers",
        (json_int_t)info->layers, "vocabulary", (json_int_t)info->vocabulary_tokens);
    json_object_set_new(object, "generates", json_boolean(info->generates));
    json_object_set_new(object, "types", types);
    json_object_set_new(object, "license", json_or_null(info->license));
    json_object_set_new(object, "bytes", json_integer((json_int_t)info->file_bytes));
    json_object_set_new(object, "sha256", json_string(shown->digest));
    json_object_set_new(object, "plan", plan_json(shown));
    json_object_set_new(object, "free", json_integer((json_int_t)shown->available));
    json_object_set_new(object, "fits",
                        json_boolean(shown->needed <= shown->available));
    if (info->generates)
        json_object_set_new(object, "largest",
                            json_pack("{s:I,s:I}", "context",
                                      (json_int_t)shown->context, "batch",
                                      (json_int_t)shown->batch));
    json_line(object);
}

static void show_words(const struct infer_model_info *info, const char *digest)
{
    printf("architecture  %s\nname          ", info->architecture);
    print_safe(stdout, info->name[0] ? info->name : "not stated", 0);
    printf("\nlicence       ");
    print_safe(stdout, info->license ? info->license : "not stated", 0);
    printf(
        "\nparameters    %.1f million, %u layers, width %u, vocabulary %u\n"
        "context       %u tokens\nfile          %.1f MiB\nsha256        %s\ntensors      ",
        (double)info->parameters / 1e6, info->layers, info->width,
        info->vocabulary_tokens, info->context_tokens,
        (double)info->file_bytes / 1048576.0, digest);
    for (size_t i = 0; i < info->type_count; i++)
        printf(" %u %s", info->types[i].tensors, info->types[i].name);
    putchar('\n');
}

/* "at most 8192 tokens", or that not even one would fit. */
static void show_largest(const char *what, uint32_t largest, const char *unit)
{
    if (largest > 0)
        printf("              %s: at most %u %s\n", what, largest, unit);
    else
        printf("              %s: does not fit\n", what);
}

static void show_text(const struct shown *shown)
{
    const struct infer_plan *plan = &shown->loaded.plan;
    char needed[32], weights[32], kv[32], available[32];
    memory_words(shown->needed, needed);
    memory_words(plan->weight_bytes, weights);
    memory_words(plan->kv_bytes, kv);
    memory_words(shown->available, available);
    show_words(&shown->loaded.info, shown->digest);
    printf("memory        %s, %s free: it %s\n", needed, available,
           shown->needed <= shown->available ? "fits" : "does not fit");
    if (!shown->loaded.info.generates) {
        printf("              weights %s, batches of %u tokens\n", weights,
               plan->batch_tokens);
        return;
    }
    printf("              weights %s, past tokens %s\n"
           "              context of %u tokens, %u sequences in flight, room for %u "
           "past tokens\n",
           weights, kv, plan->context_tokens, shown->loaded.options.batch_sequences,
           shown->loaded.options.kv_tokens);
    char what[80];
    snprintf(what, sizeof(what), "%u sequences", shown->loaded.options.batch_sequences);
    show_largest(what, shown->context, "tokens of context");
    snprintf(what, sizeof(what), "context of %u tokens",
             shown->loaded.info.context_tokens);
    show_largest(what, shown->batch, "sequences");
}

/* ---- the verb ------------------------------------------------------------------- */

static int show_plan(const struct model_asked *asked, struct shown *out)
{
    struct loaded *loaded = &out->loaded;
    int status =
        engine_options("model", &asked->engine, &loaded->info, &loaded->options);
    if (status < 0)
        status = engine_plan("model", loaded);
    if (status >= 0)
        return status;
    const struct memory_part part = {"model", loaded->plan.bytes};
    out->needed = memory_needed(&part, 1);
    out->available = memory_free();
    if (loaded->info.generates) {
        out->context = largest(asked, out, loaded->info.context_tokens, false);
        out->batch = largest(asked, out, INFER_BATCH_SEQUENCES_MAX, true);
    }
    return -1;
}

int model_show(const struct model_asked *asked, enum format format, const char *name)
{
    struct shown shown = {0};
    int status = engine_load("model", &asked->engine, name, &shown.loaded);
    if (status < 0)
        status = show_plan(asked, &shown);
    if (status < 0)
        status = engine_identify("model", &asked->engine, &shown.loaded);
    if (status < 0) {
        store_digest_hex(&shown.loaded.digest, shown.digest);
        if (format == FORMAT_JSON)
            show_json(&shown);
        else
            show_text(&shown);
        status = EXIT_DONE;
    }
    engine_close(&shown.loaded);
    return status;
}
