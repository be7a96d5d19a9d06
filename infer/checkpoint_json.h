/* checkpoint_json - the text files of a checkpoint folder, inside infer/ only. */
#ifndef INFER_CHECKPOINT_JSON_H
#define INFER_CHECKPOINT_JSON_H

#include "infer/infer.h"

#include <jansson.h>

enum {
    CHECKPOINT_FILE_BYTES_MAX = 64 << 20, /* of one text file */
    CHECKPOINT_NUMBER_MAX = 1 << 24,      /* of any size in config.json */
    CHECKPOINT_WORD_BYTES_MAX = 200       /* of the name and of the licence */
};

/* Read folder/name; *out is NULL when there is no such file, and ends with a NUL that
 * does not count. Free it either way. */
int checkpoint_text(const char *folder, const char *name, char **out, size_t *bytes,
                    struct infer_error *err);

/* Parse folder/name; *out is NULL when there is no such file. */
int checkpoint_json(const char *folder, const char *name, json_t **out,
                    struct infer_error *err);

/* INFER_EUNSUPPORTED: the value of a key, and the allowed ones in words. */
int checkpoint_refuse(struct infer_error *err, const char *file, const char *key,
                      const json_t *value, const char *allowed);

/* A string that must have the one value, or (when absent is allowed) be absent. */
int checkpoint_word(const json_t *object, const char *file, const char *key,
                    const char *word, bool may_be_absent, struct infer_error *err);

/* A truth value that must be this one, or absent or null. */
int checkpoint_flag(const json_t *object, const char *file, const char *key,
                    bool wanted, struct infer_error *err);

struct checkpoint_card { /* "" where the head of README.md does not say */
    char name[CHECKPOINT_WORD_BYTES_MAX + 1];
    char license[CHECKPOINT_WORD_BYTES_MAX + 1];
};

int checkpoint_card(struct checkpoint_card *out, const char *folder,
                    struct infer_error *err);

#endif
