/* ground_form - what is wrong with a sentence whatever the source says.
 *
 * A sentence says nothing when fewer than two of its words mean anything, or when it
 * is a heading; what is said of the text as such ("the passage highlights") does not
 * count. It is unfinished without a mark that ends a sentence, but an item of a list
 * may do without one when it is long enough to be a sentence. Loops are told by runs
 * of four words that come again, and do not come again as often in the source. */
#include "pipeline/ground_internal.h"

#include <string.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

enum {
    MEANING_MIN = 2,
    WORDS_MIN = 4,        /* or a verb: "Shared expenses." says nothing */
    ITEM_MEANING_MIN = 4, /* of one without a full stop */
    ITEM_WORDS_MIN = 7,
    TITLE_PERCENT_MIN = 60,
    TITLE_WORDS_MAX = 4, /* with a full stop: "Acme Inc." */
    RUN_WORDS = 4,
    RUN_MAX = 64,         /* longer ones count as this long */
    LOOP_PERCENT_MIN = 25 /* of the words, in runs that came before */
};

static bool means(const struct words *words, const struct lexicon *lexicon, size_t i)
{
    const struct word *word = &words->word[i];
    return word->kind != WORD_EMPTY && word->need[0] != KEY_NONE &&
           !word_is_about_text(lexicon_text(lexicon, word->plain));
}

static size_t meanings(const struct words *words, const struct lexicon *lexicon)
{
    size_t count = 0;
    for (size_t i = 0; i < words->count; i++) {
        bool again = !means(words, lexicon, i);
        for (size_t j = 0; j < i && !again; j++)
            again = words->word[j].need[0] == words->word[i].need[0];
        count += !again;
    }
    return count;
}

/* The last character that is neither white space nor closes something. */
static UChar32 last_mark(const char *text, size_t bytes, size_t *at)
{
    int32_t i = (int32_t)bytes;
    UChar32 c = 0;
    while (i > 0) {
        U8_PREV((const uint8_t *)text, 0, i, c);
        int8_t kind = c < 0 ? U_UNASSIGNED : u_charType(c);
        if (c != '"' && c != '\'' && c != '*' && !u_isUWhiteSpace(c) &&
            kind != U_FINAL_PUNCTUATION && kind != U_END_PUNCTUATION)
            break;
    }
    *at = (size_t)i;
    return c;
}

static bool ends_in_stop(const struct ground_claim *claim)
{
    size_t at;
    UChar32 c = last_mark(claim->text, claim->bytes, &at);
    bool dots = c == '.' && at > 0 && claim->text[at - 1] == '.';
    return c > 0 && !dots && u_hasBinaryProperty(c, UCHAR_S_TERM);
}

/* The verbs that stand between names without making them a heading. */
static bool is_auxiliary(const char *word)
{
    static const char *const verbs[] = {"is",   "are", "was",   "were",  "be",
                                        "been", "has", "have",  "had",   "do",
                                        "does", "did", "may",   "must",  "shall",
                                        "will", "can", "could", "would", "should"};
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(verbs[i], word) == 0)
            return true;
    return false;
}

static bool has_auxiliary(const struct words *words, const struct lexicon *lexicon)
{
    for (size_t i = 0; i < words->count; i++)
        if (words->word[i].kind == WORD_EMPTY &&
            is_auxiliary(lexicon_text(lexicon, words->word[i].plain)))
            return true;
    return false;
}

/* Nothing but words that begin with a capital, or with a few others and no stop. */
static bool is_title(const struct words *words, const struct lexicon *lexicon,
                     bool stopped)
{
    size_t content = 0, initial = 0;
    for (size_t i = 0; i < words->count; i++) {
        const struct word *word = &words->word[i];
        if (word->kind == WORD_EMPTY &&
            is_auxiliary(lexicon_text(lexicon, word->plain)))
            return false;
        content += word->kind == WORD_CONTENT;
        initial += word->kind == WORD_CONTENT && word->initial;
    }
    if (has_auxiliary(words, lexicon))
        return false;
    bool short_one = words->count <= TITLE_WORDS_MAX;
    return stopped && !short_one ? initial == content
                                 : initial * 100 >= content * TITLE_PERCENT_MIN;
}

bool form_is_empty(const struct ground_claim *claim, const struct words *words,
                   const struct lexicon *lexicon)
{
    size_t count = meanings(words, lexicon);
    bool stopped = ends_in_stop(claim);
    if (count < MEANING_MIN || is_title(words, lexicon, stopped))
        return true;
    if (stopped)
        return words->count < WORDS_MIN && !has_auxiliary(words, lexicon);
    return !claim->broken_off && count < ITEM_MEANING_MIN;
}

/* "$5." may have been going to be "$5.50", "Inc." to go on. */
static bool may_go_on(const struct ground_claim *claim)
{
    size_t at;
    if (last_mark(claim->text, claim->bytes, &at) != '.')
        return false;
    size_t from = at;
    while (from > 0 && !strchr(" \n(", claim->text[from - 1]))
        from--;
    return at == from || u_isdigit((unsigned char)claim->text[at - 1]) ||
           (at - from <= 3 && u_isupper((unsigned char)claim->text[from]));
}

bool form_is_unfinished(const struct ground_claim *claim, const struct words *words,
                        const struct lexicon *lexicon)
{
    size_t at;
    if (ends_in_stop(claim))
        return claim->broken_off && may_go_on(claim);
    UChar32 c = last_mark(claim->text, claim->bytes, &at);
    bool item = !claim->broken_off && words->count >= ITEM_WORDS_MIN &&
                (u_isalnum(c) || c == '%') && means(words, lexicon, words->count - 1);
    return !item;
}

/* ---- runs of words -------------------------------------------------------------- */

/* How many words from i of a and j of b on are the same, counted up to max. */
static size_t run_from(const struct words *a, size_t i, const struct words *b, size_t j,
                       size_t max)
{
    size_t run = 0;
    while (run < max && i + run < a->count && j + run < b->count &&
           a->word[i + run].plain == b->word[j + run].plain)
        run++;
    return run;
}

size_t form_run(const struct words *claim, const struct words *others, size_t *at)
{
    size_t best = 0;
    *at = 0;
    for (size_t i = 0; i + best < claim->count && best < RUN_MAX; i++)
        for (size_t j = 0; j + best < others->count; j++) {
            size_t run = run_from(claim, i, others, j, RUN_MAX);
            if (run > best) {
                best = run;
                *at = i;
            }
        }
    return best;
}

/* How often the run of four words from i of a stands in b before `end`. */
static size_t run_count(const struct words *a, size_t i, const struct words *b,
                        size_t end)
{
    size_t count = 0;
    for (size_t j = 0; j + RUN_WORDS <= b->count && j < end; j++)
        count += run_from(a, i, b, j, RUN_WORDS) == RUN_WORDS;
    return count;
}

bool form_loops(const struct words *claim, const struct words *source)
{
    size_t again = 0, covered = 0; /* words in runs that came before; up to where */
    for (size_t i = 0; i + RUN_WORDS <= claim->count; i++) {
        size_t before = run_count(claim, i, claim, i);
        if (before == 0 || run_count(claim, i, source, source->count) > before)
            continue;
        size_t from = i > covered ? i : covered;
        again += i + RUN_WORDS - from;
        covered = i + RUN_WORDS;
    }
    return again * 100 >= claim->count * LOOP_PERCENT_MIN && again > 0;
}
