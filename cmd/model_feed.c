/* model_feed - JSON Lines {"id":…, "text":…} (or "ids" instead of "text") through a
 * model, one answer for each line, in order.
 *
 *     lines ─► window of items ─► tokens ─► one call of the model ─► one line each
 *
 * Lines are taken in windows: a long file needs little memory, and the model still
 * sees large batches. A window holds so many lines as the rows of their answers leave
 * room for. A line that is wrong is named by its number; what was answered before it
 * stays printed. */
#include "cmd/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    WINDOW_LINES = 4096,
    WINDOW_BYTES = 16 << 20,
    WINDOW_ROW_BYTES = 32 << 20,
    WINDOW_BATCHES = 16 /* of texts that are written */
};

/* ---- one line ------------------------------------------------------------------- */

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
            value >= (json_int_t)feed->loaded.info.vocabulary_tokens)
            return feed_complain(feed, "\"ids\" holds something that is no token id");
        out->id[out->count++] = (int32_t)value;
    }
    return out->id ? -1 : EXIT_NO_START;
}

static int text_given(const struct feed *feed, const json_t *object, struct item *item)
{
    struct infer_error why;
    const json_t *text = json_object_get(object, "text");
    if (!json_is_string(text))
        return feed_complain(feed, "an object with \"text\" or \"ids\" was expected");
    unsigned flags = (flag_of(object, "special", false) ? INFER_PARSE_SPECIAL : 0u) |
                     (flag_of(object, "add_special", true) ? INFER_ADD_SPECIAL : 0u);
    if (infer_tokenize(feed->loaded.model, json_string_value(text),
                       json_string_length(text), flags, &item->ids, &why) != 0)
        return feed_complain(feed, why.text);
    if (feed->verb->model == ENCODER)
        item->truncated = infer_tokens_cut(feed->loaded.model, &item->ids,
                                           feed->loaded.info.context_tokens);
    return -1;
}

/* What the model would refuse is refused here, where the line's number is known. */
static int item_check(const struct feed *feed, const struct item *item)
{
    char what[200];
    size_t tokens = item->ids.count;
    size_t more = feed->verb->row_floats ? 0 : (size_t)feed->asked->tokens;
    uint32_t context = feed->verb->model == DECODER
                           ? feed->loaded.options.context_tokens
                           : feed->loaded.info.context_tokens;
    if (feed->verb->model == ANY_MODEL || (tokens > 0 && tokens + more <= context))
        return -1;
    if (tokens == 0)
        return feed_complain(feed, "no tokens: there is nothing to begin with");
    if (feed->verb->model == ENCODER)
        snprintf(what, sizeof(what), "%zu tokens; the model takes at most %u", tokens,
                 context);
    else
        snprintf(what, sizeof(what),
                 "%zu tokens and %zu new ones; the context is %u (--context takes up "
                 "to %u, --tokens fewer)",
                 tokens, more, context, feed->loaded.info.context_tokens);
    return feed_complain(feed, what);
}

static int item_fill(struct feed *feed, struct item *item, const json_t *object)
{
    const json_t *ids = json_object_get(object, "ids");
    item->id = json_incref(json_object_get(object, "id"));
    item->line = feed->line;
    int status = json_is_array(ids) ? ids_given(feed, ids, &item->ids)
                                    : text_given(feed, object, item);
    return status < 0 ? item_check(feed, item) : status;
}

/* ---- one window ----------------------------------------------------------------- */

/* Fill the window; -1 to go on, EXIT_DONE at the end of the input. */
static int feed_read(struct feed *feed)
{
    char *line = NULL;
    size_t capacity = 0, bytes = 0;
    ssize_t got = 0;
    int status = -1;
    for (feed->count = 0;
         status < 0 && feed->count < feed->lines_max && bytes < WINDOW_BYTES;
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

static int feed_compute(struct feed *feed)
{
    struct infer_error why;
    for (size_t i = 0; i < feed->count; i++)
        feed->sequence[i] =
            (struct infer_sequence){feed->item[i].ids.id, feed->item[i].ids.count};
    int status = feed->verb->compute(feed, &why);
    if (status == 0)
        return -1;
    complain("model", "%s, lines %zu to %zu: %s", feed->name, feed->item[0].line,
             feed->item[feed->count - 1].line, why.text);
    return status == INFER_EINVALID || status == INFER_ELIMIT ? EXIT_USAGE
                                                              : EXIT_NO_START;
}

static int feed_window(struct feed *feed)
{
    int status = feed_read(feed);
    if (status < 0 && feed->verb->compute)
        status = feed_compute(feed);
    for (size_t i = 0; i < feed->count; i++) {
        if (status < 0)
            feed->verb->print(feed, &feed->item[i], i);
        json_decref(feed->item[i].id);
        infer_tokens_free(&feed->item[i].ids);
        infer_tokens_free(&feed->answer[i]);
    }
    return status;
}

/* ---- open and close ------------------------------------------------------------- */

/* The kind of model that the verb takes, before anything is spent on another. */
static int feed_check_model(const struct feed *feed)
{
    enum verb_model wanted = feed->verb->model;
    if (wanted == ANY_MODEL || (wanted == DECODER) == feed->loaded.info.generates)
        return -1;
    complain("model",
             wanted == ENCODER
                 ? "%s is a language model, which has no embeddings: \"%s\" takes an "
                   "encoder"
                 : "%s is an encoder, which writes no text: \"%s\" takes a language "
                   "model",
             feed->loaded.path, feed->verb->name);
    return EXIT_USAGE;
}

/* A window's arrays. The rows are written to at once: they are part of what was
 * announced. */
static int feed_arrays(struct feed *feed)
{
    size_t row_bytes = feed->row_floats * sizeof(*feed->row);
    feed->item = calloc(feed->lines_max, sizeof(*feed->item));
    feed->sequence = calloc(feed->lines_max, sizeof(*feed->sequence));
    feed->answer = calloc(feed->lines_max, sizeof(*feed->answer));
    feed->row = row_bytes ? malloc(feed->lines_max * row_bytes) : NULL;
    if (feed->row)
        memset(feed->row, 0, feed->lines_max * row_bytes);
    if (feed->item && feed->sequence && feed->answer && (feed->row || !row_bytes))
        return -1;
    complain("model", "no memory for windows of %zu lines", feed->lines_max);
    return EXIT_NO_START;
}

/* So many that rows have room; and texts, which take long, are not all kept to the
 * end: what waits at the end of a window for its last text is little beside the rest.
 */
static size_t window_lines(const struct feed *feed, size_t row_bytes)
{
    size_t most = WINDOW_LINES;
    if (row_bytes > 0)
        most = row_bytes < WINDOW_ROW_BYTES ? WINDOW_ROW_BYTES / row_bytes : 1;
    else if ((size_t)feed->loaded.options.batch_sequences <
             WINDOW_LINES / WINDOW_BATCHES)
        most = (size_t)feed->loaded.options.batch_sequences * WINDOW_BATCHES;
    return most < WINDOW_LINES ? most : WINDOW_LINES;
}

static int feed_session(struct feed *feed)
{
    struct loaded *loaded = &feed->loaded;
    int status =
        engine_options("model", &feed->asked->engine, &loaded->info, &loaded->options);
    if (status < 0)
        status = engine_plan("model", loaded);
    if (status >= 0)
        return status;
    feed->row_floats =
        feed->verb->row_floats ? feed->verb->row_floats(&loaded->info) : 0;
    size_t row_bytes = feed->row_floats * sizeof(*feed->row);
    feed->lines_max = window_lines(feed, row_bytes);
    const struct memory_part part[] = {{"model", loaded->plan.bytes},
                                       {"answers", row_bytes * feed->lines_max}};
    status = memory_announce("model", part, row_bytes ? 2 : 1, false);
    return status < 0 ? engine_session("model", loaded) : status;
}

static int feed_model(struct feed *feed)
{
    const char *usual = feed->verb->model == DECODER ? USUAL_DECODER : USUAL_ENCODER;
    const char *named = feed->asked->engine.model;
    int status = engine_load("model", &feed->asked->engine, named ? named : usual,
                             &feed->loaded);
    if (status < 0)
        status = feed_check_model(feed);
    if (status < 0 && feed->verb->compute)
        status = feed_session(feed);
    return status < 0 ? feed_arrays(feed) : status;
}

int model_feed(const struct model_asked *asked, const struct verb *verb,
               enum format format, const char *input)
{
    struct feed feed = {.asked = asked,
                        .verb = verb,
                        .format = format,
                        .lines_max = WINDOW_LINES,
                        .name = input ? input : "standard input",
                        .in = input ? fopen(input, "re") : stdin};
    int status = -1;
    if (!feed.in) {
        complain("model", "%s: %s", input, strerror(errno));
        status = EXIT_USAGE;
    }
    if (status < 0)
        status = feed_model(&feed);
    while (status < 0)
        status = feed_window(&feed);
    if (feed.in && feed.in != stdin)
        fclose(feed.in);
    free(feed.item);
    free(feed.sequence);
    free(feed.answer);
    free(feed.row);
    engine_close(&feed.loaded);
    return status;
}
