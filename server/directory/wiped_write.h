/* What libldap has written is wiped: its copy of a bind request holds the password, and it frees that as it
 * is. Internal to the room. */
#ifndef DIRECTORY_WIPED_WRITE_H
#define DIRECTORY_WIPED_WRITE_H

#include <lber.h>

/* Once a connection, when it stands with its TLS, which lies below. Nothing is sent twice, since referrals
 * are never followed. */
void wiped_write_install(Sockbuf *buffer);

#endif
