/* complaint - what Poppler says about a document that has lost text.
 *
 * Poppler goes on where it can. A font without its character map, a page whose
 * compressed stream breaks off: it says so on the channel for messages and returns
 * the text without that part, which looks like the text of a sound document. So the
 * messages are listened to, and those that mean lost text become part of the outcome.
 *
 *     message                                     loss
 *     Missing language pack for 'Adobe-GB1' ...   MAPS    poppler-data would help
 *     No font in show                             FONT    nothing would
 *     Bad block header in flate stream            STREAM
 *     Unterminated string                         SYNTAX
 *
 * A message quotes the document; only which kind it is of is kept. Messages are known
 * by words in them, since a position stands before and names stand within. */
#include "ingest/complaint.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum loss { MAPS, FONT, STREAM, SYNTAX, LOSSES };

static const struct {
    const char *words;
    enum loss loss;
} known[] = {
    {"Missing language pack for", MAPS},
    {"Couldn't open cidToUnicode file", MAPS},
    {"Couldn't find ToUnicode CMap file", MAPS},
    {"CMap file for '", MAPS},
    {"Unknown CMap '", MAPS},
    {"Unknown character collection", FONT},
    {"Unknown font tag", FONT},
    {"No font in show", FONT},
    {"in flate stream", STREAM},
    {"Bad LZW stream", STREAM},
    {"Unknown filter '", STREAM},
    {"Weird page contents", STREAM},
    {"Unknown operator", SYNTAX},
    {"Unterminated string", SYNTAX},
    {"Illegal character", SYNTAX},
    {"End of file inside", SYNTAX},
    {"Dictionary key must be a name object", SYNTAX},
    {"font resource is not a dictionary", SYNTAX},
};

static bool heard[LOSSES];

void complaint_hear(const char *message)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (!heard[known[i].loss] && strstr(message, known[i].words))
            heard[known[i].loss] = true;
}

void complaint_forget(void)
{
    memset(heard, 0, sizeof heard);
}

const char *complaint_loss_of_maps(void)
{
    return heard[MAPS] ? "poppler-data lacks a character map that its fonts need, "
                         "or is not installed or not readable"
                       : NULL;
}

const char *complaint_loss(void)
{
    static const char *const why[LOSSES] = {
        [FONT] = "text is set in a font that is missing or unknown",
        [STREAM] = "compressed data in it is damaged",
        [SYNTAX] = "pages or objects of it are not well-formed",
    };

    for (size_t loss = FONT; !heard[MAPS] && loss < LOSSES; loss++)
        if (heard[loss])
            return why[loss];
    return complaint_loss_of_maps();
}
