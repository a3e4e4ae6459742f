#include "loop/revocation_list.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#define SECONDS_UNSAID 3600 /* a list that does not say when the next one comes */
#define DAY_S          86400

static void add_point(const GENERAL_NAME *name, struct revocation_points *out)
{
    if (name->type != GEN_URI || out->count == REVOCATION_POINTS_MAX)
        return;
    const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;
    struct bytes text = {(const char *)ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri)};
    bool is_text = text.len < REVOCATION_URL_SIZE;
    for (size_t i = 0; i < text.len && is_text; i++)
        is_text = text.ptr[i] > ' ' && text.ptr[i] <= '~';
    if (!is_text || !bytes_starts_nocase(text, "http://"))
        return;
    memcpy(out->urls[out->count], text.ptr, text.len);
    out->urls[out->count++][text.len] = '\0';
}

void revocation_points_read(const X509 *certificate, struct revocation_points *out)
{
    CRL_DIST_POINTS *points = X509_get_ext_d2i(certificate, NID_crl_distribution_points, NULL, NULL);
    out->count = 0;
    for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
        const DIST_POINT *point = sk_DIST_POINT_value(points, i);
        if (!point->distpoint || point->distpoint->type != 0 || point->reasons || point->CRLissuer)
            continue;
        const GENERAL_NAMES *names = point->distpoint->name.fullname;
        for (int n = 0; n < sk_GENERAL_NAME_num(names); n++)
            add_point(sk_GENERAL_NAME_value(names, n), out);
    }
    CRL_DIST_POINTS_free(points);
}

static int64_t seconds_left(const X509_CRL *list)
{
    int days = 0, seconds = 0;
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(list);
    if (!next)
        return SECONDS_UNSAID;
    return ASN1_TIME_diff(&days, &seconds, NULL, next) == 1 ? (int64_t)days * DAY_S + seconds : 0;
}

/* Why it is not the issuer's list; NULL: it is. */
static const char *flaw_of(X509_CRL *list, const X509 *issuer)
{
    if (!list)
        return "no revocation list in DER";
    if (X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(issuer)) != 0)
        return "another issuer's revocation list";
    return X509_CRL_verify(list, X509_get0_pubkey(issuer)) == 1 ? NULL : "the issuer did not sign it";
}

enum error revocation_list_read(struct bytes content, const X509 *issuer, X509_CRL **out,
                                int64_t *out_seconds, struct note *note)
{
    const unsigned char *at = (const unsigned char *)content.ptr;
    X509_REVOKED *none;
    ERR_clear_error();
    X509_CRL *list =
        content.len > 0 && content.len <= LONG_MAX ? d2i_X509_CRL(NULL, &at, (long)content.len) : NULL;
    const char *flaw = flaw_of(list, issuer);
    if (!flaw && at != (const unsigned char *)content.ptr + content.len)
        flaw = "more than a revocation list";
    ERR_clear_error();
    if (flaw) {
        note_set(note, "%s", flaw);
        X509_CRL_free(list);
        return ERROR_SYNTAX;
    }
    /* The first look-up sorts it: not on a loop. */
    (void)X509_CRL_get0_by_serial(list, &none, X509_get0_serialNumber(issuer));
    *out_seconds = seconds_left(list);
    *out = list;
    return OK;
}
