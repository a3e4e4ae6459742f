#include "loop/tls.h"

#include <openssl/x509v3.h>
#include <stdio.h>

#define NAME_MAX_SIZE 257 /* a dot and the longest name */

bool tls_certificate_holds(const struct x509_st *certificate, const char *name)
{
    const unsigned flags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
    /* OpenSSL fills caches inside and says const nowhere. */
    return X509_check_host((X509 *)(uintptr_t)certificate, name, 0, flags, NULL) == 1;
}

bool tls_certificate_holds_domain(const struct x509_st *certificate, const char *domain)
{
    char below[NAME_MAX_SIZE];
    int len = snprintf(below, sizeof below, ".%s", domain);
    return tls_certificate_holds(certificate, domain) ||
           (len < (int)sizeof below && tls_certificate_holds(certificate, below));
}

void tls_certificate_names(const struct x509_st *certificate, char *out, size_t size)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    size_t len = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS) {
            continue;
        }
        const unsigned char *text = ASN1_STRING_get0_data(name->d.dNSName);
        int text_len = ASN1_STRING_length(name->d.dNSName);
        if (len > 0 && len + 1 < size) {
            out[len++] = ' ';
        }
        for (int at = 0; at < text_len && len + 1 < size; at++) {
            out[len++] = text[at] > ' ' && text[at] <= '~' ? (char)text[at] : '?';
        }
    }
    out[len] = '\0';
    GENERAL_NAMES_free(names);
}
