/* Table 9: which right's absence refuses what, with which reason. */
/* fakes: organization */
#include "base/buffer.h"
#include "fakes/fake_organization.h"
#include "policy/recipient.h"
#include "policy/sender.h"
#include "policy/submit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SUBMIT    "allow ms-Exch-SMTP-Submit to anonymous\n"
#define ANY_FROM  "allow ms-Exch-SMTP-Accept-Any-Sender to anonymous\n"
#define OWN_FROM  "allow ms-Exch-SMTP-Accept-Authoritative-Domain-Sender to anonymous\n"
#define ANY_TO    "allow ms-Exch-SMTP-Accept-Any-Recipient to anonymous\n"
#define UNDECIDED RIGHT_COUNT /* no right decided */

static const struct fake_domain DOMAINS[] = {
    {"contoso.com", .is_default = true},
    {"corp.contoso.com", .type = DOMAIN_INTERNAL_RELAY, .with_subdomains = true},
    {"partner.example", .type = DOMAIN_EXTERNAL_RELAY},
    {.name = "unrouted.example"},
    {0},
};
static const struct fake_send SEND[] = {
    {"Internet", .spaces = "SMTP:com SMTP:*.com SMTP:*.org SMTP:partner.example SMTP:*.example;50",
     .smart_hosts = "[10.0.0.9]"},
    {"blocked", .spaces = "SMTP:unrouted.example", .smart_hosts = "[10.0.0.9]", .refused = "for a test"},
    {0},
};

static struct organization *make(const char *aces, uint32_t groups, uint32_t auth,
                                 enum permission_model model)
{
    return fake_organization_new(&(struct fake_organization){
        .model = model,
        .receive = (struct fake_receive[]){{"C", .aces = aces, .groups = groups, .auth = auth}, {0}},
        .domains = DOMAINS,
        .send = SEND});
}

static struct session_rights rights_of(const struct organization *organization)
{
    struct session_rights rights;
    session_rights_compute(&organization->receive[0], receive_connector_identity(&organization->receive[0]),
                           NULL, &rights);
    return rights;
}

static struct address address_of(const char *text)
{
    struct address address;
    struct bytes rest;
    assert_int_equal(address_parse_path(bytes_of_text(text), false, &address, &rest), ADDRESS_OK);
    return address;
}

static void expect(struct decision decision, enum reason reason, enum right right)
{
    assert_int_equal(decision.verdict, reason == REASON_NONE ? VERDICT_ALLOW : VERDICT_DENY);
    assert_int_equal(decision.reason, reason);
    assert_int_equal(decision.has_right, right != UNDECIDED);
    if (decision.has_right) {
        assert_int_equal(decision.right, right);
    }
}

/* proves: C13 C18 C201 C265 C268 contract-7 */
static void test_submit(void **state)
{
    (void)state;
    struct organization *organization = make(NULL, 0, 0, PERMISSION_MODEL_2010);
    struct session_rights rights = rights_of(organization);
    expect(submit_check(&rights), REASON_SUBMIT_ANONYMOUS, RIGHT_SMTP_SUBMIT);
    organization_unref(organization);

    organization = make(SUBMIT, 0, 0, PERMISSION_MODEL_2010);
    rights = rights_of(organization);
    expect(submit_check(&rights), REASON_NONE, UNDECIDED);
    /* An account that holds nothing. */
    struct sid alice = fake_organization_sid("uid=alice,dc=contoso,dc=com");
    struct token *token = token_new(&alice, NULL, 1);
    session_rights_compute(&organization->receive[0], IDENTITY_ACCOUNT, token, &rights);
    expect(submit_check(&rights), REASON_SUBMIT_AUTHENTICATED, RIGHT_SMTP_SUBMIT);
    token_unref(token);
    organization_unref(organization);

    /* An externally secured server is authenticated without AUTH. */
    organization = make("deny ms-Exch-SMTP-Submit to externally-secured-servers", GROUP_EXCHANGE_SERVERS,
                        AUTH_EXTERNAL_AUTHORITATIVE, PERMISSION_MODEL_2010);
    rights = rights_of(organization);
    expect(submit_check(&rights), REASON_SUBMIT_AUTHENTICATED, RIGHT_SMTP_SUBMIT);
    assert_string_equal(session_rights_why(&rights, RIGHT_SMTP_SUBMIT),
                        "deny ms-Exch-SMTP-Submit to externally-secured-servers");
    assert_string_equal(session_rights_why(&rights, RIGHT_SEND_AS), "no ACE speaks of it");
    organization_unref(organization);
}

/* proves: contract-3 D11 */
static void test_why_of_a_connector_that_grants_nothing(void **state)
{
    (void)state;
    struct organization *organization =
        make("allow nonsense to anonymous", GROUP_ANONYMOUS_USERS, 0, PERMISSION_MODEL_2010);
    struct session_rights rights = rights_of(organization);
    expect(submit_check(&rights), REASON_SUBMIT_ANONYMOUS, RIGHT_SMTP_SUBMIT);
    assert_non_null(strstr(session_rights_why(&rights, RIGHT_SMTP_SUBMIT), "\"nonsense\" is not a right"));
    /* Nor does an account get anything. */
    struct sid everyone = *sid_known(SID_EVERYONE);
    struct token *token = token_new(&everyone, NULL, 1);
    session_rights_compute(&organization->receive[0], IDENTITY_ACCOUNT, token, &rights);
    assert_int_equal(rights.result.granted, 0);
    token_unref(token);
    organization_unref(organization);
}

#define NEEDS_ANY RIGHT_SMTP_ACCEPT_ANY_SENDER
#define NEEDS_OWN RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER

/* For each sender the right it needs, by model. */
static const struct {
    const char *sender;
    enum right needed_2007; /* UNDECIDED: none */
    enum right needed_2010;
} SENDERS[] = {
    {"<>", UNDECIDED, UNDECIDED},
    {"chris@contoso.com", NEEDS_OWN, NEEDS_OWN},
    {"<chris@CONTOSO.com>", NEEDS_OWN, NEEDS_OWN},
    {"<chris@www.contoso.com>", NEEDS_ANY, NEEDS_ANY},
    {"<chris@corp.contoso.com>", NEEDS_ANY, NEEDS_OWN},
    {"<chris@a.b.corp.contoso.com>", NEEDS_ANY, NEEDS_OWN},
    {"<chris@partner.example>", NEEDS_ANY, NEEDS_ANY},
    {"<kate@fabrikam.com>", NEEDS_ANY, NEEDS_ANY},
    {"<kate@[10.0.0.1]>", NEEDS_ANY, NEEDS_ANY},
    {"<chris%contoso.com@fabrikam.com>", NEEDS_ANY, NEEDS_ANY},
    {"<@fabrikam.com:chris@contoso.com>", NEEDS_OWN, NEEDS_OWN},
};

static void check_senders(enum permission_model model, const char *aces, bool has_any, bool has_own)
{
    struct organization *organization = make(aces, 0, 0, model);
    struct session_rights rights = rights_of(organization);
    for (size_t i = 0; i < sizeof(SENDERS) / sizeof(SENDERS[0]); i++) {
        struct address sender = address_of(SENDERS[i].sender);
        enum right needed = model == PERMISSION_MODEL_2007 ? SENDERS[i].needed_2007 : SENDERS[i].needed_2010;
        bool is_allowed =
            needed == UNDECIDED || (needed == NEEDS_ANY && has_any) || (needed == NEEDS_OWN && has_own);
        expect(sender_check(organization, &rights, &sender, SEND_AS_NOT_ASKED),
               is_allowed ? REASON_NONE : REASON_SEND_AS, is_allowed ? UNDECIDED : needed);
    }
    organization_unref(organization);
}

/* proves: C16 C17 C71 C203 C204 C252 C253 C269 C270 A1 A2 A8 A9 facts-8.4 contract-7 */
static void test_sender(void **state)
{
    (void)state;
    for (int model = PERMISSION_MODEL_2010; model <= PERMISSION_MODEL_2007; model++) {
        check_senders((enum permission_model)model, SUBMIT, false, false);
        check_senders((enum permission_model)model, SUBMIT ANY_FROM, true, false);
        check_senders((enum permission_model)model, SUBMIT OWN_FROM, false, true);
        check_senders((enum permission_model)model, SUBMIT ANY_FROM OWN_FROM, true, true);
    }
}

/* What an account gets for its senders: NEED until the directory was asked, then what it says. */
static const struct {
    const char *aces;
    const char *sender;
    bool is_edge;
    enum verdict verdicts[3]; /* not asked, Send-As held, not held */
    enum right needed;        /* of a refusal */
} ACCOUNT_SENDERS[] = {
    {"", "<chris@contoso.com>", false, {VERDICT_NEED, VERDICT_ALLOW, VERDICT_DENY}, NEEDS_OWN},
    {"", "<chris@a.corp.contoso.com>", false, {VERDICT_NEED, VERDICT_ALLOW, VERDICT_DENY}, NEEDS_OWN},
    {"allow ms-Exch-SMTP-Accept-Any-Sender to authenticated",
     "<chris@contoso.com>",
     false,
     {VERDICT_NEED, VERDICT_ALLOW, VERDICT_DENY},
     NEEDS_OWN},
    {"allow ms-Exch-SMTP-Accept-Authoritative-Domain-Sender to authenticated",
     "<chris@contoso.com>",
     false,
     {VERDICT_ALLOW, VERDICT_ALLOW, VERDICT_ALLOW},
     NEEDS_OWN},
    /* Nobody's entry opens a domain that is not ours. */
    {"", "<chris@fabrikam.com>", false, {VERDICT_DENY, VERDICT_DENY, VERDICT_DENY}, NEEDS_ANY},
    {"", "<chris@partner.example>", false, {VERDICT_DENY, VERDICT_DENY, VERDICT_DENY}, NEEDS_ANY},
    {"", "<>", false, {VERDICT_ALLOW, VERDICT_ALLOW, VERDICT_ALLOW}, NEEDS_OWN},
    /* An edge has no recipients to look for. */
    {"", "<chris@contoso.com>", true, {VERDICT_DENY, VERDICT_DENY, VERDICT_DENY}, NEEDS_OWN},
};

/* proves: C269 contract-5 facts-8.4 F1 */
static void test_sender_of_an_account(void **state)
{
    (void)state;
    struct token *token = token_new(sid_known(SID_AUTHENTICATED), NULL, 1);
    for (size_t i = 0; i < sizeof(ACCOUNT_SENDERS) / sizeof(ACCOUNT_SENDERS[0]); i++) {
        struct organization *organization = make(ACCOUNT_SENDERS[i].aces, 0, 0, PERMISSION_MODEL_2010);
        struct address sender = address_of(ACCOUNT_SENDERS[i].sender);
        struct session_rights rights;
        organization->server.roles = ACCOUNT_SENDERS[i].is_edge ? ROLE_EDGE : ROLE_HUB;
        session_rights_compute(&organization->receive[0], IDENTITY_ACCOUNT, token, &rights);
        for (int send_as = SEND_AS_NOT_ASKED; send_as <= SEND_AS_NOT_HELD; send_as++) {
            struct decision decision = sender_check(organization, &rights, &sender, (enum send_as)send_as);
            assert_int_equal(decision.verdict, ACCOUNT_SENDERS[i].verdicts[send_as]);
            if (decision.verdict == VERDICT_DENY) {
                expect(decision, REASON_SEND_AS, ACCOUNT_SENDERS[i].needed);
            }
        }
        organization_unref(organization);
    }
    token_unref(token);
}

/* Who is no account is never looked up, whatever is said of the address. */
/* proves: facts-8.4 A1 */
static void test_sender_of_nobody_is_not_asked_for(void **state)
{
    static const uint32_t auths[] = {0, AUTH_EXTERNAL_AUTHORITATIVE};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct organization *organization = make(SUBMIT, 0, auths[i], PERMISSION_MODEL_2010);
        struct session_rights rights = rights_of(organization);
        struct address sender = address_of("<chris@contoso.com>");
        for (int send_as = SEND_AS_NOT_ASKED; send_as <= SEND_AS_NOT_HELD; send_as++) {
            expect(sender_check(organization, &rights, &sender, (enum send_as)send_as), REASON_SEND_AS,
                   NEEDS_OWN);
        }
        organization_unref(organization);
    }
}

static const struct {
    const char *block;
    enum right refused_with_any; /* what Accept-Any-Sender alone still lacks; UNDECIDED: passes */
    enum right refused_with_own;
    enum right refused_with_none;
} HEADERS[] = {
    {"", UNDECIDED, UNDECIDED, UNDECIDED},
    {"Subject: x\r\n", UNDECIDED, UNDECIDED, UNDECIDED},
    {"From: <app@fabrikam.com>\r\n", UNDECIDED, UNDECIDED, UNDECIDED}, /* the envelope sender */
    {"From: App <app@FABRIKAM.com>\r\n", UNDECIDED, UNDECIDED, UNDECIDED},
    {"From: <boss@contoso.com>\r\n", NEEDS_OWN, UNDECIDED, NEEDS_OWN},
    {"From: <other@fabrikam.com>\r\n", UNDECIDED, NEEDS_ANY, NEEDS_ANY},
    {"from:\r\n <boss@contoso.com>\r\n", NEEDS_OWN, UNDECIDED, NEEDS_OWN},
    {"From : boss@contoso.com\r\n", NEEDS_OWN, UNDECIDED, NEEDS_OWN},
    {"From: app@fabrikam.com, boss@contoso.com\r\n", NEEDS_OWN, UNDECIDED, NEEDS_OWN},
    {"From: friends: app@fabrikam.com, boss@contoso.com;\r\n", NEEDS_OWN, UNDECIDED, NEEDS_OWN},
    {"From: app@fabrikam.com\r\nFrom: boss@contoso.com\r\n", NEEDS_OWN, UNDECIDED, NEEDS_OWN},
    {"From: \"boss@contoso.com\" <app@fabrikam.com>\r\n", UNDECIDED, UNDECIDED, UNDECIDED},
    /* Sender comes before From. */
    {"From: <boss@contoso.com>\r\nSender: <app@fabrikam.com>\r\n", UNDECIDED, UNDECIDED, UNDECIDED},
    {"From: <app@fabrikam.com>\r\nSender: <boss@contoso.com>\r\n", NEEDS_OWN, UNDECIDED, NEEDS_OWN},
    {"Sender: <app@fabrikam.com>\r\nSender: <boss@contoso.com>\r\n", NEEDS_OWN, UNDECIDED, NEEDS_OWN},
    /* What nobody can read is refused without both rights. */
    {"From: <boss@contoso.com\r\n", NEEDS_OWN, NEEDS_ANY, NEEDS_ANY},
    {"From: root\r\n", NEEDS_OWN, NEEDS_ANY, NEEDS_ANY},
    {"From:\r\n", NEEDS_OWN, NEEDS_ANY, NEEDS_ANY},
    {"Sender:\r\nFrom: app@fabrikam.com\r\n", NEEDS_OWN, NEEDS_ANY, NEEDS_ANY},
    {"Sender: app@fabrikam.com\r\nFrom: <<>>\r\n", NEEDS_OWN, NEEDS_ANY, NEEDS_ANY},
};

static void check_headers(const char *aces, size_t column)
{
    struct organization *organization = make(aces, 0, 0, PERMISSION_MODEL_2010);
    struct session_rights rights = rights_of(organization);
    struct address sender = address_of("<app@fabrikam.com>");
    struct sender_questions needed;
    for (size_t i = 0; i < sizeof(HEADERS) / sizeof(HEADERS[0]); i++) {
        const enum right lacking[] = {HEADERS[i].refused_with_any, HEADERS[i].refused_with_own,
                                      HEADERS[i].refused_with_none, UNDECIDED};
        expect(sender_check_header(organization, &rights, &sender, bytes_of_text(HEADERS[i].block), &needed),
               lacking[column] == UNDECIDED ? REASON_NONE : REASON_SEND_AS, lacking[column]);
    }
    organization_unref(organization);
}

/* proves: A9 F15 facts-8.3 facts-8.4 */
static void test_sender_in_the_header(void **state)
{
    (void)state;
    check_headers(SUBMIT ANY_FROM, 0);
    check_headers(SUBMIT OWN_FROM, 1);
    check_headers(SUBMIT, 2);
    check_headers(SUBMIT ANY_FROM OWN_FROM, 3);
}

/* A null reverse-path says nothing about the header. */
/* proves: A8 facts-8.4 */
static void test_header_behind_a_null_sender(void **state)
{
    (void)state;
    struct organization *organization = make(SUBMIT, 0, 0, PERMISSION_MODEL_2010);
    struct session_rights rights = rights_of(organization);
    struct address sender = address_of("<>");
    struct sender_questions needed;
    expect(sender_check_header(organization, &rights, &sender, BYTES_LITERAL("From: boss@contoso.com\r\n"),
                               &needed),
           REASON_SEND_AS, NEEDS_OWN);
    expect(sender_check_header(organization, &rights, &sender, BYTES_LITERAL("Subject: x\r\n"), &needed),
           REASON_NONE, UNDECIDED);
    organization_unref(organization);
}

static const struct {
    const char *recipient;
    enum reason with_right;
    enum reason without_right;
} RECIPIENTS[] = {
    {"kate@fabrikam.com", REASON_NONE, REASON_RELAY},
    {"<kate@contoso.com>", REASON_NONE, REASON_NONE},
    {"<kate@CONTOSO.COM.>", REASON_NONE, REASON_NONE},
    {"<kate@a.corp.contoso.com>", REASON_NONE, REASON_NONE},
    {"<kate@www.contoso.com>", REASON_NONE, REASON_RELAY},
    {"<kate@partner.example>", REASON_NONE, REASON_NONE},
    {"<kate@unrouted.example>", REASON_NO_ROUTE, REASON_NO_ROUTE},
    {"<kate@fabrikam.net>", REASON_NO_ROUTE, REASON_RELAY},
    {"<@contoso.com:kate@fabrikam.com>", REASON_NONE, REASON_RELAY},
    {"<kate%fabrikam.com@contoso.com>", REASON_NONE, REASON_NONE}, /* an opaque local part of ours */
    {"<fabrikam.com!kate@contoso.com>", REASON_NONE, REASON_NONE},
    {"<\"kate@fabrikam.com\"@contoso.com>", REASON_NONE, REASON_NONE},
    {"<kate@[127.0.0.1]>", REASON_RELAY, REASON_RELAY},
    {"<kate@[IPv6:::1]>", REASON_RELAY, REASON_RELAY},
    {"<postmaster@[10.0.0.1]>", REASON_RELAY, REASON_RELAY},
    {"<Postmaster>", REASON_NONE, REASON_NONE},
    {"<POSTMASTER@contoso.com>", REASON_NONE, REASON_NONE},
    {"<postmaster@fabrikam.com>", REASON_NONE, REASON_RELAY},
};

/* proves: C2 C3 C13 C15 C202 C272 A1 A2 A5 A6 A8 contract-5 */
static void test_recipient(void **state)
{
    (void)state;
    struct organization *with = make(SUBMIT ANY_TO, 0, 0, PERMISSION_MODEL_2010);
    struct organization *without = make(SUBMIT, 0, 0, PERMISSION_MODEL_2010);
    struct session_rights with_right = rights_of(with);
    struct session_rights without_right = rights_of(without);
    for (size_t i = 0; i < sizeof(RECIPIENTS) / sizeof(RECIPIENTS[0]); i++) {
        struct address recipient = address_of(RECIPIENTS[i].recipient);
        expect(recipient_check(with, &with_right, &recipient), RECIPIENTS[i].with_right, UNDECIDED);
        bool names_right = RECIPIENTS[i].without_right == REASON_RELAY && !recipient.is_literal;
        expect(recipient_check(without, &without_right, &recipient), RECIPIENTS[i].without_right,
               names_right ? RIGHT_SMTP_ACCEPT_ANY_RECIPIENT : UNDECIDED);
    }
    organization_unref(with);
    organization_unref(without);
}

static void expect_resolved(const struct organization *organization, const char *from, const char *to)
{
    struct address recipient = address_of(from);
    struct address resolved;
    assert_int_equal(recipient_resolve(organization, &recipient, &resolved), to != NULL);
    if (to != NULL) {
        assert_true(bytes_equal(address_text(&resolved), bytes_of_text(to)));
    }
}

/* proves: A8 contract-5 */
static void test_postmaster(void **state)
{
    (void)state;
    struct organization *organization = make(SUBMIT, 0, 0, PERMISSION_MODEL_2010);
    expect_resolved(organization, "<Postmaster>", "postmaster@contoso.com");
    expect_resolved(organization, "<PostMaster@partner.example>", "postmaster@contoso.com");
    expect_resolved(organization, "<postmaster@fabrikam.com>", "postmaster@fabrikam.com");
    expect_resolved(organization, "<Kate@contoso.com>", "Kate@contoso.com");
    organization->settings.external_postmaster = "help@fabrikam.com";
    expect_resolved(organization, "<Postmaster>", "help@fabrikam.com");
    expect_resolved(organization, "<postmaster@contoso.com>", "help@fabrikam.com");
    organization->settings.external_postmaster = "not an address";
    expect_resolved(organization, "<Postmaster>", "postmaster@contoso.com");
    organization_unref(organization);

    organization = fake_organization_new(&(struct fake_organization){
        .receive = (struct fake_receive[]){{"C", .aces = SUBMIT}, {0}}, .send = SEND});
    expect_resolved(organization, "<Postmaster>", NULL);
    struct session_rights rights = rights_of(organization);
    struct address postmaster = address_of("<Postmaster>");
    expect(recipient_check(organization, &rights, &postmaster), REASON_NO_ROUTE, UNDECIDED);
    organization_unref(organization);

    /* "*" takes all recipients, but the domains of others keep their postmasters. */
    organization = fake_organization_new(&(struct fake_organization){
        .receive = (struct fake_receive[]){{"C", .aces = SUBMIT}, {0}},
        .domains =
            (struct fake_domain[]){{"*", .allow_open_relay = true}, {"contoso.com", .is_default = true}, {0}},
        .send = SEND});
    expect_resolved(organization, "<postmaster@fabrikam.com>", "postmaster@fabrikam.com");
    expect_resolved(organization, "<postmaster@contoso.com>", "postmaster@contoso.com");
    organization_unref(organization);
}

/* The relay document's dialogue: own-domain sender, outside recipient. It works in 2010 and not in 2007. */
/* proves: C20 C21 C61 C62 C71 C72 contract-7 */
static void test_dialogue_of_the_relay_document(void **state)
{
    (void)state;
    const char *ace = "allow Ms-Exch-SMTP-Accept-Any-Recipient to NT AUTHORITY\\ANONYMOUS LOGON";
    struct address chris = address_of("chris@contoso.com");
    struct address kate = address_of("kate@fabrikam.com");
    for (int model = PERMISSION_MODEL_2010; model <= PERMISSION_MODEL_2007; model++) {
        struct organization *organization = make(ace, GROUP_ANONYMOUS_USERS, 0, (enum permission_model)model);
        struct session_rights rights = rights_of(organization);
        expect(submit_check(&rights), REASON_NONE, UNDECIDED);
        expect(recipient_check(organization, &rights, &kate), REASON_NONE, UNDECIDED);
        if (model == PERMISSION_MODEL_2010) {
            expect(sender_check(organization, &rights, &chris, SEND_AS_NOT_ASKED), REASON_NONE, UNDECIDED);
        } else {
            expect(sender_check(organization, &rights, &chris, SEND_AS_NOT_ASKED), REASON_SEND_AS, NEEDS_OWN);
        }
        organization_unref(organization);
    }
}

/* proves: contract-6 */
static void test_reason_ids_never_change(void **state)
{
    (void)state;
    static const char *const IDS[REASON_COUNT] = {"none",
                                                  "submit-anonymous",
                                                  "submit-authenticated",
                                                  "send-as",
                                                  "send-on-behalf",
                                                  "relay",
                                                  "no-route",
                                                  "exch50",
                                                  "secure-domain-closed",
                                                  "partner-unproven",
                                                  "partner-certificate"};
    for (int i = 0; i < REASON_COUNT; i++) {
        assert_string_equal(reason_id((enum reason)i), IDS[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_submit),
        cmocka_unit_test(test_why_of_a_connector_that_grants_nothing),
        cmocka_unit_test(test_sender),
        cmocka_unit_test(test_sender_of_an_account),
        cmocka_unit_test(test_sender_of_nobody_is_not_asked_for),
        cmocka_unit_test(test_sender_in_the_header),
        cmocka_unit_test(test_header_behind_a_null_sender),
        cmocka_unit_test(test_recipient),
        cmocka_unit_test(test_postmaster),
        cmocka_unit_test(test_dialogue_of_the_relay_document),
        cmocka_unit_test(test_reason_ids_never_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
