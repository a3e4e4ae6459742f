/* The organization, asked for once: for `--check` and the tools. */
#ifndef SOURCE_LOAD_ONCE_H
#define SOURCE_LOAD_ONCE_H

#include "directory/directory.h"
#include "organization/organization.h"

struct what_if;

struct load_once_request {
    const struct directory_config *directory;
    const char *config_base;       /* NULL: discovered */
    const char *organization_name; /* NULL: the only one */
    const char *server_name;
    const char *host_fqdn;
    const struct what_if *what_if; /* loads as if this change had been made; NULL: as it is */
    uint64_t timeout_ms;
};

/* Opens the directory, loads, closes; blocks the calling thread, which needs no loop. Gives one reference.
 * ERROR_SYNTAX: bad URI or file. ERROR_TIMEOUT: no answer in time. ERROR_NOT_FOUND: no organization or server
 * there. The note says which. */
MUST_USE enum error load_once(const struct load_once_request *request, const struct organization **out,
                              struct note *note);

#endif
