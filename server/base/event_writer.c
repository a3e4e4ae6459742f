#include "base/event_writer.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* Every thread owns a ring of whole lines: it alone moves the tail, the writer alone moves the head, so
 * neither needs a lock. Locks are taken to join, to leave, to sleep and to wake only. */

#define RING_SIZE (256u << 10)
/* The last part of a ring is for lines that must be kept. */
#define RING_FOR_DROPPABLE (RING_SIZE / 8 * 7)
/* After a write the writer naps this long, so that a busy program pays no wake-up a line and a batch is worth
 * it. */
#define NAP_MS 5
/* How long a line that must be kept waits for room, once in a stall. */
#define ROOM_WAIT_MS 1000
enum { RINGS_A_BATCH = 32 };
/* Interrupts a write that a stalled reader holds up; nobody here uses it for anything else. */
#define INTERRUPT SIGURG

struct ring {
    struct ring *next;
    _Alignas(64) _Atomic size_t tail; /* bytes ever put in */
    bool has_waited;                  /* the producer's: in this stall it waits no more */
    size_t stalled_head;              /* the producer's: where the head stood then */
    _Alignas(64) _Atomic size_t head; /* bytes ever written */
    atomic_bool is_orphan;            /* its thread has ended */
    char bytes[RING_SIZE];
};

/* What the writer does between two batches. */
enum rest {
    REST_NONE,
    REST_NAP,   /* for NAP_MS, or until a ring is half full */
    REST_SLEEP, /* until the next line */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_cond_t work_came;
static pthread_cond_t room_came;
static pthread_cond_t writer_ended;
static pthread_key_t ring_key;
static _Thread_local struct ring *own_ring;

/* Guarded by mutex. */
static struct ring *rings;
static bool is_stopping;
static bool has_ended;

static pthread_t writer;
static int writer_descriptor = STDERR_FILENO;
static atomic_bool is_started;
static atomic_int writer_rest;  /* an enum rest */
static atomic_bool is_given_up; /* the writer drops what it can not write */
static atomic_int room_waiters;
static atomic_int format_in_force = EVENT_JSON;
static atomic_int level_in_force = EVENT_INFO;
static _Atomic uint64_t dropped;

enum event_format event_writer_format(void)
{
    return (enum event_format)atomic_load_explicit(&format_in_force, memory_order_relaxed);
}

enum event_level event_writer_level(void)
{
    return (enum event_level)atomic_load_explicit(&level_in_force, memory_order_relaxed);
}

uint64_t event_dropped(void)
{
    return atomic_load(&dropped);
}

static void on_thread_end(void *argument)
{
    struct ring *ring = argument;
    own_ring = NULL;
    atomic_store(&ring->is_orphan, true);
}

static void initialize_once(void)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&work_came, &attributes);
    pthread_cond_init(&room_came, &attributes);
    pthread_cond_init(&writer_ended, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_key_create(&ring_key, on_thread_end) != 0) {
        abort();
    }
}

static struct timespec monotonic_in(uint64_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += (time_t)(ms / 1000);
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* The calling thread's ring, NULL without memory. */
static struct ring *ring_of_thread(void)
{
    if (own_ring == NULL) {
        struct ring *ring = aligned_alloc(64, sizeof *ring);
        if (ring == NULL) {
            return NULL;
        }
        memset(ring, 0, offsetof(struct ring, bytes));
        pthread_setspecific(ring_key, ring);
        pthread_mutex_lock(&mutex);
        ring->next = rings;
        rings = ring;
        pthread_mutex_unlock(&mutex);
        own_ring = ring;
    }
    return own_ring;
}

static size_t ring_free(const struct ring *ring)
{
    return RING_SIZE - (atomic_load_explicit(&ring->tail, memory_order_relaxed) -
                        atomic_load_explicit(&ring->head, memory_order_acquire));
}

static void wake_writer(const struct ring *ring)
{
    int rest = atomic_load(&writer_rest);
    if (rest == REST_SLEEP || (rest == REST_NAP && ring_free(ring) < RING_SIZE / 2)) {
        if (atomic_exchange(&writer_rest, REST_NONE) == REST_NONE) {
            return;
        }
        pthread_mutex_lock(&mutex);
        pthread_cond_signal(&work_came);
        pthread_mutex_unlock(&mutex);
    }
}

/* Waits at most once in a stall: a reader that has stopped delays mail, it does not stop it. */
static bool ring_wait_for_room(struct ring *ring, size_t len)
{
    size_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    if (ring->has_waited && ring->stalled_head == head) {
        return false;
    }
    struct timespec until = monotonic_in(ROOM_WAIT_MS);
    pthread_mutex_lock(&mutex);
    atomic_fetch_add(&room_waiters, 1);
    int result = 0;
    while (ring_free(ring) < len && result == 0) {
        result = pthread_cond_timedwait(&room_came, &mutex, &until);
    }
    atomic_fetch_sub(&room_waiters, 1);
    pthread_mutex_unlock(&mutex);
    ring->stalled_head = atomic_load_explicit(&ring->head, memory_order_acquire);
    ring->has_waited = ring_free(ring) < len;
    return !ring->has_waited;
}

static void ring_put(struct ring *ring, struct bytes line)
{
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    size_t start = tail % RING_SIZE;
    size_t first = line.len < RING_SIZE - start ? line.len : RING_SIZE - start;
    memcpy(ring->bytes + start, line.ptr, first);
    memcpy(ring->bytes, line.ptr + first, line.len - first);
    /* Sequentially consistent with writer_rest: either we see the writer asleep or it sees this line. */
    atomic_store(&ring->tail, tail + line.len);
}

void event_writer_put(struct bytes line, bool must_keep)
{
    if (!atomic_load(&is_started)) {
        ssize_t written = write(STDERR_FILENO, line.ptr, line.len);
        (void)written;
        return;
    }
    struct ring *ring = ring_of_thread();
    size_t kept_free = must_keep ? 0 : RING_SIZE - RING_FOR_DROPPABLE;
    if (ring == NULL ||
        (ring_free(ring) < line.len + kept_free && !(must_keep && ring_wait_for_room(ring, line.len)))) {
        atomic_fetch_add(&dropped, 1);
        return;
    }
    ring_put(ring, line);
    wake_writer(ring);
}

/* What of one ring goes into a batch. */
struct share {
    struct ring *ring;
    size_t head;
    size_t tail;
};

/* Frees rings whose threads have ended and which are empty; collects the others that hold something. */
static size_t take_shares(struct share shares[RINGS_A_BATCH])
{
    size_t count = 0;
    pthread_mutex_lock(&mutex);
    for (struct ring **place = &rings; *place != NULL && count < RINGS_A_BATCH;) {
        struct ring *ring = *place;
        /* In this order: an orphan's tail is its last. */
        bool is_orphan = atomic_load(&ring->is_orphan);
        size_t head = atomic_load(&ring->head);
        size_t tail = atomic_load(&ring->tail);
        if (head != tail) {
            shares[count++] = (struct share){ring, head, tail};
        } else if (is_orphan) {
            *place = ring->next;
            free(ring);
            continue;
        }
        place = &ring->next;
    }
    pthread_mutex_unlock(&mutex);
    return count;
}

static void give_back(const struct share *shares, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        /* Sequentially consistent with room_waiters, as above. */
        atomic_store(&shares[i].ring->head, shares[i].tail);
    }
    if (atomic_load(&room_waiters) > 0) {
        pthread_mutex_lock(&mutex);
        pthread_cond_broadcast(&room_came);
        pthread_mutex_unlock(&mutex);
    }
}

static int share_to_parts(const struct share *share, struct iovec parts[2])
{
    size_t start = share->head % RING_SIZE;
    size_t len = share->tail - share->head;
    size_t first = len < RING_SIZE - start ? len : RING_SIZE - start;
    parts[0] = (struct iovec){share->ring->bytes + start, first};
    parts[1] = (struct iovec){share->ring->bytes, len - first};
    return len > first ? 2 : 1;
}

static uint64_t count_lines(const struct iovec *parts, int count)
{
    uint64_t lines = 0;
    for (int i = 0; i < count; i++) {
        const char *text = parts[i].iov_base;
        for (size_t k = 0; k < parts[i].iov_len; k++) {
            lines += text[k] == '\n';
        }
    }
    return lines;
}

/* What was written, or -1 when nothing of it will ever be. */
static ssize_t write_parts(const struct iovec *parts, int count)
{
    while (!atomic_load(&is_given_up)) {
        ssize_t written = writev(writer_descriptor, parts, count);
        if (written >= 0) {
            return written;
        }
        if (errno == EAGAIN) {
            struct pollfd wait = {.fd = writer_descriptor, .events = POLLOUT};
            poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            break; /* nobody reads any more, or the disk is full */
        }
    }
    return -1;
}

static void write_batch(const struct share *shares, size_t share_count)
{
    struct iovec parts[2 * RINGS_A_BATCH];
    int count = 0;
    for (size_t i = 0; i < share_count; i++) {
        count += share_to_parts(&shares[i], parts + count);
    }
    struct iovec *rest = parts;
    while (count > 0) {
        ssize_t written = write_parts(rest, count);
        if (written < 0 && (errno == EAGAIN || errno == EINTR)) {
            continue;
        }
        if (written < 0) {
            atomic_fetch_add(&dropped,
                             count_lines(rest, count)); /* nobody reads: closed, or the disk is full */
            break;
        }
        size_t left = (size_t)written;
        while (count > 0 && left >= rest->iov_len) {
            left -= rest->iov_len;
            rest++;
            count--;
        }
        if (count > 0) {
            rest->iov_base = (char *)rest->iov_base + left;
            rest->iov_len -= left;
        }
    }
    give_back(shares, share_count);
}

/* Rests until woken; false when the writer is to end. writer_rest was set before. */
static bool writer_wait(bool is_nap)
{
    struct timespec until = monotonic_in(NAP_MS);
    int result = 0;
    pthread_mutex_lock(&mutex);
    while (!is_stopping && result == 0 && atomic_load(&writer_rest) != REST_NONE) {
        result = is_nap ? pthread_cond_timedwait(&work_came, &mutex, &until)
                        : pthread_cond_wait(&work_came, &mutex);
    }
    bool goes_on = !is_stopping;
    pthread_mutex_unlock(&mutex);
    atomic_store(&writer_rest, REST_NONE);
    return goes_on;
}

/* Being called is all: a system call returns with EINTR. */
static void on_interrupt(int number)
{
    (void)number;
}

static void *writer_run(void *argument)
{
    (void)argument;
    pthread_setname_np(pthread_self(), "log");
    sigset_t others;
    sigfillset(&others); /* SIGPIPE among them */
    sigdelset(&others, INTERRUPT);
    pthread_sigmask(SIG_SETMASK, &others, NULL);
    struct share shares[RINGS_A_BATCH];
    bool is_last_look = false; /* what was put in before the stop is still written */
    for (;;) {
        /* Say so first, then look: a line put in after the look wakes us. */
        atomic_store(&writer_rest, REST_SLEEP);
        size_t count = take_shares(shares);
        if (count > 0) {
            atomic_store(&writer_rest, REST_NONE);
            write_batch(shares, count);
            atomic_store(&writer_rest, REST_NAP);
            writer_wait(true);
        } else if (is_last_look) {
            break;
        } else {
            is_last_look = !writer_wait(false);
        }
    }
    pthread_mutex_lock(&mutex);
    has_ended = true;
    pthread_cond_signal(&writer_ended);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

void event_set_level(enum event_level level)
{
    atomic_store(&level_in_force, (int)level);
}

enum error event_writer_start(int descriptor, enum event_format format, enum event_level level)
{
    assert(!atomic_load(&is_started));
    pthread_once(&once, initialize_once);
    writer_descriptor = descriptor;
    is_stopping = false;
    has_ended = false;
    atomic_store(&is_given_up, false);
    struct sigaction action = {.sa_handler = on_interrupt};
    if (sigaction(INTERRUPT, &action, NULL) != 0 || pthread_create(&writer, NULL, writer_run, NULL) != 0) {
        return ERROR_TEMPORARY;
    }
    atomic_store(&format_in_force, (int)format);
    atomic_store(&level_in_force, (int)level);
    atomic_store(&is_started, true);
    return OK;
}

void event_writer_stop(uint64_t timeout_ms)
{
    if (!atomic_exchange(&is_started, false)) {
        return;
    }
    struct timespec until = monotonic_in(timeout_ms);
    pthread_mutex_lock(&mutex);
    is_stopping = true;
    pthread_cond_signal(&work_came);
    int result = 0;
    while (!has_ended && result == 0) {
        result = pthread_cond_timedwait(&writer_ended, &mutex, &until);
    }
    atomic_store(&is_given_up, true);
    while (!has_ended) {
        /* Again and again: the first may come just before the system call. */
        pthread_kill(writer, INTERRUPT);
        until = monotonic_in(NAP_MS);
        pthread_cond_timedwait(&writer_ended, &mutex, &until);
    }
    pthread_mutex_unlock(&mutex);
    pthread_join(writer, NULL);
}
