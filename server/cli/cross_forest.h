/* dirrelay permission cross-forest. Private to the command. */
#ifndef CLI_CROSS_FOREST_H
#define CLI_CROSS_FOREST_H

#include "cli/command.h"

/* Gives the trustee the rights that share/dirrelay/cross-forest.ini, or --rights-file, has for the kind of
 * connector, as `permission add` would. */
int cross_forest(struct command_context *context, int argc, char **argv);

#endif
