/* Configuration files and environments, as an administrator writes them. */
#include "unit/config/fixture.h"

#include <stdio.h>
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
    setenv("DIRRELAY_FILTER_DEFAULT", "perhaps", 1);
    check_bad_environment("DIRRELAY_FILTER_DEFAULT: expected tempfail, accept or reject");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_unknown_is_named_with_its_line),
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
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
