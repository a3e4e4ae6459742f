/* room: loop */
/* The data of an MX record is a strange name server's: what is taken is a host name in normal form that fits.
 */
#include "loop/resolver_answer.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct resolver_exchanger exchanger;
    struct ip_address address;
    struct bytes record = {(const char *)data, size};
    if (resolver_answer_exchanger(record, &exchanger)) {
        size_t len = strnlen(exchanger.name, sizeof exchanger.name);
        assert(len < sizeof exchanger.name && size == (len > 0 ? len + 4 : 3));
        assert(ip_parse_address((struct bytes){exchanger.name, len}, &address) != OK);
        for (size_t i = 0; i < len; i++) {
            char c = exchanger.name[i];
            assert((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.');
        }
    }
    (void)resolver_answer_address(RESOLVER_TYPE_A, record, &address);
    (void)resolver_answer_address(RESOLVER_TYPE_AAAA, record, &address);
    return 0;
}
