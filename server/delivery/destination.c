#include "delivery/destination.h"

#include "base/event.h"
#include "loop/interfaces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/random.h>

/* Happy path: the domain's policy, MX records, put into order, the addresses of all hosts at once, what hosts
 * in signed zones are known by, targets. Failures: the domain does not exist, takes no mail, leads back to
 * us, or has no address: permanent; the DNS does not answer, or what it says is forged, or the policy allows
 * none of the hosts: temporary. */

#define MACHINE_ADDRESSES_MAX 128
#define REPLY_SIZE            128

struct host_query {
    struct resolver_query query;
    struct destination_lookup *lookup;
    bool is_open;
    struct host_tlsa *tlsa; /* NULL: not asked for */
};

struct host_tlsa {
    struct tlsa_lookup lookup;
    struct host_query *host;
};

struct destination_lookup {
    struct destination *destination;
    struct resolver *resolver;
    const char *domain;
    bool asks_dane;
    bool is_patient;
    char patient_reply[REPLY_SIZE];
    struct sts_query sts_query;
    bool is_asking_sts;
    const struct sts_policy *policy; /* held; NULL: none */
    bool is_any_barred;              /* by it */
    struct resolver_mx_query mx;
    bool is_asking_mx;
    bool is_canceled;
    bool is_smart_host; /* named by the administrator, who may mend it: never permanent */
    struct exchanger list[RESOLVER_EXCHANGER_MAX];
    size_t count;
    struct host_query hosts[EXCHANGERS_MAX];
    size_t open_count; /* of the hosts */
    struct exchange_self self;
    struct ip_address machine[MACHINE_ADDRESSES_MAX];
};

/* The same words under a code that is no refusal. */
static struct bytes make_patient(struct destination_lookup *lookup, struct bytes reply)
{
    const size_t codes = sizeof "550 5.1.2";
    int len = snprintf(lookup->patient_reply, sizeof lookup->patient_reply, "451 4.4.3 %.*s",
                       BYTES_ARG(bytes_trim(bytes_skip(reply, codes))));
    return (struct bytes){lookup->patient_reply, (size_t)len};
}

static void answer(struct destination_lookup *lookup, bool is_permanent, struct bytes reply)
{
    struct destination *destination = lookup->destination;
    bool is_refusal = is_permanent && !lookup->is_patient && !lookup->is_smart_host;
    destination->is_permanent = is_refusal;
    destination->reply = is_permanent && !is_refusal ? make_patient(lookup, reply) : reply;
    destination->on_done(destination);
}

static void answer_fate(struct destination_lookup *lookup, enum exchange_fate fate)
{
    switch (fate) {
    case EXCHANGE_HOSTS:
        answer(lookup, false, (struct bytes){0});
        break;
    case EXCHANGE_NULL_MX:
        answer(lookup, true, BYTES_LITERAL("556 5.1.10 The domain does not accept mail (null MX)"));
        break;
    case EXCHANGE_LOOP:
        answer(lookup, true,
               BYTES_LITERAL("550 5.4.6 Routing loop: the domain's mail exchanger is this server"));
        break;
    case EXCHANGE_NO_HOST:
        answer(lookup, true, BYTES_LITERAL("550 5.4.4 The domain's mail exchangers have no usable address"));
        break;
    case EXCHANGE_UNKNOWN:
        answer(lookup, false,
               lookup->is_any_barred
                   ? BYTES_LITERAL("451 4.7.0 The domain's MTA-STS policy allows none of its mail exchangers")
                   : BYTES_LITERAL("451 4.4.3 The domain's mail exchangers cannot be looked up now"));
        break;
    }
}

static void answer_error(struct destination_lookup *lookup, enum error error)
{
    if (error == ERROR_NOT_FOUND)
        answer(lookup, true, BYTES_LITERAL("550 5.1.2 The domain does not exist"));
    else
        answer(lookup, false, BYTES_LITERAL("451 4.4.3 The domain cannot be looked up now"));
}

/* -- the hosts of a domain -- */

/* A host that DNSSEC knows is known better than by any policy (RFC 8461 2). */
static void apply_policy(struct destination_lookup *lookup)
{
    enum sts_mode mode = lookup->policy ? lookup->policy->mode : STS_MODE_NONE;
    for (size_t i = 0; i < lookup->count && mode != STS_MODE_NONE; i++) {
        const struct host_tlsa *tlsa = lookup->hosts[i].tlsa;
        struct exchanger *exchanger = &lookup->list[i];
        if ((tlsa && tlsa_found(&tlsa->lookup)) || sts_policy_allows(lookup->policy, exchanger->name))
            continue;
        bool is_barred = mode == STS_MODE_ENFORCE;
        event_say(EVENT_WARNING, "sts.failed", "%s: its policy does not allow the exchanger %s%s",
                  lookup->domain, exchanger->name, is_barred ? "" : "; it only tests");
        exchanger->is_unknown |= is_barred;
        lookup->is_any_barred |= is_barred;
    }
}

static void on_all_known(struct destination_lookup *lookup)
{
    struct destination *destination = lookup->destination;
    if (lookup->is_canceled) {
        answer_error(lookup, ERROR_CANCELED);
        return;
    }
    apply_policy(lookup);
    answer_fate(lookup, exchangers_targets(lookup->list, lookup->count, &lookup->self, destination->targets,
                                           &destination->count));
}

static void on_tlsa(struct tlsa_lookup *tlsa, enum error error)
{
    struct host_query *host = list_entry(tlsa, struct host_tlsa, lookup)->host;
    struct destination_lookup *lookup = host->lookup;
    struct dane *dane = tlsa_found(tlsa);
    if (error)
        lookup->list[host - lookup->hosts].is_unknown = true;
    if (dane) {
        dane->domain = lookup->domain;
        dane->expanded = lookup->mx.canonical[0] ? lookup->mx.canonical : NULL;
    }
    if (--lookup->open_count == 0)
        on_all_known(lookup);
}

static void ask_tlsa(struct host_query *host)
{
    struct destination_lookup *lookup = host->lookup;
    struct exchanger *exchanger = &lookup->list[host - lookup->hosts];
    if (!exchanger->address_count || !host->query.is_secure)
        return;
    host->tlsa = calloc(1, sizeof *host->tlsa);
    if (!host->tlsa)
        abort(); /* as the resolver */
    lookup->open_count++;
    host->tlsa->host = host;
    host->tlsa->lookup.on_done = on_tlsa;
    tlsa_find(&host->tlsa->lookup, lookup->resolver, exchanger->name, host->query.canonical,
              lookup->self.port);
}

/* A list of exchangers that anybody may have made vouches for none of them (RFC 7672 2.2.1). */
static void on_all_hosts(struct destination_lookup *lookup)
{
    bool asks = lookup->asks_dane && lookup->mx.is_secure && !lookup->is_canceled;
    for (size_t i = 0; asks && i < lookup->count; i++)
        ask_tlsa(&lookup->hosts[i]);
    if (lookup->open_count == 0)
        on_all_known(lookup);
}

static void on_host(struct resolver_query *query, enum error error)
{
    struct host_query *host = list_entry(query, struct host_query, query);
    struct destination_lookup *lookup = host->lookup;
    struct exchanger *exchanger = &lookup->list[host - lookup->hosts];
    host->is_open = false;
    exchanger->addresses = query->addresses;
    exchanger->address_count = error ? 0 : query->count;
    exchanger->is_unknown = error && error != ERROR_NOT_FOUND;
    if (--lookup->open_count == 0)
        on_all_hosts(lookup);
}

static void ask_hosts(struct destination_lookup *lookup)
{
    lookup->open_count = lookup->count;
    for (size_t i = 0; i < lookup->count; i++) {
        struct host_query *host = &lookup->hosts[i];
        host->lookup = lookup;
        host->is_open = true;
        host->query.on_done = on_host;
        resolver_addresses(lookup->resolver, lookup->list[i].name, &host->query);
    }
}

static uint64_t make_seed(const struct destination_lookup *lookup)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
        seed = (uintptr_t)lookup; /* spreading the load is no secret */
    return seed;
}

static void on_exchangers(struct resolver_mx_query *mx, enum error error)
{
    struct destination_lookup *lookup = list_entry(mx, struct destination_lookup, mx);
    lookup->is_asking_mx = false;
    bool is_nameless = lookup->is_smart_host && error != ERROR_CANCELED && (error || mx->count == 0);
    if (is_nameless) {
        answer(lookup, false, BYTES_LITERAL("451 4.4.4 The smart host has no address"));
        return;
    }
    if (error) {
        answer_error(lookup, error);
        return;
    }
    for (size_t i = 0; i < mx->count; i++)
        lookup->list[i] =
            (struct exchanger){.preference = mx->exchangers[i].preference, .name = mx->exchangers[i].name};
    lookup->count = mx->count;
    enum exchange_fate fate =
        exchangers_order(lookup->list, &lookup->count, lookup->domain, &lookup->self, make_seed(lookup));
    if (fate == EXCHANGE_HOSTS)
        ask_hosts(lookup);
    else
        answer_fate(lookup, fate);
}

static void ask_exchangers(struct destination_lookup *lookup)
{
    lookup->mx.on_done = on_exchangers;
    lookup->is_asking_mx = true;
    resolver_exchangers(lookup->resolver, lookup->domain, &lookup->mx);
    if (lookup->is_canceled)
        resolver_cancel_exchangers(&lookup->mx);
}

static void on_policy(struct sts_query *query, const struct sts_policy *policy)
{
    struct destination_lookup *lookup = list_entry(query, struct destination_lookup, sts_query);
    if (policy)
        sts_hold(policy);
    lookup->policy = policy;
    lookup->is_asking_sts = false;
    ask_exchangers(lookup);
}

static struct destination_lookup *lookup_new(struct destination *destination, struct resolver *resolver,
                                             const struct destination_question *question)
{
    struct destination_lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup)
        abort(); /* as the resolver: there is nothing to report with */
    destination->lookup = lookup;
    lookup->destination = destination;
    lookup->resolver = resolver;
    lookup->domain = question->domain;
    lookup->self = (struct exchange_self){
        .organization = question->organization,
        .addresses = lookup->machine,
        .address_count = interfaces_addresses(lookup->machine, MACHINE_ADDRESSES_MAX),
        .port = question->port,
    };
    return lookup;
}

void destination_find_domain(struct destination *destination, struct resolver *resolver,
                             const struct destination_question *question)
{
    destination_done(destination);
    struct destination_lookup *lookup = lookup_new(destination, resolver, question);
    lookup->asks_dane = question->asks_dane;
    lookup->is_patient = question->is_patient;
    if (!question->sts) {
        ask_exchangers(lookup);
        return;
    }
    lookup->sts_query.on_done = on_policy;
    lookup->is_asking_sts = true;
    sts_find(question->sts, resolver, lookup->domain, &lookup->sts_query);
}

/* -- a smart host -- */

static void on_smart_host(struct resolver_query *query, enum error error)
{
    struct host_query *host = list_entry(query, struct host_query, query);
    struct destination_lookup *lookup = host->lookup;
    struct destination *destination = lookup->destination;
    host->is_open = false;
    for (size_t i = 0; !error && i < query->count; i++)
        destination->targets[destination->count++] =
            (struct exchange_target){query->addresses[i], lookup->domain, 0};
    if (error == ERROR_NOT_FOUND)
        ask_exchangers(lookup);
    else if (error)
        answer(lookup, false, BYTES_LITERAL("451 4.4.3 The smart host's name cannot be resolved"));
    else
        answer(lookup, false, (struct bytes){0});
}

bool destination_find_host(struct destination *destination, struct resolver *resolver,
                           const struct smart_host *host, const struct destination_question *question)
{
    destination_done(destination);
    if (!host->name) {
        destination->targets[0] = (struct exchange_target){host->address, NULL, 0};
        destination->count = 1;
        return true;
    }
    struct destination_lookup *lookup = lookup_new(destination, resolver, question);
    lookup->domain = host->name;
    lookup->is_smart_host = true;
    lookup->hosts[0] = (struct host_query){.lookup = lookup, .is_open = true, .query.on_done = on_smart_host};
    resolver_addresses(resolver, host->name, &lookup->hosts[0].query);
    return false;
}

/* -- the end -- */

void destination_cancel(struct destination *destination)
{
    struct destination_lookup *lookup = destination->lookup;
    if (!lookup)
        return;
    lookup->is_canceled = true;
    if (lookup->is_asking_sts) {
        sts_cancel(&lookup->sts_query);
        lookup->is_asking_sts = false;
        ask_exchangers(lookup); /* which is taken back at once, and answers */
    }
    if (lookup->is_asking_mx)
        resolver_cancel_exchangers(&lookup->mx);
    for (size_t i = 0; i < EXCHANGERS_MAX; i++) {
        struct host_query *host = &lookup->hosts[i];
        if (host->is_open)
            resolver_cancel(&host->query);
        if (host->tlsa)
            tlsa_cancel(&host->tlsa->lookup);
    }
}

const struct dane *destination_dane(const struct destination *destination,
                                    const struct exchange_target *target)
{
    const struct destination_lookup *lookup = destination->lookup;
    const struct host_tlsa *tlsa = lookup ? lookup->hosts[target->index].tlsa : NULL;
    return tlsa ? tlsa_found(&tlsa->lookup) : NULL;
}

enum sts_mode destination_sts_mode(const struct destination *destination)
{
    const struct destination_lookup *lookup = destination->lookup;
    return lookup && lookup->policy ? lookup->policy->mode : STS_MODE_NONE;
}

void destination_done(struct destination *destination)
{
    struct destination_lookup *lookup = destination->lookup;
    for (size_t i = 0; lookup && i < EXCHANGERS_MAX; i++) {
        if (lookup->hosts[i].tlsa)
            tlsa_done(&lookup->hosts[i].tlsa->lookup);
        free(lookup->hosts[i].tlsa);
    }
    if (lookup)
        sts_release(lookup->policy);
    free(lookup);
    destination->lookup = NULL;
    destination->count = 0;
    destination->is_permanent = false;
    destination->reply = (struct bytes){0};
}
