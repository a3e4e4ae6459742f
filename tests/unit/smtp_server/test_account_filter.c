/* fakes: organization dialogue authenticator milter */
/* What filters are told of an account's session. */
#include "fakes/fake_milter.h"
#include "unit/smtp_server/auth_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MESSAGE                                                                                              \
    "C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RCPT TO:<x@contoso.com>", "S: 250 *", "C: DATA",           \
        "S: 354 *", "C: ."

/* Does the filter hear these bytes of the session's message? */
static bool hears(const char *const *login, struct bytes wanted)
{
    struct auth_session session;
    struct fake_milters milters;
    fake_milters_init(&milters, 1);
    auth_begin(&session);
    session.dialogue.service.filters = &milters.filters;
    dialogue_connect(&session.dialogue, "10.0.0.1:25", "10.1.0.5");
    auth_run(&session, login);
    auth_run(&session, SCRIPT(MESSAGE));
    fake_milters_pump(&milters);
    dialogue_settle(&session.dialogue);
    auth_run(&session, SCRIPT("S: 250 2.6.0 *"));
    struct bytes heard = buffer_bytes(&milters.milters[0].heard);
    assert_true(memmem(heard.ptr, heard.len, "a@b.example", 11) != NULL);
    bool is_heard = memmem(heard.ptr, heard.len, wanted.ptr, wanted.len) != NULL;
    auth_close(&session);
    fake_milters_done(&milters);
    return is_heard;
}

static void its_name_and_how_it_logged_in(void **state)
{
    (void)state;
    assert_true(hears(SCRIPT(EVERY_HELLO, "C: AUTH PLAIN " ALICE_PLAIN, AUTH_OK),
                      BYTES_LITERAL("{auth_type}\0LOGIN\0{auth_authen}\0alice\0")));
    assert_false(hears(SCRIPT(EVERY_HELLO), BYTES_LITERAL("{auth_")));
    assert_false(hears(SCRIPT(EVERY_HELLO), BYTES_LITERAL("{tls_version}")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(its_name_and_how_it_logged_in)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
