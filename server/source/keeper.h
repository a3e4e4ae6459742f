/* Keeps the current organization: watches the directory, rebuilds, publishes, saves the last good one. */
#ifndef SOURCE_KEEPER_H
#define SOURCE_KEEPER_H

#include "directory/directory.h"
#include "organization/organization.h"

struct keeper;

struct keeper_config {
    struct directory *directory; /* on its loop; the keeper lives there too */
    const char *config_base;     /* contract 2, NULL: discovered */
    const char *organization_name;
    const char *server_name;
    const char *host_fqdn;
    const char *state_dir; /* NULL: nothing is saved or restored (tools) */
    const struct clock *clock;
    /* A new organization, on the directory's loop; the callee takes its own references. */
    void (*on_publish)(void *owner, const struct organization *organization);
    /* Nothing could be loaded (directory answers, but no organization or server in it): why, for the log and
     * --check. */
    void (*on_failure)(void *owner, enum error error, const char *why);
    void *owner;
};

struct keeper_status {
    bool is_directory_up;
    bool is_from_disk;         /* the organization in force is the saved one */
    int64_t confirmed_wall_ms; /* when the directory last confirmed it; its age is the metric */
    const char *directory_why; /* of the last loss */
};

/* Starts watching. With a saved organization and no directory answer within 2 s the saved one is published
 * first. */
MUST_USE enum error keeper_start(const struct keeper_config *config, struct keeper **out, struct note *note);
void keeper_status(const struct keeper *keeper, struct keeper_status *out); /* on the loop */
/* Read everything again (SIGHUP). */
void keeper_refresh(struct keeper *keeper);
void keeper_stop(struct keeper *keeper); /* on the loop; frees it, no callback after it */

#endif
