/* The SMTP loops: one thread each, every one with its own listeners, its own sessions and its own reference
 * to the organization. Called on the main loop only. */
#ifndef DAEMON_RECEIVE_H
#define DAEMON_RECEIVE_H

#include "base/pressure.h"
#include "config/config.h"
#include "daemon/endpoints.h"
#include "smtp_server/service.h"

struct receive;

/* Starts the threads; nothing listens before the first organization. main_loop hears on_drained. config is
 * borrowed. */
MUST_USE enum error receive_start(struct loop *main_loop, const struct config *config, struct spool *spool,
                                  struct receive **out, struct note *note);
/* Both borrowed until receive_stop. Once, before the first organization. */
void receive_set_authenticator(struct receive *receive, struct authenticator *authenticator,
                               struct failure_counts *failures);
/* Posts the certificates to every loop; handshakes from then on use them. */
void receive_set_certificates(struct receive *receive, const struct certificate_set *certificates);
/* What partners' certificates are held against, from now on; takes the reference. */
void receive_set_trust(struct receive *receive, struct ssl_ctx_st *trust);
/* How short the resources are; every loop goes by it from the next MAIL on. */
void receive_set_pressure(struct receive *receive, enum pressure_level level);
/* Their connection counts, for `status`. */
const struct connection_limits *receive_limits(const struct receive *receive);
/* Posts the organization to every loop, and what the machine's routes are now. New endpoints that another
 * process holds are left out, named in the log and tried again every 10 s. out_taken (may be NULL): at least
 * one was left out because another process listens there. */
void receive_set_organization(struct receive *receive, const struct organization *organization,
                              bool *out_taken);
/* Stops accepting; sessions end with 421 or at the end of their transaction. on_drained once, when none is
 * left. */
void receive_drain(struct receive *receive, void (*on_drained)(void *owner), void *owner);
/* Ends all sessions and loops, joins the threads. */
void receive_stop(struct receive *receive);
/* After receive_stop, when nobody posts to the loops any more: the spool is closed, the main loop has ended.
 * NULL is a no-op. */
void receive_free(struct receive *receive);

#endif
