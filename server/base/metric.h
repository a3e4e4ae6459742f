/* Counters, gauges and histograms, written without locks from any thread and read by the HTTP page.
 * Contract 6 fixes the names; each is declared in the file that counts it. */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include "base/buffer.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric;

/* Finds or makes the metric; at start-up, any thread, the pointer lives for ever. name with the prefix
 * "dirrelay_". help is shown on the page. labels: up to three label names, blank separated, or NULL. name and
 * help are kept: static text. */
struct metric *metric_register(enum metric_kind kind, const char *name, const char *help, const char *labels);
/* Without labels. Lock-free. */
void metric_add(struct metric *metric, int64_t value);
void metric_set(struct metric *metric, int64_t value);
/* With label values, in the order registered. At most 10,000 series a metric; further ones are counted under
 * the label values "other". Lock-free once the series is known. */
void metric_add_labeled(struct metric *metric, int64_t value, const char *const *label_values);
/* A histogram takes seconds; buckets are fixed from 100 us to 60 s. */
void metric_observe(struct metric *metric, double seconds);
/* The sum over all series. */
int64_t metric_value(const struct metric *metric);
/* A gauge whose value is asked for when the page is made. Called on the thread of metric_write. */
void metric_register_callback(const char *name, const char *help, double (*value)(void *owner), void *owner);
void metric_unregister_callback(const char *name);
/* Appends the Prometheus text exposition of all metrics. */
MUST_USE enum error metric_write(struct buffer *out);

#endif
