/* pretokenizer - the patterns of the families, applied one after the other.
 *
 *     "It's 12%"    '(?:[stmd]|re|ve|ll)| ?\p{L}+| ?\p{N}+| ...    It|'s| 12|%
 *                   \p{N}                                          It|'s| |1|2|%
 *
 * Each pattern cuts every piece that the ones before it left: a match is a piece of
 * its own, and so is what lies between two matches. A pattern sees nothing beyond
 * its piece.
 *
 * The patterns are the ones that the models were published with, changed in form but
 * not in what they match:
 *
 *   - White space is spelt out. The publishers' \s is the property White_Space, that
 *     of PCRE2 has one more character (U+180E).
 *     DeepSeek's list of punctuation names U+3000, which other engines cannot match
 *     there because white space is one character to them.
 *   - A run that need not be given back is possessive, and no group is repeated, so
 *     that a match takes a constant number of frames and text of one letter, however
 *     long, linear time. "\s+$" begins where white space begins for the same reason.
 *
 * Just-in-time compilation is left out on purpose: it wants memory that is both
 * writable and executable, which the process must not have once it is locked down. */
#include "infer/pretokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

enum { PATTERNS_MAX = 6 };

enum habit { TAKES_WHOLE = 1, OPENS = 2 };

struct family {
    const char *name;
    unsigned habits;
    const char *pattern[PATTERNS_MAX];
};

struct pretokenizer {
    const struct family *family;
    pcre2_code *code[PATTERNS_MAX];
    size_t code_count;
};

/* ---- patterns ------------------------------------------------------------------- */

/* The characters of White_Space, to stand in brackets. */
#define S                                                                           \
    "\\t-\\r \\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}" \
    "\\x{205f}\\x{3000}"

/* White space up to the last one, which goes with the word that follows. */
#define SPACES "[" S "]+(?![^" S "])|[" S "]+"

#define LINES "[" S "]*[\\r\\n]+"

#define SUFFIX "(?i:'s|'t|'re|'ve|'m|'ll|'d)"

#define GPT2 \
    "'(?:[stmd]|re|ve|ll)| ?\\p{L}++| ?\\p{N}++| ?[^" S "\\p{L}\\p{N}]++|" SPACES

/* What many families of 2023 and later share; digits is how numbers are cut. */
#define WORDS(digits)                                          \
    SUFFIX "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}++|" digits "| ?[^" S \
           "\\p{L}\\p{N}]++[\\r\\n]*+|" LINES "|" SPACES

#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"

/* Words cut before a capital that follows a small letter. */
#define CASED(suffix, digits)                                                   \
    "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "++" suffix                        \
    "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "++" LOWER "*+" suffix "|" digits "| ?[^" S \
    "\\p{L}\\p{N}]++[\\r\\n/]*+|" LINES "|" SPACES

#define MARKED                                                     \
    SUFFIX "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]++|\\p{N}| ?[^" S \
           "\\p{L}\\p{M}\\p{N}]++[\\r\\n]*+|" LINES "|" SPACES

#define ASCII_PUNCTUATION "!-/:-@\\[-`{-~"

/* Latin, Greek, Cyrillic and the other scripts with case, as DeepSeek lists them. */
#define CASED_LETTERS                                                                \
    "A-Za-z\\x{b5}\\x{c0}-\\x{d6}\\x{d8}-\\x{f6}\\x{f8}-\\x{1ba}\\x{1bc}-\\x{1bf}"   \
    "\\x{1c4}-\\x{293}\\x{295}-\\x{2af}\\x{370}-\\x{373}\\x{376}\\x{377}\\x{37b}-"   \
    "\\x{37d}\\x{37f}\\x{386}\\x{388}-\\x{38a}\\x{38c}\\x{38e}-\\x{3a1}\\x{3a3}-"    \
    "\\x{3f5}\\x{3f7}-\\x{481}\\x{48a}-\\x{52f}\\x{531}-\\x{556}\\x{10a0}-\\x{10c5}" \
    "\\x{13a0}-\\x{13f5}\\x{13f8}-\\x{13fd}\\x{1c90}-\\x{1cba}\\x{1cbd}-\\x{1cbf}"   \
    "\\x{1d00}-\\x{1d2b}\\x{1d6b}-\\x{1d77}\\x{1d79}-\\x{1d9a}\\x{1e00}-\\x{1f15}"   \
    "\\x{1f18}-\\x{1f1d}\\x{1f20}-\\x{1f45}\\x{1f48}-\\x{1f4d}\\x{1f50}-\\x{1f57}"   \
    "\\x{1f59}\\x{1f5b}\\x{1f5d}\\x{1f5f}-\\x{1f7d}\\x{1f80}-\\x{1fb4}\\x{1fb6}-"    \
    "\\x{1fbc}\\x{1fbe}\\x{1fc2}-\\x{1fc4}\\x{1fc6}-\\x{1fcc}\\x{1fd0}-\\x{1fd3}"    \
    "\\x{1fd6}-\\x{1fdb}\\x{1fe0}-\\x{1fec}\\x{1ff2}-\\x{1ff4}\\x{1ff6}-\\x{1ffc}"   \
    "\\x{2102}\\x{2107}\\x{210a}-\\x{2113}\\x{2115}\\x{2119}-\\x{211d}\\x{2124}"     \
    "\\x{2126}\\x{2128}\\x{212a}-\\x{212d}\\x{212f}-\\x{2134}\\x{2139}\\x{213c}-"    \
    "\\x{213f}\\x{2145}-\\x{2149}\\x{214e}\\x{2183}\\x{2184}\\x{2c00}-\\x{2c7b}"     \
    "\\x{2c7e}-\\x{2ce4}\\x{2ceb}-\\x{2cee}\\x{2cf2}\\x{2cf3}\\x{a640}-\\x{a66d}"    \
    "\\x{a680}-\\x{a69b}\\x{a722}-\\x{a76f}\\x{a771}-\\x{a787}\\x{a78b}-\\x{a78e}"   \
    "\\x{ab70}-\\x{abbf}\\x{fb00}-\\x{fb06}\\x{fb13}-\\x{fb17}\\x{ff21}-\\x{ff3a}"   \
    "\\x{ff41}-\\x{ff5a}\\x{10400}-\\x{1044f}\\x{104b0}-\\x{104d3}\\x{104d8}-"       \
    "\\x{104fb}\\x{10c80}-\\x{10cb2}\\x{10cc0}-\\x{10cf2}\\x{118a0}-\\x{118df}"      \
    "\\x{1e900}-\\x{1e943}"

#define DEEPSEEK_PUNCTUATION \
    "!-/:-~\\x{ff01}-\\x{ff0f}\\x{ff1a}-\\x{ff5e}\\x{2018}-\\x{201f}\\x{3000}-\\x{3002}"

/* Ideographs, and in two of the ranges nearly every script beside them. */
#define ASIAN "[\\x{4e00}-\\x{9fa5}\\x{800}-\\x{4e00}\\x{ac00}-\\x{d7ff}]+"

#define FALCON_PUNCTUATION  "[\\p{P}$+<=>^~|`]+"
#define DEFAULT_PUNCTUATION "[\\p{P}$+<=>^~|]+"

/* ---- families ------------------------------------------------------------------- */

static const struct family family[] = {
    {"default", 0, {DEFAULT_PUNCTUATION, GPT2, "\\p{N}+", "[0-9][0-9][0-9]"}},
    {"gpt-2", 0, {GPT2}},
    {"mpt", 0, {GPT2}},
    {"olmo", 0, {GPT2}},
    {"phi-2", 0, {GPT2}},
    {"exaone4", 0, {GPT2}},
    {"trillion", 0, {GPT2}},
    {"granite-docling", 0, {GPT2}},
    {"starcoder", 0, {"\\p{N}", GPT2}},
    {"refact", 0, {"\\p{N}", GPT2}},
    {"command-r", 0, {"\\p{N}", GPT2}},
    {"smollm", 0, {"\\p{N}", GPT2}},
    {"codeshell", 0, {"\\p{N}", GPT2}},
    {"exaone", 0, {"\\p{N}", GPT2}},
    {"minerva-7b", 0, {"\\p{N}", GPT2}},
    {"falcon", 0, {FALCON_PUNCTUATION, GPT2, "[0-9][0-9][0-9]"}},
    {"llama-bpe", TAKES_WHOLE | OPENS, {WORDS("\\p{N}{1,3}")}},
    {"llama3", TAKES_WHOLE | OPENS, {WORDS("\\p{N}{1,3}")}},
    {"llama-v3", TAKES_WHOLE | OPENS, {WORDS("\\p{N}{1,3}")}},
    {"falcon3", TAKES_WHOLE | OPENS, {WORDS("\\p{N}{1,3}")}},
    {"falcon-h1", TAKES_WHOLE | OPENS, {WORDS("\\p{N}{1,3}")}},
    {"lfm2", TAKES_WHOLE | OPENS, {WORDS("\\p{N}{1,3}")}},
    {"dbrx", 0, {WORDS("\\p{N}{1,3}")}},
    {"smaug-bpe", 0, {WORDS("\\p{N}{1,3}")}},
    {"glm4", 0, {WORDS("\\p{N}{1,3}")}},
    {"chatglm-bpe", 0, {WORDS("\\p{N}{1,3}")}},
    {"qwen2", 0, {WORDS("\\p{N}")}},
    {"deepseek-r1-qwen", 0, {WORDS("\\p{N}")}},
    {"stablelm2", 0, {WORDS("\\p{N}")}},
    {"hunyuan", 0, {WORDS("\\p{N}")}},
    {"megrez", 0, {WORDS("\\p{N}")}},
    {"qwen35", 0, {MARKED}},
    {"gpt-4o", 0, {CASED(SUFFIX "?+", "\\p{N}{1,3}")}},
    {"llama4", 0, {CASED(SUFFIX "?+", "\\p{N}{1,3}")}},
    {"tekken", TAKES_WHOLE | OPENS, {CASED("", "\\p{N}")}},
    {"deepseek-llm",
     0,
     {"[\\r\\n]", "[" S "]?[" CASED_LETTERS "]+", "[" S "]?[" DEEPSEEK_PUNCTUATION "]+",
      "(?<![" S "])[" S "]++$", ASIAN, "\\p{N}+"}},
    {"deepseek-coder",
     0,
     {"[\\r\\n]", "[" S "]?\\p{L}+", "[" S "]?\\p{P}+", ASIAN, "\\p{N}"}},
    {"deepseek-v3",
     0,
     {"\\p{N}{1,3}", "[\\x{4e00}-\\x{9fa5}\\x{3040}-\\x{309f}\\x{30a0}-\\x{30ff}]+",
      "[" ASCII_PUNCTUATION "][A-Za-z]++|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]++|"
      " ?[\\p{P}\\p{S}]++[\\r\\n]*+|" LINES "|" SPACES}},
    {"poro-chat",
     0,
     {" ?[^(" S "|.,!?\\x{2026}\\x{3002}\\x{ff0c}\\x{3001}\\x{964}"
      "\\x{6d4}\\x{60c})]+"}},
};

static const struct family *find_family(struct gguf_string name)
{
    if (name.bytes == 0)
        return &family[0];
    for (size_t i = 0; i < sizeof family / sizeof *family; i++)
        if (strlen(family[i].name) == name.bytes &&
            memcmp(family[i].name, name.text, name.bytes) == 0)
            return &family[i];
    return NULL;
}

/* ---- open and close ------------------------------------------------------------- */

static int compile(struct pretokenizer *p, const char *pattern, struct infer_error *err)
{
    int code = 0;
    size_t at = 0;

    p->code[p->code_count] =
        pcre2_compile((const unsigned char *)pattern, PCRE2_ZERO_TERMINATED,
                      PCRE2_UTF | PCRE2_DOLLAR_ENDONLY, &code, &at, NULL);
    if (p->code[p->code_count] == NULL)
        return infer_fail(
            err, code == PCRE2_ERROR_HEAP_FAILED ? INFER_ENOMEM : INFER_EUNSUPPORTED,
            "this PCRE2 does not compile pattern %zu of %s (error %d at "
            "%zu)",
            p->code_count + 1, p->family->name, code, at);
    p->code_count++;
    return 0;
}

int pretokenizer_open(struct pretokenizer **out, struct gguf_string name,
                      struct infer_error *err)
{
    const struct family *found = find_family(name);
    struct pretokenizer *p;
    int status = 0;

    *out = NULL;
    if (found == NULL)
        return infer_fail(err, INFER_EUNSUPPORTED,
                          "tokenizer.ggml.pre is \"%.*s\", a pre-tokenizer that is not "
                          "known",
                          (int)(name.bytes < 60 ? name.bytes : 60), name.text);
    p = calloc(1, sizeof *p);
    if (p == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for a pre-tokenizer");
    p->family = found;
    for (int i = 0; status == 0 && i < PATTERNS_MAX && found->pattern[i] != NULL; i++)
        status = compile(p, found->pattern[i], err);
    if (status != 0)
        pretokenizer_close(p);
    else
        *out = p;
    return status;
}

void pretokenizer_close(struct pretokenizer *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->code_count; i++)
        pcre2_code_free(p->code[i]);
    free(p);
}

bool pretokenizer_takes_whole(const struct pretokenizer *p)
{
    return (p->family->habits & TAKES_WHOLE) != 0;
}

bool pretokenizer_opens(const struct pretokenizer *p)
{
    return (p->family->habits & OPENS) != 0;
}

/* ---- split ---------------------------------------------------------------------- */

struct search { /* one call's state: a compiled pattern is shared, this is not */
    pcre2_match_data *data;
    pcre2_match_context *limits;
    const char *text;
};

static int push(struct pretokenizer_pieces *pieces, size_t end)
{
    size_t capacity = pieces->capacity < 64 ? 64 : pieces->capacity * 2;
    size_t *grown;

    if (pieces->count == pieces->capacity) {
        if (capacity > SIZE_MAX / sizeof *grown)
            return INFER_ENOMEM;
        grown = realloc(pieces->end, capacity * sizeof *grown);
        if (grown == NULL)
            return INFER_ENOMEM;
        pieces->end = grown;
        pieces->capacity = capacity;
    }
    pieces->end[pieces->count++] = end;
    return 0;
}

static int split_piece(const struct search *search, const pcre2_code *code,
                       size_t start, size_t end, struct pretokenizer_pieces *out)
{
    const size_t *place = pcre2_get_ovector_pointer(search->data);
    const unsigned char *piece = (const unsigned char *)search->text + start;
    size_t at = 0, bytes = end - start;
    int status = 0;

    while (status == 0 && at < bytes) {
        int matched =
            pcre2_match(code, piece, bytes, at, PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY,
                        search->data, search->limits);

        if (matched == PCRE2_ERROR_NOMATCH)
            break;
        if (matched < 0)
            return INFER_ENOMEM;
        if (place[0] > at)
            status = push(out, start + place[0]);
        if (status == 0)
            status = push(out, start + place[1]);
        at = place[1];
    }
    return status == 0 && at < bytes ? push(out, end) : status;
}

static int split_all(const struct search *search, const pcre2_code *code,
                     const struct pretokenizer_pieces *in,
                     struct pretokenizer_pieces *out)
{
    size_t start = 0;
    int status = 0;

    out->count = 0;
    for (size_t i = 0; status == 0 && i < in->count; i++) {
        status = split_piece(search, code, start, in->end[i], out);
        start = in->end[i];
    }
    return status;
}

int pretokenizer_split(const struct pretokenizer *p, const char *text, size_t bytes,
                       struct pretokenizer_pieces *pieces)
{
    struct search search = {pcre2_match_data_create(1, NULL),
                            pcre2_match_context_create(NULL), text};
    struct pretokenizer_pieces other = {0}, swap;
    int status = 0;

    pieces->count = 0;
    if (search.data == NULL || search.limits == NULL)
        status = INFER_ENOMEM;
    else /* steps are linear in the text, so its length alone bounds them */
        pcre2_set_match_limit(search.limits, UINT32_MAX);
    if (status == 0 && bytes > 0)
        status = push(pieces, bytes);
    for (size_t i = 0; status == 0 && i < p->code_count; i++) {
        status = split_all(&search, p->code[i], pieces, &other);
        swap = *pieces;
        *pieces = other;
        other = swap;
    }
    pretokenizer_pieces_free(&other);
    pcre2_match_context_free(search.limits);
    pcre2_match_data_free(search.data);
    return status;
}

void pretokenizer_pieces_free(struct pretokenizer_pieces *pieces)
{
    free(pieces->end);
    *pieces = (struct pretokenizer_pieces){0};
}
