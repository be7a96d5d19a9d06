/* child - the process that reads one document and ends with it. */
#ifndef INGEST_CHILD_H
#define INGEST_CHILD_H

#include "ingest/request.h"

enum { CHILD_OUT_OF_MEMORY = 70, CHILD_CANNOT_START = 71 }; /* exit statuses */

/* Read the document in memfd, write frames to out_fd and end the process. */
_Noreturn void child_run(const struct request_job *job, int memfd, int out_fd);

#endif
