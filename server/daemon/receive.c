#include "daemon/receive.h"

#include "base/event.h"
#include "loop/listener.h"
#include "loop/machine_read.h"
#include "loop/mailbox.h"
#include "loop/revocation.h"
#include "smtp_server/accept.h"
#include "smtp_server/message_rate.h"
#include "smtp_server/rate.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RETRY_MS 10000

struct socket_entry {
    struct list link;
    struct ip_endpoint endpoint;
    struct listener *listener;
};

/* One SMTP loop. Everything but receive and loop belongs to its thread. */
struct receive_loop {
    struct receive *receive;
    struct loop *loop;
    struct smtp_service service;
    struct filters filters;
    struct list sockets;
    struct mail command; /* drain or abort, one at a time */
    struct loop_end_hook on_end;
};

struct receive {
    struct loop *main_loop;
    struct connection_limits *limits;
    struct message_rate *message_rate;
    atomic_int pressure; /* enum pressure_level */
    struct tls_ticket_keys *ticket_keys;
    enum tls_profile profile;
    const struct organization *organization; /* the one posted last */
    struct endpoint_set *endpoints;          /* those listened on */
    bool has_left_out;
    struct loop_timer retry;
    void (*on_drained)(void *owner);
    void *owner;
    struct mail drained; /* from the last loop to the main loop */
    atomic_uint loops_to_drain;
    unsigned count;
    struct receive_loop loops[];
};

/* An organization on its way to one loop. */
struct publication {
    struct mail mail;
    struct receive_loop *loop;
    const struct organization *organization;
    struct machine machine;
    size_t count;
    struct ip_endpoint endpoints[];
};

/* Certificates on their way to one loop. */
struct certificate_publication {
    struct mail mail;
    struct receive_loop *loop;
    const struct certificate_set *certificates;
};

static void on_accept(void *owner, struct stream *stream)
{
    struct receive_loop *loop = owner;
    smtp_accept(&loop->service, stream);
}

static void close_socket(struct socket_entry *entry)
{
    list_remove(&entry->link);
    listener_close(entry->listener);
    free(entry);
}

static bool is_wanted(const struct publication *publication, const struct ip_endpoint *endpoint)
{
    for (size_t i = 0; i < publication->count; i++) {
        const struct ip_endpoint *item = &publication->endpoints[i];
        if (item->port == endpoint->port && ip_compare(&item->address, &endpoint->address) == 0)
            return true;
    }
    return false;
}

static bool is_open(const struct receive_loop *loop, const struct ip_endpoint *endpoint)
{
    list_each(link, &loop->sockets)
    {
        const struct socket_entry *entry = list_entry(link, struct socket_entry, link);
        if (entry->endpoint.port == endpoint->port &&
            ip_compare(&entry->endpoint.address, &endpoint->address) == 0)
            return true;
    }
    return false;
}

static void open_socket(struct receive_loop *loop, const struct ip_endpoint *endpoint)
{
    struct note note = {0};
    struct socket_entry *entry = calloc(1, sizeof *entry);
    enum error error = entry ? listener_open(loop->loop, endpoint, on_accept, loop, &entry->listener, &note)
                             : ERROR_TEMPORARY;
    if (error) {
        event_say(EVENT_ERROR, "listen.failed", "%s", note.text);
        free(entry);
        return;
    }
    entry->endpoint = *endpoint;
    list_append(&loop->sockets, &entry->link);
}

/* On the SMTP loop: the new organization first, so that a connection on a new socket finds its connector. */
static void on_publication(struct mail *mail)
{
    struct publication *publication = list_entry(mail, struct publication, mail);
    struct receive_loop *loop = publication->loop;
    loop->service.machine = publication->machine;
    smtp_service_set_organization(&loop->service, publication->organization);
    organization_unref(publication->organization);
    list_each_safe(link, &loop->sockets)
    {
        struct socket_entry *entry = list_entry(link, struct socket_entry, link);
        if (!is_wanted(publication, &entry->endpoint))
            close_socket(entry);
    }
    for (size_t i = 0; i < publication->count && !loop->service.is_draining; i++) {
        if (!is_open(loop, &publication->endpoints[i]))
            open_socket(loop, &publication->endpoints[i]);
    }
    free(publication);
}

static void post_publication(struct receive_loop *loop, const struct organization *organization,
                             const struct machine *machine, const struct endpoint_set *endpoints)
{
    struct publication *publication =
        malloc(sizeof *publication + endpoints->count * sizeof publication->endpoints[0]);
    if (!publication) {
        event_say(EVENT_ERROR, "publish.failed", "no memory: a loop keeps the organization it has");
        return;
    }
    publication->mail.on_mail = on_publication;
    publication->loop = loop;
    publication->organization = organization_ref(organization);
    publication->machine = *machine;
    publication->count = endpoints->count;
    for (size_t i = 0; i < endpoints->count; i++)
        publication->endpoints[i] = endpoints->items[i];
    if (!mailbox_post(loop->loop, &publication->mail)) {
        organization_unref(organization);
        free(publication);
    }
}

/* On the SMTP loop. */
static void on_certificates(struct mail *mail)
{
    struct certificate_publication *publication = list_entry(mail, struct certificate_publication, mail);
    struct receive_loop *loop = publication->loop;
    const struct receive *receive = loop->receive;
    struct certificate_contexts *contexts =
        certificate_contexts_new(publication->certificates, receive->profile, receive->ticket_keys);
    if (contexts)
        smtp_service_set_certificates(&loop->service, contexts);
    certificate_set_unref(publication->certificates);
    free(publication);
}

/* No session is there to see it; the loops do with the organization's mail. */
void receive_set_authenticator(struct receive *receive, struct authenticator *authenticator,
                               struct failure_counts *failures)
{
    assert(!receive->organization);
    for (unsigned i = 0; i < receive->count; i++) {
        receive->loops[i].service.authenticator = authenticator;
        receive->loops[i].service.failures = failures;
    }
}

void receive_set_certificates(struct receive *receive, const struct certificate_set *certificates)
{
    for (unsigned i = 0; i < receive->count; i++) {
        struct certificate_publication *publication = calloc(1, sizeof *publication);
        if (!publication) {
            event_say(EVENT_ERROR, "publish.failed", "no memory: a loop keeps the certificates it has");
            continue;
        }
        publication->mail.on_mail = on_certificates;
        publication->loop = &receive->loops[i];
        publication->certificates = certificate_set_ref(certificates);
        if (!mailbox_post(receive->loops[i].loop, &publication->mail)) {
            certificate_set_unref(certificates);
            free(publication);
        }
    }
}

/* Anchors and lists on their way to one loop. */
struct trust_publication {
    struct mail mail;
    struct receive_loop *loop;
    struct ssl_ctx_st *trust;
};

/* On the SMTP loop. */
static void on_trust(struct mail *mail)
{
    struct trust_publication *publication = list_entry(mail, struct trust_publication, mail);
    smtp_service_set_trust(&publication->loop->service, publication->trust);
    free(publication);
}

void receive_set_trust(struct receive *receive, struct ssl_ctx_st *trust)
{
    for (unsigned i = 0; i < receive->count; i++) {
        struct trust_publication *publication = calloc(1, sizeof *publication);
        if (!publication) {
            event_say(EVENT_ERROR, "publish.failed", "no memory: a loop keeps the anchors it has");
            continue;
        }
        publication->mail.on_mail = on_trust;
        publication->loop = &receive->loops[i];
        publication->trust = tls_trust_ref(trust);
        if (!mailbox_post(receive->loops[i].loop, &publication->mail)) {
            tls_trust_unref(trust);
            free(publication);
        }
    }
    tls_trust_unref(trust);
}

/* Leaves out what we may not listen on; true when another process is in the way of one. */
static bool leave_out_taken(struct receive *receive, struct endpoint_set *wanted)
{
    bool is_taken = false;
    receive->has_left_out = false;
    for (size_t i = wanted->count; i-- > 0;) {
        struct note note = {0};
        enum error error = endpoint_set_has(receive->endpoints, &wanted->items[i])
                               ? OK
                               : endpoint_probe(&wanted->items[i], receive->endpoints, &note);
        if (!error)
            continue;
        event_say(EVENT_ERROR, "listen.failed", "%s; tried again every %d s", note.text, RETRY_MS / 1000);
        endpoint_set_remove(wanted, i);
        receive->has_left_out = true;
        is_taken |= error == ERROR_TEMPORARY;
    }
    return is_taken;
}

void receive_set_organization(struct receive *receive, const struct organization *organization,
                              bool *out_taken)
{
    struct machine machine;
    struct endpoint_set *wanted = endpoint_set_of(organization);
    if (!wanted) {
        event_say(EVENT_ERROR, "publish.failed", "no memory: the organization in force stays");
        return;
    }
    bool is_taken = leave_out_taken(receive, wanted);
    if (out_taken)
        *out_taken = is_taken;
    organization_ref(organization);
    organization_unref(receive->organization);
    receive->organization = organization;
    free(receive->endpoints);
    receive->endpoints = wanted;
    machine_read(&machine);
    for (unsigned i = 0; i < receive->count; i++)
        post_publication(&receive->loops[i], organization, &machine, wanted);
    if (receive->has_left_out)
        loop_timer_start(&receive->retry, RETRY_MS);
}

static void on_retry(struct loop_timer *timer)
{
    struct receive *receive = list_entry(timer, struct receive, retry);
    if (!receive->on_drained)
        receive_set_organization(receive, receive->organization, NULL);
}

/* The loop ends: nothing of ours may be left on it. */
static void on_loop_end(struct loop_end_hook *hook)
{
    struct receive_loop *loop = list_entry(hook, struct receive_loop, on_end);
    list_each_safe(link, &loop->sockets) close_socket(list_entry(link, struct socket_entry, link));
    smtp_service_abort_all(&loop->service);
    smtp_service_set_organization(&loop->service, NULL);
    smtp_service_set_certificates(&loop->service, NULL);
    smtp_service_set_trust(&loop->service, NULL);
    if (loop->service.revocation)
        revocation_stop(loop->service.revocation);
    resolver_free(loop->filters.resolver);
    loop->filters.resolver = NULL;
}

/* A filter may be named by a host that moves. */
static enum error start_filters(struct receive_loop *loop, const struct config *config, struct note *note)
{
    const struct resolver_config machine = {0};
    loop->filters = (struct filters){.list = &config->filter.list, .loop = loop->loop};
    loop->service.filters = &loop->filters;
    return config->filter.list.count ? resolver_new(loop->loop, &machine, &loop->filters.resolver, note) : OK;
}

static unsigned loop_count(const struct config *config)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    return config->server.loops ? (unsigned)config->server.loops : cpus > 0 ? (unsigned)cpus : 1;
}

static enum error start_loop(struct receive *receive, struct receive_loop *loop, unsigned number,
                             const struct config *config, struct spool *spool, struct note *note)
{
    char name[16];
    snprintf(name, sizeof name, "smtp-%u", number);
    loop->receive = receive;
    list_init(&loop->sockets);
    loop->loop = loop_new(name, NULL);
    if (!loop->loop)
        return ERROR_TEMPORARY;
    smtp_service_init(&loop->service, loop->loop, spool, receive->limits);
    loop->service.fetches_lists = config->tls.crl_fetch;
    loop->service.message_rate = receive->message_rate;
    loop->service.pressure = &receive->pressure;
    loop->service.proxy_trusted = config->server.proxy_trusted.ranges;
    loop->service.proxy_trusted_count = config->server.proxy_trusted.count;
    enum error error = start_filters(loop, config, note);
    if (error)
        return error;
    loop->on_end.on_end = on_loop_end;
    loop_on_end(loop->loop, &loop->on_end);
    return loop_start(loop->loop);
}

enum error receive_start(struct loop *main_loop, const struct config *config, struct spool *spool,
                         struct receive **out, struct note *note)
{
    unsigned count = loop_count(config);
    struct receive *receive = calloc(1, sizeof *receive + count * sizeof receive->loops[0]);
    enum error error = receive ? OK : ERROR_TEMPORARY;
    if (error)
        return error;
    receive->main_loop = main_loop;
    receive->limits = connection_limits_new();
    receive->message_rate = message_rate_new();
    receive->ticket_keys = tls_ticket_keys_new(&clock_system);
    receive->profile = config->tls.profile;
    loop_timer_init(&receive->retry, main_loop, on_retry);
    for (unsigned i = 0; i < count && !error; i++) {
        error = start_loop(receive, &receive->loops[i], i, config, spool, note);
        receive->count += !error;
    }
    if (error || !receive->limits || !receive->message_rate || !receive->ticket_keys) {
        note_wrap(note, "the SMTP loops cannot start");
        receive_stop(receive);
        receive_free(receive);
        return error ? error : ERROR_TEMPORARY;
    }
    *out = receive;
    return OK;
}

void receive_set_pressure(struct receive *receive, enum pressure_level level)
{
    atomic_store(&receive->pressure, (int)level);
}

const struct connection_limits *receive_limits(const struct receive *receive)
{
    return receive->limits;
}

/* On the main loop. */
static void on_all_drained(struct mail *mail)
{
    struct receive *receive = list_entry(mail, struct receive, drained);
    receive->on_drained(receive->owner);
}

/* On an SMTP loop: its last session is gone. */
static void on_service_empty(void *owner)
{
    struct receive_loop *loop = owner;
    struct receive *receive = loop->receive;
    if (atomic_fetch_sub(&receive->loops_to_drain, 1) == 1) {
        receive->drained.on_mail = on_all_drained;
        mailbox_post(receive->main_loop, &receive->drained);
    }
}

/* On an SMTP loop. */
static void on_drain(struct mail *mail)
{
    struct receive_loop *loop = list_entry(mail, struct receive_loop, command);
    list_each_safe(link, &loop->sockets) close_socket(list_entry(link, struct socket_entry, link));
    smtp_service_drain(&loop->service, on_service_empty, loop);
}

void receive_drain(struct receive *receive, void (*on_drained)(void *owner), void *owner)
{
    assert(!receive->on_drained);
    loop_timer_stop(&receive->retry);
    receive->on_drained = on_drained;
    receive->owner = owner;
    atomic_store(&receive->loops_to_drain, receive->count);
    for (unsigned i = 0; i < receive->count; i++) {
        receive->loops[i].command.on_mail = on_drain;
        mailbox_post(receive->loops[i].loop, &receive->loops[i].command);
    }
}

void receive_stop(struct receive *receive)
{
    loop_timer_stop(&receive->retry);
    for (unsigned i = 0; i < receive->count; i++)
        loop_end(receive->loops[i].loop);
    for (unsigned i = 0; i < receive->count; i++)
        loop_join(receive->loops[i].loop);
}

void receive_free(struct receive *receive)
{
    if (!receive)
        return;
    for (unsigned i = 0; i < receive->count; i++) {
        revocation_free(receive->loops[i].service.revocation);
        loop_free(receive->loops[i].loop);
    }
    connection_limits_free(receive->limits);
    message_rate_free(receive->message_rate);
    tls_ticket_keys_free(receive->ticket_keys);
    organization_unref(receive->organization);
    free(receive->endpoints);
    free(receive);
}
