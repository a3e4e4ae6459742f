/* fakes: organization dialogue authenticator */
/* MessageRateLimit of sessions with an account: counted for the account, for the address, for both. */
#include "smtp_server/message_rate.h"
#include "unit/smtp_server/auth_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define RATE_REACHED                                                                                         \
    "S: 421 4.4.2 Message submission rate for this client has exceeded the configured limit", "S: <closed>"

static uint32_t source; /* of the connectors to come */

static void two_a_minute(struct receive_connector *connector)
{
    connector->message_rate_limit = 2;
    connector->message_rate_source = source;
}

static struct message_rate *begin(struct auth_session *session, enum message_rate_source counted)
{
    struct message_rate *rate = message_rate_new();
    source = counted;
    adjust_all = two_a_minute;
    auth_begin(session);
    adjust_all = NULL;
    session->dialogue.service.message_rate = rate;
    return rate;
}

static void end(struct auth_session *session, struct message_rate *rate)
{
    auth_close(session);
    message_rate_free(rate);
}

/* A connection of its own that logs in and says MAIL once. */
static void mail(struct auth_session *session, const char *client, const char *login, bool is_taken)
{
    dialogue_connect(&session->dialogue, "10.0.0.1:25", client);
    if (is_taken) {
        auth_run(session, SCRIPT(EVERY_HELLO, login, AUTH_OK, "C: MAIL FROM:<a@b.example>", "S: 250 *",
                                 "C: QUIT", "S: 221 *", "S: <closed>"));
    } else {
        auth_run(session, SCRIPT(EVERY_HELLO, login, AUTH_OK, "C: MAIL FROM:<a@b.example>", RATE_REACHED));
    }
}

#define ALICE_LOGIN "C: AUTH PLAIN " ALICE_PLAIN
#define BOB_LOGIN   "C: AUTH PLAIN " BOB_PLAIN

/* proves: facts-10.8 facts-2.8 */
static void an_account_is_one_wherever_it_is(void **state)
{
    struct auth_session session;
    (void)state;
    struct message_rate *rate = begin(&session, MESSAGE_RATE_USER);
    mail(&session, "10.1.0.5", ALICE_LOGIN, true);
    mail(&session, "10.1.0.6", ALICE_LOGIN, true);
    mail(&session, "10.1.0.7", ALICE_LOGIN, false);
    mail(&session, "10.1.0.7", BOB_LOGIN, true);
    dialogue_advance(&session.dialogue, 59999);
    mail(&session, "10.1.0.5", ALICE_LOGIN, false);
    dialogue_advance(&session.dialogue, 1);
    mail(&session, "10.1.0.5", ALICE_LOGIN, true);
    end(&session, rate);
}

/* proves: facts-10.8 facts-2.8 */
static void both_have_the_whole_limit(void **state)
{
    struct auth_session session;
    (void)state;
    struct message_rate *rate = begin(&session, MESSAGE_RATE_ALL);
    mail(&session, "10.1.0.5", ALICE_LOGIN, true);
    mail(&session, "10.1.0.5", BOB_LOGIN, true);
    mail(&session, "10.1.0.5", ALICE_LOGIN, false); /* the address had two */
    mail(&session, "10.1.0.6", ALICE_LOGIN, true);
    mail(&session, "10.1.0.7", ALICE_LOGIN, false); /* and so had she */
    mail(&session, "10.1.0.7", BOB_LOGIN, true);    /* what was refused counts for nobody */
    end(&session, rate);
}

/* proves: facts-10.8 facts-2.8 */
static void an_address_is_one_whoever_it_is(void **state)
{
    struct auth_session session;
    (void)state;
    struct message_rate *rate = begin(&session, MESSAGE_RATE_ADDRESS);
    mail(&session, "10.1.0.5", ALICE_LOGIN, true);
    mail(&session, "10.1.0.5", BOB_LOGIN, true);
    mail(&session, "10.1.0.5", ALICE_LOGIN, false);
    mail(&session, "10.1.0.6", ALICE_LOGIN, true);
    mail(&session, "10.1.0.6", ALICE_LOGIN, true);
    end(&session, rate);
}

#define BEGUN "C: MAIL FROM:<alice@contoso.com>", "S: 250 *", "C: RSET", "S: 250 *"

/* proves: facts-8.3 facts-10.8 */
static void a_mail_counts_once_though_the_directory_is_asked(void **state)
{
    struct auth_session session;
    (void)state;
    struct message_rate *rate = begin(&session, MESSAGE_RATE_USER);
    dialogue_connect(&session.dialogue, "10.0.0.1:25", "10.1.0.5");
    auth_run(&session, SCRIPT(EVERY_HELLO, ALICE_LOGIN, AUTH_OK, BEGUN, BEGUN,
                              "C: MAIL FROM:<alice@contoso.com>", RATE_REACHED));
    end(&session, rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_is_one_wherever_it_is),
        cmocka_unit_test(both_have_the_whole_limit),
        cmocka_unit_test(an_address_is_one_whoever_it_is),
        cmocka_unit_test(a_mail_counts_once_though_the_directory_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
