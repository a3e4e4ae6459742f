/* Connections counted over all loops: per connector, per source, and the percentage of the free ones.
 * Sharded; no lock is held across a system call. */
#ifndef SMTP_SERVER_RATE_H
#define SMTP_SERVER_RATE_H

#include "organization/receive_connector.h"

struct connection_limits;

enum connection_verdict { CONNECTION_ADMITTED, CONNECTION_OVER_CONNECTOR, CONNECTION_OVER_SOURCE };

/* For all loops together. NULL without memory or randomness; freeing NULL is a no-op. */
struct connection_limits *connection_limits_new(void);
void connection_limits_free(struct connection_limits *limits);
/* Counts the connection in when it is admitted: MaxInboundConnection, MaxInboundConnectionPerSource (IPv6:
 * per /64) and the percentage of the free connections (contract 5: only with MaxInboundConnection, at least
 * 1). Any thread. */
enum connection_verdict connection_limits_enter(struct connection_limits *limits,
                                                const struct receive_connector *connector,
                                                const struct ip_address *source);
/* For each connection that was admitted, once, with the same two. Any thread. */
void connection_limits_leave(struct connection_limits *limits, const struct guid *connector,
                             const struct ip_address *source);
/* What counts as one source: an IPv4 address, an IPv6 /64. */
struct ip_address rate_source(const struct ip_address *address);
/* How many the connector has now. Any thread. */
size_t connection_limits_count(const struct connection_limits *limits, const struct guid *connector);

#endif
