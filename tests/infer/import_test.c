/* A checkpoint folder becomes a GGUF file, or is refused by what was found in it. */
#include "infer/checkpoint.h"
#include "infer/tokenizer.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WIDTH = 32, FFN = 64, CONTEXT = 8, TOKENS = 8 };

static const char config_json[] =
    "{\"model_type\":\"bert\",\"hidden_act\":\"gelu\",\"hidden_size\":32,"
    "\"intermediate_size\":64,\"layer_norm_eps\":1e-12,\"max_position_embeddings\":8,"
    "\"num_attention_heads\":2,\"num_hidden_layers\":1,\"type_vocab_size\":2,"
    "\"vocab_size\":8,\"position_embedding_type\":\"absolute\",\"is_decoder\":false}";
static const char pooling_json[] =
    "{\"word_embedding_dimension\":32,\"pooling_mode_cls_token\":false,"
    "\"pooling_mode_mean_tokens\":true,\"pooling_mode_max_tokens\":false}";
static const char modules_json[] =
    "[{\"type\":\"sentence_transformers.models.Transformer\"},"
    "{\"type\":\"sentence_transformers.models.Pooling\"},"
    "{\"type\":\"sentence_transformers.models.Normalize\"}]";
static const char tokenizer_json[] =
    "{\"added_tokens\":[{\"id\":2,\"content\":\"[CLS]\"}],"
    "\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,"
    "\"handle_chinese_chars\":true,\"strip_accents\":null,\"lowercase\":true},"
    "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
    "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\","
    "\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100,"
    "\"vocab\":{\"[PAD]\":0,\"[UNK]\":1,\"[CLS]\":2,\"[SEP]\":3,\"[MASK]\":4,"
    "\"[unused0]\":5,\"hello\":6,\"##s\":7}}}";
static const char vocab_txt[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n[unused0]\nhello\r\n##s\n";
static const char readme_md[] = "---\nlanguage: en\nlicense: \"cc0-1.0\"\n---\n\n"
                                "Text.\n\n# tiny-sentences\n";

static const struct {
    const char *name, *text;
} text_files[] = {
    {"config.json", config_json},
    {"1_Pooling/config.json", pooling_json},
    {"modules.json", modules_json},
    {"tokenizer.json", tokenizer_json},
    {"vocab.txt", vocab_txt},
    {"README.md", readme_md},
    {"tokenizer_config.json", "{\"do_lower_case\":true}"},
};

enum { TEXT_FILES = sizeof text_files / sizeof *text_files };

/* What a test changes in the folder. */
struct change {
    const char *file;        /* a text file that is changed, or left out: */
    const char *from, *into; /* ... this part of it becomes that; NULL: left out */
    const char *dtype;       /* of the weights; NULL: "F32" */
    const char *renamed;     /* a tensor that gets the name "other.weight" */
    const char *prefix;      /* before every tensor's name */
    float spoiled;           /* the first value of every tensor, when not 0 */
};

struct folder {
    char path[64], out[80];
};

static const struct {
    const char *name;
    uint32_t rows, length; /* rows 0: a vector */
} tensors[] = {
    {"embeddings.position_ids", 1, CONTEXT},
    {"embeddings.LayerNorm.bias", 0, WIDTH},
    {"embeddings.LayerNorm.weight", 0, WIDTH},
    {"embeddings.position_embeddings.weight", CONTEXT, WIDTH},
    {"embeddings.token_type_embeddings.weight", 2, WIDTH},
    {"embeddings.word_embeddings.weight", TOKENS, WIDTH},
    {"encoder.layer.0.attention.output.LayerNorm.bias", 0, WIDTH},
    {"encoder.layer.0.attention.output.LayerNorm.weight", 0, WIDTH},
    {"encoder.layer.0.attention.output.dense.bias", 0, WIDTH},
    {"encoder.layer.0.attention.output.dense.weight", WIDTH, WIDTH},
    {"encoder.layer.0.attention.self.key.bias", 0, WIDTH},
    {"encoder.layer.0.attention.self.key.weight", WIDTH, WIDTH},
    {"encoder.layer.0.attention.self.query.bias", 0, WIDTH},
    {"encoder.layer.0.attention.self.query.weight", WIDTH, WIDTH},
    {"encoder.layer.0.attention.self.value.bias", 0, WIDTH},
    {"encoder.layer.0.attention.self.value.weight", WIDTH, WIDTH},
    {"encoder.layer.0.intermediate.dense.bias", 0, FFN},
    {"encoder.layer.0.intermediate.dense.weight", FFN, WIDTH},
    {"encoder.layer.0.output.LayerNorm.bias", 0, WIDTH},
    {"encoder.layer.0.output.LayerNorm.weight", 0, WIDTH},
    {"encoder.layer.0.output.dense.bias", 0, WIDTH},
    {"encoder.layer.0.output.dense.weight", WIDTH, FFN},
    {"pooler.dense.weight", WIDTH, WIDTH},
};

enum { TENSORS = sizeof tensors / sizeof *tensors, WORDS = 5 };

/* Sixty-fourths up to 127/64: exact in F16 and BF16 too. */
static float weight(size_t tensor, size_t i)
{
    return (float)((int)((i * 37 + tensor * 11) % 255) - 127) / 64;
}

static size_t values_of(size_t tensor)
{
    return tensors[tensor].length * (tensors[tensor].rows ? tensors[tensor].rows : 1);
}

/* ---- making a folder ---------------------------------------------------------------
 */

static uint16_t top_half(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)(bits >> 16);
}

/* Exact for the weights of this test. */
static uint16_t half_of(float value)
{
    int exponent;
    float fraction = frexpf(fabsf(value), &exponent);
    unsigned sign = signbit(value) ? 0x8000 : 0;

    if (value == 0)
        return 0;
    return (uint16_t)(sign | (unsigned)(exponent + 14) << 10 |
                      ((unsigned)(fraction * 2048) & 0x3ff));
}

static void write_value(FILE *file, float value, const char *dtype)
{
    uint16_t half = strcmp(dtype, "F16") == 0 ? half_of(value) : top_half(value);

    if (strcmp(dtype, "F32") == 0)
        fwrite(&value, sizeof value, 1, file);
    else
        fwrite(&half, sizeof half, 1, file);
}

static void describe(FILE *head, size_t i, size_t *at, size_t each,
                     const struct change *change)
{
    const char *dtype = change->dtype != NULL ? change->dtype : "F32";
    bool renamed = change->renamed && strcmp(change->renamed, tensors[i].name) == 0;
    size_t bytes = values_of(i) * each;

    fprintf(head, "%s\"%s%s\":{\"dtype\":\"%s\",\"shape\":[", i > 0 ? "," : "",
            change->prefix != NULL ? change->prefix : "",
            renamed ? "other.weight" : tensors[i].name, dtype);
    if (tensors[i].rows > 0)
        fprintf(head, "%u,", tensors[i].rows);
    fprintf(head, "%u],\"data_offsets\":[%zu,%zu]}", tensors[i].length, *at,
            *at + bytes);
    *at += bytes;
}

static void write_weights(const struct folder *f, const struct change *change)
{
    const char *dtype = change->dtype != NULL ? change->dtype : "F32";
    size_t each = strcmp(dtype, "F32") == 0 ? 4 : 2, at = 0, bytes;
    char path[128], *text = NULL;
    FILE *head = open_memstream(&text, &bytes), *file;
    uint64_t length;

    fputc('{', head);
    for (size_t i = 0; i < TENSORS; i++)
        describe(head, i, &at, each, change);
    fputc('}', head);
    fclose(head);
    snprintf(path, sizeof path, "%s/model.safetensors", f->path);
    file = fopen(path, "wb");
    length = bytes;
    fwrite(&length, sizeof length, 1, file);
    fwrite(text, 1, bytes, file);
    for (size_t i = 0; i < TENSORS; i++)
        for (size_t k = 0; k < values_of(i); k++)
            write_value(file,
                        k == 0 && change->spoiled != 0 ? change->spoiled : weight(i, k),
                        dtype);
    fclose(file);
    free(text);
}

static void write_text(const struct folder *f, size_t i, const struct change *change)
{
    const char *text = text_files[i].text, *part;
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", f->path, text_files[i].name);
    if (change->file == NULL || strcmp(change->file, text_files[i].name) != 0) {
        file = fopen(path, "wb");
        fputs(text, file);
        fclose(file);
    } else if (change->from != NULL) {
        part = strstr(text, change->from);
        assert_non_null(part);
        file = fopen(path, "wb");
        fprintf(file, "%.*s%s%s", (int)(part - text), text, change->into,
                part + strlen(change->from));
        fclose(file);
    }
}

static struct folder make_folder(const struct change *change)
{
    struct folder f = {"/tmp/import-test-XXXXXX", ""};
    char path[128];

    assert_non_null(mkdtemp(f.path));
    snprintf(f.out, sizeof f.out, "%s/out.gguf", f.path);
    snprintf(path, sizeof path, "%s/1_Pooling", f.path);
    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < TEXT_FILES; i++)
        write_text(&f, i, change);
    write_weights(&f, change);
    return f;
}

static void remove_folder(const struct folder *f)
{
    char path[128];

    for (size_t i = 0; i < TEXT_FILES; i++) {
        snprintf(path, sizeof path, "%s/%s", f->path, text_files[i].name);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/1_Pooling", f->path);
    rmdir(path);
    snprintf(path, sizeof path, "%s/model.safetensors", f->path);
    unlink(path);
    unlink(f->out);
    assert_int_equal(rmdir(f->path), 0); /* nothing else was left in it */
}

static void import_and_open(const struct change *change, const char *type,
                            struct infer_model **out)
{
    struct folder f = make_folder(change);
    struct infer_error err = {0};

    if (infer_import(f.path, f.out, type, &err) != 0 ||
        infer_model_open(out, f.out, &err) != 0)
        fail_msg("%s", err.text);
    remove_folder(&f);
}

/* ---- tests -------------------------------------------------------------------------
 */

static void the_file_holds_what_the_folder_says(void **state)
{
    struct infer_model_info info;
    struct infer_model *model;
    uint32_t number = 0;

    (void)state;
    import_and_open(&(struct change){0}, "F32", &model);
    infer_model_info(model, &info);
    assert_string_equal(info.name, "tiny-sentences");
    assert_string_equal(info.license, "cc0-1.0");
    assert_int_equal(info.layers, 1);
    assert_int_equal(info.context_tokens, CONTEXT);
    assert_int_equal(info.vocabulary_tokens, TOKENS);
    assert_int_equal(model->pooling, MODEL_POOL_MEAN);
    assert_true(model->norm_epsilon == 1e-12f);
    assert_int_equal(gguf_tensor_count(model->file), 21);
    assert_int_equal(gguf_get_u32(model->file, "general.file_type", &number, NULL), 0);
    assert_int_equal(number, 0);
    assert_int_equal(
        gguf_get_u32(model->file, "tokenizer.ggml.bos_token_id", &number, NULL), 0);
    assert_int_equal(number, 2);
    assert_int_equal(
        gguf_get_u32(model->file, "tokenizer.ggml.token_type_count", &number, NULL), 0);
    assert_int_equal(number, 2);
    infer_model_close(model);
}

static void tokens_are_spelt_as_gguf_spells_them(void **state)
{
    static const char *const wanted[TOKENS] = {"[PAD]",
                                               "[UNK]",
                                               "[CLS]",
                                               "[SEP]",
                                               "[MASK]",
                                               "\xe2\x96\x81[unused0]",
                                               "\xe2\x96\x81hello",
                                               "s"};
    const struct gguf_key *tokens, *types;
    struct infer_model *model;
    size_t at = 0;

    (void)state;
    import_and_open(&(struct change){0}, "F32", &model);
    assert_int_equal(gguf_get_array(model->file, "tokenizer.ggml.tokens", GGUF_STRING,
                                    &tokens, NULL),
                     0);
    assert_int_equal(gguf_get_array(model->file, "tokenizer.ggml.token_type", GGUF_I32,
                                    &types, NULL),
                     0);
    for (uint32_t i = 0; i < TOKENS; i++) {
        struct gguf_string token = gguf_array_next(tokens, &at);

        assert_int_equal(token.bytes, strlen(wanted[i]));
        assert_memory_equal(token.text, wanted[i], token.bytes);
        assert_int_equal(gguf_array_u32(types, i), i < 5 ? 3 : 1);
    }
    infer_model_close(model);
}

static void expect_weights(const struct infer_model *model)
{
    const float *words = model->token_embd->data, *down = model->layer[0].down->data;

    for (size_t i = 0; i < TOKENS * WIDTH; i++)
        assert_true(words[i] == weight(WORDS, i));
    for (size_t i = 0; i < WIDTH * FFN; i++)
        assert_true(down[i] == weight(21, i));
}

static void weights_of_every_float_type_come_through(void **state)
{
    static const char *const dtype[] = {"F32", "F16", "BF16"};
    struct infer_model *model;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        import_and_open(&(struct change){.dtype = dtype[i]}, "F32", &model);
        expect_weights(model);
        infer_model_close(model);
    }
}

static void a_prefix_before_every_name_is_taken_off(void **state)
{
    struct infer_model *model;

    (void)state;
    import_and_open(&(struct change){.prefix = "bert."}, "F32", &model);
    expect_weights(model);
    infer_model_close(model);
}

/* A block's scale is its largest magnitude over 127; values round half away from
 * zero: with 127 sixty-fourths in every block the scale is 1/64 and all are exact. */
static void q8_0_blocks_are_those_of_the_definition(void **state)
{
    struct infer_model *model;
    const uint8_t *block;

    (void)state;
    import_and_open(&(struct change){.spoiled = -127.0f / 64}, "Q8_0", &model);
    assert_int_equal(model->token_embd->type, GGUF_Q8_0);
    assert_int_equal(model->layer[0].q->type, GGUF_Q8_0);
    assert_int_equal(model->layer[0].q_bias->type, GGUF_F32);
    assert_int_equal(model->position_embd->type, GGUF_F32);
    assert_int_equal(model->token_types->type, GGUF_F32);
    block = model->token_embd->data;
    assert_int_equal(block[0] | block[1] << 8, 0x2400); /* 2^-6 */
    assert_int_equal((int8_t)block[2], -127);
    for (size_t i = 1; i < 32; i++)
        assert_int_equal((int8_t)block[2 + i], (int)(weight(WORDS, i) * 64));
    infer_model_close(model);
}

static void half_a_step_rounds_away_from_zero(void **state)
{
    struct infer_model *model;
    const uint8_t *block;

    (void)state;
    import_and_open(&(struct change){.spoiled = 254.0f / 64}, "Q8_0", &model);
    block = model->token_embd->data; /* the scale is 2/64: odd values lie half way */
    assert_int_equal(block[0] | block[1] << 8, 0x2800);
    for (size_t i = 1; i < 32; i++) {
        int value = (int)(weight(WORDS, i) * 64);

        assert_int_equal((int8_t)block[2 + i], value / 2 + value % 2);
    }
    infer_model_close(model);
}

static char *contents(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    char *text = malloc(1 << 20);

    assert_non_null(file);
    *bytes = fread(text, 1, 1 << 20, file);
    assert_true(*bytes < 1 << 20);
    fclose(file);
    return text;
}

static void the_same_folder_gives_the_same_bytes(void **state)
{
    struct folder a = make_folder(&(struct change){0});
    struct folder b = make_folder(&(struct change){.file = "tokenizer.json"});
    size_t a_bytes, b_bytes;
    char *x, *y;

    (void)state;
    assert_int_equal(infer_import(a.path, a.out, "Q8_0", NULL), 0);
    assert_int_equal(infer_import(a.path, a.out, "Q8_0", NULL), 0);
    assert_int_equal(infer_import(b.path, b.out, "Q8_0", NULL), 0);
    x = contents(a.out, &a_bytes);
    y = contents(b.out, &b_bytes);
    assert_int_equal(a_bytes, b_bytes);
    assert_memory_equal(x, y, a_bytes);
    free(x);
    free(y);
    remove_folder(&a);
    remove_folder(&b);
}

static void the_vocabulary_may_stand_in_either_file(void **state)
{
    struct infer_model *model;

    (void)state;
    import_and_open(&(struct change){.file = "vocab.txt"}, "F32", &model);
    assert_int_equal(model->tokenizer->closing, 3);
    infer_model_close(model);
    import_and_open(&(struct change){.file = "tokenizer.json"}, "F32", &model);
    assert_int_equal(model->tokenizer->closing, 3);
    infer_model_close(model);
}

/* Expect a refusal with this word in its text, and no file. */
static void expect_refusal(const struct change *change, const char *type, int wanted,
                           const char *word)
{
    struct folder f = make_folder(change);
    struct infer_error err = {0};
    int status = infer_import(f.path, f.out, type, &err);

    if (status != wanted || strstr(err.text, word) == NULL)
        fail_msg("status %d, wanted %d about \"%s\": %s", status, wanted, word,
                 err.text);
    assert_int_equal(access(f.out, F_OK), -1);
    remove_folder(&f);
}

static void settings_that_would_be_computed_otherwise_are_refused(void **state)
{
    static const char config[] = "config.json", tokens[] = "tokenizer.json",
                      pooling[] = "1_Pooling/config.json";
    static const struct {
        const char *file, *from, *into;
        int status;
        const char *word;
    } setting[] = {
        {config, "\"bert\"", "\"roberta\"", INFER_EUNSUPPORTED, "roberta"},
        {config, "\"gelu\"", "\"gelu_new\"", INFER_EUNSUPPORTED, "gelu_new"},
        {config, "absolute", "relative_key", INFER_EUNSUPPORTED, "relative_key"},
        {config, "\"is_decoder\":false", "\"is_decoder\":true", INFER_EUNSUPPORTED,
         "is_decoder"},
        {config, "\"hidden_size\":32", "\"hidden_size\":0", INFER_EFORMAT,
         "hidden_size"},
        {config, "\"hidden_size\":32", "\"hidden_size\":\"32\"", INFER_EFORMAT,
         "hidden_size"},
        {config, "\"num_attention_heads\":2", "\"num_attention_heads\":3",
         INFER_EFORMAT, "num_attention_heads"},
        {config, "\"num_hidden_layers\":1", "\"num_hidden_layers\":2", INFER_EFORMAT,
         "too few"},
        {config, "\"vocab_size\":8", "\"vocab_size\":9", INFER_EFORMAT, "vocab_size"},
        {config, "\"vocab_size\":8", "\"vocab_size\":7", INFER_EFORMAT, "vocab_size"},
        {config, "1e-12", "0", INFER_EFORMAT, "layer_norm_eps"},
        {config, "}", "", INFER_EFORMAT, "config.json"},
        {config, NULL, NULL, INFER_EIO, "config.json"},
        {pooling, "max_tokens\":false", "max_tokens\":true", INFER_EUNSUPPORTED,
         "pooling_mode"},
        {pooling, "mean_tokens\":true", "mean_tokens\":false", INFER_EUNSUPPORTED,
         "pooling"},
        {pooling, "cls_token\":false", "cls_token\":true", INFER_EUNSUPPORTED,
         "pooling_mode"},
        {pooling, NULL, NULL, INFER_EUNSUPPORTED, "pooling"},
        {"modules.json", "Normalize", "Dense", INFER_EUNSUPPORTED, "Dense"},
        {tokens, "WordPiece", "BPE", INFER_EUNSUPPORTED, "BPE"},
        {tokens, "\"lowercase\":true", "\"lowercase\":false", INFER_EUNSUPPORTED,
         "lowercase"},
        {tokens, "\"strip_accents\":null", "\"strip_accents\":false",
         INFER_EUNSUPPORTED, "strip_accents"},
        {tokens, "BertPreTokenizer", "Whitespace", INFER_EUNSUPPORTED, "Whitespace"},
        {tokens, "word\":100", "word\":50", INFER_EUNSUPPORTED, "max_input_chars"},
        {tokens, "\"hello\":6", "\"hallo\":6", INFER_EFORMAT, "disagree"},
        {tokens, "\"id\":2", "\"id\":3", INFER_EUNSUPPORTED, "added token"},
        {"tokenizer_config.json", "true", "false", INFER_EUNSUPPORTED, "do_lower_case"},
        {"vocab.txt", "[SEP]\n", "[SEB]\n", INFER_EFORMAT, "disagree"},
        {"vocab.txt", "##s\n", "", INFER_EFORMAT, "vocab.txt holds 7"},
        {"vocab.txt", "##s\n", "##s\nx\n", INFER_EFORMAT, "vocab.txt holds"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof setting / sizeof *setting; i++)
        expect_refusal(&(struct change){.file = setting[i].file,
                                        .from = setting[i].from,
                                        .into = setting[i].into},
                       "F32", setting[i].status, setting[i].word);
}

static void weights_of_another_kind_are_refused(void **state)
{
    (void)state;
    expect_refusal(&(struct change){.renamed = "pooler.dense.weight"}, "F32",
                   INFER_EUNSUPPORTED, "other.weight");
    expect_refusal(&(struct change){.renamed = "embeddings.LayerNorm.bias"}, "F32",
                   INFER_EFORMAT, "embeddings.LayerNorm.bias is missing");
    expect_refusal(&(struct change){.dtype = "I16"}, "F32", INFER_EUNSUPPORTED, "I16");
    expect_refusal(&(struct change){.prefix = "roberta."}, "F32", INFER_EFORMAT,
                   "embeddings.word_embeddings.weight is missing");
    expect_refusal(&(struct change){.file = "config.json",
                                    .from = "\"intermediate_size\":64",
                                    .into = "\"intermediate_size\":63"},
                   "F32", INFER_EFORMAT, "intermediate.dense.weight");
}

static void numbers_that_cannot_be_stored_are_refused(void **state)
{
    struct infer_model *model;

    (void)state;
    expect_refusal(&(struct change){.spoiled = NAN}, "F32", INFER_EUNSUPPORTED, "nan");
    expect_refusal(&(struct change){.spoiled = -INFINITY}, "F32", INFER_EUNSUPPORTED,
                   "inf");
    expect_refusal(&(struct change){.spoiled = 65505.0f * 127}, "Q8_0",
                   INFER_EUNSUPPORTED, "Q8_0");
    import_and_open(&(struct change){.spoiled = 65504.0f * 127}, "Q8_0", &model);
    infer_model_close(model);
}

static void a_type_that_is_not_written_is_refused(void **state)
{
    (void)state;
    expect_refusal(&(struct change){0}, "Q4_0", INFER_EINVALID, "Q4_0");
    expect_refusal(&(struct change){0}, "", INFER_EINVALID, "F32 and Q8_0");
}

static void a_folder_that_is_not_there_is_refused(void **state)
{
    struct infer_error err;

    (void)state;
    assert_int_equal(infer_import("tests/no-such-folder", "/tmp/x.gguf", "F32", &err),
                     INFER_EIO);
    assert_non_null(strstr(err.text, "no-such-folder"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_holds_what_the_folder_says),
        cmocka_unit_test(tokens_are_spelt_as_gguf_spells_them),
        cmocka_unit_test(weights_of_every_float_type_come_through),
        cmocka_unit_test(a_prefix_before_every_name_is_taken_off),
        cmocka_unit_test(q8_0_blocks_are_those_of_the_definition),
        cmocka_unit_test(half_a_step_rounds_away_from_zero),
        cmocka_unit_test(the_same_folder_gives_the_same_bytes),
        cmocka_unit_test(the_vocabulary_may_stand_in_either_file),
        cmocka_unit_test(settings_that_would_be_computed_otherwise_are_refused),
        cmocka_unit_test(weights_of_another_kind_are_refused),
        cmocka_unit_test(numbers_that_cannot_be_stored_are_refused),
        cmocka_unit_test(a_type_that_is_not_written_is_refused),
        cmocka_unit_test(a_folder_that_is_not_there_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
