#include "loop/tls_internal.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX (64 << 20)

/* NULL: it may be read. */
static const char *why_unreadable(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return "cannot be read";
    }
    return !S_ISREG(status.st_mode) ? "is no file" : status.st_size > FILE_BYTES_MAX ? "is too large" : NULL;
}

static bool is_loaded(struct note *note, const char *key, const char *path,
                      int (*load)(X509_LOOKUP *lookup, const char *file, int type), X509_STORE *store)
{
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    const char *why = why_unreadable(path);
    ERR_clear_error();
    if (lookup != NULL && why == NULL && load(lookup, path, X509_FILETYPE_PEM) > 0) {
        return true;
    }
    if (note->text[0] == '\0') {
        note_set(note, "%s: %s %s", key, path, why != NULL ? why : tls_why_not());
    }
    ERR_clear_error();
    return false;
}

static bool set_trust(SSL_CTX *ssl, const struct tls_client_config *config, struct note *note)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ssl);
    if (config->crl_file != NULL) {
        /* Before the file: without its lists every check fails. */
        if (X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ssl),
                                        X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) != 1) {
            return false;
        }
        (void)is_loaded(note, "tls.crl_file", config->crl_file, X509_load_crl_file, store);
    }
    if (config->ca_file == NULL) {
        return X509_STORE_set_default_paths(store) == 1;
    }
    (void)is_loaded(note, "tls.ca_file", config->ca_file, X509_load_cert_file, store);
    return true;
}

enum error tls_context_new_client(const struct tls_client_config *config, struct tls_context **out,
                                  struct note *note)
{
    struct tls_context *context = calloc(1, sizeof *context);
    ERR_clear_error();
    if (context == NULL || (context->ssl = SSL_CTX_new(TLS_client_method())) == NULL ||
        !tls_context_set_profile(context->ssl, config->profile) || SSL_CTX_dane_enable(context->ssl) != 1 ||
        !set_trust(context->ssl, config, note)) {
        note_set(note, "TLS: %s", tls_why_not());
        tls_context_free(context);
        return ERROR_TEMPORARY;
    }
    *out = context;
    return OK;
}
