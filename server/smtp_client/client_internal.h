/* The session, its protection and its transaction. Private to client.c, security.c and transaction.c. */
#ifndef SMTP_CLIENT_CLIENT_INTERNAL_H
#define SMTP_CLIENT_CLIENT_INTERNAL_H

#include "mail/seven_bit.h"
#include "smtp_client/client.h"
#include "smtp_client/dot_stuffing.h"
#include "smtp_client/reply_parser.h"

#define REPLY_TEXT_MAX        512
#define CLIENT_NOT_CONFORMANT "421 4.4.0 Remote server response was not RFC conformant"

enum client_state {
    CLIENT_CONNECTING,
    CLIENT_GREETING,
    CLIENT_EHLO,
    CLIENT_HELO,
    CLIENT_STARTTLS,
    CLIENT_HANDSHAKE,
    CLIENT_AUTH,
    CLIENT_READY,
    CLIENT_TRANSACTION,
    CLIENT_LEAVING, /* QUIT, because the hop is not what it must be; text says why */
    CLIENT_QUIT,
    CLIENT_OVER, /* closing: nothing is read any more */
};

enum hop_offer {
    HOP_PIPELINING = 1,
    HOP_SIZE = 2,
    HOP_8BITMIME = 4,
    HOP_STARTTLS = 8,
    HOP_SMTPUTF8 = 16,
    HOP_CHUNKING = 32,
    HOP_BINARYMIME = 64,
    HOP_DSN = 128,
    HOP_AUTH = 256,
    HOP_ANONYMOUSTLS = 512,
};

/* What was asked and answered of the transaction under way: command 0 is MAIL, then a RCPT each, then DATA
 * and content, or content in a chunk. */
struct progress {
    struct smtp_transaction *transaction;
    size_t sent;
    size_t answered;
    size_t accepted; /* recipients the hop took */
    bool *is_open;   /* by recipient: no outcome yet */
    bool is_mail_refused;
    bool is_sending;             /* content is on its way */
    bool is_content_sent;        /* the final dot or the chunk's last octet left */
    struct seven_bit *seven_bit; /* it goes out through this; NULL: as it stands */
    struct buffer encoded;       /* what became of the last run */
    struct dot_stuffing stuffing;
    uint64_t chunk_left; /* octets of the chunk that were announced and did not leave yet */
};

struct smtp_client {
    struct stream *stream; /* NULL: closed */
    struct smtp_client_config config;
    struct smtp_client_events events;
    void *owner;
    enum client_state state;
    uint32_t offers;   /* enum hop_offer */
    uint64_t hop_size; /* 0: no limit said */
    struct smtp_client_security security;
    struct revocation_check revocation; /* of the certificate, while the state is CLIENT_HANDSHAKE */
    bool is_starttls_refused;
    bool is_direct_tls;        /* it was X-ANONYMOUSTLS */
    const char *mechanism;     /* the one to log in with, of those the hop offers; NULL: none */
    struct auth_client *login; /* while the state is CLIENT_AUTH; or */
    struct ticket_login *ticket;
    unsigned login_steps;
    bool needs_reset;  /* the hop holds a transaction that came to nothing: RSET goes first */
    bool awaits_reset; /* its reply is owed */
    bool is_permanent; /* how the session ended */
    struct reply_parser parser;
    char text[REPLY_TEXT_MAX]; /* the reply under way, cleaned: "250 2.1.0 ok"; of the last session's end when
                                  over */
    size_t text_len;
    struct progress progress;
    char session[17];           /* of the protocol log */
    uint32_t protocol_sequence; /* of its next row */
    struct loop_timer soon;     /* an answer that must not come before smtp_client_send returned */
    struct buffer output;
};

/* Sends bytes that are in client->output and empties it; false: wait for the drain. Commands go by the second
 * way. */
bool client_flush(struct smtp_client *client);
bool client_flush_commands(struct smtp_client *client);
/* What the session ends with, unless the hop says more. */
void client_set_text(struct smtp_client *client, const char *text);
/* Ends the session with what stands in client->text; nothing more leaves. */
void client_end(struct smtp_client *client);
/* The same with words of ours. */
void client_fail(struct smtp_client *client, const char *reply);
/* The same after QUIT: the hop is healthy, but not what it must be. */
void client_leave(struct smtp_client *client, const char *reply);
/* Says a command and waits for its reply; argument may be NULL. */
void client_command(struct smtp_client *client, enum client_state state, const char *verb,
                    const char *argument);
/* Greets anew, as inside TLS; what was offered before is forgotten. */
void client_hello(struct smtp_client *client);
/* Greeted and protected: the owner may begin. */
void client_become_ready(struct smtp_client *client);
/* Back to ready after a transaction, or closed when it cannot go on. */
void client_idle(struct smtp_client *client);

/* -- client_protocol.c: rows of the protocol log, where config names a connector for them -- */

void client_protocol_open(struct smtp_client *client);
void client_protocol_connect(struct smtp_client *client);
void client_protocol_disconnect(struct smtp_client *client, enum error why);
/* The commands in client->output. */
void client_protocol_sent(struct smtp_client *client);
/* Our part of a login, of which nothing is shown. */
void client_protocol_secret(struct smtp_client *client);
void client_protocol_received(struct smtp_client *client, const struct reply_line *line);

/* -- security.c -- */

/* What stands behind AUTH, or behind X-EXPS, in the answer to EHLO. */
void security_read_mechanisms(struct smtp_client *client, bool is_exchange, struct bytes names);
/* Says a part of a login and waits for the reply: the command (NULL: an answer to a challenge) and the
 * message in base64 (NULL: none). What is written is wiped. */
void security_say_secret(struct smtp_client *client, const char *command, const struct bytes *message);
/* QUIT, because the login comes to nothing; more: why. */
void security_leave_without_login(struct smtp_client *client, const char *more);
/* Greeted: goes on towards what is demanded. */
void security_proceed(struct smtp_client *client);
/* The reply to STARTTLS or X-ANONYMOUSTLS. */
void security_starttls_reply(struct smtp_client *client, uint16_t code);
/* The reply to AUTH or to what followed; text: its last line. */
void security_auth_reply(struct smtp_client *client, uint16_t code, struct bytes text);
void security_done(struct smtp_client *client);

/* -- ticket.c: X-EXPS GSSAPI; client->ticket while it is under way -- */

/* "GSSAPI" where it is among the names and can be used here, else NULL. */
const char *ticket_choose(const struct smtp_client *client, struct bytes names);
void ticket_begin(struct smtp_client *client);
/* ERROR_PROTOCOL: nobody has asked. */
enum error ticket_challenge(struct smtp_client *client, struct bytes challenge);
/* Has the hop proved itself? */
bool ticket_is_complete(const struct smtp_client *client);
/* No login is a no-op. */
void ticket_drop(struct smtp_client *client);

/* -- transaction.c -- */

/* DATA would alter the content: it goes in a chunk. */
bool transaction_needs_chunk(const struct smtp_transaction *transaction);
/* An address or the header block is above ASCII. */
bool transaction_needs_utf8(const struct smtp_transaction *transaction);
void transaction_begin(struct smtp_client *client);
/* The reply to the next command; its text is client->text. */
void transaction_reply(struct smtp_client *client, uint16_t code);
/* The stream has room again. */
void transaction_drained(struct smtp_client *client);
/* The session is lost: every recipient without an outcome is deferred with client->text. */
void transaction_lost(struct smtp_client *client);

#endif
