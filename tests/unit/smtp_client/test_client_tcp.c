/* The client over real sockets of the loopback: connecting, and a hop that does not read. */
#include "loop/listener.h"
#include "smtp_client/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CONTENT_BYTES (48u << 20)

struct pair {
    struct loop *loop;
    struct listener *listener;
    struct stream *hop; /* NULL: closed */
    struct buffer heard;
    size_t content_bytes; /* behind DATA */
    char tail[5];
    bool is_content;
    struct smtp_client *client;
    struct smtp_transaction transaction;
    uint64_t read_bytes;
    uint64_t fail_at; /* 0: no read fails */
    bool is_ready, is_done, is_closed, is_hop_closed;
    bool can_reuse, is_permanent;
    unsigned outcome_count;
    enum smtp_outcome outcome;
    char reply[513];
    char close_reply[513];
};

/* -- the hop: takes everything, and after 354 only counts -- */

static void hop_on_read(void *owner, struct bytes data)
{
    struct pair *pair = owner;
    if (!pair->is_content) {
        assert_int_equal(buffer_append(&pair->heard, data), OK);
        return;
    }
    pair->content_bytes += data.len;
    for (size_t i = data.len > 5 ? data.len - 5 : 0; i < data.len; i++) {
        memmove(pair->tail, pair->tail + 1, 4);
        pair->tail[4] = data.ptr[i];
    }
}

static void hop_on_close(void *owner, enum error why)
{
    struct pair *pair = owner;
    (void)why;
    pair->hop = NULL;
    pair->is_hop_closed = true;
}

static const struct stream_events HOP_EVENTS = {.on_read = hop_on_read, .on_close = hop_on_close};

static void hop_on_accept(void *owner, struct stream *stream)
{
    struct pair *pair = owner;
    pair->hop = stream;
    stream_attach(stream, &HOP_EVENTS, pair);
}

static void hop_says(struct pair *pair, const char *text)
{
    stream_write(pair->hop, bytes_of_text(text));
}

/* -- the client's owner -- */

static enum error on_content(struct smtp_transaction *transaction, char *out, size_t size, size_t *out_len)
{
    struct pair *pair = list_entry(transaction, struct pair, transaction);
    uint64_t left = CONTENT_BYTES - pair->read_bytes;
    if (pair->fail_at && pair->read_bytes >= pair->fail_at)
        return ERROR_IO;
    *out_len = left < size ? (size_t)left : size;
    memset(out, 'x', *out_len);
    for (size_t i = 63; i < *out_len; i += 64)
        out[i] = '\n';
    pair->read_bytes += *out_len;
    return OK;
}

static void on_recipient(struct smtp_transaction *transaction, size_t index, enum smtp_outcome outcome,
                         struct bytes reply)
{
    struct pair *pair = list_entry(transaction, struct pair, transaction);
    assert_int_equal(index, 0);
    pair->outcome_count++;
    pair->outcome = outcome;
    memcpy(pair->reply, reply.ptr, reply.len);
}

static void on_done(struct smtp_transaction *transaction, bool can_reuse)
{
    struct pair *pair = list_entry(transaction, struct pair, transaction);
    assert_false(pair->is_done);
    pair->is_done = true;
    pair->can_reuse = can_reuse;
}

static void on_ready(void *owner)
{
    struct pair *pair = owner;
    pair->is_ready = true;
}

static void on_closed(void *owner, bool is_permanent, struct bytes reply)
{
    struct pair *pair = owner;
    assert_false(pair->is_closed);
    pair->is_closed = true;
    pair->is_permanent = is_permanent;
    memcpy(pair->close_reply, reply.ptr, reply.len);
}

static const struct smtp_client_events EVENTS = {.on_ready = on_ready, .on_closed = on_closed};

/* -- turning -- */

static void turn_until(struct pair *pair, const bool *is_true)
{
    for (int i = 0; i < 1000000 && !*is_true; i++)
        loop_turn(pair->loop);
    assert_true(*is_true);
}

static void turn_until_heard(struct pair *pair, const char *text)
{
    for (int i = 0; i < 1000000; i++) {
        if (bytes_find_text(buffer_bytes(&pair->heard), text) < pair->heard.len)
            break;
        loop_turn(pair->loop);
    }
    assert_true(bytes_find_text(buffer_bytes(&pair->heard), text) < pair->heard.len);
    buffer_clear(&pair->heard);
}

/* Lets the sockets fill until nothing moves. */
static void turn_until_stuck(struct pair *pair)
{
    uint64_t before;
    do {
        before = pair->read_bytes;
        for (int i = 0; i < 200; i++)
            loop_turn(pair->loop);
    } while (pair->read_bytes != before);
    assert_true(pair->read_bytes < CONTENT_BYTES);
}

static void begin(struct pair *pair)
{
    static const struct smtp_client_config CONFIG = {.helo_name = "mx1.contoso.com",
                                                     .connect_timeout_ms = 30000,
                                                     .command_timeout_ms = 60000,
                                                     .data_timeout_ms = 60000};
    struct ip_endpoint any = {.address = {.family = IP_V4, .octets = {127, 0, 0, 1}}};
    struct note note = {0};
    *pair = (struct pair){.loop = loop_new("test", NULL)};
    buffer_init(&pair->heard, 1u << 16);
    assert_int_equal(listener_open(pair->loop, &any, hop_on_accept, pair, &pair->listener, &note), OK);
    assert_int_equal(smtp_client_connect(pair->loop, listener_local(pair->listener), NULL, &CONFIG, &EVENTS,
                                         pair, &pair->client),
                     OK);
}

/* As far as 354, with the hop's reading suspended. */
static void begin_content(struct pair *pair)
{
    static const struct bytes RECIPIENT = BYTES_LITERAL("kate@fabrikam.com");
    begin(pair);
    while (!pair->hop)
        loop_turn(pair->loop);
    hop_says(pair, "220 hop\r\n");
    turn_until_heard(pair, "EHLO mx1.contoso.com\r\n");
    hop_says(pair, "250-hop\r\n250 PIPELINING\r\n");
    turn_until(pair, &pair->is_ready);
    pair->transaction = (struct smtp_transaction){.recipients = &RECIPIENT,
                                                  .recipient_count = 1,
                                                  .read = on_content,
                                                  .on_recipient = on_recipient,
                                                  .on_done = on_done};
    smtp_client_send(pair->client, &pair->transaction);
    turn_until_heard(pair, "DATA\r\n");
    pair->is_content = true;
    stream_suspend(pair->hop);
    hop_says(pair, "250 ok\r\n250 ok\r\n354 go\r\n");
}

static void end(struct pair *pair)
{
    listener_close(pair->listener);
    if (pair->hop)
        stream_abort(pair->hop);
    if (!pair->is_closed)
        smtp_client_abort(pair->client);
    turn_until(pair, &pair->is_closed);
    assert_int_equal(pair->outcome_count, pair->is_done ? 1 : 0);
    loop_free(pair->loop);
    buffer_done(&pair->heard);
}

/* proves: R20 F2 */
static void a_slow_hop_is_waited_for_without_filling_memory(void **state)
{
    (void)state;
    struct pair pair;
    begin_content(&pair);
    turn_until_stuck(&pair);
    stream_resume(pair.hop);
    while (memcmp(pair.tail, "\r\n.\r\n", 5) != 0)
        loop_turn(pair.loop);
    assert_int_equal(pair.content_bytes, CONTENT_BYTES + CONTENT_BYTES / 64 + 3);
    assert_false(pair.is_done);
    hop_says(&pair, "250 2.6.0 queued\r\n");
    turn_until(&pair, &pair.is_done);
    assert_int_equal(pair.outcome, OUTCOME_DELIVERED);
    assert_true(pair.can_reuse);
    end(&pair);
}

/* proves: R20 */
static void a_refusal_in_the_middle_of_the_content_counts(void **state)
{
    (void)state;
    static const struct {
        const char *says;
        enum smtp_outcome outcome;
        const char *reply;
    } CASES[] = {
        {"552 5.3.4 too big\r\n", OUTCOME_FAILED, "552 5.3.4 too big"},
        {"452 4.3.1 full\r\n", OUTCOME_DEFERRED, "452 4.3.1 full"},
        {"421 4.3.2 bye\r\n", OUTCOME_DEFERRED, "421 4.3.2 bye"},
        {"250 got it\r\n", OUTCOME_DEFERRED, "421 4.4.0 Remote server response was not RFC conformant"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct pair pair;
        begin_content(&pair);
        turn_until_stuck(&pair);
        hop_says(&pair, CASES[i].says);
        turn_until(&pair, &pair.is_closed);
        assert_true(pair.is_done && !pair.can_reuse && !pair.is_permanent);
        assert_int_equal(pair.outcome, CASES[i].outcome);
        assert_string_equal(pair.reply, CASES[i].reply);
        assert_string_equal(pair.close_reply, CASES[i].reply);
        stream_resume(pair.hop);
        turn_until(&pair, &pair.is_hop_closed);
        assert_memory_not_equal(pair.tail, "\r\n.\r\n", 5);
        end(&pair);
    }
}

/* proves: F2 */
static void a_failing_read_leaves_half_a_message_without_its_end(void **state)
{
    (void)state;
    struct pair pair;
    begin_content(&pair);
    pair.fail_at = CONTENT_BYTES / 2;
    stream_resume(pair.hop);
    turn_until(&pair, &pair.is_closed);
    assert_int_equal(pair.outcome, OUTCOME_DEFERRED);
    assert_string_equal(pair.reply, "451 4.3.0 The message cannot be read from the queue");
    turn_until(&pair, &pair.is_hop_closed);
    assert_memory_not_equal(pair.tail, "\r\n.\r\n", 5);
    end(&pair);
}

static void nobody_listens(void **state)
{
    (void)state;
    struct ip_endpoint endpoint = {.address = {.family = IP_V4, .octets = {127, 0, 0, 1}}};
    struct smtp_client_config config = {.helo_name = "x", .connect_timeout_ms = 30000};
    struct pair pair = {.loop = loop_new("test", NULL)};
    struct note note = {0};
    assert_int_equal(listener_open(pair.loop, &endpoint, hop_on_accept, &pair, &pair.listener, &note), OK);
    endpoint = *listener_local(pair.listener);
    listener_close(pair.listener);
    assert_int_equal(smtp_client_connect(pair.loop, &endpoint, NULL, &config, &EVENTS, &pair, &pair.client),
                     OK);
    assert_false(pair.is_closed);
    turn_until(&pair, &pair.is_closed);
    assert_string_equal(pair.close_reply, "421 4.2.1 Unable to connect");
    assert_false(pair.is_permanent);
    loop_free(pair.loop);
}

/* A loop that ends closes the session; the transaction is told. */
static void the_end_of_the_loop_ends_the_session(void **state)
{
    (void)state;
    struct pair pair;
    begin_content(&pair);
    turn_until_stuck(&pair);
    listener_close(pair.listener);
    loop_free(pair.loop);
    assert_true(pair.is_done && pair.is_closed && pair.is_hop_closed);
    assert_int_equal(pair.outcome_count, 1);
    assert_int_equal(pair.outcome, OUTCOME_DEFERRED);
    buffer_done(&pair.heard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_hop_is_waited_for_without_filling_memory),
        cmocka_unit_test(a_refusal_in_the_middle_of_the_content_counts),
        cmocka_unit_test(a_failing_read_leaves_half_a_message_without_its_end),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(the_end_of_the_loop_ends_the_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
