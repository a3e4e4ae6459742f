/* A session's way into TLS: STARTTLS, or from the first byte (dirrelayImplicitTls). Happy path:
 * session_find_tls, session_start_tls, on_secured, then as after connecting. Failures: no certificate (554,
 * or silence where nothing may be said unprotected), a handshake that fails or takes too long: closed. */
#include "smtp_server/session_internal.h"

#include "base/event.h"

static struct certificate_wish wish_of(const struct receive_connector *connector)
{
    return (struct certificate_wish){.certificate_name = connector->tls_certificate_name,
                                     .fqdn = connector->fqdn};
}

static struct certificate_wish internal_wish(const struct smtp_session *session)
{
    bool is_wanted =
        (session->connector->auth_mechanism & AUTH_EXCHANGE_SERVER) && session->organization != NULL;
    return (struct certificate_wish){
        .internal = is_wanted ? session->organization->server.internal_certificate : (struct bytes){0}};
}

unsigned session_channel(const struct smtp_session *session)
{
    struct certificate_wish wish = wish_of(session->connector);
    bool may_ask = (session->connector->auth_mechanism & AUTH_TLS) && !session->is_tls;
    bool has_certificate = may_ask && certificate_contexts_has(session->service->certificates, &wish);
    wish = internal_wish(session);
    bool has_internal = wish.internal.len > 0 && !session->is_tls &&
                        certificate_contexts_has(session->service->certificates, &wish);
    return (has_internal ? CHANNEL_INTERNAL_CERTIFICATE : 0u) | (session->is_tls ? CHANNEL_TLS : 0u) |
           (has_certificate ? CHANNEL_CERTIFICATE : 0u) | session_working_mechanisms(session) |
           (session->organization->settings.flags & SETTING_DISABLE_XEXCH50 ? 0u : CHANNEL_XEXCH50);
}

uint32_t session_offer(const struct smtp_session *session)
{
    return offer_of(session->connector, &session->rights, session_channel(session));
}

static bool find_tls(struct smtp_session *session, const struct certificate_wish *wish,
                     struct tls_context **out)
{
    struct note note = {0};
    if (session->service->certificates == NULL ||
        certificate_contexts_find(session->service->certificates, wish, out, &note) != OK) {
        event_say(EVENT_ERROR, "tls.unavailable", "%s: %s", session->connector->display,
                  note.text[0] != '\0' ? note.text : "no certificate for this connector");
        return false;
    }
    return true;
}

bool session_find_tls(struct smtp_session *session, struct tls_context **out)
{
    struct certificate_wish wish = wish_of(session->connector);
    return find_tls(session, &wish, out);
}

bool session_find_internal_tls(struct smtp_session *session, struct tls_context **out)
{
    struct certificate_wish wish = internal_wish(session);
    return find_tls(session, &wish, out);
}

static void on_secured(void *owner, const struct tls_result *result)
{
    struct smtp_session *session = owner;
    if (session->state != SESSION_SECURING) {
        return; /* it is being closed */
    }
    if (result->error != OK) {
        session_log_tls(session, result);
        session_close_silently(session, REPLY_TLS_FAILED);
        return;
    }
    session->is_tls = true;
    session->tls_version = result->version;
    session->tls_cipher = result->cipher;
    session->has_progressed = true;
    session_log_tls(session, result);
    session_protocol_tls(session);
    if (session->is_direct_trust) {
        session_set_peer(session, result->peer);
        session_protocol_rights(session);
    } else {
        session_keep_partner(session, result);
    }
    session_turn_begin(session);
    if (session->connector->implicit_tls) {
        session_enter(session, SESSION_GREETING);
        session_begin_greeting(session);
    } else {
        session_enter(session, SESSION_CONNECTED);
    }
    session_turn_end(session);
}

/* Whatever came in plain is forgotten, the answers it earned and the bytes behind STARTTLS alike (RFC 3207
 * 4.2, matrix F4). A ticket resumes on the connector and behind the
 * verb that gave it. */
void session_start_tls(struct smtp_session *session, struct tls_context *context, bool by_direct_trust)
{
    bool asks_partner = !by_direct_trust && session_asks_partner(session->connector);
    uint8_t scope[17];
    struct tls_server_request request = {.scope = {(const char *)scope, sizeof scope},
                                         .asks_certificate = by_direct_trust || asks_partner,
                                         .is_once = asks_partner,
                                         .on_secured = on_secured};
    guid_encode(&session->connector->id, scope);
    scope[16] = (uint8_t)(by_direct_trust | asks_partner << 1);
    session->is_direct_trust = by_direct_trust;
    session_reset(session);
    if (session->state == SESSION_CLOSING) {
        return;
    }
    session_enter(session, SESSION_SECURING);
    session->has_progressed = true;
    if (stream_start_tls_server(session->stream, context, &request) != OK) {
        session_close_silently(session, REPLY_TLS_UNAVAILABLE);
    }
}
