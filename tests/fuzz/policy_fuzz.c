/* policy_fuzz - any bytes as a policy file.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -Ibuild/asan -I. -D_GNU_SOURCE \
 *         $(pkg-config --cflags libxml-2.0 libpcre2-8) tests/fuzz/policy_fuzz.c \
 *         policies/[a-z]*.c $(pkg-config --libs libxml-2.0 libpcre2-8) -o policy_fuzz
 *     mkdir -p corpus && ./policy_fuzz -dict=tests/fuzz/policy.dict \
 *         -max_total_time=60 -max_len=8192 corpus tests/data/policies
 *
 * Beyond memory errors it holds that a refusal has words and a line within the
 * file, that the table of grammar.c explains whatever policy.rng refuses, that
 * loading twice gives the same canonical bytes, and that a search over any text
 * goes forward. Most changes stay within one value or text, so that what
 * comes after the XML parser is reached. Built with -DCANARY it carries an
 * overflow for a detector that finds something and has another limit than in
 * policy.seed, where it begins; a working fuzzer finds it within a minute. */
#include "policies/loader.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FINDINGS_MAX = 50, TEXT_BYTES_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed);

static int load(struct policy **out, const uint8_t *data, size_t size,
                struct policy_error *err)
{
    struct policy_source source = {malloc(size ? size : 1), size, NULL, 0, NULL};
    int status;

    assert(source.bytes);
    if (size)
        memcpy(source.bytes, data, size);
    status = policy_load_source(out, &source, err);
    policy_source_free(&source);
    return status;
}

static int count_lines(const uint8_t *data, size_t size)
{
    int lines = 1;

    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    return lines;
}

static void check_refusal(const struct policy *policy, const struct policy_error *err,
                          int lines)
{
    static const char fallback[] = "the grammar of policies refuses this";

    assert(!policy);
    assert(err->status == POLICY_EINVALID);
    assert(err->text[0]);
    assert(err->line >= 1 && err->line <= lines);
    assert(strncmp(err->text, fallback, sizeof fallback - 1) != 0);
}

static void check_mask(const char *text, size_t bytes)
{
    for (size_t size = 1; size < 9; size++) {
        char out[8];
        policy_mask(text, bytes, out, size);
        assert(memchr(out, '\0', size));
    }
}

/* How many findings there are. */
static size_t search(const struct policy_detector *detector, const char *text,
                     size_t bytes)
{
    struct policy_match match;
    size_t from = 0, count = 0;

    while (count < FINDINGS_MAX &&
           policy_detect(detector, text, bytes, from, &match, NULL) == 1) {
        assert(match.start >= from && match.end > match.start && match.end <= bytes);
        check_mask(text + match.start, match.end - match.start);
        from = match.end;
        count++;
    }
    return count;
}

#ifdef CANARY
static void plant(const struct policy *policy, const struct policy_detector *detector,
                  size_t count)
{
    if (count > 0 && detector->findings_max != 8)
        *(volatile char *)(policy->canonical + policy->canonical_bytes + 1) = '#';
}
#else
static void plant(const struct policy *policy, const struct policy_detector *detector,
                  size_t count)
{
    (void)policy, (void)detector, (void)count;
}
#endif

static void check_policy(const struct policy *policy, const uint8_t *data, size_t size)
{
    static const char text[] =
        "ATTORNEY \xE2\x80\x93 CLIENT PRIVILEGED: 4111 1111 1111 "
        "1111, counsel\xE2\x80\x99s work product, Esq.\n";
    struct policy *again;
    struct policy_error err;

    assert(load(&again, data, size, &err) == POLICY_OK);
    assert(policy->canonical_bytes == again->canonical_bytes);
    assert(memcmp(policy->canonical, again->canonical, again->canonical_bytes) == 0);
    policy_free(again);
    for (size_t i = 0; i < policy->detector_count; i++) {
        size_t count = search(&policy->detector[i], text, sizeof text - 1);
        plant(policy, &policy->detector[i], count);
        search(&policy->detector[i], (const char *)data,
               size < TEXT_BYTES_MAX ? size : TEXT_BYTES_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy_error err = {0};
    struct policy *policy;

    if (load(&policy, data, size, &err) == POLICY_OK)
        check_policy(policy, data, size);
    else
        check_refusal(policy, &err, count_lines(data, size));
    policy_free(policy);
    return 0;
}

/* ---- changes that keep the file well-formed ---- */

/* Does a value begin at at (="...) or a text (>...</, not blank)? Then find its end. */
static bool is_span(const uint8_t *data, size_t size, size_t at, size_t *end)
{
    const uint8_t *close;
    bool blank = true;

    if (at < 2 || (memcmp(data + at - 2, "=\"", 2) != 0 && data[at - 1] != '>'))
        return false;
    close = memchr(data + at, data[at - 1] == '"' ? '"' : '<', size - at);
    if (!close)
        return false;
    *end = (size_t)(close - data);
    for (size_t i = at; i < *end; i++)
        blank = blank && (data[i] == ' ' || data[i] == '\n');
    return !blank;
}

/* The first value or text from a place that seed chooses. */
static bool find_span(const uint8_t *data, size_t size, unsigned seed, size_t *start,
                      size_t *end)
{
    for (size_t at = size ? seed % size : 0; at < size; at++)
        if (is_span(data, size, at, end)) {
            *start = at;
            return true;
        }
    return false;
}

static void tame(uint8_t *span, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strchr("<&\"", span[i]) || span[i] < 0x20 || span[i] > 0x7e)
            span[i] = (uint8_t)('a' + span[i] % 26);
}

/* Any size of number is as likely as any other: limits lie anywhere. */
static size_t new_number(uint8_t *span, size_t room, unsigned seed)
{
    unsigned number = (seed * 2654435761u >> 1) >> seed % 31;
    char digits[12];
    size_t count = (size_t)snprintf(digits, sizeof digits, "%u", number);

    if (count > room)
        return 0;
    memcpy(span, digits, count);
    return count;
}

static size_t change(uint8_t *span, size_t bytes, size_t room, unsigned seed)
{
    bool number = true;

    for (size_t i = 0; i < bytes; i++)
        number = number && span[i] >= '0' && span[i] <= '9';
    if (number && seed / 8 % 4)
        return new_number(span, room, seed / 32);
    size_t count = LLVMFuzzerMutate(span, bytes, room);
    tame(span, count);
    return count;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed)
{
    size_t start, end, room, count, tail;
    uint8_t *span;

    if (seed % 8 == 0 || !find_span(data, size, seed / 8, &start, &end))
        return LLVMFuzzerMutate(data, size, max_size);
    tail = size - end;
    room = max_size - start - tail;
    span = malloc(room + 1);
    assert(span);
    memcpy(span, data + start, end - start);
    count = change(span, end - start, room, seed * 2246822519u);
    memmove(data + start + count, data + end, tail);
    memcpy(data + start, span, count);
    free(span);
    return start + count + tail;
}
