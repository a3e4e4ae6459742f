#include "loop/revocation.h"

#include "loop/http_request.h"
#include "loop/jobs.h"
#include "loop/revocation_list.h"
#include "loop/tls_chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* Happy path: the path to the anchor, a list for each certificate on it out of the cache or by a job, the
 * judgement. Failures: no path; a list that cannot be had (its other addresses are tried; remembered for a
 * minute, so that a dead server is not waited for by every session); too many at once; stopping. */

#define FETCH_MS      20000
#define FAILURE_MS    60000
#define KEPT_MAX_S    (30 * 86400) /* a clock's mistake must not keep a list for ever */
#define KEPT_MIN_S    60           /* nor a list that is overdue be fetched for every session */
#define WORKERS       4
#define QUEUE         200
#define ADDRESSES_MAX 1000
#define DEPTH_MAX     8 /* certificates of a path that lists are fetched for */

/* What came from one address. */
struct source {
    UT_hash_handle hh; /* by url, in revocation->sources */
    struct list link;  /* in revocation->by_use, the longest unused first */
    struct revocation *revocation;
    struct job job;
    struct list askings; /* that wait for it */
    bool is_fetching;
    X509 *issuer;         /* of the certificate that named it; while it is fetched */
    X509_CRL *list;       /* NULL: why says what is wrong */
    uint64_t fresh_until; /* monotonic, ms */
    size_t bytes;
    /* The job's until it is done. */
    X509_CRL *fetched;
    int64_t seconds;
    size_t fetched_bytes;
    struct note why;
    char url[];
};

/* One certificate of the path. */
struct asked {
    struct revocation_points points;
    size_t point; /* the one that is tried */
    X509 *issuer; /* borrowed from the path */
};

struct revocation_asking {
    struct list link; /* in a source's askings while it waits */
    struct revocation_check *check;
    struct revocation *revocation;
    struct tls_chain chain;
    STACK_OF(X509) * path;
    STACK_OF(X509_CRL) * lists;
    size_t count;
    char missing[REVOCATION_WHY_SIZE / 2]; /* the last list that could not be had, and why */
    struct asked asked[DEPTH_MAX];
};

struct revocation {
    struct loop *loop;
    const struct clock *clock;
    struct jobs *jobs;
    struct source *sources;
    struct list by_use;
    size_t bytes;
    atomic_bool is_stopping;
};

/* -- sources -- */

static void source_free(struct source *source)
{
    struct revocation *revocation = source->revocation;
    HASH_DEL(revocation->sources, source);
    list_remove(&source->link);
    revocation->bytes -= source->bytes;
    X509_CRL_free(source->list);
    free(source);
}

/* Forgets what was not used for the longest time. */
static void make_room(struct revocation *revocation)
{
    list_each_safe(link, &revocation->by_use)
    {
        struct source *source = list_entry(link, struct source, link);
        bool is_full =
            revocation->bytes > REVOCATION_CACHE_MAX || HASH_COUNT(revocation->sources) > ADDRESSES_MAX;
        if (is_full && !source->is_fetching)
            source_free(source);
    }
}

static void on_work(struct job *job)
{
    struct source *source = list_entry(job, struct source, job);
    struct http_answer head;
    struct buffer content;
    const struct http_request request = {.url = source->url,
                                         .scheme = "http",
                                         .accept = "application/pkix-crl",
                                         .timeout_ms = FETCH_MS,
                                         .is_canceled = &source->revocation->is_stopping};
    buffer_init(&content, REVOCATION_LIST_MAX);
    enum error error = http_request_run(&request, &head, &content, &source->why);
    if (!error && head.status != 200) {
        note_set(&source->why, "the server answers %u", head.status);
        error = ERROR_TEMPORARY;
    }
    source->fetched_bytes = content.len;
    if (!error && revocation_list_read(buffer_bytes(&content), source->issuer, &source->fetched,
                                       &source->seconds, &source->why))
        source->fetched = NULL;
    buffer_done(&content);
}

static void keep_list(struct source *source)
{
    struct revocation *revocation = source->revocation;
    int64_t seconds = source->seconds < KEPT_MIN_S   ? KEPT_MIN_S
                      : source->seconds > KEPT_MAX_S ? KEPT_MAX_S
                                                     : source->seconds;
    X509_CRL_free(source->list);
    source->list = source->fetched;
    source->fetched = NULL;
    revocation->bytes += source->fetched_bytes - source->bytes;
    source->bytes = source->fetched_bytes;
    source->fresh_until = clock_monotonic_ms(revocation->clock) + (uint64_t)seconds * 1000;
}

static void forget_list(struct source *source)
{
    X509_CRL_free(source->list);
    source->list = NULL;
    source->revocation->bytes -= source->bytes;
    source->bytes = 0;
    source->fresh_until = clock_monotonic_ms(source->revocation->clock) + FAILURE_MS;
}

static void asking_go_on(struct revocation_asking *asking);

static void on_fetched(struct job *job)
{
    struct source *source = list_entry(job, struct source, job);
    struct revocation *revocation = source->revocation;
    struct list *link;
    X509_free(source->issuer);
    source->issuer = NULL;
    source->is_fetching = false;
    if (source->fetched)
        keep_list(source);
    else
        forget_list(source);
    while ((link = list_first(&source->askings))) {
        list_remove(link);
        asking_go_on(list_entry(link, struct revocation_asking, link));
    }
    make_room(revocation);
}

/* NULL without memory. */
static struct source *source_find(struct revocation *revocation, const char *url)
{
    struct source *source;
    HASH_FIND_STR(revocation->sources, url, source);
    if (source) {
        list_remove(&source->link);
        list_append(&revocation->by_use, &source->link);
        return source;
    }
    source = calloc(1, sizeof *source + strlen(url) + 1);
    if (!source)
        return NULL;
    memcpy(source->url, url, strlen(url) + 1);
    source->revocation = revocation;
    list_init(&source->askings);
    list_append(&revocation->by_use, &source->link);
    HASH_ADD_STR(revocation->sources, url, source);
    return source;
}

/* It is fetched on behalf of a certificate of this issuer; false: not now. */
static bool source_fetch(struct source *source, X509 *issuer)
{
    struct revocation *revocation = source->revocation;
    X509_up_ref(issuer);
    source->issuer = issuer;
    source->why = (struct note){0};
    source->job = (struct job){.work = on_work, .done = on_fetched};
    source->is_fetching = !atomic_load(&revocation->is_stopping) &&
                          jobs_submit(revocation->jobs, revocation->loop, &source->job) == OK;
    if (source->is_fetching)
        return true;
    X509_free(issuer);
    source->issuer = NULL;
    note_set(&source->why, "too many lists are asked for");
    forget_list(source);
    return false;
}

enum have { HAVE_LIST, HAVE_TO_WAIT, HAVE_NONE };

static enum have source_ask(struct source *source, X509 *issuer)
{
    bool is_fresh = clock_monotonic_ms(source->revocation->clock) < source->fresh_until;
    if (source->is_fetching || (!is_fresh && source_fetch(source, issuer)))
        return HAVE_TO_WAIT;
    return source->list ? HAVE_LIST : HAVE_NONE;
}

/* -- askings -- */

static void asking_free(struct revocation_asking *asking)
{
    list_remove(&asking->link);
    tls_chain_release(&asking->chain);
    sk_X509_pop_free(asking->path, X509_free);
    sk_X509_CRL_pop_free(asking->lists, X509_CRL_free);
    asking->check->asking = NULL;
    free(asking);
}

static void set_distrust(struct revocation_check *check, const char *why, const char *missing)
{
    snprintf(check->distrust, sizeof check->distrust, "%s%s%s%s", why ? why : "", missing[0] ? " (" : "",
             missing, missing[0] ? ")" : "");
}

/* All lists that can be had are there. */
static void asking_judge(struct revocation_asking *asking)
{
    bool lacks_list;
    const char *why = tls_chain_judge(&asking->chain, asking->lists, &lacks_list);
    set_distrust(asking->check, why, lacks_list ? asking->missing : "");
}

static bool asking_take(struct revocation_asking *asking, X509_CRL *list)
{
    X509_CRL_up_ref(list);
    if (sk_X509_CRL_push(asking->lists, list) > 0)
        return true;
    X509_CRL_free(list);
    return false;
}

/* Tries the certificate's addresses one after the other; NULL: done with it, else what must be waited for. */
static struct source *ask_points(struct revocation_asking *asking, struct asked *asked)
{
    for (; asked->point < asked->points.count; asked->point++) {
        const char *url = asked->points.urls[asked->point];
        struct source *source = source_find(asking->revocation, url);
        enum have have = source ? source_ask(source, asked->issuer) : HAVE_NONE;
        if (have == HAVE_TO_WAIT)
            return source;
        if (have == HAVE_LIST && asking_take(asking, source->list))
            break;
        snprintf(asking->missing, sizeof asking->missing, "%.90s: %.60s", url,
                 source ? source->why.text : "out of memory");
    }
    asked->point = asked->points.count;
    return NULL;
}

/* True: the answer is there. */
static bool asking_advance(struct revocation_asking *asking)
{
    struct source *awaited = NULL;
    for (size_t i = 0; i < asking->count; i++) {
        struct source *source = ask_points(asking, &asking->asked[i]);
        awaited = awaited ? awaited : source;
    }
    if (awaited) {
        list_append(&awaited->askings, &asking->link);
        return false;
    }
    asking_judge(asking);
    return true;
}

static void asking_go_on(struct revocation_asking *asking)
{
    struct revocation_check *check = asking->check;
    if (!asking_advance(asking))
        return;
    asking_free(asking);
    check->on_done(check);
}

/* All of the path but its anchor, which nobody can revoke. */
static void list_certificates(struct revocation_asking *asking)
{
    size_t count = (size_t)sk_X509_num(asking->path) - 1;
    for (size_t i = 0; i < count && i < DEPTH_MAX; i++) {
        struct asked *asked = &asking->asked[asking->count++];
        revocation_points_read(sk_X509_value(asking->path, (int)i), &asked->points);
        asked->issuer = sk_X509_value(asking->path, (int)i + 1);
    }
}

/* Sets the answer where there is nothing to wait for. The chain is there already. */
static bool asking_begin(struct revocation_asking *asking)
{
    const char *why = tls_chain_find_path(&asking->chain, &asking->path);
    if (why) {
        set_distrust(asking->check, why, "");
        return true;
    }
    asking->lists = sk_X509_CRL_new_null();
    if (asking->lists)
        list_certificates(asking);
    return asking_advance(asking);
}

static struct revocation_asking *asking_new(struct revocation *revocation, struct revocation_check *check)
{
    struct revocation_asking *asking = calloc(1, sizeof *asking);
    if (!asking) {
        set_distrust(check, "out of memory", "");
        return NULL;
    }
    asking->revocation = revocation;
    asking->check = check;
    check->asking = asking;
    list_init(&asking->link);
    return asking;
}

static bool asking_start(struct revocation_asking *asking)
{
    if (!asking_begin(asking))
        return false;
    asking_free(asking);
    return true;
}

bool revocation_check_start(struct revocation *revocation, struct stream *stream,
                            struct revocation_check *check)
{
    struct revocation_asking *asking = asking_new(revocation, check);
    if (asking && tls_chain_take(stream, &asking->chain))
        return asking_start(asking);
    if (asking) {
        set_distrust(check, "no certificate", "");
        asking_free(asking);
    }
    return true;
}

bool revocation_check_start_client(struct revocation *revocation, SSL_CTX *trust, X509 *leaf,
                                   STACK_OF(X509) * chain, struct revocation_check *check)
{
    struct revocation_asking *asking = asking_new(revocation, check);
    if (!asking)
        return true;
    tls_chain_take_client(trust, leaf, chain, &asking->chain);
    return asking_start(asking);
}

void revocation_check_cancel(struct revocation_check *check)
{
    if (check->asking)
        asking_free(check->asking);
}

/* -- life -- */

struct revocation *revocation_new(struct loop *loop, const struct clock *clock)
{
    struct revocation *revocation = calloc(1, sizeof *revocation);
    if (!revocation || jobs_new("crl", WORKERS, QUEUE, &revocation->jobs)) {
        free(revocation);
        return NULL;
    }
    revocation->loop = loop;
    revocation->clock = clock;
    list_init(&revocation->by_use);
    return revocation;
}

void revocation_stop(struct revocation *revocation)
{
    atomic_store(&revocation->is_stopping, true);
}

void revocation_free(struct revocation *revocation)
{
    if (!revocation)
        return;
    jobs_free(revocation->jobs);
    list_each_safe(link, &revocation->by_use) source_free(list_entry(link, struct source, link));
    free(revocation);
}
