/* checkpoint - read the text files of a Hugging Face encoder checkpoint.
 *
 * A checkpoint folder is a pile of settings, most of which have one value in
 * nearly every model and change the result when they have another. Each such
 * setting is looked at; a value that is not served is refused by file, key and
 * value, because a model that runs with a wrong setting answers plausibly and
 * wrongly. The vocabulary may stand in vocab.txt, in tokenizer.json or in both;
 * where it stands in both the two must agree. How many tokens the packaging would
 * cut a text to (max_seq_length) is not taken over: the position table is the limit. */
#include "infer/checkpoint.h"
#include "infer/checkpoint_json.h"

#include <stdlib.h>
#include <string.h>

/* ---- settings ------------------------------------------------------------------- */

static int need_size(const json_t *object, const char *key, uint32_t *out,
                     struct infer_error *err)
{
    const json_t *value = json_object_get(object, key);
    json_int_t number = json_integer_value(value);

    if (!json_is_integer(value) || number < 1 || number > CHECKPOINT_NUMBER_MAX)
        return infer_fail(err, INFER_EFORMAT,
                          "config.json: %s is %lld, allowed are 1 to %d", key,
                          (long long)number, CHECKPOINT_NUMBER_MAX);
    *out = (uint32_t)number;
    return 0;
}

static int read_sizes(struct checkpoint *c, const json_t *config,
                      struct infer_error *err)
{
    const struct {
        const char *key;
        uint32_t *place;
    } size[] = {
        {"num_hidden_layers", &c->layers},        {"hidden_size", &c->width},
        {"num_attention_heads", &c->heads},       {"intermediate_size", &c->ffn},
        {"vocab_size", &c->vocabulary},           {"type_vocab_size", &c->types},
        {"max_position_embeddings", &c->context},
    };
    double epsilon = json_number_value(json_object_get(config, "layer_norm_eps"));
    int status = 0;

    for (size_t i = 0; status == 0 && i < sizeof size / sizeof *size; i++)
        status = need_size(config, size[i].key, size[i].place, err);
    if (status != 0)
        return status;
    c->norm_epsilon = (float)epsilon;
    if (!(c->norm_epsilon > 0 && c->norm_epsilon < 1))
        return infer_fail(err, INFER_EFORMAT,
                          "config.json: layer_norm_eps is %g, allowed is more than 0 "
                          "and less than 1",
                          epsilon);
    if (c->width % c->heads != 0)
        return infer_fail(err, INFER_EFORMAT,
                          "config.json: hidden_size %u is no multiple of "
                          "num_attention_heads %u",
                          c->width, c->heads);
    return 0;
}

static int read_config(struct checkpoint *c, const char *folder,
                       struct infer_error *err)
{
    static const char file[] = "config.json";
    json_t *config;
    int status = checkpoint_json(folder, file, &config, err);

    if (status == 0 && config == NULL)
        status = infer_fail(err, INFER_EIO, "%.150s holds no config.json", folder);
    if (status == 0)
        status = checkpoint_word(config, file, "model_type", "bert", false, err);
    if (status == 0)
        status = checkpoint_word(config, file, "hidden_act", "gelu", false, err);
    if (status == 0)
        status = checkpoint_word(config, file, "position_embedding_type", "absolute",
                                 true, err);
    if (status == 0)
        status = checkpoint_flag(config, file, "is_decoder", false, err);
    if (status == 0)
        status = checkpoint_flag(config, file, "add_cross_attention", false, err);
    if (status == 0)
        status = read_sizes(c, config, err);
    json_decref(config);
    return status;
}

/* ---- pooling -------------------------------------------------------------------- */

/* The steps after the encoder: pooling, then perhaps normalising, nothing else. */
static int check_modules(const char *folder, struct infer_error *err)
{
    json_t *modules, *module;
    const char *type, *word;
    size_t i;
    int status = checkpoint_json(folder, "modules.json", &modules, err);

    json_array_foreach(modules, i, module)
    {
        type = json_string_value(json_object_get(module, "type"));
        word = type != NULL && strrchr(type, '.') != NULL ? strrchr(type, '.') + 1 : "";
        if (strcmp(word, "Transformer") != 0 && strcmp(word, "Pooling") != 0 &&
            strcmp(word, "Normalize") != 0) {
            status = checkpoint_refuse(err, "modules.json", "type",
                                       json_object_get(module, "type"),
                                       "Transformer, Pooling or Normalize");
            break;
        }
    }
    json_decref(modules);
    return status;
}

static int choose_pooling(struct checkpoint *c, json_t *config, struct infer_error *err)
{
    static const char file[] = "1_Pooling/config.json";
    static const char prefix[] = "pooling_mode_";
    const char *key;
    json_t *value;

    json_object_foreach(config, key, value)
    {
        enum model_pooling mode;

        if (strncmp(key, prefix, sizeof prefix - 1) != 0 || json_is_false(value))
            continue;
        if (strcmp(key, "pooling_mode_mean_tokens") == 0)
            mode = MODEL_POOL_MEAN;
        else if (strcmp(key, "pooling_mode_cls_token") == 0)
            mode = MODEL_POOL_CLS;
        else
            return checkpoint_refuse(err, file, key, value, "false");
        if (!json_is_true(value) || c->pooling != 0)
            return checkpoint_refuse(err, file, key, value, "one mode that is true");
        c->pooling = mode;
    }
    if (c->pooling == 0)
        return infer_fail(err, INFER_EUNSUPPORTED,
                          "%s says neither mean nor [CLS] pooling, which an embedding "
                          "needs",
                          file);
    return 0;
}

static int read_pooling(struct checkpoint *c, const char *folder,
                        struct infer_error *err)
{
    json_t *config = NULL;
    int status = check_modules(folder, err);

    if (status == 0)
        status = checkpoint_json(folder, "1_Pooling/config.json", &config, err);
    if (status == 0)
        status = choose_pooling(c, config, err);
    json_decref(config);
    return status;
}

/* ---- the tokenizer's settings --------------------------------------------------- */

static int check_normalizer(const json_t *normalizer, struct infer_error *err)
{
    static const char file[] = "tokenizer.json";
    int status =
        checkpoint_word(normalizer, file, "type", "BertNormalizer", false, err);

    if (status == 0)
        status = checkpoint_flag(normalizer, file, "lowercase", true, err);
    if (status == 0)
        status = checkpoint_flag(normalizer, file, "clean_text", true, err);
    if (status == 0)
        status = checkpoint_flag(normalizer, file, "handle_chinese_chars", true, err);
    if (status == 0)
        status = checkpoint_flag(normalizer, file, "strip_accents", true, err);
    return status;
}

static int check_tokenizer(const json_t *tokenizer, struct infer_error *err)
{
    static const char file[] = "tokenizer.json";
    const json_t *model = json_object_get(tokenizer, "model"), *limit;
    int status = checkpoint_word(model, file, "type", "WordPiece", true, err);

    if (status == 0)
        status =
            checkpoint_word(model, file, "continuing_subword_prefix", "##", false, err);
    if (status == 0)
        status = checkpoint_word(model, file, "unk_token", "[UNK]", false, err);
    if (status == 0)
        status = check_normalizer(json_object_get(tokenizer, "normalizer"), err);
    if (status == 0)
        status = checkpoint_word(json_object_get(tokenizer, "pre_tokenizer"), file,
                                 "type", "BertPreTokenizer", false, err);
    limit = json_object_get(model, "max_input_chars_per_word");
    if (status == 0 && json_integer_value(limit) != 100)
        status = checkpoint_refuse(err, file, "max_input_chars_per_word", limit, "100");
    return status;
}

static int check_tokenizer_config(const char *folder, struct infer_error *err)
{
    static const char file[] = "tokenizer_config.json";
    json_t *config;
    int status = checkpoint_json(folder, file, &config, err);

    if (status == 0)
        status = checkpoint_flag(config, file, "do_lower_case", true, err);
    if (status == 0)
        status = checkpoint_flag(config, file, "tokenize_chinese_chars", true, err);
    if (status == 0)
        status = checkpoint_flag(config, file, "strip_accents", true, err);
    json_decref(config);
    return status;
}

/* ---- the vocabulary ------------------------------------------------------------- */

static int fail_count(const struct checkpoint *c, const char *file, size_t found,
                      struct infer_error *err)
{
    return infer_fail(err, INFER_EFORMAT,
                      "%s holds %s%zu tokens, vocab_size in config.json is %u", file,
                      found > c->vocabulary ? "at least " : "", found, c->vocabulary);
}

/* One token a line; the line's number is the token's id. */
static int split_vocab(struct checkpoint *c, size_t bytes, struct infer_error *err)
{
    char *at = c->vocab_text, *end = at + bytes;
    size_t count = 0;

    while (at < end) {
        char *line_end = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((line_end != NULL ? line_end : end) - at);

        if (count == c->vocabulary)
            return fail_count(c, "vocab.txt", count + 1, err);
        c->token[count].text = at;
        c->token[count].bytes = length;
        if (length > 0 && at[length - 1] == '\r')
            c->token[count].bytes--;
        count++;
        at += length + 1;
    }
    return count == c->vocabulary ? 0 : fail_count(c, "vocab.txt", count, err);
}

static int vocab_from_json(struct checkpoint *c, json_t *vocab, struct infer_error *err)
{
    const char *token;
    json_t *id;

    if (json_object_size(vocab) != c->vocabulary)
        return fail_count(c, "tokenizer.json", json_object_size(vocab), err);
    json_object_foreach(vocab, token, id)
    {
        json_int_t i = json_integer_value(id);

        if (!json_is_integer(id) || i < 0 || i >= (json_int_t)c->vocabulary ||
            c->token[i].text != NULL)
            return infer_fail(err, INFER_EFORMAT,
                              "tokenizer.json: token \"%.60s\" has id %lld, which is "
                              "taken or beyond %u",
                              token, (long long)i, c->vocabulary);
        c->token[i] = (struct gguf_string){token, strlen(token)};
    }
    return 0;
}

/* Every token of vocab.txt has the same id in tokenizer.json. */
static int compare_vocabs(const struct checkpoint *c, const json_t *vocab,
                          struct infer_error *err)
{
    for (uint32_t i = 0; i < c->vocabulary; i++) {
        const json_t *id = json_object_getn(vocab, c->token[i].text, c->token[i].bytes);

        if (!json_is_integer(id) || json_integer_value(id) != (json_int_t)i)
            return infer_fail(err, INFER_EFORMAT,
                              "vocab.txt and tokenizer.json disagree about token %u "
                              "\"%.*s\"",
                              i, (int)c->token[i].bytes, c->token[i].text);
    }
    return 0;
}

/* Tokens added beside the vocabulary must be entries of it. */
static int check_added(const struct checkpoint *c, const json_t *added,
                       struct infer_error *err)
{
    const json_t *entry;
    size_t i;

    json_array_foreach(added, i, entry)
    {
        const char *content = json_string_value(json_object_get(entry, "content"));
        json_int_t id = json_integer_value(json_object_get(entry, "id"));

        if (content == NULL || checkpoint_token(c, content) != id)
            return checkpoint_refuse(err, "tokenizer.json", "an added token", entry,
                                     "one that the vocabulary holds");
    }
    return 0;
}

static int read_vocabulary(struct checkpoint *c, const char *folder,
                           struct infer_error *err)
{
    json_t *tokenizer, *vocab;
    size_t bytes = 0;
    int status = checkpoint_json(folder, "tokenizer.json", &tokenizer, err);

    c->tokenizer = tokenizer;
    if (status == 0)
        status = check_tokenizer_config(folder, err);
    if (status == 0 && tokenizer != NULL)
        status = check_tokenizer(tokenizer, err);
    if (status == 0)
        status = checkpoint_text(folder, "vocab.txt", &c->vocab_text, &bytes, err);
    if (status == 0 && c->vocab_text == NULL && tokenizer == NULL)
        status =
            infer_fail(err, INFER_EIO,
                       "%.120s holds neither vocab.txt nor tokenizer.json", folder);
    if (status != 0)
        return status;
    c->token = calloc(c->vocabulary, sizeof *c->token);
    if (c->token == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for %u tokens", c->vocabulary);
    vocab = json_object_get(json_object_get(tokenizer, "model"), "vocab");
    if (c->vocab_text != NULL)
        status = split_vocab(c, bytes, err);
    else
        status = vocab_from_json(c, vocab, err);
    if (status == 0 && c->vocab_text != NULL && tokenizer != NULL)
        status = compare_vocabs(c, vocab, err);
    if (status == 0)
        status = check_added(c, json_object_get(tokenizer, "added_tokens"), err);
    return status;
}

int64_t checkpoint_token(const struct checkpoint *c, const char *token)
{
    size_t bytes = strlen(token);

    for (uint32_t i = 0; i < c->vocabulary; i++)
        if (c->token[i].bytes == bytes && memcmp(c->token[i].text, token, bytes) == 0)
            return i;
    return -1;
}

/* ---- the folder ----------------------------------------------------------------- */

int checkpoint_open(struct checkpoint *out, const char *folder, struct infer_error *err)
{
    int status;

    *out = (struct checkpoint){0};
    status = read_config(out, folder, err);
    if (status == 0)
        status = read_pooling(out, folder, err);
    if (status == 0)
        status = read_vocabulary(out, folder, err);
    if (status == 0)
        status = checkpoint_card(&out->card, folder, err);
    if (status != 0)
        checkpoint_close(out);
    return status;
}

void checkpoint_close(struct checkpoint *c)
{
    json_decref(c->tokenizer);
    free(c->vocab_text);
    free(c->token);
    *c = (struct checkpoint){0};
}
