/* What NTLM's answer says of its channel. MS-NLMP 2.2.1.3, 2.2.2.1, 2.2.2.7. */
#include "auth/ntlm_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEADER_SIZE 28 /* up to the fields after the answer's */
#define PAIRS_AT    (HEADER_SIZE + 44)

struct message {
    char bytes[512];
    size_t len;
};

static void put_u16(struct message *message, size_t at, size_t value)
{
    message->bytes[at] = (char)(value & 0xff);
    message->bytes[at + 1] = (char)(value >> 8);
}

/* An AUTHENTICATE with these AvPairs. */
static void make(struct message *message, const void *pairs, size_t pairs_len)
{
    memset(message, 0, sizeof *message);
    memcpy(message->bytes, "NTLMSSP\0\x03", 9);
    put_u16(message, 20, 44 + pairs_len);
    put_u16(message, 22, 44 + pairs_len);
    put_u16(message, 24, HEADER_SIZE);
    memcpy(message->bytes + PAIRS_AT, pairs, pairs_len);
    message->len = PAIRS_AT + pairs_len;
}

static bool names(const struct message *message)
{
    return ntlm_message_names_channel((struct bytes){message->bytes, message->len});
}

#define COMPUTER "\x01\x00\x04\x00m\0x\0"
#define CHANNEL                                                                                              \
    "\x0a\x00\x10\x00"                                                                                       \
    "0123456789abcdef"
#define NONE "\x0a\x00\x10\x00\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define SHORT                                                                                                \
    "\x0a\x00\x04\x00"                                                                                       \
    "0123"
#define END        "\0\0\0\0"
#define WITH(text) make(&message, text, sizeof(text) - 1)

/* proves: T5 */
static void test_the_pair_of_the_channel_decides(void **state)
{
    struct message message;
    (void)state;
    WITH(COMPUTER CHANNEL END);
    assert_true(names(&message));
    WITH(CHANNEL);
    assert_true(names(&message));
    WITH(COMPUTER NONE END);
    assert_false(names(&message));
    WITH(COMPUTER SHORT END);
    assert_false(names(&message));
    WITH(COMPUTER END CHANNEL);
    assert_false(names(&message));
    WITH("");
    assert_false(names(&message));
}

static void test_cut_anywhere_it_names_nothing(void **state)
{
    struct message message;
    (void)state;
    WITH(COMPUTER CHANNEL END);
    for (size_t len = 0; len < message.len; len++) /* the answer's length says more than there is */
        assert_false(ntlm_message_names_channel((struct bytes){message.bytes, len}));
    message.bytes[8] = 1; /* a NEGOTIATE */
    assert_false(names(&message));
    WITH(COMPUTER CHANNEL END);
    memset(message.bytes + 24, 0xff, 4);
    assert_false(names(&message));
}

static void test_what_is_a_message(void **state)
{
    (void)state;
    assert_true(ntlm_message_is_one(BYTES_LITERAL("NTLMSSP\0\x01\0\0\0")));
    assert_false(ntlm_message_is_one(BYTES_LITERAL("NTLMSSP\0\x01\0\0")));
    assert_false(ntlm_message_is_one(BYTES_LITERAL("NTLMSSPx\x01\0\0\0")));
    assert_false(ntlm_message_is_one((struct bytes){0}));
}

/* -- what is left out -- */

static void complete(struct bytes message, struct buffer *out)
{
    buffer_init(out, 4096);
    assert_int_equal(ntlm_message_complete(message, out), OK);
}

static void test_a_negotiate_of_flags_alone(void **state)
{
    static const char FULL[40] = "NTLMSSP\0\x01\0\0\0\x06\x82\x08";
    struct buffer out;
    (void)state;
    for (size_t len = 16; len <= sizeof FULL; len += len == 32 ? 8 : 1) {
        complete((struct bytes){FULL, len}, &out);
        assert_true(bytes_equal(buffer_bytes(&out), (struct bytes){FULL, sizeof FULL}));
        buffer_done(&out);
    }
}

static void test_a_negotiate_with_a_domain(void **state)
{
    struct buffer out;
    (void)state;
    complete(BYTES_LITERAL("NTLMSSP\0\x01\0\0\0\x06\x92\x08\0\x07\0\x07\0\x20\0\0\0\0\0\0\0\0\0\0\0"
                           "CONTOSO"),
             &out);
    assert_true(
        bytes_equal(buffer_bytes(&out),
                    BYTES_LITERAL("NTLMSSP\0\x01\0\0\0\x06\x92\x08\0\x07\0\x07\0\x28\0\0\0\0\0\0\0\0\0\0\0"
                                  "\0\0\0\0\0\0\0\0"
                                  "CONTOSO")));
    buffer_done(&out);
}

/* User at 64, domain behind it, no session key. */
static void test_an_authenticate_without_version(void **state)
{
    char bytes[80] = "NTLMSSP\0\x03";
    struct buffer out;
    (void)state;
    bytes[36] = 5;
    bytes[40] = 64;
    bytes[28] = 7;
    bytes[32] = 69;
    memcpy(bytes + 64, "aliceCONTOSO", 12);
    complete((struct bytes){bytes, 76}, &out);
    assert_int_equal(out.len, 84);
    assert_memory_equal(out.ptr + 72, "aliceCONTOSO", 12);
    assert_int_equal(out.ptr[40], 72);
    assert_int_equal(out.ptr[32], 77);
    assert_int_equal(out.ptr[56], 0); /* the key's offset */
    struct buffer again;
    complete(buffer_bytes(&out), &again);
    assert_true(bytes_equal(buffer_bytes(&out), buffer_bytes(&again)));
    buffer_done(&again);
    buffer_done(&out);
    bytes[33] = 1; /* beyond the end: the plugin's to refuse */
    complete((struct bytes){bytes, 76}, &out);
    assert_int_equal(out.ptr[33], 1);
    buffer_done(&out);
}

static void test_others_stay_as_they_are(void **state)
{
    struct message message;
    struct buffer out;
    (void)state;
    WITH(COMPUTER CHANNEL END);
    message.bytes[8] = 9;
    complete((struct bytes){message.bytes, message.len}, &out);
    assert_true(bytes_equal(buffer_bytes(&out), (struct bytes){message.bytes, message.len}));
    buffer_done(&out);
    complete(BYTES_LITERAL("NTLMSSP\0\x03\0\0\0\0"), &out);
    assert_int_equal(out.len, 13);
    buffer_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_pair_of_the_channel_decides),
        cmocka_unit_test(test_cut_anywhere_it_names_nothing),
        cmocka_unit_test(test_what_is_a_message),
        cmocka_unit_test(test_a_negotiate_of_flags_alone),
        cmocka_unit_test(test_a_negotiate_with_a_domain),
        cmocka_unit_test(test_an_authenticate_without_version),
        cmocka_unit_test(test_others_stay_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
