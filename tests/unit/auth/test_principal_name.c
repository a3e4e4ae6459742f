#include "auth/principal_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char config_path[] = "/tmp/dr-krb5-XXXXXX";

static int use_config(const char *text)
{
    FILE *file = fopen(config_path, "w");
    if (!file)
        return -1;
    fputs(text, file);
    return fclose(file);
}

static int make_config(void **state)
{
    (void)state;
    int descriptor = mkstemp(config_path);
    if (descriptor < 0 || close(descriptor) != 0)
        return -1;
    return setenv("KRB5_CONFIG", config_path, 1);
}

static int remove_config(void **state)
{
    (void)state;
    return unlink(config_path);
}

static enum error read_name(const char *name, char out[PRINCIPAL_NAME_SIZE])
{
    struct note note = {0};
    enum error error = principal_name_of_ticket(bytes_of_text(name), out, &note);
    assert_true((error != OK) == (note.text[0] != '\0'));
    return error;
}

/* proves: T4 */
static void test_the_realm_is_put_back(void **state)
{
    (void)state;
    char out[PRINCIPAL_NAME_SIZE];
    assert_int_equal(use_config("[libdefaults]\n default_realm = EXAMPLE.TEST\n"), 0);
    assert_int_equal(read_name("alice", out), OK);
    assert_string_equal(out, "alice@EXAMPLE.TEST");
    assert_int_equal(read_name("MAIL$", out), OK);
    assert_string_equal(out, "MAIL$@EXAMPLE.TEST");
    assert_int_equal(read_name("alice@OTHER.TEST", out), OK);
    assert_string_equal(out, "alice@OTHER.TEST");
}

static void test_other_names_are_nobodys(void **state)
{
    (void)state;
    char out[PRINCIPAL_NAME_SIZE], much[PRINCIPAL_NAME_SIZE + 1];
    assert_int_equal(use_config("[libdefaults]\n default_realm = EXAMPLE.TEST\n"), 0);
    assert_int_equal(read_name("", out), ERROR_DENIED_CREDENTIALS);
    assert_int_equal(read_name("CONTOSO\\alice", out), ERROR_DENIED_CREDENTIALS);
    assert_int_equal(read_name("alice\\@evil@EXAMPLE.TEST", out), ERROR_DENIED_CREDENTIALS);
    memset(much, 'x', PRINCIPAL_NAME_SIZE);
    much[PRINCIPAL_NAME_SIZE] = '\0';
    assert_int_equal(read_name(much, out), ERROR_DENIED_CREDENTIALS);
    much[PRINCIPAL_NAME_SIZE / 2] = '@';
    assert_int_equal(read_name(much, out), ERROR_DENIED_CREDENTIALS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_realm_is_put_back),
        cmocka_unit_test(test_other_names_are_nobodys),
    };
    return cmocka_run_group_tests(tests, make_config, remove_config);
}
