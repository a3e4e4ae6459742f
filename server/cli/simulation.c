#include "cli/simulation.h"

#include "cli/assumed_authenticator.h"
#include "organization/connector_match.h"
#include "queue/spool.h"
#include "smtp_server/session.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum step {
    STEP_GREETING,
    STEP_EHLO,
    STEP_AUTH,
    STEP_MAIL,
    STEP_RCPT,
    STEP_DATA,
    STEP_CONTENT,
    STEP_QUIT,
    STEP_END
};

struct simulation {
    const struct simulation_request *request;
    struct loop *loop;
    struct smtp_service service;
    struct assumed_authenticator authenticator;
    enum sasl_mechanism mechanism; /* of STEP_AUTH */
    struct stream *stream;
    struct loop_timer next; /* says the next line on a turn of its own */
    enum step step;
    size_t recipient; /* STEP_RCPT: which */
    bool is_any_accepted;
    struct buffer sent;  /* the line said last, without its line end */
    struct buffer reply; /* of the step, so far */
    char *why;
    const char *right; /* what was missing at this step, and why */
    char *ace;
    char *send_as;
};

/* -- what to say -- */

/* The path with brackets where the user gave none. */
static enum error append_path(struct buffer *out, const char *verb, const char *path)
{
    return strchr(path, '<') ? buffer_printf(out, "%s:%s", verb, path)
                             : buffer_printf(out, "%s:<%s>", verb, path);
}

static enum error say(struct simulation *simulation, struct buffer *out)
{
    const struct simulation_request *request = simulation->request;
    enum error error;
    switch (simulation->step) {
    case STEP_EHLO:
        return request->helo ? buffer_printf(out, "EHLO %s", request->helo) : buffer_append_text(out, "EHLO");
    case STEP_AUTH:
        return buffer_printf(out, "AUTH %s =", sasl_mechanism_name(simulation->mechanism));
    case STEP_MAIL:
        error = append_path(out, "MAIL FROM", request->from);
        return error || !request->has_size
                   ? error
                   : buffer_printf(out, " SIZE=%llu", (unsigned long long)request->size_bytes);
    case STEP_RCPT:
        return append_path(out, "RCPT TO", request->recipients[simulation->recipient]);
    case STEP_DATA:
        return buffer_append_text(out, "DATA");
    case STEP_CONTENT:
        return buffer_append_text(out, "Subject: explain\r\n\r\nThis is a test message\r\n.");
    case STEP_QUIT:
        return buffer_append_text(out, "QUIT");
    case STEP_GREETING:
    case STEP_END:
        break;
    }
    return OK;
}

/* -- which step follows -- */

static enum step step_after(struct simulation *simulation, bool is_accepted)
{
    const struct simulation_request *request = simulation->request;
    switch (simulation->step) {
    case STEP_GREETING:
        return STEP_EHLO;
    case STEP_EHLO:
        if (request->loaded.account && is_accepted)
            return STEP_AUTH;
        return request->from && is_accepted ? STEP_MAIL : STEP_QUIT;
    case STEP_AUTH:
        return request->from && is_accepted ? STEP_MAIL : STEP_QUIT;
    case STEP_MAIL:
        return is_accepted && request->recipient_count ? STEP_RCPT : STEP_QUIT;
    case STEP_RCPT:
        simulation->is_any_accepted |= is_accepted;
        if (++simulation->recipient < request->recipient_count)
            return STEP_RCPT;
        return simulation->is_any_accepted ? STEP_DATA : STEP_QUIT;
    case STEP_DATA:
        return is_accepted ? STEP_CONTENT : STEP_QUIT;
    case STEP_CONTENT:
        return STEP_QUIT;
    case STEP_QUIT:
    case STEP_END:
        break;
    }
    return STEP_END;
}

/* The first mechanism behind AUTH in the reply to EHLO; PLAIN where there is none, which then is refused with
 * its reason. */
static enum sasl_mechanism first_mechanism(struct bytes reply)
{
    enum sasl_mechanism mechanism = SASL_PLAIN;
    struct bytes line, word;
    while (bytes_next(&reply, '\n', &line)) {
        struct bytes rest = bytes_trim(bytes_skip(line, 4));
        if (bytes_starts_nocase(rest, "AUTH ")) {
            rest = bytes_skip(rest, 5);
            if (bytes_next(&rest, ' ', &word) && !sasl_mechanism_by_name(word, &mechanism))
                mechanism = SASL_PLAIN;
        }
    }
    return mechanism;
}

static const char *terminated(struct buffer *buffer)
{
    return buffer_append_byte(buffer, '\0') ? "" : buffer->ptr;
}

static void forget_reasons(struct simulation *simulation)
{
    free(simulation->why);
    free(simulation->ace);
    free(simulation->send_as);
    simulation->why = simulation->ace = simulation->send_as = NULL;
    simulation->right = NULL;
}

/* The reply is whole: tell it and go on. 421 and a refused greeting end the session from the server's side.
 */
static void finish_step(struct simulation *simulation, int code)
{
    const struct simulation_request *request = simulation->request;
    while (simulation->reply.len && strchr("\r\n", simulation->reply.ptr[simulation->reply.len - 1]))
        simulation->reply.len--;
    if (simulation->step == STEP_EHLO)
        simulation->mechanism = first_mechanism(buffer_bytes(&simulation->reply));
    const struct simulation_step step = {
        .sent = simulation->step == STEP_GREETING ? NULL : terminated(&simulation->sent),
        .reply = terminated(&simulation->reply),
        .why = simulation->why,
        .right = simulation->right,
        .ace = simulation->ace,
        .send_as = simulation->send_as,
    };
    request->on_step(request->owner, &step);
    forget_reasons(simulation);
    buffer_clear(&simulation->reply);
    simulation->step = code == 421 ? STEP_END : step_after(simulation, code < 400);
    loop_timer_start(&simulation->next, 0);
}

/* A reply ends with a line whose code a blank follows. */
static void on_output(void *peer, struct bytes data)
{
    struct simulation *simulation = peer;
    if (simulation->step == STEP_END || buffer_append(&simulation->reply, data))
        return;
    struct bytes reply = buffer_bytes(&simulation->reply), line;
    if (reply.len < 5 || reply.ptr[reply.len - 1] != '\n')
        return;
    int code = 0;
    while (bytes_next(&reply, '\n', &line)) {
        if (line.len >= 4 && line.ptr[3] == ' ')
            code = (line.ptr[0] - '0') * 100 + (line.ptr[1] - '0') * 10 + (line.ptr[2] - '0');
    }
    if (code)
        finish_step(simulation, code);
}

static void on_next(struct loop_timer *timer)
{
    struct simulation *simulation = list_entry(timer, struct simulation, next);
    buffer_clear(&simulation->sent);
    if (simulation->step == STEP_END || say(simulation, &simulation->sent)) {
        smtp_service_abort_all(&simulation->service);
        loop_end(simulation->loop);
        return;
    }
    struct buffer line;
    buffer_init(&line, 1u << 20);
    if (buffer_append(&line, buffer_bytes(&simulation->sent)) == OK &&
        buffer_append_text(&line, "\r\n") == OK)
        stream_memory_feed(simulation->stream, buffer_bytes(&line));
    buffer_done(&line);
}

/* -- trace -- */

static void on_reply(void *owner, const char *sent, const char *reply, const char *why)
{
    struct simulation *simulation = owner;
    (void)sent;
    (void)reply;
    free(simulation->why);
    simulation->why = why ? strdup(why) : NULL;
}

/* A right that is missing refuses the command it was asked for. */
static void on_right(void *owner, enum right right, bool is_granted, const char *why)
{
    struct simulation *simulation = owner;
    if (is_granted)
        return;
    free(simulation->ace);
    simulation->right = right_name(right);
    simulation->ace = strdup(why);
}

static void on_send_as(void *owner, struct bytes sender, bool is_held, const char *why)
{
    struct simulation *simulation = owner;
    struct note text = {0};
    (void)sender;
    note_set(&text, "%s: %s", is_held ? "yes" : "no", why);
    free(simulation->send_as);
    simulation->send_as = strdup(text.text);
}

/* A memory stream has nobody to shake hands with, so TLS is taken as given. */
static bool begins_in_tls(const struct organization *organization, const struct simulation_request *request)
{
    const struct receive_connector *connector =
        connector_match(organization, &request->local, &request->client.address);
    return request->is_tls || (connector && connector->implicit_tls);
}

enum error simulation_run(const struct organization *organization, const struct simulation_request *request)
{
    struct simulation simulation = {.request = request, .loop = loop_new("explain", NULL)};
    struct spool *spool = spool_memory_new(&clock_system);
    const struct smtp_trace trace = {
        .on_right = on_right, .on_send_as = on_send_as, .on_reply = on_reply, .owner = &simulation};
    if (simulation.loop && spool)
        simulation.stream =
            stream_memory_new(simulation.loop, &request->local, &request->client, on_output, &simulation);
    enum error error = simulation.stream ? OK : ERROR_TEMPORARY;
    if (!error) {
        buffer_init(&simulation.sent, 1u << 20);
        buffer_init(&simulation.reply, 1u << 20);
        loop_timer_init(&simulation.next, simulation.loop, on_next);
        smtp_service_init(&simulation.service, simulation.loop, spool, NULL);
        simulation.service.has_no_tarpit = true;
        simulation.service.machine = *request->machine;
        assumed_authenticator_init(&simulation.authenticator, simulation.loop, request->mechanisms,
                                   &request->loaded);
        simulation.service.authenticator = &simulation.authenticator.face;
        simulation.service.assumes_tls = begins_in_tls(organization, request);
        if (request->certificates)
            smtp_service_set_certificates(
                &simulation.service,
                certificate_contexts_new(request->certificates, TLS_PROFILE_MODERN, NULL));
        smtp_service_set_organization(&simulation.service, organization);
        simulation.service.trace = &trace;
        smtp_session_start(&simulation.service, simulation.stream);
        loop_run(simulation.loop);
        smtp_service_set_organization(&simulation.service, NULL);
        smtp_service_set_certificates(&simulation.service, NULL);
        buffer_done(&simulation.sent);
        buffer_done(&simulation.reply);
        forget_reasons(&simulation);
    }
    loop_free(simulation.loop);
    if (spool)
        spool->ops->close(spool);
    return error;
}
