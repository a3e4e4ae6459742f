/* Every key of contract 2: its default, its good values, its bad ones. */
#include "config/keys.h"
#include "unit/config/fixture.h"

/* proves: contract-2 */
static void an_empty_file_gives_the_defaults_of_the_contract(void **state)
{
    (void)state;
    static const uint64_t RETRY_MS[] = {60000, 300000, 900000, 1800000, 3600000};
    struct config config;
    char host[256] = "", listen[IP_ENDPOINT_TEXT_SIZE];
    check_good("", &config);
    assert_null(config.directory.uri);
    assert_int_equal(config.directory.flavor, FLAVOR_UNKNOWN);
    assert_null(config.directory.config_base);
    assert_null(config.directory.accounts_base);
    assert_int_equal(config.directory.login_attribute_count, 0);
    assert_int_equal(config.auth.group_depth, 64);
    assert_int_equal(config.auth.group_limit, 20000);
    assert_null(config.directory.bind_dn);
    assert_null(config.directory.bind_password);
    assert_null(config.directory.sasl_mech);
    assert_null(config.dns.trust_anchor);
    assert_int_equal(config.directory.poll_ms, 60000);
    assert_int_equal(config.directory.start_tls, START_TLS_DEFAULT);
    assert_null(config.directory.ca_file);
    gethostname(host, sizeof host - 1);
    assert_string_equal(config.server.host_name, host);
    host[strcspn(host, ".")] = '\0';
    assert_string_equal(config.server.name, host);
    assert_null(config.server.organization);
    assert_string_equal(config.server.state_dir, "/var/lib/dirrelay");
    assert_int_equal(config.tls.profile, TLS_PROFILE_MODERN);
    assert_string_equal(config.tls.certificate_dir, "/etc/dirrelay/tls");
    assert_null(config.tls.ca_file);
    assert_null(config.tls.crl_file);
    assert_true(config.tls.crl_fetch && config.tls.dane && config.tls.mta_sts);
    assert_string_equal(config.server.user, "dirrelay");
    assert_string_equal(config.server.group, "dirrelay");
    assert_int_equal(config.server.loops, 0);
    assert_string_equal(config.server.control, "/run/dirrelay/control.sock");
    assert_int_equal(config.server.drain_ms, 30000);
    assert_int_equal(config.queue.retry_count, 5);
    assert_memory_equal(config.queue.retry_ms, RETRY_MS, sizeof RETRY_MS);
    assert_int_equal(config.queue.expire_ms, 2 * 86400000);
    assert_int_equal(config.queue.delay_warning_ms, 4 * 3600000);
    assert_int_equal(config.queue.reserve_bytes, 256u << 20);
    static const struct pressure_marks DISK = {80, 89, 99}, MEMORY = {71, 72, 75},
                                       QUEUE = {2000, 9999, 15000};
    assert_memory_equal(&config.pressure.disk, &DISK, sizeof DISK);
    assert_memory_equal(&config.pressure.memory, &MEMORY, sizeof MEMORY);
    assert_memory_equal(&config.pressure.queue, &QUEUE, sizeof QUEUE);
    assert_int_equal(config.log.format, EVENT_JSON);
    assert_int_equal(config.log.level, EVENT_INFO);
    assert_string_equal(ip_format_endpoint(&config.metrics.listen, listen), "127.0.0.1:9125");
    config_done(&config);
}

/* proves: contract-2 */
static void every_key_is_read(void **state)
{
    (void)state;
    struct config config;
    char listen[IP_ENDPOINT_TEXT_SIZE];
    check_good(
        "; a comment\n# another\n[directory]\nuri = ldap://a ldaps://b\nflavor: AD\n"
        "config_base = CN=Configuration,DC=contoso,DC=com\nbind_dn = CN=relay\nbind_password = s3 cret\n"
        "sasl_mech = gssapi\npoll = 5\nstart_tls = never\nca_file = /etc/ca.pem\n"
        "[server]\n  name = MX1\n\torganization = Contoso\nstate_dir=/srv/relay\nuser = mail\n"
        "group = smtp\nloops = 4\ncontrol = /run/x.sock\ndrain = 2m\r\n"
        "[queue]\nretry = 10s  1m\t2h\nexpire = 5d\ndelay_warning = 90m\nreserve = 1G\n"
        "[pressure]\ndisk = 1-2-3\nmemory = 5 - 5 - 5\nqueue = 10 20\t30\n"
        "[dns]\ntrust_anchor = /etc/root.key\n"
        "[tls]\ncrl_fetch = NO\ndane = no\nmta_sts = No\n"
        "[log]\nformat = text\nlevel = warning\n[metrics]\nlisten = [::1]:9000",
        &config);
    assert_string_equal(config.directory.uri, "ldap://a ldaps://b");
    assert_int_equal(config.directory.flavor, FLAVOR_AD);
    assert_string_equal(config.directory.config_base, "CN=Configuration,DC=contoso,DC=com");
    assert_string_equal(config.directory.bind_dn, "CN=relay");
    assert_string_equal(config.directory.bind_password, "s3 cret");
    assert_string_equal(config.directory.sasl_mech, "GSSAPI");
    assert_int_equal(config.directory.poll_ms, 5000);
    assert_string_equal(config.dns.trust_anchor, "/etc/root.key");
    assert_false(config.tls.crl_fetch || config.tls.dane || config.tls.mta_sts);
    assert_int_equal(config.directory.start_tls, START_TLS_NEVER);
    assert_string_equal(config.directory.ca_file, "/etc/ca.pem");
    assert_string_equal(config.server.name, "MX1");
    assert_string_equal(config.server.organization, "Contoso");
    assert_string_equal(config.server.state_dir, "/srv/relay");
    assert_string_equal(config.server.user, "mail");
    assert_string_equal(config.server.group, "smtp");
    assert_int_equal(config.server.loops, 4);
    assert_string_equal(config.server.control, "/run/x.sock");
    assert_int_equal(config.server.drain_ms, 120000);
    assert_int_equal(config.queue.retry_count, 3);
    assert_int_equal(config.queue.retry_ms[0], 10000);
    assert_int_equal(config.queue.retry_ms[2], 7200000);
    assert_int_equal(config.queue.expire_ms, 432000000);
    assert_int_equal(config.queue.delay_warning_ms, 5400000);
    assert_int_equal(config.queue.reserve_bytes, 1u << 30);
    assert_int_equal(
        config.pressure.disk.low * 100 + config.pressure.disk.medium * 10 + config.pressure.disk.high, 123);
    assert_int_equal(config.pressure.memory.high, 5);
    assert_int_equal(config.pressure.queue.medium, 20);
    assert_int_equal(config.log.format, EVENT_TEXT);
    assert_int_equal(config.log.level, EVENT_WARNING);
    assert_string_equal(ip_format_endpoint(&config.metrics.listen, listen), "[::1]:9000");
    config_done(&config);
}

/* proves: contract-2 */
static void bad_values_are_named_with_what_is_right(void **state)
{
    (void)state;
    static const char *const CASES[][3] = {
        {"server", "drain = soon", "drain: expected a time such as 30s, 5m, 1h or 2d"},
        {"server", "drain =", "drain: expected a time such as 30s, 5m, 1h or 2d"},
        {"directory", "poll = 0", "poll: expected a time above 0 such as 30s, 5m, 1h or 2d"},
        {"queue", "expire = 4000d", "expire: expected a time such as 30s, 5m, 1h or 2d"},
        {"queue", "reserve = 1X", "reserve: expected a size such as 256M"},
        {"server", "loops = 0", "loops: expected a number from 1 to 1024"},
        {"server", "loops = 1025", "loops: expected a number from 1 to 1024"},
        {"server", "loops = -1", "loops: expected a number from 1 to 1024"},
        {"directory", "flavor = novell", "flavor: expected auto, openldap or ad"},
        {"tls", "profile = ancient", "profile: expected modern or legacy"},
        {"directory", "start_tls = maybe", "start_tls: expected demand or never"},
        {"directory", "sasl_mech = PLAIN", "sasl_mech: expected EXTERNAL or GSSAPI"},
        {"pressure", "disk = 1-2", "disk: expected three rising numbers such as 80-89-99"},
        {"pressure", "disk = 1-2-3-4", "disk: expected three rising numbers such as 80-89-99"},
        {"pressure", "memory = 2-1-3", "memory: expected three rising numbers such as 80-89-99"},
        {"pressure", "memory = 1-3-2", "memory: expected three rising numbers such as 80-89-99"},
        {"pressure", "queue = 1--3", "queue: expected three rising numbers such as 80-89-99"},
        {"pressure", "queue = 1-2-3-", "queue: expected three rising numbers such as 80-89-99"},
        {"pressure", "queue = -1-2-3", "queue: expected three rising numbers such as 80-89-99"},
        {"pressure", "queue = 1-x-3", "queue: expected three rising numbers such as 80-89-99"},
        {"queue", "retry =", "retry: expected up to 32 delays above 0 such as \"1m 5m 1h\""},
        {"queue", "retry = 1m 0s", "retry: expected up to 32 delays above 0 such as \"1m 5m 1h\""},
        {"queue", "retry = 1m,5m", "retry: expected up to 32 delays above 0 such as \"1m 5m 1h\""},
        {"server", "proxy_trusted = 10.0.0.0/8 proxy.example",
         "proxy_trusted: expected blank separated addresses and ranges such as \"192.0.2.10 10.1.0.0/16\""},
        {"filter", "milters = rspamd:11332",
         "milters: expected up to 16 filters such as \"antispam:inet:127.0.0.1:11332 "
         "unix:/run/opendkim/opendkim.sock\""},
        {"filter", "default = maybe", "default: expected tempfail, accept or reject"},
        {"log", "format = xml", "format: expected json or text"},
        {"log", "level = chatty", "level: expected debug, info, warning or error"},
        {"metrics", "listen = 9125",
         "listen: expected an address and port such as 127.0.0.1:9125, or nothing"},
        {"metrics", "listen = localhost:9125",
         "listen: expected an address and port such as 127.0.0.1:9125, or nothing"},
        {"metrics", "listen = 127.0.0.1:0",
         "listen: expected an address and port such as 127.0.0.1:9125, or nothing"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char text[256], complaint[256];
        snprintf(text, sizeof text, "[%s]\n%s\n", CASES[i][0], CASES[i][1]);
        snprintf(complaint, sizeof complaint, ":2: %s.%s", CASES[i][0], CASES[i][2]);
        check_bad(text, complaint);
    }
}

static void the_retry_list_has_a_ceiling(void **state)
{
    (void)state;
    char text[256] = "[queue]\nretry =";
    struct config config;
    for (int i = 0; i < CONFIG_RETRY_MAX; i++)
        strncat(text, " 1m", sizeof text - strlen(text) - 1);
    check_good(text, &config);
    assert_int_equal(config.queue.retry_count, CONFIG_RETRY_MAX);
    config_done(&config);
    strncat(text, " 1m", sizeof text - strlen(text) - 1);
    check_bad(text, ":2: queue.retry: expected up to 32 delays above 0 such as \"1m 5m 1h\"");
}

/* proves: contract-2 */
static void accounts_and_their_bounds(void **state)
{
    (void)state;
    struct config config;
    check_good("[directory]\naccounts_base = ou=people,dc=contoso,dc=com\n"
               "login_attributes =  uid mail\tipaUniqueID\n"
               "[auth]\ngroup_depth = 3\ngroup_limit = 60000\n",
               &config);
    assert_string_equal(config.directory.accounts_base, "ou=people,dc=contoso,dc=com");
    assert_int_equal(config.directory.login_attribute_count, 3);
    assert_string_equal(config.directory.login_attributes[0], "uid");
    assert_string_equal(config.directory.login_attributes[2], "ipaUniqueID");
    assert_int_equal(config.auth.group_depth, 3);
    assert_int_equal(config.auth.group_limit, 60000);
    config_done(&config);
    check_bad("[directory]\nlogin_attributes = uid)(x=*\n",
              ":2: directory.login_attributes: expected up to 8 names of attributes such as \"uid mail\"");
    check_bad("[directory]\nlogin_attributes = a b c d e f g h i\n",
              ":2: directory.login_attributes: expected up to 8 names of attributes such as \"uid mail\"");
    check_bad("[auth]\ngroup_limit = 60001\n", ":2: auth.group_limit: expected a number from 1 to 60000");
    check_bad("[auth]\ngroup_depth = 0\n", ":2: auth.group_depth: expected a number from 1 to 1024");
}

/* proves: contract-2 */
static void logins_at_once_and_their_failures(void **state)
{
    (void)state;
    struct config config;
    static const char complaint[] =
        ":2: auth.failures_per_source: expected 1 to 100 failures in a time above 0 "
        "such as \"10 in 10m\"";
    check_good("", &config);
    assert_int_equal(config.auth.workers, 32);
    assert_int_equal(config.auth.queue, 256);
    assert_int_equal(config.auth.failures, 10);
    assert_int_equal(config.auth.failure_window_ms, 600000);
    assert_string_equal(config.sasl.service, "smtp");
    config_done(&config);
    check_good("[auth]\nfailures_per_source = 3 IN  90s\n[sasl]\nservice = host\n", &config);
    assert_int_equal(config.auth.failures, 3);
    assert_int_equal(config.auth.failure_window_ms, 90000);
    assert_string_equal(config.sasl.service, "host");
    config_done(&config);
    static const char *const BAD[] = {"3",        "3 in",    "0 in 1m",   "101 in 1m",
                                      "3 per 1m", "3 in 0s", "3 in 1m 2", "in 1m"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, "[auth]\nfailures_per_source = %s\n", BAD[i]);
        check_bad(text, complaint);
    }
}

/* A note never repeats a value: it may be a secret. */
static void no_note_repeats_a_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        char text[256];
        struct config config;
        struct note note = {0};
        snprintf(text, sizeof text, "[%s]\n%s = canary\n", CONFIG_KEYS[i].section, CONFIG_KEYS[i].name);
        enum error error = read_text(text, &config, &note);
        assert_null(strstr(note.text, "canary"));
        assert_true(error == OK || CONFIG_KEYS[i].kind != KEY_TEXT || note.text[0]);
        config_done(&config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_file_gives_the_defaults_of_the_contract),
        TEST(every_key_is_read),
        TEST(bad_values_are_named_with_what_is_right),
        TEST(the_retry_list_has_a_ceiling),
        TEST(accounts_and_their_bounds),
        TEST(logins_at_once_and_their_failures),
        TEST(no_note_repeats_a_value),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
