#include "load_report.h"

#include "load_options.h"

#include <stdio.h>
#include <stdlib.h>

struct load_figures figures;
static uint32_t *times_us;
static size_t times_count, times_max;

void report_time(uint64_t time_us)
{
    if (times_count == times_max) {
        times_max = times_max ? times_max * 2 : 65536;
        times_us = realloc(times_us, times_max * sizeof *times_us);
        if (!times_us)
            abort();
    }
    times_us[times_count++] = (uint32_t)time_us;
}

static int compare_times(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double percentile_ms(double part)
{
    return times_count ? times_us[(size_t)(part * (double)(times_count - 1) + 0.5)] / 1000.0 : 0;
}

void report_print(uint64_t begin_us, uint64_t finished_us)
{
    double seconds = (double)(finished_us - begin_us) / 1e6;
    if (times_count)
        qsort(times_us, times_count, sizeof *times_us, compare_times);
    printf("{\"ops\":%ld,\"ok\":%ld,\"failed\":%ld,\"seconds\":%.3f,\"ok_per_s\":%.1f,\"size\":%ld,"
           "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"connections\":%ld,\"dropped\":%ld,"
           "\"connect_failed\":%ld,\"held\":%ld,\"start_us\":%llu,\"codes\":{",
           figures.done, figures.ok, figures.failed, seconds, seconds > 0 ? (double)figures.ok / seconds : 0,
           options.size, percentile_ms(.5), percentile_ms(.99), percentile_ms(1), figures.opened,
           figures.dropped, figures.connect_failed, figures.idle, (unsigned long long)begin_us);
    const char *comma = "";
    for (int code = 0; code < 600; code++) {
        if (figures.codes[code]) {
            printf("%s\"%d\":%d", comma, code, figures.codes[code]);
            comma = ",";
        }
    }
    for (char *c = figures.last_error; *c; c++) {
        if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ')
            *c = ' ';
    }
    printf("},\"last_error\":\"%s\"}\n", figures.last_error);
}
