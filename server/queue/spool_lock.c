#include "queue/spool_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static const unsigned long network_magics[] = {
    0x6969,     /* NFS */
    0x517b,     /* SMB */
    0xff534d42, /* CIFS */
    0xfe534d42, /* SMB2 */
    0x00c36400, /* Ceph */
    0x5346414f, /* OpenAFS */
    0x6b414653, /* AFS in the kernel */
    0x01021997, /* 9P */
    0x0bd00bd0, /* Lustre */
    0x47504653, /* GPFS */
    0x01161970, /* GFS2 */
    0x7461636f, /* OCFS2 */
    0x73757245, /* Coda */
    0x564c,     /* NCP */
    0x786f4256, /* VirtualBox folders */
    0xbacbacbc, /* VMware folders */
    0x65735546, /* FUSE */
};

bool spool_lock_is_network_magic(unsigned long magic)
{
    for (size_t i = 0; i < sizeof(network_magics) / sizeof(network_magics[0]); i++) {
        if (network_magics[i] == magic)
            return true;
    }
    return false;
}

/* The new name must survive a power loss, or everything below it is lost with it. */
static enum error make_directory(const char *path, struct note *note)
{
    int parent;
    int result;

    if (mkdir(path, 0700) != 0) {
        if (errno == EEXIST)
            return OK;
        note_set(note, "%s: %s", path, strerror(errno));
        return ERROR_IO;
    }
    parent = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent >= 0) {
        int above = openat(parent, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(parent);
        parent = above;
    }
    result = parent >= 0 ? fsync(parent) : -1;
    if (result != 0)
        note_set(note, "%s: %s", path, strerror(errno));
    if (parent >= 0)
        close(parent);
    return result == 0 ? OK : ERROR_IO;
}

static enum error check_directory(int directory, const char *path, struct note *note)
{
    struct stat status;
    struct statfs system;

    if (fstat(directory, &status) != 0 || fstatfs(directory, &system) != 0) {
        note_set(note, "%s: %s", path, strerror(errno));
        return ERROR_IO;
    }
    if (status.st_uid != geteuid() || (status.st_mode & 022)) {
        note_set(note, "%s: must belong to this user and be writable by no other", path);
        return ERROR_IO;
    }
    if (spool_lock_is_network_magic((unsigned long)system.f_type)) {
        note_set(note, "%s: lies on a network file system, which keeps no promise about syncs", path);
        return ERROR_IO;
    }
    return OK;
}

static enum error take_file(struct spool_lock *lock, const char *path, struct note *note)
{
    lock->file = openat(lock->directory, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (lock->file < 0) {
        note_set(note, "%s/lock: %s", path, strerror(errno));
        return ERROR_IO;
    }
    if (flock(lock->file, LOCK_EX | LOCK_NB) == 0)
        return OK;
    if (errno == EWOULDBLOCK) {
        note_set(note, "%s: another daemon has it", path);
        return ERROR_TEMPORARY;
    }
    note_set(note, "%s/lock: %s", path, strerror(errno));
    return ERROR_IO;
}

enum error spool_lock_take(const char *directory, struct spool_lock *out, struct note *note)
{
    struct spool_lock lock = {-1, -1};
    enum error error = make_directory(directory, note);

    if (error)
        return error;
    lock.directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock.directory < 0) {
        note_set(note, "%s: %s", directory, strerror(errno));
        return ERROR_IO;
    }
    error = check_directory(lock.directory, directory, note);
    if (!error)
        error = take_file(&lock, directory, note);
    if (error)
        spool_lock_drop(&lock);
    else
        *out = lock;
    return error;
}

void spool_lock_drop(struct spool_lock *lock)
{
    if (lock->file >= 0)
        close(lock->file);
    if (lock->directory >= 0)
        close(lock->directory);
    lock->file = lock->directory = -1;
}
