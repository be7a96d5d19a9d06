/* checkpoint_json - read the text files of a checkpoint folder, and hold settings
 * against the values that are served.
 *
 * A file is read up to a limit, a name that stands twice in an object is refused, and
 * jansson limits the depth. A refusal names the file, the key and the value found. */
#include "infer/checkpoint_json.h"
#include "infer/model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files ---------------------------------------------------------------------- */

static int read_open_file(int fd, const char *name, char **out, size_t *bytes,
                          struct infer_error *err)
{
    struct stat st;
    ssize_t got = 1;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return infer_fail(err, INFER_EIO, "%s is not a regular file", name);
    if (st.st_size > CHECKPOINT_FILE_BYTES_MAX)
        return infer_fail(err, INFER_ELIMIT, "%s has %lld bytes, allowed are %d", name,
                          (long long)st.st_size, CHECKPOINT_FILE_BYTES_MAX);
    *out = malloc((size_t)st.st_size + 1);
    if (*out == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for %s", name);
    for (*bytes = 0; got > 0 && *bytes < (size_t)st.st_size; *bytes += (size_t)got) {
        got = read(fd, *out + *bytes, (size_t)st.st_size - *bytes);
        if (got < 0)
            return infer_fail(err, INFER_EIO, "%s: %s", name, strerror(errno));
    }
    (*out)[*bytes] = '\0';
    return 0;
}

int checkpoint_text(const char *folder, const char *name, char **out, size_t *bytes,
                    struct infer_error *err)
{
    char *path;
    int fd, status;

    *out = NULL;
    *bytes = 0;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return infer_fail(err, INFER_ENOMEM, "no memory for a path");
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    free(path);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (fd < 0)
        return infer_fail(err, INFER_EIO, "%s: %s", name, strerror(errno));
    status = read_open_file(fd, name, out, bytes, err);
    close(fd);
    return status;
}

int checkpoint_json(const char *folder, const char *name, json_t **out,
                    struct infer_error *err)
{
    json_error_t why;
    size_t bytes;
    char *text;
    int status = checkpoint_text(folder, name, &text, &bytes, err);

    *out = NULL;
    if (status == 0 && text != NULL) {
        *out = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &why);
        if (*out == NULL)
            status = infer_fail(err, INFER_EFORMAT, "%s: line %d: %.120s", name,
                                why.line, why.text);
    }
    free(text);
    return status;
}

/* ---- settings ------------------------------------------------------------------- */

int checkpoint_refuse(struct infer_error *err, const char *file, const char *key,
                      const json_t *value, const char *allowed)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    int status;

    status = infer_fail(err, INFER_EUNSUPPORTED, "%s: %s is %.60s, supported is %s",
                        file, key, text != NULL ? text : "missing", allowed);
    free(text);
    return status;
}

int checkpoint_word(const json_t *object, const char *file, const char *key,
                    const char *word, bool may_be_absent, struct infer_error *err)
{
    const json_t *value = json_object_get(object, key);
    const char *found = json_string_value(value);

    if ((may_be_absent && value == NULL) || (found != NULL && strcmp(found, word) == 0))
        return 0;
    return checkpoint_refuse(err, file, key, value, word);
}

int checkpoint_flag(const json_t *object, const char *file, const char *key,
                    bool wanted, struct infer_error *err)
{
    const json_t *value = json_object_get(object, key);

    if (value == NULL || json_is_null(value) ||
        (json_is_boolean(value) && json_is_true(value) == wanted))
        return 0;
    return checkpoint_refuse(err, file, key, value, wanted ? "true" : "false");
}

/* ---- the model card ------------------------------------------------------------- */

/* Copy the rest of a line, without quotes and white space at its ends. */
static void copy_word(char *out, const char *from, const char *end)
{
    while (from < end && strchr(" \t\"'", *from) != NULL)
        from++;
    while (end > from && strchr(" \t\r\"'", end[-1]) != NULL)
        end--;
    if (end - from > CHECKPOINT_WORD_BYTES_MAX)
        return;
    memcpy(out, from, (size_t)(end - from));
    out[end - from] = '\0';
}

/* "license:" in the YAML between the first two lines of "---"; the first heading
 * of the first level after it is the name. */
static void read_card(struct checkpoint_card *c, const char *text)
{
    bool in_front = strncmp(text, "---\n", 4) == 0;

    for (const char *line = in_front ? text + 4 : text; *line != '\0';) {
        const char *end = strchrnul(line, '\n');

        if (in_front && strncmp(line, "---", 3) == 0)
            in_front = false;
        else if (in_front && strncmp(line, "license:", 8) == 0)
            copy_word(c->license, line + 8, end);
        else if (!in_front && strncmp(line, "# ", 2) == 0) {
            copy_word(c->name, line + 2, end);
            return;
        }
        line = *end == '\0' ? end : end + 1;
    }
}

int checkpoint_card(struct checkpoint_card *c, const char *folder,
                    struct infer_error *err)
{
    size_t bytes;
    char *text;
    int status;

    *c = (struct checkpoint_card){{0}, {0}};
    status = checkpoint_text(folder, "README.md", &text, &bytes, err);
    if (status == 0 && text != NULL)
        read_card(c, text);
    free(text);
    return status;
}
