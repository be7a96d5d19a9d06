/* decoder_run - families, prompts and sessions for tests of language models. */
#ifndef TESTS_INFER_DECODER_RUN_H
#define TESTS_INFER_DECODER_RUN_H

#include "tests/infer/tiny_decoder.h"

#include "infer/cpu.h"

#include <unistd.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* Every branch a layer can take. */
static const struct tiny_decoder run_families[] = {
    {.architecture = "llama", .layers = 2, .heads = 4, .kv_heads = 2, .key_size = 64},
    {.architecture = "llama", /* Mistral */
     .layers = 2,
     .heads = 4,
     .kv_heads = 4,
     .key_size = 64,
     .window = 24,
     .untied = true},
    {.architecture = "llama", /* Mixtral */
     .layers = 1,
     .heads = 4,
     .kv_heads = 1,
     .key_size = 64,
     .experts = 4,
     .experts_used = 2},
    {.architecture = "qwen2",
     .layers = 2,
     .heads = 8,
     .kv_heads = 2,
     .key_size = 32,
     .biases = true},
    {.architecture = "qwen3",
     .layers = 2,
     .heads = 2,
     .kv_heads = 1,
     .key_size = 128,
     .head_norms = true},
    {.architecture = "qwen3moe",
     .layers = 1,
     .heads = 2,
     .kv_heads = 1,
     .key_size = 128,
     .head_norms = true,
     .experts = 5,
     .experts_used = 3},
    {.architecture = "gemma2",
     .layers = 2,
     .heads = 4,
     .kv_heads = 2,
     .key_size = 64,
     .window = 20,
     .post_norms = true},
    {.architecture = "gemma3",
     .layers = 6,
     .heads = 4,
     .kv_heads = 1,
     .key_size = 64,
     .window = 33,
     .head_norms = true,
     .post_norms = true},
    {.architecture = "phi3",
     .layers = 2,
     .heads = 4,
     .kv_heads = 2,
     .key_size = 64,
     .fused = true},
    {.architecture = "deepseek2",
     .layers = 1,
     .heads = 2,
     .latent = true,
     .experts = 4,
     .experts_used = 2,
     .shared = 1},
};

static const enum gguf_type run_types[] = {
    GGUF_F32,  GGUF_F16,  GGUF_BF16, GGUF_Q8_0,   GGUF_Q4_0,
    GGUF_Q4_1, GGUF_Q5_0, GGUF_Q5_1, GGUF_Q2_K,   GGUF_Q3_K,
    GGUF_Q4_K, GGUF_Q5_K, GGUF_Q6_K, GGUF_IQ4_NL, GGUF_IQ4_XS,
};

/* A sanitizer or emulation makes kernels many times slower: tests that try every case
 * try every so manieth. */
#if defined __SANITIZE_ADDRESS__ || defined CLOISTER_SIMDE
enum { RUN_EVERY = 6 };
#else
enum { RUN_EVERY = 1 };
#endif

enum { RUN_SEQUENCES = 9, RUN_LONGEST = 120 };

struct run_prompts {
    int32_t id[RUN_SEQUENCES][RUN_LONGEST];
    struct infer_sequence sequence[RUN_SEQUENCES];
};

/* Alike: the first same tokens are those of every prompt. */
static inline void run_draw_prompts(struct run_prompts *p, uint64_t *state,
                                    uint32_t same, uint32_t longest)
{
    for (size_t i = 0; i < RUN_SEQUENCES; i++) {
        size_t count = same + 1 + tiny_random(state) % (longest - same);
        for (size_t k = 0; k < count; k++)
            p->id[i][k] = i > 0 && k < same
                              ? p->id[0][k]
                              : (int32_t)(tiny_random(state) % TINY_VOCABULARY);
        p->sequence[i] = (struct infer_sequence){p->id[i], count};
    }
}

static inline struct infer_options run_options(void)
{
    struct infer_options o = infer_options_default();

    o.context_tokens = 256;
    o.batch_tokens = 64;
    o.batch_sequences = 4;
    o.kv_tokens = 1024;
    return o;
}

static inline struct infer_session *run_open(const struct infer_model *model,
                                             const struct infer_options *options)
{
    struct infer_session *session = NULL;
    struct infer_error err = {0};

    if (infer_session_open(&session, model, options, &err) != 0)
        fail_msg("%s", err.text);
    return session;
}

/* One model of a family, and a session of it. */
struct run {
    struct infer_model *model;
    struct infer_session *session;
};

static inline struct run run_start(const struct tiny_decoder *family,
                                   enum gguf_type type,
                                   const struct infer_options *options)
{
    struct tiny_decoder d = *family;
    struct run run;

    d.type = type;
    run.model = tiny_model(&d);
    run.session = run_open(run.model, options);
    return run;
}

static inline void run_end(struct run *run)
{
    infer_session_close(run->session);
    infer_model_close(run->model);
}

static inline void run_logits(struct infer_session *session,
                              const struct infer_sequence *sequence, size_t count,
                              float *out)
{
    struct infer_error err = {0};

    if (infer_logits(session, sequence, count, out, &err) != 0)
        fail_msg("%s", err.text);
}

/* Threads that wait for each other shall sleep: spinning, they take a busy machine ten
 * times as long. libgomp asks the environment once, when it is loaded. */
static inline void run_patiently(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") != NULL)
        return;
    setenv("OMP_WAIT_POLICY", "PASSIVE", 1);
    setenv("GOMP_SPINCOUNT", "0", 1);
    execv("/proc/self/exe", argv);
}

/* FNV-1a over the bytes. */
static inline uint64_t run_digest(const void *bytes, size_t count)
{
    const unsigned char *b = bytes;
    uint64_t digest = 0xcbf29ce484222325u;

    for (size_t i = 0; i < count; i++)
        digest = (digest ^ b[i]) * 0x100000001b3u;
    return digest;
}

#endif
