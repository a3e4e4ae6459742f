/* The store in memory keeps the durable one's promises towards its callers. */
#include "queue/spool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct loop *loop;
static struct spool *spool;

static int set_up(void **state)
{
    (void)state;
    loop = loop_new("test", NULL);
    spool = spool_memory_new(&clock_system);
    return loop && spool ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    spool->ops->close(spool);
    loop_free(loop);
    return 0;
}

struct answer {
    int count;
    enum error error;
};

static void on_done(void *owner, enum error error)
{
    struct answer *answer = owner;

    answer->count++;
    answer->error = error;
}

static enum error accept_one(const char *text, uint64_t *out_id)
{
    struct envelope_recipient to = {.address = BYTES_LITERAL("to@example.com")};
    struct envelope envelope = {.recipients = &to, .recipient_count = 1};
    struct answer answer = {0};
    struct spool_message *message = spool->ops->begin(spool, loop);
    bool must_wait;

    if (!message)
        return ERROR_LIMIT;
    *out_id = spool->ops->message_id(message);
    spool->ops->on_ready(message, NULL, NULL);
    assert_int_equal(spool->ops->append(message, bytes_of_text(text), &must_wait), OK);
    assert_false(must_wait);
    spool->ops->commit(message, &envelope, on_done, &answer);
    assert_int_equal(answer.count, 0); /* never before the call returns */
    loop_turn(loop);
    loop_turn(loop);
    assert_int_equal(answer.count, 1);
    return answer.error;
}

struct heard {
    uint64_t ids[10];
    size_t count;
};

static void hear(void *owner, const struct envelope *envelope)
{
    struct heard *heard = owner;

    heard->ids[heard->count++] = envelope->id;
}

static bool walk(void *owner, const struct envelope *envelope)
{
    hear(owner, envelope);
    return true;
}

static void a_message_lives_from_commit_to_removal(void **state)
{
    struct heard heard = {0};
    struct answer answer = {0};
    struct envelope envelope;
    struct arena arena;
    uint64_t first;
    uint64_t second;
    char text[10];
    size_t len;

    (void)state;
    arena_init(&arena, 10000);
    assert_int_equal(accept_one("hello", &first), OK);
    spool->ops->listen(spool, loop, hear, &heard);
    assert_int_equal(heard.count, 0);
    assert_int_equal(accept_one("again", &second), OK);
    assert_int_equal(heard.count, 2);
    assert_true(heard.ids[0] == first && heard.ids[1] == second && first < second);
    assert_int_equal(spool->ops->read(spool, first, 1, text, sizeof(text), &len), OK);
    assert_true(len == 4 && memcmp(text, "ello", 4) == 0);
    assert_int_equal(spool->ops->read(spool, first, 5, text, sizeof(text), &len), OK);
    assert_int_equal(len, 0);
    assert_int_equal(spool->ops->read_envelope(spool, first, &arena, &envelope), OK);
    assert_int_equal(envelope.size_bytes, 5);
    envelope.attempts = 9;
    spool->ops->update(spool, &envelope, false, on_done, &answer);
    assert_int_equal(answer.count, 0);
    loop_turn(loop);
    assert_true(answer.count == 1 && answer.error == OK);
    assert_int_equal(spool->ops->read_envelope(spool, first, &arena, &envelope), OK);
    assert_int_equal(envelope.attempts, 9);
    spool->ops->update(spool, &envelope, true, on_done, &answer);
    loop_turn(loop);
    assert_true(answer.count == 2 && answer.error == OK);
    assert_int_equal(spool->ops->read(spool, first, 0, text, sizeof(text), &len), ERROR_NOT_FOUND);
    assert_int_equal(spool->ops->count(spool), 1);
    heard.count = 0;
    assert_int_equal(spool->ops->each(spool, 0, walk, &heard), OK);
    assert_true(heard.count == 1 && heard.ids[0] == second);
    arena_done(&arena);
}

static void it_fails_when_it_is_told_to(void **state)
{
    uint64_t id;

    (void)state;
    spool_memory_set_health(spool, SPOOL_FULL);
    assert_int_equal(accept_one("a", &id), ERROR_LIMIT);
    spool_memory_set_health(spool, SPOOL_READY);
    spool_memory_fail_commits(spool, ERROR_TEMPORARY);
    assert_int_equal(accept_one("a", &id), ERROR_TEMPORARY);
    assert_int_equal(spool->ops->count(spool), 0);
    spool_memory_fail_commits(spool, OK);
    assert_int_equal(accept_one("a", &id), OK);
}

static void leaving_in_the_middle_leaks_nothing(void **state)
{
    struct envelope envelope = {0};
    struct answer answer = {0};
    struct spool_message *message = spool->ops->begin(spool, loop);

    (void)state;
    spool->ops->abort(message);
    message = spool->ops->begin(spool, loop);
    spool->ops->commit(message, &envelope, on_done, &answer);
    spool->ops->commit_forget(message);
    message = spool->ops->begin(spool, loop);
    spool->ops->commit(message, &envelope, on_done, &answer);
    spool->ops->close(spool); /* with both answers under way */
    loop_turn(loop);
    assert_int_equal(answer.count, 1);
    spool = spool_memory_new(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_message_lives_from_commit_to_removal),
        TEST(it_fails_when_it_is_told_to),
        TEST(leaving_in_the_middle_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
