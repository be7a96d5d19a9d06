/* pattern - regular expressions and phrases of a policy, compiled.
 *
 * A pattern is PCRE2 over UTF-8 with Unicode classes, "^" and "$" at line ends.
 * A phrase is words as they stand: white space in it fits any white space, a
 * hyphen any dash or white space, an apostrophe any apostrophe; case is ignored,
 * and only whole words fit. It is turned into a pattern:
 *
 *     counsel's advice   ->   (?<!\w)counsel['\x{2019}]s\s+advice(?!\w)
 *
 * The just-in-time compiler is never used: the process that searches may not
 * create executable memory. */
#include "policies/loader.h"

#include <string.h>

enum { PHRASE_BYTES_MAX = 200 * 24 + 64 }; /* 200 characters, each at most 24 bytes */

static const struct {
    const char *character, *pattern;
} phrase_part[] = {
    {" ", "\\s+"},
    {"-", "(?:\\s*\\p{Pd}\\s*|\\s+)"},
    {"'", "['\\x{2019}]"},
    {"\xE2\x80\x99", "['\\x{2019}]"}, /* U+2019 */
};

/* Write the pattern of the character at *at, move past it. */
static char *phrase_step(const char **at, char *out)
{
    size_t bytes = policy_utf8_bytes(*at, strlen(*at));
    const char *from = *at;

    *at += bytes;
    for (size_t i = 0; i < sizeof phrase_part / sizeof *phrase_part; i++)
        if (strncmp(phrase_part[i].character, from, bytes) == 0)
            return stpcpy(out, phrase_part[i].pattern);
    if (strchr("\\^$.[]|()?*+{}#", *from))
        *out++ = '\\';
    memcpy(out, from, bytes);
    return out + bytes;
}

static void phrase_pattern(const char *phrase, char *out)
{
    out = stpcpy(out, "(?<!\\w)");
    while (*phrase)
        out = phrase_step(&phrase, out);
    strcpy(out, "(?!\\w)");
}

static int fail_compile(const struct policy_pattern *pattern, int line, int code,
                        size_t offset, struct policy_error *err)
{
    unsigned char why[128];

    pcre2_get_error_message(code, why, sizeof why);
    return policy_fail(err, POLICY_EINVALID, line,
                       "the regular expression \"%s\" is wrong after its byte %zu "
                       "(before \"%s\"): %s",
                       policy_quote_of(pattern->source).text, offset,
                       policy_quote_of(pattern->source + offset).text, (char *)why);
}

static int check_compiled(const struct policy_pattern *pattern, int line, size_t *total,
                          struct policy_error *err)
{
    uint32_t empty = 0;
    size_t bytes = 0;

    pcre2_pattern_info(pattern->code, PCRE2_INFO_MATCHEMPTY, &empty);
    pcre2_pattern_info(pattern->code, PCRE2_INFO_SIZE, &bytes);
    *total += bytes;
    if (empty)
        return policy_fail(err, POLICY_EINVALID, line,
                           "the regular expression \"%s\" fits the empty text, so it "
                           "would be found everywhere; let it ask for one character at "
                           "least, such as + instead of *",
                           policy_quote_of(pattern->source).text);
    if (*total > POLICY_PATTERN_BYTES_MAX)
        return policy_fail(err, POLICY_EINVALID, line,
                           "the policy's patterns take %zu bytes compiled; at most %d "
                           "are allowed, so use fewer or lower repeat counts",
                           *total, POLICY_PATTERN_BYTES_MAX);
    return POLICY_OK;
}

static int compile(struct policy_pattern *pattern, const char *text, int line,
                   pcre2_compile_context *context, struct policy_error *err)
{
    uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE |
                       PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT |
                       (pattern->keep_case ? 0 : PCRE2_CASELESS);
    size_t offset = 0;
    int code = 0;

    pcre2_set_parens_nest_limit(context, POLICY_PATTERN_NEST_MAX);
    pattern->code = pcre2_compile((const unsigned char *)text, PCRE2_ZERO_TERMINATED,
                                  options, &code, &offset, context);
    if (pattern->code)
        return POLICY_OK;
    return fail_compile(pattern, line, code, offset, err);
}

int policy_pattern_compile(struct policy_pattern *pattern, int line, size_t *total,
                           struct policy_error *err)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    char phrase[PHRASE_BYTES_MAX];
    int status;

    if (!context)
        return policy_fail(err, POLICY_ENOMEM, 0, "out of memory");
    if (pattern->phrase)
        phrase_pattern(pattern->source, phrase);
    status = compile(pattern, pattern->phrase ? phrase : pattern->source, line, context,
                     err);
    if (status == POLICY_OK)
        status = check_compiled(pattern, line, total, err);
    pcre2_compile_context_free(context);
    return status;
}
