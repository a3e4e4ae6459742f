/* A bounce is valid mail, tells what is true, and carries nothing a peer made up as structure. */
#include "queue/dsn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(text)                                                                                           \
    {                                                                                                        \
        text, sizeof(text) - 1                                                                               \
    }

static struct envelope_recipient recipients[] = {
    {.address = TEXT("gone@example.com"),
     .state = RECIPIENT_FAILED,
     .reply = TEXT("550 5.1.1 no such\r\n\r\nX-Injected: user\x1b[31m\xff")},
    {.address = TEXT("fine@example.com"), .state = RECIPIENT_DELIVERED, .reply = TEXT("250 ok")},
    {.address = TEXT("late@example.com"), .state = RECIPIENT_FAILED, .reply = TEXT("451 later, later")},
    {.address = TEXT("ours@example.com"), .state = RECIPIENT_FAILED, .reply = TEXT("too many hops")},
};

static const struct envelope failed = {
    .id = 7,
    .sender = TEXT("sender@example.org"),
    .recipients = recipients,
    .recipient_count = 4,
    .arrived_ms = 1795315500000,
    .hop = TEXT("mx.example.com\r\nX: y"),
};

static struct dsn_request request_over(const char *header)
{
    return (struct dsn_request){
        .envelope = &failed,
        .original_header = bytes_of_text(header),
        .server_name = "relay.example.org",
        .id = 8,
        .wall_ms = 1795315560000,
    };
}

static char *make_report(const struct dsn_request *request)
{
    struct buffer out;
    char *text;

    buffer_init(&out, 1 << 20);
    assert_int_equal(dsn_append_report(&out, request), OK);
    text = bytes_copy_text(buffer_bytes(&out));
    assert_int_equal(strlen(text), out.len);
    buffer_done(&out);
    return text;
}

/* Every line ends with CRLF, is seven bits and at most 998 long. */
static void assert_lines_legal(const char *text)
{
    size_t column = 0;

    for (const char *at = text; *at; at++) {
        assert_true((unsigned char)*at < 0x80);
        assert_true(*at != '\n' || (at > text && at[-1] == '\r'));
        assert_true(*at != '\r' || at[1] == '\n');
        column = *at == '\n' ? 0 : column + 1;
        assert_true(column <= 999);
    }
    assert_true(column == 0);
}

/* proves: contract-2 */
static void it_tells_of_the_late_recipients(void **state)
{
    static struct envelope_recipient rows[] = {
        {.address = TEXT("gone@example.com"), .state = RECIPIENT_FAILED, .reply = TEXT("550 5.1.1 no")},
        {.address = TEXT("late@example.com"), .state = RECIPIENT_PENDING, .reply = TEXT("451 4.3.2 later")},
        {.address = TEXT("new@example.com"), .state = RECIPIENT_PENDING},
    };
    struct dsn_request request = request_over("Subject: hi\r\n");
    struct envelope late = failed;

    (void)state;
    late.recipients = rows;
    late.recipient_count = 3;
    request.envelope = &late;
    request.action = DSN_DELAYED;
    request.retry_until_ms = 1795488300000;
    char *text = make_report(&request);
    assert_lines_legal(text);
    assert_non_null(strstr(text, "\r\nSubject: Delayed: your message has not been delivered yet\r\n"));
    assert_non_null(strstr(text, "\r\n\r\nFinal-Recipient: rfc822; late@example.com\r\n"
                                 "Action: delayed\r\nStatus: 4.3.2\r\n"));
    assert_non_null(strstr(text, "\r\n\r\nFinal-Recipient: rfc822; new@example.com\r\n"
                                 "Action: delayed\r\nStatus: 4.0.0\r\nWill-Retry-Until: "));
    assert_null(strstr(text, "gone@example.com"));
    free(text);
}

/* proves: R17 */
static void it_tells_of_the_failed_recipients_and_only_of_those(void **state)
{
    struct dsn_request request = request_over("From: a@b\r\nSubject: hi\r\n");
    char *text = make_report(&request);

    (void)state;
    assert_lines_legal(text);
    assert_non_null(strstr(text, "From: Mail Delivery System <MAILER-DAEMON@relay.example.org>\r\n"));
    assert_non_null(strstr(text, "\r\nTo: <sender@example.org>\r\n"));
    assert_non_null(strstr(text, "\r\nAuto-Submitted: auto-replied\r\n"));
    assert_non_null(strstr(text, "\r\nMIME-Version: 1.0\r\n"));
    assert_non_null(strstr(text, "\r\nMessage-ID: <"));
    assert_non_null(strstr(text, "Content-Type: multipart/report; report-type=delivery-status;"));
    assert_non_null(strstr(text, "\r\nReporting-MTA: dns; relay.example.org\r\n"));
    struct dsn_request other = request;
    other.reporting_name = "mail.example.org";
    char *renamed = make_report(&other);
    assert_non_null(strstr(renamed, "\r\nReporting-MTA: dns; mail.example.org\r\n"));
    free(renamed);
    assert_non_null(strstr(text, "\r\n\r\nFinal-Recipient: rfc822; gone@example.com\r\n"
                                 "Action: failed\r\nStatus: 5.1.1\r\n"));
    assert_non_null(strstr(text, "rfc822; late@example.com\r\nAction: failed\r\nStatus: 4.0.0\r\n"));
    assert_non_null(strstr(text, "rfc822; ours@example.com\r\nAction: failed\r\nStatus: 5.0.0\r\n"
                                 "Diagnostic-Code: x-dirrelay; too many hops\r\n"));
    assert_null(strstr(text, "fine@example.com"));
    assert_non_null(
        strstr(text, "Content-Type: text/rfc822-headers\r\n\r\nFrom: a@b\r\nSubject: hi\r\n\r\n--"));
    free(text);
}

/* proves: R17 */
static void a_peers_line_breaks_become_nothing_of_ours(void **state)
{
    struct dsn_request request =
        request_over("Subject: x\r\nY: \xc3\xa9\x1b[1m\n\r\nbody that stays away\r\n");
    char *text = make_report(&request);

    (void)state;
    assert_lines_legal(text);
    assert_null(strstr(text, "\nX-Injected"));
    assert_null(strstr(text, "\nX: y"));
    assert_null(strchr(text, '\x1b'));
    assert_null(strstr(text, "body that stays away"));
    assert_non_null(strstr(text, "Diagnostic-Code: smtp; 550 5.1.1 no such    X-Injected: user?[31m?"));
    free(text);
}

/* proves: R17 R22 */
static void a_large_header_is_cut_and_a_hostile_one_ends_no_part(void **state)
{
    struct dsn_request request = request_over("");
    struct buffer header;
    struct buffer out;
    char *text;
    size_t parts = 0;

    (void)state;
    buffer_init(&header, 1 << 20);
    buffer_init(&out, 1 << 20);
    /* The boundary that would be taken first. */
    assert_int_equal(buffer_append_text(&header, "A: --=_0000000000000008_000001a202d22e40_00000000--\r\n"),
                     OK);
    assert_int_equal(buffer_append_text(&header, "--=_0000000000000008_"), OK);
    assert_int_equal(buffer_printf(&header, "%016llx_00000000\r\n", (unsigned long long)request.wall_ms), OK);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(buffer_append(&header, BYTES_LITERAL("X-Filler: \0 0123456789\r\n")), OK);
    memset(header.ptr + 1000, 'l', 2000); /* a line over the limit */
    request.original_header = buffer_bytes(&header);
    assert_int_equal(dsn_append_report(&out, &request), OK);
    text = bytes_copy_text(buffer_bytes(&out));
    assert_int_equal(strlen(text), out.len);
    assert_lines_legal(text);
    assert_true(out.len < 64 * 1024 + 4096);
    const char *boundary = strstr(text, "boundary=\"") + 10;
    char delimiter[100] = "\r\n--";
    strncat(delimiter, boundary, strcspn(boundary, "\""));
    for (const char *at = text; (at = strstr(at, delimiter)); at++)
        parts++;
    assert_int_equal(parts, 4);
    buffer_clear(&out);
    out.ceiling = 500;
    buffer_done(&out);
    assert_int_equal(dsn_append_report(&out, &request), ERROR_LIMIT);
    buffer_done(&out);
    buffer_done(&header);
    free(text);
}

/* proves: R16 */
static void nothing_is_bounced_to_nobody_or_to_a_bounce(void **state)
{
    struct dsn_request request = request_over("A: b\r\n");
    struct envelope original = failed;
    struct envelope report;
    struct arena arena;

    (void)state;
    arena_init(&arena, 10000);
    request.envelope = &original;
    assert_true(dsn_make_envelope(&request, &arena, &report));
    assert_int_equal(report.sender.len, 0);
    assert_true(report.is_bounce);
    assert_int_equal(report.recipient_count, 1);
    assert_true(bytes_equal(report.recipients[0].address, failed.sender));
    assert_int_equal(report.recipients[0].state, RECIPIENT_PENDING);
    original.is_bounce = true;
    assert_false(dsn_make_envelope(&request, &arena, &report));
    original.is_bounce = false;
    original.sender.len = 0;
    assert_false(dsn_make_envelope(&request, &arena, &report));
    arena_done(&arena);
}

static void the_envelope_knows_where_the_header_ends(void **state)
{
    struct dsn_request request = request_over("A: b\r\n");
    struct envelope report;
    struct arena arena;
    char *text = make_report(&request);

    (void)state;
    arena_init(&arena, 10000);
    assert_true(dsn_make_envelope(&request, &arena, &report));
    assert_int_equal(report.header_bytes, strstr(text, "\r\n\r\n") + 4 - text);
    assert_non_null(strstr(text, report.message_id.ptr));
    arena_done(&arena);
    free(text);
}

/* Spec: RFC 3461 6.3 */
/* proves: R17 */
static void it_repeats_what_the_sender_called_them(void **state)
{
    static struct envelope_recipient rows[] = {
        {.address = TEXT("new@example.com"),
         .state = RECIPIENT_FAILED,
         .original = TEXT("rfc822;old+40example.com")},
        {.address = TEXT("b@example.com"),
         .state = RECIPIENT_FAILED,
         .original = TEXT("x-weird;a+0D+0AX-Injected:+20b")},
        {.address = TEXT("c@example.com"), .state = RECIPIENT_FAILED, .original = TEXT("rfc822")},
    };
    struct dsn_request request = request_over("Subject: hi\r\n");
    struct envelope envelope = failed;

    (void)state;
    envelope.recipients = rows;
    envelope.recipient_count = 3;
    envelope.envelope_id = (struct bytes)TEXT("QQ+2B1+0D+0AX-Injected:+20b");
    request.envelope = &envelope;
    char *text = make_report(&request);
    assert_lines_legal(text);
    assert_non_null(strstr(text, "\r\n\r\nOriginal-Envelope-Id: QQ+1  X-Injected: b\r\nReporting-MTA: "));
    assert_non_null(strstr(text, "\r\n\r\nOriginal-Recipient: rfc822; old@example.com\r\n"
                                 "Final-Recipient: rfc822; new@example.com\r\n"));
    assert_non_null(strstr(text, "\r\nOriginal-Recipient: x-weird; a  X-Injected: b\r\n"));
    assert_non_null(strstr(text, "\r\n\r\nFinal-Recipient: rfc822; c@example.com\r\n"));
    assert_null(strstr(text, "\nX-Injected"));
    free(text);
}

/* Spec: RFC 3461 5.2.2 */
static void it_tells_of_those_that_were_passed_on(void **state)
{
    static struct envelope_recipient rows[] = {
        {.address = TEXT("a@example.com"), .state = RECIPIENT_DELIVERED, .reply = TEXT("250 2.6.0 queued")},
        {.address = TEXT("b@example.com"), .state = RECIPIENT_DELIVERED, .reply = TEXT("250 ok")},
        {.address = TEXT("c@example.com"), .state = RECIPIENT_FAILED, .reply = TEXT("550 no")},
    };
    struct dsn_request request = request_over("Subject: hi\r\n");
    struct envelope envelope = failed;

    (void)state;
    envelope.recipients = rows;
    envelope.recipient_count = 3;
    request.envelope = &envelope;
    request.action = DSN_RELAYED;
    char *text = make_report(&request);
    assert_lines_legal(text);
    assert_non_null(strstr(text, "a@example.com\r\nAction: relayed\r\nStatus: 2.6.0\r\n"));
    assert_non_null(strstr(text, "b@example.com\r\nAction: relayed\r\nStatus: 2.0.0\r\n"));
    assert_null(strstr(text, "c@example.com"));
    free(text);
}

/* proves: R17 */
static void the_whole_message_goes_back_where_it_can(void **state)
{
    static char line[1001];
    struct dsn_request request = request_over("Subject: hi\r\n");

    (void)state;
    request.has_body = true;
    request.original_body = BYTES_LITERAL("line\r\n--=_0000000000000008_\r\n.\r\n");
    char *text = make_report(&request);
    assert_lines_legal(text);
    assert_non_null(strstr(text, "Content-Type: message/rfc822\r\n\r\nSubject: hi\r\n\r\nline\r\n"));
    free(text);

    memset(line, 'x', sizeof(line));
    memcpy(line + 998, "\r\n", 2);
    assert_true(dsn_may_hold((struct bytes){line, 1000}));
    memcpy(line + 998, "x\r\n", 3);
    assert_false(dsn_may_hold((struct bytes){line, 1001}));
    assert_true(dsn_may_hold((struct bytes){0}));
    assert_false(dsn_may_hold(BYTES_LITERAL("no end")));
    assert_false(dsn_may_hold(BYTES_LITERAL("a\nb\r\n")));
    assert_false(dsn_may_hold(BYTES_LITERAL("a\rb\r\n")));
    assert_false(dsn_may_hold(BYTES_LITERAL("a\0b\r\n")));
    assert_false(dsn_may_hold(BYTES_LITERAL("caf\xc3\xa9\r\n")));
}

/* Spec: RFC 6533 3 */
/* proves: A7 R17 */
static void addresses_above_ascii_keep_their_meaning(void **state)
{
    static struct envelope_recipient rows[] = {
        {.address = TEXT("gr\xc3\xbc\xc3\x9f@example.com"),
         .state = RECIPIENT_FAILED,
         .reply = TEXT("553 5.6.7 no")},
        {.address = TEXT("\xff\r\nX-Injected: x@example.com"), .state = RECIPIENT_FAILED},
    };
    struct dsn_request request = request_over("Subject: hi\r\n");
    struct envelope envelope = failed, report;
    struct arena arena;

    (void)state;
    envelope.recipients = rows;
    envelope.recipient_count = 2;
    request.envelope = &envelope;
    char *text = make_report(&request);
    assert_lines_legal(text);
    assert_non_null(strstr(text, "Final-Recipient: utf-8; gr\\x{FC}\\x{DF}@example.com\r\n"));
    assert_non_null(strstr(text, "\r\n<gr\\x{FC}\\x{DF}@example.com>\r\n"));
    assert_null(strstr(text, "\nX-Injected"));
    free(text);

    envelope.sender = (struct bytes)TEXT("\xc3\xa9@example.org");
    text = make_report(&request);
    assert_non_null(strstr(text, "\r\nTo: <\xc3\xa9@example.org>\r\n"));
    free(text);
    arena_init(&arena, 10000);
    assert_true(dsn_make_envelope(&request, &arena, &report));
    assert_true(report.needs_utf8);
    arena_done(&arena);
    envelope.sender = (struct bytes)TEXT("\xff\r\n@example.org");
    text = make_report(&request);
    assert_lines_legal(text);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_tells_of_the_failed_recipients_and_only_of_those),
        cmocka_unit_test(it_tells_of_the_late_recipients),
        cmocka_unit_test(it_repeats_what_the_sender_called_them),
        cmocka_unit_test(it_tells_of_those_that_were_passed_on),
        cmocka_unit_test(the_whole_message_goes_back_where_it_can),
        cmocka_unit_test(addresses_above_ascii_keep_their_meaning),
        cmocka_unit_test(a_peers_line_breaks_become_nothing_of_ours),
        cmocka_unit_test(a_large_header_is_cut_and_a_hostile_one_ends_no_part),
        cmocka_unit_test(nothing_is_bounced_to_nobody_or_to_a_bounce),
        cmocka_unit_test(the_envelope_knows_where_the_header_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
