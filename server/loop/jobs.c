#include "loop/jobs.h"

#include "loop/loop_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct jobs {
    pthread_mutex_t mutex;
    pthread_cond_t work_came;
    struct list waiting;
    size_t unfinished_count; /* waiting and running */
    size_t unfinished_most;
    bool is_ending;
    char name[16];
    unsigned worker_count;
    pthread_t workers[];
};

static void job_on_mail(struct mail *mail)
{
    struct job *job = list_entry(mail, struct job, mail);
    loop_release(job->loop);
    job->done(job);
}

static void job_run(struct jobs *jobs, struct job *job)
{
    job->work(job);
    pthread_mutex_lock(&jobs->mutex);
    jobs->unfinished_count--;
    pthread_mutex_unlock(&jobs->mutex);
    /* Last: the job is its owner's again once the mail has run. The loop is held, so it is still there. */
    bool is_posted = mailbox_post(job->loop, &job->mail);
    assert(is_posted);
    (void)is_posted;
}

static void *jobs_worker(void *argument)
{
    struct jobs *jobs = argument;
    pthread_setname_np(pthread_self(), jobs->name);
    pthread_mutex_lock(&jobs->mutex);
    for (;;) {
        struct list *link = list_first(&jobs->waiting);
        if (link != NULL) {
            list_remove(link);
            pthread_mutex_unlock(&jobs->mutex);
            job_run(jobs, list_entry(link, struct job, link));
            pthread_mutex_lock(&jobs->mutex);
        } else if (jobs->is_ending) {
            break;
        } else {
            pthread_cond_wait(&jobs->work_came, &jobs->mutex);
        }
    }
    pthread_mutex_unlock(&jobs->mutex);
    return NULL;
}

enum error jobs_new(const char *name, unsigned workers, unsigned queue, struct jobs **out)
{
    struct jobs *jobs = calloc(1, sizeof(*jobs) + workers * sizeof(jobs->workers[0]));
    if (jobs == NULL) {
        return ERROR_TEMPORARY;
    }
    pthread_mutex_init(&jobs->mutex, NULL);
    pthread_cond_init(&jobs->work_came, NULL);
    list_init(&jobs->waiting);
    jobs->unfinished_most = (size_t)workers + queue;
    snprintf(jobs->name, sizeof jobs->name, "%s", name);
    while (jobs->worker_count < workers) {
        if (pthread_create(&jobs->workers[jobs->worker_count], NULL, jobs_worker, jobs) != 0) {
            jobs_free(jobs);
            return ERROR_TEMPORARY;
        }
        jobs->worker_count++;
    }
    *out = jobs;
    return OK;
}

enum error jobs_submit(struct jobs *jobs, struct loop *loop, struct job *job)
{
    pthread_mutex_lock(&jobs->mutex);
    bool is_full = jobs->unfinished_count >= jobs->unfinished_most;
    if (!is_full) {
        jobs->unfinished_count++;
        job->loop = loop;
        job->mail.on_mail = job_on_mail;
        loop_hold(loop);
        list_append(&jobs->waiting, &job->link);
        pthread_cond_signal(&jobs->work_came);
    }
    pthread_mutex_unlock(&jobs->mutex);
    return is_full ? ERROR_LIMIT : OK;
}

void jobs_free(struct jobs *jobs)
{
    if (jobs == NULL) {
        return;
    }
    pthread_mutex_lock(&jobs->mutex);
    jobs->is_ending = true;
    pthread_cond_broadcast(&jobs->work_came);
    pthread_mutex_unlock(&jobs->mutex);
    for (unsigned i = 0; i < jobs->worker_count; i++) {
        pthread_join(jobs->workers[i], NULL);
    }
    pthread_cond_destroy(&jobs->work_came);
    pthread_mutex_destroy(&jobs->mutex);
    free(jobs);
}
