#include "auth/gss_acceptor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void explain(const struct gss_kind *kind, const char *step, OM_uint32 major, OM_uint32 minor,
                    struct note *note)
{
    OM_uint32 ignored, general_more = 0, own_more = 0;
    gss_buffer_desc general = GSS_C_EMPTY_BUFFER, own = GSS_C_EMPTY_BUFFER;
    gss_display_status(&ignored, major, GSS_C_GSS_CODE, GSS_C_NO_OID, &general_more, &general);
    gss_display_status(&ignored, minor, GSS_C_MECH_CODE, kind->mechanisms.elements, &own_more, &own);
    note_set(note, "%s: %s: %.*s: %.*s", kind->label, step, (int)general.length, (const char *)general.value,
             (int)own.length, (const char *)own.value);
    gss_release_buffer(&ignored, &general);
    gss_release_buffer(&ignored, &own);
}

void gss_acceptor_explain(const struct gss_acceptor *acceptor, const char *step, OM_uint32 major,
                          OM_uint32 minor, struct note *note)
{
    explain(acceptor->kind, step, major, minor, note);
}

/* With a name: without one gss-ntlmssp 1.2 loses 32 bytes each time. */
enum error gss_acceptor_acquire(const struct gss_kind *kind, const char *service, gss_cred_id_t *out,
                                struct note *note)
{
    OM_uint32 minor, ignored;
    gss_OID_set_desc wanted = kind->mechanisms;
    gss_buffer_desc text = {strlen(service), (void *)(uintptr_t)service};
    gss_name_t name = GSS_C_NO_NAME;
    OM_uint32 major = gss_import_name(&minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &name);
    if (!GSS_ERROR(major))
        major = gss_acquire_cred(&minor, name, GSS_C_INDEFINITE, &wanted, GSS_C_ACCEPT, out, NULL, NULL);
    gss_release_name(&ignored, &name);
    if (!GSS_ERROR(major) && kind->inner) {
        gss_OID_set_desc inner = *kind->inner;
        major = gss_set_neg_mechs(&minor, *out, &inner);
    }
    if (!GSS_ERROR(major))
        return OK;
    explain(kind, "credentials", major, minor, note);
    gss_release_cred(&ignored, out);
    return ERROR_NOT_FOUND;
}

/* An anonymous logon proves nobody. */
static enum auth_step judge(const struct gss_acceptor *acceptor, struct note *why)
{
    if (acceptor->peer != GSS_C_NO_NAME && !(acceptor->flags & GSS_C_ANON_FLAG))
        return AUTH_STEP_DONE;
    note_set(why, "an anonymous logon");
    return AUTH_STEP_REFUSED;
}

enum auth_step gss_acceptor_step(struct gss_acceptor *acceptor, struct bytes input,
                                 const struct tls_end_point *end_point, struct note *why)
{
    OM_uint32 minor, ignored;
    gss_buffer_desc token = {input.len, (void *)(uintptr_t)input.ptr};
    struct gss_channel_bindings_struct channel = {0};
    if (acceptor->credential == GSS_C_NO_CREDENTIAL &&
        gss_acceptor_acquire(acceptor->kind, acceptor->service, &acceptor->credential, why) != OK)
        return AUTH_STEP_UNAVAILABLE;
    if (end_point)
        channel.application_data = (gss_buffer_desc){end_point->len, (void *)(uintptr_t)end_point->text};
    gss_release_buffer(&ignored, &acceptor->token);
    gss_release_name(&ignored, &acceptor->peer);
    OM_uint32 major =
        gss_accept_sec_context(&minor, &acceptor->context, acceptor->credential, &token,
                               end_point ? &channel : GSS_C_NO_CHANNEL_BINDINGS, &acceptor->peer, NULL,
                               &acceptor->token, &acceptor->flags, NULL, NULL);
    if (GSS_ERROR(major)) {
        explain(acceptor->kind, "refused", major, minor, why);
        return AUTH_STEP_REFUSED;
    }
    return major & GSS_S_CONTINUE_NEEDED ? AUTH_STEP_CHALLENGE : judge(acceptor, why);
}

enum error gss_acceptor_init(struct gss_acceptor *acceptor, const struct gss_kind *kind, const char *service,
                             const char *host)
{
    acceptor->kind = kind;
    acceptor->credential = GSS_C_NO_CREDENTIAL;
    acceptor->context = GSS_C_NO_CONTEXT;
    acceptor->peer = GSS_C_NO_NAME;
    if (asprintf(&acceptor->service, "%s@%s", service, host ? host : "localhost") > 0)
        return OK;
    acceptor->service = NULL;
    return ERROR_TEMPORARY;
}

void gss_acceptor_done(struct gss_acceptor *acceptor)
{
    OM_uint32 minor;
    gss_release_buffer(&minor, &acceptor->token);
    gss_release_name(&minor, &acceptor->peer);
    gss_delete_sec_context(&minor, &acceptor->context, GSS_C_NO_BUFFER);
    gss_release_cred(&minor, &acceptor->credential);
    free(acceptor->service);
}
