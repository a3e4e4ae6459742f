#include "smtp_client/obstacle.h"

#include "base/utf8.h"
#include "smtp_client/client_internal.h"

/* A byte that ends a command would start another one: whatever an address went through, none leaves. */
static bool is_sendable(struct bytes address)
{
    for (size_t i = 0; i < address.len; i++) {
        unsigned char octet = (unsigned char)address.ptr[i];
        if (octet < ' ' || octet == 0x7f)
            return false;
    }
    return true;
}

/* Nor may one add a parameter. */
static bool is_value(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
            return false;
    }
    return true;
}

static bool are_dsn_requests_sendable(const struct smtp_transaction *transaction)
{
    bool is_sendable = is_value(transaction->envelope_id);
    for (size_t i = 0; transaction->dsn_requests && i < transaction->recipient_count && is_sendable; i++)
        is_sendable = is_value(transaction->dsn_requests[i].original);
    return is_sendable;
}

static bool are_recipients_sendable(const struct smtp_transaction *transaction)
{
    for (size_t i = 0; i < transaction->recipient_count; i++) {
        if (!is_sendable(transaction->recipients[i]) || transaction->recipients[i].len == 0)
            return false;
    }
    return true;
}

bool transaction_needs_chunk(const struct smtp_transaction *transaction)
{
    return transaction->is_binary || transaction->is_chunk_only;
}

bool transaction_needs_utf8(const struct smtp_transaction *transaction)
{
    bool needs_utf8 = transaction->needs_utf8 || !utf8_is_ascii(transaction->sender);
    for (size_t i = 0; i < transaction->recipient_count && !needs_utf8; i++)
        needs_utf8 = !utf8_is_ascii(transaction->recipients[i]);
    return needs_utf8;
}

static bool lacks_8bit(uint32_t offers, const struct smtp_transaction *transaction)
{
    return transaction->is_8bit && !(offers & HOP_8BITMIME);
}

static bool lacks_binary(uint32_t offers, const struct smtp_transaction *transaction)
{
    return transaction->is_binary && (~offers & (HOP_CHUNKING | HOP_BINARYMIME));
}

static bool lacks_chunks(uint32_t offers, const struct smtp_transaction *transaction)
{
    return transaction->is_chunk_only && !(offers & HOP_CHUNKING);
}

bool hop_wants_seven_bit(uint32_t offers, const struct smtp_transaction *transaction)
{
    bool is_wide = transaction->is_8bit || transaction->is_binary;
    return is_wide && (lacks_8bit(offers, transaction) || lacks_binary(offers, transaction) ||
                       lacks_chunks(offers, transaction));
}

const char *hop_obstacle(uint32_t offers, uint64_t hop_size, const struct smtp_transaction *transaction)
{
    if (!is_sendable(transaction->sender) || !are_recipients_sendable(transaction))
        return "553 5.1.3 An address holds what no SMTP command may hold";
    if ((offers & HOP_DSN) && !are_dsn_requests_sendable(transaction))
        return "554 5.5.4 ENVID or ORCPT holds what no SMTP parameter may hold";
    if (transaction_needs_utf8(transaction) && !(offers & HOP_SMTPUTF8))
        return "553 5.6.7 The next hop takes no UTF-8 in addresses and header fields";
    if ((offers & HOP_SIZE) && hop_size && transaction->size_bytes > hop_size)
        return "552 5.3.4 Message size exceeds fixed maximum message size of the next hop";
    if (lacks_8bit(offers, transaction))
        return "554 5.6.3 The next hop takes no 8-bit content";
    if (lacks_binary(offers, transaction))
        return "554 5.6.3 The next hop cannot be given binary content";
    if (lacks_chunks(offers, transaction))
        return "554 5.6.3 The next hop cannot be given line ends or long lines as they are in this message";
    return NULL;
}
