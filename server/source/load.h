/* Directory entries → organization. Pure over an image of entries; no directory is asked here. */
#ifndef SOURCE_LOAD_H
#define SOURCE_LOAD_H

#include "directory/directory.h"
#include "organization/organization.h"

struct image;

/* What the loader must know besides the entries. */
struct load_request {
    struct image *image;           /* read; the versions that were good are marked in it */
    const char *config_base;       /* NULL: the first that holds CN=Microsoft Exchange,CN=Services */
    const char *organization_name; /* NULL: the only one */
    const char *server_name;
    const char *host_fqdn; /* where nothing in the directory gives one */
    enum directory_flavor flavor;
    bool may_lack_containers; /* an LDIF file: a container without an entry holds no ACE. Else the directory
                               * hides it from us, and with it perhaps a deny: what lies below grants nothing
                               */
    const struct organization *previous; /* what serves now (conflict rules, generation), or NULL */
    int64_t wall_ms;
};

/* Builds the organization; objects that cannot be taken are in organization->refused with their DN and
 * reason, by the two rules of contract 3 (permission values: grants nothing; other values: previous good
 * version, at first load refused). A connector that breaks a rule, needs what is not built yet, is in
 * conflict or would be an open relay is refused whatever was before. Gives one reference. ERROR_NOT_FOUND
 * with a note: no organization, or no such server. ERROR_SYNTAX with a note: config_base is no DN.
 * ERROR_LIMIT, ERROR_TEMPORARY: without memory. */
MUST_USE enum error load_organization(const struct load_request *request, const struct organization **out,
                                      struct note *note);

#endif
