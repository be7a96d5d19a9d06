/* decoder_folder - a model of tiny_decoder.h as a Hugging Face checkpoint in a folder
 * of its own under /tmp, sound or changed in one named way. Names, order of rows and
 * settings are written from the publishers' side, in a table of their own. */
#ifndef TESTS_INFER_DECODER_FOLDER_H
#define TESTS_INFER_DECODER_FOLDER_H

#include "infer/gguf_file.h"
#include "tests/infer/tiny_decoder.h"

#include <sys/stat.h>
#include <unistd.h>

struct folder_change {       /* NULL and false: nothing special */
    const char *more;        /* settings at the end of config.json: ,"key":value */
    const char *from, *into; /* this part of config.json becomes that */
    const char *tokenizer;   /* tokenizer.json, and no tokenizer.model */
    const char *settings;    /* tokenizer_config.json */
    const char *template;    /* chat_template.jinja */
    const char *added;       /* added_tokens.json */
    const char *readme;
    const char *renamed, *left_out;      /* a tensor of the checkpoint */
    const char *prefix;                  /* "model." where it is NULL */
    bool bf16;                           /* weights, which must be exact in it */
    bool several;                        /* two files and an index; */
    const char *index_from, *index_into; /* in which this part becomes that */
    bool third_file;         /* beside it a file with a tensor that the first has */
    const char *pieces_from; /* in tokenizer.model, this byte string */
    const char *pieces_into; /* becomes that one, as long */
};

struct decoder_folder {
    char path[64], out[96];
};

/* ---- tensors ------------------------------------------------------------------ */

struct folder_tensor {
    char name[192];
    uint64_t rows, columns; /* rows 0: a vector */
    float *value;           /* owned */
};

struct folder_tensors {
    struct folder_tensor tensor[512];
    size_t count;
};

enum folder_way { AS_IS, PAIRS, LESS_ONE, EXPERTS };

static const struct {
    const char *file, *checkpoint;
    enum folder_way way;
} folder_names[] = {
    {"attn_norm.weight", "input_layernorm.weight", LESS_ONE},
    {"attn_q.weight", "self_attn.q_proj.weight", PAIRS},
    {"attn_k.weight", "self_attn.k_proj.weight", PAIRS},
    {"attn_v.weight", "self_attn.v_proj.weight", AS_IS},
    {"attn_q.bias", "self_attn.q_proj.bias", AS_IS},
    {"attn_k.bias", "self_attn.k_proj.bias", AS_IS},
    {"attn_v.bias", "self_attn.v_proj.bias", AS_IS},
    {"attn_qkv.weight", "self_attn.qkv_proj.weight", AS_IS},
    {"attn_output.weight", "self_attn.o_proj.weight", AS_IS},
    {"attn_q_norm.weight", "self_attn.q_norm.weight", LESS_ONE},
    {"attn_k_norm.weight", "self_attn.k_norm.weight", LESS_ONE},
    {"attn_q_a.weight", "self_attn.q_a_proj.weight", AS_IS},
    {"attn_q_a_norm.weight", "self_attn.q_a_layernorm.weight", AS_IS},
    {"attn_q_b.weight", "self_attn.q_b_proj.weight", AS_IS},
    {"attn_kv_a_mqa.weight", "self_attn.kv_a_proj_with_mqa.weight", AS_IS},
    {"attn_kv_a_norm.weight", "self_attn.kv_a_layernorm.weight", AS_IS},
    {"post_attention_norm.weight", "post_attention_layernorm.weight", LESS_ONE},
    {"post_ffw_norm.weight", "post_feedforward_layernorm.weight", LESS_ONE},
    {"ffn_gate.weight", "mlp.gate_proj.weight", AS_IS},
    {"ffn_down.weight", "mlp.down_proj.weight", AS_IS},
    {"ffn_gate_shexp.weight", "mlp.shared_experts.gate_proj.weight", AS_IS},
    {"ffn_up_shexp.weight", "mlp.shared_experts.up_proj.weight", AS_IS},
    {"ffn_down_shexp.weight", "mlp.shared_experts.down_proj.weight", AS_IS},
};

static const struct {
    const char *file, *mixtral, *others; /* of experts */
} folder_experts[] = {
    {"ffn_gate_inp.weight", "block_sparse_moe.gate.weight", "mlp.gate.weight"},
    {"ffn_gate_exps.weight", "block_sparse_moe.experts.%d.w1.weight",
     "mlp.experts.%d.gate_proj.weight"},
    {"ffn_up_exps.weight", "block_sparse_moe.experts.%d.w3.weight",
     "mlp.experts.%d.up_proj.weight"},
    {"ffn_down_exps.weight", "block_sparse_moe.experts.%d.w2.weight",
     "mlp.experts.%d.down_proj.weight"},
};

static inline struct folder_tensor *folder_add(struct folder_tensors *list,
                                               const char *name, uint64_t rows,
                                               uint64_t columns, const float *from)
{
    struct folder_tensor *t = &list->tensor[list->count++];
    const size_t count = (size_t)((rows ? rows : 1) * columns);

    assert_true(list->count <= 512);
    snprintf(t->name, sizeof t->name, "%s", name);
    t->rows = rows;
    t->columns = columns;
    t->value = malloc(count * sizeof *t->value);
    memcpy(t->value, from, count * sizeof *t->value);
    return t;
}

/* Neighbours of the file are the two halves of a head in the checkpoint. */
static inline void folder_unpair(struct folder_tensor *t, const float *from,
                                 uint64_t head)
{
    for (uint64_t row = 0; row < t->rows; row++) {
        const uint64_t h = row / head, within = row % head, half = head / 2;
        const uint64_t file =
            h * head + (within < half ? 2 * within : 2 * (within - half) + 1);
        memcpy(t->value + row * t->columns, from + file * t->columns,
               t->columns * sizeof *from);
    }
}

static inline void folder_add_experts(struct folder_tensors *list,
                                      const struct gguf_tensor *t, const char *prefix,
                                      const char *pattern)
{
    char name[192], end[96];

    for (int e = 0; e < (int)t->dim[2]; e++) {
        const char *mark = strstr(pattern, "%d");
        if (mark != NULL)
            snprintf(end, sizeof end, "%.*s%d%s", (int)(mark - pattern), pattern, e,
                     mark + 2);
        else
            snprintf(end, sizeof end, "%s", pattern);
        snprintf(name, sizeof name, "%s%s", prefix, end);
        folder_add(list, name, t->dim[1], t->dim[0],
                   (const float *)t->data + (uint64_t)e * t->dim[0] * t->dim[1]);
    }
}

/* Of each head: k_b turned, then v_b. */
static inline void folder_add_latent(struct folder_tensors *list,
                                     const struct gguf_tensor *k,
                                     const struct gguf_tensor *v, const char *prefix)
{
    const uint64_t plain = k->dim[0], rank = k->dim[1], values = v->dim[1];
    const uint64_t step = plain + values, heads = k->dim[2];
    float *all = malloc(heads * step * rank * sizeof *all);
    char name[192];

    for (uint64_t h = 0; h < heads; h++) {
        for (uint64_t i = 0; i < plain; i++)
            for (uint64_t r = 0; r < rank; r++)
                all[(h * step + i) * rank + r] =
                    ((const float *)k->data)[(h * rank + r) * plain + i];
        memcpy(all + (h * step + plain) * rank,
               (const float *)v->data + h * values * rank, values * rank * sizeof *all);
    }
    snprintf(name, sizeof name, "%sself_attn.kv_b_proj.weight", prefix);
    folder_add(list, name, heads * step, rank, all);
    free(all);
}

static inline bool folder_is_gemma(const struct tiny_decoder *d)
{
    return strncmp(d->architecture, "gemma", 5) == 0;
}

static inline void folder_add_layer_tensor(struct folder_tensors *list,
                                           const struct tiny_decoder *d,
                                           const struct gguf *file,
                                           const struct gguf_tensor *t, const char *own,
                                           const char *prefix)
{
    const bool llama = strcmp(d->architecture, "llama") == 0;
    const char *checkpoint = NULL;
    enum folder_way way = AS_IS;
    char name[192];

    for (size_t i = 0; i < sizeof folder_experts / sizeof *folder_experts; i++)
        if (strcmp(own, folder_experts[i].file) == 0) {
            folder_add_experts(list, t, prefix,
                               llama ? folder_experts[i].mixtral
                                     : folder_experts[i].others);
            return;
        }
    for (size_t i = 0; i < sizeof folder_names / sizeof *folder_names; i++)
        if (strcmp(own, folder_names[i].file) == 0) {
            checkpoint = folder_names[i].checkpoint;
            way = folder_names[i].way;
        }
    if (strcmp(own, "ffn_norm.weight") == 0) {
        checkpoint = folder_is_gemma(d) ? "pre_feedforward_layernorm.weight"
                                        : "post_attention_layernorm.weight";
        way = LESS_ONE;
    }
    if (strcmp(own, "ffn_up.weight") == 0)
        checkpoint = d->fused ? "mlp.gate_up_proj.weight" : "mlp.up_proj.weight";
    if (strcmp(own, "attn_v_b.weight") == 0)
        return;
    if (strcmp(own, "attn_k_b.weight") == 0) {
        char other[GGUF_NAME_BYTES_MAX + 1];
        snprintf(other, sizeof other, "%s", t->name);
        *strstr(other, "k_b") = 'v';
        folder_add_latent(list, t, gguf_tensor_find(file, other), prefix);
        return;
    }
    if (checkpoint == NULL)
        fail_msg("%s has no name in a checkpoint", t->name);
    snprintf(name, sizeof name, "%s%s", prefix, checkpoint);
    struct folder_tensor *new =
        folder_add(list, name, t->dims > 1 ? t->dim[1] : 0, t->dim[0], t->data);
    if (way == PAIRS && llama)
        folder_unpair(new, t->data, d->key_size);
    for (uint64_t i = 0; way == LESS_ONE && folder_is_gemma(d) && i < t->dim[0]; i++)
        new->value[i] -= 1;
}

static inline void folder_add_tensor(struct folder_tensors *list,
                                     const struct tiny_decoder *d,
                                     const struct gguf *file,
                                     const struct gguf_tensor *t, const char *model)
{
    const char *dot =
        strncmp(t->name, "blk.", 4) == 0 ? strchr(t->name + 4, '.') : NULL;
    char prefix[64], name[96];

    if (dot != NULL) {
        snprintf(prefix, sizeof prefix, "%slayers.%d.", model, atoi(t->name + 4));
        folder_add_layer_tensor(list, d, file, t, dot + 1, prefix);
        return;
    }
    if (strcmp(t->name, "output.weight") == 0)
        snprintf(name, sizeof name, "lm_head.weight");
    else
        snprintf(name, sizeof name, "%s%s", model,
                 t->dims > 1 ? "embed_tokens.weight" : "norm.weight");
    struct folder_tensor *new =
        folder_add(list, name, t->dims > 1 ? t->dim[1] : 0, t->dim[0], t->data);
    for (uint64_t i = 0; t->dims == 1 && folder_is_gemma(d) && i < t->dim[0]; i++)
        new->value[i] -= 1;
}

/* ---- files -------------------------------------------------------------------- */

static inline void folder_text(const struct decoder_folder *f, const char *name,
                               const char *text)
{
    char path[128];
    FILE *file;

    if (text == NULL)
        return;
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    file = fopen(path, "wb");
    fputs(text, file);
    fclose(file);
}

/* text with from, which must be in it, replaced; to be freed. */
static inline char *folder_replaced(const char *text, const char *from,
                                    const char *into)
{
    const char *part = from != NULL ? strstr(text, from) : NULL;
    char *out = NULL;

    if (from == NULL)
        return strdup(text);
    if (part == NULL)
        fail_msg("\"%s\" is not in %s", from, text);
    assert_true(asprintf(&out, "%.*s%s%s", (int)(part - text), text, into,
                         part + strlen(from)) > 0);
    return out;
}

static inline void folder_weights(const struct decoder_folder *f, const char *name,
                                  const struct folder_tensor *first, size_t count,
                                  const struct folder_change *change)
{
    const size_t each = change->bf16 ? 2 : 4;
    char path[128], *text = NULL;
    size_t bytes, at = 0;
    FILE *head = open_memstream(&text, &bytes), *file;

    fputc('{', head);
    for (size_t i = 0; i < count; i++) {
        const struct folder_tensor *t = first + i;
        const size_t size = (size_t)((t->rows ? t->rows : 1) * t->columns) * each;
        fprintf(head, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", i > 0 ? "," : "",
                t->name, change->bf16 ? "BF16" : "F32");
        if (t->rows > 0)
            fprintf(head, "%llu,", (unsigned long long)t->rows);
        fprintf(head, "%llu],\"data_offsets\":[%zu,%zu]}",
                (unsigned long long)t->columns, at, at + size);
        at += size;
    }
    fputc('}', head);
    fclose(head);
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    file = fopen(path, "wb");
    fwrite(&(uint64_t){bytes}, 8, 1, file);
    fwrite(text, 1, bytes, file);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < (first[i].rows ? first[i].rows : 1) * first[i].columns;
             k++)
            fwrite((const char *)(first[i].value + k) + 4 - each, each, 1, file);
    fclose(file);
    free(text);
}

static inline void folder_shards(const struct decoder_folder *f,
                                 const struct folder_tensors *list,
                                 const struct folder_change *change)
{
    const size_t half = list->count / 2;
    char *text = NULL, *changed;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    if (!change->several) {
        fclose(out);
        free(text);
        folder_weights(f, "model.safetensors", list->tensor, list->count, change);
        return;
    }
    fprintf(out, "{\"metadata\":{\"total_size\":1},\"weight_map\":{");
    for (size_t i = 0; i < list->count; i++)
        fprintf(out, "%s\"%s\":\"model-0000%d-of-00002.safetensors\"", i > 0 ? "," : "",
                list->tensor[i].name, i < half ? 1 : 2);
    fprintf(out, "}}");
    fclose(out);
    changed = folder_replaced(text, change->index_from, change->index_into);
    folder_text(f, "model.safetensors.index.json", changed);
    folder_weights(f, "model-00001-of-00002.safetensors", list->tensor,
                   half + (change->third_file ? 1 : 0), change);
    folder_weights(f, "model-00002-of-00002.safetensors", list->tensor + half,
                   list->count - half, change);
    free(changed);
    free(text);
}

/* ---- vocabulary --------------------------------------------------------------- */

/* The vocabulary of tiny_decoder.h as a SentencePiece model. */
static inline void folder_pieces(const struct decoder_folder *f,
                                 const struct folder_change *change)
{
    char path[128], word[16], *bytes = NULL;
    size_t count;
    FILE *file = open_memstream(&bytes, &count);

    for (int i = 0; i < TINY_VOCABULARY; i++) {
        static const char *const special[] = {"<unk>", "<s>", "</s>"};
        const int type = i == 0 ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1;
        if (i < 3)
            snprintf(word, sizeof word, "%s", special[i]);
        else if (i < 259)
            snprintf(word, sizeof word, "<0x%02X>", (unsigned)(i - 3));
        else
            snprintf(word, sizeof word, "%c%c", 'a' + (i - 259) % 26,
                     'a' + (i - 259) / 26);
        const int size = (int)strlen(word);
        fprintf(file, "\n%c\n%c%s\x15%c%c%c%c\x18%c", size + 9, size, word, 0, 0, 0, 0,
                type);
    }
    fprintf(file, "\x12%c\x18%c", 2, 2); /* BPE */
    fprintf(file, "\x1a%c\x18%c", 2, 1); /* a space in front */
    fclose(file);
    for (size_t i = 0; change->pieces_from != NULL; i++)
        if (memcmp(bytes + i, change->pieces_from, strlen(change->pieces_from)) == 0) {
            memcpy(bytes + i, change->pieces_into, strlen(change->pieces_into));
            break;
        }
    snprintf(path, sizeof path, "%s/tokenizer.model", f->path);
    file = fopen(path, "wb");
    fwrite(bytes, 1, count, file);
    fclose(file);
    free(bytes);
}

/* ---- settings ----------------------------------------------------------------- */

static inline void folder_config(const struct decoder_folder *f,
                                 const struct tiny_decoder *d, const char *model_type,
                                 const struct folder_change *change)
{
    const bool gemma = folder_is_gemma(d);
    char *text = NULL, *changed;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    fprintf(out,
            "{\"model_type\":\"%s\",\"vocab_size\":%d,\"hidden_size\":%d,"
            "\"intermediate_size\":%d,\"max_position_embeddings\":%d,"
            "\"num_hidden_layers\":%u,\"num_attention_heads\":%u,"
            "\"rms_norm_eps\":1e-5,\"tie_word_embeddings\":%s,\"%s\":\"%s\","
            "\"bos_token_id\":1,\"eos_token_id\":[2,0]",
            model_type, TINY_VOCABULARY, TINY_WIDTH, TINY_FFN, TINY_CONTEXT, d->layers,
            d->heads, d->untied ? "false" : "true",
            gemma ? "hidden_activation" : "hidden_act",
            gemma ? "gelu_pytorch_tanh" : "silu");
    if (d->kv_heads)
        fprintf(out, ",\"num_key_value_heads\":%u,\"head_dim\":%u", d->kv_heads,
                d->key_size);
    if (d->window)
        fprintf(out, ",\"sliding_window\":%u", d->window);
    if (d->experts)
        fprintf(out,
                ",\"num_local_experts\":%u,\"n_routed_experts\":%u,"
                "\"num_experts_per_tok\":%u,\"moe_intermediate_size\":%d,"
                "\"norm_topk_prob\":%s,\"n_shared_experts\":%u",
                d->experts, d->experts, d->experts_used, TINY_FFN,
                d->latent ? "false" : "true", d->shared);
    if (d->latent)
        fprintf(out,
                ",\"q_lora_rank\":%d,\"kv_lora_rank\":%d,\"qk_nope_head_dim\":%d,"
                "\"qk_rope_head_dim\":%d,\"v_head_dim\":%d,\"head_dim\":%d",
                TINY_RANK, TINY_RANK, TINY_PLAIN, TINY_TURNED, TINY_LATENT_VALUE,
                TINY_TURNED);
    if (strcmp(d->architecture, "gemma2") == 0)
        fprintf(out, ",\"attn_logit_softcapping\":50.0,"
                     "\"final_logit_softcapping\":30.0");
    if (gemma)
        fprintf(out, ",\"query_pre_attn_scalar\":%u", d->key_size);
    fprintf(out, "%s}", change->more != NULL ? change->more : "");
    fclose(out);
    changed = folder_replaced(text, change->from, change->into);
    folder_text(f, "config.json", changed);
    free(changed);
    free(text);
}

/* ---- the folder --------------------------------------------------------------- */

static inline void folder_change_names(struct folder_tensors *list,
                                       const struct folder_change *change)
{
    for (size_t i = 0; i < list->count; i++) {
        struct folder_tensor *t = &list->tensor[i];
        if (change->renamed != NULL && strcmp(t->name, change->renamed) == 0)
            snprintf(t->name, sizeof t->name, "model.other.weight");
        if (change->left_out == NULL || strcmp(t->name, change->left_out) != 0)
            continue;
        free(t->value);
        *t = list->tensor[--list->count];
        i--;
    }
}

static inline void folder_make(struct decoder_folder *f, const struct tiny_decoder *d,
                               const char *model_type,
                               const struct folder_change *change)
{
    static struct folder_tensors list;
    struct gguf *file;
    size_t count;
    char *bytes = tiny_bytes(d, &count);

    snprintf(f->path, sizeof f->path, "/tmp/import-test-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    snprintf(f->out, sizeof f->out, "%s/out.gguf", f->path);
    assert_int_equal(gguf_open_memory(&file, bytes, count, NULL), 0);
    list.count = 0;
    for (size_t i = 0; i < gguf_tensor_count(file); i++)
        folder_add_tensor(&list, d, file, gguf_tensor_at(file, i),
                          change->prefix != NULL ? change->prefix : "model.");
    folder_change_names(&list, change);
    folder_config(f, d, model_type, change);
    folder_shards(f, &list, change);
    if (change->tokenizer == NULL)
        folder_pieces(f, change);
    folder_text(f, "tokenizer.json", change->tokenizer);
    folder_text(f, "tokenizer_config.json", change->settings);
    folder_text(f, "chat_template.jinja", change->template);
    folder_text(f, "added_tokens.json", change->added);
    folder_text(f, "README.md", change->readme);
    for (size_t i = 0; i < list.count; i++)
        free(list.tensor[i].value);
    gguf_close(file);
    free(bytes);
}

static inline void folder_remove(const struct decoder_folder *f)
{
    static const char *const names[] = {"config.json",
                                        "model.safetensors",
                                        "model.safetensors.index.json",
                                        "model-00001-of-00002.safetensors",
                                        "model-00002-of-00002.safetensors",
                                        "tokenizer.model",
                                        "tokenizer.json",
                                        "tokenizer_config.json",
                                        "chat_template.jinja",
                                        "added_tokens.json",
                                        "README.md"};
    char path[128];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", f->path, names[i]);
        unlink(path);
    }
    unlink(f->out);
    assert_int_equal(rmdir(f->path), 0); /* nothing else was left in it */
}

/* To be closed by infer_model_close(). */
static inline struct infer_model *folder_import(const struct tiny_decoder *d,
                                                const char *model_type,
                                                const struct folder_change *change,
                                                const char *type)
{
    struct decoder_folder f;
    struct infer_model *model = NULL;
    struct infer_error err = {0};

    folder_make(&f, d, model_type, change);
    if (infer_import(f.path, f.out, type, &err) != 0 ||
        infer_model_open(&model, f.out, &err) != 0)
        fail_msg("%s: %s", model_type, err.text);
    folder_remove(&f);
    return model;
}

/* Expect a refusal with this word in its text, and no file. */
static inline void folder_refused(const struct tiny_decoder *d, const char *model_type,
                                  const struct folder_change *change, int wanted,
                                  const char *word)
{
    struct decoder_folder f;
    struct infer_error err = {0};
    int status;

    folder_make(&f, d, model_type, change);
    status = infer_import(f.path, f.out, "F32", &err);
    if (status != wanted || strstr(err.text, word) == NULL)
        fail_msg("status %d, wanted %d about \"%s\": %s", status, wanted, word,
                 err.text);
    assert_int_equal(access(f.out, F_OK), -1);
    folder_remove(&f);
}

#endif
