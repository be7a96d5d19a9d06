/* decoder_sample - a language model whose mind a test can read.
 *
 *     hidden = one place for each token (which is the last one) + one for each word of
 *              the vocabulary (how much of all that was read it makes up)
 *     logit of a token = sum over the rules that lead to it
 *
 * One layer: its attention takes the mean of all tokens read, its feed-forward does
 * next to nothing. So what follows a token, and what speaks for an answer, is written
 * down below as rules; a little noise everywhere else makes the last bits depend on all
 * that they may depend on. The vocabulary is byte-level BPE, its words whole tokens,
 * its chat is chatml. */
#ifndef TESTS_PIPELINE_DECODER_SAMPLE_H
#define TESTS_PIPELINE_DECODER_SAMPLE_H

#include "infer/gguf_write.h"
#include "tests/pipeline/work.h"

enum {
    MIND_CURRENT = 384, /* the last token, one place each */
    MIND_BAG = 128,     /* how much of each of the first tokens was read */
    MIND_WIDTH = MIND_CURRENT + MIND_BAG,
    MIND_FFN = 64,
    MIND_CONTEXT = 4096,
    MIND_SPECIALS = 3
};

#define MIND_BAG_SCALE  8.0F
#define MIND_ROOT_WIDTH 22.6274F /* of MIND_WIDTH; what a norm makes of a single 1 */

/* " t": a "t" behind a space, by the one merge. */
static const char *const mind_words[] = {
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    " t",
    "The",
    " The",
    " the",
    " a",
    " shall",
    " supplier",
    " deliver",
    " goods",
    " goods.",
    " buyer",
    " licensee",
    " licensor",
    " pay",
    " royalty",
    " software",
    " party",
    " terminate",
    " notice",
    " give",
    " agreement",
    " governed",
    " laws",
    " obeys",
    " red",
    " rose",
    " blue",
    " sea",
    " is",
    " Then",
    " 9",
    "Supply",
    "License",
    "Colour",
    " of",
    " order",
    "Yes",
    "No",
    " ignore",
};
enum {
    MIND_WORDS = sizeof(mind_words) / sizeof(mind_words[0]),
    MIND_TOKENS = MIND_WORDS + 256
};

struct rule {
    const char *from, *to; /* words, or one byte */
    float weight;
    bool read; /* from was read somewhere; otherwise it is the last token */
};

static const struct rule mind_rules[] = {
    /* what is written behind a line's end, by what was read */
    {"\n", "The", 0.8F, false},
    {"The", " supplier", 0.6F, false},
    {"The", " licensee", 0.6F, false},
    {"The", " party", 0.6F, false},
    {"The", " rose", 0.6F, false},
    {" supplier", " supplier", 2.0F, true},
    {" licensee", " licensee", 2.0F, true},
    {" party", " party", 2.0F, true},
    {" rose", " rose", 2.0F, true},
    /* "The supplier shall deliver the goods. Then buyer is 9." */
    {" supplier", " shall", 0.9F, false},
    {" shall", " deliver", 0.6F, false},
    {" supplier", " deliver", 2.0F, true},
    {" deliver", " the", 0.9F, false},
    {" the", " goods.", 0.9F, false},
    {" goods.", " Then", 0.9F, false},
    {" Then", " buyer", 0.9F, false},
    {" buyer", " is", 0.9F, false},
    {" is", " 9", 0.9F, false},
    {" 9", ".", 0.9F, false},
    {".", "<|im_end|>", 0.9F, false},
    /* "The licensee shall pay a royalty." */
    {" licensee", " shall", 0.9F, false},
    {" shall", " pay", 0.6F, false},
    {" licensee", " pay", 2.0F, true},
    {" pay", " a", 0.9F, false},
    {" a", " royalty", 0.9F, false},
    {" royalty", ".", 0.9F, false},
    /* "The party shall give notice." */
    {" party", " shall", 0.9F, false},
    {" shall", " give", 0.6F, false},
    {" party", " give", 2.0F, true},
    {" give", " notice", 0.9F, false},
    {" notice", ".", 0.9F, false},
    /* "The rose blue", bytes that are no character, " sea." */
    {" rose", " blue", 0.9F, false},
    {" blue", "\xFF", 0.9F, false},
    {"\xFF", "\x07", 0.9F, false},
    {"\x07", " sea", 0.9F, false},
    {" sea", ".", 0.9F, false},
    /* "The laws! The laws! ..." without an end */
    {"The", " laws", 0.6F, false},
    {" laws", " laws", 0.3F, true},
    {" laws", "!", 0.9F, false},
    {"!", " The", 0.9F, false},
    {" The", " laws", 0.9F, false},
    /* what is answered: always a colour, but for the words */
    {"\n", "Colour", 0.4F, false},
    {" supplier", "Supply", 1.0F, true},
    {" goods", "Supply", 1.0F, true},
    {" goods", " goods", 0.6F, true},
    {" licensee", "License", 1.0F, true},
    {" software", "License", 1.0F, true},
    {" rose", "Colour", 1.0F, true},
    {" sea", "Colour", 1.0F, true},
    {"Supply", " of", 0.5F, false},
    {"License", " of", 0.5F, false},
    {" of", " goods", 0.5F, false},
    {" of", " order", 0.4F, false},
    {" of", " software", 0.5F, false},
    {" ignore", "No", 2.0F, true},
};

struct decoder_sample {
    struct infer_model *model;
    struct infer_session *session;
};

/* ---- the vocabulary ------------------------------------------------------------- */

/* A byte as byte-level BPE writes it: itself where it can be seen, or from U+0100 on.
 */
static inline size_t mind_byte(unsigned char byte, char *out)
{
    uint32_t c = byte, hidden = 0;
    for (uint32_t b = 0; b < byte; b++)
        hidden += b < 0x21 || (b > 0x7E && b < 0xA1) || b == 0xAD;
    if (byte < 0x21 || (byte > 0x7E && byte < 0xA1) || byte == 0xAD)
        c = 0x100 + hidden;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    out[0] = (char)(0xC0 | (c >> 6));
    out[1] = (char)(0x80 | (c & 0x3F));
    return 2;
}

/* Token i as the vocabulary writes it. */
static inline size_t mind_token(size_t i, char *out)
{
    size_t bytes = 0;
    if (i >= MIND_WORDS)
        return mind_byte((unsigned char)(i - MIND_WORDS), out);
    for (const char *at = mind_words[i]; *at; at++)
        bytes += mind_byte((unsigned char)*at, out + bytes);
    return bytes;
}

static inline size_t mind_find(const char *name)
{
    for (size_t i = 0; i < MIND_WORDS; i++)
        if (strcmp(mind_words[i], name) == 0)
            return i;
    if (strlen(name) != 1)
        fail_msg("no token \"%s\"", name);
    return MIND_WORDS + (unsigned char)name[0];
}

static inline void mind_write_vocabulary(struct gguf_writer *w)
{
    char text[64];
    gguf_write_string(w, "tokenizer.ggml.model", "gpt2", 4);
    gguf_write_string(w, "tokenizer.ggml.pre", "llama-bpe", 9);
    gguf_write_array(w, "tokenizer.ggml.tokens", GGUF_STRING, MIND_TOKENS);
    for (size_t i = 0; i < MIND_TOKENS; i++)
        gguf_write_element_string(w, text, mind_token(i, text));
    gguf_write_array(w, "tokenizer.ggml.token_type", GGUF_I32, MIND_TOKENS);
    for (size_t i = 0; i < MIND_TOKENS; i++)
        gguf_write_element_i32(w, i < MIND_SPECIALS ? 3 : 1);
    gguf_write_array(w, "tokenizer.ggml.merges", GGUF_STRING, 1);
    gguf_write_element_string(w, "\xC4\xA0 t", 4);
    gguf_write_u32(w, "tokenizer.ggml.bos_token_id", 0);
    gguf_write_u32(w, "tokenizer.ggml.eos_token_id", 2);
    gguf_write_bool(w, "tokenizer.ggml.add_bos_token", false);
}

static inline void mind_write_keys(struct gguf_writer *w, const char *template)
{
    gguf_write_string(w, "general.architecture", "llama", 5);
    gguf_write_u32(w, "llama.block_count", 1);
    gguf_write_u32(w, "llama.context_length", MIND_CONTEXT);
    gguf_write_u32(w, "llama.embedding_length", MIND_WIDTH);
    gguf_write_u32(w, "llama.feed_forward_length", MIND_FFN);
    gguf_write_u32(w, "llama.attention.head_count", 2);
    gguf_write_u32(w, "llama.attention.head_count_kv", 2);
    gguf_write_u32(w, "llama.attention.key_length", MIND_BAG / 2);
    gguf_write_u32(w, "llama.attention.value_length", MIND_BAG / 2);
    gguf_write_f32(w, "llama.attention.layer_norm_rms_epsilon", 1e-5F);
    mind_write_vocabulary(w);
    gguf_write_string(w, "tokenizer.chat_template", template, strlen(template));
}

/* ---- the weights ---------------------------------------------------------------- */

enum mind_matrix { MIND_ONES, MIND_NOISE, MIND_EMBED, MIND_VALUE, MIND_OUT, MIND_HEAD };

static const struct mind_tensor {
    const char *name;
    uint64_t length, rows; /* rows 0: a vector */
    enum mind_matrix kind;
} mind_tensors[] = {
    {"token_embd.weight", MIND_WIDTH, MIND_TOKENS, MIND_EMBED},
    {"blk.0.attn_norm.weight", MIND_WIDTH, 0, MIND_ONES},
    {"blk.0.attn_q.weight", MIND_WIDTH, MIND_BAG, MIND_NOISE},
    {"blk.0.attn_k.weight", MIND_WIDTH, MIND_BAG, MIND_NOISE},
    {"blk.0.attn_v.weight", MIND_WIDTH, MIND_BAG, MIND_VALUE},
    {"blk.0.attn_output.weight", MIND_BAG, MIND_WIDTH, MIND_OUT},
    {"blk.0.ffn_norm.weight", MIND_WIDTH, 0, MIND_ONES},
    {"blk.0.ffn_gate.weight", MIND_WIDTH, MIND_FFN, MIND_NOISE},
    {"blk.0.ffn_up.weight", MIND_WIDTH, MIND_FFN, MIND_NOISE},
    {"blk.0.ffn_down.weight", MIND_FFN, MIND_WIDTH, MIND_NOISE},
    {"output_norm.weight", MIND_WIDTH, 0, MIND_ONES},
    {"output.weight", MIND_WIDTH, MIND_TOKENS, MIND_HEAD},
};

static inline void mind_set(float *value, const struct mind_tensor *t, size_t row,
                            size_t column, float weight)
{
    value[row * t->length + column] += weight;
}

static inline void mind_apply_rules(float *value, const struct mind_tensor *t)
{
    for (size_t i = 0; i < COUNT(mind_rules); i++) {
        const struct rule *rule = &mind_rules[i];
        size_t from = mind_find(rule->from);
        mind_set(value, t, mind_find(rule->to), rule->read ? MIND_CURRENT + from : from,
                 rule->weight);
    }
}

/* To be freed. */
static inline float *mind_values(const struct mind_tensor *t, uint64_t *random)
{
    size_t rows = t->rows ? t->rows : 1, count = rows * t->length;
    float *value = calloc(count, sizeof(*value));
    assert_non_null(value);
    for (size_t i = 0; i < count; i++)
        value[i] = t->kind == MIND_ONES
                       ? 1
                       : ((float)(sample_random(random) % 4096) - 2048) / 2048 * 0.002F;
    if (t->kind == MIND_EMBED)
        for (size_t i = 0; i < MIND_TOKENS; i++)
            mind_set(value, t, i, i, 1);
    for (size_t i = MIND_SPECIALS; i < MIND_BAG; i++) {
        if (t->kind == MIND_VALUE)
            mind_set(value, t, i, i, 1);
        if (t->kind == MIND_OUT)
            mind_set(value, t, MIND_CURRENT + i, i, MIND_BAG_SCALE / MIND_ROOT_WIDTH);
    }
    if (t->kind == MIND_HEAD)
        mind_apply_rules(value, t);
    return value;
}

static inline void mind_make(FILE *file, const char *template)
{
    struct gguf_writer w = {0};
    uint64_t random = 20261121;
    mind_write_keys(&w, template);
    for (size_t i = 0; i < COUNT(mind_tensors); i++) {
        const struct mind_tensor *t = &mind_tensors[i];
        gguf_write_tensor(&w, t->name, GGUF_F32, t->rows ? 2 : 1,
                          (uint64_t[]){t->length, t->rows});
    }
    gguf_write_head(&w, file);
    for (size_t i = 0; i < COUNT(mind_tensors); i++) {
        const struct mind_tensor *t = &mind_tensors[i];
        float *value = mind_values(t, &random);
        gguf_write_data(&w, file, value,
                        t->length * (t->rows ? t->rows : 1) * sizeof(*value));
        gguf_write_pad(&w, file);
        free(value);
    }
    assert_int_equal(gguf_write_end(&w, file), 0);
}

/* ---- the model ------------------------------------------------------------------ */

static inline struct infer_options decoder_sample_options(void)
{
    struct infer_options options = infer_options_default();
    options.batch_tokens = 256;
    options.batch_sequences = 8;
    options.context_tokens = 2048;
    return options;
}

static inline struct infer_session *
decoder_sample_session(const struct infer_model *model,
                       const struct infer_options *options)
{
    struct infer_session *session = NULL;
    struct infer_error err = {0, ""};
    if (infer_session_open(&session, model, options, &err) != 0)
        fail_msg("%s", err.text);
    return session;
}

#define CHATML "{{'<|im_start|>' + role + '\\n' + content + '<|im_end|>' + '\\n'}}"

/* The model's file is unlinked as soon as it is mapped. */
static inline struct decoder_sample decoder_sample_open(void)
{
    struct decoder_sample sample;
    struct infer_error err = {0, ""};
    struct infer_options options = decoder_sample_options();
    char path[] = P_tmpdir "/cloister-decoder-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");
    assert_non_null(file);
    mind_make(file, CHATML);
    assert_int_equal(fclose(file), 0);
    if (infer_model_open(&sample.model, path, &err) != 0)
        fail_msg("%s", err.text);
    unlink(path);
    sample.session = decoder_sample_session(sample.model, &options);
    return sample;
}

static inline void decoder_sample_close(struct decoder_sample *sample)
{
    infer_session_close(sample->session);
    infer_model_close(sample->model);
}

/* ---- the policy ----------------------------------------------------------------- */

/* To be changed at will; what it points to lives as long as the program. */
struct policy_sample {
    struct policy policy;
    struct policy_task task[4];
};

static const struct policy_label policy_sample_topics[] = {
    {.name = "supply", .title = "Supply of goods", .answer = "Supply of goods"},
    {.name = "order", .title = "Supply of orders", .answer = "Supply of order"},
    {.name = "license", .title = "License", .answer = "License of software"},
    {.name = "colour", .title = "Colour", .answer = "Colour"},
};

static const struct policy_label policy_sample_yes_no[] = {
    {.name = "yes", .title = "Yes", .answer = "Yes"},
    {.name = "no", .title = "No", .answer = "No"},
};

static inline void policy_sample_open(struct policy_sample *p)
{
    *p = (struct policy_sample){
        .policy = {.name = "sample",
                   .task_count = 1,
                   .chunk_tokens_max = 48,
                   .summary = {.wanted = true, .sentences_max = 3, .bytes_max = 400},
                   .model = {.passage_tokens_max = 64,
                             .sentence_tokens_max = 24,
                             .system = "",
                             .classify = "{text}\n\n{question}",
                             .opening = "",
                             .summarize = "{text}\n\nSum up.",
                             .fold = "{text}\n\nSum up these notes.",
                             .neutral = "N/A",
                             .top_p = 1}}};
    p->policy.task = p->task;
    for (size_t i = 0; i < COUNT(p->task); i++)
        p->task[i] = (struct policy_task){.name = i == 0 ? "topic" : "second",
                                          .question = "What is it?",
                                          .threshold = 0.5,
                                          .temperature = 0.1,
                                          .lead_weight = 0.25,
                                          .model_threshold = 0.5,
                                          .model_temperature = 1,
                                          .model_lead_weight = 1,
                                          .pool = POLICY_POOL_MEAN,
                                          .pool_top = 2,
                                          .evidence_max = 2,
                                          .label = policy_sample_topics,
                                          .label_count = COUNT(policy_sample_topics)};
}

static const struct store_digest decoder_sample_digest = {{0x5c, 0x1e}};

static inline struct pipeline_decoder *decoder_of(const struct decoder_sample *sample,
                                                  const struct policy *policy)
{
    struct pipeline_decoder *decoder = NULL;
    struct pipeline_decoder_options options = {.policy = policy,
                                               .model = sample->model,
                                               .session = sample->session,
                                               .digest = &decoder_sample_digest};
    assert_ok(pipeline_decoder_open(&decoder, &options, ERR));
    return decoder;
}

/* Says why a decoder is refused; with `says` in it. */
static inline void decoder_refused(const struct decoder_sample *sample,
                                   const struct policy *policy, const char *says)
{
    struct pipeline_decoder *decoder = NULL;
    struct pipeline_error why = {0, ""};
    struct pipeline_decoder_options options = {.policy = policy,
                                               .model = sample->model,
                                               .session = sample->session,
                                               .digest = &decoder_sample_digest};
    assert_int_equal(pipeline_decoder_open(&decoder, &options, &why), PIPELINE_EINPUT);
    assert_null(decoder);
    if (!strstr(why.text, says))
        fail_msg("\"%s\" does not say \"%s\"", why.text, says);
}

#endif
