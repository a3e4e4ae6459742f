/* dirrelay connector new|set|remove. Private to the command. */
#ifndef CLI_CONNECTOR_EDIT_H
#define CLI_CONNECTOR_EDIT_H

#include "cli/command.h"

int connector_edit(struct command_context *context, int argc, char **argv);

#endif
