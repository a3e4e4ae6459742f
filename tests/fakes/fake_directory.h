/* A directory over LDIF text in memory that a test changes while it is watched. */
#ifndef FAKES_FAKE_DIRECTORY_H
#define FAKES_FAKE_DIRECTORY_H

#include "directory/directory.h"

struct fake_directory;

/* With a loop everything is delivered on its next turn; with NULL only by fake_directory_deliver. It is up.
 */
struct fake_directory *fake_directory_new(struct loop *loop);
struct directory *fake_directory_face(struct fake_directory *fake);
/* Puts every record; asserts that the text is LDIF. A record replaces the entry with its DN. Entries without
 * entryUUID get an id made of their DN; a record with the entryUUID of another DN renames that. */
void fake_directory_put(struct fake_directory *fake, const char *ldif_text);
/* Asserts that it exists. */
void fake_directory_delete(struct fake_directory *fake, const char *dn);
void fake_directory_clear(struct fake_directory *fake);
/* Down: watches hear on_lost, searches end with TEMPORARY; up again: they are brought up to date. */
void fake_directory_down(struct fake_directory *fake, const char *why);
void fake_directory_up(struct fake_directory *fake);
void fake_directory_set_flavor(struct fake_directory *fake, enum directory_flavor flavor);
/* Delivers what is due now, and what becomes due by it. */
void fake_directory_deliver(struct fake_directory *fake);
/* Closes and frees it. Without a loop at once; with one the loop must turn for it. */
void fake_directory_free(struct fake_directory *fake);

#endif
