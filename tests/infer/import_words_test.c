/* The vocabulary of a checkpoint, from each kind of file it may stand in. */
#include "infer/tokenizer.h"
#include "tests/infer/decoder_folder.h"

static const struct tiny_decoder decoder = {
    .architecture = "llama", .layers = 1, .heads = 4, .kv_heads = 2, .key_size = 64};

static struct infer_model *import(const struct folder_change *change)
{
    return folder_import(&decoder, "llama", change, "F32");
}

static void expect_ids(const struct infer_model *model, const char *text,
                       const char *wanted)
{
    struct infer_tokens ids = {0};
    char found[256] = "";
    size_t at = 0;

    assert_int_equal(infer_tokenize(model, text, strlen(text),
                                    INFER_ADD_SPECIAL | INFER_PARSE_SPECIAL, &ids,
                                    NULL),
                     0);
    for (size_t i = 0; i < ids.count; i++)
        at += (size_t)snprintf(found + at, sizeof found - at, "%s%d", i > 0 ? " " : "",
                               ids.id[i]);
    if (strcmp(found, wanted) != 0)
        fail_msg("\"%s\" is %s, wanted %s", text, found, wanted);
    infer_tokens_free(&ids);
}

static const struct token *token_at(const struct infer_model *model, uint32_t id)
{
    return &model->tokenizer->vocabulary.token[id];
}

static void expect_token(const struct infer_model *model, uint32_t id, const char *text,
                         int type)
{
    const struct token *token = token_at(model, id);

    if (token->bytes != strlen(text) || memcmp(token->text, text, token->bytes) != 0 ||
        token->type != type)
        fail_msg("token %u is \"%.*s\" of type %d", id, (int)token->bytes, token->text,
                 token->type);
}

static bool says(const struct infer_model *model, const char *key)
{
    bool value = false;

    assert_int_equal(gguf_get_bool(model->file, key, &value, NULL), 0);
    return value;
}

/* ---- byte-level --------------------------------------------------------------- */

/* A vocabulary of its letters: those the texts here need, and a space. */
#define LETTERS                                                                \
    "\"h\":3,\"e\":4,\"l\":5,\"o\":6,\"\xc4\xa0\":7,\"w\":8,\"r\":9,\"d\":10," \
    "\"1\":11,\"2\":12,\"he\":13,\"ll\":14,\"hell\":15,\"hello\":16,"          \
    "\"\xc4\xa0w\":17,\"12\":18"
#define MERGES "\"h e\",\"l l\",\"he ll\",\"hell o\",\"\xc4\xa0 w\",\"1 2\""
#define ADDED                                                                  \
    "\"added_tokens\":[{\"id\":0,\"content\":\"<|begin|>\",\"special\":true}," \
    "{\"id\":1,\"content\":\"<|end|>\",\"special\":true},"                     \
    "{\"id\":2,\"content\":\"<tool>\",\"special\":false}]"
#define BYTES_OF(use) \
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":" use "}"
#define SPLIT(regex)                                      \
    "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" regex \
    "\"},\"behavior\":\"Isolated\",\"invert\":false}"
#define TOKENIZER(cut, merges, more)                                           \
    "{" ADDED ",\"pre_tokenizer\":" cut                                        \
    ",\"model\":{\"type\":\"BPE\",\"vocab\":{" LETTERS "},\"merges\":[" merges \
    "]}" more "}"
#define SEQUENCE(steps) "{\"type\":\"Sequence\",\"pretokenizers\":[" steps "]}"

static void byte_level_words_and_merges_come_through(void **state)
{
    const struct folder_change plain = {
        .tokenizer = TOKENIZER(BYTES_OF("true"), MERGES, ""),
        .settings = "{\"bos_token\":{\"content\":\"<|begin|>\"},"
                    "\"eos_token\":\"<|end|>\"}"};
    struct infer_model *model = import(&plain);

    (void)state;
    assert_string_equal(model->tokenizer->kind->name, "gpt2");
    expect_ids(model, "hello world", "16 17 6 9 5 10");
    expect_ids(model, "hello<|end|>12<tool>", "16 1 18 2");
    expect_token(model, 0, "<|begin|>", TOKEN_CONTROL);
    expect_token(model, 2, "<tool>", TOKEN_USER_DEFINED);
    expect_token(model, 16, "hello", TOKEN_NORMAL);
    expect_token(model, 19, "[PAD19]", TOKEN_UNUSED);
    assert_int_equal(infer_token_bos(model), 0);
    assert_true(infer_token_is_end(model, 1));
    assert_false(says(model, "tokenizer.ggml.add_bos_token"));
    assert_false(says(model, "tokenizer.ggml.add_eos_token"));
    infer_model_close(model);
}

static void merges_may_be_written_as_pairs(void **state)
{
    const struct folder_change pairs = {
        .tokenizer = TOKENIZER(BYTES_OF("true"),
                               "[\"h\",\"e\"],[\"l\",\"l\"],[\"he\",\"ll\"]", "")};
    const struct folder_change wrong = {.tokenizer =
                                            TOKENIZER(BYTES_OF("true"), "[\"h\"]", "")};
    struct infer_model *model = import(&pairs);

    (void)state;
    expect_ids(model, "hello", "15 6");
    infer_model_close(model);
    folder_refused(&decoder, "llama", &wrong, INFER_EFORMAT, "merge 0 is no pair");
}

/* By the settings, else by the template that is put around a text. */
static void flags_say_what_stands_around_a_text(void **state)
{
    static const char begins[] = TOKENIZER(
        BYTES_OF("true"), MERGES,
        ",\"post_processor\":{\"type\":\"Sequence\",\"processors\":[{\"type\":"
        "\"ByteLevel\"},{\"type\":\"TemplateProcessing\",\"single\":[{"
        "\"SpecialToken\":{\"id\":\"<|begin|>\",\"type_id\":0}},{\"Sequence\":"
        "{\"id\":\"A\",\"type_id\":0}}]}]}");
    static const char ends[] = TOKENIZER(
        BYTES_OF("true"), MERGES,
        ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{"
        "\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"SpecialToken\":{\"id\":"
        "\"<|end|>\",\"type_id\":0}}]}");
    static const char named[] =
        "{\"bos_token\":\"<|begin|>\",\"eos_token\":\"<|end|>\"}";
    static const char told[] = "{\"bos_token\":\"<|begin|>\",\"eos_token\":\"<|end|>\","
                               "\"add_bos_token\":false,\"add_eos_token\":true}";
    struct infer_model *model;

    (void)state;
    model = import(&(struct folder_change){.tokenizer = begins, .settings = named});
    expect_ids(model, "hello", "0 16");
    infer_model_close(model);
    model = import(&(struct folder_change){.tokenizer = ends, .settings = named});
    expect_ids(model, "hello", "16 1");
    infer_model_close(model);
    model = import(&(struct folder_change){.tokenizer = begins, .settings = told});
    expect_ids(model, "hello", "16 1");
    infer_model_close(model);
}

#define SUFFIX "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|"
#define TAIL \
    "| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"

static void the_family_that_cuts_so_is_named(void **state)
{
    static const struct {
        const char *tokenizer, *pre;
    } cases[] = {
        {TOKENIZER(BYTES_OF("true"), MERGES, ""), "gpt-2"},
        {TOKENIZER(
             SEQUENCE(
                 "{\"type\":\"Digits\",\"individual_digits\":true}," BYTES_OF("true")),
             MERGES, ""),
         "smollm"},
        {TOKENIZER(SEQUENCE(SPLIT(SUFFIX "\\\\p{N}{1,3}" TAIL) "," BYTES_OF("false")),
                   MERGES, ""),
         "dbrx"},
        {TOKENIZER(SEQUENCE(SPLIT(SUFFIX "\\\\p{N}" TAIL) "," BYTES_OF("false")),
                   MERGES, ",\"normalizer\":{\"type\":\"NFC\"}"),
         "qwen2"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct infer_model *model =
            import(&(struct folder_change){.tokenizer = cases[i].tokenizer});
        struct gguf_string pre = {"", 0};

        assert_int_equal(gguf_get_string(model->file, "tokenizer.ggml.pre", &pre, NULL),
                         0);
        if (pre.bytes != strlen(cases[i].pre) ||
            memcmp(pre.text, cases[i].pre, pre.bytes) != 0)
            fail_msg("%.*s, wanted %s", (int)pre.bytes, pre.text, cases[i].pre);
        infer_model_close(model);
    }
}

static void text_cut_in_another_way_is_refused(void **state)
{
    static const struct {
        const char *tokenizer, *word;
        int status;
    } cases[] = {
        {TOKENIZER(SEQUENCE(SPLIT("[aeiou]+") "," BYTES_OF("false")), MERGES, ""),
         "text is cut by \"Split [aeiou]+", INFER_EUNSUPPORTED},
        {TOKENIZER(SEQUENCE(BYTES_OF("true") "," SPLIT("x")), MERGES, ""),
         "text is cut by", INFER_EUNSUPPORTED},
        {TOKENIZER(SEQUENCE("{\"type\":\"Punctuation\"}," BYTES_OF("true")), MERGES,
                   ""),
         "{\"type\":\"Punctuation\"}", INFER_EUNSUPPORTED},
        {TOKENIZER("{\"type\":\"ByteLevel\",\"add_prefix_space\":true}", MERGES, ""),
         "add_prefix_space is true", INFER_EUNSUPPORTED},
        {TOKENIZER(BYTES_OF("true"), MERGES,
                   ",\"normalizer\":{\"type\":\"Lowercase\"}"),
         "Lowercase", INFER_EUNSUPPORTED},
        {TOKENIZER("{\"type\":\"Whitespace\"}", MERGES, ""), "model.type",
         INFER_EUNSUPPORTED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        folder_refused(&decoder, "llama",
                       &(struct folder_change){.tokenizer = cases[i].tokenizer},
                       cases[i].status, cases[i].word);
}

static void ids_beyond_the_embedding_are_refused(void **state)
{
    static const char beyond[] =
        "{\"added_tokens\":[{\"id\":300,\"content\":\"<x>\",\"special\":true}],"
        "\"pre_tokenizer\":" BYTES_OF(
            "true") ",\"model\":{\"type\":\"BPE\",\"vocab\":{" LETTERS
                    "},\"merges\":[]}}";
    static const char negative[] = "{\"<x>\":-1}";

    (void)state;
    folder_refused(&decoder, "llama", &(struct folder_change){.tokenizer = beyond},
                   INFER_EFORMAT,
                   "\"<x>\" has id 300, vocab_size of config.json is 300");
    folder_refused(&decoder, "llama", &(struct folder_change){.added = negative},
                   INFER_EFORMAT, "\"<x>\" has id -1");
}

/* ---- chat --------------------------------------------------------------------- */

static void expect_template(const struct folder_change *change, const char *wanted)
{
    struct infer_model *model = import(change);
    struct gguf_string found = {"", 0};

    assert_int_equal(
        gguf_get_string(model->file, "tokenizer.chat_template", &found, NULL), 0);
    assert_int_equal(found.bytes, strlen(wanted));
    assert_memory_equal(found.text, wanted, found.bytes);
    infer_model_close(model);
}

static void the_chats_template_is_kept(void **state)
{
    (void)state;
    expect_template(
        &(struct folder_change){.settings = "{\"chat_template\":\"{{ a\\n }}\"}"},
        "{{ a\n }}");
    expect_template(
        &(struct folder_change){
            .settings = "{\"chat_template\":[{\"name\":\"tools\",\"template\":\"t\"},"
                        "{\"name\":\"default\",\"template\":\"{{ d }}\"}]}"},
        "{{ d }}");
    expect_template(&(struct folder_change){.settings = "{\"chat_template\":\"old\"}",
                                            .template = "{{ file }}\n"},
                    "{{ file }}\n");
}

/* ---- pieces ------------------------------------------------------------------- */

static void pieces_come_with_types_and_flags(void **state)
{
    const struct folder_change added = {
        .added = "{\"<|tool|>\":280}",
        .settings = "{\"added_tokens_decoder\":{\"281\":{\"content\":\"<|end|>\","
                    "\"special\":true},\"1\":{\"content\":\"<s>\",\"special\":true}},"
                    "\"eos_token\":\"<|end|>\"}"};
    struct infer_model *model = import(&added);

    (void)state;
    assert_string_equal(model->tokenizer->kind->name, "llama");
    expect_token(model, 0, "<unk>", TOKEN_UNKNOWN);
    expect_token(model, 1, "<s>", TOKEN_CONTROL);
    expect_token(model, 3 + 'A', "A", TOKEN_BYTE);
    expect_token(model, 259, "aa", TOKEN_NORMAL);
    expect_token(model, 280, "<|tool|>", TOKEN_USER_DEFINED);
    expect_token(model, 281, "<|end|>", TOKEN_CONTROL);
    assert_true(says(model, "tokenizer.ggml.add_space_prefix"));
    assert_true(says(model, "tokenizer.ggml.add_bos_token"));
    assert_int_equal(infer_token_bos(model), 1);
    assert_true(infer_token_is_end(model, 281));
    infer_model_close(model);
}

static void damaged_pieces_are_refused(void **state)
{
    static const struct {
        const char *from, *into;
    } cases[] = {
        {"\n\x0e", "\n\x7f"},               /* a length that runs into other pieces */
        {"\n\x05<unk>", "\x0a\x7e<unk>"},   /* and beyond its own */
        {"\x0a\x05<unk>", "\x0b\x05<unk>"}, /* a kind of field that does not exist */
        {"\x18\x02", "\x18\x09"},           /* a type that does not exist */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        folder_refused(&decoder, "llama",
                       &(struct folder_change){.pieces_from = cases[i].from,
                                               .pieces_into = cases[i].into},
                       INFER_EFORMAT, "tokenizer.model is no SentencePiece model");
    folder_refused(&decoder, "llama",
                   &(struct folder_change){.pieces_from = "\x12\x02\x18\x02",
                                           .pieces_into = "\x12\x02\x18\x01"},
                   INFER_EUNSUPPORTED, "tokenizer.model is of type 1");
}

#define PIECES(normalizer, merges)                                                   \
    "{\"added_tokens\":[{\"id\":1,\"content\":\"<s>\",\"special\":true}],"           \
    "\"normalizer\":" normalizer ",\"pre_tokenizer\":null,\"model\":{\"type\":"      \
    "\"BPE\",\"byte_fallback\":true,\"unk_token\":\"<unk>\",\"vocab\":{\"<unk>\":0," \
    "\"<s>\":1,\"<0x21>\":2,\"\xe2\x96\x81\":3,\"a\":4,\"b\":5,\"c\":6,\"ab\":7,"    \
    "\"bc\":8,\"abc\":9,\"\xe2\x96\x81"                                              \
    "a\":10},\"merges\":[" merges "]}}"
#define PREPENDED                                                                \
    "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":" \
    "\"\xe2\x96\x81\"},{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},"    \
    "\"content\":\"\xe2\x96\x81\"}]}"
#define REPLACED                                                        \
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":" \
    "\"\xe2\x96\x81\"}"

/* "bc" comes before "ab", whatever the ids are: what merges first decides. */
static void scores_follow_the_order_of_merges(void **state)
{
    struct infer_model *model = import(&(struct folder_change){
        .tokenizer = PIECES(PREPENDED, "\"b c\",\"a b\",\"a bc\",\"ab c\"")});

    (void)state;
    expect_token(model, 0, "<unk>", TOKEN_UNKNOWN);
    expect_token(model, 2, "!", TOKEN_BYTE);
    assert_true(says(model, "tokenizer.ggml.add_space_prefix"));
    expect_ids(model, "abc!", "1 3 9 2");
    expect_ids(model, "ab", "1 3 7");
    infer_model_close(model);
    model = import(&(struct folder_change){
        .tokenizer = PIECES(
            REPLACED, "\"b c\",[\"\xe2\x96\x81\",\"a\"],\"a b\",\"a bc\",\"ab c\"")});
    assert_false(says(model, "tokenizer.ggml.add_space_prefix"));
    expect_ids(model, "abc", "1 9");
    expect_ids(model, "b ab", "1 5 10 5");
    infer_model_close(model);
}

static void merges_that_hide_their_scores_are_refused(void **state)
{
    static const struct {
        const char *tokenizer, *word;
        int status;
    } cases[] = {
        {PIECES(PREPENDED, "\"a bc\",\"b c\",\"ab c\""),
         "merges to \"abc\" do not stand together", INFER_EUNSUPPORTED},
        {PIECES(PREPENDED, "\"a c\""),
         "merge 0 makes \"ac\", which the vocabulary lacks", INFER_EFORMAT},
        {PIECES(PREPENDED, "\"abc\""), "merge 0 is no pair", INFER_EFORMAT},
        {PIECES("{\"type\":\"NFKC\"}", ""), "NFKC", INFER_EUNSUPPORTED},
        {PIECES("{\"type\":\"Prepend\",\"prepend\":\"_\"}", ""), "prepend is \"_\"",
         INFER_EUNSUPPORTED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        folder_refused(&decoder, "llama",
                       &(struct folder_change){.tokenizer = cases[i].tokenizer},
                       cases[i].status, cases[i].word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(byte_level_words_and_merges_come_through),
        cmocka_unit_test(merges_may_be_written_as_pairs),
        cmocka_unit_test(flags_say_what_stands_around_a_text),
        cmocka_unit_test(the_family_that_cuts_so_is_named),
        cmocka_unit_test(text_cut_in_another_way_is_refused),
        cmocka_unit_test(ids_beyond_the_embedding_are_refused),
        cmocka_unit_test(the_chats_template_is_kept),
        cmocka_unit_test(pieces_come_with_types_and_flags),
        cmocka_unit_test(damaged_pieces_are_refused),
        cmocka_unit_test(scores_follow_the_order_of_merges),
        cmocka_unit_test(merges_that_hide_their_scores_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
