/* import_pre - which known family cuts text as a tokenizer.json says.
 *
 * The file's pre-tokenizer is written down as one line a step,
 *
 *     {"type": "Digits", "individual_digits": true}           Digits
 *     {"type": "Split", "pattern": {"Regex": "[\r\n]"}, ...}   Split [\r\n]
 *     {"type": "ByteLevel", "use_regex": true}                Words
 *     {"type": "ByteLevel", "use_regex": false}
 *
 * and compared with what each family publishes. A pre-tokenizer that is none of these
 * is refused: words cut otherwise than in training are other words to the model. */
#include "infer/import.h"

#include <stdlib.h>
#include <string.h>

static const char file[] = "tokenizer.json";

enum { STEPS_BYTES_MAX = 16384 };

struct steps {
    char text[STEPS_BYTES_MAX];
    size_t bytes;
};

/* ---- families ------------------------------------------------------------------- */

#define SUFFIX "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define TAIL   "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+\n"
#define WORDS(digits)                                        \
    "Split " SUFFIX "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" TAIL
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED(suffix, digits)                                       \
    "Split [^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" suffix       \
    "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER "*" suffix "|" digits \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" TAIL
#define ASIAN                                                   \
    "Split [\xe4\xb8\x80-\xe9\xbe\xa5\xe0\xa0\x80-\xe4\xb8\x80" \
    "\xea\xb0\x80-\xed\x9f\xbf]+\n"

enum { NO, YES, EITHER }; /* where every token is what its merges make: no matter */

static const struct {
    const char *name;
    int whole;         /* "ignore_merges": a piece that is a token is taken whole */
    const char *begin; /* the steps begin so, */
    const char *end;   /* end so; NULL: begin is all */
} families[] = {
    {"gpt-2", NO, "Words\n", NULL},
    {"smollm", NO, "Digits\nWords\n", NULL},
    {"llama-bpe", YES, WORDS("\\p{N}{1,3}"), NULL},
    {"dbrx", NO, WORDS("\\p{N}{1,3}"), NULL},
    {"qwen2", NO, WORDS("\\p{N}"), NULL},
    {"tekken", EITHER, CASED("", "\\p{N}"), NULL},
    {"gpt-4o", EITHER, CASED(SUFFIX "?", "\\p{N}{1,3}"), NULL},
    /* between them stand all letters that have case, and punctuation */
    {"deepseek-llm", NO, "Split [\r\n]\nSplit \\s?[A-Za-z\xc2\xb5",
     "Split \\s+$\n" ASIAN "Digits\n"},
    {"deepseek-coder", NO, "Split [\r\n]\nSplit \\s?\\p{L}+\nSplit \\s?\\p{P}+\n",
     ASIAN "Digits\n"},
    {"deepseek-v3", NO,
     "Split \\p{N}{1,3}\nSplit [\xe4\xb8\x80-\xe9\xbe\xa5\xe3\x81\x80-\xe3\x82\x9f"
     "\xe3\x82\xa0-\xe3\x83\xbf]+\nSplit [!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]"
     "[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+"
     "[\\r\\n]*|" TAIL,
     NULL},
};

static bool is_family(size_t i, const struct steps *steps, bool whole)
{
    const size_t begin = strlen(families[i].begin);
    const size_t end = families[i].end != NULL ? strlen(families[i].end) : 0;

    if (families[i].whole == (whole ? NO : YES) || steps->bytes < begin + end ||
        (families[i].end == NULL && steps->bytes != begin))
        return false;
    return memcmp(steps->text, families[i].begin, begin) == 0 &&
           memcmp(steps->text + steps->bytes - end,
                  families[i].end != NULL ? families[i].end : "", end) == 0;
}

/* ---- steps ---------------------------------------------------------------------- */

static int add_step(struct steps *steps, const char *name, const char *pattern,
                    struct infer_error *err)
{
    int bytes = snprintf(steps->text + steps->bytes, sizeof steps->text - steps->bytes,
                         "%s%s\n", name, pattern);

    if (bytes < 0 || (size_t)bytes >= sizeof steps->text - steps->bytes)
        return infer_fail(err, INFER_ELIMIT, "%s: the pre-tokenizer is longer than %d",
                          file, STEPS_BYTES_MAX);
    steps->bytes += (size_t)bytes;
    return 0;
}

/* Matches become pieces, and what lies between them; patterns that match everything
 * are also written as the removal of nothing. */
static int add_split(struct steps *steps, const json_t *step, struct infer_error *err)
{
    const json_t *pattern = json_object_get(step, "pattern");
    const char *regex = json_string_value(json_object_get(pattern, "Regex"));
    const char *behavior = json_string_value(json_object_get(step, "behavior"));
    const bool invert = json_is_true(json_object_get(step, "invert"));

    if (regex != NULL && behavior != NULL &&
        ((strcmp(behavior, "Isolated") == 0 && !invert) ||
         (strcmp(behavior, "Removed") == 0 && invert)))
        return add_step(steps, "Split ", regex, err);
    return checkpoint_refuse(err, file, "a step of pre_tokenizer", step,
                             "a Split by Regex, Isolated");
}

static int add_bytes(struct steps *steps, const json_t *step, struct infer_error *err)
{
    const json_t *words = json_object_get(step, "use_regex");
    int status = checkpoint_flag(step, file, "add_prefix_space", false, err);

    if (status != 0 || json_is_false(words))
        return status;
    return add_step(steps, "Words", "", err);
}

static int add_one(struct steps *steps, const json_t *step, struct infer_error *err)
{
    const char *type = json_string_value(json_object_get(step, "type"));

    if (type != NULL && strcmp(type, "Split") == 0)
        return add_split(steps, step, err);
    if (type != NULL && strcmp(type, "ByteLevel") == 0)
        return add_bytes(steps, step, err);
    if (type != NULL && strcmp(type, "Digits") == 0 &&
        json_is_true(json_object_get(step, "individual_digits")))
        return add_step(steps, "Digits", "", err);
    return checkpoint_refuse(err, file, "a step of pre_tokenizer", step,
                             "Split, Digits (individual) or ByteLevel");
}

int import_pre(const json_t *tokenizer, const char **out, struct infer_error *err)
{
    const json_t *cut = json_object_get(tokenizer, "pre_tokenizer"), *step;
    const json_t *list = json_object_get(cut, "pretokenizers");
    const json_t *model = json_object_get(tokenizer, "model");
    const bool whole = json_is_true(json_object_get(model, "ignore_merges"));
    struct steps steps = {.bytes = 0};
    int status = json_is_array(list) ? 0 : add_one(&steps, cut, err);
    size_t i;

    json_array_foreach(list, i, step)
    {
        status = status == 0 ? add_one(&steps, step, err) : status;
    }
    if (status != 0)
        return status;
    for (i = 0; i < sizeof families / sizeof *families; i++)
        if (is_family(i, &steps, whole)) {
            *out = families[i].name;
            return 0;
        }
    return infer_fail(err, INFER_EUNSUPPORTED,
                      "tokenizer.json: text is cut by \"%.120s\"%s, as no family does "
                      "that is known here",
                      steps.text, whole ? " without merging whole tokens" : "");
}
