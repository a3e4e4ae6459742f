/* dirrelay permission add|remove. Contract 4. */
#ifndef CLI_PERMISSION_EDIT_H
#define CLI_PERMISSION_EDIT_H

#include "cli/command.h"

/* argv[1] is "add" or "remove". Returns an exit code. */
int permission_edit(struct command_context *context, int argc, char **argv);

#endif
