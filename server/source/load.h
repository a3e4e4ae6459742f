/* Directory entries → organization. Pure over an image of entries; no directory is asked here. */
#ifndef SOURCE_LOAD_H
#define SOURCE_LOAD_H

#include "directory/directory.h"
#include "organization/organization.h"

struct image;

/* What the loader must know besides the entries. */
struct load_request {
    const struct image *image;
    const char *config_base;       /* NULL: the first that holds CN=Microsoft Exchange,CN=Services */
    const char *organization_name; /* NULL: the only one */
    const char *server_name;
    const char *host_fqdn;         /* where nothing in the directory gives one */
    enum directory_flavor flavor;
    const struct organization *previous; /* what serves now (conflict rules), or NULL */
    int64_t wall_ms;
};

/* Builds the organization; objects that cannot be taken are in organization->refused with their DN and reason, by the two
 * rules of contract 3 (permission values: grants nothing; other values: previous good version, at first load refused).
 * Gives one reference. ERROR_NOT_FOUND with a note: no organization, or no such server. */
MUST_USE enum error load_organization(const struct load_request *request, const struct organization **out,
                                      struct note *note);

#endif
