/* parser - what lock.c must know of the running lanes. */
#ifndef INGEST_PARSER_H
#define INGEST_PARSER_H

#include "ingest/ingest.h"

/* The processes of all lanes; returns how many there are. */
int parser_processes(const struct ingest_parser *parser, pid_t pid[INGEST_LANES_MAX]);

#endif
