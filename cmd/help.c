/* cloister help - the commands, or one of them. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <string.h>

static void help_all(FILE *out)
{
    fputs("cloister reads confidential documents on a machine without a network.\n\n"
          "usage: cloister COMMAND [options] ...\n\n",
          out);
    for (size_t i = 0; commands[i]; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n\"cloister help COMMAND\" tells the options of one.\n"
          "A first run:  cloister run --policy contracts FOLDER\n",
          out);
}

static int help_main(const struct command *self, int argc, char **argv)
{
    (void)self;
    if (argc < 2 || argv[1][0] == '-') {
        help_all(argc < 1 ? stderr : stdout);
        return EXIT_DONE;
    }
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, argv[1]) == 0) {
            command_help(commands[i], stdout);
            return EXIT_DONE;
        }
    complain("help", "no command \"%s\"", argv[1]);
    return EXIT_USAGE;
}

const struct command cmd_help = {
    .name = "help",
    .synopsis = "help [COMMAND]",
    .summary = "Tell how to use cloister, or one of its commands.",
    .run = help_main,
};
