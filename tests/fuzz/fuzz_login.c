/* room: smtp_server */
/* fakes: organization dialogue authenticator */
/* Sessions that log in, over a stream in memory. The first byte chooses connector and splits; the rest is
 * what the client sends. Properties: nobody is authenticated whom the authenticator has not proven; output is
 * whole reply lines; a client that waits for the replies it must wait for gets the same output however its
 * bytes are split; nothing of an exchange is left behind. */
#include "unit/smtp_server/auth_session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 8192

static const char *const clients[] = {"10.1.0.5", "10.2.0.5", "10.3.0.5", "10.5.0.5"};

static void check_output(struct bytes output, const struct fake_authenticator *authenticator)
{
    struct bytes line;
    size_t success_count = 0;
    while (bytes_next(&output, '\n', &line)) {
        assert(line.len >= 5 && line.ptr[line.len - 1] == '\r');
        assert(line.ptr[0] >= '2' && line.ptr[0] <= '5' && (line.ptr[3] == ' ' || line.ptr[3] == '-'));
        success_count += bytes_starts_nocase(line, "235 ");
    }
    assert(success_count <= authenticator->done_count);
    assert(authenticator->pending == 0);
}

/* piece: 0 whole lines, else at most so many bytes. The caller frees the output. */
static struct buffer run(struct organization *organization, const char *client, struct bytes input,
                         size_t piece)
{
    struct dialogue dialogue;
    struct fake_authenticator authenticator;
    fake_authenticator_init(&authenticator, people);
    dialogue_begin(&dialogue, organization);
    dialogue.service.has_no_tarpit = true;
    dialogue.service.authenticator = &authenticator.face;
    dialogue_connect(&dialogue, "10.0.0.1:25", client);
    while (input.len > 0 && !dialogue_is_closed(&dialogue)) {
        size_t line = bytes_find(input, '\n') + 1;
        size_t length = piece == 0 || piece > line ? line : piece;
        dialogue_send(&dialogue, bytes_first(input, length));
        input = bytes_skip(input, length);
    }
    check_output(buffer_bytes(&dialogue.output), &authenticator);
    struct buffer output = dialogue.output;
    buffer_init(&dialogue.output, 0);
    dialogue_close(&dialogue);
    return output;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct organization *organization;
    if (organization == NULL) {
        organization = auth_organization(RELAY_FOR_GROUP);
    }
    if (size < 1 || size > INPUT_MAX) {
        return 0;
    }
    const char *client = clients[data[0] % 4u];
    struct bytes input = {(const char *)data + 1, size - 1};
    struct buffer lines = run(organization, client, input, 0);
    struct buffer parts = run(organization, client, input, 1 + data[0] / 4u % 7u);
    assert(bytes_equal(buffer_bytes(&lines), buffer_bytes(&parts)));
    buffer_done(&lines);
    buffer_done(&parts);
    return 0;
}
