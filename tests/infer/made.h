/* made - a GGUF file of a few keys and tensors, made in memory, its data zeros. */
#ifndef TESTS_INFER_MADE_H
#define TESTS_INFER_MADE_H

#include "infer/gguf_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* To be closed by gguf_close(). */
static inline struct gguf *made_open(struct gguf_writer *w)
{
    static const char zero[32];
    struct gguf *file = NULL;
    struct infer_error err = {0};
    char *bytes = NULL;
    size_t count;
    FILE *out = open_memstream(&bytes, &count);

    assert_non_null(out);
    gguf_write_head(w, out);
    while (w->status == 0 && w->written < w->described)
        gguf_write_data(w, out, zero, sizeof zero);
    assert_int_equal(gguf_write_end(w, out), 0);
    fclose(out);
    if (gguf_open_memory(&file, bytes, count, &err) != 0)
        fail_msg("%s", err.text);
    free(bytes);
    return file;
}

/* err speaks of this. */
static inline void made_says(const struct infer_error *err, const char *words)
{
    if (strstr(err->text, words) == NULL)
        fail_msg("\"%s\" is not in: %s", words, err->text);
}

#endif
