#include "daemon/resource.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define GROUP_ROOT "/sys/fs/cgroup"

enum error resource_disk_percent(const char *path, uint64_t *out)
{
    struct statvfs system;
    if (statvfs(path, &system) != 0) {
        return ERROR_IO;
    }
    uint64_t used = system.f_blocks - system.f_bfree, all = used + system.f_bavail;
    *out = all > 0 ? used * 100 / all : 100;
    return OK;
}

/* "0::/system.slice/dirrelay.service" of /proc/self/cgroup; "" where there is none. */
static void read_group(char *out, size_t size)
{
    FILE *file = fopen("/proc/self/cgroup", "r");
    out[0] = '\0';
    for (char line[1024]; file != NULL && fgets(line, sizeof line, file) != NULL;) {
        if (strncmp(line, "0::", 3) == 0) {
            line[strcspn(line, "\n")] = '\0';
            (void)snprintf(out, size, "%s", line + 3);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

/* The limit of one group, or UINT64_MAX. */
static uint64_t group_limit(const char *group)
{
    char path[sizeof GROUP_ROOT + 1024 + 16];
    unsigned long long limit;
    (void)snprintf(path, sizeof path, GROUP_ROOT "%s/memory.max", group);
    FILE *file = fopen(path, "r");
    bool is_limited = file != NULL && fscanf(file, "%llu", &limit) == 1;
    if (file != NULL) {
        (void)fclose(file);
    }
    return is_limited ? limit : UINT64_MAX;
}

/* The smallest limit of the process' control group and of those around it, or the machine's memory. */
static uint64_t memory_allowed(void)
{
    uint64_t allowed = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    char group[1024];
    read_group(group, sizeof group);
    for (char *end = group + strlen(group); end != NULL; end = strrchr(group, '/')) {
        *end = '\0';
        uint64_t limit = group_limit(group);
        allowed = limit < allowed ? limit : allowed;
    }
    return allowed;
}

enum error resource_memory_percent(uint64_t *out)
{
    unsigned long long resident, shared;
    FILE *file = fopen("/proc/self/statm", "r");
    bool is_read = file != NULL && fscanf(file, "%*u %llu %llu", &resident, &shared) == 2;
    uint64_t allowed = memory_allowed();
    if (file != NULL) {
        (void)fclose(file);
    }
    if (!is_read || shared > resident || allowed == 0) {
        return ERROR_IO;
    }
    *out = (uint64_t)(resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE) * 100 / allowed;
    return OK;
}
