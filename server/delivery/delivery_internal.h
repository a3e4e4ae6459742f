/* What is in the works: messages, their transmissions, the hops they go to. Private to the room; all of it
 * lives on the delivery loop.
 *
 *   schedule --due--> message --plan--> transmission per hop and 100 recipients --> hop's queue -->
 * connection message <--outcome per recipient-- transmission; when all are back: bounce, then update or
 * removal in the spool */
#ifndef DELIVERY_DELIVERY_INTERNAL_H
#define DELIVERY_DELIVERY_INTERNAL_H

#include "delivery/delivery.h"
#include "delivery/destination.h"
#include "mail/domain.h"
#include "queue/fair_queue.h"
#include "smtp_client/client.h"

#include <uthash.h>

#define MESSAGES_MAX                4000 /* in the works at once; the others wait in the schedule */
#define RECIPIENTS_PER_TRANSMISSION 100  /* RFC 5321 4.5.3.1.8 */
#define CONNECTIONS_PER_HOP         20
#define CONNECTIONS_MAX             2000 /* past it a hop gets its first one only */
#define WAITING_PER_HOP             200  /* of the works: a slow hop must not hold up the others */
/* Nor must many that do not answer: until a hop has greeted, one of its messages is in the works, and of all
 * such hops together no more than half of the works. */
#define TRIALS_PER_HOP 1
#define TRIALS_MAX     (MESSAGES_MAX / 2)

struct action {
    struct list link;
    enum delivery_action action;
    void (*on_done)(void *owner, uint64_t id, enum error error);
    void *owner;
};

/* What this attempt came to for one recipient. */
struct attempt {
    bool has_outcome;
    bool is_dsn_passed; /* the hop knows what the sender asks, and reports by itself */
};

/* One message in the works. */
struct message {
    UT_hash_handle hh; /* by id, in delivery->messages */
    uint64_t id;
    struct delivery *delivery;
    struct arena arena;
    struct envelope envelope;
    size_t transmissions_out;
    struct attempt *attempts; /* by recipient; NULL: an administrator's change, no attempt */
    bool is_changed;          /* a recipient has an outcome */
    struct hop *parked_at;    /* this hop has no room for it; a claim on it */
    uint64_t retry_at_ms;     /* monotonic: when the hop that turned it away is called again; 0: none did */
    bool is_replanned;        /* a hop was retired under it: due again at once, no attempt counted */
    bool is_removed;          /* by the administrator, whatever the outcome */
    struct list actions;      /* asked for, not yet applied */
    struct list storing;      /* applied, answered when the spool has stored them */
    struct loop_timer again;  /* the spool could not store its state */
};

/* Some recipients of one message on their way over one hop. */
struct transmission {
    struct list link; /* in the hop's queue, or alone */
    struct smtp_transaction transaction;
    struct message *message;
    struct hop *hop;
    struct connection *connection; /* while it is sent */
    size_t count;
    struct bytes addresses[RECIPIENTS_PER_TRANSMISSION];
    struct smtp_dsn_request dsn_requests[RECIPIENTS_PER_TRANSMISSION];
    size_t recipients[RECIPIENTS_PER_TRANSMISSION]; /* indexes into the envelope */
    struct buffer front;   /* the header as it goes out, and the body of a small message */
    size_t front_offset;   /* of it, read so far */
    uint64_t rest;         /* where in the spool's content stands what front does not hold */
    uint64_t spool_offset; /* of the content in the spool */
    bool has_alternative;  /* another connector may stand in while its hop is dead */
    bool is_second_try;    /* an old session was lost under it before the content: this is the new one */
};

struct connection;

/* What makes a next hop: the smart hosts of a send connector, or a domain whose exchangers the DNS names. */
struct hop_key {
    const struct send_connector *connector;
    char domain[DOMAIN_TEXT_SIZE]; /* normal form, padded with zeroes; "": the smart hosts */
};

/* A next hop as one organization has it, with its queue and its own back-off. A new organization makes new
 * hops; old ones run dry. */
struct hop {
    struct list link;  /* in delivery->hops or delivery->old_hops */
    UT_hash_handle hh; /* by key, in delivery->hop_index, unless it is old */
    struct hop_key key;
    struct delivery *delivery;
    const struct organization *organization; /* a reference */
    const struct send_connector *connector;
    struct hop_token *token;   /* of its logins; NULL: none was needed yet */
    struct fair_queue *parked; /* messages that it has no room for, out of the works; NULL before the first */
    struct list trial;         /* in delivery->trials while it waits for a trial */
    struct list waiting;       /* transmissions */
    size_t waiting_count;
    size_t
        claim_count; /* of transmissions, and of messages that will be parked: it stays while there are any */
    struct list connections;
    size_t connection_count;
    size_t connecting_count;
    size_t good_host;     /* index of the smart host that answered last */
    bool is_proven;       /* it greeted since it failed last */
    uint32_t failures;    /* in a row */
    uint64_t retry_at_ms; /* monotonic: until then it counts as dead */
    unsigned revival;     /* delivery's, when it died */
    bool is_hopeless;     /* dead, and its mail is to be returned */
    uint64_t more_at_ms;  /* monotonic: until then the sessions it has must do */
    char last_reply[256]; /* why it is dead */
    bool is_old;
};

struct delivery {
    struct delivery_config config;
    struct resolver *resolver;
    struct revocation *revocation;              /* NULL: not to be asked */
    struct sts *sts;                            /* likewise */
    const struct organization *organization;    /* NULL before the first */
    const struct certificate_set *certificates; /* the same */
    struct schedule *schedule;
    struct loop_timer due;
    struct message *messages; /* hash by id */
    size_t message_count;
    struct jobs *jobs; /* of logins that block; NULL before the first */
    struct list hops;
    struct list old_hops;
    struct hop *hop_index;    /* hash by key */
    size_t sweep_at;          /* so many hops: those without use go */
    struct list trials;       /* hops that wait for a trial, the longest first */
    size_t trial_count;       /* transmissions that wait at hops which have not greeted yet */
    struct loop_timer parked; /* runs while hops may have messages parked */
    size_t connection_count;  /* of all hops */
    unsigned revival;         /* the administrator's calls to try dead hops again */
    bool is_stopping;
    bool is_aborting;                /* what the spool cannot store now is left as it is */
    void (*on_stopped)(void *owner); /* NULL: not asked to stop, or told */
    void *on_stopped_owner;
    struct loop_timer stopped; /* on_stopped never comes inside a call */
};

/* -- delivery.c -- */

/* A place is free: takes what is due. */
void delivery_pump(struct delivery *delivery);
/* Puts the message into the schedule; a time further away than any delay is a clock's mistake and is cut. */
void delivery_wait(struct delivery *delivery, uint64_t id, int64_t due_wall_ms);
/* The message is out of the works: stored with its new time, or gone. Frees it. */
void delivery_release(struct message *message, bool is_gone);
/* Ends the stopping when nothing is left. */
void delivery_check_stopped(struct delivery *delivery);

/* -- message.c -- */

/* Reads the envelope and sends it on its way. */
void message_begin(struct delivery *delivery, uint64_t id);
/* The same for an envelope that the spool just handed over. */
void message_begin_with(struct delivery *delivery, const struct envelope *envelope);
/* A transmission is over: its outcomes are in the envelope. */
void message_transmission_done(struct message *message);
/* Stores what became of the attempt; bounce_error: the report about the recipients that failed could not be
 * made durable. */
void message_settle(struct message *message, enum error bounce_error);
/* Answers every action that was asked for. */
void message_answer(struct message *message, enum error error);
/* Applies the action as soon as the message is not in the works; takes it. */
void message_act(struct delivery *delivery, uint64_t id, struct action *action);

/* -- outcome.c -- */

/* Registers the counters, so that they are there from the start. */
void outcome_metrics(void);
/* Says and counts what became of each recipient of this attempt. */
void outcome_log(const struct message *message);

/* -- original.c -- */

/* Appends the message's header block without its empty line, filtered for a peer with these rights; host: our
 * name for the mark of the firewall, empty in a report; X-Dirrelay-Hops keeps the number of the Received
 * fields that are taken away (matrix R15). */
MUST_USE enum error original_header(struct message *message, uint32_t rights, struct bytes host,
                                    struct buffer *out);
/* The same with the empty line and, of a small message, the body, by one look into the spool. *out_rest:
 * where in the content stands what is not in it. */
MUST_USE enum error original_content(struct message *message, uint32_t rights, struct bytes host,
                                     struct buffer *out, uint64_t *out_rest);
/* Appends what stands behind the header block's empty line. ERROR_LIMIT: more than the buffer's ceiling. */
MUST_USE enum error original_body(struct message *message, struct buffer *out);

/* -- plan.c -- */

/* Splits the pending recipients over hops; those without a route get their reply at once. */
void plan_transmissions(struct message *message);

/* -- hop.c -- */

/* The hop of the connector and, where the DNS routes, of the domain (else empty), made when there is none
 * yet; NULL without memory. It may go when the loop turns, unless somebody has a claim on it. */
struct hop *hop_find(struct delivery *delivery, const struct send_connector *connector, struct bytes domain);
/* Nothing is tried there for a while. */
bool hop_is_dead(const struct hop *hop);
/* How it is shown: the domain, or the connector's name. */
struct bytes hop_name(const struct hop *hop);
void hop_queue(struct hop *hop, struct transmission *transmission);
/* The same for one that was taken out and goes first. */
void hop_queue_again(struct hop *hop, struct transmission *transmission);
/* The first that waits, taken out; NULL: none. */
struct transmission *hop_take(struct hop *hop);
/* Starts what can be started. */
void hop_pump(struct hop *hop);
/* Remembers why it could not be reached. */
void hop_note(struct hop *hop, struct bytes reply);
/* Its organization is over: waiting transmissions go back to be planned anew. */
void hop_retire(struct hop *hop);
/* It greeted. */
void hop_succeeded(struct hop *hop);
/* An attempt came to nothing: the sessions that stand have to do for a while; without one it is dead for the
 * next delay of its own, and everything that waits is deferred with the reply noted last. */
void hop_failed(struct hop *hop);
/* There is no such hop, for good: everything that waits fails with this reply. */
void hop_refused(struct hop *hop, struct bytes reply);
/* Takes the message that claimed it into the hop's own queue, out of the works; false: there is room. Ends
 * the claim. */
bool hop_park(struct hop *hop, uint64_t id, struct bytes sender);
/* Calls back what is parked at hops that do nothing: what they called back before may have been removed. */
void hop_on_parked(struct loop_timer *timer);
/* Ends a claim. */
void hop_unclaim(struct hop *hop);

/* -- connection.c -- */

/* Opens one more; resolves names and goes through the smart hosts until one greets. */
void hop_connection_open(struct hop *hop);
/* Gives an idle connection of the hop work; false: none is idle. */
bool connection_use_idle(struct hop *hop);
/* Is there a session that works, or will when its message is through? */
bool connection_is_any_working(const struct hop *hop);
void connection_close_idle(struct hop *hop);
/* Gives up those that have not greeted yet: nothing is lost with them. */
void connection_abort_connecting(struct hop *hop);
void connection_abort_all(struct hop *hop);
/* The transmission has its outcomes; takes it. */
void connection_transmission_done(struct transmission *transmission, bool can_reuse);

/* -- security.c -- */

/* What a session with a hop of this connector must come to. domain: whose mail goes there, "" for smart
 * hosts; borrowed by the demand. in_clear: without TLS, since the hop has lost a
 * handshake; asked for only where TLS was not demanded. Facts 10.5, 2.6, 2.7. */
void security_demand(const struct send_connector *connector, const char *domain, bool in_clear,
                     struct smtp_demand *out);
/* Is it told whose a message is, by AUTH on MAIL? Where one of us has proved who he is, and nowhere else: it
 * is nobody's business (RFC 4954 5, facts 6.3). */
bool security_vouches(const struct send_connector *connector);
/* Where its next hop is a domain: may the domain's owner ask for more than the connector does? Not where the
 * administrator says what a certificate must be, or that there shall be no TLS. */
bool security_heeds_domain(const struct send_connector *connector, const struct transport_settings *settings,
                           const char *domain);
/* The exchanger must be what these records say; in TLS in any case. Spec: RFC 7672 2.2. */
void security_demand_dane(const struct dane *dane, struct smtp_demand *demand);
/* In TLS, with a good certificate of the exchanger's name, borrowed with its place. Spec: RFC 8461 4. */
void security_demand_sts(const char *const *exchanger, struct smtp_demand *demand);
/* Mutual TLS: both certificates, and the exchanger's is the domain's. Facts 10.4. */
void security_demand_mutual(const char *domain, struct smtp_demand *demand);
/* What this server shows: behind X-ANONYMOUSTLS its internal certificate (facts 10.2), else the one of the
 * connector's TlsCertificateName, or Fqdn (facts 10.1). It lives as long as the set, which may be NULL.
 * False: there is none. */
bool security_direct_identity(const struct server *server, const struct certificate_set *certificates,
                              struct tls_identity *out);
bool security_own_identity(const struct send_connector *connector, const struct certificate_set *certificates,
                           struct tls_identity *out);
/* Has this server the certificate that the connector names? False: the hop is declared dead for a while. */
bool security_is_ready(struct hop *hop);
/* Whom the hop is when the session is ready: a server by its certificate, if it was proven so; a partner by
 * mutual TLS; an old Exchange server where it logs us in by a ticket (X-EXPS is theirs: table 2); else whom
 * the connector takes it for. */
enum identity security_peer(const struct send_connector *connector, const struct smtp_demand *demand,
                            const struct trusted_server *proven);
/* May a hop that loses handshakes be spoken to in clear? */
bool security_may_fall_back(const struct smtp_demand *demand);
/* The connector's login. The password's file is read here, at each login, so that a new one counts at once.
 * ERROR_IO with a note: it cannot be read, or holds no password. */
MUST_USE enum error security_credential(const struct send_connector *connector, struct auth_credential *out,
                                        struct note *note);

/* Jobs for what blocks in a login. NULL without memory. */
struct jobs *security_jobs(struct delivery *delivery);

/* A secret's file without the line end behind it; name: of its attribute, for the note. ERROR_IO. Blocks; any
 * thread. */
MUST_USE enum error security_read_secret(const char *path, const char *name, char out[AUTH_PASSWORD_MAX + 1],
                                         struct note *note);

/* -- terms.c -- */

struct session_terms {
    struct smtp_demand demand;
    struct smtp_demand wish; /* what a policy that is only tested would ask for */
    const char *policy;      /* of the domain's owner, which the session meets; static; NULL: none */
    bool is_tested;
};
/* Of a session with this target of the hop: what the connector demands, and for a partner's domain mutual
 * TLS, whatever its owner asks for. destination and target are borrowed by it. */
void terms_make(const struct hop *hop, const struct destination *destination,
                const struct exchange_target *target, bool in_clear, struct session_terms *out);

/* -- token.c -- */

/* The hop's logins need no access token, or there is one. Else it is fetched: hop_pump comes again, or the
 * hop fails. */
bool token_is_ready(struct hop *hop);
/* The hop did not take it: the next session asks for another. */
void token_forget(struct hop *hop);
MUST_USE enum error token_credential(const struct hop *hop, struct auth_credential *out, struct note *note);
/* What is asked for is not waited for any more. */
void token_cancel(struct hop *hop);
void token_free(struct hop *hop);

/* -- transmission.c -- */

/* NULL without memory. */
struct transmission *transmission_new(struct message *message, struct hop *hop);
void transmission_add(struct transmission *transmission, size_t recipient);
/* Prepares the header as it may leave to this peer; ERROR_IO or ERROR_TEMPORARY: the message cannot be read.
 */
MUST_USE enum error transmission_start(struct transmission *transmission, enum identity peer);
/* Every recipient of it is deferred with this reply, then it is done. */
void transmission_defer(struct transmission *transmission, struct bytes reply);
/* The same, refused for good. */
void transmission_fail(struct transmission *transmission, struct bytes reply);
void transmission_free(struct transmission *transmission);
/* Sets state and reply of one recipient of the message. */
void recipient_set(struct message *message, size_t recipient, enum smtp_outcome outcome, struct bytes reply);

/* -- bounce.c -- */

/* Makes the reports that are owed after this attempt durable, then settles the message: about the recipients
 * that failed, and once about those that are late. False: none is owed. */
bool bounce_start(struct message *message);

#endif
