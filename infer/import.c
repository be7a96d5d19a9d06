/* import - a Hugging Face checkpoint becomes one GGUF file.
 *
 *     config.json says what it is    bert, or a family of language models
 *     import_bert, import_decoder    every tensor planned, every key written
 *     here                           the bytes
 *
 * Everything is checked before the first byte is written. The file gets its name only
 * when it is whole, is on the disk and has been opened as a model: what this engine
 * would refuse is not left behind as its own work. */
#include "infer/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- keys of every kind --------------------------------------------------------- */

static const struct {
    const char *word;
    enum gguf_type type;
    uint32_t file_type; /* general.file_type */
} types[] = {
    {"F32", GGUF_F32, 0},
    {"F16", GGUF_F16, 1},
    {"BF16", GGUF_BF16, 32},
    {"Q8_0", GGUF_Q8_0, 7},
};

enum { TYPES = sizeof types / sizeof *types };

static int parse_type(const char *word, enum gguf_type *out, struct infer_error *err)
{
    for (size_t i = 0; i < TYPES; i++)
        if (strcmp(word, types[i].word) == 0) {
            *out = types[i].type;
            return 0;
        }
    return infer_fail(err, INFER_EINVALID,
                      "type \"%.40s\", allowed are F32, F16, BF16 and Q8_0", word);
}

void import_general_keys(struct import *im, const char *architecture,
                         const struct checkpoint_card *card)
{
    struct gguf_writer *w = &im->out;

    gguf_write_string(w, "general.architecture", architecture, strlen(architecture));
    gguf_write_string(w, "general.type", "model", 5);
    if (card->name[0] != '\0')
        gguf_write_string(w, "general.name", card->name, strlen(card->name));
    if (card->license[0] != '\0')
        gguf_write_string(w, "general.license", card->license, strlen(card->license));
}

void import_type_keys(struct import *im)
{
    for (size_t i = 0; i < TYPES; i++)
        if (types[i].type == im->type)
            gguf_write_u32(&im->out, "general.file_type", types[i].file_type);
    gguf_write_u32(&im->out, "general.quantization_version", 2);
}

/* ---- the file ------------------------------------------------------------------- */

static int make_room(struct import *im, struct infer_error *err)
{
    uint64_t widest = 32;

    for (size_t i = 0; i < im->job_count; i++)
        if (im->job[i].dim[0] > widest)
            widest = im->job[i].dim[0];
    im->row = calloc(widest, sizeof *im->row);
    im->packed = calloc(widest / 32 + 1, 64); /* no format takes more, but F32 */
    if (im->row == NULL || im->packed == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for a row of %llu",
                          (unsigned long long)widest);
    return 0;
}

static int write_file(struct import *im, FILE *file, struct infer_error *err)
{
    struct gguf_writer *w = &im->out;
    int status = make_room(im, err), ended;

    for (size_t i = 0; i < im->job_count; i++)
        gguf_write_tensor(w, im->job[i].name, im->job[i].type, im->job[i].dims,
                          im->job[i].dim);
    if (status == 0)
        gguf_write_head(w, file);
    for (size_t i = 0; status == 0 && i < im->job_count; i++)
        status = import_write_job(im, file, &im->job[i], err);
    ended = gguf_write_end(w, file);
    if (status == 0 && ended != 0)
        status = infer_fail(err, ended, "writing the model: %s",
                            ended == INFER_EIO ? strerror(errno) : "no memory");
    return status;
}

static int try_file(const char *path, struct infer_error *err)
{
    struct infer_model *model;
    struct infer_error why = {0};
    int status = infer_model_open(&model, path, &why);

    infer_model_close(model);
    return status == 0
               ? 0
               : infer_fail(err, status,
                            "the checkpoint makes no model that can run: %s", why.text);
}

/* Write beside the goal, then give the file its name. */
static int write_beside(struct import *im, const char *part, const char *out_path,
                        struct infer_error *err)
{
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    int status;

    if (file == NULL) {
        status = infer_fail(err, INFER_EIO, "%.150s: %s", part, strerror(errno));
        if (fd >= 0)
            close(fd);
        return status;
    }
    status = write_file(im, file, err);
    if (status == 0 && fsync(fd) != 0)
        status = infer_fail(err, INFER_EIO, "%.150s: %s", part, strerror(errno));
    if (fclose(file) != 0 && status == 0)
        status = infer_fail(err, INFER_EIO, "%.150s: %s", part, strerror(errno));
    if (status == 0)
        status = try_file(part, err);
    if (status == 0 && rename(part, out_path) != 0)
        status = infer_fail(err, INFER_EIO, "%.150s: %s", out_path, strerror(errno));
    if (status != 0)
        unlink(part);
    return status;
}

/* ---- the whole way -------------------------------------------------------------- */

static int read_checkpoint(struct import *im, struct infer_error *err)
{
    const char *model_type;
    int status = checkpoint_json(im->folder, "config.json", &im->config, err);

    if (status == 0 && im->config == NULL)
        status = infer_fail(err, INFER_EIO, "%.150s holds no config.json", im->folder);
    if (status != 0)
        return status;
    model_type = json_string_value(json_object_get(im->config, "model_type"));
    if (model_type != NULL && strcmp(model_type, "bert") == 0)
        return import_bert(im, err);
    if (model_type != NULL && import_family(model_type) != NULL)
        return import_decoder(im, err);
    return checkpoint_refuse(err, "config.json", "model_type",
                             json_object_get(im->config, "model_type"),
                             import_model_types());
}

static void import_free(struct import *im)
{
    for (size_t i = 0; i < im->job_count; i++) {
        free(im->job[i].part);
        free(im->job[i].values);
    }
    free(im->job);
    free(im->row);
    free(im->packed);
    gguf_write_free(&im->out);
    shards_close(im->weights);
    json_decref(im->config);
}

int infer_import(const char *folder, const char *out_path, const char *type,
                 struct infer_error *err)
{
    struct import im = {.folder = folder};
    char *part = NULL;
    int status = parse_type(type, &im.type, err);

    if (status == 0)
        status = read_checkpoint(&im, err);
    if (status == 0 && asprintf(&part, "%s.part-%ld", out_path, (long)getpid()) < 0) {
        part = NULL;
        status = infer_fail(err, INFER_ENOMEM, "no memory for a path");
    }
    if (status == 0)
        status = write_beside(&im, part, out_path, err);
    free(part);
    import_free(&im);
    return status;
}
