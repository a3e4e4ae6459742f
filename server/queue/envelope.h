/* What is owed for one message: sender, recipients with their state, and what the protocol said about it. */
#ifndef QUEUE_ENVELOPE_H
#define QUEUE_ENVELOPE_H

#include "base/arena.h"
#include "base/buffer.h"

enum recipient_state {
    RECIPIENT_PENDING,   /* still owed */
    RECIPIENT_DELIVERED, /* the next hop answered 250 */
    RECIPIENT_FAILED,    /* permanently; a bounce is owed or was made */
};

/* NOTIFY of RFC 3461 4.1, bits; none: the sender did not say, which is FAILURE and DELAY to us. */
enum notify { NOTIFY_NEVER = 1, NOTIFY_SUCCESS = 2, NOTIFY_FAILURE = 4, NOTIFY_DELAY = 8, NOTIFY_ALL = 15 };

struct envelope_recipient {
    struct bytes address; /* canonical text (mail/address) */
    enum recipient_state state;
    struct bytes reply; /* the last reply of the next hop or our own reason, "" before the first attempt; at
                           most 512 bytes */
    uint8_t notify;     /* enum notify bits */
    struct bytes original; /* ORCPT as it was given, "rfc822;" and xtext; empty: not given */
};

enum body_type { BODY_7BIT, BODY_8BITMIME, BODY_BINARYMIME };

/* RET of RFC 3461 4.3: how much of the message a report gives back. */
enum dsn_return { RETURN_UNSAID, RETURN_FULL, RETURN_HEADERS };

/* All texts and the recipients live in the arena. Times are wall milliseconds: they survive restarts. */
struct envelope {
    uint64_t id;         /* InternalId; given by the spool */
    struct bytes sender; /* canonical text; empty: the null reverse-path */
    struct envelope_recipient *recipients;
    size_t recipient_count;
    int64_t arrived_ms;
    int64_t next_attempt_ms; /* 0: at once */
    uint32_t attempts;
    bool is_held;      /* by `queue hold` */
    bool is_bounce;    /* made by us: failing, it is never bounced again */
    bool delay_warned; /* the sender was told of the delay */
    enum body_type body;
    bool is_chunk_only; /* holds what DATA cannot carry: a CR, LF or NUL that stands alone, or a line over 998
                           octets; such a message came by BDAT and is never altered to fit a hop */
    bool needs_utf8;    /* SMTPUTF8 was given and the header block makes use of it; addresses speak for
                           themselves */
    enum dsn_return dsn_return;
    struct bytes envelope_id; /* ENVID as it was given, xtext; empty: not given */
    struct bytes auth;     /* what AUTH says on MAIL to a hop that may have it (RFC 4954 5): "<>", whose the
                              message is as it was given, xtext, or empty: nothing */
    uint64_t size_bytes;   /* header block and content as stored */
    uint64_t header_bytes; /* of these, the header block with its empty line */
    struct bytes message_id;
    struct bytes connector; /* "SERVER\name" it came by; empty for our own */
    struct bytes client;    /* "address:port", empty for our own */
    struct bytes hop;       /* next hop of the last attempt, for `queue list` */
};

#define ENVELOPE_BYTES_MAX (64u << 20)

/* Appends the newest binary form with its checksum; replies are cut to 512 bytes. ERROR_SYNTAX: more
 * header than message. ERROR_LIMIT past ENVELOPE_BYTES_MAX or the buffer's ceiling. */
MUST_USE enum error envelope_encode(const struct envelope *envelope, struct buffer *out);
/* The form that is written; a store that holds it says so (spool_store.c). */
#define ENVELOPE_VERSION 3

/* Copies everything into the arena; reads every form that a released version has written. ERROR_SYNTAX: not
 * an envelope of a version we know (the spool then quarantines it). ERROR_LIMIT: the arena is full or the
 * memory short, which says nothing about the envelope.
 */
MUST_USE enum error envelope_decode(struct bytes binary, struct arena *arena, struct envelope *out);
/* A deep copy into the arena. */
MUST_USE enum error envelope_copy(const struct envelope *envelope, struct arena *arena, struct envelope *out);
/* May the sender be told of this event? One bit of NOTIFY_SUCCESS, NOTIFY_FAILURE, NOTIFY_DELAY. */
bool envelope_recipient_wants(const struct envelope_recipient *recipient, enum notify event);
/* No recipient is pending. */
bool envelope_is_finished(const struct envelope *envelope);

#endif
