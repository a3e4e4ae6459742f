/* What the files of a session share. */
#ifndef SMTP_SERVER_SESSION_INTERNAL_H
#define SMTP_SERVER_SESSION_INTERNAL_H

#include "filter/filter_run.h"
#include "policy/auth_stamp.h"
#include "policy/offer.h"
#include "smtp_server/command.h"
#include "smtp_server/session.h"
#include "smtp_server/transaction.h"

enum session_state {
    SESSION_GREETING,   /* the banner is not out yet */
    SESSION_SECURING,   /* the TLS handshake is going on */
    SESSION_CONNECTED,  /* EHLO or HELO is missing */
    SESSION_READY,      /* outside a transaction */
    SESSION_LOGIN,      /* behind AUTH: lines are the mechanism's */
    SESSION_SENDER,     /* behind MAIL */
    SESSION_RECIPIENTS, /* behind the first accepted RCPT */
    SESSION_CONTENT,    /* behind 354 */
    SESSION_CHUNKS,     /* behind the first BDAT, up to the end of the last one */
    SESSION_COMMITTING, /* the spool has the message, the reply is owed */
    SESSION_CLOSING,    /* the last reply is written */
    SESSION_STATE_COUNT
};

/* Octets of an AUTH line with CRLF: an initial response and the mechanism's name. */
#define AUTH_LINE_MAX (AUTH_MESSAGE_MAX / 3 * 4 + 64)

#define STATE_BIT(state) (1u << (state))

/* How the bytes of a state are read. */
enum session_input { INPUT_FORBIDDEN, INPUT_LINES, INPUT_RESPONSE, INPUT_CONTENT };

struct state_row {
    const char *name;
    unsigned reachable_from; /* STATE_BITs */
    enum session_input input;
    enum reply out_of_place; /* what a verb gets that is not legal here */
};
const struct state_row *session_state_row(enum session_state state);

/* Why input is not looked at; bits. The deadline of the client runs only while nothing but its own reading is
 * awaited. */
enum session_wait {
    WAIT_TARPIT = 1,
    WAIT_COMMIT = 2,
    WAIT_SPOOL = 4,
    WAIT_OUTPUT = 8,
    WAIT_LOGIN = 16,
    WAIT_RENEWAL = 32,
    WAIT_FILTER = 64,
    WAIT_SENDER = 128, /* whose address it is, or what its certificate is worth */
};

/* The octets that BDAT or XEXCH50 announced. They come before anything else is read, in whatever state. */
struct chunk {
    uint64_t size;
    uint64_t left;    /* of them, not taken yet */
    bool is_open;     /* announced, and not answered yet */
    bool is_last;     /* of its message */
    enum reply reply; /* they are swallowed, then this is said; REPLY_COUNT: they are the message's */
};

/* One a connection; an idle one owns nothing else (partial, rest and held are empty then, helo is the
 * exception). */
struct smtp_session {
    struct list link;
    struct smtp_service *service;
    struct stream *stream;
    const struct organization
        *organization; /* a reference of its own, so that a transaction ends with what it began */
    const struct receive_connector *connector; /* in organization; NULL when no connector matched */
    struct session_rights rights;
    const struct account *account; /* who proved himself by AUTH, or NULL; a reference */
    const struct x509_st *peer;    /* what the client showed behind X-ANONYMOUSTLS, or NULL; a reference */
    struct partner *partner;       /* what it showed where DomainSecureEnabled asks for it, or NULL */
    char *partner_domain;          /* that it has proved for the message under way, or NULL */
    struct token *token;           /* the account's, with what its logon adds to it; a reference */
    struct login *login;           /* from AUTH to its end */
    struct renewal *renewal;       /* the account is asked for anew at MAIL */
    struct sender_lookup *sender_lookup; /* whose address the sender of MAIL is */
    struct transaction *transaction;     /* from MAIL to the end of the transaction */
    uint64_t opened_ms;
    uint32_t offered; /* enum offer bits of the last EHLO */
    uint32_t protocol_errors;
    uint32_t logon_failures;
    uint32_t idle_commands;
    uint32_t accepted_messages;
    uint32_t protocol_sequence; /* of the next row of the protocol log */
    struct chunk chunk;
    uint64_t record_bytes; /* of content, since the deadline moved */
    uint8_t state;         /* enum session_state; written by session_enter alone */
    uint8_t waits;         /* enum session_wait bits */
    uint8_t auth_stamp;    /* enum auth_stamp_mechanism of an account's logon */
    uint8_t send_as;       /* enum send_as: what the directory said of the sender of this MAIL */
    uint8_t ending;        /* enum reply said last of all; REPLY_COUNT: none */
    bool is_open;          /* greeted or about to be; a refused connection never is */
    bool is_busy;          /* a turn runs: what arrives is kept */
    bool is_counted;       /* in the connection limits */
    bool is_esmtp;
    bool is_tls;
    bool is_exchange_logon; /* the account came by X-EXPS */
    bool is_renewed;        /* the account was asked for just now */
    bool is_direct_trust;   /* TLS began with X-ANONYMOUSTLS */
    bool is_connector_gone; /* 421 at the next MAIL */
    bool is_expired;        /* the connection's time is over; ends with its transaction */
    bool has_refused; /* MAIL or RCPT was refused by policy: pipelined commands behind it are no errors */
    uint16_t consequences;  /* how many of those there were, so that they are no flood either (matrix R2) */
    bool must_answer_first; /* the last verb has to be waited for */
    bool is_line_secret;    /* AUTH, or what came behind it: never logged */
    bool is_discarding;     /* the rest of a bad line, up to its CRLF */
    bool discard_saw_cr;
    bool has_progressed;     /* a record arrived: the deadline moves */
    const char *tls_version; /* "TLSv1.3", or NULL */
    const char *tls_cipher;
    char *helo;                 /* as the client said it, or NULL */
    struct buffer partial;      /* an unfinished command line */
    struct buffer rest;         /* arrived, not yet looked at */
    struct buffer held;         /* a reply that the tarpit holds back */
    struct bytes line;          /* the command being executed, for trace and log; borrowed */
    const char *sender_why;     /* what the directory said of a sender, for the log; borrowed, or NULL */
    struct loop_timer pause;    /* before the banner, and the tarpit */
    struct loop_timer lifetime; /* ConnectionTimeout */
    char id[17];
    char client[IP_ENDPOINT_TEXT_SIZE];
};

/* -- session.c: life -- */

/* The one place that writes the state. */
void session_enter(struct smtp_session *session, enum session_state state);
static inline bool session_is_in(const struct smtp_session *session, unsigned states)
{
    return (STATE_BIT(session->state) & states) != 0;
}
static inline bool session_is_in_transaction(const struct smtp_session *session)
{
    return session->transaction != NULL;
}
/* A turn: everything that happens to a session outside on_read stands between these two. The second looks at
 * what was kept meanwhile and settles reading and deadline. */
void session_turn_begin(struct smtp_session *session);
void session_turn_end(struct smtp_session *session);
/* The banner, at once or after the service's delay. */
void session_begin_greeting(struct smtp_session *session);
/* Back to what it was when the connection was made: connector's rights, no HELO, no transaction. */
void session_reset(struct smtp_session *session);
/* Forgets the transaction; then a drain, the end of the connection's time or a new organization take effect.
 */
void session_end_transaction(struct smtp_session *session);
/* Matches the connection again in the service's organization. Not inside a transaction. */
void session_match_again(struct smtp_session *session);
/* -- session_limits.c -- */

/* The limit for this session's messages; UINT64_MAX: none. */
uint64_t session_max_message_bytes(const struct smtp_session *session);
/* Bypass-Message-Size-Limit lifts the other limits of a message too (contract 7: model 2010). */
bool session_bypasses_counts(const struct smtp_session *session);
/* MessageRateLimit: counts a message in; false: the client has had its share of this minute. */
bool session_takes_message(const struct smtp_session *session);
/* Resources are short, and this sender's mail is among what is refused for it. */
bool session_is_pressed(const struct smtp_session *session, const struct address *sender);

/* -- session_input.c -- */

/* Takes bytes until they are used up or something has to be waited for; returns how many. */
size_t session_consume(struct smtp_session *session, struct bytes data);

/* -- session_reply.c -- */

/* Hands over bytes as they are. */
void session_write(struct smtp_session *session, struct bytes text);
void session_answer(struct smtp_session *session, enum reply reply);
/* A reply that is no row of the catalogue; text with its CRLF. */
void session_answer_text(struct smtp_session *session, struct bytes text);
/* The filter's own words, or the reply's; as slow as any refusal. */
void session_answer_filter(struct smtp_session *session, enum reply reply, struct bytes said);
/* Answers without the tarpit: its time has passed already. */
void session_answer_at_once(struct smtp_session *session, enum reply reply);
/* Answers without the tarpit and closes. */
void session_close(struct smtp_session *session, enum reply reply);
/* The client said more before its turn: logged as this event, answered, closed; nothing of it is kept. */
void session_close_early_talker(struct smtp_session *session, const char *event);
/* Closes without another word; the reply only says why in the log. */
void session_close_silently(struct smtp_session *session, enum reply reply);
/* A syntax or sequence error: counted for MaxProtocolErrors, logged, answered. */
void session_fault(struct smtp_session *session, enum reply reply);
/* A refusal that is no fault of the client's SMTP: logged, counted by right, answered. decision may be NULL.
 * recipient is empty where there is none. */
void session_refuse(struct smtp_session *session, enum reply reply, const struct decision *decision,
                    struct bytes sender, struct bytes recipient);
/* Asks a decision's right, for trace and metrics; true when it allows, or when the want of its right is only
 * reported. */
bool session_allows(struct smtp_session *session, const struct decision *decision, enum right asked);

/* -- session_log.c -- */

void session_log_metrics(void);
void session_log_open(const struct smtp_session *session);
void session_log_close(const struct smtp_session *session, enum error why);
/* refused: the event's name, "mail.refused"; line: the command as it was sent, or empty. */
void session_log_refused(const struct smtp_session *session, const char *event, enum reply reply,
                         const struct decision *decision, struct bytes sender, struct bytes recipient,
                         struct bytes line);
/* A filter refused the content; said: its own words, or empty. */
void session_log_filtered(const struct smtp_session *session, const char *filter, enum reply reply,
                          struct bytes said);
void session_log_discarded(const struct smtp_session *session, const char *filter);
/* dirrelayReportOnly let through what lacks the right; reply: what it would have got, REPLY_COUNT: headers
 * would have been taken away. */
void session_log_reported(const struct smtp_session *session, enum right right, enum reply reply);
void session_log_accepted(const struct smtp_session *session, const struct envelope *envelope,
                          uint64_t took_ms);
/* The end of an AUTH, or of asking again at MAIL. mechanism: its name. */
void session_log_authenticated(const struct smtp_session *session, const char *mechanism);
/* why: more than the reply says, or ""; decision: the right that decided, or NULL. */
void session_log_auth_failed(const struct smtp_session *session, const char *mechanism, enum reply reply,
                             const char *why, const struct decision *decision);
/* Behind X-ANONYMOUSTLS: the server that the client's certificate is known of, or NULL: the session stays
 * anonymous (facts 10.3). certificate: its subject. */
void session_log_direct_trust(const struct smtp_session *session, const char *server,
                              const char *certificate);
/* A listed domain has proved itself, or why not. */
void session_log_partner(const struct smtp_session *session, const char *why_not);
/* The end of a handshake, good or bad. */
void session_log_tls(const struct smtp_session *session, const struct tls_result *result);
void session_count_access_check(void);

/* -- session_protocol.c: nothing happens unless the connector's ProtocolLoggingLevel is Verbose -- */

void session_protocol_connect(struct smtp_session *session);
void session_protocol_disconnect(struct smtp_session *session, enum error why);
/* The rights as they are from here on. */
void session_protocol_rights(struct smtp_session *session);
void session_protocol_tls(struct smtp_session *session);
void session_protocol_tarpit(struct smtp_session *session, uint64_t delay_ms);
/* Whole lines of ours. */
void session_protocol_sent(struct smtp_session *session, struct bytes text);
/* session->line, once. */
void session_protocol_received(struct smtp_session *session, const struct command_line *command);
/* The client's part of a login, of which nothing is shown. */
void session_protocol_response(struct smtp_session *session);

/* -- session_tls.c -- */

/* enum channel bits. */
unsigned session_channel(const struct smtp_session *session);
/* What EHLO may show now, enum offer bits. */
uint32_t session_offer(const struct smtp_session *session);
/* The context of the connector's certificate; false: there is none, and the log says why. */
bool session_find_tls(struct smtp_session *session, struct tls_context **out);
/* The same for the server's internal certificate, which X-ANONYMOUSTLS shows. */
bool session_find_internal_tls(struct smtp_session *session, struct tls_context **out);
/* Raises the stream; state is SESSION_SECURING until the handshake ends. by_direct_trust: the client is asked
 * for a certificate, and the directory says whose it is. */
void session_start_tls(struct smtp_session *session, struct tls_context *context, bool by_direct_trust);

/* -- session_account.c -- */

/* The rights of who the session is now, on its connector. */
void session_compute_rights(struct smtp_session *session);
/* Becomes the account; the reference is the session's from here on. NULL: nobody any more. */
void session_set_account(struct smtp_session *session, const struct account *account, bool is_exchange);
/* Behind X-ANONYMOUSTLS: takes a reference of the client's certificate and is whom the directory knows by it.
 * NULL: none was shown. */
void session_set_peer(struct smtp_session *session, const struct x509_st *peer);
/* At MAIL: the account may have changed since it was read; then it is asked for, and the line is executed
 * again with what became of it. True: wait for that. */
bool session_awaits_account(struct smtp_session *session);
/* The session ends. */
void session_forget_renewal(struct smtp_session *session);

/* -- session_sender.c -- */

/* At MAIL: asks the directory whose address it is; the line is executed again with session->send_as, or
 * refused when the directory does not answer. */
void session_ask_sender(struct smtp_session *session, const struct address *sender);
/* The message is whole: asks the directory for the senders of its header block that are left, one after the
 * other, then filters and commits it, or answers its refusal. */
void session_ask_header_senders(struct smtp_session *session);
/* The header block is complete and its From a bare address of ours: where that is the session's own account,
 * gives its name; else asks the directory for its owner's, and goes on with session_finish_header. False:
 * there is nothing to wait for. */
bool session_awaits_sender_name(struct smtp_session *session, const struct address *sender,
                                struct bytes *out_name);
/* The session ends. */
void session_forget_sender(struct smtp_session *session);

/* -- session_partner.c -- */

/* Is a certificate of the client asked for, so that its domain may prove itself? */
bool session_asks_partner(const struct receive_connector *connector);
/* After the handshake. */
void session_keep_partner(struct smtp_session *session, const struct tls_result *result);
/* TLS begins anew, or the session ends. */
void session_drop_partner(struct smtp_session *session);
/* At MAIL: the session is a partner from here on, where the sender's domain has to prove itself and does; a
 * refusal where it does not; allowed where it need not. VERDICT_NEED: revocation lists are fetched, then the
 * line is executed again. */
struct decision session_prove_partner(struct smtp_session *session, const struct address *sender);
/* It is executed again. */
bool session_has_checked_partner(const struct smtp_session *session);
/* And it is not any more. */
void session_forget_partner(struct smtp_session *session);

/* -- session_login.c -- */

/* CHANNEL_ bits of the mechanisms that work here. */
unsigned session_working_mechanisms(const struct smtp_session *session);
/* The OFFER_ bit of a mechanism behind AUTH or, is_exchange, behind X-EXPS; 0: never there. */
uint32_t session_mechanism_offer(enum sasl_mechanism mechanism, bool is_exchange);
/* auth.failures_per_source: guessing goes on from connection to connection. */
bool session_source_has_failed(const struct smtp_session *session);
/* 421 for that, and closed. */
void session_refuse_source(struct smtp_session *session);
/* initial: in base64, "=" for an empty one, empty for none. */
void session_begin_login(struct smtp_session *session, enum sasl_mechanism mechanism, bool is_exchange,
                         struct bytes initial);
/* Takes bytes of the client's responses; returns how many. */
size_t session_take_response(struct smtp_session *session, struct bytes data);
/* Gives the exchange up, wherever it stands; no login is a no-op. */
void session_drop_login(struct smtp_session *session);

/* -- session_verbs.c -- */

/* Executes one line; has_more: input stands behind it. */
void session_execute(struct smtp_session *session, struct bytes line, bool has_more);
/* RequireTLS is set and there is none. */
bool session_lacks_tls(const struct smtp_session *session);
/* "mail.refused", "rcpt.refused", "data.refused" or "command.refused", by the line. */
const char *session_refused_event(const struct smtp_session *session);

/* -- verb_*.c -- */

void verb_ehlo(struct smtp_session *session, const struct command_line *command);
void verb_helo(struct smtp_session *session, const struct command_line *command);
void verb_mail(struct smtp_session *session, const struct command_line *command);
void verb_rcpt(struct smtp_session *session, const struct command_line *command);
void verb_data(struct smtp_session *session, const struct command_line *command);
void verb_bdat(struct smtp_session *session, const struct command_line *command);
void verb_xexch50(struct smtp_session *session, const struct command_line *command);
void verb_rset(struct smtp_session *session, const struct command_line *command);
void verb_noop(struct smtp_session *session, const struct command_line *command);
void verb_vrfy(struct smtp_session *session, const struct command_line *command);
void verb_help(struct smtp_session *session, const struct command_line *command);
void verb_quit(struct smtp_session *session, const struct command_line *command);
void verb_auth(struct smtp_session *session, const struct command_line *command);
void verb_x_exps(struct smtp_session *session, const struct command_line *command);
void verb_x_anonymoustls(struct smtp_session *session, const struct command_line *command);
void verb_starttls(struct smtp_session *session, const struct command_line *command);
void verb_unimplemented(struct smtp_session *session, const struct command_line *command);
void verb_unknown(struct smtp_session *session, const struct command_line *command);
void verb_foreign(struct smtp_session *session, const struct command_line *command);

/* -- receive_content.c -- */

/* Takes content of the message, after DATA or of a chunk; returns how many bytes. */
size_t session_take_content(struct smtp_session *session, struct bytes data);
/* Content is what comes next. */
bool session_awaits_content(const struct smtp_session *session);
/* The end was seen, of the message or of a chunk, and nothing is waited for any more. */
bool session_has_whole_content(const struct smtp_session *session);
void session_finish_content(struct smtp_session *session);
/* Makes the header of the complete block, From with this name where it lacks one and the name is not empty.
 */
void session_finish_header(struct smtp_session *session, struct bytes sender_name);
/* Would so many more bytes be too many? */
bool session_exceeds_size(const struct smtp_session *session, uint64_t more_bytes);
/* Takes a run of the message itself, without dots. */
void session_take_run(struct smtp_session *session, struct bytes run);
/* All of the message is here: commits it, or answers its refusal. False: the spool has to be waited for, then
 * it is asked again. */
bool session_end_content(struct smtp_session *session);
/* -- receive_chunk.c -- */

size_t session_take_chunk(struct smtp_session *session, struct bytes data);
void session_finish_chunk(struct smtp_session *session);

/* -- receive_commit.c -- */

/* Makes message and envelope durable; the reply follows. */
void session_commit(struct smtp_session *session);
/* 250 for a message that a filter let disappear. */
void session_answer_discarded(struct smtp_session *session);
/* Logs and says why the message was refused. */
void session_answer_refusal(struct smtp_session *session);

/* -- session_filter.c -- */

/* Are there filters for this session's messages? Then header and body are held until all of it is there. */
bool session_is_filtered(const struct smtp_session *session);
/* False: no memory or no disk. block: without the empty line. */
bool session_hold_header(struct smtp_session *session, struct bytes block);
bool session_hold_body(struct smtp_session *session, struct bytes piece);
/* The content is whole: asks the filters, then commits or refuses. */
void session_filter(struct smtp_session *session);

#endif
