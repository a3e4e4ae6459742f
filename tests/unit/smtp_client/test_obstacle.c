/* What a hop cannot be given fails with its reason, and is never altered. */
#include "smtp_client/client_internal.h"
#include "smtp_client/obstacle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define EVERYTHING (HOP_PIPELINING | HOP_SIZE | HOP_8BITMIME | HOP_SMTPUTF8)

static const struct bytes plain[] = {BYTES_LITERAL("kate@fabrikam.com"), BYTES_LITERAL("bob@fabrikam.com")};
static const struct bytes unicode[] = {BYTES_LITERAL("kate@fabrikam.com"),
                                       BYTES_LITERAL("gr\xc3\xbc\xc3\x9f@fabrikam.com")};
static const struct bytes hostile[] = {BYTES_LITERAL("a\r\nQUIT@fabrikam.com")};

static const struct smtp_dsn_request two_lines[] = {
    {{0}, {0}}, {BYTES_LITERAL("NEVER"), BYTES_LITERAL("rfc822;a\r\nQUIT")}};
static const struct smtp_dsn_request two_words[] = {
    {BYTES_LITERAL("NEVER"), BYTES_LITERAL("rfc822;a NOTIFY=SUCCESS")}, {{0}, {0}}};

#define PLAIN .sender = BYTES_LITERAL("chris@contoso.com"), .recipients = plain, .recipient_count = 2

static const struct {
    struct smtp_transaction transaction;
    uint32_t offers; /* with these it is refused */
    const char *code;
    uint32_t more; /* with these besides it is not; 0: nothing helps */
} rows[] = {
    {{PLAIN}, 0, NULL, 0},
    {{PLAIN, .is_8bit = true}, HOP_SMTPUTF8, "554 5.6.3 ", HOP_8BITMIME},
    {{PLAIN, .is_binary = true}, EVERYTHING, "554 5.6.3 ", HOP_CHUNKING | HOP_BINARYMIME},
    {{PLAIN, .is_binary = true}, EVERYTHING | HOP_BINARYMIME, "554 5.6.3 ", HOP_CHUNKING},
    {{PLAIN, .is_binary = true}, EVERYTHING | HOP_CHUNKING, "554 5.6.3 ", HOP_BINARYMIME},
    {{PLAIN, .is_chunk_only = true}, EVERYTHING | HOP_BINARYMIME, "554 5.6.3 ", HOP_CHUNKING},
    {{PLAIN, .needs_utf8 = true}, HOP_8BITMIME, "553 5.6.7 ", HOP_SMTPUTF8},
    {{.sender = BYTES_LITERAL("\xc3\xa9@contoso.com"), .recipients = plain, .recipient_count = 2},
     HOP_8BITMIME,
     "553 5.6.7 ",
     HOP_SMTPUTF8},
    {{.recipients = unicode, .recipient_count = 2}, HOP_8BITMIME, "553 5.6.7 ", HOP_SMTPUTF8},
    {{.recipients = unicode, .recipient_count = 1}, 0, NULL, 0},
    {{.recipients = hostile, .recipient_count = 1}, EVERYTHING, "553 5.1.3 ", 0},
    {{.sender = BYTES_LITERAL("\x7f@b"), .recipients = plain, .recipient_count = 1},
     EVERYTHING,
     "553 5.1.3 ",
     0},
    {{PLAIN, .dsn_requests = two_lines}, HOP_DSN, "554 5.5.4 ", 0},
    {{PLAIN, .dsn_requests = two_words}, HOP_DSN, "554 5.5.4 ", 0},
    {{PLAIN, .envelope_id = BYTES_LITERAL("a\nb")}, HOP_DSN, "554 5.5.4 ", 0},
    {{PLAIN, .envelope_id = BYTES_LITERAL("a RET=FULL")}, HOP_DSN, "554 5.5.4 ", 0},
    {{PLAIN, .envelope_id = BYTES_LITERAL("a\xff")}, HOP_DSN, "554 5.5.4 ", 0},
    {{PLAIN, .envelope_id = BYTES_LITERAL("a+2Bb")}, HOP_DSN, NULL, 0},
    {{PLAIN, .envelope_id = BYTES_LITERAL("a\nb")}, 0, NULL, 0},
    {{PLAIN, .size_bytes = 1001}, HOP_SIZE, "552 5.3.4 ", 0},
    {{PLAIN, .size_bytes = 1000}, HOP_SIZE, NULL, 0},
};

/* proves: A7 F2 F8 */
static void each_obstacle_has_its_reply(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *reply = hop_obstacle(rows[i].offers, 1000, &rows[i].transaction);
        if (rows[i].code == NULL) {
            assert_null(reply);
            continue;
        }
        assert_non_null(reply);
        assert_memory_equal(reply, rows[i].code, strlen(rows[i].code));
        if (rows[i].more) {
            assert_null(hop_obstacle(rows[i].offers | rows[i].more, 1000, &rows[i].transaction));
        }
    }
}

static void a_hop_without_a_limit_takes_any_size(void **state)
{
    struct smtp_transaction transaction = {PLAIN, .size_bytes = UINT64_MAX};
    (void)state;
    assert_null(hop_obstacle(HOP_SIZE, 0, &transaction));
    assert_null(hop_obstacle(0, 1000, &transaction));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_obstacle_has_its_reply),
        cmocka_unit_test(a_hop_without_a_limit_takes_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
