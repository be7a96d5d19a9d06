/* tokenizer_special - which tokens open, close and end a text, and which of them a
 * text may spell out.
 *
 * An id found in a key is compared with the size of the vocabulary before anything
 * is looked up with it; 4294967295, or -1, says that there is none.
 *
 * Text is data. A control token counts in a text only where the caller asks for it.
 * A user-defined token is a word that the vocabulary's author wants whole (a run of
 * spaces, an HTML tag) and counts everywhere, except when it is chat markup by its
 * form: files exist that give "<|im_start|>" the wrong type, and a document must not
 * be able to end its turn with it. */
#include "infer/tokenizer.h"

#include <stdlib.h>
#include <string.h>

/* ---- ids ------------------------------------------------------------------------- */

/* *out stays where the file has no such key or says that there is none. */
static int read_id(const struct tokenizer *t, const struct gguf *file, const char *key,
                   int32_t *out, struct infer_error *err)
{
    const struct gguf_key *found = gguf_find(file, key);
    uint32_t id;

    if (found == NULL)
        return 0;
    if (found->is_array || (found->type != GGUF_U32 && found->type != GGUF_I32))
        return infer_fail(err, INFER_EFORMAT, "%s is no number of 32 bits", key);
    memcpy(&id, found->data, sizeof id);
    if (id == UINT32_MAX)
        return 0;
    if (id >= t->count)
        return infer_fail(err, INFER_EFORMAT, "%s is %u, the vocabulary has %u tokens",
                          key, id, t->count);
    *out = (int32_t)id;
    return 0;
}

static bool has_text(const struct token *token, const char *text)
{
    return token->bytes == strlen(text) && memcmp(token->text, text, token->bytes) == 0;
}

static void add_end(struct tokenizer *t, int32_t id)
{
    if (id >= 0 && !tokenizer_is_end(t, id) && t->end_count < TOKENIZER_ENDS_MAX)
        t->end[t->end_count++] = id;
}

/* U+FF5C is DeepSeek's bar, U+2581 its space. */
#define DEEPSEEK_BAR "\xef\xbd\x9c"
#define DEEPSEEK_END \
    "<" DEEPSEEK_BAR "end\xe2\x96\x81of\xe2\x96\x81sentence" DEEPSEEK_BAR ">"

/* Ends of a text, a turn or a message in the families' vocabularies. */
static const char *const ends[] = {"<|im_end|>",
                                   "<|eot_id|>",
                                   "<|eom_id|>",
                                   "<|end|>",
                                   "<|endoftext|>",
                                   "<|end_of_text|>",
                                   "<end_of_turn>",
                                   "<eos>",
                                   "</s>",
                                   "<|EOT|>",
                                   "<EOT>",
                                   "<|return|>",
                                   "<|END_OF_TURN_TOKEN|>",
                                   DEEPSEEK_END};

enum { ENDS = sizeof ends / sizeof *ends };

/* Markup that has no form of its own. */
static const char *const markup[] = {"<s>",
                                     "<think>",
                                     "</think>",
                                     "<unk>",
                                     "<pad>",
                                     "<bos>",
                                     "<start_of_turn>",
                                     "[INST]",
                                     "[/INST]",
                                     "<<SYS>>",
                                     "<</SYS>>",
                                     "[AVAILABLE_TOOLS]",
                                     "[/AVAILABLE_TOOLS]",
                                     "[TOOL_CALLS]",
                                     "[TOOL_RESULTS]",
                                     "[/TOOL_RESULTS]",
                                     "[SYSTEM_PROMPT]",
                                     "[/SYSTEM_PROMPT]"};

static bool is_special(const struct token *token)
{
    return token->type == TOKEN_CONTROL || token->type == TOKEN_UNKNOWN ||
           token->type == TOKEN_USER_DEFINED;
}

bool tokenizer_is_markup(const struct token *token)
{
    static const char wide[] = DEEPSEEK_BAR;

    if (token->bytes >= 4 && memcmp(token->text, "<|", 2) == 0 &&
        memcmp(token->text + token->bytes - 2, "|>", 2) == 0)
        return true;
    if (token->bytes >= 8 && memcmp(token->text + 1, wide, 3) == 0 &&
        memcmp(token->text + token->bytes - 4, wide, 3) == 0)
        return true;
    for (size_t i = 0; i < ENDS; i++)
        if (has_text(token, ends[i]))
            return true;
    for (size_t i = 0; i < sizeof markup / sizeof *markup; i++)
        if (has_text(token, markup[i]))
            return true;
    return false;
}

/* ---- tries ----------------------------------------------------------------------- */

static struct trie *build(const struct tokenizer *t, bool literal)
{
    struct trie_entry *entry = calloc(t->count, sizeof *entry);
    struct trie *trie = NULL;
    size_t count = 0;

    for (uint32_t i = 0; entry != NULL && i < t->count; i++) {
        const struct token *token = &t->vocabulary.token[i];
        bool wanted =
            literal ? token->type == TOKEN_USER_DEFINED && !tokenizer_is_markup(token)
                    : is_special(token);

        if (wanted && token->bytes > 0)
            entry[count++] = (struct trie_entry){token->text, token->bytes, (int32_t)i};
    }
    if (entry != NULL)
        trie = trie_build(entry, count);
    free(entry);
    return trie;
}

static int build_tries(struct tokenizer *t, struct infer_error *err)
{
    t->special = build(t, false);
    t->literal = build(t, true);
    if (t->special == NULL || t->literal == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for %u tokens", t->count);
    return 0;
}

/* ---- reading --------------------------------------------------------------------- */

int tokenizer_read_bool(const struct gguf *file, const char *key, bool *value,
                        struct infer_error *err)
{
    return gguf_find(file, key) == NULL ? 0 : gguf_get_bool(file, key, value, err);
}

int tokenizer_read_ids(struct tokenizer *t, const struct gguf *file,
                       struct infer_error *err)
{
    int32_t eot = -1, eom = -1, ignored = -1;
    const struct {
        const char *key;
        int32_t *id;
    } keys[] = {{"tokenizer.ggml.bos_token_id", &t->bos},
                {"tokenizer.ggml.eos_token_id", &t->eos},
                {"tokenizer.ggml.eot_token_id", &eot},
                {"tokenizer.ggml.eom_token_id", &eom},
                {"tokenizer.ggml.unknown_token_id", &t->unknown},
                {"tokenizer.ggml.cls_token_id", &t->cls},
                {"tokenizer.ggml.seperator_token_id", &t->sep},
                {"tokenizer.ggml.padding_token_id", &ignored},
                {"tokenizer.ggml.mask_token_id", &ignored}};
    int status = 0;

    t->bos = t->eos = t->unknown = t->cls = t->sep = t->opening = t->closing = -1;
    for (size_t i = 0; status == 0 && i < sizeof keys / sizeof *keys; i++)
        status = read_id(t, file, keys[i].key, keys[i].id, err);
    add_end(t, t->eos);
    add_end(t, eot);
    add_end(t, eom);
    return status;
}

/* add_bos_token, add_eos_token: what the kind or the family does unless told. */
static int read_around(const struct gguf *file, const char *key, int32_t id,
                       int32_t *around, struct infer_error *err)
{
    bool wanted = *around >= 0;
    int status = tokenizer_read_bool(file, key, &wanted, err);

    if (status == 0 && wanted && id < 0)
        status = infer_fail(err, INFER_EFORMAT,
                            "%s is true, the file names no such token", key);
    *around = wanted ? id : -1;
    return status;
}

int tokenizer_read_special(struct tokenizer *t, const struct gguf *file,
                           struct infer_error *err)
{
    int status = build_tries(t, err);

    if (status == 0 && t->kind->form != VOCABULARY_WORDPIECE)
        status =
            read_around(file, "tokenizer.ggml.add_bos_token", t->bos, &t->opening, err);
    if (status == 0 && t->kind->form != VOCABULARY_WORDPIECE)
        status =
            read_around(file, "tokenizer.ggml.add_eos_token", t->eos, &t->closing, err);
    for (uint32_t i = 0; status == 0 && i < t->count; i++)
        for (size_t j = 0; is_special(&t->vocabulary.token[i]) && j < ENDS; j++)
            if (has_text(&t->vocabulary.token[i], ends[j]))
                add_end(t, (int32_t)i);
    return status;
}

bool tokenizer_is_end(const struct tokenizer *t, int32_t id)
{
    for (size_t i = 0; i < t->end_count; i++)
        if (t->end[i] == id)
            return true;
    return false;
}
