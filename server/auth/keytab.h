/* What the acceptor's keytab holds. Internal to the room. */
#ifndef AUTH_KEYTAB_H
#define AUTH_KEYTAB_H

#include "base/error.h"

/* A key of service/<any host>. OK; NOT_FOUND: none, or no such file; IO: it can not be read; with a note.
 * Blocks as reading a file does. */
MUST_USE enum error keytab_look_for(const char *path, const char *service, struct note *note);

#endif
