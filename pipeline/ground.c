/* ground - does the document bear out what a model wrote?
 *
 *     claim ─► form ─────────► windows ──────────► weigh ────────► repeated?
 *              says nothing,   the sentences that  numbers, dates,
 *              unfinished,     hold most of its    names, words,
 *              the prompt's    words, from the     what is denied
 *              words           index
 *
 * A claim stands on the first of the best windows that bears it out. A small model
 * gives words of the document back in any order, so that most of what it writes is to
 * fall; what falls is a sentence less in a summary, what stands falsely is a false
 * summary. In doubt the sentence falls.
 *
 * What a document holds is read once, in time and memory proportional to its words; a
 * claim costs about as much as the sentences it is laid beside. */
#include "pipeline/ground_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/utf8.h>

enum {
    TURNS_PERCENT_MIN = 20, /* of a dialogue's sentences name their speaker */
    SPEAKERS_MIN = 2,
    PROMPT_RUN_LONG = 6,        /* words in a row, or ... */
    PROMPT_RUN_MIN = 4,         /* ... fewer that are ... */
    PROMPT_RUN_PERCENT_MIN = 33 /* ... so much of the claim */
};

#define SAME_SHARE 0.8 /* of a claim's words, in one that stands */

struct taken { /* the words of a claim that stands */
    size_t first, count;
};

struct ground {
    const struct pipeline_text *text;
    struct lexicon lexicon;
    struct index index;
    struct words claim, source, prompt; /* scratch */
    char *prompt_text;                  /* whose words `prompt` holds; NULL: none yet */
    bool is_dialogue;
    struct taken *taken;
    size_t taken_count, taken_capacity;
    int32_t *key; /* of all that are taken */
    size_t key_count, key_capacity;
};

const char *ground_verdict_name(enum ground_verdict verdict)
{
    static const char *const names[] = {"stands", "number",     "date",    "name",
                                        "words",  "negation",   "repeats", "dialogue",
                                        "prompt", "unfinished", "empty"};
    return names[verdict];
}

/* ---- the document --------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    const int32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Two or more speak again and again. */
static bool is_dialogue(const struct index *index, int32_t *label)
{
    size_t sentences = index->text->sentence_count, count = 0, turns = 0, speakers = 0;
    for (size_t i = 0; i < sentences; i++)
        if (index->label[i] != KEY_NONE)
            label[count++] = index->label[i];
    qsort(label, count, sizeof(*label), by_key);
    for (size_t i = 0, same; i < count; i += same) {
        for (same = 1; i + same < count && label[i + same] == label[i];)
            same++;
        turns += same > 1 ? same : 0;
        speakers += same > 1;
    }
    return speakers >= SPEAKERS_MIN && turns * 100 >= sentences * TURNS_PERCENT_MIN;
}

int ground_open(struct ground **out, const struct pipeline_text *text,
                struct pipeline_error *err)
{
    struct ground *ground = calloc(1, sizeof(*ground));
    int32_t *label = calloc(text->sentence_count + 1, sizeof(*label));
    if (!ground || !label || !index_build(&ground->index, &ground->lexicon, text)) {
        free(label);
        ground_close(ground);
        return pipeline_fail(err, PIPELINE_ENOMEM,
                             "no memory for the words of %zu sentences",
                             text->sentence_count);
    }
    ground->text = text;
    ground->is_dialogue = is_dialogue(&ground->index, label);
    free(label);
    *out = ground;
    return PIPELINE_OK;
}

void ground_forget(struct ground *ground)
{
    ground->taken_count = ground->key_count = 0;
}

void ground_close(struct ground *ground)
{
    if (!ground)
        return;
    index_free(&ground->index);
    lexicon_free(&ground->lexicon);
    words_free(&ground->claim);
    words_free(&ground->source);
    words_free(&ground->prompt);
    free(ground->prompt_text);
    free(ground->taken);
    free(ground->key);
    free(ground);
}

/* ---- before the source ---------------------------------------------------------- */

/* All claims of a summary come with the same prompt: it is read once. */
static bool prompt_read(struct ground *ground, const char *prompt)
{
    if (ground->prompt_text && strcmp(ground->prompt_text, prompt) == 0)
        return true;
    free(ground->prompt_text);
    ground->prompt_text = strdup(prompt);
    words_clear(&ground->prompt);
    return ground->prompt_text &&
           words_read(&ground->prompt, &ground->lexicon, prompt, strlen(prompt), 0);
}

/* Does it give the words of the prompt back, which the source has not? */
static bool echoes_prompt(const struct ground *ground, size_t *at)
{
    size_t unused, words = ground->claim.count;
    size_t run = form_run(&ground->claim, &ground->prompt, at);
    bool long_run =
        run >= PROMPT_RUN_LONG ||
        (run >= PROMPT_RUN_MIN && run * 100 >= words * PROMPT_RUN_PERCENT_MIN);
    return long_run && form_run(&ground->claim, &ground->source, &unused) < run;
}

/* In a dialogue nobody but its speakers says "I" or "you", or asks; elsewhere the
 * source must say it too. */
static bool goes_on_talking(const struct ground *ground, const char *text, size_t bytes,
                            size_t *at)
{
    const struct words *claim = &ground->claim;
    bool heard[PERSONS] = {true};
    for (size_t i = 0; i < ground->source.count && !ground->is_dialogue; i++)
        heard[ground->source.word[i].person] = true;
    for (*at = 0; *at < claim->count; ++*at)
        if (!claim->word[*at].quoted && !heard[claim->word[*at].person])
            return true;
    return ground->is_dialogue && text[bytes - 1] == '?';
}

/* "Doctor: ..." where the document has such turns, or as a chat has them. */
static bool is_turn(struct ground *ground, bool *room)
{
    static const char *const speakers[] = {
        "doctor", "patient", "user", "assistant", "q", "a", "interviewer", "human"};
    int32_t label = words_speaker(&ground->claim, &ground->lexicon, room);
    if (label == KEY_NONE)
        return false;
    for (size_t i = 0; i < sizeof(speakers) / sizeof(speakers[0]); i++)
        if (strcmp(lexicon_text(&ground->lexicon, label), speakers[i]) == 0)
            return true;
    for (size_t i = 0; i < ground->text->sentence_count && ground->is_dialogue; i++)
        if (ground->index.label[i] == label)
            return true;
    return false;
}

/* ---- what was taken before ------------------------------------------------------ */

/* The different keys that the claim needs, sorted, behind those taken. */
static bool keys_collect(struct ground *ground, size_t *count)
{
    size_t room = ground->key_count + ground->claim.count;
    if (room > ground->key_capacity) {
        int32_t *bigger = realloc(ground->key, room * 2 * sizeof(*bigger));
        if (!bigger)
            return false;
        ground->key = bigger;
        ground->key_capacity = room * 2;
    }
    int32_t *key = ground->key + ground->key_count;
    size_t all = 0;
    *count = 0;
    for (size_t i = 0; i < ground->claim.count; i++)
        if (ground->claim.word[i].need[0] != KEY_NONE)
            key[all++] = ground->claim.word[i].need[0];
    qsort(key, all, sizeof(*key), by_key);
    for (size_t i = 0; i < all; i++)
        if (*count == 0 || key[*count - 1] != key[i])
            key[(*count)++] = key[i];
    return true;
}

static size_t shared_keys(const int32_t *a, size_t a_count, const int32_t *b,
                          size_t b_count)
{
    size_t i = 0, j = 0, shared = 0;
    while (i < a_count && j < b_count) {
        shared += a[i] == b[j];
        size_t step = a[i] <= b[j];
        j += a[i] >= b[j];
        i += step;
    }
    return shared;
}

/* Was nearly all of it said before? */
static bool was_said(const struct ground *ground, size_t count)
{
    const int32_t *key = ground->key + ground->key_count;
    for (size_t i = 0; i < ground->taken_count; i++) {
        const struct taken *taken = &ground->taken[i];
        size_t shared =
            shared_keys(key, count, ground->key + taken->first, taken->count);
        if ((double)shared >= SAME_SHARE * (double)count)
            return true;
    }
    return false;
}

static bool take(struct ground *ground, size_t count)
{
    if (ground->taken_count == ground->taken_capacity) {
        size_t capacity = ground->taken_capacity ? ground->taken_capacity * 2 : 16;
        struct taken *bigger = realloc(ground->taken, capacity * sizeof(*bigger));
        if (!bigger)
            return false;
        ground->taken = bigger;
        ground->taken_capacity = capacity;
    }
    ground->taken[ground->taken_count++] = (struct taken){ground->key_count, count};
    ground->key_count += count;
    return true;
}

/* ---- the check ------------------------------------------------------------------ */

/* "Any fever?" does not say that there is one. */
static bool is_question(const struct pipeline_text *text, size_t i)
{
    const struct pipeline_sentence *sentence = &text->sentence[i];
    const char *end = text->text + sentence->at + sentence->bytes;
    while (end > text->text + sentence->at && strchr(" \t\r\n\f", end[-1]))
        end--;
    return end > text->text + sentence->at && end[-1] == '?';
}

/* The words that a claim may rest on; questions of a dialogue say nothing. */
static bool source_read(struct ground *ground, const struct window *window)
{
    const struct pipeline_text *text = ground->text;
    bool room = true;
    words_clear(&ground->source);
    for (size_t i = window->first; i < window->end && room; i++)
        room =
            (ground->is_dialogue && is_question(text, i)) ||
            words_read(&ground->source, &ground->lexicon,
                       text->text + text->sentence[i].at, text->sentence[i].bytes, i);
    return room;
}

/* Lay the claim beside one window; *blame: the word, or the count of words. */
static bool lay_beside(struct ground *ground, const struct ground_claim *claim,
                       const struct window *window, struct ground_result *out,
                       size_t *blame)
{
    struct ground_weight weighing;
    if (!source_read(ground, window) ||
        !ground_weigh(&ground->claim, &ground->source, &ground->lexicon, &weighing))
        return false;
    *blame = ground->claim.count;
    out->first = window->first;
    out->end = window->end;
    out->support = weighing.support;
    if (echoes_prompt(ground, blame)) {
        out->verdict = GROUND_PROMPT;
    } else if (form_loops(&ground->claim, &ground->source)) {
        out->verdict = GROUND_REPEATS;
        *blame = ground->claim.count;
    } else if (goes_on_talking(ground, claim->text, claim->bytes, blame)) {
        out->verdict = GROUND_DIALOGUE;
    } else {
        out->verdict = weighing.verdict;
        *blame = weighing.blame;
    }
    return true;
}

/* Does a window hold one that was looked at before? It was better, and fell. */
static bool holds_earlier(const struct window *window, size_t i)
{
    for (size_t n = 0; n < i; n++)
        if (window[n].first >= window[i].first && window[n].end <= window[i].end)
            return true;
    return false;
}

/* The verdict on the best window, unless a later one bears the claim out. */
static bool find_ground(struct ground *ground, const struct ground_claim *claim,
                        struct ground_result *out, size_t *blame)
{
    struct window window[WINDOWS_MAX];
    size_t count =
        index_windows(&ground->index, &ground->claim, claim->first, claim->end, window);
    if (count == 0)
        window[count++] = (struct window){claim->first, claim->first, 0};
    for (size_t i = 0; i < count; i++) {
        struct ground_result result = {.verdict = GROUND_STANDS};
        size_t word;
        if (holds_earlier(window, i))
            continue;
        if (!lay_beside(ground, claim, &window[i], &result, &word))
            return false;
        if (i == 0 || result.verdict == GROUND_STANDS) {
            *out = result;
            *blame = word;
        }
        if (result.verdict == GROUND_STANDS)
            return true;
    }
    return true;
}

static void blame_word(const struct ground *ground, const struct ground_claim *claim,
                       size_t blame, struct ground_result *out)
{
    if (out->verdict == GROUND_STANDS || blame >= ground->claim.count)
        return;
    const struct word *word = &ground->claim.word[blame];
    int32_t bytes = word->bytes < sizeof(out->what) ? (int32_t)word->bytes
                                                    : (int32_t)sizeof(out->what) - 1;
    const uint8_t *from = (const uint8_t *)claim->text + word->at;
    if ((size_t)bytes < word->bytes)
        U8_SET_CP_START(from, 0, bytes);
    memcpy(out->what, from, (size_t)bytes);
    out->what[bytes] = '\0';
}

static bool check(struct ground *ground, const struct ground_claim *claim,
                  struct ground_result *out)
{
    bool room = true;
    size_t blame = ground->claim.count, keys;
    if (form_is_empty(claim, &ground->claim, &ground->lexicon))
        out->verdict = GROUND_EMPTY;
    else if (is_turn(ground, &room))
        out->verdict = GROUND_DIALOGUE;
    else if (form_is_unfinished(claim, &ground->claim, &ground->lexicon))
        out->verdict = GROUND_UNFINISHED;
    else
        room = find_ground(ground, claim, out, &blame);
    if (room && out->verdict == GROUND_STANDS) {
        room = keys_collect(ground, &keys);
        if (room && was_said(ground, keys))
            out->verdict = GROUND_REPEATS;
        else
            room = room && take(ground, keys);
    }
    blame_word(ground, claim, blame, out);
    if (out->verdict != GROUND_STANDS)
        out->first = out->end = 0;
    return room;
}

int ground_check(struct ground *ground, const struct ground_claim *claim,
                 struct ground_result *out, struct pipeline_error *err)
{
    *out = (struct ground_result){.verdict = GROUND_EMPTY};
    words_clear(&ground->claim);
    if (!prompt_read(ground, claim->prompt) ||
        !words_read(&ground->claim, &ground->lexicon, claim->text, claim->bytes, 0) ||
        !check(ground, claim, out))
        return pipeline_fail(err, PIPELINE_ENOMEM, "no memory to check a sentence");
    return PIPELINE_OK;
}
