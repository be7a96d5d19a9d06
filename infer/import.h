/* import - a checkpoint on its way into a GGUF file, inside infer/ only.
 *
 *     import.c          the whole way; the file
 *     import_job.c      one tensor: where its rows come from, in which format they go
 *     import_bert.c     which tensors and keys a bert encoder has
 *     import_decoder.c  which tensors a language model has
 *     import_config.c   its sizes and keys
 *     import_rope.c     how its positions are stretched
 *     import_words.c    its vocabulary; import_pieces.c, import_pre.c parts of that
 */
#ifndef INFER_IMPORT_H
#define INFER_IMPORT_H

#include "infer/checkpoint_json.h"
#include "infer/gguf_write.h"
#include "infer/shards.h"

struct import_source { /* a tensor of the checkpoint, and the shape it must have */
    const char *name;
    uint64_t rows, columns; /* rows 0: one dimension */
};

/* One tensor to write: row i of part p is row first + p * stride + i of its source, or
 * of the part's own. */
struct import_job {
    char name[GGUF_NAME_BYTES_MAX + 1];
    enum gguf_type type;
    uint32_t dims;
    uint64_t dim[3]; /* length of a row, rows, parts */
    const struct safetensors_tensor *source;
    const struct safetensors_tensor **part; /* or one for each part */
    uint64_t first, stride;
    uint32_t head; /* rows of a head whose halves become pairs; 0: rows stay */
    bool turned;   /* rows are the source's columns */
    float more;    /* is added to each value */
    float *values; /* these, and no source */
};

struct import {
    const char *folder;
    json_t *config;
    struct shards *weights;
    enum gguf_type type; /* of matrices */
    struct import_job *job;
    size_t job_count, job_room;
    struct gguf_writer out;
    float *row;
    uint8_t *packed;
};

/* Plan every tensor and write every key of im->out. */
int import_bert(struct import *im, struct infer_error *err);
int import_decoder(struct import *im, struct infer_error *err);

/* "bert, llama, ...", for messages */
const char *import_model_types(void);

/* general.architecture to general.license, and general.file_type. */
void import_general_keys(struct import *im, const char *architecture,
                         const struct checkpoint_card *card);
void import_type_keys(struct import *im);

/* ---- jobs ----------------------------------------------------------------------- */

/* One more tensor, to be filled in; lives until the next one is added. NULL: no
 * memory, and err says so. */
struct import_job *import_add(struct import *im, const char *name,
                              struct infer_error *err);

/* A tensor of the checkpoint that must be there, of a type that is read, in its
 * shape. */
int import_take(struct import *im, const struct import_source *source,
                const struct safetensors_tensor **out, struct infer_error *err);

/* Can the format store such rows? */
int import_check_job(const struct import_job *job, struct infer_error *err);

/* Write one tensor's data; im->row has room for its rows. */
int import_write_job(struct import *im, FILE *file, const struct import_job *job,
                     struct infer_error *err);

/* ---- language models ------------------------------------------------------------ */

struct import_sizes {
    uint32_t layers, width, context, ffn, heads, kv_heads, head, vocabulary;
    uint32_t experts, expert_ffn, shared, dense_layers; /* 0: none */
    uint32_t q_rank, kv_rank, plain, turned, value;     /* latent attention */
    uint32_t rotary; /* dimensions of a head that turn */
};

enum import_feature {
    IMPORT_SPLIT = 1,           /* q, k and v apart */
    IMPORT_FUSED = 2,           /* q, k, v in one, gate and up in one */
    IMPORT_PAIRED = 4,          /* rows of q and k are stored by halves of heads */
    IMPORT_HEAD_NORM = 8,       /* of queries and keys */
    IMPORT_POST_NORM = 16,      /* four norms a layer, each stored less one */
    IMPORT_PLAIN_NORM = 32,     /* two norms a layer */
    IMPORT_MIXTRAL = 64,        /* experts, by Mixtral's names */
    IMPORT_EXPERTS = 128,       /* experts */
    IMPORT_SHARED = 256,        /* and some that all tokens use */
    IMPORT_LATENT = 512,        /* latent attention */
    IMPORT_LATENT_QUERY = 1024, /* of queries too */
    IMPORT_PLAIN_QUERY = 2048,
    IMPORT_DENSE = 4096, /* of a layer */
    IMPORT_GATE = 8192   /* gate and up apart */
};

struct import_family {
    const char *model_type, *architecture;
    unsigned features;
    const char *activation;
    uint32_t window_period; /* every so manieth layer sees all; 0: all are alike */
    bool window;            /* the config's sliding_window counts */
};

const struct import_family *import_family(const char *model_type); /* or NULL */

/* The object that holds a language model's settings: config.json or its text_config. */
json_t *import_settings(const struct import *im);

int import_config(struct import *im, const struct import_family *family,
                  struct import_sizes *out, struct infer_error *err);
int import_rope(struct import *im, const struct import_family *family,
                const struct import_sizes *sizes, struct infer_error *err);
int import_words(struct import *im, const struct import_sizes *sizes,
                 struct infer_error *err);

/* Numbers of a settings object. Absent or null counts as otherwise; without one
 * (allow_absent false) it is refused. */
int import_count(const json_t *settings, const char *key, uint32_t least,
                 bool may_be_absent, uint32_t *out, struct infer_error *err);
int import_real(const json_t *settings, const char *key, bool may_be_absent,
                double *out, struct infer_error *err);

/* ---- vocabularies --------------------------------------------------------------- */

struct import_word {
    char *text; /* owned; NULL: no word has this id */
    size_t bytes;
    int32_t type; /* tokenizer.ggml.token_type */
    float score;
};

struct import_words {
    uint32_t count;
    struct import_word *word;
};

/* Set the text and type of one id; INFER_EFORMAT when it is beyond the count. */
int import_word(struct import_words *words, int64_t id, const char *text, size_t bytes,
                int32_t type, float score, struct infer_error *err);

/* SentencePiece: from tokenizer.model's bytes, or from a tokenizer.json that was made
 * of one. *prefix: a space is put before a text. */
int import_pieces_model(struct import_words *words, const char *bytes, size_t count,
                        bool *prefix, struct infer_error *err);
int import_pieces_json(struct import_words *words, const json_t *tokenizer,
                       bool *prefix, struct infer_error *err);

/* The value of tokenizer.ggml.pre for what tokenizer.json cuts by. */
int import_pre(const json_t *tokenizer, const char **out, struct infer_error *err);

#endif
