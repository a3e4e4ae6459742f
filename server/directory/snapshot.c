#include "directory/snapshot.h"

#include <stdlib.h>
#include <string.h>

/* Without memory a row stays out of the table and the caller hears of it; the default would end the process.
 */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct snapshot_row {
    uint8_t id[16];
    uint64_t digest;
    uint64_t round; /* the last in which it was seen */
    UT_hash_handle hh;
};

static struct snapshot_row *find(const struct snapshot *snapshot, const uint8_t id[16])
{
    struct snapshot_row *row = NULL;
    HASH_FIND(hh, snapshot->rows, id, 16, row);
    return row;
}

static void drop(struct snapshot *snapshot, struct snapshot_row *row)
{
    HASH_DEL(snapshot->rows, row);
    free(row);
}

void snapshot_done(struct snapshot *snapshot)
{
    struct snapshot_row *row, *next;
    HASH_ITER(hh, snapshot->rows, row, next)
    drop(snapshot, row);
    *snapshot = (struct snapshot){0};
}

void snapshot_begin_round(struct snapshot *snapshot)
{
    snapshot->round++;
}

enum error snapshot_see(struct snapshot *snapshot, const uint8_t id[16], uint64_t digest,
                        enum sighting *out_sighting)
{
    struct snapshot_row *row = find(snapshot, id);
    if (row) {
        *out_sighting = row->digest == digest ? SIGHTING_SAME : SIGHTING_CHANGED;
        row->digest = digest;
        row->round = snapshot->round;
        return OK;
    }
    if (snapshot_count(snapshot) == SNAPSHOT_IDS_MAX)
        return ERROR_LIMIT;
    row = calloc(1, sizeof *row);
    if (!row)
        return ERROR_LIMIT;
    memcpy(row->id, id, sizeof row->id);
    row->digest = digest;
    row->round = snapshot->round;
    HASH_ADD(hh, snapshot->rows, id, sizeof row->id, row);
    if (!find(snapshot, id)) {
        free(row);
        return ERROR_LIMIT;
    }
    *out_sighting = SIGHTING_NEW;
    return OK;
}

bool snapshot_keep(struct snapshot *snapshot, const uint8_t id[16])
{
    struct snapshot_row *row = find(snapshot, id);
    if (row)
        row->round = snapshot->round;
    return row != NULL;
}

bool snapshot_forget(struct snapshot *snapshot, const uint8_t id[16])
{
    struct snapshot_row *row = find(snapshot, id);
    if (row)
        drop(snapshot, row);
    return row != NULL;
}

bool snapshot_take_vanished(struct snapshot *snapshot, uint8_t out_id[16])
{
    struct snapshot_row *row, *next;
    HASH_ITER(hh, snapshot->rows, row, next)
    {
        if (row->round == snapshot->round)
            continue;
        memcpy(out_id, row->id, sizeof row->id);
        drop(snapshot, row);
        return true;
    }
    return false;
}

size_t snapshot_count(const struct snapshot *snapshot)
{
    return HASH_COUNT(snapshot->rows);
}
