/* What a session needs from outside, by function tables: the live server, explain and tests differ only here.
 */
#ifndef SMTP_SERVER_SERVICE_H
#define SMTP_SERVER_SERVICE_H

#include "auth/authenticator.h"
#include "auth/certificate.h"
#include "auth/failure_count.h"
#include "base/machine.h"
#include "filter/filter_run.h"
#include "organization/organization.h"
#include "policy/decision.h"
#include "policy/session_rights.h"
#include "queue/spool.h"
#include "smtp_server/reply.h"

#include <stdatomic.h>

struct smtp_service;

/* Told of what a session does and decides; explain and tests look here, the live server leaves it NULL. */
struct smtp_trace {
    void (*on_match)(void *owner, const struct receive_connector *connector);
    /* A right was asked for: at which command, granted or not, the deciding ACE's text. */
    void (*on_right)(void *owner, enum right right, bool is_granted, const char *why);
    /* What the directory said of a sender: may the session send as it, and by which ACE of its entry. */
    void (*on_send_as)(void *owner, struct bytes sender, bool is_held, const char *why);
    /* A reply left; why is the refusal's reason id, or NULL. */
    void (*on_reply)(void *owner, const char *sent, const char *reply, const char *why);
    void *owner;
};

/* Connection counting over all loops (rate.h makes the live one). */
struct connection_limits;

/* Message counting over all loops (message_rate.h makes the live one). */
struct message_rate;

/* One a loop; lives as long as its sessions. */
struct smtp_service {
    struct loop *loop;
    const struct clock *clock;
    struct spool *spool;
    struct connection_limits *limits;  /* NULL: not counted (explain) */
    struct message_rate *message_rate; /* set after init; NULL: not counted (explain) */
    const atomic_int *pressure;        /* set after init: enum pressure_level; NULL: none (explain) */
    const struct organization
        *organization;      /* the loop's own reference; smtp_service_set_organization replaces it */
    struct machine machine; /* set before an organization; empty: no client is taken for a gateway */
    struct certificate_contexts *certificates; /* NULL: none; smtp_service_set_certificates replaces it */
    struct ssl_ctx_st *trust;       /* what certificates of partners are held against; NULL: none is good;
                                          smtp_service_set_trust replaces it */
    bool fetches_lists;             /* revocation lists, for certificates of partners */
    struct revocation *revocation;  /* made when one is needed first; its owner stops it with the loop */
    const struct smtp_trace *trace; /* NULL: none */
    const struct filters *filters;  /* borrowed; NULL: none */
    const struct ip_range *proxy_trusted; /* who says for whom it speaks; borrowed */
    size_t proxy_trusted_count;
    struct failure_counts *failures;     /* of AUTH by source, over all loops; borrowed; NULL: not counted */
    struct authenticator *authenticator; /* borrowed; NULL: none, and AUTH is not offered */
    uint32_t
        greet_delay_ms; /* the banner waits so long, and who talks meanwhile is an early talker; 0: at once */
    bool assumes_tls;   /* sessions are inside TLS from the start, without a handshake (explain --tls) */
    bool has_no_tarpit; /* refusals answer at once whatever the connector says (explain) */
    bool is_draining;   /* SIGTERM came: running transactions finish, the rest gets 421 */
    struct list sessions; /* of this loop */
    size_t session_count;
    void (*on_empty)(void *owner); /* private: of drain */
    void *on_empty_owner;
    struct loop_timer empty; /* private: calls on_empty */
};

/* Borrows all three; limits NULL: connections are not counted. The banner waits as the service does by
 * default. */
void smtp_service_init(struct smtp_service *service, struct loop *loop, struct spool *spool,
                       struct connection_limits *limits);
/* NULL: none any more. Takes a reference for the loop, drops the old one; matches every session that is
 * outside a transaction again (design 2): same connector: rights recomputed; gone, disabled, refused or
 * another match: 421 4.3.2 at the next MAIL. */
void smtp_service_set_organization(struct smtp_service *service, const struct organization *organization);
/* Takes the contexts; NULL: none any more. Sessions that are inside TLS go on with what they have. */
void smtp_service_set_certificates(struct smtp_service *service, struct certificate_contexts *certificates);
/* Takes the reference; NULL: no certificate is good any more. */
void smtp_service_set_trust(struct smtp_service *service, struct ssl_ctx_st *trust);
/* Sessions outside a transaction get 421 and close; others at the end of theirs. on_empty when the last one
 * is gone. */
void smtp_service_drain(struct smtp_service *service, void (*on_empty)(void *owner), void *owner);
/* All sessions end now. */
void smtp_service_abort_all(struct smtp_service *service);

#endif
