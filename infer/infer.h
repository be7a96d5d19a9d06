/* infer - run a GGUF language model on the CPU.
 *
 *     struct infer_model *model;
 *     struct infer_session *session;
 *     struct infer_options options = infer_options_default();
 *     struct infer_tokens ids = {0};
 *     float vector[384];
 *
 *     infer_model_open(&model, "all-minilm-l6-v2.q8_0.gguf", &err);
 *     infer_session_open(&session, model, &options, &err);
 *     infer_tokenize(model, text, text_bytes, INFER_ADD_SPECIAL, &ids, &err);
 *     struct infer_sequence one = {ids.id, ids.count};
 *     infer_embed(session, &one, 1, vector, &err);
 *
 * A model is the file: read-only, mapped, checked field by field before it is
 * trusted. A session is all the memory to run it, allocated at open; the plan
 * can be had before. The bits of a result depend on the model, on the text and
 * on the settings marked "changes bits" below, and on nothing else: not on the
 * other sequences in the call, their order, the threads, or the CPU.
 *
 * Functions that can fail return 0 or a negative enum infer_status and fill
 * err, which may be NULL. Nothing here prints, exits or reads the environment.
 * One session belongs to one thread at a time; models may be shared. */
#ifndef INFER_H
#define INFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum infer_status {
    INFER_OK = 0,
    INFER_ENOMEM = -1,
    INFER_EIO = -2,
    INFER_EFORMAT = -3,      /* the file is damaged or lies about its sizes */
    INFER_EUNSUPPORTED = -4, /* sound file; architecture, type or CPU not served */
    INFER_ELIMIT = -5,       /* does not fit the model's or the session's limits */
    INFER_EINVALID = -6      /* the caller asked for something that has no meaning */
};

struct infer_error {
    int status;
    char text[400]; /* what, the value found, the value allowed */
};

/* Raised only when the bits of a result can change; part of a run's identity. */
enum { INFER_ARITHMETIC_VERSION = 1 };

/* ---- models ------------------------------------------------------------------ */

struct infer_model;

enum { INFER_TYPES_MAX = 32 };

struct infer_model_info {     /* strings live until infer_model_close() */
    const char *architecture; /* "bert" */
    const char *name;         /* "" when the file does not say */
    const char *license;      /* NULL when the file does not say */
    uint64_t parameters;
    uint64_t file_bytes;     /* of all files of a model in several */
    uint32_t context_tokens; /* the longest sequence, special tokens included */
    bool generates;          /* a language model; otherwise an encoder */
    uint32_t width;          /* floats in an embedding */
    uint32_t layers;
    uint32_t vocabulary_tokens;
    size_t type_count; /* how many tensors are stored in which type, by file order */
    struct {
        const char *name; /* "Q8_0" */
        uint32_t tensors;
    } types[INFER_TYPES_MAX];
};

/* "OpenBLAS 0.3.21 ...": the library of the second float backend, with its kernels. */
const char *infer_libraries(void);

/* A model in several files is opened by the first, NAME-00001-of-00003.gguf; the
 * others must lie beside it. What is damaged is refused by the name of its part. */
int infer_model_open(struct infer_model **out, const char *path,
                     struct infer_error *err);
void infer_model_info(const struct infer_model *model, struct infer_model_info *out);

/* The path of file i of those that the model consists of, in order; NULL past the last
 * one. Most models are one file. Who records a model's digest takes it over them all.
 * Lives until infer_model_close(). */
const char *infer_model_file(const struct infer_model *model, size_t i);

/* Put an adapter (LoRA in GGUF) into a language model, once and before a session is
 * opened: each matrix W that it names multiplies as W x + scale * alpha / rank * B (A
 * x) from then on; changes bits. One that does not fit the model is refused by what
 * does not fit (INFER_EFORMAT, INFER_EUNSUPPORTED), and the model stays as it was. The
 * model keeps the file open. A run's record has its digest and the scale, which is 1
 * where nobody asks for another. */
int infer_model_adapt(struct infer_model *model, const char *path, float scale,
                      struct infer_error *err);
void infer_model_close(struct infer_model *model); /* NULL is allowed */

/* Read a Hugging Face checkpoint folder and write a GGUF file with the keys and tensor
 * names of llama.cpp. What is read: config.json; model.safetensors, or the files that
 * model.safetensors.index.json lists, of F32, F16 and BF16; vocab.txt, tokenizer.json
 * or tokenizer.model, tokenizer_config.json, chat_template.jinja; the head of README.md
 * for name and licence. Model types: bert, llama, mistral, mixtral, qwen2, qwen3,
 * qwen3_moe, gemma2, gemma3 (its text), phi3, deepseek_v2; a setting that is not
 * computed here is refused by key and value. type is "F32", "F16", "BF16" or "Q8_0"
 * and is used for the matrices; norms, biases and routers stay F32, and any other word
 * is INFER_EINVALID. The file appears at out_path only when it is whole and can be
 * opened as a model; the same folder gives the same bytes. */
int infer_import(const char *folder, const char *out_path, const char *type,
                 struct infer_error *err);

/* ---- tokens ------------------------------------------------------------------- */

struct infer_tokens { /* zero it first; grows; infer_tokens_free() releases it */
    int32_t *id;
    size_t count, capacity;
};

enum infer_token_flags {
    INFER_ADD_SPECIAL = 1,   /* what the model's file asks for: [CLS] ... [SEP] */
    INFER_PARSE_SPECIAL = 2, /* "[SEP]" in the text counts as the special token */
    INFER_CONTINUES = 4      /* other words came before: no space is put in front */
};

/* Replace out's content by the ids of text (UTF-8, NUL bytes allowed; invalid
 * bytes read as U+FFFD). Never cuts. Thread-safe. */
int infer_tokenize(const struct infer_model *model, const char *text, size_t text_bytes,
                   unsigned flags, struct infer_tokens *out, struct infer_error *err);
void infer_tokens_free(struct infer_tokens *tokens);

/* The same of a text in parts: special tokens count where markup is true and nowhere
 * else, the rest gets the ids it has in the text as a whole. So a document stands in
 * a chat's markup without being able to add to it. flags: INFER_ADD_SPECIAL,
 * INFER_CONTINUES. */
struct infer_part { /* borrowed */
    const char *text;
    size_t text_bytes;
    bool markup;
};

int infer_tokenize_parts(const struct infer_model *model, const struct infer_part *part,
                         size_t count, unsigned flags, struct infer_tokens *out,
                         struct infer_error *err);

/* Cut a sequence made with INFER_ADD_SPECIAL to at most max tokens, keeping the
 * closing token. Returns true when something was cut. */
bool infer_tokens_cut(const struct infer_model *model, struct infer_tokens *tokens,
                      size_t max);

struct infer_text { /* zero it first; grows; infer_text_free() releases it */
    char *text;     /* a NUL stands behind the last byte */
    size_t bytes, capacity;
};

enum infer_text_flags {
    INFER_TEXT_SPECIAL = 1,  /* special tokens as they are written, not left out */
    INFER_TEXT_CONTINUES = 2 /* other ids came before: keep the first one's space */
};

/* Append to out what the ids stand for. What infer_tokenize() made of a text comes
 * back byte for byte if it was UTF-8 and the vocabulary has all its bytes (WordPiece
 * gives words back, an unknown token is U+FFFD). A token may end inside a character:
 * who writes token by token appends each one with INFER_TEXT_CONTINUES. An id
 * outside the vocabulary is refused (INFER_EINVALID). */
int infer_detokenize(const struct infer_model *model, const int32_t *id, size_t count,
                     unsigned flags, struct infer_text *out, struct infer_error *err);
void infer_text_free(struct infer_text *text);

/* The token that opens every text, whether INFER_ADD_SPECIAL adds it or not; -1: the
 * model has none. */
int32_t infer_token_bos(const struct infer_model *model);

/* A generated text is over at this token: end of text, of turn or of message. */
bool infer_token_is_end(const struct infer_model *model, int32_t id);

/* The special token that is written so ("<|im_start|>"); -1: there is none. */
int32_t infer_token_find(const struct infer_model *model, const char *name);

/* ---- sessions ------------------------------------------------------------------ */

enum infer_isa {
    INFER_ISA_BEST, /* the best this CPU has */
    INFER_ISA_SCALAR,
    INFER_ISA_AVX2,    /* AVX2 + FMA + F16C */
    INFER_ISA_AVXVNNI, /* AVX2 with VNNI */
    INFER_ISA_AVX512   /* AVX-512 F, BW, VL, DQ and VNNI */
};

enum infer_float_backend {
    INFER_FLOAT_EXACT, /* own tile: one FMA chain per output, the same bits everywhere
                        */
    INFER_FLOAT_BLAS   /* OpenBLAS: the same bits on this kind of CPU only */
};

enum infer_kv { /* how a language model keeps the keys and values of past tokens */
                INFER_KV_F16, /* saturates at +-65,504 */
                INFER_KV_F32,
                INFER_KV_Q8 /* integers, one scale for 32 dimensions of a token */
};

struct infer_options {
    int threads;          /* 1 .. INFER_THREADS_MAX */
    enum infer_isa isa;   /* refused when the CPU lacks it */
    int activations_bits; /* 16 or 8; changes bits, of quantised weights only */
    enum infer_float_backend float_backend; /* changes bits, of float weights only */
    uint32_t batch_tokens;    /* most tokens in one pass, which is the work of one
                                 thread, 16 .. INFER_BATCH_TOKENS_MAX; raised to
                                 the context length where that is more */
    uint32_t batch_sequences; /* most sequences in one pass; 0: as many as fit, of a
                                 language model INFER_BATCH_SEQUENCES */
    /* Language models only: */
    enum infer_kv kv;        /* changes bits */
    uint32_t context_tokens; /* of the longest sequence; 0: what the model allows, at
                                most INFER_CONTEXT_TOKENS */
    uint32_t kv_tokens;      /* room for past tokens in all; 0: batch_sequences times
                                context_tokens */
    uint32_t piece_tokens;   /* of a prompt fed at a time; 0: as many as fit */
    bool share_prefix;       /* what all prompts begin with is computed once */
};

enum {
    INFER_THREADS_MAX = 256,
    INFER_BATCH_TOKENS_MAX = 65536,
    INFER_BATCH_SEQUENCES = 32,
    INFER_BATCH_SEQUENCES_MAX = 4096,
    INFER_CONTEXT_TOKENS = 4096
};

/* 1 thread, best ISA, 16 bits, prefixes shared */
struct infer_options infer_options_default(void);

struct infer_plan {          /* memory a session will take, before it is taken */
    uint64_t bytes;          /* the peak: repacked weights, workspaces, and of the file
                                its largest matrix, which is there while it is
                                repacked, or the tables that are read where they lie
                                where these are more */
    uint64_t weight_bytes;   /* repacked weights within it */
    uint64_t kv_bytes;       /* keys and values within it */
    uint32_t context_tokens; /* longest sequence */
    uint32_t batch_tokens;
};

struct infer_session;

int infer_session_plan(const struct infer_model *model,
                       const struct infer_options *options, struct infer_plan *out,
                       struct infer_error *err);
int infer_session_open(struct infer_session **out, const struct infer_model *model,
                       const struct infer_options *options, struct infer_error *err);
void infer_session_close(struct infer_session *session); /* NULL is allowed */

/* The name of the instruction set in use: "scalar", "avx2", "avxvnni", "avx512". */
const char *infer_session_isa(const struct infer_session *session);

/* "scalar" ... as above to the enum; INFER_EINVALID for another word,
 * INFER_EUNSUPPORTED when this CPU lacks it. */
int infer_isa_parse(const char *word, enum infer_isa *out, struct infer_error *err);

/* ---- embeddings ------------------------------------------------------------------ */

struct infer_sequence { /* borrowed */
    const int32_t *id;
    size_t count;
};

/* out holds count rows of width floats: row i is the model's pooled and
 * L2-normalised embedding of sequence i. Any count; the session cuts it into
 * passes. A sequence that is empty, longer than the context or holds an id
 * outside the vocabulary is refused before anything is computed. */
int infer_embed(struct infer_session *session, const struct infer_sequence *sequence,
                size_t count, float *out, struct infer_error *err);

/* out[i * b_rows + j] = dot product of row i of a and row j of b, each one FMA
 * chain in ascending order over width, the same
 * bits for any number of rows. Uses the session's threads. */
void infer_similarity(struct infer_session *session, const float *a, size_t a_rows,
                      const float *b, size_t b_rows, size_t width, float *out);

/* ---- chats ----------------------------------------------------------------------- */

/* What stands between the turns of a chat, to be tokenised as markup: the families'
 * own markup, compiled in; the template in a file is a program and is never run. */
struct infer_chat { /* strings live as long as the program; none is NULL but systems */
    const char *name;  /* "chatml", "llama3", ...; "none": a model without chats */
    const char *begin; /* before all turns; the opening token comes by INFER_ADD_SPECIAL
                        */
    const char *system_open, *system_close; /* NULL: this family has no such turn; its
                                               words go in front of the user's */
    const char *user_open, *user_close;
    const char *answer_open; /* behind it the model answers */
    bool answer_spaced;      /* its first word follows a space: " License" */
};

/* The chat of that name, or with NULL the one whose markup the file's template has.
 * INFER_EUNSUPPORTED when the template is of no family known here or the vocabulary
 * lacks a token of the markup, INFER_EINVALID when there is no chat of that name. */
int infer_model_chat(const struct infer_model *model, const char *name,
                     struct infer_chat *out, struct infer_error *err);

/* ---- language models ------------------------------------------------------------ */

/* out holds count rows of vocabulary_tokens floats: row i is the model's logits after
 * the last token of sequence i. A sequence that is empty, longer than the session's
 * context or holds an id outside the vocabulary is refused before anything is
 * computed; INFER_EFORMAT when a model's numbers overflow. */
int infer_logits(struct infer_session *session, const struct infer_sequence *sequence,
                 size_t count, float *out, struct infer_error *err);

struct infer_sampling {
    uint32_t tokens;   /* at most so many new ones */
    bool ignore_eos;   /* go on past the end token */
    float temperature; /* 0: greedy, the lowest id among equals */
    float top_p;       /* 1: all; else the likeliest that make up so much */
    float min_p;       /* 0: all; else those at least so likely as the likeliest times
                          this */
    uint64_t seed; /* the same for every sequence: a text does not depend on others */
};

/* Continue every prompt. out[i], zeroed by the caller, receives the new tokens of
 * prompt i, the end token included when it came; infer_tokens_free() releases it.
 * A finished sequence's place is taken by the next prompt at once. */
int infer_generate(struct infer_session *session, const struct infer_sequence *prompt,
                   size_t count, const struct infer_sampling *sampling,
                   struct infer_tokens *out, struct infer_error *err);

/* Continuations as a tree: node i is token id[i] after node parent[i], which is
 * smaller than i, or after the prompt where parent[i] is -1. */
struct infer_tree {
    const int32_t *id, *parent;
    size_t count;
};

/* out holds count rows of tree->count floats: the natural logarithm of the
 * probability of each node's token after the prompt and the nodes above it. The
 * prompt is computed once, a node once, whatever hangs on it. */
int infer_score(struct infer_session *session, const struct infer_sequence *prompt,
                size_t count, const struct infer_tree *tree, float *out,
                struct infer_error *err);

#endif
