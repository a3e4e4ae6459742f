/* The reply catalogue, to the letter. */
#include "smtp_server/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct reply_case {
    enum reply reply;
    const char *text;
};

static const struct reply_case reply_cases[] = {
    {REPLY_SENDER_OK, "250 2.1.0 Sender OK\r\n"},
    {REPLY_RECIPIENT_OK, "250 2.1.5 Recipient OK\r\n"},
    {REPLY_START_INPUT, "354 Start mail input; end with <CRLF>.<CRLF>\r\n"},
    {REPLY_RESETTING, "250 2.0.0 Resetting\r\n"},
    {REPLY_NOOP_OK, "250 2.0.0 OK\r\n"},
    {REPLY_CLOSING, "221 2.0.0 Service closing transmission channel\r\n"},
    {REPLY_CANNOT_VRFY, "252 2.1.5 Cannot VRFY user\r\n"},
    {REPLY_NOT_IMPLEMENTED, "502 5.3.3 Command not implemented\r\n"},
    {REPLY_UNRECOGNIZED, "500 5.3.3 Unrecognized command\r\n"},
    {REPLY_TOO_LONG, "500 5.5.2 Command too long\r\n"},
    {REPLY_INVALID_ARGUMENTS, "501 5.5.4 Invalid arguments\r\n"},
    {REPLY_UNRECOGNIZED_PARAMETER, "501 5.5.4 Unrecognized parameter\r\n"},
    {REPLY_UNSUPPORTED_BODY, "501 5.5.4 Unsupported BODY type\r\n"},
    {REPLY_INVALID_DOMAIN, "501 5.5.4 Invalid domain name\r\n"},
    {REPLY_EHLO_REQUIRES_DOMAIN, "501 5.0.0 EHLO requires domain address\r\n"},
    {REPLY_HELO_REQUIRES_DOMAIN, "501 5.0.0 HELO requires domain address\r\n"},
    {REPLY_INVALID_SENDER, "501 5.1.7 Invalid address\r\n"},
    {REPLY_INVALID_RECIPIENT, "501 5.1.3 Invalid address\r\n"},
    {REPLY_SEND_HELLO_FIRST, "503 5.5.2 Send hello first\r\n"},
    {REPLY_NEED_MAIL, "503 5.5.2 Need mail command\r\n"},
    {REPLY_NEED_RCPT, "503 5.5.2 Need rcpt command\r\n"},
    {REPLY_SENDER_ALREADY_SPECIFIED, "503 5.5.2 Sender already specified\r\n"},
    {REPLY_BAD_SEQUENCE, "503 5.5.1 Bad sequence of commands\r\n"},
    {REPLY_SUBMIT_ANONYMOUS, "530 5.7.1 Client was not authenticated\r\n"},
    {REPLY_SUBMIT_AUTHENTICATED, "550 5.7.1 Client does not have permission to submit to this server\r\n"},
    {REPLY_SEND_AS, "550 5.7.1 Client does not have permission to send as this sender\r\n"},
    {REPLY_SEND_ON_BEHALF,
     "550 5.7.1 Client does not have permission to send on behalf of the from address\r\n"},
    {REPLY_RELAY, "550 5.7.1 Unable to relay\r\n"},
    {REPLY_SIZE_EXCEEDED, "552 5.3.4 Message size exceeds fixed maximum message size\r\n"},
    {REPLY_HEADER_TOO_LARGE, "552 5.3.4 Header size exceeds fixed maximum size\r\n"},
    {REPLY_TOO_MANY_RECIPIENTS, "452 4.5.3 Too many recipients\r\n"},
    {REPLY_HOP_COUNT, "554 5.4.6 Hop count exceeded - possible mail loop\r\n"},
    {REPLY_INVALID_CONTENT, "554 5.6.0 Invalid message content\r\n"},
    {REPLY_BARE_LINEFEED, "554 5.6.0 Invalid message content, contains bare linefeeds\r\n"},
    {REPLY_PARTIAL, "554 5.6.1 Messages of type message/partial are not supported\r\n"},
    {REPLY_NO_RESOURCES, "452 4.3.1 Insufficient system resources\r\n"},
    {REPLY_SERVICE_UNAVAILABLE, "421 4.3.2 Service not available\r\n"},
    {REPLY_TOO_MANY_ERRORS, "421 4.7.0 Too many errors on this connection, closing transmission channel\r\n"},
    {REPLY_IDLE_TIMEOUT, "451 4.7.0 Timeout waiting for client input\r\n"},
    {REPLY_CONNECTION_TIMEOUT, "421 4.4.1 Connection timed out\r\n"},
    {REPLY_SHUTTING_DOWN, "421 4.3.2 Service not active\r\n"},
};

static void assert_reply(enum reply reply, bool with_enhanced, const char *expected)
{
    struct buffer out;
    buffer_init(&out, 512);
    assert_int_equal(reply_append(&out, reply, with_enhanced), OK);
    assert_true(bytes_equal(buffer_bytes(&out), bytes_of_text(expected)));
    buffer_done(&out);
}

/* proves: C77 C78 C80 C83 C265 C268 C269 C271 C272 facts-8.2 contract-5 */
static void replies_are_the_documents_to_the_letter(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof reply_cases / sizeof reply_cases[0]; i++) {
        assert_reply(reply_cases[i].reply, true, reply_cases[i].text);
    }
}

/* proves: facts-8.2 */
static void the_enhanced_code_goes_with_its_option(void **state)
{
    (void)state;
    assert_reply(REPLY_RELAY, false, "550 Unable to relay\r\n");
    assert_reply(REPLY_START_INPUT, false, "354 Start mail input; end with <CRLF>.<CRLF>\r\n");
}

static void assert_words(const char *words, bool with_enhanced, const char *expected)
{
    char text[REPLY_WORDS_SIZE];
    size_t length = reply_format_words(REPLY_FILTER_REJECTED, bytes_of_text(words), with_enhanced, text);
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
}

/* proves: facts-2.3 facts-8.2 */
static void other_words_keep_their_code_and_obey_the_option(void **state)
{
    char words[700];
    (void)state;
    assert_words("554 5.7.9 go away", true, "554 5.7.9 go away\r\n");
    assert_words("554 5.7.9 go away", false, "554 go away\r\n");
    assert_words("554 go away", true, "554 5.7.1 go away\r\n");
    assert_words("554 go away", false, "554 go away\r\n");
    assert_words("554 5.7.123", false, "554 \r\n");
    assert_words("554 5.7.1234 x", false, "554 5.7.1234 x\r\n");
    assert_words("554 5.7 is no code", false, "554 5.7 is no code\r\n");
    assert_words("554 55.7.1 x", false, "554 55.7.1 x\r\n");
    assert_words("554 5..1 x", false, "554 5..1 x\r\n");
    assert_words("554 5.7.1: x", false, "554 5.7.1: x\r\n");
    memset(words, 'x', sizeof words);
    memcpy(words, "554 ", 4);
    words[sizeof words - 1] = '\0';
    char text[REPLY_WORDS_SIZE];
    assert_int_equal(reply_format_words(REPLY_FILTER_REJECTED, bytes_of_text(words), true, text),
                     REPLY_WORDS_SIZE - 16 + strlen("5.7.1 \r\n"));
}

static void every_row_is_a_reply(void **state)
{
    (void)state;
    for (int reply = 0; reply < REPLY_COUNT; reply++) {
        const struct reply_row *row = reply_row((enum reply)reply);
        if (reply == REPLY_SILENCE || reply == REPLY_TLS_FAILED) {
            continue;
        }
        assert_in_range(row->code, 200, 599);
        assert_non_null(row->text);
        if (row->enhanced != NULL) {
            assert_int_equal(row->enhanced[0], '0' + row->code / 100);
        }
    }
}

/* proves: C265 C268 C269 C271 C272 */
static void every_reason_has_its_reply(void **state)
{
    (void)state;
    assert_int_equal(reply_of_reason(REASON_SUBMIT_ANONYMOUS), REPLY_SUBMIT_ANONYMOUS);
    assert_int_equal(reply_of_reason(REASON_SUBMIT_AUTHENTICATED), REPLY_SUBMIT_AUTHENTICATED);
    assert_int_equal(reply_of_reason(REASON_SEND_AS), REPLY_SEND_AS);
    assert_int_equal(reply_of_reason(REASON_SEND_ON_BEHALF), REPLY_SEND_ON_BEHALF);
    assert_int_equal(reply_of_reason(REASON_RELAY), REPLY_RELAY);
    assert_int_equal(reply_of_reason(REASON_NO_ROUTE), REPLY_NO_ROUTE);
    assert_int_equal(reply_of_reason(REASON_EXCH50), REPLY_EXCH50_NOT_AUTHORIZED);
    assert_int_equal(reply_row(reply_of_reason(REASON_NONE))->code / 100, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_the_documents_to_the_letter),
        cmocka_unit_test(the_enhanced_code_goes_with_its_option),
        cmocka_unit_test(other_words_keep_their_code_and_obey_the_option),
        cmocka_unit_test(every_row_is_a_reply),
        cmocka_unit_test(every_reason_has_its_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
