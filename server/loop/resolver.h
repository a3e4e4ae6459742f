/* Names to addresses, domains to mail exchangers, and records as they are, asynchronously (libunbound). */
#ifndef LOOP_RESOLVER_H
#define LOOP_RESOLVER_H

#include "base/ip.h"
#include "loop/loop.h"

#define RESOLVER_ADDRESS_MAX   16
#define RESOLVER_EXCHANGER_MAX 32
#define RESOLVER_RECORD_MAX    32
#define RESOLVER_NAME_SIZE     254 /* a name as text, without the final dot, terminated */
/* An open query may take so long. */
#define RESOLVER_TIMEOUT_MS 20000u

struct resolver;

/* All kinds of queries are caller-owned; the callback comes exactly once, on the loop, never before the call
 * returns. Its errors: OK; ERROR_NOT_FOUND: no such name (permanent), for addresses also none of them;
 * ERROR_TEMPORARY, also where DNSSEC says that the answer is forged; ERROR_TIMEOUT; ERROR_CANCELED. */
struct resolver_query {
    void *state;                                       /* private */
    struct ip_address addresses[RESOLVER_ADDRESS_MAX]; /* the answer: IPv6 and IPv4 as the name has them */
    size_t count;
    bool is_secure;                     /* DNSSEC vouches for it */
    char canonical[RESOLVER_NAME_SIZE]; /* behind all aliases, in lower case; "": the name itself */
    void (*on_done)(struct resolver_query *query, enum error error);
};

struct resolver_exchanger {
    uint16_t preference;
    char name[RESOLVER_NAME_SIZE]; /* normal form; "" for the root: takes no mail (RFC 7505) */
};

struct resolver_mx_query {
    void *state; /* private */
    /* The answer as it came, the most preferred when there are more; OK and none of them: the domain exists
     * and has no MX. */
    struct resolver_exchanger exchangers[RESOLVER_EXCHANGER_MAX];
    size_t count;
    bool is_secure;                     /* DNSSEC vouches for it, also for that there is none */
    char canonical[RESOLVER_NAME_SIZE]; /* as above; "" also where there is no MX */
    void (*on_done)(struct resolver_mx_query *query, enum error error);
};

enum resolver_type { RESOLVER_TXT = 16, RESOLVER_TLSA = 52 };

struct resolver_record_query {
    void *state; /* private */
    /* The data of the records as on the wire, during on_done alone; the first when there are more; OK and
     * none of them: there are none, whether the name exists or not. */
    struct bytes records[RESOLVER_RECORD_MAX];
    size_t count;
    bool is_secure; /* DNSSEC vouches for it, also for that there is none */
    void (*on_done)(struct resolver_record_query *query, enum error error);
};

struct resolver_config {
    const struct ip_endpoint *server; /* asks this one only and knows no hosts file (for tests); NULL: the
                                         machine's resolv.conf and hosts */
    const char *trust_anchor_file;    /* DS or DNSKEY records: answers are validated; NULL: they are not */
};

/* The owner frees it before the loop can end. ERROR_TEMPORARY, ERROR_IO with a note. */
MUST_USE enum error resolver_new(struct loop *loop, const struct resolver_config *config,
                                 struct resolver **out, struct note *note);
/* Queries still open are answered with ERROR_CANCELED on the loop, after this has returned. */
void resolver_free(struct resolver *resolver);
/* name in normal form; the text of an IP address answers itself. */
void resolver_addresses(struct resolver *resolver, const char *name, struct resolver_query *query);
/* domain in normal form. */
void resolver_exchangers(struct resolver *resolver, const char *domain, struct resolver_mx_query *query);
/* name in normal form. */
void resolver_records(struct resolver *resolver, const char *name, enum resolver_type type,
                      struct resolver_record_query *query);
/* on_done comes all the same, with ERROR_CANCELED unless the answer was there already. */
void resolver_cancel(struct resolver_query *query);
void resolver_cancel_exchangers(struct resolver_mx_query *query);
void resolver_cancel_records(struct resolver_record_query *query);

#endif
