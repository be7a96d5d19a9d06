/* text - what a document says, made plain: NFC UTF-8 without control characters. */
#ifndef INGEST_TEXT_H
#define INGEST_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum text_why {
    TEXT_VISIBLE,
    TEXT_TINY,
    TEXT_BACKGROUND,
    TEXT_INVISIBLE,
    TEXT_COVERED,
    TEXT_OFF_PAGE,
    TEXT_OCR_LAYER, /* a picture shows what it says */
    TEXT_WHYS
};

enum text_hyphens { /* a hyphen at the end of a line, the word going on below */
                    TEXT_HYPHENS_BREAK, /* stays what it is: lines are not a
                                           typesetter's */
                    TEXT_HYPHENS_KEEP,  /* the lines are joined, the hyphen stays */
                    TEXT_HYPHENS_DROP /* and goes, unless it joins a prefix or a capital
                                       */
};

struct text_hidden { /* half-open byte range */
    size_t start, end;
    enum text_why why;
};

enum { TEXT_SEGMENT_MAX = 40 };

struct text {
    char *bytes; /* not NUL-terminated */
    size_t used, capacity, bytes_max;
    struct text_hidden *hidden;
    size_t hidden_count, hidden_capacity;
    bool overflow, no_memory; /* then bytes are not all there */

    /* Of the characters that are not white space; letters off the page are apart. */
    uint64_t letters, marks, broken, letters_off_page;

    /* State between one character and the next. */
    enum text_hyphens hyphens;
    int32_t segment[TEXT_SEGMENT_MAX]; /* one starter and what combines with it */
    size_t segment_count;
    enum text_why segment_why;
    uint32_t last, before_last; /* characters written */
    enum text_why last_why;
    size_t lines_waiting;
    bool space_waiting, soft_hyphen, carriage_return;
};

void text_free(struct text *text);

/* Begin a section; the buffers are kept, the counts are set to zero. */
void text_start(struct text *text, enum text_hyphens hyphens, size_t bytes_max);
/* Add UTF-8, as broken as it may be; all of it is hidden, or none. */
void text_add(struct text *text, const char *utf8, size_t bytes, enum text_why why);
/* Complete the section: what is not empty ends in exactly one line feed. */
void text_finish(struct text *text);

/* One character off the front: U+FFFD for what is not one, always at least one byte. */
uint32_t text_decode(const char **at, const char *end);
/* True for well-formed UTF-8 without control characters; with lines, LF may stand. */
bool text_is_plain(const char *utf8, size_t bytes, bool lines);
/* A copy of utf8 as one line, normalised like any text; "" when out of memory. To be
 * freed by the caller unless it is NULL. */
char *text_line(const char *utf8, size_t bytes_max);

#endif
