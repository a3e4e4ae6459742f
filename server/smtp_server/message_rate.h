/* MessageRateLimit: how many messages a minute an address, an account, or each of both may begin. Counted
 * over all loops (base/sliding_window.h). Facts 1.3, 10.8. */
#ifndef SMTP_SERVER_MESSAGE_RATE_H
#define SMTP_SERVER_MESSAGE_RATE_H

#include "organization/receive_connector.h"

/* MessageRateSource. */
enum message_rate_source {
    MESSAGE_RATE_NONE,
    MESSAGE_RATE_ADDRESS,
    MESSAGE_RATE_USER,
    MESSAGE_RATE_ALL, /* the address and the account, each with the whole limit */
};

struct message_rate;

/* For all loops together. NULL without memory or randomness; freeing NULL is a no-op. */
struct message_rate *message_rate_new(void);
void message_rate_free(struct message_rate *rate);
/* Counts a message in; false: the connector's limit is reached (or the count cannot be kept). client: IPv6
 * counts per /64. user: the account's id (at most 16 bytes), empty for a session without one, which then is
 * counted by its address alone. Any thread. */
bool message_rate_take(struct message_rate *rate, const struct receive_connector *connector,
                       const struct ip_address *client, struct bytes user, uint64_t now_ms);

#endif
