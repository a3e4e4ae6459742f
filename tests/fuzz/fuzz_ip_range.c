/* room: base */
/* A range that is taken prints as the text of the same range, and its ends are in it; so do addresses and
 * endpoints. */
#include "base/ip.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_range(const struct ip_range *range)
{
    struct ip_range again;
    char text[2 * IP_TEXT_SIZE];

    assert(range->low.family == range->high.family && range->low.family != IP_NONE);
    assert(ip_compare(&range->low, &range->high) <= 0);
    assert(ip_range_contains(range, &range->low) && ip_range_contains(range, &range->high));
    ip_format_range(range, text);
    assert(ip_parse_range(bytes_of_text(text), &again, NULL) == OK);
    assert(memcmp(&again, range, sizeof(again)) == 0);
    if (ip_is_any(&range->low))
        assert(!ip_range_is_private(range));
}

static void check_endpoint(const struct ip_endpoint *endpoint)
{
    struct ip_endpoint again;
    char text[IP_ENDPOINT_TEXT_SIZE];

    assert(endpoint->port != 0);
    assert(ip_parse_endpoint(bytes_of_text(ip_format_endpoint(endpoint, text)), &again) == OK);
    assert(ip_compare(&again.address, &endpoint->address) == 0 && again.port == endpoint->port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {(const char *)data, size};
    struct ip_address address, again;
    struct ip_endpoint endpoint;
    struct ip_range range;
    struct note note = {{0}};
    char printed[IP_TEXT_SIZE];

    if (ip_parse_range(text, &range, &note) == OK) {
        assert(bytes_find(text, ',') == size);
        check_range(&range);
    } else {
        assert(note.text[0]);
    }
    if (ip_parse_address(text, &address) == OK) {
        assert(ip_parse_address(bytes_of_text(ip_format_address(&address, printed)), &again) == OK);
        assert(ip_compare(&address, &again) == 0);
        assert(ip_parse_range(text, &range, NULL) == OK && ip_compare(&range.low, &address) == 0);
    }
    if (ip_parse_endpoint(text, &endpoint) == OK)
        check_endpoint(&endpoint);
    return 0;
}
