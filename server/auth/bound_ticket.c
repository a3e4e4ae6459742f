/* Happy path: ESTABLISHING, with Kerberos alone then FAREWELL (our last token is out, the client has nothing
 * to say to it) and LAYER (it answers that it wants none, and who it is). Failures: the ticket, the channel
 * that it names or does not name (REFUSED), our keytab (UNAVAILABLE), the form (MALFORMED). */
#include "auth/bound_ticket.h"

#include "auth/gss_acceptor.h"
#include "auth/gss_token.h"

#include <gssapi/gssapi_krb5.h>
#include <stdlib.h>
#include <string.h>

#define NO_LAYER   1
#define LAYER_SIZE 4 /* bits, then the largest message as a number of three bytes */

enum ticket_stage { TICKET_ESTABLISHING, TICKET_FAREWELL, TICKET_LAYER };

struct bound_ticket {
    struct conversation face;
    struct gss_acceptor acceptor;
    enum extended_protection protection;
    struct tls_end_point end_point;
    char *host;
    bool has_begun;
    enum ticket_stage stage;
    gss_buffer_desc offer; /* of the layer, wrapped */
    char principal[PRINCIPAL_NAME_SIZE];
};

/* 1.2.840.113554.1.2.2 and 1.3.6.1.5.5.2 */
static gss_OID_desc kerberos = {9, (void *)(uintptr_t) "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
static gss_OID_desc spnego = {6, (void *)(uintptr_t) "\x2b\x06\x01\x05\x05\x02"};
static const gss_OID_set_desc kerberos_alone = {1, &kerberos};
static const struct gss_kind ticket_kind = {.label = "GSSAPI", .mechanisms = {1, &kerberos}};
static const struct gss_kind spnego_kind = {
    .label = "SPNEGO", .mechanisms = {1, &spnego}, .inner = &kerberos_alone};

static enum auth_step refuse(struct bound_ticket *ticket, enum auth_step step, const char *why)
{
    return conversation_refuse(&ticket->face, step, why);
}

static enum auth_step fail(struct bound_ticket *ticket, const char *step, OM_uint32 major, OM_uint32 minor)
{
    gss_acceptor_explain(&ticket->acceptor, step, major, minor, &ticket->face.why);
    return AUTH_STEP_REFUSED;
}

/* requested: the authorization identity, or empty. */
static enum auth_step finish(struct bound_ticket *ticket, struct bytes requested)
{
    OM_uint32 minor;
    gss_buffer_desc name = GSS_C_EMPTY_BUFFER;
    OM_uint32 major = gss_display_name(&minor, ticket->acceptor.peer, &name, NULL);
    if (GSS_ERROR(major))
        return fail(ticket, "name", major, minor);
    struct bytes proven = {name.value, name.length};
    enum auth_step step = bytes_find(proven, '\0') < proven.len || bytes_find(requested, '\0') < requested.len
                              ? refuse(ticket, AUTH_STEP_REFUSED, "a name with a zero byte")
                              : conversation_take_ticket(&ticket->face, proven, requested, ticket->principal);
    gss_release_buffer(&minor, &name);
    return step;
}

static enum auth_step offer_layer(struct bound_ticket *ticket)
{
    OM_uint32 minor;
    char none[LAYER_SIZE] = {NO_LAYER};
    gss_buffer_desc offer = {sizeof none, none};
    OM_uint32 major =
        gss_wrap(&minor, ticket->acceptor.context, 0, GSS_C_QOP_DEFAULT, &offer, NULL, &ticket->offer);
    if (GSS_ERROR(major))
        return fail(ticket, "offer", major, minor);
    ticket->stage = TICKET_LAYER;
    ticket->face.output = (struct bytes){ticket->offer.value, ticket->offer.length};
    return AUTH_STEP_CHALLENGE;
}

static enum auth_step take_layer(struct bound_ticket *ticket, struct bytes input)
{
    OM_uint32 minor;
    gss_buffer_desc wrapped = {input.len, (void *)(uintptr_t)input.ptr}, plain = GSS_C_EMPTY_BUFFER;
    OM_uint32 major = gss_unwrap(&minor, ticket->acceptor.context, &wrapped, &plain, NULL, NULL);
    if (GSS_ERROR(major))
        return fail(ticket, "answer", major, minor);
    struct bytes answer = {plain.value, plain.length};
    enum auth_step step = answer.len < LAYER_SIZE ? refuse(ticket, AUTH_STEP_MALFORMED, "a short answer")
                          : answer.ptr[0] != NO_LAYER
                              ? refuse(ticket, AUTH_STEP_REFUSED, "a security layer that was not offered")
                              : finish(ticket, bytes_skip(answer, LAYER_SIZE));
    gss_release_buffer(&minor, &plain);
    return step;
}

static enum auth_step go_on(struct bound_ticket *ticket)
{
    if (ticket->protection == EXTENDED_PROTECTION_REQUIRE &&
        !(ticket->acceptor.flags & GSS_C_CHANNEL_BOUND_FLAG))
        return refuse(ticket, AUTH_STEP_REFUSED, "the ticket names no channel (ExtendedProtectionPolicy)");
    if (ticket->acceptor.kind == &spnego_kind)
        return finish(ticket, (struct bytes){0});
    if (ticket->face.output.len == 0)
        return offer_layer(ticket);
    ticket->stage = TICKET_FAREWELL;
    return AUTH_STEP_CHALLENGE;
}

static enum auth_step establish(struct bound_ticket *ticket, struct bytes input)
{
    if (!ticket->has_begun) {
        const struct gss_kind *kind = gss_token_is_spnego(input) ? &spnego_kind : &ticket_kind;
        ticket->has_begun = true;
        if (gss_acceptor_init(&ticket->acceptor, kind, ticket->face.means->service, ticket->host) != OK)
            return refuse(ticket, AUTH_STEP_UNAVAILABLE, "no memory");
    }
    enum auth_step step = gss_acceptor_step(&ticket->acceptor, input, &ticket->end_point, &ticket->face.why);
    ticket->face.output = (struct bytes){ticket->acceptor.token.value, ticket->acceptor.token.length};
    return step == AUTH_STEP_DONE ? go_on(ticket) : step;
}

static enum auth_step bound_ticket_step(struct conversation *conversation, bool has_input, struct bytes input)
{
    struct bound_ticket *ticket = (struct bound_ticket *)conversation;
    conversation->output = (struct bytes){0};
    if (!has_input)
        return AUTH_STEP_CHALLENGE;
    switch (ticket->stage) {
    case TICKET_ESTABLISHING:
        return establish(ticket, input);
    case TICKET_FAREWELL:
        return input.len == 0 ? offer_layer(ticket)
                              : refuse(ticket, AUTH_STEP_MALFORMED, "an answer where none is due");
    case TICKET_LAYER:
        return take_layer(ticket, input);
    }
    return AUTH_STEP_MALFORMED;
}

static void bound_ticket_free(struct conversation *conversation)
{
    struct bound_ticket *ticket = (struct bound_ticket *)conversation;
    OM_uint32 minor;
    gss_release_buffer(&minor, &ticket->offer);
    gss_acceptor_done(&ticket->acceptor);
    free(ticket->host);
    free(ticket);
}

struct conversation *bound_ticket_new(const struct conversation_means *means,
                                      const struct auth_exchange *exchange)
{
    static const struct conversation_ops ops = {bound_ticket_step, bound_ticket_free};
    struct bound_ticket *ticket = calloc(1, sizeof *ticket);
    char *host = ticket ? strdup(exchange->host ? exchange->host : "localhost") : NULL;
    if (!host) {
        free(ticket);
        return NULL;
    }
    ticket->face = (struct conversation){.ops = &ops, .means = means};
    ticket->protection = exchange->protection;
    ticket->end_point = exchange->end_point;
    ticket->host = host;
    return &ticket->face;
}
