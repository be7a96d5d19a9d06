/* model_answer - what the verbs of `cloister model` answer to a window of texts.
 *
 * A verb is a row of the table at the end: which kind of model it takes, how many
 * floats an answer has, how all answers are computed and how one is printed. */
#include "cmd/model.h"

#include <string.h>

static json_t *ids_json(const struct infer_tokens *ids)
{
    json_t *array = json_array();
    for (size_t i = 0; i < ids->count; i++)
        json_array_append_new(array, json_integer(ids->id[i]));
    return array;
}

static json_t *item_json(const struct item *item)
{
    json_t *object = json_object();
    json_object_set(object, "id", item->id ? item->id : json_null());
    return object;
}

/* The floats of line i: as JSON in object under name, or raw instead of it. */
static void print_row(const struct feed *feed, size_t i, json_t *object,
                      const char *name)
{
    const float *row = feed->row + i * feed->row_floats;
    if (feed->format == FORMAT_F32) {
        fwrite(row, sizeof(*row), feed->row_floats, stdout);
        json_decref(object);
        return;
    }
    json_t *array = json_array();
    for (size_t j = 0; j < feed->row_floats; j++)
        json_array_append_new(array, json_real((double)row[j]));
    json_object_set_new(object, name, array);
    json_line(object);
}

/* ---- tokenize ------------------------------------------------------------------- */

static void tokenize_print(const struct feed *feed, const struct item *item, size_t i)
{
    (void)feed;
    (void)i;
    json_t *object = item_json(item);
    json_object_set_new(object, "ids", ids_json(&item->ids));
    json_object_set_new(object, "truncated", json_false());
    json_line(object);
}

/* ---- embed ---------------------------------------------------------------------- */

static size_t embed_floats(const struct infer_model_info *info)
{
    return info->width;
}

static int embed_compute(struct feed *feed, struct infer_error *err)
{
    return infer_embed(feed->loaded.session, feed->sequence, feed->count, feed->row,
                       err);
}

static void embed_print(const struct feed *feed, const struct item *item, size_t i)
{
    json_t *object = item_json(item);
    json_object_set_new(object, "truncated", json_boolean(item->truncated));
    print_row(feed, i, object, "embedding");
}

/* ---- logits --------------------------------------------------------------------- */

static size_t logits_floats(const struct infer_model_info *info)
{
    return info->vocabulary_tokens;
}

static int logits_compute(struct feed *feed, struct infer_error *err)
{
    return infer_logits(feed->loaded.session, feed->sequence, feed->count, feed->row,
                        err);
}

static void logits_print(const struct feed *feed, const struct item *item, size_t i)
{
    json_t *object = item_json(item);
    json_object_set_new(object, "ids", ids_json(&item->ids));
    print_row(feed, i, object, "logits");
}

/* ---- generate ------------------------------------------------------------------- */

static int generate_compute(struct feed *feed, struct infer_error *err)
{
    const struct model_asked *asked = feed->asked;
    const struct infer_sampling sampling = {
        .tokens = (uint32_t)asked->tokens,
        .ignore_eos = asked->ignore_eos,
        .temperature = (float)asked->temperature,
        .top_p = (float)asked->top_p,
        .min_p = (float)asked->min_p,
        .seed = (uint64_t)asked->seed,
    };
    return infer_generate(feed->loaded.session, feed->sequence, feed->count, &sampling,
                          feed->answer, err);
}

static void generate_print(const struct feed *feed, const struct item *item, size_t i)
{
    const struct infer_tokens *answer = &feed->answer[i];
    struct infer_text text = {0};
    json_t *object = item_json(item);
    bool whole = infer_detokenize(feed->loaded.model, answer->id, answer->count,
                                  INFER_TEXT_CONTINUES, &text, NULL) == 0;
    bool ended = answer->count > 0 &&
                 infer_token_is_end(feed->loaded.model, answer->id[answer->count - 1]);
    json_object_set_new(object, "text",
                        whole ? json_text(text.text ? text.text : "", text.bytes)
                              : json_null());
    json_object_set_new(object, "ids", ids_json(answer));
    json_object_set_new(object, "ended", json_boolean(ended));
    json_line(object);
    infer_text_free(&text);
}

/* ---- the table ------------------------------------------------------------------ */

static const struct verb verbs[] = {
    {"tokenize", "json", ANY_MODEL, NULL, NULL, tokenize_print},
    {"embed", "json, f32", ENCODER, embed_floats, embed_compute, embed_print},
    {"logits", "json, f32", DECODER, logits_floats, logits_compute, logits_print},
    {"generate", "json", DECODER, NULL, generate_compute, generate_print},
};

const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}
