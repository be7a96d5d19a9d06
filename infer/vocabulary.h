/* vocabulary - the tokens of a GGUF file as the bytes they stand for, inside infer/.
 *
 * A vocabulary copies what it needs: no pointer into the file stays. It is not
 * changed after it was opened, so threads may share it. */
#ifndef INFER_VOCABULARY_H
#define INFER_VOCABULARY_H

#include "infer/gguf.h"
#include "infer/trie.h"

enum token_type { /* tokenizer.ggml.token_type */
                  TOKEN_NORMAL = 1,
                  TOKEN_UNKNOWN = 2,
                  TOKEN_CONTROL = 3,
                  TOKEN_USER_DEFINED = 4,
                  TOKEN_UNUSED = 5,
                  TOKEN_BYTE = 6
};

enum vocabulary_form { /* how ordinary tokens are written in the file */
                       VOCABULARY_WORDPIECE, /* as they are */
                       VOCABULARY_BYTES,     /* a character for each byte (GPT-2) */
                       VOCABULARY_PIECES     /* U+2581 for a space, <0x0A> for a byte */
};

enum {
    VOCABULARY_TOKENS_MAX = 1 << 20,
    VOCABULARY_TOKEN_BYTES_MAX = 8192,
    VOCABULARY_PROBES_MAX = 256
};

struct token {
    const char *text; /* the bytes it stands for; of a special one as it is written */
    uint32_t bytes;
    uint32_t rank; /* of pieces: the lower, the better the score */
    float score;   /* 0 where the file has none */
    uint8_t type;
    bool plain; /* text can be put together to it */
};

struct vocabulary_slot {
    uint32_t tag;
    int32_t id; /* -1: free */
};

struct vocabulary {
    uint32_t count;
    uint32_t longest;      /* bytes of the longest plain token */
    bool splits_at_spaces; /* no plain token goes on at a space after another byte */
    struct token *token;
    int32_t byte_id[256]; /* the token that is this byte alone, -1: none */
    char *arena;
    struct vocabulary_slot *slot;
    uint32_t slot_mask;
};

int vocabulary_open(struct vocabulary *v, const struct gguf *file,
                    enum vocabulary_form form, struct infer_error *err);
void vocabulary_close(struct vocabulary *v); /* a zeroed one is allowed */

/* The id of the plain token (normal, unused, of pieces also user-defined) that
 * stands for these bytes; -1: none. */
int32_t vocabulary_find(const struct vocabulary *v, const char *text, size_t bytes);

/* The id of a control, unknown or user-defined token by its written form; -1. */
int32_t vocabulary_find_special(const struct vocabulary *v, const char *name);

/* The bytes that a string of the byte-level alphabet stands for; out has room for
 * text.bytes. Returns false where a character is none of the 256. */
bool vocabulary_unmap(struct gguf_string text, char *out, size_t *bytes);

/* Hashes of a number and of bytes for tables whose keys come from a file. */
uint64_t vocabulary_mix(uint64_t value);
uint64_t vocabulary_hash(const char *text, size_t bytes);

#endif
