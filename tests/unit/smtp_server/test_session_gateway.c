/* fakes: organization dialogue */
/* Sessions of clients that come from a gateway's address. */
#include "fakes/fake_dialogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "smtp_organization.h"

#define ASK "C: MAIL FROM:<a@b.example>", "S: 250 2.1.0 Sender OK", "C: RCPT TO:<kate@fabrikam.com>"

static void ask(struct organization *organization, const char *client, const char *const *script)
{
    struct dialogue dialogue;
    struct ip_address gateway;
    dialogue_begin(&dialogue, organization);
    assert_int_equal(ip_parse_address(bytes_of_text("10.1.0.1"), &gateway), OK);
    machine_add_gateway(&dialogue.service.machine, &gateway);
    assert_int_equal(ip_parse_address(bytes_of_text("10.4.0.1"), &gateway), OK);
    machine_add_gateway(&dialogue.service.machine, &gateway);
    dialogue_connect(&dialogue, "10.0.0.1:25", client);
    dialogue_run(&dialogue, DIALOGUE_STEPS, script);
    dialogue_close(&dialogue);
}

/* proves: D13 */
static void test_no_relay_from_a_gateway(void **state)
{
    (void)state;
    struct organization *organization = smtp_organization(PERMISSION_MODEL_2010);
    ask(organization, "10.1.0.1",
        SCRIPT(HELLO, ASK, "S: 550 5.7.1 Unable to relay", "C: RCPT TO:<chris@contoso.com>",
               "S: 250 2.1.5 Recipient OK", GOODBYE));
    ask(organization, "10.1.0.2", SCRIPT(HELLO, ASK, "S: 250 2.1.5 Recipient OK", GOODBYE));
    ask(organization, "10.4.0.1", SCRIPT(HELLO, ASK, "S: 550 5.7.1 Unable to relay", GOODBYE));
    ask(organization, "10.4.0.2", SCRIPT(HELLO, ASK, "S: 250 2.1.5 Recipient OK", GOODBYE));
    organization_unref(organization);
}

static void acknowledge(struct receive_connector *connector)
{
    connector->allow_open_relay = true;
}

/* proves: D13 contract-3 */
static void test_the_administrator_has_the_last_word(void **state)
{
    (void)state;
    adjust_all = acknowledge;
    struct organization *organization = smtp_organization(PERMISSION_MODEL_2010);
    adjust_all = NULL;
    ask(organization, "10.1.0.1", SCRIPT(HELLO, ASK, "S: 250 2.1.5 Recipient OK", GOODBYE));
    organization_unref(organization);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_relay_from_a_gateway),
        cmocka_unit_test(test_the_administrator_has_the_last_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
