#include "daemon/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
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
    if (passwd->pw_uid == 0) {
        note_set(note, "server.user: \"%s\" is the superuser: give an unprivileged account", user);
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

/* The one capability that stays, if we have it: ports below 1024 for connectors that are added later. In a
 * container without it such ports are not ours to give: bind will say so. */
static enum error keep_bind_capability(struct note *note)
{
    const cap_value_t bind_service = CAP_NET_BIND_SERVICE;
    cap_flag_value_t is_ours = CAP_CLEAR;
    cap_t now = cap_get_proc(), wanted = cap_init();
    bool is_set = now && wanted && cap_get_flag(now, bind_service, CAP_PERMITTED, &is_ours) == 0 &&
                  cap_set_flag(wanted, CAP_PERMITTED, 1, &bind_service, is_ours) == 0 &&
                  cap_set_flag(wanted, CAP_EFFECTIVE, 1, &bind_service, is_ours) == 0 &&
                  cap_set_proc(wanted) == 0;
    enum error error = is_set ? OK : failed(note, "cap_set_proc");
    if (now)
        cap_free(now);
    if (wanted)
        cap_free(wanted);
    return error;
}

static enum error become(const char *user, const struct account *account, struct note *note)
{
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
        return failed(note, "prctl(PR_SET_KEEPCAPS)");
    if (initgroups(user, account->gid) != 0)
        return failed(note, "initgroups");
    if (setresgid(account->gid, account->gid, account->gid) != 0)
        return failed(note, "setresgid");
    return setresuid(account->uid, account->uid, account->uid) == 0 ? OK : failed(note, "setresuid");
}

enum error privileges_drop(const char *user, const char *group, struct note *note)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return failed(note, "prctl(PR_SET_NO_NEW_PRIVS)");
    if (setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) != 0)
        return failed(note, "setrlimit(RLIMIT_CORE)");
    enum error error = OK;
    if (geteuid() == 0) {
        struct account account;
        error = find_account(user, group, &account, note);
        if (!error)
            error = become(user, &account, note);
    }
    return error ? error : keep_bind_capability(note);
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

void privileges_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}
