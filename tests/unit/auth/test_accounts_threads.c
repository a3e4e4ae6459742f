/* fakes: directory */
/* Accounts asked for by other threads while the directory changes: jobs that wait, loops that do not. */
#include "auth/accounts.h"

#include "fakes/fake_directory.h"
#include "loop/mailbox.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ASKERS = 4, ROUNDS = 200 };

#define TREE                                                                                                 \
    "dn: dc=contoso,dc=com\nobjectClass: domain\ndc: contoso\n\n"                                            \
    "dn: uid=alice,dc=contoso,dc=com\nobjectClass: person\nuid: alice\n\n"                                   \
    "dn: cn=g,dc=contoso,dc=com\nobjectClass: groupOfNames\nmember: uid=alice,dc=contoso,dc=com\n"

struct scene {
    struct loop *loop;
    struct fake_directory *fake;
    struct accounts *accounts;
    struct mail change;
    unsigned change_count;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned answered;
};

static struct scene scene = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* On the directory's loop: moves the epoch. */
static void on_change(struct mail *mail)
{
    char ldif[256];
    (void)snprintf(ldif, sizeof(ldif),
                   "dn: cn=h,dc=contoso,dc=com\nobjectClass: groupOfNames\nmember: cn=x%u\n",
                   scene.change_count++);
    fake_directory_put(scene.fake, ldif);
    if (scene.change_count < ROUNDS)
        mailbox_post(scene.loop, mail);
}

static void *wait_for_accounts(void *owner)
{
    size_t *good = owner;
    for (int i = 0; i < ROUNDS; i++) {
        struct account_request request = {
            .kind = ACCOUNT_NAME_LOGIN, .name = BYTES_LITERAL("alice"), .is_name_only = i % 3 == 0};
        accounts_ask_and_wait(scene.accounts, &request);
        if (request.error != OK)
            continue;
        *good += 1;
        (void)accounts_is_current(scene.accounts, request.account);
        account_unref(request.account);
    }
    return NULL;
}

static void on_done(struct account_request *request)
{
    account_unref(request->account);
    pthread_mutex_lock(&scene.mutex);
    scene.answered++;
    pthread_cond_signal(&scene.changed);
    pthread_mutex_unlock(&scene.mutex);
}

static void on_begin(struct mail *mail)
{
    (void)mail;
    const struct accounts_config config = {.directory = fake_directory_face(scene.fake),
                                           .group_depth = 64,
                                           .group_limit = 1000,
                                           .clock = &clock_system};
    assert_int_equal(accounts_start(&config, &scene.accounts, NULL), OK);
    pthread_mutex_lock(&scene.mutex);
    scene.answered = 1;
    pthread_cond_signal(&scene.changed);
    pthread_mutex_unlock(&scene.mutex);
}

static void on_end(struct mail *mail)
{
    (void)mail;
    accounts_stop(scene.accounts);
    fake_directory_free(scene.fake);
    loop_end(scene.loop);
}

static void wait_for(unsigned answered)
{
    pthread_mutex_lock(&scene.mutex);
    while (scene.answered < answered)
        pthread_cond_wait(&scene.changed, &scene.mutex);
    scene.answered = 0;
    pthread_mutex_unlock(&scene.mutex);
}

static void test_many_threads(void **state)
{
    (void)state;
    struct mail begin = {.on_mail = on_begin}, end = {.on_mail = on_end};
    struct loop *other = loop_new("asker", NULL);
    scene.change.on_mail = on_change;
    scene.loop = loop_new("directory", NULL);
    scene.fake = fake_directory_new(scene.loop);
    fake_directory_put(scene.fake, TREE);
    for (int i = 0; i < 10; i++)
        loop_turn(scene.loop);
    assert_int_equal(loop_start(scene.loop), OK);
    assert_int_equal(loop_start(other), OK);
    assert_true(mailbox_post(scene.loop, &begin));
    wait_for(1);
    assert_true(mailbox_post(scene.loop, &scene.change));
    pthread_t threads[ASKERS];
    size_t good[ASKERS] = {0};
    for (size_t i = 0; i < ASKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_accounts, &good[i]), 0);
    struct account_request requests[16] = {[0] = {.loop = NULL}};
    for (size_t i = 0; i < 16; i++) {
        requests[i] = (struct account_request){
            .kind = ACCOUNT_NAME_LOGIN, .name = BYTES_LITERAL("alice"), .loop = other, .on_done = on_done};
        accounts_ask(scene.accounts, &requests[i]);
    }
    wait_for(16);
    for (size_t i = 0; i < ASKERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(good[i], ROUNDS);
    }
    assert_true(mailbox_post(scene.loop, &end));
    loop_join(scene.loop);
    loop_end(other);
    loop_join(other);
    loop_free(other);
    loop_free(scene.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_many_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
