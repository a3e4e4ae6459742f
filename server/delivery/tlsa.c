#include "delivery/tlsa.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Happy path: the records at the host's canonical name, else at its own. Failures: a look-up that fails or is
 * forged: the host is not known by anything, and not to be trusted without. */

struct tlsa {
    struct dane dane;
    char base[RESOLVER_NAME_SIZE];
    char data[DANE_DATA_MAX];
};

/* What there is no room for does not count. */
static void keep_records(struct tlsa *tlsa, const struct resolver_record_query *query)
{
    struct dane *dane = &tlsa->dane;
    struct dane_record record;
    size_t used = 0;
    for (size_t i = 0; i < query->count && dane->count < DANE_RECORDS_MAX; i++) {
        if (!dane_read_record(query->records[i], &record) || record.data.len > sizeof tlsa->data - used)
            continue;
        memcpy(tlsa->data + used, record.data.ptr, record.data.len);
        record.data.ptr = tlsa->data + used;
        used += record.data.len;
        dane->records[dane->count++] = record;
    }
}

static enum error keep(struct tlsa_lookup *lookup)
{
    struct tlsa *tlsa = calloc(1, sizeof *tlsa);
    if (!tlsa)
        return ERROR_TEMPORARY;
    snprintf(tlsa->base, sizeof tlsa->base, "%s", lookup->host);
    tlsa->dane.base = tlsa->base;
    keep_records(tlsa, &lookup->query);
    lookup->found = tlsa;
    return OK;
}

static void ask(struct tlsa_lookup *lookup);

static void on_records(struct resolver_record_query *query, enum error error)
{
    struct tlsa_lookup *lookup = list_entry(query, struct tlsa_lookup, query);
    bool is_there = !error && query->is_secure && query->count > 0;
    lookup->is_open = false;
    if (is_there)
        error = keep(lookup);
    if (error || is_there || !lookup->next_host) {
        lookup->on_done(lookup, error);
        return;
    }
    lookup->host = lookup->next_host;
    lookup->next_host = NULL;
    ask(lookup);
}

/* A name that is too long for its records is refused by the resolver as one that has none. */
static void ask(struct tlsa_lookup *lookup)
{
    char name[RESOLVER_NAME_SIZE + 16];
    snprintf(name, sizeof name, "_%u._tcp.%s", (unsigned)lookup->port, lookup->host);
    lookup->is_open = true;
    resolver_records(lookup->resolver, name, RESOLVER_TLSA, &lookup->query);
}

void tlsa_find(struct tlsa_lookup *lookup, struct resolver *resolver, const char *host, const char *canonical,
               uint16_t port)
{
    bool has_alias = canonical[0] && strcmp(canonical, host) != 0;
    lookup->resolver = resolver;
    lookup->host = has_alias ? canonical : host;
    lookup->next_host = has_alias ? host : NULL;
    lookup->port = port;
    lookup->query.on_done = on_records;
    ask(lookup);
}

void tlsa_cancel(struct tlsa_lookup *lookup)
{
    if (lookup->is_open)
        resolver_cancel_records(&lookup->query);
}

struct dane *tlsa_found(const struct tlsa_lookup *lookup)
{
    return lookup->found ? &lookup->found->dane : NULL;
}

void tlsa_done(struct tlsa_lookup *lookup)
{
    free(lookup->found);
}
