#include "directory/watchdog.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct watchdog {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct timespec due;
    struct timespec wakes; /* when the thread looks by itself; it is armed for every few messages, and waking
                              it each time would cost more than reading them */
    bool is_asleep;        /* it does not look by itself */
    bool is_armed;
    bool has_bitten;
    bool has_given_up;
    bool is_ending;
    int descriptor; /* -1: none */
};

static bool is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static bool is_due(const struct watchdog *watchdog)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return !is_before(&now, &watchdog->due);
}

static void bite(struct watchdog *watchdog)
{
    if (watchdog->descriptor >= 0)
        shutdown(watchdog->descriptor, SHUT_RDWR);
}

static void *watch(void *owner)
{
    struct watchdog *watchdog = owner;
    pthread_setname_np(pthread_self(), "ldap-watchdog");
    pthread_mutex_lock(&watchdog->mutex);
    while (!watchdog->is_ending) {
        if (!watchdog->is_armed) {
            watchdog->is_asleep = true;
            pthread_cond_wait(&watchdog->changed, &watchdog->mutex);
            watchdog->is_asleep = false;
        } else if (!is_due(watchdog)) {
            watchdog->wakes = watchdog->due;
            pthread_cond_timedwait(&watchdog->changed, &watchdog->mutex, &watchdog->wakes);
        } else {
            watchdog->is_armed = false;
            watchdog->has_bitten = true;
            bite(watchdog);
        }
    }
    pthread_mutex_unlock(&watchdog->mutex);
    return NULL;
}

enum error watchdog_new(struct watchdog **out)
{
    struct watchdog *watchdog = calloc(1, sizeof *watchdog);
    if (!watchdog)
        return ERROR_TEMPORARY;
    watchdog->descriptor = -1;
    pthread_mutex_init(&watchdog->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&watchdog->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&watchdog->thread, NULL, watch, watchdog) != 0) {
        pthread_cond_destroy(&watchdog->changed);
        pthread_mutex_destroy(&watchdog->mutex);
        free(watchdog);
        return ERROR_TEMPORARY;
    }
    *out = watchdog;
    return OK;
}

void watchdog_free(struct watchdog *watchdog)
{
    if (!watchdog)
        return;
    pthread_mutex_lock(&watchdog->mutex);
    watchdog->is_ending = true;
    pthread_cond_signal(&watchdog->changed);
    pthread_mutex_unlock(&watchdog->mutex);
    pthread_join(watchdog->thread, NULL);
    if (watchdog->descriptor >= 0)
        close(watchdog->descriptor);
    pthread_cond_destroy(&watchdog->changed);
    pthread_mutex_destroy(&watchdog->mutex);
    free(watchdog);
}

void watchdog_guard(struct watchdog *watchdog, int descriptor)
{
    int copy = descriptor >= 0 ? fcntl(descriptor, F_DUPFD_CLOEXEC, 3) : -1;
    pthread_mutex_lock(&watchdog->mutex);
    if (watchdog->descriptor >= 0)
        close(watchdog->descriptor);
    watchdog->descriptor = copy;
    if (watchdog->has_bitten || watchdog->has_given_up)
        bite(watchdog);
    pthread_mutex_unlock(&watchdog->mutex);
}

void watchdog_arm(struct watchdog *watchdog, uint64_t delay_ms)
{
    pthread_mutex_lock(&watchdog->mutex);
    clock_gettime(CLOCK_MONOTONIC, &watchdog->due);
    watchdog->due.tv_sec += (time_t)(delay_ms / 1000);
    watchdog->due.tv_nsec += (long)(delay_ms % 1000) * 1000000;
    if (watchdog->due.tv_nsec >= 1000000000) {
        watchdog->due.tv_nsec -= 1000000000;
        watchdog->due.tv_sec++;
    }
    watchdog->is_armed = true;
    watchdog->has_bitten = false;
    if (watchdog->is_asleep || is_before(&watchdog->due, &watchdog->wakes))
        pthread_cond_signal(&watchdog->changed);
    pthread_mutex_unlock(&watchdog->mutex);
}

void watchdog_disarm(struct watchdog *watchdog)
{
    pthread_mutex_lock(&watchdog->mutex);
    watchdog->is_armed = false;
    pthread_mutex_unlock(&watchdog->mutex);
}

void watchdog_give_up(struct watchdog *watchdog)
{
    pthread_mutex_lock(&watchdog->mutex);
    watchdog->has_given_up = true;
    bite(watchdog);
    pthread_mutex_unlock(&watchdog->mutex);
}

bool watchdog_has_bitten(struct watchdog *watchdog)
{
    pthread_mutex_lock(&watchdog->mutex);
    bool has_bitten = watchdog->has_bitten;
    pthread_mutex_unlock(&watchdog->mutex);
    return has_bitten;
}
