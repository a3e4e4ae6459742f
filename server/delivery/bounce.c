#include "delivery/delivery_internal.h"

#include "base/event.h"
#include "queue/dsn.h"

#include <inttypes.h>
#include <stdlib.h>

#define REPORT_MAX (8u << 20)

static bool warning_start(struct message *message);

/* A report on its way into the spool. */
struct bounce {
    enum dsn_action action;
    struct message *message;
    struct spool_message *spooled;
    struct arena arena;
    struct envelope envelope;
};

static bool has_failed(const struct message *message, size_t recipient)
{
    return message->has_outcome[recipient] &&
           message->envelope.recipients[recipient].state == RECIPIENT_FAILED;
}

static bool is_delayed(const struct message *message, size_t recipient)
{
    const struct envelope_recipient *entry = &message->envelope.recipients[recipient];
    return entry->state == RECIPIENT_PENDING && envelope_recipient_wants(entry, NOTIFY_DELAY);
}

/* Is a report about this recipient owed after this attempt? */
static bool concerns(const struct message *message, enum dsn_action action, size_t recipient)
{
    return action == DSN_FAILED ? has_failed(message, recipient) : is_delayed(message, recipient);
}

static bool concerns_any(const struct message *message, enum dsn_action action)
{
    for (size_t i = 0; i < message->envelope.recipient_count; i++) {
        if (concerns(message, action, i))
            return true;
    }
    return false;
}

static bool has_sender(const struct message *message)
{
    return message->envelope.sender.len > 0 && !message->envelope.is_bounce;
}

/* Once a message. */
static bool is_warning_due(const struct message *message)
{
    const struct delivery_config *config = &message->delivery->config;
    return has_sender(message) && !message->is_replanned &&
           schedule_is_warning_due(&config->schedule, &message->envelope, clock_wall_ms(config->clock)) &&
           concerns_any(message, DSN_DELAYED);
}

/* The message's envelope with the recipients that the report is about. */
static enum error concerned_part(const struct bounce *bounce, struct arena *arena, struct envelope *out)
{
    const struct message *message = bounce->message;
    *out = message->envelope;
    out->recipient_count = 0;
    out->recipients = arena_array(arena, message->envelope.recipient_count, sizeof *out->recipients);
    for (size_t i = 0; out->recipients && i < message->envelope.recipient_count; i++) {
        if (concerns(message, bounce->action, i))
            out->recipients[out->recipient_count++] = message->envelope.recipients[i];
    }
    return out->recipients ? OK : ERROR_LIMIT;
}

/* A warning that cannot be made durable comes with a later attempt. */
static void finish(struct bounce *bounce, enum error error)
{
    struct message *message = bounce->message;
    bool is_warning = bounce->action == DSN_DELAYED;
    arena_done(&bounce->arena);
    free(bounce);
    if (is_warning && !error)
        message->envelope.delay_warned = true;
    if (error || is_warning || !warning_start(message))
        message_settle(message, is_warning ? OK : error);
}

static void on_committed(void *owner, enum error error)
{
    finish(owner, error);
}

static void commit(void *owner)
{
    struct bounce *bounce = owner;
    bounce->message->delivery->config.spool->ops->commit(bounce->spooled, &bounce->envelope, on_committed,
                                                         bounce);
}

/* Writes the report and its envelope. */
static enum error write_report(struct bounce *bounce, bool *out_must_wait)
{
    struct envelope part;
    struct message *message = bounce->message;
    struct spool *spool = message->delivery->config.spool;
    struct buffer header, report;
    struct dsn_request request = {
        .action = bounce->action,
        .envelope = &part,
        .server_name = message->delivery->organization->server.fqdn,
        .id = spool->ops->message_id(bounce->spooled),
        .wall_ms = clock_wall_ms(message->delivery->config.clock),
        .retry_until_ms = schedule_expiry(&message->delivery->config.schedule, message->envelope.arrived_ms),
    };
    buffer_init(&header, REPORT_MAX * 8);
    buffer_init(&report, REPORT_MAX);
    /* A message that cannot be read any more is reported all the same. */
    if (original_header(message, 0, &header) == OK)
        request.original_header = buffer_bytes(&header);
    enum error error = concerned_part(bounce, &bounce->arena, &part);
    if (!error)
        error = dsn_append_report(&report, &request);
    if (!error && !dsn_make_envelope(&request, &bounce->arena, &bounce->envelope))
        error = ERROR_NOT_FOUND;
    bounce->envelope.size_bytes = report.len;
    bounce->envelope.header_bytes = bytes_find_text(buffer_bytes(&report), "\r\n\r\n") + 4;
    if (!error)
        error = spool->ops->append(bounce->spooled, buffer_bytes(&report), out_must_wait);
    buffer_done(&header);
    buffer_done(&report);
    return error;
}

/* The message settles when the report is durable, or could not be made so. */
static void report_start(struct message *message, enum dsn_action action)
{
    struct spool *spool = message->delivery->config.spool;
    struct bounce *bounce = calloc(1, sizeof *bounce);
    bool must_wait = false;
    if (bounce && message->delivery->organization) /* who we are is known with the first one only */
        bounce->spooled = spool->ops->begin(spool, message->delivery->config.loop);
    if (!bounce || !bounce->spooled) {
        free(bounce);
        message_settle(message, action == DSN_FAILED ? ERROR_TEMPORARY : OK);
        return;
    }
    bounce->action = action;
    bounce->message = message;
    arena_init(&bounce->arena, ENVELOPE_BYTES_MAX);
    enum error error = write_report(bounce, &must_wait);
    if (error) {
        spool->ops->abort(bounce->spooled);
        finish(bounce, error);
    } else if (must_wait) {
        spool->ops->on_ready(bounce->spooled, commit, bounce);
    } else {
        commit(bounce);
    }
}

static bool warning_start(struct message *message)
{
    if (!is_warning_due(message))
        return false;
    message->is_changed = true; /* that the sender knows is stored */
    report_start(message, DSN_DELAYED);
    return true;
}

bool bounce_start(struct message *message)
{
    if (!concerns_any(message, DSN_FAILED))
        return warning_start(message);
    if (!has_sender(message)) {
        event_say(EVENT_WARNING, "bounce.suppressed", "message %" PRIu64 " has no sender to be told",
                  message->id);
        return false;
    }
    report_start(message, DSN_FAILED);
    return true;
}
