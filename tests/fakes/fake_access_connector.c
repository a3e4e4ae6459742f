/* access --connector without a directory: says what it was asked. */
#include "cli/command.h"

int access_connector(struct command_context *context, const char *connector, const char *const *sids,
                     size_t sid_count, const char *right)
{
    fprintf(context->out, "%s %zu %s %s\n", connector, sid_count, sids[0], right ? right : "-");
    return EXIT_DONE;
}
