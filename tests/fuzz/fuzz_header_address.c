/* room: mail */
/* The mailboxes of a From field come whole; one that stands alone is found again alone, between brackets,
 * behind a display name and in a group. */
#include "mail/address.h"
#include "mail/header_block.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(struct bytes address, void *owner)
{
    struct bytes *expected = owner;

    assert(bytes_equal(address, *expected));
    expected->len = 0;
}

static void check_wrapped(struct bytes address, const char *before, const char *after)
{
    char body[2048];
    struct bytes expected = address;
    size_t before_len = strlen(before), after_len = strlen(after);

    memcpy(body, before, before_len);
    memcpy(body + before_len, address.ptr, address.len);
    memcpy(body + before_len + address.len, after, after_len);
    assert(header_each_address((struct bytes){body, before_len + address.len + after_len}, check_same,
                               &expected));
    assert(expected.len == 0);
}

static void check_address(struct bytes address, void *owner)
{
    struct address parsed;

    (void)owner;
    assert(address.len >= 3 && address.len <= 1024 && bytes_find(address, '@') < address.len);
    assert(bytes_find(address, '\n') == address.len && bytes_find(address, '\0') == address.len);
    check_wrapped(address, "", "");
    check_wrapped(address, " \"a, <b@c>\" (x) <", ">\r\n");
    check_wrapped(address, "team:", ";");
    if (address_parse(address, true, &parsed) == ADDRESS_OK)
        check_wrapped(address_text(&parsed), "<", ">");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)header_each_address((struct bytes){(const char *)data, size}, check_address, NULL);
    return 0;
}
