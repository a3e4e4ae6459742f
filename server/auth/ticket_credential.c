#include "auth/ticket_credential.h"

#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CACHE "MEMORY:dirrelay-hops"

/* 1.3.6.1.5.5.2: the client speaks SPNEGO, and offers Kerberos alone in it. */
static gss_OID_desc spnego = {6, (void *)(uintptr_t) "\x2b\x06\x01\x05\x05\x02"};

static void explain(struct note *note, OM_uint32 major, OM_uint32 minor)
{
    OM_uint32 ignored, more = 0;
    gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
    bool has_own = minor != 0;
    gss_display_status(&ignored, has_own ? minor : major, has_own ? GSS_C_MECH_CODE : GSS_C_GSS_CODE,
                       has_own ? (gss_OID)(uintptr_t)gss_mech_krb5 : GSS_C_NO_OID, &more, &text);
    note_set(note, "%.*s", (int)text.length, (const char *)text.value);
    gss_release_buffer(&ignored, &text);
}

enum error ticket_credential_acquire(const char *keytab, struct gss_cred_id_struct **out, struct note *note)
{
    char file[1024];
    gss_key_value_element_desc elements[] = {{"client_keytab", file}, {"ccache", CACHE}};
    const gss_key_value_set_desc store = {sizeof elements / sizeof elements[0], elements};
    gss_OID_set_desc outer = {1, &spnego}, inner = {1, (gss_OID)(uintptr_t)gss_mech_krb5};
    OM_uint32 minor = 0;
    if (snprintf(file, sizeof file, "FILE:%s", keytab) >= (int)sizeof file) {
        note_set(note, "the name of the keytab is too long");
        return ERROR_TEMPORARY;
    }
    gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
    OM_uint32 major = gss_acquire_cred_from(&minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &outer, GSS_C_INITIATE,
                                            &store, &credential, NULL, NULL);
    if (!GSS_ERROR(major))
        major = gss_set_neg_mechs(&minor, credential, &inner);
    if (GSS_ERROR(major)) {
        explain(note, major, minor);
        ticket_credential_release(credential);
        return ERROR_TEMPORARY;
    }
    *out = credential;
    return OK;
}

void ticket_credential_release(struct gss_cred_id_struct *credential)
{
    OM_uint32 ignored;
    gss_cred_id_t dying = credential;
    if (dying != GSS_C_NO_CREDENTIAL)
        gss_release_cred(&ignored, &dying);
}
