/* The organization for a sub-command: from the directory of the configuration, or of --directory. */
#ifndef CLI_ORGANIZATION_SOURCE_H
#define CLI_ORGANIZATION_SOURCE_H

#include "cli/command.h"
#include "config/config.h"
#include "organization/organization.h"

/* Loads it; on failure says why on err and returns the exit code, else -1. Gives one reference. */
int organization_source_load(struct command_context *context, const struct organization **out);

/* The configuration and its directory, without asking it: as above. What out says is borrowed of config and
 * the arena; config_done in any case. */
int organization_source_config(struct command_context *context, struct config *config, struct arena *arena,
                               struct directory_config *out);

#endif
