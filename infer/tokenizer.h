/* tokenizer - from text to the ids a model was trained on, inside infer/ only.
 *
 * tokenizer.c reads the vocabulary out of a GGUF file and knows the special tokens;
 * tokenizer_wordpiece.c cuts plain text. A tokenizer is not changed after it was
 * opened: threads may share it. It keeps no pointer into the file. */
#ifndef INFER_TOKENIZER_H
#define INFER_TOKENIZER_H

#include "infer/gguf.h"
#include "infer/trie.h"

enum {
    TOKENIZER_TOKENS_MAX = 1 << 20,
    TOKENIZER_WORD_CHARACTERS_MAX = 100, /* a longer word is one unknown token */
    TOKENIZER_WORD_BYTES_MAX = 4 * TOKENIZER_WORD_CHARACTERS_MAX
};

struct tokenizer {
    uint32_t count;                    /* of the vocabulary */
    int32_t unknown, opening, closing; /* [UNK], [CLS], [SEP] */
    struct trie *special;              /* "[SEP]" and the like, as they are written */
    struct trie *initial;              /* pieces that start a word */
    struct trie *continuing;           /* pieces inside a word */
};

int tokenizer_open(struct tokenizer **out, const struct gguf *file,
                   struct infer_error *err);
void tokenizer_close(struct tokenizer *tokenizer); /* NULL is allowed */

/* infer_tokenize() of a tokenizer alone. */
int tokenizer_encode(const struct tokenizer *tokenizer, const char *text,
                     size_t text_bytes, unsigned flags, struct infer_tokens *out,
                     struct infer_error *err);

/* Make room for more ids: 0 or INFER_ENOMEM. */
int tokenizer_reserve(struct infer_tokens *tokens, size_t more);

/* Append the ids of plain text: 0 or INFER_ENOMEM. */
int wordpiece_encode(const struct tokenizer *tokenizer, const char *text,
                     size_t text_bytes, struct infer_tokens *out);

#endif
