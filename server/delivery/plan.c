#include "delivery/delivery_internal.h"

#include "base/utf8.h"
#include "policy/domain_security.h"
#include "policy/route.h"

/* Behind the last '@'; empty for an address without a domain. */
static struct bytes domain_of(struct bytes address)
{
    for (size_t i = address.len; i-- > 0;) {
        if (address.ptr[i] == '@')
            return bytes_skip(address, i + 1);
    }
    return (struct bytes){0};
}

#define ALTERNATIVES_MAX 8

/* The first hop that is not dead; all are: the first. A domain that does not exist needs no other hop. */
static struct hop *choose_hop(struct delivery *delivery, const struct send_connector *const *connectors,
                              size_t count, struct bytes domain, bool *out_has_alternative)
{
    struct hop *first = NULL;
    *out_has_alternative = false;
    for (size_t i = 0; i < count; i++) {
        bool is_smart = connectors[i]->smart_host_count > 0;
        struct hop *hop = hop_find(delivery, connectors[i], is_smart ? (struct bytes){0} : domain);
        if (hop && (!hop_is_dead(hop) || hop->is_hopeless)) {
            *out_has_alternative = count > 1;
            return hop;
        }
        first = first ? first : hop;
    }
    return first;
}

/* The connectors that may carry this domain and a message of this size, written over the list. */
static size_t drop_too_small(const struct send_connector **connectors, size_t count, uint64_t size_bytes)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!connectors[i]->max_message_bytes || size_bytes <= connectors[i]->max_message_bytes)
            connectors[kept++] = connectors[i];
    }
    return kept;
}

/* What the best connector sends by mutual TLS alone, none that stands in for it sends with less. */
static size_t drop_less_secure(const struct send_connector **connectors, size_t count,
                               const struct transport_settings *settings, struct bytes domain)
{
    size_t kept = 0;
    bool is_secure = count > 0 && domain_security_sends(connectors[0], settings, domain);
    for (size_t i = 0; i < count; i++) {
        if (!is_secure || domain_security_sends(connectors[i], settings, domain))
            connectors[kept++] = connectors[i];
    }
    return kept;
}

/* The transmission of this message over the hop that has room, made when there is none. Recipients whose
 * address needs SMTPUTF8 go apart: a hop without it must not keep the others from their mail. */
static struct transmission *open_transmission(struct message *message, struct hop *hop, bool is_ascii,
                                              struct list *planned)
{
    list_each(link, planned)
    {
        struct transmission *transmission = list_entry(link, struct transmission, link);
        if (transmission->hop == hop && transmission->count < RECIPIENTS_PER_TRANSMISSION &&
            utf8_is_ascii(transmission->addresses[0]) == is_ascii)
            return transmission;
    }
    struct transmission *transmission = transmission_new(message, hop);
    if (transmission)
        list_append(planned, &transmission->link);
    return transmission;
}

static void plan_recipient(struct message *message, size_t index, struct list *planned)
{
    const struct send_connector *connectors[ALTERNATIVES_MAX];
    struct delivery *delivery = message->delivery;
    struct bytes domain = domain_of(message->envelope.recipients[index].address);
    size_t count = route_alternatives(delivery->organization, domain, connectors, ALTERNATIVES_MAX);
    count = drop_less_secure(connectors, count, &delivery->organization->settings, domain);
    if (count == 0) {
        recipient_set(message, index, OUTCOME_DEFERRED,
                      BYTES_LITERAL("451 4.4.4 No send connector for this domain"));
        return;
    }
    count = drop_too_small(connectors, count, message->envelope.size_bytes);
    if (count == 0) {
        recipient_set(
            message, index, OUTCOME_FAILED,
            BYTES_LITERAL("552 5.3.4 Message size exceeds fixed maximum message size of the send connector"));
        return;
    }
    bool has_alternative;
    bool is_ascii = utf8_is_ascii(message->envelope.recipients[index].address);
    struct hop *hop = choose_hop(delivery, connectors, count, domain, &has_alternative);
    /* The name outlives the hop: it is stored with the message. */
    if (hop && !bytes_equal(message->envelope.hop, hop_name(hop)))
        message->envelope.hop = arena_copy(&message->arena, hop_name(hop));
    struct transmission *transmission = hop ? open_transmission(message, hop, is_ascii, planned) : NULL;
    if (transmission) {
        transmission_add(transmission, index);
        transmission->has_alternative |= has_alternative;
    } else
        recipient_set(message, index, OUTCOME_DEFERRED, BYTES_LITERAL("451 4.3.0 Out of memory"));
}

void plan_transmissions(struct message *message)
{
    struct list planned;
    list_init(&planned);
    for (size_t i = 0; i < message->envelope.recipient_count; i++) {
        if (message->envelope.recipients[i].state == RECIPIENT_PENDING)
            plan_recipient(message, i, &planned);
    }
    /* Counted first: a hop that is dead gives its transmission back at once. */
    list_each(link, &planned) message->transmissions_out++;
    message->transmissions_out++; /* ours, until all are queued */
    list_each_safe(link, &planned)
    {
        struct transmission *transmission = list_entry(link, struct transmission, link);
        list_remove(&transmission->link);
        hop_queue(transmission->hop, transmission);
    }
    message_transmission_done(message);
}
