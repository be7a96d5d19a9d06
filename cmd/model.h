/* What the files of `cloister model` share. */
#ifndef CMD_MODEL_H
#define CMD_MODEL_H

#include "cmd/cmd.h"

#include <stdio.h>

struct model_asked { /* the command line; zero is "not said" where nothing else is */
    const char *format, *output, *type;
    struct engine engine;
    long tokens, seed;
    bool ignore_eos;
    double temperature, top_p, min_p;
};

/* ---- model_show.c --------------------------------------------------------------- */

int model_show(const struct model_asked *asked, enum format format, const char *name);

/* ---- model_answer.c: what is done with a window of lines ------------------------- */

struct feed;
struct item;

struct verb {
    const char *name, *formats;
    enum verb_model { ANY_MODEL, ENCODER, DECODER } model;      /* ANY: no session */
    size_t (*row_floats)(const struct infer_model_info *info);  /* NULL: no rows */
    int (*compute)(struct feed *feed, struct infer_error *err); /* infer's status */
    void (*print)(const struct feed *feed, const struct item *item, size_t i);
};
const struct verb *verb_find(const char *name); /* NULL: there is none */

/* ---- model_feed.c: JSON Lines in, one answer for each -----------------------------
 */

struct item { /* one line of the input */
    json_t *id;
    size_t line;
    struct infer_tokens ids;
    bool truncated;
};

struct feed {
    const struct model_asked *asked;
    const struct verb *verb;
    enum format format;
    struct loaded loaded; /* the session is NULL where none is needed */
    FILE *in;
    const char *name;
    size_t line;

    size_t lines_max; /* of a window: */
    size_t count;
    struct item *item;
    struct infer_sequence *sequence;
    struct infer_tokens *answer; /* of generate */
    float *row;                  /* row_floats of each line */
    size_t row_floats;
};

int model_feed(const struct model_asked *asked, const struct verb *verb,
               enum format format, const char *input);

#endif
