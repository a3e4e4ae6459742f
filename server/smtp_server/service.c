#include "smtp_server/service.h"

#include "smtp_server/session_internal.h"

/* Long enough for a client that talks at once to be heard first (matrix F6), too short for anybody to notice.
 */
#define GREET_DELAY_MS 2

static void on_empty_due(struct loop_timer *timer)
{
    struct smtp_service *service = list_entry(timer, struct smtp_service, empty);
    service->on_empty(service->on_empty_owner);
}

void smtp_service_init(struct smtp_service *service, struct loop *loop, struct spool *spool,
                       struct connection_limits *limits)
{
    *service = (struct smtp_service){
        .loop = loop,
        .clock = loop_clock(loop),
        .spool = spool,
        .limits = limits,
        .greet_delay_ms = GREET_DELAY_MS,
    };
    list_init(&service->sessions);
    loop_timer_init(&service->empty, loop, on_empty_due);
    session_log_metrics();
}

void smtp_service_set_organization(struct smtp_service *service, const struct organization *organization)
{
    const struct organization *old = service->organization;
    service->organization = organization != NULL ? organization_ref(organization) : NULL;
    list_each(link, &service->sessions)
    {
        struct smtp_session *session = list_entry(link, struct smtp_session, link);
        if (!session_is_in_transaction(session)) {
            session_match_again(session);
        }
    }
    organization_unref(old);
}

void smtp_service_set_certificates(struct smtp_service *service, struct certificate_contexts *certificates)
{
    certificate_contexts_free(service->certificates);
    service->certificates = certificates;
}

void smtp_service_set_trust(struct smtp_service *service, struct ssl_ctx_st *trust)
{
    tls_trust_unref(service->trust);
    service->trust = trust;
}

void smtp_service_drain(struct smtp_service *service, void (*on_empty)(void *owner), void *owner)
{
    service->is_draining = true;
    service->on_empty = on_empty;
    service->on_empty_owner = owner;
    list_each(link, &service->sessions)
    {
        struct smtp_session *session = list_entry(link, struct smtp_session, link);
        if (!session_is_in_transaction(session) && session->state != SESSION_CLOSING) {
            session_close(session, REPLY_SHUTTING_DOWN);
        }
    }
    if (service->session_count == 0) {
        loop_timer_start(&service->empty, 0);
    }
}

void smtp_service_abort_all(struct smtp_service *service)
{
    list_each(link, &service->sessions)
    {
        stream_abort(list_entry(link, struct smtp_session, link)->stream);
    }
}
