/* What the durable spool promises while nothing fails. */
/* fakes: spool_dir */
#include "fakes/fake_spool_dir.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* Around the ceiling of what stays in the database, and around chunks of a body file. */
static const size_t sizes[] = {0, 1, 4096, SPOOL_INLINE_MAX, SPOOL_INLINE_MAX + 1, 262144, 262145, 3000000};
#define SIZE_COUNT (sizeof(sizes) / sizeof(sizes[0]))

static struct spool_dir dir;

static int set_up(void **state)
{
    (void)state;
    spool_dir_new(&dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    spool_dir_free(&dir);
    return 0;
}

static size_t count_files(const char *name)
{
    DIR *directory = opendir(spool_dir_file(&dir, name));
    const struct dirent *entry;
    size_t count = 0;

    assert_non_null(directory);
    while ((entry = readdir(directory)))
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

/* proves: contract-5 */
static void what_was_accepted_is_there_after_a_restart(void **state)
{
    uint64_t ids[SIZE_COUNT];

    (void)state;
    for (size_t i = 0; i < SIZE_COUNT; i++)
        assert_int_equal(spool_dir_accept(&dir, sizes[i], "to@example.com", &ids[i]), OK);
    assert_int_equal(dir.spool->ops->count(dir.spool), SIZE_COUNT);
    assert_int_equal(count_files("bodies"), 4);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < SIZE_COUNT; i++) {
            struct envelope envelope;
            struct arena arena;
            arena_init(&arena, 1 << 16);
            assert_int_equal(dir.spool->ops->read_envelope(dir.spool, ids[i], &arena, &envelope), OK);
            assert_int_equal(envelope.id, ids[i]);
            assert_int_equal(envelope.size_bytes, sizes[i]);
            assert_true(bytes_equal(envelope.recipients[0].address, BYTES_LITERAL("to@example.com")));
            assert_true(spool_dir_is_intact(&dir, ids[i], sizes[i]));
            arena_done(&arena);
        }
        spool_dir_close(&dir);
        spool_dir_open(&dir);
        assert_int_equal(dir.spool->ops->count(dir.spool), SIZE_COUNT);
    }
}

static void what_is_not_there_is_not_found(void **state)
{
    struct envelope envelope;
    struct arena arena;
    char byte;
    size_t len;

    (void)state;
    arena_init(&arena, 1000);
    assert_int_equal(dir.spool->ops->read_envelope(dir.spool, 1, &arena, &envelope), ERROR_NOT_FOUND);
    assert_int_equal(dir.spool->ops->read(dir.spool, 1, 0, &byte, 1, &len), ERROR_NOT_FOUND);
    arena_done(&arena);
}

static void ids_grow_across_restarts_and_removals(void **state)
{
    uint64_t previous = 0;

    (void)state;
    for (int i = 0; i < 5; i++) {
        uint64_t id;
        spool_dir_listen(&dir);
        assert_int_equal(spool_dir_accept(&dir, 10, "a@b", &id), OK);
        assert_true(id > previous);
        assert_true(id < 1000); /* an orderly end skips none */
        assert_int_equal(spool_dir_update(&dir, &(struct envelope){.id = id}, true), OK);
        previous = id;
        spool_dir_close(&dir);
        spool_dir_open(&dir);
    }
}

static void aborted_messages_leave_nothing(void **state)
{
    bool must_wait;
    static char content[400000];

    (void)state;
    for (size_t size = 100; size <= sizeof(content); size *= 4) {
        struct spool_message *message = dir.spool->ops->begin(dir.spool, dir.loop);
        assert_int_equal(dir.spool->ops->append(message, (struct bytes){content, size}, &must_wait), OK);
        dir.spool->ops->abort(message);
    }
    spool_dir_close(&dir);
    spool_dir_open(&dir);
    assert_int_equal(dir.spool->ops->count(dir.spool), 0);
    assert_int_equal(count_files("bodies"), 0);
}

static bool was_told;

static void must_not_come(void *owner, enum error error)
{
    (void)owner;
    (void)error;
    was_told = true;
}

static void a_forgotten_commit_is_stored_and_silent(void **state)
{
    static char content[20000];

    (void)state;
    was_told = false;
    for (size_t size = 100; size <= sizeof(content); size += 19900) {
        struct envelope envelope = {0};
        struct spool_message *message = dir.spool->ops->begin(dir.spool, dir.loop);
        bool must_wait;
        assert_int_equal(dir.spool->ops->append(message, (struct bytes){content, size}, &must_wait), OK);
        dir.spool->ops->commit(message, &envelope, must_not_come, NULL);
        dir.spool->ops->commit_forget(message);
    }
    spool_dir_wait_count(&dir, 2);
    spool_dir_close(&dir);
    assert_false(was_told);
    spool_dir_open(&dir);
}

/* proves: R22 */
static void an_update_changes_the_envelope_and_a_removal_everything(void **state)
{
    uint64_t small;
    uint64_t large;
    struct envelope envelope;
    struct arena arena;

    (void)state;
    spool_dir_listen(&dir);
    arena_init(&arena, 1 << 16);
    assert_int_equal(spool_dir_accept(&dir, 5000, "a@b", &small), OK);
    assert_int_equal(spool_dir_accept(&dir, 50000, "a@b", &large), OK);
    assert_int_equal(dir.spool->ops->read_envelope(dir.spool, large, &arena, &envelope), OK);
    envelope.attempts = 3;
    envelope.next_attempt_ms = 123456;
    envelope.is_held = true;
    envelope.recipients[0].reply = BYTES_LITERAL("451 4.3.0 later");
    assert_int_equal(spool_dir_update(&dir, &envelope, false), OK);
    spool_dir_close(&dir);
    spool_dir_open(&dir);
    spool_dir_listen(&dir);
    assert_int_equal(dir.spool->ops->read_envelope(dir.spool, large, &arena, &envelope), OK);
    assert_true(envelope.attempts == 3 && envelope.next_attempt_ms == 123456 && envelope.is_held);
    assert_true(bytes_equal(envelope.recipients[0].reply, BYTES_LITERAL("451 4.3.0 later")));
    assert_true(spool_dir_is_intact(&dir, large, 50000));
    assert_int_equal(spool_dir_update(&dir, &envelope, true), OK);
    assert_int_equal(spool_dir_update(&dir, &envelope, true), OK); /* gone already is gone */
    assert_int_equal(spool_dir_update(&dir, &envelope, false), ERROR_NOT_FOUND);
    assert_int_equal(count_files("bodies"), 0);
    assert_int_equal(dir.spool->ops->count(dir.spool), 1);
    assert_int_equal(dir.spool->ops->read_envelope(dir.spool, large, &arena, &envelope), ERROR_NOT_FOUND);
    envelope.id = small;
    assert_int_equal(spool_dir_update(&dir, &envelope, true), OK);
    assert_int_equal(dir.spool->ops->count(dir.spool), 0);
    arena_done(&arena);
}

struct heard {
    uint64_t ids[2000];
    size_t count;
    uint64_t stop_at;
};

static void hear(void *owner, const struct envelope *envelope)
{
    struct heard *heard = owner;

    heard->ids[heard->count++] = envelope->id;
}

static bool walk(void *owner, const struct envelope *envelope)
{
    hear(owner, envelope);
    return envelope->id != ((struct heard *)owner)->stop_at;
}

static void the_listener_hears_of_each_message_once_and_in_order(void **state)
{
    static struct heard heard;
    uint64_t last = 0;

    (void)state;
    memset(&heard, 0, sizeof(heard));
    for (int i = 0; i < 300; i++)
        assert_int_equal(spool_dir_accept(&dir, 30, "a@b", NULL), OK);
    spool_dir_close(&dir);
    spool_dir_open(&dir);
    for (int i = 0; i < 300; i++) /* of this run, before it listens */
        assert_int_equal(spool_dir_accept(&dir, 30, "a@b", NULL), OK);
    dir.spool->ops->listen(dir.spool, dir.loop, hear, &heard);
    for (int i = 0; i < 300; i++)
        assert_int_equal(spool_dir_accept(&dir, 30, "a@b", &last), OK);
    while (heard.count < 900)
        loop_turn(dir.loop);
    for (int i = 0; i < 10; i++)
        loop_turn(dir.loop);
    assert_int_equal(heard.count, 900);
    for (size_t i = 1; i < heard.count; i++)
        assert_true(heard.ids[i] > heard.ids[i - 1]);
    assert_int_equal(heard.ids[899], last);
}

static void a_walk_sees_all_from_where_it_is_asked(void **state)
{
    static struct heard heard;
    uint64_t first;
    uint64_t id;

    (void)state;
    memset(&heard, 0, sizeof(heard));
    assert_int_equal(dir.spool->ops->each(dir.spool, 0, walk, &heard), OK);
    assert_int_equal(heard.count, 0);
    assert_int_equal(spool_dir_accept(&dir, 30, "a@b", &first), OK);
    for (int i = 0; i < 1500; i++)
        assert_int_equal(spool_dir_accept(&dir, 30, "a@b", &id), OK);
    assert_int_equal(dir.spool->ops->each(dir.spool, 0, walk, &heard), OK);
    assert_int_equal(heard.count, 1501);
    heard.count = 0;
    assert_int_equal(dir.spool->ops->each(dir.spool, first + 1, walk, &heard), OK);
    assert_int_equal(heard.count, 1500);
    heard.count = 0;
    heard.stop_at = first + 5;
    assert_int_equal(dir.spool->ops->each(dir.spool, first + 1, walk, &heard), OK);
    assert_int_equal(heard.count, 5);
}

/* One that was long under way comes after later ids. */
static void a_message_that_was_overtaken_is_stored_too(void **state)
{
    struct envelope envelope = {0};
    struct spool_message *slow = dir.spool->ops->begin(dir.spool, dir.loop);
    uint64_t slow_id = dir.spool->ops->message_id(slow);
    uint64_t id;
    size_t len;
    char byte;
    bool must_wait;

    (void)state;
    for (int i = 0; i < 50; i++)
        assert_int_equal(spool_dir_accept(&dir, 5000, "a@b", &id), OK);
    assert_int_equal(dir.spool->ops->append(slow, BYTES_LITERAL("x"), &must_wait), OK);
    dir.spool->ops->commit(slow, &envelope, must_not_come, NULL);
    dir.spool->ops->commit_forget(slow);
    spool_dir_wait_count(&dir, 51);
    spool_dir_close(&dir);
    spool_dir_open(&dir);
    assert_int_equal(dir.spool->ops->read(dir.spool, slow_id, 0, &byte, 1, &len), OK);
    assert_int_equal(byte, 'x');
    assert_true(slow_id < id);
}

/* A reader that stays would make the file grow with every batch. */
static void the_database_stays_small_under_work(void **state)
{
    static struct heard heard;
    struct stat status;

    (void)state;
    memset(&heard, 0, sizeof(heard));
    dir.spool->ops->listen(dir.spool, dir.loop, hear, &heard);
    for (int i = 0; i < 400; i++) {
        uint64_t id;
        assert_int_equal(spool_dir_accept(&dir, 16000, "a@b", &id), OK);
        assert_true(spool_dir_is_intact(&dir, id, 16000));
        assert_int_equal(spool_dir_update(&dir, &(struct envelope){.id = id}, true), OK);
    }
    assert_int_equal(stat(spool_dir_file(&dir, "data.mdb"), &status), 0);
    assert_true(status.st_size < 2 << 20);
}

/* proves: R5 */
static void below_the_reserve_it_is_full_and_deleting_goes_on(void **state)
{
    uint64_t ids[2000];
    size_t count = 0;
    enum error error = OK;
    struct envelope envelope;
    struct arena arena;

    (void)state;
    spool_dir_close(&dir);
    dir.config.map_bytes = 8u << 20;
    dir.config.reserve_bytes = 2u << 20;
    spool_dir_open(&dir);
    spool_dir_listen(&dir);
    while (error == OK && count < 2000)
        error = spool_dir_accept(&dir, 8000, "a@b", &ids[count++]);
    count--;
    assert_int_equal(error, ERROR_LIMIT);
    assert_int_equal(dir.spool->ops->health(dir.spool), SPOOL_FULL);
    assert_true(count > 300);
    assert_int_equal(dir.spool->ops->count(dir.spool), count);
    arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < count; i++) { /* deferral */
        arena_done(&arena);
        assert_int_equal(dir.spool->ops->read_envelope(dir.spool, ids[i], &arena, &envelope), OK);
        envelope.attempts = 1;
        assert_int_equal(spool_dir_update(&dir, &envelope, false), OK);
    }
    arena_done(&arena);
    assert_int_equal(spool_dir_update(&dir, &(struct envelope){.id = ids[0]}, true), OK);
    assert_int_equal(dir.spool->ops->health(dir.spool), SPOOL_FULL); /* one alone does not open the door */
    for (size_t i = 1; i < count; i++)
        assert_int_equal(spool_dir_update(&dir, &(struct envelope){.id = ids[i]}, true), OK);
    spool_dir_wait_health(&dir, SPOOL_READY);
    assert_int_equal(spool_dir_accept(&dir, 8000, "a@b", NULL), OK);
}

struct count_answers {
    size_t stored;
    size_t refused;
};

static void count_answer(void *owner, enum error error)
{
    struct count_answers *count = owner;

    count->stored += error == OK;
    count->refused += error == ERROR_TEMPORARY;
}

/* More than the reserve was under way when the map filled: what does not fit is refused, the rest is whole.
 */
/* proves: R5 */
static void a_map_that_fills_within_batches_refuses_new_mail_alone(void **state)
{
    static struct spool_message *messages[150];
    static char content[16000];
    static struct heard heard;
    struct count_answers answers = {0};
    struct envelope envelope = {0};
    bool must_wait;

    (void)state;
    memset(&heard, 0, sizeof(heard));
    spool_dir_close(&dir);
    dir.config.map_bytes = 2u << 20;
    spool_dir_open(&dir);
    spool_dir_listen(&dir);
    for (int i = 0; i < 150; i++) {
        messages[i] = dir.spool->ops->begin(dir.spool, dir.loop);
        assert_int_equal(
            dir.spool->ops->append(messages[i], (struct bytes){content, sizeof(content)}, &must_wait), OK);
    }
    for (size_t i = 0; i < 150; i++) {
        dir.spool->ops->commit(messages[i], &envelope, count_answer, &answers);
        while (i % 30 == 29 && answers.stored + answers.refused < i) /* the batches are several */
            loop_turn(dir.loop);
    }
    while (answers.stored + answers.refused < 150)
        loop_turn(dir.loop);
    assert_true(answers.refused > 0 && answers.stored > 0);
    assert_int_equal(dir.spool->ops->count(dir.spool), answers.stored);
    assert_int_equal(dir.spool->ops->each(dir.spool, 0, walk, &heard), OK);
    assert_int_equal(heard.count, answers.stored);
}

/* proves: R5 */
static void a_disk_that_fills_and_empties_is_followed(void **state)
{
    (void)state;
    spool_dir_close(&dir);
    dir.config.reserve_bytes = 64u << 20;
    spool_dir_open(&dir);
    spool_dir_set_free_bytes(63u << 20);
    spool_dir_accept(&dir, 10, "a@b", NULL);
    spool_dir_wait_health(&dir, SPOOL_FULL);
    assert_null(dir.spool->ops->begin(dir.spool, dir.loop));
    spool_dir_set_free_bytes(200u << 20);
    spool_dir_wait_health(&dir, SPOOL_READY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_accepted_is_there_after_a_restart),
        TEST(what_is_not_there_is_not_found),
        TEST(ids_grow_across_restarts_and_removals),
        TEST(aborted_messages_leave_nothing),
        TEST(a_forgotten_commit_is_stored_and_silent),
        TEST(an_update_changes_the_envelope_and_a_removal_everything),
        TEST(the_listener_hears_of_each_message_once_and_in_order),
        TEST(a_walk_sees_all_from_where_it_is_asked),
        TEST(a_message_that_was_overtaken_is_stored_too),
        TEST(the_database_stays_small_under_work),
        TEST(below_the_reserve_it_is_full_and_deleting_goes_on),
        TEST(a_map_that_fills_within_batches_refuses_new_mail_alone),
        TEST(a_disk_that_fills_and_empties_is_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
