/* What the files of ground share: words as they are compared, and the lists of words
 * that are known.
 *
 *     "The Buyer shall not pay $5 million before March 5, 2019."
 *
 *     word      kind     needs one of    gives
 *     buyer     content  buyer           buyer
 *     not       negator
 *     pay       content  pay (denied)    pay
 *     $5 ...    number   $5000000        $5000000 #5000000
 *     before    content  befor           befor
 *     March ... date     @2019-03-05     @2019-03-05 @2019-03 @--03-05 @--03 #2019 #5
 *
 * A key is a text; the lexicon gives each one a number. Words that carry no meaning of
 * their own ("the", "shall") give and need nothing. */
#ifndef PIPELINE_GROUND_INTERNAL_H
#define PIPELINE_GROUND_INTERNAL_H

#include "pipeline/ground.h"
#include "pipeline/internal.h"

#include <string.h>

enum {
    KEY_BYTES_MAX = 47, /* longer words are told apart by so many bytes only */
    KEY_NONE = -1
};

/* ---- ground_lexicon.c: keys and their numbers ----------------------------------- */

struct lexicon_node { /* of a crit-bit tree: below 0 a key, ~child */
    int32_t child[2];
    uint16_t byte;
    uint8_t mask; /* the one bit that the two sides differ in */
};

struct lexicon { /* zeroed: empty */
    char *text;  /* keys, a NUL behind each */
    size_t bytes, bytes_capacity;
    size_t *at; /* of key i in text */
    struct lexicon_node *node;
    size_t count, capacity;
    int32_t root;
};
/* The number of a key of at most KEY_BYTES_MAX bytes without NUL, a new one if need be;
 * KEY_NONE: no memory. */
int32_t lexicon_key(struct lexicon *lexicon, const char *text, size_t bytes);
const char *lexicon_text(const struct lexicon *lexicon, int32_t key);
void lexicon_free(struct lexicon *lexicon);

/* ---- ground_pieces.c: letters, digits and marks --------------------------------- */

enum piece_kind { PIECE_WORD, PIECE_NUMBER, PIECE_IDEOGRAPH, PIECE_MARK };

struct piece {
    enum piece_kind kind;
    size_t at, bytes;
    char folded[KEY_BYTES_MAX + 1]; /* no case, no accents; digits as 0 to 9 */
    size_t folded_bytes;
    int32_t mark; /* the character */
    bool capital; /* begins with one */
    bool upper;   /* has more than one letter and no small one */
    bool spaced;  /* white space stands before it */
};

struct pieces { /* zero it first */
    struct piece *piece;
    size_t count, capacity;
};
/* Replace the content by the pieces of text; false: no memory. */
bool pieces_read(struct pieces *pieces, const char *text, size_t bytes);
void pieces_free(struct pieces *pieces);
/* Most words differ in their first byte. */
static inline bool is_same(const char *a, const char *b)
{
    return a[0] == b[0] && strcmp(a, b) == 0;
}
/* Is piece i this word, folded; this mark, whatever stands before it? */
bool piece_is_word(const struct pieces *pieces, size_t i, const char *word);
bool piece_is_mark(const struct pieces *pieces, size_t i, int32_t mark);

/* ---- ground_numbers.c: amounts and dates ---------------------------------------- */

enum {
    READINGS_MAX = 2,  /* "1.500" is one and a half, or fifteen hundred */
    NUMBER_BYTES = 40, /* digits that count */
    POWER_OF_TEN_MAX = 15
};

struct number {
    char kind; /* '#', or '%' of hundred, or '$' of any money */
    char value[READINGS_MAX][NUMBER_BYTES];
    size_t readings;
    bool plain_one; /* "one", "first": as good as no number */
};

struct date { /* 0: not said */
    int year[READINGS_MAX], month[READINGS_MAX], day[READINGS_MAX];
    size_t readings;
};
/* How many pieces from i on make a number, a date; 0: none does. */
size_t number_read(const struct pieces *pieces, size_t i, struct number *out);
size_t date_read(const struct pieces *pieces, size_t i, struct date *out);

/* ---- ground_stem.c: words without their endings, and lists of words ------------- */

/* Cut a folded word down to what its forms share; returns its bytes. */
size_t stem_cut(char *word, size_t bytes);
/* Do two stems differ in their last letters only, as forms of one word do? */
bool stem_is_kin(const char *a, const char *b);

enum person { PERSON_NONE, PERSON_I, PERSON_YOU, PERSON_WE, PERSONS };

bool word_is_one_of(const char *word, const char *const *list, size_t count);
bool word_is_empty(const char *folded);      /* carries no meaning of its own */
bool word_is_about_text(const char *folded); /* "passage", "highlights" */
bool word_denies(const char *folded);        /* "not", "isn't" */
enum person word_person(const char *folded);

/* ---- ground_words.c ------------------------------------------------------------- */

enum word_kind { WORD_EMPTY, WORD_CONTENT, WORD_NUMBER, WORD_DATE };

struct word {
    size_t at, bytes;
    int32_t need[READINGS_MAX]; /* keys, of which one bears it out; KEY_NONE */
    int32_t plain;              /* key of the word as it stands, whatever its kind */
    enum word_kind kind;
    enum person person;
    bool capital; /* and not because something begins here */
    bool quoted;
    bool initial; /* begins with a capital, for whatever reason */
    bool clause;  /* a comma or semicolon stands before it */
    bool denies;
    unsigned denied; /* how many words after one that denies; 0: not denied */
    size_t sentence; /* as words_read() was told */
};

struct gift { /* what a word gives */
    int32_t key;
    size_t word;
};

struct words { /* zero it first */
    struct word *word;
    size_t count, capacity;
    struct gift *gift; /* ascending by word */
    size_t gift_count, gift_capacity;
    struct pieces pieces;
    const char *text; /* of the sentence under way */
};
/* Append the words of a sentence; false: no memory. */
bool words_read(struct words *words, struct lexicon *lexicon, const char *text,
                size_t bytes, size_t sentence);
/* The key of who speaks in the sentence just read ("Doctor: ..."); KEY_NONE: nobody is
 * named; *room false: no memory. */
int32_t words_speaker(const struct words *words, struct lexicon *lexicon, bool *room);
void words_clear(struct words *words);
void words_free(struct words *words);

/* ---- ground_index.c: which sentences hold which key ----------------------------- */

enum {
    WINDOW_SENTENCES_MAX = 4,
    WINDOWS_MAX = 6 /* looked at closely */
};

struct index { /* zero it first */
    const struct pipeline_text *text;
    size_t *begin;     /* of key i: its sentences are posting[begin[i], begin[i + 1]) */
    uint32_t *posting; /* ascending */
    size_t keys;       /* later ones are in no sentence */
    int32_t *label;    /* one a sentence: its speaker ("Doctor: ..."), or KEY_NONE */
    uint64_t *mask;    /* scratch, one a sentence: which needs it fulfils */
    uint32_t *hit;     /* scratch: the sentences with a mask */
};

struct window {
    size_t first, end;
    int score;
};
bool index_build(struct index *index, struct lexicon *lexicon,
                 const struct pipeline_text *text);
/* The best windows for the words of a claim, best first; returns how many. */
size_t index_windows(struct index *index, const struct words *claim, size_t first,
                     size_t end, struct window out[WINDOWS_MAX]);
void index_free(struct index *index);

/* ---- ground_form.c: what is wrong with a sentence by itself --------------------- */

/* Says it nothing? A claim and its words. */
bool form_is_empty(const struct ground_claim *claim, const struct words *words,
                   const struct lexicon *lexicon);
bool form_is_unfinished(const struct ground_claim *claim, const struct words *words,
                        const struct lexicon *lexicon);
/* The longest run of the claim's words that others have too, in words. */
size_t form_run(const struct words *claim, const struct words *others, size_t *at);
/* Says it the same words over and over, more often than the source does? */
bool form_loops(const struct words *claim, const struct words *source);

/* ---- ground_weigh.c: a claim beside the words of a window ----------------------- */

struct ground_weight {
    enum ground_verdict verdict;
    size_t blame;   /* index of a word of the claim, or its count */
    double support; /* share of the content words */
    double loose;   /* what rests on nothing */
};

struct place { /* a word of the source that bears out a word of the claim */
    size_t claim, source;
    double cost; /* of all put together up to here */
};

struct scale {
    const struct words *claim, *source;
    const struct lexicon *lexicon;
    struct place *place; /* ascending by claim, then source */
    size_t count, capacity;
    size_t *first;    /* of the places of claim word i; one more at the end */
    size_t frame_end; /* words of the claim before it are about the text */
};
bool scale_bears_out(const struct scale *scale, size_t i); /* is word i there? */
bool scale_needs(const struct scale *scale, size_t i);     /* must it be there? */
/* Do words a and b of the source stand in one sentence, so near to each other? */
bool scale_are_near(const struct scale *scale, size_t a, size_t b, size_t words_max);

/* false: no memory. */
bool ground_weigh(const struct words *claim, const struct words *source,
                  const struct lexicon *lexicon, struct ground_weight *out);

/* ---- ground_chain.c: how the words of a claim are put together ------------------ */

/* Fills support, loose and, with the first word that is not there, blame. */
void scale_loose_ends(const struct scale *scale, struct ground_weight *out);

#endif
