#include "loop/resolver.h"

#include "loop/loop_internal.h"
#include "loop/resolver_answer.h"
#include "loop/resolver_context.h"

#include <stdlib.h>

/* A query is one question for MX or other records, or two for the addresses (AAAA and A), to one libunbound
 * context whose worker thread reports through a descriptor.
 *
 * Good: ask, collect the answers, report when all are there.
 * Else: a question that can not be asked counts as answered; time is up or the asker cancels: the open
 * questions are taken back and what is there is reported. The report always comes at the end of a turn, so
 * never inside a call of the asker's nor of libunbound's. */

enum { RR_CLASS_IN = 1, DNS_RCODE_OK = 0 };
enum { QUESTION_COUNT = 2 };

struct lookup;

struct question {
    struct lookup *lookup;
    int id;
    bool is_open;
    bool is_secure;
    enum error outcome; /* OK: has addresses; of MX: the domain exists; of records: what there is, is known */
    struct ip_address addresses[RESOLVER_ADDRESS_MAX];
    size_t count;
};

struct lookup {
    struct list link; /* in the resolver's lookups while questions are open */
    struct resolver *resolver;
    struct loop *loop;
    struct resolver_query *query; /* one of the three, the others NULL */
    struct resolver_mx_query *mx;
    struct resolver_record_query *records;
    struct ub_result *kept; /* holds the data of records */
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

static void lookup_report(struct lookup *lookup)
{
    loop_timer_stop(&lookup->timer);
    list_remove(&lookup->link);
    loop_late_ask(lookup->loop, &lookup->report);
}

static void take_addresses(struct question *question, const struct ub_result *result)
{
    for (size_t i = 0; result->data[i] != NULL && question->count < RESOLVER_ADDRESS_MAX; i++) {
        struct bytes data = {result->data[i], (size_t)result->len[i]};
        question->count +=
            resolver_answer_address(result->qtype, data, &question->addresses[question->count]);
    }
}

/* libunbound writes it with a final dot. One that is no host's name is as good as none. */
static void take_canonical(const struct ub_result *result, char out[RESOLVER_NAME_SIZE])
{
    struct bytes name = bytes_of_text(result->canonname);
    name.len -= bytes_ends_nocase(name, ".");
    if (name.len > 0 && name.len < RESOLVER_NAME_SIZE && !resolver_answer_host(name, out)) {
        out[0] = '\0';
    }
}

/* With more than there is room for, the least preferred go. */
static void take_exchangers(struct resolver_mx_query *query, const struct ub_result *result)
{
    for (size_t i = 0; result->data[i] != NULL; i++) {
        struct resolver_exchanger exchanger;
        struct bytes data = {result->data[i], (size_t)result->len[i]};
        if (!resolver_answer_exchanger(data, &exchanger)) {
            continue;
        }
        size_t worst = 0;
        if (query->count < RESOLVER_EXCHANGER_MAX) {
            query->exchangers[query->count++] = exchanger;
            continue;
        }
        for (size_t k = 1; k < query->count; k++) {
            if (query->exchangers[k].preference > query->exchangers[worst].preference) {
                worst = k;
            }
        }
        if (exchanger.preference < query->exchangers[worst].preference) {
            query->exchangers[worst] = exchanger;
        }
    }
}

static enum error take_records(struct resolver_record_query *query, const struct ub_result *result)
{
    for (size_t i = 0; result->havedata && result->data[i] != NULL && query->count < RESOLVER_RECORD_MAX;
         i++) {
        query->records[query->count++] = (struct bytes){result->data[i], (size_t)result->len[i]};
    }
    return query->count > 0 || result->nxdomain || result->rcode == DNS_RCODE_OK ? OK : ERROR_TEMPORARY;
}

static enum error take_result(struct question *question, int failure, const struct ub_result *result)
{
    struct resolver_mx_query *mx = question->lookup->mx;
    if (failure != 0 || result == NULL) {
        return failure == UB_SYNTAX ? ERROR_NOT_FOUND : ERROR_TEMPORARY;
    }
    if (result->bogus) {
        return ERROR_TEMPORARY;
    }
    question->is_secure = result->secure;
    if (question->lookup->records != NULL) {
        return take_records(question->lookup->records, result);
    }
    if (result->havedata && mx != NULL) {
        take_exchangers(mx, result);
        take_canonical(result, mx->canonical);
        /* Records, but none that can be read: what the domain wants is not known. */
        return mx->count > 0 ? OK : ERROR_TEMPORARY;
    }
    if (result->havedata) {
        take_addresses(question, result);
        take_canonical(result, question->lookup->query->canonical);
    }
    if (question->count > 0) {
        return OK;
    }
    if (result->nxdomain) {
        return ERROR_NOT_FOUND;
    }
    if (result->rcode != DNS_RCODE_OK) {
        return ERROR_TEMPORARY;
    }
    return mx != NULL ? OK : ERROR_NOT_FOUND;
}

static void question_on_answer(void *argument, int failure, struct ub_result *result)
{
    struct question *question = argument;
    struct lookup *lookup = question->lookup;
    question->is_open = false;
    question->outcome = take_result(question, failure, result);
    if (lookup->records != NULL) {
        lookup->kept = result;
    } else {
        ub_resolve_free(result);
    }
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

static bool is_vouched_for(const struct question *question)
{
    return question->outcome == OK && question->is_secure;
}

static void report_addresses(struct lookup *lookup)
{
    struct resolver_query *query = lookup->query;
    enum error error = merge_outcomes(lookup);
    query->count = 0;
    if (error == OK) {
        merge_addresses(query, lookup);
    }
    query->is_secure = is_vouched_for(&lookup->questions[0]) || is_vouched_for(&lookup->questions[1]);
    query->state = NULL;
    loop_release(lookup->loop);
    free(lookup);
    query->on_done(query, error);
}

static void report_exchangers(struct lookup *lookup)
{
    struct resolver_mx_query *mx = lookup->mx;
    enum error error = lookup->cut_short != OK ? lookup->cut_short : lookup->questions[0].outcome;
    mx->state = NULL;
    mx->is_secure = lookup->questions[0].is_secure;
    loop_release(lookup->loop);
    free(lookup);
    mx->on_done(mx, error);
}

static void report_records(struct lookup *lookup)
{
    struct resolver_record_query *query = lookup->records;
    struct ub_result *kept = lookup->kept;
    enum error error = lookup->cut_short != OK ? lookup->cut_short : lookup->questions[0].outcome;
    query->state = NULL;
    query->is_secure = lookup->questions[0].is_secure;
    loop_release(lookup->loop);
    free(lookup);
    query->on_done(query, error);
    ub_resolve_free(kept);
}

static void lookup_on_report(struct loop_late *late)
{
    struct lookup *lookup = list_entry(late, struct lookup, report);
    if (lookup->mx != NULL) {
        report_exchangers(lookup);
    } else if (lookup->records != NULL) {
        report_records(lookup);
    } else {
        report_addresses(lookup);
    }
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

static struct lookup *lookup_new(struct resolver *resolver)
{
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup == NULL) {
        abort(); /* there is nothing to report with; a few hundred bytes a connection attempt */
    }
    lookup->resolver = resolver;
    lookup->loop = resolver->loop;
    loop_hold(lookup->loop);
    loop_late_init(&lookup->report, lookup_on_report);
    loop_timer_init(&lookup->timer, lookup->loop, lookup_on_timer);
    list_append(&resolver->lookups, &lookup->link);
    return lookup;
}

/* Its questions are asked. */
static void lookup_begin(struct lookup *lookup)
{
    if (lookup->questions[0].is_open || lookup->questions[1].is_open) {
        loop_timer_start(&lookup->timer, RESOLVER_TIMEOUT_MS);
    } else {
        lookup_report(lookup);
    }
}

void resolver_addresses(struct resolver *resolver, const char *name, struct resolver_query *query)
{
    struct lookup *lookup = lookup_new(resolver);
    lookup->query = query;
    query->state = lookup;
    query->count = 0;
    query->canonical[0] = '\0';
    struct question *first = &lookup->questions[0];
    if (ip_parse_address(bytes_of_text(name), &first->addresses[0]) == OK) {
        first->count = 1;
    } else {
        lookup_ask(lookup, first, name, RESOLVER_TYPE_AAAA);
        lookup_ask(lookup, &lookup->questions[1], name, RESOLVER_TYPE_A);
    }
    lookup_begin(lookup);
}

void resolver_exchangers(struct resolver *resolver, const char *domain, struct resolver_mx_query *query)
{
    struct lookup *lookup = lookup_new(resolver);
    lookup->mx = query;
    query->state = lookup;
    query->count = 0;
    query->canonical[0] = '\0';
    lookup_ask(lookup, &lookup->questions[0], domain, RESOLVER_TYPE_MX);
    lookup_begin(lookup);
}

void resolver_records(struct resolver *resolver, const char *name, enum resolver_type type,
                      struct resolver_record_query *query)
{
    struct lookup *lookup = lookup_new(resolver);
    lookup->records = query;
    query->state = lookup;
    query->count = 0;
    lookup_ask(lookup, &lookup->questions[0], name, (int)type);
    lookup_begin(lookup);
}

static void lookup_cancel(struct lookup *lookup)
{
    if (lookup != NULL && !list_is_empty(&lookup->link)) {
        lookup_cut_short(lookup, ERROR_CANCELED);
    }
}

void resolver_cancel(struct resolver_query *query)
{
    lookup_cancel(query->state);
}

void resolver_cancel_exchangers(struct resolver_mx_query *query)
{
    lookup_cancel(query->state);
}

void resolver_cancel_records(struct resolver_record_query *query)
{
    lookup_cancel(query->state);
}

static void resolver_on_event(void *owner, int events)
{
    (void)events;
    struct resolver *resolver = owner;
    ub_process(resolver->context);
}

enum error resolver_new(struct loop *loop, const struct resolver_config *config, struct resolver **out,
                        struct note *note)
{
    struct resolver *resolver = calloc(1, sizeof *resolver);
    if (resolver == NULL) {
        note_set(note, "resolver: no memory");
        return ERROR_TEMPORARY;
    }
    enum error error = resolver_context_new(config, &resolver->context, note);
    if (error == OK) {
        error = loop_poll_new(loop, ub_fd(resolver->context), resolver_on_event, resolver, &resolver->poll);
    }
    if (error != OK) {
        if (resolver->context != NULL) {
            ub_ctx_delete(resolver->context);
        }
        free(resolver);
        return error;
    }
    resolver->loop = loop;
    list_init(&resolver->lookups);
    loop_poll_set(resolver->poll, LOOP_READABLE);
    *out = resolver;
    return OK;
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
