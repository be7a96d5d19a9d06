/* error - how a failure in infer/ gets its words.
 *
 * Every function that can fail ends in `return infer_fail(err, STATUS, "...")`, so
 * that status and text are set together or not at all. Texts may quote names out
 * of a hostile file; bytes that could steer a terminal become '?'. */
#include "infer/model.h"

#include <stdarg.h>
#include <stdio.h>

int infer_fail(struct infer_error *err, int status, const char *format, ...)
{
    va_list arguments;

    if (err == NULL)
        return status;
    err->status = status;
    va_start(arguments, format);
    vsnprintf(err->text, sizeof err->text, format, arguments);
    va_end(arguments);
    for (char *p = err->text; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    return status;
}
