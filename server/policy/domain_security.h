/* Must a domain prove itself by mutual TLS, and has it? Facts 8.3, 8.5, 10.4; contract 7. Pure. */
#ifndef POLICY_DOMAIN_SECURITY_H
#define POLICY_DOMAIN_SECURITY_H

#include "mail/address.h"
#include "policy/decision.h"
#include "policy/session_rights.h"

/* At MAIL, for whoever is nobody else: a sender whose domain stands in TLSReceiveDomainSecureList. */
bool domain_security_asks(const struct organization *organization, const struct session_rights *rights,
                          const struct address *sender);

/* Towards the next hop: does mail for this domain (normal form) leave over this connector by mutual TLS
 * alone?
 */
bool domain_security_sends(const struct send_connector *connector, const struct transport_settings *settings,
                           struct bytes domain);

/* What the client showed in the handshake. */
struct partner_evidence {
    bool has_certificate; /* inside TLS, and it showed one */
    bool is_good;         /* anchor, time, purpose, revocation */
    bool is_its;          /* it holds the sender's domain or a host below it */
};
/* Where it is asked: allowed, the session is a partner for this message; else a refusal, never for good. */
struct decision domain_security_check(const struct receive_connector *connector,
                                      const struct partner_evidence *evidence);

#endif
