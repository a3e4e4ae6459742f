/* An envelope survives the disk as it was, and what the disk made up is refused. */
#include "queue/envelope.h"

#include "queue/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct envelope_recipient two_recipients[] = {
    {.address = {"a@example.com", 13}, .state = RECIPIENT_DELIVERED, .reply = {"250 2.1.5 ok", 12}},
    {.address = {"b\0b@example.net", 15}, .state = RECIPIENT_PENDING, .reply = {NULL, 0}},
};

static struct envelope sample(void)
{
    return (struct envelope){
        .id = 0x1122334455667788u,
        .sender = BYTES_LITERAL("sender@example.org"),
        .recipients = two_recipients,
        .recipient_count = 2,
        .arrived_ms = 1795315500123,
        .next_attempt_ms = -5,
        .attempts = UINT32_MAX,
        .is_held = true,
        .delay_warned = true,
        .body = BODY_8BITMIME,
        .size_bytes = UINT64_MAX,
        .header_bytes = 300,
        .message_id = BYTES_LITERAL("<x@y>"),
        .connector = BYTES_LITERAL("SERVER\\Anonymous Relay"),
        .client = BYTES_LITERAL("192.0.2.1:4000"),
        .hop = BYTES_LITERAL(""),
    };
}

static void assert_same(const struct envelope *a, const struct envelope *b)
{
    assert_true(a->id == b->id && a->arrived_ms == b->arrived_ms && a->next_attempt_ms == b->next_attempt_ms);
    assert_true(a->attempts == b->attempts && a->is_held == b->is_held && a->is_bounce == b->is_bounce);
    assert_true(a->delay_warned == b->delay_warned && a->body == b->body);
    assert_true(a->size_bytes == b->size_bytes && a->header_bytes == b->header_bytes);
    assert_true(bytes_equal(a->sender, b->sender) && bytes_equal(a->message_id, b->message_id));
    assert_true(bytes_equal(a->connector, b->connector) && bytes_equal(a->client, b->client));
    assert_true(bytes_equal(a->hop, b->hop));
    assert_int_equal(a->recipient_count, b->recipient_count);
    for (size_t i = 0; i < a->recipient_count; i++) {
        assert_true(bytes_equal(a->recipients[i].address, b->recipients[i].address));
        assert_true(bytes_equal(a->recipients[i].reply, b->recipients[i].reply));
        assert_int_equal(a->recipients[i].state, b->recipients[i].state);
    }
}

static enum error decode(struct bytes binary, struct arena *arena, struct envelope *out)
{
    /* An exact copy on the heap: the sanitizer sees every read past the end. */
    char *copy = malloc(binary.len ? binary.len : 1);
    enum error error;

    assert_non_null(copy);
    if (binary.len)
        memcpy(copy, binary.ptr, binary.len);
    error = envelope_decode((struct bytes){copy, binary.len}, arena, out);
    free(copy);
    return error;
}

static void what_was_stored_comes_back(void **state)
{
    struct envelope envelope = sample();
    struct envelope decoded;
    struct envelope copy;
    struct buffer binary;
    struct arena arena;
    struct arena second;

    (void)state;
    buffer_init(&binary, ENVELOPE_BYTES_MAX);
    arena_init(&arena, 1 << 16);
    arena_init(&second, 1 << 16);
    assert_int_equal(buffer_append_text(&binary, "before"), OK);
    assert_int_equal(envelope_encode(&envelope, &binary), OK);
    assert_true(binary.len < 200);
    assert_int_equal(decode(bytes_skip(buffer_bytes(&binary), 6), &arena, &decoded), OK);
    assert_same(&envelope, &decoded);
    assert_int_equal(envelope_copy(&decoded, &second, &copy), OK);
    arena_done(&arena);
    assert_same(&envelope, &copy);
    arena_done(&second);
    buffer_done(&binary);
}

/* proves: R19 */
static void every_flipped_bit_and_every_cut_is_refused(void **state)
{
    struct envelope envelope = sample();
    struct envelope decoded;
    struct buffer binary;
    struct arena arena;

    (void)state;
    buffer_init(&binary, ENVELOPE_BYTES_MAX);
    assert_int_equal(envelope_encode(&envelope, &binary), OK);
    for (size_t bit = 0; bit < 8 * binary.len; bit++) {
        arena_init(&arena, 1 << 16);
        binary.ptr[bit / 8] = (char)(binary.ptr[bit / 8] ^ (1 << bit % 8));
        assert_int_equal(decode(buffer_bytes(&binary), &arena, &decoded), ERROR_SYNTAX);
        binary.ptr[bit / 8] = (char)(binary.ptr[bit / 8] ^ (1 << bit % 8));
        arena_done(&arena);
    }
    for (size_t len = 0; len < binary.len; len++) {
        arena_init(&arena, 1 << 16);
        assert_int_equal(decode(bytes_first(buffer_bytes(&binary), len), &arena, &decoded), ERROR_SYNTAX);
        arena_done(&arena);
    }
    buffer_done(&binary);
}

/* Even with a checksum that fits, so that not the checksum alone keeps us safe. */
static enum error decode_sealed(const char *bytes, size_t len)
{
    struct buffer binary;
    struct arena arena;
    struct envelope decoded;
    uint32_t crc = checksum_crc32((struct bytes){bytes, len});
    enum error error;

    buffer_init(&binary, 1 << 20);
    arena_init(&arena, 1 << 20);
    assert_int_equal(buffer_append(&binary, (struct bytes){bytes, len}), OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(buffer_append_byte(&binary, (char)(crc >> 8 * i)), OK);
    error = decode(buffer_bytes(&binary), &arena, &decoded);
    buffer_done(&binary);
    arena_done(&arena);
    return error;
}

/* proves: R19 */
static void hostile_numbers_are_refused(void **state)
{
    static const char empty[] = "\1\0"
                                "12345678"
                                "\0\0\0\0\0"
                                "\0\0\0\0\0"
                                "\0";
    char bytes[sizeof(empty) + 16] = {0};
    size_t len = sizeof(empty) - 1;

    (void)state;
    assert_int_equal(decode_sealed(empty, len), OK);
    memcpy(bytes, empty, len);
    assert_int_equal(decode_sealed(bytes, len + 1), ERROR_SYNTAX); /* something follows */
    bytes[0] = 2;
    assert_int_equal(decode_sealed(bytes, len), ERROR_SYNTAX); /* unknown version */
    bytes[0] = 1;
    bytes[1] = 16;
    assert_int_equal(decode_sealed(bytes, len), ERROR_SYNTAX); /* unknown flag */
    bytes[1] = 0;
    bytes[14] = 1;
    assert_int_equal(decode_sealed(bytes, len), ERROR_SYNTAX); /* more header than message */
    bytes[14] = 0;
    bytes[len - 1] = 1;
    assert_int_equal(decode_sealed(bytes, len), ERROR_SYNTAX); /* a recipient that is not there */
    assert_int_equal(decode_sealed(bytes, len + 3), OK);       /* pending, both texts empty */
    bytes[len] = RECIPIENT_FAILED + 1;
    assert_int_equal(decode_sealed(bytes, len + 3), ERROR_SYNTAX); /* unknown state */
    memcpy(bytes + len - 1, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
    assert_int_equal(decode_sealed(bytes, len + 9), ERROR_SYNTAX); /* 2^64 - 1 recipients */
    bytes[len + 8] = 2;
    assert_int_equal(decode_sealed(bytes, len + 9), ERROR_SYNTAX); /* a number over 64 bits */
    memcpy(bytes + len - 1, "\x80\0", 2);
    assert_int_equal(decode_sealed(bytes, len + 1), ERROR_SYNTAX); /* a longer form of 0 */
}

static void limits_are_told_apart_from_damage(void **state)
{
    static char reply[700];
    struct envelope_recipient recipient = {.address = BYTES_LITERAL("a@b"), .reply = {reply, sizeof(reply)}};
    struct envelope envelope = sample();
    struct envelope decoded;
    struct buffer binary;
    struct arena arena;

    (void)state;
    memset(reply, 'r', sizeof(reply));
    envelope.recipients = &recipient;
    envelope.recipient_count = 1;
    buffer_init(&binary, ENVELOPE_BYTES_MAX);
    assert_int_equal(envelope_encode(&envelope, &binary), OK);
    arena_init(&arena, 64);
    assert_int_equal(decode(buffer_bytes(&binary), &arena, &decoded), ERROR_LIMIT);
    arena_done(&arena);
    arena_init(&arena, 1 << 16);
    assert_int_equal(decode(buffer_bytes(&binary), &arena, &decoded), OK);
    assert_int_equal(decoded.recipients[0].reply.len, 512);
    arena_done(&arena);
    buffer_done(&binary);
    envelope.sender.len = ENVELOPE_BYTES_MAX;
    assert_int_equal(envelope_encode(&envelope, &binary), ERROR_LIMIT);
    envelope.sender.len = 0;
    envelope.size_bytes = 10;
    envelope.header_bytes = 11;
    assert_int_equal(envelope_encode(&envelope, &binary), ERROR_SYNTAX);
    buffer_init(&binary, 20);
    envelope.header_bytes = 0;
    assert_int_equal(envelope_encode(&envelope, &binary), ERROR_LIMIT);
    buffer_done(&binary);
}

static void finished_means_nobody_pending(void **state)
{
    struct envelope envelope = sample();

    (void)state;
    assert_false(envelope_is_finished(&envelope));
    envelope.recipient_count = 1;
    assert_true(envelope_is_finished(&envelope));
    envelope.recipient_count = 0;
    assert_true(envelope_is_finished(&envelope));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_stored_comes_back),
        cmocka_unit_test(every_flipped_bit_and_every_cut_is_refused),
        cmocka_unit_test(hostile_numbers_are_refused),
        cmocka_unit_test(limits_are_told_apart_from_damage),
        cmocka_unit_test(finished_means_nobody_pending),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
