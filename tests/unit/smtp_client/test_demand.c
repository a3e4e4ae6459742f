/* fakes: tls */
#include "smtp_client/demand.h"

#include "fakes/fake_tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NEEDS_TLS  "451 5.7.3 STARTTLS is required to send mail"
#define NEEDS_BOTH "451 5.7.3 Require STARTTLS to do basic authentication"
#define NEEDS_AUTH "451 5.7.3 Require basic authentication"

#define NEEDS_SERVER "451 5.7.3 Cannot achieve Exchange Server authentication"

/* The situation in letters: t TLS offered, d X-ANONYMOUSTLS, r refused, T inside TLS, m mechanism offered, A
 * authenticated. */
static struct smtp_situation situation_of(const char *letters)
{
    return (struct smtp_situation){
        .offers_tls = strchr(letters, 't') != NULL,
        .offers_direct_tls = strchr(letters, 'd') != NULL,
        .is_tls_refused = strchr(letters, 'r') != NULL,
        .is_tls = strchr(letters, 'T') != NULL,
        .offers_mechanism = strchr(letters, 'm') != NULL,
        .is_authenticated = strchr(letters, 'A') != NULL,
    };
}

/* proves: C128 C129 C132 C133 C135 C136 C141 C153 facts-8.2 facts-10.5 */
static void the_next_step(void **state)
{
    static const struct row {
        enum tls_demand tls;
        enum login_demand login;
        const char *situation;
        enum smtp_step step;
        const char *why;
    } rows[] = {
        {TLS_DEMAND_NEVER, LOGIN_DEMAND_NONE, "", SMTP_STEP_READY, NULL},
        {TLS_DEMAND_NEVER, LOGIN_DEMAND_NONE, "tm", SMTP_STEP_READY, NULL},
        {TLS_DEMAND_OFFERED, LOGIN_DEMAND_NONE, "", SMTP_STEP_READY, NULL},
        {TLS_DEMAND_OFFERED, LOGIN_DEMAND_NONE, "t", SMTP_STEP_STARTTLS, NULL},
        {TLS_DEMAND_OFFERED, LOGIN_DEMAND_NONE, "tr", SMTP_STEP_READY, NULL},
        {TLS_DEMAND_OFFERED, LOGIN_DEMAND_NONE, "T", SMTP_STEP_READY, NULL},
        {TLS_DEMAND_OFFERED, LOGIN_DEMAND_NONE, "tT", SMTP_STEP_READY, NULL}, /* a hop that offers it again */
        {TLS_DEMAND_ALWAYS, LOGIN_DEMAND_NONE, "", SMTP_STEP_LEAVE, NEEDS_TLS},
        {TLS_DEMAND_ALWAYS, LOGIN_DEMAND_NONE, "m", SMTP_STEP_LEAVE, NEEDS_TLS},
        {TLS_DEMAND_ALWAYS, LOGIN_DEMAND_NONE, "t", SMTP_STEP_STARTTLS, NULL},
        {TLS_DEMAND_ALWAYS, LOGIN_DEMAND_NONE, "tr", SMTP_STEP_LEAVE, NEEDS_TLS},
        {TLS_DEMAND_ALWAYS, LOGIN_DEMAND_NONE, "T", SMTP_STEP_READY, NULL},
        {TLS_DEMAND_NEVER, LOGIN_DEMAND_PASSWORD, "tm", SMTP_STEP_AUTHENTICATE, NULL},
        {TLS_DEMAND_OFFERED, LOGIN_DEMAND_PASSWORD, "m", SMTP_STEP_AUTHENTICATE, NULL},
        {TLS_DEMAND_OFFERED, LOGIN_DEMAND_PASSWORD, "tm", SMTP_STEP_STARTTLS, NULL},
        {TLS_DEMAND_OFFERED, LOGIN_DEMAND_PASSWORD, "trm", SMTP_STEP_AUTHENTICATE, NULL},
        {TLS_DEMAND_OFFERED, LOGIN_DEMAND_PASSWORD, "T", SMTP_STEP_LEAVE, NEEDS_AUTH},
        {TLS_DEMAND_OFFERED, LOGIN_DEMAND_PASSWORD, "", SMTP_STEP_LEAVE, NEEDS_AUTH},
        {TLS_DEMAND_OFFERED, LOGIN_DEMAND_PASSWORD, "TmA", SMTP_STEP_READY, NULL},
        {TLS_DEMAND_ALWAYS, LOGIN_DEMAND_PASSWORD, "m", SMTP_STEP_LEAVE, NEEDS_BOTH},
        {TLS_DEMAND_ALWAYS, LOGIN_DEMAND_PASSWORD, "trm", SMTP_STEP_LEAVE, NEEDS_BOTH},
        {TLS_DEMAND_ALWAYS, LOGIN_DEMAND_PASSWORD, "tm", SMTP_STEP_STARTTLS, NULL},
        {TLS_DEMAND_ALWAYS, LOGIN_DEMAND_PASSWORD, "Tm", SMTP_STEP_AUTHENTICATE, NULL},
        {TLS_DEMAND_ALWAYS, LOGIN_DEMAND_PASSWORD, "T", SMTP_STEP_LEAVE, NEEDS_AUTH},
        {TLS_DEMAND_ALWAYS, LOGIN_DEMAND_PASSWORD, "TA", SMTP_STEP_READY, NULL},
        {TLS_DEMAND_ALWAYS, LOGIN_DEMAND_TOKEN, "m", SMTP_STEP_LEAVE, NEEDS_BOTH},
        {TLS_DEMAND_OFFERED, LOGIN_DEMAND_TOKEN, "T", SMTP_STEP_LEAVE, NEEDS_AUTH},
        /* Servers of one organization. */
        {TLS_DEMAND_OFFERED, LOGIN_DEMAND_EXCHANGE, "td", SMTP_STEP_DIRECT_TLS, NULL},
        {TLS_DEMAND_NEVER, LOGIN_DEMAND_EXCHANGE, "tdm", SMTP_STEP_DIRECT_TLS, NULL},
        {TLS_DEMAND_ALWAYS, LOGIN_DEMAND_EXCHANGE, "dm", SMTP_STEP_DIRECT_TLS, NULL},
        {TLS_DEMAND_OFFERED, LOGIN_DEMAND_EXCHANGE, "dmr", SMTP_STEP_LEAVE, NEEDS_SERVER},
        {TLS_DEMAND_ALWAYS, LOGIN_DEMAND_EXCHANGE, "tdmr", SMTP_STEP_LEAVE, NEEDS_TLS},
        {TLS_DEMAND_OFFERED, LOGIN_DEMAND_EXCHANGE, "dTmA", SMTP_STEP_READY, NULL},
        {TLS_DEMAND_ALWAYS, LOGIN_DEMAND_EXCHANGE, "TA", SMTP_STEP_READY, NULL},
        {TLS_DEMAND_OFFERED, LOGIN_DEMAND_EXCHANGE, "t", SMTP_STEP_STARTTLS, NULL},
        {TLS_DEMAND_OFFERED, LOGIN_DEMAND_EXCHANGE, "m", SMTP_STEP_AUTHENTICATE, NULL},
        {TLS_DEMAND_OFFERED, LOGIN_DEMAND_EXCHANGE, "Tm", SMTP_STEP_AUTHENTICATE, NULL},
        {TLS_DEMAND_OFFERED, LOGIN_DEMAND_EXCHANGE, "T", SMTP_STEP_LEAVE, NEEDS_SERVER},
        {TLS_DEMAND_ALWAYS, LOGIN_DEMAND_EXCHANGE, "m", SMTP_STEP_LEAVE, NEEDS_TLS},
        /* What others demand, X-ANONYMOUSTLS does not give. */
        {TLS_DEMAND_ALWAYS, LOGIN_DEMAND_NONE, "d", SMTP_STEP_LEAVE, NEEDS_TLS},
        {TLS_DEMAND_OFFERED, LOGIN_DEMAND_PASSWORD, "d", SMTP_STEP_LEAVE, NEEDS_AUTH},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct smtp_demand demand = {.tls = rows[i].tls, .login = rows[i].login};
        const struct smtp_situation situation = situation_of(rows[i].situation);
        const char *why = NULL;
        if (demand_next_step(&demand, &situation, &why) != rows[i].step)
            fail_msg("row %zu", i);
        assert_int_equal(why != NULL, rows[i].why != NULL);
        if (why)
            assert_string_equal(why, rows[i].why);
    }
}

/* proves: T6 C135 C137 C139 C140 facts-10.5 */
static void what_a_certificate_must_be(void **state)
{
    static const char *const MAIL[] = {"mail.contoso.com"};
    static const char *const TWO[] = {"relay.contoso.com", "mail.contoso.com"};
    static const char *const OTHER[] = {"mx.fabrikam.com"};
    struct fake_certificate certificate = {.name = "mail.contoso.com"};
    const struct row {
        bool needs_trust;
        const char *domain;
        const char *const *hosts;
        size_t host_count;
        bool has_certificate;
        bool is_trusted;
        enum certificate_flaw flaw;
        bool domain_has_hosts;
    } rows[] = {
        {false, NULL, NULL, 0, true, false, CERTIFICATE_GOOD_ENOUGH, false},
        {false, NULL, NULL, 0, false, false, CERTIFICATE_GOOD_ENOUGH, false},
        {true, NULL, NULL, 0, true, true, CERTIFICATE_GOOD_ENOUGH, false},
        {true, NULL, NULL, 0, true, false, CERTIFICATE_NOT_TRUSTED, false},
        {true, NULL, NULL, 0, false, true, CERTIFICATE_MISSING, false},
        {true, "mail.contoso.com", NULL, 0, true, true, CERTIFICATE_GOOD_ENOUGH, false},
        {true, ".contoso.com", NULL, 0, true, true, CERTIFICATE_GOOD_ENOUGH, false},
        {true, "contoso.com", NULL, 0, true, true, CERTIFICATE_OF_ANOTHER, false},
        {true, "mail.contoso.com", NULL, 0, true, false, CERTIFICATE_NOT_TRUSTED, false},
        {false, "mail.contoso.com", NULL, 0, true, false, CERTIFICATE_NOT_TRUSTED, false},
        {true, NULL, MAIL, 1, true, true, CERTIFICATE_GOOD_ENOUGH, false},
        {true, NULL, TWO, 2, true, true, CERTIFICATE_GOOD_ENOUGH, false},
        {true, NULL, OTHER, 1, true, true, CERTIFICATE_OF_ANOTHER, false},
        {false, NULL, MAIL, 1, true, false, CERTIFICATE_NOT_TRUSTED, false},
        {true, "mail.contoso.com", OTHER, 1, true, true, CERTIFICATE_OF_ANOTHER, false},
        {true, "mx.fabrikam.com", MAIL, 1, true, true, CERTIFICATE_OF_ANOTHER, false},
        {true, ".contoso.com", MAIL, 1, true, true, CERTIFICATE_GOOD_ENOUGH, false},
        {true, "contoso.com", NULL, 0, true, true, CERTIFICATE_GOOD_ENOUGH, true},
        {true, "mail.contoso.com", NULL, 0, true, true, CERTIFICATE_GOOD_ENOUGH, true},
        {true, "fabrikam.com", NULL, 0, true, true, CERTIFICATE_OF_ANOTHER, true},
        {true, "toso.com", NULL, 0, true, true, CERTIFICATE_OF_ANOTHER, true},
        {true, "contoso.com", NULL, 0, true, false, CERTIFICATE_NOT_TRUSTED, true},
    };
    (void)state;
    fake_certificate_make(&certificate);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct smtp_demand demand = {.tls = TLS_DEMAND_ALWAYS,
                                           .needs_trust = rows[i].needs_trust,
                                           .domain = rows[i].domain,
                                           .domain_has_hosts = rows[i].domain_has_hosts,
                                           .hosts = rows[i].hosts,
                                           .host_count = rows[i].host_count};
        const struct tls_result result = {.peer = rows[i].has_certificate ? certificate.x509 : NULL,
                                          .is_trusted = rows[i].is_trusted};
        if (demand_judge(&demand, &result) != rows[i].flaw)
            fail_msg("row %zu", i);
    }
    fake_certificate_done(&certificate);
}

/* proves: R14 */
static void what_the_dns_says_stands_alone(void **state)
{
    static const struct dane DANE = {.count = 1, .base = "mx.contoso.com"};
    struct fake_certificate certificate = {.name = "mail.contoso.com"};
    const struct row {
        bool has_dane, has_certificate, is_trusted;
        enum certificate_flaw flaw;
    } rows[] = {
        {true, true, true, CERTIFICATE_GOOD_ENOUGH},
        {true, true, false, CERTIFICATE_NOT_TRUSTED},
        {true, false, true, CERTIFICATE_MISSING},
        {false, true, false, CERTIFICATE_GOOD_ENOUGH}, /* records that cannot be used */
        {false, false, false, CERTIFICATE_GOOD_ENOUGH},
    };
    const struct smtp_demand demand = {.tls = TLS_DEMAND_ALWAYS, .dane = &DANE};
    (void)state;
    fake_certificate_make(&certificate);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct tls_result result = {.peer = rows[i].has_certificate ? certificate.x509 : NULL,
                                          .is_trusted = rows[i].is_trusted,
                                          .has_dane = rows[i].has_dane};
        if (demand_judge(&demand, &result) != rows[i].flaw)
            fail_msg("row %zu", i);
    }
    fake_certificate_done(&certificate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_step),
        cmocka_unit_test(what_a_certificate_must_be),
        cmocka_unit_test(what_the_dns_says_stands_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
