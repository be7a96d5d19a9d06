/* checkpoint - what the text files of a Hugging Face folder say, inside infer/ only.
 *
 * checkpoint_open() reads config.json, modules.json, 1_Pooling/config.json,
 * tokenizer.json, tokenizer_config.json, vocab.txt and the head of README.md, and
 * refuses every setting that the encoder here would not compute as the publisher
 * meant it. Weights are import.c's business. */
#ifndef INFER_CHECKPOINT_H
#define INFER_CHECKPOINT_H

#include "infer/checkpoint_json.h"
#include "infer/gguf.h"

struct checkpoint {
    uint32_t layers, width, heads, ffn, context, vocabulary, types;
    float norm_epsilon;
    enum model_pooling pooling;
    struct checkpoint_card card;
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
