/* fakes: organization dialogue */
/* Addresses and header fields above ASCII: only with SMTPUTF8, which only a connector with its option takes.
 */
#include "fakes/fake_dialogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adjusted_session.h"

#define RELAY "10.1.0.5"
/* gruesse, with u-umlaut and sharp s; buecher.example, with u-umlaut */
#define GRUESSE                                                                                              \
    "gr\xc3\xbc\xc3\x9f"                                                                                     \
    "e"
#define BUECHER                                                                                              \
    "b\xc3\xbc"                                                                                              \
    "cher.example"

static void with_utf8(struct receive_connector *connector)
{
    connector->protocol_options |= OPTION_SMTPUTF8;
    connector->max_protocol_errors = -1;
}

static struct envelope stored;
static char sender_text[400], recipient_text[400];

static void keep(struct bytes text, char *out)
{
    assert_true(text.len < 400);
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
}

static bool take_envelope(void *owner, const struct envelope *envelope)
{
    (void)owner;
    stored = *envelope;
    keep(envelope->sender, sender_text);
    keep(envelope->recipients[0].address, recipient_text);
    return false;
}

/* Runs the script in every mode; the only message of the last, or NULL. */
static char *run_with(void (*adjust)(struct receive_connector *), const char *const *script)
{
    char *text = NULL;
    for (int mode = DIALOGUE_STEPS; mode <= DIALOGUE_PIPELINED; mode++) {
        struct dialogue dialogue;
        struct organization *organization = open_adjusted(&dialogue, adjust, RELAY);
        dialogue_run(&dialogue, (enum dialogue_mode)mode, script);
        free(text);
        text = dialogue_message(&dialogue, 0);
        assert_int_equal(dialogue.spool->ops->each(dialogue.spool, 0, take_envelope, NULL), OK);
        close_adjusted(&dialogue, organization);
    }
    return text;
}

/* proves: A7 F11 facts-2.3 facts-8.2 */
static void without_the_option_nothing_of_it_works(void **state)
{
    (void)state;
    assert_null(run_with(
        NULL, SCRIPT(HELLO, "C: MAIL FROM:<" GRUESSE "@contoso.com>",
                     "S: 501 5.1.8 UTF-8 addresses not supported", "C: MAIL FROM:<a@b.example> SMTPUTF8",
                     "S: 501 5.5.4 Unrecognized parameter", "C: MAIL FROM:<a@b.example>", "S: 250 *",
                     "C: RCPT TO:<a@" BUECHER ">", "S: 501 5.1.9 UTF-8 addresses not supported", GOODBYE)));
}

/* proves: A7 facts-8.2 */
static void the_parameter_must_say_so(void **state)
{
    (void)state;
    assert_null(run_with(
        with_utf8,
        SCRIPT(HELLO, "C: MAIL FROM:<" GRUESSE "@b.example>", "S: 501 5.1.6 SMTPUTF8 argument required.",
               "C: MAIL FROM:<a@" BUECHER ">", "S: 501 5.1.6 SMTPUTF8 argument required.",
               "C: MAIL FROM:<a@b.example> SMTPUTF8=1", "S: 501 5.5.4 Invalid arguments",
               "C: MAIL FROM:<a@b.example> SMTPUTF8 SMTPUTF8", "S: 501 5.5.4 Invalid arguments",
               "C: MAIL FROM:<a\xff@b.example> SMTPUTF8", "S: 501 5.1.7 Invalid address",
               "C: MAIL FROM:<a\xc0\xaf@b.example> SMTPUTF8", "S: 501 5.1.7 Invalid address",
               "C: MAIL FROM:<a\xc2\x85@b.example> SMTPUTF8", "S: 501 5.1.7 Invalid address",
               "C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RCPT TO:<" GRUESSE "@fabrikam.com>",
               "S: 501 5.1.6 SMTPUTF8 argument required.", GOODBYE)));
    /* After HELO nothing was offered. */
    assert_null(
        run_with(with_utf8, SCRIPT("S: 220 *", "C: HELO x", "S: 250 *",
                                   "C: MAIL FROM:<" GRUESSE "@b.example>", "S: 501 5.1.8 *", GOODBYE)));
}

#define WITH_UTF8(from, to)                                                                                  \
    HELLO, "C: MAIL FROM:<" from "> SMTPUTF8", "S: 250 2.1.0 Sender OK", "C: RCPT TO:<" to ">",              \
        "S: 250 2.1.5 Recipient OK", "C: DATA", "S: 354 *"

/* proves: A6 A7 */
static void addresses_and_header_pass(void **state)
{
    (void)state;
    char *text = run_with(with_utf8, SCRIPT(WITH_UTF8(GRUESSE "@" BUECHER, GRUESSE "@fabrikam.com"),
                                            "C: Subject: " GRUESSE, "C: ", "C: .", QUEUED, GOODBYE));
    assert_non_null(text);
    assert_non_null(strstr(text, "\r\nSubject: " GRUESSE "\r\n"));
    assert_non_null(strstr(text, " with UTF8SMTP id "));
    assert_true(stored.needs_utf8);
    assert_string_equal(sender_text, GRUESSE "@xn--bcher-kva.example");
    assert_string_equal(recipient_text, GRUESSE "@fabrikam.com");
    free(text);
}

/* What can be said in ASCII needs no hop with SMTPUTF8. */
/* proves: A6 A7 */
static void what_is_ascii_at_last_needs_nothing(void **state)
{
    (void)state;
    char *text = run_with(with_utf8, SCRIPT(WITH_UTF8("a@" BUECHER, "a@" BUECHER), "C: Subject: x",
                                            "C: ", "C: body " GRUESSE, "C: .", QUEUED, GOODBYE));
    assert_non_null(text);
    assert_false(stored.needs_utf8);
    assert_string_equal(sender_text, "a@xn--bcher-kva.example");
    assert_string_equal(recipient_text, "a@xn--bcher-kva.example");
    free(text);
    /* 8-bit header fields without the parameter go on as they came, as they always did. */
    text = run_with(NULL, SCRIPT(HELLO, ENVELOPE, "C: Subject: " GRUESSE, "C: ", "C: .", QUEUED, GOODBYE));
    assert_non_null(text);
    assert_non_null(strstr(text, " with ESMTP id "));
    assert_false(stored.needs_utf8);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_option_nothing_of_it_works),
        cmocka_unit_test(the_parameter_must_say_so),
        cmocka_unit_test(addresses_and_header_pass),
        cmocka_unit_test(what_is_ascii_at_last_needs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
