/* Entries in memory as a directory: what an LDIF file and the tests' fake have in common. */
#ifndef DIRECTORY_MEMORY_DIRECTORY_H
#define DIRECTORY_MEMORY_DIRECTORY_H

#include "directory/directory.h"

struct memory_directory;

/* loop may be NULL: then nothing is delivered but by memory_directory_deliver, and there is no thread to be
 * on. on_free, when given, is called when a closed directory is about to be freed. NULL without memory.
 * Starts down and empty. */
struct memory_directory *memory_directory_new(struct loop *loop, const char *uri,
                                              void (*on_free)(void *owner), void *owner);
struct directory *memory_directory_face(struct memory_directory *memory);
/* Takes the entry; one with the same DN or id is replaced. Watches hear of it at the next delivery. */
MUST_USE enum error memory_directory_put(struct memory_directory *memory, struct entry *entry);
/* ERROR_NOT_FOUND: no such DN (any spelling). */
MUST_USE enum error memory_directory_delete(struct memory_directory *memory, const char *dn);
void memory_directory_clear(struct memory_directory *memory);
size_t memory_directory_count(const struct memory_directory *memory);
/* Up: watches are brought up to date; down: on_lost, searches end with TEMPORARY. why may be NULL when up. */
void memory_directory_set_up(struct memory_directory *memory, bool is_up, const char *why);
/* The info's flavor; OpenLDAP unless set. */
void memory_directory_set_flavor(struct memory_directory *memory, enum directory_flavor flavor);
/* Hands over now what is due; with a loop it comes by itself on the loop's next turn. */
void memory_directory_deliver(struct memory_directory *memory);

#endif
