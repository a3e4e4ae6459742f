/* The header block of an accepted message: what is checked, taken away and added. Pure. Facts 8.3, 10.10. */
#ifndef SMTP_SERVER_MESSAGE_HEADER_H
#define SMTP_SERVER_MESSAGE_HEADER_H

#include "mail/trace.h"
#include "policy/auth_stamp.h"
#include "smtp_server/reply.h"

/* Longest Message-ID that the reply repeats, with a terminator. */
#define MESSAGE_ID_SIZE 320

struct hop_limits {
    uint32_t all;          /* MaxHopCount */
    uint32_t local;        /* MaxLocalHopCount; 0: none */
    struct bytes names[2]; /* those that this server's own Received fields bear */
};

/* Appends the fields that anything here looks at or takes away, in their order. What is said of a block below
 * is found in these as well; of a large block they are few, and it is walked no more than twice. ERROR_LIMIT,
 * ERROR_TEMPORARY. */
MUST_USE enum error message_header_select(struct bytes block, struct buffer *out);

/* REPLY_PARTIAL, REPLY_HOP_COUNT, or REPLY_COUNT: nothing is wrong. Hops are the Received fields as they
 * came, before the header firewall, and those that this server or a sister took away earlier
 * (X-Dirrelay-Hops); local ones those of this server's names. */
enum reply message_header_check(struct bytes block, const struct hop_limits *limits);

/* X-MS-Exchange-Organization-OriginalSize of a session that may send organization headers: what the size
 * limit looks at in place of the measured size (facts 6.4). False: there is none, several, or no number.
 * rights: RIGHT_BITs. */
bool message_header_original_size(struct bytes block, uint32_t rights, uint64_t *out_bytes);

struct message_header_request {
    struct bytes block; /* as it came, without the empty line */
    struct bytes known; /* of it, by message_header_select */
    uint32_t rights;    /* RIGHT_BITs that the header firewall goes by */
    struct trace_received received;
    struct auth_evidence evidence;
};

struct message_header_result {
    char message_id[MESSAGE_ID_SIZE]; /* the message's own when it is fit for a reply, else one made of its id
                                       */
    bool is_internal;                 /* by the stamp it bears now */
};

/* Appends the new block with its empty line: our Received on top; the fields that may stay, untouched;
 * Return-Path gone; Message-ID, Date and OriginalArrivalTime when there is none; the authentication stamp by
 * facts 6.3. Where the firewall takes Received away,
 * X-Dirrelay-Hops keeps their number: a loop of relays ends also without that right (matrix R15).
 * ERROR_LIMIT, ERROR_TEMPORARY. */
MUST_USE enum error message_header_rewrite(const struct message_header_request *request, struct buffer *out,
                                           struct message_header_result *result);

/* What the next hops are told by AUTH on MAIL (RFC 4954 5): "<>" of a message that is not internal, else what
 * the client gave, where its rights let it say so, or nothing. */
struct bytes message_header_auth(bool is_internal, uint32_t rights, struct bytes given);

#endif
