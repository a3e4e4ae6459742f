/* room: auth */
/* Whatever a client calls an NTLM message. */
#include "auth/ntlm_message.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes message = {(const char *)data, size};
    assert(!ntlm_message_names_channel(message) || ntlm_message_is_one(message));
    return 0;
}
