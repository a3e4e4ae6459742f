/* room: auth */
/* Whatever a client calls an NTLM message. */
#include "auth/ntlm_message.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes message = {(const char *)data, size};
    struct buffer whole;
    buffer_init(&whole, size + NTLM_COMPLETION_MAX);
    assert(ntlm_message_complete(message, &whole) == OK && whole.len >= size);
    assert(ntlm_message_is_one(message) == ntlm_message_is_one(buffer_bytes(&whole)));
    buffer_done(&whole);
    assert(!ntlm_message_names_channel(message) || ntlm_message_is_one(message));
    return 0;
}
