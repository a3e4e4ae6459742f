/* room: delivery */
/* What a token endpoint answers: a token that is taken can stand in a line of SMTP, and it has an end. The
 * first byte chooses the status. */
#include "delivery/token.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char token[AUTH_PASSWORD_MAX + 1];
    struct note note = {0};
    uint64_t lifetime_s = 0;
    if (size == 0)
        return 0;
    unsigned status = data[0] < 200 ? 200 : 200u + data[0];
    struct bytes body = {(const char *)data + 1, size - 1};
    if (token_read_answer(status, body, token, &lifetime_s, &note) != OK) {
        assert(note.text[0]);
        return 0;
    }
    size_t len = strnlen(token, sizeof token);
    assert(status == 200 && len > 0 && len < sizeof token && lifetime_s > 0);
    for (size_t i = 0; i < len; i++)
        assert(token[i] > ' ' && token[i] <= '~');
    return 0;
}
