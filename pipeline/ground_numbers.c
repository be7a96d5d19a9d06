/* ground_numbers - amounts and dates, however they are written.
 *
 *     1,000.50   1.000,50   1000.5   one thousand        #1000.5, #1000
 *     $5 million   USD 5,000,000   five million dollars  $5000000
 *     5%   five per cent                                 %5
 *     5th   fifth   Article V                            #5
 *     2019-03-05   3/5/19   5.3.2019   5th of March      day, month, year
 *
 * Number words and month names are English. "1.500" and "3/5/19" can be read in two
 * ways; both are told. Years of two digits lie between 1950 and 2049. A Roman numeral
 * is one of capitals I, V and X, of at least two, or one behind "Article" and its
 * like: "I" is a person and "C" a grade. */
#include "pipeline/ground_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
    SMALL_MAX = 19,
    CENTURY_TURN = 50, /* "49" is 2049, "50" 1950 */
    ROMAN_MAX = 39
};

static const struct {
    const char *word;
    unsigned value;
    bool ordinal;
} small_numbers[] = {
    {"zero", 0, false},       {"one", 1, false},        {"two", 2, false},
    {"three", 3, false},      {"four", 4, false},       {"five", 5, false},
    {"six", 6, false},        {"seven", 7, false},      {"eight", 8, false},
    {"nine", 9, false},       {"ten", 10, false},       {"eleven", 11, false},
    {"twelve", 12, false},    {"thirteen", 13, false},  {"fourteen", 14, false},
    {"fifteen", 15, false},   {"sixteen", 16, false},   {"seventeen", 17, false},
    {"eighteen", 18, false},  {"nineteen", 19, false},  {"twenty", 20, false},
    {"thirty", 30, false},    {"forty", 40, false},     {"fifty", 50, false},
    {"sixty", 60, false},     {"seventy", 70, false},   {"eighty", 80, false},
    {"ninety", 90, false},    {"first", 1, true},       {"second", 2, true},
    {"third", 3, true},       {"fourth", 4, true},      {"fifth", 5, true},
    {"sixth", 6, true},       {"seventh", 7, true},     {"eighth", 8, true},
    {"ninth", 9, true},       {"tenth", 10, true},      {"eleventh", 11, true},
    {"twelfth", 12, true},    {"thirteenth", 13, true}, {"fourteenth", 14, true},
    {"fifteenth", 15, true},  {"sixteenth", 16, true},  {"seventeenth", 17, true},
    {"eighteenth", 18, true}, {"nineteenth", 19, true}, {"twentieth", 20, true},
    {"thirtieth", 30, true},  {"fortieth", 40, true},   {"fiftieth", 50, true},
    {"sixtieth", 60, true},   {"seventieth", 70, true}, {"eightieth", 80, true},
    {"ninetieth", 90, true},
};

static const struct {
    const char *word;
    unsigned power;  /* of ten */
    bool short_form; /* behind an amount of money only: "$5m" */
} multipliers[] = {
    {"hundred", 2, false}, {"thousand", 3, false},  {"million", 6, false},
    {"billion", 9, false}, {"trillion", 12, false}, {"k", 3, true},
    {"m", 6, true},        {"mm", 6, true},         {"mn", 6, true},
    {"bn", 9, true},       {"b", 9, true},
};

static const char *const months[] = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december",
};

static const char *const numbered[] = {
    /* behind these "V" is five */
    "article", "chapter", "part",    "section", "schedule", "title", "phase",
    "type",    "stage",   "exhibit", "annex",   "appendix", "grade", "class",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct piece *word_at(const struct pieces *pieces, size_t i)
{
    const struct piece *piece = &pieces->piece[i];
    return i < pieces->count && piece->kind == PIECE_WORD ? piece : NULL;
}

static bool is_number(const struct pieces *pieces, size_t i)
{
    return i < pieces->count && pieces->piece[i].kind == PIECE_NUMBER;
}

static bool is_spaced(const struct pieces *pieces, size_t i)
{
    return i < pieces->count && pieces->piece[i].spaced;
}

/* ---- digits --------------------------------------------------------------------- */

/* The digits of raw, with the point in front of the last `after` digits. */
static void put_value(char out[NUMBER_BYTES], const char *raw, size_t after)
{
    size_t digits = 0, at = 0, whole;
    for (const char *c = raw; *c; c++)
        digits += *c >= '0' && *c <= '9';
    whole = digits - after;
    for (const char *c = raw; *c && at + 2 < NUMBER_BYTES; c++) {
        if (*c < '0' || *c > '9')
            continue;
        if (whole == 0)
            out[at++] = '.';
        if (at > 0 || *c != '0' || whole <= 1)
            out[at++] = *c;
        whole -= 1;
    }
    out[at] = '\0';
    if (after > 0 && strchr(out, '.'))
        while (out[at - 1] == '0' || out[at - 1] == '.') {
            bool point = out[at - 1] == '.';
            out[--at] = '\0';
            if (point)
                break;
        }
}

struct groups { /* "1,000.50": of 1, 3 and 2 digits, between them ',' and '.' */
    size_t count, first, last;
    bool by_three;     /* all but the first, and the last behind another separator */
    char inner, final; /* separators; 0: none; inner: '?' when they differ */
};

static struct groups groups_of(const char *raw)
{
    struct groups groups = {.by_three = true};
    size_t digits = 0;
    for (const char *c = raw;; c++) {
        if (*c >= '0' && *c <= '9') {
            digits++;
            continue;
        }
        if (groups.count == 0)
            groups.first = digits;
        else if (*c && digits != 3)
            groups.by_three = false;
        groups.count++;
        groups.last = digits;
        digits = 0;
        if (!*c)
            return groups;
        if (groups.final)
            groups.inner =
                groups.inner && groups.inner != groups.final ? '?' : groups.final;
        groups.final = *c;
    }
}

static void copy_digits(const char *raw, struct number *out)
{
    memcpy(out->value[0], raw, strnlen(raw, NUMBER_BYTES - 1));
    out->readings = 1;
}

/* "1.10 Assignment": the number of a section, not one and a tenth. */
static bool numbers_section(const struct pieces *pieces, size_t i)
{
    return i == 0 && strchr(pieces->piece[i].folded, '.') && i + 1 < pieces->count &&
           (pieces->piece[i + 1].capital || pieces->piece[i + 1].kind == PIECE_MARK);
}

/* Digits with separators: a value, two, or a mere sequence ("4.2.1"). */
static void read_digits(const char *raw, struct number *out)
{
    struct groups groups = groups_of(raw);
    bool threes = groups.by_three && groups.first <= 3 && groups.first > 0;
    bool all_threes = threes && groups.last == 3 && raw[0] != '0';
    out->readings = 1;
    if (groups.count == 1) {
        put_value(out->value[0], raw, 0);
    } else if (groups.count == 2 && groups.final != '\'') {
        bool point = groups.final == '.' || !all_threes;
        put_value(out->value[0], raw, point ? groups.last : 0);
        if (all_threes && point)
            put_value(out->value[out->readings++], raw, 0);
    } else if (groups.count > 1 && all_threes &&
               (groups.count == 2 || groups.inner == groups.final)) {
        put_value(out->value[0], raw, 0);
    } else if (groups.count > 2 && threes && groups.inner != '?' &&
               groups.inner != groups.final) {
        put_value(out->value[0], raw, groups.last);
    } else {
        copy_digits(raw, out);
    }
}

/* Times a power of ten. */
static void shift(char value[NUMBER_BYTES], unsigned power)
{
    char raw[NUMBER_BYTES + POWER_OF_TEN_MAX + 1] = "";
    char *point = strchr(value, '.');
    size_t after = point ? strlen(point + 1) : 0;
    strcpy(raw, value);
    for (; after < power; after++)
        strcat(raw, "0");
    put_value(value, raw, after - power);
}

/* ---- number words --------------------------------------------------------------- */

static int small_number(const struct piece *word)
{
    for (size_t i = 0; word && i < COUNT(small_numbers); i++)
        if (is_same(small_numbers[i].word, word->folded))
            return (int)i;
    return -1;
}

static unsigned multiplier(const struct piece *word, bool money)
{
    for (size_t i = 0; word && i < COUNT(multipliers); i++)
        if ((money || !multipliers[i].short_form) &&
            is_same(multipliers[i].word, word->folded))
            return multipliers[i].power;
    return 0;
}

struct tally {            /* a number in words under way */
    uint64_t total, part; /* "two thousand | three hundred five" */
    bool ordinal, any;
};

/* Take one word; false: it does not belong to this number. */
static bool tally_add(struct tally *tally, const struct piece *word)
{
    int small = small_number(word);
    unsigned power = multiplier(word, false);
    if (small >= 0) {
        unsigned value = small_numbers[small].value,
                 low = (unsigned)(tally->part % 100);
        bool fits = low == 0 || (low >= 20 && low % 10 == 0 && value > 0 && value < 10);
        if (!fits || (tally->any && value == 0))
            return false;
        tally->part += value;
        tally->ordinal = small_numbers[small].ordinal;
    } else if (power == 2 && tally->part < 100) {
        tally->part = (tally->part ? tally->part : 1) * 100;
    } else if (power > 2 && tally->total < 1000000000000) {
        uint64_t times = 1;
        for (unsigned i = 0; i < power; i++)
            times *= 10;
        tally->total += (tally->part ? tally->part : 1) * times;
        tally->part = 0;
    } else {
        return false;
    }
    return tally->any = true;
}

static size_t read_words(const struct pieces *pieces, size_t i, struct number *out)
{
    struct tally tally = {0};
    size_t next = i, end = i;
    while (!tally.ordinal && word_at(pieces, next) &&
           tally_add(&tally, word_at(pieces, next))) {
        end = ++next;
        bool round = tally.part % 100 == 0;
        if (piece_is_mark(pieces, next, '-') && !is_spaced(pieces, next) &&
            !is_spaced(pieces, next + 1))
            next++;
        else if (round && piece_is_word(pieces, next, "and") &&
                 small_number(word_at(pieces, next + 1)) >= 0)
            next++;
    }
    if (end == i)
        return 0;
    uint64_t value = tally.total + tally.part;
    size_t at = NUMBER_BYTES - 1;
    char digits[NUMBER_BYTES] = "";
    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    strcpy(out->value[0], digits + at);
    out->readings = 1;
    out->plain_one = end == i + 1 && is_same(out->value[0], "1");
    return end - i;
}

/* ---- Roman numerals ------------------------------------------------------------- */

static unsigned roman(const struct piece *word)
{
    static const unsigned worth[] = {1, 5, 10};
    static const char letter[] = "ivx";
    unsigned value = 0, last = 100;
    for (size_t i = 0; i < word->folded_bytes; i++) {
        const char *at = memchr(letter, word->folded[i], sizeof(letter) - 1);
        if (!at)
            return 0;
        unsigned one = worth[at - letter];
        value += one > last ? one - 2 * last : one;
        last = one;
    }
    return value <= ROMAN_MAX ? value : 0;
}

static size_t read_roman(const struct pieces *pieces, size_t i, struct number *out)
{
    const struct piece *word = word_at(pieces, i);
    const struct piece *before = i > 0 ? word_at(pieces, i - 1) : NULL;
    bool behind = false;
    for (size_t n = 0; before && n < COUNT(numbered); n++)
        behind = behind || is_same(numbered[n], before->folded);
    if (!word || !(word->upper || (behind && word->capital && word->folded_bytes == 1)))
        return 0;
    unsigned value = roman(word);
    if (value == 0)
        return 0;
    char *at = out->value[0];
    if (value > 9)
        *at++ = (char)('0' + value / 10);
    *at++ = (char)('0' + value % 10);
    *at = '\0';
    out->readings = 1;
    return 1;
}

/* ---- amounts -------------------------------------------------------------------- */

static bool is_money_sign(const struct pieces *pieces, size_t i)
{
    static const int32_t signs[] = {'$', 0xA2, 0xA3, 0xA5, 0x20A4, 0x20AC, 0x20B9};
    static const char *const codes[] = {"usd", "eur", "gbp", "rmb",
                                        "cny", "jpy", "chf"};
    for (size_t n = 0; n < COUNT(signs); n++)
        if (piece_is_mark(pieces, i, signs[n]))
            return true;
    for (size_t n = 0; n < COUNT(codes); n++)
        if (piece_is_word(pieces, i, codes[n]))
            return true;
    return false;
}

static bool is_money_name(const struct pieces *pieces, size_t i)
{
    static const char *const names[] = {"dollar", "dollars", "euro",   "euros",
                                        "pounds", "cents",   "rupees", "yen"};
    for (size_t n = 0; n < COUNT(names); n++)
        if (piece_is_word(pieces, i, names[n]))
            return true;
    return is_money_sign(pieces, i);
}

/* What stands behind the digits and belongs to them. */
static size_t read_tail(const struct pieces *pieces, size_t i, struct number *out)
{
    static const char *const ordinal[] = {"st", "nd", "rd", "th", "s"};
    size_t from = i;
    unsigned power;
    for (size_t n = 0; n < COUNT(ordinal); n++)
        if (piece_is_word(pieces, i, ordinal[n]) && !is_spaced(pieces, i))
            return 1;
    while ((power = multiplier(word_at(pieces, i), out->kind == '$')) > 0) {
        for (size_t n = 0; n < out->readings; n++)
            shift(out->value[n], power);
        i++;
    }
    return i - from;
}

static size_t read_kind(const struct pieces *pieces, size_t i, struct number *out)
{
    size_t more = 0;
    if (piece_is_mark(pieces, i, '%') || piece_is_word(pieces, i, "percent") ||
        piece_is_word(pieces, i, "percentage"))
        more = 1;
    else if (piece_is_word(pieces, i, "per") && piece_is_word(pieces, i + 1, "cent"))
        more = 2;
    if (more > 0)
        out->kind = '%';
    else if (out->kind == '#' && is_money_name(pieces, i))
        out->kind = '$';
    return more + (more == 0 && out->kind == '$' && is_money_name(pieces, i));
}

size_t number_read(const struct pieces *pieces, size_t i, struct number *out)
{
    size_t from = i, words;
    *out = (struct number){.kind = '#'};
    if (is_money_sign(pieces, i) && is_number(pieces, i + 1)) {
        out->kind = '$';
        i++;
    }
    if (is_number(pieces, i)) {
        if (numbers_section(pieces, i))
            copy_digits(pieces->piece[i].folded, out);
        else
            read_digits(pieces->piece[i].folded, out);
        i++;
        i += read_tail(pieces, i, out);
    } else if ((words = read_words(pieces, i, out)) > 0 ||
               (words = read_roman(pieces, i, out)) > 0) {
        i += words;
    } else {
        return 0;
    }
    i += read_kind(pieces, i, out);
    if (out->kind != '#')
        out->plain_one = false;
    return i - from;
}

/* ---- dates ---------------------------------------------------------------------- */

/* A number of at most so many digits and nothing else; -1. */
static int plain_digits(const struct pieces *pieces, size_t i, size_t digits_max)
{
    if (!is_number(pieces, i) || pieces->piece[i].folded_bytes > digits_max)
        return -1;
    int value = 0;
    for (const char *c = pieces->piece[i].folded; *c; c++) {
        if (*c < '0' || *c > '9')
            return -1;
        value = value * 10 + (*c - '0');
    }
    return value;
}

static bool is_year(int value)
{
    return value >= 1000 && value <= 2999;
}

static int month_of(const struct pieces *pieces, size_t i)
{
    const struct piece *word = word_at(pieces, i);
    if (!word || !word->capital)
        return 0;
    for (size_t n = 0; n < COUNT(months); n++) {
        size_t bytes = word->folded_bytes;
        bool cut = bytes == 3 || (bytes == 4 && is_same(word->folded, "sept"));
        if (is_same(months[n], word->folded) ||
            (cut && strncmp(months[n], word->folded, bytes) == 0))
            return (int)n + 1;
    }
    return 0;
}

/* A day of a month, "5" or "5th"; *more: the pieces it takes. */
static int day_of(const struct pieces *pieces, size_t i, size_t *more)
{
    struct number unused = {.kind = '#'};
    int day = plain_digits(pieces, i, 2);
    if (day < 1 || day > 31)
        return 0;
    *more = 1 + read_tail(pieces, i + 1, &unused);
    return day;
}

static size_t year_behind(const struct pieces *pieces, size_t i, int *year)
{
    size_t comma = piece_is_mark(pieces, i, ',') || piece_is_mark(pieces, i, '.');
    int value = plain_digits(pieces, i + comma, 4);
    if (!is_year(value))
        return 0;
    *year = value;
    return comma + 1;
}

/* "March 5, 2019", "March 2019", "March". */
static size_t read_month_first(const struct pieces *pieces, size_t i, struct date *out)
{
    size_t at = i + 1, more = 0;
    out->month[0] = month_of(pieces, i);
    if (out->month[0] == 0)
        return 0;
    bool cut = pieces->piece[i].folded_bytes <= 4 && piece_is_mark(pieces, at, '.');
    at += cut;
    out->day[0] = day_of(pieces, at, &more);
    at += more;
    more = year_behind(pieces, at, &out->year[0]);
    at += more;
    bool alone = out->day[0] == 0 && out->year[0] == 0;
    bool may_be_verb = (out->month[0] == 3 || out->month[0] == 5) &&
                       (i == 0 || pieces->piece[i].upper);
    if (alone && (may_be_verb || pieces->piece[i].folded_bytes <= 3))
        return 0;
    return alone ? 1 : at - i;
}

/* "5 March 2019", "5th day of March, 2019". */
static size_t read_day_first(const struct pieces *pieces, size_t i, struct date *out)
{
    size_t at = i, more = 0;
    out->day[0] = day_of(pieces, i, &more);
    at += more;
    at += piece_is_word(pieces, at, "day");
    at += piece_is_word(pieces, at, "of");
    out->month[0] = month_of(pieces, at);
    if (out->day[0] == 0 || out->month[0] == 0)
        return 0;
    at++;
    return at + year_behind(pieces, at, &out->year[0]) - i;
}

static bool set_day(struct date *out, int year, int month, int day)
{
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    out->year[out->readings] = year;
    out->month[out->readings] = month;
    out->day[out->readings++] = day;
    return true;
}

/* Three numbers of which the last is the year: the day may be first or second. */
static bool set_either(struct date *out, int a, int b, int year)
{
    if (year < 100)
        year += year < CENTURY_TURN ? 2000 : 1900;
    if (!is_year(year))
        return false;
    bool first = set_day(out, year, a, b);
    bool second = a != b && set_day(out, year, b, a);
    return first || second;
}

/* "2019-03-05", "3/5/19". */
static size_t read_digits_date(const struct pieces *pieces, size_t i, struct date *out)
{
    int32_t mark = i + 1 < pieces->count ? pieces->piece[i + 1].mark : 0;
    if ((mark != '-' && mark != '/') || !piece_is_mark(pieces, i + 3, mark))
        return 0;
    for (size_t n = 1; n < 5; n++)
        if (is_spaced(pieces, i + n))
            return 0;
    int a = plain_digits(pieces, i, 4), b = plain_digits(pieces, i + 2, 2);
    int c = plain_digits(pieces, i + 4, 4);
    if (a < 0 || b < 0 || c < 0)
        return 0;
    bool found = is_year(a)                  ? set_day(out, a, b, c)
                 : is_year(c) || mark == '/' ? set_either(out, a, b, c)
                                             : false;
    return found ? 5 : 0;
}

/* "5.3.2019", one piece. */
static size_t read_dotted(const struct pieces *pieces, size_t i, struct date *out)
{
    char *end;
    if (!is_number(pieces, i))
        return 0;
    const char *raw = pieces->piece[i].folded;
    long a = strtol(raw, &end, 10);
    if (*end != '.' || end - raw > 2)
        return 0;
    const char *second = end + 1;
    long b = strtol(second, &end, 10);
    if (*end != '.' || end - second > 2 || strlen(end + 1) != 4)
        return 0;
    long c = strtol(end + 1, &end, 10);
    return *end == '\0' && set_either(out, (int)a, (int)b, (int)c) ? 1 : 0;
}

size_t date_read(const struct pieces *pieces, size_t i, struct date *out)
{
    size_t more;
    *out = (struct date){.readings = 0};
    if ((more = read_digits_date(pieces, i, out)) > 0 ||
        (more = read_dotted(pieces, i, out)) > 0)
        return more;
    *out = (struct date){.readings = 1};
    if ((more = read_month_first(pieces, i, out)) > 0)
        return more;
    *out = (struct date){.readings = 1};
    return read_day_first(pieces, i, out);
}
