/* error - fill the caller's error struct, which may be NULL. */
#ifndef INGEST_ERROR_H
#define INGEST_ERROR_H

#include "ingest/ingest.h"

/* Returns status, so that a failing function can end with it. */
int error_set(struct ingest_error *err, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
