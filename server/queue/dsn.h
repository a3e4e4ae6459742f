/* Reports about what became of a message (RFC 3464), with its header block or the whole of it. Pure. */
#ifndef QUEUE_DSN_H
#define QUEUE_DSN_H

#include "queue/envelope.h"

/* What the report says of its recipients (RFC 3464 2.3.3). */
enum dsn_action {
    DSN_FAILED,  /* those in state RECIPIENT_FAILED */
    DSN_RELAYED, /* those in state RECIPIENT_DELIVERED: at a hop that reports no deliveries (RFC 3461 5.2.2)
                  */
    DSN_DELAYED, /* those in state RECIPIENT_PENDING */
    DSN_ACTION_COUNT
};

struct dsn_request {
    enum dsn_action action;
    const struct envelope *envelope; /* of the message that failed */
    struct bytes
        original_header; /* filtered already by the header firewall with no rights; at most 64 KiB go in */
    struct bytes original_body; /* what stands behind the header's empty line, when has_body */
    bool has_body;              /* the whole message goes back; dsn_may_hold said yes */
    const char *server_name;    /* From: MAILER-DAEMON@… */
    const char *reporting_name; /* Reporting-MTA; NULL: the same */
    struct bytes copy_to;       /* gets the report too; empty: nobody */
    uint64_t id;                /* InternalId of the report */
    int64_t wall_ms;
    int64_t retry_until_ms; /* DSN_DELAYED: when it will be given up */
};

/* Can a report hold the body and still pass every hop? Seven bits, no zeros, CRLF line ends, no line over
 * 998. */
bool dsn_may_hold(struct bytes body);
/* Appends the whole report message (multipart/report). Remote reply texts are cleaned (matrix R17).
 * ERROR_LIMIT. */
MUST_USE enum error dsn_append_report(struct buffer *out, const struct dsn_request *request);
/* "5.1.1": what the report says of a recipient with this reply. */
#define DSN_STATUS_SIZE 16
void dsn_status_of(enum dsn_action action, struct bytes reply, char out[DSN_STATUS_SIZE]);
/* Fills the envelope of the report: null reverse-path, to the original sender and copy_to. False: nothing may
 * be sent (the sender is the null path, or the message is a bounce itself). The texts borrow from request and
 * arena.
 */
bool dsn_make_envelope(const struct dsn_request *request, struct arena *arena, struct envelope *out);

#endif
