/* What is looked at in a header block before it is rewritten. */
#include "smtp_server/message_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OURS   "Received: from a by mx.contoso.com with ESMTP id 1; x\r\n"
#define THEIRS "Received: from a by mx.fabrikam.com with ESMTP id 1; x\r\n"
#define SIZE   "X-MS-Exchange-Organization-OriginalSize: "

static enum reply check(const char *block, uint32_t all, uint32_t local)
{
    struct hop_limits limits = {
        .all = all,
        .local = local,
        .names = {BYTES_LITERAL("relay.contoso.com"), BYTES_LITERAL("mx.contoso.com")}};
    return message_header_check(bytes_of_text(block), &limits);
}

/* proves: R15 facts-1.3 facts-8.3 */
static void local_hops_have_a_limit_of_their_own(void **state)
{
    (void)state;
    assert_int_equal(check(OURS OURS THEIRS, 30, 2), REPLY_COUNT);
    assert_int_equal(check(OURS OURS OURS, 30, 2), REPLY_HOP_COUNT);
    assert_int_equal(check(THEIRS THEIRS THEIRS, 30, 2), REPLY_COUNT);
    assert_int_equal(check(THEIRS THEIRS THEIRS, 2, 8), REPLY_HOP_COUNT);
    assert_int_equal(check(OURS OURS OURS, 30, 0), REPLY_COUNT);
    assert_int_equal(check(OURS "Content-Type: message/partial\r\n", 30, 1), REPLY_PARTIAL);
}

/* proves: facts-6.4 */
static void the_original_size_needs_the_right_and_one_number(void **state)
{
    const uint32_t right = RIGHT_BIT(RIGHT_ACCEPT_HEADERS_ORGANIZATION);
    uint64_t bytes = 7;
    (void)state;
    assert_false(message_header_original_size(BYTES_LITERAL(SIZE "5\r\n"), ~right, &bytes));
    assert_false(message_header_original_size(BYTES_LITERAL("Subject: x\r\n"), right, &bytes));
    assert_false(message_header_original_size(BYTES_LITERAL(SIZE "5\r\n" SIZE "6\r\n"), right, &bytes));
    assert_false(message_header_original_size(BYTES_LITERAL(SIZE "-5\r\n"), right, &bytes));
    assert_false(message_header_original_size(BYTES_LITERAL(SIZE "99999999999999999999\r\n"), right, &bytes));
    assert_false(message_header_original_size(BYTES_LITERAL(SIZE "\r\n"), right, &bytes));
    assert_int_equal(bytes, 7);
    assert_true(message_header_original_size(BYTES_LITERAL(SIZE "\r\n 5000 \r\n"), right, &bytes));
    assert_int_equal(bytes, 5000);
}

static void expect_selected(const char *before, const char *field, const char *selected)
{
    struct buffer block, out;
    buffer_init(&block, 4096);
    buffer_init(&out, 4096);
    assert_int_equal(buffer_printf(&block, "%s%sSubject: x\r\nX-Own: y\r\n", before, field), OK);
    assert_int_equal(message_header_select(buffer_bytes(&block), &out), OK);
    if (!bytes_equal(buffer_bytes(&out), bytes_of_text(selected))) {
        fail_msg("%s: %.*s", field, BYTES_ARG(buffer_bytes(&out)));
    }
    buffer_done(&block);
    buffer_done(&out);
}

/* In any spelling that a later reader might take for one of them. */
/* proves: F15 */
static void every_field_that_is_looked_at_is_selected(void **state)
{
    static const char *const names[] = {"Received",
                                        "Resent-To",
                                        "X-MS-Exchange-Organization-A",
                                        "X-MS-Exchange-Forest-A",
                                        "X-MS-Exchange-CrossPremises-A",
                                        "X-Dirrelay-Hops",
                                        "Return-Path",
                                        "Content-Type",
                                        "Message-ID",
                                        "Date",
                                        "From",
                                        "Sender"};
    static const char *const forms[] = {"%s: v\r\n",          "%s : v\r\n\tw\r\n", "\x01%s: v\r\n",
                                        "\x80%s\t: v\r\n",    "\r%s: v\r\n",       "Subject: x\r%s: v\r\n",
                                        "Other\r\n %s: v\r\n"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (size_t k = 0; k < sizeof forms / sizeof forms[0]; k++) {
            char field[256];
            size_t at = strcspn(forms[k], "%");
            snprintf(field, sizeof field, "%.*s%s%s", (int)at, forms[k], names[i], forms[k] + at + 2);
            expect_selected("To: a\r\n", field, field);
        }
    }
    expect_selected("", "Dates: v\r\n", "");
    expect_selected("To: a\r\n Received: b\r\n", "Froma: v\r\n", "");
    expect_selected("X-MS-Exchange: a\r\n", "no colon\r\n", "");
    expect_selected("", ": no name\r\n", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local_hops_have_a_limit_of_their_own),
        cmocka_unit_test(the_original_size_needs_the_right_and_one_number),
        cmocka_unit_test(every_field_that_is_looked_at_is_selected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
