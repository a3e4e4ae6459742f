/* Addresses as numbers, for arithmetic on ranges. */
#ifndef ORGANIZATION_IP_NUMBER_H
#define ORGANIZATION_IP_NUMBER_H

#include "base/ip.h"

typedef unsigned __int128 ip_number;

/* The address as a number of its family: 32 bits for IPv4, 128 for IPv6. */
static inline ip_number ip_number_of(const struct ip_address *address)
{
    ip_number number = 0;
    for (int i = 0; i < (address->family == IP_V4 ? 4 : 16); i++) {
        number = number << 8 | address->octets[i];
    }
    return number;
}

/* The address of a family that has this number. */
static inline struct ip_address ip_number_to_address(ip_number number, enum ip_family family)
{
    struct ip_address address = {.family = family};
    for (int i = family == IP_V4 ? 3 : 15; i >= 0; i--) {
        address.octets[i] = (uint8_t)number;
        number >>= 8;
    }
    return address;
}

/* The highest address of a family. */
static inline ip_number ip_number_last(enum ip_family family)
{
    return family == IP_V4 ? (ip_number)UINT32_MAX : ~(ip_number)0;
}

/* How many addresses a range holds, less one, so that the whole of IPv6 has a number too. */
static inline ip_number ip_number_span(const struct ip_range *range)
{
    return ip_number_of(&range->high) - ip_number_of(&range->low);
}

#endif
