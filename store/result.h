/* result.h - shared by run.c and result.c. */
#ifndef STORE_RESULT_H
#define STORE_RESULT_H

#include "store/db.h"

/* The identity a run works under; STORE_EMISSING when there is no such run. */
int run_identity(struct store *store, int64_t run_id, int64_t *out,
                 struct store_error *err);

#endif
