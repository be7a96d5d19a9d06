/* prompt - texts for a language model, with words in braces for what changes.
 *
 *     <classify>{text}
 *
 *     {question}</classify>
 *
 * A word in braces is what a prompt's reader must fill in, so each element knows its
 * words, how often each may stand, and refuses others: a misspelt {txet} would go to
 * the model as it is, and nobody would see it. Braces around anything but one word of
 * letters, digits, - and _ that begins with a letter are text like any other. */
#include "policies/loader.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 3, WORD_BYTES_MAX = 32 };

struct prompt {
    const char *element;
    const char *word[WORDS_MAX]; /* the first must stand, the others may; once each */
    size_t word_count;
};

static const struct prompt prompts[] = {
    {"system", {NULL}, 0},  {"classify", {"text", "question", "labels"}, 3},
    {"opening", {NULL}, 0}, {"summarize", {"text"}, 1},
    {"fold", {"text"}, 1},  {"neutral", {NULL}, 0},
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Copy the word in the braces that open at at; false when it is none. */
static bool word_at(const char *at, char *out)
{
    size_t bytes = 0;

    if (*at++ != '{' || !is_letter(*at))
        return false;
    while (bytes < WORD_BYTES_MAX &&
           (is_letter(at[bytes]) || (at[bytes] >= '0' && at[bytes] <= '9') ||
            at[bytes] == '-' || at[bytes] == '_'))
        bytes++;
    memcpy(out, at, bytes);
    out[bytes] = '\0';
    return at[bytes] == '}';
}

static int fail_word(const xmlNode *node, const struct prompt *prompt, const char *word,
                     struct policy_error *err)
{
    const char *near = policy_words_nearest(word, prompt->word, prompt->word_count);
    struct policy_words words = {.bytes = 0};

    for (size_t i = 0; i < prompt->word_count; i++)
        policy_words_add(&words, prompt->word[i]);
    return policy_fail(
        err, POLICY_EINVALID, policy_tree_line(node),
        "<%s> has no word {%s}%s%s%s; what may stand in braces there: %s",
        prompt->element, word, near ? " (did you mean {" : "", near ? near : "",
        near ? "}?)" : "", prompt->word_count ? words.text : "nothing");
}

static int check_text(const xmlNode *node, const struct prompt *prompt,
                      const char *text, struct policy_error *err)
{
    size_t count[WORDS_MAX] = {0};
    char word[WORD_BYTES_MAX + 1];

    while ((text = strchr(text, '{'))) {
        size_t i = 0;
        if (!word_at(text++, word))
            continue;
        while (i < prompt->word_count && strcmp(prompt->word[i], word) != 0)
            i++;
        if (i == prompt->word_count)
            return fail_word(node, prompt, word, err);
        if (++count[i] > 1)
            return policy_fail(err, POLICY_EINVALID, policy_tree_line(node),
                               "{%s} stands twice in <%s>; write it once", word,
                               prompt->element);
    }
    if (prompt->word_count && count[0] == 0)
        return policy_fail(err, POLICY_EINVALID, policy_tree_line(node),
                           "<%s> lacks {%s}; write it where the words of the document "
                           "are to stand",
                           prompt->element, prompt->word[0]);
    return POLICY_OK;
}

int policy_prompt_check(const xmlNode *node, struct policy_error *err)
{
    const struct prompt *prompt = NULL;
    size_t bytes;
    char *text;
    int status;

    for (size_t i = 0; i < sizeof prompts / sizeof *prompts; i++)
        if (policy_tree_is(node, prompts[i].element))
            prompt = &prompts[i];
    if (!prompt)
        return POLICY_OK;
    bytes = policy_tree_exact(node, NULL, 0) + 1;
    text = malloc(bytes);
    if (!text)
        return policy_fail(err, POLICY_ENOMEM, 0, "out of memory");
    policy_tree_exact(node, text, bytes);
    status = check_text(node, prompt, text, err);
    free(text);
    return status;
}
