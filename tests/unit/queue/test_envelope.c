/* An envelope survives the disk as it was, and what the disk made up is refused. */
#include "queue/envelope.h"

#include "queue/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct envelope_recipient sample_recipients[] = {
    {.address = {"a@example.com", 13}, .state = RECIPIENT_DELIVERED, .reply = {"250 2.1.5 ok", 12}},
    {.address = {"b\0b@example.net", 15}, .state = RECIPIENT_PENDING, .reply = {NULL, 0}},
    {.address = {"c@example.net", 13},
     .notify = NOTIFY_SUCCESS | NOTIFY_DELAY,
     .original = {"rfc822;c+40x", 12}},
};

static struct envelope sample(void)
{
    return (struct envelope){
        .id = 0x1122334455667788u,
        .sender = BYTES_LITERAL("sender@example.org"),
        .recipients = sample_recipients,
        .recipient_count = 3,
        .arrived_ms = 1795315500123,
        .next_attempt_ms = -5,
        .attempts = UINT32_MAX,
        .is_held = true,
        .delay_warned = true,
        .body = BODY_BINARYMIME,
        .is_chunk_only = true,
        .needs_utf8 = true,
        .dsn_return = RETURN_HEADERS,
        .envelope_id = BYTES_LITERAL("QQ314159+2B"),
        .auth = BYTES_LITERAL("a+2Bb@example.org"),
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
    assert_true(a->is_chunk_only == b->is_chunk_only && a->needs_utf8 == b->needs_utf8);
    assert_true(a->dsn_return == b->dsn_return && bytes_equal(a->envelope_id, b->envelope_id));
    assert_true(bytes_equal(a->auth, b->auth));
    assert_true(a->size_bytes == b->size_bytes && a->header_bytes == b->header_bytes);
    assert_true(bytes_equal(a->sender, b->sender) && bytes_equal(a->message_id, b->message_id));
    assert_true(bytes_equal(a->connector, b->connector) && bytes_equal(a->client, b->client));
    assert_true(bytes_equal(a->hop, b->hop));
    assert_int_equal(a->recipient_count, b->recipient_count);
    for (size_t i = 0; i < a->recipient_count; i++) {
        assert_true(bytes_equal(a->recipients[i].address, b->recipients[i].address));
        assert_true(bytes_equal(a->recipients[i].reply, b->recipients[i].reply));
        assert_int_equal(a->recipients[i].state, b->recipients[i].state);
        assert_int_equal(a->recipients[i].notify, b->recipients[i].notify);
        assert_true(bytes_equal(a->recipients[i].original, b->recipients[i].original));
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
    assert_true(binary.len < 250);
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
    bytes[0] = 0;
    assert_int_equal(decode_sealed(bytes, len), ERROR_SYNTAX); /* unknown version */
    bytes[0] = 4;
    assert_int_equal(decode_sealed(bytes, len + 2), ERROR_SYNTAX); /* of a later release */
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

/* proves: R17 R19 */
static void hostile_values_of_version_2_are_refused(void **state)
{
    static const char one[] = "\2\0"
                              "12345678"
                              "\0\0\0\0\0"
                              "\0\0\0\0\0"
                              "\0\0" /* RET and ENVID */
                              "\1"
                              "\0\0\0\0\0";
    static const struct {
        size_t at;
        char value;
        enum error error;
    } changes[] = {
        {1, 8, OK},
        {1, 16, OK},
        {1, 8 | 16, ERROR_SYNTAX},
        {1, (char)128, ERROR_SYNTAX},
        {20, 2, OK},
        {20, 3, ERROR_SYNTAX},
        {21, 1, ERROR_SYNTAX},
        {26, 15, OK},
        {26, 16, ERROR_SYNTAX},
        {27, 1, ERROR_SYNTAX},
    };
    char bytes[sizeof(one)];

    (void)state;
    assert_int_equal(decode_sealed(one, sizeof(one) - 1), OK);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        memcpy(bytes, one, sizeof(one));
        bytes[changes[i].at] = changes[i].value;
        assert_int_equal(decode_sealed(bytes, sizeof(one) - 1), changes[i].error);
    }
}

/* What stood in the spool when the first release was stopped. */
/* proves: R11 */
static void an_envelope_of_the_first_release_is_read(void **state)
{
    static const char old[] = "\1\x0c"
                              "\x08\x07\x06\x05\x04\x03\x02\x01"
                              "\x64\x32\x03\x80\x02\x20"
                              "\x0bs@x.example\x05<1@x>\x04S\\In\x06[::]:1\x02h1"
                              "\x02"
                              "\x01\x05"
                              "a@b.c"
                              "\x03"
                              "250"
                              "\x00\x05"
                              "d@e.f"
                              "\x00";
    struct envelope envelope;
    struct buffer binary;
    struct arena arena;
    uint32_t crc = checksum_crc32((struct bytes){old, sizeof(old) - 1});

    (void)state;
    buffer_init(&binary, 1 << 20);
    arena_init(&arena, 1 << 20);
    assert_int_equal(buffer_append(&binary, (struct bytes){old, sizeof(old) - 1}), OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(buffer_append_byte(&binary, (char)(crc >> 8 * i)), OK);
    assert_int_equal(decode(buffer_bytes(&binary), &arena, &envelope), OK);
    assert_true(envelope.id == 0x0102030405060708u && envelope.arrived_ms == 100);
    assert_true(envelope.delay_warned && envelope.body == BODY_8BITMIME && !envelope.is_chunk_only);
    assert_true(envelope.size_bytes == 256 && envelope.header_bytes == 32 && envelope.attempts == 3);
    assert_true(bytes_equal(envelope.sender, BYTES_LITERAL("s@x.example")));
    assert_true(bytes_equal(envelope.hop, BYTES_LITERAL("h1")));
    assert_true(envelope.dsn_return == RETURN_UNSAID && envelope.envelope_id.len == 0);
    assert_true(bytes_equal(envelope.auth, BYTES_LITERAL("<>")));
    assert_int_equal(envelope.recipient_count, 2);
    assert_true(bytes_equal(envelope.recipients[1].address, BYTES_LITERAL("d@e.f")));
    assert_true(envelope.recipients[0].state == RECIPIENT_DELIVERED && envelope.recipients[1].notify == 0);
    assert_int_equal(envelope.recipients[1].original.len, 0);
    arena_done(&arena);
    buffer_done(&binary);
}

/* Spec: RFC 3461 4.1 */
static void a_sender_is_told_what_it_asked_for(void **state)
{
    static const struct {
        uint8_t notify;
        bool success, failure, delay;
    } rows[] = {
        {0, false, true, true},
        {NOTIFY_NEVER, false, false, false},
        {NOTIFY_SUCCESS, true, false, false},
        {NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY, true, true, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct envelope_recipient recipient = {.notify = rows[i].notify};
        assert_int_equal(envelope_recipient_wants(&recipient, NOTIFY_SUCCESS), rows[i].success);
        assert_int_equal(envelope_recipient_wants(&recipient, NOTIFY_FAILURE), rows[i].failure);
        assert_int_equal(envelope_recipient_wants(&recipient, NOTIFY_DELAY), rows[i].delay);
    }
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
        cmocka_unit_test(hostile_values_of_version_2_are_refused),
        cmocka_unit_test(an_envelope_of_the_first_release_is_read),
        cmocka_unit_test(a_sender_is_told_what_it_asked_for),
        cmocka_unit_test(limits_are_told_apart_from_damage),
        cmocka_unit_test(finished_means_nobody_pending),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
