/* What receive and send connectors have in common. Internal to the room. */
#ifndef SOURCE_LOAD_CONNECTOR_H
#define SOURCE_LOAD_CONNECTOR_H

#include "source/attribute_table.h"
#include "source/load_context.h"

/* "<I>issuer<S>subject", as TlsCertificateName is. */
bool load_is_certificate_name(struct bytes text);
/* A host name for the wire: the text as written when it is one and ASCII, else its normal form. *out keeps
 * its value with ERROR_SYNTAX: not a host name. */
MUST_USE enum error load_host_name(struct load_context *load, struct bytes text, const char **out);

/* How one kind of connector is read; version is of its own type. */
struct connector_reader {
    /* The values of one version of the object. What is bad stands in *reading; every field is set all the
     * same.
     */
    enum error (*read)(struct load_context *load, const struct entry *entry, void *version,
                       struct attribute_reading *reading);
    /* What narrows counts from the present version where it can be read. */
    void (*narrow)(const struct entry *present, void *version);
};

/* Reads the previous good version where the present one cannot be read. *out_is_good: it could be had, and
 * *version, all zero before, is to be used. ERROR_LIMIT, ERROR_TEMPORARY of the reader. */
MUST_USE enum error load_last_good(struct load_context *load, const struct entry *entry,
                                   const struct connector_reader *reader, void *version, bool *out_is_good);

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
