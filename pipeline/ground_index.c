/* ground_index - from a key to the sentences that hold it, and the best windows.
 *
 *     key       begin ─► posting
 *     buyer     0        3 7 8 41
 *     $5000000  4        7
 *
 * For each word of a claim the sentences that give what it needs get a bit. A window
 * is a few sentences of one chunk, next to each other; its bits together are what it
 * bears out. A sentence more must bring more than one word to be worth its place. */
#include "pipeline/ground_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    NEEDS_MAX = 64, /* that a search looks at; later ones are checked, not sought */
    SCORE_WORD = 4,
    SCORE_FACT = 12, /* a number, a date, a name */
    SCORE_SENTENCE = 5
};

/* ---- building ------------------------------------------------------------------- */

struct holding { /* a key in a sentence */
    int32_t key;
    uint32_t sentence;
};

struct holdings {
    struct holding *holding;
    size_t count, capacity;
};

static bool holding_add(struct holdings *all, int32_t key, uint32_t sentence)
{
    if (all->count == all->capacity) {
        size_t capacity = all->capacity ? all->capacity * 2 : 4096;
        struct holding *bigger = realloc(all->holding, capacity * sizeof(*bigger));
        if (!bigger)
            return false;
        all->holding = bigger;
        all->capacity = capacity;
    }
    all->holding[all->count++] = (struct holding){key, sentence};
    return true;
}

/* Read every sentence: what it holds, and who speaks. */
static bool holdings_collect(struct index *index, struct holdings *all,
                             struct lexicon *lexicon, const struct pipeline_text *text)
{
    struct words words = {0};
    bool room = true;
    for (size_t i = 0; i < text->sentence_count && room; i++) {
        const struct pipeline_sentence *sentence = &text->sentence[i];
        words_clear(&words);
        room =
            words_read(&words, lexicon, text->text + sentence->at, sentence->bytes, i);
        if (room)
            index->label[i] = words_speaker(&words, lexicon, &room);
        for (size_t n = 0; n < words.gift_count && room; n++)
            room = holding_add(all, words.gift[n].key, (uint32_t)i);
    }
    words_free(&words);
    return room;
}

/* Sort by key, counting; that a sentence may hold a key twice does no harm. */
static void postings_fill(struct index *index, const struct holdings *all)
{
    size_t *end = index->begin + 1; /* of key i - 1; shifts to where i begins */
    for (size_t i = 0; i < all->count; i++)
        end[all->holding[i].key]++;
    for (size_t i = 0; i < index->keys; i++)
        end[i] += index->begin[i];
    for (size_t i = all->count; i-- > 0;) {
        const struct holding *holding = &all->holding[i];
        index->posting[--end[holding->key]] = holding->sentence;
    }
    memmove(index->begin, end, index->keys * sizeof(*end));
    index->begin[index->keys] = all->count;
}

bool index_build(struct index *index, struct lexicon *lexicon,
                 const struct pipeline_text *text)
{
    struct holdings all = {0};
    index->text = text;
    index->label = calloc(text->sentence_count + 1, sizeof(*index->label));
    bool room = index->label && holdings_collect(index, &all, lexicon, text);
    index->keys = lexicon->count;
    index->begin = calloc(index->keys + 2, sizeof(*index->begin));
    index->posting = calloc(all.count + 1, sizeof(*index->posting));
    index->mask = calloc(text->sentence_count + 1, sizeof(*index->mask));
    index->hit = calloc(text->sentence_count + 1, sizeof(*index->hit));
    room = room && index->begin && index->posting && index->mask && index->hit;
    if (room)
        postings_fill(index, &all);
    free(all.holding);
    return room;
}

void index_free(struct index *index)
{
    free(index->begin);
    free(index->posting);
    free(index->label);
    free(index->mask);
    free(index->hit);
    *index = (struct index){0};
}

/* ---- searching ------------------------------------------------------------------ */

struct search {
    struct index *index;
    size_t first, end, hits;
    uint64_t facts; /* the needs that are numbers, dates, names */
};

/* The first posting of a key at or behind a sentence. */
static size_t posting_from(const struct index *index, int32_t key, size_t sentence)
{
    size_t low = index->begin[key], high = index->begin[key + 1];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->posting[middle] < sentence)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void mark_key(struct search *search, int32_t key, unsigned bit)
{
    struct index *index = search->index;
    if (key == KEY_NONE || (size_t)key >= index->keys)
        return;
    size_t at = posting_from(index, key, search->first);
    for (; at < index->begin[key + 1] && index->posting[at] < search->end; at++) {
        uint32_t sentence = index->posting[at];
        if (index->mask[sentence] == 0)
            index->hit[search->hits++] = sentence;
        index->mask[sentence] |= UINT64_C(1) << bit;
    }
}

static void mark_needs(struct search *search, const struct words *claim)
{
    unsigned bit = 0;
    for (size_t i = 0; i < claim->count && bit < NEEDS_MAX; i++) {
        const struct word *word = &claim->word[i];
        bool known = word->need[0] == KEY_NONE;
        for (size_t j = 0; j < i && !known; j++)
            known = claim->word[j].need[0] == word->need[0];
        if (known)
            continue;
        if (word->kind != WORD_CONTENT || word->capital)
            search->facts |= UINT64_C(1) << bit;
        for (size_t n = 0; n < READINGS_MAX; n++)
            mark_key(search, word->need[n], bit);
        bit++;
    }
}

static int score(const struct search *search, uint64_t mask, size_t sentences)
{
    int words = __builtin_popcountll(mask & ~search->facts);
    int facts = __builtin_popcountll(mask & search->facts);
    return words * SCORE_WORD + facts * SCORE_FACT - (int)sentences * SCORE_SENTENCE;
}

/* Keep the best, best first; of equals the one found first. */
static size_t window_keep(struct window out[WINDOWS_MAX], size_t count,
                          struct window window)
{
    size_t at = count < WINDOWS_MAX ? count : WINDOWS_MAX - 1;
    if (count == WINDOWS_MAX && out[at].score >= window.score)
        return count;
    for (; at > 0 && out[at - 1].score < window.score; at--)
        out[at] = out[at - 1];
    out[at] = window;
    return count < WINDOWS_MAX ? count + 1 : count;
}

static int by_number(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

size_t index_windows(struct index *index, const struct words *claim, size_t first,
                     size_t end, struct window out[WINDOWS_MAX])
{
    struct search search = {index, first, end, 0, 0};
    const struct pipeline_sentence *sentence = index->text->sentence;
    size_t count = 0;
    mark_needs(&search, claim);
    qsort(index->hit, search.hits, sizeof(*index->hit), by_number);
    for (size_t i = 0; i < search.hits; i++) {
        size_t from = index->hit[i];
        uint64_t mask = 0;
        for (size_t n = 0; n < WINDOW_SENTENCES_MAX && from + n < end &&
                           sentence[from + n].chunk == sentence[from].chunk;
             n++) {
            uint64_t more = index->mask[from + n] & ~mask;
            mask |= more;
            if (more)
                count = window_keep(
                    out, count,
                    (struct window){from, from + n + 1, score(&search, mask, n + 1)});
        }
    }
    for (size_t i = 0; i < search.hits; i++)
        index->mask[index->hit[i]] = 0;
    return count;
}
