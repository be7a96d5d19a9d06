/* ground_stem - words without their endings, and lists of words.
 *
 * Two forms of one word must meet: "terminates", "terminated" and "termination" are
 * "termin". The endings are English. What tells one party from the other stays:
 * lessor and lessee, employer and employee are four words. Endings of other
 * languages are left on; there two words are kin that share their beginning and
 * differ in few letters behind it. */
#include "pipeline/ground_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/utf8.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    STEM_BYTES_MIN = 3,
    KIN_SHARED_MIN = 5, /* letters of an alphabet; half of them elsewhere ... */
    KIN_SYLLABLES_MIN = 2,
    KIN_ENDINGS_MAX = 2, /* ... and of both endings together; one more elsewhere */
    HANGUL_LEAD = 0xEA   /* the first byte of a Korean syllable, to 0xED */
};

/* ---- lists, sorted by bytes ----------------------------------------------------- */

static const char *const empty_words[] = {
    "a",
    "about",
    "above",
    "according",
    "accordingly",
    "across",
    "actually",
    "additionally",
    "again",
    "ah",
    "all",
    "almost",
    "along",
    "already",
    "also",
    "although",
    "am",
    "among",
    "an",
    "and",
    "another",
    "any",
    "are",
    "around",
    "as",
    "at",
    "be",
    "because",
    "been",
    "being",
    "between",
    "both",
    "but",
    "by",
    "can",
    "certain",
    "concerning",
    "could",
    "did",
    "do",
    "does",
    "doing",
    "done",
    "during",
    "each",
    "either",
    "else",
    "etc",
    "even",
    "every",
    "finally",
    "first",
    "following",
    "for",
    "from",
    "further",
    "furthermore",
    "get",
    "had",
    "has",
    "have",
    "having",
    "he",
    "her",
    "here",
    "hereby",
    "herein",
    "hereof",
    "hereto",
    "hereunder",
    "hers",
    "herself",
    "him",
    "himself",
    "his",
    "how",
    "however",
    "i",
    "if",
    "in",
    "including",
    "indeed",
    "into",
    "is",
    "it",
    "its",
    "itself",
    "just",
    "let",
    "many",
    "may",
    "me",
    "might",
    "mine",
    "moreover",
    "much",
    "must",
    "my",
    "myself",
    "of",
    "off",
    "oh",
    "okay",
    "on",
    "one",
    "onto",
    "or",
    "other",
    "our",
    "ours",
    "ourselves",
    "out",
    "over",
    "own",
    "particular",
    "per",
    "perhaps",
    "quite",
    "rather",
    "regarding",
    "respectively",
    "said",
    "same",
    "shall",
    "she",
    "should",
    "since",
    "so",
    "some",
    "such",
    "than",
    "that",
    "the",
    "their",
    "theirs",
    "them",
    "themselves",
    "then",
    "there",
    "thereby",
    "therefore",
    "therein",
    "thereof",
    "these",
    "they",
    "this",
    "those",
    "though",
    "through",
    "thus",
    "to",
    "too",
    "toward",
    "towards",
    "under",
    "up",
    "upon",
    "us",
    "various",
    "very",
    "was",
    "we",
    "well",
    "were",
    "what",
    "when",
    "where",
    "whereas",
    "whether",
    "which",
    "while",
    "who",
    "whom",
    "whose",
    "why",
    "will",
    "with",
    "would",
    "yet",
    "you",
    "your",
    "yours",
    "yourself",
};

/* What one who sums up says of the text, not of what is in it. */
static const char *const about_text[] = {
    "address",      "addresses",    "addressing", "agreement",    "agreement's",
    "aim",          "article",      "aspects",    "author",       "author's",
    "certainly",    "clause",       "clauses",    "clear",        "concept",
    "concise",      "concludes",    "conclusion", "conditions",   "contract",
    "contract's",   "conversation", "conveys",    "describe",     "described",
    "describes",    "describing",   "detailed",   "details",      "dialogue",
    "discuss",      "discussed",    "discusses",  "discussing",   "document",
    "effectively",  "emphasis",     "emphasises", "emphasize",    "emphasizes",
    "emphasizing",  "essay",        "excerpt",    "explain",      "explained",
    "explains",     "explanation",  "explores",   "focus",        "focuses",
    "highlighting", "highlights",   "idea",       "importance",   "important",
    "include",      "included",     "includes",   "issue",        "issues",
    "key",          "letter",       "main",       "mention",      "mentioned",
    "mentions",     "message",      "nature",     "need",         "needs",
    "obligations",  "outlines",     "overall",    "overview",     "paragraph",
    "passage",      "points",       "presents",   "provide",      "provided",
    "provides",     "providing",    "provision",  "provisions",   "purpose",
    "raises",       "reader",       "readers",    "report",       "responsibilities",
    "say",          "saying",       "says",       "section",      "sections",
    "sentence",     "sentences",    "series",     "significance", "significant",
    "speaker",      "speaker's",    "speech",     "state",        "stated",
    "statement",    "states",       "summarises", "summarizes",   "summary",
    "sure",         "terms",        "text",       "text's",       "theme",
    "themes",       "topic",        "topics",     "touches",      "variety",
    "writer",       "written",
};

static const char *const deniers[] = {
    "barely",    "cannot", "dont",    "except",  "exclude", "excluded", "excludes",
    "excluding", "hardly", "neither", "never",   "no",      "nobody",   "non",
    "none",      "nor",    "not",     "nothing", "nowhere", "unable",   "without",
};

static const struct {
    const char *form, *word;
} irregular[] = {
    {"agreed", "agree"},   {"freed", "free"},   {"guaranteed", "guarantee"},
    {"became", "become"},  {"began", "begin"},  {"begun", "begin"},
    {"bore", "bear"},      {"borne", "bear"},   {"bought", "buy"},
    {"brought", "bring"},  {"built", "build"},  {"came", "come"},
    {"children", "child"}, {"chose", "choose"}, {"chosen", "choose"},
    {"fell", "fall"},      {"fallen", "fall"},  {"felt", "feel"},
    {"found", "find"},     {"gave", "give"},    {"given", "give"},
    {"goes", "go"},        {"gone", "go"},      {"grew", "grow"},
    {"grown", "grow"},     {"held", "hold"},    {"kept", "keep"},
    {"knew", "know"},      {"known", "know"},   {"led", "lead"},
    {"left", "leave"},     {"lost", "lose"},    {"made", "make"},
    {"men", "man"},        {"met", "meet"},     {"paid", "pay"},
    {"people", "person"},  {"ran", "run"},      {"said", "say"},
    {"saw", "see"},        {"seen", "see"},     {"sent", "send"},
    {"shown", "show"},     {"sold", "sell"},    {"sought", "seek"},
    {"spent", "spend"},    {"spoke", "speak"},  {"spoken", "speak"},
    {"stood", "stand"},    {"taken", "take"},   {"taught", "teach"},
    {"thought", "think"},  {"told", "tell"},    {"took", "take"},
    {"went", "go"},        {"women", "woman"},  {"won", "win"},
    {"wrote", "write"},
};

static int by_word(const void *key, const void *element)
{
    return strcmp(key, *(const char *const *)element);
}

static bool is_listed(const char *word, const char *const *list, size_t count)
{
    return bsearch(word, list, count, sizeof(*list), by_word) != NULL;
}

bool word_is_one_of(const char *word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_same(word, list[i]))
            return true;
    return false;
}

bool word_is_empty(const char *folded)
{
    return is_listed(folded, empty_words, COUNT(empty_words));
}

bool word_is_about_text(const char *folded)
{
    return is_listed(folded, about_text, COUNT(about_text));
}

bool word_denies(const char *folded)
{
    size_t bytes = strlen(folded);
    return is_listed(folded, deniers, COUNT(deniers)) ||
           (bytes > 3 && is_same(folded + bytes - 3, "n't"));
}

enum person word_person(const char *folded)
{
    static const struct {
        const char *word;
        enum person person;
    } persons[] = {
        {"i", PERSON_I},      {"me", PERSON_I},         {"my", PERSON_I},
        {"mine", PERSON_I},   {"myself", PERSON_I},     {"you", PERSON_YOU},
        {"your", PERSON_YOU}, {"yours", PERSON_YOU},    {"yourself", PERSON_YOU},
        {"we", PERSON_WE},    {"us", PERSON_WE},        {"our", PERSON_WE},
        {"ours", PERSON_WE},  {"ourselves", PERSON_WE}, {"let's", PERSON_WE},
    };
    size_t bytes = strcspn(folded, "'");
    for (size_t i = 0; i < COUNT(persons); i++)
        if (is_same(persons[i].word, folded) ||
            (strlen(persons[i].word) == bytes && folded[bytes] &&
             strncmp(persons[i].word, folded, bytes) == 0))
            return persons[i].person;
    return PERSON_NONE;
}

/* ---- stems ---------------------------------------------------------------------- */

static bool is_vowel(char c)
{
    return strchr("aeiouy", c) != NULL;
}

static bool has_vowel(const char *word, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (is_vowel(word[i]))
            return true;
    return false;
}

static bool ends_in(const char *word, size_t bytes, const char *ending)
{
    size_t n = strlen(ending);
    return bytes >= n + STEM_BYTES_MIN && memcmp(word + bytes - n, ending, n) == 0 &&
           has_vowel(word, bytes - n);
}

/* "parties" and "party", "boxes", "payments"; "basis" and "business" stay. */
static size_t cut_plural(char *word, size_t bytes)
{
    static const char *const hissing[] = {"sses", "xes", "ches", "shes", "zes"};
    if (ends_in(word, bytes, "ies")) {
        word[bytes - 3] = 'y';
        return bytes - 2;
    }
    for (size_t i = 0; i < COUNT(hissing); i++)
        if (ends_in(word, bytes, hissing[i]))
            return bytes - 2;
    if (bytes > STEM_BYTES_MIN && word[bytes - 1] == 's' &&
        !strchr("sui", word[bytes - 2]))
        return bytes - 1;
    return bytes;
}

static size_t cut_past(char *word, size_t bytes)
{
    if (ends_in(word, bytes, "ied")) {
        word[bytes - 3] = 'y';
        return bytes - 2;
    }
    bool cut = ends_in(word, bytes, "ed") && !ends_in(word, bytes, "eed");
    size_t left = cut ? bytes - 2 : ends_in(word, bytes, "ing") ? bytes - 3 : bytes;
    if (left < bytes && left > STEM_BYTES_MIN && word[left - 1] == word[left - 2] &&
        !strchr("aeiouls", word[left - 1]))
        left--;
    return left;
}

/* Nouns and adverbs made of verbs and adjectives: the ending and what is put for it. */
static size_t cut_derived(char *word, size_t bytes)
{
    static const struct {
        const char *ending, *put;
    } rules[] = {
        {"ication", "y"}, {"icate", "y"}, {"icat", "y"}, {"bility", "ble"},
        {"ation", ""},    {"ate", ""},    {"at", ""},    {"ition", "it"},
        {"ion", ""},      {"ment", ""},   {"ness", ""},  {"ance", ""},
        {"ence", ""},     {"ally", "al"}, {"ily", "y"},  {"bly", "ble"},
        {"ply", "ply"},   {"ly", ""},     {"ity", ""},
    };
    for (size_t i = 0; i < COUNT(rules); i++) {
        size_t n = strlen(rules[i].ending), put = strlen(rules[i].put);
        if (!ends_in(word, bytes, rules[i].ending) ||
            bytes - n < STEM_BYTES_MIN + (n == 2))
            continue;
        memcpy(word + bytes - n, rules[i].put, put);
        return bytes - n + put;
    }
    return bytes;
}

static bool is_ascii(const char *word, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)word[i] >= 0x80)
            return false;
    return true;
}

static size_t cut_possessive(const char *word, size_t bytes)
{
    if (bytes > 2 && word[bytes - 2] == '\'' && word[bytes - 1] == 's')
        return bytes - 2;
    return bytes > 1 && word[bytes - 1] == '\'' ? bytes - 1 : bytes;
}

static size_t put_regular(char *word, size_t bytes)
{
    word[bytes] = '\0';
    for (size_t i = 0; i < COUNT(irregular); i++)
        if (is_same(irregular[i].form, word)) {
            strcpy(word, irregular[i].word);
            return strlen(word);
        }
    return bytes;
}

size_t stem_cut(char *word, size_t bytes)
{
    bytes = cut_possessive(word, bytes);
    if (is_ascii(word, bytes)) {
        bytes = put_regular(word, bytes);
        bytes = cut_plural(word, bytes);
        bytes = cut_past(word, bytes);
        bytes = cut_derived(word, bytes);
        if (bytes > STEM_BYTES_MIN && word[bytes - 1] == 'e' && word[bytes - 2] != 'e')
            bytes--;
        if (bytes > STEM_BYTES_MIN && word[bytes - 1] == 'y')
            word[bytes - 1] = 'i';
    }
    word[bytes] = '\0';
    return bytes;
}

/* ---- kin ------------------------------------------------------------------------ */

static size_t characters(const char *text, size_t bytes)
{
    size_t count = 0;
    for (size_t i = 0; i < bytes; i++)
        count += !U8_IS_TRAIL((uint8_t)text[i]);
    return count;
}

/* Endings that make two parties of one word: "licens-or" and "licens-ee" and what they
 * are about, "employ-ee"; "employe-r" and "employe-e". */
static bool makes_parties(const char *a, const char *b)
{
    static const char *const parties[] = {"ee", "er", "or"};
    for (size_t i = 0; i < COUNT(parties); i++)
        if (is_same(a, parties[i]) || is_same(b, parties[i]))
            return true;
    return (is_same(a, "e") && is_same(b, "r")) || (is_same(a, "r") && is_same(b, "e"));
}

bool stem_is_kin(const char *a, const char *b)
{
    size_t shared = 0;
    while (a[shared] && a[shared] == b[shared])
        shared++;
    while (shared > 0 && U8_IS_TRAIL((uint8_t)a[shared]))
        shared--;
    unsigned char lead = (unsigned char)a[0];
    size_t least = lead < 0x80                           ? KIN_SHARED_MIN
                   : lead >= HANGUL_LEAD && lead <= 0xED ? KIN_SYLLABLES_MIN
                                                         : KIN_SHARED_MIN - 1;
    size_t endings = characters(a + shared, strlen(a + shared)) +
                     characters(b + shared, strlen(b + shared));
    return characters(a, shared) >= least &&
           endings <= KIN_ENDINGS_MAX + (lead >= 0x80) &&
           !makes_parties(a + shared, b + shared);
}
