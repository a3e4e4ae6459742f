#include "policy/exchangers.h"

#include <stdlib.h>
#include <string.h>

/* -- who is ourselves -- */

static bool is_same_name(const char *name, const char *own)
{
    return own != NULL && bytes_equal_nocase(bytes_of_text(name), bytes_of_text(own));
}

/* The names under which we answer: the server's, and what its connectors greet with. */
static bool is_own_name(const struct exchange_self *self, const char *name)
{
    const struct organization *organization = self->organization;
    if (is_same_name(name, organization->server.fqdn)) {
        return true;
    }
    for (size_t i = 0; i < organization->receive_count; i++) {
        const struct receive_connector *connector = &organization->receive[i];
        if (connector->is_enabled && is_same_name(name, connector->fqdn)) {
            return true;
        }
    }
    return false;
}

static bool is_of_this_machine(const struct exchange_self *self, const struct ip_address *address)
{
    for (size_t i = 0; i < self->address_count; i++) {
        if (ip_compare(&self->addresses[i], address) == 0) {
            return true;
        }
    }
    return false;
}

/* Does a binding of ours take connections to this address of the machine? */
static bool is_bound(const struct exchange_self *self, const struct ip_address *address)
{
    for (size_t i = 0; i < self->organization->receive_count; i++) {
        const struct receive_connector *connector = &self->organization->receive[i];
        for (size_t b = 0; connector->is_enabled && b < connector->binding_count; b++) {
            const struct ip_endpoint *binding = &connector->bindings[b];
            if (binding->port == self->port && binding->address.family == address->family &&
                (ip_is_any(&binding->address) || ip_compare(&binding->address, address) == 0)) {
                return true;
            }
        }
    }
    return false;
}

/* A strange zone has no business with what listens on our loopback, so all of it counts as ours. */
static bool is_own_address(const struct exchange_self *self, const struct ip_address *address)
{
    return ip_is_loopback(address) || ip_is_any(address) ||
           (is_of_this_machine(self, address) && is_bound(self, address));
}

static bool is_multicast(const struct ip_address *address)
{
    return address->family == IP_V4 ? address->octets[0] >= 224 : address->octets[0] == 0xff;
}

/* -- step 1 -- */

/* xorshift64*: the order needs no secret. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545F4914F6CDD1D);
}

static void shuffle(struct exchanger *list, size_t count, uint64_t seed)
{
    uint64_t state = seed | 1;
    for (size_t left = count; left > 1; left--) {
        size_t chosen = (size_t)((next_random(&state) >> 32) % left);
        struct exchanger last = list[left - 1];
        list[left - 1] = list[chosen];
        list[chosen] = last;
    }
}

/* Insertion keeps the shuffled order of alike ones. */
static void sort(struct exchanger *list, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct exchanger moved = list[i];
        size_t at = i;
        for (; at > 0 && list[at - 1].preference > moved.preference; at--) {
            list[at] = list[at - 1];
        }
        list[at] = moved;
    }
}

/* How many come before the first of this preference. */
static size_t count_better(const struct exchanger *list, size_t count, uint16_t preference)
{
    size_t better = 0;
    while (better < count && list[better].preference < preference) {
        better++;
    }
    return better;
}

static bool is_listed(const struct exchanger *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static size_t drop_doubles(struct exchanger *list, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        /* The root beside real hosts is no null MX (RFC 7505 3), and no host either. */
        if (list[i].name[0] != '\0' && !is_listed(list, kept, list[i].name)) {
            list[kept++] = list[i];
        }
    }
    return kept;
}

enum exchange_fate exchangers_order(struct exchanger *list, size_t *count, const char *domain,
                                    const struct exchange_self *self, uint64_t seed)
{
    if (*count == 0) {
        list[0] = (struct exchanger){.name = domain};
        *count = 1;
    }
    shuffle(list, *count, seed);
    sort(list, *count);
    *count = drop_doubles(list, *count);
    if (*count == 0) {
        return EXCHANGE_NULL_MX;
    }
    for (size_t i = 0; i < *count; i++) {
        if (is_own_name(self, list[i].name)) {
            *count = count_better(list, *count, list[i].preference);
        }
    }
    if (*count > EXCHANGERS_MAX) {
        *count = EXCHANGERS_MAX;
    }
    return *count > 0 ? EXCHANGE_HOSTS : EXCHANGE_LOOP;
}

/* -- step 2 -- */

static bool is_ours(const struct exchanger *exchanger, const struct exchange_self *self)
{
    for (size_t i = 0; i < exchanger->address_count; i++) {
        if (is_own_address(self, &exchanger->addresses[i])) {
            return true;
        }
    }
    return false;
}

static void add_targets(const struct exchanger *exchanger, size_t index, struct exchange_target *out,
                        size_t *count)
{
    size_t usable = exchanger->is_unknown ? 0 : exchanger->address_count;
    for (size_t i = 0; i < usable && *count < EXCHANGER_ADDRESSES_MAX; i++) {
        const struct ip_address *address = &exchanger->addresses[i];
        if (!ip_is_link_local(address) && !is_multicast(address)) {
            out[(*count)++] = (struct exchange_target){*address, exchanger->name, index};
        }
    }
}

enum exchange_fate exchangers_targets(const struct exchanger *list, size_t count,
                                      const struct exchange_self *self,
                                      struct exchange_target out[EXCHANGER_ADDRESSES_MAX], size_t *out_count)
{
    bool is_any_unknown = false;
    size_t kept = count;
    *out_count = 0;
    for (size_t i = 0; i < kept; i++) {
        if (is_ours(&list[i], self)) {
            kept = count_better(list, count, list[i].preference);
        }
    }
    for (size_t i = 0; i < kept; i++) {
        add_targets(&list[i], i, out, out_count);
        is_any_unknown |= list[i].is_unknown;
    }
    if (*out_count > 0) {
        return EXCHANGE_HOSTS;
    }
    if (is_any_unknown) {
        return EXCHANGE_UNKNOWN;
    }
    return kept < count ? EXCHANGE_LOOP : EXCHANGE_NO_HOST;
}
