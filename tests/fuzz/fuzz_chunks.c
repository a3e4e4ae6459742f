/* room: smtp_server */
/* fakes: organization dialogue */
/* A message by BDAT, in chunks and segments that the input cuts: whatever its octets are, it is stored as it
 * came. The first byte seeds the cuts; the rest is the body. */
#include "fakes/fake_dialogue.h"
#include "unit/smtp_server/smtp_organization.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BODY_MAX 4096
#define HEADER   "Subject: x\r\nDate: d\r\nMessage-ID: <1@x>\r\n\r\n"

static unsigned seed;

static size_t pick(size_t count)
{
    seed = seed * 1103515245u + 12345u;
    return seed / 65536u % count;
}

static void feed(struct dialogue *dialogue, struct bytes text)
{
    while (text.len > 0) {
        size_t length = 1 + pick(text.len < 40 ? text.len : 40);
        dialogue_send(dialogue, bytes_first(text, length));
        text = bytes_skip(text, length);
    }
}

static void send_chunks(struct dialogue *dialogue, struct bytes content)
{
    for (bool is_last = false; !is_last;) {
        char command[48];
        struct bytes chunk = bytes_first(content, pick(content.len + 1));
        content = bytes_skip(content, chunk.len);
        is_last = content.len == 0 && pick(3) > 0;
        snprintf(command, sizeof command, "%s %zu%s\r\n", pick(2) ? "BDAT" : "bdat", chunk.len,
                 is_last ? " LAST" : "");
        feed(dialogue, bytes_of_text(command));
        feed(dialogue, chunk);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct organization *organization;
    struct dialogue dialogue;
    struct buffer content;
    if (organization == NULL)
        organization = smtp_organization(PERMISSION_MODEL_2010);
    if (size < 1 || size > BODY_MAX)
        return 0;
    struct bytes body = {(const char *)data + 1, size - 1};
    seed = data[0];
    buffer_init(&content, BODY_MAX + sizeof HEADER);
    if (buffer_append_text(&content, HEADER) || buffer_append(&content, body))
        abort();
    dialogue_open(&dialogue, organization, "10.1.0.5");
    dialogue_send(&dialogue, BYTES_LITERAL("EHLO x\r\n"));
    dialogue_send(
        &dialogue,
        BYTES_LITERAL("MAIL FROM:<a@b.example> BODY=BINARYMIME\r\nRCPT TO:<kate@fabrikam.com>\r\n"));
    send_chunks(&dialogue, buffer_bytes(&content));
    assert(dialogue_message_count(&dialogue) == 1);
    assert(!dialogue_is_closed(&dialogue));
    char *stored = dialogue_message(&dialogue, 0);
    const char *end = strstr(stored, "\r\n\r\n"); /* of the header block, to which lines were added */
    assert(end && bytes_starts_nocase(bytes_of_text(stored), "Received: ") &&
           strstr(stored, "\r\nSubject: x\r\n") < end);
    assert(memcmp(end + 4, body.ptr, body.len) == 0);
    free(stored);
    buffer_done(&content);
    dialogue_close(&dialogue);
    return 0;
}
