/* room: mail */
/* The first line is a name, what follows a header block: with the name in From the block has the same fields
 * in the same order, every other one byte for byte, and From still has the one address it had. */
#include "mail/display_name.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_address(struct bytes text, void *owner)
{
    struct address *address = owner;
    assert(address->local_len == 0); /* one */
    assert(address_parse(text, true, address) == ADDRESS_OK);
}

static void check_from(struct bytes body, const struct address *wanted)
{
    struct address address = {.local_len = 0};
    assert(header_each_address(body, take_address, &address));
    assert(address_equal(&address, wanted));
}

static void check_fields(struct bytes before, struct bytes after, const struct bare_from *from)
{
    struct header_field old, new;
    while (header_next(&before, &old)) {
        assert(header_next(&after, &new));
        if (old.whole.ptr == from->field.whole.ptr)
            check_from(new.body, &from->address);
        else
            assert(bytes_equal(old.whole, new.whole));
    }
    assert(after.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes block = {(const char *)data, size}, name;
    struct bare_from from, again;
    struct buffer out;
    if (!bytes_next(&block, '\n', &name) || !display_name_is_missing(block, &from))
        return 0;
    buffer_init(&out, size + 4096);
    enum error error = display_name_insert(block, &from, name, &out);
    assert(error == OK || error == ERROR_SYNTAX);
    if (error == OK) {
        check_fields(block, buffer_bytes(&out), &from);
        assert(!display_name_is_missing(buffer_bytes(&out), &again));
        assert(header_count(buffer_bytes(&out), "From") == 1);
    } else {
        assert(out.len == 0);
    }
    buffer_done(&out);
    return 0;
}
