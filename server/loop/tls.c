/* Happy path: stream_start_tls_server or _client, records in by tls_read, the handshake's last step,
 * on_secured, on_read with plaintext, close_notify of either side. Failures: a handshake or record that is
 * wrong (the alert is sent, the stream finishes with ERROR_PROTOCOL), too much output (ERROR_LIMIT), the peer
 * gone (as in plain).
 *
 * OpenSSL reads from and writes to the stream by a BIO of ours: no record is copied into a buffer of its own
 * but what came in part or while reading was suspended. */
#include "base/buffer.h"
#include "loop/stream_internal.h"
#include "loop/tls_internal.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Two reads of a loop: one that was left over and one that came with the resume. */
#define KEPT_MAX  (4 * LOOP_READ_BUFFER_SIZE)
#define SCOPE_MAX 32

struct tls {
    SSL *ssl;
    void (*on_secured)(void *owner, const struct tls_result *result);
    struct bytes input; /* records not yet taken by OpenSSL, during a read */
    struct buffer kept; /* what of them was left when reading was suspended */
    enum error write_error;
    bool is_secured;
    bool has_dane;
    bool is_broken;   /* nothing may be said any more, not even goodbye */
    bool is_left_off; /* plaintext may wait inside OpenSSL, because reading was suspended */
    bool is_identity_shown;
};

/* -- the BIO: records from tls->input, records to the transport -- */

static int on_bio_read(BIO *bio, char *out, size_t size, size_t *out_taken)
{
    struct tls *tls = ((struct stream *)BIO_get_data(bio))->tls;
    struct bytes piece = bytes_first(tls->input, size);
    BIO_clear_retry_flags(bio);
    *out_taken = piece.len;
    if (piece.len == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(out, piece.ptr, piece.len);
    tls->input = bytes_skip(tls->input, piece.len);
    return 1;
}

static int on_bio_write(BIO *bio, const char *data, size_t size, size_t *out_written)
{
    struct stream *stream = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    stream->tls->write_error = stream->transport->write(stream, (struct bytes){data, size});
    *out_written = stream->tls->write_error == OK ? size : 0;
    return stream->tls->write_error == OK;
}

static long on_bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method;

static void make_bio_method(void)
{
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "dirrelay stream");
    if (bio_method == NULL || BIO_meth_set_read_ex(bio_method, on_bio_read) != 1 ||
        BIO_meth_set_write_ex(bio_method, on_bio_write) != 1 ||
        BIO_meth_set_ctrl(bio_method, on_bio_control) != 1) {
        abort();
    }
}

static bool give_bio(SSL *ssl, struct stream *stream)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_bio_method);
    BIO *bio = BIO_new(bio_method);
    if (bio == NULL) {
        return false;
    }
    BIO_set_data(bio, stream);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio); /* takes it */
    return true;
}

/* -- reading -- */

/* The alert, if any, is written already. */
static void give_up(struct stream *stream)
{
    struct tls *tls = stream->tls;
    enum error why = tls->write_error != OK ? tls->write_error : ERROR_PROTOCOL;
    tls->is_broken = true;
    if (why != ERROR_PROTOCOL) {
        stream_doom(stream, why, 0);
    } else if (stream->state == STREAM_STATE_OPEN) {
        stream_finish(stream, why);
    }
}

static void tell(struct stream *stream, const struct tls_result *result)
{
    if (stream->tls->on_secured != NULL) {
        stream->tls->on_secured(stream->owner, result);
    }
}

static void tell_success(struct stream *stream)
{
    SSL *ssl = stream->tls->ssl;
    X509 *peer = SSL_get1_peer_certificate(ssl);
    long verdict = SSL_get_verify_result(ssl);
    tell(stream, &(struct tls_result){.error = OK,
                                      .version = SSL_get_version(ssl),
                                      .cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)),
                                      .is_resumed = SSL_session_reused(ssl) == 1,
                                      .peer = peer,
                                      .peer_chain = SSL_is_server(ssl) ? SSL_get_peer_cert_chain(ssl) : NULL,
                                      .is_trusted = !SSL_is_server(ssl) && peer && verdict == X509_V_OK,
                                      .distrust = X509_verify_cert_error_string(verdict),
                                      .has_dane = stream->tls->has_dane,
                                      .is_identity_shown = stream->tls->is_identity_shown});
    X509_free(peer);
}

/* One step; true when the handshake is over and went well. */
static bool shake_hands(struct stream *stream)
{
    struct tls *tls = stream->tls;
    ERR_clear_error();
    int code = SSL_do_handshake(tls->ssl);
    if (code == 1) {
        tls->is_secured = true;
        tell_success(stream);
        return true;
    }
    if (SSL_get_error(tls->ssl, code) == SSL_ERROR_WANT_READ) {
        return false;
    }
    const char *why = ERR_reason_error_string(ERR_peek_error());
    tls->is_broken = true;
    tell(stream,
         &(struct tls_result){.error = ERROR_PROTOCOL, .why = why != NULL ? why : "handshake failed"});
    give_up(stream);
    return false;
}

enum plain_end { PLAIN_GOES_ON, PLAIN_WAITS, PLAIN_IS_OVER, PLAIN_IS_BROKEN };

/* Opens records into the loop's buffer, as many as it holds: small records do not cost a call each. */
static enum plain_end open_records(struct stream *stream, size_t *out_len)
{
    SSL *ssl = stream->tls->ssl;
    size_t got;
    *out_len = 0;
    while (*out_len < LOOP_READ_BUFFER_SIZE) {
        ERR_clear_error();
        int code =
            SSL_read_ex(ssl, stream->loop->plain_buffer + *out_len, LOOP_READ_BUFFER_SIZE - *out_len, &got);
        if (code != 1) {
            int error = SSL_get_error(ssl, code);
            return error == SSL_ERROR_WANT_READ     ? PLAIN_WAITS
                   : error == SSL_ERROR_ZERO_RETURN ? PLAIN_IS_OVER
                                                    : PLAIN_IS_BROKEN;
        }
        *out_len += got;
    }
    return PLAIN_GOES_ON;
}

static bool may_read(const struct stream *stream)
{
    return stream->state == STREAM_STATE_OPEN && stream->events != NULL &&
           (!stream->is_suspended || !stream->tls->is_secured);
}

/* Until the input is used up, or the owner suspends or closes. */
static void advance(struct stream *stream)
{
    struct tls *tls = stream->tls;
    tls->is_left_off = false;
    while (may_read(stream)) {
        size_t len;
        if (!tls->is_secured) {
            if (!shake_hands(stream)) {
                return;
            }
            continue;
        }
        enum plain_end end = open_records(stream, &len);
        if (len > 0) {
            stream_hand_over(stream, (struct bytes){stream->loop->plain_buffer, len});
        }
        if (end == PLAIN_IS_BROKEN) {
            give_up(stream);
        } else if (end == PLAIN_IS_OVER && stream->state == STREAM_STATE_OPEN) {
            stream_finish(stream, OK);
        }
        if (end != PLAIN_GOES_ON) {
            return;
        }
    }
    tls->is_left_off = stream->state == STREAM_STATE_OPEN;
}

/* Records that OpenSSL has not taken; only a suspended owner leaves any. */
static void keep_input(struct stream *stream, struct buffer *old)
{
    struct tls *tls = stream->tls;
    buffer_init(&tls->kept, KEPT_MAX);
    if (tls->input.len > 0 && stream->state == STREAM_STATE_OPEN) {
        enum error error = buffer_append(&tls->kept, tls->input);
        if (error != OK) {
            stream_doom(stream, error, 0);
        }
    }
    tls->input = (struct bytes){0};
    buffer_done(old);
}

static void tls_read(struct stream *stream, struct bytes data)
{
    struct tls *tls = stream->tls;
    if (data.len == 0 && tls->kept.len == 0 && !tls->is_left_off) {
        return;
    }
    struct buffer old = tls->kept;
    tls->input = data;
    if (old.len > 0) {
        enum error error = buffer_append(&old, data);
        if (error != OK) {
            stream_doom(stream, error, 0);
            return;
        }
        tls->input = buffer_bytes(&old);
    }
    advance(stream);
    keep_input(stream, &old);
}

/* -- writing and ending -- */

static enum error tls_write(struct stream *stream, struct bytes bytes)
{
    struct tls *tls = stream->tls;
    size_t written;
    if (!tls->is_secured || tls->is_broken || bytes.len == 0) {
        return OK;
    }
    ERR_clear_error();
    if (SSL_write_ex(tls->ssl, bytes.ptr, bytes.len, &written) == 1) {
        return OK;
    }
    tls->is_broken = true;
    return tls->write_error != OK ? tls->write_error : ERROR_PROTOCOL;
}

/* close_notify; the peer's is not waited for (RFC 8446 6.1). */
static void tls_close(struct stream *stream)
{
    struct tls *tls = stream->tls;
    if (tls->is_secured && !tls->is_broken) {
        tls->is_broken = true;
        ERR_clear_error();
        SSL_shutdown(tls->ssl);
    }
}

static void tls_release(struct stream *stream)
{
    struct tls *tls = stream->tls;
    SSL_free(tls->ssl);
    buffer_done(&tls->kept);
    free(tls);
    stream->tls = NULL;
    stream->layer = NULL;
}

static const struct stream_layer tls_layer = {
    .read = tls_read,
    .write = tls_write,
    .close = tls_close,
    .release = tls_release,
};

/* -- starting -- */

/* Whoever shows a certificate is let in: what it is worth is asked elsewhere. */
static int on_verify(int is_good, X509_STORE_CTX *store)
{
    (void)is_good;
    (void)store;
    return 1;
}

static SSL *new_ssl(struct stream *stream, struct tls_context *context)
{
    SSL *ssl = SSL_new(context->ssl);
    if (ssl == NULL || !give_bio(ssl, stream)) {
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

/* A certificate of its own is a scope of its own: who resumes is shown none, and may name the channel by the
 * one that he saw (tls_end_point). */
static bool set_scope(SSL *ssl, const struct tls_context *context, struct bytes scope)
{
    unsigned char text[SCOPE_MAX + TLS_FINGERPRINT_SIZE], digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    scope = bytes_first(scope, SCOPE_MAX);
    memcpy(text, scope.ptr, scope.len);
    memcpy(text + scope.len, context->fingerprint, TLS_FINGERPRINT_SIZE);
    return EVP_Digest(text, scope.len + TLS_FINGERPRINT_SIZE, digest, &len, EVP_sha256(), NULL) == 1 &&
           SSL_set_session_id_context(ssl, digest, len) == 1;
}

static bool prepare_server(SSL *ssl, const struct tls_context *context,
                           const struct tls_server_request *request)
{
    if (request->asks_certificate) {
        SSL_set_verify(ssl, SSL_VERIFY_PEER, on_verify);
    }
    if (request->is_once) {
        SSL_set_options(ssl, SSL_OP_NO_TICKET);
        SSL_set_num_tickets(ssl, 0);
    }
    SSL_set_accept_state(ssl);
    return set_scope(ssl, context, request->scope);
}

static bool prepare_client(SSL *ssl, const struct tls_client_request *request, size_t *out_dane_count)
{
    const struct tls_identity *identity = request->identity;
    SSL_set_connect_state(ssl);
    if (identity != NULL &&
        SSL_use_cert_and_key(ssl, identity->certificate, identity->key, identity->chain, 1) != 1) {
        return false;
    }
    if (request->dane != NULL) {
        return tls_dane_use(ssl, request->dane, out_dane_count);
    }
    return request->server_name == NULL || SSL_set_tlsext_host_name(ssl, request->server_name) == 1;
}

/* The server asks for a certificate; the one to show is set already. */
static int on_identity_asked(SSL *ssl, void *owner)
{
    ((struct tls *)owner)->is_identity_shown = SSL_get_certificate(ssl) != NULL;
    return 1;
}

/* Takes the SSL; the stream is as it was when that does not work. */
static enum error raise_stream(struct stream *stream, SSL *ssl, bool is_prepared,
                               void (*on_secured)(void *owner, const struct tls_result *result))
{
    struct tls *tls = is_prepared ? calloc(1, sizeof *tls) : NULL;
    if (tls == NULL) {
        ERR_clear_error();
        SSL_free(ssl);
        return ERROR_TEMPORARY;
    }
    tls->ssl = ssl;
    tls->on_secured = on_secured;
    buffer_init(&tls->kept, KEPT_MAX);
    stream->tls = tls;
    stream->layer = &tls_layer;
    return OK;
}

enum error stream_start_tls_server(struct stream *stream, struct tls_context *context,
                                   const struct tls_server_request *request)
{
    SSL *ssl = new_ssl(stream, context);
    return raise_stream(stream, ssl, ssl != NULL && prepare_server(ssl, context, request),
                        request->on_secured);
}

enum error stream_start_tls_client(struct stream *stream, struct tls_context *context,
                                   const struct tls_client_request *request)
{
    size_t dane_count = 0;
    SSL *ssl = new_ssl(stream, context);
    enum error error = raise_stream(stream, ssl, ssl != NULL && prepare_client(ssl, request, &dane_count),
                                    request->on_secured);
    if (error != OK) {
        return error;
    }
    stream->tls->has_dane = dane_count > 0;
    SSL_set_cert_cb(ssl, on_identity_asked, stream->tls);
    ERR_clear_error();
    /* Says hello; the answer comes by tls_read. */
    if (SSL_get_error(ssl, SSL_do_handshake(ssl)) != SSL_ERROR_WANT_READ) {
        tls_release(stream);
        return ERROR_TEMPORARY;
    }
    return OK;
}

bool stream_is_tls(const struct stream *stream)
{
    return stream->tls != NULL;
}

SSL *tls_stream_ssl(struct stream *stream)
{
    return stream->tls->ssl;
}

bool stream_tls_end_point(const struct stream *stream, struct tls_end_point *out)
{
    const X509 *own = stream->tls != NULL ? SSL_get_certificate(stream->tls->ssl) : NULL;
    return own != NULL && tls_certificate_end_point(own, out);
}
