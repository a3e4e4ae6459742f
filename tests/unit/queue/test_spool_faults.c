/* Torture: every call on which durability stands fails once, in every way it can; never OK without the
 * message, and the store comes back. */
/* fakes: spool_dir */
#include "fakes/fake_spool_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MESSAGES 6

/* Inline and in files by turns. */
static size_t size_of(size_t i)
{
    return i % 2 ? 40000 + i * 300000 : 3000;
}

struct outcome {
    uint64_t ids[MESSAGES];
    enum error errors[MESSAGES];
    size_t stored;
};

/* Call k fails: whichever message it was made for may not be answered OK, even where the disk forgave it. */
static void accept_all(struct spool_dir *dir, long k, struct outcome *out)
{
    out->stored = 0;
    for (size_t i = 0; i < MESSAGES; i++) {
        bool has_fired = spool_dir_calls() >= k;
        out->errors[i] = spool_dir_accept(dir, size_of(i), "a@b", &out->ids[i]);
        assert_true(out->errors[i] == OK || out->errors[i] == ERROR_TEMPORARY ||
                    out->errors[i] == ERROR_LIMIT);
        out->stored += out->errors[i] == OK;
        assert_true(has_fired || spool_dir_calls() < k || out->errors[i] != OK);
        if (out->errors[i] == ERROR_LIMIT) /* it said so before it took anything */
            assert_int_not_equal(dir->spool->ops->health(dir->spool), SPOOL_READY);
        if (out->errors[i] == ERROR_LIMIT)
            spool_dir_wait_health(dir, SPOOL_READY);
    }
}

static bool count_one(void *owner, const struct envelope *envelope)
{
    (void)envelope;
    ++*(size_t *)owner;
    return true;
}

/* Each that was answered OK is there, whole; nothing else is. */
static void assert_exactly(struct spool_dir *dir, const struct outcome *outcome)
{
    size_t count = 0;

    for (size_t i = 0; i < MESSAGES; i++) {
        if (outcome->errors[i] == OK)
            assert_true(spool_dir_is_intact(dir, outcome->ids[i], size_of(i)));
    }
    assert_int_equal(dir->spool->ops->each(dir->spool, 0, count_one, &count), OK);
    assert_int_equal(count, outcome->stored);
    assert_int_equal(dir->spool->ops->count(dir->spool), outcome->stored);
}

static void torture_accepting(enum spool_fault fault)
{
    bool has_fired = true;

    for (long k = 1; has_fired; k++) {
        struct spool_dir dir;
        struct outcome outcome;
        spool_dir_new(&dir);
        spool_dir_fault(k, fault);
        accept_all(&dir, k, &outcome);
        has_fired = spool_dir_calls() >= k;
        spool_dir_fault(0, fault);
        spool_dir_wait_health(&dir, SPOOL_READY);
        if (!has_fired)
            assert_int_equal(outcome.stored, MESSAGES);
        assert_exactly(&dir, &outcome);
        assert_int_equal(spool_dir_accept(&dir, 100, "a@b", &outcome.ids[0]), OK); /* it works again */
        assert_int_equal(spool_dir_accept(&dir, 100000, "a@b", NULL), OK);
        outcome.stored += 2;
        spool_dir_close(&dir);
        spool_dir_open(&dir);
        outcome.errors[0] = ERROR_TEMPORARY;
        assert_exactly(&dir, &outcome);
        spool_dir_free(&dir);
    }
}

/* proves: R5 R6 contract-5 */
static void a_call_that_fails_never_gives_ok(void **state)
{
    (void)state;
    torture_accepting(SPOOL_FAULT_FAILS);
}

/* proves: R6 */
static void a_commit_that_lies_leaves_no_phantom(void **state)
{
    (void)state;
    torture_accepting(SPOOL_FAULT_LIES);
}

/* Failing for good: no OK at all from there on, and all that was OK before is there after the disk came back.
 */
/* proves: R6 */
static void a_dead_disk_takes_nothing_and_loses_nothing(void **state)
{
    (void)state;
    for (long k = 1; k < 12; k++) {
        struct spool_dir dir;
        struct outcome outcome = {0};
        spool_dir_new(&dir);
        spool_dir_fault(k, SPOOL_FAULT_STAYS);
        for (size_t i = 0; i < MESSAGES; i++) {
            bool is_dead = spool_dir_calls() >= k;
            outcome.errors[i] = spool_dir_accept(&dir, size_of(i), "a@b", &outcome.ids[i]);
            assert_false(is_dead && outcome.errors[i] == OK);
            outcome.stored += outcome.errors[i] == OK;
        }
        spool_dir_fault(0, SPOOL_FAULT_FAILS);
        spool_dir_wait_health(&dir, SPOOL_READY);
        assert_exactly(&dir, &outcome);
        spool_dir_free(&dir);
    }
}

/* An update or a removal that fails says so, keeps a message that can be read, and can be done again. */
/* proves: R6 R9 */
static void failing_updates_can_be_done_again(void **state)
{
    bool has_fired = true;

    (void)state;
    for (long k = 1; has_fired; k++) {
        struct spool_dir dir;
        struct envelope envelope;
        struct arena arena;
        uint64_t id;
        enum error error;
        spool_dir_new(&dir);
        spool_dir_listen(&dir);
        arena_init(&arena, 1 << 16);
        assert_int_equal(spool_dir_accept(&dir, 50000, "a@b", &id), OK);
        assert_int_equal(dir.spool->ops->read_envelope(dir.spool, id, &arena, &envelope), OK);
        envelope.attempts = 7;
        spool_dir_fault(k, k % 2 ? SPOOL_FAULT_FAILS : SPOOL_FAULT_LIES);
        for (int tries = 0; (error = spool_dir_update(&dir, &envelope, false)) != OK; tries++) {
            assert_int_equal(error, ERROR_TEMPORARY);
            assert_true(tries < 5);
            spool_dir_wait_health(&dir, SPOOL_READY);
            assert_true(spool_dir_is_intact(&dir, id, 50000));
        }
        for (int tries = 0; (error = spool_dir_update(&dir, &envelope, true)) != OK; tries++) {
            assert_int_equal(error, ERROR_TEMPORARY);
            assert_true(tries < 5);
            spool_dir_wait_health(&dir, SPOOL_READY);
        }
        has_fired = spool_dir_calls() >= k;
        spool_dir_fault(0, SPOOL_FAULT_FAILS);
        assert_int_equal(dir.spool->ops->count(dir.spool), 0);
        assert_int_equal(spool_dir_accept(&dir, 100, "a@b", NULL), OK);
        arena_done(&arena);
        spool_dir_free(&dir);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_that_fails_never_gives_ok),
        cmocka_unit_test(a_commit_that_lies_leaves_no_phantom),
        cmocka_unit_test(a_dead_disk_takes_nothing_and_loses_nothing),
        cmocka_unit_test(failing_updates_can_be_done_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
