/* What a watch has handed over: the ids, each with a digest of its content. Where a directory can not tell
 * what changed, the next look is compared with this. Internal to the room. */
#ifndef DIRECTORY_SNAPSHOT_H
#define DIRECTORY_SNAPSHOT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct snapshot_row;

/* Zero-initialised it is empty. */
struct snapshot {
    struct snapshot_row *rows;
    uint64_t round;
};

#define SNAPSHOT_IDS_MAX 1000000u

enum sighting { SIGHTING_NEW, SIGHTING_CHANGED, SIGHTING_SAME };

/* Frees everything; it may be used again, empty. */
void snapshot_done(struct snapshot *snapshot);
/* Starts a look: what is not seen until snapshot_end_round has vanished. */
void snapshot_begin_round(struct snapshot *snapshot);
/* The id is there, with this content. ERROR_LIMIT past SNAPSHOT_IDS_MAX or without memory. */
MUST_USE enum error snapshot_see(struct snapshot *snapshot, const uint8_t id[16], uint64_t digest,
                                 enum sighting *out_sighting);
/* The id is there, its content as known; false when it is not known. */
bool snapshot_keep(struct snapshot *snapshot, const uint8_t id[16]);
/* Forgets one; false when it was not known. */
bool snapshot_forget(struct snapshot *snapshot, const uint8_t id[16]);
/* Takes out one id that was not seen in this round; false when there is none left. */
bool snapshot_take_vanished(struct snapshot *snapshot, uint8_t out_id[16]);
size_t snapshot_count(const struct snapshot *snapshot);

#endif
