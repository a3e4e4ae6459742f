#include "filter/filter_run.h"

#include "base/metric.h"
#include "filter/filter_edit.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define RUN_BYTES_MAX (16u << 20)

enum run_step { RUN_CONNECT, RUN_HELO, RUN_MAIL, RUN_RECIPIENT, RUN_DATA, RUN_CONTENT };

struct filter_run {
    const struct filters *filters;
    const struct filter_facts *facts;
    void (*on_outcome)(void *owner, const struct filter_outcome *outcome);
    void *owner;
    struct milter *milters[FILTERS_MAX]; /* opened when first asked */
    bool is_past[FILTERS_MAX];           /* accepted the message, or is not to be asked */
    size_t current;                      /* the filter that is asked */
    enum run_step step;
    struct bytes recipient;
    struct buffer *header;
    struct held_content *body;
    struct filter_edit edit; /* of the current filter, during RUN_CONTENT */
    bool has_edit;
    struct resolver_query query;
    bool is_resolving;
    bool is_freed;         /* while resolving: the query's callback frees it */
    struct loop_timer due; /* an outcome on a turn of its own */
    struct filter_outcome outcome;
    struct filter_changes changes;
    struct arena arena;
};

static struct metric *verdicts;

static void register_metrics(void)
{
    verdicts = metric_register(METRIC_COUNTER, "dirrelay_filter_verdicts_total",
                               "Messages and recipients that filters refused, discarded or failed on",
                               "filter verdict");
}

static void count(const struct filter *filter, const char *verdict)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_metrics);
    const char *values[] = {filter->name, verdict};
    metric_add_labeled(verdicts, 1, values);
}

static const struct filter *current_filter(const struct filter_run *run)
{
    return &run->filters->list->filters[run->current];
}

bool filters_apply(const struct filters *filters, bool bypasses_antispam)
{
    for (size_t i = 0; filters != NULL && i < filters->list->count; i++) {
        if (!filters->list->filters[i].is_antispam || !bypasses_antispam) {
            return true;
        }
    }
    return false;
}

/* -- outcomes -- */

static void on_due(struct loop_timer *timer)
{
    struct filter_run *run = list_entry(timer, struct filter_run, due);
    struct filter_outcome outcome = run->outcome;
    run->on_outcome(run->owner, &outcome);
}

static void finish(struct filter_run *run, const struct filter_outcome *outcome)
{
    run->outcome = *outcome;
    loop_timer_start(&run->due, 0);
}

static const char *verdict_name(enum filter_verdict verdict)
{
    switch (verdict) {
    case FILTER_CONTINUE:
    case FILTER_ACCEPT:
        break;
    case FILTER_REJECT:
        return "reject";
    case FILTER_TEMPFAIL:
        return "tempfail";
    case FILTER_DISCARD:
        return "discard";
    }
    return "accept";
}

/* -- asking -- */

static void ask(struct filter_run *run);

static enum filter_verdict verdict_of_default(enum filter_default on_failure)
{
    switch (on_failure) {
    case FILTER_DEFAULT_ACCEPT:
        return FILTER_CONTINUE;
    case FILTER_DEFAULT_REJECT:
        return FILTER_REJECT;
    case FILTER_DEFAULT_TEMPFAIL:
        break;
    }
    return FILTER_TEMPFAIL;
}

static enum error end_edit(struct filter_run *run, bool is_made)
{
    enum error error = OK;
    if (run->has_edit && is_made) {
        error = filter_edit_make(&run->edit, milter_keeps_blanks(run->milters[run->current]), run->header,
                                 run->body, &run->arena, &run->changes);
    }
    if (run->has_edit) {
        filter_edit_done(&run->edit);
        run->has_edit = false;
    }
    return error;
}

static void fail_current(struct filter_run *run)
{
    struct filter_outcome outcome = {.verdict = verdict_of_default(run->filters->list->on_failure),
                                     .filter = current_filter(run)->name,
                                     .is_default = true};
    count(current_filter(run), "failed");
    if (outcome.verdict == FILTER_CONTINUE) {
        run->is_past[run->current] = true;
        run->current++;
        ask(run);
    } else {
        finish(run, &outcome);
    }
}

static void on_answer(void *owner, const struct milter_answer *answer)
{
    struct filter_run *run = owner;
    bool agrees = answer->verdict == FILTER_CONTINUE || answer->verdict == FILTER_ACCEPT;
    enum error error = end_edit(run, agrees && !answer->is_failed);
    if (answer->is_failed || error != OK) {
        fail_current(run);
    } else if (agrees) {
        run->is_past[run->current] |= answer->verdict == FILTER_ACCEPT;
        run->current++;
        ask(run);
    } else {
        struct filter_outcome outcome = {
            .verdict = answer->verdict, .reply = answer->reply, .filter = current_filter(run)->name};
        count(current_filter(run), verdict_name(answer->verdict));
        finish(run, &outcome);
    }
}

static void on_change(void *owner, const struct milter_packet *packet)
{
    struct filter_run *run = owner;
    filter_edit_add(&run->edit, packet);
}

static void on_body(void *owner, struct bytes piece)
{
    struct filter_run *run = owner;
    filter_edit_add_body(&run->edit, piece);
}

static const struct milter_events milter_events = {on_answer, on_change, on_body};

/* What is not known is left out: to a filter an empty {tls_version} is TLS all the same. */
static enum error append_macros(const struct filter_run *run, enum milter_command command, struct buffer *out)
{
    const struct filter_facts *facts = run->facts;
    char id[24];
    snprintf(id, sizeof id, "%" PRIx64, facts->id);
    const struct {
        struct bytes name, value;
    } all[] = {
        {BYTES_LITERAL("j"), facts->server_name},
        {BYTES_LITERAL("{daemon_name}"), BYTES_LITERAL("dirrelay")},
        {BYTES_LITERAL("i"), bytes_of_text(id)},
        {BYTES_LITERAL("{tls_version}"), facts->tls_version},
        {BYTES_LITERAL("{cipher}"), facts->tls_cipher},
        {BYTES_LITERAL("{auth_type}"), facts->mechanism},
        {BYTES_LITERAL("{auth_authen}"), facts->account},
    };
    struct bytes known[2 * sizeof all / sizeof all[0]];
    size_t count = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i].value.len > 0) {
            known[2 * count] = all[i].name;
            known[2 * count + 1] = all[i].value;
            count++;
        }
    }
    return milter_append_macros(out, command, known, count);
}

static enum error append_path(struct buffer *out, enum milter_command command, struct bytes address)
{
    char path[1100];
    int length = snprintf(path, sizeof path, "<%.*s>", BYTES_ARG(bytes_first(address, sizeof path - 3)));
    struct bytes text = {path, (size_t)length};
    return milter_append_texts(out, command, &text, 1);
}

static const enum milter_command COMMANDS[] = {
    [RUN_CONNECT] = MILTER_CONNECT, [RUN_HELO] = MILTER_HELO, [RUN_MAIL] = MILTER_MAIL,
    [RUN_RECIPIENT] = MILTER_RCPT,  [RUN_DATA] = MILTER_DATA, [RUN_CONTENT] = MILTER_END_OF_BODY};

static enum error append_step(const struct filter_run *run, struct buffer *out)
{
    const struct filter_facts *facts = run->facts;
    char address[IP_TEXT_SIZE], client[IP_TEXT_SIZE + 2];
    switch (run->step) {
    case RUN_CONNECT:
        snprintf(client, sizeof client, "[%s]", ip_format_address(&facts->client.address, address));
        return milter_append_connect(out, bytes_of_text(client), &facts->client);
    case RUN_HELO:
        return milter_append_texts(out, MILTER_HELO, &facts->helo, 1);
    case RUN_MAIL:
        return append_path(out, MILTER_MAIL, facts->sender);
    case RUN_RECIPIENT:
        return append_path(out, MILTER_RCPT, run->recipient);
    case RUN_DATA:
        return milter_append_texts(out, MILTER_DATA, NULL, 0);
    case RUN_CONTENT:
        break;
    }
    return OK;
}

/* The milter is there. */
static void ask_current(struct filter_run *run)
{
    struct milter *milter = run->milters[run->current];
    struct buffer packets;
    buffer_init(&packets, MILTER_MESSAGE_MAX);
    enum error error = append_macros(run, COMMANDS[run->step], &packets);
    if (error == OK) {
        error = append_step(run, &packets);
    }
    if (error != OK) {
        fail_current(run);
    } else if (run->step == RUN_CONTENT) {
        filter_edit_init(&run->edit, run->filters->list->directory, run->body->size_bytes);
        run->has_edit = true;
        milter_content(milter, buffer_bytes(run->header), run->body, buffer_bytes(&packets));
    } else {
        milter_step(milter, COMMANDS[run->step], buffer_bytes(&packets));
    }
    buffer_done(&packets);
}

static struct milter *open_milter(struct filter_run *run, const struct ip_endpoint *endpoint)
{
    const struct filters *filters = run->filters;
    const struct filter *filter = current_filter(run);
    uint64_t timeout_ms = filters->list->timeout_ms;
    if (filters->connect != NULL) {
        return milter_attach(filters->connect(filters, filter), filter, timeout_ms, &milter_events, run);
    }
    return milter_open(filters->loop, filter, endpoint, timeout_ms, &milter_events, run);
}

static void open_current(struct filter_run *run, const struct ip_address *address)
{
    struct ip_endpoint endpoint = {.port = current_filter(run)->port};
    if (address != NULL) {
        endpoint.address = *address;
    }
    run->milters[run->current] = open_milter(run, &endpoint);
    if (run->milters[run->current] == NULL) {
        fail_current(run);
    } else {
        ask_current(run);
    }
}

static void on_resolved(struct resolver_query *query, enum error error)
{
    struct filter_run *run = list_entry(query, struct filter_run, query);
    run->is_resolving = false;
    if (run->is_freed) {
        arena_done(&run->arena);
        free(run);
    } else if (error != OK || query->count == 0) {
        fail_current(run);
    } else {
        open_current(run, &query->addresses[0]);
    }
}

static void find_current(struct filter_run *run)
{
    const struct filter *filter = current_filter(run);
    struct ip_address address;
    if (filter->path != NULL) {
        open_current(run, NULL);
    } else if (ip_parse_address(bytes_of_text(filter->host), &address) == OK) {
        open_current(run, &address);
    } else if (run->filters->resolver == NULL) {
        fail_current(run);
    } else {
        run->query = (struct resolver_query){.on_done = on_resolved};
        run->is_resolving = true;
        resolver_addresses(run->filters->resolver, filter->host, &run->query);
    }
}

/* Asks the current filter or the next one that wants to know; after the last one the step is over. */
static void ask(struct filter_run *run)
{
    size_t filter_count = run->filters->list->count;
    while (run->current < filter_count && run->is_past[run->current]) {
        run->current++;
    }
    if (run->current < filter_count) {
        run->milters[run->current] == NULL ? find_current(run) : ask_current(run);
    } else if (run->step == RUN_CONNECT || run->step == RUN_HELO || run->step == RUN_DATA) {
        run->step++;
        run->current = 0;
        ask(run);
    } else {
        finish(run, &(struct filter_outcome){.verdict = FILTER_CONTINUE});
    }
}

static void begin(struct filter_run *run, enum run_step step)
{
    run->step = step;
    run->current = 0;
    ask(run);
}

/* -- life -- */

struct filter_run *filter_run_start(const struct filters *filters, const struct filter_facts *facts,
                                    void (*on_outcome)(void *owner, const struct filter_outcome *outcome),
                                    void *owner)
{
    struct filter_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return NULL;
    }
    run->filters = filters;
    run->facts = facts;
    run->on_outcome = on_outcome;
    run->owner = owner;
    arena_init(&run->arena, RUN_BYTES_MAX);
    loop_timer_init(&run->due, filters->loop, on_due);
    for (size_t i = 0; i < filters->list->count; i++) {
        run->is_past[i] = filters->list->filters[i].is_antispam && facts->bypasses_antispam;
    }
    begin(run, RUN_CONNECT);
    return run;
}

void filter_run_recipient(struct filter_run *run, struct bytes recipient)
{
    run->recipient = recipient;
    begin(run, RUN_RECIPIENT);
}

void filter_run_content(struct filter_run *run, struct buffer *header, struct held_content *body)
{
    run->header = header;
    run->body = body;
    begin(run, RUN_DATA);
}

const struct filter_changes *filter_run_changes(const struct filter_run *run)
{
    return &run->changes;
}

void filter_run_free(struct filter_run *run)
{
    if (run == NULL) {
        return;
    }
    loop_timer_stop(&run->due);
    for (size_t i = 0; i < FILTERS_MAX; i++) {
        milter_end(run->milters[i]);
    }
    end_edit(run, false);
    if (run->is_resolving) {
        run->is_freed = true;
        resolver_cancel(&run->query);
        return;
    }
    arena_done(&run->arena);
    free(run);
}
