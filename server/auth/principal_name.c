#include "auth/principal_name.h"

#include <gssapi/gssapi_krb5.h>
#include <string.h>

static bool is_type(gss_OID type, gss_OID wanted)
{
    return type && type->length == wanted->length &&
           memcmp(type->elements, wanted->elements, type->length) == 0;
}

static enum error judge(gss_OID type, struct bytes text, enum account_name_kind *out_kind, struct note *note)
{
    if (is_type(type, GSS_C_NT_ANONYMOUS) || text.len == 0) {
        note_set(note, "an anonymous logon");
        return ERROR_DENIED_CREDENTIALS;
    }
    if (text.len >= PRINCIPAL_NAME_SIZE || bytes_find(text, '\0') < text.len) {
        note_set(note, "a principal's name that is too long or holds a zero byte");
        return ERROR_DENIED_CREDENTIALS;
    }
    if (is_type(type, (gss_OID)(uintptr_t)GSS_KRB5_NT_PRINCIPAL_NAME)) {
        *out_kind = ACCOUNT_NAME_KERBEROS;
        return OK;
    }
    if (bytes_find(text, '\\') < text.len) {
        *out_kind = ACCOUNT_NAME_NTLM;
        return OK;
    }
    note_set(note, "%.*s is the name of no Kerberos principal and of no domain's user", BYTES_ARG(text));
    return ERROR_DENIED_CREDENTIALS;
}

enum error principal_name_read(const void *name, enum account_name_kind *out_kind,
                               char out_text[PRINCIPAL_NAME_SIZE], struct note *note)
{
    OM_uint32 minor;
    gss_buffer_desc display = GSS_C_EMPTY_BUFFER;
    gss_OID type = GSS_C_NO_OID;
    if (GSS_ERROR(gss_display_name(&minor, (gss_name_t)(uintptr_t)name, &display, &type))) {
        note_set(note, "a name that can not be shown");
        return ERROR_DENIED_CREDENTIALS;
    }
    struct bytes text = {display.value, display.length};
    enum error error = judge(type, text, out_kind, note);
    if (!error) {
        memcpy(out_text, text.ptr, text.len);
        out_text[text.len] = '\0';
    }
    gss_release_buffer(&minor, &display);
    return error;
}
