#include "lib/loop_witness.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS 5000000
/* No look counts for more: a longer one is the machine's. */
#define LOOK_NS_MAX (4 * (int64_t)LOOK_NS)

struct look {
    int64_t time_ns;
    int64_t worked_ns; /* processor time of the loop's thread */
    unsigned beats;
};

static struct {
    clockid_t loop_clock;
    int state; /* /proc/self/task/<loop>/syscall */
    atomic_uint beats;
    atomic_llong gap_ns;
} witness;

static int64_t read_clock_ns(clockid_t clock)
{
    struct timespec time = {0};
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000 + time.tv_nsec;
}

/* The loop's thread sleeps in a system call that is not its waiting for events. */
static bool is_blocked(void)
{
    char text[32] = {0};
    if (pread(witness.state, text, sizeof text - 1, 0) <= 0)
        abort();
    if (strncmp(text, "running", 7) == 0)
        return false;
    long call = strtol(text, NULL, 10);
    return call != SYS_epoll_wait && call != SYS_epoll_pwait;
}

static struct look look_now(void)
{
    return (struct look){read_clock_ns(CLOCK_MONOTONIC), read_clock_ns(witness.loop_clock),
                         atomic_load(&witness.beats)};
}

static int64_t at_most(int64_t value, int64_t most)
{
    return value < most ? value : most;
}

static void *watch(void *unused)
{
    struct look last = look_now();
    int64_t held_ns = 0;
    for (;;) {
        nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
        struct look now = look_now();
        int64_t held = is_blocked() ? now.time_ns - last.time_ns : now.worked_ns - last.worked_ns;
        held_ns = now.beats == last.beats ? held_ns + at_most(held, LOOK_NS_MAX) : 0;
        if (held_ns > atomic_load(&witness.gap_ns))
            atomic_store(&witness.gap_ns, held_ns);
        last = now;
    }
    return unused;
}

void loop_witness_start(void)
{
    pthread_t thread;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", gettid());
    witness.state = open(path, O_RDONLY | O_CLOEXEC);
    if (witness.state < 0 || sched_setaffinity(0, sizeof one, &one) != 0 ||
        pthread_getcpuclockid(pthread_self(), &witness.loop_clock) != 0 ||
        pthread_create(&thread, NULL, watch, NULL) != 0)
        abort();
    pthread_detach(thread);
}

void loop_witness_beat(void)
{
    atomic_fetch_add(&witness.beats, 1);
}

uint64_t loop_witness_take_gap_ms(void)
{
    return (uint64_t)atomic_exchange(&witness.gap_ns, 0) / 1000000;
}
