/* Header classes and the rights that keep them; every spelling a later parser might accept. */
#include "policy/header_firewall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define BIT(name) RIGHT_BIT(RIGHT_##name)

typedef enum error firewall(struct bytes block, uint32_t rights, struct buffer *out, size_t *out_removed);

static void expect(firewall *run, struct bytes block, uint32_t rights, const char *left, size_t removed)
{
    struct buffer out;
    size_t count = 99;
    buffer_init(&out, 1 << 16);
    assert_int_equal(run(block, rights, &out, &count), OK);
    struct bytes result = buffer_bytes(&out);
    assert_int_equal(result.len, strlen(left));
    assert_true(bytes_equal(result, bytes_of_text(left)));
    assert_int_equal(count, removed);
    buffer_done(&out);
}

#define RECEIVED     "Received: from a by b;\r\n\tSun, 22 Nov 2026 02:45:00 +0000\r\n"
#define RESENT       "Resent-From: a@b\r\n"
#define ORGANIZATION "X-MS-Exchange-Organization-SCL: 9\r\n"
#define FOREST       "X-MS-Exchange-Forest-RulesExecuted: x\r\n"
#define CROSS        "X-MS-Exchange-CrossPremises-AuthAs: Internal\r\n"
#define OWN          "Subject: Test\r\nreceived-SPF: none\r\nX-MS-Exchange-Other: y\r\nResents: z\r\n"
#define BLOCK        BYTES_LITERAL(RECEIVED RESENT ORGANIZATION OWN FOREST CROSS RECEIVED)

/* proves: C14 C22 C39 C206 C207 C208 facts-6.1 */
static void test_inbound_classes(void **state)
{
    (void)state;
    uint32_t all =
        BIT(ACCEPT_HEADERS_ROUTING) | BIT(ACCEPT_HEADERS_ORGANIZATION) | BIT(ACCEPT_HEADERS_FOREST);
    expect(header_firewall_inbound, BLOCK, 0, OWN, 6);
    expect(header_firewall_inbound, BLOCK, BIT(ACCEPT_HEADERS_ROUTING), RECEIVED RESENT OWN RECEIVED, 3);
    expect(header_firewall_inbound, BLOCK, BIT(ACCEPT_HEADERS_ORGANIZATION), ORGANIZATION OWN, 5);
    expect(header_firewall_inbound, BLOCK, BIT(ACCEPT_HEADERS_FOREST), OWN FOREST, 5);
    expect(header_firewall_inbound, BLOCK, all, RECEIVED RESENT ORGANIZATION OWN FOREST RECEIVED, 1);
    /* The rights to send say nothing about what is accepted. */
    expect(header_firewall_inbound, BLOCK,
           BIT(SEND_HEADERS_ROUTING) | BIT(SEND_HEADERS_ORGANIZATION) | BIT(SEND_HEADERS_FOREST), OWN, 6);
}

/* proves: C213 C215 C218 C219 C220 facts-6.1 */
static void test_outbound_classes(void **state)
{
    (void)state;
    uint32_t all = BIT(SEND_HEADERS_ROUTING) | BIT(SEND_HEADERS_ORGANIZATION) | BIT(SEND_HEADERS_FOREST);
    expect(header_firewall_outbound, BLOCK, 0, OWN, 6);
    expect(header_firewall_outbound, BLOCK, BIT(SEND_HEADERS_ROUTING), RECEIVED RESENT OWN RECEIVED, 3);
    expect(header_firewall_outbound, BLOCK, BIT(SEND_HEADERS_ORGANIZATION), ORGANIZATION OWN, 5);
    expect(header_firewall_outbound, BLOCK, BIT(SEND_HEADERS_FOREST), OWN FOREST, 5);
    expect(header_firewall_outbound, BLOCK, all, RECEIVED RESENT ORGANIZATION OWN FOREST RECEIVED, 1);
    expect(header_firewall_outbound, BLOCK, BIT(ACCEPT_HEADERS_ROUTING), OWN, 6);
}

/* proves: F15 */
static void test_spellings(void **state)
{
    (void)state;
    const struct bytes removed[] = {
        BYTES_LITERAL("x-ms-exchange-ORGANIZATION-AuthAs: Internal\r\n"),
        BYTES_LITERAL("X-MS-Exchange-Organization-AuthAs : Internal\r\n"),
        BYTES_LITERAL("X-MS-Exchange-Organization-AuthAs\t: Internal\r\n"),
        BYTES_LITERAL("X-MS-Exchange-Organization-\r\n AuthAs: Internal\r\n"),
        BYTES_LITERAL("X-MS-Exchange-\r\n\tOrganization-AuthAs: Internal\r\n"),
        BYTES_LITERAL("X-MS-Exchange-Organization-\0AuthAs: Internal\r\n"),
        BYTES_LITERAL("X-MS-Exch\0ange-Organization-AuthAs: Internal\r\n"),
        BYTES_LITERAL("X-MS-Exchange-Organization-AuthAs\r: Internal\r\n"),
        BYTES_LITERAL("\rX-MS-Exchange-Organization-AuthAs: Internal\r\n"),
        BYTES_LITERAL(" X-MS-Exchange-Organization-AuthAs: Internal\r\n"),
        BYTES_LITERAL("X-MS-Exchange-Organization-AuthAs:\r\n Internal\r\n"),
        BYTES_LITERAL("X-MS-Exchange-Organization-AuthAs:Internal\r\n"),
        BYTES_LITERAL("X-MS-Exchange-Organization-:\r\n"),
    };
    for (size_t i = 0; i < sizeof(removed) / sizeof(removed[0]); i++) {
        expect(header_firewall_inbound, removed[i], 0, "", 1);
    }
}

/* Neither more nor less: what is not of a class stays, byte for byte. */
static void test_neighbours_stay(void **state)
{
    (void)state;
#define NEIGHBOURS                                                                                           \
    "X-MS-Exchange-Organization: no dash\r\nX-MS-Exchange-Organizations-A: b\r\nX-Received: c\r\n"           \
    "Received-By: d\r\nReceive: e\r\nSubject: Received: f\r\n X-MS-Exchange-Organization-G: g\r\nno "        \
    "colon\r\n"
    expect(header_firewall_inbound, BYTES_LITERAL(NEIGHBOURS), 0, NEIGHBOURS, 0);
    expect(header_firewall_inbound, BYTES_LITERAL(""), 0, "", 0);
}

static void test_limit_of_the_buffer(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 8);
    assert_int_equal(header_firewall_inbound(BLOCK, 0, &out, NULL), ERROR_LIMIT);
    buffer_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inbound_classes),     cmocka_unit_test(test_outbound_classes),
        cmocka_unit_test(test_spellings),           cmocka_unit_test(test_neighbours_stay),
        cmocka_unit_test(test_limit_of_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
