/* Why a message is not for a hop. Pure. */
#ifndef SMTP_CLIENT_OBSTACLE_H
#define SMTP_CLIENT_OBSTACLE_H

#include "smtp_client/client.h"

/* Its content is declared 8-bit or binary, and the hop does not take it so. */
bool hop_wants_seven_bit(uint32_t offers, const struct smtp_transaction *transaction);

/* The reply that all recipients fail with at a hop of these offers (enum hop_offer bits) and this SIZE (0: no
 * limit said); NULL: it may be sent. An address with control characters 553 5.1.3; an ENVID or
 * ORCPT that is no xtext 554 5.5.4; one above ASCII, or a
 * header block that is, without SMTPUTF8 553 5.6.7 (RFC 6531 3.2); over the hop's SIZE 552 5.3.4; 8-bit
 * content without 8BITMIME, binary content without CHUNKING and BINARYMIME, and lines that DATA would change
 * without CHUNKING 554 5.6.3. */
const char *hop_obstacle(uint32_t offers, uint64_t hop_size, const struct smtp_transaction *transaction);

#endif
