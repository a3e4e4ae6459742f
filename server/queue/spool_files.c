#include "queue/spool_files.h"

#include "base/event.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_DIGITS 16
#define NAME_SIZE   (NAME_DIGITS + 1)

static void make_name(uint64_t id, char out[NAME_SIZE])
{
    snprintf(out, NAME_SIZE, "%016" PRIx64, id);
}

static int open_below(int directory, const char *name, struct note *note)
{
    int below = -1;

    if (mkdirat(directory, name, 0700) == 0 || errno == EEXIST)
        below = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below < 0)
        note_set(note, "%s: %s", name, strerror(errno));
    return below;
}

enum error spool_files_open(int directory, const struct spool_system *system, struct spool_files *out,
                            struct note *note)
{
    struct spool_files files = {-1, -1, system};

    files.bodies = open_below(directory, "bodies", note);
    if (files.bodies >= 0)
        files.quarantine = open_below(directory, "quarantine", note);
    if (files.quarantine < 0 || fsync(directory) != 0) {
        spool_files_close(&files);
        return ERROR_IO;
    }
    *out = files;
    return OK;
}

void spool_files_close(struct spool_files *files)
{
    if (files->bodies >= 0)
        close(files->bodies);
    if (files->quarantine >= 0)
        close(files->quarantine);
    files->bodies = files->quarantine = -1;
}

int spool_files_create(const struct spool_files *files, uint64_t id)
{
    char name[NAME_SIZE];

    make_name(id, name);
    return files->system->create(files->bodies, name);
}

bool spool_files_write(const struct spool_files *files, int file, uint64_t offset, struct bytes content)
{
    struct bytes rest = content;

    while (rest.len > 0) {
        ssize_t written = files->system->write(file, rest.ptr, rest.len);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        rest = bytes_skip(rest, (size_t)written);
    }
    /* Only a hint, so that the final sync has little left to wait for. */
    (void)sync_file_range(file, (off_t)offset, (off_t)content.len, SYNC_FILE_RANGE_WRITE);
    return true;
}

bool spool_files_finish(const struct spool_files *files, int file)
{
    bool is_synced = files->system->sync_file(file) == 0;

    return close(file) == 0 && is_synced && files->system->sync_directory(files->bodies) == 0;
}

void spool_files_remove(const struct spool_files *files, uint64_t id)
{
    char name[NAME_SIZE];

    make_name(id, name);
    if (files->system->remove(files->bodies, name) != 0 && errno != ENOENT)
        event_say(EVENT_WARNING, "spool.orphan", "%s stays until the next start: %s", name, strerror(errno));
}

static void move_to_quarantine(const struct spool_files *files, const char *name)
{
    char target[NAME_MAX + 1];

    for (unsigned attempt = 0; attempt < 1000; attempt++) {
        int length = attempt ? snprintf(target, sizeof(target), "%.200s.%u", name, attempt)
                             : snprintf(target, sizeof(target), "%s", name);
        if (length > 0 && renameat2(files->bodies, name, files->quarantine, target, RENAME_NOREPLACE) == 0)
            return;
        if (errno != EEXIST)
            break;
    }
    if (errno != ENOENT)
        event_say(EVENT_WARNING, "spool.quarantine", "%s could not be moved: %s", name, strerror(errno));
}

void spool_files_quarantine(const struct spool_files *files, uint64_t id)
{
    char name[NAME_SIZE];

    make_name(id, name);
    move_to_quarantine(files, name);
}

/* Why the file is not the one that was stored; size UINT64_MAX: any. */
static const char *flaw_of(const struct stat *status, uint64_t file_bytes)
{
    if (!S_ISREG(status->st_mode))
        return "the body is not a plain file";
    if (status->st_nlink != 1)
        return "the body has another hard link";
    if (status->st_uid != geteuid())
        return "the body belongs to another user";
    if (file_bytes != UINT64_MAX && (uint64_t)status->st_size != file_bytes)
        return "the body has the wrong size";
    return NULL;
}

const char *spool_files_flaw(const struct spool_files *files, uint64_t id, uint64_t file_bytes)
{
    char name[NAME_SIZE];
    struct stat status;

    make_name(id, name);
    if (fstatat(files->bodies, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? "the body is missing" : NULL;
    return flaw_of(&status, file_bytes);
}

enum error spool_files_read(const struct spool_files *files, uint64_t id, uint64_t file_bytes,
                            uint64_t offset, char *out, size_t size, size_t *out_len, const char **out_flaw)
{
    char name[NAME_SIZE];
    struct stat status;
    ssize_t got;
    /* O_NONBLOCK: a FIFO put there must not hold us. */
    int file;

    make_name(id, name);
    *out_flaw = NULL;
    file = openat(files->bodies, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) {
        *out_flaw = errno == ENOENT  ? "the body is missing"
                    : errno == ELOOP ? "the body is not a plain file"
                                     : NULL;
        return ERROR_IO;
    }
    if (fstat(file, &status) == 0)
        *out_flaw = flaw_of(&status, file_bytes);
    do {
        got = *out_flaw || offset > INT64_MAX ? -1 : pread(file, out, size, (off_t)offset);
    } while (got < 0 && !*out_flaw && errno == EINTR);
    close(file);
    if (got < 0)
        return ERROR_IO;
    *out_len = (size_t)got;
    return OK;
}

/* Exactly the names make_name makes. */
static bool read_name(const char *name, uint64_t *out_id)
{
    uint64_t id = 0;
    size_t length = 0;

    for (; name[length]; length++) {
        char c = name[length];
        if (length == NAME_DIGITS || !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        id = id << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *out_id = id;
    return length == NAME_DIGITS;
}

static enum error sweep_one(const struct spool_files *files, const char *name,
                            enum error (*owns)(void *owner, uint64_t id, bool *out_owns), void *owner)
{
    struct stat status;
    uint64_t id;
    bool is_ours = read_name(name, &id);
    bool is_owned = false;
    enum error error = is_ours ? owns(owner, id, &is_owned) : OK;

    if (error || is_owned)
        return error; /* one that is owned is looked at when it is read */
    if (is_ours && fstatat(files->bodies, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        flaw_of(&status, UINT64_MAX) == NULL) {
        spool_files_remove(files, id);
        return OK;
    }
    event_say(EVENT_ERROR, "spool.quarantined", "bodies/%s is no file of ours", name);
    move_to_quarantine(files, name);
    return OK;
}

enum error spool_files_sweep(const struct spool_files *files,
                             enum error (*owns)(void *owner, uint64_t id, bool *out_owns), void *owner,
                             struct note *note)
{
    int copy = openat(files->bodies, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = copy >= 0 ? fdopendir(copy) : NULL;
    enum error error = OK;

    if (!directory) {
        note_set(note, "bodies: %s", strerror(errno));
        if (copy >= 0)
            close(copy);
        return ERROR_IO;
    }
    while (!error) {
        const struct dirent *entry = readdir(directory);
        if (!entry)
            break;
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            error = sweep_one(files, entry->d_name, owns, owner);
    }
    closedir(directory);
    if (error)
        note_set(note, "bodies: the database could not be asked");
    return error;
}
