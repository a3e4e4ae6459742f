/* state_dir/organization.ldif: the last good organization on disk. */
#ifndef SOURCE_ORGANIZATION_FILE_H
#define SOURCE_ORGANIZATION_FILE_H

#include "source/image.h"

/* Writes beside, syncs, renames, syncs the folder: a crash leaves the old file or the new one. Readable by
 * the owner alone, since connectors may hold passwords. Blocks for the sync. ERROR_IO, ERROR_LIMIT with a
 * note. */
MUST_USE enum error organization_file_write(const char *state_dir, const struct image *image,
                                            struct note *note);
/* Gives a new image. ERROR_NOT_FOUND: there is no file; ERROR_IO, ERROR_SYNTAX, ERROR_LIMIT with a note. */
MUST_USE enum error organization_file_read(const char *state_dir, struct image **out, struct note *note);

#endif
