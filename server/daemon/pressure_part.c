/* On the main loop: looks at disk, memory and queue every two seconds (facts 10.7) and tells the SMTP loops
 * how short they are. */
#include "base/event.h"
#include "base/metric.h"
#include "daemon/process_internal.h"
#include "daemon/resource.h"

#include <string.h>

#define LOOK_MS 2000

static enum error measure_disk(const struct process *process, uint64_t *out)
{
    return resource_disk_percent(process->config->server.state_dir, out);
}

static enum error measure_memory(const struct process *process, uint64_t *out)
{
    (void)process;
    return resource_memory_percent(out);
}

static enum error measure_queue(const struct process *process, uint64_t *out)
{
    *out = process->spool->ops->count(process->spool);
    return OK;
}

static const struct {
    const char *resource;
    size_t marks; /* in struct config */
    enum error (*measure)(const struct process *process, uint64_t *out);
} ROWS[PRESSURE_GAUGES] = {
    {"disk", offsetof(struct config, pressure.disk), measure_disk},
    {"memory", offsetof(struct config, pressure.memory), measure_memory},
    {"queue", offsetof(struct config, pressure.queue), measure_queue},
};

static struct metric *level_metric(void)
{
    return metric_register(METRIC_GAUGE, "dirrelay_pressure_level", "Back pressure: 0 low, 1 medium, 2 high",
                           "resource");
}

static void report(const struct pressure_gauge *gauge, enum pressure_level before)
{
    struct event event;
    metric_add_labeled(level_metric(), (int64_t)gauge->level - (int64_t)before, &gauge->resource);
    event_begin(&event, gauge->level > before ? EVENT_WARNING : EVENT_INFO, "pressure.changed");
    event_text(&event, "resource", gauge->resource);
    event_text(&event, "level", pressure_level_name(gauge->level));
    event_text(&event, "before", pressure_level_name(before));
    event_number(&event, "value", (int64_t)gauge->value);
    event_end(&event, true);
}

static void look(struct process *process)
{
    enum pressure_level worst = PRESSURE_LOW;
    for (size_t i = 0; i < PRESSURE_GAUGES; i++) {
        struct pressure_gauge *gauge = &process->admin.pressure[i];
        enum pressure_level before = gauge->level;
        if (ROWS[i].measure(process, &gauge->value) == OK) { /* else the level stays */
            gauge->level = pressure_next(before, &gauge->marks, gauge->value);
        }
        if (gauge->level != before) {
            report(gauge, before);
        }
        worst = gauge->level > worst ? gauge->level : worst;
    }
    receive_set_pressure(process->receive, worst);
}

static void on_look(struct loop_timer *timer)
{
    struct process *process = list_entry(timer, struct process, pressure_look);
    look(process);
    loop_timer_start(&process->pressure_look, LOOK_MS);
}

void pressure_part_start(struct process *process)
{
    for (size_t i = 0; i < PRESSURE_GAUGES; i++) {
        const char *config = (const char *)process->config;
        struct pressure_gauge *gauge = &process->admin.pressure[i];
        *gauge = (struct pressure_gauge){.resource = ROWS[i].resource};
        memcpy(&gauge->marks, config + ROWS[i].marks, sizeof gauge->marks);
        metric_add_labeled(level_metric(), 0, &gauge->resource);
    }
    loop_timer_init(&process->pressure_look, process->loop, on_look);
    on_look(&process->pressure_look);
}

void pressure_part_stop(struct process *process)
{
    loop_timer_stop(&process->pressure_look);
}
