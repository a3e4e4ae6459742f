/* The command "status": asks the directory loop, then the delivery loop, then answers on the main loop. */
#include "admin/safe_text.h"
#include "admin/service.h"
#include "base/exit_code.h"
#include "loop/mailbox.h"

#include <stdlib.h>
#include <string.h>

struct status_query {
    struct control_request *request;
    struct admin_service *service;
    struct mail mail;
    struct keeper_status keeper;
    struct delivery_status delivery;
};

/* NULL stays NULL: the member is left out. */
static json_t *text(const char *value)
{
    return value ? safe_text_json(bytes_of_text(value)) : NULL;
}

static json_t *directory_json(const struct status_query *query, int64_t now_ms)
{
    const char *state = query->keeper.is_directory_up ? "up" : query->keeper.is_from_disk ? "saved" : "down";
    int64_t age_s = query->keeper.confirmed_wall_ms ? (now_ms - query->keeper.confirmed_wall_ms) / 1000 : -1;
    return json_pack("{s:s,s:I,s:o*}", "state", state, "age", (json_int_t)age_s, "why",
                     text(query->keeper.is_directory_up ? NULL : query->keeper.directory_why));
}

static json_t *organization_json(const struct organization *organization)
{
    json_t *refused = json_array();
    for (size_t i = 0; organization && i < organization->refused_count; i++) {
        const struct refusal *refusal = &organization->refused[i];
        json_array_append_new(refused, json_pack("{s:o,s:o,s:b}", "dn", text(refusal->dn), "why",
                                                 text(refusal->why), "kept", refusal->is_kept));
    }
    return json_pack("{s:I,s:o,s:o}", "generation", (json_int_t)(organization ? organization->generation : 0),
                     "name", text(organization ? organization->name : ""), "refused", refused);
}

static json_t *connectors_json(const struct admin_service *service)
{
    json_t *array = json_array();
    const struct organization *organization = service->organization;
    for (size_t i = 0; organization && i < organization->receive_count; i++) {
        const struct receive_connector *connector = &organization->receive[i];
        const char *state = connector->refused ? "refused" : connector->is_enabled ? "serving" : "disabled";
        json_t *object =
            json_pack("{s:o,s:s,s:I,s:o*}", "name", text(connector->display), "state", state, "sessions",
                      (json_int_t)connection_limits_count(service->limits, &connector->id), "why",
                      text(connector->refused ? connector->refused : connector->grants_nothing_why));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *queue_status_json(const struct status_query *query)
{
    json_t *oldest = json_null();
    if (query->delivery.oldest_arrived_ms) {
        char shown[CLOCK_RFC3339_SIZE];
        clock_format_rfc3339(query->delivery.oldest_arrived_ms, shown);
        oldest = json_string(shown);
    }
    return json_pack("{s:I,s:o}", "messages", (json_int_t)query->delivery.message_count, "oldest", oldest);
}

static json_t *pressure_json(const struct pressure_gauge *gauges)
{
    json_t *array = json_array();
    for (size_t i = 0; i < PRESSURE_GAUGES; i++) {
        const struct pressure_marks *marks = &gauges[i].marks;
        json_array_append_new(array, json_pack("{s:s,s:s,s:I,s:[I,I,I]}", "resource", gauges[i].resource,
                                               "level", pressure_level_name(gauges[i].level), "value",
                                               (json_int_t)gauges[i].value, "marks", (json_int_t)marks->low,
                                               (json_int_t)marks->medium, (json_int_t)marks->high));
    }
    return array;
}

/* On the main loop again. */
static void on_answers(struct mail *mail)
{
    struct status_query *query = list_entry(mail, struct status_query, mail);
    int64_t now_ms = clock_wall_ms(query->service->clock);
    control_line(query->request, json_pack("{s:s,s:o,s:o,s:o,s:o,s:o}", "version", DIRRELAY_VERSION,
                                           "directory", directory_json(query, now_ms), "organization",
                                           organization_json(query->service->organization), "connectors",
                                           connectors_json(query->service), "queue", queue_status_json(query),
                                           "pressure", pressure_json(query->service->pressure)));
    control_end(query->request, EXIT_DONE, NULL);
    free(query);
}

/* On the delivery loop. */
static void on_delivery(struct mail *mail)
{
    struct status_query *query = list_entry(mail, struct status_query, mail);
    delivery_status(query->service->delivery, &query->delivery);
    query->mail.on_mail = on_answers;
    mailbox_post(control_loop(query->request), &query->mail);
}

/* On the directory loop. */
static void on_directory(struct mail *mail)
{
    struct status_query *query = list_entry(mail, struct status_query, mail);
    keeper_status(query->service->keeper, &query->keeper);
    query->mail.on_mail = on_delivery;
    if (mailbox_post(query->service->delivery_loop, &query->mail))
        return;
    query->mail.on_mail = on_answers; /* delivery has ended: the queue is shown as empty */
    mailbox_post(control_loop(query->request), &query->mail);
}

void status_control_begin(struct control_request *request, void *service)
{
    struct status_query *query = calloc(1, sizeof *query);
    if (!query) {
        control_end(request, EXIT_UNREACHABLE, "no memory");
        return;
    }
    query->request = request;
    query->service = service;
    query->mail.on_mail = on_directory;
    if (mailbox_post(query->service->directory_loop, &query->mail))
        return;
    free(query);
    control_end(request, EXIT_UNREACHABLE, "the server is ending");
}

const struct control_command ADMIN_COMMANDS[] = {
    {"queue", queue_control_begin},
    {"status", status_control_begin},
    {NULL, NULL},
};
