/* Body files: "bodies/<id in 16 hex digits>", written once, never changed. A file counts only while the
 * database names its id. */
#ifndef QUEUE_SPOOL_FILES_H
#define QUEUE_SPOOL_FILES_H

#include "base/bytes.h"
#include "queue/spool_system.h"

struct spool_files {
    int bodies;     /* directory */
    int quarantine; /* directory of what is not ours or not whole; nothing is ever removed from it */
    const struct spool_system *system;
};

/* Makes both directories below the spool's if they are missing. ERROR_IO with a note. */
MUST_USE enum error spool_files_open(int directory, const struct spool_system *system,
                                     struct spool_files *out, struct note *note);
void spool_files_close(struct spool_files *files);

/* A descriptor to write the new file, or -1 with errno. */
int spool_files_create(const struct spool_files *files, uint64_t id);
/* Writes all of it and asks the system to begin with the disk at once. False: errno. */
bool spool_files_write(const struct spool_files *files, int file, uint64_t offset, struct bytes content);
/* Syncs file and directory, in this order, and closes the file in any case. False: not durable. */
bool spool_files_finish(const struct spool_files *files, int file);
/* Unlinks; a file that is not there is fine. */
void spool_files_remove(const struct spool_files *files, uint64_t id);
/* Moves the id's file, whatever it is, to the quarantine without following it. */
void spool_files_quarantine(const struct spool_files *files, uint64_t id);

/* Copies from the offset on. *out_flaw: why the file is not the one that was stored (missing, a link, wrong
 * size), else NULL. ERROR_IO with or without a flaw. */
MUST_USE enum error spool_files_read(const struct spool_files *files, uint64_t id, uint64_t file_bytes,
                                     uint64_t offset, char *out, size_t size, size_t *out_len,
                                     const char **out_flaw);
/* NULL: the file is there and the one that was stored. */
const char *spool_files_flaw(const struct spool_files *files, uint64_t id, uint64_t file_bytes);

/* At start: unlinks our own files that no id owns, moves what is not a plain file of ours to the quarantine.
 */
MUST_USE enum error spool_files_sweep(const struct spool_files *files,
                                      enum error (*owns)(void *owner, uint64_t id, bool *out_owns),
                                      void *owner, struct note *note);

#endif
