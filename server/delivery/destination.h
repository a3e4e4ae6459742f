/* Where a connection can go: the addresses of a smart host, or of the hosts that take a domain's mail. On the
 * delivery loop. */
#ifndef DELIVERY_DESTINATION_H
#define DELIVERY_DESTINATION_H

#include "delivery/sts.h"
#include "delivery/tlsa.h"
#include "policy/exchangers.h"

/* Caller-owned; zeroed before the first use. */
struct destination {
    struct exchange_target targets[EXCHANGER_ADDRESSES_MAX]; /* in the order in which they are tried */
    size_t count;
    bool is_permanent;  /* none, and there will be none: the mail is to be returned */
    struct bytes reply; /* why there is none */
    /* Once after each destination_find_… that did not answer at once, on the loop, never inside a call. */
    void (*on_done)(struct destination *destination);
    struct destination_lookup *lookup; /* private; holds the targets' names */
};

/* All borrowed until destination_done. */
struct destination_question {
    const char *domain;                      /* or smart host */
    const struct organization *organization; /* whose server is not to be a target */
    uint16_t port;
    bool is_patient; /* what is permanent counts as temporary */
    bool asks_dane;  /* what exchangers are known by, where DNSSEC vouches for them */
    struct sts *sts; /* the domain's policy is asked for; NULL: it is not */
};

/* The host's addresses; a name that has none may be one of exchangers (table 2). Of the question organization
 * and port count. True: answered at once, on_done does not come. */
MUST_USE bool destination_find_host(struct destination *destination, struct resolver *resolver,
                                    const struct smart_host *host,
                                    const struct destination_question *question);
/* Asks for the domain's exchangers and their addresses. */
void destination_find_domain(struct destination *destination, struct resolver *resolver,
                             const struct destination_question *question);
/* What the target's certificate must be; NULL: the DNS says nothing. */
const struct dane *destination_dane(const struct destination *destination,
                                    const struct exchange_target *target);
/* How strictly the domain's policy is meant. It is already applied to the targets, but for what their
 * certificates must be; where destination_dane says that, it does not count. */
enum sts_mode destination_sts_mode(const struct destination *destination);
/* Takes the question back: on_done comes all the same, with no targets. */
void destination_cancel(struct destination *destination);
/* Forgets the answer, never while on_done is still to come. */
void destination_done(struct destination *destination);

#endif
