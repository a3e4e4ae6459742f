#include "loop/mailbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

enum { POSTER_COUNT = 8, MAIL_COUNT = 20000 };

struct letter {
    struct mail mail;
    struct poster *poster;
    unsigned number;
};

struct poster {
    struct office *office;
    pthread_t thread;
    unsigned next;
    struct letter letters[MAIL_COUNT];
};

struct office {
    struct loop *loop;
    unsigned arrived;
    struct poster posters[POSTER_COUNT];
};

static void letter_on_mail(struct mail *mail)
{
    struct letter *letter = list_entry(mail, struct letter, mail);
    struct office *office = letter->poster->office;
    assert_true(loop_is_current(office->loop));
    assert_int_equal(letter->number, letter->poster->next);
    letter->poster->next++;
    if (++office->arrived == POSTER_COUNT * MAIL_COUNT) {
        loop_end(office->loop);
    }
}

static void *poster_run(void *argument)
{
    struct poster *poster = argument;
    for (unsigned i = 0; i < MAIL_COUNT; i++) {
        poster->letters[i] = (struct letter){.mail.on_mail = letter_on_mail, .poster = poster, .number = i};
        if (!mailbox_post(poster->office->loop, &poster->letters[i].mail)) {
            abort();
        }
    }
    return NULL;
}

static void test_eight_threads_post_in_their_order(void **state)
{
    (void)state;
    struct office *office = calloc(1, sizeof *office);
    office->loop = loop_new("test", NULL);
    for (size_t i = 0; i < POSTER_COUNT; i++) {
        office->posters[i].office = office;
        assert_int_equal(pthread_create(&office->posters[i].thread, NULL, poster_run, &office->posters[i]),
                         0);
    }
    loop_run(office->loop);
    assert_int_equal(office->arrived, POSTER_COUNT * MAIL_COUNT);
    loop_free(office->loop); /* posters may still be on their way out of mailbox_post */
    for (size_t i = 0; i < POSTER_COUNT; i++) {
        pthread_join(office->posters[i].thread, NULL);
    }
    free(office);
}

struct round_trip {
    struct mail mail;
    struct loop *loop;
    unsigned count;
};

static void round_trip_on_mail(struct mail *mail)
{
    struct round_trip *trip = list_entry(mail, struct round_trip, mail);
    if (++trip->count < 1000) {
        assert_true(mailbox_post(trip->loop, mail));
    } else {
        loop_end(trip->loop);
    }
}

static void test_a_mail_posts_itself_again(void **state)
{
    (void)state;
    struct round_trip trip = {.mail.on_mail = round_trip_on_mail, .loop = loop_new("test", NULL)};
    assert_true(mailbox_post(trip.loop, &trip.mail));
    loop_run(trip.loop);
    assert_int_equal(trip.count, 1000);
    assert_false(mailbox_post(trip.loop, &trip.mail)); /* the loop has ended */
    assert_false(mailbox_post(trip.loop, &trip.mail));
    loop_free(trip.loop);
    assert_int_equal(trip.count, 1000);
}

struct counter {
    struct loop *loop;
    pthread_t thread;
    atomic_uint taken;
    unsigned arrived; /* the loop's */
    struct counted_mail {
        struct mail mail;
        struct counter *counter;
        atomic_bool is_free;
    } mails[64];
};

static void counted_on_mail(struct mail *mail)
{
    struct counted_mail *counted = list_entry(mail, struct counted_mail, mail);
    struct counter *counter = counted->counter;
    counter->arrived++;
    atomic_store(&counted->is_free, true);
    if (counter->arrived == 5000) {
        loop_end(counter->loop);
    }
}

static void *count_until_refused(void *argument)
{
    struct counter *counter = argument;
    for (unsigned i = 0;; i = (i + 1) % 64) {
        struct counted_mail *counted = &counter->mails[i];
        if (!atomic_exchange(&counted->is_free, false)) {
            sched_yield();
            continue;
        }
        if (!mailbox_post(counter->loop, &counted->mail)) {
            return NULL;
        }
        atomic_fetch_add(&counter->taken, 1);
    }
}

/* What was taken is delivered, however close to the end: the two counts agree. */
static void test_every_taken_mail_runs_before_the_end(void **state)
{
    (void)state;
    struct counter counter = {.loop = loop_new("test", NULL)};
    for (size_t i = 0; i < 64; i++) {
        counter.mails[i].mail.on_mail = counted_on_mail;
        counter.mails[i].counter = &counter;
        atomic_init(&counter.mails[i].is_free, true);
    }
    assert_int_equal(pthread_create(&counter.thread, NULL, count_until_refused, &counter), 0);
    loop_run(counter.loop);
    pthread_join(counter.thread, NULL);
    assert_int_equal(counter.arrived, atomic_load(&counter.taken));
    loop_free(counter.loop);
}

int main(void)
{
    alarm(120); /* the watchdog */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eight_threads_post_in_their_order),
        cmocka_unit_test(test_a_mail_posts_itself_again),
        cmocka_unit_test(test_every_taken_mail_runs_before_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
