/* Modifications over a connection. Internal to the room. */
#ifndef DIRECTORY_MODIFY_H
#define DIRECTORY_MODIFY_H

#include "directory/connection.h"

/* As directory_ops. */
void modify_start(struct directory *directory, struct directory_modification *modification);
/* on_done for those that ended. */
void modify_tell_ended(struct connection *connection);
/* The directory is closing. */
void modify_cancel_all(struct connection *connection);

#endif
