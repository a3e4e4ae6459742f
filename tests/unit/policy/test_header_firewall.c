/* Header classes and the rights that keep them; every spelling a later parser might accept. */
#include "policy/header_firewall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define BIT(name) RIGHT_BIT(RIGHT_##name)

typedef enum error firewall(struct bytes block, uint32_t rights, struct buffer *out, size_t *out_removed);

static enum error outbound(struct bytes block, uint32_t rights, struct buffer *out, size_t *out_removed)
{
    return header_firewall_outbound(block, rights, (struct bytes){0}, out, out_removed);
}

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
    expect(outbound, BLOCK, 0, OWN, 6);
    expect(outbound, BLOCK, BIT(SEND_HEADERS_ROUTING), RECEIVED RESENT OWN RECEIVED, 3);
    expect(outbound, BLOCK, BIT(SEND_HEADERS_ORGANIZATION), ORGANIZATION OWN, 5);
    expect(outbound, BLOCK, BIT(SEND_HEADERS_FOREST), OWN FOREST, 5);
    expect(outbound, BLOCK, all, RECEIVED RESENT ORGANIZATION OWN FOREST RECEIVED, 1);
    expect(outbound, BLOCK, BIT(ACCEPT_HEADERS_ROUTING), OWN, 6);
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

/* Whole names of each class; of the prefixes, with one more word. */
static const char *const CLASS_NAMES[] = {
    "Received",
    "Resent-From",
    "X-MS-Exchange-Organization-AuthAs",
    "X-MS-Exchange-Forest-RulesExecuted",
    "X-MS-Exchange-CrossPremises-AuthAs",
};

/* What some parser drops from a name, or joins it over. */
static const struct bytes INSERTS[] = {
    BYTES_LITERAL(" "),     BYTES_LITERAL("\t"),     BYTES_LITERAL("\0"),   BYTES_LITERAL("\x01"),
    BYTES_LITERAL("\x7f"),  BYTES_LITERAL("\x80"),   BYTES_LITERAL("\xff"), BYTES_LITERAL("\r"),
    BYTES_LITERAL("\r\n "), BYTES_LITERAL("\r\n\t"), BYTES_LITERAL("\n "),  BYTES_LITERAL("\r\r\n "),
};

static void append(struct buffer *out, struct bytes bytes)
{
    assert_int_equal(buffer_append(out, bytes), OK);
}

/* The field between two others: it goes, they stay. Inbound without a right, and outbound. */
static void expect_gone(const struct buffer *field, bool is_first)
{
    static const char behind[] = "Subject: Test\r\n\tfolded\r\n";
    const char *before = is_first ? "" : "From: a@b\r\n";
    struct buffer block, left;
    buffer_init(&block, 4096);
    buffer_init(&left, 4096);
    append(&block, bytes_of_text(before));
    append(&block, buffer_bytes(field));
    append(&block, bytes_of_text(behind));
    append(&left, bytes_of_text(before));
    append(&left, bytes_of_text(behind));
    append(&left, BYTES_LITERAL("\0"));
    expect(header_firewall_inbound, buffer_bytes(&block), 0, left.ptr, 1);
    expect(outbound, buffer_bytes(&block), 0, left.ptr, 1);
    buffer_done(&block);
    buffer_done(&left);
}

/* proves: F15 facts-6.1 */
static void test_every_insert_at_every_place_of_every_class(void **state)
{
    (void)state;
    struct buffer field;
    buffer_init(&field, 4096);
    for (size_t class = 0; class < sizeof CLASS_NAMES / sizeof CLASS_NAMES[0]; class ++) {
        struct bytes name = bytes_of_text(CLASS_NAMES[class]);
        for (size_t i = 0; i < sizeof INSERTS / sizeof INSERTS[0]; i++) {
            for (size_t at = 0; at <= name.len; at++) {
                buffer_clear(&field);
                append(&field, bytes_first(name, at));
                append(&field, INSERTS[i]);
                append(&field, bytes_skip(name, at));
                append(&field, BYTES_LITERAL(": value\r\n"));
                expect_gone(&field, at == 0); /* else it would belong to the field before it */
            }
        }
    }
    buffer_done(&field);
}

/* proves: F15 facts-6.1 */
static void test_any_case_any_value_and_behind_a_bare_cr(void **state)
{
    (void)state;
    static const char *const VALUES[] = {":\r\n",       ":v\r\n",         ":\r\n v\r\n",
                                         " \t : v\r\n", ": v\r\n\tw\r\n", ": \r\n \r\n v\r\n"};
    static const char *const HIDERS[] = {"",   "Subject: x\r", "Subject: x\r ", "Subject: x\r\n y\r",
                                         "\r", "\r\r"};
    struct buffer field;
    buffer_init(&field, 4096);
    for (size_t class = 0; class < sizeof CLASS_NAMES / sizeof CLASS_NAMES[0]; class ++) {
        for (unsigned round = 0; round < 3 * 6 * 6; round++) {
            buffer_clear(&field);
            append(&field, bytes_of_text(HIDERS[round / 18]));
            for (const char *c = CLASS_NAMES[class]; *c != '\0'; c++) {
                bool is_letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
                bool is_other =
                    is_letter && (round % 3 == 1 || (round % 3 == 2 && (c - CLASS_NAMES[class]) % 2));
                append(&field, (struct bytes){(const char[]){is_other ? (char)(*c ^ 0x20) : *c}, 1});
            }
            append(&field, bytes_of_text(VALUES[round / 3 % 6]));
            expect_gone(&field, false);
        }
    }
    buffer_done(&field);
}

/* proves: facts-6.1 */
static void test_who_took_cross_premises_headers_away(void **state)
{
    (void)state;
    static const struct {
        struct bytes block;
        struct bytes host;
        const char *left;
    } rows[] = {
        {BYTES_LITERAL("Subject: x\r\n" CROSS CROSS), BYTES_LITERAL("mx1.contoso.com"),
         "Subject: x\r\nX-CrossPremisesHeadersFilteredBySendConnector: mx1.contoso.com\r\n"},
        {BYTES_LITERAL("Subject: x\r\n" CROSS), {0}, "Subject: x\r\n"},
        {BYTES_LITERAL("Subject: x\r\n" FOREST), BYTES_LITERAL("mx1.contoso.com"), "Subject: x\r\n"},
        {BYTES_LITERAL("Subject: x\r\n"), BYTES_LITERAL("mx1.contoso.com"), "Subject: x\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer out;
        buffer_init(&out, 4096);
        assert_int_equal(header_firewall_outbound(rows[i].block, 0, rows[i].host, &out, NULL), OK);
        if (!bytes_equal(buffer_bytes(&out), bytes_of_text(rows[i].left))) {
            fail_msg("row %zu: %.*s", i, BYTES_ARG(buffer_bytes(&out)));
        }
        buffer_done(&out);
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
        cmocka_unit_test(test_inbound_classes),
        cmocka_unit_test(test_outbound_classes),
        cmocka_unit_test(test_spellings),
        cmocka_unit_test(test_neighbours_stay),
        cmocka_unit_test(test_limit_of_the_buffer),
        cmocka_unit_test(test_every_insert_at_every_place_of_every_class),
        cmocka_unit_test(test_any_case_any_value_and_behind_a_bare_cr),
        cmocka_unit_test(test_who_took_cross_premises_headers_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
