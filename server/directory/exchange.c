#include "directory/exchange.h"

#include "directory/result_code.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

/* A server takes as many as it likes; what is beyond waits here, where it can be withdrawn. */
#define SENT_MAX    64
#define WAITING_MAX 10000
/* Messages handled before other work of the loop gets its turn. */
#define DRAIN_BUDGET 256

static void arm_deadline(struct exchange *exchange);

void exchange_wake(struct exchange *exchange)
{
    if (!exchange->is_posted)
        exchange->is_posted = mailbox_post(exchange->loop, &exchange->mail);
}

bool exchange_is_posted(const struct exchange *exchange)
{
    return exchange->is_posted;
}

static void lose(struct exchange *exchange, enum error error, const char *why)
{
    if (exchange->lost == OK) {
        exchange->lost = error;
        snprintf(exchange->lost_why, sizeof exchange->lost_why, "%s", why);
    }
    exchange_wake(exchange);
}

static void lose_by_code(struct exchange *exchange)
{
    int code = LDAP_SERVER_DOWN;
    ldap_get_option(exchange->handle->ldap, LDAP_OPT_RESULT_CODE, &code);
    bool is_code = code != LDAP_SUCCESS && code != LDAP_BUSY && code != LDAP_TIMEOUT;
    lose(exchange, is_code ? result_code_error(code) : ERROR_TEMPORARY,
         is_code ? ldap_err2string(code) : "the connection ended");
}

/* Requests leave the lists here, whatever became of them. */
static void take_off(struct exchange *exchange, struct request *request)
{
    if (request->is_sent)
        exchange->sent_count--;
    else if (request->message_id < 0)
        exchange->waiting_count--;
    request->is_sent = false;
    request->message_id = 0;
    list_remove(&request->link);
}

/* For those that fail inside the asker's own call. message_id tells how. */
static void fail_later(struct exchange *exchange, struct request *request, enum error error)
{
    request->message_id = (int)error;
    request->is_sent = false;
    list_append(&exchange->failed, &request->link);
    exchange_wake(exchange);
}

static bool is_writable(const struct exchange *exchange)
{
    struct pollfd descriptor = {.fd = exchange->handle->descriptor, .events = POLLOUT};
    return poll(&descriptor, 1, 0) == 1 && (descriptor.revents & POLLOUT) != 0;
}

static void set_interest(struct exchange *exchange)
{
    if (exchange->poll)
        loop_poll_set(exchange->poll, LOOP_READABLE | (exchange->is_unflushed ? LOOP_WRITABLE : 0));
}

/* Sending */

static int send_change(LDAP *ldap, struct request *request, LDAPControl **controls)
{
    switch (request->change) {
    case CHANGE_EDIT:
        break;
    case CHANGE_ADD:
        return ldap_add_ext(ldap, request->base, request->changes, controls, NULL, &request->message_id);
    case CHANGE_DELETE:
        return ldap_delete_ext(ldap, request->base, controls, NULL, &request->message_id);
    }
    return ldap_modify_ext(ldap, request->base, request->changes, controls, NULL, &request->message_id);
}

static enum error hand_to_libldap(struct exchange *exchange, struct request *request, int *out_code)
{
    static const int scopes[] = {[SCOPE_BASE] = LDAP_SCOPE_BASE,
                                 [SCOPE_ONE] = LDAP_SCOPE_ONELEVEL,
                                 [SCOPE_SUBTREE] = LDAP_SCOPE_SUBTREE};
    LDAPControl *controls[EXCHANGE_CONTROLS_MAX + 1] = {NULL};
    for (size_t i = 0; i < request->control_count; i++)
        controls[i] = &request->controls[i];
    LDAP *ldap = exchange->handle->ldap;
    watchdog_arm(exchange->watchdog, exchange->operation_ms);
    if (request->changes)
        *out_code = send_change(ldap, request, controls);
    else
        *out_code = ldap_search_ext(ldap, request->base, scopes[request->scope], request->filter,
                                    (char **)(uintptr_t)request->attributes, 0, controls, NULL, NULL,
                                    LDAP_NO_LIMIT, &request->message_id);
    watchdog_disarm(exchange->watchdog);
    int state = LDAP_SUCCESS;
    ldap_get_option(ldap, LDAP_OPT_RESULT_CODE, &state);
    /* BUSY beside success: taken, but not all of it is on its way. BUSY alone: not taken, an earlier one
     * still is not. */
    if (state == LDAP_BUSY || *out_code == LDAP_BUSY)
        exchange->is_unflushed = true;
    return result_code_error(*out_code);
}

/* False when this one must go on waiting. */
static bool send_now(struct exchange *exchange, struct request *request)
{
    int code;
    enum error error = hand_to_libldap(exchange, request, &code);
    if (code == LDAP_BUSY) {
        request->message_id = -1;
        return false;
    }
    list_remove(&request->link);
    exchange->waiting_count--;
    if (error == OK) {
        request->is_sent = true;
        request->received_before = exchange->received_count;
        exchange->sent_count++;
        list_append(&exchange->sent, &request->link);
        return true;
    }
    if (error == ERROR_SYNTAX) {
        fail_later(exchange, request, ERROR_SYNTAX);
        return true;
    }
    fail_later(exchange, request, ERROR_TEMPORARY);
    lose_by_code(exchange);
    return false;
}

static void send_waiting(struct exchange *exchange)
{
    struct list *link;
    while (exchange->lost == OK && !exchange->is_unflushed && exchange->sent_count < SENT_MAX &&
           (link = list_first(&exchange->waiting)))
        if (!send_now(exchange, list_entry(link, struct request, link)))
            break;
    set_interest(exchange);
}

void exchange_send(struct exchange *exchange, struct request *request)
{
    if (!exchange->handle || exchange->lost != OK || exchange->waiting_count == WAITING_MAX) {
        fail_later(exchange, request, ERROR_TEMPORARY);
        return;
    }
    request->message_id = -1;
    request->is_sent = false;
    request->received_before = exchange->received_count;
    list_append(&exchange->waiting, &request->link);
    exchange->waiting_count++;
    send_waiting(exchange);
    arm_deadline(exchange);
}

/* An abandon is written in one go or it breaks the stream, for libldap forgets what the socket did not take:
 * only when there is surely room. Otherwise the answers come and find nobody. */
static void abandon(struct exchange *exchange, int message_id)
{
    if (exchange->handle && exchange->lost == OK && !exchange->is_unflushed && is_writable(exchange))
        ldap_abandon_ext(exchange->handle->ldap, message_id, NULL, NULL);
}

void exchange_cancel(struct exchange *exchange, struct request *request)
{
    if (!request->link.next || list_is_empty(&request->link))
        return;
    bool was_sent = request->is_sent;
    int message_id = request->message_id;
    take_off(exchange, request);
    if (was_sent)
        abandon(exchange, message_id);
}

/* Deadlines */

static uint64_t earliest(struct list *requests, uint64_t so_far)
{
    list_each(link, requests)
    {
        uint64_t due = list_entry(link, struct request, link)->deadline_ms;
        if (due && due < so_far)
            so_far = due;
    }
    return so_far;
}

static void arm_deadline(struct exchange *exchange)
{
    uint64_t due = earliest(&exchange->waiting, earliest(&exchange->sent, UINT64_MAX));
    uint64_t now = loop_now_ms(exchange->loop);
    if (due == UINT64_MAX)
        loop_timer_stop(&exchange->deadline_timer);
    else
        loop_timer_start(&exchange->deadline_timer, due > now ? due - now : 0);
}

static struct request *next_expired(struct list *requests, uint64_t now)
{
    list_each(link, requests)
    {
        struct request *request = list_entry(link, struct request, link);
        if (request->deadline_ms && request->deadline_ms <= now)
            return request;
    }
    return NULL;
}

static void on_deadline(struct loop_timer *timer)
{
    struct exchange *exchange = list_entry(timer, struct exchange, deadline_timer);
    uint64_t now = loop_now_ms(exchange->loop);
    for (;;) {
        struct request *request = next_expired(&exchange->sent, now);
        if (!request)
            request = next_expired(&exchange->waiting, now);
        if (!request)
            break;
        /* Not one whole message in all that time: the peer is dead or stopped inside one. */
        if (exchange->received_count == request->received_before)
            lose(exchange, ERROR_TIMEOUT, "no answer within the deadline");
        exchange_cancel(exchange, request);
        request->on_fail(request, ERROR_TIMEOUT, "no answer within the deadline");
    }
    send_waiting(exchange);
    arm_deadline(exchange);
}

/* Receiving */

static void unsolicited(struct exchange *exchange, LDAPMessage *message)
{
    int code = LDAP_SERVER_DOWN;
    if (ldap_msgtype(message) == LDAP_RES_EXTENDED)
        ldap_parse_result(exchange->handle->ldap, message, &code, NULL, NULL, NULL, NULL, 0);
    lose(exchange, ERROR_TEMPORARY, ldap_err2string(code)); /* RFC 4511, 4.4.1: notice of disconnection */
}

static struct request *find_request(struct exchange *exchange, int message_id)
{
    list_each(link, &exchange->sent)
    {
        struct request *request = list_entry(link, struct request, link);
        if (request->message_id == message_id)
            return request;
    }
    return NULL;
}

static void dispatch(struct exchange *exchange, LDAPMessage *message)
{
    LDAP *ldap = exchange->handle->ldap;
    int id = ldap_msgid(message);
    if (id == 0) {
        unsolicited(exchange, message);
        return;
    }
    struct request *request = find_request(exchange, id);
    if (!request)
        return; /* of one that was canceled */
    switch (ldap_msgtype(message)) {
    case LDAP_RES_SEARCH_ENTRY:
    case LDAP_RES_SEARCH_REFERENCE:
    case LDAP_RES_INTERMEDIATE:
        request->on_message(request, ldap, message);
        break;
    case LDAP_RES_SEARCH_RESULT:
    case LDAP_RES_MODIFY:
    case LDAP_RES_ADD:
    case LDAP_RES_DELETE:
        take_off(exchange, request);
        request->on_result(request, ldap, message);
        break;
    default:
        lose(exchange, ERROR_PROTOCOL, "an answer of another kind than the question");
        break;
    }
}

/* ldap_result with no time to wait may only queue what it reads and hand it out at the next call: one call
 * for each readable event stays one message behind for ever. So: until two calls in a row have nothing. That
 * also empties TLS records. */
static void drain(struct exchange *exchange)
{
    int idle = 0, budget = DRAIN_BUDGET;
    while (idle < 2 && budget > 0 && exchange->lost == OK) {
        struct timeval no_time = {0};
        LDAPMessage *message = NULL;
        watchdog_arm(exchange->watchdog, exchange->operation_ms);
        int kind = ldap_result(exchange->handle->ldap, LDAP_RES_ANY, LDAP_MSG_ONE, &no_time, &message);
        watchdog_disarm(exchange->watchdog);
        if (kind < 0) {
            lose_by_code(exchange);
        } else if (kind == 0) {
            idle++;
        } else {
            idle = 0;
            budget--;
            exchange->received_count++;
            dispatch(exchange, message);
            ldap_msgfree(message);
        }
    }
    /* The idle calls have flushed too. A socket that takes more has taken all there was. */
    if (exchange->is_unflushed && idle == 2 && is_writable(exchange))
        exchange->is_unflushed = false;
    exchange->is_drain_due = budget == 0;
    if (exchange->is_drain_due)
        exchange_wake(exchange);
    send_waiting(exchange);
    arm_deadline(exchange);
}

static void on_socket(void *owner, int events)
{
    (void)events;
    struct exchange *exchange = owner;
    if (exchange->handle && exchange->lost == OK)
        drain(exchange);
}

static void tell_failed(struct exchange *exchange)
{
    struct list *link;
    struct list due;
    list_init(&due);
    while ((link = list_first(&exchange->failed))) {
        list_remove(link);
        list_append(&due, link);
    }
    while ((link = list_first(&due))) {
        struct request *request = list_entry(link, struct request, link);
        enum error error = (enum error)request->message_id;
        list_remove(link);
        request->message_id = 0;
        request->on_fail(request, error,
                         error == ERROR_SYNTAX ? "not a base or filter" : "the directory is not connected");
    }
}

static void on_mail(struct mail *mail)
{
    struct exchange *exchange = list_entry(mail, struct exchange, mail);
    exchange->is_posted = false;
    tell_failed(exchange);
    if (exchange->handle && exchange->lost == OK && exchange->is_drain_due)
        drain(exchange);
    if (exchange->handle && exchange->lost != OK)
        exchange->on_lost(exchange->owner, exchange->lost, exchange->lost_why);
    exchange->on_turn(exchange->owner);
}

/* Life */

void exchange_init(struct exchange *exchange, struct loop *loop, struct watchdog *watchdog,
                   uint64_t operation_ms)
{
    *exchange = (struct exchange){.loop = loop, .watchdog = watchdog, .operation_ms = operation_ms};
    exchange->mail.on_mail = on_mail;
    list_init(&exchange->sent);
    list_init(&exchange->waiting);
    list_init(&exchange->failed);
    loop_timer_init(&exchange->deadline_timer, loop, on_deadline);
}

enum error exchange_attach(struct exchange *exchange, struct handle *handle)
{
    enum error error =
        loop_poll_new(exchange->loop, handle->descriptor, on_socket, exchange, &exchange->poll);
    if (error != OK)
        return error;
    exchange->handle = handle;
    exchange->lost = OK;
    exchange->is_unflushed = exchange->is_drain_due = false;
    set_interest(exchange);
    return OK;
}

void exchange_detach(struct exchange *exchange, enum error error, const char *why)
{
    if (exchange->handle)
        loop_poll_free(exchange->poll);
    exchange->poll = NULL;
    exchange->handle = NULL;
    exchange->lost = OK;
    loop_timer_stop(&exchange->deadline_timer);
    struct list *link;
    while ((link = list_first(&exchange->sent)) || (link = list_first(&exchange->waiting))) {
        struct request *request = list_entry(link, struct request, link);
        take_off(exchange, request);
        request->on_fail(request, error, why);
    }
}
