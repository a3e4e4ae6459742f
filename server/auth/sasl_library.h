/* Cyrus SASL, prepared once for the whole process: its locks, its plugins, no configuration of others. */
#ifndef AUTH_SASL_LIBRARY_H
#define AUTH_SASL_LIBRARY_H

#include "base/error.h"

/* On the main thread, before any other thread and before libldap's first handle, which would bring locks of
 * its own. From then on both sides, server and client, may be used by any thread, one connection
 * (sasl_conn_t) by one thread at a time. Plugins other than PLAIN, LOGIN and the two of GSS-API are not even
 * loaded, no file of /etc/sasl2 or /usr/lib/sasl2 sets an option. keytab: of the acceptor, NULL: libkrb5's
 * own choice. Once. ERROR_TEMPORARY with a note. */
MUST_USE enum error sasl_library_start(const char *keytab, struct note *note);
/* Frees what is global; every connection is disposed by then. */
void sasl_library_stop(void);

#endif
