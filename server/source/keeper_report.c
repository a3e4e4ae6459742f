#include "source/keeper_report.h"

#include "base/event.h"
#include "base/metric.h"

#include <string.h>

#define AGE_METRIC "dirrelay_organization_age_seconds"

static double age_seconds(void *owner)
{
    struct keeper_gauges *gauges = owner;
    int64_t confirmed_ms = atomic_load(&gauges->confirmed_wall_ms);
    if (atomic_load(&gauges->is_current) || confirmed_ms == 0)
        return 0;
    return (double)(clock_wall_ms(gauges->clock) - confirmed_ms) / 1000;
}

static struct metric *directory_up(void)
{
    return metric_register(METRIC_GAUGE, "dirrelay_directory_up", "1 while the directory answers", NULL);
}

void keeper_report_open(struct keeper_gauges *gauges)
{
    metric_set(directory_up(), 0);
    metric_register_callback(AGE_METRIC, "seconds since the directory confirmed the organization in force",
                             age_seconds, gauges);
}

void keeper_report_close(void)
{
    metric_unregister_callback(AGE_METRIC);
}

void keeper_report_directory(bool is_up, const char *why)
{
    struct event event;
    metric_set(directory_up(), is_up);
    event_begin(&event, is_up ? EVENT_INFO : EVENT_WARNING, is_up ? "directory.up" : "directory.down");
    event_text(&event, "why", is_up ? NULL : why);
    event_end(&event, true);
}

/* Both lists are sorted by DN and reason. */
static bool has_refusal(const struct organization *organization, const struct refusal *refusal)
{
    size_t low = 0, high = organization ? organization->refused_count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(organization->refused[middle].dn, refusal->dn);
        if (order == 0)
            order = strcmp(organization->refused[middle].why, refusal->why);
        if (order == 0)
            return organization->refused[middle].is_kept == refusal->is_kept;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

void keeper_report_organization(const struct organization *previous, const struct organization *now,
                                bool is_from_disk)
{
    struct event event;
    for (size_t i = 0; i < now->refused_count; i++) {
        if (has_refusal(previous, &now->refused[i]))
            continue;
        event_begin(&event, EVENT_WARNING, "org.refused");
        event_text(&event, "dn", now->refused[i].dn);
        event_text(&event, "why", now->refused[i].why);
        event_flag(&event, "kept", now->refused[i].is_kept);
        event_end(&event, true);
    }
    event_begin(&event, EVENT_INFO, "org.loaded");
    event_text(&event, "organization", now->name);
    event_text(&event, "server", now->server.name);
    event_number(&event, "generation", (int64_t)now->generation);
    event_text(&event, "from", is_from_disk ? "disk" : "directory");
    event_number(&event, "receive_connectors", (int64_t)now->receive_count);
    event_number(&event, "send_connectors", (int64_t)now->send_count);
    event_number(&event, "accepted_domains", (int64_t)now->domain_count);
    event_number(&event, "refused", (int64_t)now->refused_count);
    event_end(&event, true);
}
