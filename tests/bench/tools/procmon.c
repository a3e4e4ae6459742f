/* Watches the memory of all processes of a control group; prints the peaks as one JSON object.
 *
 *   procmon CGROUP       until SIGTERM
 *   procmon -1 CGROUP    once
 *
 * RSS counts a shared page once a process, PSS once in all: PSS is the honest figure for a server of many
 * processes. RSS is read every 200 ms, the costlier PSS every second. anon is private memory without the
 * pages of mapped files, which the kernel can take back. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SAMPLE_NS 200000000

struct memory {
    long rss_kb, pss_kb, anon_kb, processes;
};

static volatile sig_atomic_t is_stopping;

static void stop(int signal)
{
    (void)signal;
    is_stopping = 1;
}

static long rss_kb(int pid)
{
    char path[64];
    long size, pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    if (fscanf(file, "%ld %ld", &size, &pages) != 2)
        pages = 0;
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void add_rollup(int pid, struct memory *memory)
{
    char path[64], line[256];
    long value;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "Pss: %ld", &value) == 1)
            memory->pss_kb += value;
        else if (sscanf(line, "Anonymous: %ld", &value) == 1)
            memory->anon_kb += value;
    }
    fclose(file);
}

static int sample(const char *group, int with_pss, struct memory *out_memory)
{
    char path[512];
    int pid;
    struct memory memory = {0};
    snprintf(path, sizeof path, "%s/cgroup.procs", group);
    FILE *file = fopen(path, "r");
    if (!file)
        return -1;
    while (fscanf(file, "%d", &pid) == 1) {
        memory.processes++;
        memory.rss_kb += rss_kb(pid);
        if (with_pss)
            add_rollup(pid, &memory);
    }
    fclose(file);
    *out_memory = memory;
    return 0;
}

static void raise_to(long *peak, long value)
{
    if (value > *peak)
        *peak = value;
}

int main(int count, char **arguments)
{
    int is_once = count == 3 && strcmp(arguments[1], "-1") == 0;
    if (count != 2 + is_once)
        return 2;
    signal(SIGTERM, stop);
    struct memory peak = {0}, memory;
    int is_last = 0;
    for (int i = 0; !is_last; i++) {
        is_last = is_once || is_stopping;
        if (sample(arguments[count - 1], is_last || i % 5 == 0, &memory))
            break;
        raise_to(&peak.rss_kb, memory.rss_kb);
        raise_to(&peak.pss_kb, memory.pss_kb);
        raise_to(&peak.anon_kb, memory.anon_kb);
        raise_to(&peak.processes, memory.processes);
        if (!is_last)
            nanosleep(&(struct timespec){0, SAMPLE_NS}, NULL);
    }
    printf("{\"rss_kb\":%ld,\"pss_kb\":%ld,\"anon_kb\":%ld,\"procs\":%ld}\n", peak.rss_kb, peak.pss_kb,
           peak.anon_kb, peak.processes);
    return 0;
}
