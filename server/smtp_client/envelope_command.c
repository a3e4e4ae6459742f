#include "smtp_client/envelope_command.h"

#include "smtp_client/client_internal.h"

#include <inttypes.h>

static enum error append_parameter(struct buffer *out, const char *keyword, struct bytes value)
{
    return value.len ? buffer_printf(out, " %s=%.*s", keyword, BYTES_ARG(value)) : OK;
}

static struct bytes body_of(const struct smtp_transaction *transaction)
{
    if (transaction->is_binary)
        return BYTES_LITERAL("BINARYMIME");
    return transaction->is_8bit ? BYTES_LITERAL("8BITMIME") : (struct bytes){0};
}

enum error envelope_command_append_mail(const struct smtp_transaction *transaction, uint32_t offers,
                                        struct buffer *out)
{
    enum error error = buffer_printf(out, "MAIL FROM:<%.*s>", BYTES_ARG(transaction->sender));
    if (!error && (offers & HOP_SIZE))
        error = buffer_printf(out, " SIZE=%" PRIu64, transaction->size_bytes);
    if (!error)
        error = append_parameter(out, "BODY", body_of(transaction));
    if (!error && transaction_needs_utf8(transaction))
        error = buffer_append_text(out, " SMTPUTF8");
    if (!error && (offers & HOP_DSN))
        error = append_parameter(out, "RET", transaction->dsn_return);
    if (!error && (offers & HOP_DSN))
        error = append_parameter(out, "ENVID", transaction->envelope_id);
    if (!error && (offers & HOP_AUTH))
        error = append_parameter(out, "AUTH", transaction->auth);
    return error ? error : buffer_append_text(out, "\r\n");
}

enum error envelope_command_append_recipient(const struct smtp_transaction *transaction, size_t recipient,
                                             uint32_t offers, struct buffer *out)
{
    bool is_asked = transaction->dsn_requests && (offers & HOP_DSN);
    enum error error = buffer_printf(out, "RCPT TO:<%.*s>", BYTES_ARG(transaction->recipients[recipient]));
    if (!error && is_asked)
        error = append_parameter(out, "NOTIFY", transaction->dsn_requests[recipient].notify);
    if (!error && is_asked)
        error = append_parameter(out, "ORCPT", transaction->dsn_requests[recipient].original);
    return error ? error : buffer_append_text(out, "\r\n");
}
