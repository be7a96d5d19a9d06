/* passwords - candidates for encrypted PDFs, from a file, never from the command
 * line where every user of the machine could read them. */
#include "cmd/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PASSWORDS_MAX = 64, PASSWORD_BYTES_MAX = 127 }; /* 127: ISO 32000-2, 7.6.4.3.3 */

static int password_keep(const char *command, const char *path, char *line,
                         size_t bytes, char **out, size_t *count)
{
    if (strlen(line) < bytes) {
        complain(command, "%s: a NUL byte is in no password", path);
        return EXIT_USAGE;
    }
    line[strcspn(line, "\r\n")] = '\0';
    if (!line[0])
        return -1;
    if (*count == PASSWORDS_MAX || strlen(line) > PASSWORD_BYTES_MAX) {
        complain(command, "%s: at most %d passwords of %d bytes are tried", path,
                 PASSWORDS_MAX, PASSWORD_BYTES_MAX);
        return EXIT_USAGE;
    }
    out[*count] = strdup(line);
    return out[(*count)++] ? -1 : EXIT_NO_START;
}

int passwords_read(const char *command, const char *path, char ***out, size_t *count)
{
    FILE *in = fopen(path, "re");
    if (!in) {
        complain(command, "--password-file %s: %s", path, strerror(errno));
        return EXIT_USAGE;
    }
    char *line = NULL;
    size_t capacity = 0;
    ssize_t bytes;
    int status = -1;
    *count = 0;
    *out = calloc(PASSWORDS_MAX, sizeof(**out));
    if (!*out)
        status = EXIT_NO_START;
    while (status < 0 && (bytes = getline(&line, &capacity, in)) >= 0)
        status = password_keep(command, path, line, (size_t)bytes, *out, count);
    if (status < 0 && ferror(in)) {
        complain(command, "--password-file %s: %s", path, strerror(errno));
        status = EXIT_USAGE;
    }
    if (line)
        explicit_bzero(line, capacity);
    free(line);
    fclose(in);
    return status;
}

void passwords_free(char **password, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        explicit_bzero(password[i], strlen(password[i]));
        free(password[i]);
    }
    free(password);
}
