/* The figures of a run. */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include <stdint.h>

struct load_figures {
    long done, ok, failed;                /* operations */
    long opened, dropped, connect_failed; /* sessions */
    long idle;
    int codes[600]; /* replies */
    char last_error[200];
};

extern struct load_figures figures;

/* Keeps the time that one operation took. */
void report_time(uint64_t time_us);

/* One JSON object on stdout. Sorts the times. */
void report_print(uint64_t begin_us, uint64_t finished_us);

#endif
