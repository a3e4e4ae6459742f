/* The sub-commands of `dirrelay`: one file each, one row each in main.c. Contract 1 and 4. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/error.h"
#include "base/exit_code.h"

#include <stdbool.h>
#include <stdio.h>

/* What the global options say; they may stand before or after the sub-command. */
struct command_context {
    FILE *in;
    FILE *out;
    FILE *err;
    bool json;               /* --json */
    const char *config_path; /* -c FILE, NULL: the default */
    const char *directory;   /* --directory URI, NULL: the config's */
};

struct command {
    const char *name;
    const char *synopsis; /* the line after the name in the usage */
    const char *summary;
    /* argv[0] is the sub-command's name; global options are taken out already. Returns an exit code. */
    int (*run)(struct command_context *context, int argc, char **argv);
};

int command_sd(struct command_context *context, int argc, char **argv);
int command_access(struct command_context *context, int argc, char **argv);
int command_connector(struct command_context *context, int argc, char **argv);
int command_permission(struct command_context *context, int argc, char **argv);
int command_explain(struct command_context *context, int argc, char **argv);
int command_lint(struct command_context *context, int argc, char **argv);
int command_queue(struct command_context *context, int argc, char **argv);
int command_status(struct command_context *context, int argc, char **argv);

/* Prints "dirrelay NAME: <message>" on err and answers the code, so that a caller can `return
 * command_fail(…)`. */
int command_fail(struct command_context *context, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* `access --connector NAME`: prints the rights of the SIDs on the connector as `access --sd` does. right:
 * NULL or one name. In access_connector.c, which loads the organization. */
int access_connector(struct command_context *context, const char *connector, const char *const *sids,
                     size_t sid_count, const char *right);

#endif
