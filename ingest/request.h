/* request - the job a lane gets: which bytes, and how to read them. */
#ifndef INGEST_REQUEST_H
#define INGEST_REQUEST_H

#include "ingest/ingest.h"
#include "ingest/wire.h"

enum {
    REQUEST_PASSWORDS_MAX = 64,
    REQUEST_PASSWORD_BYTES_MAX = 255, /* ISO 32000-2 takes no more than 127 */
    /* What a document may send beside its text: titles, labels, hidden ranges. */
    REQUEST_EXTRA_BYTES = 16 * 1024 * 1024,
    REQUEST_SECTIONS_MAX = 200 * 1000
};

struct request_job {
    uint64_t document_bytes;
    struct ingest_limits limits;
    bool honour_owner;
    double tiny_points;
    enum ingest_ink ink;
    bool look_failed; /* not from the frame: looking for ink has ended one child */
    size_t password_count;
    char password[REQUEST_PASSWORDS_MAX][REQUEST_PASSWORD_BYTES_MAX + 1];
};

/* Make the frame of a job. INGEST_EINVALID when a limit is zero or there are more or
 * longer passwords than a frame takes. */
int request_encode(struct wire_frame *frame, const struct ingest_request *request,
                   uint64_t document_bytes, struct ingest_error *err);

/* The way back; -1 when the payload is not a job. */
int request_decode(struct wire_cursor *payload, struct request_job *job);

/* CPU time one document may take, its wall limit being twice that. */
uint64_t request_cpu_ms(const struct request_job *job, uint64_t pages);

/* All that a child may send. */
uint64_t request_output_max(const struct ingest_limits *limits);

#endif
