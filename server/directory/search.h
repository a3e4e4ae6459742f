/* Searches over a connection: paged, ranged attributes joined, one deadline over all. Internal to the room.
 */
#ifndef DIRECTORY_SEARCH_H
#define DIRECTORY_SEARCH_H

#include "directory/connection.h"

/* As directory_ops. */
void search_start(struct directory *directory, struct directory_search *search);
void search_cancel(struct directory_search *search);
/* on_done for those that ended inside a call of the asker. */
void search_tell_ended(struct connection *connection);
/* The directory is closing. */
void search_cancel_all(struct connection *connection);

#endif
