#include "auth/certificate_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1 << 20)
#define CHAIN_MAX      16

static const char *openssl_words(const char *otherwise)
{
    const char *words = ERR_reason_error_string(ERR_peek_last_error());
    return words != NULL ? words : otherwise;
}

/* There is nobody to ask: a key behind a passphrase is an unreadable one. */
static int no_passphrase(char *buffer, int size, int is_writing, void *owner)
{
    (void)buffer;
    (void)size;
    (void)is_writing;
    (void)owner;
    return -1;
}

/* A file with a FIFO's name must not hold the reader up. */
static enum error open_file(const char *path, BIO **out, struct note *note)
{
    struct stat status;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        note_set(note, "%s", strerror(errno));
        return ERROR_IO;
    }
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size > FILE_BYTES_MAX) {
        note_set(note, "not a file of at most %d bytes", FILE_BYTES_MAX);
        close(descriptor);
        return ERROR_SYNTAX;
    }
    FILE *file = fdopen(descriptor, "re");
    *out = file != NULL ? BIO_new_fp(file, BIO_CLOSE) : NULL;
    if (*out == NULL) {
        note_set(note, "no memory");
        file != NULL ? fclose(file) : close(descriptor);
        return ERROR_TEMPORARY;
    }
    return OK;
}

static enum error read_certificates(BIO *bio, struct certificate *out, struct note *note)
{
    out->leaf = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
    if (out->leaf == NULL) {
        note_set(note, "no certificate: %s", openssl_words("empty"));
        return ERROR_SYNTAX;
    }
    out->chain = sk_X509_new_null();
    if (out->chain == NULL) {
        return ERROR_TEMPORARY;
    }
    X509 *next;
    while ((next = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
        if (sk_X509_num(out->chain) >= CHAIN_MAX || sk_X509_push(out->chain, next) == 0) {
            X509_free(next);
            note_set(note, "the chain is longer than %d certificates", CHAIN_MAX);
            return ERROR_SYNTAX;
        }
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        note_set(note, "a certificate of the chain: %s", openssl_words("unreadable"));
        return ERROR_SYNTAX;
    }
    return OK;
}

static enum error read_key(BIO *bio, struct certificate *out, struct note *note)
{
    ERR_clear_error();
    if (BIO_seek(bio, 0) != 0 ||
        (out->key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL)) == NULL) {
        note_set(note, "no private key: %s", openssl_words("empty"));
        return ERROR_SYNTAX;
    }
    if (X509_check_private_key(out->leaf, out->key) != 1) {
        note_set(note, "the private key is not that of the first certificate");
        return ERROR_SYNTAX;
    }
    return OK;
}

static int64_t seconds_of(const ASN1_TIME *asn1)
{
    struct tm parts;
    return ASN1_TIME_to_tm(asn1, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

enum error certificate_file_read(const char *path, struct certificate *out, struct note *note)
{
    BIO *bio;
    struct certificate made = {0};
    ERR_clear_error();
    enum error error = open_file(path, &bio, note);
    if (error != OK) {
        return error;
    }
    error = read_certificates(bio, &made, note);
    if (error == OK) {
        error = read_key(bio, &made, note);
    }
    BIO_free(bio);
    ERR_clear_error();
    if (error != OK) {
        certificate_release(&made);
        return error;
    }
    made.valid_from = seconds_of(X509_get0_notBefore(made.leaf));
    made.valid_to = seconds_of(X509_get0_notAfter(made.leaf));
    made.is_self_signed = X509_self_signed(made.leaf, 0) == 1; /* also settles what OpenSSL caches of it */
    *out = made;
    return OK;
}

void certificate_share(const struct certificate *from, struct certificate *out)
{
    *out = *from;
    X509_up_ref(out->leaf);
    EVP_PKEY_up_ref(out->key);
    out->chain = X509_chain_up_ref(from->chain);
}

void certificate_release(struct certificate *certificate)
{
    X509_free(certificate->leaf);
    EVP_PKEY_free(certificate->key);
    sk_X509_pop_free(certificate->chain, X509_free);
    *certificate = (struct certificate){0};
}
