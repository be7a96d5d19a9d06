/* prior - what a model says of labels whatever the text, measured once and kept.
 *
 *     cloister prior 1
 *     policy contracts
 *     model 5c1e...           SHA-256 of the model's file
 *     prompts 77ab...         of all that was asked, prompts.c
 *     documents 20
 *     label contract_type affiliate -23.1234567890123
 *     ...
 *     sha256 90aa...          of all lines above
 *
 * Lines of words, so that a person can read it and a difference can be seen. The last
 * line shows damage and slips; what a result hangs on is the digest itself, which is
 * recorded with it. */
#include "pipeline/decoder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PRIOR_BYTES_MAX = 1 << 20 };

static const char FIRST_LINE[] = "cloister prior 1";

/* ---- writing -------------------------------------------------------------------- */

char *prior_print(const struct pipeline_decoder *decoder, const double *mean,
                  size_t documents)
{
    const struct policy *policy = decoder->options.policy;
    struct store_digest prompts, own;
    char model_hex[65], prompts_hex[65], own_hex[65], *text = NULL, *whole = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    if (!out)
        return NULL;
    prompts_digest(decoder, &prompts);
    store_digest_hex(decoder->options.digest, model_hex);
    store_digest_hex(&prompts, prompts_hex);
    fprintf(out, "%s\npolicy %s\nmodel %s\nprompts %s\ndocuments %zu\n", FIRST_LINE,
            policy->name, model_hex, prompts_hex, documents);
    for (size_t i = 0; i < policy->task_count; i++)
        for (size_t j = 0; j < policy->task[i].label_count; j++)
            fprintf(out, "label %s %s %.15g\n", policy->task[i].name,
                    policy->task[i].label[j].name, mean[decoder->label_at[i] + j]);
    if (fclose(out) == 0) {
        store_digest_of(text, bytes, &own);
        store_digest_hex(&own, own_hex);
        if (asprintf(&whole, "%ssha256 %s\n", text, own_hex) < 0)
            whole = NULL;
    }
    free(text);
    return whole;
}

/* ---- reading -------------------------------------------------------------------- */

struct prior_file {
    const char *path;
    char *text;
    size_t bytes;
    char *line; /* the next one to read */
    int number; /* of the one read */
    struct pipeline_error *err;
};

static int file_fail(const struct prior_file *file, const char *what)
{
    if (file->number == 0)
        return pipeline_fail(file->err, PIPELINE_EINPUT, "prior %s: %s", file->path,
                             what);
    return pipeline_fail(file->err, PIPELINE_EINPUT,
                         "prior %s:%d: %s; measure it again with \"cloister policy "
                         "calibrate\"",
                         file->path, file->number, what);
}

static int file_read(struct prior_file *file)
{
    FILE *in = fopen(file->path, "re");
    if (!in)
        return file_fail(file, strerror(errno));
    file->text = malloc(PRIOR_BYTES_MAX + 1);
    if (file->text)
        file->bytes = fread(file->text, 1, PRIOR_BYTES_MAX + 1, in);
    bool broken = ferror(in);
    fclose(in);
    if (!file->text)
        return pipeline_fail(file->err, PIPELINE_ENOMEM, "no memory for a prior");
    if (broken)
        return file_fail(file, strerror(EIO));
    if (file->bytes > PRIOR_BYTES_MAX)
        return file_fail(file, "more than 1 MiB; that is no prior");
    file->text[file->bytes] = '\0';
    file->line = file->text;
    return PIPELINE_OK;
}

/* The last line must be the digest of those before it. */
static int file_check(struct prior_file *file, struct store_digest *own)
{
    char hex[65], *last = NULL;
    for (size_t i = 0; i < file->bytes; i++) /* the last line is to blame */
        file->number += file->text[i] == '\n' || i + 1 == file->bytes;
    if (file->bytes > 73 && strlen(file->text) == file->bytes)
        last = file->text + file->bytes - 73;
    if (!last || memcmp(last, "\nsha256 ", 8) != 0 || last[72] != '\n')
        return file_fail(file, "does not end with a line \"sha256 ...\"; is it whole?");
    store_digest_of(file->text, (size_t)(last + 1 - file->text), own);
    store_digest_hex(own, hex);
    if (memcmp(last + 8, hex, 64) != 0)
        return file_fail(file, "its lines do not have the digest of the last one; it "
                               "was changed after it was measured");
    return PIPELINE_OK;
}

/* The words of the next line behind `key` and a space; NULL when it is another. */
static char *file_line(struct prior_file *file, const char *key)
{
    char *line = file->line;
    size_t bytes = strlen(key);
    file->number++;
    if (!line[0] || strncmp(line, key, bytes) != 0 || line[bytes] != ' ')
        return NULL;
    file->line += strcspn(line, "\n");
    if (*file->line == '\n')
        *file->line++ = '\0';
    return line + bytes + 1;
}

static bool is_digest(const char *line, const struct store_digest *digest)
{
    char hex[65];
    store_digest_hex(digest, hex);
    return line && strcmp(line, hex) == 0;
}

static int file_label(struct prior_file *file, const struct policy_task *task,
                      const struct policy_label *label, double *out)
{
    char expected[160];
    snprintf(expected, sizeof(expected), "label %.70s %.70s", task->name, label->name);
    char *value = file_line(file, expected), *end;
    if (!value)
        return file_fail(file, "another label than the policy's is next");
    *out = strtod(value, &end);
    return end > value && *end == '\0' && *out > -1e6 && *out <= 0
               ? PIPELINE_OK
               : file_fail(file, "a logarithm of a probability was expected");
}

static int file_labels(struct prior_file *file, struct pipeline_decoder *decoder)
{
    const struct policy *policy = decoder->options.policy;
    int status = PIPELINE_OK;
    for (size_t i = 0; i < policy->task_count; i++)
        for (size_t j = 0; j < policy->task[i].label_count && status == PIPELINE_OK;
             j++)
            status = file_label(file, &policy->task[i], &policy->task[i].label[j],
                                &decoder->prior[decoder->label_at[i] + j]);
    return status;
}

/* Does it belong to this model and these prompts? Then take it. */
static int file_take(struct prior_file *file, struct pipeline_decoder *decoder)
{
    struct store_digest prompts, own;
    int status = file_read(file);
    if (status == PIPELINE_OK)
        status = file_check(file, &own);
    if (status != PIPELINE_OK)
        return status;
    prompts_digest(decoder, &prompts);
    file->number = 1;
    if (strncmp(file->text, FIRST_LINE, strlen(FIRST_LINE)) != 0 ||
        file->text[strlen(FIRST_LINE)] != '\n')
        return file_fail(file, "does not begin with \"cloister prior 1\"");
    file->line += strlen(FIRST_LINE) + 1;
    if (!file_line(file, "policy"))
        return file_fail(file, "\"policy NAME\" was expected");
    if (!is_digest(file_line(file, "model"), decoder->options.digest) ||
        !is_digest(file_line(file, "prompts"), &prompts))
        return 0;
    if (!file_line(file, "documents"))
        return file_fail(file, "\"documents N\" was expected");
    status = file_labels(file, decoder);
    if (status == PIPELINE_OK && !file_line(file, "sha256"))
        status = file_fail(file, "more lines than the policy has labels");
    store_digest_hex(&own, decoder->prior_name);
    return status == PIPELINE_OK ? 1 : status;
}

int prior_find(struct pipeline_decoder *decoder, struct pipeline_error *err)
{
    const struct policy_model *model = &decoder->options.policy->model;
    int found = 0;
    for (size_t i = 0; i < model->prior_count && found == 0; i++) {
        struct prior_file file = {.path = model->prior[i], .err = err};
        found = file_take(&file, decoder);
        free(file.text);
    }
    return found;
}
