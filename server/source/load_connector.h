/* What receive and send connectors have in common. Internal to the room. */
#ifndef SOURCE_LOAD_CONNECTOR_H
#define SOURCE_LOAD_CONNECTOR_H

#include "source/load_context.h"

/* A host name for the wire: the text as written when it is one and ASCII, else its normal form. *out keeps
 * its value with ERROR_SYNTAX: not a host name. */
MUST_USE enum error load_host_name(struct load_context *load, struct bytes text, const char **out);

/* Reads the permissions of a connector and names what keeps it from granting. want_any: say so too when it
 * has no permission value at all. ERROR_LIMIT. */
MUST_USE enum error load_access(struct load_context *load, const struct entry *entry, bool want_any,
                                struct access_reading *out);

#endif
