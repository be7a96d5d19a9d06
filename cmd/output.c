/* output - how words, tables and JSON leave the program.
 *
 * Standard output is data, standard error is for people. Whatever comes from a
 * document is printed so that it cannot command a terminal or a spreadsheet. */
#include "cmd/cmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void complain(const char *command, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fprintf(stderr, "cloister%s%s: ", command ? " " : "", command ? command : "");
    print_safe(stderr, text, 0);
    fputc('\n', stderr);
}

int format_parse(const char *command, const char *word, const char *allowed,
                 enum format *out)
{
    static const struct {
        const char *name;
        enum format format;
    } formats[] = {
        {"table", FORMAT_TABLE}, {"json", FORMAT_JSON}, {"csv", FORMAT_CSV},
        {"text", FORMAT_TEXT},   {"f32", FORMAT_F32},
    };
    if (!word)
        return -1;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (strcmp(word, formats[i].name) == 0 && strstr(allowed, word)) {
            *out = formats[i].format;
            return -1;
        }
    complain(command, "--format takes %s, not \"%s\"", allowed, word);
    return EXIT_USAGE;
}

/* ---- UTF-8 ---------------------------------------------------------------------- */

/* Decode one character; bytes that are none give U+FFFD and a length of 1. */
static unsigned utf8_next(const unsigned char *text, size_t bytes, size_t *length)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t count = text[0] < 0x80   ? 1
                   : text[0] < 0xC2 ? 0
                   : text[0] < 0xE0 ? 2
                   : text[0] < 0xF0 ? 3
                   : text[0] < 0xF5 ? 4
                                    : 0;
    *length = 1;
    if (count == 1)
        return text[0];
    if (count == 0 || count > bytes)
        return 0xFFFD;
    unsigned code = text[0] & (0x7Fu >> count);
    for (size_t i = 1; i < count; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0xFFFD;
        code = code << 6 | (text[i] & 0x3F);
    }
    if (code < least[count] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        return 0xFFFD;
    *length = count;
    return code;
}

static bool is_utf8(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t bytes = strlen(text), length;
    for (; bytes > 0; at += length, bytes -= length)
        if (utf8_next(at, bytes, &length) == 0xFFFD && length == 1)
            return false;
    return true;
}

/* Control characters, and the ones that turn the direction of what follows. */
static bool commands_a_terminal(unsigned code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) ||
           (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
           code == 0x2028 || code == 0x2029;
}

int print_safe(FILE *out, const char *text, int width)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t bytes = strlen(text), length;
    int columns = 0;
    for (; bytes > 0 && (width <= 0 || columns < width);
         at += length, bytes -= length) {
        unsigned code = utf8_next(at, bytes, &length);
        if (commands_a_terminal(code))
            fputc(code == '\n' || code == '\t' ? ' ' : '?', out);
        else if (code == 0xFFFD)
            fputs("\xEF\xBF\xBD", out);
        else
            fwrite(at, 1, length, out);
        columns++;
    }
    return columns;
}

/* ---- JSON ----------------------------------------------------------------------- */

json_t *json_text(const char *text, size_t bytes)
{
    json_t *value = json_stringn(text, bytes);
    if (value)
        return value;
    char *clean = malloc(bytes * 3 + 1); /* U+FFFD takes three bytes */
    if (!clean)
        return json_null();
    size_t used = 0, length;
    for (size_t at = 0; at < bytes; at += length) {
        const unsigned char *from = (const unsigned char *)text + at;
        if (utf8_next(from, bytes - at, &length) == 0xFFFD && length == 1) {
            memcpy(clean + used, "\xEF\xBF\xBD", 3);
            used += 3;
        } else {
            memcpy(clean + used, from, length);
            used += length;
        }
    }
    value = json_stringn(clean, used);
    free(clean);
    return value ? value : json_null();
}

json_t *json_or_null(const char *text)
{
    return text ? json_text(text, strlen(text)) : json_null();
}

char *path_hex(const char *path)
{
    size_t bytes = strlen(path);
    char *hex = is_utf8(path) ? NULL : calloc(bytes * 2 + 1, 1);
    for (size_t i = 0; hex && i < bytes; i++)
        snprintf(hex + i * 2, 3, "%02x", (unsigned char)path[i]);
    return hex;
}

void json_set_path(json_t *object, const char *path)
{
    char *hex = path_hex(path);
    json_object_set_new(object, "path", json_text(path, strlen(path)));
    if (hex)
        json_object_set_new(object, "path_hex", json_string(hex));
    free(hex);
}

/* A piece of JSON, whole characters. In a string \u009b means the character that would
 * begin a command on a terminal; plain bytes go out in one stretch. */
static int json_piece(const char *text, size_t bytes, void *out)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + bytes;
    const unsigned char *plain = at;
    size_t length;
    for (; at < end; at += length) {
        unsigned code = utf8_next(at, (size_t)(end - at), &length);
        if (code < ' ' || !commands_a_terminal(code))
            continue;
        fwrite(plain, 1, (size_t)(at - plain), out);
        fprintf(out, "\\u%04x", code);
        plain = at + length;
    }
    fwrite(plain, 1, (size_t)(end - plain), out);
    return 0;
}

void json_line(json_t *object)
{
    json_dump_callback(object, json_piece, stdout,
                       JSON_COMPACT | JSON_REAL_PRECISION(9));
    fputc('\n', stdout);
    json_decref(object);
}

/* ---- CSV (RFC 4180), safe for spreadsheets -------------------------------------- */

void print_csv(FILE *out, const char *field, bool last)
{
    bool formula = field[0] && strchr("=+-@\t\r", field[0]);
    bool quoted = formula || strpbrk(field, ",\"\r\n");
    fputs(formula ? "\"'" : quoted ? "\"" : "", out);
    for (size_t bytes = strcspn(field, "\""); *field;) {
        char *part = strndup(field, bytes);
        if (part)
            print_safe(out, part, 0);
        free(part);
        field += bytes;
        if (*field == '"') {
            fputs("\"\"", out);
            field++;
        }
        bytes = strcspn(field, "\"");
    }
    fputs(quoted ? "\"" : "", out);
    fputs(last ? "\r\n" : ",", out);
}
