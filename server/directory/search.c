#include "directory/search.h"

#include "directory/berval.h"
#include "directory/entry_message.h"
#include "directory/result_code.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE           500
#define DEFAULT_DEADLINE_MS 10000
#define PARTIAL_MAX         64

/* An entry of which the server sent only parts of some attributes. */
struct partial {
    struct list link;
    struct entry_builder builder;
    struct entry_ranges ranges;
};

struct search_run {
    struct list link; /* of the connection's searches, or of the ended ones */
    struct connection *connection;
    struct directory_search *search;
    struct request request; /* the page under way */
    struct berval cookie;   /* of the next page; libldap's memory */
    struct berval page_value;
    const char **attributes;
    bool is_paged;
    struct list pager_link;        /* waits for the pager */
    struct loop_timer pager_timer; /* the deadline while it waits there */
    struct list partials;
    size_t partial_count;
    struct request range; /* the part of a partial entry under way */
    char range_attribute[300];
    const char *range_attributes[2];
    bool is_range_answered;
    bool is_range_last;
    bool is_ended;
    enum error error;
};

static void next_partial(struct search_run *run);
static void take_pager(struct search_run *run);
static void send_page(struct search_run *run);

/* End */

static void free_partial(struct partial *partial)
{
    list_remove(&partial->link);
    entry_builder_drop(&partial->builder);
    free(partial);
}

static void free_run(struct search_run *run)
{
    list_each_safe(link, &run->partials) free_partial(list_entry(link, struct partial, link));
    list_remove(&run->link);
    loop_timer_stop(&run->pager_timer);
    ber_memfree(run->cookie.bv_val);
    ber_memfree(run->page_value.bv_val);
    free(run->attributes);
    free(run);
}

static void tell(struct search_run *run)
{
    struct directory_search *search = run->search;
    enum error error = run->error;
    free_run(run);
    search->state = NULL;
    search->on_done(search, error);
}

/* The next one that waits begins its pages. */
static void give_up_pager(struct search_run *run)
{
    struct connection *connection = run->connection;
    list_remove(&run->pager_link);
    loop_timer_stop(&run->pager_timer);
    if (connection->pager != run)
        return;
    connection->pager = NULL;
    struct list *link = list_first(&connection->paging_searches);
    if (link)
        take_pager(list_entry(link, struct search_run, pager_link));
}

/* Takes the run out of everything; on_done comes on the next turn, since the asker may stand in a call. */
static void end(struct search_run *run, enum error error)
{
    if (run->is_ended)
        return;
    run->is_ended = true;
    run->error = error;
    exchange_cancel(&run->connection->exchange, &run->request);
    exchange_cancel(&run->connection->exchange, &run->range);
    give_up_pager(run);
    list_remove(&run->link);
    list_append(&run->connection->ended_searches, &run->link);
    exchange_wake(&run->connection->exchange);
}

void search_tell_ended(struct connection *connection)
{
    struct list due;
    list_init(&due);
    struct list *link;
    while ((link = list_first(&connection->ended_searches))) {
        list_remove(link);
        list_append(&due, link);
    }
    while ((link = list_first(&due)))
        tell(list_entry(link, struct search_run, link));
}

void search_cancel_all(struct connection *connection)
{
    struct list *link;
    while ((link = list_first(&connection->searches)))
        end(list_entry(link, struct search_run, link), ERROR_CANCELED);
}

/* Ranged attributes */

static void hand_over(struct search_run *run, struct entry_builder *builder)
{
    struct entry *entry = entry_builder_finish(builder);
    run->search->on_entry(run->search, entry);
}

static struct partial *first_partial(struct search_run *run)
{
    return list_entry(list_first(&run->partials), struct partial, link);
}

static void on_range_message(struct request *request, LDAP *ldap, LDAPMessage *message)
{
    struct search_run *run = list_entry(request, struct search_run, range);
    if (ldap_msgtype(message) != LDAP_RES_SEARCH_ENTRY || run->is_range_answered)
        return;
    struct partial *partial = first_partial(run);
    struct entry_range *range = &partial->ranges.rows[partial->ranges.count - 1];
    enum error error = entry_message_continue(ldap, message, &partial->builder, range, &run->is_range_last);
    run->is_range_answered = true;
    if (error != OK)
        end(run, error);
}

static void on_range_result(struct request *request, LDAP *ldap, LDAPMessage *message)
{
    struct search_run *run = list_entry(request, struct search_run, range);
    int code = LDAP_OTHER;
    ldap_parse_result(ldap, message, &code, NULL, NULL, NULL, NULL, 0);
    /* A part that is missing would be members that are missing: the whole search fails. */
    if (code != LDAP_SUCCESS || !run->is_range_answered) {
        end(run, code == LDAP_SUCCESS ? ERROR_TEMPORARY : result_code_error(code));
        return;
    }
    struct partial *partial = first_partial(run);
    if (run->is_range_last)
        partial->ranges.count--;
    if (partial->ranges.count == 0) {
        hand_over(run, &partial->builder);
        free_partial(partial);
        run->partial_count--;
    }
    next_partial(run);
}

static void on_range_fail(struct request *request, enum error error, const char *why)
{
    (void)why;
    end(list_entry(request, struct search_run, range), error);
}

static void ask_range(struct search_run *run)
{
    struct partial *partial = first_partial(run);
    const struct entry_range *range = &partial->ranges.rows[partial->ranges.count - 1];
    snprintf(run->range_attribute, sizeof run->range_attribute, "%.*s;range=%" PRIu64 "-*",
             BYTES_ARG(range->name), range->next);
    run->range_attributes[0] = run->range_attribute;
    run->range_attributes[1] = NULL;
    run->is_range_answered = run->is_range_last = false;
    run->range = (struct request){
        .base = partial->builder.entry->dn,
        .scope = SCOPE_BASE,
        .filter = "(objectClass=*)",
        .attributes = run->range_attributes,
        .deadline_ms = run->request.deadline_ms,
        .on_message = on_range_message,
        .on_result = on_range_result,
        .on_fail = on_range_fail,
    };
    exchange_send(&run->connection->exchange, &run->range);
}

/* After a page: first what is missing of its entries, then the next page. */
static void next_partial(struct search_run *run)
{
    if (run->is_ended)
        return;
    if (!list_is_empty(&run->partials))
        ask_range(run);
    else if (run->cookie.bv_len > 0)
        send_page(run);
    else
        end(run, OK);
}

/* Pages */

static void keep_partial(struct search_run *run, struct entry_builder *builder,
                         const struct entry_ranges *ranges)
{
    struct partial *partial = run->partial_count < PARTIAL_MAX ? calloc(1, sizeof *partial) : NULL;
    if (!partial) {
        entry_builder_drop(builder);
        end(run, ERROR_LIMIT);
        return;
    }
    partial->builder = *builder;
    partial->ranges = *ranges;
    list_append(&run->partials, &partial->link);
    run->partial_count++;
}

static void on_message(struct request *request, LDAP *ldap, LDAPMessage *message)
{
    struct search_run *run = list_entry(request, struct search_run, request);
    if (ldap_msgtype(message) != LDAP_RES_SEARCH_ENTRY)
        return; /* a reference to another server is not followed */
    struct entry_builder builder;
    struct entry_ranges ranges;
    enum error error = entry_message_begin(ldap, message, &builder, &ranges);
    if (error != OK)
        end(run, error == ERROR_SYNTAX ? ERROR_PROTOCOL : error);
    else if (ranges.count > 0)
        keep_partial(run, &builder, &ranges);
    else
        hand_over(run, &builder);
}

static enum error read_cookie(struct search_run *run, LDAP *ldap, LDAPControl **controls)
{
    ber_memfree(run->cookie.bv_val);
    run->cookie = (struct berval){0};
    LDAPControl *control = controls ? ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL) : NULL;
    ber_int_t estimate;
    if (control && ldap_parse_pageresponse_control(ldap, control, &estimate, &run->cookie) != LDAP_SUCCESS)
        return ERROR_PROTOCOL;
    return OK;
}

static void on_result(struct request *request, LDAP *ldap, LDAPMessage *message)
{
    struct search_run *run = list_entry(request, struct search_run, request);
    int code = LDAP_OTHER;
    LDAPControl **controls = NULL;
    ldap_parse_result(ldap, message, &code, NULL, NULL, NULL, &controls, 0);
    enum error error = result_code_error(code);
    if (error == OK)
        error = read_cookie(run, ldap, controls);
    ldap_controls_free(controls);
    if (error == OK)
        next_partial(run);
    else
        end(run, error);
}

static void on_fail(struct request *request, enum error error, const char *why)
{
    (void)why;
    end(list_entry(request, struct search_run, request), error);
}

static void send_page(struct search_run *run)
{
    struct connection *connection = run->connection;
    struct request *request = &run->request;
    request->control_count = 0;
    connection_add_controls(connection, request);
    if (run->is_paged && connection_is_up(connection)) {
        ber_memfree(run->page_value.bv_val);
        run->page_value = (struct berval){0};
        if (ldap_create_page_control_value(connection->handle.ldap, PAGE_SIZE, &run->cookie,
                                           &run->page_value) != LDAP_SUCCESS) {
            end(run, ERROR_TEMPORARY);
            return;
        }
        static char oid[] = LDAP_CONTROL_PAGEDRESULTS;
        request->controls[request->control_count++] = (LDAPControl){oid, run->page_value, 0};
    }
    exchange_send(&connection->exchange, request);
}

static void take_pager(struct search_run *run)
{
    list_remove(&run->pager_link);
    loop_timer_stop(&run->pager_timer);
    run->connection->pager = run;
    send_page(run);
}

static void on_pager_timer(struct loop_timer *timer)
{
    end(list_entry(timer, struct search_run, pager_timer), ERROR_TIMEOUT);
}

static void begin(struct search_run *run, uint64_t delay_ms)
{
    struct connection *connection = run->connection;
    run->is_paged = connection_is_up(connection) && connection->handle.features.has_paging &&
                    run->search->scope != SCOPE_BASE && !run->search->is_unpaged;
    bool needs_pager = run->is_paged && flavor_row(connection->info.flavor)->has_single_pager;
    if (!needs_pager) {
        send_page(run);
    } else if (!connection->pager) {
        take_pager(run);
    } else {
        list_append(&connection->paging_searches, &run->pager_link);
        loop_timer_start(&run->pager_timer, delay_ms);
    }
}

/* Start and cancel */

void search_start(struct directory *directory, struct directory_search *search)
{
    struct connection *connection = (struct connection *)(void *)directory;
    struct search_run *run = calloc(1, sizeof *run);
    const char **attributes = run ? connection_attributes(connection, search->attributes) : NULL;
    if (!attributes)
        abort(); /* a few hundred bytes: without them nothing else goes on either */
    uint64_t delay = search->deadline_ms ? search->deadline_ms : DEFAULT_DEADLINE_MS;
    run->connection = connection;
    run->search = search;
    run->attributes = attributes;
    list_init(&run->partials);
    list_init(&run->pager_link);
    loop_timer_init(&run->pager_timer, directory->loop, on_pager_timer);
    run->request = (struct request){
        .base = search->base,
        .scope = search->scope,
        .filter = search->filter ? search->filter : "(objectClass=*)",
        .attributes = attributes,
        .deadline_ms = loop_now_ms(directory->loop) + delay,
        .on_message = on_message,
        .on_result = on_result,
        .on_fail = on_fail,
    };
    search->directory = directory;
    search->state = run;
    list_append(&connection->searches, &run->link);
    begin(run, delay);
}

void search_cancel(struct directory_search *search)
{
    if (search->state)
        end(search->state, ERROR_CANCELED);
}
