/* TLS under the stream face: a live stream is raised to TLS and its owner goes on with the same callbacks.
 * OpenSSL 3; TLS 1.2 and 1.3 with modern ciphers, older ones by an explicit profile. No renegotiation, no
 * compression, no early data. */
#ifndef LOOP_TLS_H
#define LOOP_TLS_H

#include "loop/dane.h"
#include "loop/stream.h"

struct x509_st;       /* OpenSSL's X509 */
struct evp_pkey_st;   /* its EVP_PKEY */
struct stack_st_X509; /* its STACK_OF(X509) */
struct ssl_ctx_st;    /* its SSL_CTX */

enum tls_profile {
    TLS_PROFILE_MODERN, /* TLS 1.2 and 1.3, forward secrecy and authenticated encryption only */
    TLS_PROFILE_LEGACY, /* TLS 1.0 and 1.1 as well, and the ciphers of their time */
};

/* The keys that tickets of session resumption are sealed with. Shared by all loops; a ticket that one loop
 * gave resumes on every other. A new key every 12 h, the one before it still opens tickets: each ticket
 * resumes for at least 12 h. */
struct tls_ticket_keys;
/* NULL without memory or random numbers. clock is borrowed. */
struct tls_ticket_keys *tls_ticket_keys_new(const struct clock *clock);
/* After every context that was made with them. NULL is a no-op. */
void tls_ticket_keys_free(struct tls_ticket_keys *keys);

/* One certificate on one loop: what all of its handshakes share. Not to be used by two threads at a time. */
struct tls_context;
struct tls_server_config {
    struct x509_st *certificate;
    struct evp_pkey_st *key;
    struct stack_st_X509 *chain; /* the certificates between it and the root; may be NULL */
    enum tls_profile profile;
    struct tls_ticket_keys *ticket_keys; /* kept, not owned */
};
/* Counts up certificate, key and chain. ERROR_SYNTAX with a note: key and certificate do not go together, or
 * the profile does not allow them (a key that is too small); ERROR_TEMPORARY: no memory. */
MUST_USE enum error tls_context_new_server(const struct tls_server_config *config, struct tls_context **out,
                                           struct note *note);
/* What is asked of the servers that this machine connects to. */
struct tls_client_config {
    enum tls_profile profile;
    const char *ca_file;  /* PEM, the anchors; NULL: the system's store */
    const char *crl_file; /* PEM, the revocation lists; NULL: revocation is not checked */
};
/* With crl_file every certificate of a chain must be covered by a list in it that is in force. A file that
 * cannot be read, is no PEM or too large (64 MiB) is named in *note, and the context is made all the same:
 * without what it should hold no server's certificate is good. ERROR_TEMPORARY: no memory. Blocks on the
 * disk; any thread. */
MUST_USE enum error tls_context_new_client(const struct tls_client_config *config, struct tls_context **out,
                                           struct note *note);
/* Streams that were raised with it go on. NULL is a no-op. */
void tls_context_free(struct tls_context *context);

/* What the context holds certificates against: anchors and revocation lists, immutable and counted, for any
 * thread. */
struct ssl_ctx_st *tls_context_trust(const struct tls_context *context); /* a reference */
struct ssl_ctx_st *tls_trust_ref(struct ssl_ctx_st *trust);
void tls_trust_unref(struct ssl_ctx_st *trust); /* NULL is a no-op */
/* Does a client's chain end in an anchor, is it in force, meant for clients and, where lists are given, not
 * revoked? chain may be NULL. *out_distrust: OpenSSL's words, static. Cost: a signature a certificate. */
bool tls_trust_is_good_client(struct ssl_ctx_st *trust, struct x509_st *certificate,
                              struct stack_st_X509 *chain, const char **out_distrust);

struct tls_result {
    enum error error; /* OK, or ERROR_PROTOCOL: no common ground, or not TLS at all; the stream closes then */
    const char *why;  /* of a failure, OpenSSL's words; static */
    const char *version; /* "TLSv1.3"; static */
    const char *cipher;  /* "TLS_AES_256_GCM_SHA384"; static */
    bool is_resumed;
    const struct x509_st *peer; /* the other side's certificate, or NULL; borrowed for the call. A client's is
                                   not verified */
    struct stack_st_X509 *peer_chain; /* what a client showed besides, or NULL; borrowed for the call */
    bool is_trusted; /* of a server: its chain ends in an anchor, is in force, meant for servers and, where
                        lists are given, not revoked. Says nothing about its name */
    const char *distrust; /* why not, OpenSSL's words; static */
    bool has_dane;        /* the request's records can be used, and is_trusted says whether the certificate is
                             what they say, whatever else is wrong with it */
    bool is_identity_shown; /* to a server that asked for this side's certificate */
};

struct tls_server_request {
    struct bytes scope;    /* 1 to 32 bytes: a ticket given in one scope does not resume in another, nor with
                              another certificate */
    bool asks_certificate; /* the client may show a certificate; whether it is worth anything is the owner's
                              to say */
    bool is_once;          /* it resumes nowhere: what it shows is seen anew, with its chain, each time */
    /* The handshake ended. Not called when the stream closes before that. */
    void (*on_secured)(void *owner, const struct tls_result *result);
};

/* Raises the stream; the client begins. What was written before leaves unprotected and first; what arrived
 * before and lies with the owner must be thrown away by it. Until on_secured nothing is read, and what is
 * written is dropped; the owner's deadline runs on and must be set. An idle stream keeps no buffer.
 * ERROR_TEMPORARY: no memory, the stream is as it was. Cost: a full handshake 0.2-0.5 ms of the loop's thread
 * by the kind of key. Spec: RFC 8446, RFC 5246, RFC 5077, RFC 7301 (ALPN "smtp"; a client that offers only
 * other protocols is refused). */
MUST_USE enum error stream_start_tls_server(struct stream *stream, struct tls_context *context,
                                            const struct tls_server_request *request);

/* What this side proves itself with. */
struct tls_identity {
    struct x509_st *certificate;
    struct evp_pkey_st *key;
    struct stack_st_X509 *chain; /* between it and the root; may be NULL */
};

struct tls_client_request {
    const char *server_name; /* host name for SNI (RFC 6066), or NULL */
    const struct dane *dane; /* borrowed for the call; NULL: none. Its base is the server_name then */
    const struct tls_identity *identity; /* shown to a server that asks for a certificate, counted up; NULL:
                                            none is shown */
    /* As the server's. A certificate that is not good does not end the handshake: what it must be is the
     * owner's to say. */
    void (*on_secured)(void *owner, const struct tls_result *result);
};

/* Raises the stream; this side begins. Else as stream_start_tls_server. No session is resumed. A system store
 * may be read from the disk during the handshake. */
MUST_USE enum error stream_start_tls_client(struct stream *stream, struct tls_context *context,
                                            const struct tls_client_request *request);
bool stream_is_tls(const struct stream *stream);

#define TLS_END_POINT_MAX 96
/* Names a TLS channel by the certificate of its server: "tls-server-end-point:", then the certificate's hash.
 * Who proves himself inside says it too, so that nobody can hand the proof on from another channel. */
struct tls_end_point {
    char text[TLS_END_POINT_MAX];
    size_t len;
};
/* False: no TLS, or a certificate whose signature has no hash (Ed25519), for which there is no such name.
 * Spec: RFC 5929 4. */
MUST_USE bool tls_certificate_end_point(const struct x509_st *certificate, struct tls_end_point *out);
/* Of this side's certificate: on a server's stream. */
MUST_USE bool stream_tls_end_point(const struct stream *stream, struct tls_end_point *out);

/* Does the certificate hold this host name? Asked are its DNS alternative names alone, not the subject; a
 * wildcard stands for exactly one whole label, the first. A name that begins with a dot: does it hold any
 * name below that domain? Spec: RFC 6125. */
bool tls_certificate_holds(const struct x509_st *certificate, const char *name);
/* Does it hold this domain, or any name below it? */
bool tls_certificate_holds_domain(const struct x509_st *certificate, const char *domain);
/* Its DNS names in one printable line, blank separated, cut where out ends. */
void tls_certificate_names(const struct x509_st *certificate, char *out, size_t size);

#endif
