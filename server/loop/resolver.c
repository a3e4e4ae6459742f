#include "loop/resolver.h"

#include "loop/loop_internal.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>

/* A query is two questions, AAAA and A, to one libunbound context whose worker thread reports through a
 * descriptor.
 *
 * Good: ask both, collect the answers, report when both are there.
 * Else: a question that can not be asked counts as answered; time is up or the asker cancels: the open
 * questions are taken back and what is there is reported. The report always comes at the end of a turn, so
 * never inside a call of the asker's nor of libunbound's. */

enum { RR_A = 1, RR_AAAA = 28, RR_CLASS_IN = 1, DNS_RCODE_OK = 0 };
enum { QUESTION_COUNT = 2 };

struct lookup;

struct question {
    struct lookup *lookup;
    int id;
    bool is_open;
    enum error outcome; /* OK: has addresses */
    struct ip_address addresses[RESOLVER_ADDRESS_MAX];
    size_t count;
};

struct lookup {
    struct list link; /* in the resolver's lookups while questions are open */
    struct resolver *resolver;
    struct loop *loop;
    struct resolver_query *query;
    struct loop_late report;
    struct loop_timer timer;
    enum error cut_short; /* OK, or why not all answers were waited for */
    struct question questions[QUESTION_COUNT];
};

struct resolver {
    struct loop *loop;
    struct ub_ctx *context;
    struct loop_poll *poll;
    struct list lookups;
};

static const struct {
    const char *name;
    const char *value;
} options[] = {
    {"module-config:", "iterator"},    /* no trust anchor is configured yet, so nothing to validate with */
    {"do-not-query-localhost:", "no"}, /* resolvers on 127.0.0.x are common, in containers above all */
    {"unblock-lan-zones:", "yes"},     /* names of internal networks belong to the machine's resolver */
    {"insecure-lan-zones:", "yes"},
    {"infra-host-ttl:", "30"}, /* a server that was away is asked again soon */
    {"infra-keep-probing:", "yes"},
    {"use-syslog:", "no"},
};

/* Zones that libunbound answers itself (RFC 6761) but an internal network may have. */
static const char *const internal_zones[] = {"test.", "home.arpa."};

static void lookup_report(struct lookup *lookup)
{
    loop_timer_stop(&lookup->timer);
    list_remove(&lookup->link);
    loop_late_ask(lookup->loop, &lookup->report);
}

static void take_address(struct question *question, int family, const char *data, size_t len)
{
    struct sockaddr_storage storage = {0};
    if (family == RR_A && len == 4) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
        v4->sin_family = AF_INET;
        memcpy(&v4->sin_addr, data, len);
    } else if (family == RR_AAAA && len == 16) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
        v6->sin6_family = AF_INET6;
        memcpy(&v6->sin6_addr, data, len);
    } else {
        return;
    }
    if (question->count < RESOLVER_ADDRESS_MAX) {
        question->addresses[question->count++] = ip_from_sockaddr((struct sockaddr *)&storage).address;
    }
}

static enum error take_result(struct question *question, int failure, const struct ub_result *result)
{
    if (failure != 0 || result == NULL) {
        return failure == UB_SYNTAX ? ERROR_NOT_FOUND : ERROR_TEMPORARY;
    }
    for (size_t i = 0; result->havedata && result->data[i] != NULL; i++) {
        take_address(question, result->qtype, result->data[i], (size_t)result->len[i]);
    }
    if (question->count > 0) {
        return OK;
    }
    return result->nxdomain || result->rcode == DNS_RCODE_OK ? ERROR_NOT_FOUND : ERROR_TEMPORARY;
}

static void question_on_answer(void *argument, int failure, struct ub_result *result)
{
    struct question *question = argument;
    struct lookup *lookup = question->lookup;
    question->is_open = false;
    question->outcome = take_result(question, failure, result);
    ub_resolve_free(result);
    if (!lookup->questions[0].is_open && !lookup->questions[1].is_open) {
        lookup_report(lookup);
    }
}

/* Takes the open questions back. */
static void lookup_cut_short(struct lookup *lookup, enum error why)
{
    for (size_t i = 0; i < QUESTION_COUNT; i++) {
        struct question *question = &lookup->questions[i];
        if (question->is_open) {
            ub_cancel(lookup->resolver->context, question->id);
            question->is_open = false;
            question->outcome = why;
        }
    }
    lookup->cut_short = why;
    lookup_report(lookup);
}

static void lookup_on_timer(struct loop_timer *timer)
{
    lookup_cut_short(list_entry(timer, struct lookup, timer), ERROR_TIMEOUT);
}

/* Half of the room for each family, the rest for whoever has more. */
static void merge_addresses(struct resolver_query *query, const struct lookup *lookup)
{
    const struct question *v6 = &lookup->questions[0];
    const struct question *v4 = &lookup->questions[1];
    size_t half = RESOLVER_ADDRESS_MAX / 2;
    size_t v6_most = v4->count < half ? RESOLVER_ADDRESS_MAX - v4->count : half;
    query->count = 0;
    for (size_t i = 0; i < v6->count && i < v6_most; i++) {
        query->addresses[query->count++] = v6->addresses[i];
    }
    for (size_t i = 0; i < v4->count && query->count < RESOLVER_ADDRESS_MAX; i++) {
        query->addresses[query->count++] = v4->addresses[i];
    }
}

/* No such name only counts when both answers say so. */
static enum error merge_outcomes(const struct lookup *lookup)
{
    enum error v6 = lookup->questions[0].outcome;
    enum error v4 = lookup->questions[1].outcome;
    if (lookup->cut_short == ERROR_CANCELED) {
        return ERROR_CANCELED;
    }
    if (v6 == OK || v4 == OK) {
        return OK;
    }
    return v6 != ERROR_NOT_FOUND ? v6 : v4;
}

static void lookup_on_report(struct loop_late *late)
{
    struct lookup *lookup = list_entry(late, struct lookup, report);
    struct resolver_query *query = lookup->query;
    enum error error = merge_outcomes(lookup);
    query->count = 0;
    if (error == OK) {
        merge_addresses(query, lookup);
    }
    query->state = NULL;
    query->resolver = NULL;
    loop_release(lookup->loop);
    free(lookup);
    query->on_done(query, error);
}

static void lookup_ask(struct lookup *lookup, struct question *question, const char *name, int type)
{
    question->lookup = lookup;
    question->is_open = true;
    int failure = ub_resolve_async(lookup->resolver->context, name, type, RR_CLASS_IN, question,
                                   question_on_answer, &question->id);
    if (failure != 0) {
        question->is_open = false;
        question->outcome = take_result(question, failure, NULL);
    }
}

void resolver_addresses(struct resolver *resolver, const char *name, struct resolver_query *query)
{
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup == NULL) {
        abort(); /* there is nothing to report with; a few hundred bytes a connection attempt */
    }
    lookup->resolver = resolver;
    lookup->loop = resolver->loop;
    lookup->query = query;
    query->resolver = resolver;
    query->state = lookup;
    query->count = 0;
    loop_hold(lookup->loop);
    loop_late_init(&lookup->report, lookup_on_report);
    loop_timer_init(&lookup->timer, lookup->loop, lookup_on_timer);
    list_append(&resolver->lookups, &lookup->link);
    struct question *first = &lookup->questions[0];
    if (ip_parse_address(bytes_of_text(name), &first->addresses[0]) == OK) {
        first->count = 1;
    } else {
        lookup_ask(lookup, first, name, RR_AAAA);
        lookup_ask(lookup, &lookup->questions[1], name, RR_A);
    }
    if (first->is_open || lookup->questions[1].is_open) {
        loop_timer_start(&lookup->timer, RESOLVER_TIMEOUT_MS);
    } else {
        lookup_report(lookup);
    }
}

void resolver_cancel(struct resolver_query *query)
{
    struct lookup *lookup = query->state;
    if (lookup != NULL && !list_is_empty(&lookup->link)) {
        lookup_cut_short(lookup, ERROR_CANCELED);
    }
}

static void resolver_on_event(void *owner, int events)
{
    (void)events;
    struct resolver *resolver = owner;
    ub_process(resolver->context);
}

/* The last step of a context's configuration: after the first zone it takes no more options. */
static int open_internal_zones(struct ub_ctx *context)
{
    int failure = 0;
    for (size_t i = 0; i < sizeof internal_zones / sizeof internal_zones[0] && failure == 0; i++) {
        failure = ub_ctx_zone_add(context, internal_zones[i], "nodefault");
    }
    return failure;
}

static int use_machine(struct ub_ctx *context)
{
    if (ub_ctx_resolvconf(context, NULL) != 0) {
        /* resolv.conf(5): without it the server is the machine itself. */
        int failure = ub_ctx_set_fwd(context, "127.0.0.1");
        if (failure != 0) {
            return failure;
        }
    }
    int failure = ub_ctx_hosts(context, NULL);
    return failure == UB_READFILE ? 0 : failure;
}

static int use_server(struct ub_ctx *context, const struct ip_endpoint *server)
{
    char address[IP_TEXT_SIZE];
    char text[IP_TEXT_SIZE + 8];
    snprintf(text, sizeof text, "%s@%u", ip_format_address(&server->address, address),
             (unsigned)server->port);
    return ub_ctx_set_fwd(context, text);
}

/* server: NULL for the machine's configuration. 0 or libunbound's code. */
static int configure(struct ub_ctx *context, const struct ip_endpoint *server)
{
    ub_ctx_debugout(context, NULL); /* what goes wrong is reported with the query, not on stderr */
    int failure = ub_ctx_async(context, 1);
    for (size_t i = 0; i < sizeof options / sizeof options[0] && failure == 0; i++) {
        failure = ub_ctx_set_option(context, options[i].name, options[i].value);
    }
    if (failure == 0) {
        failure = server != NULL ? use_server(context, server) : use_machine(context);
    }
    return failure != 0 ? failure : open_internal_zones(context);
}

static enum error resolver_make(struct loop *loop, const struct ip_endpoint *server, struct resolver **out,
                                struct note *note)
{
    struct resolver *resolver = calloc(1, sizeof *resolver);
    struct ub_ctx *context = ub_ctx_create();
    enum error error = ERROR_TEMPORARY;
    if (resolver == NULL || context == NULL) {
        note_set(note, "resolver: no memory");
    } else {
        int failure = configure(context, server);
        if (failure != 0) {
            note_set(note, "resolver: %s", ub_strerror(failure));
            error = ERROR_IO;
        } else {
            error = loop_poll_new(loop, ub_fd(context), resolver_on_event, resolver, &resolver->poll);
        }
    }
    if (error != OK) {
        if (context != NULL) {
            ub_ctx_delete(context);
        }
        free(resolver);
        return error;
    }
    resolver->loop = loop;
    resolver->context = context;
    list_init(&resolver->lookups);
    loop_poll_set(resolver->poll, LOOP_READABLE);
    *out = resolver;
    return OK;
}

enum error resolver_new(struct loop *loop, struct resolver **out, struct note *note)
{
    return resolver_make(loop, NULL, out, note);
}

enum error resolver_new_at(struct loop *loop, const struct ip_endpoint *server, struct resolver **out,
                           struct note *note)
{
    return resolver_make(loop, server, out, note);
}

void resolver_free(struct resolver *resolver)
{
    if (resolver == NULL) {
        return;
    }
    list_each_safe(link, &resolver->lookups)
    {
        lookup_cut_short(list_entry(link, struct lookup, link), ERROR_CANCELED);
    }
    loop_poll_free(resolver->poll);
    ub_ctx_delete(resolver->context);
    free(resolver);
}
