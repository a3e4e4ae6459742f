/* The organization for a sub-command: from the directory of the configuration, or of --directory. */
#ifndef CLI_ORGANIZATION_SOURCE_H
#define CLI_ORGANIZATION_SOURCE_H

#include "cli/command.h"
#include "config/config.h"
#include "organization/organization.h"

/* Loads it; on failure says why on err and returns the exit code, else -1. Gives one reference. */
int organization_source_load(struct command_context *context, const struct organization **out);

struct what_if;
/* The same of another server (NULL: the configuration's), and as if a change had been made (NULL: none). */
int organization_source_load_as(struct command_context *context, const char *server,
                                const struct what_if *what_if, const struct organization **out);

/* The configuration and the directory that it names. */
struct organization_source {
    struct config config;
    struct arena arena;
    struct directory_config directory; /* borrows of both */
};

/* Reads the configuration and asks nothing: the result as above. organization_source_close in any case. */
int organization_source_open(struct command_context *context, struct organization_source *out);
void organization_source_close(struct organization_source *source);

#endif
