/* What EHLO may show on a connector, in the order of facts 8.1. */
#ifndef POLICY_OFFER_H
#define POLICY_OFFER_H

#include "base/buffer.h"
#include "policy/session_rights.h"

/* Bits of what is offered; commands and parameters ask the same value, so nothing unoffered works. */
enum offer {
    OFFER_SIZE = 1,
    OFFER_SIZE_VALUE = 2,
    OFFER_PIPELINING = 4,
    OFFER_ENHANCEDSTATUSCODES = 8,
    OFFER_8BITMIME = 16,
    OFFER_STARTTLS = 32,
    OFFER_BINARYMIME = 0x100,
    OFFER_CHUNKING = 0x200,
    OFFER_DSN = 0x400,
    OFFER_SMTPUTF8 = 0x800,
    OFFER_XEXCH50 = 0x1000,
    OFFER_X_ANONYMOUSTLS = 0x400000,
    /* Mechanisms behind AUTH and behind X-EXPS. */
    OFFER_AUTH_GSSAPI = 0x10000,
    OFFER_AUTH_NTLM = 0x20000,
    OFFER_AUTH_LOGIN = 0x40000,
    OFFER_AUTH_PLAIN = 0x80000,
    OFFER_AUTH = OFFER_AUTH_GSSAPI | OFFER_AUTH_NTLM | OFFER_AUTH_LOGIN | OFFER_AUTH_PLAIN, /* any of them */
    OFFER_EXCHANGE_GSSAPI = 0x100000,
    OFFER_EXCHANGE_NTLM = 0x200000,
    OFFER_EXCHANGE = OFFER_EXCHANGE_GSSAPI | OFFER_EXCHANGE_NTLM,
};
/* What the connection is and has, bits. */
enum channel {
    CHANNEL_TLS = 1,                  /* inside TLS */
    CHANNEL_CERTIFICATE = 2,          /* the server has a certificate for the connector */
    CHANNEL_INTERNAL_CERTIFICATE = 4, /* the server has its internal certificate (facts 10.2) */
    /* The mechanisms that work on this server. */
    CHANNEL_GSSAPI = 16,
    CHANNEL_NTLM = 32,
    CHANNEL_LOGIN = 64,
    CHANNEL_PLAIN = 128,
    CHANNEL_XEXCH50 = 256, /* the organization takes EXCH50 data (DisableXexch50 is off) */
};
/* channel: enum channel bits. */
uint32_t offer_of(const struct receive_connector *connector, const struct session_rights *rights,
                  unsigned channel);
/* The mechanisms among it, by AuthMechanism (facts 8.1, contract 7): BasicAuth is LOGIN and PLAIN, with
 * BasicAuthRequireTLS only inside TLS; Integrated is GSSAPI and NTLM; ExchangeServer is X-EXPS GSSAPI and
 * NTLM. None before TLS where RequireTLS is set. */
uint32_t offer_mechanisms(const struct receive_connector *connector, unsigned channel);
/* AuthMechanism has Tls, there is a certificate, and the session is not inside TLS yet (facts 8.1). */
bool offer_has_starttls(const struct receive_connector *connector, unsigned channel);
/* AuthMechanism has ExchangeServer, SuppressXAnonymousTls is off, there is the internal certificate, and the
 * session is not inside TLS yet (facts 8.1, 10.2). */
bool offer_has_x_anonymoustls(const struct receive_connector *connector, unsigned channel);
/* Calls each for every EHLO keyword line after the greeting, "SIZE 37748736", …
 * max_message_bytes: the session's own (policy/limits.h), shown with OFFER_SIZE_VALUE. */
void offer_each(uint64_t max_message_bytes, uint32_t offered, void (*each)(const char *line, void *owner),
                void *owner);

#endif
