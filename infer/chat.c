/* chat - what stands between the turns of a chat, family by family.
 *
 *     begin system_open SYSTEM system_close user_open WORDS user_close answer_open
 *
 * A file's template is a program in a language of its own; it is never run. It is
 * looked at for signs: strings that the templates of one family hold and no others.
 * The first family of the table whose signs are all there and whose tokens are all in
 * the vocabulary is the one, so families with more to say stand before those with
 * less. White space is part of the markup: a newline too many is another token.
 *
 * In some families (llama2, mistral, zephyr, deepseek, deepseek-coder) the markup is
 * plain text to the vocabulary. A document can write it too, and no tokenizer can tell
 * the two apart; with the others a document cannot. */
#include "infer/chat.h"

#include <string.h>

/* U+FF5C is DeepSeek's bar, U+2581 its space. */
#define BAR            "\xef\xbd\x9c"
#define LOW            "\xe2\x96\x81"
#define DEEPSEEK_BEGIN "<" BAR "begin" LOW "of" LOW "sentence" BAR ">"
#define DEEPSEEK_USER  "<" BAR "User" BAR ">"
#define DEEPSEEK_MODEL "<" BAR "Assistant" BAR ">"

enum { SIGNS_MAX = 3, TOKENS_MAX = 4, QUOTE_BYTES_MAX = 60 };

enum space { /* does the answer's first word follow a space? */
             SPACE_NEVER,
             SPACE_ALWAYS,
             SPACE_BY_VOCABULARY /* where the vocabulary puts one behind a token */
};

struct family {
    struct infer_chat chat;
    const char *sign[SIGNS_MAX]; /* in its templates; \n is a line feed or "\n" */
    const char *token[TOKENS_MAX];
    const char *bos;       /* the opening token its chats need, or NULL */
    const char *begin_bos; /* both together, where begin is not empty */
    enum space space;
};

static const struct family families[] = {
    {.chat = {.name = "none", "", NULL, NULL, "", "", "", false}},
    {.chat = {.name = "qwen3",
              .begin = "",
              .system_open = "<|im_start|>system\n",
              .system_close = "<|im_end|>\n",
              .user_open = "<|im_start|>user\n",
              .user_close = "<|im_end|>\n",
              /* thought about, without a word: the answer follows at once */
              .answer_open = "<|im_start|>assistant\n<think>\n\n</think>\n\n"},
     .sign = {"<|im_start|>", "enable_thinking", "</think>\n\n"},
     .token = {"<|im_start|>", "<|im_end|>"}},
    {.chat = {.name = "phi4",
              .begin = "",
              .system_open = "<|im_start|>system<|im_sep|>",
              .system_close = "<|im_end|>",
              .user_open = "<|im_start|>user<|im_sep|>",
              .user_close = "<|im_end|>",
              .answer_open = "<|im_start|>assistant<|im_sep|>"},
     .sign = {"<|im_start|>", "<|im_sep|>"},
     .token = {"<|im_start|>", "<|im_sep|>", "<|im_end|>"}},
    {.chat = {.name = "chatml",
              .begin = "",
              .system_open = "<|im_start|>system\n",
              .system_close = "<|im_end|>\n",
              .user_open = "<|im_start|>user\n",
              .user_close = "<|im_end|>\n",
              .answer_open = "<|im_start|>assistant\n"},
     .sign = {"<|im_start|>", "<|im_end|>"},
     .token = {"<|im_start|>", "<|im_end|>"}},
    {.chat = {.name = "llama3",
              .begin = "",
              .system_open = "<|start_header_id|>system<|end_header_id|>\n\n",
              .system_close = "<|eot_id|>",
              .user_open = "<|start_header_id|>user<|end_header_id|>\n\n",
              .user_close = "<|eot_id|>",
              .answer_open = "<|start_header_id|>assistant<|end_header_id|>\n\n"},
     .sign = {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"},
     .token = {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"},
     .bos = "<|begin_of_text|>"},
    {.chat = {.name = "gemma",
              .begin = "",
              .user_open = "<start_of_turn>user\n",
              .user_close = "<end_of_turn>\n",
              .answer_open = "<start_of_turn>model\n"},
     .sign = {"<start_of_turn>", "<end_of_turn>"},
     .token = {"<start_of_turn>", "<end_of_turn>"},
     .bos = "<bos>"},
    {.chat = {.name = "mistral-v7",
              .begin = "",
              .system_open = "[SYSTEM_PROMPT]",
              .system_close = "[/SYSTEM_PROMPT]",
              .user_open = "[INST]",
              .user_close = "[/INST]",
              .answer_open = ""},
     .sign = {"[INST]", "[SYSTEM_PROMPT]"},
     .token = {"[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"},
     .bos = "<s>",
     .space = SPACE_BY_VOCABULARY},
    {.chat = {.name = "llama2",
              /* The system's words stand inside the user's turn. */
              .begin = "[INST] ",
              .system_open = "<<SYS>>\n",
              .system_close = "\n<</SYS>>\n\n",
              .user_open = "",
              .user_close = " [/INST]",
              .answer_open = ""},
     .sign = {"[INST]", "<<SYS>>"},
     .bos = "<s>",
     .begin_bos = "<s>[INST] ",
     .space = SPACE_ALWAYS},
    {.chat = {.name = "mistral-v3",
              .begin = "",
              .user_open = "[INST]",
              .user_close = "[/INST]",
              .answer_open = ""},
     .sign = {"[INST]", "[/INST]"},
     .token = {"[INST]", "[/INST]"},
     .bos = "<s>",
     .space = SPACE_BY_VOCABULARY},
    {.chat = {.name = "mistral",
              .begin = "",
              .user_open = "[INST] ",
              .user_close = " [/INST]",
              .answer_open = ""},
     .sign = {"[INST]", "[/INST]"},
     .bos = "<s>",
     .space = SPACE_ALWAYS},
    {.chat = {.name = "phi4-mini",
              .begin = "",
              .system_open = "<|system|>",
              .system_close = "<|end|>",
              .user_open = "<|user|>",
              .user_close = "<|end|>",
              .answer_open = "<|assistant|>"},
     .sign = {"message['role'] + '|>' + message['content'] + '<|end|>'",
              "<|assistant|>"},
     .token = {"<|system|>", "<|user|>", "<|assistant|>", "<|end|>"}},
    {.chat = {.name = "phi3",
              .begin = "",
              .system_open = "<|system|>\n",
              .system_close = "<|end|>\n",
              .user_open = "<|user|>\n",
              .user_close = "<|end|>\n",
              .answer_open = "<|assistant|>\n"},
     .sign = {"<|user|>", "<|end|>", "<|assistant|>"},
     .token = {"<|system|>", "<|user|>", "<|assistant|>", "<|end|>"},
     .space = SPACE_BY_VOCABULARY},
    {.chat = {.name = "zephyr",
              .begin = "",
              .system_open = "<|system|>\n",
              .system_close = "</s>\n",
              .user_open = "<|user|>\n",
              .user_close = "</s>\n",
              .answer_open = "<|assistant|>\n"},
     .sign = {"<|user|>\n' + message['content'] + eos_token", "<|assistant|>"},
     .token = {"</s>"}},
    {.chat = {.name = "granite",
              .begin = "",
              .system_open = "<|start_of_role|>system<|end_of_role|>",
              .system_close = "<|end_of_text|>\n",
              .user_open = "<|start_of_role|>user<|end_of_role|>",
              .user_close = "<|end_of_text|>\n",
              .answer_open = "<|start_of_role|>assistant<|end_of_role|>"},
     .sign = {"<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>"},
     .token = {"<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>"}},
    {.chat = {.name = "deepseek-r1",
              .begin = "",
              .system_open = "",
              .system_close = "",
              .user_open = DEEPSEEK_USER,
              .user_close = "",
              .answer_open = DEEPSEEK_MODEL "<think>\n\n</think>\n\n"},
     .sign = {DEEPSEEK_USER, DEEPSEEK_MODEL "<think>"},
     .token = {DEEPSEEK_USER, DEEPSEEK_MODEL},
     .bos = DEEPSEEK_BEGIN},
    {.chat = {.name = "deepseek3",
              .begin = "",
              .system_open = "",
              .system_close = "",
              .user_open = DEEPSEEK_USER,
              .user_close = "",
              .answer_open = DEEPSEEK_MODEL},
     .sign = {DEEPSEEK_USER, DEEPSEEK_MODEL},
     .token = {DEEPSEEK_USER, DEEPSEEK_MODEL},
     .bos = DEEPSEEK_BEGIN},
    {.chat = {.name = "deepseek",
              .begin = "",
              .system_open = "",
              .system_close = "\n\n",
              .user_open = "User: ",
              .user_close = "\n\n",
              .answer_open = "Assistant:"},
     .sign = {"'User: ' + message['content'] + '\n\n'",
              "'Assistant: ' + message['content'] + eos_token"},
     .bos = DEEPSEEK_BEGIN,
     .space = SPACE_ALWAYS},
    {.chat = {.name = "deepseek-coder",
              .begin = "",
              .system_open = "",
              .system_close = "\n",
              .user_open = "### Instruction:\n",
              .user_close = "\n",
              .answer_open = "### Response:\n"},
     .sign = {"### Instruction:", "### Response:", "<|EOT|>"},
     .token = {"<|EOT|>"},
     .bos = DEEPSEEK_BEGIN},
};

enum { FAMILIES = sizeof families / sizeof *families };

/* ---- signs ----------------------------------------------------------------------- */

static bool sign_at(const char *at, const char *end, const char *sign)
{
    for (; *sign != '\0'; sign++) {
        if (*sign == '\n' && end - at >= 2 && at[0] == '\\' && at[1] == 'n')
            at += 2;
        else if (at < end && *at == *sign)
            at++;
        else
            return false;
    }
    return true;
}

static bool has_sign(const struct gguf_string *template, const char *sign)
{
    const char *end = template->text + template->bytes;

    for (const char *at = template->text; at < end; at++)
        if (sign_at(at, end, sign))
            return true;
    return false;
}

static bool has_signs(const struct family *family, const struct gguf_string *template)
{
    for (size_t i = 0; i < SIGNS_MAX && family->sign[i] != NULL; i++)
        if (!has_sign(template, family->sign[i]))
            return false;
    return family->sign[0] != NULL;
}

/* The first token of the markup that the vocabulary has not as one special token;
 * NULL: it has them all. */
static const char *missing_token(const struct family *family, const struct tokenizer *t)
{
    for (size_t i = 0; i < TOKENS_MAX && family->token[i] != NULL; i++)
        if (vocabulary_find_special(&t->vocabulary, family->token[i]) < 0)
            return family->token[i];
    return NULL;
}

/* ---- filling --------------------------------------------------------------------- */

static bool is_spaced(const struct family *family, const struct tokenizer *t)
{
    const char *open = family->chat.answer_open;
    bool line = strchr(open, '\n') != NULL;

    if (family->space == SPACE_BY_VOCABULARY)
        return t->space_prefix && (!line || t->strips_right);
    return family->space == SPACE_ALWAYS;
}

/* Some files leave out that their chats begin with the opening token. */
static const char *begin_of(const struct family *family, const struct tokenizer *t)
{
    if (t->opening >= 0 || family->bos == NULL ||
        vocabulary_find_special(&t->vocabulary, family->bos) < 0)
        return family->chat.begin;
    return family->begin_bos != NULL ? family->begin_bos : family->bos;
}

static int fill(const struct family *family, const struct tokenizer *t,
                struct infer_chat *out, struct infer_error *err)
{
    const char *missing = missing_token(family, t);

    if (missing != NULL)
        return infer_fail(err, INFER_EUNSUPPORTED,
                          "a chat of the family %s needs the token %s, which the "
                          "vocabulary lacks",
                          family->chat.name, missing);
    *out = family->chat;
    out->begin = begin_of(family, t);
    out->answer_spaced = is_spaced(family, t);
    return 0;
}

/* ---- refusals -------------------------------------------------------------------- */

/* The names a policy may give, "none, qwen3, ...". */
static const char *names(char *out, size_t size)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < FAMILIES; i++) {
        const char *name = families[i].chat.name;

        if (at + strlen(name) + 3 > size)
            break;
        at = (size_t)(stpcpy(stpcpy(out + at, i == 0 ? "" : ", "), name) - out);
    }
    return out;
}

static int fail_template(const struct gguf_string *template, struct infer_error *err)
{
    char quote[QUOTE_BYTES_MAX + 1], list[240];
    size_t bytes =
        template->bytes < QUOTE_BYTES_MAX ? template->bytes : QUOTE_BYTES_MAX;

    for (size_t i = 0; i < bytes; i++)
        quote[i] = template->text[i] >= 0x20 && template->text[i] < 0x7f
                       ? template->text[i]
                       : '?';
    quote[bytes] = '\0';
    return infer_fail(err, INFER_EUNSUPPORTED,
                      "the chat template \"%s\" is of no family known; name the chat "
                      "in the policy: %s",
                      quote, names(list, sizeof list));
}

/* ---- finding --------------------------------------------------------------------- */

static int find_named(const struct tokenizer *t, const char *name,
                      struct infer_chat *out, struct infer_error *err)
{
    char list[240];

    for (size_t i = 0; i < FAMILIES; i++)
        if (strcmp(families[i].chat.name, name) == 0)
            return fill(&families[i], t, out, err);
    return infer_fail(err, INFER_EINVALID,
                      "there is no chat named \"%.40s\"; there are: %s", name,
                      names(list, sizeof list));
}

static int find_signed(const struct tokenizer *t, const struct gguf_string *template,
                       struct infer_chat *out, struct infer_error *err)
{
    const struct family *first = NULL;

    for (size_t i = 0; i < FAMILIES; i++) {
        if (!has_signs(&families[i], template))
            continue;
        if (missing_token(&families[i], t) == NULL)
            return fill(&families[i], t, out, err);
        first = first == NULL ? &families[i] : first;
    }
    return first != NULL ? fill(first, t, out, err) : fail_template(template, err);
}

int chat_find(const struct tokenizer *t, const struct gguf *file, const char *name,
              struct infer_chat *out, struct infer_error *err)
{
    static const char key[] = "tokenizer.chat_template";
    struct gguf_string template = {"", 0};
    int status = 0;

    if (name != NULL)
        return find_named(t, name, out, err);
    if (gguf_find(file, key) != NULL)
        status = gguf_get_string(file, key, &template, err);
    if (status != 0)
        return status;
    return template.bytes == 0 ? find_named(t, "none", out, err)
                               : find_signed(t, &template, out, err);
}

int infer_model_chat(const struct infer_model *model, const char *name,
                     struct infer_chat *out, struct infer_error *err)
{
    return chat_find(model->tokenizer, model->file, name, out, err);
}
