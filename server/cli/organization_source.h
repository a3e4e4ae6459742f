/* The organization for a sub-command: from the directory of the configuration, or of --directory. */
#ifndef CLI_ORGANIZATION_SOURCE_H
#define CLI_ORGANIZATION_SOURCE_H

#include "cli/command.h"
#include "organization/organization.h"

/* Loads it; on failure says why on err and returns the exit code, else -1. Gives one reference. */
int organization_source_load(struct command_context *context, const struct organization **out);

#endif
