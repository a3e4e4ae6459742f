/* Who a session is, and whether he still is: rights from the account's token, and asking again at MAIL.
 * Happy path: session_awaits_account, on_renewed, the line of MAIL once more. Failures: the account is gone
 * or disabled (550), the directory does not answer (454), the session ends meanwhile (the answer is
 * dropped). */
#include "smtp_server/session_internal.h"

#include "auth/direct_trust.h"
#include "policy/gateway.h"

#include <stdlib.h>

/* One asking again; outlives its session where that ends first. */
struct renewal {
    struct auth_renewal request;
    struct smtp_session *session; /* NULL: it has ended */
    struct buffer line;           /* MAIL as it was said */
};

/* The account's token, with -24 for an old Exchange server (contract 7). NULL without memory. */
static struct token *make_token(const struct smtp_session *session)
{
    const struct sid *interop = session->organization->legacy_interop;
    struct token *token = session->account->token;
    if (!session->is_exchange_logon || interop == NULL || !token_has(token, interop, NULL)) {
        return token_ref(token);
    }
    return token_with(token, sid_known(SID_LEGACY_SERVERS));
}

/* Who the session is without an account. */
static enum identity fixed_identity(const struct smtp_session *session,
                                    const struct trusted_server **out_server)
{
    const struct receive_connector *connector = session->connector;
    bool is_shown = session->peer != NULL && (connector->auth_mechanism & AUTH_EXCHANGE_SERVER);
    *out_server = is_shown ? direct_trust_find(session->organization, session->peer) : NULL;
    if (*out_server != NULL) {
        return (*out_server)->identity;
    }
    return session->partner_domain != NULL ? IDENTITY_PARTNER : receive_connector_identity(connector);
}

void session_compute_rights(struct smtp_session *session)
{
    const struct trusted_server *server;
    enum identity identity = IDENTITY_ACCOUNT;
    token_unref(session->token);
    session->token = session->account != NULL ? make_token(session) : NULL;
    if (session->account == NULL) {
        identity = fixed_identity(session, &server);
    } else if (session->token == NULL) {
        stream_abort(session->stream); /* without memory there are no rights either */
        identity = IDENTITY_ANONYMOUS;
    }
    session_rights_compute(session->connector, identity, session->token, &session->rights);
    gateway_withhold(&session->service->machine, &stream_remote(session->stream)->address, &session->rights);
    session->rights.partner_domain = identity == IDENTITY_PARTNER ? session->partner_domain : NULL;
}

void session_set_peer(struct smtp_session *session, const struct x509_st *peer)
{
    const struct trusted_server *server;
    struct note name = {0};
    session->peer = direct_trust_keep(peer);
    session_compute_rights(session);
    if (peer == NULL) {
        return; /* it only encrypts */
    }
    fixed_identity(session, &server);
    direct_trust_name(peer, &name);
    session_log_direct_trust(session, server != NULL ? server->name : NULL, name.text);
}

void session_set_account(struct smtp_session *session, const struct account *account, bool is_exchange)
{
    account_unref(session->account);
    session->account = account;
    session->is_exchange_logon = is_exchange;
    session_compute_rights(session);
}

static void refuse(struct smtp_session *session, enum auth_step step, const char *why)
{
    struct decision decision = decision_deny(REASON_SUBMIT_AUTHENTICATED);
    bool is_refused = step == AUTH_STEP_REFUSED;
    enum reply reply = is_refused ? REPLY_SUBMIT_AUTHENTICATED : REPLY_AUTH_UNAVAILABLE;
    session_log_auth_failed(session, "renewal", reply, why, NULL);
    session_refuse(session, reply, is_refused ? &decision : NULL, (struct bytes){0}, (struct bytes){0});
}

static void go_on(struct smtp_session *session, struct renewal *renewal, enum auth_step step)
{
    struct bytes line = buffer_bytes(&renewal->line);
    if (step == AUTH_STEP_DONE) {
        session_set_account(session, renewal->request.account, session->is_exchange_logon);
        session->is_renewed = true;
        session_execute(session, line, false);
        session->is_renewed = false;
    } else {
        session->line = line;
        refuse(session, step, renewal->request.why.text);
        session->line = (struct bytes){0};
    }
}

static void on_renewed(struct auth_renewal *request, enum auth_step step)
{
    struct renewal *renewal = list_entry(request, struct renewal, request);
    struct smtp_session *session = renewal->session;
    if (session != NULL && session->state != SESSION_CLOSING) {
        session->renewal = NULL;
        session_turn_begin(session);
        session->waits &= (uint8_t)~WAIT_RENEWAL;
        go_on(session, renewal, step);
        session_turn_end(session);
    } else {
        account_unref(request->account);
        session_forget_renewal(session);
    }
    account_unref(renewal->request.old);
    buffer_done(&renewal->line);
    free(renewal);
}

void session_forget_renewal(struct smtp_session *session)
{
    if (session != NULL && session->renewal != NULL) {
        session->renewal->session = NULL;
        session->renewal = NULL;
    }
}

bool session_awaits_account(struct smtp_session *session)
{
    struct authenticator *authenticator = session->service->authenticator;
    if (session->account == NULL || session->is_renewed ||
        authenticator->ops->is_current(authenticator, session->account)) {
        return false;
    }
    struct renewal *renewal = calloc(1, sizeof *renewal);
    if (renewal != NULL) {
        buffer_init(&renewal->line, COMMAND_LINE_MAX);
    }
    if (renewal == NULL || buffer_append(&renewal->line, session->line) != OK) {
        free(renewal);
        refuse(session, AUTH_STEP_UNAVAILABLE, "no memory");
        return true;
    }
    renewal->session = session;
    renewal->request.loop = session->service->loop;
    renewal->request.old = account_ref(session->account);
    renewal->request.on_done = on_renewed;
    session->renewal = renewal;
    session->waits |= WAIT_RENEWAL;
    authenticator->ops->renew(authenticator, &renewal->request);
    return true;
}
