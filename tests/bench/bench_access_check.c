/* room: security */
/* Times the DACL walk: a typical connector (30 ACEs, a token of 20 SIDs: under 1 us) and a large one (1,000
 * ACEs, 1,000 SIDs: under 100 us), both where every ACE has to be looked at, and counts allocations, of which
 * there must be none. cmake -B build-bench -G Ninja -DCMAKE_BUILD_TYPE=Release -DDIRRELAY_BENCH=ON ninja -C
 * build-bench bench_access_check && build-bench/bench_access_check Exit 1 when a figure is missed. */
#include "security/access_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS    9
#define SCENE_MAX 1000

struct scene {
    const char *name;
    size_t ace_count;
    size_t sid_count;
    unsigned walks; /* a round */
    double limit_us;
};

/* glibc's own, under the names it keeps for programs that count. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);

static unsigned long allocations;

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

static double now_us(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static struct sid user(uint32_t rid)
{
    return (struct sid){5, 5, {21, 3141592653, 2718281828, 1414213562, rid}};
}

/* Object ACEs over all rights, as connectors have them. None of the trustees is in the token: every ACE is
 * looked up and no right is ever decided, which is the worst case. */
static void fill(struct ace *aces, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum right right = (enum right)(i % (RIGHT_COUNT - 1));

        aces[i] = (struct ace){.type = i % 10 == 9 ? ACE_DENY_OBJECT : ACE_ALLOW_OBJECT,
                               .flags = ACE_FLAG_CONTAINER_INHERIT,
                               .mask = ACE_MASK_CONTROL_ACCESS,
                               .has_object_type = true,
                               .object_type = right_row(right)->guid,
                               .sid = user(100000 + (uint32_t)i)};
        if (i % 3 == 2)
            aces[i].sid = *sid_known((enum sid_known)(i % SID_KNOWN_COUNT));
    }
}

static struct token *make_token(size_t count)
{
    static struct sid sids[SCENE_MAX];

    for (size_t i = 0; i < count; i++)
        sids[i] = user(1000 + 17 * (uint32_t)i);
    return token_new(sids, NULL, count);
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

/* The median of some rounds, in microseconds a walk; true when it and the count of allocations hold. */
static bool measure(const struct scene *scene, const struct acl *dacl, const struct token *token)
{
    double rounds[ROUNDS];
    uint32_t seen = 0;
    unsigned long before = allocations;

    for (size_t round = 0; round < ROUNDS; round++) {
        double start = now_us();

        for (unsigned walk = 0; walk < scene->walks; walk++) {
            struct access_result result;

            access_check(dacl, token, &result);
            seen |= result.granted;
        }
        rounds[round] = (now_us() - start) / scene->walks;
    }
    qsort(rounds, ROUNDS, sizeof(rounds[0]), compare);
    before = allocations - before;
    printf(
        "%-8s %5zu ACEs %5zu SIDs  %7.3f us a walk (best %.3f), limit %.0f us; %lu allocations, granted %x\n",
        scene->name, scene->ace_count, scene->sid_count, rounds[ROUNDS / 2], rounds[0], scene->limit_us,
        before, (unsigned)seen);
    return rounds[ROUNDS / 2] < scene->limit_us && before == 0;
}

static bool run(const struct scene *scene)
{
    static struct ace aces[SCENE_MAX];
    struct acl dacl = {
        .state = ACL_PRESENT, .revision = ACL_REVISION_DS, .count = scene->ace_count, .aces = aces};
    struct token *token = make_token(scene->sid_count);
    bool is_good;

    if (!token)
        return false;
    fill(aces, scene->ace_count);
    is_good = measure(scene, &dacl, token);
    token_unref(token);
    return is_good;
}

int main(void)
{
    static const struct scene scenes[] = {
        {"typical", 30, 20, 200000, 1},
        {"large", 1000, 1000, 5000, 100},
    };
    bool is_good = true;

    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
        is_good = run(&scenes[i]) && is_good;
    puts(is_good ? "all figures held, no allocation" : "a figure was missed");
    return is_good ? 0 : 1;
}
