#include "smtp_server/transaction.h"

#include <stdlib.h>

#define RECIPIENTS_AT_FIRST 4

struct transaction *transaction_new(const struct address *sender, const struct mail_parameters *parameters)
{
    struct transaction *transaction = calloc(1, sizeof *transaction);
    if (transaction == NULL) {
        return NULL;
    }
    transaction->sender = *sender;
    transaction->body = parameters->body;
    transaction->dsn_return = parameters->dsn_return;
    transaction->is_utf8 = parameters->is_utf8;
    transaction->is_declared_anonymous = parameters->is_auth_null;
    arena_init(&transaction->arena, ENVELOPE_BYTES_MAX);
    transaction->envelope_id = arena_copy(&transaction->arena, parameters->envelope_id);
    transaction->auth = arena_copy(&transaction->arena, parameters->auth);
    if (transaction->envelope_id.ptr == NULL || transaction->auth.ptr == NULL) {
        transaction_free(transaction);
        return NULL;
    }
    return transaction;
}

static void give_up_message(struct transaction *transaction)
{
    if (transaction->message == NULL) {
        return;
    }
    if (transaction->is_committing) {
        transaction->spool->ops->commit_forget(transaction->message);
    } else {
        transaction->spool->ops->abort(transaction->message);
    }
    transaction->message = NULL;
}

void transaction_free(struct transaction *transaction)
{
    if (transaction == NULL) {
        return;
    }
    give_up_message(transaction);
    filtering_free(transaction->filtering);
    account_unref(transaction->sender_owner);
    buffer_done(&transaction->header);
    arena_done(&transaction->arena);
    free(transaction->recipients);
    free(transaction);
}

static enum error grow_recipients(struct transaction *transaction)
{
    size_t capacity =
        transaction->recipient_capacity == 0 ? RECIPIENTS_AT_FIRST : 2 * transaction->recipient_capacity;
    if (capacity > ENVELOPE_BYTES_MAX / sizeof *transaction->recipients) {
        return ERROR_LIMIT;
    }
    struct envelope_recipient *recipients =
        realloc(transaction->recipients, capacity * sizeof *transaction->recipients);
    if (recipients == NULL) {
        return ERROR_TEMPORARY;
    }
    transaction->recipients = recipients;
    transaction->recipient_capacity = capacity;
    return OK;
}

enum error transaction_add_recipient(struct transaction *transaction, const struct address *recipient,
                                     const struct recipient_parameters *parameters)
{
    if (transaction->recipient_count == transaction->recipient_capacity) {
        enum error error = grow_recipients(transaction);
        if (error != OK) {
            return error;
        }
    }
    struct bytes text = arena_copy(&transaction->arena, address_text(recipient));
    struct bytes original = arena_copy(&transaction->arena, parameters->original);
    if (text.ptr == NULL || original.ptr == NULL) {
        return ERROR_LIMIT;
    }
    transaction->recipients[transaction->recipient_count++] = (struct envelope_recipient){
        .address = text, .state = RECIPIENT_PENDING, .notify = parameters->notify, .original = original};
    return OK;
}

bool transaction_begin_message(struct transaction *transaction, struct spool *spool, struct loop *loop)
{
    transaction->spool = spool;
    transaction->message = spool->ops->begin(spool, loop);
    if (transaction->message == NULL) {
        return false;
    }
    transaction->id = spool->ops->message_id(transaction->message);
    return true;
}

void transaction_refuse(struct transaction *transaction, enum reply reply, const struct decision *decision)
{
    if (transaction->phase == CONTENT_REFUSED) {
        return;
    }
    give_up_message(transaction);
    buffer_done(&transaction->header);
    transaction->phase = CONTENT_REFUSED;
    transaction->refusal = reply;
    transaction->has_decision = decision != NULL;
    if (decision != NULL) {
        transaction->decision = *decision;
    }
}
