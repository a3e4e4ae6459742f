#include "delivery/delivery_internal.h"

#include "base/event.h"
#include "queue/dsn.h"

#include <inttypes.h>
#include <stdlib.h>

#define REPORT_MAX (8u << 20)

/* A report on its way into the spool. */
struct bounce {
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

static bool has_any_failed(const struct message *message)
{
    for (size_t i = 0; i < message->envelope.recipient_count; i++) {
        if (has_failed(message, i))
            return true;
    }
    return false;
}

/* The message's envelope with the recipients that failed in this attempt. */
static enum error failed_part(const struct message *message, struct arena *arena, struct envelope *out)
{
    *out = message->envelope;
    out->recipient_count = 0;
    out->recipients = arena_array(arena, message->envelope.recipient_count, sizeof *out->recipients);
    for (size_t i = 0; out->recipients && i < message->envelope.recipient_count; i++) {
        if (has_failed(message, i))
            out->recipients[out->recipient_count++] = message->envelope.recipients[i];
    }
    return out->recipients ? OK : ERROR_LIMIT;
}

static void finish(struct bounce *bounce, enum error error)
{
    struct message *message = bounce->message;
    arena_done(&bounce->arena);
    free(bounce);
    message_settle(message, error);
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
    struct envelope failed;
    struct message *message = bounce->message;
    struct spool *spool = message->delivery->config.spool;
    struct buffer header, report;
    struct dsn_request request = {
        .envelope = &failed,
        .server_name = message->delivery->organization->server.fqdn,
        .id = spool->ops->message_id(bounce->spooled),
        .wall_ms = clock_wall_ms(message->delivery->config.clock),
    };
    buffer_init(&header, REPORT_MAX * 8);
    buffer_init(&report, REPORT_MAX);
    /* A message that cannot be read any more is reported all the same. */
    if (original_header(message, 0, &header) == OK)
        request.original_header = buffer_bytes(&header);
    enum error error = failed_part(message, &bounce->arena, &failed);
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

bool bounce_start(struct message *message)
{
    struct spool *spool = message->delivery->config.spool;
    if (!has_any_failed(message))
        return false;
    if (message->envelope.is_bounce || message->envelope.sender.len == 0) {
        event_say(EVENT_WARNING, "bounce.suppressed", "message %" PRIu64 " has no sender to be told",
                  message->id);
        return false;
    }
    struct bounce *bounce = calloc(1, sizeof *bounce);
    bool must_wait = false;
    if (bounce)
        bounce->spooled = spool->ops->begin(spool, message->delivery->config.loop);
    if (!bounce || !bounce->spooled) {
        free(bounce);
        message_settle(message, ERROR_TEMPORARY);
        return true;
    }
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
    return true;
}
