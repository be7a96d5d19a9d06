/* lane - one running cloister-parse: a job in, a child forked, a document out. */
#ifndef INGEST_LANE_H
#define INGEST_LANE_H

struct lane_ends { /* the descriptors a lane inherits */
    int command;   /* jobs from the conductor */
    int frames;    /* documents to the conductor */
    int memfd;     /* the bytes of the document */
};

struct sandbox_filter;

/* Serve jobs until the conductor closes its end; returns an exit status. Each child
 * installs the list of system calls before it looks at its document. */
int lane_serve(const struct lane_ends *ends, const struct sandbox_filter *child);

#endif
