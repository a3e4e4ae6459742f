/* The PROXY header, versions 1 and 2, by which a load balancer says who the client is. Pure. Spec: haproxy's
 * proxy-protocol.txt. */
#ifndef SMTP_SERVER_PROXY_HEADER_H
#define SMTP_SERVER_PROXY_HEADER_H

#include "base/ip.h"

#define PROXY_HEADER_MAX (16u + 4096) /* version 2 with more information elements than anybody sends */

struct proxy_header {
    bool has_addresses; /* false: LOCAL or UNKNOWN, the proxy speaks for itself */
    struct ip_endpoint source;
    struct ip_endpoint destination;
};

/* Reads the header that data begins with; *out_used is its length. ERROR_NOT_FOUND: not whole yet;
 * ERROR_PROTOCOL: none, longer than the protocol or PROXY_HEADER_MAX allows, or not of TCP. v4-mapped
 * addresses become IPv4. */
MUST_USE enum error proxy_header_parse(struct bytes data, struct proxy_header *out, size_t *out_used);

#endif
