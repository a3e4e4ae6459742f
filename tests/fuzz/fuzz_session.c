/* room: smtp_server */
/* fakes: organization dialogue */
/* Whole sessions over a stream in memory, with DATA and BDAT. The first byte chooses connector and splits;
 * the rest is what the client sends. Properties: every 250 behind a final dot or a last chunk has its message
 * in the spool; output is whole reply lines of printable ASCII; a client that waits for the replies it must
 * wait for gets the same output however its bytes are split. */
#include "fakes/fake_dialogue.h"
#include "unit/smtp_server/smtp_organization.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 8192

/* Which pieces the input is sent in. */
enum split { SPLIT_NONE, SPLIT_LINES, SPLIT_LINES_AND_MORE };

static const char *const clients[] = {"10.1.0.5", "10.2.0.5", "10.3.0.5", "10.4.0.5"};

static size_t piece_length(struct bytes rest, enum split split, unsigned *seed)
{
    size_t line = bytes_find(rest, '\n') + 1;
    line = line < rest.len ? line : rest.len;
    *seed = *seed * 1103515245u + 12345u;
    size_t part = 1 + *seed / 65536u % 11u;
    switch (split) {
    case SPLIT_NONE:
        return rest.len;
    case SPLIT_LINES:
        return line;
    case SPLIT_LINES_AND_MORE:
        return part < line ? part : line;
    }
    return rest.len;
}

static void check_output(struct bytes output, size_t message_count)
{
    struct bytes line;
    size_t accepted = 0;
    while (bytes_next(&output, '\n', &line)) {
        assert(line.len >= 5 && line.ptr[line.len - 1] == '\r');
        assert(line.ptr[0] >= '2' && line.ptr[0] <= '5' && (line.ptr[3] == ' ' || line.ptr[3] == '-'));
        for (size_t i = 0; i + 1 < line.len; i++) {
            assert(line.ptr[i] >= ' ' && line.ptr[i] < 0x7f);
        }
        accepted += bytes_starts_nocase(line, "250 2.6.0 <");
    }
    assert(accepted == message_count);
}

/* The output; the caller frees it. */
static struct buffer run(const struct organization *organization, const char *client, struct bytes input,
                         enum split split, unsigned seed)
{
    struct dialogue dialogue;
    dialogue_begin(&dialogue, organization);
    dialogue.service.has_no_tarpit = true;
    dialogue_connect(&dialogue, "10.0.0.1:25", client);
    while (input.len > 0 && !dialogue_is_closed(&dialogue)) {
        size_t length = piece_length(input, split, &seed);
        dialogue_send(&dialogue, bytes_first(input, length));
        input = bytes_skip(input, length);
    }
    check_output(buffer_bytes(&dialogue.output), dialogue_message_count(&dialogue));
    struct buffer output = dialogue.output;
    buffer_init(&dialogue.output, 0);
    dialogue_close(&dialogue);
    return output;
}

/* What connectors do not offer by default. */
static void offer_everything(struct receive_connector *connector)
{
    connector->protocol_options |= OPTION_SMTPUTF8;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct organization *organization;
    if (organization == NULL) {
        adjust_all = offer_everything;
        organization = smtp_organization(PERMISSION_MODEL_2010);
    }
    if (size < 1 || size > INPUT_MAX) {
        return 0;
    }
    const char *client = clients[data[0] % 4u];
    struct bytes input = {(const char *)data + 1, size - 1};
    struct buffer whole = run(organization, client, input, SPLIT_NONE, 1);
    struct buffer lines = run(organization, client, input, SPLIT_LINES, 1);
    struct buffer parts = run(organization, client, input, SPLIT_LINES_AND_MORE, data[0] + 1u);
    assert(bytes_equal(buffer_bytes(&lines), buffer_bytes(&parts)));
    buffer_done(&whole);
    buffer_done(&lines);
    buffer_done(&parts);
    return 0;
}
