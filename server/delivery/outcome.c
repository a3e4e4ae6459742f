#include "delivery/delivery_internal.h"

#include "base/event.h"
#include "base/metric.h"

/* What an attempt came to, for the log and the metrics (contract 6). */

static struct {
    struct metric *delivered;
    struct metric *deferred;
    struct metric *seconds;
} metrics;

void outcome_metrics(void)
{
    metrics.delivered = metric_register(METRIC_COUNTER, "dirrelay_messages_delivered_total",
                                        "Attempts in which the next hop took a message.", NULL);
    metrics.deferred = metric_register(METRIC_COUNTER, "dirrelay_messages_deferred_total",
                                       "Attempts that left a recipient for later.", NULL);
    metrics.seconds = metric_register(METRIC_HISTOGRAM, "dirrelay_delivery_seconds",
                                      "From acceptance to the next hop's 250.", NULL);
}

static void log_recipient(const struct message *message, size_t index)
{
    static const struct {
        enum event_level level;
        const char *name;
    } EVENTS[] = {
        [RECIPIENT_PENDING] = {EVENT_INFO, "message.deferred"},
        [RECIPIENT_DELIVERED] = {EVENT_INFO, "message.delivered"},
        [RECIPIENT_FAILED] = {EVENT_WARNING, "message.bounced"},
    };
    const struct envelope *envelope = &message->envelope;
    const struct envelope_recipient *recipient = &envelope->recipients[index];
    char next[CLOCK_RFC3339_SIZE];
    struct event event;
    event_begin(&event, EVENTS[recipient->state].level, EVENTS[recipient->state].name);
    if (envelope->connector.len) { /* not on a bounce of ours */
        event_bytes(&event, "connector", envelope->connector);
        event_bytes(&event, "client", envelope->client);
    }
    event_number(&event, "id", (int64_t)message->id);
    event_bytes(&event, "message_id", envelope->message_id);
    event_bytes(&event, "sender", envelope->sender);
    event_bytes(&event, "recipient", recipient->address);
    event_bytes(&event, "hop", envelope->hop);
    event_bytes(&event, "reply", recipient->reply);
    event_number(&event, "attempts", envelope->attempts);
    if (recipient->state == RECIPIENT_PENDING) {
        clock_format_rfc3339(envelope->next_attempt_ms, next);
        event_text(&event, "next", next);
    }
    event_end(&event, true);
}

void outcome_log(const struct message *message)
{
    bool is_delivered = false, is_deferred = false;
    for (size_t i = 0; i < message->envelope.recipient_count; i++) {
        if (!message->attempts[i].has_outcome)
            continue;
        is_delivered |= message->envelope.recipients[i].state == RECIPIENT_DELIVERED;
        is_deferred |= message->envelope.recipients[i].state == RECIPIENT_PENDING;
        log_recipient(message, i);
    }
    metric_add(metrics.delivered, is_delivered);
    metric_add(metrics.deferred, is_deferred);
    if (is_delivered) {
        int64_t took_ms = clock_wall_ms(message->delivery->config.clock) - message->envelope.arrived_ms;
        metric_observe(metrics.seconds, (double)(took_ms > 0 ? took_ms : 0) / 1000);
    }
}
