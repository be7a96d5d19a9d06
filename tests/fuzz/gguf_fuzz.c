/* gguf_fuzz - a model file of any bytes is opened or refused, and nothing else.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -I. -D_GNU_SOURCE \
 *         tests/fuzz/gguf_fuzz.c infer/{model,gguf*,tokenizer*}.c \
 *         infer/{trie,utf8,error,mapping}.c -licuuc -o gguf_fuzz
 *     mkdir -p corpus && ./gguf_fuzz -dict=tests/fuzz/gguf.dict \
 *         -max_len=40000 -max_total_time=60 corpus
 *
 * What is accepted is used: every tensor's first and last byte is read, the sizes
 * are told, a text is cut; a refusal has a status and words. Built with -DCANARY it
 * fails on purpose at the first container that holds a tensor: started without
 * seeds, a fuzzer that finds it has got through every check before. */
#include "infer/gguf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static volatile uint64_t seen;

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

        if (gguf_tensor_find(file, t->name) != t)
            abort();
        seen += ((const uint8_t *)t->data)[0];
        seen += ((const uint8_t *)t->data)[t->bytes - 1];
    }
    gguf_close(file);
}

static void use_model(const uint8_t *data, size_t bytes)
{
    static const char text[] = "The [SEP] of 1,234 words \xc3\xa9\xe6\x97\xa5!";
    struct infer_tokens ids = {0};
    struct infer_model_info info;
    struct infer_model *model;
    struct infer_error err = {0};

    if (model_open_memory(&model, data, bytes, &err) != 0) {
        if (err.status == 0 || err.text[0] == '\0')
            abort();
        return;
    }
    infer_model_info(model, &info);
    if (infer_tokenize(model, text, sizeof text - 1,
                       INFER_ADD_SPECIAL | INFER_PARSE_SPECIAL, &ids, NULL) != 0)
        abort();
    for (size_t i = 0; i < ids.count; i++)
        if (ids.id[i] < 0 || (uint32_t)ids.id[i] >= info.vocabulary_tokens)
            abort();
    infer_tokens_free(&ids);
    infer_model_close(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    walk_container(data, bytes);
    use_model(data, bytes);
    return 0;
}
