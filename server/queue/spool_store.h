/* The database of the spool: which tables it has and how one batch becomes durable. The only file that knows
 * LMDB's tables is spool_store*.c.
 *
 *   envelopes   id -> encoded envelope; what is not here is not owed
 *   contents    id -> header block and content, up to SPOOL_INLINE_MAX
 *   files       id -> u64 size of the body file, for larger ones
 *   quarantine  id -> reason, envelope and content of what could not be read
 *   state       "format", "next_id"
 *
 * Envelope and content stand apart, so that a changed envelope rewrites only itself. */
#ifndef QUEUE_SPOOL_STORE_H
#define QUEUE_SPOOL_STORE_H

#include "base/buffer.h"
#include "queue/spool_system.h"

struct spool_store;

struct spool_store_config {
    const char *directory;
    int directory_descriptor;
    uint64_t map_bytes;
    const struct spool_system *system;
};

/* ERROR_IO with a note. Blocks on the disk. */
MUST_USE enum error spool_store_open(const struct spool_store_config *config, struct spool_store **out,
                                     struct note *note);
void spool_store_close(struct spool_store *store);

/* -- one batch; the writer's thread only --
 * ERROR_LIMIT: the map is full. ERROR_NOT_FOUND: no such id, and the batch goes on. Any other error: the
 * batch must be aborted. */
MUST_USE enum error spool_store_begin(struct spool_store *store);
MUST_USE enum error spool_store_add(struct spool_store *store, uint64_t id, struct bytes envelope,
                                    struct bytes content);
MUST_USE enum error spool_store_add_file(struct spool_store *store, uint64_t id, struct bytes envelope,
                                         uint64_t file_bytes);
MUST_USE enum error spool_store_update(struct spool_store *store, uint64_t id, struct bytes envelope);
/* *out_had_file: the body file is to be unlinked once the batch is committed. */
MUST_USE enum error spool_store_remove(struct spool_store *store, uint64_t id, bool *out_had_file);
/* Moves everything the database has of the id to the quarantine. */
MUST_USE enum error spool_store_quarantine(struct spool_store *store, uint64_t id, const char *reason,
                                           bool *out_had_file);
MUST_USE enum error spool_store_set_next_id(struct spool_store *store, uint64_t next_id);
/* OK: on the disk, synced. Else nothing is known about the batch and the store must be reopened. */
MUST_USE enum error spool_store_commit(struct spool_store *store);
void spool_store_abort(struct spool_store *store);
/* Closes and opens again: what a failed sync left in memory is not to be trusted. Readers answer ERROR_IO
 * until it worked. */
MUST_USE enum error spool_store_reopen(struct spool_store *store, struct note *note);
/* What can still be stored: the rest of the map or of the disk, whichever is less, and the freed pages. The
 * freed pages are only counted when the rest alone is below enough_bytes. */
MUST_USE enum error spool_store_room(struct spool_store *store, uint64_t enough_bytes, uint64_t *out_bytes);

/* -- reading; any thread. Each is one short transaction that ends before the call returns. -- */

MUST_USE enum error spool_store_count(struct spool_store *store, uint64_t *out_count);
/* The first id that was never given out. */
MUST_USE enum error spool_store_next_id(struct spool_store *store, uint64_t *out_next_id);
/* Appends the encoded envelope. ERROR_NOT_FOUND. */
MUST_USE enum error spool_store_read_envelope(struct spool_store *store, uint64_t id, struct buffer *out);

enum spool_place { SPOOL_PLACE_NONE, SPOOL_PLACE_DATABASE, SPOOL_PLACE_FILE };
/* Where the content is. In the database: copied from the offset on. In a file: its size. SPOOL_PLACE_NONE:
 * there is an envelope and no content. ERROR_NOT_FOUND: no envelope either. */
MUST_USE enum error spool_store_read_content(struct spool_store *store, uint64_t id, uint64_t offset,
                                             char *out, size_t size, size_t *out_len,
                                             enum spool_place *out_place, uint64_t *out_file_bytes);
/* The id owns a file in the body directory, quarantined or not. */
MUST_USE enum error spool_store_owns_file(struct spool_store *store, uint64_t id, bool *out_owns);
/* Appends records from the id on until there are enough_bytes or no more: u64le id, u32le length, envelope.
 */
MUST_USE enum error spool_store_walk(struct spool_store *store, uint64_t first, size_t enough_bytes,
                                     struct buffer *out);
/* All ids in order; the caller frees them. */
MUST_USE enum error spool_store_ids(struct spool_store *store, uint64_t **out_ids, size_t *out_count);

#endif
