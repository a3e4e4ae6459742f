/* fakes: delivery name_server smart_host organization */
/* What a send connector's words mean for a session. */
#include "delivery/delivery_internal.h"
#include "fakes/fake_delivery.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const NAMES[] = {"relay.contoso.com", "mail.contoso.com"};

/* proves: C132 C133 C135 C136 C137 C139 C140 C141 C142 C145 facts-2.6 facts-2.7 facts-10.5 */
static void what_is_demanded(void **state)
{
    enum { REQUIRE = OUTBOUND_REQUIRE_TLS, IGNORE = OUTBOUND_IGNORE_STARTTLS };
    static const struct row {
        uint32_t security, flags;
        bool in_clear;
        enum tls_demand tls;
        bool needs_trust, has_domain, has_hosts;
        enum login_demand login;
        bool heeds_domain;
    } rows[] = {
        {0, 0, false, TLS_DEMAND_OFFERED, 0, 0, 0, LOGIN_DEMAND_NONE, 1},
        {0, 0, true, TLS_DEMAND_NEVER, 0, 0, 0, LOGIN_DEMAND_NONE, 1},
        {OUTBOUND_FORCE_HELO, 0, false, TLS_DEMAND_OFFERED, 0, 0, 0, LOGIN_DEMAND_NONE, 0},
        {IGNORE, 0, false, TLS_DEMAND_NEVER, 0, 0, 0, LOGIN_DEMAND_NONE, 0},
        {REQUIRE, 0, false, TLS_DEMAND_ALWAYS, 0, 0, 0, LOGIN_DEMAND_NONE, 1},
        {REQUIRE, 0, true, TLS_DEMAND_ALWAYS, 0, 0, 0, LOGIN_DEMAND_NONE, 1},
        {REQUIRE, SEND_TLS_ENCRYPTION_ONLY, false, TLS_DEMAND_ALWAYS, 0, 0, 0, LOGIN_DEMAND_NONE, 1},
        {REQUIRE, SEND_TLS_CERTIFICATE_VALIDATION, false, TLS_DEMAND_ALWAYS, 1, 0, 0, LOGIN_DEMAND_NONE, 0},
        {REQUIRE, SEND_TLS_DOMAIN_VALIDATION, false, TLS_DEMAND_ALWAYS, 1, 1, 0, LOGIN_DEMAND_NONE, 0},
        {0, SEND_AUTH_BASIC, false, TLS_DEMAND_OFFERED, 0, 0, 0, LOGIN_DEMAND_PASSWORD, 1},
        {0, SEND_AUTH_BASIC, true, TLS_DEMAND_NEVER, 0, 0, 0, LOGIN_DEMAND_PASSWORD, 1},
        {IGNORE, SEND_AUTH_BASIC, false, TLS_DEMAND_NEVER, 0, 0, 0, LOGIN_DEMAND_PASSWORD, 0},
        {REQUIRE, SEND_AUTH_BASIC, false, TLS_DEMAND_ALWAYS, 0, 0, 0, LOGIN_DEMAND_PASSWORD, 1},
        {REQUIRE, SEND_AUTH_BASIC | SEND_TLS_CERTIFICATE_VALIDATION, false, TLS_DEMAND_ALWAYS, 1, 0, 0,
         LOGIN_DEMAND_PASSWORD, 0},
        {0, SEND_AUTH_BASIC_REQUIRE_TLS, false, TLS_DEMAND_ALWAYS, 1, 0, 1, LOGIN_DEMAND_PASSWORD, 0},
        {0, SEND_AUTH_BASIC_REQUIRE_TLS, true, TLS_DEMAND_ALWAYS, 1, 0, 1, LOGIN_DEMAND_PASSWORD, 0},
        {REQUIRE, SEND_AUTH_BASIC_REQUIRE_TLS | SEND_TLS_DOMAIN_VALIDATION, false, TLS_DEMAND_ALWAYS, 1, 1, 1,
         LOGIN_DEMAND_PASSWORD, 0},
        {0, SEND_AUTH_EXTERNAL_AUTHORITATIVE, false, TLS_DEMAND_OFFERED, 0, 0, 0, LOGIN_DEMAND_NONE, 1},
        {0, SEND_AUTH_EXCHANGE_SERVER, false, TLS_DEMAND_OFFERED, 0, 0, 0, LOGIN_DEMAND_EXCHANGE, 1},
        {REQUIRE, SEND_AUTH_EXCHANGE_SERVER, false, TLS_DEMAND_ALWAYS, 0, 0, 0, LOGIN_DEMAND_EXCHANGE, 1},
    };
    const struct transport_settings settings = {0};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        const struct send_connector connector = {.outbound_security = row->security,
                                                 .send_flags = row->flags,
                                                 .tls_domain = "mail.contoso.com",
                                                 .smart_host_names = NAMES,
                                                 .smart_host_name_count = 2};
        struct smtp_demand demand;
        security_demand(&connector, "", row->in_clear, &demand);
        if (demand.tls != row->tls || demand.needs_trust != row->needs_trust ||
            (demand.domain != NULL) != row->has_domain || demand.host_count != (row->has_hosts ? 2u : 0u) ||
            demand.login != row->login ||
            security_heeds_domain(&connector, &settings, "") != row->heeds_domain)
            fail_msg("row %zu", i);
    }
}

/* proves: facts-1.4 */
static void without_tls_domain_the_mails_domain_counts(void **state)
{
    struct send_connector connector = {.outbound_security = OUTBOUND_REQUIRE_TLS,
                                       .send_flags = SEND_TLS_DOMAIN_VALIDATION};
    struct smtp_demand demand;
    (void)state;
    security_demand(&connector, "fabrikam.com", false, &demand);
    assert_string_equal(demand.domain, "fabrikam.com");
    assert_true(demand.domain_has_hosts && demand.needs_trust);
    connector.tls_domain = "mail.contoso.com";
    security_demand(&connector, "fabrikam.com", false, &demand);
    assert_string_equal(demand.domain, "mail.contoso.com");
    assert_false(demand.domain_has_hosts);
    connector.send_flags = SEND_TLS_CERTIFICATE_VALIDATION;
    security_demand(&connector, "fabrikam.com", false, &demand);
    assert_null(demand.domain);
    assert_false(demand.domain_has_hosts);
}

/* proves: R14 */
static void what_a_domain_asks_for(void **state)
{
    const struct send_connector connector = {0};
    const struct dane dane = {.count = 1};
    const char *const exchanger = "mx.fabrikam.com";
    struct smtp_demand demand;
    (void)state;
    security_demand(&connector, "fabrikam.com", false, &demand);
    security_demand_dane(&dane, &demand);
    assert_true(demand.tls == TLS_DEMAND_ALWAYS && demand.dane == &dane && !demand.needs_trust);
    security_demand(&connector, "fabrikam.com", false, &demand);
    security_demand_sts(&exchanger, &demand);
    assert_true(demand.tls == TLS_DEMAND_ALWAYS && demand.needs_trust && demand.host_count == 1);
    assert_string_equal(demand.hosts[0], "mx.fabrikam.com");
}

/* proves: C162 C168 T10 facts-10.4 */
static void mutual_tls_is_more_than_the_connector_asks_for(void **state)
{
    const struct send_connector connector = {.send_flags = SEND_DOMAIN_SECURE};
    struct smtp_demand demand;
    (void)state;
    security_demand(&connector, "fabrikam.com", true, &demand);
    security_demand_mutual("fabrikam.com", &demand);
    assert_int_equal(demand.tls, TLS_DEMAND_ALWAYS);
    assert_true(demand.is_mutual && demand.needs_trust && demand.domain_has_hosts);
    assert_string_equal(demand.domain, "fabrikam.com");
}

static void who_may_be_spoken_to_in_clear(void **state)
{
    (void)state;
    assert_true(security_may_fall_back(&(struct smtp_demand){.tls = TLS_DEMAND_OFFERED}));
    assert_false(security_may_fall_back(&(struct smtp_demand){.tls = TLS_DEMAND_ALWAYS}));
    assert_false(security_may_fall_back(&(struct smtp_demand){.tls = TLS_DEMAND_NEVER}));
    assert_false(security_may_fall_back(
        &(struct smtp_demand){.tls = TLS_DEMAND_OFFERED, .login = LOGIN_DEMAND_EXCHANGE}));
}

/* proves: C220 facts-5.2 facts-10.5 */
static void whom_the_hop_is_taken_for(void **state)
{
    const struct trusted_server edge = {.identity = IDENTITY_EDGE}, hub = {.identity = IDENTITY_HUB};
    const struct send_connector plain = {0}, secured = {.send_flags = SEND_AUTH_EXTERNAL_AUTHORITATIVE};
    const struct smtp_demand none = {0}, mutual = {.is_mutual = true},
                             exchange = {.login = LOGIN_DEMAND_EXCHANGE},
                             password = {.login = LOGIN_DEMAND_PASSWORD};
    (void)state;
    assert_int_equal(security_peer(&plain, &none, NULL), IDENTITY_ANONYMOUS);
    assert_int_equal(security_peer(&plain, &password, NULL), IDENTITY_ANONYMOUS);
    assert_int_equal(security_peer(&secured, &none, NULL), IDENTITY_EXTERNALLY_SECURED);
    assert_int_equal(security_peer(&plain, &mutual, NULL), IDENTITY_PARTNER);
    assert_int_equal(security_peer(&plain, &exchange, NULL), IDENTITY_LEGACY);
    assert_int_equal(security_peer(&plain, &exchange, &edge), IDENTITY_EDGE);
    assert_int_equal(security_peer(&plain, &exchange, &hub), IDENTITY_HUB);
}

/* -- the login -- */

static char path[] = "/tmp/dr-password-XXXXXX";

static void write_file(const char *text, size_t len)
{
    int file = open(path, O_WRONLY | O_TRUNC);
    assert_true(file >= 0 && write(file, text, len) == (ssize_t)len && close(file) == 0);
}

static const struct send_connector WITH_FILE = {.login_user = "relay", .login_password_file = path};

/* proves: C134 T11 */
static void the_password_comes_from_its_file(void **state)
{
    static const struct row {
        const char *text;
        size_t len;
        const char *password; /* NULL: none */
    } rows[] = {
        {"secret", 6, "secret"},
        {"secret\n", 7, "secret"},
        {"secret\r\n", 8, "secret"},
        {" se cret ", 9, " se cret "},
        {"a\nb\n", 4, "a\nb"},
        {"", 0, NULL},
        {"\n", 1, NULL},
        {"se\0ret", 6, NULL},
    };
    struct auth_credential credential;
    struct note note;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note = (struct note){0};
        write_file(rows[i].text, rows[i].len);
        assert_int_equal(security_credential(&WITH_FILE, &credential, &note),
                         rows[i].password ? OK : ERROR_IO);
        assert_string_equal(note.text,
                            rows[i].password ? "" : "dirrelaySmartHostPasswordFile holds no secret");
        if (rows[i].password) {
            assert_string_equal(credential.user, "relay");
            assert_string_equal(credential.password, rows[i].password);
        }
    }
}

static void a_password_has_a_ceiling(void **state)
{
    char text[AUTH_PASSWORD_MAX + 8];
    struct auth_credential credential;
    struct note note = {0};
    (void)state;
    memset(text, 'x', sizeof text);
    write_file(text, AUTH_PASSWORD_MAX);
    assert_int_equal(security_credential(&WITH_FILE, &credential, &note), OK);
    assert_int_equal(strlen(credential.password), AUTH_PASSWORD_MAX);
    write_file(text, AUTH_PASSWORD_MAX + 1);
    assert_int_equal(security_credential(&WITH_FILE, &credential, &note), ERROR_IO);
    write_file(text, sizeof text);
    assert_int_equal(security_credential(&WITH_FILE, &credential, &note), ERROR_IO);
}

static void what_is_no_file_gives_no_password(void **state)
{
    static const char *const paths[] = {"/nonexistent/password", "/tmp", "/dev/zero"};
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const struct send_connector connector = {.login_user = "relay", .login_password_file = paths[i]};
        struct auth_credential credential;
        struct note note = {0};
        assert_int_equal(security_credential(&connector, &credential, &note), ERROR_IO);
        assert_string_equal(note.text, "dirrelaySmartHostPasswordFile cannot be read");
    }
}

static void or_from_the_directory(void **state)
{
    const struct send_connector connector = {.login_user = "relay", .login_password = "secret"};
    struct auth_credential credential;
    struct note note = {0};
    (void)state;
    assert_int_equal(security_credential(&connector, &credential, &note), OK);
    assert_string_equal(credential.user, "relay");
    assert_string_equal(credential.password, "secret");
}

static int setup(void **state)
{
    (void)state;
    int file = mkstemp(path);
    return file < 0 || close(file) != 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_demanded),
        cmocka_unit_test(without_tls_domain_the_mails_domain_counts),
        cmocka_unit_test(what_a_domain_asks_for),
        cmocka_unit_test(mutual_tls_is_more_than_the_connector_asks_for),
        cmocka_unit_test(who_may_be_spoken_to_in_clear),
        cmocka_unit_test(whom_the_hop_is_taken_for),
        cmocka_unit_test(the_password_comes_from_its_file),
        cmocka_unit_test(a_password_has_a_ceiling),
        cmocka_unit_test(what_is_no_file_gives_no_password),
        cmocka_unit_test(or_from_the_directory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
