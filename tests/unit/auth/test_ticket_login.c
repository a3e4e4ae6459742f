/* Logging in with a ticket where there is none to be had: said once, on the loop, or to nobody. */
#include "auth/sasl_library.h"
#include "auth/ticket_login.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char keytab[] = "/tmp/dr-ticket-XXXXXX";
static struct loop *loop;
static struct jobs *jobs;

struct heard {
    unsigned count;
    enum error error;
    char why[256];
    size_t said;
};

static void on_step(void *owner, enum error error, struct bytes message, const char *why)
{
    struct heard *heard = owner;
    heard->count++;
    heard->error = error;
    heard->said = message.len;
    strncat(heard->why, why, sizeof heard->why - 1);
    loop_end(loop);
}

static int setup(void **state)
{
    struct note note = {0};
    (void)state;
    int file = mkstemp(keytab);
    return file < 0 || close(file) != 0 || sasl_library_start(NULL, &note) != OK;
}

static int teardown(void **state)
{
    (void)state;
    sasl_library_stop();
    return unlink(keytab);
}

static void begin(void)
{
    loop = loop_new("test", NULL);
    assert_non_null(loop);
    assert_int_equal(jobs_new("logins", 1, 4, &jobs), OK);
}

/* Runs the loop until it is ended and no job holds it. */
static void end(void)
{
    assert_int_equal(loop_start(loop), OK);
    loop_join(loop);
    jobs_free(jobs);
    loop_free(loop);
}

/* proves: C130 */
static void without_a_key_there_is_no_login(void **state)
{
    const char *const keytabs[] = {"/nonexistent/keytab", keytab};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct heard heard = {0};
        struct ticket_login *login = NULL;
        begin();
        assert_int_equal(
            ticket_login_start(jobs, loop, keytabs[i], "mail.contoso.com", on_step, &heard, &login), OK);
        assert_true(ticket_login_is_busy(login));
        assert_int_equal(heard.count, 0);
        end();
        assert_int_equal(heard.count, 1);
        assert_int_equal(heard.error, ERROR_TEMPORARY);
        assert_true(heard.why[0] != '\0' && heard.said == 0);
        assert_false(ticket_login_is_busy(login) || ticket_login_is_complete(login));
        ticket_login_drop(login);
    }
}

static void who_drops_it_hears_nothing(void **state)
{
    struct heard heard = {0};
    struct ticket_login *login = NULL;
    (void)state;
    begin();
    assert_int_equal(ticket_login_start(jobs, loop, keytab, "mail.contoso.com", on_step, &heard, &login), OK);
    ticket_login_drop(login);
    ticket_login_drop(NULL);
    loop_end(loop);
    end();
    assert_int_equal(heard.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(without_a_key_there_is_no_login),
                                       cmocka_unit_test(who_drops_it_hears_nothing)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
