#include "delivery/delivery_internal.h"

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

/* The transmission of this message over the hop that has room, made when there is none. */
static struct transmission *open_transmission(struct message *message, struct hop *hop, struct list *planned)
{
    list_each(link, planned)
    {
        struct transmission *transmission = list_entry(link, struct transmission, link);
        if (transmission->hop == hop && transmission->count < RECIPIENTS_PER_TRANSMISSION)
            return transmission;
    }
    struct transmission *transmission = transmission_new(message, hop);
    if (transmission)
        list_append(planned, &transmission->link);
    return transmission;
}

static void plan_recipient(struct message *message, size_t index, struct list *planned)
{
    const struct send_connector *connector = NULL;
    struct delivery *delivery = message->delivery;
    struct bytes domain = domain_of(message->envelope.recipients[index].address);
    if (route_find(delivery->organization, domain, &connector, 1) == 0) {
        recipient_set(message, index, OUTCOME_DEFERRED,
                      BYTES_LITERAL("451 4.4.4 No send connector for this domain"));
        return;
    }
    if (connector->max_message_bytes && message->envelope.size_bytes > connector->max_message_bytes) {
        recipient_set(
            message, index, OUTCOME_FAILED,
            BYTES_LITERAL("552 5.3.4 Message size exceeds fixed maximum message size of the send connector"));
        return;
    }
    struct hop *hop = hop_find(delivery, connector, connector->smart_host_count ? (struct bytes){0} : domain);
    /* The name outlives the hop: it is stored with the message. */
    if (hop && !bytes_equal(message->envelope.hop, hop_name(hop)))
        message->envelope.hop = arena_copy(&message->arena, hop_name(hop));
    struct transmission *transmission = hop ? open_transmission(message, hop, planned) : NULL;
    if (transmission)
        transmission_add(transmission, index);
    else
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
