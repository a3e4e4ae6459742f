#include "delivery/delivery_internal.h"

#include <stdlib.h>
#include <string.h>

#define FRONT_MAX (64u << 20)
#define REPLY_MAX 512

/* -- outcomes -- */

void recipient_set(struct message *message, size_t recipient, enum smtp_outcome outcome, struct bytes reply)
{
    static const enum recipient_state STATES[] = {
        [OUTCOME_DELIVERED] = RECIPIENT_DELIVERED,
        [OUTCOME_DEFERRED] = RECIPIENT_PENDING,
        [OUTCOME_FAILED] = RECIPIENT_FAILED,
    };
    struct envelope_recipient *entry = &message->envelope.recipients[recipient];
    entry->state = STATES[outcome];
    entry->reply = arena_copy(&message->arena, bytes_first(reply, REPLY_MAX));
    if (!entry->reply.ptr)
        entry->reply = (struct bytes){0};
    message->attempts[recipient].has_outcome = true;
    message->is_changed = true;
}

static void on_recipient(struct smtp_transaction *transaction, size_t index, enum smtp_outcome outcome,
                         struct bytes reply)
{
    struct transmission *transmission = list_entry(transaction, struct transmission, transaction);
    size_t recipient = transmission->recipients[index];
    recipient_set(transmission->message, recipient, outcome, reply);
    transmission->message->attempts[recipient].is_dsn_passed = transaction->is_dsn_passed;
}

static void finish(struct transmission *transmission, enum smtp_outcome outcome, struct bytes reply)
{
    struct message *message = transmission->message;
    for (size_t i = 0; i < transmission->count; i++)
        recipient_set(message, transmission->recipients[i], outcome, reply);
    transmission_free(transmission);
    message_transmission_done(message);
}

void transmission_defer(struct transmission *transmission, struct bytes reply)
{
    finish(transmission, OUTCOME_DEFERRED, reply);
}

void transmission_fail(struct transmission *transmission, struct bytes reply)
{
    finish(transmission, OUTCOME_FAILED, reply);
}

/* -- content: the filtered header, then what the spool holds behind it -- */

static enum error read_content(struct smtp_transaction *transaction, char *out, size_t size, size_t *out_len)
{
    struct transmission *transmission = list_entry(transaction, struct transmission, transaction);
    const struct message *message = transmission->message;
    struct bytes front = bytes_skip(buffer_bytes(&transmission->front), transmission->front_offset);
    if (front.len || transmission->spool_offset == message->envelope.size_bytes) {
        *out_len = front.len < size ? front.len : size;
        if (*out_len)
            memcpy(out, front.ptr, *out_len);
        transmission->front_offset += *out_len;
        return OK;
    }
    struct spool *spool = message->delivery->config.spool;
    enum error error = spool->ops->read(spool, message->id, transmission->spool_offset, out, size, out_len);
    if (!error)
        transmission->spool_offset += *out_len;
    return error;
}

static void rewind_content(struct smtp_transaction *transaction)
{
    struct transmission *transmission = list_entry(transaction, struct transmission, transaction);
    transmission->front_offset = 0;
    transmission->spool_offset = transmission->rest;
}

enum error transmission_start(struct transmission *transmission, enum identity peer)
{
    const struct send_connector *connector = transmission->hop->connector;
    const struct envelope *envelope = &transmission->message->envelope;
    struct smtp_transaction *transaction = &transmission->transaction;
    buffer_clear(&transmission->front); /* of a first try */
    enum error error =
        original_content(transmission->message, connector->fixed[peer].granted,
                         bytes_of_text(connector->fqdn), &transmission->front, &transmission->rest);
    transaction->size_bytes = envelope->size_bytes - transmission->rest + transmission->front.len;
    transaction->is_8bit = envelope->body == BODY_8BITMIME;
    transaction->is_binary = envelope->body == BODY_BINARYMIME;
    transaction->is_chunk_only = envelope->is_chunk_only;
    rewind_content(transaction);
    return error;
}

/* -- life -- */

static void on_done(struct smtp_transaction *transaction, bool can_reuse)
{
    struct transmission *transmission = list_entry(transaction, struct transmission, transaction);
    connection_transmission_done(transmission, can_reuse);
}

/* Values of RET and NOTIFY. */
static const struct bytes RETURN_TEXTS[] = {
    [RETURN_UNSAID] = {0},
    [RETURN_FULL] = BYTES_LITERAL("FULL"),
    [RETURN_HEADERS] = BYTES_LITERAL("HDRS"),
};

static const struct bytes NOTIFY_TEXTS[NOTIFY_ALL + 1] = {
    [NOTIFY_NEVER] = BYTES_LITERAL("NEVER"),
    [NOTIFY_SUCCESS] = BYTES_LITERAL("SUCCESS"),
    [NOTIFY_FAILURE] = BYTES_LITERAL("FAILURE"),
    [NOTIFY_DELAY] = BYTES_LITERAL("DELAY"),
    [NOTIFY_SUCCESS | NOTIFY_FAILURE] = BYTES_LITERAL("SUCCESS,FAILURE"),
    [NOTIFY_SUCCESS | NOTIFY_DELAY] = BYTES_LITERAL("SUCCESS,DELAY"),
    [NOTIFY_FAILURE | NOTIFY_DELAY] = BYTES_LITERAL("FAILURE,DELAY"),
    [NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY] = BYTES_LITERAL("SUCCESS,FAILURE,DELAY"),
};

struct transmission *transmission_new(struct message *message, struct hop *hop)
{
    struct transmission *transmission = calloc(1, sizeof *transmission);
    if (!transmission)
        return NULL;
    list_init(&transmission->link);
    buffer_init(&transmission->front, FRONT_MAX);
    transmission->message = message;
    transmission->hop = hop;
    hop->claim_count++;
    transmission->transaction = (struct smtp_transaction){
        .sender = message->envelope.sender,
        .recipients = transmission->addresses,
        .needs_utf8 = message->envelope.needs_utf8,
        .dsn_return = RETURN_TEXTS[message->envelope.dsn_return],
        .envelope_id = message->envelope.envelope_id,
        .auth = security_vouches(hop->connector) ? message->envelope.auth : (struct bytes){0},
        .dsn_requests = transmission->dsn_requests,
        .read = read_content,
        .rewind = rewind_content,
        .on_recipient = on_recipient,
        .on_done = on_done,
    };
    return transmission;
}

void transmission_add(struct transmission *transmission, size_t recipient)
{
    const struct envelope_recipient *entry = &transmission->message->envelope.recipients[recipient];
    transmission->addresses[transmission->count] = entry->address;
    transmission->dsn_requests[transmission->count] =
        (struct smtp_dsn_request){NOTIFY_TEXTS[entry->notify & NOTIFY_ALL], entry->original};
    transmission->recipients[transmission->count++] = recipient;
    transmission->transaction.recipient_count = transmission->count;
}

void transmission_free(struct transmission *transmission)
{
    buffer_done(&transmission->front);
    hop_unclaim(transmission->hop);
    free(transmission);
}
