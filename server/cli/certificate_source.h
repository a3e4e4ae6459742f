/* The server's certificates, for commands that say what it would do. */
#ifndef CLI_CERTIFICATE_SOURCE_H
#define CLI_CERTIFICATE_SOURCE_H

#include "auth/certificate.h"
#include "cli/command.h"

/* Those of tls.certificate_dir that the caller may read; the caller gives the reference back. NULL: none
 * could be read at all. */
const struct certificate_set *certificate_source_load(struct command_context *context);

#endif
