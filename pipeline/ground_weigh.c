/* ground_weigh - a claim beside the words it may rest on.
 *
 *     claim    The Buyer     pays   $5 million  within  60 days
 *     source   ... the Buyer shall pay $5,000,000 to the Seller within sixty (60) days
 *
 * Every number, date and name must be there, most of the other words too, and words
 * that follow each other in the claim must stand near each other there: a small model
 * puts true words together to false sentences. A number keeps the word it counts
 * ("60 days" are not there because "60 shares" and "30 days" are), and what is denied
 * there is denied in the claim. */
#include "pipeline/ground_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    FRAME_WORDS_MAX = 6, /* "The text also clearly states that" */
    UNIT_WORDS = 3,      /* between a number and what it counts */
    PLACES_MAX = 48      /* of one word that are looked at */
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SUPPORT_MIN  0.9
#define LOOSE_MAX    1.0

/* ---- which word rests on which -------------------------------------------------- */

static bool place_add(struct scale *scale, size_t claim, size_t source)
{
    if (scale->count > scale->first[claim] &&
        scale->place[scale->count - 1].source == source)
        return true; /* it gives the same in two ways */
    if (scale->count - scale->first[claim] == PLACES_MAX)
        return true;
    if (scale->count == scale->capacity) {
        size_t capacity = scale->capacity ? scale->capacity * 2 : 256;
        struct place *bigger = realloc(scale->place, capacity * sizeof(*bigger));
        if (!bigger)
            return false;
        scale->place = bigger;
        scale->capacity = capacity;
    }
    scale->place[scale->count++] = (struct place){claim, source, 0};
    return true;
}

static bool places_by_key(struct scale *scale, size_t i)
{
    const struct word *word = &scale->claim->word[i];
    for (size_t n = 0; n < scale->source->gift_count; n++) {
        const struct gift *gift = &scale->source->gift[n];
        bool fits = gift->key == word->need[0] ||
                    (word->need[1] != KEY_NONE && gift->key == word->need[1]);
        if (fits && !place_add(scale, i, gift->word))
            return false;
    }
    return true;
}

/* Names are taken letter by letter. */
static bool places_by_kin(struct scale *scale, size_t i)
{
    const struct word *word = &scale->claim->word[i];
    if (word->kind != WORD_CONTENT || word->capital)
        return true;
    const char *stem = lexicon_text(scale->lexicon, word->need[0]);
    for (size_t j = 0; j < scale->source->count; j++) {
        const struct word *other = &scale->source->word[j];
        if (other->kind == WORD_CONTENT &&
            stem_is_kin(stem, lexicon_text(scale->lexicon, other->need[0])) &&
            !place_add(scale, i, j))
            return false;
    }
    return true;
}

static bool places_find(struct scale *scale)
{
    for (size_t i = 0; i < scale->claim->count; i++) {
        scale->first[i] = scale->count;
        if (scale->claim->word[i].need[0] == KEY_NONE)
            continue;
        if (!places_by_key(scale, i) ||
            (scale->count == scale->first[i] && !places_by_kin(scale, i)))
            return false;
    }
    scale->first[scale->claim->count] = scale->count;
    return true;
}

bool scale_bears_out(const struct scale *scale, size_t i)
{
    return scale->first[i + 1] > scale->first[i];
}

/* A doctor's notes are about the patient, who says "I". */
static bool is_patient(const char *word)
{
    return is_same(word, "patient") || is_same(word, "patient's");
}

/* Where what is said begins, behind "The text also mentions that". */
static size_t frame_end(const struct words *claim, const struct lexicon *lexicon)
{
    bool about = false;
    for (size_t i = 0; i < claim->count && i < FRAME_WORDS_MAX; i++) {
        const char *word = lexicon_text(lexicon, claim->word[i].plain);
        about = about || word_is_about_text(word);
        if (is_same(word, "that"))
            return about ? i : 0;
        if (claim->word[i].need[0] != KEY_NONE && !word_is_about_text(word))
            return 0;
    }
    return 0;
}

bool scale_needs(const struct scale *scale, size_t i)
{
    const struct word *word = &scale->claim->word[i];
    if (word->need[0] == KEY_NONE || i < scale->frame_end)
        return false;
    const char *text = lexicon_text(scale->lexicon, word->plain);
    return word->capital || (!is_patient(text) &&
                             (scale_bears_out(scale, i) || !word_is_about_text(text)));
}

/* ---- facts ---------------------------------------------------------------------- */

/* The first word of a sentence is a name when a name follows it at once. */
static bool is_name(const struct scale *scale, size_t i)
{
    const struct words *claim = scale->claim;
    const struct word *next = &claim->word[i + 1];
    return claim->word[i].kind == WORD_CONTENT &&
           (claim->word[i].capital || (i == 0 && claim->count > 1 &&
                                       next->kind == WORD_CONTENT && next->capital));
}

static enum ground_verdict check_facts(const struct scale *scale, size_t *blame)
{
    for (size_t i = 0; i < scale->claim->count; i++) {
        const struct word *word = &scale->claim->word[i];
        if (word->need[0] == KEY_NONE || scale_bears_out(scale, i))
            continue;
        *blame = i;
        if (word->kind == WORD_NUMBER)
            return GROUND_NUMBER;
        if (word->kind == WORD_DATE)
            return GROUND_DATE;
        if (is_name(scale, i))
            return GROUND_NAME;
    }
    return GROUND_STANDS;
}

/* What number i of these words counts: the content word right behind it. */
static size_t unit_of(const struct words *words, size_t i)
{
    size_t unit = i + 1;
    while (unit < words->count && words->word[unit].kind == WORD_NUMBER)
        unit++;
    return unit < words->count && words->word[unit].kind == WORD_CONTENT &&
                   words->word[unit].sentence == words->word[i].sentence
               ? unit
               : words->count;
}

/* Does a number of the source, not one of those that bear out i, count this word? */
static bool counts_another(const struct scale *scale, size_t place)
{
    const struct words *source = scale->source;
    for (size_t j = 0; j < source->count; j++)
        if (source->word[j].kind == WORD_NUMBER && unit_of(source, j) == place)
            return true;
    return false;
}

bool scale_are_near(const struct scale *scale, size_t a, size_t b, size_t words_max)
{
    const struct words *source = scale->source;
    return a != b && source->word[a].sentence == source->word[b].sentence &&
           (a > b ? a - b : b - a) <= words_max;
}

/* Do words i and j of the claim stand near each other in the source? */
static bool are_near(const struct scale *scale, size_t i, size_t j, size_t words_max)
{
    for (size_t a = scale->first[i]; a < scale->first[i + 1]; a++)
        for (size_t b = scale->first[j]; b < scale->first[j + 1]; b++)
            if (scale_are_near(scale, scale->place[a].source, scale->place[b].source,
                               words_max))
                return true;
    return false;
}

static bool counts_falsely(const struct scale *scale, size_t i)
{
    size_t unit = unit_of(scale->claim, i);
    if (scale->claim->word[i].kind != WORD_NUMBER || unit == scale->claim->count ||
        !scale_bears_out(scale, unit) || are_near(scale, i, unit, UNIT_WORDS))
        return false;
    for (size_t a = scale->first[unit]; a < scale->first[unit + 1]; a++)
        if (counts_another(scale, scale->place[a].source))
            return true;
    return false;
}

/* ---- what is denied ------------------------------------------------------------- */

enum said { SAID_NOWHERE, SAID_SO, SAID_OTHERWISE };

/* Is word i of the claim denied, or not denied, in one of its places? */
static enum said said_denied(const struct scale *scale, size_t i, bool denied)
{
    enum said said = SAID_NOWHERE;
    for (size_t a = scale->first[i]; a < scale->first[i + 1]; a++) {
        bool there = scale->source->word[scale->place[a].source].denied > 0;
        if (there == denied)
            return SAID_SO;
        said = SAID_OTHERWISE;
    }
    return said;
}

/* The claim denies what the source does not deny. */
static bool denies_falsely(const struct scale *scale, size_t *blame)
{
    const struct words *claim = scale->claim;
    bool any = false;
    for (size_t j = 0; j < scale->source->count; j++)
        any = any || scale->source->word[j].denies;
    for (size_t i = 0; i < claim->count; i++) {
        *blame = i;
        if (claim->word[i].denies && !any)
            return true;
        if (claim->word[i].denied == 1 && said_denied(scale, i, true) == SAID_OTHERWISE)
            return true;
    }
    return false;
}

/* Does a word of the claim that is so far from a denial rest on word `source`? */
static bool claim_holds(const struct scale *scale, size_t source, unsigned denied)
{
    for (size_t n = 0; n < scale->count; n++)
        if (scale->place[n].source == source &&
            scale->claim->word[scale->place[n].claim].denied == denied)
            return true;
    return false;
}

/* A word of the claim that rests on word `source`, is not denied and stands so nowhere
 * else in the source; the count of words: there is none. */
static size_t said_of_denied(const struct scale *scale, size_t source)
{
    for (size_t n = 0; n < scale->count; n++) {
        size_t i = scale->place[n].claim;
        if (scale->place[n].source == source && scale->claim->word[i].denied == 0 &&
            said_denied(scale, i, false) == SAID_OTHERWISE)
            return i;
    }
    return scale->claim->count;
}

/* The source denies what the claim says: some word behind "not" is in the claim, and
 * none is denied there. "Neither PARTY may assign": the nearest may stand undenied when
 * a later one is denied; "excluding TAXES on income": it may be said elsewhere. */
static bool leaves_out_denial(const struct scale *scale, size_t *blame)
{
    const struct words *source = scale->source;
    for (size_t j = 0; j < source->count; j++) {
        if (source->word[j].denied != 1 || !claim_holds(scale, j, 0))
            continue;
        bool denied = false;
        *blame = scale->claim->count;
        for (size_t k = j; k < source->count && (k == j || source->word[k].denied != 1);
             k++) {
            if (source->word[k].denied == 0)
                continue;
            denied = denied || claim_holds(scale, k, 1);
            if (*blame == scale->claim->count)
                *blame = said_of_denied(scale, k);
        }
        if (!denied && *blame < scale->claim->count)
            return true;
    }
    return false;
}

/* ---- may and must --------------------------------------------------------------- */

/* Does a sentence of the source hold one of these words? */
static bool sentence_holds(const struct scale *scale, size_t sentence,
                           const char *const *list, size_t count)
{
    const struct words *source = scale->source;
    for (size_t j = 0; j < source->count; j++)
        if (source->word[j].sentence == sentence &&
            word_is_one_of(lexicon_text(scale->lexicon, source->word[j].plain), list,
                           count))
            return true;
    return false;
}

/* Who may is not bound, and who must has no choice. */
static bool is_otherwise_bound(const struct scale *scale, size_t *blame)
{
    static const char *const may[] = {"may",      "might",     "can",     "could",
                                      "right",    "rights",    "option",  "allows",
                                      "entitled", "permitted", "allowed", "elect"};
    static const char *const must[] = {
        "must",     "shall",    "will",      "agree",     "agrees",     "agreed",
        "required", "requires", "obligated", "covenants", "undertakes", "bound"};
    static const char *const bound[] = {"must", "shall", "will"};
    const struct words *claim = scale->claim;
    for (size_t i = 0; i + 1 < claim->count; i++) {
        const char *word = lexicon_text(scale->lexicon, claim->word[i].plain);
        bool may_here = strcmp(word, "may") == 0;
        bool must_here = word_is_one_of(word, bound, COUNT(bound));
        if (!may_here && !must_here)
            continue;
        size_t next = i + 1; /* what may be done */
        while (next + 1 < claim->count && !scale_bears_out(scale, next))
            next++;
        bool held = !scale_bears_out(scale, next);
        for (size_t a = scale->first[next]; a < scale->first[next + 1] && !held; a++)
            held = sentence_holds(scale,
                                  scale->source->word[scale->place[a].source].sentence,
                                  may_here ? may : must, COUNT(may));
        *blame = i;
        if (!held)
            return true;
    }
    return false;
}

/* ---- all together --------------------------------------------------------------- */

static enum ground_verdict judge(const struct scale *scale, struct ground_weight *out)
{
    size_t count = scale->claim->count;
    enum ground_verdict verdict = check_facts(scale, &out->blame);
    if (verdict != GROUND_STANDS)
        return verdict;
    for (size_t i = 0; i < count; i++)
        if (counts_falsely(scale, i)) {
            out->blame = i;
            return GROUND_NUMBER;
        }
    out->blame = count;
    scale_loose_ends(scale, out);
    if (out->support < SUPPORT_MIN || out->loose > LOOSE_MAX)
        return GROUND_WORDS;
    if (is_otherwise_bound(scale, &out->blame))
        return GROUND_WORDS;
    if (denies_falsely(scale, &out->blame) || leaves_out_denial(scale, &out->blame))
        return GROUND_NEGATION;
    out->blame = count;
    return GROUND_STANDS;
}

bool ground_weigh(const struct words *claim, const struct words *source,
                  const struct lexicon *lexicon, struct ground_weight *out)
{
    struct scale scale = {.claim = claim,
                          .source = source,
                          .lexicon = lexicon,
                          .frame_end = frame_end(claim, lexicon)};
    *out = (struct ground_weight){.blame = claim->count};
    scale.first = calloc(claim->count + 1, sizeof(*scale.first));
    bool room = scale.first && places_find(&scale);
    if (room)
        out->verdict = judge(&scale, out);
    free(scale.place);
    free(scale.first);
    return room;
}
