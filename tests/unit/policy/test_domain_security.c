/* Whose domain has to prove itself at MAIL, what proves it, and what a partner may send. */
#include "policy/domain_security.h"
#include "policy/sender.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct secure_domain LIST[] = {{"fabrikam.com", false}, {"partner.example", true}};
static const struct organization ORGANIZATION = {
    .settings = {.receive_secure = LIST, .receive_secure_count = 2}};

static struct address address_of(const char *text)
{
    struct address address;
    assert_int_equal(address_parse(bytes_of_text(text), true, &address), ADDRESS_OK);
    return address;
}

/* proves: C174 facts-8.5 facts-10.4 */
static void who_is_asked(void **state)
{
    static const struct row {
        enum identity identity;
        const char *sender;
        bool is_asked;
    } rows[] = {
        {IDENTITY_ANONYMOUS, "bob@fabrikam.com", true},
        {IDENTITY_ANONYMOUS, "bob@FABRIKAM.com", true},
        {IDENTITY_ANONYMOUS, "bob@sub.fabrikam.com", false},
        {IDENTITY_ANONYMOUS, "bob@sub.partner.example", true},
        {IDENTITY_ANONYMOUS, "bob@[10.0.0.1]", false},
        {IDENTITY_ANONYMOUS, "bob@elsewhere.example", false},
        {IDENTITY_ACCOUNT, "bob@fabrikam.com", false},
        {IDENTITY_HUB, "bob@fabrikam.com", false},
        {IDENTITY_EXTERNALLY_SECURED, "bob@fabrikam.com", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct session_rights rights = {.identity = rows[i].identity};
        struct address sender = address_of(rows[i].sender);
        if (domain_security_asks(&ORGANIZATION, &rights, &sender) != rows[i].is_asked) {
            fail_msg("row %zu", i);
        }
    }
    const struct session_rights anonymous = {.identity = IDENTITY_ANONYMOUS};
    struct address null = {0};
    struct bytes parameters;
    assert_int_equal(address_parse_path(BYTES_LITERAL("<>"), false, &null, &parameters), ADDRESS_OK);
    assert_false(domain_security_asks(&ORGANIZATION, &anonymous, &null));
}

/* proves: C173 C175 C176 C177 C178 T10 facts-8.2 facts-10.4 contract-7 */
static void what_proves_a_domain(void **state)
{
    const struct receive_connector secure = {.protocol_options = OPTION_DOMAIN_SECURE}, other = {0};
    static const struct row {
        bool is_secure, has_certificate, is_good, is_its;
        enum reason reason; /* REASON_NONE: it is a partner */
    } rows[] = {
        {true, true, true, true, REASON_NONE},
        {true, true, false, true, REASON_PARTNER_CERTIFICATE},
        {true, true, true, false, REASON_PARTNER_CERTIFICATE},
        {true, false, false, false, REASON_PARTNER_UNPROVEN},
        {false, true, true, true, REASON_SECURE_DOMAIN_CLOSED},
        {false, false, false, false, REASON_SECURE_DOMAIN_CLOSED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct partner_evidence evidence = {rows[i].has_certificate, rows[i].is_good, rows[i].is_its};
        struct decision decision = domain_security_check(rows[i].is_secure ? &secure : &other, &evidence);
        assert_int_equal(decision.reason, rows[i].reason);
        assert_int_equal(decision.verdict == VERDICT_ALLOW, rows[i].reason == REASON_NONE);
    }
}

/* proves: C233 C234 facts-8.4 */
static void a_partner_sends_from_its_domain_alone(void **state)
{
    struct session_rights rights = {.identity = IDENTITY_PARTNER, .partner_domain = "fabrikam.com"};
    struct address own = address_of("bob@fabrikam.com"), sub = address_of("bob@sub.fabrikam.com"),
                   another = address_of("bob@partner.example");
    struct sender_questions needed;
    (void)state;
    assert_int_equal(sender_check(&ORGANIZATION, &rights, &own, SEND_AS_NOT_ASKED).verdict, VERDICT_ALLOW);
    assert_int_equal(sender_check(&ORGANIZATION, &rights, &sub, SEND_AS_NOT_ASKED).verdict, VERDICT_DENY);
    assert_int_equal(sender_check(&ORGANIZATION, &rights, &another, SEND_AS_NOT_ASKED).verdict, VERDICT_DENY);
    assert_int_equal(sender_check_header(&ORGANIZATION, &rights, &own,
                                         BYTES_LITERAL("From: alice@fabrikam.com\r\n"), &needed)
                         .verdict,
                     VERDICT_ALLOW);
    assert_int_equal(sender_check_header(&ORGANIZATION, &rights, &own,
                                         BYTES_LITERAL("From: alice@contoso.com\r\n"), &needed)
                         .verdict,
                     VERDICT_DENY);
    /* The domain without the identity is nothing. */
    rights.identity = IDENTITY_ANONYMOUS;
    assert_int_equal(sender_check(&ORGANIZATION, &rights, &own, SEND_AS_NOT_ASKED).verdict, VERDICT_DENY);
}

/* proves: C165 C166 C167 T10 facts-1.4 facts-10.4 */
static void which_mail_leaves_by_mutual_tls(void **state)
{
    const struct transport_settings settings = {.send_secure = LIST, .send_secure_count = 2};
    static const struct row {
        uint32_t flags;
        const char *domain;
        bool is_secure;
    } rows[] = {
        {SEND_DOMAIN_SECURE, "fabrikam.com", true},
        {SEND_DOMAIN_SECURE, "mail.fabrikam.com", false},
        {SEND_DOMAIN_SECURE, "evilfabrikam.com", false},
        {SEND_DOMAIN_SECURE, "partner.example", true},
        {SEND_DOMAIN_SECURE, "deep.in.partner.example", true},
        {SEND_DOMAIN_SECURE, "contoso.com", false},
        {0, "fabrikam.com", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct send_connector connector = {.send_flags = rows[i].flags};
        bool is_secure = domain_security_sends(&connector, &settings, bytes_of_text(rows[i].domain));
        assert_int_equal(is_secure, rows[i].is_secure);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(who_is_asked), cmocka_unit_test(what_proves_a_domain),
                                       cmocka_unit_test(which_mail_leaves_by_mutual_tls),
                                       cmocka_unit_test(a_partner_sends_from_its_domain_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
