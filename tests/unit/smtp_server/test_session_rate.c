/* fakes: organization dialogue */
/* MessageRateLimit at MAIL. */
#include "smtp_server/message_rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "adjusted_session.h"

static void two_a_minute(struct receive_connector *connector)
{
    connector->message_rate_limit = 2;
    connector->message_rate_source = MESSAGE_RATE_ADDRESS;
    connector->inactivity_timeout_s = connector->connection_timeout_s = 600;
}

static void open_counted(struct dialogue *dialogue, const struct organization *organization,
                         struct message_rate *rate, const char *client)
{
    dialogue_begin(dialogue, organization);
    dialogue->service.message_rate = rate;
    dialogue_connect(dialogue, "10.0.0.1:25", client);
}

#define RATE_REACHED                                                                                         \
    "S: 421 4.4.2 Message submission rate for this client has exceeded the configured limit", "S: <closed>"
#define BEGUN "C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RSET", "S: 250 *"

static void run(enum permission_model model, const char *client, const char *const *script)
{
    struct message_rate *rate = message_rate_new();
    struct dialogue dialogue;
    adjust_all = two_a_minute;
    struct organization *organization = smtp_organization(model);
    adjust_all = NULL;
    open_counted(&dialogue, organization, rate, client);
    dialogue_run(&dialogue, DIALOGUE_STEPS, script);
    dialogue_close(&dialogue);
    organization_unref(organization);
    message_rate_free(rate);
}

/* proves: facts-8.2 facts-8.3 facts-10.8 */
static void past_the_rate_a_session_ends(void **state)
{
    (void)state;
    run(PERMISSION_MODEL_2010, "10.1.0.5",
        SCRIPT(HELLO, BEGUN, BEGUN, "C: MAIL FROM:<a@b.example>", RATE_REACHED));
    run(PERMISSION_MODEL_2010, "10.1.0.5",
        SCRIPT(HELLO, BEGUN, "T: 30000", BEGUN, "T: 30000", BEGUN, "C: MAIL FROM:<a@b.example>",
               RATE_REACHED));
}

/* Facts 8.3: after syntax, address and sequence, before the rights. */
/* proves: facts-8.3 */
static void only_what_reaches_the_check_is_counted(void **state)
{
    (void)state;
    run(PERMISSION_MODEL_2010, "10.3.0.5",
        SCRIPT(HELLO, "C: MAIL FROM:<a@b", "S: 501 *", "C: MAIL FROM:<a@b.example>", "S: 530 *",
               "C: MAIL FROM:<a@b.example>", "S: 530 *", "C: MAIL FROM:<a@b", "S: 501 *",
               "C: MAIL FROM:<a@b.example>", RATE_REACHED));
}

/* proves: C44 C84 contract-7 */
static void bypass_lifts_it_in_2010(void **state)
{
    (void)state;
    run(PERMISSION_MODEL_2010, "10.4.0.5", SCRIPT(HELLO, BEGUN, BEGUN, BEGUN, BEGUN, GOODBYE));
    run(PERMISSION_MODEL_2007, "10.4.0.5",
        SCRIPT(HELLO, BEGUN, BEGUN, "C: MAIL FROM:<a@b.example>", RATE_REACHED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(past_the_rate_a_session_ends),
        cmocka_unit_test(only_what_reaches_the_check_is_counted),
        cmocka_unit_test(bypass_lifts_it_in_2010),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
