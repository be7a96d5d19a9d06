/* model - a GGUF file as a model that can run.
 *
 * gguf.c has checked the container. Here the architecture is looked up, and the
 * vocabulary and the texts a user is shown are read; model_encoder.c and
 * model_decoder.c read the rest, each key with the values it may take and each
 * tensor with the shape the keys ask for.
 *
 * Which number formats can be multiplied is asked when a session is opened.
 *
 * The file must not be changed while it is open: a mapped file that shrinks ends
 * the program. */
#include "infer/model.h"
#include "infer/adapter.h"
#include "infer/decoder.h"
#include "infer/gguf.h"
#include "infer/tokenizer.h"
#include "infer/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- texts a user may be shown -------------------------------------------------- */

/* Control characters and bytes that are no UTF-8 become '?'. */
static void make_plain(char *text)
{
    size_t bytes = strlen(text), at = 0;

    while (at < bytes) {
        size_t start = at;
        int32_t c = utf8_next(text, bytes, &at);

        if (c == UTF8_INVALID || c < 0x20 || (c >= 0x7f && c < 0xa0))
            memset(text + start, '?', at - start);
    }
}

/* A copy of a key's text, made plain; NULL when the file has none. */
static int copy_text(const struct gguf *file, const char *key, const char **out,
                     struct infer_error *err)
{
    struct gguf_string found = {"", 0};
    char *copy;
    int status;

    *out = NULL;
    if (gguf_find(file, key) == NULL)
        return 0;
    status = gguf_get_string(file, key, &found, err);
    if (status != 0)
        return status;
    copy = strndup(found.text, found.bytes);
    if (copy == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for %s", key);
    make_plain(copy);
    *out = copy;
    return 0;
}

static int read_texts(struct infer_model *m, struct infer_error *err)
{
    int status = copy_text(m->file, "general.name", &m->name, err);

    if (status == 0)
        status = copy_text(m->file, "general.license", &m->license, err);
    return status;
}

/* ---- open and close ------------------------------------------------------------- */

static int read_architecture(struct infer_model *m, struct infer_error *err)
{
    struct gguf_string type = {"", 0};
    int status;

    if (gguf_find(m->file, "general.type") != NULL &&
        gguf_get_string(m->file, "general.type", &type, NULL) == 0 && type.bytes == 7 &&
        memcmp(type.text, "adapter", 7) == 0)
        return infer_fail(err, INFER_EINVALID,
                          "the file is an adapter: it is given beside its model");
    if (gguf_find(m->file, "general.architecture") == NULL)
        return infer_fail(err, INFER_EFORMAT, "key general.architecture is missing");
    status = copy_text(m->file, "general.architecture", &m->architecture, err);
    if (status != 0 || gguf_tensor_count(m->file) == 0)
        return status;
    if (encoder_knows(m->architecture) || decoder_knows(m->architecture))
        return 0;
    return infer_fail(err, INFER_EUNSUPPORTED,
                      "general.architecture is \"%.40s\", supported are bert, "
                      "nomic-bert, %s",
                      m->architecture, decoder_architectures());
}

static int read_tokenizer(struct infer_model *m, struct infer_error *err)
{
    int status = tokenizer_open(&m->tokenizer, m->file, err);

    if (status == 0)
        m->vocabulary = m->tokenizer->count;
    return status;
}

/* A file without tensors is a vocabulary alone: it cuts texts, nothing else. */
static int read_weights(struct infer_model *m, struct infer_error *err)
{
    for (size_t i = 0; i < gguf_tensor_count(m->file); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(m->file, i);

        m->parameters += t->dim[0] * t->rows;
    }
    if (gguf_tensor_count(m->file) == 0)
        return 0;
    return encoder_knows(m->architecture) ? encoder_read(m, err) : decoder_read(m, err);
}

/* Takes the file over, whatever comes of it. */
static int read_model(struct infer_model **out, struct gguf *file,
                      struct infer_error *err)
{
    struct infer_model *m = calloc(1, sizeof *m);
    int status;

    *out = NULL;
    if (m == NULL) {
        gguf_close(file);
        return infer_fail(err, INFER_ENOMEM, "no memory for a model");
    }
    m->file = file;
    m->file_bytes = gguf_file_bytes(file);
    status = read_architecture(m, err);
    if (status == 0)
        status = read_texts(m, err);
    if (status == 0)
        status = read_tokenizer(m, err);
    if (status == 0)
        status = read_weights(m, err);
    if (status != 0)
        infer_model_close(m);
    else
        *out = m;
    return status;
}

int infer_model_open(struct infer_model **out, const char *path,
                     struct infer_error *err)
{
    struct gguf *file;
    int status = gguf_open(&file, path, err);

    *out = NULL;
    return status != 0 ? status : read_model(out, file, err);
}

int model_open_memory(struct infer_model **out, const void *bytes, size_t count,
                      struct infer_error *err)
{
    struct gguf *file;
    int status = gguf_open_memory(&file, bytes, count, err);

    *out = NULL;
    return status != 0 ? status : read_model(out, file, err);
}

void infer_model_close(struct infer_model *m)
{
    if (m == NULL)
        return;
    adapter_close(m->adapter);
    tokenizer_close(m->tokenizer);
    encoder_free(m);
    decoder_free(m->decoder);
    free((void *)(uintptr_t)m->architecture);
    free((void *)(uintptr_t)m->name);
    free((void *)(uintptr_t)m->license);
    gguf_close(m->file);
    free(m);
}

/* ---- telling about it ----------------------------------------------------------- */

const char *infer_model_file(const struct infer_model *m, size_t i)
{
    return gguf_path_at(m->file, i);
}

static void count_type(struct infer_model_info *info, const char *name)
{
    size_t i = 0;

    while (i < info->type_count && strcmp(info->types[i].name, name) != 0)
        i++;
    if (i == INFER_TYPES_MAX)
        return;
    if (i == info->type_count)
        info->types[info->type_count++].name = name;
    info->types[i].tensors++;
}

void infer_model_info(const struct infer_model *m, struct infer_model_info *out)
{
    *out = (struct infer_model_info){
        .architecture = m->architecture,
        .name = m->name != NULL ? m->name : "",
        .license = m->license,
        .parameters = m->parameters,
        .file_bytes = m->file_bytes,
        .context_tokens = m->context,
        .width = m->width,
        .layers = m->layers,
        .vocabulary_tokens = m->vocabulary,
        .generates = m->decoder != NULL,
    };
    for (size_t i = 0; i < gguf_tensor_count(m->file); i++)
        count_type(out, gguf_type_name(gguf_tensor_at(m->file, i)->type));
}
