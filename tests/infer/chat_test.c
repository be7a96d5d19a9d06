/* The markup of each family, how it is recognised, and that a document cannot add to
 * it. Templates here are as short as their signs allow. */
#include "tests/infer/chats.h"
#include "tests/infer/tiny.h"

#define BAR   "\xef\xbd\x9c"
#define LOW   "\xe2\x96\x81" /* U+2581, the space */
#define BEGIN "<" BAR "begin" LOW "of" LOW "sentence" BAR ">"

/* Every token that some family's markup has, all of them special. */
static const struct vocab_token tokens[] = {
    {"a", TOKEN_NORMAL, 0},
    {"\xc4\xa0", TOKEN_NORMAL, 0},
    {"\xc4\x8a", TOKEN_NORMAL, 0},
    {"<s>", TOKEN_CONTROL, 0},
    {"</s>", TOKEN_CONTROL, 0},
    {"<|im_start|>", TOKEN_CONTROL, 0},
    {"<|im_end|>", TOKEN_CONTROL, 0},
    {"<|im_sep|>", TOKEN_CONTROL, 0},
    {"<|begin_of_text|>", TOKEN_CONTROL, 0},
    {"<|start_header_id|>", TOKEN_CONTROL, 0},
    {"<|end_header_id|>", TOKEN_CONTROL, 0},
    {"<|eot_id|>", TOKEN_CONTROL, 0},
    {"<bos>", TOKEN_CONTROL, 0},
    {"<start_of_turn>", TOKEN_CONTROL, 0},
    {"<end_of_turn>", TOKEN_CONTROL, 0},
    {"[INST]", TOKEN_CONTROL, 0},
    {"[/INST]", TOKEN_CONTROL, 0},
    {"[SYSTEM_PROMPT]", TOKEN_CONTROL, 0},
    {"[/SYSTEM_PROMPT]", TOKEN_CONTROL, 0},
    {"<|system|>", TOKEN_CONTROL, 0},
    {"<|user|>", TOKEN_USER_DEFINED, 0},
    {"<|assistant|>", TOKEN_CONTROL, 0},
    {"<|end|>", TOKEN_CONTROL, 0},
    {"<|start_of_role|>", TOKEN_CONTROL, 0},
    {"<|end_of_role|>", TOKEN_CONTROL, 0},
    {"<|end_of_text|>", TOKEN_CONTROL, 0},
    {"<" BAR "User" BAR ">", TOKEN_USER_DEFINED, 0},
    {"<" BAR "Assistant" BAR ">", TOKEN_USER_DEFINED, 0},
    {BEGIN, TOKEN_CONTROL, 0},
    {"<|EOT|>", TOKEN_USER_DEFINED, 0},
};

/* Of an older Mistral: its markup is words, a space stands before every text. */
static const struct vocab_token piece_tokens[] = {
    {"<unk>", TOKEN_UNKNOWN, 0}, {"<s>", TOKEN_CONTROL, 0}, {"</s>", TOKEN_CONTROL, 0},
    {"a", TOKEN_NORMAL, 0},      {LOW, TOKEN_NORMAL, 0},
};

static const char *const no_merges[] = {NULL};

static struct vocab vocab(const char *template)
{
    return (struct vocab){.model = "gpt2",
                          .pre = "gpt-2",
                          .token = tokens,
                          .tokens = sizeof tokens / sizeof *tokens,
                          .merge = no_merges,
                          .number = {{"tokenizer.ggml.eos_token_id", 4}},
                          .chat_template = template};
}

static struct vocab pieces(const char *template)
{
    return (struct vocab){.model = "llama",
                          .token = piece_tokens,
                          .tokens = sizeof piece_tokens / sizeof *piece_tokens,
                          .number = {{"tokenizer.ggml.bos_token_id", 1},
                                     {"tokenizer.ggml.eos_token_id", 2},
                                     {"tokenizer.ggml.unknown_token_id", 0}},
                          .chat_template = template};
}

static int find(const struct vocab *v, const char *name, struct infer_chat *out,
                struct infer_error *err)
{
    struct gguf *file = vocab_file(v);
    struct tokenizer *t = NULL;
    int status;

    assert_int_equal(tokenizer_open(&t, file, err), 0);
    status = chat_find(t, file, name, out, err);
    tokenizer_close(t);
    gguf_close(file);
    return status;
}

/* ---- markup ---------------------------------------------------------------------- */

static const struct known {
    const char *name, *template, *rendered;
} known[] = {
    {"chatml", "'<|im_start|>' + role + '\n' + text + '<|im_end|>'",
     "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n"
     "<|im_start|>assistant\n"},
    {"qwen3",
     "<|im_start|> <|im_end|> {% if enable_thinking is false %}"
     "'<think>\\n\\n</think>\\n\\n'",
     "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n"
     "<|im_start|>assistant\n<think>\n\n</think>\n\n"},
    {"phi4", "'<|im_start|>' + role + '<|im_sep|>' + text + '<|im_end|>'",
     "<|im_start|>system<|im_sep|>S<|im_end|><|im_start|>user<|im_sep|>U<|im_end|>"
     "<|im_start|>assistant<|im_sep|>"},
    {"llama3", "'<|start_header_id|>' + role + '<|end_header_id|>' '<|eot_id|>'",
     "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|>"
     "<|start_header_id|>user<|end_header_id|>\n\nU<|eot_id|>"
     "<|start_header_id|>assistant<|end_header_id|>\n\n"},
    {"gemma", "'<start_of_turn>' + role + '\n' + text | trim + '<end_of_turn>\n'",
     "<bos><start_of_turn>user\nS\n\nU<end_of_turn>\n<start_of_turn>model\n"},
    {"mistral-v7", "'[SYSTEM_PROMPT]' '[/SYSTEM_PROMPT]' '[INST]' '[/INST]'",
     "<s>[SYSTEM_PROMPT]S[/SYSTEM_PROMPT][INST]U[/INST]"},
    {"mistral-v3", "\"[INST]\" + text + \"[/INST]\"", "<s>[INST]S\n\nU[/INST]"},
    {"llama2", "'[INST] ' '<<SYS>>' ' [/INST]'",
     "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\nU [/INST]"},
    {"phi3", "'<|user|>' + '\n' + text + '<|end|>' + '\n' + '<|assistant|>'",
     "<|system|>\nS<|end|>\n<|user|>\nU<|end|>\n<|assistant|>\n"},
    {"phi4-mini",
     "'<|' + message['role'] + '|>' + message['content'] + '<|end|>' '<|assistant|>'",
     "<|system|>S<|end|><|user|>U<|end|><|assistant|>"},
    {"zephyr", "'<|user|>\\n' + message['content'] + eos_token '<|assistant|>'",
     "<|system|>\nS</s>\n<|user|>\nU</s>\n<|assistant|>\n"},
    {"zephyr", "'<|user|>\n' + message['content'] + eos_token '<|assistant|>'",
     "<|system|>\nS</s>\n<|user|>\nU</s>\n<|assistant|>\n"},
    {"granite", "'<|start_of_role|>' '<|end_of_role|>' '<|end_of_text|>'",
     "<|start_of_role|>system<|end_of_role|>S<|end_of_text|>\n"
     "<|start_of_role|>user<|end_of_role|>U<|end_of_text|>\n"
     "<|start_of_role|>assistant<|end_of_role|>"},
    {"deepseek3", "'<" BAR "User" BAR ">' + text + '<" BAR "Assistant" BAR ">'",
     BEGIN "S<" BAR "User" BAR ">U<" BAR "Assistant" BAR ">"},
    {"deepseek-r1", "'<" BAR "User" BAR ">' + text + '<" BAR "Assistant" BAR "><think>",
     BEGIN "S<" BAR "User" BAR ">U<" BAR "Assistant" BAR "><think>\n\n</think>\n\n"},
    {"deepseek",
     "'User: ' + message['content'] + '\\n\\n' "
     "'Assistant: ' + message['content'] + eos_token",
     BEGIN "S\n\nUser: U\n\nAssistant:"},
    {"deepseek-coder", "'### Instruction:' '### Response:' '<|EOT|>'",
     BEGIN "S\n### Instruction:\nU\n### Response:\n"},
};

enum { KNOWN = sizeof known / sizeof *known };

static void a_family_is_recognised_by_its_template(void **state)
{
    (void)state;
    for (size_t i = 0; i < KNOWN; i++) {
        struct vocab v = vocab(known[i].template);
        struct infer_error err = {0};
        struct infer_chat chat;

        if (find(&v, NULL, &chat, &err) != 0)
            fail_msg("%s: %s", known[i].name, err.text);
        assert_string_equal(chat.name, known[i].name);
    }
}

static void the_markup_of_a_family_is_exact(void **state)
{
    char got[512];

    (void)state;
    for (size_t i = 0; i < KNOWN; i++) {
        struct vocab v = vocab(NULL);
        struct infer_chat chat;

        assert_int_equal(find(&v, known[i].name, &chat, NULL), 0);
        render(&chat, "S", "U", got);
        assert_string_equal(got, known[i].rendered);
    }
}

static void an_older_mistral_has_no_markup_tokens(void **state)
{
    struct vocab v = pieces("'[INST] ' + text + ' [/INST]'");
    struct infer_chat chat;
    char got[64];

    (void)state;
    assert_int_equal(find(&v, NULL, &chat, NULL), 0);
    assert_string_equal(chat.name, "mistral");
    render(&chat, "S", "U", got);
    assert_string_equal(got, "[INST] S\n\nU [/INST]");
}

static void a_file_without_a_template_has_no_chat(void **state)
{
    struct tiny tiny = tiny_default();
    struct infer_model *model;
    struct infer_chat chat;
    size_t count;
    char *bytes = tiny_bytes(&tiny, &count), got[16];

    (void)state;
    assert_int_equal(model_open_memory(&model, bytes, count, NULL), 0);
    assert_int_equal(infer_model_chat(model, NULL, &chat, NULL), 0);
    assert_string_equal(chat.name, "none");
    assert_null(chat.system_open);
    assert_null(chat.system_close);
    assert_false(chat.answer_spaced);
    render(&chat, "S", "U", got);
    assert_string_equal(got, "S\n\nU");
    infer_model_close(model);
    free(bytes);
}

static void an_empty_template_is_none(void **state)
{
    struct vocab v = vocab("");
    struct infer_chat chat;

    (void)state;
    assert_int_equal(find(&v, NULL, &chat, NULL), 0);
    assert_string_equal(chat.name, "none");
}

static void a_name_overrules_the_template(void **state)
{
    struct vocab v = vocab(known[0].template);
    struct infer_chat chat;

    (void)state;
    assert_int_equal(find(&v, "llama3", &chat, NULL), 0);
    assert_string_equal(chat.name, "llama3");
    assert_int_equal(find(&v, "none", &chat, NULL), 0);
    assert_string_equal(chat.name, "none");
}

/* ---- the opening token ----------------------------------------------------------- */

static void the_opening_token_stands_once(void **state)
{
    struct vocab v = vocab(NULL);
    struct infer_chat chat;

    (void)state;
    v.number[1].key = "tokenizer.ggml.bos_token_id";
    v.number[1].value = 3;
    assert_int_equal(find(&v, "llama2", &chat, NULL), 0);
    assert_string_equal(chat.begin, "<s>[INST] "); /* BPE adds none unless told */
    v.flag[0].key = "tokenizer.ggml.add_bos_token";
    v.flag[0].value = true;
    assert_int_equal(find(&v, "llama2", &chat, NULL), 0);
    assert_string_equal(chat.begin, "[INST] ");
    assert_int_equal(find(&v, "gemma", &chat, NULL), 0);
    assert_string_equal(chat.begin, "");
}

static void an_opening_token_that_does_not_exist_is_left_out(void **state)
{
    struct vocab v = pieces(NULL);
    struct infer_chat chat;

    (void)state;
    v.flag[0].key = "tokenizer.ggml.add_bos_token"; /* false */
    assert_int_equal(find(&v, "deepseek", &chat, NULL), 0);
    assert_string_equal(chat.begin, "");
    assert_int_equal(find(&v, "mistral", &chat, NULL), 0);
    assert_string_equal(chat.begin, "<s>");
}

/* ---- refusals -------------------------------------------------------------------- */

static void refuse(const struct vocab *v, const char *name, int status,
                   const char *says)
{
    struct infer_error err = {0};
    struct infer_chat chat;

    assert_int_equal(find(v, name, &chat, &err), status);
    assert_int_equal(err.status, status);
    if (strstr(err.text, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, says);
}

static void a_template_of_no_family_is_quoted(void **state)
{
    struct vocab v = vocab("{{ bos_token }}{% for m in messages %}\n\x1b[1mUSER: "
                           "{{ m.content }} \xc2\x9b and so on");

    (void)state;
    refuse(&v, NULL, INFER_EUNSUPPORTED,
           "the chat template \"{{ bos_token }}{% for m in messages %}??[1mUSER: {{ "
           "m.conten\" is of no family known; name the chat in the policy: none, ");
    refuse(&v, NULL, INFER_EUNSUPPORTED, ", deepseek-coder");
    v.chat_template = "\xc3\xa9";
    refuse(&v, NULL, INFER_EUNSUPPORTED, "template \"??\" is");
}

static void a_vocabulary_without_the_markup_is_refused(void **state)
{
    struct vocab v = pieces(known[0].template);
    struct vocab_token plain[sizeof tokens / sizeof *tokens];

    (void)state;
    refuse(&v, NULL, INFER_EUNSUPPORTED,
           "a chat of the family chatml needs the token <|im_start|>, which the "
           "vocabulary lacks");
    refuse(&v, "phi3", INFER_EUNSUPPORTED, "needs the token <|system|>");
    v = vocab(known[0].template);
    memcpy(plain, tokens, sizeof tokens);
    plain[6].text = "<im_end>"; /* a word like any other */
    v.token = plain;
    refuse(&v, NULL, INFER_EUNSUPPORTED, "needs the token <|im_end|>");
}

static void a_name_that_is_none_is_refused_with_all_names(void **state)
{
    struct vocab v = vocab(NULL);

    (void)state;
    refuse(&v, "llama", INFER_EINVALID,
           "there is no chat named \"llama\"; there are: "
           "none, ");
    for (size_t i = 0; i < KNOWN; i++)
        refuse(&v, "llama", INFER_EINVALID, known[i].name);
    refuse(&v, "", INFER_EINVALID, "no chat named \"\"");
}

static void a_template_that_is_no_text_is_damage(void **state)
{
    struct vocab v = vocab(NULL);

    (void)state;
    v.flag[0].key = "tokenizer.chat_template";
    refuse(&v, NULL, INFER_EFORMAT, "tokenizer.chat_template");
}

static void a_sign_cut_at_the_end_of_a_template_is_none(void **state)
{
    struct vocab v = vocab("<|im_end|> <|im_start|");

    (void)state;
    refuse(&v, NULL, INFER_EUNSUPPORTED, "is of no family known");
    v.chat_template = "'User: ' + message['content'] + '\\n\\";
    refuse(&v, NULL, INFER_EUNSUPPORTED, "is of no family known");
}

/* ---- documents ------------------------------------------------------------------- */

/* All that a document could try: the markup of every family. */
static char *hostile_text(void)
{
    char *text = calloc(1, 16384), *at = text;

    for (size_t i = 0; i < KNOWN; i++)
        at = stpcpy(at, known[i].rendered);
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
        at = stpcpy(at, tokens[i].text);
    return text;
}

static void a_document_cannot_add_to_the_markup(void **state)
{
    struct vocab v = vocab(NULL);
    struct gguf *file = vocab_file(&v);
    struct tokenizer *t;
    char *hostile = hostile_text();
    size_t all = 0;

    (void)state;
    assert_int_equal(tokenizer_open(&t, file, NULL), 0);
    for (size_t i = 0; i < KNOWN; i++) {
        struct infer_chat chat;
        size_t harmless;

        assert_int_equal(chat_find(t, file, known[i].name, &chat, NULL), 0);
        harmless = specials_of(t, &chat, "a");
        assert_int_equal(specials_of(t, &chat, hostile), harmless);
        all += harmless;
    }
    assert_true(all > 50);
    free(hostile);
    tokenizer_close(t);
    gguf_close(file);
}

int main(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(a_family_is_recognised_by_its_template),
        cmocka_unit_test(the_markup_of_a_family_is_exact),
        cmocka_unit_test(an_older_mistral_has_no_markup_tokens),
        cmocka_unit_test(a_file_without_a_template_has_no_chat),
        cmocka_unit_test(an_empty_template_is_none),
        cmocka_unit_test(a_name_overrules_the_template),
        cmocka_unit_test(the_opening_token_stands_once),
        cmocka_unit_test(an_opening_token_that_does_not_exist_is_left_out),
        cmocka_unit_test(a_template_of_no_family_is_quoted),
        cmocka_unit_test(a_vocabulary_without_the_markup_is_refused),
        cmocka_unit_test(a_name_that_is_none_is_refused_with_all_names),
        cmocka_unit_test(a_template_that_is_no_text_is_damage),
        cmocka_unit_test(a_sign_cut_at_the_end_of_a_template_is_none),
        cmocka_unit_test(a_document_cannot_add_to_the_markup),
    };

    return cmocka_run_group_tests_name("infer/chat", test, NULL, NULL);
}
