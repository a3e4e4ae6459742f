/* Rows of a conversation as events. */
#include "base/protocol_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What the writer wrote of these rows. */
static void written(void (*write_rows)(const struct protocol_log *log), char *out, size_t size)
{
    int ends[2];
    uint32_t sequence = 0;
    const struct protocol_log log = {"S1", "MX\\Relay", "client", "10.0.0.1:25", &sequence};
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(event_writer_start(ends[1], EVENT_JSON, EVENT_INFO), OK);
    write_rows(&log);
    event_writer_stop(5000);
    close(ends[1]);
    ssize_t length = read(ends[0], out, size - 1);
    assert_true(length >= 0);
    out[length] = '\0';
    close(ends[0]);
}

static void write_rows(const struct protocol_log *log)
{
    protocol_log_row(log, PROTOCOL_NOTE, BYTES_LITERAL("SMTPSubmit"), "Set Session Permissions");
    protocol_log_lines(log, PROTOCOL_SENT, BYTES_LITERAL("250-A\r\n250 B\r\n"));
    protocol_log_lines(log, PROTOCOL_SENT, BYTES_LITERAL("334 Y2FuYXJ5\r\n334 \r\n"));
}

/* proves: facts-10.6 T11 */
static void a_row_a_line_and_no_challenge(void **state)
{
    char text[4096];
    (void)state;
    written(write_rows, text, sizeof text);
    assert_non_null(strstr(text, "\"event\":\"protocol\",\"session\":\"S1\",\"connector\":\"MX\\\\Relay\","
                                 "\"client\":\"10.0.0.1:25\",\"sequence\":0,\"direction\":\"*\","
                                 "\"data\":\"SMTPSubmit\",\"context\":\"Set Session Permissions\""));
    assert_non_null(strstr(text, "\"sequence\":1,\"direction\":\">\",\"data\":\"250-A\""));
    assert_non_null(strstr(text, "\"sequence\":2,\"direction\":\">\",\"data\":\"250 B\""));
    assert_non_null(strstr(text, "\"sequence\":3,\"direction\":\">\",\"data\":\"334 (not shown)\""));
    assert_non_null(strstr(text, "\"sequence\":4,\"direction\":\">\",\"data\":\"334 \""));
    assert_null(strstr(text, "Y2FuYXJ5"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_a_line_and_no_challenge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
