/* verify.h - shared by verify.c and verify_index.c. */
#ifndef STORE_VERIFY_H
#define STORE_VERIFY_H

#include "store/audit.h"

enum { VERIFY_FAILED_CHECK = 1 }; /* tampering was found, and is told in why */

struct verifier {
    struct store *store;
    struct store_audit *audit;
    struct store_error err;                      /* why it could not go on */
    struct store_digest last;                    /* of the event before */
    int64_t last_document, last_run;             /* ids rise from event to event */
    int64_t runs_started, documents, runs_ended; /* events met */
};

/* Say what does not fit; returns VERIFY_FAILED_CHECK. */
int verify_tampered(struct verifier *verifier, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Compare the full-text index with the words of the chunks. */
int verify_index(struct verifier *verifier);

#endif
