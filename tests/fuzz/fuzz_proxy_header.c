/* room: smtp_server */
/* Whatever begins a connection: a header that is taken lies within the data, and no beginning of it is taken
 * for another one. */
#include "smtp_server/proxy_header.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {(const char *)data, size};
    struct proxy_header header, again;
    size_t used = 0, used_again = 0;
    enum error error = proxy_header_parse(text, &header, &used);
    assert(error == OK || error == ERROR_NOT_FOUND || error == ERROR_PROTOCOL);
    if (error == ERROR_NOT_FOUND) {
        assert(size < PROXY_HEADER_MAX);
    }
    if (error == OK) {
        assert(used > 0 && used <= size && used <= PROXY_HEADER_MAX);
        assert(proxy_header_parse(bytes_first(text, used), &again, &used_again) == OK && used_again == used);
        assert(proxy_header_parse(bytes_first(text, used - 1), &again, &used_again) == ERROR_NOT_FOUND);
        assert(!header.has_addresses || header.source.address.family != IP_NONE);
    }
    return 0;
}
