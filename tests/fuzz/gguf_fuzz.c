/* gguf_fuzz - bytes as the file of a model, as the container, and as an adapter.
 *
 * Every input goes three ways. As a container: each tensor's first and last byte is
 * read. As a model, encoder or language model: the sizes are told, a text is cut, and
 * where a session of it is small it is opened and run. As an adapter for a language
 * model of four tokens that is made here: one that fits is put into it and run. A
 * refusal has a status and words; the first of several files is refused from memory.
 * Built with -DCANARY it fails on purpose at the first container that holds a tensor:
 * started without seeds, a fuzzer that finds it has got through every check before. */
#include "infer/adapter.h"
#include "infer/gguf_write.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { SESSION_BYTES_MAX = 16 << 20, WIDTH = 32, WORDS = 4 };

static volatile uint64_t seen;

static void expect(bool so)
{
    if (!so)
        abort();
}

/* ---- a language model for adapters ---------------------------------------------- */

static const struct {
    const char *name;
    uint32_t dims;
    uint64_t dim[2];
} tensors[] = {
    {"token_embd.weight", 2, {WIDTH, WORDS}},
    {"output_norm.weight", 1, {WIDTH}},
    {"blk.0.attn_norm.weight", 1, {WIDTH}},
    {"blk.0.attn_q.weight", 2, {WIDTH, WIDTH}},
    {"blk.0.attn_k.weight", 2, {WIDTH, WIDTH / 2}},
    {"blk.0.attn_v.weight", 2, {WIDTH, WIDTH / 2}},
    {"blk.0.attn_output.weight", 2, {WIDTH, WIDTH}},
    {"blk.0.ffn_norm.weight", 1, {WIDTH}},
    {"blk.0.ffn_gate.weight", 2, {WIDTH, WIDTH}},
    {"blk.0.ffn_up.weight", 2, {WIDTH, WIDTH}},
    {"blk.0.ffn_down.weight", 2, {WIDTH, WIDTH}},
};

enum { TENSORS = sizeof tensors / sizeof *tensors };

static void write_keys(struct gguf_writer *w)
{
    static const char *const words[WORDS] = {"<unk>", "<s>", "</s>", "a"};
    static const int32_t types[WORDS] = {2, 3, 3, 1};

    gguf_write_string(w, "general.architecture", "llama", 5);
    gguf_write_u32(w, "llama.block_count", 1);
    gguf_write_u32(w, "llama.context_length", 32);
    gguf_write_u32(w, "llama.embedding_length", WIDTH);
    gguf_write_u32(w, "llama.feed_forward_length", WIDTH);
    gguf_write_u32(w, "llama.attention.head_count", 2);
    gguf_write_u32(w, "llama.attention.head_count_kv", 1);
    gguf_write_f32(w, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
    gguf_write_string(w, "tokenizer.ggml.model", "llama", 5);
    gguf_write_u32(w, "tokenizer.ggml.unknown_token_id", 0);
    gguf_write_u32(w, "tokenizer.ggml.bos_token_id", 1);
    gguf_write_u32(w, "tokenizer.ggml.eos_token_id", 2);
    gguf_write_array(w, "tokenizer.ggml.tokens", GGUF_STRING, WORDS);
    for (int i = 0; i < WORDS; i++)
        gguf_write_element_string(w, words[i], strlen(words[i]));
    gguf_write_array(w, "tokenizer.ggml.scores", GGUF_FLOAT32, WORDS);
    for (int i = 0; i < WORDS; i++)
        gguf_write_element_f32(w, 0);
    gguf_write_array(w, "tokenizer.ggml.token_type", GGUF_I32, WORDS);
    for (int i = 0; i < WORDS; i++)
        gguf_write_element_i32(w, types[i]);
}

static struct infer_model *make_model(void)
{
    struct gguf_writer w = {0};
    struct infer_model *model = NULL;
    char *bytes = NULL;
    size_t count;
    FILE *file = open_memstream(&bytes, &count);

    write_keys(&w);
    for (int i = 0; i < TENSORS; i++)
        gguf_write_tensor(&w, tensors[i].name, GGUF_F32, tensors[i].dims,
                          tensors[i].dim);
    gguf_write_head(&w, file);
    for (int i = 0; i < TENSORS; i++) {
        uint64_t values =
            tensors[i].dim[0] * (tensors[i].dims > 1 ? tensors[i].dim[1] : 1);
        for (uint64_t k = 0; k < values; k++)
            gguf_write_data(&w, file, &(float){(float)(k % 7) / 16}, sizeof(float));
        gguf_write_pad(&w, file);
    }
    expect(gguf_write_end(&w, file) == 0);
    fclose(file);
    expect(model_open_memory(&model, bytes, count, NULL) == 0);
    free(bytes);
    return model;
}

/* ---- three ways ----------------------------------------------------------------- */

static void walk_container(const uint8_t *data, size_t bytes)
{
    struct gguf *file;

    if (gguf_open_memory(&file, data, bytes, NULL) != 0)
        return;
#ifdef CANARY
    if (gguf_tensor_count(file) > 0)
        abort();
#endif
    for (size_t i = 0; i < gguf_tensor_count(file); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(file, i);

        expect(gguf_tensor_find(file, t->name) == t);
        seen += ((const uint8_t *)t->data)[0];
        seen += ((const uint8_t *)t->data)[t->bytes - 1];
    }
    expect(gguf_path_count(file) == 0);
    gguf_close(file);
}

static int run_session(struct infer_session *session,
                       const struct infer_model_info *info, struct infer_error *err)
{
    static const int32_t id[] = {0, 0, 0};
    const struct infer_sequence sequence = {id, info->context_tokens < 3 ? 1 : 3};
    float *out = calloc(info->vocabulary_tokens + info->width, sizeof *out);
    int status = 0;

    if (out != NULL && info->generates)
        status = infer_logits(session, &sequence, 1, out, err);
    else if (out != NULL)
        status = infer_embed(session, &sequence, 1, out, err);
    free(out);
    return status;
}

/* A session that holds few tokens, where the model is small enough. What it computes
 * may overflow, and nothing else. */
static void run_model(const struct infer_model *model,
                      const struct infer_model_info *info)
{
    struct infer_options o = infer_options_default();
    struct infer_session *session;
    struct infer_plan plan;
    struct infer_error err = {0};

    o.batch_tokens = 16;
    o.batch_sequences = 1;
    o.kv_tokens = o.context_tokens =
        info->context_tokens < 16 ? info->context_tokens : 16;
    if (infer_session_plan(model, &o, &plan, NULL) != 0 ||
        plan.bytes > SESSION_BYTES_MAX || infer_session_open(&session, model, &o, NULL))
        return;
    if (run_session(session, info, &err) != 0)
        expect(err.status == INFER_EFORMAT && strstr(err.text, "overflow") != NULL);
    infer_session_close(session);
}

static void cut_text(const struct infer_model *model,
                     const struct infer_model_info *info)
{
    static const char text[] = "The [SEP] of 1,234 words \xc3\xa9\xe6\x97\xa5!";
    struct infer_tokens ids = {0};

    expect(infer_tokenize(model, text, sizeof text - 1,
                          INFER_ADD_SPECIAL | INFER_PARSE_SPECIAL, &ids, NULL) == 0);
    for (size_t i = 0; i < ids.count; i++)
        expect(ids.id[i] >= 0 && (uint32_t)ids.id[i] < info->vocabulary_tokens);
    infer_tokens_free(&ids);
}

static void use_model(const uint8_t *data, size_t bytes)
{
    struct infer_model_info info;
    struct infer_model *model;
    struct infer_error err = {0};

    if (model_open_memory(&model, data, bytes, &err) != 0) {
        expect(err.status != 0 && err.text[0] != '\0');
        return;
    }
    infer_model_info(model, &info);
    cut_text(model, &info);
    if (info.layers > 0)
        run_model(model, &info);
    infer_model_close(model);
}

static void use_adapter(const uint8_t *data, size_t bytes)
{
    static struct infer_model *model;
    struct infer_model_info info;
    struct infer_error err = {0};

    if (model == NULL)
        model = make_model();
    if (adapter_open_memory(&model->adapter, model, data, bytes, 0.5f, &err) != 0) {
        expect(err.status != 0 && err.text[0] != '\0');
        return;
    }
    infer_model_info(model, &info);
    run_model(model, &info);
    adapter_close(model->adapter);
    model->adapter = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    walk_container(data, bytes);
    use_model(data, bytes);
    use_adapter(data, bytes);
    return 0;
}
