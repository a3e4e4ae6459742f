/* Which certificate of a set a connector shows. Facts 10.1. */
#include "auth/certificate.h"
#include "auth/direct_trust.h"
#include "base/buffer.h"

#include <openssl/bio.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define NAME_TEXT_MAX 4096
#define VERSION_3     2 /* as X.509 writes it */

/* Windows writes the most specific part first, as RFC 2253 does; people write either. */
static const unsigned long name_forms[] = {
    XN_FLAG_SEP_COMMA_PLUS | XN_FLAG_DN_REV | XN_FLAG_FN_SN | ASN1_STRFLGS_UTF8_CONVERT,
    XN_FLAG_SEP_COMMA_PLUS | XN_FLAG_FN_SN | ASN1_STRFLGS_UTF8_CONVERT,
};

/* Without the blanks at separators: "CN=mail.contoso.com, O=Contoso" is "CN=mail.contoso.com,O=Contoso". */
static enum error tighten(struct bytes text, struct buffer *out)
{
    struct bytes part;
    enum error error = OK;
    for (bool is_first = true; error == OK && bytes_next(&text, ',', &part); is_first = false) {
        if (!is_first) {
            error = buffer_append_byte(out, ',');
        }
        if (error == OK) {
            error = buffer_append(out, bytes_trim(part));
        }
    }
    return error;
}

static bool is_name(const X509_NAME *name, struct bytes wished)
{
    bool is_equal = false;
    for (size_t i = 0; i < sizeof name_forms / sizeof name_forms[0] && !is_equal; i++) {
        struct buffer printed, tight;
        char *text = NULL;
        BIO *bio = BIO_new(BIO_s_mem());
        buffer_init(&printed, NAME_TEXT_MAX);
        buffer_init(&tight, NAME_TEXT_MAX);
        if (bio != NULL && X509_NAME_print_ex(bio, name, 0, name_forms[i]) >= 0) {
            long length = BIO_get_mem_data(bio, &text);
            is_equal = tighten((struct bytes){text, (size_t)length}, &printed) == OK &&
                       tighten(wished, &tight) == OK &&
                       bytes_equal_nocase(buffer_bytes(&printed), buffer_bytes(&tight));
        }
        BIO_free(bio);
        buffer_done(&printed);
        buffer_done(&tight);
    }
    return is_equal;
}

/* "<I>issuer<S>subject". */
static bool has_certificate_name(const struct certificate *certificate, const char *wished)
{
    struct bytes text = bytes_of_text(wished);
    size_t at = bytes_find_text(text, "<S>");
    if (!bytes_starts_nocase(text, "<I>") || at == text.len) {
        return false;
    }
    return is_name(X509_get_issuer_name(certificate->leaf), bytes_skip(bytes_first(text, at), 3)) &&
           is_name(X509_get_subject_name(certificate->leaf), bytes_skip(text, at + 3));
}

static bool is_eligible(const struct certificate *certificate, const struct certificate_wish *wish)
{
    if (wish->internal.len > 0) {
        return direct_trust_is_certificate(wish->internal, certificate->leaf);
    }
    if (X509_get_version(certificate->leaf) < VERSION_3) {
        return false;
    }
    if (wish->certificate_name != NULL) {
        return has_certificate_name(certificate, wish->certificate_name);
    }
    return X509_check_host(certificate->leaf, wish->fqdn, 0, X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT, NULL) == 1;
}

static bool is_better(const struct certificate *one, const struct certificate *than)
{
    return one->is_self_signed != than->is_self_signed ? !one->is_self_signed
                                                       : one->valid_from > than->valid_from;
}

size_t certificate_set_choose(const struct certificate_set *set, const struct certificate_wish *wish)
{
    size_t count = set != NULL ? certificate_set_count(set) : 0, best = count;
    for (size_t i = 0; i < count; i++) {
        const struct certificate *certificate = certificate_set_at(set, i);
        if (is_eligible(certificate, wish) &&
            (best == count || is_better(certificate, certificate_set_at(set, best)))) {
            best = i;
        }
    }
    return best;
}
