/* room: loop */
/* What strangers say about certificates: where a certificate says that its revocation list is, such a list,
 * and TLSA records. The first byte says which of the three the rest is. Only addresses that a request line
 * can hold come out, no list counts that the issuer did not sign, and what is taken of a record lies within
 * it. */
#include "loop/dane.h"
#include "loop/revocation_list.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Its key is new each time: nothing in a corpus is signed by it. */
static X509 *make_issuer(void)
{
    X509 *issuer = X509_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (!issuer || !key || X509_set_pubkey(issuer, key) != 1)
        abort();
    EVP_PKEY_free(key);
    return issuer;
}

static void read_points(struct bytes content)
{
    const unsigned char *at = (const unsigned char *)content.ptr;
    X509 *certificate = d2i_X509(NULL, &at, (long)content.len);
    struct revocation_points points;
    if (!certificate)
        return;
    revocation_points_read(certificate, &points);
    assert(points.count <= REVOCATION_POINTS_MAX);
    for (size_t i = 0; i < points.count; i++) {
        size_t len = strnlen(points.urls[i], REVOCATION_URL_SIZE);
        assert(len < REVOCATION_URL_SIZE &&
               bytes_starts_nocase((struct bytes){points.urls[i], len}, "http://"));
        for (size_t n = 0; n < len; n++)
            assert(points.urls[i][n] > ' ' && points.urls[i][n] <= '~');
    }
    X509_free(certificate);
}

static void read_list(struct bytes content, const X509 *issuer)
{
    struct note note = {0};
    X509_CRL *list;
    int64_t seconds;
    enum error error = revocation_list_read(content, issuer, &list, &seconds, &note);
    assert(error == ERROR_SYNTAX && note.text[0]);
    (void)error;
}

static void read_record(struct bytes content)
{
    struct dane_record record;
    if (!dane_read_record(content, &record))
        return;
    assert(record.data.len + 3 == content.len);
    if (dane_is_usable(&record))
        assert(record.usage >= 2 && record.usage <= 3 && record.selector <= 1 && record.matching <= 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static X509 *issuer;
    if (!issuer)
        issuer = make_issuer();
    if (size == 0)
        return 0;
    struct bytes content = {(const char *)data + 1, size - 1};
    if (data[0] % 3 == 0)
        read_points(content);
    else if (data[0] % 3 == 1)
        read_list(content, issuer);
    else
        read_record(content);
    return 0;
}
