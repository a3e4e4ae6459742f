/* The life of a session. Happy path: smtp_session_start, greet, turns of on_read, the client closes or QUITs,
 * on_close. Failures: no connector or a limit (421), early talker (554), deadline and lifetime (451, 421), a
 * stream that breaks (on_close). */
#include "smtp_server/session_internal.h"

#include "auth/direct_trust.h"
#include "mail/trace.h"
#include "organization/connector_match.h"
#include "smtp_server/rate.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* What may wait behind a pending verb; more than one read buffer of the loop never comes. */
#define REST_MAX     (1u << 20)
#define BANNER_SIZE  1200
#define HANDSHAKE_MS 60000

static const struct state_row state_rows[SESSION_STATE_COUNT] = {
    [SESSION_GREETING] = {"greeting", STATE_BIT(SESSION_SECURING), INPUT_FORBIDDEN, REPLY_BAD_SEQUENCE},
    [SESSION_SECURING] = {"securing", STATE_BIT(SESSION_GREETING) | STATE_BIT(SESSION_READY), INPUT_FORBIDDEN,
                          REPLY_BAD_SEQUENCE},
    [SESSION_CONNECTED] = {"connected", STATE_BIT(SESSION_GREETING) | STATE_BIT(SESSION_SECURING),
                           INPUT_LINES, REPLY_SEND_HELLO_FIRST},
    [SESSION_READY] = {"ready",
                       STATE_BIT(SESSION_CONNECTED) | STATE_BIT(SESSION_READY) | STATE_BIT(SESSION_LOGIN) |
                           STATE_BIT(SESSION_SENDER) | STATE_BIT(SESSION_RECIPIENTS) |
                           STATE_BIT(SESSION_CONTENT) | STATE_BIT(SESSION_CHUNKS) |
                           STATE_BIT(SESSION_COMMITTING),
                       INPUT_LINES, REPLY_NEED_MAIL},
    [SESSION_LOGIN] = {"login", STATE_BIT(SESSION_READY), INPUT_RESPONSE, REPLY_BAD_SEQUENCE},
    [SESSION_SENDER] = {"sender", STATE_BIT(SESSION_READY), INPUT_LINES, REPLY_NEED_RCPT},
    [SESSION_RECIPIENTS] = {"recipients", STATE_BIT(SESSION_SENDER) | STATE_BIT(SESSION_RECIPIENTS),
                            INPUT_LINES, REPLY_BAD_SEQUENCE},
    [SESSION_CONTENT] = {"content", STATE_BIT(SESSION_RECIPIENTS), INPUT_CONTENT, REPLY_BAD_SEQUENCE},
    [SESSION_CHUNKS] = {"chunks", STATE_BIT(SESSION_RECIPIENTS), INPUT_LINES, REPLY_BAD_SEQUENCE},
    [SESSION_COMMITTING] = {"committing", STATE_BIT(SESSION_CONTENT) | STATE_BIT(SESSION_CHUNKS),
                            INPUT_FORBIDDEN, REPLY_BAD_SEQUENCE},
    [SESSION_CLOSING] = {"closing", STATE_BIT(SESSION_STATE_COUNT) - 1, INPUT_FORBIDDEN, REPLY_BAD_SEQUENCE},
};

const struct state_row *session_state_row(enum session_state state)
{
    return &state_rows[state];
}

void session_enter(struct smtp_session *session, enum session_state state)
{
    assert(session_is_in(session, state_rows[state].reachable_from));
    session->state = (uint8_t)state;
}

/* -- reading and deadlines -- */

static uint64_t inactivity_ms(const struct smtp_session *session)
{
    return (uint64_t)session->connector->inactivity_timeout_s * 1000;
}

/* Handshakes are begun by many and cost us more than them (matrix T9): they get no more than a minute. */
static uint64_t deadline_ms(const struct smtp_session *session)
{
    uint64_t most = inactivity_ms(session);
    return session->state == SESSION_SECURING && most > HANDSHAKE_MS ? HANDSHAKE_MS : most;
}

/* The deadline counts from the last whole record, not from the last byte (matrix R1), and stands still while
 * the client waits for us. */
static void settle_deadline(struct smtp_session *session)
{
    if (session->waits &
        (WAIT_TARPIT | WAIT_COMMIT | WAIT_SPOOL | WAIT_LOGIN | WAIT_RENEWAL | WAIT_FILTER | WAIT_SENDER)) {
        stream_set_deadline(session->stream, 0);
        session->has_progressed = true;
    } else if (session->has_progressed) {
        stream_set_deadline(session->stream, deadline_ms(session));
        session->has_progressed = false;
    }
}

/* Puts what was not taken in front of what arrived meanwhile. */
static void keep_rest(struct smtp_session *session, struct bytes left)
{
    if (left.len == 0) {
        return;
    }
    struct buffer rest;
    buffer_init_secret(&rest, REST_MAX);
    if (buffer_append(&rest, left) != OK || buffer_append(&rest, buffer_bytes(&session->rest)) != OK) {
        stream_abort(session->stream);
    }
    buffer_done(&session->rest);
    session->rest = rest;
}

void session_turn_begin(struct smtp_session *session)
{
    assert(!session->is_busy);
    session->is_busy = true;
}

void session_turn_end(struct smtp_session *session)
{
    while (session->state != SESSION_CLOSING && session->waits == 0 &&
           (session->rest.len > 0 || session_has_whole_content(session))) {
        struct buffer taken = buffer_take(&session->rest);
        size_t used = session_consume(session, buffer_bytes(&taken));
        keep_rest(session, bytes_skip(buffer_bytes(&taken), used));
        buffer_done(&taken);
    }
    session->is_busy = false;
    if (session->state == SESSION_CLOSING) {
        return;
    }
    settle_deadline(session);
    if (session->waits == 0) {
        stream_resume(session->stream);
    } else {
        stream_suspend(session->stream);
    }
}

static void on_read(void *owner, struct bytes data)
{
    struct smtp_session *session = owner;
    if (session->state == SESSION_CLOSING) {
        stream_wipe_input(session->stream);
        return;
    }
    if (session->is_busy || session->waits != 0) {
        stream_wipe_input(session->stream);
        if (buffer_append(&session->rest, data) != OK) {
            stream_abort(session->stream);
        }
        return;
    }
    session_turn_begin(session);
    size_t used = session_consume(session, data);
    if (session->state != SESSION_CLOSING) {
        keep_rest(session, bytes_skip(data, used));
    }
    session_turn_end(session);
}

static void on_drain(void *owner)
{
    struct smtp_session *session = owner;
    if (session->is_busy || session->state == SESSION_CLOSING) {
        return;
    }
    session_turn_begin(session);
    session->waits &= (uint8_t)~WAIT_OUTPUT;
    session_turn_end(session);
}

static void on_deadline(void *owner)
{
    struct smtp_session *session = owner;
    if (session->state != SESSION_CLOSING) {
        session_close(session, REPLY_IDLE_TIMEOUT);
    }
}

static void on_lifetime(struct loop_timer *timer)
{
    struct smtp_session *session = list_entry(timer, struct smtp_session, lifetime);
    if (session->state == SESSION_COMMITTING) {
        session->is_expired = true; /* the message is the spool's: its reply first */
    } else if (session->state != SESSION_CLOSING) {
        session_close(session, REPLY_CONNECTION_TIMEOUT);
    }
}

/* -- beginning -- */

static void greet(struct smtp_session *session)
{
    char banner[BANNER_SIZE];
    char date[TRACE_DATE_SIZE];
    const struct receive_connector *connector = session->connector;
    trace_format_banner_date(clock_wall_ms(session->service->clock), date);
    if (connector->banner != NULL && !command_has_control(bytes_of_text(connector->banner))) {
        snprintf(banner, sizeof banner, "%.1024s\r\n", connector->banner);
    } else {
        snprintf(banner, sizeof banner, "220 %.255s Microsoft ESMTP MAIL Service ready at %s\r\n",
                 connector->fqdn, date);
    }
    session_enter(session, SESSION_CONNECTED);
    session->has_progressed = true;
    session_answer_text(session, bytes_of_text(banner));
}

void session_begin_greeting(struct smtp_session *session)
{
    if (session->service->greet_delay_ms > 0) {
        loop_timer_start(&session->pause, session->service->greet_delay_ms);
    } else {
        greet(session);
    }
}

/* Before the banner: its delay is over. Later: the tarpit lets the reply go. */
static void on_pause(struct loop_timer *timer)
{
    struct smtp_session *session = list_entry(timer, struct smtp_session, pause);
    session_turn_begin(session);
    if (session->state == SESSION_GREETING) {
        greet(session);
    } else if (session->state != SESSION_CLOSING) {
        struct buffer held = buffer_take(&session->held);
        session->waits &= (uint8_t)~WAIT_TARPIT;
        session_write(session, buffer_bytes(&held));
        buffer_done(&held);
    }
    session_turn_end(session);
}

/* The connector of the connection in the service's organization, or NULL: none, or one that does not serve.
 */
static const struct receive_connector *find_connector(const struct smtp_session *session,
                                                      const struct receive_connector **out_match)
{
    const struct organization *organization = session->service->organization;
    *out_match = organization == NULL ? NULL
                                      : connector_match(organization, stream_local(session->stream),
                                                        &stream_remote(session->stream)->address);
    return *out_match != NULL && (*out_match)->refused == NULL ? *out_match : NULL;
}

static void take_connector(struct smtp_session *session, const struct receive_connector *connector)
{
    session->connector = connector;
    session_compute_rights(session);
}

/* REPLY_COUNT: the connection is admitted. Facts 7, order on connect. */
static enum reply admit(struct smtp_session *session)
{
    struct smtp_service *service = session->service;
    if (service->is_draining) {
        return REPLY_SHUTTING_DOWN;
    }
    const struct receive_connector *match;
    const struct receive_connector *connector = find_connector(session, &match);
    if (service->trace != NULL && service->trace->on_match != NULL) {
        service->trace->on_match(service->trace->owner, match);
    }
    session->connector = match;
    if (connector == NULL) {
        return REPLY_SERVICE_UNAVAILABLE;
    }
    take_connector(session, connector);
    if (service->limits == NULL) {
        return REPLY_COUNT;
    }
    switch (connection_limits_enter(service->limits, connector, &stream_remote(session->stream)->address)) {
    case CONNECTION_OVER_CONNECTOR:
        return REPLY_CONNECTION_LIMIT;
    case CONNECTION_OVER_SOURCE:
        return REPLY_SOURCE_LIMIT;
    case CONNECTION_ADMITTED:
        break;
    }
    session->is_counted = true;
    return REPLY_COUNT;
}

void session_match_again(struct smtp_session *session)
{
    struct smtp_service *service = session->service;
    if (session->organization == service->organization || session->state == SESSION_CLOSING) {
        return;
    }
    const struct receive_connector *match;
    const struct receive_connector *connector = find_connector(session, &match);
    session->is_connector_gone = connector == NULL || !guid_equal(&connector->id, &session->connector->id);
    if (session->is_connector_gone) {
        return; /* the old organization stays with the session: its texts are still needed */
    }
    const struct organization *old = session->organization;
    session->organization = organization_ref(service->organization);
    take_connector(session, connector);
    organization_unref(old);
    session->offered = session->is_esmtp ? session_offer(session) : 0;
}

void session_reset(struct smtp_session *session)
{
    session_end_transaction(session);
    direct_trust_drop(session->peer);
    session->peer = NULL;
    session_drop_partner(session);
    session->auth_stamp = STAMP_NONE;
    session_set_account(session, NULL, false);
    buffer_done(&session->partial);
    buffer_done(&session->rest);
    free(session->helo);
    session->helo = NULL;
    session->is_esmtp = false;
    session->offered = 0;
    session->must_answer_first = false;
    session->is_discarding = false;
}

void session_end_transaction(struct smtp_session *session)
{
    transaction_free(session->transaction);
    session->transaction = NULL;
    session_forget_partner(session);
    session->has_refused = false;
    if (session_is_in(session, state_rows[SESSION_READY].reachable_from & ~STATE_BIT(SESSION_CONNECTED))) {
        session_enter(session, SESSION_READY);
    }
    session_match_again(session);
    if (session->state != SESSION_CLOSING && session->service->is_draining) {
        session_close(session, REPLY_SHUTTING_DOWN);
    } else if (session->state != SESSION_CLOSING && session->is_expired) {
        session_close(session, REPLY_CONNECTION_TIMEOUT);
    }
}

/* -- ending -- */

static void on_close(void *owner, enum error why)
{
    struct smtp_session *session = owner;
    struct smtp_service *service = session->service;
    session_protocol_disconnect(session, why);
    if (session->is_open) {
        session_log_close(session, why);
    }
    loop_timer_stop(&session->pause);
    loop_timer_stop(&session->lifetime);
    transaction_free(session->transaction);
    session_drop_login(session);
    session_forget_renewal(session);
    session_forget_sender(session);
    account_unref(session->account);
    token_unref(session->token);
    direct_trust_drop(session->peer);
    session_drop_partner(session);
    free(session->partner_domain);
    if (session->is_counted) {
        connection_limits_leave(service->limits, &session->connector->id,
                                &stream_remote(session->stream)->address);
    }
    organization_unref(session->organization);
    buffer_done(&session->partial);
    buffer_done(&session->rest);
    buffer_done(&session->held);
    list_remove(&session->link);
    service->session_count--;
    if (service->is_draining && service->session_count == 0) {
        loop_timer_start(&service->empty, 0);
    }
    free(session->helo);
    free(session);
}

static const struct stream_events session_events = {
    .on_read = on_read,
    .on_drain = on_drain,
    .on_deadline = on_deadline,
    .on_close = on_close,
};

static struct smtp_session *session_new(struct smtp_service *service, struct stream *stream)
{
    static atomic_uint_fast64_t count;
    struct smtp_session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        return NULL;
    }
    session->service = service;
    session->stream = stream;
    session->state = SESSION_GREETING;
    session->ending = REPLY_COUNT;
    session->opened_ms = clock_monotonic_ms(service->clock);
    session->organization = service->organization != NULL ? organization_ref(service->organization) : NULL;
    buffer_init_secret(&session->partial, AUTH_LINE_MAX);
    buffer_init_secret(&session->rest, REST_MAX);
    buffer_init(&session->held, REPLY_WORDS_SIZE);
    loop_timer_init(&session->pause, service->loop, on_pause);
    loop_timer_init(&session->lifetime, service->loop, on_lifetime);
    uint64_t number =
        ((uint64_t)clock_wall_ms(service->clock) << 20) + (atomic_fetch_add(&count, 1) & 0xfffff);
    snprintf(session->id, sizeof session->id, "%016" PRIX64, number);
    ip_format_endpoint(stream_remote(stream), session->client);
    list_append(&service->sessions, &session->link);
    service->session_count++;
    return session;
}

void smtp_session_start(struct smtp_service *service, struct stream *stream)
{
    struct smtp_session *session = session_new(service, stream);
    if (session == NULL) {
        stream_abort(stream);
        return;
    }
    stream_attach(stream, &session_events, session);
    enum reply refusal = admit(session);
    session_protocol_connect(session);
    bool is_implicit =
        session->connector != NULL && session->connector->implicit_tls && !service->assumes_tls;
    struct tls_context *context = NULL;
    if (refusal == REPLY_COUNT && is_implicit && !session_find_tls(session, &context)) {
        refusal = REPLY_TLS_UNAVAILABLE;
    }
    if (refusal != REPLY_COUNT) {
        session_log_refused(session, "session.refused", refusal, NULL, (struct bytes){0}, (struct bytes){0},
                            (struct bytes){0});
        is_implicit ? session_close_silently(session, refusal) : session_close(session, refusal);
        return;
    }
    session->is_open = true;
    session->is_tls = service->assumes_tls;
    session_log_open(session);
    session_protocol_rights(session);
    if (session->connector->connection_timeout_s != UNLIMITED) {
        loop_timer_start(&session->lifetime, (uint64_t)session->connector->connection_timeout_s * 1000);
    }
    session_turn_begin(session);
    if (is_implicit) {
        session_start_tls(session, context, false);
    } else {
        session_begin_greeting(session);
    }
    session_turn_end(session);
}
