/* Delivers what is owed: one loop owns the schedule, the connections and the resolver. */
#ifndef DELIVERY_DELIVERY_H
#define DELIVERY_DELIVERY_H

#include "auth/certificate.h"
#include "loop/resolver.h"
#include "organization/organization.h"
#include "queue/schedule.h"
#include "queue/spool.h"

struct delivery;

struct delivery_config {
    struct loop *loop;
    struct spool *spool;
    struct schedule_policy schedule;
    const struct clock *clock;
    size_t connections_per_hop;      /* 0: 20 */
    struct resolver_config resolver; /* borrowed for the start */
    struct tls_context *tls;         /* of the client's side; taken; NULL: no hop is spoken to in TLS */
    bool asks_dane;                  /* of hops that the DNS names */
    bool asks_sts;                   /* likewise */
    bool fetches_lists;              /* revocation lists from where certificates say that they are */
    const char *keytab;              /* of logins between Exchange servers, borrowed; NULL: none */
    const char *ca_file;             /* anchors of token endpoints, borrowed; NULL: the system's */
};

/* Starts listening to the spool. On the loop. Nothing is sent before the first organization. */
MUST_USE enum error delivery_start(const struct delivery_config *config, struct delivery **out,
                                   struct note *note);
/* The loop's own reference. */
void delivery_set_organization(struct delivery *delivery, const struct organization *organization);
/* For sessions from now on; takes it. */
void delivery_set_tls(struct delivery *delivery, struct tls_context *tls);
/* Of which hops are shown some, from now on; takes the reference. None before the first. */
void delivery_set_certificates(struct delivery *delivery, const struct certificate_set *certificates);
/* No new transactions; running ones finish; on_done when nothing is left, never inside a call. */
void delivery_stop(struct delivery *delivery, void (*on_done)(void *owner), void *owner);
/* After delivery_stop: cuts what still runs; its on_done follows. What is not known to be delivered is tried
 * again after the next start. */
void delivery_abort(struct delivery *delivery);
/* After on_done, on any thread. The spool may tell of messages as long as the loop runs: free it when the
 * loop has ended. */
void delivery_free(struct delivery *delivery);

/* Queue commands of the administrator (contract 4), on the loop; changes are durable when on_done comes with
 * OK, at the earliest inside the call. ERROR_NOT_FOUND: no such message, or it was just delivered;
 * ERROR_CANCELED: delivery ends; ERROR_TEMPORARY, ERROR_IO, ERROR_SYNTAX: the envelope cannot be read. */
enum delivery_action {
    DELIVERY_RETRY,
    DELIVERY_HOLD,
    DELIVERY_RELEASE,
    DELIVERY_REMOVE, /* nobody is told */
    DELIVERY_BOUNCE, /* returned to the sender, if it has one, then removed; ERROR_TEMPORARY: the report
                        cannot be stored now */
};
void delivery_act(struct delivery *delivery, uint64_t id, enum delivery_action action,
                  void (*on_done)(void *owner, uint64_t id, enum error error), void *owner);
struct delivery_status {
    uint64_t message_count;
    int64_t oldest_arrived_ms; /* 0: none */
};
void delivery_status(const struct delivery *delivery, struct delivery_status *out);
#endif
