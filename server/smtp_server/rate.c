#include "smtp_server/rate.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SHARD_COUNT        1024u
#define IPV6_SOURCE_OCTETS 8 /* a source is a /64 */

/* What is counted: a connector (source IP_NONE), or one source on it. */
struct count_key {
    struct guid connector;
    struct ip_address source;
};

struct count_entry {
    struct count_entry *next;
    struct count_key key;
    size_t count;
};

struct shard {
    pthread_mutex_t lock;
    struct count_entry *entries;
};

struct connection_limits {
    uint64_t seed; /* so that nobody can choose addresses that share a shard */
    struct shard shards[SHARD_COUNT];
};

struct connection_limits *connection_limits_new(void)
{
    struct connection_limits *limits = calloc(1, sizeof *limits);
    if (limits == NULL) {
        return NULL;
    }
    if (getrandom(&limits->seed, sizeof limits->seed, 0) != sizeof limits->seed) {
        free(limits);
        return NULL;
    }
    for (size_t i = 0; i < SHARD_COUNT; i++) {
        pthread_mutex_init(&limits->shards[i].lock, NULL);
    }
    return limits;
}

void connection_limits_free(struct connection_limits *limits)
{
    if (limits == NULL) {
        return;
    }
    for (size_t i = 0; i < SHARD_COUNT; i++) {
        struct count_entry *next;
        for (struct count_entry *entry = limits->shards[i].entries; entry != NULL; entry = next) {
            next = entry->next;
            free(entry);
        }
        pthread_mutex_destroy(&limits->shards[i].lock);
    }
    free(limits);
}

static struct count_key key_of_connector(const struct guid *connector)
{
    return (struct count_key){.connector = *connector};
}

struct ip_address rate_source(const struct ip_address *address)
{
    struct ip_address source = *address;
    if (address->family == IP_V6) {
        memset(source.octets + IPV6_SOURCE_OCTETS, 0, sizeof source.octets - IPV6_SOURCE_OCTETS);
    }
    return source;
}

static struct count_key key_of_source(const struct guid *connector, const struct ip_address *source)
{
    return (struct count_key){.connector = *connector, .source = rate_source(source)};
}

static bool key_equal(const struct count_key *a, const struct count_key *b)
{
    return guid_equal(&a->connector, &b->connector) && ip_compare(&a->source, &b->source) == 0;
}

/* FNV-1a, seeded. */
static struct shard *shard_of(struct connection_limits *limits, const struct count_key *key)
{
    uint64_t hash = limits->seed;
    for (size_t i = 0; i < sizeof key->connector.octets; i++) {
        hash = (hash ^ key->connector.octets[i] ^ ((uint64_t)key->source.octets[i] << 8)) * 0x100000001b3u;
    }
    return &limits->shards[(hash ^ (hash >> 32)) % SHARD_COUNT];
}

static struct count_entry **entry_find(struct shard *shard, const struct count_key *key)
{
    struct count_entry **place = &shard->entries;
    while (*place != NULL && !key_equal(&(*place)->key, key)) {
        place = &(*place)->next;
    }
    return place;
}

/* Counts one in unless the count has reached the ceiling (0: none). *out_before: the count it found. Without
 * memory it is not admitted: what is not counted is not limited. */
static bool key_enter(struct connection_limits *limits, const struct count_key *key, size_t ceiling,
                      size_t *out_before)
{
    struct shard *shard = shard_of(limits, key);
    pthread_mutex_lock(&shard->lock);
    struct count_entry **place = entry_find(shard, key);
    *out_before = *place != NULL ? (*place)->count : 0;
    bool is_admitted = ceiling == UNLIMITED || *out_before < ceiling;
    if (is_admitted && *place == NULL) {
        *place = calloc(1, sizeof **place);
        if (*place != NULL) {
            (*place)->key = *key;
        }
        is_admitted = *place != NULL;
    }
    if (is_admitted) {
        (*place)->count++;
    }
    pthread_mutex_unlock(&shard->lock);
    return is_admitted;
}

static void key_leave(struct connection_limits *limits, const struct count_key *key)
{
    struct shard *shard = shard_of(limits, key);
    pthread_mutex_lock(&shard->lock);
    struct count_entry **place = entry_find(shard, key);
    assert(*place != NULL && (*place)->count > 0);
    if (--(*place)->count == 0) {
        struct count_entry *entry = *place;
        *place = entry->next;
        free(entry);
    }
    pthread_mutex_unlock(&shard->lock);
}

/* The smaller of the absolute limit and the percentage of what was free before this connection. */
static size_t source_ceiling(const struct receive_connector *connector, size_t connected)
{
    size_t ceiling = connector->max_inbound_connections_per_source;
    if (connector->max_inbound_connections != UNLIMITED && connector->max_inbound_percent_per_source != 0) {
        uint64_t free_count = connector->max_inbound_connections - connected;
        size_t share = (size_t)(free_count * connector->max_inbound_percent_per_source / 100);
        share = share > 0 ? share : 1;
        ceiling = ceiling == UNLIMITED || share < ceiling ? share : ceiling;
    }
    return ceiling;
}

enum connection_verdict connection_limits_enter(struct connection_limits *limits,
                                                const struct receive_connector *connector,
                                                const struct ip_address *source)
{
    struct count_key connector_key = key_of_connector(&connector->id);
    struct count_key source_key = key_of_source(&connector->id, source);
    size_t connected, ignored;
    if (!key_enter(limits, &connector_key, connector->max_inbound_connections, &connected)) {
        return CONNECTION_OVER_CONNECTOR;
    }
    if (!key_enter(limits, &source_key, source_ceiling(connector, connected), &ignored)) {
        key_leave(limits, &connector_key);
        return CONNECTION_OVER_SOURCE;
    }
    return CONNECTION_ADMITTED;
}

void connection_limits_leave(struct connection_limits *limits, const struct guid *connector,
                             const struct ip_address *source)
{
    struct count_key connector_key = key_of_connector(connector);
    struct count_key source_key = key_of_source(connector, source);
    key_leave(limits, &source_key);
    key_leave(limits, &connector_key);
}

size_t connection_limits_count(const struct connection_limits *limits, const struct guid *connector)
{
    struct connection_limits *writable = (struct connection_limits *)limits; /* for the lock alone */
    struct count_key key = key_of_connector(connector);
    struct shard *shard = shard_of(writable, &key);
    pthread_mutex_lock(&shard->lock);
    const struct count_entry *entry = *entry_find(shard, &key);
    size_t count = entry != NULL ? entry->count : 0;
    pthread_mutex_unlock(&shard->lock);
    return count;
}
