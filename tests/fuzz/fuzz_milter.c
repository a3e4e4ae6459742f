/* room: filter */
/* fakes: milter */
/* Filters that say anything, in any pieces, about one message. One outcome for each question; a message that
 * goes on is still one: header lines end in CRLF and none is empty, no bare line end anywhere; one that does
 * not is as it was. The first bytes choose how many filters there are, what counts for one that fails, and
 * the terms that the first one begins with; then come its packets, framed here ("letter, length, data") or as
 * they stand.
 */
#include "fakes/fake_milter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define HEADER    "From: chris@contoso.com\r\nSubject: a\r\n folded\r\nSubject: b\r\n"
#define CONTENT   "line\r\n.\r\n\r\nend\r\n"
#define BODY_READ 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct message {
    struct filter_outcome outcome;
    unsigned outcomes;
    struct buffer header;
    struct held_content body;
};

static void on_outcome(void *owner, const struct filter_outcome *outcome)
{
    struct message *message = owner;
    message->outcomes++;
    message->outcome = *outcome;
    assert(outcome->verdict != FILTER_ACCEPT);
    assert(outcome->verdict == FILTER_CONTINUE || outcome->filter != NULL);
    assert(outcome->reply.len <= FILTER_REPLY_SIZE);
    for (size_t i = 0; i < outcome->reply.len; i++) {
        assert(outcome->reply.ptr[i] >= ' ' && outcome->reply.ptr[i] <= '~');
    }
}

static void check_lines(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        bool ends = text.ptr[i] == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n';
        assert(text.ptr[i] != '\r' || ends);
        assert(text.ptr[i] != '\n' || (i > 0 && text.ptr[i - 1] == '\r'));
    }
}

static void check_header(struct bytes header)
{
    struct bytes line;
    check_lines(header);
    assert(header.len == 0 || header.ptr[header.len - 1] == '\n');
    while (bytes_next(&header, '\n', &line)) {
        assert(line.len > 1 && bytes_find(line, '\0') == line.len);
    }
}

static void check_body(const struct held_content *body, bool is_old)
{
    static char text[BODY_READ];
    struct buffer whole;
    size_t length = 0;
    buffer_init(&whole, 64u << 20);
    do {
        assert(held_content_read(body, whole.len, text, sizeof text, &length) == OK);
        assert(buffer_append(&whole, (struct bytes){text, length}) == OK);
    } while (length > 0);
    assert(whole.len == body->size_bytes);
    assert(!is_old || bytes_equal(buffer_bytes(&whole), BYTES_LITERAL(CONTENT)));
    check_lines(buffer_bytes(&whole));
    buffer_done(&whole);
}

/* The next packet of the script, or its next piece; false: it is over. */
static bool say_next(struct fake_milter *milter, struct bytes *script, bool is_framed, size_t step)
{
    if (script->len == 0) {
        return false;
    }
    if (!is_framed || script->len < 2) {
        fake_milter_feed(milter, bytes_first(*script, step));
        *script = bytes_skip(*script, step);
        return true;
    }
    char packet[256];
    struct bytes data = bytes_first(bytes_skip(*script, 2), (unsigned char)script->ptr[1]);
    packet[0] = script->ptr[0];
    memcpy(packet + 1, data.ptr, data.len);
    fake_milter_say(milter, (struct bytes){packet, 1 + data.len});
    *script = bytes_skip(*script, 2 + data.len);
    return true;
}

/* Lets the first filter talk until the question is answered. */
static void hear(struct fake_milters *milters, struct message *message, unsigned wanted, struct bytes *script,
                 bool is_framed, size_t step)
{
    fake_milters_pump(milters);
    while (message->outcomes < wanted && say_next(&milters->milters[0], script, is_framed, step)) {
        fake_milters_pump(milters);
    }
    if (message->outcomes < wanted) {
        fake_milters_advance(milters, milters->list.timeout_ms);
    }
    fake_milters_pump(milters);
    assert(message->outcomes == wanted);
}

/* Silent at every step: what it says comes from the script. */
static const struct fake_answer SILENT[] = {
    {'C', {{0}}}, {'H', {{0}}}, {'M', {{0}}}, {'R', {{0}}}, {'T', {{0}}},
    {'L', {{0}}}, {'N', {{0}}}, {'B', {{0}}}, {'E', {{0}}}, {0},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fake_milters milters;
    struct message message = {0};
    const struct filter_facts facts = {.sender = BYTES_LITERAL("chris@contoso.com"), .id = 7};
    if (size < 4) {
        return 0;
    }
    bool is_framed = data[0] & 8;
    size_t step = 1 + data[1] % 64u;
    struct bytes script = {(const char *)data + 4, size - 4};
    fake_milters_init(&milters, 1 + (data[0] & 1));
    milters.list.on_failure = (enum filter_default)((data[0] >> 1 & 3) % 3);
    milters.milters[0].answers = SILENT;
    milters.milters[0].protocol = ((uint32_t)data[2] << 8 | data[3]) & MILTER_PROTOCOL_ALL;
    milters.milters[0].protocol |= data[0] & 16 ? MILTER_HEADER_BLANKS | MILTER_NO_REPLY_BODY : 0;
    buffer_init(&message.header, 1u << 20);
    held_content_init(&message.body, "/tmp");
    assert(buffer_append_text(&message.header, HEADER) == OK);
    assert(held_content_append(&message.body, BYTES_LITERAL(CONTENT)) == OK);

    struct filter_run *run = filter_run_start(&milters.filters, &facts, on_outcome, &message);
    hear(&milters, &message, 1, &script, is_framed, step);
    if (message.outcome.verdict == FILTER_CONTINUE) {
        filter_run_recipient(run, BYTES_LITERAL("kate@fabrikam.com"));
        hear(&milters, &message, 2, &script, is_framed, step);
    }
    if (message.outcome.verdict == FILTER_CONTINUE) {
        filter_run_content(run, &message.header, &message.body);
        hear(&milters, &message, 3, &script, is_framed, step);
    }
    bool is_old = message.outcome.verdict != FILTER_CONTINUE && milters.list.count == 1;
    check_header(buffer_bytes(&message.header));
    check_body(&message.body, is_old);
    assert(!is_old || bytes_equal(buffer_bytes(&message.header), BYTES_LITERAL(HEADER)));
    assert(filter_run_changes(run)->added_count <= 1000);
    filter_run_free(run);
    buffer_done(&message.header);
    held_content_done(&message.body);
    fake_milters_done(&milters);
    return 0;
}
