/* An AUTH command from its line to its reply: base64 lines in, the authenticator's bytes out. RFC 4954.
 * Happy path: session_begin_login, ask, on_step with challenges and session_take_response between them,
 * succeed. Failures: refused, unavailable or malformed (at a time that tells nothing), `*`, a line that is no
 * base64 or too long, no right to submit here (535), the session ends meanwhile (cancelled). */
#include "smtp_server/session_internal.h"

#include "policy/submit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESPONSE_LINE_MAX (AUTH_MESSAGE_MAX / 3 * 4 + 2) /* base64 with CRLF */
/* A failure is not said before; otherwise its time would tell who exists (design 2, SASL). */
#define FAILURE_MS 250
/* A source with as many logins under way as it may fail is looked at again, and told to come back in the end.
 */
#define CROWD_MS      20
#define CROWD_MOST_MS 10000

struct login {
    struct auth_exchange exchange;
    struct smtp_session *session;
    bool is_started;
    bool is_entered;        /* among the source's logins that are under way */
    bool is_crowded;        /* line holds an input that waits to be among them */
    bool has_input;         /* of that */
    bool is_over;           /* the final step has come, or it was cancelled */
    bool is_success_owed;   /* the mechanism's last words are out; the client answers with an empty line */
    struct buffer line;     /* an unfinished response */
    uint64_t asked_ms;      /* when the client's part of the step was there */
    struct loop_timer due;  /* a failure's time, or to ask again whether there is room */
    enum auth_step outcome; /* of a failure */
    const struct account *account; /* of the success owed; a reference */
};

static const struct {
    enum channel works;
    uint32_t offer;                  /* behind AUTH */
    uint32_t exchange_offer;         /* behind X-EXPS */
    enum auth_stamp_mechanism stamp; /* outside TLS and behind AUTH */
    const char *invitation; /* where the client begins and did not: 334 with this; NULL: the server begins */
} mechanism_rows[SASL_MECHANISM_COUNT] = {
    [SASL_PLAIN] = {CHANNEL_PLAIN, OFFER_AUTH_PLAIN, 0, STAMP_LOGIN, ""},
    [SASL_LOGIN] = {CHANNEL_LOGIN, OFFER_AUTH_LOGIN, 0, STAMP_LOGIN, NULL},
    [SASL_GSSAPI] = {CHANNEL_GSSAPI, OFFER_AUTH_GSSAPI, OFFER_EXCHANGE_GSSAPI, STAMP_GSSAPI, ""},
    [SASL_NTLM] = {CHANNEL_NTLM, OFFER_AUTH_NTLM, OFFER_EXCHANGE_NTLM, STAMP_NTLM, "NTLM supported"},
};

/* What a final step other than success says. */
static const struct {
    enum reply reply;
    bool is_failure; /* counts for MaxLogonFailures */
} outcome_rows[] = {
    [AUTH_STEP_REFUSED] = {REPLY_AUTH_FAILED, true},
    [AUTH_STEP_UNAVAILABLE] = {REPLY_AUTH_UNAVAILABLE, false},
    [AUTH_STEP_MALFORMED] = {REPLY_AUTH_MALFORMED, true},
};

unsigned session_working_mechanisms(const struct smtp_session *session)
{
    const struct authenticator *authenticator = session->service->authenticator;
    uint32_t working = authenticator != NULL ? authenticator->ops->mechanisms(authenticator) : 0;
    unsigned channel = 0;
    for (int i = 0; i < SASL_MECHANISM_COUNT; i++) {
        channel |= working & SASL_BIT(i) ? mechanism_rows[i].works : 0u;
    }
    return channel;
}

uint32_t session_mechanism_offer(enum sasl_mechanism mechanism, bool is_exchange)
{
    return is_exchange ? mechanism_rows[mechanism].exchange_offer : mechanism_rows[mechanism].offer;
}

/* -- ends -- */

bool session_source_has_failed(const struct smtp_session *session)
{
    struct failure_counts *failures = session->service->failures;
    return failures != NULL && failure_counts_is_over(failures, &stream_remote(session->stream)->address);
}

void session_refuse_source(struct smtp_session *session)
{
    session_log_refused(session, "auth.fail", REPLY_SOURCE_FAILURES, NULL, (struct bytes){0},
                        (struct bytes){0}, (struct bytes){0});
    session_close(session, REPLY_SOURCE_FAILURES);
}

/* auth.failures_per_source counts what is under way like failures until it is known to be none. */
static bool enter_source(struct login *login)
{
    struct failure_counts *failures = login->session->service->failures;
    login->is_entered = failures != NULL && failure_counts_enter(failures, &login->exchange.client);
    return failures == NULL || login->is_entered;
}

static void leave_source(struct login *login, bool has_failed)
{
    if (login->is_entered) {
        login->is_entered = false;
        failure_counts_leave(login->session->service->failures, &login->exchange.client, has_failed);
    }
}

void session_drop_login(struct smtp_session *session)
{
    struct login *login = session->login;
    if (login == NULL) {
        return;
    }
    leave_source(login, true); /* the directory counts it, whoever waits for the answer */
    if (login->is_started && !login->is_over) {
        login->exchange.authenticator->ops->cancel(&login->exchange);
    }
    session->login = NULL;
    session->waits &= (uint8_t)~WAIT_LOGIN;
    loop_timer_stop(&login->due);
    account_unref(login->account);
    buffer_done(&login->line);
    free(login);
}

/* Back among the commands. */
static void leave(struct smtp_session *session)
{
    session_drop_login(session);
    session_enter(session, SESSION_READY);
}

static const char *mechanism_of(const struct login *login)
{
    return sasl_mechanism_name(login->exchange.mechanism);
}

/* The client's side of the exchange is at fault. */
static void break_off(struct smtp_session *session, enum reply reply)
{
    session_fault(session, reply);
    session_drop_login(session);
    if (session->state != SESSION_CLOSING) {
        session_enter(session, SESSION_READY);
    }
}

static void say_failure(struct smtp_session *session, enum auth_step outcome)
{
    uint32_t most = session->connector->max_logon_failures;
    leave(session);
    session->logon_failures += outcome_rows[outcome].is_failure;
    if (most != UNLIMITED && session->logon_failures > most) {
        session_close(session, REPLY_TOO_MANY_ERRORS);
    } else {
        session_answer_at_once(session, outcome_rows[outcome].reply);
    }
}

static void hand_over(struct login *login, bool has_input, struct bytes input);

/* The source's other logins have ended meanwhile, well or badly; or not. */
static void ask_again(struct login *login)
{
    struct smtp_session *session = login->session;
    struct buffer input = buffer_take(&login->line);
    login->is_crowded = false;
    session->waits &= (uint8_t)~WAIT_LOGIN;
    if (session_source_has_failed(session)) {
        session_refuse_source(session);
    } else {
        hand_over(login, login->has_input, buffer_bytes(&input));
    }
    buffer_done(&input);
}

static void on_due(struct loop_timer *timer)
{
    struct login *login = list_entry(timer, struct login, due);
    struct smtp_session *session = login->session;
    if (session->state == SESSION_CLOSING) {
        return;
    }
    session_turn_begin(session);
    if (login->is_crowded) {
        ask_again(login);
    } else {
        say_failure(session, login->outcome);
    }
    session_turn_end(session);
}

/* Inside a turn. The log says it now, the client hears it at the time every failure is said. */
static void fail(struct login *login, enum auth_step outcome, const char *why,
                 const struct decision *decision)
{
    struct smtp_session *session = login->session;
    uint64_t tarpit_ms = (uint64_t)session->connector->tarpit_s * 1000;
    uint64_t least_ms = tarpit_ms > FAILURE_MS ? tarpit_ms : FAILURE_MS;
    uint64_t passed_ms = clock_monotonic_ms(session->service->clock) - login->asked_ms;
    session_log_auth_failed(session, mechanism_of(login), outcome_rows[outcome].reply, why, decision);
    if (session->service->has_no_tarpit) {
        say_failure(session, outcome);
        return;
    }
    login->outcome = outcome;
    session->waits |= WAIT_LOGIN;
    loop_timer_start(&login->due, passed_ms < least_ms ? least_ms - passed_ms : 0);
}

/* Facts 6.2. */
static enum auth_stamp_mechanism stamp_of(const struct login *login)
{
    enum auth_stamp_mechanism stamp = mechanism_rows[login->exchange.mechanism].stamp;
    if (stamp == STAMP_LOGIN && login->exchange.is_tls) {
        return STAMP_LOGIN_TLS;
    }
    return stamp == STAMP_GSSAPI && login->exchange.is_exchange ? STAMP_MUTUAL_GSSAPI : stamp;
}

/* Table 9: who may not submit here has not authenticated here. */
static void succeed(struct login *login, const struct account *account)
{
    struct smtp_session *session = login->session;
    session_set_account(session, account, login->exchange.is_exchange);
    struct decision decision = submit_check(&session->rights);
    if (!session_allows(session, &decision, RIGHT_SMTP_SUBMIT)) {
        fail(login, AUTH_STEP_REFUSED, "no right to submit", &decision);
        session_set_account(session, NULL, false);
        return;
    }
    session->auth_stamp = (uint8_t)stamp_of(login);
    session_log_authenticated(session, mechanism_of(login));
    session_protocol_rights(session);
    leave(session);
    session_answer(session, REPLY_AUTHENTICATED);
}

/* -- steps -- */

/* False: no memory. */
static bool say_challenge(struct smtp_session *session, struct bytes challenge)
{
    size_t size = (challenge.len + 2) / 3 * 4;
    char *text = malloc(4 + size + 3);
    if (text == NULL) {
        return false;
    }
    memcpy(text, "334 ", 4);
    bytes_to_base64(challenge, text + 4);
    memcpy(text + 4 + size, "\r\n", 3);
    session_answer_text(session, (struct bytes){text, 4 + size + 2});
    free(text);
    session->must_answer_first = true;
    return true;
}

static void go_on(struct login *login, enum auth_step step)
{
    struct auth_exchange *exchange = &login->exchange;
    switch (step) {
    case AUTH_STEP_CHALLENGE:
        if (!say_challenge(login->session, exchange->output)) {
            stream_abort(login->session->stream);
        }
        return;
    case AUTH_STEP_DONE:
        if (exchange->output.len > 0 && say_challenge(login->session, exchange->output)) {
            login->account = exchange->account;
            login->is_success_owed = true;
        } else {
            succeed(login, exchange->account);
        }
        return;
    case AUTH_STEP_REFUSED:
    case AUTH_STEP_UNAVAILABLE:
    case AUTH_STEP_MALFORMED:
        fail(login, step, exchange->why.text, NULL);
        return;
    }
}

static void on_step(struct auth_exchange *exchange, enum auth_step step)
{
    struct login *login = list_entry(exchange, struct login, exchange);
    struct smtp_session *session = login->session;
    login->is_over = step != AUTH_STEP_CHALLENGE;
    leave_source(login, step == AUTH_STEP_REFUSED || step == AUTH_STEP_MALFORMED);
    if (session->state == SESSION_CLOSING) {
        account_unref(step == AUTH_STEP_DONE ? exchange->account : NULL);
        return;
    }
    session_turn_begin(session);
    session->waits &= (uint8_t)~WAIT_LOGIN;
    go_on(login, step);
    session_turn_end(session);
}

static void wait_for_room(struct login *login, bool has_input, struct bytes input)
{
    uint64_t passed_ms = clock_monotonic_ms(login->session->service->clock) - login->asked_ms;
    login->has_input = has_input;
    login->is_crowded = passed_ms < CROWD_MOST_MS && buffer_append(&login->line, input) == OK;
    if (login->is_crowded) {
        loop_timer_start(&login->due, CROWD_MS);
    } else {
        fail(login, AUTH_STEP_UNAVAILABLE, "too many logins at once from this address", NULL);
    }
}

static void start(struct login *login, bool has_input, struct bytes input)
{
    struct smtp_session *session = login->session;
    struct authenticator *authenticator = session->service->authenticator;
    login->exchange.host = session->connector->fqdn; /* of now: invited clients take their time */
    login->exchange.protection = (enum extended_protection)session->connector->extended_protection;
    if (login->exchange.protection != EXTENDED_PROTECTION_NONE &&
        !stream_tls_end_point(session->stream, &login->exchange.end_point)) {
        login->exchange.end_point.len = 0;
    }
    login->is_started = authenticator->ops->start(authenticator, &login->exchange, has_input, input) == OK;
    if (!login->is_started) {
        session->waits &= (uint8_t)~WAIT_LOGIN;
        leave_source(login, false);
        fail(login, AUTH_STEP_UNAVAILABLE, "no memory", NULL);
    }
}

static void hand_over(struct login *login, bool has_input, struct bytes input)
{
    struct smtp_session *session = login->session;
    const struct authenticator_ops *ops = session->service->authenticator->ops;
    session->waits |= WAIT_LOGIN;
    if (!enter_source(login)) {
        wait_for_room(login, has_input, input);
    } else if (login->is_started) {
        ops->step(&login->exchange, input);
    } else {
        start(login, has_input, input);
    }
}

static void ask(struct login *login, bool has_input, struct bytes input)
{
    login->asked_ms = clock_monotonic_ms(login->session->service->clock);
    hand_over(login, has_input, input);
}

/* -- the client's lines -- */

/* A line without its CRLF, or an initial response. */
static void take_line(struct login *login, struct bytes text)
{
    struct smtp_session *session = login->session;
    char *decoded = malloc(text.len / 4 * 3 + 1);
    size_t length = 0;
    if (decoded == NULL) {
        fail(login, AUTH_STEP_UNAVAILABLE, "no memory", NULL);
    } else if (bytes_equal_text_nocase(text, "*")) {
        break_off(session, REPLY_AUTH_CANCELLED);
    } else if (bytes_from_base64(text, decoded, &length) != OK) {
        break_off(session, REPLY_AUTH_MALFORMED);
    } else if (!login->is_success_owed) {
        ask(login, true, (struct bytes){decoded, length});
    } else if (length > 0) {
        break_off(session, REPLY_AUTH_MALFORMED);
    } else {
        const struct account *account = login->account;
        login->account = NULL;
        succeed(login, account);
    }
    if (decoded != NULL) {
        explicit_bzero(decoded, text.len / 4 * 3 + 1);
        free(decoded);
    }
}

/* Takes the line whose LF stands at data[lf]. What stands behind it came before its answer. */
static void end_line(struct smtp_session *session, struct bytes data, size_t lf)
{
    struct buffer partial = buffer_take(&session->login->line);
    struct bytes line = bytes_first(data, lf + 1);
    if (partial.len > 0) {
        if (buffer_append(&partial, line) != OK) {
            stream_abort(session->stream);
        }
        line = buffer_bytes(&partial);
    }
    session->has_progressed = true;
    session_protocol_response(session);
    if (lf + 1 < data.len) {
        session_close_early_talker(session, session_refused_event(session));
    } else if (line.len < 2 || line.ptr[line.len - 2] != '\r') {
        break_off(session, REPLY_AUTH_MALFORMED);
    } else {
        take_line(session->login, bytes_first(line, line.len - 2));
    }
    buffer_done(&partial);
}

size_t session_take_response(struct smtp_session *session, struct bytes data)
{
    struct buffer *line = &session->login->line;
    size_t room = RESPONSE_LINE_MAX - line->len;
    struct bytes window = bytes_first(data, room);
    size_t lf = bytes_find(window, '\n');
    stream_wipe_input(session->stream);
    if (lf < window.len) {
        end_line(session, data, lf);
        return lf + 1;
    }
    if (window.len == room) {
        session->is_discarding = true;
        session->discard_saw_cr = window.ptr[window.len - 1] == '\r';
        break_off(session, REPLY_AUTH_TOO_LONG);
    } else if (buffer_append(line, window) != OK) {
        stream_abort(session->stream);
    }
    return window.len;
}

static void invite(struct smtp_session *session, const char *invitation)
{
    char text[64];
    int length = snprintf(text, sizeof text, "334 %s\r\n", invitation);
    session_answer_text(session, (struct bytes){text, (size_t)length});
    session->must_answer_first = true;
}

void session_begin_login(struct smtp_session *session, enum sasl_mechanism mechanism, bool is_exchange,
                         struct bytes initial)
{
    struct login *login = calloc(1, sizeof *login);
    if (login == NULL) {
        session_refuse(session, REPLY_AUTH_UNAVAILABLE, NULL, (struct bytes){0}, (struct bytes){0});
        return;
    }
    login->session = session;
    login->exchange = (struct auth_exchange){
        .mechanism = mechanism,
        .loop = session->service->loop,
        .is_tls = session->is_tls,
        .is_exchange = is_exchange,
        .client = stream_remote(session->stream)->address,
        .on_step = on_step,
    };
    buffer_init_secret(&login->line, RESPONSE_LINE_MAX);
    loop_timer_init(&login->due, session->service->loop, on_due);
    session->login = login;
    session_enter(session, SESSION_LOGIN);
    if (bytes_equal_text_nocase(initial, "=")) {
        ask(login, true, (struct bytes){0});
    } else if (initial.len > 0) {
        take_line(login, initial);
    } else if (mechanism_rows[mechanism].invitation != NULL) {
        invite(session, mechanism_rows[mechanism].invitation);
    } else {
        ask(login, false, (struct bytes){0});
    }
}
