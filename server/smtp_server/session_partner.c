/* Domain security at MAIL (facts 10.4): a sender's domain that is listed proves itself by the certificate the
 * client showed, and the session is a partner for that message alone. Happy path: session_keep_partner after
 * the handshake, session_proves_partner, session_forget_partner at the end of the transaction. Failures: a
 * refusal for now, whatever is wrong (contract 7). */
#include "auth/peer_certificate.h"
#include "policy/domain_security.h"
#include "smtp_server/session_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define WHY_SIZE 256

bool session_asks_partner(const struct receive_connector *connector)
{
    return (connector->protocol_options & OPTION_DOMAIN_SECURE) != 0;
}

void session_keep_partner(struct smtp_session *session, const struct tls_result *result)
{
    if (session_asks_partner(session->connector)) {
        session->partner = peer_certificate_keep(result);
    }
}

static struct partner_evidence evidence_of(const struct smtp_session *session, char why[WHY_SIZE])
{
    struct partner_evidence evidence = {.has_certificate = session->partner != NULL};
    const char *distrust = session->is_tls ? "no certificate was shown" : "not inside TLS";
    char names[WHY_SIZE / 2];
    if (evidence.has_certificate) {
        evidence.is_good = peer_certificate_is_good(session->partner, session->service->trust, &distrust);
        evidence.is_its = peer_certificate_is_of(session->partner, session->partner_domain);
    }
    if (evidence.is_good && !evidence.is_its) {
        peer_certificate_names(session->partner, names, sizeof names);
        snprintf(why, WHY_SIZE, "the certificate is another domain's: %s", names);
    } else {
        snprintf(why, WHY_SIZE, "%s", distrust);
    }
    return evidence;
}

struct decision session_prove_partner(struct smtp_session *session, const struct address *sender)
{
    char why[WHY_SIZE];
    if (!domain_security_asks(session->organization, &session->rights, sender)) {
        return decision_allow();
    }
    session->partner_domain = bytes_copy_text(address_domain(sender));
    if (session->partner_domain == NULL) {
        return decision_deny(REASON_PARTNER_UNPROVEN);
    }
    struct partner_evidence evidence = evidence_of(session, why);
    struct decision decision = domain_security_check(session->connector, &evidence);
    bool is_proven = decision.verdict == VERDICT_ALLOW;
    if (is_proven) {
        session_compute_rights(session);
    }
    session_log_partner(session, is_proven ? NULL : why);
    if (!is_proven) {
        session_forget_partner(session);
    }
    return decision;
}

void session_forget_partner(struct smtp_session *session)
{
    if (session->partner_domain != NULL) {
        free(session->partner_domain);
        session->partner_domain = NULL;
        session_compute_rights(session);
    }
}
