/* Addresses, endpoints and ranges. One normal form: a v4-mapped IPv6 address is the IPv4 address, so that the
 * matching of connectors, the counting of sources and the log always mean the same host. */
#ifndef BASE_IP_H
#define BASE_IP_H

#include "base/bytes.h"

struct sockaddr;

enum ip_family { IP_NONE = 0, IP_V4 = 4, IP_V6 = 6 };

struct ip_address {
    enum ip_family family;
    uint8_t octets[16]; /* network order; the first 4 for IP_V4, the rest zero */
};

struct ip_endpoint {
    struct ip_address address;
    uint16_t port; /* host order */
};

/* Both ends belong to the range; low <= high, same family. */
struct ip_range {
    struct ip_address low;
    struct ip_address high;
};

#define IP_TEXT_SIZE          48 /* an address and a terminator */
#define IP_ENDPOINT_TEXT_SIZE 56

/* Dotted quad or RFC 4291 text, without brackets, zone or mask. ERROR_SYNTAX. */
MUST_USE enum error ip_parse_address(struct bytes text, struct ip_address *out);
/* "1.2.3.4:25", "[::1]:25"; the port 1-65535. ERROR_SYNTAX. */
MUST_USE enum error ip_parse_endpoint(struct bytes text, struct ip_endpoint *out);
/* "a", "a-b", "a/n" (host bits are allowed), "a(mask)"; IPv4 and IPv6. ERROR_SYNTAX with a note: reversed
 * range, mixed families, prefix too long, mask with holes, anything left over. Facts 7. */
MUST_USE enum error ip_parse_range(struct bytes text, struct ip_range *out, struct note *note);

/* "1.2.3.4", RFC 5952 text for IPv6. */
const char *ip_format_address(const struct ip_address *address, char out[IP_TEXT_SIZE]);
/* "1.2.3.4:25", "[::1]:25". */
const char *ip_format_endpoint(const struct ip_endpoint *endpoint, char out[IP_ENDPOINT_TEXT_SIZE]);
/* "a" when both ends are equal, else "a-b". */
const char *ip_format_range(const struct ip_range *range, char out[2 * IP_TEXT_SIZE]);

/* Family first, then by octets. */
int ip_compare(const struct ip_address *a, const struct ip_address *b);
bool ip_range_contains(const struct ip_range *range, const struct ip_address *address);
/* The family's 0.0.0.0 or ::. */
bool ip_is_any(const struct ip_address *address);
/* 127/8 and ::1. */
bool ip_is_loopback(const struct ip_address *address);
/* 169.254/16 and fe80::/10. */
bool ip_is_link_local(const struct ip_address *address);
/* Every address of the range is RFC 1918, 100.64/10, loopback, link-local or fc00::/7 (contract 3). */
bool ip_range_is_private(const struct ip_range *range);

/* From and to the socket interface; v4-mapped becomes v4. */
struct ip_endpoint ip_from_sockaddr(const struct sockaddr *socket_address);
/* out must be a struct sockaddr_storage. */
void ip_to_sockaddr(const struct ip_endpoint *endpoint, struct sockaddr *out);

#endif
