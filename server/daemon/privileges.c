#include "daemon/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

struct account {
    uid_t uid;
    gid_t gid;
};

static enum error find_account(const char *user, const char *group, struct account *out, struct note *note)
{
    const struct passwd *passwd = getpwnam(user);
    if (!passwd) {
        note_set(note, "server.user: no user \"%s\"", user);
        return ERROR_NOT_FOUND;
    }
    out->uid = passwd->pw_uid;
    const struct group *entry = getgrnam(group);
    if (!entry) {
        note_set(note, "server.group: no group \"%s\"", group);
        return ERROR_NOT_FOUND;
    }
    out->gid = entry->gr_gid;
    return OK;
}

static enum error failed(struct note *note, const char *call)
{
    note_set(note, "%s: %s", call, strerror(errno));
    return ERROR_IO;
}

/* The one capability that stays: ports below 1024 for connectors that are added later. */
static bool keep_bind_capability(void)
{
    const cap_value_t bind_service = CAP_NET_BIND_SERVICE;
    cap_t capabilities = cap_init();
    bool is_set = capabilities && cap_set_flag(capabilities, CAP_PERMITTED, 1, &bind_service, CAP_SET) == 0 &&
                  cap_set_flag(capabilities, CAP_EFFECTIVE, 1, &bind_service, CAP_SET) == 0 &&
                  cap_set_proc(capabilities) == 0;
    if (capabilities)
        cap_free(capabilities);
    return is_set;
}

enum error privileges_drop(const char *user, const char *group, struct note *note)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return failed(note, "prctl(PR_SET_NO_NEW_PRIVS)");
    if (geteuid() != 0)
        return OK;
    struct account account;
    enum error error = find_account(user, group, &account, note);
    if (error)
        return error;
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
        return failed(note, "prctl(PR_SET_KEEPCAPS)");
    if (initgroups(user, account.gid) != 0)
        return failed(note, "initgroups");
    if (setresgid(account.gid, account.gid, account.gid) != 0)
        return failed(note, "setresgid");
    if (setresuid(account.uid, account.uid, account.uid) != 0)
        return failed(note, "setresuid");
    /* In a container without the capability ports below 1024 are not ours to give: bind will say so. */
    if (!keep_bind_capability() && errno != EPERM)
        return failed(note, "cap_set_proc");
    return OK;
}

enum error privileges_prepare_directory(const char *path, unsigned mode, const char *user, const char *group,
                                        struct note *note)
{
    bool is_new = mkdir(path, (mode_t)mode) == 0;
    if (!is_new && errno != EEXIST) {
        note_set(note, "%s: %s", path, strerror(errno));
        return ERROR_IO;
    }
    if (!is_new || geteuid() != 0)
        return OK; /* what an administrator made stays as it is */
    struct account account;
    enum error error = find_account(user, group, &account, note);
    if (!error && chown(path, account.uid, account.gid) != 0) {
        note_set(note, "%s: %s", path, strerror(errno));
        error = ERROR_IO;
    }
    return error;
}
