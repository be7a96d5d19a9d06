/* checkpoint - what the text files of a Hugging Face folder say, inside infer/ only.
 *
 * checkpoint_open() reads config.json, modules.json, 1_Pooling/config.json,
 * tokenizer.json, tokenizer_config.json, vocab.txt and the head of README.md, and
 * refuses every setting that the encoder here would not compute as the publisher
 * meant it. Weights are import.c's business. */
#ifndef INFER_CHECKPOINT_H
#define INFER_CHECKPOINT_H

#include "infer/gguf.h"

enum {
    CHECKPOINT_FILE_BYTES_MAX = 64 << 20, /* of one text file */
    CHECKPOINT_NUMBER_MAX = 1 << 24,      /* of any size in config.json */
    CHECKPOINT_WORD_BYTES_MAX = 200       /* of the name and of the licence */
};

struct checkpoint {
    uint32_t layers, width, heads, ffn, context, vocabulary, types;
    float norm_epsilon;
    enum model_pooling pooling;
    char name[CHECKPOINT_WORD_BYTES_MAX + 1];    /* "" when the folder does not say */
    char license[CHECKPOINT_WORD_BYTES_MAX + 1]; /* "" when the folder does not say */
    struct gguf_string *token; /* vocabulary of them, as the publisher spells them */
    char *vocab_text;          /* holds them when they came from vocab.txt */
    void *tokenizer;           /* holds them when they came from tokenizer.json */
};

int checkpoint_open(struct checkpoint *out, const char *folder,
                    struct infer_error *err);
void checkpoint_close(struct checkpoint *checkpoint);

/* The id of a token, or -1. */
int64_t checkpoint_token(const struct checkpoint *checkpoint, const char *token);

#endif
