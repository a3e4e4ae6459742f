/* The header's senders of an account: which addresses the directory decides, and in what matter. Facts 8.4.
 */
/* fakes: organization */
#include "base/buffer.h"
#include "fakes/fake_organization.h"
#include "policy/sender.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* What is asked, "=" for Send-As and "~" for on behalf before each address, "" when it is decided without;
 * and of a refusal its reason. */
static const struct {
    const char *block;
    enum verdict verdict;
    const char *asked;
    enum reason reason;
} HEADERS[] = {
    {"From: me@contoso.com\r\n", VERDICT_ALLOW, "", REASON_NONE}, /* the envelope sender */
    {"From: alias@contoso.com\r\n", VERDICT_NEED, "=alias@contoso.com ", REASON_NONE},
    {"From: a@contoso.com, b@contoso.com, A <a@CONTOSO.com>\r\n", VERDICT_NEED,
     "=a@contoso.com =b@contoso.com ", REASON_NONE},
    {"From: a@contoso.com\r\nFROM: b@contoso.com\r\n", VERDICT_NEED, "=a@contoso.com =b@contoso.com ",
     REASON_NONE},
    {"From: undisclosed:;\r\n", VERDICT_ALLOW, "", REASON_NONE},
    {"From: us: a@contoso.com, me@contoso.com;\r\n", VERDICT_NEED, "=a@contoso.com ", REASON_NONE},
    {"From: us: a@contoso.com, kate@fabrikam.com;\r\n", VERDICT_DENY, NULL, REASON_SEND_AS},
    /* What a name says is no address, whatever it decodes to. */
    {"From: =?utf-8?q?boss=40contoso.com?= <me@contoso.com>\r\n", VERDICT_ALLOW, "", REASON_NONE},
    {"From: \"boss@contoso.com\" <me@contoso.com>\r\n", VERDICT_ALLOW, "", REASON_NONE},
    {"From: =?utf-8?q?me=40contoso.com?=\r\n", VERDICT_DENY, NULL, REASON_SEND_AS},
    {"From: =?utf-8?q?=3Cme=40contoso.com=3E?= <a@contoso.com>\r\n", VERDICT_NEED, "=a@contoso.com ",
     REASON_NONE},
    /* Domains that only look like ours are others'. */
    {"From: me@contoso.com.example\r\n", VERDICT_DENY, NULL, REASON_SEND_AS},
    {"From: me@c\xd0\xbentoso.com\r\n", VERDICT_DENY, NULL, REASON_SEND_AS},
    {"From: me@xn--cntoso-0jf.com\r\n", VERDICT_DENY, NULL, REASON_SEND_AS},
    {"From: me@www.contoso.com\r\n", VERDICT_DENY, NULL, REASON_SEND_AS},
    {"From: me@contoso.com.\r\n", VERDICT_DENY, NULL, REASON_SEND_AS}, /* in a header that is no address */
    /* A Sender is the sender, and From somebody on whose behalf he sends. */
    {"Sender: a@contoso.com\r\nFrom: a@contoso.com\r\n", VERDICT_NEED, "=a@contoso.com ", REASON_NONE},
    {"Sender: me@contoso.com\r\nFrom: me@contoso.com\r\n", VERDICT_ALLOW, "", REASON_NONE},
    {"Sender: a@contoso.com\r\nFrom: me@contoso.com\r\n", VERDICT_NEED, "=a@contoso.com ", REASON_NONE},
    {"Sender: me@contoso.com\r\nFrom: boss@contoso.com\r\n", VERDICT_NEED,
     "=me@contoso.com ~boss@contoso.com ", REASON_NONE},
    {"From: boss@contoso.com\r\nSender: a@contoso.com\r\n", VERDICT_NEED, "=a@contoso.com ~boss@contoso.com ",
     REASON_NONE},
    {"Sender: me@contoso.com\r\nFrom: boss@contoso.com, kate@fabrikam.com, Boss <boss@contoso.com>\r\n",
     VERDICT_NEED, "=me@contoso.com ~boss@contoso.com ~kate@fabrikam.com ", REASON_NONE},
    {"Sender: me@contoso.com\r\nSender: me@CONTOSO.com\r\nFrom: boss@contoso.com\r\n", VERDICT_NEED,
     "=me@contoso.com ~boss@contoso.com ", REASON_NONE},
    {"Sender: me@contoso.com\r\nSender: a@contoso.com\r\nFrom: boss@contoso.com\r\n", VERDICT_DENY, NULL,
     REASON_SEND_ON_BEHALF},
    {"Sender: kate@fabrikam.com\r\nFrom: me@contoso.com\r\n", VERDICT_DENY, NULL, REASON_SEND_AS},
    {"Sender: me@contoso.com\r\nFrom: boss@contoso.com, <b\r\n", VERDICT_DENY, NULL, REASON_SEND_AS},
    {"From: a@contoso.com\r\nFrom: kate@fabrikam.com\r\n", VERDICT_DENY, NULL, REASON_SEND_AS},
    {"From: a@contoso.com, <b\r\n", VERDICT_DENY, NULL, REASON_SEND_AS},
    {"From: 1@contoso.com,2@contoso.com,3@contoso.com,4@contoso.com,5@contoso.com,6@contoso.com,"
     "7@contoso.com,8@contoso.com,9@contoso.com\r\n",
     VERDICT_DENY, NULL, REASON_SEND_AS},
};

static struct organization *make(const char *aces)
{
    return fake_organization_new(&(struct fake_organization){
        .receive = (struct fake_receive[]){{"C", .aces = aces}, {0}},
        .domains = (struct fake_domain[]){{"contoso.com", .is_default = true}, {0}}});
}

static struct decision check(const char *aces, const char *envelope_sender, const char *block,
                             struct sender_questions *out)
{
    struct organization *organization = make(aces);
    struct token *token = token_new(sid_known(SID_AUTHENTICATED), NULL, 1);
    struct session_rights rights;
    struct address sender;
    struct bytes rest;
    assert_int_equal(address_parse_path(bytes_of_text(envelope_sender), false, &sender, &rest), ADDRESS_OK);
    session_rights_compute(&organization->receive[0], IDENTITY_ACCOUNT, token, &rights);
    struct decision decision = sender_check_header(organization, &rights, &sender, bytes_of_text(block), out);
    token_unref(token);
    organization_unref(organization);
    return decision;
}

static void expect_asked(const struct sender_questions *asked, const char *wanted)
{
    struct buffer text;
    buffer_init(&text, 4096);
    for (size_t i = 0; i < asked->count; i++) {
        const struct sender_question *row = &asked->rows[i];
        assert_int_equal(
            buffer_printf(&text, "%c%s ", row->matter == SENDER_ON_BEHALF ? '~' : '=', row->address.text),
            OK);
    }
    assert_int_equal(buffer_append_byte(&text, '\0'), OK);
    assert_string_equal(text.ptr, wanted);
    buffer_done(&text);
}

/* proves: A6 A9 F15 facts-8.4 */
static void test_header_of_an_account(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof HEADERS / sizeof HEADERS[0]; i++) {
        struct sender_questions asked;
        struct decision decision = check("", "<me@contoso.com>", HEADERS[i].block, &asked);
        if (decision.verdict != HEADERS[i].verdict) {
            print_error("%s", HEADERS[i].block);
        }
        assert_int_equal(decision.verdict, HEADERS[i].verdict);
        assert_int_equal(decision.reason, HEADERS[i].reason);
        if (HEADERS[i].asked != NULL) {
            expect_asked(&asked, HEADERS[i].asked);
        }
    }
}

/* proves: A8 facts-8.4 */
static void test_header_behind_the_null_path(void **state)
{
    struct sender_questions asked;
    (void)state;
    assert_int_equal(check("", "<>", "From: boss@contoso.com\r\n", &asked).verdict, VERDICT_NEED);
    expect_asked(&asked, "=boss@contoso.com ");
    assert_int_equal(check("", "<>", "From: kate@fabrikam.com\r\n", &asked).verdict, VERDICT_DENY);
    assert_int_equal(check("", "<>", "Subject: x\r\n", &asked).verdict, VERDICT_ALLOW);
}

/* The rule is asked of those alone for whom a look-up was needed. */
/* proves: C271 contract-7 facts-8.4 */
static void test_on_behalf_with_a_right_for_senders(void **state)
{
    static const char block[] = "Sender: me@contoso.com\r\nFrom: boss@contoso.com\r\n";
    struct sender_questions asked;
    (void)state;
    assert_int_equal(
        check("allow ms-Exch-SMTP-Accept-Any-Sender to authenticated", "<me@contoso.com>", block, &asked)
            .verdict,
        VERDICT_ALLOW);
    assert_int_equal(check("allow ms-Exch-SMTP-Accept-Authoritative-Domain-Sender to authenticated",
                           "<me@contoso.com>", block, &asked)
                         .verdict,
                     VERDICT_ALLOW);
}

/* proves: C271 facts-8.4 */
static void test_on_behalf(void **state)
{
    (void)state;
    for (int bits = 0; bits < 8; bits++) {
        const struct on_behalf on_behalf = {
            .is_nobodys = bits & 1, .is_held = (bits & 2) != 0, .is_delegate = (bits & 4) != 0};
        struct decision decision = sender_check_on_behalf(&on_behalf);
        assert_int_equal(decision.verdict, bits != 0 ? VERDICT_ALLOW : VERDICT_DENY);
        if (bits == 0) {
            assert_int_equal(decision.reason, REASON_SEND_ON_BEHALF);
            assert_true(decision.has_right && decision.right == RIGHT_SMTP_ACCEPT_ANY_SENDER);
        }
    }
}

/* Senders of an anonymous session: whose they are is decided by the domain alone, however it is written. */
static const struct {
    const char *sender;
    enum right needed; /* RIGHT_COUNT: none */
} SPELLINGS[] = {
    {"<>", RIGHT_COUNT},
    {"<postmaster>", RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER},
    {"<POSTMASTER@contoso.com>", RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER},
    {"<a@contoso.com>", RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER},
    {"<a@CONTOSO.Com>", RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER},
    {"<a@contoso.com.>", RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER},
    {"<a@contoso\xe3\x80\x82"
     "com>",
     RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER},
    {"<a@\xef\xbd\x83ontoso.com>", RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER}, /* a full-width c */
    {"<a@b\xc3\xbc"
     "cher.example>",
     RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER},
    {"<a@BU\xcc\x88"
     "CHER.example>",
     RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER},
    {"<a@XN--BCHER-KVA.example>", RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER},
    {"<a@x.wild.example>", RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER},
    {"<a@x.y.wild.example>", RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER},
    {"<@fabrikam.com:a@contoso.com>", RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER},
    {"<\"a@fabrikam.com\"@contoso.com>", RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER},
    /* none of these is ours */
    {"<a@wild.example>", RIGHT_SMTP_ACCEPT_ANY_SENDER},
    {"<a@xwild.example>", RIGHT_SMTP_ACCEPT_ANY_SENDER},
    {"<a@sub.contoso.com>", RIGHT_SMTP_ACCEPT_ANY_SENDER},
    {"<a@contoso.com.example>", RIGHT_SMTP_ACCEPT_ANY_SENDER},
    {"<a@xcontoso.com>", RIGHT_SMTP_ACCEPT_ANY_SENDER},
    {"<a@c0ntoso.com>", RIGHT_SMTP_ACCEPT_ANY_SENDER},
    {"<a@c\xd0\xbe"
     "ntoso.com>",
     RIGHT_SMTP_ACCEPT_ANY_SENDER}, /* a Cyrillic o */
    {"<a@bucher.example>", RIGHT_SMTP_ACCEPT_ANY_SENDER},
    {"<a@contoso_.com>", RIGHT_SMTP_ACCEPT_ANY_SENDER},
    {"<a%contoso.com@fabrikam.com>", RIGHT_SMTP_ACCEPT_ANY_SENDER},
    {"<contoso.com!a@fabrikam.com>", RIGHT_SMTP_ACCEPT_ANY_SENDER},
    {"<postmaster@fabrikam.com>", RIGHT_SMTP_ACCEPT_ANY_SENDER},
    {"<a@[127.0.0.1]>", RIGHT_SMTP_ACCEPT_ANY_SENDER},
};

/* proves: A6 A8 A9 facts-8.4 */
static void test_own_domain_in_every_spelling(void **state)
{
    (void)state;
    struct organization *organization = fake_organization_new(&(struct fake_organization){
        .receive = (struct fake_receive[]){{"C", .aces = "allow ms-Exch-SMTP-Submit to anonymous"}, {0}},
        .domains = (struct fake_domain[]){{"contoso.com", .is_default = true},
                                          {.name = "xn--bcher-kva.example"},
                                          {.name = "*.wild.example"},
                                          {0}}});
    struct session_rights rights;
    session_rights_compute(&organization->receive[0], IDENTITY_ANONYMOUS, NULL, &rights);
    for (size_t i = 0; i < sizeof SPELLINGS / sizeof SPELLINGS[0]; i++) {
        struct address sender;
        struct bytes rest;
        assert_int_equal(address_parse_path(bytes_of_text(SPELLINGS[i].sender), true, &sender, &rest),
                         ADDRESS_OK);
        struct decision decision = sender_check(organization, &rights, &sender, SEND_AS_NOT_ASKED);
        bool is_refused = SPELLINGS[i].needed != RIGHT_COUNT;
        if (decision.has_right != is_refused || (is_refused && decision.right != SPELLINGS[i].needed)) {
            fail_msg("%s", SPELLINGS[i].sender);
        }
        assert_int_equal(decision.verdict, is_refused ? VERDICT_DENY : VERDICT_ALLOW);
    }
    organization_unref(organization);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_of_an_account),
        cmocka_unit_test(test_header_behind_the_null_path),
        cmocka_unit_test(test_on_behalf_with_a_right_for_senders),
        cmocka_unit_test(test_on_behalf),
        cmocka_unit_test(test_own_domain_in_every_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
