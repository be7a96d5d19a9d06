/* error - fill the caller's error struct, which may be NULL. */
#include "ingest/error.h"

#include <stdarg.h>
#include <stdio.h>

int error_set(struct ingest_error *err, int status, const char *format, ...)
{
    va_list args;

    if (!err)
        return status;
    err->status = status;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return status;
}
