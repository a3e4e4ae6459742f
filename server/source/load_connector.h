/* What receive and send connectors have in common. Internal to the room. */
#ifndef SOURCE_LOAD_CONNECTOR_H
#define SOURCE_LOAD_CONNECTOR_H

#include "source/attribute_table.h"
#include "source/load_context.h"

/* A host name for the wire: the text as written when it is one and ASCII, else its normal form. *out keeps
 * its value with ERROR_SYNTAX: not a host name. */
MUST_USE enum error load_host_name(struct load_context *load, struct bytes text, const char **out);

/* The entry's last good version when that is another than the present one; NULL: there is none to fall back
 * on. */
const struct entry *load_previous(const struct load_context *load, const struct entry *entry);
bool load_is_clean(const struct attribute_reading *reading); /* everything was read and is enforced */

/* What the present version's values come to: why the connector is refused, or NULL; a connector kept from its
 * previous version is noted as such. The text as of load_text. */
const char *load_judge(struct load_context *load, const struct entry *entry,
                       const struct attribute_reading *reading, bool is_kept);

/* Reads the permissions of a connector and names what keeps it from granting. want_any: say so too when it
 * has no permission value at all. ERROR_LIMIT. */
MUST_USE enum error load_access(struct load_context *load, const struct entry *entry, bool want_any,
                                struct access_reading *out);

/* Permissions come from the present version, whom they reach from the earlier one: rights that were written
 * for others than those must not go to them. Makes the connector grant nothing unless the present rights fit
 * into the earlier ones. who: "clients", "smart hosts". ERROR_LIMIT. */
MUST_USE enum error load_limit_to_kept(struct load_context *load, const struct entry *entry,
                                       const struct attribute_reading *reading, const char *who,
                                       struct access_reading *access);

#endif
