/* ground_chain - are the words of a claim put together as they are in the source?
 *
 *     claim    The harbor office  repaired  the ferry  in the spring
 *     source   "The harbor office repaired the lighthouse in the spring." "The ferry
 * sank." harbor - office - repaired - - - - -|- - - - - ferry - - -|- - spring
 *
 * A small model puts true words together to false sentences. So the content words are
 * led through the source as a chain, each to one of its places, the cheapest way: to a
 * place near by and behind costs nothing, a leap costs. What a chain costs, and the
 * words that are not there at all, are the loose ends of a claim. */
#include "pipeline/ground_internal.h"

#include <float.h>
#include <string.h>

enum { NEAR_WORDS = 6 /* between neighbours of the claim in the source */ };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Each word that rests on nothing is a loose end, and each that is used once too often.
 * Words put together as they are not there cost so much of one: */
#define RELATED_ANEW      0.5 /* near, but with "to" where there is no "to" ... */
#define RELATED_OTHERWISE 1.5 /* ... but "by" */
#define TURNED            0.5 /* near, but the other way about, in the passive ... */
#define TURNED_BACK       1.5 /* ... or not */
#define NEW_CLAUSE        0.5 /* apart, but a new clause begins */
#define SPLICED           1.5 /* out of two sentences, or far from its subject */

static const char *const relations[] = {"to",      "from",  "by",    "for",  "with",
                                        "against", "until", "under", "into", "between"};

struct seam { /* what stands between two words of the claim */
    size_t words;
    bool comma, joins, turns;
    bool subject;     /* before it nothing is said yet */
    int32_t relation; /* the key of "to", "by", "from" ..., or KEY_NONE */
};

static struct seam seam_of(const struct scale *scale, size_t i, size_t j)
{
    static const char *const joins[] = {"and", "while"};
    static const char *const turns[] = {"is", "are",  "was", "were",
                                        "be", "been", "by",  "of"};
    struct seam seam = {.words = j - i, .relation = KEY_NONE};
    for (size_t n = i + 1; n <= j; n++) {
        const struct word *word = &scale->claim->word[n];
        const char *text = lexicon_text(scale->lexicon, word->plain);
        seam.comma = seam.comma || word->clause;
        seam.joins = seam.joins || word_is_one_of(text, joins, COUNT(joins));
        seam.turns = seam.turns || word_is_one_of(text, turns, COUNT(turns));
        if (n < j && word_is_one_of(text, relations, COUNT(relations)))
            seam.relation = word->plain;
    }
    return seam;
}

/* What it costs that the claim says "to" between two words where the source does not:
 * more where it says "by". */
static double relation_cost(const struct scale *scale, const struct seam *seam,
                            size_t a, size_t b)
{
    bool another = false;
    if (seam->relation == KEY_NONE)
        return 0;
    for (size_t n = a + 1; n < b; n++) {
        int32_t plain = scale->source->word[n].plain;
        if (plain == seam->relation)
            return 0;
        another = another || word_is_one_of(lexicon_text(scale->lexicon, plain),
                                            relations, COUNT(relations));
    }
    return another ? RELATED_OTHERWISE : RELATED_ANEW;
}

/* What it costs to put words a and b of the source together so. */
static double junction(const struct scale *scale, const struct seam *seam, size_t a,
                       size_t b)
{
    size_t near = seam->words > NEAR_WORDS ? seam->words : NEAR_WORDS;
    bool together = scale->source->word[a].sentence == scale->source->word[b].sentence;
    double relation = together && a < b ? relation_cost(scale, seam, a, b) : 0;
    if (a < b && scale_are_near(scale, a, b, near))
        return relation;
    if (scale_are_near(scale, a, b, near))
        return seam->turns ? TURNED : TURNED_BACK;
    if (seam->joins)
        return seam->comma ? NEW_CLAUSE : 1;
    if (!together || seam->subject)
        return SPLICED;
    return relation > 1 ? relation : 1;
}

/* Go on from word i of the claim to word j: the cheapest way to each place of j. */
static void chain_on(const struct scale *scale, size_t i, size_t j, bool subject)
{
    struct seam seam = seam_of(scale, i, j);
    seam.subject = subject && !seam.comma;
    for (size_t b = scale->first[j]; b < scale->first[j + 1]; b++) {
        struct place *place = &scale->place[b];
        place->cost = DBL_MAX;
        for (size_t a = scale->first[i]; a < scale->first[i + 1]; a++) {
            const struct place *from = &scale->place[a];
            double cost =
                from->cost + junction(scale, &seam, from->source, place->source);
            place->cost = cost < place->cost ? cost : place->cost;
        }
    }
}

static double cheapest(const struct scale *scale, size_t i)
{
    double least = DBL_MAX;
    for (size_t a = scale->first[i]; a < scale->first[i + 1]; a++)
        if (scale->place[a].cost < least)
            least = scale->place[a].cost;
    return least;
}

/* Is word i used more often in the claim than there? */
static bool is_overused(const struct scale *scale, size_t i)
{
    size_t uses = 0;
    for (size_t j = 0; j <= i; j++)
        uses += scale->claim->word[j].need[0] == scale->claim->word[i].need[0];
    return uses > scale->first[i + 1] - scale->first[i];
}

void scale_loose_ends(const struct scale *scale, struct ground_weight *out)
{
    size_t needed = 0, borne = 0, last = scale->claim->count;
    for (size_t i = 0; i < scale->claim->count; i++) {
        if (!scale_needs(scale, i))
            continue;
        needed++;
        if (!scale_bears_out(scale, i)) {
            out->blame = out->blame == scale->claim->count ? i : out->blame;
            out->loose += 1;
            continue;
        }
        borne++;
        out->loose += is_overused(scale, i);
        if (last < scale->claim->count)
            chain_on(scale, last, i, borne == 2);
        last = i;
    }
    if (last < scale->claim->count)
        out->loose += cheapest(scale, last);
    out->support = needed ? (double)borne / (double)needed : 0;
}
