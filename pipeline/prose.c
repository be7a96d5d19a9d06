/* prose - which sentences say something, and which are furniture.
 *
 * Headings, page numbers, signature blocks, tables of contents and forms are text
 * like any other to the model; but a summary or a citation made of them would be of
 * no use. The rules look at characters only and hold for any script: where letters
 * have no case, the rules on case are fulfilled. */
#include "pipeline/internal.h"

#include <string.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

enum {
    PROSE_TOKENS_MIN = 12,
    PROSE_TOKENS_MAX = 120,
    LETTERS_PERCENT_MIN = 60, /* of all characters that are not white space ... */
    UPPER_PERCENT_MAX = 50,   /* ... and of the letters */
    LEADER_DOTS = 4           /* "Definitions . . . . 3" */
};

static bool has_letter(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes;) {
        UChar32 c = text_character(text, bytes, &i);
        if (c >= 0 && u_isalpha(c))
            return true;
    }
    return false;
}

/* Dots in a row, with or without spaces between. */
static bool has_leaders(const char *text, size_t bytes)
{
    size_t dots = 0;
    for (size_t i = 0; i < bytes && dots < LEADER_DOTS; i++)
        dots = text[i] == '.' ? dots + 1 : text[i] == ' ' ? dots : 0;
    return dots >= LEADER_DOTS;
}

/* A line to write or sign on, or one that divides. */
static bool has_rule(const char *text, size_t bytes)
{
    size_t run = 0;
    for (size_t i = 0; i < bytes; i++) {
        run = text[i] == '_' || text[i] == '-' ? run + 1 : 0;
        if (run >= (text[i] == '_' ? 3 : 5))
            return true;
    }
    return false;
}

static bool ends_a_sentence(const char *text, size_t bytes)
{
    int32_t i = (int32_t)bytes;
    UChar32 c = 0;
    while (i > 0) {
        U8_PREV((const uint8_t *)text, 0, i, c);
        int8_t kind = c < 0 ? U_UNASSIGNED : u_charType(c);
        if (c != '"' && c != '\'' && kind != U_FINAL_PUNCTUATION &&
            kind != U_END_PUNCTUATION)
            break;
    }
    return c > 0 && u_hasBinaryProperty(c, UCHAR_TERMINAL_PUNCTUATION) && c != ',';
}

static bool reads_as_prose(const char *text, size_t bytes)
{
    int32_t characters = 0, letters = 0, upper = 0;
    UChar32 first = 0;
    for (size_t i = 0; i < bytes;) {
        UChar32 c = text_character(text, bytes, &i);
        if (c < 0)
            continue;
        characters += !u_isUWhiteSpace(c);
        if (!u_isalpha(c))
            continue;
        first = first ? first : c;
        letters++;
        upper += u_isupper(c) != 0;
    }
    return first && !u_islower(first) &&
           letters * 100 >= characters * LETTERS_PERCENT_MIN &&
           upper * 100 <= letters * UPPER_PERCENT_MAX;
}

bool work_speaks(const struct work *work, size_t sentence)
{
    struct quote quote = work_sentence(work, sentence);
    const char *text = work->text->text + quote.at;
    return has_letter(text, quote.bytes) && !has_leaders(text, quote.bytes);
}

bool work_is_prose(const struct work *work, size_t sentence)
{
    uint32_t tokens = work->text->sentence[sentence].tokens;
    struct quote quote = work_sentence(work, sentence);
    const char *text = work->text->text + quote.at;
    return tokens >= PROSE_TOKENS_MIN && tokens <= PROSE_TOKENS_MAX &&
           !has_leaders(text, quote.bytes) && !has_rule(text, quote.bytes) &&
           ends_a_sentence(text, quote.bytes) && reads_as_prose(text, quote.bytes);
}
