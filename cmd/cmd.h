/* cmd - the words a user types. The only code that prints and the only code
 * that decides an exit status. One command is one file and one const struct. */
#ifndef CMD_H
#define CMD_H

#include <stddef.h>

enum exit_status { /* documented in cloister(1); scripts rest on them */
                   EXIT_DONE = 0,
                   EXIT_SOME =
                       1, /* an outcome other than ok or duplicate, or undecided */
                   EXIT_USAGE = 2, /* usage or policy error */
                   EXIT_NO_START = 3,
                   EXIT_BROKEN_OFF = 4, /* resumable */
                   EXIT_TAMPERED = 5,
                   EXIT_UNCHECKED = 6, /* the integrity check could not run */
                   EXIT_TRUNCATED = 7,
                   EXIT_LOCKED = 75 /* EX_TEMPFAIL */
};

struct command {
    const char *name, *synopsis, *summary;
    int (*run)(const struct command *self, int argc, char **argv);
};

#endif
