/* Log lines and metrics of a session. Contract 6. */
#include "smtp_server/session_internal.h"

#include "base/event.h"
#include "base/metric.h"
#include "policy/gateway.h"

#include <pthread.h>
#include <stdio.h>

#define RECIPIENTS_LOGGED_MAX 16
#define DIRECT_TRUST          "X-ANONYMOUSTLS"
#define MUTUAL_TLS            "MutualTLS"

static struct {
    struct metric *sessions;
    struct metric *sessions_total;
    struct metric *refusals;
    struct metric *reported;
    struct metric *withheld;
    struct metric *accepted;
    struct metric *accept_seconds;
    struct metric *access_checks;
    struct metric *handshakes;
    struct metric *logins;
} metrics;

static void register_metrics(void)
{
    metrics.sessions = metric_register(METRIC_GAUGE, "dirrelay_sessions", "SMTP sessions open now", NULL);
    metrics.sessions_total =
        metric_register(METRIC_COUNTER, "dirrelay_sessions_total", "SMTP connections accepted", NULL);
    metrics.refusals = metric_register(METRIC_COUNTER, "dirrelay_refusals_total",
                                       "Refused sessions and commands", "connector right reply");
    metrics.reported = metric_register(METRIC_COUNTER, "dirrelay_report_only_total",
                                       "What dirrelayReportOnly let through", "connector right reply");
    metrics.withheld = metric_register(
        METRIC_COUNTER, "dirrelay_gateway_sessions_total",
        "Sessions from a gateway's address, from which the relay right was withheld", "connector");
    metrics.accepted = metric_register(METRIC_COUNTER, "dirrelay_messages_accepted_total",
                                       "Messages answered with 250 after the final dot", NULL);
    metrics.accept_seconds = metric_register(METRIC_HISTOGRAM, "dirrelay_accept_seconds",
                                             "Time from the final dot to its 250", NULL);
    metrics.handshakes = metric_register(METRIC_COUNTER, "dirrelay_tls_handshakes_total",
                                         "TLS handshakes of clients", "result");
    metrics.logins =
        metric_register(METRIC_COUNTER, "dirrelay_auth_total", "Ends of AUTH and X-EXPS", "mechanism result");
    metrics.access_checks = metric_register(METRIC_COUNTER, "dirrelay_access_checks_total",
                                            "Decisions taken over a session's rights", NULL);
}

void session_log_metrics(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_metrics);
}

void session_count_access_check(void)
{
    metric_add(metrics.access_checks, 1);
}

static void begin(struct event *event, const struct smtp_session *session, enum event_level level,
                  const char *name)
{
    event_begin(event, level, name);
    event_text(event, "session", session->id);
    event_text(event, "connector", session->connector != NULL ? session->connector->display : NULL);
    event_text(event, "client", session->client);
    event_text(event, "tls", session->tls_version);
    event_text(event, "user", session->account != NULL ? session->account->name : NULL);
}

/* "550 5.7.1", "354", or "none". */
static void format_code(const struct reply_row *row, char out[16])
{
    if (row->code == 0) {
        snprintf(out, 16, "none");
    } else {
        snprintf(out, 16, "%u%s%s", row->code, row->enhanced != NULL ? " " : "",
                 row->enhanced != NULL ? row->enhanced : "");
    }
}

/* The client would have had the relay right, had it an address of its own. */
static void log_gateway(const struct smtp_session *session)
{
    struct event event;
    metric_add_labeled(metrics.withheld, 1, &session->connector->display);
    begin(&event, session, EVENT_WARNING, "gateway.client");
    event_text(&event, "right", right_name(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT));
    event_text(&event, "why", session_rights_why(&session->rights, RIGHT_SMTP_ACCEPT_ANY_RECIPIENT));
    event_text(&event, "mend", GATEWAY_MEND);
    event_end(&event, false);
}

void session_log_open(const struct smtp_session *session)
{
    struct event event;
    char local[IP_ENDPOINT_TEXT_SIZE];
    metric_add(metrics.sessions_total, 1);
    metric_add(metrics.sessions, 1);
    begin(&event, session, EVENT_INFO, "session.open");
    event_text(&event, "local", ip_format_endpoint(stream_local(session->stream), local));
    event_text(&event, "identity", identity_name(session->rights.identity));
    event_end(&event, false);
    if (gateway_has_withheld(&session->rights)) {
        log_gateway(session);
    }
}

void session_log_close(const struct smtp_session *session, enum error why)
{
    struct event event;
    metric_add(metrics.sessions, -1);
    begin(&event, session, EVENT_INFO, "session.close");
    event_text(&event, "cipher", session->tls_cipher);
    event_text(&event, "helo", session->helo);
    event_text(&event, "why", why == OK ? "client" : why == ERROR_CANCELED ? "server" : error_name(why));
    event_text(&event, "state", session_state_row((enum session_state)session->state)->name);
    if (session->ending != REPLY_COUNT) {
        char code[16];
        format_code(reply_row((enum reply)session->ending), code);
        event_text(&event, "reply", code);
        event_text(&event, "reason", reply_row((enum reply)session->ending)->reason);
    }
    event_number(&event, "messages", session->accepted_messages);
    event_number(&event, "milliseconds",
                 (int64_t)(clock_monotonic_ms(session->service->clock) - session->opened_ms));
    event_end(&event, false);
}

void session_log_tls(const struct smtp_session *session, const struct tls_result *result)
{
    const char *outcome = result->error != OK ? "failed" : result->is_resumed ? "resumed" : "full";
    struct event event;
    metric_add_labeled(metrics.handshakes, 1, &outcome);
    if (result->error == OK) {
        begin(&event, session, EVENT_INFO, "session.tls");
        event_text(&event, "cipher", session->tls_cipher);
        event_flag(&event, "resumed", result->is_resumed);
    } else {
        begin(&event, session, EVENT_WARNING, "tls.failed");
        event_text(&event, "why", result->why);
    }
    event_end(&event, false);
}

static void count_login(const char *mechanism, const char *result)
{
    const char *values[] = {mechanism, result};
    metric_add_labeled(metrics.logins, 1, values);
}

static void add_rights(struct event *event, const struct smtp_session *session)
{
    const char *granted[RIGHT_COUNT];
    size_t count = 0;
    for (enum right right = 0; right < RIGHT_COUNT; right++) {
        if (session_rights_has(&session->rights, right)) {
            granted[count++] = right_name(right);
        }
    }
    event_texts(event, "rights", granted, count);
}

void session_log_authenticated(const struct smtp_session *session, const char *mechanism)
{
    struct event event;
    count_login(mechanism, "ok");
    begin(&event, session, EVENT_INFO, "auth.ok");
    event_text(&event, "identity", session->account->dn);
    event_text(&event, "mechanism", mechanism);
    event_number(&event, "sids", (int64_t)token_count(session->token));
    add_rights(&event, session);
    event_end(&event, false);
}

static void count_refusal(struct metric *metric, const struct smtp_session *session, const char *right,
                          const char *code)
{
    const char *values[] = {session->connector != NULL ? session->connector->display : "", right, code};
    metric_add_labeled(metric, 1, values);
}

static void add_right(struct event *event, const struct smtp_session *session, enum right right)
{
    event_text(event, "right", right_name(right));
    event_text(event, "ace", session_rights_why(&session->rights, right));
}

static void add_line(struct event *event, const struct smtp_session *session, struct bytes line)
{
    if (line.len > 0) {
        event_bytes(event, "line", session->is_line_secret ? BYTES_LITERAL("(not shown)") : line);
    }
}

void session_log_reported(const struct smtp_session *session, enum right right, enum reply reply)
{
    struct event event;
    char code[16] = "none";
    if (reply != REPLY_COUNT) {
        format_code(reply_row(reply), code);
    }
    count_refusal(metrics.reported, session, right_name(right), code);
    begin(&event, session, EVENT_WARNING, "report.only");
    event_text(&event, "helo", session->helo);
    if (session->transaction != NULL) {
        event_bytes(&event, "sender", address_text(&session->transaction->sender));
    }
    add_line(&event, session, session->line);
    add_right(&event, session, right);
    event_text(&event, "reply", code);
    event_end(&event, false);
}

void session_log_refused(const struct smtp_session *session, const char *event_name, enum reply reply,
                         const struct decision *decision, struct bytes sender, struct bytes recipient,
                         struct bytes line)
{
    const struct reply_row *row = reply_row(reply);
    bool has_right = decision != NULL && decision->has_right;
    struct event event;
    char code[16];
    format_code(row, code);
    count_refusal(metrics.refusals, session, has_right ? right_name(decision->right) : "", code);
    begin(&event, session, EVENT_WARNING, event_name);
    event_text(&event, "helo", session->helo);
    if (sender.ptr != NULL) {
        event_bytes(&event, "sender", sender);
    }
    if (recipient.len > 0) {
        event_bytes(&event, "recipient", recipient);
    }
    add_line(&event, session, line);
    event_text(&event, "reason", decision != NULL ? reason_id(decision->reason) : row->reason);
    if (session->connector != NULL && session->connector->refused != NULL) {
        event_text(&event, "why", session->connector->refused);
    } else if (session->sender_why != NULL) {
        event_text(&event, "why", session->sender_why);
    }
    if (has_right) {
        add_right(&event, session, decision->right);
    }
    event_text(&event, "reply", code);
    event_end(&event, false);
}

void session_log_auth_failed(const struct smtp_session *session, const char *mechanism, enum reply reply,
                             const char *why, const struct decision *decision)
{
    struct event event;
    char code[16];
    format_code(reply_row(reply), code);
    count_login(mechanism, reply_row(reply)->code >= 500 ? "refused" : "unavailable");
    begin(&event, session, EVENT_WARNING, "auth.fail");
    event_text(&event, "mechanism", mechanism);
    event_text(&event, "reason", decision != NULL ? reason_id(decision->reason) : reply_row(reply)->reason);
    event_text(&event, "why", why[0] != '\0' ? why : NULL);
    if (decision != NULL && decision->has_right) {
        add_right(&event, session, decision->right);
    }
    event_text(&event, "reply", code);
    event_end(&event, false);
}

void session_log_direct_trust(const struct smtp_session *session, const char *server, const char *certificate)
{
    struct event event;
    count_login(DIRECT_TRUST, server != NULL ? "ok" : "refused");
    begin(&event, session, server != NULL ? EVENT_INFO : EVENT_WARNING,
          server != NULL ? "auth.ok" : "auth.fail");
    event_text(&event, "mechanism", DIRECT_TRUST);
    event_text(&event, "certificate", certificate);
    if (server != NULL) {
        event_text(&event, "identity", identity_name(session->rights.identity));
        event_text(&event, "server", server);
        event_number(&event, "sids", 1);
        add_rights(&event, session);
    } else {
        event_text(&event, "reason", "unknown-certificate");
    }
    event_end(&event, false);
}

void session_log_partner(const struct smtp_session *session, const char *why_not)
{
    struct event event;
    count_login(MUTUAL_TLS, why_not == NULL ? "ok" : "refused");
    begin(&event, session, why_not == NULL ? EVENT_INFO : EVENT_WARNING,
          why_not == NULL ? "auth.ok" : "auth.fail");
    event_text(&event, "mechanism", MUTUAL_TLS);
    event_text(&event, "domain", session->partner_domain);
    if (why_not == NULL) {
        event_text(&event, "identity", identity_name(session->rights.identity));
        event_number(&event, "sids", 1);
        add_rights(&event, session);
    } else {
        event_text(&event, "why", why_not);
    }
    event_end(&event, false);
}

static void add_content(struct event *event, const struct smtp_session *session)
{
    const struct transaction *transaction = session->transaction;
    event_number(event, "id", (int64_t)transaction->id);
    event_bytes(event, "message_id", transaction->message_id);
    event_bytes(event, "sender", address_text(&transaction->sender));
}

void session_log_filtered(const struct smtp_session *session, const char *filter, enum reply reply,
                          struct bytes said)
{
    struct event event;
    char code[16];
    format_code(reply_row(reply), code);
    count_refusal(metrics.refusals, session, "", code);
    begin(&event, session, EVENT_WARNING, "data.refused");
    add_content(&event, session);
    event_text(&event, "filter", filter);
    if (said.len > 0) {
        event_bytes(&event, "said", said);
    }
    event_text(&event, "reason", reply_row(reply)->reason);
    event_text(&event, "reply", code);
    event_end(&event, false);
}

void session_log_discarded(const struct smtp_session *session, const char *filter)
{
    struct event event;
    begin(&event, session, EVENT_WARNING, "message.discarded");
    add_content(&event, session);
    event_text(&event, "filter", filter);
    event_end(&event, true);
}

void session_log_accepted(const struct smtp_session *session, const struct envelope *envelope,
                          uint64_t took_ms)
{
    struct event event;
    metric_add(metrics.accepted, 1);
    metric_observe(metrics.accept_seconds, (double)took_ms / 1000);
    begin(&event, session, EVENT_INFO, "message.accepted");
    event_number(&event, "id", (int64_t)envelope->id);
    event_bytes(&event, "message_id", envelope->message_id);
    event_text(&event, "helo", session->helo);
    event_bytes(&event, "sender", envelope->sender);
    const char *recipients[RECIPIENTS_LOGGED_MAX];
    size_t count =
        envelope->recipient_count < RECIPIENTS_LOGGED_MAX ? envelope->recipient_count : RECIPIENTS_LOGGED_MAX;
    for (size_t i = 0; i < count; i++) {
        recipients[i] = envelope->recipients[i].address.ptr; /* the arena terminates its copies */
    }
    event_texts(&event, "recipients", recipients, count);
    event_number(&event, "recipient_count", (int64_t)envelope->recipient_count);
    event_number(&event, "size", (int64_t)envelope->size_bytes);
    if (session->transaction != NULL) {
        event_text(&event, "quarantine", session->transaction->quarantine);
    }
    event_text(&event, "reply", "250 2.6.0");
    event_end(&event, true);
}
