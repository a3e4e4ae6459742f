/* fakes: tls */
/* Bytes on streams that TLS protects: many records at once, suspended owners, both ways to close, forgery. */
#include "tls_pair.h"

/* What is written before stays readable, what is written during the handshake is not sent at all. */
static void nothing_leaves_unprotected_after_the_start(void **state)
{
    struct pair pair;
    (void)state;
    open_pair(&pair, NULL, 0);
    stream_write(pair.stream, BYTES_LITERAL("secret"));
    assert_int_equal(pair.to_client.len, 0);
    assert_true(carry(&pair, SIZE_MAX));
    assert_int_equal(pair.client.plain.len, 0);
    done(&pair);
}

/* proves: T9 */
static void records_of_one_byte_reach_the_owner_together(void **state)
{
    struct pair pair;
    struct buffer out;
    (void)state;
    open_pair(&pair, NULL, 0);
    assert_true(carry(&pair, SIZE_MAX));
    buffer_init(&out, OUTPUT_MAX);
    for (int i = 0; i < 3000; i++) {
        fake_tls_client_say(&pair.client, BYTES_LITERAL("x"), &out);
    }
    pair.suspends = true; /* would stop at the first read */
    feed(&pair, buffer_bytes(&out), SIZE_MAX);
    assert_int_equal(pair.received.len, 3000);
    buffer_done(&out);
    done(&pair);
}

/* A suspended owner gets no more than the one run it has, and loses nothing. */
static void a_suspended_owner_loses_nothing(void **state)
{
    struct pair pair;
    struct buffer text;
    (void)state;
    open_pair(&pair, NULL, 0);
    assert_true(carry(&pair, SIZE_MAX));
    buffer_init(&text, OUTPUT_MAX);
    for (int i = 0; i < 20000; i++) {
        assert_int_equal(buffer_printf(&text, "%07d\r\n", i), OK);
    }
    pair.suspends = true;
    say(&pair, buffer_bytes(&text), SIZE_MAX);
    assert_in_range(pair.received.len, 1, 64 << 10);
    stream_memory_hang_up(pair.stream);
    for (int i = 0; i < 8 && !pair.is_closed; i++) {
        stream_resume(pair.stream);
        loop_turn(pair.loop);
    }
    assert_int_equal(pair.received.len, text.len);
    assert_memory_equal(pair.received.ptr, text.ptr, text.len);
    buffer_done(&text);
    done(&pair);
}

static void a_close_says_what_is_left_and_goodbye(void **state)
{
    struct pair pair;
    (void)state;
    open_pair(&pair, NULL, 0);
    assert_true(carry(&pair, SIZE_MAX));
    pair.closes = true;
    say(&pair, BYTES_LITERAL("QUIT\r\n"), SIZE_MAX);
    assert_true(pair.is_closed);
    assert_int_equal(pair.why, ERROR_CANCELED);
    carry(&pair, SIZE_MAX);
    assert_heard(&pair.client.plain, "bye\r\n");
    assert_true(pair.client.is_over);
    done(&pair);
}

static void the_clients_goodbye_closes(void **state)
{
    struct pair pair;
    struct buffer out;
    (void)state;
    open_pair(&pair, NULL, 0);
    assert_true(carry(&pair, SIZE_MAX));
    SSL_shutdown(pair.client.ssl);
    buffer_init(&out, OUTPUT_MAX);
    fake_tls_client_step(&pair.client, &out);
    feed(&pair, buffer_bytes(&out), SIZE_MAX);
    buffer_done(&out);
    assert_true(pair.is_closed);
    assert_int_equal(pair.why, OK);
    done(&pair);
}

/* A broken record behind good ones: what came before is delivered, then the stream ends. */
static void a_forged_record_ends_the_stream(void **state)
{
    struct pair pair;
    struct buffer out;
    (void)state;
    open_pair(&pair, NULL, 0);
    assert_true(carry(&pair, SIZE_MAX));
    buffer_init(&out, OUTPUT_MAX);
    fake_tls_client_say(&pair.client, BYTES_LITERAL("good"), &out);
    fake_tls_client_say(&pair.client, BYTES_LITERAL("evil"), &out);
    out.ptr[out.len - 1] ^= 1;
    feed(&pair, buffer_bytes(&out), SIZE_MAX);
    assert_heard(&pair.received, "good");
    assert_true(pair.is_closed);
    assert_int_equal(pair.why, ERROR_PROTOCOL);
    buffer_done(&out);
    done(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_leaves_unprotected_after_the_start),
        cmocka_unit_test(records_of_one_byte_reach_the_owner_together),
        cmocka_unit_test(a_suspended_owner_loses_nothing),
        cmocka_unit_test(a_close_says_what_is_left_and_goodbye),
        cmocka_unit_test(the_clients_goodbye_closes),
        cmocka_unit_test(a_forged_record_ends_the_stream),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
