/* The first start: LMDB writes the two pages a database begins with and leaves them to the page cache. A
 * power loss could leave half of them, which nobody opens any more; so it is made, and synced, under another
 * name. */
#include "queue/spool_store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW      "new.mdb"
#define NEW_LOCK NEW "-lock" /* LMDB's name for it */

static int remove_if_there(int directory, const char *name)
{
    return unlinkat(directory, name, 0) == 0 || errno == ENOENT ? MDB_SUCCESS : errno;
}

static int make_synced(const struct spool_store_config *config)
{
    char path[PATH_MAX];
    MDB_env *env;
    int length = snprintf(path, sizeof(path), "%s/" NEW, config->directory);
    int code = length < (int)sizeof(path) ? mdb_env_create(&env) : ENAMETOOLONG;

    if (code)
        return code;
    code = mdb_env_open(env, path, MDB_NOSUBDIR | config->system->store_flags, 0600);
    if (!code)
        code = mdb_env_sync(env, 1);
    mdb_env_close(env);
    return code;
}

int spool_store_make(const struct spool_store_config *config)
{
    int directory = config->directory_descriptor;
    struct stat status;
    int code;

    if (fstatat(directory, "data.mdb", &status, AT_SYMLINK_NOFOLLOW) == 0)
        return MDB_SUCCESS;
    code = errno == ENOENT ? remove_if_there(directory, NEW) : errno;
    if (!code)
        code = make_synced(config);
    if (!code)
        code = remove_if_there(directory, NEW_LOCK);
    if (!code && renameat(directory, NEW, directory, "data.mdb") != 0)
        code = errno;
    return code;
}
