/* fakes: accounts */
#include "auth/authenticator_live.h"

#include "auth/sasl_library.h"
#include "fakes/fake_accounts.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { LOGIN_COUNT = 64, WORKER_COUNT = 32, BEAT_MS = 10, PROOF_BEATS = 20 };

struct crowd {
    struct fake_accounts fake;
    struct loop *loop;
    struct loop_timer beat;
    struct authenticator *authenticator;
    unsigned done_count;
    unsigned refused_count;
};

struct one {
    struct auth_exchange exchange;
    struct crowd *crowd;
    char message[32];
    bool has_right_password;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t beaten = PTHREAD_COND_INITIALIZER;
static unsigned beat_count; /* under the lock */

static void on_beat(struct loop_timer *timer)
{
    pthread_mutex_lock(&lock);
    beat_count++;
    pthread_cond_broadcast(&beaten);
    pthread_mutex_unlock(&lock);
    loop_timer_start(timer, BEAT_MS);
}

/* 200 ms of the loop's own time: a loop that waits for a login never gets there. */
static void prove_slowly(struct fake_accounts *fake)
{
    (void)fake;
    pthread_mutex_lock(&lock);
    for (unsigned start = beat_count; beat_count - start < PROOF_BEATS;)
        pthread_cond_wait(&beaten, &lock);
    pthread_mutex_unlock(&lock);
}

static void on_step(struct auth_exchange *exchange, enum auth_step step)
{
    struct one *one = list_entry(exchange, struct one, exchange);
    struct crowd *crowd = one->crowd;
    assert_int_equal(step, one->has_right_password ? AUTH_STEP_DONE : AUTH_STEP_REFUSED);
    crowd->refused_count += step == AUTH_STEP_REFUSED;
    account_unref(exchange->account);
    if (++crowd->done_count == LOGIN_COUNT) {
        loop_timer_stop(&crowd->beat);
        loop_end(crowd->loop);
    }
}

static void begin(struct one *one, struct crowd *crowd, bool has_right_password)
{
    *one = (struct one){.crowd = crowd, .has_right_password = has_right_password};
    one->exchange = (struct auth_exchange){
        .mechanism = SASL_PLAIN, .loop = crowd->loop, .host = "mail.example.test", .on_step = on_step};
    const char *password = has_right_password ? "secret" : "wrong";
    int len = snprintf(one->message, sizeof one->message, "%calice%c%s", '\0', '\0', password);
    assert_int_equal(crowd->authenticator->ops->start(crowd->authenticator, &one->exchange, true,
                                                      (struct bytes){one->message, (size_t)len}),
                     OK);
}

/* Issue 4: 64 logins at once against a directory slowed to 200 ms; nothing else waits. Under TSan too. */
static void test_a_crowd_does_not_hold_the_loop_up(void **state)
{
    (void)state;
    struct crowd crowd = {.loop = loop_new("test", NULL)};
    struct one *all = calloc(LOGIN_COUNT, sizeof *all);
    fake_accounts_init(&crowd.fake);
    crowd.fake.people[0] = (struct fake_person){"alice", NULL, "secret", OK};
    crowd.fake.on_prove = prove_slowly;
    const struct authenticator_config config = {.accounts = &crowd.fake.source,
                                                .prover = &crowd.fake.prover,
                                                .workers = WORKER_COUNT,
                                                .queue = LOGIN_COUNT - WORKER_COUNT,
                                                .service = "smtp"};
    assert_int_equal(authenticator_live_new(&config, &crowd.authenticator), OK);
    loop_timer_init(&crowd.beat, crowd.loop, on_beat);
    loop_timer_start(&crowd.beat, BEAT_MS);
    for (size_t i = 0; i < LOGIN_COUNT; i++)
        begin(&all[i], &crowd, i % 4 != 3);
    loop_run(crowd.loop);
    assert_int_equal(crowd.refused_count, LOGIN_COUNT / 4);
    assert_int_equal(atomic_load(&crowd.fake.prove_count), LOGIN_COUNT);
    assert_true(beat_count >= LOGIN_COUNT / WORKER_COUNT * PROOF_BEATS);
    authenticator_live_free(crowd.authenticator);
    loop_free(crowd.loop);
    free(all);
}

int main(void)
{
    alarm(120); /* the watchdog */
    struct note note = {0};
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_crowd_does_not_hold_the_loop_up)};
    if (sasl_library_start(NULL, &note) != OK)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sasl_library_stop();
    return failed;
}
