/* model - a GGUF file whose every field has been checked, inside infer/ only.
 *
 * gguf.c knows the container: keys, tensors, bounds. model.c knows what an
 * architecture needs: which keys, which tensors, of which shape. Whoever holds a
 * struct infer_model may index it without asking again. */
#ifndef INFER_MODEL_H
#define INFER_MODEL_H

#include "infer/infer.h"

enum gguf_type { /* numbers of the GGUF specification, tensor types */
                 GGUF_F32 = 0,
                 GGUF_F16 = 1,
                 GGUF_Q4_0 = 2,
                 GGUF_Q4_1 = 3,
                 GGUF_Q5_0 = 6,
                 GGUF_Q5_1 = 7,
                 GGUF_Q8_0 = 8,
                 GGUF_Q2_K = 10,
                 GGUF_Q3_K = 11,
                 GGUF_Q4_K = 12,
                 GGUF_Q5_K = 13,
                 GGUF_Q6_K = 14,
                 GGUF_IQ4_NL = 20,
                 GGUF_IQ4_XS = 23,
                 GGUF_BF16 = 30
};

struct gguf_tensor {
    const char *name; /* NUL-terminated copy */
    enum gguf_type type;
    uint32_t dims;
    uint64_t dim[4];  /* dim[0] is the row length; the rest are 1 when unused */
    uint64_t rows;    /* dim[1] * dim[2] * dim[3] */
    const void *data; /* into the mapping, alignment of the file (at least 8) */
    uint64_t bytes;
};

struct gguf;          /* gguf.h */
struct tokenizer;     /* tokenizer.h */
struct decoder_model; /* decoder.h */

struct rope;    /* rope.h */
struct adapter; /* adapter.h */

struct bert_layer {
    const struct gguf_tensor *q, *k, *v, *o; /* width x width */
    const struct gguf_tensor *qkv;           /* or q, k and v in one */
    const struct gguf_tensor *gate;          /* nomic-bert: width -> ffn */
    const struct gguf_tensor *q_bias, *k_bias, *v_bias, *o_bias;
    const struct gguf_tensor *attn_norm, *attn_norm_bias; /* after attention */
    const struct gguf_tensor *up, *up_bias;               /* width -> ffn */
    const struct gguf_tensor *down, *down_bias;           /* ffn -> width */
    const struct gguf_tensor *out_norm, *out_norm_bias;   /* after the feed-forward */
};

enum model_pooling { MODEL_POOL_MEAN = 1, MODEL_POOL_CLS = 2 }; /* GGUF's numbers */

struct infer_model { /* an encoder, unless decoder is set */
    struct gguf *file;
    const char *architecture, *name, *license;
    uint64_t parameters, file_bytes;
    uint32_t layers, width, heads, ffn, context, vocabulary;
    float norm_epsilon;
    enum model_pooling pooling;
    const struct gguf_tensor *token_embd;    /* vocabulary rows of width */
    const struct gguf_tensor *position_embd; /* context rows of width, F32 or F16 */
    const struct gguf_tensor *token_types;   /* row 0 is used */
    const struct gguf_tensor *embd_norm, *embd_norm_bias;
    struct bert_layer *layer;
    struct rope *rope; /* NULL: positions are learned */
    struct decoder_model *decoder;
    struct adapter *adapter; /* of a language model; NULL: none */
    struct tokenizer *tokenizer;
};

/* The two kinds of model: does one know the architecture; read keys and tensors of
 * m->file, whose vocabulary has been read; release what was read. */
bool encoder_knows(const char *architecture);
int encoder_read(struct infer_model *m, struct infer_error *err);
void encoder_free(struct infer_model *m);

/* infer_model_open() of a file's bytes, which are copied. */
int model_open_memory(struct infer_model **out, const void *bytes, size_t count,
                      struct infer_error *err);

/* bytes of one block, values of one block; 0 for a type the reader does not know */
uint32_t gguf_block_bytes(enum gguf_type type);
uint32_t gguf_block_values(enum gguf_type type);
const char *gguf_type_name(enum gguf_type type); /* "Q8_0" */

/* Fill err and return status; for `return infer_fail(err, INFER_EFORMAT, "...")`. */
int infer_fail(struct infer_error *err, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
