#include "delivery/delivery_internal.h"

#include "base/event.h"
#include "policy/notice.h"
#include "policy/recipient.h"
#include "queue/dsn.h"

#include <inttypes.h>
#include <stdlib.h>

#define REPORT_MAX (8u << 20)
#define BODY_MAX   (1u << 20) /* RET=FULL of more gets the header block alone */

static bool report_next(struct message *message, enum dsn_action first);

/* A report on its way into the spool. */
struct bounce {
    enum dsn_action action;
    struct message *message;
    struct spool_message *spooled;
    struct arena arena;
    struct envelope envelope;
};

static const struct {
    enum recipient_state state;
    enum notify notify;
    bool is_of_attempt; /* the recipient came to this state just now */
    bool is_passed_on;  /* a hop that was told what the sender asks reports instead of us */
} CONCERNS[DSN_ACTION_COUNT] = {
    [DSN_FAILED] = {RECIPIENT_FAILED, NOTIFY_FAILURE, true, false},
    [DSN_RELAYED] = {RECIPIENT_DELIVERED, NOTIFY_SUCCESS, true, true},
    [DSN_DELAYED] = {RECIPIENT_PENDING, NOTIFY_DELAY, false, false},
};

/* Is a report about this recipient owed after this attempt? */
static bool concerns(const struct message *message, enum dsn_action action, size_t recipient)
{
    const struct envelope_recipient *entry = &message->envelope.recipients[recipient];
    const struct attempt *attempt = &message->attempts[recipient];
    return entry->state == CONCERNS[action].state &&
           (attempt->has_outcome || !CONCERNS[action].is_of_attempt) &&
           !(attempt->is_dsn_passed && CONCERNS[action].is_passed_on) &&
           envelope_recipient_wants(entry, CONCERNS[action].notify);
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
    return has_sender(message) && !message->is_replanned && message->delivery->organization &&
           notice_rules_for(message->delivery->organization, message->envelope.sender).may_warn &&
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

/* A failure is owed its report. A warning that cannot be made durable comes with a later attempt; one about
 * success was only asked for, and what was delivered stays so. */
static void go_on(struct message *message, enum dsn_action action, enum error error)
{
    if (action == DSN_DELAYED && !error)
        message->envelope.delay_warned = true;
    if (action == DSN_FAILED && error)
        message_settle(message, error);
    else if (!report_next(message, action + 1))
        message_settle(message, OK);
}

static void finish(struct bounce *bounce, enum error error)
{
    struct message *message = bounce->message;
    enum dsn_action action = bounce->action;
    arena_done(&bounce->arena);
    free(bounce);
    go_on(message, action, error);
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

/* RET=FULL asks for the whole message in reports of failure (RFC 3461 4.3). */
static void add_body(const struct bounce *bounce, struct buffer *body, struct dsn_request *request)
{
    if (bounce->action != DSN_FAILED || bounce->message->envelope.dsn_return != RETURN_FULL ||
        original_body(bounce->message, body))
        return;
    request->original_body = buffer_bytes(body);
    request->has_body = dsn_may_hold(request->original_body);
    if (!request->has_body)
        request->original_body = (struct bytes){0};
}

/* Postmaster, where the administrator wants to see failures of this kind; else nobody. */
static struct bytes copy_of(const struct bounce *bounce, const struct envelope *part, struct arena *arena)
{
    const struct organization *organization = bounce->message->delivery->organization;
    struct address postmaster;
    struct bytes rest;
    bool is_wanted = false;
    for (size_t i = 0; bounce->action == DSN_FAILED && i < part->recipient_count; i++) {
        char status[DSN_STATUS_SIZE];
        dsn_status_of(bounce->action, part->recipients[i].reply, status);
        is_wanted |= notice_is_copied(organization, bytes_of_text(status));
    }
    if (!is_wanted ||
        address_parse_path(BYTES_LITERAL("<postmaster>"), false, &postmaster, &rest) != ADDRESS_OK ||
        !recipient_resolve(organization, &postmaster, &postmaster))
        return (struct bytes){0};
    return arena_copy(arena, address_text(&postmaster));
}

/* Writes the report and its envelope. */
static enum error write_report(struct bounce *bounce, bool *out_must_wait)
{
    struct envelope part;
    struct message *message = bounce->message;
    struct spool *spool = message->delivery->config.spool;
    struct buffer header, body, report;
    const struct notice_rules rules =
        notice_rules_for(message->delivery->organization, message->envelope.sender);
    struct dsn_request request = {
        .action = bounce->action,
        .envelope = &part,
        .server_name = message->delivery->organization->server.fqdn,
        .reporting_name = rules.reporting_name,
        .id = spool->ops->message_id(bounce->spooled),
        .wall_ms = clock_wall_ms(message->delivery->config.clock),
        .retry_until_ms = schedule_expiry(&message->delivery->config.schedule, message->envelope.arrived_ms),
    };
    buffer_init(&header, REPORT_MAX * 8);
    buffer_init(&body, rules.body_bytes_max < BODY_MAX ? rules.body_bytes_max : BODY_MAX);
    buffer_init(&report, REPORT_MAX);
    /* A message that cannot be read any more is reported all the same. */
    if (original_header(message, 0, (struct bytes){0}, &header) == OK)
        request.original_header = buffer_bytes(&header);
    add_body(bounce, &body, &request);
    enum error error = concerned_part(bounce, &bounce->arena, &part);
    if (!error)
        error = dsn_append_report(&report, &request);
    if (!error)
        request.copy_to = copy_of(bounce, &part, &bounce->arena);
    if (!error && !dsn_make_envelope(&request, &bounce->arena, &bounce->envelope))
        error = ERROR_NOT_FOUND;
    bounce->envelope.size_bytes = report.len;
    bounce->envelope.header_bytes = bytes_find_text(buffer_bytes(&report), "\r\n\r\n") + 4;
    if (!error)
        error = spool->ops->append(bounce->spooled, buffer_bytes(&report), out_must_wait);
    buffer_done(&header);
    buffer_done(&body);
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
        go_on(message, action, ERROR_TEMPORARY);
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

/* Is one owed now? */
static bool is_due(const struct message *message, enum dsn_action action)
{
    return action == DSN_DELAYED ? is_warning_due(message)
                                 : has_sender(message) && concerns_any(message, action);
}

/* Starts the first report that is owed, from this action on; false: none is. */
static bool report_next(struct message *message, enum dsn_action first)
{
    for (enum dsn_action action = first; action < DSN_ACTION_COUNT; action++) {
        if (!is_due(message, action))
            continue;
        message->is_changed |= action == DSN_DELAYED; /* that the sender knows is stored */
        report_start(message, action);
        return true;
    }
    return false;
}

bool bounce_start(struct message *message)
{
    if (!has_sender(message) && concerns_any(message, DSN_FAILED)) {
        event_say(EVENT_WARNING, "bounce.suppressed", "message %" PRIu64 " has no sender to be told",
                  message->id);
    }
    return report_next(message, DSN_FAILED);
}
