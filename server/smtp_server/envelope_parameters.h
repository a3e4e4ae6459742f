/* What MAIL and RCPT say besides the address, as values. Pure. */
#ifndef SMTP_SERVER_ENVELOPE_PARAMETERS_H
#define SMTP_SERVER_ENVELOPE_PARAMETERS_H

#include "queue/envelope.h"
#include "smtp_server/reply.h"

/* The texts borrow from the command. */
struct mail_parameters {
    enum body_type body;
    uint64_t size_bytes; /* UINT64_MAX: more than fits a number */
    struct bytes auth;   /* as it was given, xtext; empty: not */
    bool is_auth_null;   /* it is <>, or names nobody either: it decodes to no address */
    enum dsn_return dsn_return;
    struct bytes envelope_id; /* xtext that decodes to printable text */
    bool is_utf8;             /* SMTPUTF8 */
};

struct recipient_parameters {
    uint8_t notify;        /* enum notify bits */
    struct bytes original; /* ORCPT: a type and xtext that decodes to printable text */
};

/* text: what follows the path; offered: enum offer bits of the session, without which a parameter is unknown.
 * REPLY_COUNT when all of it is fine, else the reply of the first fault. Each parameter may stand once.
 * Facts 8.3, RFC 1870, 3030, 3461, 4954, 6152, 6531. */
enum reply mail_parameters_parse(uint32_t offered, struct bytes text, struct mail_parameters *out);
enum reply recipient_parameters_parse(uint32_t offered, struct bytes text, struct recipient_parameters *out);

#endif
