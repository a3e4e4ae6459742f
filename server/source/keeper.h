/* Keeps the current organization: watches the directory, rebuilds, publishes, saves the last good one. */
#ifndef SOURCE_KEEPER_H
#define SOURCE_KEEPER_H

#include "directory/directory.h"
#include "organization/organization.h"

struct image;
struct keeper;

struct keeper_config {
    struct directory *directory; /* on its loop; the keeper lives there too and is told of its state: an
                                  * on_state that is set before keeper_start is called on */
    const char *config_base;     /* contract 2, NULL: discovered */
    const char *organization_name;
    const char *server_name;
    const char *host_fqdn;
    const char *state_dir; /* NULL (tools): nothing is saved or restored, no events, no metrics */
    const struct clock *clock;
    uint64_t poll_ms;    /* how often principals named by DN are looked at again; 0: 60 s */
    uint64_t restore_ms; /* the directory's time before the saved organization is published; 0: 2 s */
    /* A new organization, on the directory's loop; the callee takes its own references. */
    void (*on_publish)(void *owner, const struct organization *organization);
    /* Nothing could be loaded (directory answers, but no organization or server in it): why, for the log and
     * --check. What was published stays in force. */
    void (*on_failure)(void *owner, enum error error, const char *why);
    /* NULL, or may change what is about to be loaded: what if the directory held something else? ERROR_…: as
     * a load that failed. */
    enum error (*adjust)(void *owner, struct image *image, struct note *note);
    void *owner;
};

struct keeper_status {
    bool is_directory_up;
    bool is_from_disk;         /* the organization in force is the saved one */
    int64_t confirmed_wall_ms; /* when the directory last confirmed it; its age is the metric; 0 never */
    const char *directory_why; /* of the last loss, or NULL; until the next turn of the loop */
};

/* Starts watching. With a saved organization and no directory answer within restore_ms the saved one is
 * published first. config is copied. ERROR_TEMPORARY without memory. */
MUST_USE enum error keeper_start(const struct keeper_config *config, struct keeper **out, struct note *note);
void keeper_status(const struct keeper *keeper, struct keeper_status *out); /* on the loop */
/* Read everything again (SIGHUP). */
void keeper_refresh(struct keeper *keeper);
void keeper_stop(struct keeper *keeper); /* on the loop; frees it, no callback after it; NULL is a no-op */

#endif
