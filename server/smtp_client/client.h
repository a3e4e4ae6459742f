/* One outbound SMTP session: greets, sends messages one after the other, pipelines where the hop offers it.
 * It knows nothing of queues: a message is an envelope's addresses and a reader of content. */
#ifndef SMTP_CLIENT_CLIENT_H
#define SMTP_CLIENT_CLIENT_H

#include "auth/sasl_client.h"
#include "loop/revocation.h"
#include "smtp_client/demand.h"

struct smtp_client;

/* What the hop said to one recipient or to the message. */
enum smtp_outcome {
    OUTCOME_DELIVERED, /* 2xx after the content */
    OUTCOME_DEFERRED,  /* 4xx, lost connection, timeout, garbage */
    OUTCOME_FAILED,    /* 5xx */
};

/* What the sender asks about one recipient by RFC 3461; empty: nothing. */
struct smtp_dsn_request {
    struct bytes notify;   /* "NEVER", "SUCCESS,DELAY" */
    struct bytes original; /* ORCPT */
};

/* Caller-owned while it is sent; addresses and content source must live until on_done. */
struct smtp_transaction {
    struct bytes sender; /* empty: <> */
    const struct bytes *recipients;
    size_t recipient_count;
    uint64_t size_bytes;      /* of the content; where it goes in a chunk, exactly */
    bool is_8bit;             /* content declared 8BITMIME */
    bool is_binary;           /* content declared BINARYMIME */
    bool is_chunk_only;       /* content that DATA would change: lone CR, LF or NUL, lines over 998 octets */
    bool needs_utf8;          /* the header block needs SMTPUTF8; addresses speak for themselves */
    struct bytes dsn_return;  /* RET, "FULL" or "HDRS"; empty: not said */
    struct bytes envelope_id; /* ENVID; empty: not said */
    struct bytes auth;        /* AUTH: "<>" or xtext; empty: not said, as to a hop that may not have it */
    const struct smtp_dsn_request *dsn_requests; /* by recipient; NULL: nothing is asked */
    bool is_dsn_passed; /* set before the first outcome: the hop offers DSN and was told of all this */
    /* Gives the next run of content, at most size bytes; *out_len 0 at the end. Without dot-stuffing; CRLF
     * line ends, unless it is_binary or is_chunk_only. */
    enum error (*read)(struct smtp_transaction *transaction, char *out, size_t size, size_t *out_len);
    /* The next read begins anew. Content that the hop does not take is read twice: first to learn whether
     * seven bits can hold it (mail/seven_bit.h). If so, size_bytes becomes its new length, and is_8bit,
     * is_binary and is_chunk_only false. */
    void (*rewind)(struct smtp_transaction *transaction);
    /* Each recipient's outcome, then on_done once. reply: the hop's text, cleaned, at most 512 bytes,
     * borrowed. on_recipient must not call the client; on_done may send, quit or abort. */
    void (*on_recipient)(struct smtp_transaction *transaction, size_t index, enum smtp_outcome outcome,
                         struct bytes reply);
    /* can_reuse: the session is good for another transaction. */
    void (*on_done)(struct smtp_transaction *transaction, bool can_reuse);
};

struct smtp_client_config {
    const char *helo_name; /* borrowed for the life of the client; a host name */
    bool force_helo;
    const char *protocol_connector; /* whose rows of the protocol log (Verbose) this session writes, borrowed;
                                       NULL: none */
    const char *hop_name;           /* as it was asked for, borrowed; NULL: by its address */
    struct smtp_demand demand;      /* its texts borrowed */
    struct smtp_demand wish;        /* the same of what is only to be said: security's wish_flaw */
    struct tls_context *const *tls; /* where the loop's context stands whenever one is needed; NULL, or
                                       holding NULL: no TLS can be had */
    struct revocation *revocation;  /* where the demand needs trust; NULL: the context's lists must do */
    const struct tls_identity *identity; /* shown where the hop asks for one, borrowed; NULL: none */
    const struct tls_identity
        *direct_identity; /* the same behind X-ANONYMOUSTLS, which is not used without */
    const char
        *keytab; /* of this server, for logins between Exchange servers (X-EXPS), borrowed; NULL: none */
    struct jobs *jobs; /* that such a login runs on; borrowed */
    uint64_t connect_timeout_ms;
    uint64_t command_timeout_ms; /* waiting for a reply */
    uint64_t data_timeout_ms;    /* waiting for the reply to the content */
};

/* What protects the session. */
struct smtp_client_security {
    const char *tls_version; /* "TLSv1.3"; NULL: in clear. Static, as the next two */
    const char *tls_cipher;
    const char *distrust;  /* why the certificate is not good, as long as the client; NULL: it is */
    const char *mechanism; /* of the login, or "X-ANONYMOUSTLS", static; NULL: none */
    enum certificate_flaw wish_flaw;
    bool is_login_refused;
    bool is_handshake_lost; /* STARTTLS was granted and came to nothing: in clear the hop may be reached */
};

struct smtp_client_events {
    /* Greeted, as safe as it must be, logged in where it must be, and ready for a transaction. */
    void (*on_ready)(void *owner);
    /* Login and password, asked for when they are needed and wiped afterwards; NULL when none are demanded.
     * An error with a note ends the session. */
    enum error (*on_credential)(void *owner, struct auth_credential *out, struct note *note);
    /* Behind X-ANONYMOUSTLS: is this certificate a server's that the owner knows? The hop proved to have its
     * key. NULL without a direct_identity. */
    bool (*on_server)(void *owner, const struct x509_st *certificate);
    /* Exactly once, last: the session is over. reply: the hop's refusal or our own words ("421 4.2.1 Unable
     * to connect", "454 4.7.5 Certificate validation failure: certificate revoked"); is_permanent: 5xx at
     * greeting or EHLO. The client is freed after it returns. A transaction under way has had its on_done. */
    void (*on_closed)(void *owner, bool is_permanent, struct bytes reply);
};

/* Opens a session to the hop, from source (NULL or IP_NONE: any address), on the loop, whose thread calls;
 * gives *out, which frees itself after on_closed. config and events are copied, the texts in config borrowed;
 * owner until on_closed. ERROR_TEMPORARY without memory, else as stream_connect; then no callback comes. */
MUST_USE enum error smtp_client_connect(struct loop *loop, const struct ip_endpoint *hop,
                                        const struct ip_address *source,
                                        const struct smtp_client_config *config,
                                        const struct smtp_client_events *events, void *owner,
                                        struct smtp_client **out);
/* The same over a stream that stands (tests). NULL without memory. */
struct smtp_client *smtp_client_attach(struct stream *stream, const struct smtp_client_config *config,
                                       const struct smtp_client_events *events, void *owner);
/* Greeted, between two transactions, and not ending. */
bool smtp_client_is_ready(const struct smtp_client *client);
/* As it is now; lives as long as the client, in on_closed too. */
const struct smtp_client_security *smtp_client_security(const struct smtp_client *client);
/* Only while smtp_client_is_ready, with at least one recipient. A message that is not for this hop fails at
 * once with a clear reply of ours (obstacle.h). */
void smtp_client_send(struct smtp_client *client, struct smtp_transaction *transaction);
/* QUIT, then on_closed. */
void smtp_client_quit(struct smtp_client *client);
/* Cuts the session: 421 4.3.2 for what is under way, then on_closed. */
void smtp_client_abort(struct smtp_client *client);

#endif
