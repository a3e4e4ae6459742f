#include "base/event.h"
#include "daemon/process_internal.h"

#define LOOK_MS      2000
#define MISSING_MAX  (64u << 10)
#define NAMES_LOGGED 16

static void say_refusals(const struct certificate_set *set)
{
    size_t count;
    const struct certificate_refusal *refusals = certificate_set_refusals(set, &count);
    for (size_t i = 0; i < count; i++)
        event_say(EVENT_ERROR, "certificate.refused", "%s: %s%s", refusals[i].file, refusals[i].why,
                  refusals[i].is_kept ? "; its previous content serves on" : "");
}

/* Facts 10.1: an expired one is offered all the same. */
static void say_expired(const struct certificate_set *set, int64_t now_s)
{
    for (size_t i = 0; i < certificate_set_count(set); i++) {
        const struct certificate *certificate = certificate_set_at(set, i);
        if (certificate->valid_to < now_s)
            event_say(EVENT_WARNING, "certificate.expired", "%s: offered all the same", certificate->file);
    }
}

static enum error read_certificates(struct process *process, struct note *note)
{
    const char *directory = process->config->tls.certificate_dir;
    const struct certificate_set *set;
    /* Before the reading: a change in between is then seen by the next look. */
    process->certificate_stamp = certificate_directory_stamp(directory);
    enum error error = certificate_set_read(directory, process->certificates, &set, note);
    if (error)
        return error;
    say_refusals(set);
    say_expired(set, clock_wall_ms(&clock_system) / 1000);
    certificate_set_unref(process->certificates);
    process->certificates = set;
    event_say(EVENT_INFO, "certificate.loaded", "%zu from %s", certificate_set_count(set), directory);
    receive_set_certificates(process->receive, set);
    delivery_part_set_certificates(process, set);
    return OK;
}

void certificate_part_reload(struct process *process)
{
    struct note note = {0};
    enum error error = read_certificates(process, &note);
    if (error || note.text[0])
        event_say(EVENT_ERROR, "certificate.directory", "%s", note.text[0] ? note.text : error_name(error));
    certificate_part_check(process);
}

/* Looking at the files is cheap and also sees what other mounts and symbolic links change. */
static void on_look(struct loop_timer *timer)
{
    struct process *process = list_entry(timer, struct process, certificate_look);
    loop_timer_start(timer, LOOK_MS);
    if (certificate_directory_stamp(process->config->tls.certificate_dir) != process->certificate_stamp)
        certificate_part_reload(process);
}

enum error certificate_part_start(struct process *process, struct note *note)
{
    struct note missing = {0};
    buffer_init(&process->missing_certificates, MISSING_MAX);
    if (process->config->tls.profile == TLS_PROFILE_LEGACY)
        event_say(EVENT_WARNING, "tls.legacy",
                  "tls.profile legacy: TLS 1.0 and 1.1 and old ciphers are taken");
    enum error error = read_certificates(process, &missing);
    if (error) {
        note_set(note, "certificates: %s", error_name(error));
        return error;
    }
    loop_timer_init(&process->certificate_look, process->loop, on_look);
    loop_timer_start(&process->certificate_look, LOOK_MS);
    return OK;
}

static bool wants_certificate(const struct receive_connector *connector)
{
    return connector->is_enabled && !connector->refused &&
           ((connector->auth_mechanism & AUTH_TLS) || connector->implicit_tls);
}

static bool wants_internal(const struct organization *organization)
{
    bool is_wanted = false;
    for (size_t i = 0; i < organization->receive_count && !is_wanted; i++) {
        const struct receive_connector *connector = &organization->receive[i];
        is_wanted = connector->is_enabled && !connector->refused &&
                    (connector->auth_mechanism & AUTH_EXCHANGE_SERVER);
    }
    for (size_t i = 0; i < organization->send_count && !is_wanted; i++) {
        const struct send_connector *connector = &organization->send[i];
        is_wanted = connector->is_enabled && !connector->refused && connector->is_for_this_server &&
                    (connector->send_flags & SEND_AUTH_MASK) == SEND_AUTH_EXCHANGE_SERVER;
    }
    return is_wanted;
}

/* Facts 10.2: without it X-ANONYMOUSTLS is not offered, and none is shown where it is. */
static void check_internal(struct process *process, const struct organization *organization)
{
    const struct certificate_wish wish = {.internal = organization->server.internal_certificate};
    bool is_missing =
        wish.internal.len && wants_internal(organization) &&
        certificate_set_choose(process->certificates, &wish) == certificate_set_count(process->certificates);
    if (is_missing && !process->is_internal_missing)
        event_say(
            EVENT_ERROR, "certificate.internal",
            "msExchServerInternalTLSCert of %s is not in %s: X-ANONYMOUSTLS is neither offered nor used",
            organization->server.dn, process->config->tls.certificate_dir);
    process->is_internal_missing = is_missing;
}

void certificate_part_check(struct process *process)
{
    const struct organization *organization = process->admin.organization;
    if (organization)
        check_internal(process, organization);
    struct buffer missing;
    const char *names[NAMES_LOGGED];
    size_t name_count = 0, count = 0;
    buffer_init(&missing, MISSING_MAX);
    for (size_t i = 0; organization && i < organization->receive_count; i++) {
        const struct receive_connector *connector = &organization->receive[i];
        const struct certificate_wish wish = {.certificate_name = connector->tls_certificate_name,
                                              .fqdn = connector->fqdn};
        if (!wants_certificate(connector) || certificate_set_choose(process->certificates, &wish) <
                                                 certificate_set_count(process->certificates))
            continue;
        count++;
        if (name_count < NAMES_LOGGED)
            names[name_count++] = connector->display;
        if (buffer_append_text(&missing, connector->display) || buffer_append_byte(&missing, '\n'))
            break;
    }
    if (count && !bytes_equal(buffer_bytes(&missing), buffer_bytes(&process->missing_certificates))) {
        struct event event;
        event_begin(&event, EVENT_ERROR, "certificate.missing");
        event_text(&event, "message", "no certificate: these connectors do not offer STARTTLS");
        event_text(&event, "directory", process->config->tls.certificate_dir);
        event_texts(&event, "connectors", names, name_count);
        event_number(&event, "connector_count", (int64_t)count);
        event_end(&event, false);
    }
    buffer_done(&process->missing_certificates);
    process->missing_certificates = missing;
}

void certificate_part_stop(struct process *process)
{
    loop_timer_stop(&process->certificate_look);
    certificate_set_unref(process->certificates);
    process->certificates = NULL;
    buffer_done(&process->missing_certificates);
}
