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

/* The situation in letters: t TLS offered, r refused, T inside TLS, m mechanism offered, A authenticated. */
static struct smtp_situation situation_of(const char *letters)
{
    return (struct smtp_situation){
        .offers_tls = strchr(letters, 't') != NULL,
        .is_tls_refused = strchr(letters, 'r') != NULL,
        .is_tls = strchr(letters, 'T') != NULL,
        .offers_mechanism = strchr(letters, 'm') != NULL,
        .is_authenticated = strchr(letters, 'A') != NULL,
    };
}

/* proves: C128 C129 C132 C133 C135 C136 C153 facts-8.2 facts-10.5 */
static void the_next_step(void **state)
{
    static const struct row {
        enum tls_demand tls;
        bool needs_authentication;
        const char *situation;
        enum smtp_step step;
        const char *why;
    } rows[] = {
        {TLS_DEMAND_NEVER, false, "", SMTP_STEP_READY, NULL},
        {TLS_DEMAND_NEVER, false, "tm", SMTP_STEP_READY, NULL},
        {TLS_DEMAND_OFFERED, false, "", SMTP_STEP_READY, NULL},
        {TLS_DEMAND_OFFERED, false, "t", SMTP_STEP_STARTTLS, NULL},
        {TLS_DEMAND_OFFERED, false, "tr", SMTP_STEP_READY, NULL},
        {TLS_DEMAND_OFFERED, false, "T", SMTP_STEP_READY, NULL},
        {TLS_DEMAND_OFFERED, false, "tT", SMTP_STEP_READY, NULL}, /* a hop that offers it again */
        {TLS_DEMAND_ALWAYS, false, "", SMTP_STEP_LEAVE, NEEDS_TLS},
        {TLS_DEMAND_ALWAYS, false, "m", SMTP_STEP_LEAVE, NEEDS_TLS},
        {TLS_DEMAND_ALWAYS, false, "t", SMTP_STEP_STARTTLS, NULL},
        {TLS_DEMAND_ALWAYS, false, "tr", SMTP_STEP_LEAVE, NEEDS_TLS},
        {TLS_DEMAND_ALWAYS, false, "T", SMTP_STEP_READY, NULL},
        {TLS_DEMAND_NEVER, true, "tm", SMTP_STEP_AUTHENTICATE, NULL},
        {TLS_DEMAND_OFFERED, true, "m", SMTP_STEP_AUTHENTICATE, NULL},
        {TLS_DEMAND_OFFERED, true, "tm", SMTP_STEP_STARTTLS, NULL},
        {TLS_DEMAND_OFFERED, true, "trm", SMTP_STEP_AUTHENTICATE, NULL},
        {TLS_DEMAND_OFFERED, true, "T", SMTP_STEP_LEAVE, NEEDS_AUTH},
        {TLS_DEMAND_OFFERED, true, "", SMTP_STEP_LEAVE, NEEDS_AUTH},
        {TLS_DEMAND_OFFERED, true, "TmA", SMTP_STEP_READY, NULL},
        {TLS_DEMAND_ALWAYS, true, "m", SMTP_STEP_LEAVE, NEEDS_BOTH},
        {TLS_DEMAND_ALWAYS, true, "trm", SMTP_STEP_LEAVE, NEEDS_BOTH},
        {TLS_DEMAND_ALWAYS, true, "tm", SMTP_STEP_STARTTLS, NULL},
        {TLS_DEMAND_ALWAYS, true, "Tm", SMTP_STEP_AUTHENTICATE, NULL},
        {TLS_DEMAND_ALWAYS, true, "T", SMTP_STEP_LEAVE, NEEDS_AUTH},
        {TLS_DEMAND_ALWAYS, true, "TA", SMTP_STEP_READY, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct smtp_demand demand = {.tls = rows[i].tls,
                                           .needs_authentication = rows[i].needs_authentication};
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
