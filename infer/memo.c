/* memo - one place for a word, by its hash; the last one that came keeps it.
 *
 *     bytes | ids | text, 14 | id, 4        32 bytes, 4,096 places
 *
 * Longer words and those of more ids are not kept. */
#include "infer/memo.h"
#include "infer/vocabulary.h"

#include <stdlib.h>
#include <string.h>

enum { WORD_BYTES_MAX = 14, WORD_IDS_MAX = 4, PLACES = 4096 };

struct word {
    uint8_t bytes, ids; /* bytes is 0 where nothing is kept */
    char text[WORD_BYTES_MAX];
    int32_t id[WORD_IDS_MAX];
};

_Static_assert(sizeof(struct word) == 32, "a place is half a line of the cache");

struct memo {
    struct word word[PLACES];
};

struct memo *memo_open(size_t text_bytes)
{
    return text_bytes < MEMO_TEXT_BYTES_MIN ? NULL : calloc(1, sizeof(struct memo));
}

void memo_close(struct memo *memo)
{
    free(memo);
}

static size_t place_of(const char *text, size_t bytes)
{
    return vocabulary_hash(text, bytes) % PLACES;
}

bool memo_find(const struct memo *memo, const char *text, size_t bytes,
               struct infer_tokens *out)
{
    const struct word *word;

    if (memo == NULL || bytes > WORD_BYTES_MAX)
        return false;
    word = &memo->word[place_of(text, bytes)];
    if (word->bytes != bytes || memcmp(word->text, text, bytes) != 0)
        return false;
    for (size_t i = 0; i < word->ids; i++)
        out->id[out->count++] = word->id[i];
    return true;
}

void memo_keep(struct memo *memo, const char *text, size_t bytes, const int32_t *id,
               size_t count)
{
    struct word *word;

    if (memo == NULL || bytes > WORD_BYTES_MAX || count > WORD_IDS_MAX)
        return;
    word = &memo->word[place_of(text, bytes)];
    word->bytes = (uint8_t)bytes;
    word->ids = (uint8_t)count;
    memcpy(word->text, text, bytes);
    memcpy(word->id, id, count * sizeof *id);
}
