#include "daemon/endpoints.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int compare(const void *left, const void *right)
{
    const struct ip_endpoint *a = left, *b = right;
    int order = ip_compare(&a->address, &b->address);
    return order ? order : (a->port > b->port) - (a->port < b->port);
}

struct endpoint_set *endpoint_set_of(const struct organization *organization)
{
    size_t most = 0, count = 0;
    for (size_t i = 0; i < organization->receive_count; i++)
        most += organization->receive[i].binding_count;
    struct endpoint_set *set = malloc(sizeof *set + most * sizeof set->items[0]);
    if (!set)
        return NULL;
    for (size_t i = 0; i < organization->receive_count; i++) {
        const struct receive_connector *connector = &organization->receive[i];
        for (size_t b = 0; connector->is_enabled && b < connector->binding_count; b++)
            set->items[count++] = connector->bindings[b];
    }
    qsort(set->items, count, sizeof set->items[0], compare);
    set->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (set->count == 0 || compare(&set->items[set->count - 1], &set->items[i]) != 0)
            set->items[set->count++] = set->items[i];
    }
    return set;
}

bool endpoint_set_has(const struct endpoint_set *set, const struct ip_endpoint *endpoint)
{
    return set && set->count && bsearch(endpoint, set->items, set->count, sizeof set->items[0], compare);
}

void endpoint_set_remove(struct endpoint_set *set, size_t index)
{
    memmove(&set->items[index], &set->items[index + 1], (set->count - index - 1) * sizeof set->items[0]);
    set->count--;
}

/* Would one of our own sockets stand in the way of a socket without SO_REUSEPORT? */
static bool is_covered(const struct ip_endpoint *endpoint, const struct endpoint_set *ours)
{
    for (size_t i = 0; ours && i < ours->count; i++) {
        const struct ip_endpoint *item = &ours->items[i];
        if (item->port == endpoint->port && item->address.family == endpoint->address.family &&
            (ip_compare(&item->address, &endpoint->address) == 0 || ip_is_any(&item->address) ||
             ip_is_any(&endpoint->address)))
            return true;
    }
    return false;
}

static enum error bind_once(int descriptor, const struct ip_endpoint *endpoint, struct note *note)
{
    struct sockaddr_storage address;
    ip_to_sockaddr(endpoint, (struct sockaddr *)&address);
    int on = 1;
    /* Connections in TIME_WAIT do not count, a listener does. */
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (endpoint->address.family == IP_V6)
        setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0 && listen(descriptor, 1) == 0)
        return OK;
    char text[IP_ENDPOINT_TEXT_SIZE];
    int reason = errno;
    note_set(note, "%s: %s", ip_format_endpoint(endpoint, text), strerror(reason));
    return reason == EADDRINUSE ? ERROR_TEMPORARY : ERROR_IO;
}

enum error endpoint_probe(const struct ip_endpoint *endpoint, const struct endpoint_set *ours,
                          struct note *note)
{
    if (is_covered(endpoint, ours))
        return OK;
    int family = endpoint->address.family == IP_V6 ? AF_INET6 : AF_INET;
    int descriptor = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        note_set(note, "socket: %s", strerror(errno));
        return ERROR_IO;
    }
    enum error error = bind_once(descriptor, endpoint, note);
    close(descriptor);
    return error;
}
