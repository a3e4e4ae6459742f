/* Pages of the database that were read stay mapped and count as ours until memory is short. A walk over a
 * long queue would map all of it, so the map is let go now and then: the pages stay in the system's cache,
 * and what is read again is mapped again. */
#include "queue/spool_store_private.h"

#include <inttypes.h>
#include <stdio.h>

#include <sys/mman.h>
#include <sys/stat.h>

#define RECORDS_BETWEEN 4096u       /* a record maps some 64 KiB around it at the most */
#define USED_BYTES_MIN  (64u << 20) /* a small database may stay */

/* LMDB does not tell where its map is; the system does, by the file's number. */
void spool_store_find_map(struct spool_store *store)
{
    struct stat status;
    MDB_envinfo info;
    int descriptor;
    char line[4096];
    FILE *file = fopen("/proc/self/maps", "re");

    store->map = NULL;
    if (!file)
        return;
    if (!mdb_env_info(store->env, &info) && !mdb_env_get_fd(store->env, &descriptor) &&
        fstat(descriptor, &status) == 0) {
        while (!store->map && fgets(line, sizeof(line), file)) {
            uintptr_t begin, end;
            uint64_t inode;
            if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %" SCNu64, &begin, &end, &inode) == 3 &&
                inode == status.st_ino && end - begin == info.me_mapsize)
                store->map = (void *)begin; /* NOLINT: an address as the system wrote it */
        }
    }
    fclose(file);
}

void spool_store_note_use(struct spool_store *store)
{
    MDB_envinfo info;
    MDB_stat stat;

    if (atomic_fetch_add_explicit(&store->used_records, 1, memory_order_relaxed) % RECORDS_BETWEEN !=
        RECORDS_BETWEEN - 1)
        return;
    if (!store->map || mdb_env_info(store->env, &info) || mdb_env_stat(store->env, &stat))
        return;
    size_t used = (info.me_last_pgno + 1) * stat.ms_psize;
    /* Without MDB_WRITEMAP nothing is changed through the map, so nothing can be lost with it. */
    if (used >= USED_BYTES_MIN && used <= info.me_mapsize)
        (void)madvise(store->map, used, MADV_DONTNEED);
}
