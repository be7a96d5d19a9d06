/* import_words - the vocabulary of a language model, and what stands around a text.
 *
 *     tokenizer.json           byte-level words and merges; added tokens; how text is
 * cut tokenizer.model          SentencePiece, where words are not byte-level
 *     tokenizer_config.json    more added tokens, the names of special ones, the chat's
 *                              template, whether a text is opened and closed
 *     config.json              ids of special tokens that have no name
 *
 * Ids that no word has, up to the size of the embedding, are filled up with "[PAD7]":
 * no text is ever cut into them. The chat's template is a program; it is copied as
 * text, for engines to compare and never to run. */
#include "infer/import.h"
#include "infer/vocabulary.h"

#include <stdlib.h>
#include <string.h>

struct reading {
    struct import *im;
    json_t *tokenizer, *settings, *added; /* NULL: no such file */
    char *pieces;                         /* tokenizer.model */
    size_t pieces_bytes;
    struct import_words words;
    bool byte_level, prefix;
    struct infer_error *err;
};

/* ---- words ---------------------------------------------------------------------- */

int import_word(struct import_words *words, int64_t id, const char *text, size_t bytes,
                int32_t type, float score, struct infer_error *err)
{
    struct import_word *word;
    char *copy;

    if (id < 0 || id >= words->count)
        return infer_fail(err, INFER_EFORMAT,
                          "token \"%.*s\" has id %lld, vocab_size of config.json is %u",
                          (int)(bytes < 60 ? bytes : 60), text, (long long)id,
                          words->count);
    copy = malloc(bytes + 1);
    if (copy == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for a token");
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    word = &words->word[id];
    free(word->text);
    *word = (struct import_word){copy, bytes, type, score};
    return 0;
}

/* A token beside the model's own. What the model calls unknown, a byte or control
 * stays that. */
static int add_token(struct reading *r, int64_t id, const char *text, bool special)
{
    const bool known = id >= 0 && id < r->words.count;
    const int32_t before = known ? r->words.word[id].type : 0;
    const bool kept =
        before == TOKEN_UNKNOWN || before == TOKEN_CONTROL || before == TOKEN_BYTE;
    const int32_t type = special ? TOKEN_CONTROL : TOKEN_USER_DEFINED;

    return import_word(&r->words, id, text, strlen(text), kept ? before : type, -1000,
                       r->err);
}

static int add_entry(struct reading *r, const json_t *entry, const json_t *id)
{
    const char *text = json_string_value(json_object_get(entry, "content"));

    if (text == NULL || !json_is_integer(id))
        return checkpoint_refuse(r->err, "tokenizer.json", "an added token", entry,
                                 "one with content and id");
    return add_token(r, json_integer_value(id), text,
                     json_is_true(json_object_get(entry, "special")));
}

static int add_tokens(struct reading *r)
{
    json_t *list = json_object_get(r->tokenizer, "added_tokens"), *entry;
    json_t *decoder = json_object_get(r->settings, "added_tokens_decoder");
    const char *key;
    size_t i;
    int status = 0;

    json_object_foreach(r->added, key, entry)
    {
        if (status == 0)
            status = add_token(
                r, json_is_integer(entry) ? json_integer_value(entry) : -1, key, false);
    }
    json_array_foreach(list, i, entry)
    {
        if (status == 0)
            status = add_entry(r, entry, json_object_get(entry, "id"));
    }
    json_object_foreach(decoder, key, entry)
    {
        json_t *id = json_integer(strtoll(key, NULL, 10));

        if (status == 0)
            status = add_entry(r, entry, id);
        json_decref(id);
    }
    return status;
}

static int read_byte_words(struct reading *r)
{
    const json_t *model = json_object_get(r->tokenizer, "model");
    json_t *vocab = json_object_get(model, "vocab"), *id;
    const char *word;
    int status = 0;

    json_object_foreach(vocab, word, id)
    {
        if (status == 0)
            status = import_word(&r->words,
                                 json_is_integer(id) ? json_integer_value(id) : -1,
                                 word, strlen(word), TOKEN_NORMAL, 0, r->err);
    }
    return status;
}

static int fill_gaps(struct reading *r)
{
    char name[32];
    int status = 0;

    for (uint32_t i = 0; status == 0 && i < r->words.count; i++) {
        if (r->words.word[i].text != NULL)
            continue;
        snprintf(name, sizeof name, "[PAD%u]", i);
        status =
            import_word(&r->words, i, name, strlen(name), TOKEN_UNUSED, -10000, r->err);
    }
    return status;
}

/* ---- which kind ----------------------------------------------------------------- */

static bool has_step(const json_t *steps, const char *type)
{
    const char *own = json_string_value(json_object_get(steps, "type"));
    const json_t *list = json_object_get(steps, "pretokenizers"), *step;
    size_t i;

    if (own != NULL && strcmp(own, type) == 0)
        return true;
    json_array_foreach(list, i, step)
    {
        own = json_string_value(json_object_get(step, "type"));
        if (own != NULL && strcmp(own, type) == 0)
            return true;
    }
    return false;
}

/* What else a tokenizer.json may do to text before it is cut. */
static int check_byte_level(const struct reading *r)
{
    const json_t *normalizer = json_object_get(r->tokenizer, "normalizer");
    const json_t *model = json_object_get(r->tokenizer, "model");
    const json_t *list = json_object_get(normalizer, "normalizers");
    const char *type = json_string_value(json_object_get(normalizer, "type"));
    const bool nothing = normalizer == NULL || json_is_null(normalizer) ||
                         (type != NULL && strcmp(type, "NFC") == 0) ||
                         (json_is_array(list) && json_array_size(list) == 0);

    if (!nothing)
        return checkpoint_refuse(r->err, "tokenizer.json", "normalizer", normalizer,
                                 "none or NFC");
    return checkpoint_word(model, "tokenizer.json", "type", "BPE", true, r->err);
}

static int read_words(struct reading *r)
{
    const json_t *model = json_object_get(r->tokenizer, "model");
    const char *type = json_string_value(json_object_get(model, "type"));
    const bool pairs = type == NULL || strcmp(type, "BPE") == 0;

    r->byte_level =
        has_step(json_object_get(r->tokenizer, "pre_tokenizer"), "ByteLevel");
    if (r->byte_level) {
        int status = check_byte_level(r);
        return status != 0 ? status : read_byte_words(r);
    }
    if (r->pieces != NULL)
        return import_pieces_model(&r->words, r->pieces, r->pieces_bytes, &r->prefix,
                                   r->err);
    if (r->tokenizer != NULL && pairs &&
        json_is_true(json_object_get(model, "byte_fallback")))
        return import_pieces_json(&r->words, r->tokenizer, &r->prefix, r->err);
    if (r->tokenizer != NULL)
        return checkpoint_refuse(r->err, "tokenizer.json", "model.type",
                                 json_object_get(model, "type"),
                                 "BPE, of bytes or with byte_fallback");
    return infer_fail(r->err, INFER_EIO,
                      "%.120s holds neither tokenizer.json nor tokenizer.model",
                      r->im->folder);
}

/* ---- keys ----------------------------------------------------------------------- */

static int write_merges(struct reading *r)
{
    const json_t *model = json_object_get(r->tokenizer, "model"), *merge;
    const json_t *merges = json_object_get(model, "merges");
    struct gguf_writer *w = &r->im->out;
    size_t i;

    gguf_write_array(w, "tokenizer.ggml.merges", GGUF_STRING, json_array_size(merges));
    json_array_foreach(merges, i, merge)
    {
        const char *a = json_string_value(json_array_get(merge, 0));
        const char *b = json_string_value(json_array_get(merge, 1));
        const char *both = json_string_value(merge);
        char *text = NULL;

        if (both != NULL) {
            gguf_write_element_string(w, both, strlen(both));
            continue;
        }
        if (a == NULL || b == NULL)
            return infer_fail(r->err, INFER_EFORMAT,
                              "tokenizer.json: merge %zu is no pair of words", i);
        if (asprintf(&text, "%s %s", a, b) < 0)
            return infer_fail(r->err, INFER_ENOMEM, "no memory for a merge");
        gguf_write_element_string(w, text, strlen(text));
        free(text);
    }
    return 0;
}

static int write_words(struct reading *r)
{
    struct gguf_writer *w = &r->im->out;
    const char *pre = "default", *kind = r->byte_level ? "gpt2" : "llama";
    int status = r->byte_level ? import_pre(r->tokenizer, &pre, r->err) : 0;

    gguf_write_string(w, "tokenizer.ggml.model", kind, strlen(kind));
    gguf_write_string(w, "tokenizer.ggml.pre", pre, strlen(pre));
    gguf_write_array(w, "tokenizer.ggml.tokens", GGUF_STRING, r->words.count);
    for (uint32_t i = 0; i < r->words.count; i++)
        gguf_write_element_string(w, r->words.word[i].text, r->words.word[i].bytes);
    if (!r->byte_level) {
        gguf_write_array(w, "tokenizer.ggml.scores", GGUF_FLOAT32, r->words.count);
        for (uint32_t i = 0; i < r->words.count; i++)
            gguf_write_element_f32(w, r->words.word[i].score);
        gguf_write_bool(w, "tokenizer.ggml.add_space_prefix", r->prefix);
    }
    gguf_write_array(w, "tokenizer.ggml.token_type", GGUF_I32, r->words.count);
    for (uint32_t i = 0; i < r->words.count; i++)
        gguf_write_element_i32(w, r->words.word[i].type);
    return status == 0 && r->byte_level ? write_merges(r) : status;
}

/* ---- special tokens ------------------------------------------------------------- */

static int64_t find_word(const struct import_words *words, const char *text)
{
    const size_t bytes = strlen(text);

    for (uint32_t i = 0; i < words->count; i++)
        if (words->word[i].bytes == bytes &&
            memcmp(words->word[i].text, text, bytes) == 0)
            return i;
    return -1;
}

/* By its name, else by its id; a config may list several ends: the first counts. */
static int64_t special_id(const struct reading *r, const char *name)
{
    const json_t *value = json_object_get(r->settings, name);
    const json_t *content = json_object_get(value, "content");
    const char *text = json_string_value(json_is_object(value) ? content : value);
    char key[64];
    int64_t id = text != NULL ? find_word(&r->words, text) : -1;

    if (id >= 0)
        return id;
    snprintf(key, sizeof key, "%s_id", name);
    value = json_object_get(import_settings(r->im), key);
    if (json_is_array(value))
        value = json_array_get(value, 0);
    id = json_is_integer(value) ? json_integer_value(value) : -1;
    return id < r->words.count ? id : -1;
}

/* Does the template that is put around a text hold this token first, or last? */
static bool template_has(const json_t *processor, const char *token, bool first)
{
    const json_t *single = json_object_get(processor, "single");
    const json_t *at = json_array_get(single, first ? 0 : json_array_size(single) - 1);
    const json_t *special = json_object_get(at, "SpecialToken");
    const char *id = json_string_value(json_object_get(special, "id"));

    return id != NULL && strcmp(id, token) == 0;
}

/* Is the token put around a text: as the settings say, or the tokenizer's template, or
 * as the kind does. */
static bool stands_around(const struct reading *r, const char *setting, int64_t id,
                          bool first)
{
    const json_t *told = json_object_get(r->settings, setting);
    const json_t *processor = json_object_get(r->tokenizer, "post_processor"), *step;
    const json_t *steps = json_object_get(processor, "processors");
    bool found = false;
    size_t i;

    if (id < 0)
        return false;
    if (json_is_boolean(told))
        return json_is_true(told);
    if (processor == NULL || json_is_null(processor))
        return first && !r->byte_level;
    found = template_has(processor, r->words.word[id].text, first);
    json_array_foreach(steps, i, step)
    {
        found = found || template_has(step, r->words.word[id].text, first);
    }
    return found;
}

/* The unknown token needs no name: its type tells. */
static int64_t unknown_id(const struct reading *r)
{
    int64_t id = special_id(r, "unk_token");

    for (uint32_t i = 0; id < 0 && i < r->words.count; i++)
        if (r->words.word[i].type == TOKEN_UNKNOWN)
            id = i;
    return id;
}

static void write_special(struct reading *r)
{
    static const struct {
        const char *name, *key;
    } ids[] = {
        {"bos_token", "tokenizer.ggml.bos_token_id"},
        {"eos_token", "tokenizer.ggml.eos_token_id"},
        {"pad_token", "tokenizer.ggml.padding_token_id"},
    };
    struct gguf_writer *w = &r->im->out;
    const int64_t unknown = unknown_id(r);

    if (unknown >= 0)
        gguf_write_u32(w, "tokenizer.ggml.unknown_token_id", (uint32_t)unknown);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        int64_t id = special_id(r, ids[i].name);

        if (id >= 0)
            gguf_write_u32(w, ids[i].key, (uint32_t)id);
    }
    gguf_write_bool(
        w, "tokenizer.ggml.add_bos_token",
        stands_around(r, "add_bos_token", special_id(r, "bos_token"), true));
    gguf_write_bool(
        w, "tokenizer.ggml.add_eos_token",
        stands_around(r, "add_eos_token", special_id(r, "eos_token"), false));
}

/* A file of its own, or a setting: one text, or several with names. */
static int write_template(struct reading *r)
{
    static const char key[] = "tokenizer.chat_template";
    const json_t *value = json_object_get(r->settings, "chat_template"), *entry;
    const char *text = json_string_value(value), *name;
    char *own;
    size_t bytes, i;
    int status =
        checkpoint_text(r->im->folder, "chat_template.jinja", &own, &bytes, r->err);

    json_array_foreach(value, i, entry)
    {
        name = json_string_value(json_object_get(entry, "name"));
        if (name != NULL && strcmp(name, "default") == 0)
            text = json_string_value(json_object_get(entry, "template"));
    }
    if (status == 0 && own != NULL)
        gguf_write_string(&r->im->out, key, own, bytes);
    else if (status == 0 && text != NULL)
        gguf_write_string(&r->im->out, key, text, strlen(text));
    free(own);
    return status;
}

/* ---- the vocabulary ------------------------------------------------------------- */

static int read_files(struct reading *r)
{
    const char *folder = r->im->folder;
    int status;

    if ((status = checkpoint_json(folder, "tokenizer.json", &r->tokenizer, r->err)) !=
            0 ||
        (status = checkpoint_json(folder, "tokenizer_config.json", &r->settings,
                                  r->err)) != 0 ||
        (status = checkpoint_json(folder, "added_tokens.json", &r->added, r->err)) != 0)
        return status;
    return checkpoint_text(folder, "tokenizer.model", &r->pieces, &r->pieces_bytes,
                           r->err);
}

static int read_all(struct reading *r)
{
    int status;

    r->words.word = calloc(r->words.count, sizeof *r->words.word);
    if (r->words.word == NULL)
        return infer_fail(r->err, INFER_ENOMEM, "no memory for %u tokens",
                          r->words.count);
    if ((status = read_files(r)) != 0 || (status = read_words(r)) != 0 ||
        (status = add_tokens(r)) != 0 || (status = fill_gaps(r)) != 0 ||
        (status = write_words(r)) != 0)
        return status;
    write_special(r);
    return write_template(r);
}

int import_words(struct import *im, const struct import_sizes *sizes,
                 struct infer_error *err)
{
    struct reading r = {.im = im, .words.count = sizes->vocabulary, .err = err};
    int status = read_all(&r);

    for (uint32_t i = 0; r.words.word != NULL && i < r.words.count; i++)
        free(r.words.word[i].text);
    free(r.words.word);
    free(r.pieces);
    json_decref(r.tokenizer);
    json_decref(r.settings);
    json_decref(r.added);
    return status;
}
