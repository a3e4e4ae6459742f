/* Domain security at MAIL (facts 10.4): a sender's domain that is listed proves itself by the certificate the
 * client showed, and the session is a partner for that message alone. Happy path: session_keep_partner after
 * the handshake, session_prove_partner, on_checked where revocation lists had to be fetched, and the line of
 * MAIL once more; session_forget_partner at the end of the transaction. Failures: a refusal for now, whatever
 * is wrong (contract 7); the session ends meanwhile (the answer is dropped). */
#include "auth/peer_certificate.h"
#include "policy/domain_security.h"
#include "smtp_server/session_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define WHY_SIZE (REVOCATION_WHY_SIZE + 64)

/* What the client showed, as long as the session is inside TLS. */
struct partner {
    struct smtp_session *session;
    struct peer_certificate *certificate;
    struct revocation_check check;
    bool is_checked;    /* check holds the answer to the line that is executed */
    struct buffer line; /* MAIL as it was said, while the check is open */
};

bool session_asks_partner(const struct receive_connector *connector)
{
    return (connector->protocol_options & OPTION_DOMAIN_SECURE) != 0;
}

void session_keep_partner(struct smtp_session *session, const struct tls_result *result)
{
    struct peer_certificate *certificate =
        session_asks_partner(session->connector) ? peer_certificate_keep(result) : NULL;
    struct partner *partner = certificate != NULL ? calloc(1, sizeof *partner) : NULL;
    if (partner == NULL) {
        peer_certificate_free(certificate);
        return;
    }
    *partner = (struct partner){.session = session, .certificate = certificate};
    buffer_init(&partner->line, COMMAND_LINE_MAX);
    session->partner = partner;
}

void session_drop_partner(struct smtp_session *session)
{
    struct partner *partner = session->partner;
    if (partner != NULL) {
        revocation_check_cancel(&partner->check);
        peer_certificate_free(partner->certificate);
        buffer_done(&partner->line);
        free(partner);
        session->partner = NULL;
    }
}

bool session_has_checked_partner(const struct smtp_session *session)
{
    return session->partner != NULL && session->partner->is_checked;
}

static void on_checked(struct revocation_check *check)
{
    struct partner *partner = list_entry(check, struct partner, check);
    struct smtp_session *session = partner->session;
    if (session->state == SESSION_CLOSING) {
        return;
    }
    session_turn_begin(session);
    session->waits &= (uint8_t)~WAIT_SENDER;
    partner->is_checked = true;
    session_execute(session, buffer_bytes(&partner->line), false);
    partner->is_checked = false;
    buffer_done(&partner->line);
    session_turn_end(session);
}

/* A service fetches for its own sessions alone: its loop is theirs. */
static struct revocation *revocation_of(struct smtp_service *service)
{
    if (service->fetches_lists && service->revocation == NULL) {
        service->revocation = revocation_new(service->loop, service->clock);
    }
    return service->revocation;
}

/* False: the line is executed again when the answer is there. */
static bool check_partner(struct smtp_session *session)
{
    struct smtp_service *service = session->service;
    struct partner *partner = session->partner;
    struct revocation *revocation = revocation_of(service);
    partner->check.on_done = on_checked;
    if ((service->fetches_lists && revocation == NULL) ||
        buffer_append(&partner->line, session->line) != OK) {
        snprintf(partner->check.distrust, sizeof partner->check.distrust, "no memory");
        return true;
    }
    bool is_answered =
        peer_certificate_check(partner->certificate, service->trust, revocation, &partner->check);
    if (is_answered) {
        buffer_done(&partner->line);
    } else {
        session->waits |= WAIT_SENDER;
    }
    return is_answered;
}

static struct partner_evidence evidence_of(const struct smtp_session *session, char why[WHY_SIZE])
{
    const struct partner *partner = session->partner;
    char names[WHY_SIZE / 2];
    if (partner == NULL) {
        snprintf(why, WHY_SIZE, session->is_tls ? "no certificate was shown" : "not inside TLS");
        return (struct partner_evidence){0};
    }
    const struct partner_evidence evidence = {
        .has_certificate = true,
        .is_good = partner->check.distrust[0] == '\0',
        .is_its = peer_certificate_is_of(partner->certificate, session->partner_domain)};
    snprintf(why, WHY_SIZE, "%s", partner->check.distrust);
    if (evidence.is_good && !evidence.is_its) {
        peer_certificate_names(partner->certificate, names, sizeof names);
        snprintf(why, WHY_SIZE, "the certificate is another domain's: %s", names);
    }
    return evidence;
}

static struct decision decide(struct smtp_session *session)
{
    char why[WHY_SIZE];
    struct partner_evidence evidence = evidence_of(session, why);
    struct decision decision = domain_security_check(session->connector, &evidence);
    bool is_proven = decision.verdict == VERDICT_ALLOW;
    if (is_proven) {
        session_compute_rights(session);
        session_protocol_rights(session);
    }
    session_log_partner(session, is_proven ? NULL : why);
    if (!is_proven) {
        session_forget_partner(session);
    }
    return decision;
}

struct decision session_prove_partner(struct smtp_session *session, const struct address *sender)
{
    if (!domain_security_asks(session->organization, &session->rights, sender)) {
        return decision_allow();
    }
    if (session->partner != NULL && !session->partner->is_checked && !check_partner(session)) {
        return decision_need();
    }
    session->partner_domain = bytes_copy_text(address_domain(sender));
    return session->partner_domain != NULL ? decide(session) : decision_deny(REASON_PARTNER_UNPROVEN);
}

void session_forget_partner(struct smtp_session *session)
{
    if (session->partner_domain != NULL) {
        free(session->partner_domain);
        session->partner_domain = NULL;
        session_compute_rights(session);
    }
}
