/* cloister model - look at a model file, make one, or run it on texts.
 *
 * tokenize and embed read JSON Lines {"id":…, "text":…} (or "ids" instead of
 * "text") and answer one line for each, in order. Lines are taken in windows, so
 * that a long file needs little memory and the model still sees large batches. */
#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    const char *format, *output;
    struct engine engine;
} asked;

static const struct option options[] = {
    {"model", "FILE", "GGUF file (default: all-minilm-l6-v2.q8_0.gguf)", OPTION_TEXT,
     &asked.engine.model, 0, 0},
    {"format", "json|f32", "JSON Lines, or raw little-endian rows (embed)", OPTION_TEXT,
     &asked.format, 0, 0},
    {"output", "FILE", "import: the GGUF file to write (also -o)", OPTION_TEXT,
     &asked.output, 0, 0},
    {"type", "F32|Q8_0", "import: type of the matrices (default: Q8_0)", OPTION_TEXT,
     &asked.engine.type, 0, 0},
    ENGINE_OPTIONS(asked.engine),
    {"batch", "N", "sequences in flight together", OPTION_NUMBER, &asked.engine.batch,
     1, 65536},
    {0},
};

/* ---- show ----------------------------------------------------------------------- */

static uint64_t memory_free(void)
{
    char line[256];
    unsigned long long kib = 0;
    FILE *in = fopen("/proc/meminfo", "re");
    while (in && fgets(line, sizeof(line), in))
        if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
            break;
    if (in)
        fclose(in);
    return (uint64_t)kib * 1024;
}

static void show_json(const struct infer_model_info *info, const char digest[65],
                      const struct infer_plan *plan, bool fits)
{
    json_t *types = json_object();
    for (size_t i = 0; i < info->type_count; i++)
        json_object_set_new(types, info->types[i].name,
                            json_integer(info->types[i].tensors));
    json_t *object = json_pack(
        "{s:s,s:s,s:I,s:I,s:I,s:I,s:I}", "architecture", info->architecture, "name",
        info->name, "parameters", (json_int_t)info->parameters, "context",
        (json_int_t)info->context_tokens, "width", (json_int_t)info->width, "layers",
        (json_int_t)info->layers, "vocabulary", (json_int_t)info->vocabulary_tokens);
    json_object_set_new(object, "types", types);
    json_object_set_new(object, "license", json_or_null(info->license));
    json_object_set_new(object, "bytes", json_integer((json_int_t)info->file_bytes));
    json_object_set_new(object, "sha256", json_string(digest));
    json_object_set_new(
        object, "plan",
        json_pack("{s:I,s:I,s:I}", "context", (json_int_t)plan->context_tokens, "batch",
                  (json_int_t)plan->batch_tokens, "bytes", (json_int_t)plan->bytes));
    json_object_set_new(object, "fits", json_boolean(fits));
    json_line(object);
}

static void show_text(const struct infer_model_info *info, const char digest[65],
                      const struct infer_plan *plan, bool fits, uint64_t available)
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
    printf(
        "\nmemory        %.1f MiB beside the file, for batches of %u tokens; %.1f GiB "
        "free: it %s\n",
        (double)plan->bytes / 1048576.0, plan->batch_tokens,
        (double)available / 1073741824.0, fits ? "fits" : "does not fit");
}

static int model_show(enum format format, const char *path)
{
    struct infer_model *model;
    struct infer_model_info info;
    struct infer_options settings;
    struct infer_plan plan;
    struct infer_error why;
    struct store_digest digest;
    struct store_error store_why;
    char hex[65];
    int status = engine_options("model", &asked.engine, &settings);
    if (status >= 0)
        return status;
    if (infer_model_open(&model, path, &why) != 0) {
        complain("model", "%s: %s", path, why.text);
        return EXIT_NO_START;
    }
    infer_model_info(model, &info);
    if (store_digest_file(path, &digest, &store_why) != 0) {
        complain("model", "%s", store_why.text);
        status = EXIT_NO_START;
    } else if (infer_session_plan(model, &settings, &plan, &why) != 0) {
        complain("model", "%s: %s", path, why.text);
        status = EXIT_NO_START;
    } else {
        uint64_t available = memory_free();
        bool fits = plan.bytes < available;
        store_digest_hex(&digest, hex);
        if (format == FORMAT_JSON)
            show_json(&info, hex, &plan, fits);
        else
            show_text(&info, hex, &plan, fits, available);
        status = EXIT_DONE;
    }
    infer_model_close(model);
    return status;
}

/* ---- import --------------------------------------------------------------------- */

static int model_import(const char *folder)
{
    struct infer_error why;
    if (!asked.output) {
        complain("model", "import needs -o FILE, the GGUF file to write");
        return EXIT_USAGE;
    }
    const char *type = asked.engine.type ? asked.engine.type : "Q8_0";
    int status = infer_import(folder, asked.output, type, &why);
    if (status == INFER_OK)
        return EXIT_DONE;
    complain("model", "%s", why.text);
    return status == INFER_EINVALID ? EXIT_USAGE : EXIT_NO_START;
}

/* ---- tokenize and embed --------------------------------------------------------- */

enum { WINDOW_LINES = 4096, WINDOW_BYTES = 16 << 20 };

struct item {
    json_t *id;
    struct infer_tokens ids;
    bool truncated;
};

struct feed {
    enum format format;
    struct infer_model *model;
    struct infer_session *session; /* NULL for tokenize */
    struct infer_model_info info;
    FILE *in;
    const char *name;
    size_t line;
    struct item *item;
    size_t count;
    float *vector;
};

static bool flag_of(const json_t *object, const char *key, bool otherwise)
{
    json_t *value = json_object_get(object, key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

static int feed_complain(const struct feed *feed, const char *what)
{
    complain("model", "%s, line %zu: %s", feed->name, feed->line, what);
    return EXIT_USAGE;
}

static int ids_given(const struct feed *feed, const json_t *array,
                     struct infer_tokens *out)
{
    size_t count = json_array_size(array);
    out->id = calloc(count + 1, sizeof(*out->id));
    out->capacity = out->id ? count + 1 : 0;
    for (size_t i = 0; out->id && i < count; i++) {
        const json_t *id = json_array_get(array, i);
        json_int_t value = json_integer_value(id);
        if (!json_is_integer(id) || value < 0 ||
            value >= (json_int_t)feed->info.vocabulary_tokens)
            return feed_complain(feed, "\"ids\" holds something that is no token id");
        out->id[out->count++] = (int32_t)value;
    }
    return out->id ? -1 : EXIT_NO_START;
}

static int item_fill(struct feed *feed, struct item *item, const json_t *object)
{
    struct infer_error why;
    const json_t *text = json_object_get(object, "text");
    const json_t *ids = json_object_get(object, "ids");
    item->id = json_incref(json_object_get(object, "id"));
    if (json_is_array(ids))
        return ids_given(feed, ids, &item->ids);
    if (!json_is_string(text))
        return feed_complain(feed, "an object with \"text\" or \"ids\" was expected");
    unsigned flags = (flag_of(object, "special", false) ? INFER_PARSE_SPECIAL : 0u) |
                     (flag_of(object, "add_special", true) ? INFER_ADD_SPECIAL : 0u);
    if (infer_tokenize(feed->model, json_string_value(text), json_string_length(text),
                       flags, &item->ids, &why) != 0)
        return feed_complain(feed, why.text);
    if (feed->session)
        item->truncated =
            infer_tokens_cut(feed->model, &item->ids, feed->info.context_tokens);
    return -1;
}

/* Fill the window; -1 to go on, EXIT_DONE at the end of the input. */
static int feed_read(struct feed *feed)
{
    char *line = NULL;
    size_t capacity = 0, bytes = 0;
    ssize_t got = 0;
    int status = -1;
    for (feed->count = 0;
         status < 0 && feed->count < WINDOW_LINES && bytes < WINDOW_BYTES;
         bytes += (size_t)got) {
        got = getline(&line, &capacity, feed->in);
        if (got < 0)
            break;
        feed->line++;
        if (strspn(line, " \t\r\n") == (size_t)got)
            continue;
        json_error_t why;
        json_t *object = json_loadb(line, (size_t)got, JSON_ALLOW_NUL, &why);
        struct item *item = &feed->item[feed->count++];
        *item = (struct item){0};
        status = object ? item_fill(feed, item, object) : feed_complain(feed, why.text);
        json_decref(object);
    }
    if (status < 0 && ferror(feed->in)) {
        complain("model", "%s, after line %zu: %s", feed->name, feed->line,
                 strerror(errno));
        status = EXIT_NO_START;
    }
    free(line);
    return status < 0 && feed->count == 0 ? EXIT_DONE : status;
}

static json_t *ids_json(const struct infer_tokens *ids)
{
    json_t *array = json_array();
    for (size_t i = 0; i < ids->count; i++)
        json_array_append_new(array, json_integer(ids->id[i]));
    return array;
}

static void item_print(const struct feed *feed, const struct item *item, size_t i)
{
    size_t width = feed->info.width;
    if (feed->format == FORMAT_F32) {
        fwrite(feed->vector + i * width, sizeof(float), width, stdout);
        return;
    }
    json_t *object = json_object();
    json_object_set(object, "id", item->id ? item->id : json_null());
    if (!feed->session)
        json_object_set_new(object, "ids", ids_json(&item->ids));
    json_object_set_new(object, "truncated", json_boolean(item->truncated));
    if (feed->session) {
        json_t *row = json_array();
        for (size_t j = 0; j < width; j++)
            json_array_append_new(row, json_real((double)feed->vector[i * width + j]));
        json_object_set_new(object, "embedding", row);
    }
    json_line(object);
}

static int feed_embed(struct feed *feed)
{
    struct infer_error why;
    struct infer_sequence *sequence = calloc(feed->count, sizeof(*sequence));
    if (!sequence)
        return EXIT_NO_START;
    for (size_t i = 0; i < feed->count; i++)
        sequence[i] =
            (struct infer_sequence){feed->item[i].ids.id, feed->item[i].ids.count};
    int status = infer_embed(feed->session, sequence, feed->count, feed->vector, &why);
    free(sequence);
    if (status == 0)
        return -1;
    complain("model", "%s: %s", feed->name, why.text);
    return EXIT_USAGE;
}

static int feed_window(struct feed *feed)
{
    int status = feed_read(feed);
    if (status < 0 && feed->session)
        status = feed_embed(feed);
    for (size_t i = 0; i < feed->count; i++) {
        if (status < 0)
            item_print(feed, &feed->item[i], i);
        json_decref(feed->item[i].id);
        infer_tokens_free(&feed->item[i].ids);
    }
    return status;
}

static int feed_open(struct feed *feed, bool embed, const char *input)
{
    struct infer_error why;
    struct infer_options settings;
    char *path = lookup_model(asked.engine.model ? asked.engine.model
                                                 : "all-minilm-l6-v2.q8_0.gguf");
    int status = path ? -1 : EXIT_NO_START;
    if (path && embed) {
        status = engine_open("model", &asked.engine, path, &feed->model, &feed->session,
                             &settings);
    } else if (path && infer_model_open(&feed->model, path, &why) != 0) {
        complain("model", "%s: %s", path, why.text);
        status = EXIT_NO_START;
    }
    free(path);
    if (status >= 0)
        return status;
    infer_model_info(feed->model, &feed->info);
    feed->name = input ? input : "standard input";
    feed->in = input ? fopen(input, "re") : stdin;
    if (!feed->in) {
        complain("model", "%s: %s", input, strerror(errno));
        return EXIT_USAGE;
    }
    feed->item = calloc(WINDOW_LINES, sizeof(*feed->item));
    feed->vector =
        embed ? calloc((size_t)WINDOW_LINES * feed->info.width, sizeof(*feed->vector))
              : NULL;
    return feed->item && (feed->vector || !embed) ? -1 : EXIT_NO_START;
}

static int model_feed(enum format format, bool embed, const char *input)
{
    struct feed feed = {.format = format};
    int status = feed_open(&feed, embed, input);
    while (status < 0)
        status = feed_window(&feed);
    if (feed.in && feed.in != stdin)
        fclose(feed.in);
    free(feed.item);
    free(feed.vector);
    infer_session_close(feed.session);
    infer_model_close(feed.model);
    return status;
}

/* ---- the command ---------------------------------------------------------------- */

static int model_file(enum format format, const char *name)
{
    char *path = lookup_model(name);
    int status = path ? model_show(format, path) : EXIT_NO_START;
    free(path);
    return status;
}

static int model_main(const struct command *self, int argc, char **argv)
{
    enum format format = FORMAT_TABLE;
    int words;
    int status = options_parse(self, argc, argv, &words);
    const char *verb = status < 0 && words > 1 ? argv[1] : "";
    bool embed = strcmp(verb, "embed") == 0;
    if (status < 0)
        status =
            format_parse("model", asked.format, embed ? "json, f32" : "json", &format);
    if (status >= 0)
        return status;
    if (strcmp(verb, "show") == 0 && words == 3)
        return model_file(format, argv[2]);
    if (strcmp(verb, "import") == 0 && words == 3)
        return model_import(argv[2]);
    if ((embed || strcmp(verb, "tokenize") == 0) && words <= 3)
        return model_feed(format == FORMAT_TABLE ? FORMAT_JSON : format, embed,
                          words == 3 ? argv[2] : NULL);
    if (strcmp(verb, "logits") == 0 || strcmp(verb, "generate") == 0)
        complain("model",
                 "\"model %s\" belongs to language models, which this version "
                 "does not run yet",
                 verb);
    else
        complain("model", "say \"model show FILE\", \"import FOLDER -o FILE\", "
                          "\"tokenize\" or \"embed\"");
    return EXIT_USAGE;
}

const struct command cmd_model = {
    .name = "model",
    .synopsis =
        "model show FILE | import FOLDER -o FILE | tokenize|embed [INPUT.jsonl]",
    .summary = "Look at a model, convert a checkpoint to GGUF, or run it on texts.",
    .option = options,
    .run = model_main,
};
