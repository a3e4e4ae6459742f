#include "base/metric.h"

#include "base/utf8.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A thread always counts in the same one of these, so that loops do not share cache lines. */
enum { SHARD_COUNT = 16, LABEL_MAX = 3, SERIES_MAX = 10000, BUCKET_SLOTS = 1024 };
/* A label's value past this is cut: names in the directory have no ceiling of ours. */
#define LABEL_VALUE_MAX 256u

static const double bucket_seconds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                        0.1,    0.25,    0.5,    1,     2.5,    5,     10,   30,    60};
enum { BUCKET_COUNT = sizeof bucket_seconds / sizeof bucket_seconds[0] };

struct shard {
    _Alignas(64) _Atomic int64_t value; /* of a histogram: nanoseconds */
};

struct histogram_shard {
    _Alignas(64) _Atomic uint64_t counts[BUCKET_COUNT + 1]; /* the last: above all buckets */
};

/* One set of label values. Never freed, so that it is found without a lock. */
struct series {
    struct series *next;
    _Atomic int64_t value;
    uint64_t hash;
    char labels[]; /* as on the page: a="x",b="y" */
};

struct metric {
    struct metric *next;
    enum metric_kind kind;
    const char *name;
    const char *help;
    char label_names[LABEL_MAX][32];
    size_t label_count;
    struct shard shards[SHARD_COUNT];
    struct histogram_shard *histogram;      /* SHARD_COUNT of them */
    _Atomic(struct series *) *series_slots; /* BUCKET_SLOTS of them */
    size_t series_count;                    /* guarded by registry_mutex */
};

struct callback {
    struct callback *next;
    const char *name;
    const char *help;
    double (*value)(void *owner);
    void *owner;
};

static pthread_mutex_t registry_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct metric *registry;
static struct callback *callbacks;
static atomic_uint next_shard;
static _Thread_local unsigned own_shard; /* plus 1; 0: not chosen yet */

static unsigned shard_index(void)
{
    if (own_shard == 0) {
        own_shard = atomic_fetch_add(&next_shard, 1) % SHARD_COUNT + 1;
    }
    return own_shard - 1;
}

/* Metrics are made at start-up, where going on without memory helps nobody. */
static void *metric_memory(size_t count, size_t size)
{
    void *memory = aligned_alloc(64, (count * size + 63) / 64 * 64);
    if (memory == NULL) {
        abort();
    }
    return memset(memory, 0, count * size);
}

static void take_label_names(struct metric *metric, const char *labels)
{
    struct bytes rest = bytes_of_text(labels);
    struct bytes name;
    while (bytes_next(&rest, ' ', &name)) {
        assert(metric->label_count < LABEL_MAX && name.len < sizeof metric->label_names[0]);
        memcpy(metric->label_names[metric->label_count], name.ptr, name.len);
        metric->label_count++;
    }
}

static struct metric *metric_make(enum metric_kind kind, const char *name, const char *help,
                                  const char *labels)
{
    struct metric *metric = metric_memory(1, sizeof *metric);
    metric->kind = kind;
    metric->name = name;
    metric->help = help;
    if (kind == METRIC_HISTOGRAM) {
        metric->histogram = metric_memory(SHARD_COUNT, sizeof *metric->histogram);
    }
    if (labels != NULL) {
        take_label_names(metric, labels);
        metric->series_slots = metric_memory(BUCKET_SLOTS, sizeof *metric->series_slots);
    }
    return metric;
}

struct metric *metric_register(enum metric_kind kind, const char *name, const char *help, const char *labels)
{
    assert(kind != METRIC_HISTOGRAM || labels == NULL);
    pthread_mutex_lock(&registry_mutex);
    struct metric **place = &registry;
    while (*place != NULL && strcmp((*place)->name, name) != 0) {
        place = &(*place)->next;
    }
    if (*place == NULL) {
        *place = metric_make(kind, name, help, labels);
    }
    struct metric *metric = *place;
    pthread_mutex_unlock(&registry_mutex);
    assert(metric->kind == kind);
    return metric;
}

void metric_add(struct metric *metric, int64_t value)
{
    assert(metric->label_count == 0);
    /* A gauge may also be set, which needs one place. */
    unsigned shard = metric->kind == METRIC_COUNTER ? shard_index() : 0;
    atomic_fetch_add_explicit(&metric->shards[shard].value, value, memory_order_relaxed);
}

void metric_set(struct metric *metric, int64_t value)
{
    assert(metric->kind == METRIC_GAUGE && metric->label_count == 0);
    atomic_store_explicit(&metric->shards[0].value, value, memory_order_relaxed);
}

/* How many bytes, at most, stand for themselves at the beginning of the text: most label values do wholly. */
static size_t plain_length(struct bytes text, size_t most)
{
    size_t len = 0;
    while (len < text.len && len < most && text.ptr[len] >= 0x20 && text.ptr[len] < 0x7f &&
           text.ptr[len] != '\\' && text.ptr[len] != '"') {
        len++;
    }
    return len;
}

/* The value as the page has it. What no parser expects there, control characters and broken UTF-8, becomes
 * '?'. */
static size_t escape_label_value(const char *value, char *out)
{
    size_t len = 0;
    struct bytes rest = bytes_of_text(value);
    while (rest.len > 0 && len < LABEL_VALUE_MAX) {
        size_t plain = plain_length(rest, LABEL_VALUE_MAX - len);
        if (plain > 0) {
            memcpy(out + len, rest.ptr, plain);
            len += plain;
            rest = bytes_skip(rest, plain);
            continue;
        }
        uint32_t code_point;
        size_t taken = utf8_first(rest, &code_point);
        if (taken == 0 || code_point < 0x20 || code_point == 0x7f) {
            out[len++] = '?';
            taken = 1;
        } else {
            if (code_point == '\\' || code_point == '"') {
                out[len++] = '\\';
            }
            memcpy(out + len, rest.ptr, taken);
            len += taken;
        }
        rest = bytes_skip(rest, taken);
    }
    return len;
}

#define LABELS_SIZE (LABEL_MAX * (LABEL_VALUE_MAX + 48))

static size_t format_labels(const struct metric *metric, const char *const *values, char out[LABELS_SIZE])
{
    size_t len = 0;
    for (size_t i = 0; i < metric->label_count; i++) {
        size_t name_len = strlen(metric->label_names[i]);
        if (i > 0) {
            out[len++] = ',';
        }
        memcpy(out + len, metric->label_names[i], name_len);
        memcpy(out + len + name_len, "=\"", 2);
        len += name_len + 2;
        len += escape_label_value(values != NULL ? (values[i] != NULL ? values[i] : "") : "other", out + len);
        out[len++] = '"';
    }
    out[len] = '\0';
    return len;
}

static uint64_t hash_of(const char *text, size_t len)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    }
    return hash;
}

static struct series *series_find(struct metric *metric, const char *labels, uint64_t hash)
{
    struct series *series =
        atomic_load_explicit(&metric->series_slots[hash % BUCKET_SLOTS], memory_order_acquire);
    while (series != NULL && (series->hash != hash || strcmp(series->labels, labels) != 0)) {
        series = series->next;
    }
    return series;
}

/* NULL at the ceiling or without memory. The one for "other" always has its place. */
static struct series *series_make(struct metric *metric, const char *labels, size_t len, uint64_t hash,
                                  bool is_other)
{
    pthread_mutex_lock(&registry_mutex);
    struct series *series = series_find(metric, labels, hash);
    if (series == NULL && (is_other || metric->series_count < SERIES_MAX)) {
        series = calloc(1, sizeof(*series) + len + 1);
    }
    if (series != NULL && series->labels[0] == '\0') {
        _Atomic(struct series *) *slot = &metric->series_slots[hash % BUCKET_SLOTS];
        memcpy(series->labels, labels, len + 1);
        series->hash = hash;
        series->next = atomic_load_explicit(slot, memory_order_relaxed);
        atomic_store_explicit(slot, series, memory_order_release);
        metric->series_count++;
    }
    pthread_mutex_unlock(&registry_mutex);
    return series;
}

void metric_add_labeled(struct metric *metric, int64_t value, const char *const *label_values)
{
    assert(metric->label_count > 0);
    char labels[LABELS_SIZE];
    size_t len = format_labels(metric, label_values, labels);
    uint64_t hash = hash_of(labels, len);
    struct series *series = series_find(metric, labels, hash);
    if (series == NULL) {
        series = series_make(metric, labels, len, hash, false);
    }
    if (series == NULL) {
        len = format_labels(metric, NULL, labels);
        series = series_make(metric, labels, len, hash_of(labels, len), true);
    }
    if (series != NULL) {
        atomic_fetch_add_explicit(&series->value, value, memory_order_relaxed);
    }
}

void metric_observe(struct metric *metric, double seconds)
{
    assert(metric->kind == METRIC_HISTOGRAM);
    unsigned shard = shard_index();
    size_t bucket = 0;
    while (bucket < BUCKET_COUNT && seconds > bucket_seconds[bucket]) {
        bucket++;
    }
    atomic_fetch_add_explicit(&metric->histogram[shard].counts[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metric->shards[shard].value, (int64_t)(seconds * 1e9), memory_order_relaxed);
}

static int64_t shards_sum(const struct metric *metric)
{
    int64_t sum = 0;
    for (size_t i = 0; i < SHARD_COUNT; i++) {
        sum += atomic_load_explicit(&metric->shards[i].value, memory_order_relaxed);
    }
    return sum;
}

static uint64_t bucket_sum(const struct metric *metric, size_t bucket)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < SHARD_COUNT; i++) {
        sum += atomic_load_explicit(&metric->histogram[i].counts[bucket], memory_order_relaxed);
    }
    return sum;
}

int64_t metric_value(const struct metric *metric)
{
    if (metric->kind == METRIC_HISTOGRAM) {
        uint64_t count = 0;
        for (size_t i = 0; i <= BUCKET_COUNT; i++) {
            count += bucket_sum(metric, i);
        }
        return (int64_t)count;
    }
    int64_t sum = shards_sum(metric);
    for (size_t i = 0; metric->series_slots != NULL && i < BUCKET_SLOTS; i++) {
        const struct series *series = atomic_load_explicit(&metric->series_slots[i], memory_order_acquire);
        for (; series != NULL; series = series->next) {
            sum += atomic_load_explicit(&series->value, memory_order_relaxed);
        }
    }
    return sum;
}

void metric_register_callback(const char *name, const char *help, double (*value)(void *owner), void *owner)
{
    struct callback *callback = metric_memory(1, sizeof *callback);
    *callback = (struct callback){.name = name, .help = help, .value = value, .owner = owner};
    pthread_mutex_lock(&registry_mutex);
    callback->next = callbacks;
    callbacks = callback;
    pthread_mutex_unlock(&registry_mutex);
}

void metric_unregister_callback(const char *name)
{
    pthread_mutex_lock(&registry_mutex);
    for (struct callback **place = &callbacks; *place != NULL; place = &(*place)->next) {
        if (strcmp((*place)->name, name) == 0) {
            struct callback *gone = *place;
            *place = gone->next;
            free(gone);
            break;
        }
    }
    pthread_mutex_unlock(&registry_mutex);
}

static enum error write_head(struct buffer *out, const char *name, const char *help, const char *type)
{
    enum error error = buffer_printf(out, "# HELP %s ", name);
    for (const char *at = help; error == OK && *at != '\0'; at++) {
        error = *at == '\\'   ? buffer_append_text(out, "\\\\")
                : *at == '\n' ? buffer_append_text(out, "\\n")
                              : buffer_append_byte(out, *at);
    }
    return error == OK ? buffer_printf(out, "\n# TYPE %s %s\n", name, type) : error;
}

static enum error write_series(struct buffer *out, const struct metric *metric)
{
    enum error error = OK;
    for (size_t i = 0; i < BUCKET_SLOTS && error == OK; i++) {
        const struct series *series = atomic_load_explicit(&metric->series_slots[i], memory_order_acquire);
        for (; series != NULL && error == OK; series = series->next) {
            error = buffer_printf(out, "%s{%s} %lld\n", metric->name, series->labels,
                                  (long long)atomic_load_explicit(&series->value, memory_order_relaxed));
        }
    }
    return error;
}

static enum error write_histogram(struct buffer *out, const struct metric *metric)
{
    uint64_t count = 0;
    enum error error = OK;
    for (size_t i = 0; i < BUCKET_COUNT && error == OK; i++) {
        count += bucket_sum(metric, i);
        error = buffer_printf(out, "%s_bucket{le=\"%g\"} %llu\n", metric->name, bucket_seconds[i],
                              (unsigned long long)count);
    }
    count += bucket_sum(metric, BUCKET_COUNT);
    if (error == OK) {
        error = buffer_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.9g\n%s_count %llu\n", metric->name,
                              (unsigned long long)count, metric->name, (double)shards_sum(metric) / 1e9,
                              metric->name, (unsigned long long)count);
    }
    return error;
}

static enum error write_metric(struct buffer *out, const struct metric *metric)
{
    static const char *const kind_names[] = {"counter", "gauge", "histogram"};
    enum error error = write_head(out, metric->name, metric->help, kind_names[metric->kind]);
    if (error != OK) {
        return error;
    }
    if (metric->series_slots != NULL) {
        return write_series(out, metric);
    }
    if (metric->kind == METRIC_HISTOGRAM) {
        return write_histogram(out, metric);
    }
    return buffer_printf(out, "%s %lld\n", metric->name, (long long)shards_sum(metric));
}

enum error metric_write(struct buffer *out)
{
    enum error error = OK;
    pthread_mutex_lock(&registry_mutex);
    for (const struct metric *metric = registry; metric != NULL && error == OK; metric = metric->next) {
        error = write_metric(out, metric);
    }
    for (const struct callback *callback = callbacks; callback != NULL && error == OK;
         callback = callback->next) {
        error = write_head(out, callback->name, callback->help, "gauge");
        if (error == OK) {
            error = buffer_printf(out, "%s %.15g\n", callback->name, callback->value(callback->owner));
        }
    }
    pthread_mutex_unlock(&registry_mutex);
    return error;
}
