/* What the files of `cloister policy` share. */
#ifndef CMD_POLICY_H
#define CMD_POLICY_H

#include "cmd/cmd.h"

struct policy_asked { /* the command line; NULL and zero are "not said" */
    const char *name; /* of the policy */
    const char *encoder, *password_file, *output;
    struct engine engine;
};

/* ---- policy_model.c ------------------------------------------------------------- */

/* Print what the model would see of a document; the exit status. */
int policy_prompt(const struct policy_asked *asked, char *path);
/* Measure a prior on documents and write it to output; the exit status. */
int policy_calibrate(const struct policy_asked *asked, const char *output, char **path,
                     size_t paths);

#endif
