#include "auth/gss_token.h"

/* [APPLICATION 0] length, then the identifier of the mechanism. The library checks the lengths; here they are
 * stepped over. */
bool gss_token_is_spnego(struct bytes token)
{
    static const char SPNEGO[] = "\x06\x06\x2b\x06\x01\x05\x05\x02";
    if (token.len < 2 || token.ptr[0] != 0x60)
        return false;
    unsigned char length = (unsigned char)token.ptr[1];
    size_t header = 2 + (length & 0x80 ? (size_t)(length & 0x7f) : 0);
    struct bytes identifier = bytes_first(bytes_skip(token, header), sizeof SPNEGO - 1);
    return bytes_equal(identifier, (struct bytes){SPNEGO, sizeof SPNEGO - 1});
}
