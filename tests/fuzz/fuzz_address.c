/* room: mail */
/* A path that is taken prints as a path that gives the same address; its parts keep their promises. */
#include "mail/address.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_address(const struct address *address, bool allow_utf8)
{
    struct bytes text = address_text(address), domain = address_domain(address), rest;
    char path[ADDRESS_TEXT_SIZE + 2], normal[DOMAIN_TEXT_SIZE];
    struct address again;

    assert(strlen(address->text) == text.len && text.len <= 254);
    assert(address_local(address).len <= ADDRESS_LOCAL_MAX);
    for (size_t i = 0; i < text.len; i++)
        assert((unsigned char)text.ptr[i] >= ' ' && text.ptr[i] != 0x7f);
    assert(address_is_null(address) == (text.len == 0));
    assert(address->is_literal == domain_is_literal(domain));
    if (domain.len && !address->is_literal) {
        assert(domain_normalize(domain, normal) == OK);
        assert(bytes_equal(domain, bytes_of_text(normal)));
    }

    path[0] = '<';
    memcpy(path + 1, address->text, text.len);
    path[text.len + 1] = '>';
    assert(address_parse_path((struct bytes){path, text.len + 2}, allow_utf8, &again, &rest) == ADDRESS_OK);
    assert(rest.len == 0 && address_equal(address, &again));
    assert(again.is_literal == address->is_literal && again.needs_utf8 == address->needs_utf8);
    if (domain.len)
        assert(address_parse(text, allow_utf8, &again) == ADDRESS_OK && address_equal(address, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {(const char *)data, size}, rest;
    struct address strict, wide;
    enum address_flaw strict_flaw = address_parse_path(text, false, &strict, &rest);
    enum address_flaw wide_flaw = address_parse_path(text, true, &wide, &rest);

    if (wide_flaw == ADDRESS_OK) {
        check_address(&wide, true);
        assert(rest.len == 0 || rest.ptr[0] == ' ');
        assert((size_t)(rest.ptr - text.ptr) + rest.len == size);
    }
    if (strict_flaw == ADDRESS_OK) {
        check_address(&strict, false);
        assert(wide_flaw == ADDRESS_OK && address_equal(&strict, &wide) && !strict.needs_utf8);
    }
    assert(wide_flaw != ADDRESS_NOT_ASCII);
    assert(strict_flaw == wide_flaw || strict_flaw == ADDRESS_NOT_ASCII);

    if (address_parse(text, true, &wide) == ADDRESS_OK)
        check_address(&wide, true);
    return 0;
}
