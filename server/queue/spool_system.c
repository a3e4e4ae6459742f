#include "queue/spool_system.h"

#include <fcntl.h>
#include <lmdb.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The tests build a daemon with MDB_NOSYNC, to see that the trace of its system calls gives it away. */
#ifndef SPOOL_STORE_FLAGS
#define SPOOL_STORE_FLAGS 0
#endif

static int create_file(int directory, const char *name)
{
    return openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static int remove_file(int directory, const char *name)
{
    return unlinkat(directory, name, 0);
}

static int ask_free_bytes(int directory, uint64_t *out)
{
    struct statvfs answer;

    if (fstatvfs(directory, &answer) != 0)
        return -1;
    *out = (uint64_t)answer.f_bavail * answer.f_frsize;
    return 0;
}

/* fdatasync covers the new size of a file, without which its content could not be read. */
const struct spool_system spool_system_real = {
    .create = create_file,
    .write = write,
    .sync_file = fdatasync,
    .sync_directory = fsync,
    .remove = remove_file,
    .free_bytes = ask_free_bytes,
    .commit = mdb_txn_commit,
    .store_flags = SPOOL_STORE_FLAGS,
};
