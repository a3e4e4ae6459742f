#include "loop/jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

enum { WORKER_COUNT = 2, QUEUE_COUNT = 3 };

struct office {
    struct loop *loop;
    struct jobs *jobs;
    pthread_mutex_t gate; /* the workers wait at it */
    unsigned done_count;
    unsigned wanted_count;
    atomic_uint work_count;
};

struct office_job {
    struct job job;
    struct office *office;
    bool is_worked;
    bool is_done;
};

static void office_work(struct job *job)
{
    struct office_job *one = list_entry(job, struct office_job, job);
    assert_false(loop_is_current(one->office->loop));
    pthread_mutex_lock(&one->office->gate);
    pthread_mutex_unlock(&one->office->gate);
    one->is_worked = true;
    atomic_fetch_add(&one->office->work_count, 1);
}

static void office_done(struct job *job)
{
    struct office_job *one = list_entry(job, struct office_job, job);
    assert_true(loop_is_current(one->office->loop));
    assert_true(one->is_worked);
    assert_false(one->is_done);
    one->is_done = true;
    if (++one->office->done_count == one->office->wanted_count) {
        loop_end(one->office->loop);
    }
}

static void office_open(struct office *office)
{
    *office = (struct office){.loop = loop_new("test", NULL)};
    pthread_mutex_init(&office->gate, NULL);
    assert_int_equal(jobs_new("worker", WORKER_COUNT, QUEUE_COUNT, &office->jobs), OK);
}

static void office_close(struct office *office)
{
    jobs_free(office->jobs);
    loop_free(office->loop);
    pthread_mutex_destroy(&office->gate);
}

static void job_init(struct office_job *one, struct office *office)
{
    *one = (struct office_job){.job = {.work = office_work, .done = office_done}, .office = office};
}

static void test_a_full_pool_refuses(void **state)
{
    (void)state;
    struct office office;
    office_open(&office);
    struct office_job jobs[WORKER_COUNT + QUEUE_COUNT + 1];
    office.wanted_count = WORKER_COUNT + QUEUE_COUNT;
    pthread_mutex_lock(&office.gate);
    for (size_t i = 0; i < WORKER_COUNT + QUEUE_COUNT + 1; i++) {
        job_init(&jobs[i], &office);
        enum error expected = i < WORKER_COUNT + QUEUE_COUNT ? OK : ERROR_LIMIT;
        assert_int_equal(jobs_submit(office.jobs, office.loop, &jobs[i].job), expected);
    }
    pthread_mutex_unlock(&office.gate);
    loop_run(office.loop);
    for (size_t i = 0; i < WORKER_COUNT + QUEUE_COUNT; i++) {
        assert_true(jobs[i].is_done);
    }
    assert_false(jobs[WORKER_COUNT + QUEUE_COUNT].is_worked);
    office_close(&office);
}

static void test_an_ending_loop_waits_for_its_jobs(void **state)
{
    (void)state;
    struct office office;
    office_open(&office);
    struct office_job job;
    job_init(&job, &office);
    pthread_mutex_lock(&office.gate);
    assert_int_equal(jobs_submit(office.jobs, office.loop, &job.job), OK);
    loop_end(office.loop);
    loop_turn(office.loop);
    loop_turn(office.loop);
    assert_false(job.is_done);
    pthread_mutex_unlock(&office.gate);
    loop_run(office.loop);
    assert_true(job.is_done);
    office_close(&office);
}

static void test_freeing_the_pool_runs_what_waits(void **state)
{
    (void)state;
    struct office office;
    office_open(&office);
    struct office_job jobs[WORKER_COUNT + QUEUE_COUNT];
    for (size_t i = 0; i < WORKER_COUNT + QUEUE_COUNT; i++) {
        job_init(&jobs[i], &office);
        assert_int_equal(jobs_submit(office.jobs, office.loop, &jobs[i].job), OK);
    }
    jobs_free(office.jobs);
    office.jobs = NULL;
    assert_int_equal(atomic_load(&office.work_count), WORKER_COUNT + QUEUE_COUNT);
    office.wanted_count = WORKER_COUNT + QUEUE_COUNT;
    loop_run(office.loop);
    assert_int_equal(office.done_count, WORKER_COUNT + QUEUE_COUNT);
    office_close(&office);
}

static void again_done(struct job *job)
{
    struct office_job *one = list_entry(job, struct office_job, job);
    if (++one->office->done_count < 2000) {
        assert_int_equal(jobs_submit(one->office->jobs, one->office->loop, job), OK);
    } else if (one->office->done_count == 2000) {
        loop_end(one->office->loop);
    }
}

static void test_a_job_is_used_again_from_done(void **state)
{
    (void)state;
    struct office office;
    office_open(&office);
    struct office_job jobs[2];
    for (size_t i = 0; i < 2; i++) {
        job_init(&jobs[i], &office);
        jobs[i].job.done = again_done;
        assert_int_equal(jobs_submit(office.jobs, office.loop, &jobs[i].job), OK);
    }
    loop_run(office.loop);
    assert_true(office.done_count >= 2000);
    office_close(&office);
}

int main(void)
{
    alarm(120); /* the watchdog */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_pool_refuses),
        cmocka_unit_test(test_an_ending_loop_waits_for_its_jobs),
        cmocka_unit_test(test_freeing_the_pool_runs_what_waits),
        cmocka_unit_test(test_a_job_is_used_again_from_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
