/* room: base */
/* A million keys of the rate limit: what they weigh, and what one check costs. */
#include "base/sliding_window.h"

#include <malloc.h>
#include <stdio.h>
#include <time.h>

#define KEYS  1000000u
#define LIMIT 5u

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* One message of every key, in an order that is none of memory. */
static double round_of(struct sliding_window *window, uint64_t now_ms, uint64_t *out_taken)
{
    static const struct siphash_key secret = {{5, 6}};
    double before = cpu_seconds();
    for (uint64_t i = 0; i < KEYS; i++) {
        uint64_t client[5] = {1, 2, 3, 4, i * 2654435761u % KEYS}; /* connector and address: 40 bytes */
        struct siphash key = siphash_of(&secret, (struct bytes){(const char *)client, sizeof client});
        *out_taken += sliding_window_take(window, &key, 1, LIMIT, now_ms);
    }
    return (cpu_seconds() - before) / KEYS * 1e9;
}

int main(void)
{
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    struct sliding_window *window = sliding_window_new();
    uint64_t taken = 0;
    for (uint64_t turn = 0; turn < LIMIT + 2; turn++) {
        double ns = round_of(window, 1000 + turn, &taken);
        size_t bytes = mallinfo2().uordblks + mallinfo2().hblkhd - before;
        printf("message %llu of each of %u keys: %.0f ns a check, %zu MiB\n", (unsigned long long)turn + 1,
               KEYS, ns, bytes >> 20);
    }
    sliding_window_free(window);
    return taken == (uint64_t)LIMIT * KEYS ? 0 : 1;
}
