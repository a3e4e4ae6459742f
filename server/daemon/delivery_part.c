/* The delivery loop: schedule, connections and resolver live there. */
#include "auth/sasl_library.h"
#include "base/event.h"
#include "daemon/part.h"
#include "daemon/process_internal.h"
#include "loop/http_request.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* On the delivery loop. */
static enum error begin(struct process *process, struct note *note)
{
    const struct config *config = process->config;
    struct delivery_config delivery = {
        .loop = process->delivery_loop,
        .spool = process->spool,
        .clock = &clock_system,
        .schedule = {.delay_count = config->queue.retry_count,
                     .expire_ms = config->queue.expire_ms,
                     .delay_warning_ms = config->queue.delay_warning_ms},
        .resolver.trust_anchor_file = config->dns.trust_anchor,
    };
    static_assert(CONFIG_RETRY_MAX == SCHEDULE_DELAYS_MAX, "one list of delays");
    memcpy(delivery.schedule.delays_ms, config->queue.retry_ms, sizeof delivery.schedule.delays_ms);
    delivery.ca_file = config->tls.ca_file;
    delivery.asks_dane = config->tls.dane && config->dns.trust_anchor;
    delivery.asks_sts = config->tls.mta_sts;
    delivery.fetches_lists = config->tls.crl_fetch;
    delivery.keytab = config->sasl.keytab;
    struct note problem = {0};
    enum error error = trust_part_read(config, &delivery.tls, &problem);
    if (error || problem.text[0])
        event_say(EVENT_ERROR, "trust.refused", "%s: no next hop's certificate is good", problem.text);
    if (error)
        return error;
    receive_set_trust(process->receive, tls_context_trust(delivery.tls));
    error = delivery_start(&delivery, &process->delivery, note);
    if (!error)
        delivery_set_certificates(process->delivery, certificate_set_ref(process->certificates));
    return error;
}

enum error delivery_part_start(struct process *process, struct note *note)
{
    enum error error = http_request_prepare();
    if (!error)
        error = sasl_library_start(NULL, note);
    return error ? error : part_start(process, "delivery", &process->delivery_loop, begin, note);
}

struct handover {
    struct mail mail;
    struct process *process;
    const struct organization *organization;
};

/* On the delivery loop. */
static void on_handover(struct mail *mail)
{
    struct handover *handover = list_entry(mail, struct handover, mail);
    if (handover->process->delivery)
        delivery_set_organization(handover->process->delivery, handover->organization);
    organization_unref(handover->organization);
    free(handover);
}

void delivery_part_set_organization(struct process *process, const struct organization *organization)
{
    struct handover *handover = malloc(sizeof *handover);
    if (!handover) {
        event_say(EVENT_ERROR, "publish.failed", "no memory: delivery keeps the organization it has");
        return;
    }
    *handover = (struct handover){
        .mail.on_mail = on_handover, .process = process, .organization = organization_ref(organization)};
    if (!mailbox_post(process->delivery_loop, &handover->mail)) {
        organization_unref(organization);
        free(handover);
    }
}

struct trust_handover {
    struct mail mail;
    struct process *process;
    struct tls_context *tls;
};

/* On the delivery loop. */
static void on_trust(struct mail *mail)
{
    struct trust_handover *handover = list_entry(mail, struct trust_handover, mail);
    if (handover->process->delivery)
        delivery_set_tls(handover->process->delivery, handover->tls);
    else
        tls_context_free(handover->tls);
    free(handover);
}

void delivery_part_set_tls(struct process *process, struct tls_context *tls)
{
    struct trust_handover *handover = malloc(sizeof *handover);
    if (handover)
        *handover = (struct trust_handover){.mail.on_mail = on_trust, .process = process, .tls = tls};
    if (!handover || !process->delivery_loop || !mailbox_post(process->delivery_loop, &handover->mail)) {
        tls_context_free(tls);
        free(handover);
    }
}

struct certificate_handover {
    struct mail mail;
    struct process *process;
    const struct certificate_set *certificates;
};

/* On the delivery loop. */
static void on_certificates(struct mail *mail)
{
    struct certificate_handover *handover = list_entry(mail, struct certificate_handover, mail);
    if (handover->process->delivery)
        delivery_set_certificates(handover->process->delivery, handover->certificates);
    else
        certificate_set_unref(handover->certificates);
    free(handover);
}

void delivery_part_set_certificates(struct process *process, const struct certificate_set *certificates)
{
    struct certificate_handover *handover = process->delivery_loop ? malloc(sizeof *handover) : NULL;
    if (!handover)
        return; /* what it has serves on; at the start it takes them by itself */
    *handover = (struct certificate_handover){.mail.on_mail = on_certificates,
                                              .process = process,
                                              .certificates = certificate_set_ref(certificates)};
    if (!mailbox_post(process->delivery_loop, &handover->mail)) {
        certificate_set_unref(certificates);
        free(handover);
    }
}

static void on_stopped(void *owner)
{
    struct process *process = owner;
    mailbox_post(process->loop, &process->delivery_stopped);
}

/* On the delivery loop. */
static void on_stop(struct mail *mail)
{
    struct process *process = list_entry(mail, struct process, stop_delivery);
    delivery_stop(process->delivery, on_stopped, process);
}

void delivery_part_stop(struct process *process)
{
    process->stop_delivery.on_mail = on_stop;
    if (!process->delivery || !mailbox_post(process->delivery_loop, &process->stop_delivery))
        on_stopped(process);
}

/* On the delivery loop. */
static void on_abort(struct mail *mail)
{
    delivery_abort(list_entry(mail, struct process, abort_delivery)->delivery);
}

void delivery_part_abort(struct process *process)
{
    process->abort_delivery.on_mail = on_abort;
    if (process->delivery)
        mailbox_post(process->delivery_loop, &process->abort_delivery);
}

void delivery_part_end(struct process *process)
{
    if (!process->delivery_loop)
        return;
    loop_end(process->delivery_loop);
    loop_join(process->delivery_loop);
}

void delivery_part_free(struct process *process)
{
    if (process->delivery)
        delivery_free(process->delivery);
    loop_free(process->delivery_loop);
    if (process->delivery_loop)
        sasl_library_stop();
}
