/* child - the process that reads one document and ends with it. */
#ifndef INGEST_CHILD_H
#define INGEST_CHILD_H

#include "ingest/request.h"

enum { /* exit statuses */
       CHILD_OUT_OF_MEMORY = 70,
       CHILD_CANNOT_START = 71,
       CHILD_ABORTED = 72
};
struct sandbox_filter;

/* Read the document in memfd, write frames to out_fd and end the process. It keeps to
 * the list of system calls before it looks at the first byte. */
_Noreturn void child_run(const struct request_job *job, int memfd, int out_fd,
                         const struct sandbox_filter *filter);

#endif
