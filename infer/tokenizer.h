/* tokenizer - from text to the ids a model was trained on, and back, inside infer/
 * only.
 *
 *     tokenizer.c            open, close; special tokens around and within a text
 *     tokenizer_special.c    which tokens those are
 *     tokenizer_decode.c     ids to text
 *     tokenizer_wordpiece.c  plain text of "bert" vocabularies
 *     tokenizer_bpe.c        of "gpt2": byte-level, with a list of merges
 *     tokenizer_spm.c        of "llama": SentencePiece, merged by score
 *     tokenizer_unigram.c    of "t5": SentencePiece, the likeliest way to cut
 *
 * A tokenizer is not changed after it was opened: threads may share it. It keeps no
 * pointer into the file. */
#ifndef INFER_TOKENIZER_H
#define INFER_TOKENIZER_H

#include "infer/pretokenizer.h"
#include "infer/trie.h"
#include "infer/vocabulary.h"

enum {
    TOKENIZER_WORD_CHARACTERS_MAX = 100, /* a longer word is one unknown token */
    TOKENIZER_WORD_BYTES_MAX = 4 * TOKENIZER_WORD_CHARACTERS_MAX,
    TOKENIZER_TEXT_BYTES_MAX = 1 << 30, /* of one call */
    TOKENIZER_ENDS_MAX = 32
};

struct tokenizer;

struct tokenizer_run { /* one call's state */
    const struct tokenizer *tokenizer;
    struct infer_tokens *out;
    bool at_start; /* no plain text since the start or the last special token */
};

struct tokenizer_kind { /* one of tokenizer.ggml.model */
    const char *name;
    enum vocabulary_form form;
    int (*open)(struct tokenizer *t, const struct gguf *file, struct infer_error *err);
    /* Append the ids of plain, well-formed text (of "bert": any bytes). 0 or
     * INFER_ENOMEM. */
    int (*encode)(struct tokenizer_run *run, const char *text, size_t text_bytes);
    void (*close)(struct tokenizer *t);
    bool any_bytes; /* encode knows what to do with invalid UTF-8 */
};

extern const struct tokenizer_kind tokenizer_wordpiece, tokenizer_bpe, tokenizer_spm,
    tokenizer_unigram;

struct tokenizer {
    const struct tokenizer_kind *kind;
    uint32_t count; /* of the vocabulary */
    struct vocabulary vocabulary;
    int32_t unknown;          /* -1: none */
    int32_t bos, eos;         /* -1: none */
    int32_t cls, sep;         /* -1: none */
    int32_t opening, closing; /* what INFER_ADD_SPECIAL puts around; -1: nothing */
    int32_t end[TOKENIZER_ENDS_MAX];
    size_t end_count;
    struct trie *special; /* every special token, as it is written */
    struct trie *literal; /* those of them that count in plain text too */
    bool strips_right;    /* white space after most special tokens is dropped */
    bool space_prefix;    /* a space is put before text (SentencePiece) */
    void *own;            /* the kind's: merges, tries */
};

int tokenizer_open(struct tokenizer **out, const struct gguf *file,
                   struct infer_error *err);
void tokenizer_close(struct tokenizer *tokenizer); /* NULL is allowed */

/* infer_tokenize(), infer_tokenize_parts(), infer_detokenize() of a tokenizer alone. */
int tokenizer_encode(const struct tokenizer *tokenizer, const char *text,
                     size_t text_bytes, unsigned flags, struct infer_tokens *out,
                     struct infer_error *err);
int tokenizer_encode_parts(const struct tokenizer *tokenizer,
                           const struct infer_part *part, size_t count, unsigned flags,
                           struct infer_tokens *out, struct infer_error *err);
int tokenizer_decode(const struct tokenizer *tokenizer, const int32_t *id, size_t count,
                     unsigned flags, struct infer_text *out, struct infer_error *err);

/* A text ends at this token (end of text, of turn, of message). */
bool tokenizer_is_end(const struct tokenizer *tokenizer, int32_t id);

/* ---- for the parts of the tokenizer ---------------------------------------------- */

/* Make room for more ids: 0 or INFER_ENOMEM. */
int tokenizer_reserve(struct infer_tokens *tokens, size_t more);
int tokenizer_push(struct infer_tokens *tokens, int32_t id);

/* Read every id that the file names; what opens and closes a text is not set. */
int tokenizer_read_ids(struct tokenizer *t, const struct gguf *file,
                       struct infer_error *err);

/* After the kind set what opens and closes a text by default: what the file says of
 * it, what ends a text, and the tries. */
int tokenizer_read_special(struct tokenizer *t, const struct gguf *file,
                           struct infer_error *err);

/* A key that is there must be a boolean; where it is missing *value stays. */
int tokenizer_read_bool(const struct gguf *file, const char *key, bool *value,
                        struct infer_error *err);

/* Chat markup: a token of this form never counts in plain text, whatever its type. */
bool tokenizer_is_markup(const struct token *token);

#endif
