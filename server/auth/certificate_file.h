/* One PEM file. Private to the room. */
#ifndef AUTH_CERTIFICATE_FILE_H
#define AUTH_CERTIFICATE_FILE_H

#include "auth/certificate.h"

/* Reads leaf, key and chain. ERROR_SYNTAX with a note: not PEM, something is missing, key and certificate do
 * not go together, too large; ERROR_IO: the file cannot be read. */
MUST_USE enum error certificate_file_read(const char *path, struct certificate *out, struct note *note);
/* Counts up what another holds. */
void certificate_share(const struct certificate *from, struct certificate *out);
/* Gives back leaf, key and chain. */
void certificate_release(struct certificate *certificate);

#endif
