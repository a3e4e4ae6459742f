/* Where a directory server is. Internal to the room. */
#ifndef DIRECTORY_URI_H
#define DIRECTORY_URI_H

#include "base/error.h"

#include <stdbool.h>

struct uri_kind {
    bool is_local_socket; /* ldapi */
    bool is_tls;          /* ldaps: from the first byte */
    bool is_loopback;     /* 127/8, ::1, localhost, ldapi */
};

/* ldap:// ldaps:// ldapi:// with host and port and nothing else. ERROR_SYNTAX with a note. */
MUST_USE enum error uri_read(const char *text, struct uri_kind *out, struct note *note);

#endif
