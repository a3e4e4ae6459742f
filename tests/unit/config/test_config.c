/* Configuration files and environments, as an administrator writes them. */
#include "config/config.h"
#include "config/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

extern char **environ;

static char folder[] = "/tmp/dirrelay-test-config-XXXXXX";
static char path[64];
static char secret_path[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/dirrelay.conf", folder);
    snprintf(secret_path, sizeof secret_path, "%s/secret", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    unlink(secret_path);
    return rmdir(folder);
}

/* No DIRRELAY_ variable of the surroundings, nor of the test before. */
static int clear_environment(void **state)
{
    (void)state;
    for (char **variable = environ; *variable;) {
        char name[128];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(*variable, "="), *variable);
        if (strncmp(name, "DIRRELAY_", 9) == 0)
            unsetenv(name);
        else
            variable++;
    }
    return 0;
}

static void write_file(const char *name, struct bytes content)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content.ptr, 1, content.len, file), content.len);
    assert_int_equal(fclose(file), 0);
}

static enum error read_text(const char *text, struct config *config, struct note *note)
{
    write_file(path, bytes_of_text(text));
    return config_read(path, false, false, config, note);
}

static void check_good(const char *text, struct config *config)
{
    struct note note = {0};
    enum error error = read_text(text, config, &note);
    if (error)
        fail_msg("%s", note.text);
}

/* The note is the file's path and this. */
static void check_bad(const char *text, const char *complaint)
{
    struct config config;
    struct note note = {0};
    assert_int_equal(read_text(text, &config, &note), ERROR_SYNTAX);
    assert_memory_equal(note.text, path, strlen(path));
    assert_string_equal(note.text + strlen(path), complaint);
    config_done(&config);
}

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
    assert_null(config.directory.bind_dn);
    assert_null(config.directory.bind_password);
    assert_null(config.directory.sasl_mech);
    assert_int_equal(config.directory.poll_ms, 60000);
    assert_int_equal(config.directory.start_tls, START_TLS_DEFAULT);
    assert_null(config.directory.ca_file);
    gethostname(host, sizeof host - 1);
    assert_string_equal(config.server.host_name, host);
    host[strcspn(host, ".")] = '\0';
    assert_string_equal(config.server.name, host);
    assert_null(config.server.organization);
    assert_string_equal(config.server.state_dir, "/var/lib/dirrelay");
    assert_string_equal(config.server.user, "dirrelay");
    assert_string_equal(config.server.group, "dirrelay");
    assert_int_equal(config.server.loops, 0);
    assert_string_equal(config.server.control, "/run/dirrelay/control.sock");
    assert_int_equal(config.server.drain_ms, 30000);
    assert_int_equal(config.queue.retry_count, 5);
    assert_memory_equal(config.queue.retry_ms, RETRY_MS, sizeof RETRY_MS);
    assert_int_equal(config.queue.expire_ms, 2 * 86400000);
    assert_int_equal(config.queue.reserve_bytes, 256u << 20);
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
        "[queue]\nretry = 10s  1m\t2h\nexpire = 5d\nreserve = 1G\n"
        "[log]\nformat = text\nlevel = warning\n[metrics]\nlisten = [::1]:9000",
        &config);
    assert_string_equal(config.directory.uri, "ldap://a ldaps://b");
    assert_int_equal(config.directory.flavor, FLAVOR_AD);
    assert_string_equal(config.directory.config_base, "CN=Configuration,DC=contoso,DC=com");
    assert_string_equal(config.directory.bind_dn, "CN=relay");
    assert_string_equal(config.directory.bind_password, "s3 cret");
    assert_string_equal(config.directory.sasl_mech, "GSSAPI");
    assert_int_equal(config.directory.poll_ms, 5000);
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
    assert_int_equal(config.queue.reserve_bytes, 1u << 30);
    assert_int_equal(config.log.format, EVENT_TEXT);
    assert_int_equal(config.log.level, EVENT_WARNING);
    assert_string_equal(ip_format_endpoint(&config.metrics.listen, listen), "[::1]:9000");
    config_done(&config);
}

/* proves: contract-2 */
static void what_is_unknown_is_named_with_its_line(void **state)
{
    (void)state;
    check_bad("[server]\nname = a\nnaem = b\n", ":3: unknown key server.naem");
    check_bad("[server]\nname = a\n[sever]\nname = b\n", ":3: unknown section [sever]");
    check_bad("[sever]\n", ":1: unknown section [sever]");
    check_bad("\n[]\n", ":2: unknown section []");
    check_bad("name = a\n", ":1: unknown key .name");
    check_bad("[server]\nName = a\n", ":2: unknown key server.Name");
    check_bad("[server]\n\njust words\n", ":3: neither [section] nor key = value");
    check_bad("[server\nname = a\n", ":1: unknown section [server\n]");
    check_bad("[server]\nname = a\nname = b\n", ":3: server.name is given twice");
    check_bad("[server]\nname = a\n[log]\n[server]\nname = a\n", ":5: server.name is given twice");
    check_bad("[directory]\nuri = ldap://a\n  ldap://b\n", ":3: unknown key directory.ldap");
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
        {"directory", "start_tls = maybe", "start_tls: expected demand or never"},
        {"directory", "sasl_mech = PLAIN", "sasl_mech: expected EXTERNAL or GSSAPI"},
        {"queue", "retry =", "retry: expected up to 32 delays above 0 such as \"1m 5m 1h\""},
        {"queue", "retry = 1m 0s", "retry: expected up to 32 delays above 0 such as \"1m 5m 1h\""},
        {"queue", "retry = 1m,5m", "retry: expected up to 32 delays above 0 such as \"1m 5m 1h\""},
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

/* proves: contract-2 contract-1 */
static void keys_of_later_steps_are_refused_by_name(void **state)
{
    (void)state;
    static const char *const LATER[] = {"directory.accounts_base",
                                        "directory.login_attributes",
                                        "server.proxy_trusted",
                                        "auth.workers",
                                        "auth.queue",
                                        "auth.group_depth",
                                        "auth.group_limit",
                                        "auth.failures_per_source",
                                        "tls.profile",
                                        "tls.certificate_dir",
                                        "tls.ca_file",
                                        "tls.crl_file",
                                        "filter.milters",
                                        "filter.timeout",
                                        "filter.default",
                                        "pressure.disk",
                                        "pressure.memory",
                                        "pressure.queue",
                                        "queue.delay_warning",
                                        "sasl.keytab",
                                        "sasl.service"};
    size_t later_count = 0;
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++)
        later_count += CONFIG_KEYS[i].kind == KEY_LATER;
    assert_int_equal(later_count, sizeof LATER / sizeof LATER[0]);
    for (size_t i = 0; i < later_count; i++) {
        char text[256], complaint[256];
        const char *dot = strchr(LATER[i], '.');
        snprintf(text, sizeof text, "[%.*s]\n%s = 1\n", (int)(dot - LATER[i]), LATER[i], dot + 1);
        snprintf(complaint, sizeof complaint, ":2: %s: expected nothing: what it sets is not built yet",
                 LATER[i]);
        check_bad(text, complaint);
    }
}

/* A line that libinih would cut, a zero byte that would hide its rest. */
static void a_line_is_read_whole_or_not_at_all(void **state)
{
    (void)state;
    struct config config;
    char text[400], complaint[64];
    snprintf(text, sizeof text, "[server]\nname = %0191d\n", 7); /* 198 characters */
    check_good(text, &config);
    assert_int_equal(strlen(config.server.name), 191);
    config_done(&config);
    snprintf(complaint, sizeof complaint, ":2: a line longer than 198 characters");
    snprintf(text, sizeof text, "[server]\nname = %0192d\nuser = x\n", 7);
    check_bad(text, complaint);
    snprintf(text, sizeof text, "[server]\nname = %0380d", 7);
    check_bad(text, complaint);

    struct note note = {0};
    write_file(path, BYTES_LITERAL("[server]\nname = a\0b\nuser = x\n"));
    assert_int_equal(config_read(path, false, false, &config, &note), ERROR_SYNTAX);
    config_done(&config);
    write_file(path, BYTES_LITERAL("[server]\n\0name = a\nuser = x\n"));
    assert_int_equal(config_read(path, false, false, &config, &note), ERROR_SYNTAX);
    config_done(&config);
}

static void a_file_that_is_not_there(void **state)
{
    (void)state;
    struct config config;
    struct note note = {0};
    unlink(path);
    assert_int_equal(config_read(path, true, false, &config, &note), OK);
    assert_string_equal(config.server.user, "dirrelay");
    config_done(&config);
    assert_int_equal(config_read(path, false, false, &config, &note), ERROR_IO);
    assert_non_null(strstr(note.text, "No such file"));
    config_done(&config);
    assert_int_equal(config_read(folder, false, false, &config, &note), ERROR_IO);
    config_done(&config);
}

/* proves: contract-2 */
static void the_directory_is_required_where_it_is_needed(void **state)
{
    (void)state;
    struct config config;
    struct note note = {0};
    write_file(path, BYTES_LITERAL("[directory]\nuri =\n"));
    assert_int_equal(config_read(path, false, true, &config, &note), ERROR_SYNTAX);
    assert_non_null(strstr(note.text, ": directory.uri is missing"));
    config_done(&config);
    setenv("DIRRELAY_DIRECTORY_URI", "ldapi:///", 1);
    assert_int_equal(config_read(path, false, true, &config, &note), OK);
    config_done(&config);
}

/* proves: contract-2 */
static void the_environment_stands_over_the_file(void **state)
{
    (void)state;
    struct config config;
    setenv("DIRRELAY_SERVER_NAME", "ENV", 1);
    setenv("DIRRELAY_QUEUE_RETRY", "7s", 1);
    setenv("DIRRELAY_METRICS_LISTEN", "", 1);
    setenv("DIRRELAY_SERVER_USER", "", 1);
    setenv("DIRRELAY_DIRECTORY_BIND_DN", "", 1);
    check_good("[server]\nname = FILE\nuser = file\ngroup = file\n[queue]\nretry = 1m 2m\n", &config);
    assert_string_equal(config.server.name, "ENV");
    assert_string_equal(config.server.user, "dirrelay"); /* nothing is the default */
    assert_string_equal(config.server.group, "file");
    assert_int_equal(config.queue.retry_count, 1);
    assert_int_equal(config.queue.retry_ms[0], 7000);
    assert_int_equal(config.metrics.listen.address.family, IP_NONE);
    assert_null(config.directory.bind_dn);
    config_done(&config);
}

static void check_bad_environment(const char *complaint)
{
    struct config config;
    struct note note = {0};
    assert_int_not_equal(config_read(path, true, false, &config, &note), OK);
    assert_string_equal(note.text, complaint);
    config_done(&config);
    clear_environment(NULL);
}

/* proves: contract-2 */
static void bad_variables_are_named(void **state)
{
    (void)state;
    unlink(path);
    setenv("DIRRELAY_SERVER_LOOPS", "many", 1);
    check_bad_environment("DIRRELAY_SERVER_LOOPS: expected a number from 1 to 1024");
    setenv("DIRRELAY_TLS_PROFILE", "legacy", 1);
    check_bad_environment("DIRRELAY_TLS_PROFILE: expected nothing: what it sets is not built yet");
}

/* proves: contract-2 */
static void a_variable_may_name_a_file(void **state)
{
    (void)state;
    static char large[5000];
    struct config config;
    struct note note = {0};
    unlink(path);
    setenv("DIRRELAY_DIRECTORY_BIND_DN", "CN=relay", 1);
    setenv("DIRRELAY_DIRECTORY_BIND_PASSWORD_FILE", secret_path, 1);
    write_file(secret_path, BYTES_LITERAL(" pass word;#\xc3\xa4 \r\n\n"));
    assert_int_equal(config_read(path, true, false, &config, &note), OK);
    assert_string_equal(config.directory.bind_password, " pass word;#\xc3\xa4 ");
    config_done(&config);

    memset(large, 'x', sizeof large);
    write_file(secret_path, (struct bytes){large, 4095});
    assert_int_equal(config_read(path, true, false, &config, &note), OK);
    assert_int_equal(strlen(config.directory.bind_password), 4095);
    config_done(&config);

    char complaint[200];
    write_file(secret_path, (struct bytes){large, 4096});
    snprintf(complaint, sizeof complaint, "DIRRELAY_DIRECTORY_BIND_PASSWORD_FILE: %s: longer than 4095 bytes",
             secret_path);
    check_bad_environment(complaint);

    unlink(secret_path);
    setenv("DIRRELAY_DIRECTORY_BIND_PASSWORD_FILE", secret_path, 1);
    snprintf(complaint, sizeof complaint,
             "DIRRELAY_DIRECTORY_BIND_PASSWORD_FILE: %s: No such file or directory", secret_path);
    check_bad_environment(complaint);

    setenv("DIRRELAY_DIRECTORY_BIND_PASSWORD_FILE", folder, 1);
    snprintf(complaint, sizeof complaint, "DIRRELAY_DIRECTORY_BIND_PASSWORD_FILE: %s: cannot be read",
             folder);
    check_bad_environment(complaint);

    setenv("DIRRELAY_SERVER_NAME", "a", 1);
    setenv("DIRRELAY_SERVER_NAME_FILE", secret_path, 1);
    check_bad_environment("DIRRELAY_SERVER_NAME and DIRRELAY_SERVER_NAME_FILE are both set");
}

/* A bind with a name and no password "succeeds" as nobody. */
/* proves: D1 */
static void a_bind_needs_both_name_and_password(void **state)
{
    (void)state;
    check_bad("[directory]\nbind_dn = CN=relay\n", ": directory.bind_dn needs directory.bind_password");
    check_bad("[directory]\nbind_dn = CN=relay\nbind_password =\n",
              ": directory.bind_dn needs directory.bind_password");
    check_bad("[directory]\nbind_password = x\n", ": directory.bind_password needs directory.bind_dn");
    write_file(secret_path, BYTES_LITERAL("\n"));
    setenv("DIRRELAY_DIRECTORY_BIND_PASSWORD_FILE", secret_path, 1);
    check_bad("[directory]\nbind_dn = CN=relay\n", ": directory.bind_dn needs directory.bind_password");
}

/* -- config_directory -- */

static enum error make_directory(const char *text, const char *override, struct directory_config *out,
                                 struct config *config, struct note *note)
{
    check_good(text, config);
    return config_directory(config, override, &config->arena, out, note);
}

/* proves: contract-2 */
static void the_directory_part_is_handed_on(void **state)
{
    (void)state;
    struct config config;
    struct directory_config directory;
    struct note note = {0};
    assert_int_equal(make_directory("[directory]\nuri =  ldap://a \tldaps://b  ldapi:///\nflavor = openldap\n"
                                    "bind_dn = CN=relay\nbind_password = x\npoll = 7\nstart_tls = demand\n"
                                    "ca_file = /ca\n",
                                    NULL, &directory, &config, &note),
                     OK);
    assert_int_equal(directory.uri_count, 3);
    assert_string_equal(directory.uris[0], "ldap://a");
    assert_string_equal(directory.uris[1], "ldaps://b");
    assert_string_equal(directory.uris[2], "ldapi:///");
    assert_int_equal(directory.flavor, FLAVOR_OPENLDAP);
    assert_string_equal(directory.bind_dn, "CN=relay");
    assert_string_equal(directory.bind_password, "x");
    assert_null(directory.sasl_mech);
    assert_true(directory.start_tls_always && !directory.start_tls_never);
    assert_string_equal(directory.ca_file, "/ca");
    assert_int_equal(directory.poll_ms, 7000);
    config_done(&config);

    assert_int_equal(make_directory("[directory]\nuri = ldap://a\nstart_tls = never\n", "ldap://c ldap://d",
                                    &directory, &config, &note),
                     OK);
    assert_int_equal(directory.uri_count, 2);
    assert_string_equal(directory.uris[0], "ldap://c");
    assert_true(!directory.start_tls_always && directory.start_tls_never);
    config_done(&config);

    assert_int_equal(make_directory("", NULL, &directory, &config, &note), OK);
    assert_int_equal(directory.uri_count, 0);
    assert_true(!directory.start_tls_always && !directory.start_tls_never);
    config_done(&config);
}

/* proves: contract-2 */
static void an_ldif_path_may_hold_blanks(void **state)
{
    (void)state;
    struct config config;
    struct directory_config directory;
    struct note note = {0};
    assert_int_equal(make_directory("", "ldif:/srv/my tree/a b.ldif", &directory, &config, &note), OK);
    assert_int_equal(directory.uri_count, 1);
    assert_string_equal(directory.uris[0], "ldif:/srv/my tree/a b.ldif");
    config_done(&config);
}

static void uris_have_a_ceiling(void **state)
{
    (void)state;
    struct config config;
    struct directory_config directory;
    struct note note = {0};
    assert_int_equal(make_directory("", "a b c d e f g h", &directory, &config, &note), OK);
    assert_int_equal(directory.uri_count, DIRECTORY_URI_MAX);
    config_done(&config);
    assert_int_equal(make_directory("", "a b c d e f g h i", &directory, &config, &note), ERROR_SYNTAX);
    assert_string_equal(note.text, "directory.uri: more than 8 URIs");
    config_done(&config);
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

#define TEST(function) cmocka_unit_test_setup(function, clear_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_file_gives_the_defaults_of_the_contract),
        TEST(every_key_is_read),
        TEST(what_is_unknown_is_named_with_its_line),
        TEST(bad_values_are_named_with_what_is_right),
        TEST(the_retry_list_has_a_ceiling),
        TEST(keys_of_later_steps_are_refused_by_name),
        TEST(a_line_is_read_whole_or_not_at_all),
        TEST(a_file_that_is_not_there),
        TEST(the_directory_is_required_where_it_is_needed),
        TEST(the_environment_stands_over_the_file),
        TEST(bad_variables_are_named),
        TEST(a_variable_may_name_a_file),
        TEST(a_bind_needs_both_name_and_password),
        TEST(the_directory_part_is_handed_on),
        TEST(an_ldif_path_may_hold_blanks),
        TEST(uris_have_a_ceiling),
        TEST(no_note_repeats_a_value),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
