/* fakes: organization dialogue */
/* XEXCH50: with the right its octets are counted off and dropped. */
#include "fakes/fake_dialogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adjusted_session.h"

#define SECURED "10.4.0.5"
#define TO_KATE                                                                                              \
    "C: MAIL FROM:<a@b.example>", "S: 250 2.1.0 Sender OK", "C: RCPT TO:<kate@fabrikam.com>",                \
        "S: 250 2.1.5 Recipient OK"

/* The stored message of the last mode, or NULL; is_off: DisableXexch50. */
static char *run_with(const char *client, bool is_off, const char *const *script)
{
    char *text = NULL;
    for (int mode = DIALOGUE_STEPS; mode <= DIALOGUE_PIPELINED; mode++) {
        struct dialogue dialogue;
        struct organization *organization = smtp_organization(PERMISSION_MODEL_2010);
        organization->settings.flags = is_off ? SETTING_DISABLE_XEXCH50 : 0;
        dialogue_open(&dialogue, organization, client);
        dialogue_run(&dialogue, (enum dialogue_mode)mode, script);
        free(text);
        text = dialogue_message(&dialogue, 0);
        close_adjusted(&dialogue, organization);
    }
    return text;
}

/* proves: C22 C209 facts-8.2 */
static void without_the_right_it_is_refused(void **state)
{
    (void)state;
    assert_null(run_with("10.1.0.5", false,
                         SCRIPT(HELLO, "C: XEXCH50 5 1", "S: 504 5.7.1 Not authorized", TO_KATE,
                                "C: XEXCH50 5 1", "S: 504 5.7.1 Not authorized", GOODBYE)));
}

/* proves: C37 C209 C212 facts-8.2 */
static void with_the_right_its_octets_are_dropped(void **state)
{
    (void)state;
    char *text = run_with(SECURED, false,
                          SCRIPT(HELLO, TO_KATE, "C: XEXCH50 12 1", "S: 354 Send binary data",
                                 "C~ QUIT\r\n\xff.\r\n\r\n", "S: 250 2.0.0 XEXCH50 OK", "C: XEXCH50 0 1",
                                 "S: 354 Send binary data", "S: 250 2.0.0 XEXCH50 OK", "C: DATA", "S: 354 *",
                                 "C: Subject: x", "C: ", "C: .", QUEUED, GOODBYE));
    assert_non_null(text);
    assert_null(strstr(text, "QUIT"));
    assert_non_null(strstr(text, "Subject: x\r\n"));
    free(text);
    text = run_with(SECURED, false,
                    SCRIPT(HELLO, TO_KATE, "C: XEXCH50 4 1", "S: 354 *", "C~ blob", "S: 250 2.0.0 XEXCH50 OK",
                           "C~ BDAT 4 LAST\r\nbody", QUEUED, GOODBYE));
    assert_non_null(text);
    assert_null(strstr(text, "blob"));
    free(text);
}

/* proves: F8 F12 facts-8.2 */
static void bad_arguments_and_order_are_faults(void **state)
{
    (void)state;
    assert_null(run_with(SECURED, false,
                         SCRIPT(HELLO, "C: XEXCH50 5 1", "S: 503 5.5.2 Need mail command", TO_KATE,
                                "C: XEXCH50", "S: 501 5.5.4 XEXCH50 Invalid command format", "C: XEXCH50 5",
                                "S: 501 5.5.4 XEXCH50 Invalid command format", "C: XEXCH50 -1 1",
                                "S: 501 5.5.4 XEXCH50 Invalid command format", "C: XEXCH50 1048577 1",
                                "S: 501 5.5.4 XEXCH50 Invalid command format", "C: QUIT", "S: 221 *",
                                "S: <closed>")));
    assert_null(run_with(SECURED, false,
                         SCRIPT("S: 220 *", "C: XEXCH50 5 1", "S: 503 5.5.2 Send hello first", "C: HELO x",
                                "S: 250 *", TO_KATE, "C: XEXCH50 5 1", "S: 500 5.5.1 Not enabled", GOODBYE)));
}

/* proves: facts-1.6 facts-8.2 */
static void the_organization_may_turn_it_off(void **state)
{
    (void)state;
    assert_null(run_with(SECURED, true,
                         SCRIPT("S: 220 *", "C: EHLO x", "S+ 250 CHUNKING", TO_KATE, "C: XEXCH50 5 1",
                                "S: 500 5.5.1 Not enabled", GOODBYE)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_right_it_is_refused),
        cmocka_unit_test(with_the_right_its_octets_are_dropped),
        cmocka_unit_test(bad_arguments_and_order_are_faults),
        cmocka_unit_test(the_organization_may_turn_it_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
