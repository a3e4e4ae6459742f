/* A transaction's MAIL and RCPT, with the parameters that the hop takes. Pure. */
#ifndef SMTP_CLIENT_ENVELOPE_COMMAND_H
#define SMTP_CLIENT_ENVELOPE_COMMAND_H

#include "smtp_client/client.h"

/* Appends the command with its line end. offers: enum hop_offer bits. What a parameter needs of the hop
 * beyond them is obstacle.h's to know. RET, ENVID, NOTIFY and ORCPT go as the sender gave them to a hop that
 * offers DSN, and to no other (RFC 3461 5.2.1, 5.2.2); AUTH to one that offers AUTH (RFC 4954 5). */
MUST_USE enum error envelope_command_append_mail(const struct smtp_transaction *transaction, uint32_t offers,
                                                 struct buffer *out);
MUST_USE enum error envelope_command_append_recipient(const struct smtp_transaction *transaction,
                                                      size_t recipient, uint32_t offers, struct buffer *out);

#endif
