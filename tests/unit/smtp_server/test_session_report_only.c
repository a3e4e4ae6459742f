/* fakes: organization dialogue */
/* dirrelayReportOnly in sessions: what passes without its right, and what does not though it is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adjusted_session.h"

#define ORGANIZATION "X-MS-Exchange-Organization-"

static void name_headers(struct receive_connector *connector)
{
    connector->report_only = RIGHT_BIT(RIGHT_ACCEPT_HEADERS_ORGANIZATION);
}

/* The message as it is stored, of a client and an adjustment. */
static char *stored(void (*adjust)(struct receive_connector *), const char *client)
{
    struct dialogue dialogue;
    struct organization *organization = open_adjusted(&dialogue, adjust, client);
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT(HELLO, ENVELOPE, "C: " ORGANIZATION "Own: kept",
                        "C: " ORGANIZATION "AuthAs: Internal",
                        "C: " ORGANIZATION "AuthSource: forged.example", "C: ", "C: .", QUEUED));
    char *text = dialogue_message(&dialogue, 0);
    close_adjusted(&dialogue, organization);
    assert_non_null(text);
    return text;
}

/* proves: contract-3 facts-6.3 */
static void header_fields_stay_and_lend_no_stamp(void **state)
{
    (void)state;
    char *text = stored(name_headers, "10.4.0.5");
    assert_non_null(strstr(text, ORGANIZATION "Own: kept\r\n"));
    assert_null(strstr(text, "forged.example"));
    free(text);
    text = stored(NULL, "10.4.0.5");
    assert_null(strstr(text, ORGANIZATION "Own"));
    free(text);
}

/* proves: contract-3 */
static void header_fields_of_anonymous_go(void **state)
{
    (void)state;
    char *text = stored(name_headers, "10.1.0.5");
    assert_null(strstr(text, ORGANIZATION "Own"));
    free(text);
}

static void name_relay_and_submit(struct receive_connector *connector)
{
    connector->report_only = RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT) | RIGHT_BIT(RIGHT_SMTP_SUBMIT);
}

static void name_and_acknowledge(struct receive_connector *connector)
{
    name_relay_and_submit(connector);
    connector->allow_open_relay = true;
}

static void run(void (*adjust)(struct receive_connector *), const char *client, const char *const *script)
{
    struct dialogue dialogue;
    struct organization *organization = open_adjusted(&dialogue, adjust, client);
    dialogue_run(&dialogue, DIALOGUE_STEPS, script);
    close_adjusted(&dialogue, organization);
}

/* proves: contract-3 */
static void anonymous_relays_by_it_only_where_it_is_acknowledged(void **state)
{
    (void)state;
    run(name_relay_and_submit, "10.2.0.5",
        SCRIPT(HELLO, "C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RCPT TO:<kate@fabrikam.com>",
               "S: 550 5.7.1 Unable to relay"));
    run(name_and_acknowledge, "10.2.0.5",
        SCRIPT(HELLO, "C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RCPT TO:<kate@fabrikam.com>",
               "S: 250 *"));
    run(name_relay_and_submit, "10.3.0.5",
        SCRIPT(HELLO, "C: MAIL FROM:<a@b.example>", "S: 530 5.7.1 Client was not authenticated"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_fields_stay_and_lend_no_stamp),
        cmocka_unit_test(header_fields_of_anonymous_go),
        cmocka_unit_test(anonymous_relays_by_it_only_where_it_is_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
