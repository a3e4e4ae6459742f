#include "delivery/sts.h"

#include "base/event.h"
#include "loop/http_request.h"
#include "loop/jobs.h"
#include "mail/domain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* Happy path: the record in the DNS names the policy that is kept, or a newer one is fetched first. Failures:
 * no record, a broken one, no answer, no policy behind it: what is kept counts as long as it said, and
 * without any the domain has none. What could not be fetched is left alone for a while. */

#define FETCH_MS       20000
#define FAILURE_MS     300000
#define LIFETIME_MIN_S 60 /* a policy for an instant must not be fetched for every session */
#define WORKERS        4
#define QUEUE          200
#define DOMAINS_MAX    10000
#define BYTES_MAX      (16u << 20) /* of the patterns of all */

struct held {
    unsigned count;
    struct sts_policy policy;
};

/* What is known of one domain. */
struct known {
    UT_hash_handle hh; /* by domain, in sts->domains */
    struct list link;  /* in sts->by_use, the longest unused first */
    struct sts *sts;
    struct list queries; /* that wait */
    struct resolver_record_query record;
    struct job job;
    bool is_busy;
    char id[STS_ID_SIZE];       /* of the policy that is kept */
    char named_id[STS_ID_SIZE]; /* the record's */
    struct held *held;          /* NULL: no policy */
    uint64_t refresh_ms;        /* monotonic: then it is fetched again, whatever the record says */
    uint64_t expires_ms;
    uint64_t retry_ms;    /* after a failure */
    struct held *fetched; /* the job's until it is done, as the next */
    struct note why;
    char domain[];
};

struct sts {
    struct sts_config config;
    struct jobs *jobs;
    struct known *domains;
    struct list by_use;
    size_t bytes;
    atomic_bool is_stopping;
};

/* -- policies -- */

static struct held *held_of(const struct sts_policy *policy)
{
    return list_entry((uintptr_t)policy, struct held, policy);
}

void sts_hold(const struct sts_policy *policy)
{
    held_of(policy)->count++;
}

void sts_release(const struct sts_policy *policy)
{
    struct held *held = policy ? held_of(policy) : NULL;
    if (!held || --held->count > 0)
        return;
    sts_policy_done(&held->policy);
    free(held);
}

static uint64_t now_of(const struct known *known)
{
    return clock_monotonic_ms(known->sts->config.clock);
}

static void forget_policy(struct known *known)
{
    if (!known->held)
        return;
    known->sts->bytes -= known->held->policy.patterns.len;
    sts_release(&known->held->policy);
    known->held = NULL;
}

static void keep_policy(struct known *known)
{
    uint64_t lifetime_s = known->fetched->policy.lifetime_s;
    forget_policy(known);
    known->held = known->fetched;
    known->fetched = NULL;
    known->sts->bytes += known->held->policy.patterns.len;
    memcpy(known->id, known->named_id, sizeof known->id);
    lifetime_s = lifetime_s < LIFETIME_MIN_S ? LIFETIME_MIN_S : lifetime_s;
    known->expires_ms = now_of(known) + lifetime_s * 1000;
    known->refresh_ms = now_of(known) + lifetime_s * 500;
}

/* -- domains -- */

static void known_free(struct known *known)
{
    HASH_DEL(known->sts->domains, known);
    list_remove(&known->link);
    forget_policy(known);
    free(known);
}

static void make_room(struct sts *sts)
{
    list_each_safe(link, &sts->by_use)
    {
        struct known *known = list_entry(link, struct known, link);
        bool is_full = sts->bytes > BYTES_MAX || HASH_COUNT(sts->domains) > DOMAINS_MAX;
        if (is_full && !known->is_busy)
            known_free(known);
    }
}

static void answer(struct known *known)
{
    struct sts *sts = known->sts;
    struct list *link;
    if (now_of(known) >= known->expires_ms)
        forget_policy(known);
    const struct sts_policy *policy = known->held ? &known->held->policy : NULL;
    if (policy)
        sts_hold(policy);
    known->is_busy = false;
    while ((link = list_first(&known->queries))) {
        struct sts_query *query = list_entry(link, struct sts_query, link);
        list_remove(link);
        query->on_done(query, policy);
    }
    sts_release(policy);
    if (!known->held && now_of(known) >= known->retry_ms && !known->is_busy)
        known_free(known); /* most domains have none: nothing is to be remembered */
    make_room(sts);
}

/* -- fetching -- */

static enum error fetch(struct known *known, struct buffer *text)
{
    char url[DOMAIN_TEXT_SIZE + 64];
    struct http_answer head;
    const struct http_request request = {.url = url,
                                         .scheme = "https",
                                         .ca_file = known->sts->config.ca_file,
                                         .accept = "text/plain",
                                         .timeout_ms = FETCH_MS,
                                         .is_canceled = &known->sts->is_stopping};
    snprintf(url, sizeof url, "https://mta-sts.%s/.well-known/mta-sts.txt", known->domain);
    enum error error = http_request_run(&request, &head, text, &known->why);
    if (error)
        return error;
    struct bytes rest = bytes_of_text(head.media_type), type = {0};
    (void)bytes_next(&rest, ';', &type);
    if (head.status == 200 && bytes_equal_text_nocase(bytes_trim(type), "text/plain"))
        return OK;
    if (head.status != 200)
        note_set(&known->why, "the server answers %u", head.status);
    else
        note_set(&known->why, "the answer is no text/plain");
    return ERROR_TEMPORARY;
}

static void on_work(struct job *job)
{
    struct known *known = list_entry(job, struct known, job);
    struct held *held = calloc(1, sizeof *held);
    struct buffer text;
    buffer_init(&text, STS_TEXT_MAX);
    enum error error = held ? fetch(known, &text) : ERROR_TEMPORARY;
    if (!error)
        error = sts_policy_parse(buffer_bytes(&text), &held->policy, &known->why);
    buffer_done(&text);
    if (!error) {
        held->count = 1;
        known->fetched = held;
        return;
    }
    if (held)
        sts_policy_done(&held->policy);
    free(held);
}

static void on_fetched(struct job *job)
{
    struct known *known = list_entry(job, struct known, job);
    if (known->fetched) {
        keep_policy(known);
    } else {
        known->retry_ms = now_of(known) + FAILURE_MS;
        event_say(EVENT_WARNING, "sts.failed", "%s: no policy to be had: %s", known->domain, known->why.text);
    }
    answer(known);
}

/* True: begun. */
static bool start_fetch(struct known *known)
{
    struct sts *sts = known->sts;
    known->why = (struct note){0};
    known->job = (struct job){.work = on_work, .done = on_fetched};
    return !atomic_load(&sts->is_stopping) && jobs_submit(sts->jobs, sts->config.loop, &known->job) == OK;
}

/* -- asking -- */

/* Exactly one of the records must be about this (RFC 8461 3.1). */
static bool read_records(const struct resolver_record_query *query, char out_id[STS_ID_SIZE])
{
    size_t count = 0;
    enum error error = OK;
    for (size_t i = 0; i < query->count; i++) {
        enum error one = sts_record_read(query->records[i], out_id);
        if (one == ERROR_NOT_FOUND)
            continue;
        error = one;
        count++;
    }
    return count == 1 && !error;
}

static void on_record(struct resolver_record_query *query, enum error error)
{
    struct known *known = list_entry(query, struct known, record);
    bool is_named = !error && read_records(query, known->named_id);
    bool is_new =
        !known->held || strcmp(known->id, known->named_id) != 0 || now_of(known) >= known->refresh_ms;
    if (!is_named || !is_new || now_of(known) < known->retry_ms || !start_fetch(known))
        answer(known);
}

static struct known *known_find(struct sts *sts, const char *domain)
{
    struct known *known;
    HASH_FIND_STR(sts->domains, domain, known);
    if (known) {
        list_remove(&known->link);
        list_append(&sts->by_use, &known->link);
        return known;
    }
    known = calloc(1, sizeof *known + strlen(domain) + 1);
    if (!known)
        abort(); /* as the resolver: there is nothing to report with */
    memcpy(known->domain, domain, strlen(domain) + 1);
    known->sts = sts;
    known->record.on_done = on_record;
    list_init(&known->queries);
    list_append(&sts->by_use, &known->link);
    HASH_ADD_STR(sts->domains, domain, known);
    return known;
}

void sts_find(struct sts *sts, struct resolver *resolver, const char *domain, struct sts_query *query)
{
    struct known *known = known_find(sts, domain);
    char name[DOMAIN_TEXT_SIZE + 16];
    list_append(&known->queries, &query->link);
    if (known->is_busy)
        return;
    known->is_busy = true;
    snprintf(name, sizeof name, "_mta-sts.%s", domain);
    resolver_records(resolver, name, RESOLVER_TXT, &known->record);
}

void sts_cancel(struct sts_query *query)
{
    list_remove(&query->link);
}

/* -- life -- */

struct sts *sts_new(const struct sts_config *config)
{
    struct sts *sts = calloc(1, sizeof *sts);
    if (!sts || jobs_new("sts", WORKERS, QUEUE, &sts->jobs)) {
        free(sts);
        return NULL;
    }
    sts->config = *config;
    list_init(&sts->by_use);
    return sts;
}

void sts_stop(struct sts *sts)
{
    atomic_store(&sts->is_stopping, true);
}

void sts_free(struct sts *sts)
{
    if (!sts)
        return;
    jobs_free(sts->jobs);
    list_each_safe(link, &sts->by_use) known_free(list_entry(link, struct known, link));
    free(sts);
}
