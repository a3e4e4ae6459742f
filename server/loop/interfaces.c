#include "loop/interfaces.h"

#include <ifaddrs.h>
#include <stddef.h>

#include <sys/socket.h>

size_t interfaces_addresses(struct ip_address *out, size_t capacity)
{
    struct ifaddrs *list;
    size_t count = 0;
    if (getifaddrs(&list) != 0) {
        return 0;
    }
    for (const struct ifaddrs *entry = list; entry != NULL && count < capacity; entry = entry->ifa_next) {
        int family = entry->ifa_addr != NULL ? entry->ifa_addr->sa_family : AF_UNSPEC;
        if (family == AF_INET || family == AF_INET6) {
            out[count++] = ip_from_sockaddr(entry->ifa_addr).address;
        }
    }
    freeifaddrs(list);
    return count;
}
