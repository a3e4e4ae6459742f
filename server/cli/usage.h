/* What `dirrelay` says about itself. */
#ifndef CLI_USAGE_H
#define CLI_USAGE_H

#include "cli/command.h"

void usage_print(FILE *out, const struct command *commands, size_t count);

#endif
