/* fakes: accounts */
#include "auth/authenticator_live.h"

#include "auth/sasl_library.h"
#include "fakes/fake_accounts.h"
#include "lib/loop_wait.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ALICE, BOB, CAROL };

struct hall {
    struct fake_accounts fake;
    struct loop *loop;
    struct authenticator *authenticator;
};

/* An AUTH command and what was heard of it. */
struct call {
    struct auth_exchange exchange;
    struct hall *hall;
    unsigned step_count;
    enum auth_step step;
    char output[64];
};

static void on_step(struct auth_exchange *exchange, enum auth_step step)
{
    struct call *call = list_entry(exchange, struct call, exchange);
    assert_true(loop_is_current(call->hall->loop));
    call->step_count++;
    call->step = step;
    snprintf(call->output, sizeof call->output, "%.*s", BYTES_ARG(exchange->output));
    assert_true((exchange->account != NULL) == (step == AUTH_STEP_DONE));
    assert_true((exchange->state != NULL) == (step == AUTH_STEP_CHALLENGE));
}

static int open_hall(void **state)
{
    struct hall *hall = calloc(1, sizeof *hall);
    fake_accounts_init(&hall->fake);
    hall->fake.people[ALICE] = (struct fake_person){"alice", "alice@example.test", "secret", OK};
    hall->fake.people[BOB] = (struct fake_person){"bob", NULL, "other", OK};
    hall->fake.people[CAROL] = (struct fake_person){"carol", NULL, "third", ERROR_DENIED_CREDENTIALS};
    hall->loop = loop_new("test", NULL);
    loop_turn(hall->loop);
    const struct authenticator_config config = {.accounts = &hall->fake.source,
                                                .prover = &hall->fake.prover,
                                                .workers = 2,
                                                .queue = 2,
                                                .service = "smtp"};
    assert_int_equal(authenticator_live_new(&config, &hall->authenticator), OK);
    *state = hall;
    return 0;
}

static int close_hall(void **state)
{
    struct hall *hall = *state;
    authenticator_live_free(hall->authenticator);
    loop_free(hall->loop);
    free(hall);
    return 0;
}

static void call_init(struct call *call, struct hall *hall, enum sasl_mechanism mechanism)
{
    *call = (struct call){.hall = hall,
                          .exchange = {.mechanism = mechanism,
                                       .loop = hall->loop,
                                       .is_tls = true,
                                       .host = "mail.example.test",
                                       .on_step = on_step}};
}

static void wait_for(struct call *call, unsigned step_count)
{
    assert_int_equal(call->step_count, step_count - 1); /* nothing comes before the call is over */
    while (call->step_count < step_count)
        loop_wait(call->hall->loop);
}

static enum auth_step begin(struct call *call, bool has_input, struct bytes input)
{
    struct authenticator *authenticator = call->hall->authenticator;
    assert_int_equal(authenticator->ops->start(authenticator, &call->exchange, has_input, input), OK);
    wait_for(call, 1);
    return call->step;
}

static enum auth_step answer(struct call *call, struct bytes input)
{
    call->hall->authenticator->ops->step(&call->exchange, input);
    wait_for(call, call->step_count + 1);
    return call->step;
}

static enum auth_step plain(struct hall *hall, struct call *call, struct bytes message)
{
    call_init(call, hall, SASL_PLAIN);
    return begin(call, true, message);
}

#define SAY_PLAIN(text) plain(hall, &call, BYTES_LITERAL(text))

static void test_plain_proves_an_account(void **state)
{
    struct hall *hall = *state;
    struct call call;
    assert_int_equal(SAY_PLAIN("\0alice\0secret"), AUTH_STEP_DONE);
    assert_string_equal(call.exchange.account->name, "alice");
    assert_non_null(call.exchange.account->token);
    account_unref(call.exchange.account);
}

static void test_plain_without_initial_response_is_asked_for(void **state)
{
    struct hall *hall = *state;
    struct call call;
    call_init(&call, hall, SASL_PLAIN);
    assert_int_equal(begin(&call, false, (struct bytes){0}), AUTH_STEP_CHALLENGE);
    assert_string_equal(call.output, "");
    assert_int_equal(answer(&call, BYTES_LITERAL("\0alice\0secret")), AUTH_STEP_DONE);
    account_unref(call.exchange.account);
}

/* proves: T3 contract-5 */
static void test_login_asks_with_the_prompts_of_the_contract(void **state)
{
    struct hall *hall = *state;
    struct call call;
    call_init(&call, hall, SASL_LOGIN);
    assert_int_equal(begin(&call, false, (struct bytes){0}), AUTH_STEP_CHALLENGE);
    assert_string_equal(call.output, "Username:");
    assert_int_equal(answer(&call, BYTES_LITERAL("alice")), AUTH_STEP_CHALLENGE);
    assert_string_equal(call.output, "Password:");
    assert_int_equal(answer(&call, BYTES_LITERAL("secret")), AUTH_STEP_DONE);
    assert_string_equal(call.exchange.account->name, "alice");
    account_unref(call.exchange.account);
}

static void test_login_takes_the_name_as_initial_response(void **state)
{
    struct hall *hall = *state;
    struct call call;
    call_init(&call, hall, SASL_LOGIN);
    assert_int_equal(begin(&call, true, BYTES_LITERAL("alice@example.test")), AUTH_STEP_CHALLENGE);
    assert_string_equal(call.output, "Password:");
    assert_int_equal(answer(&call, BYTES_LITERAL("wrong")), AUTH_STEP_REFUSED);
}

/* proves: D1 */
static void test_no_bind_is_sent_without_a_password(void **state)
{
    struct hall *hall = *state;
    struct call call;
    assert_int_equal(SAY_PLAIN("\0alice\0"), AUTH_STEP_REFUSED);
    assert_int_equal(SAY_PLAIN("\0alice\0 "), AUTH_STEP_REFUSED);
    assert_int_equal(SAY_PLAIN("\0alice\0\0secret"), AUTH_STEP_REFUSED);
    assert_int_equal(SAY_PLAIN("\0alice\0secret\0"), AUTH_STEP_REFUSED);
    assert_int_equal(SAY_PLAIN("\0\0secret"), AUTH_STEP_REFUSED);
    static const struct bytes passwords[] = {{"", 0}, {" \t", 2}, {"\0secret", 7}, {"secret\0", 7}};
    for (size_t i = 0; i < sizeof passwords / sizeof *passwords; i++) {
        call_init(&call, hall, SASL_LOGIN);
        assert_int_equal(begin(&call, true, BYTES_LITERAL("alice")), AUTH_STEP_CHALLENGE);
        assert_int_equal(answer(&call, passwords[i]), AUTH_STEP_REFUSED);
    }
    assert_int_equal(atomic_load(&hall->fake.prove_count), 0);
}

/* proves: D3 D4 */
static void test_a_name_that_is_nobodys_is_refused_like_a_wrong_password(void **state)
{
    struct hall *hall = *state;
    struct call call;
    assert_int_equal(SAY_PLAIN("\0nobody\0secret"), AUTH_STEP_REFUSED);
    assert_int_equal(atomic_load(&hall->fake.prove_count), 0);
    assert_int_equal(SAY_PLAIN("\0alice\0wrong"), AUTH_STEP_REFUSED);
    assert_int_equal(atomic_load(&hall->fake.prove_count), 1);
    call_init(&call, hall, SASL_LOGIN);
    assert_int_equal(begin(&call, true, BYTES_LITERAL("alice\0x")), AUTH_STEP_REFUSED);
}

/* proves: D2 */
static void test_an_authzid_is_ones_own(void **state)
{
    struct hall *hall = *state;
    struct call call;
    assert_int_equal(SAY_PLAIN("bob\0alice\0secret"), AUTH_STEP_REFUSED);
    assert_int_equal(SAY_PLAIN("nobody\0alice\0secret"), AUTH_STEP_REFUSED);
    assert_int_equal(SAY_PLAIN("alice\0alice\0secret"), AUTH_STEP_DONE);
    account_unref(call.exchange.account);
    assert_int_equal(SAY_PLAIN("alice@example.test\0alice\0secret"), AUTH_STEP_DONE);
    assert_string_equal(call.exchange.account->name, "alice");
    account_unref(call.exchange.account);
}

/* proves: T1 */
static void test_a_message_without_form_is_malformed(void **state)
{
    struct hall *hall = *state;
    struct call call;
    assert_int_equal(SAY_PLAIN(""), AUTH_STEP_MALFORMED);
    assert_int_equal(SAY_PLAIN("alice"), AUTH_STEP_MALFORMED);
    assert_int_equal(SAY_PLAIN("alice\0secret"), AUTH_STEP_MALFORMED);
    char *much = calloc(1, AUTH_MESSAGE_MAX + 1);
    assert_int_equal(plain(hall, &call, (struct bytes){much, AUTH_MESSAGE_MAX + 1}), AUTH_STEP_MALFORMED);
    assert_int_equal(plain(hall, &call, (struct bytes){much, AUTH_MESSAGE_MAX}), AUTH_STEP_REFUSED);
    free(much);
}

/* proves: D7 contract-3 */
static void test_a_directory_that_does_not_answer_is_no_refusal(void **state)
{
    struct hall *hall = *state;
    struct call call;
    static const enum error silences[] = {ERROR_TEMPORARY, ERROR_TIMEOUT, ERROR_CANCELED};
    for (size_t i = 0; i < sizeof silences / sizeof *silences; i++) {
        hall->fake.source_error = silences[i];
        assert_int_equal(SAY_PLAIN("\0alice\0secret"), AUTH_STEP_UNAVAILABLE);
        hall->fake.source_error = OK;
        hall->fake.prover_error = silences[i];
        assert_int_equal(SAY_PLAIN("\0alice\0secret"), AUTH_STEP_UNAVAILABLE);
        assert_null(strstr(call.exchange.why.text, "secret"));
        hall->fake.prover_error = OK;
    }
}

static void test_a_disabled_account_is_refused_after_its_password(void **state)
{
    struct hall *hall = *state;
    struct call call;
    assert_int_equal(SAY_PLAIN("\0carol\0third"), AUTH_STEP_REFUSED);
    assert_true(call.exchange.why.text[0] != '\0');
}

/* proves: T11 */
static void test_why_never_holds_the_password(void **state)
{
    struct hall *hall = *state;
    struct call call;
    assert_int_equal(SAY_PLAIN("\0alice\0canary-7f3a"), AUTH_STEP_REFUSED);
    assert_null(strstr(call.exchange.why.text, "canary"));
    assert_int_equal(SAY_PLAIN("\0alice\0canary-7f3a\0"), AUTH_STEP_REFUSED);
    assert_null(strstr(call.exchange.why.text, "canary"));
    assert_int_equal(SAY_PLAIN("canary-7f3a"), AUTH_STEP_MALFORMED);
    assert_null(strstr(call.exchange.why.text, "canary"));
}

static void test_only_what_works_is_offered_and_taken(void **state)
{
    struct hall *hall = *state;
    struct call call;
    uint32_t offered = hall->authenticator->ops->mechanisms(hall->authenticator);
    assert_true(offered & SASL_BIT(SASL_PLAIN) && offered & SASL_BIT(SASL_LOGIN));
    assert_false(offered & SASL_BIT(SASL_GSSAPI)); /* no keytab */
    call_init(&call, hall, SASL_GSSAPI);
    assert_int_equal(begin(&call, false, (struct bytes){0}), AUTH_STEP_UNAVAILABLE);
}

/* -- who gives up, and who does not fit -- */

static sem_t at_gate, gate; /* a proof has come to it; one may go through */

static void wait_at_gate(struct fake_accounts *fake)
{
    (void)fake;
    sem_post(&at_gate);
    sem_wait(&gate);
}

static void close_gate(struct hall *hall)
{
    sem_init(&at_gate, 0, 0);
    sem_init(&gate, 0, 0);
    hall->fake.on_prove = wait_at_gate;
}

/* proves: T1 */
static void test_a_canceled_login_is_never_heard_of_again(void **state)
{
    struct hall *hall = *state;
    struct call *gone = calloc(1, sizeof *gone), idle;
    close_gate(hall);
    call_init(gone, hall, SASL_PLAIN);
    assert_int_equal(hall->authenticator->ops->start(hall->authenticator, &gone->exchange, true,
                                                     BYTES_LITERAL("\0alice\0secret")),
                     OK);
    sem_wait(&at_gate);
    hall->authenticator->ops->cancel(&gone->exchange); /* its step runs */
    free(gone);
    call_init(&idle, hall, SASL_LOGIN);
    assert_int_equal(begin(&idle, false, (struct bytes){0}), AUTH_STEP_CHALLENGE);
    hall->authenticator->ops->cancel(&idle.exchange); /* none runs */
    sem_post(&gate);
    authenticator_live_free(hall->authenticator);
    hall->authenticator = NULL;
    loop_turn(hall->loop);
    assert_int_equal(atomic_load(&hall->fake.ask_count), 0); /* nobody wants the account any more */
    assert_int_equal(idle.step_count, 1);
}

/* proves: T2 contract-2 */
static void test_a_full_pool_is_our_own_trouble(void **state)
{
    struct hall *hall = *state;
    struct call calls[4], fifth;
    close_gate(hall);
    for (size_t i = 0; i < 4; i++) {
        call_init(&calls[i], hall, SASL_PLAIN);
        assert_int_equal(hall->authenticator->ops->start(hall->authenticator, &calls[i].exchange, true,
                                                         BYTES_LITERAL("\0alice\0secret")),
                         OK);
    }
    hall->authenticator->ops->cancel(&calls[3].exchange); /* stays counted */
    call_init(&fifth, hall, SASL_PLAIN);
    assert_int_equal(begin(&fifth, true, BYTES_LITERAL("\0alice\0secret")), AUTH_STEP_UNAVAILABLE);
    for (size_t i = 0; i < 4; i++)
        sem_post(&gate);
    for (size_t i = 0; i < 3; i++) {
        while (calls[i].step_count == 0)
            loop_wait(hall->loop);
        assert_int_equal(calls[i].step, AUTH_STEP_DONE);
        account_unref(calls[i].exchange.account);
    }
    assert_int_equal(calls[3].step_count, 0);
}

/* -- the account again -- */

struct renewal {
    struct auth_renewal face;
    bool is_done;
    enum auth_step step;
};

static void on_renewed(struct auth_renewal *face, enum auth_step step)
{
    struct renewal *renewal = list_entry(face, struct renewal, face);
    renewal->is_done = true;
    renewal->step = step;
}

static enum auth_step renew(struct hall *hall, struct renewal *renewal, const struct account *old)
{
    *renewal = (struct renewal){.face = {.loop = hall->loop, .old = old, .on_done = on_renewed}};
    hall->authenticator->ops->renew(hall->authenticator, &renewal->face);
    assert_false(renewal->is_done);
    while (!renewal->is_done)
        loop_wait(hall->loop);
    return renewal->step;
}

/* proves: D8 */
static void test_an_account_is_renewed_or_refused(void **state)
{
    struct hall *hall = *state;
    struct call call;
    struct renewal renewal;
    assert_int_equal(SAY_PLAIN("\0alice\0secret"), AUTH_STEP_DONE);
    const struct account *old = call.exchange.account;
    assert_true(hall->authenticator->ops->is_current(hall->authenticator, old));
    hall->fake.is_current = false;
    assert_false(hall->authenticator->ops->is_current(hall->authenticator, old));
    assert_int_equal(renew(hall, &renewal, old), AUTH_STEP_DONE);
    assert_string_equal(renewal.face.account->name, "alice");
    account_unref(renewal.face.account);
    hall->fake.people[ALICE].full_error = ERROR_DENIED_CREDENTIALS;
    assert_int_equal(renew(hall, &renewal, old), AUTH_STEP_REFUSED);
    assert_null(renewal.face.account);
    hall->fake.source_error = ERROR_TEMPORARY;
    assert_int_equal(renew(hall, &renewal, old), AUTH_STEP_UNAVAILABLE);
    account_unref(old);
}

static int start_library(void **state)
{
    (void)state;
    struct note note = {0};
    return sasl_library_start(NULL, &note) == OK ? 0 : -1;
}

static int stop_library(void **state)
{
    (void)state;
    sasl_library_stop();
    return 0;
}

#define IN_HALL(test) cmocka_unit_test_setup_teardown(test, open_hall, close_hall)

int main(void)
{
    alarm(120); /* the watchdog */
    const struct CMUnitTest tests[] = {
        IN_HALL(test_plain_proves_an_account),
        IN_HALL(test_plain_without_initial_response_is_asked_for),
        IN_HALL(test_login_asks_with_the_prompts_of_the_contract),
        IN_HALL(test_login_takes_the_name_as_initial_response),
        IN_HALL(test_no_bind_is_sent_without_a_password),
        IN_HALL(test_a_name_that_is_nobodys_is_refused_like_a_wrong_password),
        IN_HALL(test_an_authzid_is_ones_own),
        IN_HALL(test_a_message_without_form_is_malformed),
        IN_HALL(test_a_directory_that_does_not_answer_is_no_refusal),
        IN_HALL(test_a_disabled_account_is_refused_after_its_password),
        IN_HALL(test_why_never_holds_the_password),
        IN_HALL(test_only_what_works_is_offered_and_taken),
        IN_HALL(test_a_canceled_login_is_never_heard_of_again),
        IN_HALL(test_a_full_pool_is_our_own_trouble),
        IN_HALL(test_an_account_is_renewed_or_refused),
    };
    return cmocka_run_group_tests(tests, start_library, stop_library);
}
