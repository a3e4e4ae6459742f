/* room: smtp_client */
/* A hop that says anything, in any pieces: the reply parser gives the same lines however they are cut, and a
 * whole session stays within its rules. The first byte chooses the cut, whether a login is demanded and how
 * it ends. */
#include "auth/sasl_library.h"
#include "smtp_client/client.h"
#include "smtp_client/reply_parser.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES   3
#define RECIPIENTS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* -- the parser alone -- */

/* A digest of all lines and of how it ended. */
static uint64_t read_all(struct bytes input, size_t step)
{
    struct reply_parser parser = {0};
    struct reply_line line;
    uint64_t digest = 1469598103934665603u;
    while (input.len) {
        struct bytes piece = bytes_first(input, step);
        input = bytes_skip(input, step);
        while (piece.len) {
            enum error error = reply_parser_next(&parser, &piece, &line);
            if (error == ERROR_NOT_FOUND)
                break;
            if (error)
                return digest + 1;
            assert(line.code >= 200 && line.code <= 599 && line.text.len < REPLY_LINE_MAX);
            digest = (digest ^ line.code ^ line.is_last) * 1099511628211u;
            for (size_t i = 0; i < line.text.len; i++)
                digest = (digest ^ (uint8_t)line.text.ptr[i]) * 1099511628211u;
        }
    }
    return digest;
}

/* -- a session -- */

struct session {
    struct smtp_client *client; /* NULL: closed */
    struct stream *stream;
    struct buffer wire;
    struct smtp_transaction transactions[MESSAGES];
    unsigned outcomes[MESSAGES][RECIPIENTS];
    unsigned done[MESSAGES];
    size_t read_bytes;
    size_t next;
    unsigned closed;
};

static struct session *session;
static const char CONTENT[] = "Subject: x\r\n\r\n.\r\n..\nbare\rend";

static size_t index_of(const struct smtp_transaction *transaction)
{
    return (size_t)(transaction - session->transactions);
}

static enum error on_content(struct smtp_transaction *transaction, char *out, size_t size, size_t *out_len)
{
    size_t left = sizeof CONTENT - 1 - session->read_bytes;
    *out_len = left < 7 ? left : 7;
    assert(size >= 7);
    if (index_of(transaction) == 1 && session->read_bytes)
        return ERROR_IO;
    memcpy(out, CONTENT + session->read_bytes, *out_len);
    session->read_bytes += *out_len;
    return OK;
}

static void rewind_content(struct smtp_transaction *transaction)
{
    (void)transaction;
    session->read_bytes = 0;
}

static void on_recipient(struct smtp_transaction *transaction, size_t index, enum smtp_outcome outcome,
                         struct bytes reply)
{
    size_t message = index_of(transaction);
    assert(index < transaction->recipient_count && reply.len <= 512 && !session->done[message]);
    session->outcomes[message][index]++;
    for (size_t i = 0; i < reply.len; i++)
        assert(reply.ptr[i] >= ' ' && reply.ptr[i] <= '~');
    /* Only what left whole can have been delivered. */
    if (outcome == OUTCOME_DELIVERED)
        assert(session->read_bytes == sizeof CONTENT - 1 &&
               bytes_ends_nocase(buffer_bytes(&session->wire), "\r\n.\r\n"));
}

static void on_done(struct smtp_transaction *transaction, bool can_reuse);

static void send_next(void)
{
    static const struct bytes ADDRESSES[] = {BYTES_LITERAL("a@x.example"), BYTES_LITERAL("b@x.example"),
                                             BYTES_LITERAL("c@x.example")};
    struct smtp_transaction *transaction = &session->transactions[session->next];
    *transaction = (struct smtp_transaction){.recipients = ADDRESSES,
                                             .recipient_count = session->next + 1,
                                             .size_bytes = 1000 * session->next,
                                             .is_8bit = session->next == 2,
                                             .read = on_content,
                                             .rewind = rewind_content,
                                             .on_recipient = on_recipient,
                                             .on_done = on_done};
    session->next++;
    session->read_bytes = 0;
    smtp_client_send(session->client, transaction);
}

static void on_done(struct smtp_transaction *transaction, bool can_reuse)
{
    size_t message = index_of(transaction);
    session->done[message]++;
    for (size_t i = 0; i < transaction->recipient_count; i++)
        assert(session->outcomes[message][i] == 1);
    if (can_reuse && session->next < MESSAGES)
        send_next();
    else if (can_reuse)
        smtp_client_quit(session->client);
}

static void on_ready(void *owner)
{
    (void)owner;
    send_next();
}

static void on_closed(void *owner, bool is_permanent, struct bytes reply)
{
    (void)owner;
    (void)is_permanent;
    assert(reply.len <= 512);
    session->client = NULL;
    session->stream = NULL;
    session->closed++;
}

static void on_output(void *peer, struct bytes data)
{
    (void)peer;
    if (buffer_append(&session->wire, data))
        abort();
}

/* Never a bare line end, whatever the hop does. */
static void check_wire(struct bytes wire)
{
    for (size_t i = 0; i < wire.len; i++) {
        assert(wire.ptr[i] != '\n' || (i > 0 && wire.ptr[i - 1] == '\r'));
        assert(wire.ptr[i] != '\r' || i + 1 == wire.len || wire.ptr[i + 1] == '\n');
    }
}

static enum error on_credential(void *owner, struct auth_credential *out, struct note *note)
{
    (void)owner;
    (void)note;
    memcpy(out->user, "relay", 6);
    memcpy(out->password, "secret", 7);
    return OK;
}

static bool holds(struct bytes text, const char *part)
{
    return bytes_find_text(text, part) < text.len;
}

static void run_session(struct loop *loop, struct bytes input, size_t step, bool logs_in, bool hangs_up)
{
    static const struct smtp_client_events EVENTS = {
        .on_ready = on_ready, .on_credential = on_credential, .on_closed = on_closed};
    const struct smtp_client_config config = {
        .helo_name = "mx",
        .command_timeout_ms = 1000,
        .demand = {.tls = TLS_DEMAND_OFFERED, .login = logs_in ? LOGIN_DEMAND_PASSWORD : LOGIN_DEMAND_NONE}};
    const struct bytes all = input;
    struct ip_endpoint nowhere = {0};
    struct session here = {0};
    session = &here;
    buffer_init(&here.wire, 1u << 20);
    here.stream = stream_memory_new(loop, &nowhere, &nowhere, on_output, NULL);
    here.client = smtp_client_attach(here.stream, &config, &EVENTS, NULL);
    assert(here.client);
    for (; input.len && here.stream; input = bytes_skip(input, step)) {
        stream_memory_feed(here.stream, bytes_first(input, step));
        loop_turn(loop);
    }
    if (here.stream && hangs_up)
        stream_memory_hang_up(here.stream);
    else if (here.client)
        smtp_client_abort(here.client);
    loop_turn(loop);
    loop_turn(loop);
    assert(here.closed == 1);
    for (size_t i = 0; i < MESSAGES; i++)
        assert(here.done[i] == (i < here.next));
    check_wire(buffer_bytes(&here.wire));
    if (logs_in && holds(buffer_bytes(&here.wire), "MAIL FROM"))
        assert(holds(all, "235"));
    buffer_done(&here.wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct loop *loop;
    static struct clock_fake clock;
    if (!loop) {
        clock_fake_init(&clock, 1000, 1000);
        loop = loop_new("fuzz", &clock.clock);
        struct note note = {0};
        if (sasl_library_start(NULL, &note))
            abort();
    }
    if (size < 1)
        return 0;
    struct bytes input = {(const char *)data + 1, size - 1};
    size_t step = (size_t)data[0] % 64 + 1;
    uint64_t whole = read_all(input, input.len + 1);
    assert(read_all(input, step) == whole && read_all(input, 1) == whole);
    run_session(loop, input, step, data[0] & 64, data[0] & 128);
    return 0;
}
